/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opening: what this kernel's lines allow, and which frames there are. */
#include "lib/filter/filter.h"

#include "lib/filter/internal.h"

#include <stdlib.h>

enum {
	BITMAP_ROUND_BYTES = 4096,
	DEFAULT_MAP_BYTES = 64 << 20,
	DEFAULT_READ_BYTES = 256 << 10, /* as much as the scan asks for at once */
	MIN_READ_BYTES = 64 << 10,
	MAX_PFN_BITS = 40, /* 52 bits of address in pages of 4 KiB */
};

static const uint64_t default_bitmap_bytes = UINT64_C(8) << 30;

/* ---- which frames there are ---- */

static uint64_t first_pfn(unsigned int page_shift, const struct kd_vmcore_segment *s)
{
	return s->paddr >> page_shift;
}

/* A page of which only a part lies in a segment exists: makedumpfile rounds so, too. */
static uint64_t end_pfn(unsigned int page_shift, const struct kd_vmcore_segment *s)
{
	return ((s->paddr + (s->len_bytes - 1)) >> page_shift) + 1;
}

static unsigned int page_shift_of(const struct kd_vmcore *core)
{
	return (unsigned int)__builtin_ctz(kd_vmcore_page_size(core));
}

/* Memory one bitmap takes at most: whole pages of it, wherever a segment has a bit. */
static uint64_t bitmap_cost(const struct kd_vmcore *core)
{
	unsigned int shift = page_shift_of(core);
	size_t n;
	const struct kd_vmcore_segment *segs = kd_vmcore_segments(core, &n);
	uint64_t cost = 0, next = 0;

	for (size_t i = 0; i < n; i++) {
		uint64_t first = first_pfn(shift, &segs[i]) / 8 / BITMAP_ROUND_BYTES;
		uint64_t end = (end_pfn(shift, &segs[i]) - 1) / 8 / BITMAP_ROUND_BYTES + 1;
		if (first < next)
			first = next;
		if (end <= first)
			continue;
		cost += (end - first) * BITMAP_ROUND_BYTES;
		next = end;
	}
	return cost;
}

/* exists, keep, protect; and late. */
static unsigned int bitmap_count(bool want_late)
{
	return want_late ? 4 : 3;
}

/* A segment has less than 2^52 pages, so this is far from an overflow. */
uint64_t kd_filter_bitmap_bytes(const struct kd_vmcore *core, bool want_late)
{
	return bitmap_count(want_late) * bitmap_cost(core);
}

static int open_bitmaps(struct kd_filter *f, struct kd_err *err)
{
	unsigned int n = bitmap_count(f->opts.want_late);
	uint64_t most = f->opts.max_bitmap_bytes ? f->opts.max_bitmap_bytes : default_bitmap_bytes;
	uint64_t cost = bitmap_cost(f->core);

	if (f->max_pfn >> MAX_PFN_BITS || cost > most / n)
		return kd_fail(err, KD_BADDATA,
			       "%s: its segments reach to frame 0x%jx and would take %u bitmaps of "
			       "%ju bytes: more than the %ju bytes allowed",
			       kd_vmcore_name(f->core), (uintmax_t)f->max_pfn, n, (uintmax_t)cost,
			       (uintmax_t)most);
	uint64_t page = BITMAP_ROUND_BYTES;
	size_t bytes = (size_t)(((f->max_pfn + 7) / 8 + page) & ~(page - 1));
	int rc = kd_bitmap_init(&f->exists, bytes, err);
	if (!rc)
		rc = kd_bitmap_init(&f->keep, bytes, err);
	if (!rc)
		rc = kd_bitmap_init(&f->protect, bytes, err);
	if (!rc && f->opts.want_late)
		rc = kd_bitmap_init(&f->late, bytes, err);
	return rc;
}

static int open_units(struct kd_filter *f, struct kd_err *err)
{
	size_t n;
	const struct kd_vmcore_segment *segs = kd_vmcore_segments(f->core, &n);

	for (unsigned int pass = 0; pass < 2; pass++) {
		uint64_t next = 0;
		f->n_units = 0;
		for (size_t i = 0; i < n; i++) {
			uint64_t nr = first_pfn(f->page_shift, &segs[i]) >> KD_UNIT_SHIFT;
			uint64_t last = (end_pfn(f->page_shift, &segs[i]) - 1) >> KD_UNIT_SHIFT;
			for (nr = nr < next ? next : nr; nr <= last; nr++) {
				if (f->units)
					f->units[f->n_units].nr = (uint32_t)nr;
				f->n_units++;
				next = nr + 1;
			}
		}
		if (f->units)
			break;
		f->units = calloc(f->n_units + 1, sizeof(*f->units));
		if (!f->units)
			return kd_fail(err, KD_NOMEM, "no memory for %zu units", f->n_units);
	}
	return 0;
}

size_t kd_filter_first_range(const struct kd_filter_range *ranges, size_t n, uint64_t pfn)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (ranges[mid].end <= pfn)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* Where there is no unit the bitmaps are a hole that is not looked at. */
static int open_ranges(struct kd_filter *f, struct kd_err *err)
{
	f->ranges = calloc(f->n_units + 1, sizeof(*f->ranges));
	if (!f->ranges)
		return kd_fail(err, KD_NOMEM, "no memory for %zu ranges", f->n_units);
	for (size_t i = 0; i < f->n_units; i++) {
		uint64_t pfn = (uint64_t)f->units[i].nr << KD_UNIT_SHIFT;
		uint64_t end = pfn + KD_UNIT_PAGES < f->max_pfn ? pfn + KD_UNIT_PAGES : f->max_pfn;
		if (f->n_ranges && f->ranges[f->n_ranges - 1].end == pfn)
			f->ranges[f->n_ranges - 1].end = end;
		else
			f->ranges[f->n_ranges++] = (struct kd_filter_range){ .pfn = pfn,
									     .end = end };
	}
	struct kd_filter_range *fits = reallocarray(f->ranges, f->n_ranges + 1, sizeof(*fits));
	if (fits)
		f->ranges = fits;
	return 0;
}

static void fill_exists(struct kd_filter *f)
{
	size_t n;
	const struct kd_vmcore_segment *segs = kd_vmcore_segments(f->core, &n);

	for (size_t i = 0; i < n; i++)
		kd_bitmap_set(&f->exists, first_pfn(f->page_shift, &segs[i]),
			      end_pfn(f->page_shift, &segs[i]) -
				      first_pfn(f->page_shift, &segs[i]));
}

/* ---- what is possible ---- */

static void drop_levels(struct kd_filter *f)
{
	f->level = f->opts.level;
	for (unsigned int i = 0; i < KD_LEVEL_BITS; i++) {
		if (!f->gaps.why[i][0])
			continue;
		f->level &= ~(1U << i);
		if (f->opts.level & 1U << i)
			kd_log(f->opts.log, KD_LOG_WARN, "filter",
			       "level %u cannot be had, those pages are kept: %s", 1U << i,
			       f->gaps.why[i]);
	}
	f->dropped = f->opts.level & ~f->level;
}

static void explain(const struct kd_filter *f)
{
	const struct kd_page_layout *l = &f->layout;

	if (!kd_log_debug_on(f->opts.log, "filter"))
		return;
	kd_log(f->opts.log, KD_LOG_DEBUG, "filter",
	       "%s, %zu pieces of page array, struct page %u bytes, free %#x/%#x, offline %#x/%#x, "
	       "slab %#x/%#x or flag %#jx, hugetlb %#x/%#x or tail flag %#jx or dtor %d at %u, "
	       "order at %u, unaccepted %#x/%#x, hwpoison %#jx, reserved %#jx",
	       f->sections.model, f->sections.n, l->bytes, l->buddy.value, l->buddy.mask,
	       l->offline.value, l->offline.mask, l->slab.value, l->slab.mask,
	       (uintmax_t)l->slab_flag, l->hugetlb.value, l->hugetlb.mask,
	       (uintmax_t)l->tail_hugetlb, l->has_dtor ? l->hugetlb_dtor : -1, l->tail_dtor,
	       l->tail_order, l->unaccepted.value, l->unaccepted.mask, (uintmax_t)l->hwpoison,
	       (uintmax_t)l->reserved);
}

static int open_page_array(struct kd_filter *f, struct kd_err *err)
{
	const struct kd_vmcoreinfo *info = kd_vmcore_info(f->core);

	if (kd_vmcore_machine(f->core) == KD_MACHINE_OTHER)
		kd_filter_gap(&f->gaps, KD_LEVEL_ALL & ~KD_LEVEL_ZERO,
			      "struct page of %s is not known here",
			      kd_vmcore_machine_name(f->core));
	/* Of another machine the layout stays empty: nothing is scanned. */
	kd_page_layout_init(&f->layout,
			    kd_vmcore_machine(f->core) == KD_MACHINE_OTHER ? NULL : info, &f->gaps);
	int rc = kd_dump_reader_init(&f->aux, f->core, f->opts.access, 0, MIN_READ_BYTES, err);
	if (rc)
		return rc;
	rc = kd_sections_init(&f->sections, f->core, &f->aux.reader, &f->layout, f->opts.log,
			      &f->gaps, err);
	if (rc)
		return rc;
	if (!f->sections.n)
		return 0;
	rc = kd_protect(f, err);
	if (rc)
		return rc;
	kd_learn_reserved(f);
	return 0;
}

int kd_filter_open(struct kd_vmcore *core, const struct kd_filter_opts *opts,
		   struct kd_filter **ret, struct kd_err *err)
{
	if (opts->level > KD_LEVEL_ALL)
		return kd_fail(err, KD_USAGE,
			       "level %u: levels are sums of 1, 2, 4, 8 and 16, "
			       "0 to %d",
			       opts->level, KD_LEVEL_ALL);

	KD_AUTO(kd_filter_closep) struct kd_filter *f = calloc(1, sizeof(*f));
	if (!f)
		return kd_fail(err, KD_NOMEM, "no memory for the page filter");
	f->core = core;
	f->opts = *opts;
	if (!f->opts.map_bytes)
		f->opts.map_bytes = DEFAULT_MAP_BYTES;
	if (!f->opts.read_bytes)
		f->opts.read_bytes = DEFAULT_READ_BYTES;
	f->page_shift = page_shift_of(core);
	f->max_pfn = kd_vmcore_max_pfn(core);
	f->sections.model = "none";
	int rc = open_bitmaps(f, err);
	if (!rc)
		rc = open_units(f, err);
	if (!rc)
		rc = open_ranges(f, err);
	if (rc)
		return rc;
	fill_exists(f);
	rc = open_page_array(f, err);
	if (rc)
		return rc;
	drop_levels(f);
	explain(f);
	*ret = KD_STEAL(f);
	return 0;
}

void kd_filter_close(struct kd_filter *f)
{
	if (!f)
		return;
	kd_dump_reader_fini(&f->aux);
	kd_sections_fini(&f->sections);
	kd_bitmap_fini(&f->exists);
	kd_bitmap_fini(&f->keep);
	kd_bitmap_fini(&f->protect);
	kd_bitmap_fini(&f->late);
	free(f->units);
	free(f->ranges);
	free(f);
}

void kd_filter_closep(struct kd_filter **f)
{
	kd_filter_close(*f);
}

const char *kd_filter_model(const struct kd_filter *f)
{
	return f->sections.model;
}
