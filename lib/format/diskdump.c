/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/format/format.h"

#include <string.h>

enum {
	VERSION = 6,
	BITMAP_CHUNK_BYTES = 64 << 10, /* smaller holes are not worth a separate write */
};

static uint64_t round_up(uint64_t v, uint64_t to)
{
	return (v + to - 1) / to * to;
}

int kd_diskdump_plan(const struct kd_diskdump_params *p, struct kd_diskdump_layout *ret,
		     struct kd_err *err)
{
	const struct kd_format_dump *d = &p->dump;
	uint64_t block = d->page_size;
	uint64_t sub_blocks = (KD_DISKDUMP_SUB_HEADER_BYTES + d->notes_len + block - 1) / block;
	uint64_t bitmap_len = round_up((d->max_pfn + 7) / 8, block);
	uint64_t bitmap_blocks = 2 * bitmap_len / block;
	struct kd_diskdump_layout l = { .header = p->header };

	/* sub_hdr_size and bitmap_blocks are 32 bits, and readers take them for signed. */
	if (sub_blocks > INT32_MAX || bitmap_blocks > INT32_MAX)
		return kd_fail(err, KD_NOTSUP,
			       "a diskdump cannot describe memory up to page frame 0x%jx with %zu "
			       "bytes of notes: its headers would be too large",
			       (uintmax_t)d->max_pfn, d->notes_len);
	l.header.big_endian = false;
	l.header.header_version = VERSION;
	l.header.block_size = d->page_size;
	l.header.sub_hdr_size = (uint32_t)sub_blocks;
	l.header.bitmap_blocks = (uint32_t)bitmap_blocks;
	l.header.max_mapnr = d->max_pfn < UINT32_MAX ? (uint32_t)d->max_pfn : UINT32_MAX;
	l.header.status &= KD_DISKDUMP_CODECS;
	l.notes = block + KD_DISKDUMP_SUB_HEADER_BYTES;
	l.bitmap1 = (1 + sub_blocks) * block;
	l.bitmap2 = l.bitmap1 + bitmap_len;
	l.descs = l.bitmap2 + bitmap_len;
	l.data = round_up(l.descs + d->n_keep * KD_DISKDUMP_DESC_BYTES, block);
	*ret = l;
	return 0;
}

void kd_diskdump_encode_first_block(uint8_t *out, const struct kd_diskdump_layout *l,
				    bool incomplete)
{
	struct kd_diskdump_header h = l->header;

	if (incomplete)
		h.status |= KD_DISKDUMP_INCOMPLETE;
	memset(out, 0, h.block_size);
	kd_diskdump_encode_header(out, &h);
}

static bool is_zero(const uint8_t *p, size_t len)
{
	return len == 0 || (p[0] == 0 && memcmp(p, p + 1, len - 1) == 0);
}

/* May the bitmaps have a bit in bytes [pos, end)? @range goes on from call to call. */
static bool may_hold(const struct kd_format_dump *d, size_t *range, uint64_t pos, uint64_t end)
{
	if (!d->ranges)
		return true;
	while (*range < d->n_ranges && d->ranges[*range].end <= pos * 8)
		++*range;
	return *range < d->n_ranges && d->ranges[*range].pfn < end * 8;
}

/* Neighbouring pieces that hold something go out in one write. */
static int write_bitmap(const struct kd_format_dump *d, const uint8_t *bits, uint64_t off,
			const struct kd_format_out *out, struct kd_err *err)
{
	size_t len = (size_t)((d->max_pfn + 7) / 8), start = 0, range = 0;

	for (size_t pos = 0; pos < len;) {
		size_t n = len - pos < BITMAP_CHUNK_BYTES ? len - pos : BITMAP_CHUNK_BYTES;
		bool hole = !may_hold(d, &range, pos, pos + n) || is_zero(bits + pos, n);
		if (hole && pos > start) {
			int rc = out->write_at(out->arg, off + start, bits + start, pos - start,
					       err);
			if (rc)
				return rc;
		}
		pos += n;
		if (hole)
			start = pos;
	}
	return len > start ? out->write_at(out->arg, off + start, bits + start, len - start, err)
			   : 0;
}

/* The block with the sub header ends in the first bytes of the notes. */
static int write_sub_header(const struct kd_diskdump_params *p, const struct kd_diskdump_layout *l,
			    uint8_t *block, const struct kd_format_out *out, struct kd_err *err)
{
	const struct kd_format_dump *d = &p->dump;
	struct kd_diskdump_sub_header s = {
		.phys_base = p->phys_base,
		.dump_level = p->level,
		.end_pfn = d->max_pfn,
		.offset_note = d->notes_len ? l->notes : 0,
		.size_note = d->notes_len,
		.offset_vmcoreinfo = p->vmcoreinfo_len ? l->notes + p->vmcoreinfo_off : 0,
		.size_vmcoreinfo = p->vmcoreinfo_len,
		.max_mapnr = d->max_pfn,
	};
	size_t head = d->page_size - KD_DISKDUMP_SUB_HEADER_BYTES;
	if (head > d->notes_len)
		head = d->notes_len;

	memset(block, 0, d->page_size);
	kd_diskdump_encode_sub_header(block, &s);
	if (head)
		memcpy(block + KD_DISKDUMP_SUB_HEADER_BYTES, d->notes, head);
	int rc = out->write_at(out->arg, d->page_size, block, d->page_size, err);
	if (!rc && d->notes_len > head)
		rc = out->write_at(out->arg, l->notes + head, d->notes + head, d->notes_len - head,
				   err);
	return rc;
}

int kd_diskdump_write_head(const struct kd_diskdump_params *p, const struct kd_diskdump_layout *l,
			   bool incomplete, uint8_t *block, const struct kd_format_out *out,
			   struct kd_err *err)
{
	const struct kd_format_dump *d = &p->dump;

	kd_diskdump_encode_first_block(block, l, incomplete);
	int rc = out->write_at(out->arg, 0, block, d->page_size, err);
	if (!rc)
		rc = write_sub_header(p, l, block, out, err);
	if (!rc)
		rc = write_bitmap(d, d->exists, l->bitmap1, out, err);
	if (!rc)
		rc = write_bitmap(d, d->keep, l->bitmap2, out, err);
	return rc;
}

/* ---- descriptors ---- */

static uint64_t window_end(const struct kd_desc_table *t)
{
	return t->n - t->first < KD_DESC_WINDOW ? t->n : t->first + KD_DESC_WINDOW;
}

static uint8_t *desc_at(const struct kd_desc_table *t, uint64_t ordinal)
{
	return t->window + (ordinal - t->first) * KD_DISKDUMP_DESC_BYTES;
}

void kd_desc_table_init(struct kd_desc_table *t, uint8_t *window, uint64_t table, uint64_t n,
			bool by_windows)
{
	*t = (struct kd_desc_table){
		.window = window, .table = table, .n = n, .by_windows = by_windows
	};
	memset(window, 0, KD_DESC_WINDOW_BYTES);
}

bool kd_desc_table_holds(const struct kd_desc_table *t, uint64_t ordinal)
{
	return ordinal >= t->first && ordinal < window_end(t);
}

void kd_desc_table_set(struct kd_desc_table *t, uint64_t ordinal,
		       const struct kd_diskdump_desc *desc)
{
	kd_diskdump_encode_desc(desc_at(t, ordinal), desc);
	t->next = ordinal + 1;
}

static int write_descs(const struct kd_desc_table *t, uint64_t from, uint64_t to,
		       const struct kd_format_out *out, struct kd_err *err)
{
	return out->write_at(out->arg, t->table + from * KD_DISKDUMP_DESC_BYTES, desc_at(t, from),
			     (size_t)(to - from) * KD_DISKDUMP_DESC_BYTES, err);
}

static bool is_set(const struct kd_desc_table *t, uint64_t ordinal)
{
	struct kd_diskdump_desc d;

	kd_diskdump_decode_desc(desc_at(t, ordinal), false, &d);
	return d.offset != 0;
}

/* The next neighbours that were set, from @from on; where they begin and end. */
static void find_run(const struct kd_desc_table *t, uint64_t *from, uint64_t *to)
{
	while (*from < t->next && !is_set(t, *from))
		++*from;
	*to = *from;
	while (*to < t->next && is_set(t, *to))
		++*to;
}

int kd_desc_table_flush(struct kd_desc_table *t, const struct kd_format_out *out,
			struct kd_err *err)
{
	while (t->written_to < t->next) {
		uint64_t from = t->written_to, to = t->next;
		int rc = 0;

		if (t->by_windows) {
			rc = write_descs(t, t->first, window_end(t), out, err);
		} else {
			find_run(t, &from, &to);
			rc = from < to ? write_descs(t, from, to, out, err) : 0;
		}
		if (rc)
			return rc;
		t->written_to = to;
	}
	return 0;
}

int kd_desc_table_move(struct kd_desc_table *t, uint64_t ordinal, const struct kd_format_out *out,
		       struct kd_err *err)
{
	t->first = ordinal - ordinal % KD_DESC_WINDOW;
	t->next = t->first;
	t->written_to = t->first;
	memset(t->window, 0, KD_DESC_WINDOW_BYTES);
	if (!t->rewound || !t->by_windows)
		return 0;
	return out->read_at(out->arg, t->table + t->first * KD_DISKDUMP_DESC_BYTES, t->window,
			    (size_t)(window_end(t) - t->first) * KD_DISKDUMP_DESC_BYTES, err);
}

int kd_desc_table_rewind(struct kd_desc_table *t, const struct kd_format_out *out,
			 struct kd_err *err)
{
	t->rewound = true;
	return kd_desc_table_move(t, 0, out, err);
}

uint64_t kd_desc_table_drop_beyond(struct kd_desc_table *t, uint64_t end)
{
	uint64_t dropped = 0;

	for (uint64_t i = t->written_to; i < t->next; i++) {
		struct kd_diskdump_desc d;
		kd_diskdump_decode_desc(desc_at(t, i), false, &d);
		if (d.offset == 0 || d.offset + d.size <= end)
			continue;
		memset(desc_at(t, i), 0, KD_DISKDUMP_DESC_BYTES);
		dropped++;
	}
	return dropped;
}
