/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * deflate - zlib streams of single pages, fast. A library's encoder is made for files: libdeflate
 * clears tables of 128 to 192 KiB and zlib one of 64 KiB before the first byte of each page,
 * and they do not fit into the nearest cache. Here they take 8 KiB, codes are chosen without a
 * tree, and branches on what is in the page are few. On pages of dumps that is 2 to 3 times as
 * fast as libdeflate's level 2, at about as many bytes as zlib's level 1 (docs/performance.md).
 *
 * Three steps, a file each: what repeats (deflate_match.c), the codes (deflate_codes.c), the
 * stream (deflate.c). One block with codes of its own to a page. Used by the zlib codec alone.
 */
#ifndef KD_LIB_COMPRESS_DEFLATE_H
#define KD_LIB_COMPRESS_DEFLATE_H

#include "lib/base/base.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Compiled a second time for CPUs with shifts by any register and the like (2013 and later), and
 * chosen when the program starts; it takes up to a tenth less time.
 */
#if defined(__x86_64__) && !defined(__clang__) && __GNUC__ >= 12
#define KD_DEFLATE_HOT __attribute__((flatten, target_clones("arch=x86-64-v3", "default")))
#else
#define KD_DEFLATE_HOT __attribute__((flatten))
#endif

enum {
	/* Deflate repeats from 32 KiB back at most; within this a page is its own window. */
	KD_DEFLATE_MAX_LEN = 32768,

	KD_DEFLATE_END = 256, /* the symbol that ends a block; below it are the literals */
	KD_DEFLATE_SYMBOLS = 286,
	KD_DEFLATE_DISTANCES = 30,
	KD_DEFLATE_MIN_MATCH = 3,
	KD_DEFLATE_MAX_MATCH = 258,
	KD_DEFLATE_HASH_BITS = 11,
	/* Behind this a symbol stands for 128 distances or more. */
	KD_DEFLATE_NEAR = 256,
	KD_DEFLATE_FAR_SHIFT = 7,
	/* Copied at once where fewer are meant; buffers are that much longer. */
	KD_DEFLATE_COPY = 16,
};

/* Literals, then a repetition; the last of a page has none (length 0). */
struct kd_deflate_piece {
	uint16_t n_literals;
	uint16_t length;
	uint16_t distance;
	uint8_t length_symbol; /* from KD_DEFLATE_END + 1 on */
	uint8_t distance_symbol;
};

/* A page taken apart. */
struct kd_deflate_pieces {
	struct kd_deflate_piece *piece; /* room for max_len / 3 + 2 */
	size_t n;
	uint8_t *literal; /* of all pieces, one after the other; max_len + KD_DEFLATE_COPY */
	size_t n_literals;
	uint32_t freq[KD_DEFLATE_SYMBOLS];
	uint32_t distance_freq[KD_DEFLATE_DISTANCES];

	/* Where the last bytes like these were: three, and eight of them. */
	uint16_t recent3[1 << KD_DEFLATE_HASH_BITS];
	uint16_t recent8[1 << KD_DEFLATE_HASH_BITS];
	uint16_t count[4][256];
	uint8_t length_symbol[KD_DEFLATE_MAX_MATCH + 1];
	uint8_t distance_symbol[KD_DEFLATE_NEAR + (KD_DEFLATE_MAX_LEN >> KD_DEFLATE_FAR_SHIFT)];
};

/* Where a distance, from 1 on, has its symbol. */
static inline size_t kd_deflate_distance_index(size_t distance)
{
	size_t far = KD_DEFLATE_NEAR + ((distance - 1) >> KD_DEFLATE_FAR_SHIFT);

	return distance <= KD_DEFLATE_NEAR ? distance - 1 : far;
}

/**
 * kd_deflate_match() - take a page apart
 * @len: at most KD_DEFLATE_MAX_LEN
 * @ret: its tables of symbols are set, its buffers long enough
 */
void kd_deflate_match(struct kd_deflate_pieces *ret, const uint8_t *page, size_t len);

/* A symbol's code: the bits as they are written, lowest first, and below them their number. */
typedef uint32_t kd_code;

enum { KD_CODE_SHIFT = 8, KD_CODES_MAX_SYMBOLS = KD_DEFLATE_SYMBOLS };

/**
 * kd_codes() - prefix codes that make a text short, the canonical ones of RFC 1951, 3.2.2
 * @freq: how often each of @n symbols occurs, KD_DEFLATE_MAX_LEN + 1 times at most
 * @n: 2 to KD_CODES_MAX_SYMBOLS
 * @max_bits: of a code, at most 15; 2^max_bits >= n
 * @used_ret: room for @n: the symbols that have a code, rising
 * @code_ret: @n of them; those of other symbols are left as they are
 *
 * Two symbols have a code at least, whatever occurs: not every reader takes fewer.
 *
 * Return: how many have one.
 */
size_t kd_codes(const uint32_t *freq, size_t n, unsigned int max_bits, uint16_t *used_ret,
		kd_code *code_ret);

struct kd_deflate;

/** kd_deflate_bound() - room with which kd_deflate_page() never returns 0 */
size_t kd_deflate_bound(size_t len);

/** kd_deflate_new() - for pages of @max_len, at most KD_DEFLATE_MAX_LEN; NULL without memory */
struct kd_deflate *kd_deflate_new(size_t max_len);
void kd_deflate_free(struct kd_deflate *d);

/**
 * kd_deflate_page() - a zlib stream (RFC 1950) of @len bytes
 *
 * Return: its length, or 0: it and a few bytes more do not fit into @cap.
 */
size_t kd_deflate_page(struct kd_deflate *d, uint8_t *dst, size_t cap, const uint8_t *src,
		       size_t len) KD_MUST_CHECK;

#endif
