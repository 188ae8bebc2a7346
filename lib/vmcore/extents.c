/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/vmcore/extents.h"

#include <stdlib.h>
#include <string.h>

static int compare_claims(const void *a, const void *b)
{
	const struct kd_extent_claim *x = a, *y = b;

	if (x->extent.start != y->extent.start)
		return x->extent.start < y->extent.start ? -1 : 1;
	return x->rank < y->rank ? -1 : x->rank > y->rank;
}

/* The claims that cover the current address, highest rank first: a binary heap of indices. */
struct heap {
	size_t *v;
	size_t n;
	const struct kd_extent_claim *claims;
};

/* Equal ranks: the later in the sorted order. */
static int outranks(const struct heap *h, size_t a, size_t b)
{
	uint64_t x = h->claims[a].rank, y = h->claims[b].rank;

	return x != y ? x > y : a > b;
}

static void heap_push(struct heap *h, size_t claim)
{
	size_t at = h->n++;

	while (at > 0 && outranks(h, claim, h->v[(at - 1) / 2])) {
		h->v[at] = h->v[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	h->v[at] = claim;
}

static void heap_pop(struct heap *h)
{
	size_t last = h->v[--h->n], at = 0;

	for (;;) {
		size_t child = 2 * at + 1;
		if (child >= h->n)
			break;
		if (child + 1 < h->n && outranks(h, h->v[child + 1], h->v[child]))
			child++;
		if (!outranks(h, h->v[child], last))
			break;
		h->v[at] = h->v[child];
		at = child;
	}
	h->v[at] = last;
}

static uint64_t end_of(const struct kd_extent *e)
{
	return e->start + e->len;
}

static void append(struct kd_extents *out, const struct kd_extent *from, uint64_t start,
		   uint64_t end)
{
	struct kd_extent piece = {
		.start = start,
		.len = end - start,
		.to = from->to + (start - from->start),
		.kind = from->kind,
	};

	if (out->n) {
		struct kd_extent *last = &out->v[out->n - 1];
		if (end_of(last) == start && last->kind == piece.kind &&
		    last->to + last->len == piece.to) {
			last->len += piece.len;
			return;
		}
	}
	out->v[out->n++] = piece;
}

/*
 * Sweeps over the addresses. The piece from `at` belongs to the top of the heap,
 * until that ends or the next claim starts. Each step pushes or pops a claim.
 */
static void sweep(struct heap *h, size_t n, struct kd_extents *out)
{
	uint64_t at = 0;
	size_t next = 0;

	while (next < n || h->n) {
		if (h->n == 0)
			at = h->claims[next].extent.start;
		while (next < n && h->claims[next].extent.start == at)
			heap_push(h, next++);

		const struct kd_extent *top = &h->claims[h->v[0]].extent;
		uint64_t end = end_of(top);
		if (end <= at) {
			heap_pop(h);
			continue;
		}
		if (next < n && h->claims[next].extent.start < end)
			end = h->claims[next].extent.start;
		append(out, top, at, end);
		at = end;
	}
}

int kd_extents_build(struct kd_extent_claim *claims, size_t n, struct kd_extents *ret,
		     struct kd_err *err)
{
	struct kd_extents out = { 0 };
	KD_AUTO(kd_freep) size_t *indices = calloc(n + 1, sizeof(*indices));

	if (n < SIZE_MAX / sizeof(*out.v) / 2)
		out.v = calloc(2 * n + 1, sizeof(*out.v));
	if (!indices || !out.v) {
		free(out.v);
		return kd_fail(err, KD_NOMEM, "no memory for a table of %zu ranges", n);
	}
	if (n)
		qsort(claims, n, sizeof(*claims), compare_claims);
	struct heap h = { .v = indices, .claims = claims };
	sweep(&h, n, &out);

	struct kd_extent *trimmed = realloc(out.v, (out.n + 1) * sizeof(*out.v));
	if (trimmed)
		out.v = trimmed;
	*ret = out;
	return 0;
}

void kd_extents_fini(struct kd_extents *e)
{
	free(e->v);
	*e = (struct kd_extents){ 0 };
}

const struct kd_extent *kd_extents_find(const struct kd_extents *e, uint64_t at, uint64_t *gap_ret)
{
	size_t low = 0, high = e->n;

	/* The first extent that ends behind at. */
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (at >= e->v[mid].start && at - e->v[mid].start >= e->v[mid].len)
			low = mid + 1;
		else
			high = mid;
	}
	if (low < e->n && e->v[low].start <= at)
		return &e->v[low];
	if (gap_ret)
		*gap_ret = low < e->n ? e->v[low].start - at : UINT64_MAX;
	return NULL;
}
