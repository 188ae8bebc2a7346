/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bitmaps over page frames, in words: on a little-endian machine the same bytes as the diskdump
 * format wants them.
 */
#include "lib/filter/internal.h"

#include <errno.h>
#include <sys/mman.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "bytes of a diskdump bitmap");

int kd_bitmap_init(struct kd_bitmap *b, size_t bytes, struct kd_err *err)
{
	/* Not reserved: the size follows the highest frame, not the memory there is. */
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return kd_fail_sys(err, errno, "map a bitmap of %zu bytes", bytes);
	/* A huge page would make one set bit cost 2 MiB. Only advice. */
	(void)madvise(p, bytes, MADV_NOHUGEPAGE);
	b->words = p;
	b->bytes = bytes;
	return 0;
}

void kd_bitmap_fini(struct kd_bitmap *b)
{
	if (b->words)
		munmap(b->words, b->bytes);
	*b = (struct kd_bitmap){ 0 };
}

/* A walk over the words that hold [pfn, pfn + n): each with the mask of its bits in there. */
struct walk {
	uint64_t word, last;
	uint64_t first_mask, last_mask;
};

static struct walk walk_range(uint64_t pfn, uint64_t n)
{
	uint64_t end = pfn + n - 1;

	return (struct walk){ .word = pfn / 64,
			      .last = end / 64,
			      .first_mask = ~UINT64_C(0) << pfn % 64,
			      .last_mask = ~UINT64_C(0) >> (63 - end % 64) };
}

static inline uint64_t walk_mask(const struct walk *w, uint64_t word, uint64_t first)
{
	uint64_t mask = ~UINT64_C(0);

	if (word == first)
		mask &= w->first_mask;
	if (word == w->last)
		mask &= w->last_mask;
	return mask;
}

#define FOR_EACH_WORD(w, i, mask)                                                                  \
	for (uint64_t i = (w).word, mask = walk_mask(&(w), i, (w).word); i <= (w).last;            \
	     i++, mask = walk_mask(&(w), i, (w).word))

void kd_bitmap_set(struct kd_bitmap *b, uint64_t pfn, uint64_t n)
{
	if (n == 0)
		return;
	struct walk w = walk_range(pfn, n);
	FOR_EACH_WORD(w, i, mask)
	{
		b->words[i] |= mask;
	}
}

/* Most words are full, or have the bit that was looked for. */
static inline uint64_t count_bits(uint64_t word)
{
	if (word == ~UINT64_C(0))
		return 64;
	if ((word & (word - 1)) == 0)
		return word != 0;
	return (uint64_t)__builtin_popcountll(word);
}

uint64_t kd_bitmap_clear(struct kd_bitmap *b, uint64_t pfn, uint64_t n)
{
	uint64_t count = 0;

	if (n == 0)
		return 0;
	struct walk w = walk_range(pfn, n);
	FOR_EACH_WORD(w, i, mask)
	{
		uint64_t had = b->words[i] & mask;
		/* Words without a bit stay untouched: they may be a hole. */
		if (!had)
			continue;
		count += count_bits(had);
		b->words[i] &= ~mask;
	}
	return count;
}

uint64_t kd_bitmap_count(const struct kd_bitmap *b, uint64_t pfn, uint64_t n)
{
	uint64_t count = 0;

	if (n == 0)
		return 0;
	struct walk w = walk_range(pfn, n);
	FOR_EACH_WORD(w, i, mask)
	{
		count += count_bits(b->words[i] & mask);
	}
	return count;
}

void kd_bitmap_add(struct kd_bitmap *to, const struct kd_bitmap *from, uint64_t pfn, uint64_t n)
{
	if (n == 0)
		return;
	struct walk w = walk_range(pfn, n);
	FOR_EACH_WORD(w, i, mask)
	{
		uint64_t add = from->words[i] & mask;
		if (add)
			to->words[i] |= add;
	}
}

/* The first frame in [from, end) whose bit is @set; @end if there is none. */
static uint64_t find_bit(const uint64_t *words, uint64_t from, uint64_t end, bool set)
{
	const uint64_t flip = set ? 0 : ~UINT64_C(0);

	if (from >= end)
		return end;
	uint64_t word = (words[from / 64] ^ flip) & ~UINT64_C(0) << from % 64;
	for (uint64_t i = from / 64;; word = words[i] ^ flip) {
		if (word) {
			uint64_t at = i * 64 + (uint64_t)__builtin_ctzll(word);
			return at < end ? at : end;
		}
		if (++i > (end - 1) / 64)
			return end;
	}
}

bool kd_bitmap_next_run(const uint8_t *bitmap, uint64_t from, uint64_t end, uint64_t *start_ret,
			uint64_t *n_ret)
{
	/* They come from kd_bitmap_init(): whole words, aligned. */
	const uint64_t *words = (const uint64_t *)(const void *)bitmap;
	uint64_t start = find_bit(words, from, end, true);

	if (start >= end)
		return false;
	*start_ret = start;
	*n_ret = find_bit(words, start, end, false) - start;
	return true;
}
