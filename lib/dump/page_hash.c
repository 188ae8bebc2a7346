/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A page is compared by a 128-bit hash only, so the hash must not be one that the contents
 * of the memory (which any process could write) can be made to collide. It is two hashes
 * of 64 bits, each over the words of the page by pairs, (w0 + k0) * (w1 + k1) summed up, with a
 * random key. The second has the key shifted by a pair: for the last pair in which two pages differ
 * its key is new, so a collision in the first says nothing of the second (as in UMAC, RFC 4418). There are
 * two of the kind, and the dump is the same with either:
 *
 * Without carries: + is xor and * the product of polynomials over GF(2). The sum is taken modulo
 * an irreducible polynomial. If w0 differs, then for any k0 one of the 2^64 values of k1 gives the
 * same sum, as the difference has an inverse there; if only w1 does, one of k0. So two different pages
 * have the same 128 bits with a chance of 2^-128.
 *
 * With numbers (NH, as in UMAC): the same holds for the sum of 128 bits, which is then cut to
 * the upper half of a random linear function of it. Less than 2^-62 for each, 2^-124 together.
 */
#include "lib/dump/internal.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum {
	PAIR_WORDS = 2, /* the key of the second hash is shifted by that */
	FOLD_WORDS = 4, /* of key to cut a sum: a number of 128 bits for each half of it */
	FOLDS = 2,
};

size_t kd_page_hasher_key_bytes(uint32_t page_size)
{
	return page_size + (PAIR_WORDS + FOLDS * FOLD_WORDS) * sizeof(uint64_t);
}

/* Where the kernel has no randomness to give: different each time, which is all that is left. */
static void fill_from_clock(uint64_t *key, size_t words)
{
	struct timespec ts = { 0 };

	clock_gettime(CLOCK_MONOTONIC, &ts);
	uint64_t state = (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
	for (size_t i = 0; i < words; i++) {
		/* one step of SplitMix64 */
		state += 0x9e3779b97f4a7c15u;
		uint64_t z = (state ^ state >> 30) * 0xbf58476d1ce4e5b9u;
		z = (z ^ z >> 27) * 0x94d049bb133111ebu;
		key[i] = z ^ z >> 31;
	}
}

static void fill(uint64_t *key, size_t len)
{
	uint8_t *p = (uint8_t *)key;

	for (size_t done = 0; done < len;) {
		/* A capture kernel is seconds old: waiting for its entropy could take for ever. */
		ssize_t n = getrandom(p + done, len - done, GRND_INSECURE);
		if (n < 0 && errno == EINVAL)
			n = getrandom(p + done, len - done, GRND_NONBLOCK); /* before Linux 5.6 */
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			fill_from_clock(key, len / sizeof(uint64_t));
			return;
		}
		done += (size_t)n;
	}
}

/* @key: two numbers of 128 bits */
static uint64_t fold(unsigned __int128 sum, const uint64_t *key)
{
	unsigned __int128 k[2];

	memcpy(k, key, sizeof(k));
	return (uint64_t)((k[0] * (uint64_t)sum + k[1] * (uint64_t)(sum >> 64)) >> 64);
}

static struct kd_page_hash hash_numbers(const struct kd_page_hasher *h, const uint8_t *page)
{
	const uint64_t *key = h->key;
	unsigned __int128 a = 0, b = 0;

	for (size_t i = 0; i < h->page_size / 16; i++, key += PAIR_WORDS) {
		uint64_t w[PAIR_WORDS];
		memcpy(w, page + 16 * i, sizeof(w));
		a += (unsigned __int128)(w[0] + key[0]) * (w[1] + key[1]);
		b += (unsigned __int128)(w[0] + key[PAIR_WORDS]) * (w[1] + key[PAIR_WORDS + 1]);
	}
	key += PAIR_WORDS;
	return (struct kd_page_hash){ { fold(a, key), fold(b, key + FOLD_WORDS) } };
}

#if defined(__x86_64__)

bool kd_page_hash_can_carryless(void)
{
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("vpclmulqdq");
}

#define VECTOR_CODE __attribute__((target("avx2,pclmul,vpclmulqdq")))

/* Of two lanes, modulo x^64 + x^4 + x^3 + x + 1. */
VECTOR_CODE static uint64_t reduce(__m256i lanes)
{
	const __m128i low_terms = _mm_cvtsi64_si128(0x1b);
	__m128i sum = _mm_xor_si128(_mm256_castsi256_si128(lanes),
				    _mm256_extracti128_si256(lanes, 1));
	__m128i once = _mm_clmulepi64_si128(sum, low_terms, 0x01); /* the upper half: 67 bits */
	__m128i twice = _mm_clmulepi64_si128(once, low_terms, 0x01);

	return (uint64_t)_mm_cvtsi128_si64(_mm_xor_si128(sum, _mm_xor_si128(once, twice)));
}

VECTOR_CODE static __m256i load(const void *p)
{
	return _mm256_loadu_si256(p);
}

VECTOR_CODE static struct kd_page_hash hash_carryless(const struct kd_page_hasher *h,
						      const uint8_t *page)
{
	const uint64_t *key = h->key;
	__m256i a = _mm256_setzero_si256(), b = a;

	for (size_t at = 0; at < h->page_size; at += sizeof(a), key += 2 * PAIR_WORDS) {
		__m256i w = load(page + at);
		__m256i x = _mm256_xor_si256(w, load(key));
		__m256i y = _mm256_xor_si256(w, load(key + PAIR_WORDS));
		a = _mm256_xor_si256(a, _mm256_clmulepi64_epi128(x, x, 0x10));
		b = _mm256_xor_si256(b, _mm256_clmulepi64_epi128(y, y, 0x10));
	}
	return (struct kd_page_hash){ { reduce(a), reduce(b) } };
}

#else

bool kd_page_hash_can_carryless(void)
{
	return false;
}

static struct kd_page_hash hash_carryless(const struct kd_page_hasher *h, const uint8_t *page)
{
	return hash_numbers(h, page);
}

#endif

void kd_page_hasher_init(struct kd_page_hasher *h, void *key, uint32_t page_size)
{
	fill(key, kd_page_hasher_key_bytes(page_size));
	*h = (struct kd_page_hasher){ .key = key,
				      .page_size = page_size,
				      .carryless = kd_page_hash_can_carryless() };
}

struct kd_page_hash kd_page_hash(const struct kd_page_hasher *h, const uint8_t *page)
{
	return h->carryless ? hash_carryless(h, page) : hash_numbers(h, page);
}
