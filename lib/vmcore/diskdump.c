/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/vmcore/diskdump.h"

#include <stdlib.h>
#include <string.h>

enum {
	SCAN_BYTES = 64 << 10,
	/* 2^52 bytes of physical memory in 4 KiB pages: no machine has more frames. */
	MAX_PFN_BITS = 40,
	/* Memory in more pieces than this is a broken bitmap, not a machine. */
	MAX_SEGMENTS = 1 << 20,
};

/* ---- headers ---- */

static int read_headers(struct kd_dd_part *p, struct kd_err *err)
{
	uint8_t head[KD_DISKDUMP_HEADER_BYTES], sub[KD_DISKDUMP_SUB_HEADER_BYTES];

	ssize_t got = kd_file_read_some(p->file, 0, head, sizeof(head), err);
	if (got < 0)
		return (int)got;
	int rc = kd_diskdump_decode_header(head, (size_t)got, &p->header, err);
	if (rc)
		return kd_wrap(err, "%s", p->file->name);
	got = kd_file_read_some(p->file, p->header.block_size, sub, sizeof(sub), err);
	if (got < 0)
		return (int)got;
	rc = kd_diskdump_decode_sub_header(sub, (size_t)got, &p->header, &p->sub, err);
	return rc ? kd_wrap(err, "%s", p->file->name) : 0;
}

/* Where things lie, and that they can lie there. */
static int place(struct kd_dd_part *p, struct kd_err *err)
{
	uint64_t block = p->header.block_size;
	uint64_t half = (uint64_t)p->header.bitmap_blocks * block / 2;
	uint64_t need = (p->sub.max_mapnr + 7) / 8;

	if (p->sub.max_mapnr == 0 || p->sub.max_mapnr >> MAX_PFN_BITS)
		return kd_fail(err, KD_BADDATA, "%s: %ju page frames cannot be", p->file->name,
			       (uintmax_t)p->sub.max_mapnr);
	p->bitmap1_off = (1 + (uint64_t)p->header.sub_hdr_size) * block;
	p->bitmap2_off = p->bitmap1_off + half;
	p->desc_off = p->bitmap1_off + 2 * half;
	if (need > half) {
		/* Only one: all memory that existed was dumped. */
		p->bitmap2_off = p->bitmap1_off;
		if (need > 2 * half)
			return kd_fail(err, KD_BADDATA,
				       "%s: %u blocks of bitmaps are too few for %ju page frames",
				       p->file->name, p->header.bitmap_blocks,
				       (uintmax_t)p->sub.max_mapnr);
	}
	if (p->bitmap2_off + need > p->file->size_bytes)
		return kd_fail(err, KD_BADDATA,
			       "%s ends at 0x%jx, before its bitmaps do: nothing can be read",
			       p->file->name, (uintmax_t)p->file->size_bytes);

	p->start_pfn = p->sub.split ? p->sub.start_pfn : 0;
	p->end_pfn = p->sub.split ? p->sub.end_pfn : p->sub.max_mapnr;
	if (p->end_pfn > p->sub.max_mapnr)
		p->end_pfn = p->sub.max_mapnr;
	if (p->start_pfn > p->end_pfn)
		return kd_fail(err, KD_BADDATA, "%s: part from frame %ju to %ju", p->file->name,
			       (uintmax_t)p->start_pfn, (uintmax_t)p->end_pfn);
	return 0;
}

/* ---- counting stored pages ---- */

/* Set bits of @bytes whose numbers, counted from @first, lie from @start to below @end. */
static uint64_t count_bits(const uint8_t *bytes, size_t len, uint64_t first, uint64_t start,
			   uint64_t end)
{
	uint64_t n = 0;

	for (size_t i = 0; i < len; i++) {
		uint64_t at = first + 8 * i;
		unsigned int bits = bytes[i];
		if (!bits || at + 8 <= start || at >= end)
			continue;
		if (at < start)
			bits &= 0xffu << (start - at);
		if (end - at < 8)
			bits &= (1u << (end - at)) - 1;
		n += (uint64_t)__builtin_popcount(bits);
	}
	return n;
}

/* The same for a piece that lies inside as a whole, eight bytes at a time. */
static uint64_t count_whole(const uint8_t *bytes, size_t len)
{
	uint64_t n = 0;

	for (size_t i = 0; i + 8 <= len; i += 8) {
		uint64_t word;
		memcpy(&word, bytes + i, sizeof(word));
		n += (uint64_t)__builtin_popcountll(word);
	}
	for (size_t i = len / 8 * 8; i < len; i++)
		n += (uint64_t)__builtin_popcount(bytes[i]);
	return n;
}

/* The piece of a bitmap at @bitmap_off that is the first from @piece on to hold data. */
static uint64_t next_piece(const struct kd_file *f, uint64_t bitmap_off, uint64_t piece)
{
	uint64_t at = kd_file_next_data(f, bitmap_off + piece * KD_DD_PIECE_BYTES);

	return (at - bitmap_off) / KD_DD_PIECE_BYTES;
}

static uint64_t count_piece(const struct kd_dd_part *p, const uint8_t *bytes, size_t len,
			    uint64_t first)
{
	if (first >= p->start_pfn && first + 8 * len <= p->end_pfn)
		return count_whole(bytes, len);
	return count_bits(bytes, len, first, p->start_pfn, p->end_pfn);
}

/* Not more than is left: a disk's error in what comes behind it is not one of the bitmap. */
static size_t scan_len(uint64_t left)
{
	return left < SCAN_BYTES ? (size_t)left : SCAN_BYTES;
}

/* Holes are stepped over: the bitmaps of a machine with much address space are mostly holes. */
static int count_stored(struct kd_dd_part *p, uint8_t *buf, struct kd_err *err)
{
	uint64_t piece = p->start_pfn / KD_DD_PIECE_BITS, rank_at = 0, total = 0;
	uint64_t end_piece = (p->end_pfn + KD_DD_PIECE_BITS - 1) / KD_DD_PIECE_BITS;
	uint64_t n_pieces = end_piece > piece ? end_piece - piece : 0;

	p->rank = calloc((size_t)n_pieces + 1, sizeof(*p->rank));
	if (!p->rank)
		return kd_fail(err, KD_NOMEM, "%s: no memory to index %ju page frames",
			       p->file->name, (uintmax_t)(p->end_pfn - p->start_pfn));
	while (piece < end_piece) {
		for (uint64_t data = next_piece(p->file, p->bitmap2_off, piece);
		     piece < data && piece < end_piece; piece++)
			p->rank[rank_at++] = total;
		if (piece == end_piece)
			break;
		ssize_t got =
			kd_file_read_some(p->file, p->bitmap2_off + piece * KD_DD_PIECE_BYTES, buf,
					  scan_len((end_piece - piece) * KD_DD_PIECE_BYTES), err);
		if (got < 0)
			return (int)got;
		if (got == 0) /* cannot be: place() has seen that the bitmap is there */
			return kd_fail(err, KD_BADDATA, "%s became shorter", p->file->name);
		for (size_t at = 0; at < (size_t)got && piece < end_piece;
		     at += KD_DD_PIECE_BYTES, piece++) {
			size_t len = (size_t)got - at;
			if (len > KD_DD_PIECE_BYTES)
				len = KD_DD_PIECE_BYTES;
			p->rank[rank_at++] = total;
			total += count_piece(p, buf + at, len, piece * KD_DD_PIECE_BITS);
		}
	}
	p->rank[rank_at] = total;
	p->n_stored = total;
	return 0;
}

/* ---- memory that existed: the runs of the first bitmap ---- */

struct runs {
	struct kd_vmcore *core;
	size_t cap;
	uint64_t start; /* of the run that is open */
	bool open;
};

static int end_run(struct runs *r, uint64_t pfn, struct kd_err *err)
{
	struct kd_vmcore *core = r->core;
	uint64_t page = core->page_size;

	r->open = false;
	if (core->n_segments == MAX_SEGMENTS)
		return kd_fail(err, KD_BADDATA, "%s: memory in more than %d pieces cannot be",
			       core->name, MAX_SEGMENTS);
	if (core->n_segments == r->cap) {
		size_t cap = r->cap ? 2 * r->cap : 64;
		struct kd_vmcore_segment *grown = reallocarray(core->segments, cap, sizeof(*grown));
		if (!grown)
			return kd_fail(err, KD_NOMEM, "%s: no memory for %zu segments", core->name,
				       cap);
		core->segments = grown;
		r->cap = cap;
	}
	core->segments[core->n_segments++] = (struct kd_vmcore_segment){
		.paddr = r->start * page,
		.len_bytes = (pfn - r->start) * page,
		.stored_bytes = (pfn - r->start) * page,
	};
	return 0;
}

static int scan_byte(struct runs *r, uint8_t bits, uint64_t pfn, uint64_t end, struct kd_err *err)
{
	/* Most bytes go on with what the one before began. */
	if (bits == (r->open ? 0xff : 0) && pfn + 8 <= end)
		return 0;
	for (unsigned int i = 0; i < 8 && pfn + i < end; i++) {
		bool set = bits >> i & 1;
		if (set && !r->open) {
			r->open = true;
			r->start = pfn + i;
		} else if (!set && r->open) {
			int rc = end_run(r, pfn + i, err);
			if (rc)
				return rc;
		}
	}
	return 0;
}

static int find_segments(struct kd_vmcore *core, const struct kd_dd_part *p, uint8_t *buf,
			 struct kd_err *err)
{
	struct runs r = { .core = core };
	uint64_t end = p->sub.max_mapnr;

	for (uint64_t pfn = 0; pfn < end;) {
		/* A hole is zeros: it ends an open run and is otherwise nothing. */
		uint64_t data = kd_file_next_data(p->file, p->bitmap1_off + pfn / 8);
		if (!r.open && data - p->bitmap1_off > pfn / 8) {
			pfn = 8 * (data - p->bitmap1_off);
			continue;
		}
		ssize_t got = kd_file_read_some(p->file, p->bitmap1_off + pfn / 8, buf,
						scan_len((end - pfn + 7) / 8), err);
		if (got < 0)
			return (int)got;
		if (got == 0)
			return kd_fail(err, KD_BADDATA, "%s became shorter", p->file->name);
		for (size_t i = 0; i < (size_t)got && pfn < end; i++, pfn += 8) {
			int rc = scan_byte(&r, buf[i], pfn, end, err);
			if (rc)
				return rc;
		}
	}
	return r.open ? end_run(&r, end, err) : 0;
}

/* ---- notes ---- */

/* @len bytes at @off, or fewer at the end of the file; *ret is for free(). */
static int read_piece(const struct kd_dd_part *p, uint64_t off, uint64_t len, uint8_t **ret,
		      size_t *len_ret, struct kd_err *err)
{
	uint64_t there = off < p->file->size_bytes ? p->file->size_bytes - off : 0;

	if (len > there)
		len = there;
	if (len > KD_VMCORE_MAX_NOTES_BYTES)
		len = KD_VMCORE_MAX_NOTES_BYTES;
	KD_AUTO(kd_freep) uint8_t *buf = malloc((size_t)len + 1);
	if (!buf)
		return kd_fail(err, KD_NOMEM, "%s: no memory for notes", p->file->name);
	int rc = kd_file_read(p->file, off, buf, (size_t)len, err);
	if (rc)
		return rc;
	*ret = KD_STEAL(buf);
	*len_ret = (size_t)len;
	return 0;
}

static int read_notes(struct kd_vmcore *core, const struct kd_dd_part *p, struct kd_err *err)
{
	size_t len;
	int rc = read_piece(p, p->sub.offset_note, p->sub.size_note, &core->notes_raw,
			    &core->notes_raw_len, err);

	if (!rc)
		rc = kd_vmcore_parse_notes(core, &core->notes_raw_len, 1, err);
	/* Version 3 has the text alone; later ones point into the notes. */
	if (rc || core->info_text || p->sub.size_vmcoreinfo == 0)
		return rc;
	rc = read_piece(p, p->sub.offset_vmcoreinfo, p->sub.size_vmcoreinfo,
			(uint8_t **)&core->own_info_text, &len, err);
	if (rc)
		return rc;
	core->info_text = core->own_info_text;
	core->info_text_len = strnlen(core->own_info_text, len);
	return 0;
}

/* ---- the set ---- */

static int compare_parts(const void *a, const void *b)
{
	const struct kd_dd_part *x = a, *y = b;

	return x->start_pfn < y->start_pfn ? -1 : x->start_pfn > y->start_pfn;
}

static bool same_dump(const struct kd_dd_part *a, const struct kd_dd_part *b)
{
	const struct kd_diskdump_header *x = &a->header, *y = &b->header;

	return x->big_endian == y->big_endian && x->block_size == y->block_size &&
	       x->bitmap_blocks == y->bitmap_blocks && a->sub.max_mapnr == b->sub.max_mapnr &&
	       x->time_sec == y->time_sec && x->time_usec == y->time_usec &&
	       strcmp(x->release, y->release) == 0 && strcmp(x->nodename, y->nodename) == 0;
}

static int check_set(struct kd_vmcore *core, struct kd_diskdump *dd, struct kd_err *err)
{
	uint64_t covered = 0;

	qsort(dd->parts, dd->n_parts, sizeof(*dd->parts), compare_parts);
	for (size_t i = 0; i < dd->n_parts; i++) {
		const struct kd_dd_part *p = &dd->parts[i];
		if (dd->n_parts > 1 && !p->sub.split)
			return kd_fail(err, KD_BADDATA, "%s is a whole dump, not a part of one",
				       p->file->name);
		if (!same_dump(p, &dd->parts[0]))
			return kd_fail(err, KD_BADDATA, "%s and %s are parts of different dumps",
				       dd->parts[0].file->name, p->file->name);
		if (i && p->start_pfn < dd->parts[i - 1].end_pfn)
			return kd_fail(err, KD_BADDATA, "%s and %s hold the same pages",
				       dd->parts[i - 1].file->name, p->file->name);
		if (p->start_pfn > covered)
			core->incomplete = true;
		covered = p->end_pfn;
	}
	if (covered < dd->max_mapnr)
		core->incomplete = true;
	return 0;
}

/*
 * Was it cut short without saying so? The last descriptors tell, with their data
 * being among the last in the file. More than one, for pages of zeros may share
 * a place at its start; not all, for that takes as long as reading them.
 */
static void look_at_end(struct kd_vmcore *core, const struct kd_dd_part *p, uint8_t *buf)
{
	enum { LAST = SCAN_BYTES / KD_DISKDUMP_DESC_BYTES };
	uint64_t n = p->n_stored < LAST ? p->n_stored : LAST;
	uint64_t off = p->desc_off + (p->n_stored - n) * KD_DISKDUMP_DESC_BYTES;
	struct kd_err why = { 0 };
	bool lost = false;

	memset(buf, 0, SCAN_BYTES);
	ssize_t got = kd_file_read_some(p->file, off, buf, (size_t)n * KD_DISKDUMP_DESC_BYTES,
					&why);
	if (got < 0) {
		/* Whoever wants those pages finds out which of them are lost. */
		kd_log(core->log, KD_LOG_WARN, "vmcore", "%s", why.msg);
		n = 0;
	}
	for (uint64_t i = 0; i < n && !lost; i++) {
		struct kd_diskdump_desc desc;
		kd_diskdump_decode_desc(buf + i * KD_DISKDUMP_DESC_BYTES, p->header.big_endian,
					&desc);
		lost = kd_dd_is_lost(p, &desc);
	}
	if (p->header.status & KD_DISKDUMP_INCOMPLETE || p->file->cut) {
		core->incomplete = true;
	} else if (lost) {
		core->incomplete = true;
		kd_log(core->log, KD_LOG_WARN, "vmcore",
		       "%s: cut short: its last pages were never written", p->file->name);
	}
}

static void fill_info(struct kd_diskdump *dd)
{
	const struct kd_dd_part *first = &dd->parts[0], *last = &dd->parts[dd->n_parts - 1];
	struct kd_vmcore_diskdump_info *info = &dd->info;

	info->header_version = first->header.header_version;
	info->dump_level = first->sub.dump_level;
	info->phys_base = first->sub.phys_base;
	info->split = first->sub.split;
	info->start_pfn = first->start_pfn;
	info->end_pfn = last->end_pfn;
	for (size_t i = 0; i < dd->n_parts; i++) {
		info->status |= dd->parts[i].header.status;
		info->stored_pages += dd->parts[i].n_stored;
	}
	info->nr_cpus = first->header.nr_cpus;
	info->time_sec = first->header.time_sec;
	memcpy(info->release, first->header.release, sizeof(info->release));
	memcpy(info->version, first->header.version, sizeof(info->version));
	memcpy(info->nodename, first->header.nodename, sizeof(info->nodename));
	memcpy(info->domainname, first->header.domainname, sizeof(info->domainname));
	memcpy(info->machine, first->header.machine, sizeof(info->machine));
}

static void set_machine(struct kd_vmcore *core, const char *machine)
{
	enum kd_machine m = KD_MACHINE_OTHER;

	if (strcmp(machine, "x86_64") == 0)
		m = KD_MACHINE_X86_64;
	else if (strcmp(machine, "aarch64") == 0)
		m = KD_MACHINE_ARM64;
	kd_vmcore_set_machine(core, m, machine[0] ? machine : "a machine not named");
}

static int open_parts(struct kd_vmcore *core, struct kd_diskdump *dd, uint8_t *buf,
		      struct kd_err *err)
{
	for (size_t i = 0; i < dd->n_parts; i++) {
		struct kd_dd_part *p = &dd->parts[i];
		p->file = &core->files[i];
		int rc = read_headers(p, err);
		if (!rc)
			rc = place(p, err);
		if (!rc)
			rc = count_stored(p, buf, err);
		if (rc)
			return rc;
		look_at_end(core, p, buf);
	}
	dd->max_mapnr = dd->parts[0].sub.max_mapnr;
	return check_set(core, dd, err);
}

int kd_vmcore_open_diskdump(struct kd_vmcore *core, struct kd_err *err)
{
	struct kd_diskdump *dd = calloc(1, sizeof(*dd));
	KD_AUTO(kd_freep) uint8_t *buf = malloc(SCAN_BYTES);

	core->format = KD_VMCORE_DISKDUMP;
	core->ops = &kd_diskdump_ops;
	core->diskdump = dd; /* released with the core, whatever happens here */
	if (dd)
		dd->parts = calloc(core->n_files, sizeof(*dd->parts));
	if (!dd || !dd->parts || !buf)
		return kd_fail(err, KD_NOMEM, "%s: no memory to open it", core->name);
	dd->n_parts = core->n_files;
	int rc = open_parts(core, dd, buf, err);
	if (rc)
		return rc;

	const struct kd_dd_part *first = &dd->parts[0];
	core->big_endian = first->header.big_endian;
	core->page_size = first->header.block_size;
	set_machine(core, first->header.machine);
	fill_info(dd);
	rc = find_segments(core, first, buf, err);
	return rc ? rc : read_notes(core, first, err);
}

const struct kd_vmcore_diskdump_info *kd_vmcore_diskdump(const struct kd_vmcore *core)
{
	return core->diskdump ? &core->diskdump->info : NULL;
}
