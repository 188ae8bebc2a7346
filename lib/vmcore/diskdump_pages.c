/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pages out of a diskdump: frame -> bit -> descriptor -> bytes. A window decodes
 * as many pages in a row as it is asked for; bitmap, descriptors and data are
 * each read in pieces, as neighbours in memory are mostly neighbours in the file.
 */
#include "lib/compress/compress.h"
#include "lib/vmcore/diskdump.h"

#include <stdlib.h>
#include <string.h>

enum {
	DESCS_AT_ONCE = 256,
	DATA_AT_ONCE = 256 << 10,
	DISK_PAGE_BYTES = 4096, /* what an error of the disk costs at least */
	NO_PIECE = -1,
};

/* What was read last of one of the bitmaps. */
struct piece {
	int64_t number;
	uint8_t bytes[KD_DD_PIECE_BYTES];
};

struct window {
	struct kd_decompressor *codec;
	struct piece bitmap1, bitmap2;

	/* The frame whose place in the descriptor table was last asked for. */
	uint64_t last_pfn, last_index;
	bool has_last;

	/* A run of descriptors. */
	const struct kd_dd_part *desc_part;
	uint64_t desc_first;
	size_t n_descs;
	uint8_t descs[DESCS_AT_ONCE * KD_DISKDUMP_DESC_BYTES];

	/* A piece of the data, read ahead. */
	const struct kd_dd_part *data_part;
	uint64_t data_off;
	size_t data_len;
	uint8_t *data; /* DATA_AT_ONCE */
	/* Reading ahead from here failed: up to DATA_AT_ONCE farther only what is asked for is read. */
	const struct kd_dd_part *careful_part;
	uint64_t careful_off;

	/* One page's data from elsewhere: the zero page that many frames share. */
	const struct kd_dd_part *stray_part;
	uint64_t stray_off;
	size_t stray_len;
	uint8_t *stray; /* a page */
};

size_t kd_diskdump_window_bytes(const struct kd_vmcore *core, size_t read_bytes)
{
	return read_bytes + sizeof(struct window) + DATA_AT_ONCE + core->page_size +
	       KD_DECOMPRESSOR_BYTES;
}

static int window_init(struct kd_vmcore_window *w, struct kd_err *err)
{
	struct window *d = calloc(1, sizeof(*d));

	w->private = d;
	w->buf = malloc(w->read_bytes);
	if (d) {
		d->data = malloc(DATA_AT_ONCE);
		d->stray = malloc(w->core->page_size);
		d->bitmap1.number = d->bitmap2.number = NO_PIECE;
	}
	if (!d || !w->buf || !d->data || !d->stray)
		return kd_fail(err, KD_NOMEM, "%s: no memory for a window of %zu bytes",
			       w->core->name, w->read_bytes);
	return kd_decompressor_new(&d->codec, err);
}

static void window_fini(struct kd_vmcore_window *w)
{
	struct window *d = w->private;

	free(w->buf);
	if (!d)
		return;
	kd_decompressor_free(d->codec);
	free(d->data);
	free(d->stray);
	free(d);
}

/* ---- bits ---- */

/* The piece of a bitmap that has the bit of @pfn. All parts have the same bitmaps. */
static int load_piece(struct kd_vmcore_window *w, struct piece *piece, uint64_t bitmap_off,
		      uint64_t pfn, struct kd_err *err)
{
	int64_t number = (int64_t)(pfn / KD_DD_PIECE_BITS);
	const struct kd_file *f = w->core->diskdump->parts[0].file;

	if (piece->number == number)
		return 0;
	piece->number = NO_PIECE;
	memset(piece->bytes, 0, sizeof(piece->bytes));
	ssize_t got = kd_file_read_some(f, bitmap_off + (uint64_t)number * KD_DD_PIECE_BYTES,
					piece->bytes, sizeof(piece->bytes), err);
	if (got < 0)
		return (int)got;
	piece->number = number;
	return 0;
}

static bool bit_of(const struct piece *piece, uint64_t pfn)
{
	uint64_t bit = pfn % KD_DD_PIECE_BITS;

	return piece->bytes[bit / 8] >> (bit % 8) & 1;
}

static int load_pieces(struct kd_vmcore_window *w, uint64_t pfn, struct kd_err *err)
{
	struct window *d = w->private;
	const struct kd_dd_part *first = &w->core->diskdump->parts[0];
	int rc = load_piece(w, &d->bitmap1, first->bitmap1_off, pfn, err);

	return rc ? rc : load_piece(w, &d->bitmap2, first->bitmap2_off, pfn, err);
}

static enum kd_vmcore_page bit_state(const struct window *d, uint64_t pfn)
{
	/* Stored but not there cannot be: the first bitmap is believed. */
	if (!bit_of(&d->bitmap1, pfn))
		return KD_PAGE_NONE;
	return bit_of(&d->bitmap2, pfn) ? KD_PAGE_STORED : KD_PAGE_EXCLUDED;
}

/* ---- descriptors ---- */

static const struct kd_dd_part *part_of(const struct kd_diskdump *dd, uint64_t pfn)
{
	for (size_t i = 0; i < dd->n_parts; i++) {
		if (pfn >= dd->parts[i].start_pfn && pfn < dd->parts[i].end_pfn)
			return &dd->parts[i];
	}
	return NULL;
}

/* How many pages before @pfn the part stores; the piece of the second bitmap is loaded. */
static uint64_t index_of(struct window *d, const struct kd_dd_part *p, uint64_t pfn)
{
	uint64_t first_piece = p->start_pfn / KD_DD_PIECE_BITS;
	uint64_t piece = pfn / KD_DD_PIECE_BITS;
	uint64_t from = piece * KD_DD_PIECE_BITS;

	if (from < p->start_pfn)
		from = p->start_pfn;
	if (d->has_last && d->last_pfn + 1 == pfn && d->last_pfn >= from) {
		d->last_index += bit_of(&d->bitmap2, d->last_pfn);
	} else {
		uint64_t n = p->rank[piece - first_piece];
		while (from < pfn && from % 64)
			n += bit_of(&d->bitmap2, from++);
		for (; from + 64 <= pfn; from += 64) {
			uint64_t word;
			memcpy(&word, d->bitmap2.bytes + from % KD_DD_PIECE_BITS / 8, sizeof(word));
			n += (uint64_t)__builtin_popcountll(word);
		}
		while (from < pfn)
			n += bit_of(&d->bitmap2, from++);
		d->last_index = n;
	}
	d->last_pfn = pfn;
	d->has_last = true;
	return d->last_index;
}

/* Of the descriptor that lies across @end only the first bytes were written. (Inside of a stream
 * chunks end with whole descriptors, makedumpfile's too.) */
static void forget_half(struct window *d, size_t end)
{
	size_t half = end % KD_DISKDUMP_DESC_BYTES;

	if (half)
		memset(d->descs + end - half, 0, KD_DISKDUMP_DESC_BYTES);
}

/*
 * Reads @want bytes of descriptors, or only the first one; what cannot be read is taken for never
 * written, as nothing tells where those pages are, and goes as far as a page of the disk.
 */
static size_t read_descs(struct window *d, const struct kd_dd_part *p, uint64_t off, size_t want)
{
	struct kd_err why = { 0 };
	ssize_t got = kd_file_read_some(p->file, off, d->descs, want, &why);

	if (got >= 0) {
		forget_half(d, (size_t)got);
		if (p->file->cut && p->file->cut_at > off && p->file->cut_at - off < want)
			forget_half(d, (size_t)(p->file->cut_at - off));
		return want;
	}
	memset(d->descs, 0, want);
	got = kd_file_read_some(p->file, off, d->descs, KD_DISKDUMP_DESC_BYTES, &why);
	if (got == KD_DISKDUMP_DESC_BYTES)
		return KD_DISKDUMP_DESC_BYTES;
	memset(d->descs, 0, KD_DISKDUMP_DESC_BYTES);
	size_t bad = DISK_PAGE_BYTES - (size_t)(off % DISK_PAGE_BYTES);
	bad -= bad % KD_DISKDUMP_DESC_BYTES;
	if (bad > want)
		bad = want;
	return bad ? bad : KD_DISKDUMP_DESC_BYTES;
}

/* A descriptor behind the end of a file cut short is one of zeros: never written. */
static void load_desc(struct window *d, const struct kd_dd_part *p, uint64_t index,
		      struct kd_diskdump_desc *ret)
{
	if (d->desc_part != p || index < d->desc_first || index - d->desc_first >= d->n_descs) {
		uint64_t n = p->n_stored - index;
		if (n > DESCS_AT_ONCE)
			n = DESCS_AT_ONCE;
		memset(d->descs, 0, sizeof(d->descs));
		size_t got = read_descs(d, p, p->desc_off + index * KD_DISKDUMP_DESC_BYTES,
					(size_t)n * KD_DISKDUMP_DESC_BYTES);
		d->desc_part = p;
		d->desc_first = index;
		d->n_descs = got / KD_DISKDUMP_DESC_BYTES;
	}
	kd_diskdump_decode_desc(d->descs + (index - d->desc_first) * KD_DISKDUMP_DESC_BYTES,
				p->header.big_endian, ret);
}

/*
 * State of one frame; with KD_PAGE_STORED also where it is. The pieces of both
 * bitmaps are loaded on the way.
 */
static int find_page(struct kd_vmcore_window *w, uint64_t pfn, const struct kd_dd_part **part_ret,
		     struct kd_diskdump_desc *desc_ret, struct kd_err *err)
{
	const struct kd_diskdump *dd = w->core->diskdump;
	struct window *d = w->private;

	if (pfn >= dd->max_mapnr)
		return KD_PAGE_NONE;
	int rc = load_pieces(w, pfn, err);
	if (rc)
		return rc;
	enum kd_vmcore_page state = bit_state(d, pfn);
	if (state != KD_PAGE_STORED)
		return state;

	const struct kd_dd_part *p = part_of(dd, pfn);
	if (!p)
		return KD_PAGE_LOST; /* in a part that was not given */
	load_desc(d, p, index_of(d, p, pfn), desc_ret);
	*part_ret = p;
	return kd_dd_is_lost(p, desc_ret) ? KD_PAGE_LOST : KD_PAGE_STORED;
}

/* How many frames from @pfn on lie in no segment, which are the runs of the first bitmap. */
static uint64_t frames_without_memory(const struct kd_vmcore *core, uint64_t pfn)
{
	size_t low = 0, high = core->n_segments;

	/* The first segment that ends behind pfn. */
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct kd_vmcore_segment *s = &core->segments[mid];
		if ((s->paddr + s->len_bytes) / core->page_size <= pfn)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == core->n_segments)
		return UINT64_MAX - pfn ? UINT64_MAX - pfn : 1;
	uint64_t start = core->segments[low].paddr / core->page_size;
	return start > pfn ? start - pfn : 0;
}

static int page_run(struct kd_vmcore_window *w, uint64_t pfn, uint64_t *n_ret, struct kd_err *err)
{
	const struct kd_diskdump *dd = w->core->diskdump;
	struct window *d = w->private;
	const struct kd_dd_part *part;
	struct kd_diskdump_desc desc;

	*n_ret = frames_without_memory(w->core, pfn);
	if (*n_ret)
		return KD_PAGE_NONE;
	int state = find_page(w, pfn, &part, &desc, err);
	if (state < 0)
		return state;

	uint64_t end = (pfn / KD_DD_PIECE_BITS + 1) * KD_DD_PIECE_BITS, at = pfn + 1;
	if (end > dd->max_mapnr)
		end = dd->max_mapnr;
	for (; at < end; at++) {
		/* The descriptors are looked at too: a file cut short does not always say so. */
		int next = bit_state(d, at);
		if (next == KD_PAGE_STORED)
			next = find_page(w, at, &part, &desc, err);
		if (next != state)
			break;
	}
	*n_ret = at - pfn;
	return state;
}

/* ---- data ---- */

/* Lends the @len stored bytes at @off: from what was read ahead, or read now. */
static int load_data(struct window *d, const struct kd_dd_part *p, uint64_t off, size_t len,
		     const uint8_t **ret, struct kd_err *err)
{
	bool behind = d->data_part == p && d->data_len && off < d->data_off;

	if (d->data_part == p && off >= d->data_off && off - d->data_off <= d->data_len &&
	    len <= d->data_len - (off - d->data_off)) {
		*ret = d->data + (off - d->data_off);
		return 0;
	}
	if (d->stray_part == p && d->stray_off == off && d->stray_len == len) {
		*ret = d->stray;
		return 0;
	}
	if (behind) {
		/* A page shared with an earlier frame: do not lose the place for it. */
		d->stray_part = NULL;
		int rc = kd_file_read(p->file, off, d->stray, len, err);
		if (rc)
			return rc;
		d->stray_part = p;
		d->stray_off = off;
		d->stray_len = len;
		*ret = d->stray;
		return 0;
	}
	d->data_part = NULL;
	bool careful = d->careful_part == p && off >= d->careful_off &&
		       off - d->careful_off < DATA_AT_ONCE;
	ssize_t got = kd_file_read_some(p->file, off, d->data, careful ? len : DATA_AT_ONCE, err);
	if (got < 0 && !careful) {
		/* Of all this something cannot be read: that need not be what is asked for. */
		d->careful_part = p;
		d->careful_off = off;
		got = kd_file_read_some(p->file, off, d->data, len, err);
	}
	if (got < 0)
		return (int)got;
	if ((size_t)got < len)
		return kd_fail(err, KD_BADDATA, "%s became shorter", p->file->name);
	d->data_part = p;
	d->data_off = off;
	d->data_len = (size_t)got;
	*ret = d->data;
	return 0;
}

static int decode_page(struct kd_vmcore_window *w, const struct kd_dd_part *p,
		       const struct kd_diskdump_desc *desc, uint64_t pfn, uint8_t *to,
		       struct kd_err *err)
{
	struct window *d = w->private;
	size_t page_bytes = w->core->page_size;
	const struct kd_codec *codec = kd_codec_by_flag(desc->flags & KD_DISKDUMP_CODECS);
	const uint8_t *data = NULL;

	if (desc->size == 0 || desc->size > page_bytes)
		return kd_fail(err, KD_BADDATA,
			       "%s: page frame %ju takes %u bytes, which cannot be", p->file->name,
			       (uintmax_t)pfn, desc->size);
	if (!codec)
		return kd_fail(err, KD_BADDATA,
			       "%s: page frame %ju is compressed in an unknown way (0x%x)",
			       p->file->name, (uintmax_t)pfn, desc->flags);
	int rc = load_data(d, p, desc->offset, desc->size, &data, err);
	if (!rc)
		rc = kd_decompress(d->codec, codec, to, page_bytes, data, desc->size, err);
	if (rc)
		return kd_wrap(err, "%s: page frame %ju", p->file->name, (uintmax_t)pfn);
	return 0;
}

/* Decodes up to @n pages from @pfn into the buffer; the first must succeed. */
static int decode_run(struct kd_vmcore_window *w, uint64_t pfn, uint64_t n, struct kd_err *err)
{
	size_t page_bytes = w->core->page_size;

	w->buf_len = 0;
	w->buf_off = pfn * page_bytes;
	for (uint64_t i = 0; i < n; i++) {
		const struct kd_dd_part *part;
		struct kd_diskdump_desc desc;
		struct kd_err ignored = { 0 };
		struct kd_err *to = i ? &ignored : err;
		int rc = find_page(w, pfn + i, &part, &desc, to);
		if (rc >= 0 && rc != KD_PAGE_STORED)
			rc = kd_vmcore_fail_page(w->core, (enum kd_vmcore_page)rc,
						 (pfn + i) * page_bytes, to);
		else if (rc >= 0)
			rc = decode_page(w, part, &desc, pfn + i, w->buf + i * page_bytes, to);
		if (rc < 0)
			return i ? 0 : rc;
		w->buf_len += page_bytes;
	}
	return 0;
}

static int map(struct kd_vmcore_window *w, uint64_t paddr, size_t want, const uint8_t **ret,
	       size_t *len_ret, struct kd_err *err)
{
	size_t page_bytes = w->core->page_size;

	if (w->buf_len == 0 || paddr < w->buf_off || paddr - w->buf_off >= w->buf_len) {
		uint64_t in_page = paddr % page_bytes;
		uint64_t n = w->read_bytes / page_bytes;
		if (want <= w->read_bytes - in_page)
			n = (in_page + want + page_bytes - 1) / page_bytes;
		int rc = decode_run(w, paddr / page_bytes, n, err);
		if (rc)
			return rc;
	}

	size_t at = (size_t)(paddr - w->buf_off);
	*ret = w->buf + at;
	*len_ret = w->buf_len - at < want ? w->buf_len - at : want;
	return 0;
}

static int read_some(struct kd_vmcore *core, uint64_t paddr, void *buf, size_t len,
		     size_t *done_ret, struct kd_err *err)
{
	const uint8_t *p;
	size_t n;
	int rc = map(core->own, paddr, len, &p, &n, err);

	if (rc)
		return rc;
	memcpy(buf, p, n);
	*done_ret = n;
	return 0;
}

static void close_diskdump(struct kd_vmcore *core)
{
	struct kd_diskdump *dd = core->diskdump;

	if (!dd)
		return;
	for (size_t i = 0; i < dd->n_parts; i++)
		free(dd->parts[i].rank);
	free(dd->parts);
	free(dd);
}

const struct kd_vmcore_ops kd_diskdump_ops = {
	.close = close_diskdump,
	.page_run = page_run,
	.read_some = read_some,
	.window_init = window_init,
	.window_fini = window_fini,
	.map = map,
};
