/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/sink/internal.h"

#include "lib/base/xxh3.h"

#include <stdlib.h>

enum {
	FIRST_JOIN_BYTES = 64 << 20,
	/* After so many joined ranges they become twice as long: so those that only end because they
	 * are long enough are a few hundred, whatever the size of the dump. */
	JOINS_PER_DOUBLING = 64,
	N_STREAMS = 2, /* pages, and what tells where they are */
};

/* A range being joined: not yet among the extents. */
struct stream {
	struct kd_xxh3 xxh3;
	uint64_t off;
	uint64_t len; /* 0: none */
};

struct hash_sink {
	struct kd_sink_wrapper wrapper;
	struct kd_sink_ops ops;
	struct kd_hashed_extent *extents;
	size_t n;
	size_t max;
	uint64_t end; /* of the range that reaches farthest: nothing behind it is noted yet */

	bool full; /* once one found no place */

	uint64_t stream_from;
	struct stream streams[N_STREAMS];
	unsigned int last; /* the one that was written to */
	uint64_t join_bytes;
	unsigned int joined; /* ranges of that length */
};

_Static_assert(_Alignof(struct hash_sink) <= KD_SINK_WRAPPER_ALIGN, "as kd_sink_wrap() allocates");

static void add(struct hash_sink *h, uint64_t off, uint64_t len, uint64_t xxh3)
{
	if (h->n == h->max) {
		h->full = true;
		return;
	}
	h->extents[h->n++] =
		(struct kd_hashed_extent){ .off = off, .len_bytes = len, .xxh3 = xxh3 };
	if (off + len > h->end)
		h->end = off + len;
}

static void end_stream(struct hash_sink *h, struct stream *s)
{
	if (s->len == 0)
		return;
	add(h, s->off, s->len, kd_xxh3_digest(&s->xxh3));
	if (s->len >= h->join_bytes && ++h->joined % JOINS_PER_DOUBLING == 0 &&
	    h->join_bytes < (UINT64_MAX >> 1))
		h->join_bytes *= 2;
	s->len = 0;
}

/* What was noted of [off, off + len) is no longer true. */
static void forget(struct hash_sink *h, uint64_t off, uint64_t len)
{
	for (unsigned int i = 0; i < N_STREAMS; i++) {
		struct stream *s = &h->streams[i];
		if (s->len && off < s->off + s->len && off + len > s->off)
			end_stream(h, s);
	}
	if (off >= h->end)
		return;
	for (size_t i = 0; i < h->n;) {
		const struct kd_hashed_extent *e = &h->extents[i];
		if (off < e->off + e->len_bytes && off + len > e->off)
			h->extents[i] = h->extents[--h->n];
		else
			i++;
	}
}

/* The one that @off continues, or the one that was not written to for longer. */
static struct stream *stream_for(struct hash_sink *h, uint64_t off)
{
	unsigned int i = 0;

	while (i < N_STREAMS &&
	       (h->streams[i].len == 0 || off != h->streams[i].off + h->streams[i].len))
		i++;
	h->last = i < N_STREAMS ? i : (h->last + 1) % N_STREAMS;
	return &h->streams[h->last];
}

static void note(struct hash_sink *h, uint64_t off, const void *buf, size_t len)
{
	forget(h, off, len);
	if (off < h->stream_from) {
		add(h, off, len, kd_xxh3(buf, len));
		return;
	}
	struct stream *s = stream_for(h, off);
	if (off != s->off + s->len || s->len >= h->join_bytes)
		end_stream(h, s);
	if (s->len == 0) {
		kd_xxh3_init(&s->xxh3);
		s->off = off;
	}
	kd_xxh3_update(&s->xxh3, buf, len);
	s->len += len;
}

static int hash_write_at(struct kd_sink *s, uint64_t off, const void *buf, size_t len,
			 struct kd_err *err)
{
	struct hash_sink *h = (struct hash_sink *)s;
	int rc = kd_sink_write_at(h->wrapper.inner, off, buf, len, err);

	if (!rc)
		note(h, off, buf, len);
	else
		forget(h, off, len);
	return rc;
}

static struct kd_sink *hash_unwrap(struct kd_sink *s)
{
	free(((struct hash_sink *)s)->extents);
	return kd_sink_pass_unwrap(s);
}

static int hash_commit(struct kd_sink *s, struct kd_err *err)
{
	return kd_sink_commit(hash_unwrap(s), err);
}

static void hash_abort(struct kd_sink *s)
{
	kd_sink_abort(hash_unwrap(s));
}

static const struct kd_sink_ops hash_ops = {
	.write_at = hash_write_at,
	.append = kd_sink_pass_append,
	.read_at = kd_sink_pass_read_at,
	.reserve = kd_sink_pass_reserve,
	.zero = kd_sink_pass_zero,
	.sync = kd_sink_pass_sync,
	.commit = hash_commit,
	.abort = hash_abort,
	.unwrap = hash_unwrap,
};

int kd_sink_hash_new(struct kd_sink *inner, size_t max_extents, struct kd_sink **ret,
		     struct kd_err *err)
{
	struct kd_sink *s = NULL;
	int rc = kd_sink_wrap(inner, sizeof(struct hash_sink), offsetof(struct hash_sink, ops),
			      &hash_ops, &s, err);

	if (rc)
		return rc;
	struct hash_sink *h = (struct hash_sink *)s;
	h->extents = calloc(max_extents, sizeof(*h->extents));
	if (!h->extents) {
		rc = kd_fail(err, KD_NOMEM, "%s: no memory for %zu hashes", s->name, max_extents);
		(void)hash_unwrap(s);
		return rc;
	}
	h->max = max_extents;
	h->stream_from = UINT64_MAX;
	h->join_bytes = FIRST_JOIN_BYTES;
	*ret = s;
	return 0;
}

void kd_sink_hash_stream_from(struct kd_sink *hash, uint64_t off)
{
	((struct hash_sink *)hash)->stream_from = off;
}

void kd_sink_hash_expect(struct kd_sink *hash, uint64_t off, const void *buf, size_t len)
{
	note((struct hash_sink *)hash, off, buf, len);
}

void kd_sink_hash_forget(struct kd_sink *hash, uint64_t off, uint64_t len)
{
	forget((struct hash_sink *)hash, off, len);
}

bool kd_sink_hash_is_full(const struct kd_sink *hash)
{
	return ((const struct hash_sink *)hash)->full;
}

static int by_offset(const void *a, const void *b)
{
	const struct kd_hashed_extent *x = a, *y = b;

	return x->off < y->off ? -1 : x->off > y->off;
}

size_t kd_sink_hash_settled(struct kd_sink *hash, struct kd_hashed_extent *ret)
{
	const struct hash_sink *h = (const struct hash_sink *)hash;
	size_t n = 0;

	for (size_t i = 0; i < h->n; i++)
		if (h->extents[i].off >= h->stream_from)
			ret[n++] = h->extents[i];
	for (unsigned int i = 0; i < N_STREAMS; i++) {
		const struct stream *s = &h->streams[i];
		if (s->len && n < h->max)
			ret[n++] = (struct kd_hashed_extent){ .off = s->off,
							      .len_bytes = s->len,
							      .xxh3 = kd_xxh3_digest(&s->xxh3) };
	}
	qsort(ret, n, sizeof(*ret), by_offset);
	return n;
}

const struct kd_hashed_extent *kd_sink_hash_extents(struct kd_sink *hash, size_t *n_ret)
{
	struct hash_sink *h = (struct hash_sink *)hash;

	for (unsigned int i = 0; i < N_STREAMS; i++)
		end_stream(h, &h->streams[i]);
	qsort(h->extents, h->n, sizeof(*h->extents), by_offset);
	*n_ret = h->n;
	return h->extents;
}
