/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/ondisk/flattened.h"
#include "lib/vmcore/internal.h"

#include <stdlib.h>

/* In the order of the file: a later chunk overwrites an earlier one, so its place is its rank. */
struct list {
	struct kd_extent_claim *v;
	size_t n;
	size_t cap;
};

static void list_fini(struct list *l)
{
	free(l->v);
}

static int list_add(struct list *l, const struct kd_flattened_chunk *chunk, uint64_t at,
		    struct kd_err *err)
{
	if (l->n == l->cap) {
		size_t cap = l->cap ? 2 * l->cap : 256;
		struct kd_extent_claim *grown = reallocarray(l->v, cap, sizeof(*grown));
		if (!grown)
			return kd_fail(err, KD_NOMEM, "no memory to index %zu chunks", cap);
		l->v = grown;
		l->cap = cap;
	}
	l->v[l->n] = (struct kd_extent_claim){
		.extent = { .start = chunk->offset, .len = chunk->size, .to = at },
		.rank = l->n,
	};
	l->n++;
	return 0;
}

/*
 * Every chunk's head takes 16 bytes of the file, so their number is bounded by
 * its size. Returns 1 if the end marker was found, 0 if the file ends before it.
 */
static int scan(const struct kd_file *f, struct list *list, struct kd_err *err)
{
	uint64_t at = KD_FLATTENED_HEADER_BYTES;

	for (;;) {
		uint8_t head[KD_FLATTENED_CHUNK_BYTES];
		struct kd_flattened_chunk chunk;

		ssize_t got = kd_pread_full(f->fd, head, sizeof(head), at, f->name, err);
		if (got < 0)
			return (int)got;
		if ((size_t)got < sizeof(head))
			return 0;
		int rc = kd_flattened_decode_chunk(head, sizeof(head), &chunk, err);
		if (rc)
			return kd_wrap(err, "%s at 0x%jx", f->name, (uintmax_t)at);
		if (chunk.end)
			return 1;

		at += sizeof(head);
		bool cut = at > f->size_bytes || chunk.size > f->size_bytes - at;
		if (cut)
			chunk.size = at < f->size_bytes ? f->size_bytes - at : 0;
		if (chunk.size) {
			rc = list_add(list, &chunk, at, err);
			if (rc)
				return kd_wrap(err, "%s", f->name);
		}
		if (cut)
			return 0;
		at += chunk.size;
	}
}

int kd_flattened_index(struct kd_file *f, const struct kd_log *log, struct kd_err *err)
{
	uint8_t header[KD_FLATTENED_HEADER_BYTES];
	KD_AUTO(list_fini) struct list list = { 0 };

	ssize_t got = kd_pread_full(f->fd, header, sizeof(header), 0, f->name, err);
	if (got < 0)
		return (int)got;
	if (!kd_flattened_is_flattened(header, (size_t)got))
		return 0;
	int rc = kd_flattened_decode_header(header, (size_t)got, err);
	if (rc)
		return kd_wrap(err, "%s", f->name);

	rc = scan(f, &list, err);
	if (rc < 0)
		return rc;
	f->cut = rc == 0;
	if (f->cut)
		kd_log(log, KD_LOG_WARN, "vmcore",
		       "%s: flattened file without its end marker: it was cut short", f->name);

	uint64_t end = 0;
	if (f->cut && list.n)
		f->cut_at = list.v[list.n - 1].extent.start + list.v[list.n - 1].extent.len;
	for (size_t i = 0; i < list.n; i++) {
		uint64_t chunk_end = list.v[i].extent.start + list.v[i].extent.len;
		if (chunk_end > end)
			end = chunk_end;
	}
	rc = kd_extents_build(list.v, list.n, &f->chunks, err);
	if (rc)
		return kd_wrap(err, "%s", f->name);
	f->flattened = true;
	f->size_bytes = end;
	return 1;
}
