/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a page repeats of itself. Two places are looked at for each byte: where the same eight
 * bytes were last, as memory is made of words, and else where the same three were.
 */
#include "lib/compress/deflate.h"

#include <endian.h>
#include <string.h>

enum {
	/* So near to the end nothing is looked for: words of 8 bytes are read, here and a byte later. */
	END_BYTES = 9,
	/* After so many literals in a row only every second byte is looked at, and so on. */
	SKIP_SHIFT = 8,
	/* From here on counting into four tables is quicker than waiting for one. */
	MANY_LITERALS = 96,
};

/* Where in a page we are. */
struct place {
	const uint8_t *page, *end;
	const uint8_t *at;     /* the byte looked at */
	const uint8_t *anchor; /* literals begin here */
};

struct match {
	const uint8_t *from, *end; /* its first byte and the one behind its last */
	const uint8_t *source;
};

static uint32_t load32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

static uint64_t load64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

static uint16_t *slot3(struct kd_deflate_pieces *d, uint32_t v)
{
	return &d->recent3[((v << 8) * 0x9e3779b1u) >> (32 - KD_DEFLATE_HASH_BITS)];
}

static uint16_t *slot8(struct kd_deflate_pieces *d, uint64_t v)
{
	return &d->recent8[(v * 0x9e3779b97f4a7c15u) >> (64 - KD_DEFLATE_HASH_BITS)];
}

/* Where @p and the bytes at @q, which is before it, begin to differ. */
static inline const uint8_t *same_until(const uint8_t *p, const uint8_t *q, const uint8_t *end)
{
	for (; end - p >= 16; p += 16, q += 16) {
		uint64_t first = load64(p) ^ load64(q), second = load64(p + 8) ^ load64(q + 8);
		if (first)
			return p + (__builtin_ctzll(first) >> 3);
		if (second)
			return p + 8 + (__builtin_ctzll(second) >> 3);
	}
	while (p < end && *p == *q)
		p++, q++;
	return p;
}

/* The longer of what begins at p->at with three bytes, at @source, and what with eight a byte later. */
static struct match short_match(struct kd_deflate_pieces *d, const struct place *p,
				const uint8_t *source)
{
	struct match m = { p->at, same_until(p->at + 3, source + 3, p->end), source };
	uint64_t next = load64(p->at + 1);
	uint16_t *slot = slot8(d, next);
	const uint8_t *other = p->page + *slot;

	if (load64(other) != next)
		return m;
	*slot = (uint16_t)(p->at + 1 - p->page);
	const uint8_t *end = same_until(p->at + 9, other + 8, p->end);
	return end > m.end + 1 ? (struct match){ p->at + 1, end, other } : m;
}

/* True if something is repeated at p->at. A slot never set names the page's first byte, which may do. */
static bool find(struct kd_deflate_pieces *d, const struct place *p, struct match *ret)
{
	uint64_t here = load64(p->at);
	uint16_t *at8 = slot8(d, here), *at3 = slot3(d, (uint32_t)here);
	const uint8_t *source8 = p->page + *at8, *source3 = p->page + *at3;

	*at8 = *at3 = (uint16_t)(p->at - p->page);
	if (load64(source8) == here)
		*ret = (struct match){ p->at, same_until(p->at + 8, source8 + 8, p->end), source8 };
	else if ((load32(source3) ^ (uint32_t)here) << 8 == 0)
		*ret = short_match(d, p, source3);
	else
		return false;
	while (ret->from > p->anchor && ret->source > p->page && ret->from[-1] == ret->source[-1])
		ret->from--, ret->source--;
	return true;
}

/* Enough of what is repeated for the next repetition to be found. */
static void remember(struct kd_deflate_pieces *d, const uint8_t *page, const struct match *m)
{
	const uint8_t *first = m->from + 1, *last = m->end - 1;

	*slot8(d, load64(first)) = (uint16_t)(first - page);
	*slot8(d, load64(last)) = (uint16_t)(last - page);
	*slot3(d, load32(first)) = (uint16_t)(first - page);
}

/* The literals before @m, and @m, in as many pieces as its length takes. */
static inline struct kd_deflate_piece *add(struct kd_deflate_pieces *d, struct kd_deflate_piece *to,
					   size_t n_literals, const struct match *m)
{
	size_t left = (size_t)(m->end - m->from), distance = (size_t)(m->from - m->source);
	uint8_t symbol = d->distance_symbol[kd_deflate_distance_index(distance)];

	do {
		size_t length = left;
		if (left > KD_DEFLATE_MAX_MATCH) /* and what is left is not too short */
			length = left < KD_DEFLATE_MAX_MATCH + KD_DEFLATE_MIN_MATCH
					 ? KD_DEFLATE_MAX_MATCH - KD_DEFLATE_MIN_MATCH
					 : KD_DEFLATE_MAX_MATCH;
		to->n_literals = (uint16_t)n_literals;
		to->length = (uint16_t)length;
		to->distance = (uint16_t)distance;
		to->length_symbol = d->length_symbol[length];
		to->distance_symbol = symbol;
		d->freq[KD_DEFLATE_END + 1 + to->length_symbol]++;
		d->distance_freq[symbol]++;
		to++;
		n_literals = 0;
		left -= length;
	} while (left);
	return to;
}

/* Literals are few, mostly: 16 are copied then, whatever their number. */
static inline uint8_t *copy_literals(uint8_t *to, const struct place *p, size_t n)
{
	if (n <= KD_DEFLATE_COPY && p->end - p->anchor >= KD_DEFLATE_COPY)
		memcpy(to, p->anchor, KD_DEFLATE_COPY);
	else
		memcpy(to, p->anchor, n);
	return to + n;
}

static void count_literals(struct kd_deflate_pieces *d)
{
	size_t i = 0;

	if (d->n_literals < MANY_LITERALS) {
		for (; i < d->n_literals; i++)
			d->freq[d->literal[i]]++;
		return;
	}
	memset(d->count, 0, sizeof(d->count));
	for (; d->n_literals - i >= 4; i += 4) {
		for (size_t k = 0; k < 4; k++)
			d->count[k][d->literal[i + k]]++;
	}
	for (; i < d->n_literals; i++)
		d->count[0][d->literal[i]]++;
	for (i = 0; i < 256; i++)
		d->freq[i] = (uint32_t)d->count[0][i] + d->count[1][i] + d->count[2][i] +
			     d->count[3][i];
}

KD_DEFLATE_HOT
void kd_deflate_match(struct kd_deflate_pieces *d, const uint8_t *page, size_t len)
{
	struct place p = { .page = page, .end = page + len, .at = page + 1, .anchor = page };
	const uint8_t *last = len > END_BYTES ? p.end - END_BYTES : page;
	struct kd_deflate_piece *piece = d->piece;
	uint8_t *literal = d->literal;
	struct match m;

	memset(d->recent3, 0, sizeof(d->recent3));
	memset(d->recent8, 0, sizeof(d->recent8));
	memset(d->freq, 0, sizeof(d->freq));
	memset(d->distance_freq, 0, sizeof(d->distance_freq));
	while (p.at < last) {
		if (!find(d, &p, &m)) {
			p.at += 1 + ((p.at - p.anchor) >> SKIP_SHIFT);
			continue;
		}
		size_t n = (size_t)(m.from - p.anchor);
		literal = copy_literals(literal, &p, n);
		piece = add(d, piece, n, &m);
		p.at = p.anchor = m.end;
		if (p.at < last)
			remember(d, page, &m);
	}
	size_t n = (size_t)(p.end - p.anchor);
	literal = copy_literals(literal, &p, n);
	*piece++ = (struct kd_deflate_piece){ .n_literals = (uint16_t)n };
	d->freq[KD_DEFLATE_END] = 1;
	d->n = (size_t)(piece - d->piece);
	d->n_literals = (size_t)(literal - d->literal);
	count_literals(d);
}
