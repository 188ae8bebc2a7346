/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writing an ELF file: every byte has its place from the start, those that matter most first; long
 * runs of zeros become holes.
 */
#include "lib/dump/internal.h"

#include <string.h>

enum { GAP_PAGES = 256 /* as makedumpfile: shorter gaps are filled in */ };

/*
 * Filling gaps in means to read pages that were to be left out. Not where that can stop the
 * machine (hwpoison), gives nothing (offline), or where this dump does not have them.
 */
static uint32_t gap_pages(const struct kd_filter_result *f)
{
	bool safe = f->n_absent == 0 && f->excluded[KD_CLASS_HWPOISON] == 0 &&
		    f->excluded[KD_CLASS_OFFLINE] == 0 && f->excluded[KD_CLASS_UNACCEPTED] == 0;

	return safe ? GAP_PAGES : 1;
}

static unsigned int round_of(const void *arg, uint64_t pfn)
{
	const struct kd_engine *e = arg;

	return kd_page_round_of_block(&e->kept, pfn, e->block_pages);
}

static int begin(struct kd_engine *e, struct kd_err *err)
{
	_Static_assert((int)KD_N_ROUNDS == (int)KD_ELF_ROUNDS, "each has its place in the file");
	bool again = e->sink->rewritable;

	e->elf.gap_pages = gap_pages(&e->kept);
	e->elf.round_of = e->order == KD_WALK_BLOCKS ? round_of : NULL;
	e->elf.round_arg = e;
	e->elf.block_pages = e->block_pages;
	int rc = kd_elf_plan(&e->elf, &e->elf_layout, err);
	if (rc)
		return rc;
	e->total_bytes = e->elf_layout.stored_bytes;
	e->elf_pos = e->elf_layout.data[0];
	e->synced_pos = e->elf_pos;
	if (e->hash)
		kd_sink_hash_stream_from(e->hash, e->elf_pos);
	kd_elf_iter_init(&e->elf_iter, &e->elf, &e->elf_layout);
	rc = kd_sink_zero(e->sink, 0, e->elf_pos, err);
	if (rc)
		return rc;
	return kd_elf_write_head(&e->elf, &e->elf_layout, again || e->result->input_incomplete,
				 e->block, e->page_size, &e->out, err);
}

/* In the order of the file. */
static bool next_piece(struct kd_engine *e, struct kd_elf_piece *ret)
{
	struct kd_elf_piece piece;

	do {
		while (!kd_elf_iter_next(&e->elf_iter, &piece)) {
			if (!e->elf.round_of || e->round + 1 == KD_N_ROUNDS)
				return false;
			e->round++;
			kd_elf_iter_init(&e->elf_iter, &e->elf, &e->elf_layout);
		}
	} while (piece.filesz == 0 || piece.round != e->round);
	*ret = piece;
	return true;
}

static bool next(struct kd_engine *e, struct kd_slot *s)
{
	struct kd_elf_piece *piece = &e->elf_piece;

	if (piece->filesz == 0 && !next_piece(e, piece))
		return false;
	/* One page less than the slot has items for: the piece may begin and end inside one. */
	uint64_t most = (uint64_t)(e->extent_pages - 1) * e->page_size;
	s->len = (size_t)(piece->filesz < most ? piece->filesz : most);
	s->paddr = piece->paddr;
	s->round = piece->round;
	s->off = piece->off;
	piece->paddr += s->len;
	piece->off += s->len;
	piece->filesz -= s->len;
	return true;
}

/* A hole for an extent of zeros; smaller ones would make many small writes. */
static int write_extent(struct kd_engine *e, struct kd_slot *s, struct kd_err *err)
{
	size_t zeros = 0, data = 0;
	/* Between two pieces, up to a page. */
	int rc = kd_sink_zero(e->sink, e->elf_pos, s->off - e->elf_pos, err);

	for (size_t i = 0; i < s->n; i++) {
		const struct kd_item *item = &s->items[i];
		if (item->kind == KD_ITEM_BAD)
			kd_engine_note_bad(e, item->pfn, &s->bad);
		zeros += item->kind == KD_ITEM_ZERO;
		data += item->kind == KD_ITEM_DATA;
	}
	if (!rc && (zeros < s->n || !e->sink->blank))
		rc = kd_outbuf_put(&e->outbuf, s->off, s->buf, s->len, err);
	if (rc)
		return rc;
	e->elf_pos = s->off + s->len;
	e->result->pages += s->n;
	e->result->late_pages += s->round == KD_ROUND_LATE ? s->n : 0;
	e->result->zero_pages += zeros;
	e->result->raw_pages += data;
	return kd_engine_after_extent(e, s->len, s->off + s->len, err);
}

static int checkpoint(struct kd_engine *e, struct kd_err *err)
{
	return kd_outbuf_flush(&e->outbuf, err);
}

/*
 * The pages in the first @size bytes of the file, each once: the kernel image may be there twice,
 * and gaps were filled in.
 */
static void count_pages(struct kd_engine *e, uint64_t size)
{
	struct kd_dump_result *r = e->result;
	uint64_t page = e->page_size, seen = 0; /* frames below are counted, if they are there */
	struct kd_elf_iter it;
	struct kd_elf_piece piece;

	r->pages = r->late_pages = 0;
	kd_elf_iter_init(&it, &e->elf, &e->elf_layout);
	while (kd_elf_iter_next(&it, &piece)) {
		uint64_t there = piece.off < size ? size - piece.off : 0;
		uint64_t pfn = piece.paddr / page, end = (piece.paddr + there) / page;
		if (there >= piece.filesz)
			end = (piece.paddr + piece.filesz + page - 1) / page;
		uint64_t n = kd_kept_pages(&e->kept, pfn > seen ? pfn : seen, end);
		r->pages += n;
		r->late_pages += piece.round == KD_ROUND_LATE ? n : 0;
		end = (piece.paddr + piece.memsz + page - 1) / page;
		seen = end > seen ? end : seen;
	}
}

/* A hole at the end would leave the file too short. */
static int end(struct kd_engine *e, struct kd_err *err)
{
	static const uint8_t nothing[1];
	uint64_t size = e->elf_layout.end;
	int rc = kd_outbuf_flush(&e->outbuf, err);

	if (!rc && size > e->elf_layout.data[0] && e->outbuf.flushed_end < size)
		rc = e->out.write_at(e, size - 1, nothing, 1, err);
	if (rc)
		return rc;
	e->result->file_bytes = size;
	count_pages(e, size);
	e->result->pages = e->kept.n_keep; /* a page may stand in two halves in two segments */
	return 0;
}

/* What went into the buffer and no farther is lost, and so are holes behind it. */
static void salvage(struct kd_engine *e)
{
	if (e->result->file_bytes) /* after its end: only a sync or the hashes failed */
		return;
	e->result->file_bytes = e->outbuf.flushed_end;
	count_pages(e, e->result->file_bytes);
}

static size_t first(struct kd_engine *e, bool incomplete)
{
	enum { EHDR_BYTES = 64 };

	kd_elf_encode_first(e->block, &e->elf, &e->elf_layout, incomplete);
	return EHDR_BYTES;
}

const struct kd_engine_format kd_engine_elf = {
	.pipeline = { .next = next, .work = kd_worker_copy, .write = write_extent },
	.begin = begin,
	.checkpoint = checkpoint,
	.end = end,
	.salvage = salvage,
	.first = first,
};
