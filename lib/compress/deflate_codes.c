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
 * A branch guessed wrong costs more than a step: no loop over all symbols branches on one of them.
 */
#include "lib/compress/deflate.h"

#include <endian.h>
#include <stdbool.h>
#include <string.h>

enum {
	MAX_BITS = 15,
	FRACTIONS = 16,
	EXACT = 64, /* frequencies below have their logarithm in the table */
	EXACT_BITS = 6,
	GROUP = 8, /* symbols looked at together, a byte of a word each */
};

#define EACH(byte) ((byte)*UINT64_C(0x0101010101010101))

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
	uint8_t log[KD_CODES_MAX_SYMBOLS + GROUP];  /* of its frequency, in sixteenths */
	uint8_t bits[KD_CODES_MAX_SYMBOLS + GROUP]; /* of its code; zeros behind the last */
	uint32_t count[MAX_BITS + 1];		    /* of codes of so many bits */
};

static uint64_t load_group(const uint8_t *of)
{
	uint64_t v;

	memcpy(&v, of, sizeof(v));
	return le64toh(v);
}

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

/*
 * In the top bit of each of @group's eight symbols: its logarithm has @fraction where @mask is, and
 * its code @least bits or more.
 */
static uint64_t find_in_group(const struct symbols *s, size_t group, unsigned int fraction,
			      unsigned int mask, unsigned int least)
{
	uint64_t other = (load_group(s->log + group) ^ EACH(fraction)) & EACH(mask);
	uint64_t is_fraction = ~(other + EACH(0x7f));
	uint64_t is_long = load_group(s->bits + group) + EACH(0x80 - least);

	return is_fraction & is_long & EACH(0x80);
}

/* Give symbols a bit less where there is room for it; only those of @fraction. */
static uint32_t shorten(struct symbols *s, uint32_t room, unsigned int max_bits,
			unsigned int fraction, unsigned int mask)
{
	for (size_t i = 0; i < s->n && room; i += GROUP) {
		/* Shorter ones would take more than there is, and one bit is the least. */
		unsigned int least = max_bits - (31 - (unsigned int)__builtin_clz(room));
		uint64_t found = find_in_group(s, i, fraction, mask, least > 2 ? least : 2);
		for (; found && room; found &= found - 1) {
			uint8_t *bits = &s->bits[i + (unsigned int)__builtin_ctzll(found) / 8];
			uint32_t takes = (1u << max_bits) >> *bits;
			if (takes > room)
				continue;
			room -= takes;
			s->count[*bits]--;
			s->count[--*bits]++;
		}
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
				s->count[bits]--;
				s->count[bits + 1]++;
				taken -= whole >> (bits + 1);
			}
		}
	}
	return taken;
}

static void choose_lengths(struct symbols *s, const uint32_t *freq, unsigned int max_bits)
{
	const uint32_t whole = 1u << max_bits;
	const unsigned int limit = find_limit(s, freq);
	uint32_t taken = 0;

	/* No logarithm is above the limit by a whole bit. */
	for (size_t i = 0; i < s->n; i++) {
		unsigned int bits = (limit + FRACTIONS - 1 - s->log[i]) / FRACTIONS;
		bits = bits < 1 ? 1 : bits;
		bits = bits > max_bits ? max_bits : bits;
		s->bits[i] = (uint8_t)bits;
		s->count[bits]++;
	}
	for (unsigned int bits = 1; bits <= max_bits; bits++)
		taken += s->count[bits] * (whole >> bits);
	if (taken > whole)
		taken = lengthen(s, taken, whole, max_bits);

	/* The longest codes take the least that is left, so each round makes it less, down to none. */
	uint32_t room = whole - taken;
	if (room)
		room = shorten(s, room, max_bits, (limit - 1) % FRACTIONS, FRACTIONS - 1);
	while (room)
		room = shorten(s, room, max_bits, 0, 0);
}

KD_DEFLATE_HOT
size_t kd_codes(const uint32_t *freq, size_t n, unsigned int max_bits, uint16_t *used,
		kd_code *code)
{
	struct symbols s; /* its arrays unset */
	uint32_t next[MAX_BITS + 2] = { 0 };

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
	memset(s.log + s.n, 0, GROUP);
	memset(s.bits + s.n, 0, GROUP);
	memset(s.count, 0, sizeof(s.count));
	choose_lengths(&s, freq, max_bits);
	for (unsigned int bits = 1; bits <= max_bits; bits++)
		next[bits + 1] = (next[bits] + s.count[bits]) << 1;
	for (size_t i = 0; i < s.n; i++) {
		uint32_t bits = s.bits[i];
		code[used[i]] = reverse(next[bits]++, bits) << KD_CODE_SHIFT | bits;
	}
	return s.n;
}
