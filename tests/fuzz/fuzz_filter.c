/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The page filter over arbitrary struct pages with an arbitrary layout. Input: a byte whose low
 * bits choose the level and another for where the frames start, two bytes (little-endian) for the
 * length of what follows as vmcoreinfo, then struct pages. The seeds hold the lines and a few
 * struct pages of Linux 6.1 and 6.12: a free block, a compound page, a slab, cache.
 *
 * Beyond staying inside the input: what is kept exists, the counters agree, and nothing depends
 * on how much of the page array is lent at a time.
 */
#include "lib/filter/internal.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_FRAMES = 4096, BITMAP_BYTES = 16384, PAGE = 4096 };

/* The page array is the input; every sixteenth page of it cannot be read. */
struct bytes {
	struct kd_reader reader;
	const uint8_t *p;
	size_t len;
	uint64_t vaddr;
	size_t most; /* to lend at once */
};

static const uint8_t *fetch(struct kd_reader *reader, uint64_t vaddr, size_t want, size_t *len_ret)
{
	struct bytes *b = (struct bytes *)reader;
	uint64_t at = vaddr - b->vaddr;

	if (at >= b->len || at / PAGE % 16 == 15)
		return NULL;
	size_t n = b->len - at < want ? b->len - at : want;
	size_t left = PAGE - at % PAGE;
	if (n > left)
		n = left;
	*len_ret = n > b->most ? b->most : n;
	return b->p + at;
}

static void require(bool ok)
{
	if (!ok)
		abort();
}

struct outcome {
	struct kd_bitmap exists, keep, late;
	struct kd_scan_stats stats;
};

static void outcome_fini(struct outcome *o)
{
	kd_bitmap_fini(&o->exists);
	kd_bitmap_fini(&o->keep);
	kd_bitmap_fini(&o->late);
}

static void scan(struct outcome *o, const struct kd_page_layout *l, const struct bytes *from,
		 size_t most, uint64_t first, uint64_t n, unsigned int level)
{
	struct bytes main = *from, aux = *from;
	struct kd_section section = { .pfn = first, .end = first + n, .vaddr = from->vaddr };
	struct kd_sections sections = { .v = &section, .n = 1 };
	struct kd_scan_unit units[2] = { { .nr = (uint32_t)(first >> KD_UNIT_SHIFT) },
					 { .nr = (uint32_t)(first >> KD_UNIT_SHIFT) + 1 } };
	struct kd_scan s = { .layout = l,
			     .image = { .pfn = first + 8, .end = first + 16 },
			     .sections = &sections,
			     .page_shift = 12,
			     .exclude = kd_filter_level_classes(level),
			     .max_pfn = first + n,
			     .exists = &o->exists,
			     .keep = &o->keep,
			     .late = &o->late,
			     .units = units,
			     .n_units = 2 };
	struct kd_scan_worker w = { .scan = &s, .reader = &main.reader, .aux = &aux.reader };
	struct kd_err err;

	main.most = most;
	*o = (struct outcome){ 0 };
	require(kd_bitmap_init(&o->exists, BITMAP_BYTES, &err) == 0);
	require(kd_bitmap_init(&o->keep, BITMAP_BYTES, &err) == 0);
	require(kd_bitmap_init(&o->late, BITMAP_BYTES, &err) == 0);
	kd_bitmap_set(&o->exists, first, n);
	kd_bitmap_set(&o->keep, first, n);
	kd_scan_stats_init(&w.stats);
	kd_scan_unit(&w, 0);
	kd_scan_unit(&w, 1);
	kd_scan_finish(&s, &w.stats);
	o->stats = w.stats;
}

static void check(const struct outcome *o, uint64_t n)
{
	uint64_t excluded = 0;

	for (size_t i = 0; i < BITMAP_BYTES / 8; i++) {
		require(!(o->keep.words[i] & ~o->exists.words[i]));
		require(!(o->late.words[i] & ~o->keep.words[i]));
	}
	for (unsigned int i = 0; i < KD_N_CLASSES; i++)
		excluded += o->stats.excluded[i];
	require(kd_bitmap_count(&o->keep, 0, BITMAP_BYTES * 8) + excluded == n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kd_filter_gaps gaps = { 0 };
	struct kd_page_layout layout;
	struct kd_vmcoreinfo *info = NULL;
	struct kd_err err;
	struct outcome one, two;

	if (size < 4)
		return 0;
	size_t text_len = data[2] | (size_t)data[3] << 8;
	if (text_len > size - 4)
		text_len = size - 4;
	if (kd_vmcoreinfo_parse(data + 4, text_len, &info, &err))
		return 0;
	kd_page_layout_init(&layout, info, &gaps);
	layout.reserved = layout.private_flag >> 1;
	kd_vmcoreinfo_free(info);
	if (!layout.bytes)
		return 0;

	struct bytes b = { .reader.fetch = fetch,
			   .p = data + 4 + text_len,
			   .len = size - 4 - text_len,
			   .vaddr = 0xffffea0000100000,
			   .most = PAGE };
	/* In the first unit, or over its border. */
	uint64_t first = data[1] & 1 ? KD_UNIT_PAGES - (data[1] >> 1) * 8 : (data[1] >> 1) * 8;
	/* Some frames more than there are struct pages. */
	uint64_t n = b.len / layout.bytes + 3;
	if (n > MAX_FRAMES)
		n = MAX_FRAMES;
	scan(&one, &layout, &b, PAGE, first, n, data[0] & KD_LEVEL_ALL);
	check(&one, n);
	scan(&two, &layout, &b, 1 + data[0] * 3, first, n, data[0] & KD_LEVEL_ALL);
	check(&two, n);
	require(!memcmp(one.keep.words, two.keep.words, BITMAP_BYTES));
	require(!memcmp(one.late.words, two.late.words, BITMAP_BYTES));
	require(!memcmp(&one.stats, &two.stats, sizeof(one.stats)));
	outcome_fini(&one);
	outcome_fini(&two);
	return 0;
}
