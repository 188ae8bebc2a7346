/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/ondisk/diskdump.h"
#include "lib/compress/compress.h"
#include "lib/ondisk/put.h"
#include "tests/gen/internal.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

enum { LITERAL_MAX = 60, COPY_MAX = 64, COPY_MIN = 4, STRIDE = 8 };

struct writer {
	const struct kd_gen *g;
	const struct kd_gen_diskdump_opts *o;
	int fd;
	struct kd_diskdump_header header;
	struct kd_diskdump_sub_header sub;
	uint8_t *bitmap1, *bitmap2;
	uint64_t bitmap_bytes; /* of one */
	uint64_t desc_at, data_at, zero_at;
	uint64_t n_written;
	struct kd_compressor *compressor[KD_GEN_MIXED];
	uint8_t *page, *packed;
	size_t packed_cap;
};

static const char *const codec_names[KD_GEN_MIXED] = {
	[KD_GEN_RAW] = "none",	    [KD_GEN_ZLIB] = "zlib", [KD_GEN_LZO] = "lzo",
	[KD_GEN_SNAPPY] = "snappy", [KD_GEN_ZSTD] = "zstd",
};

/* ---- Snappy, in the plainest way: repeat what stood 8 bytes before, else literals ---- */

static size_t put_literal(uint8_t *out, const uint8_t *from, size_t len)
{
	size_t n = 0;

	while (len) {
		size_t piece = len < LITERAL_MAX ? len : LITERAL_MAX;
		out[n++] = (uint8_t)((piece - 1) << 2);
		memcpy(out + n, from, piece);
		n += piece;
		from += piece;
		len -= piece;
	}
	return n;
}

static size_t match_at(const uint8_t *page, size_t len, size_t at)
{
	size_t n = 0;

	if (at < STRIDE)
		return 0;
	while (at + n < len && n < COPY_MAX && page[at + n] == page[at + n - STRIDE])
		n++;
	return n;
}

static size_t snappy(uint8_t *out, const uint8_t *page, size_t len)
{
	size_t n = 0, literal_from = 0, at = 0;

	for (size_t left = len;; left >>= 7) {
		out[n++] = (uint8_t)(left < 0x80 ? left : left | 0x80);
		if (left < 0x80)
			break;
	}
	while (at < len) {
		size_t match = match_at(page, len, at);
		if (match < COPY_MIN) {
			at++;
			continue;
		}
		n += put_literal(out + n, page + literal_from, at - literal_from);
		out[n++] = (uint8_t)((match - 1) << 2 | 2);
		out[n++] = STRIDE;
		out[n++] = 0;
		at += match;
		literal_from = at;
	}
	return n + put_literal(out + n, page + literal_from, len - literal_from);
}

/* ---- pages ---- */

static bool in_a_segment(const struct kd_gen *g, uint64_t pfn, bool stored)
{
	uint64_t start = pfn * g->page_bytes, end = start + g->page_bytes;

	for (size_t i = 0; i < g->n_segs; i++) {
		const struct kd_gen_seg *s = &g->segs[i];
		if (s->paddr < end && s->paddr + (stored ? s->filesz : s->memsz) > start)
			return true;
	}
	return false;
}

static uint64_t max_mapnr(const struct kd_gen *g)
{
	uint64_t max = 0;

	for (size_t i = 0; i < g->n_segs; i++) {
		uint64_t end = (g->segs[i].paddr + g->segs[i].memsz + g->page_bytes - 1) /
			       g->page_bytes;
		if (end > max)
			max = end;
	}
	return max;
}

/* The page's stored form: where it is, how long, how packed. */
static size_t pack(struct writer *w, uint64_t pfn, uint32_t *flags_ret)
{
	size_t page_bytes = w->g->page_bytes, n = 0;
	enum kd_gen_codec codec = w->o->codec;

	if (codec == KD_GEN_MIXED)
		codec = (enum kd_gen_codec)(pfn % KD_GEN_MIXED);
	if (codec == KD_GEN_SNAPPY)
		n = snappy(w->packed, w->page, page_bytes);
	else if (codec != KD_GEN_RAW)
		n = kd_compress(w->compressor[codec], w->packed, w->packed_cap, w->page,
				page_bytes);
	if (n == 0 || n >= page_bytes) {
		memcpy(w->packed, w->page, page_bytes);
		*flags_ret = 0;
		return page_bytes;
	}
	*flags_ret = kd_codec_by_name(codec_names[codec])->diskdump_flag;
	return n;
}

static void write_page(struct writer *w, uint64_t pfn)
{
	uint8_t bytes[KD_DISKDUMP_DESC_BYTES];
	struct kd_diskdump_desc desc = { .offset = w->zero_at, .size = w->g->page_bytes };

	if (kd_gen_page(w->g, pfn, w->page)) {
		desc.offset = w->data_at;
		desc.size = (uint32_t)pack(w, pfn, &desc.flags);
		kd_gen_pwrite(w->fd, w->packed, desc.size, w->data_at);
		w->data_at += desc.size;
	}
	if (!w->o->stop_after || w->n_written < w->o->stop_after) {
		kd_diskdump_encode_desc(bytes, &desc);
		kd_gen_pwrite(w->fd, bytes, sizeof(bytes), w->desc_at);
	}
	w->n_written++;
	w->desc_at += KD_DISKDUMP_DESC_BYTES;
}

/* ---- headers ---- */

static void set_bit(uint8_t *bitmap, uint64_t bit)
{
	bitmap[bit / 8] |= (uint8_t)(1u << bit % 8);
}

static bool has_bit(const uint8_t *bitmap, uint64_t bit)
{
	return bitmap[bit / 8] >> bit % 8 & 1;
}

static void make_bitmaps(struct writer *w, uint64_t max)
{
	uint64_t block = w->g->page_bytes;

	w->bitmap_bytes = ((max + 7) / 8 + block - 1) / block * block;
	w->bitmap1 = kd_gen_alloc(1, (size_t)w->bitmap_bytes);
	w->bitmap2 = kd_gen_alloc(1, (size_t)w->bitmap_bytes);
	for (uint64_t pfn = 0; pfn < max; pfn++) {
		if (!in_a_segment(w->g, pfn, false))
			continue;
		set_bit(w->bitmap1, pfn);
		if (in_a_segment(w->g, pfn, true) &&
		    !(w->o->exclude && w->o->exclude(w->o->arg, pfn)))
			set_bit(w->bitmap2, pfn);
	}
}

static void fill_headers(struct writer *w, uint64_t max, const struct kd_buf *notes)
{
	uint32_t block = w->g->page_bytes, version = w->o->version ? w->o->version : 6;
	uint64_t notes_at = block + KD_DISKDUMP_SUB_HEADER_BYTES;
	struct kd_diskdump_header *h = &w->header;
	struct kd_diskdump_sub_header *s = &w->sub;

	h->header_version = version;
	snprintf(h->sysname, sizeof(h->sysname), "Linux");
	snprintf(h->nodename, sizeof(h->nodename), "made-up");
	snprintf(h->release, sizeof(h->release), "6.1.0-test");
	snprintf(h->machine, sizeof(h->machine), "%s",
		 w->g->machine == 62	? "x86_64"
		 : w->g->machine == 183 ? "aarch64"
					: "other");
	h->time_sec = 1700000000;
	h->status = w->o->status;
	h->block_size = block;
	h->bitmap_blocks = (uint32_t)(2 * w->bitmap_bytes / block);
	h->max_mapnr = max < UINT32_MAX ? (uint32_t)max : UINT32_MAX;
	h->nr_cpus = 1;
	s->dump_level = w->o->dump_level;
	s->split = w->o->split;
	s->start_pfn = w->o->start_pfn;
	s->end_pfn = w->o->end_pfn;
	s->max_mapnr = max;
	if (version == 3) {
		s->offset_vmcoreinfo = notes_at;
		s->size_vmcoreinfo = w->g->info.len;
	} else if (version > 3) {
		s->offset_note = notes_at;
		s->size_note = notes->len;
		if (w->g->info.len) {
			/* The text ends the last note, but for padding. */
			s->size_vmcoreinfo = w->g->info.len;
			s->offset_vmcoreinfo = notes_at + notes->len - (w->g->info.len + 3) / 4 * 4;
		}
	}
	h->sub_hdr_size =
		(uint32_t)((KD_DISKDUMP_SUB_HEADER_BYTES + notes->len + block - 1) / block);
}

static void write_headers(struct writer *w, const struct kd_buf *notes)
{
	uint8_t head[KD_DISKDUMP_HEADER_BYTES], sub[KD_DISKDUMP_SUB_HEADER_BYTES];
	uint32_t block = w->g->page_bytes;
	uint64_t bitmaps = (1 + (uint64_t)w->header.sub_hdr_size) * block;

	kd_diskdump_encode_header(head, &w->header);
	kd_put_u32(head + 8, w->header.header_version);
	kd_gen_pwrite(w->fd, head, sizeof(head), 0);
	kd_diskdump_encode_sub_header(sub, &w->sub);
	kd_gen_pwrite(w->fd, sub, sizeof(sub), block);
	if (w->header.header_version == 3)
		kd_gen_pwrite(w->fd, w->g->info.p, w->g->info.len, w->sub.offset_vmcoreinfo);
	else if (w->header.header_version > 3 && notes->len)
		kd_gen_pwrite(w->fd, notes->p, notes->len, w->sub.offset_note);
	kd_gen_pwrite(w->fd, w->bitmap1, (size_t)w->bitmap_bytes, bitmaps);
	kd_gen_pwrite(w->fd, w->bitmap2, (size_t)w->bitmap_bytes, bitmaps + w->bitmap_bytes);
	w->desc_at = bitmaps + 2 * w->bitmap_bytes;
}

static void make_compressors(struct writer *w)
{
	struct kd_err err;

	w->page = kd_gen_alloc(1, w->g->page_bytes);
	w->packed_cap = 2 * (size_t)w->g->page_bytes;
	w->packed = kd_gen_alloc(1, w->packed_cap);
	for (size_t i = 0; i < KD_GEN_MIXED; i++) {
		const struct kd_codec *codec = kd_codec_by_name(codec_names[i]);
		if (codec->compress &&
		    kd_compressor_new(codec, INT_MIN, w->g->page_bytes, &w->compressor[i], &err))
			kd_gen_die("%s", err.msg);
	}
}

static void writer_fini(struct writer *w)
{
	for (size_t i = 0; i < KD_GEN_MIXED; i++)
		kd_compressor_free(w->compressor[i]);
	free(w->page);
	free(w->packed);
	free(w->bitmap1);
	free(w->bitmap2);
}

void kd_gen_diskdump(struct kd_gen *g, int fd, const struct kd_gen_diskdump_opts *opts)
{
	static const struct kd_gen_diskdump_opts none;
	KD_AUTO(writer_fini) struct writer w = { .g = g, .o = opts ? opts : &none, .fd = fd };
	KD_AUTO(kd_buf_fini) struct kd_buf notes = { 0 };
	uint64_t max = max_mapnr(g), first = 0, end = max, stored = 0;

	make_bitmaps(&w, max);
	make_compressors(&w);
	kd_gen_all_notes(g, &notes);
	fill_headers(&w, max, &notes);
	write_headers(&w, &notes);
	if (w.o->split) {
		first = w.o->start_pfn;
		end = w.o->end_pfn < max ? w.o->end_pfn : max;
	}
	for (uint64_t pfn = first; pfn < end; pfn++)
		stored += has_bit(w.bitmap2, pfn);

	/* The zero page comes first, as makedumpfile has it. */
	w.zero_at = w.desc_at + stored * KD_DISKDUMP_DESC_BYTES;
	w.data_at = w.zero_at + g->page_bytes;
	memset(w.page, 0, g->page_bytes);
	kd_gen_pwrite(fd, w.page, g->page_bytes, w.zero_at);
	for (uint64_t pfn = first; pfn < end; pfn++) {
		if (has_bit(w.bitmap2, pfn))
			write_page(&w, pfn);
	}
	if (w.o->truncate && ftruncate(fd, (off_t)w.o->truncate))
		kd_gen_die("cannot cut the dump");
}
