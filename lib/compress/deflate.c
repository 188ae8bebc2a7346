/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The stream: RFC 1950 around one block of RFC 1951 with codes of its own. */
#include "lib/compress/deflate.h"

#include <endian.h>
#include <libdeflate.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
	/*
	 * Of a page that is no longer than this two literals and a repetition from it, with 5 and
	 * 10 extra bits, fit into a writer together, behind the 7 bits that a flush may leave.
	 */
	SMALL_LEN = 4096,
	MAX_LITERAL_BITS = 11,
	MAX_DISTANCE_BITS = 8,
	/* Code lengths are written as symbols with codes of their own: themselves, and runs of zeros. */
	LENGTH_SYMBOLS = 19,
	MAX_LENGTH_BITS = 7,
	SHORT_RUN = 17, /* 3 to 10 zeros */
	LONG_RUN = 18,	/* 11 to 138 */
	SHORT_RUN_BITS = 3,
	LONG_RUN_BITS = 7,
	MAX_RUN = 138,
	HEADER_BITS = 3 + 5 + 5 + 4,
	/* With the lengths of both codes, not one of them in a run. */
	MAX_HEADER_BITS = HEADER_BITS + 3 * LENGTH_SYMBOLS +
			  (KD_DEFLATE_SYMBOLS + KD_DEFLATE_DISTANCES) * MAX_LENGTH_BITS,
	MAX_MATCH_BITS = MAX_LITERAL_BITS + 5 + MAX_DISTANCE_BITS + 13,

	HEADER_BYTES = 2,
	CHECKSUM_BYTES = 4,
	/* Bits are stored eight bytes at a time, the last of which may be behind the end. */
	SPARE_BYTES = 8,
};

/* What a symbol stands for: its extra bits say how much more than the first. */
struct range {
	uint16_t first;
	uint8_t extra_bits;
};

static const struct range length_range[] = {
	{ 3, 0 },   { 4, 0 },	{ 5, 0 },   { 6, 0 },	{ 7, 0 },   { 8, 0 },
	{ 9, 0 },   { 10, 0 },	{ 11, 1 },  { 13, 1 },	{ 15, 1 },  { 17, 1 },
	{ 19, 2 },  { 23, 2 },	{ 27, 2 },  { 31, 2 },	{ 35, 3 },  { 43, 3 },
	{ 51, 3 },  { 59, 3 },	{ 67, 4 },  { 83, 4 },	{ 99, 4 },  { 115, 4 },
	{ 131, 5 }, { 163, 5 }, { 195, 5 }, { 227, 5 }, { 258, 0 },
};

static const struct range distance_range[KD_DEFLATE_DISTANCES] = {
	{ 1, 0 },     { 2, 0 },	    { 3, 0 },	  { 4, 0 },	 { 5, 1 },	{ 7, 1 },
	{ 9, 2 },     { 13, 2 },    { 17, 3 },	  { 25, 3 },	 { 33, 4 },	{ 49, 4 },
	{ 65, 5 },    { 97, 5 },    { 129, 6 },	  { 193, 6 },	 { 257, 7 },	{ 385, 7 },
	{ 513, 8 },   { 769, 8 },   { 1025, 9 },  { 1537, 9 },	 { 2049, 10 },	{ 3073, 10 },
	{ 4097, 11 }, { 6145, 11 }, { 8193, 12 }, { 12289, 12 }, { 16385, 13 }, { 24577, 13 },
};

/* A length symbol and above it, if it is a run of zeros, how long. */
typedef uint16_t length_word;
enum { LENGTH_WORD_SHIFT = 5 };

struct kd_deflate {
	size_t max_len;
	struct kd_deflate_pieces pieces;
	kd_code code[KD_DEFLATE_SYMBOLS];
	kd_code distance_code[KD_DEFLATE_DISTANCES];

	/* The description of both codes. */
	length_word word[KD_DEFLATE_SYMBOLS + KD_DEFLATE_DISTANCES + 2];
	size_t n_words;
	size_t n_symbols, n_distances; /* described: up to the last used */
	uint32_t length_freq[LENGTH_SYMBOLS];
	kd_code length_code[LENGTH_SYMBOLS];
	length_word run_word[MAX_RUN + 1]; /* for a number of zeros, */
	uint8_t run_words[MAX_RUN + 1];	   /* and how many of it: none, two, or one */
};

struct writer {
	uint64_t bits;
	uint64_t n; /* of them, in its lowest byte */
	uint8_t *to;
};

static inline void put(struct writer *w, uint64_t bits, uint64_t n)
{
	w->bits |= bits << (w->n & 63);
	w->n += n;
}

/* What of the code is above the length goes to where it does not count. */
static inline void put_code(struct writer *w, kd_code code)
{
	put(w, code >> KD_CODE_SHIFT, code);
}

/* Leaves at most 7 bits. */
static inline void flush(struct writer *w)
{
	uint64_t bits = htole64(w->bits);
	uint8_t n = (uint8_t)w->n;

	memcpy(w->to, &bits, sizeof(bits));
	w->to += n >> 3;
	w->bits >>= n & ~7;
	w->n = n & 7;
}

static unsigned int bits_of(kd_code code)
{
	return code & ((1u << KD_CODE_SHIFT) - 1);
}

/* With the longest codes, too, a literal takes less than two bytes, as does each one repeated. */
size_t kd_deflate_bound(size_t len)
{
	return 2 * len + MAX_HEADER_BITS / 8 + HEADER_BYTES + CHECKSUM_BYTES + 2 * SPARE_BYTES;
}

static void set_symbols(struct kd_deflate_pieces *p)
{
	/* 258 has a symbol of its own, the last, though the one before would reach it. */
	for (uint8_t s = 0; s < KD_ARRAY_LEN(length_range); s++) {
		for (size_t i = 0; i < 1u << length_range[s].extra_bits; i++)
			p->length_symbol[length_range[s].first + i] = s;
	}
	for (uint8_t s = 0; s < KD_DEFLATE_DISTANCES; s++) {
		const struct range *r = &distance_range[s];
		for (size_t i = 0; i < 1u << r->extra_bits; i++)
			p->distance_symbol[kd_deflate_distance_index(r->first + i)] = s;
	}
}

struct kd_deflate *kd_deflate_new(size_t max_len)
{
	struct kd_deflate *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->pieces.piece = malloc((max_len / KD_DEFLATE_MIN_MATCH + 2) * sizeof(*d->pieces.piece));
	d->pieces.literal = calloc(1, max_len + KD_DEFLATE_COPY);
	if (!d->pieces.piece || !d->pieces.literal) {
		kd_deflate_free(d);
		return NULL;
	}
	d->max_len = max_len;
	set_symbols(&d->pieces);
	for (unsigned int run = 0; run <= MAX_RUN; run++) {
		d->run_words[run] = (uint8_t)(run < 3 ? run : 1);
		if (run >= 11)
			d->run_word[run] = (length_word)(LONG_RUN | (run - 11)
									    << LENGTH_WORD_SHIFT);
		else if (run >= 3)
			d->run_word[run] = (length_word)(SHORT_RUN | (run - 3)
									     << LENGTH_WORD_SHIFT);
	}
	return d;
}

void kd_deflate_free(struct kd_deflate *d)
{
	if (!d)
		return;
	free(d->pieces.piece);
	free(d->pieces.literal);
	free(d);
}

/* The lengths of the codes of the symbols @used, and zeros for those between them. */
static void describe(struct kd_deflate *d, const uint16_t *used, size_t n, const kd_code *code)
{
	length_word *to = d->word + d->n_words;
	size_t next = 0;

	for (size_t i = 0; i < n; i++) {
		size_t zeros = used[i] - next;
		if (zeros > MAX_RUN) {
			*to++ = LONG_RUN | (MAX_RUN - 11) << LENGTH_WORD_SHIFT;
			zeros -= MAX_RUN;
		}
		to[0] = d->run_word[zeros];
		to[1] = 0;
		to += d->run_words[zeros];
		*to++ = (length_word)bits_of(code[used[i]]);
		next = (size_t)used[i] + 1;
	}
	d->n_words = (size_t)(to - d->word);
}

/* The order in which the lengths of the length symbols' codes are written: rare ones last. */
static const uint8_t length_order[LENGTH_SYMBOLS] = { 16, 17, 18, 0, 8,	 7, 9,	6, 10, 5,
						      11, 4,  12, 3, 13, 2, 14, 1, 15 };

static size_t described_lengths(const struct kd_deflate *d)
{
	size_t n = LENGTH_SYMBOLS;

	while (n > 4 && !bits_of(d->length_code[length_order[n - 1]]))
		n--;
	return n;
}

static size_t symbol_of(length_word word)
{
	return word & ((1u << LENGTH_WORD_SHIFT) - 1);
}

static void make_codes(struct kd_deflate *d)
{
	uint16_t used[KD_DEFLATE_SYMBOLS];
	size_t n;

	d->n_words = 0;
	n = kd_codes(d->pieces.freq, KD_DEFLATE_SYMBOLS, MAX_LITERAL_BITS, used, d->code);
	d->n_symbols = (size_t)used[n - 1] + 1;
	describe(d, used, n, d->code);
	n = kd_codes(d->pieces.distance_freq, KD_DEFLATE_DISTANCES, MAX_DISTANCE_BITS, used,
		     d->distance_code);
	d->n_distances = (size_t)used[n - 1] + 1;
	describe(d, used, n, d->distance_code);

	memset(d->length_freq, 0, sizeof(d->length_freq));
	memset(d->length_code, 0, sizeof(d->length_code));
	for (size_t i = 0; i < d->n_words; i++)
		d->length_freq[symbol_of(d->word[i])]++;
	kd_codes(d->length_freq, LENGTH_SYMBOLS, MAX_LENGTH_BITS, used, d->length_code);
}

/* Extra bits of a length symbol. */
static const uint8_t run_extra_bits[LENGTH_SYMBOLS] = {
	[SHORT_RUN] = SHORT_RUN_BITS, [LONG_RUN] = LONG_RUN_BITS
};

static size_t block_bits(const struct kd_deflate *d)
{
	const struct kd_deflate_pieces *p = &d->pieces;
	size_t bits = HEADER_BITS + 3 * described_lengths(d);

	for (size_t s = 0; s < LENGTH_SYMBOLS; s++)
		bits += d->length_freq[s] * (bits_of(d->length_code[s]) + run_extra_bits[s]);
	for (size_t s = 0; s < KD_DEFLATE_SYMBOLS; s++)
		bits += p->freq[s] ? p->freq[s] * bits_of(d->code[s]) : 0;
	for (size_t s = 0; s < KD_ARRAY_LEN(length_range); s++)
		bits += p->freq[KD_DEFLATE_END + 1 + s] * length_range[s].extra_bits;
	for (unsigned int s = 0; s < KD_DEFLATE_DISTANCES; s++) {
		if (p->distance_freq[s])
			bits += p->distance_freq[s] *
				(bits_of(d->distance_code[s]) + distance_range[s].extra_bits);
	}
	return bits;
}

/* Counted only where the longest codes for everything would not fit. */
static bool fits(const struct kd_deflate *d, size_t cap)
{
	if (cap < SPARE_BYTES + HEADER_BYTES + CHECKSUM_BYTES)
		return false;
	size_t room_bits = (cap - SPARE_BYTES - HEADER_BYTES - CHECKSUM_BYTES) * 8;
	return MAX_HEADER_BITS + d->pieces.n_literals * MAX_LITERAL_BITS +
			       d->pieces.n * MAX_MATCH_BITS <=
		       room_bits ||
	       block_bits(d) <= room_bits;
}

static void put_header(const struct kd_deflate *d, struct writer *w)
{
	size_t n = described_lengths(d);

	put(w, 1, 1); /* the last block */
	put(w, 2, 2); /* which describes its codes */
	put(w, d->n_symbols - 257, 5);
	put(w, d->n_distances - 1, 5);
	put(w, n - 4, 4);
	flush(w);
	for (size_t i = 0; i < n; i++) {
		put(w, bits_of(d->length_code[length_order[i]]), 3);
		if (i % 16 == 15)
			flush(w);
	}
	flush(w);
	for (size_t i = 0; i < d->n_words; i++) {
		size_t symbol = symbol_of(d->word[i]);
		put_code(w, d->length_code[symbol]);
		put(w, d->word[i] >> LENGTH_WORD_SHIFT, run_extra_bits[symbol]);
		if (i % 4 == 3)
			flush(w);
	}
	flush(w);
}

/* The last two, or one or none, without asking how many: those too many have no bits. */
static inline void put_literals(const struct kd_deflate *d, struct writer *w,
				const uint8_t *literal, size_t n)
{
	static const kd_code if_more[3][2] = { { 0 }, { ~0u }, { ~0u, ~0u } };

	for (; n > 4; n -= 4, literal += 4) {
#pragma GCC unroll 4
		for (size_t i = 0; i < 4; i++)
			put_code(w, d->code[literal[i]]);
		flush(w);
	}
	if (n > 2) {
		put_code(w, d->code[literal[0]]);
		put_code(w, d->code[literal[1]]);
		flush(w);
		n -= 2;
		literal += 2;
	}
	put_code(w, d->code[literal[0]] & if_more[n][0]);
	put_code(w, d->code[literal[1]] & if_more[n][1]);
}

static inline void put_match(const struct kd_deflate *d, struct writer *w, size_t length,
			     uint8_t length_symbol, size_t distance, uint8_t distance_symbol)
{
	const struct range *r = &length_range[length_symbol];

	put_code(w, d->code[KD_DEFLATE_END + 1 + length_symbol]);
	put(w, length - r->first, r->extra_bits);
	r = &distance_range[distance_symbol];
	put_code(w, d->distance_code[distance_symbol]);
	put(w, distance - r->first, r->extra_bits);
	flush(w);
}

static void put_pieces(const struct kd_deflate *d, struct writer *out, bool is_small)
{
	const uint8_t *literal = d->pieces.literal;
	struct writer w = *out; /* in registers */

	for (const struct kd_deflate_piece *p = d->pieces.piece;; p++) {
		put_literals(d, &w, literal, p->n_literals);
		literal += p->n_literals;
		if (!p->length)
			break;
		if (!is_small)
			flush(&w);
		put_match(d, &w, p->length, p->length_symbol, p->distance, p->distance_symbol);
	}
	put_code(&w, d->code[KD_DEFLATE_END]);
	flush(&w);
	*out = w;
}

KD_DEFLATE_HOT
size_t kd_deflate_page(struct kd_deflate *d, uint8_t *dst, size_t cap, const uint8_t *src,
		       size_t len)
{
	struct writer w = { .to = dst + HEADER_BYTES };

	if (len > d->max_len)
		return 0;
	uint32_t checksum = htobe32(libdeflate_adler32(1, src, len));

	kd_deflate_match(&d->pieces, src, len);
	make_codes(d);
	if (!fits(d, cap))
		return 0;
	memcpy(dst, "\x78\x01", HEADER_BYTES); /* a window of 32 KiB, the fastest level */
	put_header(d, &w);
	put_pieces(d, &w, len <= SMALL_LEN);
	w.to += w.n > 0;
	memcpy(w.to, &checksum, CHECKSUM_BYTES);
	return (size_t)(w.to + CHECKSUM_BYTES - dst);
}
