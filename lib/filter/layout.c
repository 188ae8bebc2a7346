/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the lines of vmcoreinfo to a struct kd_page_layout. The table of encodings, kernel by
 * kernel, stands in docs/formats/filtering.md; here each is known by the lines it brings.
 */
#include "lib/filter/internal.h"

#include <stdarg.h>
#include <stdio.h>

enum {
	LEVELS_CACHE = KD_LEVEL_CACHE | KD_LEVEL_CACHE_PRIVATE,
	LEVELS_COMPOUND = LEVELS_CACHE | KD_LEVEL_USER,
	LEVELS_SCAN = LEVELS_COMPOUND | KD_LEVEL_FREE,

	PAGE_MAPPING_ANON = 1, /* include/linux/page-flags.h; KSM pages have it too */
	COMPOUND_TAIL = 1,     /* bit 0 of page.compound_head */

	/* MAX_ORDER - 1 of most configurations (10), where LENGTH(zone.free_area) is missing:
	 * a larger block is then kept. */
	DEFAULT_BUDDY_ORDERS = 11,
	MAX_BUDDY_ORDERS = 32,
};

void kd_filter_gap(struct kd_filter_gaps *gaps, unsigned int levels, const char *fmt, ...)
{
	va_list ap;

	for (unsigned int i = 0; i < KD_LEVEL_BITS; i++) {
		if (!(levels & 1U << i) || gaps->why[i][0])
			continue; /* the first reason is the deepest */
		va_start(ap, fmt);
		vsnprintf(gaps->why[i], sizeof(gaps->why[i]), fmt, ap);
		va_end(ap);
	}
}

/* What is being filled in, and from what. */
struct reading {
	struct kd_page_layout *l;
	const struct kd_vmcoreinfo *info;
	struct kd_filter_gaps *gaps;
};

/* OFFSET(@name), if a field of @width bytes there lies inside the struct page. */
static bool get_offset(const struct reading *r, const char *name, uint32_t width, uint32_t *ret)
{
	uint64_t off;

	if (!kd_vmcoreinfo_offset(r->info, name, &off))
		return false;
	if (off > r->l->bytes || r->l->bytes - off < width)
		return false;
	*ret = (uint32_t)off;
	return true;
}

/* The same, for a field that lies in the first tail page. */
static bool get_tail_offset(const struct reading *r, const char *name, uint32_t *ret)
{
	uint64_t off;

	if (get_offset(r, name, 1, ret))
		return true;
	/* struct folio spans its tail pages (Linux commit 1c5509be58f6 ("mm: remove 'First tail
	 * page' members from struct page"), v6.3): past the head it is the tail's. */
	if (!kd_vmcoreinfo_offset(r->info, name, &off) || off < r->l->bytes ||
	    off >= 2 * (uint64_t)r->l->bytes)
		return false;
	*ret = (uint32_t)(off - r->l->bytes);
	return true;
}

/* NUMBER(@name) as the number of a page flag; 0 where it is missing. */
static uint64_t get_flag(const struct reading *r, const char *name)
{
	int64_t bit;

	if (!kd_vmcoreinfo_number(r->info, name, &bit) || bit < 0 || bit > 63)
		return 0;
	return UINT64_C(1) << bit;
}

/*
 * NUMBER(@name) as a value of the page_type word. Since Linux commit 4ffca5a96678
 * ("mm: support only one page_type per page") (v6.12) the type is the word's top byte and the
 * rest belongs to its owner; such a value ends in six zero digits. Those before it are all ones
 * but for one bit.
 */
static struct kd_page_type get_type(const struct reading *r, const char *name)
{
	struct kd_page_type none = { .value = 1, .mask = 0 };
	int64_t number;

	if (!kd_vmcoreinfo_number(r->info, name, &number) || number < INT32_MIN ||
	    number > (int64_t)UINT32_MAX)
		return none;
	uint32_t value = (uint32_t)number;
	/* A count of mappings is small and grows from -1: no type can look like one. */
	if (value < 0x80000000 || value == UINT32_MAX)
		return none;
	bool top_byte = (value & 0x00ffffff) == 0;
	return (struct kd_page_type){ .value = value, .mask = top_byte ? 0xff000000 : UINT32_MAX };
}

static bool is_known(struct kd_page_type t)
{
	return t.mask != 0;
}

/* PG_slab went when slab became a page type (v6.10). Where both are told the type is right. */
static bool read_slab(const struct reading *r)
{
	r->l->slab = get_type(r, "PAGE_SLAB_MAPCOUNT_VALUE");
	if (is_known(r->l->slab))
		return true;
	r->l->slab_flag = get_flag(r, "PG_slab");
	return r->l->slab_flag != 0;
}

static void read_compound(const struct reading *r)
{
	struct kd_page_layout *l = r->l;
	int64_t number;

	if (kd_vmcoreinfo_number(r->info, "PG_head_mask", &number) && number > 0)
		l->head_flag = (uint64_t)number;
	if (get_offset(r, "page.compound_head", 8, &l->head)) {
		l->tail_bit = COMPOUND_TAIL;
		l->head_is_pointer = true;
	} else if (get_offset(r, "page.compound_info", 8, &l->head)) {
		l->tail_bit = COMPOUND_TAIL; /* the rest is encoded: v7.1 */
	} else {
		kd_filter_gap(r->gaps, LEVELS_COMPOUND,
			      "vmcoreinfo has no OFFSET(page.compound_head): tail pages cannot be "
			      "told from others");
	}

	if (get_tail_offset(r, "page.compound_order", &l->tail_order) ||
	    get_tail_offset(r, "folio._folio_order", &l->tail_order)) {
		l->has_order = true;
	} else {
		/* folio._flags_1, its low byte (Linux v6.6). Always there; that it says a sane
		 * thing is checked against the tail pages for each block. */
		l->tail_order = l->flags;
		l->has_order = true;
	}
}

/* No way to tell is no gap: a kernel without hugetlb has none of these lines. */
static void read_hugetlb(const struct reading *r)
{
	struct kd_page_layout *l = r->l;
	int64_t dtor;

	l->hugetlb = get_type(r, "PAGE_HUGETLB_MAPCOUNT_VALUE");
	if (is_known(l->hugetlb))
		return;
	l->tail_hugetlb = get_flag(r, "PG_hugetlb");
	if (l->tail_hugetlb)
		return;
	if (!kd_vmcoreinfo_number(r->info, "HUGETLB_PAGE_DTOR", &dtor) || dtor <= 0 || dtor > 255)
		return;
	l->has_dtor = get_tail_offset(r, "page.compound_dtor", &l->tail_dtor) ||
		      get_tail_offset(r, "folio._folio_dtor", &l->tail_dtor);
	l->hugetlb_dtor = (uint8_t)dtor;
}

static void read_types(const struct reading *r, bool has_mapcount)
{
	struct kd_page_layout *l = r->l;
	uint64_t orders;

	if (!has_mapcount) {
		/* The types read above cannot be looked at. */
		l->slab = l->hugetlb = (struct kd_page_type){ .value = 1 };
		kd_filter_gap(r->gaps, KD_LEVEL_FREE, "vmcoreinfo has no OFFSET(page._mapcount)");
		return;
	}
	l->offline = get_type(r, "PAGE_OFFLINE_MAPCOUNT_VALUE");
	l->buddy = get_type(r, "PAGE_BUDDY_MAPCOUNT_VALUE");
	if (!is_known(l->buddy))
		kd_filter_gap(r->gaps, KD_LEVEL_FREE,
			      "vmcoreinfo has no usable NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)");
	if (kd_vmcoreinfo_length(r->info, "zone.free_area", &orders) && orders >= 1 &&
	    orders <= MAX_BUDDY_ORDERS) {
		l->buddy_orders = (unsigned int)orders;
		/* An unaccepted block has the highest order there is. */
		l->unaccepted = get_type(r, "PAGE_UNACCEPTED_MAPCOUNT_VALUE");
	} else {
		l->buddy_orders = DEFAULT_BUDDY_ORDERS;
	}
}

static void read_flags(const struct reading *r)
{
	struct kd_page_layout *l = r->l;

	l->lru = get_flag(r, "PG_lru");
	l->private_flag = get_flag(r, "PG_private");
	l->hwpoison = get_flag(r, "PG_hwpoison");
	/* PG_swapcache shares its bit with another flag: without PG_swapbacked (v4.10) it says
	 * nothing (Linux commit 6326fec1122c ("mm: Use owner_priv bit for
	 * PageSwapCache, valid when PageSwapBacked")). */
	l->swapbacked = get_flag(r, "PG_swapbacked");
	if (l->swapbacked)
		l->swapcache = get_flag(r, "PG_swapcache");
	if (!l->lru || !l->private_flag)
		kd_filter_gap(r->gaps, LEVELS_CACHE, "vmcoreinfo has no usable NUMBER(%s)",
			      l->lru ? "PG_private" : "PG_lru");
}

static bool read_size(const struct reading *r)
{
	uint64_t bytes;

	if (!kd_vmcoreinfo_size(r->info, "page", &bytes)) {
		kd_filter_gap(r->gaps, LEVELS_SCAN, "%s",
			      r->info ? "vmcoreinfo has no SIZE(page)"
				      : "the dump has no vmcoreinfo");
		return false;
	}
	if (bytes < KD_PAGE_STRUCT_MIN_BYTES || bytes > KD_PAGE_STRUCT_MAX_BYTES || bytes % 8) {
		kd_filter_gap(r->gaps, LEVELS_SCAN,
			      "vmcoreinfo says SIZE(page)=%ju, which cannot be", (uintmax_t)bytes);
		return false;
	}
	r->l->bytes = (uint32_t)bytes;
	return true;
}

void kd_page_layout_init(struct kd_page_layout *l, const struct kd_vmcoreinfo *info,
			 struct kd_filter_gaps *gaps)
{
	const struct kd_page_type none = { .value = 1 };
	struct reading r = { .l = l, .info = info, .gaps = gaps };

	*l = (struct kd_page_layout){
		.buddy = none, .offline = none, .hugetlb = none, .slab = none, .unaccepted = none
	};
	if (!read_size(&r))
		return;
	if (!get_offset(&r, "page.flags", 8, &l->flags)) {
		kd_filter_gap(gaps, LEVELS_SCAN, "vmcoreinfo has no usable OFFSET(page.flags)");
		l->bytes = 0;
		return;
	}
	bool has_mapcount = get_offset(&r, "page._mapcount", 4, &l->mapcount);
	read_flags(&r);
	read_compound(&r);
	read_hugetlb(&r);
	bool has_slab = read_slab(&r);
	if (is_known(l->slab) && !has_mapcount)
		has_slab = false;
	read_types(&r, has_mapcount);

	if (get_offset(&r, "page.mapping", 8, &l->mapping))
		l->anon_bit = PAGE_MAPPING_ANON;
	else
		kd_filter_gap(gaps, LEVELS_COMPOUND, "vmcoreinfo has no OFFSET(page.mapping)");
	/* Since v6.2 the fields of a slab lie over mapping: its bit 0 alone proves nothing. */
	if (!has_slab)
		kd_filter_gap(gaps, KD_LEVEL_USER,
			      "vmcoreinfo has neither NUMBER(PG_slab) nor a usable "
			      "NUMBER(PAGE_SLAB_MAPCOUNT_VALUE)");
	if (!get_offset(&r, "page.private", 8, &l->private))
		kd_filter_gap(gaps, KD_LEVEL_FREE, "vmcoreinfo has no OFFSET(page.private)");
}
