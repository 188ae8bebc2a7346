/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The pages to keep, by rising frame, all at once or in rounds, of pages or of blocks. */
#include "lib/dump/internal.h"

#include <endian.h>
#include <string.h>

static uint64_t load(const uint8_t *bitmap, uint64_t word)
{
	uint64_t v;

	if (!bitmap)
		return 0;
	memcpy(&v, bitmap + word * sizeof(v), sizeof(v));
	return le64toh(v);
}

/* The bits of @word that lie in @r. */
static uint64_t bits_in(const struct kd_filter_range *r, uint64_t word)
{
	uint64_t first = word * 64, bits = ~UINT64_C(0);

	if (r->end <= first || r->pfn >= first + 64)
		return 0;
	if (r->pfn > first)
		bits &= ~UINT64_C(0) << (r->pfn - first);
	if (r->end < first + 64)
		bits &= ~UINT64_C(0) >> (first + 64 - r->end);
	return bits;
}

/* Of the kept pages of a word those whose turn is in @round. */
static uint64_t of_round(const struct kd_page_walk *w, uint64_t word, uint64_t kept,
			 unsigned int round)
{
	uint64_t late = kept & load(w->late, word);
	uint64_t vital = kept & load(w->vital, word) & ~late;
	uint64_t image = kept & bits_in(&w->image, word) & ~late & ~vital;

	switch (round) {
	case KD_ROUND_VITAL:
		return vital;
	case KD_ROUND_IMAGE:
		return image;
	case KD_ROUND_KERNEL:
		return kept & ~late & ~vital & ~image;
	default:
		return late;
	}
}

void kd_page_walk_init(struct kd_page_walk *w, const struct kd_filter_result *f,
		       enum kd_walk_order order, uint64_t block_pages)
{
	*w = (struct kd_page_walk){
		.keep = f->keep,
		.vital = f->vital,
		.late = f->late,
		.image = f->image,
		.order = order,
		.block_words = block_pages / 64,
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

bool kd_page_walk_has_rounds(const struct kd_filter_result *f)
{
	struct kd_page_walk w;
	unsigned int seen = 0;

	for (kd_page_walk_init(&w, f, KD_WALK_ROUNDS, 0); next_word(&w); w.word++) {
		uint64_t kept = load(w.keep, w.word);
		for (unsigned int i = 0; kept && i < KD_N_ROUNDS; i++)
			seen |= of_round(&w, w.word, kept, i) ? 1U << i : 0;
		if (seen & (seen - 1))
			return true;
	}
	return false;
}

uint64_t kd_kept_pages(const struct kd_filter_result *f, uint64_t pfn, uint64_t end)
{
	struct kd_filter_range r = { .pfn = pfn, .end = end < f->max_pfn ? end : f->max_pfn };
	uint64_t n = 0;

	for (uint64_t word = r.pfn / 64; r.pfn < r.end && word <= (r.end - 1) / 64; word++)
		n += (uint64_t)__builtin_popcountll(load(f->keep, word) & bits_in(&r, word));
	return n;
}

/* The first that has pages in the block of @word. */
static unsigned int block_round(struct kd_page_walk *w, uint64_t word)
{
	if (w->block_end && word < w->block_end && word + w->block_words >= w->block_end)
		return w->block_round;

	struct kd_page_walk in = *w;
	in.word = word - word % w->block_words;
	in.range = kd_filter_first_range(w->ranges, w->n_ranges, in.word * 64);
	w->block_end = in.word + w->block_words;
	w->block_round = KD_N_ROUNDS - 1;
	for (; next_word(&in) && in.word < w->block_end; in.word++) {
		uint64_t kept = load(w->keep, in.word);
		for (unsigned int i = 0; kept && i < w->block_round; i++) {
			if (of_round(w, in.word, kept, i))
				w->block_round = i;
		}
	}
	return w->block_round;
}

unsigned int kd_page_round_of_block(const struct kd_filter_result *f, uint64_t pfn,
				    uint64_t block_pages)
{
	struct kd_page_walk w;

	kd_page_walk_init(&w, f, KD_WALK_BLOCKS, block_pages);
	return block_round(&w, pfn / 64);
}

/* Are there more than @max? */
static bool has_more_runs(const struct kd_filter_result *f, uint64_t block_pages, uint64_t max)
{
	unsigned int last = KD_N_ROUNDS;
	struct kd_page_walk w;
	uint64_t n = 0;

	kd_page_walk_init(&w, f, KD_WALK_BLOCKS, block_pages);
	for (; n <= max && next_word(&w); w.word++) {
		if (load(w.keep, w.word) == 0)
			continue;
		unsigned int round = block_round(&w, w.word);
		n += round != last;
		last = round;
	}
	return n > max;
}

uint64_t kd_walk_block_pages(const struct kd_filter_result *f, uint64_t max_runs)
{
	uint64_t pages = KD_LEAST_BLOCK_PAGES;

	while (pages < f->max_pfn && has_more_runs(f, pages, max_runs))
		pages *= 2;
	return pages;
}

static bool next_round(struct kd_page_walk *w)
{
	if (w->order == KD_WALK_RISING || w->round + 1 == KD_N_ROUNDS)
		return false;
	w->round++;
	w->range = 0;
	w->word = 0;
	w->base = 0;
	w->kept = 0;
	return true;
}

/* The next word with a page of this round. */
static bool load_next(struct kd_page_walk *w)
{
	while (w->left == 0) {
		if (!next_word(w)) {
			if (!next_round(w))
				return false;
			continue;
		}
		w->base += (uint64_t)__builtin_popcountll(w->kept);
		w->kept = load(w->keep, w->word);
		w->left = w->kept;
		if (w->order == KD_WALK_ROUNDS && w->kept)
			w->left = of_round(w, w->word, w->kept, w->round);
		else if (w->order == KD_WALK_BLOCKS && w->kept)
			w->left = block_round(w, w->word) == w->round ? w->kept : 0;
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
