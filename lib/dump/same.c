/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pages of zeros and pages that were there before. A page is compared by a 128-bit
 * hash only, so the hash must not be one that the contents of the memory (which any
 * process could write) can be made to collide: NH, as in UMAC (RFC 4418), twice with a
 * shifted key, for which two different pages collide with a chance of 2^-128, the key
 * being random.
 */
#include "lib/dump/internal.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

enum { SHIFT_WORDS = 2 /* between the keys of the two halves */ };

size_t kd_page_hasher_key_bytes(uint32_t page_size)
{
	return page_size + SHIFT_WORDS * sizeof(uint64_t);
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

void kd_page_hasher_init(struct kd_page_hasher *h, void *key, uint32_t page_size)
{
	size_t len = kd_page_hasher_key_bytes(page_size);
	uint8_t *p = key;

	h->key = key;
	for (size_t done = 0; done < len;) {
		/* A capture kernel is seconds old: waiting for its entropy could take for ever. */
		ssize_t n = getrandom(p + done, len - done, GRND_INSECURE);
		if (n < 0 && errno == EINVAL)
			n = getrandom(p + done, len - done, GRND_NONBLOCK); /* before Linux 5.6 */
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			fill_from_clock(h->key, len / sizeof(uint64_t));
			return;
		}
		done += (size_t)n;
	}
}

struct kd_page_hash kd_page_hash(const struct kd_page_hasher *h, const uint8_t *page, size_t len)
{
	const uint64_t *key = h->key;
	unsigned __int128 a = 0, b = 0;

	for (size_t i = 0; i < len / 16; i++, key += 2) {
		uint64_t w[2];
		memcpy(w, page + 16 * i, sizeof(w));
		a += (unsigned __int128)(w[0] + key[0]) * (w[1] + key[1]);
		b += (unsigned __int128)(w[0] + key[SHIFT_WORDS]) * (w[1] + key[SHIFT_WORDS + 1]);
	}
	/* Each 128-bit sum is as good as its better half for a chance of 2^-64. */
	return (struct kd_page_hash){ { (uint64_t)a ^ (uint64_t)(a >> 64),
					(uint64_t)b ^ (uint64_t)(b >> 64) } };
}

bool kd_page_is_zero(const uint8_t *page, size_t len)
{
	enum { STEP = 256 };

	for (size_t at = 0; at < len; at += STEP) {
		uint64_t w[STEP / 8], any = 0;
		memcpy(w, page + at, sizeof(w));
		for (size_t i = 0; i < KD_ARRAY_LEN(w); i++)
			any |= w[i];
		if (any)
			return false;
	}
	return true;
}

static bool is_same(const struct kd_page_hash *a, const struct kd_page_hash *b)
{
	return a->v[0] == b->v[0] && a->v[1] == b->v[1];
}

size_t kd_same_bytes(uint32_t max)
{
	return max * (sizeof(struct kd_same_entry) + sizeof(uint32_t));
}

void kd_same_init(struct kd_same_table *t, void *room, uint32_t max)
{
	*t = (struct kd_same_table){ .entries = room,
				     .max = max,
				     .lock = PTHREAD_MUTEX_INITIALIZER };
	t->buckets = (uint32_t *)(t->entries + max);
}

static uint32_t *bucket_of(const struct kd_same_table *t, const struct kd_page_hash *hash)
{
	return &t->buckets[hash->v[0] & (t->max - 1)];
}

static const struct kd_same_entry *find(const struct kd_same_table *t,
					const struct kd_page_hash *hash)
{
	for (uint32_t i = *bucket_of(t, hash); i; i = t->entries[i - 1].next) {
		if (is_same(&t->entries[i - 1].hash, hash))
			return &t->entries[i - 1];
	}
	return NULL;
}

const struct kd_diskdump_desc *kd_same_find(const struct kd_same_table *t,
					    const struct kd_page_hash *hash)
{
	const struct kd_same_entry *e = find(t, hash);

	return e ? &e->desc : NULL;
}

bool kd_same_lasts(const struct kd_same_table *t, const struct kd_page_hash *hash, uint32_t adds)
{
	const struct kd_same_entry *e = find(t, hash);

	if (!e)
		return false;
	/* So many more fit before this one makes room; oldest is 0 until the ring is full. */
	uint32_t index = (uint32_t)(e - t->entries);
	return ((index - t->oldest) & (t->max - 1)) + (t->max - t->n) >= adds;
}

static void forget(struct kd_same_table *t, uint32_t index)
{
	const struct kd_same_entry *e = &t->entries[index];
	uint32_t *link = bucket_of(t, &e->hash);

	while (*link != index + 1)
		link = &t->entries[*link - 1].next;
	*link = e->next;
}

void kd_same_add(struct kd_same_table *t, const struct kd_page_hash *hash,
		 const struct kd_diskdump_desc *desc)
{
	uint32_t index = t->n;
	if (t->n < t->max) {
		t->n++;
	} else {
		index = t->oldest;
		t->oldest = (t->oldest + 1) & (t->max - 1);
		forget(t, index);
	}
	uint32_t *bucket = bucket_of(t, hash);
	t->entries[index] = (struct kd_same_entry){ .hash = *hash, .desc = *desc, .next = *bucket };
	*bucket = index + 1;
}
