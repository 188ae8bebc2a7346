/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One pass over the page array. Frames are decided in units of fixed size, each by one thread,
 * in rising order and without looking at what others do: so the result is the same however many
 * threads there are. Only the pieces of a compound page larger than a unit are left to the end.
 *
 * A free block or a compound page is decided by its head and stepped over, and of single pages side
 * by side that look the same only the first is judged. What else a struct page says is not trusted
 * further than one page: a compound page counts as one only if its first and its last tail page
 * point back to the head.
 */
#include "lib/filter/internal.h"

enum {
	CLASSES_LATE = KD_CLASS_BIT(KD_CLASS_FREE) | KD_CLASS_BIT(KD_CLASS_UNACCEPTED) |
		       KD_CLASS_BIT(KD_CLASS_CACHE) | KD_CLASS_BIT(KD_CLASS_CACHE_PRIVATE) |
		       KD_CLASS_BIT(KD_CLASS_USER) | KD_CLASS_BIT(KD_CLASS_HUGETLB),
	CLASSES_BLOCK = KD_CLASS_BIT(KD_CLASS_FREE) | KD_CLASS_BIT(KD_CLASS_UNACCEPTED),

	AHEAD_BYTES = 2048, /* of the page that is looked at: on its way from memory meanwhile */
	MIN_AHEAD_BYTES = 4096,
	MAX_AHEAD_BYTES = 256 << 10,
	MAX_COPY_BYTES = 16 << 10, /* ahead, where free blocks would be copied, too */
	LARGE_FRAMES = 512,	   /* 32 KiB of the page array */
};

void kd_scan_stats_init(struct kd_scan_stats *s)
{
	*s = (struct kd_scan_stats){ .first_unreadable = UINT64_MAX,
				     .first_bad_free = UINT64_MAX,
				     .first_bad_compound = UINT64_MAX };
}

static uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

void kd_scan_stats_add(struct kd_scan_stats *to, const struct kd_scan_stats *from)
{
	for (unsigned int i = 0; i < KD_N_CLASSES; i++) {
		to->found[i] += from->found[i];
		to->excluded[i] += from->excluded[i];
	}
	to->unknown += from->unknown;
	to->image += from->image;
	to->free_seen += from->free_seen;
	to->unreadable += from->unreadable;
	to->bad_free += from->bad_free;
	to->bad_compound += from->bad_compound;
	to->first_unreadable = min_u64(to->first_unreadable, from->first_unreadable);
	to->first_bad_free = min_u64(to->first_bad_free, from->first_bad_free);
	to->first_bad_compound = min_u64(to->first_bad_compound, from->first_bad_compound);
}

static void note_bad(uint64_t *count, uint64_t *first, uint64_t pfn)
{
	(*count)++;
	*first = min_u64(*first, pfn);
}

/* ---- deciding ---- */

static void decide(struct kd_scan *scan, struct kd_scan_stats *stats, uint64_t pfn, uint64_t n,
		   unsigned int class)
{
	uint64_t count;

	if (scan->exclude & KD_CLASS_BIT(class)) {
		count = kd_bitmap_clear(scan->keep, pfn, n);
		stats->excluded[class] += count;
	} else {
		count = kd_bitmap_count(scan->keep, pfn, n);
		if (scan->late && KD_CLASS_BIT(class) & CLASSES_LATE)
			kd_bitmap_add(scan->late, scan->keep, pfn, n);
	}
	stats->found[class] += count;
}

/* What was decided last goes into the bitmaps. */
static void end_run(struct kd_scan_worker *w)
{
	struct kd_scan_run *r = &w->run;

	decide(w->scan, &w->stats, r->pfn, r->n, r->class);
	if (KD_CLASS_BIT(r->class) & CLASSES_BLOCK)
		w->stats.free_seen += kd_bitmap_count(w->scan->exists, r->pfn, r->n);
	r->n = 0;
}

/* Of 2^order frames those up to their unit's end go to the run, or begin another. How many it was. */
static uint64_t decide_block(struct kd_scan_worker *w, size_t unit, uint64_t pfn,
			     unsigned int order, unsigned int class)
{
	struct kd_scan_unit *u = &w->scan->units[unit];
	uint64_t unit_end = ((uint64_t)u->nr + 1) << KD_UNIT_SHIFT;
	uint64_t n = UINT64_C(1) << order;

	/* Aligned to its size: it ends with the unit or starts it. */
	if (n > unit_end - pfn) {
		n = unit_end - pfn;
		u->order = (uint8_t)order;
		u->class = (uint8_t) class;
	}
	n = min_u64(n, w->scan->max_pfn - pfn);
	if (w->run.class != class || w->run.pfn + w->run.n != pfn) {
		end_run(w);
		w->run.pfn = pfn;
		w->run.class = class;
	}
	w->run.n += n;
	return n;
}

void kd_scan_finish(struct kd_scan *scan, struct kd_scan_stats *stats)
{
	for (size_t i = 0; i < scan->n_units; i++) {
		const struct kd_scan_unit *u = &scan->units[i];
		if (!u->order)
			continue;
		uint64_t first = (uint64_t)u->nr << KD_UNIT_SHIFT;
		uint64_t end = min_u64(first + (UINT64_C(1) << u->order), scan->max_pfn);
		/* Where units lie in a hole their bitmaps are, too: skip the hole. */
		for (size_t j = i + 1; j < scan->n_units; j++) {
			uint64_t from = (uint64_t)scan->units[j].nr << KD_UNIT_SHIFT;
			if (from >= end)
				break;
			decide(scan, stats, from, min_u64(KD_UNIT_PAGES, end - from), u->class);
		}
	}
}

/* ---- reading ---- */

/* Of a frame at hand. */
static const uint8_t *struct_page(const struct kd_scan_worker *w, uint64_t pfn)
{
	return w->base + (pfn - w->first) * w->scan->layout->bytes;
}

/* The struct page of @pfn, at hand or copied to @buf; NULL where it cannot be had. */
static const uint8_t *page_at(struct kd_scan_worker *w, uint64_t pfn, uint8_t *buf)
{
	const struct kd_page_layout *l = w->scan->layout;

	if (pfn - w->first < w->n)
		return struct_page(w, pfn);
	const struct kd_section *s = kd_sections_find(w->scan->sections, pfn, NULL);
	if (!s || !kd_reader_copy(w->aux, s->vaddr + (pfn - s->pfn) * l->bytes, buf, l->bytes))
		return NULL;
	return buf;
}

/* Get the struct pages from @pfn on at hand, at least one, none from @stop on. */
static bool load(struct kd_scan_worker *w, const struct kd_section *s, uint64_t pfn, uint64_t stop)
{
	const struct kd_page_layout *l = w->scan->layout;
	uint64_t vaddr = s->vaddr + (pfn - s->pfn) * l->bytes;
	size_t len;

	/* Behind a large block, or one that reaches further than what was read, more such blocks are
	 * likely, whose pages need not be read: read little, then more and more. */
	if (pfn != w->first + w->n || !w->ahead)
		w->ahead = MIN_AHEAD_BYTES;
	else
		w->ahead = min_u64(w->ahead * 2,
				   w->reader->copies ? MAX_COPY_BYTES : MAX_AHEAD_BYTES);
	w->n = 0;
	size_t want = (size_t)min_u64((stop - pfn) * l->bytes, w->ahead);
	const uint8_t *p = w->reader->fetch(w->reader, vaddr, want, &len);
	if (!p)
		return false;
	w->first = pfn;
	w->vaddr = vaddr;
	w->base = p;
	w->n = len / l->bytes;
	if (w->n)
		return true;
	/* It lies across two pages that are not side by side. */
	memcpy(w->straddling, p, len);
	if (!kd_reader_copy(w->reader, vaddr + len, w->straddling + len, l->bytes - len))
		return false;
	w->base = w->straddling;
	w->n = 1;
	return true;
}

/* ---- judging ---- */

static bool is_tail_of(const struct kd_page_layout *l, const uint8_t *page, uint64_t head_vaddr)
{
	uint64_t head = kd_load64(page + l->head);

	if (!(head & l->tail_bit))
		return false;
	return !l->head_is_pointer || head == (head_vaddr | l->tail_bit);
}

/* Of the compound page whose head is @pfn: the order, and in *tail_ret its first tail page. 0 and
 * NULL where it cannot be believed. */
static unsigned int compound_order(struct kd_scan_worker *w, uint64_t pfn, const uint8_t **tail_ret)
{
	const struct kd_page_layout *l = w->scan->layout;
	uint64_t vaddr = w->vaddr + (pfn - w->first) * l->bytes;

	*tail_ret = NULL;
	const uint8_t *tail = l->has_order ? page_at(w, pfn + 1, w->tail) : NULL;
	if (!tail || !is_tail_of(l, tail, vaddr))
		return 0;
	unsigned int order = tail[l->tail_order];
	if (order == 0 || order > KD_MAX_COMPOUND_ORDER || pfn & ((UINT64_C(1) << order) - 1))
		return 0;
	const uint8_t *last = page_at(w, pfn + (UINT64_C(1) << order) - 1, w->last);
	if (!last || !is_tail_of(l, last, vaddr))
		return 0;
	*tail_ret = tail;
	return order;
}

/* The order of the free or unaccepted block at @pfn; negative where it has none that can be. */
static int block_order(const struct kd_page_layout *l, const uint8_t *page, uint64_t pfn,
		       unsigned int class)
{
	uint64_t order = l->buddy_orders - 1;

	if (class == KD_CLASS_FREE)
		order = kd_load64(page + l->private);
	if (order >= l->buddy_orders || pfn & ((UINT64_C(1) << order) - 1))
		return -1;
	return (int)order;
}

/* ---- the kernel image ---- */

static bool overlaps_image(const struct kd_filter_range *i, uint64_t pfn, unsigned int order)
{
	return pfn < i->end && pfn + (UINT64_C(1) << order) > i->pfn;
}

/*
 * Of the image only what the kernel gave back (its init code and data, and what is left over
 * between its parts) can have become something else, and there PG_reserved was taken off each
 * page. Where that flag is not known nothing but kernel is believed to be in the image.
 */
static bool is_given_back(struct kd_scan_worker *w, uint64_t pfn, unsigned int order)
{
	const struct kd_page_layout *l = w->scan->layout;
	const struct kd_filter_range *image = &w->scan->image;

	if (!l->reserved || pfn < image->pfn || pfn + (UINT64_C(1) << order) > image->end)
		return false;
	for (uint64_t i = 0; i < UINT64_C(1) << order; i++) {
		const uint8_t *page = page_at(w, pfn + i, w->last);
		if (!page || kd_load64(page + l->flags) & l->reserved)
			return false;
	}
	return true;
}

/* What of a struct page without a tail decides, beside whether it is a tail page itself. */
static struct kd_scan_look look_of(const struct kd_page_layout *l, const uint8_t *page)
{
	return (struct kd_scan_look){ .flags = kd_load64(page + l->flags),
				      .anon = kd_load64(page + l->mapping) & l->anon_bit,
				      .type = kd_load32(page + l->mapcount) };
}

/* Frame @pfn was judged by its look alone: so are those behind it that look the same. */
static void note_look(struct kd_scan_worker *w, uint64_t pfn, const uint8_t *page, bool is_decided)
{
	const struct kd_filter_range *image = &w->scan->image;

	/* What is believed outside of the image need not be believed inside, but the other way round. */
	w->look = look_of(w->scan->layout, page);
	w->look_is_decided = is_decided;
	w->look_end = pfn < image->pfn ? image->pfn : UINT64_MAX;
}

/* From @pfn on, before @end: those that look as the one before them. Returns the first that does not. */
static uint64_t judge_alike(struct kd_scan_worker *w, uint64_t pfn, uint64_t end)
{
	const struct kd_page_layout *l = w->scan->layout;
	const struct kd_scan_look look = w->look;
	uint64_t at = pfn;

	end = min_u64(end, w->look_end);
	if (pfn >= end)
		return pfn;
	for (const uint8_t *page = struct_page(w, pfn); at < end; at++, page += l->bytes) {
		struct kd_scan_look this = look_of(l, page);
		__builtin_prefetch(page + AHEAD_BYTES);
		if (this.flags != look.flags || this.type != look.type || this.anon != look.anon ||
		    kd_load64(page + l->head) & l->tail_bit)
			break;
	}
	if (w->look_is_decided)
		w->run.n += at - pfn;
	return at;
}

/* Decides what starts at @pfn, whose struct page is at hand. How many frames that is. */
static uint64_t judge(struct kd_scan_worker *w, size_t unit, uint64_t pfn)
{
	const struct kd_page_layout *l = w->scan->layout;
	const uint8_t *page = struct_page(w, pfn);
	const uint8_t *tail = NULL;
	unsigned int order = 0;

	w->look_end = 0;
	__builtin_prefetch(page + AHEAD_BYTES);
	if (kd_load64(page + l->head) & l->tail_bit)
		return 1;
	bool is_head = kd_load64(page + l->flags) & l->head_flag;
	if (is_head) {
		order = compound_order(w, pfn, &tail);
		if (!order)
			note_bad(&w->stats.bad_compound, &w->stats.first_bad_compound, pfn);
	}
	unsigned int m = kd_page_matches(l, page, tail);
	if (!m) {
		if (!is_head)
			note_look(w, pfn, page, false);
		return UINT64_C(1) << order;
	}
	/* Of several the first; but one that is left out goes before one that is not. */
	unsigned int excluded = m & w->scan->exclude;
	unsigned int class = (unsigned int)__builtin_ctz(excluded ? excluded : m);
	bool is_block = KD_CLASS_BIT(class) & CLASSES_BLOCK;
	if (is_block) {
		int block = block_order(l, page, pfn, class);
		if (block < 0) {
			/* Not what it says: so nothing else it says is taken for true. */
			note_bad(&w->stats.bad_free, &w->stats.first_bad_free, pfn);
			return 1;
		}
		order = (unsigned int)block;
	}
	if (overlaps_image(&w->scan->image, pfn, order) && KD_CLASS_BIT(class) & CLASSES_LATE &&
	    !is_given_back(w, pfn, order)) {
		w->stats.image++;
		return 1;
	}
	if (!is_head && !is_block)
		note_look(w, pfn, page, true);
	return decide_block(w, unit, pfn, order, class);
}

static void judge_unknown(struct kd_scan_worker *w, uint64_t pfn, uint64_t n)
{
	w->stats.unknown += kd_bitmap_count(w->scan->keep, pfn, n);
}

/* Frames from @pfn on whose struct page starts in the same page of memory. */
static uint64_t frames_in_page(const struct kd_scan_worker *w, const struct kd_section *s,
			       uint64_t pfn)
{
	uint32_t bytes = w->scan->layout->bytes;
	uint64_t page = UINT64_C(1) << w->scan->page_shift;
	uint64_t vaddr = s->vaddr + (pfn - s->pfn) * bytes;

	return (page - (vaddr & (page - 1)) + bytes - 1) / bytes;
}

static uint64_t scan_section(struct kd_scan_worker *w, size_t unit, const struct kd_section *s,
			     uint64_t pfn, uint64_t stop)
{
	while (pfn < stop) {
		if (!load(w, s, pfn, stop)) {
			uint64_t n = min_u64(frames_in_page(w, s, pfn), stop - pfn);
			w->stats.first_unreadable = min_u64(w->stats.first_unreadable, pfn);
			w->stats.unreadable += n;
			judge_unknown(w, pfn, n);
			pfn += n;
			continue;
		}
		uint64_t end = w->first + w->n, step = 0;
		while (pfn < end) {
			step = judge(w, unit, pfn);
			pfn = judge_alike(w, pfn + step, end);
		}
		if (step >= LARGE_FRAMES)
			w->ahead = 0;
	}
	return pfn;
}

void kd_scan_unit(struct kd_scan_worker *w, size_t i)
{
	uint64_t pfn = (uint64_t)w->scan->units[i].nr << KD_UNIT_SHIFT;
	uint64_t unit_end = min_u64(pfn + KD_UNIT_PAGES, w->scan->max_pfn);
	const uint8_t *exists = (const uint8_t *)w->scan->exists->words;
	uint64_t start, n;

	while (kd_bitmap_next_run(exists, pfn, unit_end, &start, &n)) {
		uint64_t end = start + n, next;
		for (pfn = start; pfn < end;) {
			const struct kd_section *s = kd_sections_find(w->scan->sections, pfn,
								      &next);
			if (!s) {
				next = min_u64(next, end);
				judge_unknown(w, pfn, next - pfn);
				pfn = next;
				continue;
			}
			pfn = scan_section(w, i, s, pfn, min_u64(s->end, end));
		}
	}
	end_run(w);
}
