/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many threads, how much memory; and taking it. */
#include "lib/dump/internal.h"

#include <limits.h>

enum {
	SAME_MAX = 64 << 10, /* pages remembered, 56 bytes each */
	SAME_MAX_SMALL = 4 << 10,
	SMALL_MEMORY = 32 << 20, /* below that limit the table of pages seen is small */
	READ_BYTES = 128 << 10,	 /* a worker's window where the dump cannot be mapped */
	FILTER_READ_BYTES = 256 << 10,
	CODEC_BYTES = 384 << 10, /* the largest context; see kd_compressor_new() */
	STACK_BYTES = 32 << 10,	 /* of a thread, that it touches */
	MAX_THREADS = 1024,
	SPARE_SLOTS = 8, /* as much as a thread fills while another writes KD_WRITE_BYTES */
};

static size_t write_bytes(const struct kd_engine *e)
{
	return e->opts->flattened ? KD_CHUNK_BYTES : KD_WRITE_BYTES;
}

/* Two for each thread, and spare ones, so that the others seldom wait for the one that writes. */
static size_t slots_for(const struct kd_engine *e, unsigned int threads)
{
	return threads > 1 ? 2 * (size_t)threads + e->spare_slots : 1;
}

static size_t arena_bytes(const struct kd_engine *e, unsigned int threads)
{
	size_t n = slots_for(e, threads);

	return kd_arena_need(write_bytes(e)) + kd_arena_need(KD_DESC_WINDOW_BYTES) +
	       kd_arena_need(kd_same_bytes(e->same_max)) +
	       kd_arena_need(kd_page_hasher_key_bytes(e->page_size)) + kd_arena_need(e->page_size) +
	       kd_arena_need(n * sizeof(struct kd_slot)) + n * kd_arena_need(KD_EXTENT_BYTES) +
	       kd_arena_need(threads * sizeof(struct kd_worker)) +
	       threads * kd_arena_need(e->page_size);
}

static uint64_t need(const struct kd_engine *e, unsigned int threads)
{
	const struct kd_dump_opts *o = e->opts;
	uint64_t window = kd_vmcore_window_bytes(e->core, o->access, READ_BYTES);
	uint64_t small = kd_vmcore_window_bytes(e->core, KD_ACCESS_READ, 0);
	uint64_t workers = threads * (window + STACK_BYTES + (o->codec ? CODEC_BYTES : 0));
	uint64_t writing = arena_bytes(e, threads) + workers +
			   KD_DUMP_MAX_EXTENTS * sizeof(struct kd_hashed_extent);
	uint64_t scan = kd_vmcore_window_bytes(e->core, kd_engine_filter_access(o),
					       FILTER_READ_BYTES);
	uint64_t filtering = threads * (scan + small + STACK_BYTES);

	/* The dump itself and the filter have a small window each all the time. */
	return kd_filter_bitmap_bytes(e->core, e->want_late) + 2 * small +
	       (writing > filtering ? writing : filtering);
}

/* Rounds of single pages: the page descriptors must be read again. */
static enum kd_walk_order best_order(const struct kd_engine *e)
{
	const struct kd_dump_opts *o = e->opts;

	if (o->one_pass || !e->user_sink)
		return KD_WALK_RISING;
	if (o->format == KD_DUMP_ELF || o->flattened || !e->user_sink->rewritable ||
	    !kd_sink_can_read(e->user_sink))
		return KD_WALK_BLOCKS;
	return KD_WALK_ROUNDS;
}

/*
 * Nothing that decides about the output may depend on the number of threads. Where memory is
 * tight user pages are not told from others: a dump in any order is better than none.
 */
int kd_engine_budget(struct kd_engine *e, struct kd_err *err)
{
	const struct kd_dump_opts *o = e->opts;
	uint64_t max = o->max_memory_bytes;
	char want[KD_SIZE_TEXT_BYTES], least[KD_SIZE_TEXT_BYTES];

	e->page_size = kd_vmcore_page_size(e->core);
	e->extent_pages = KD_EXTENT_BYTES / e->page_size;
	e->threads = o->threads ? o->threads : kd_cpus_usable();
	if (e->threads > MAX_THREADS)
		e->threads = MAX_THREADS;
	e->same_max = max && max < SMALL_MEMORY ? SAME_MAX_SMALL : SAME_MAX;
	e->order = best_order(e);
	e->want_late = e->order != KD_WALK_RISING;
	e->spare_slots = SPARE_SLOTS;
	if (e->want_late && max && need(e, 1) > max) {
		e->want_late = false;
		kd_log(o->log, KD_LOG_INFO, "dump", "not enough memory to put user pages last");
	}
	if (max && need(e, e->threads) > max)
		e->spare_slots = 0;
	while (max && e->threads > 1 && need(e, e->threads) > max)
		e->threads--;
	if (max && need(e, e->threads) > max)
		return kd_fail(err, KD_USAGE,
			       "%s of memory are not enough for this dump: it takes %s with one "
			       "thread, the bitmaps of its pages included",
			       kd_format_size(max, want), kd_format_size(need(e, 1), least));
	e->result->threads = e->threads;
	e->result->memory_bytes = need(e, e->threads);
	return 0;
}

static int make_worker(struct kd_engine *e, struct kd_worker *w, struct kd_err *err)
{
	const struct kd_dump_opts *o = e->opts;

	w->engine = e;
	w->page = kd_arena_take(&e->arena, e->page_size);
	int rc = kd_vmcore_window_new(e->core, o->access, KD_MAP_BYTES, READ_BYTES, &w->window,
				      err);
	/* "none" would be a copy, and then another one. */
	if (!rc && o->format == KD_DUMP_DISKDUMP && o->codec && o->codec->diskdump_flag)
		rc = kd_compressor_new(o->codec, INT_MIN, e->page_size, &w->codec, err);
	return rc;
}

int kd_engine_take_memory(struct kd_engine *e, struct kd_err *err)
{
	struct kd_arena *a = &e->arena;
	int rc = kd_arena_init(a, arena_bytes(e, e->threads), err);

	if (rc)
		return rc;
	e->outbuf.cap = write_bytes(e);
	e->outbuf.buf = kd_arena_take(a, e->outbuf.cap);
	e->descs.window = kd_arena_take(a, KD_DESC_WINDOW_BYTES);
	kd_same_init(&e->same, kd_arena_take(a, kd_same_bytes(e->same_max)), e->same_max);
	kd_page_hasher_init(&e->hasher, kd_arena_take(a, kd_page_hasher_key_bytes(e->page_size)),
			    e->page_size);
	e->block = kd_arena_take(a, e->page_size);
	e->n_slots = slots_for(e, e->threads);
	e->slots = kd_arena_take(a, e->n_slots * sizeof(*e->slots));
	for (size_t i = 0; i < e->n_slots; i++)
		e->slots[i].buf = kd_arena_take(a, KD_EXTENT_BYTES);
	e->workers = kd_arena_take(a, e->threads * sizeof(*e->workers));
	for (unsigned int i = 0; !rc && i < e->threads; i++)
		rc = make_worker(e, &e->workers[i], err);
	return rc;
}

int kd_engine_wrap_sink(struct kd_engine *e, struct kd_err *err)
{
	const struct kd_dump_opts *o = e->opts;
	int rc = 0;

	e->sink = e->user_sink;
	if (!o->flattened && !e->sink->rewritable)
		return kd_fail(err, KD_NOTSUP,
			       "%s takes only a stream: choose the flattened format (-F)",
			       e->sink->name);
	if (o->flattened) {
		rc = kd_flat_sink_new(e->sink, e->block, &e->flat, err);
		if (rc)
			return rc;
		e->sink = e->flat;
	}
	if (!o->no_digests) {
		rc = kd_sink_hash_new(e->sink, KD_DUMP_MAX_EXTENTS, &e->hash, err);
		if (rc)
			return rc;
		e->sink = e->hash;
	}
	e->outbuf.sink = e->sink;
	e->outbuf.written = &e->result->written_bytes;
	return 0;
}

void kd_engine_fini(struct kd_engine *e)
{
	for (unsigned int i = 0; e->workers && i < e->threads; i++) {
		kd_vmcore_window_free(e->workers[i].window);
		kd_compressor_free(e->workers[i].codec);
	}
	if (e->hash)
		(void)kd_sink_unwrap(e->hash);
	if (e->flat)
		(void)kd_sink_unwrap(e->flat);
	kd_arena_fini(&e->arena);
	free(e->segments);
	free(e->ranges);
	kd_filter_close(e->filter);
}
