/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The pages to keep, by rising frame, in one round or in two. */
#include "lib/dump/internal.h"

#include <endian.h>
#include <string.h>

static uint64_t load(const uint8_t *bitmap, uint64_t word)
{
	uint64_t v;

	memcpy(&v, bitmap + word * sizeof(v), sizeof(v));
	return le64toh(v);
}

void kd_page_walk_init(struct kd_page_walk *w, const struct kd_filter_result *f, bool two_rounds)
{
	*w = (struct kd_page_walk){
		.keep = f->keep,
		.late = two_rounds ? f->late : NULL,
		.ranges = f->ranges,
		.n_ranges = f->n_ranges,
	};
}

/* On to the next word of a range: ranges begin at multiples of 64. The bitmaps are zero behind
 * max_pfn, and where there is no range they are not to be looked at. */
static bool next_word(struct kd_page_walk *w)
{
	for (; w->range < w->n_ranges; w->range++) {
		const struct kd_filter_range *r = &w->ranges[w->range];
		if (w->word < r->pfn / 64)
			w->word = r->pfn / 64;
		if (w->word < (r->end + 63) / 64)
			return true;
	}
	return false;
}

/* The next word with a page of this round. */
static bool load_next(struct kd_page_walk *w)
{
	while (w->left == 0) {
		if (!next_word(w)) {
			if (!w->late || w->round == 1)
				return false;
			w->round = 1;
			w->range = 0;
			w->word = 0;
			w->base = 0;
			w->kept = 0;
			continue;
		}
		w->base += (uint64_t)__builtin_popcountll(w->kept);
		w->kept = load(w->keep, w->word);
		w->left = w->kept;
		if (w->late && w->kept) {
			uint64_t late = load(w->late, w->word);
			w->left &= w->round == 0 ? ~late : late;
		}
		w->word++;
	}
	return true;
}

bool kd_page_walk_next(struct kd_page_walk *w, uint64_t *pfn_ret, uint64_t *ordinal_ret)
{
	if (w->left == 0 && !load_next(w))
		return false;

	unsigned int bit = (unsigned int)__builtin_ctzll(w->left);
	*pfn_ret = (w->word - 1) * 64 + bit;
	*ordinal_ret = w->base +
		       (uint64_t)__builtin_popcountll(w->kept & ((UINT64_C(1) << bit) - 1));
	w->left &= w->left - 1;
	return true;
}
