/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pages of zeros and pages that were there before. */
#include "lib/dump/internal.h"

#include <string.h>

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

/* Few share a bucket, so that what is not there is seldom compared with what is. */
enum { BUCKETS_PER_ENTRY = 4 };

size_t kd_same_bytes(uint32_t max)
{
	return max * (sizeof(struct kd_same_entry) + BUCKETS_PER_ENTRY * sizeof(uint32_t));
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
	return &t->buckets[hash->v[0] & (BUCKETS_PER_ENTRY * t->max - 1)];
}

void kd_same_prefetch_bucket(const struct kd_same_table *t, const struct kd_page_hash *hash)
{
	__builtin_prefetch(bucket_of(t, hash));
}

void kd_same_prefetch_entry(const struct kd_same_table *t, const struct kd_page_hash *hash)
{
	uint32_t i = *bucket_of(t, hash);

	if (i)
		__builtin_prefetch(&t->entries[i - 1]);
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
