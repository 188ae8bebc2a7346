/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/format/format.h"

#include "lib/ondisk/elf.h"

#include <string.h>

enum { FLAGS_RWX = 7 };

static uint64_t round_up(uint64_t v, uint64_t to)
{
	return (v + to - 1) / to * to;
}

static bool is_kept(const struct kd_format_dump *d, uint64_t pfn)
{
	return pfn < d->max_pfn && d->keep[pfn / 8] >> (pfn % 8) & 1;
}

static unsigned int round_at(struct kd_elf_iter *it, uint64_t paddr)
{
	uint64_t pfn = paddr / it->p->dump.page_size, first;

	if (!it->p->round_of)
		return 0;
	first = pfn - pfn % it->p->block_pages;
	if (!it->knows_block || it->block != first) {
		it->knows_block = true;
		it->block = first;
		it->block_round = it->p->round_of(it->p->round_arg, first);
	}
	return it->block_round;
}

/*
 * From @pos of a segment: how many bytes share one fate, and is it "kept"? What is kept is of one
 * round, too. Bytes of a page that lies in the segment only in part have no bit in the bitmaps:
 * they are kept if they can be.
 */
static uint64_t fate_run(const struct kd_elf_params *p, const struct kd_format_segment *s,
			 uint64_t pos, bool *kept_ret)
{
	uint64_t page = p->dump.page_size;
	uint64_t within = (s->paddr + pos) % page;
	uint64_t n = page - within;

	if (n > s->len_bytes - pos)
		n = s->len_bytes - pos;
	if (within || n < page) {
		*kept_ret = pos + n <= s->stored_bytes;
		return n;
	}

	uint64_t pfn = (s->paddr + pos) / page;
	uint64_t end = (s->paddr + s->len_bytes) / page;
	uint64_t to = pfn + 1;
	*kept_ret = is_kept(&p->dump, pfn);
	if (*kept_ret && p->round_of) {
		uint64_t block_end = pfn - pfn % p->block_pages + p->block_pages;
		end = end < block_end ? end : block_end;
	}
	uint8_t same = *kept_ret ? 0xff : 0;
	while (to < end && is_kept(&p->dump, to) == *kept_ret) {
		/* whole bytes at a time, where they are of one kind */
		if (to % 8 == 0 && end - to >= 8 && to + 8 <= p->dump.max_pfn &&
		    p->dump.keep[to / 8] == same)
			to += 8;
		else
			to++;
	}
	return (to - pfn) * page;
}

/* The kept bytes of @s from here on that are of one round, gaps that are too short included. */
static uint64_t kept_bytes(struct kd_elf_iter *it, const struct kd_format_segment *s,
			   unsigned int *round_ret)
{
	const struct kd_elf_params *p = it->p;
	uint64_t pos = it->pos, end = pos;

	*round_ret = 0;
	for (uint64_t at = pos; at < s->len_bytes;) {
		bool kept;
		uint64_t n = fate_run(p, s, at, &kept);
		if (!kept && n >= (uint64_t)p->gap_pages * p->dump.page_size)
			break;
		unsigned int round = kept ? round_at(it, s->paddr + at) : *round_ret;
		if (end == pos)
			*round_ret = round;
		else if (round != *round_ret)
			break;
		at += n;
		if (kept)
			end = at;
	}
	return end - pos;
}

static uint64_t left_out_bytes(const struct kd_elf_params *p, const struct kd_format_segment *s,
			       uint64_t pos)
{
	uint64_t at = pos;

	while (at < s->len_bytes) {
		bool kept;
		uint64_t n = fate_run(p, s, at, &kept);
		if (kept)
			break;
		at += n;
	}
	return at - pos;
}

void kd_elf_iter_init(struct kd_elf_iter *it, const struct kd_elf_params *p,
		      const struct kd_elf_layout *l)
{
	*it = (struct kd_elf_iter){ .p = p };
	memcpy(it->off, l->data, sizeof(it->off));
}

bool kd_elf_iter_next(struct kd_elf_iter *it, struct kd_elf_piece *ret)
{
	const struct kd_elf_params *p = it->p;

	while (it->segment < p->n_segments && it->pos >= p->segments[it->segment].len_bytes) {
		it->segment++;
		it->pos = 0;
	}
	if (it->segment == p->n_segments)
		return false;

	const struct kd_format_segment *s = &p->segments[it->segment];
	unsigned int round;
	uint64_t filesz = kept_bytes(it, s, &round);
	uint64_t memsz = filesz + left_out_bytes(p, s, it->pos + filesz);
	uint64_t paddr = s->paddr + it->pos;
	/* Offset and address agree within a page, so that a reader can map it. */
	uint64_t off = round_up(it->off[round], p->dump.page_size) + paddr % p->dump.page_size;
	*ret = (struct kd_elf_piece){
		.paddr = paddr,
		.vaddr = s->vaddr ? s->vaddr + it->pos : 0,
		.filesz = filesz,
		.memsz = memsz,
		.off = off,
		.round = round,
	};
	it->pos += memsz;
	if (filesz)
		it->off[round] = off + filesz;
	return true;
}

int kd_elf_plan(const struct kd_elf_params *p, struct kd_elf_layout *ret, struct kd_err *err)
{
	struct kd_elf_layout l = { 0 };
	struct kd_elf_iter it = { .p = p }; /* each round as if it began at 0 */
	struct kd_elf_piece piece;
	uint64_t n = 1;

	while (kd_elf_iter_next(&it, &piece)) {
		n++;
		l.stored_bytes += piece.filesz;
	}
	if (n > UINT32_MAX)
		return kd_fail(err, KD_NOTSUP, "%ju segments are more than an ELF file can have",
			       (uintmax_t)n);
	l.phnum = (uint32_t)n;
	l.phdrs = KD_ELF_EHDR_BYTES;
	uint64_t end = l.phdrs + n * KD_ELF_PHDR_BYTES;
	if (n >= KD_ELF_PN_XNUM) {
		l.shdr = end;
		end += KD_ELF_SHDR_BYTES;
	}
	l.notes = end;
	l.end = end + p->dump.notes_len;
	for (int i = 0; i < KD_ELF_ROUNDS; i++) {
		l.data[i] = i && !it.off[i] ? l.end : round_up(l.end, p->dump.page_size);
		l.end = l.data[i] + it.off[i];
	}
	*ret = l;
	return 0;
}

void kd_elf_encode_first(uint8_t out[64], const struct kd_elf_params *p,
			 const struct kd_elf_layout *l, bool incomplete)
{
	kd_elf_encode_header(out, p->machine, incomplete ? KD_ELF_FLAG_INCOMPLETE : 0, l->phdrs,
			     l->phnum, l->shdr);
}

/* Collects small records into writes of the room's size. */
struct record_writer {
	const struct kd_format_out *out;
	uint8_t *room;
	size_t room_len;
	size_t len;
	uint64_t off;
};

static int flush_records(struct record_writer *w, struct kd_err *err)
{
	int rc = w->len ? w->out->write_at(w->out->arg, w->off, w->room, w->len, err) : 0;

	w->off += w->len;
	w->len = 0;
	return rc;
}

static int put_record(struct record_writer *w, const void *record, size_t len, struct kd_err *err)
{
	int rc = w->len + len > w->room_len ? flush_records(w, err) : 0;

	if (rc)
		return rc;
	memcpy(w->room + w->len, record, len);
	w->len += len;
	return 0;
}

static int put_phdr(struct record_writer *w, const struct kd_elf_phdr *phdr, struct kd_err *err)
{
	uint8_t bytes[KD_ELF_PHDR_BYTES];

	kd_elf_encode_phdr(bytes, phdr);
	return put_record(w, bytes, sizeof(bytes), err);
}

static int put_pieces(struct record_writer *w, const struct kd_elf_params *p,
		      const struct kd_elf_layout *l, struct kd_err *err)
{
	struct kd_elf_iter it;
	struct kd_elf_piece piece;
	int rc = 0;

	kd_elf_iter_init(&it, p, l);
	while (!rc && kd_elf_iter_next(&it, &piece)) {
		const struct kd_elf_phdr phdr = {
			.type = KD_ELF_PT_LOAD,
			.flags = FLAGS_RWX,
			.offset = piece.off,
			.vaddr = piece.vaddr,
			.paddr = piece.paddr,
			.filesz = piece.filesz,
			.memsz = piece.memsz,
		};
		rc = put_phdr(w, &phdr, err);
	}
	return rc;
}

int kd_elf_write_head(const struct kd_elf_params *p, const struct kd_elf_layout *l, bool incomplete,
		      uint8_t *room, size_t room_len, const struct kd_format_out *out,
		      struct kd_err *err)
{
	uint8_t first[KD_ELF_EHDR_BYTES], shdr[KD_ELF_SHDR_BYTES];
	struct record_writer w = {
		.out = out, .room = room, .room_len = room_len, .off = l->phdrs
	};
	const struct kd_elf_phdr note = {
		.type = KD_ELF_PT_NOTE,
		.offset = l->notes,
		.filesz = p->dump.notes_len,
		.memsz = p->dump.notes_len,
	};

	kd_elf_encode_first(first, p, l, incomplete);
	int rc = out->write_at(out->arg, 0, first, sizeof(first), err);
	if (!rc)
		rc = put_phdr(&w, &note, err);
	if (!rc)
		rc = put_pieces(&w, p, l, err);
	if (!rc && l->shdr) {
		kd_elf_encode_xnum(shdr, l->phnum);
		rc = put_record(&w, shdr, sizeof(shdr), err);
	}
	if (!rc)
		rc = flush_records(&w, err);
	if (!rc && p->dump.notes_len)
		rc = out->write_at(out->arg, l->notes, p->dump.notes, p->dump.notes_len, err);
	return rc;
}
