/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prefix codes for the symbols of a page without Huffman's tree, with which this step took a fourth
 * longer and pages were 0.4 % smaller.
 *
 * A symbol that is @freq of @total is best given log2(total / freq) bits. In sixteenths of a bit,
 * codes of ceil((limit - log2(freq)) / 16) bits are looked for with the lowest limit at which there
 * is room for all: a code of n bits takes the 2^n-th part of it. What room is left goes to those
 * that were rounded up the most, and at last to anyone, as a decoder wants none left.
 *
 * No usual step branches on a symbol: a branch guessed wrong costs more than the step.
 */
#include "lib/compress/deflate.h"

#include <stdbool.h>
#include <string.h>

enum {
	MAX_BITS = 15,
	FRACTIONS = 16,
	EXACT = 64, /* frequencies below have their logarithm in the table */
	EXACT_BITS = 6,
};

/* 16 * log2(n), rounded. */
static const uint8_t log2_16ths[EXACT] = {
	0,  0,	16, 25, 32, 37, 41, 45, 48, 51, 53, 55, 57, 59, 61, 63, 64, 65, 67, 68, 69, 70,
	71, 72, 73, 74, 75, 76, 77, 78, 79, 79, 80, 81, 81, 82, 83, 83, 84, 85, 85, 86, 86, 87,
	87, 88, 88, 89, 89, 90, 90, 91, 91, 92, 92, 93, 93, 93, 94, 94, 95, 95, 95, 96,
};

/* Bytes with their bits in reverse. */
#define REVERSED_2(n) (n), (n) + 128, (n) + 64, (n) + 192
#define REVERSED_4(n)                                                                              \
	REVERSED_2(n), REVERSED_2((n) + 32), REVERSED_2((n) + 16), REVERSED_2((n) + 48)
#define REVERSED_6(n) REVERSED_4(n), REVERSED_4((n) + 8), REVERSED_4((n) + 4), REVERSED_4((n) + 12)
static const uint8_t reversed[256] = { REVERSED_6(0), REVERSED_6(2), REVERSED_6(1), REVERSED_6(3) };

/* The symbols in use; the arrays go together. */
struct symbols {
	size_t n;
	uint16_t *symbol;
	uint8_t log[KD_CODES_MAX_SYMBOLS];  /* of its frequency, in sixteenths */
	uint8_t bits[KD_CODES_MAX_SYMBOLS]; /* of its code */
};

static uint32_t reverse(uint32_t code, uint32_t bits)
{
	return ((uint32_t)reversed[code & 255] << 8 | reversed[code >> 8]) >> (16 - bits);
}

/* The lowest limit at which there is room for codes of any length. */
static unsigned int find_limit(struct symbols *s, const uint32_t *freq)
{
	uint32_t share[FRACTIONS] = { 0 }; /* what those with this fraction take of the room */
	uint32_t all = 0;

	for (size_t i = 0; i < s->n; i++) {
		uint32_t f = freq[s->symbol[i]];
		unsigned int shift = 0;
		if (f >= EXACT) /* seldom */
			shift = 32 - EXACT_BITS - (unsigned int)__builtin_clz(f);
		s->log[i] = (uint8_t)(log2_16ths[f >> shift] + FRACTIONS * shift);
		share[s->log[i] % FRACTIONS] += 1u << s->log[i] / FRACTIONS;
	}
	for (size_t i = 0; i < FRACTIONS; i++)
		all += share[i];

	/* Each fraction that the limit's reaches is given a bit more and takes half as much. */
	unsigned int whole = 31 - (unsigned int)__builtin_clz(all), fraction = 0;
	for (all *= 2; fraction < FRACTIONS && all > 2u << whole; fraction++)
		all -= share[fraction];
	return FRACTIONS * whole + fraction;
}

/* Give symbols a bit less where there is room for it; only those of @fraction. */
static uint32_t shorten(struct symbols *s, uint32_t room, uint32_t whole, unsigned int fraction,
			unsigned int mask)
{
	for (size_t i = 0; i < s->n && room; i++) {
		uint32_t takes = whole >> s->bits[i];
		uint32_t yes = ((s->log[i] & mask) == fraction) & (takes <= room) &
			       (s->bits[i] > 1);
		room -= takes & -yes;
		s->bits[i] = (uint8_t)(s->bits[i] - yes);
	}
	return room;
}

/* Where the longest were too long, others, the rarest first, make room for what they were cut by. */
static uint32_t lengthen(struct symbols *s, uint32_t taken, uint32_t whole, unsigned int max_bits)
{
	while (taken > whole) {
		for (unsigned int bits = max_bits - 1; bits > 0; bits--) {
			for (size_t i = 0; i < s->n && taken > whole; i++) {
				if (s->bits[i] != bits)
					continue;
				s->bits[i]++;
				taken -= whole >> (bits + 1);
			}
		}
	}
	return taken;
}

static void choose_lengths(struct symbols *s, const uint32_t *freq, unsigned int max_bits)
{
	const uint32_t whole = 1u << max_bits;
	const int limit = (int)find_limit(s, freq);
	uint32_t taken = 0;

	for (size_t i = 0; i < s->n; i++) {
		int bits = (limit - s->log[i] + FRACTIONS - 1) >> 4;
		bits = bits < 1 ? 1 : bits;
		bits = bits > (int)max_bits ? (int)max_bits : bits;
		s->bits[i] = (uint8_t)bits;
		taken += whole >> bits;
	}
	if (taken > whole)
		taken = lengthen(s, taken, whole, max_bits);

	/* The longest codes take the least that is left, so each round makes it less, down to none. */
	uint32_t room = whole - taken;
	if (room)
		room = shorten(s, room, whole, (unsigned int)(limit - 1) % FRACTIONS,
			       FRACTIONS - 1);
	while (room)
		room = shorten(s, room, whole, 0, 0);
}

KD_DEFLATE_HOT
size_t kd_codes(const uint32_t *freq, size_t n, unsigned int max_bits, uint16_t *used,
		kd_code *code)
{
	struct symbols s; /* its arrays unset */
	uint32_t count[MAX_BITS + 1] = { 0 }, next[MAX_BITS + 2] = { 0 };

	s.symbol = used;
	s.n = 0;
	for (size_t i = 0; i < n; i++) {
		used[s.n] = (uint16_t)i;
		s.n += freq[i] != 0;
	}
	if (s.n < 2) {
		uint16_t other = s.n ? used[0] : 0;
		used[0] = 0;
		used[1] = other ? other : 1;
		code[used[0]] = 0u << KD_CODE_SHIFT | 1u;
		code[used[1]] = 1u << KD_CODE_SHIFT | 1u;
		return 2;
	}
	choose_lengths(&s, freq, max_bits);
	for (size_t i = 0; i < s.n; i++)
		count[s.bits[i]]++;
	for (unsigned int bits = 1; bits <= max_bits; bits++)
		next[bits + 1] = (next[bits] + count[bits]) << 1;
	for (size_t i = 0; i < s.n; i++) {
		uint32_t bits = s.bits[i];
		code[used[i]] = reverse(next[bits]++, bits) << KD_CODE_SHIFT | bits;
	}
	return s.n;
}
