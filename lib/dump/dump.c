/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/dump/dump.h"

#include "lib/base/xxh3.h"
#include "lib/dump/internal.h"

#include <stdatomic.h>
#include <string.h>

static int out_write_at(void *arg, uint64_t off, const void *buf, size_t len, struct kd_err *err)
{
	struct kd_engine *e = arg;

	int rc = kd_sink_write_at(e->sink, off, buf, len, err);

	if (!rc)
		e->result->written_bytes += len;
	return rc;
}

static int out_read_at(void *arg, uint64_t off, void *buf, size_t len, struct kd_err *err)
{
	struct kd_engine *e = arg;

	return kd_sink_read_at(e->sink, off, buf, len, err);
}

static int check_opts(const struct kd_vmcore *core, const struct kd_dump_opts *o,
		      struct kd_err *err)
{
	if (o->level > KD_LEVEL_ALL)
		return kd_fail(err, KD_USAGE, "dump level %u: levels are 0 to %d", o->level,
			       KD_LEVEL_ALL);
	if (o->format == KD_DUMP_ELF && o->codec && o->codec->diskdump_flag)
		return kd_fail(err, KD_USAGE, "an ELF dump (-E) cannot be compressed (%s)",
			       o->codec->name);
	if (o->dry_run)
		return 0;
	if (o->codec && !o->codec->compress)
		return kd_fail(err, KD_NOTSUP, "%s is only read here, not written", o->codec->name);
	if (kd_vmcore_machine(core) == KD_MACHINE_OTHER || kd_vmcore_is_big_endian(core))
		return kd_fail(
			err, KD_NOTSUP,
			"%s: dumps of %s machines can be read, not written: use makedumpfile",
			kd_vmcore_name(core), kd_vmcore_machine_name(core));
	return 0;
}

static void keep_filter_facts(struct kd_engine *e)
{
	struct kd_dump_result *r = e->result;

	r->filter = e->kept;
	r->filter.exists = r->filter.keep = r->filter.late = r->filter.vital = NULL;
	r->filter.ranges = NULL;
	r->filter.n_ranges = 0;
	for (int i = 0; i < KD_LEVEL_BITS; i++) {
		if (e->kept.why_dropped[i])
			snprintf(r->why_dropped[i], sizeof(r->why_dropped[i]), "%s",
				 e->kept.why_dropped[i]);
		r->filter.why_dropped[i] = NULL;
	}
	snprintf(r->model, sizeof(r->model), "%s", kd_filter_model(e->filter));
}

enum kd_vmcore_access kd_engine_filter_access(const struct kd_dump_opts *o)
{
	return o->access == KD_ACCESS_AUTO ? KD_ACCESS_SCAN : o->access;
}

/* There is nothing to order where all pages are of one round. */
static void choose_order(struct kd_engine *e)
{
	enum {
		/* Of descriptors, which take a range of hashes each, and may end one of data. */
		MAX_CHUNKS = KD_DUMP_MAX_EXTENTS / 4,
		MAX_SEGMENTS = 32768, /* half of what fits without extended numbering */
	};
	bool elf = e->opts->format == KD_DUMP_ELF;

	if (!kd_page_walk_has_rounds(&e->kept))
		e->order = KD_WALK_RISING;
	if (e->order == KD_WALK_BLOCKS)
		e->block_pages = kd_walk_block_pages(&e->kept, elf ? MAX_SEGMENTS : MAX_CHUNKS);
}

static int run_filter(struct kd_engine *e, struct kd_err *err)
{
	const struct kd_dump_opts *o = e->opts;
	uint64_t start = kd_monotonic_ms();
	const struct kd_filter_opts fo = {
		.level = o->level,
		.threads = e->threads,
		.log = o->log,
		.access = kd_engine_filter_access(o),
		.read_bytes = o->max_memory_bytes ? 256 << 10 : 0,
		.max_bitmap_bytes = o->max_memory_bytes,
		.want_late = e->want_late,
	};

	kd_engine_progress(e, KD_DUMP_FILTERING, true);
	int rc = kd_filter_open(e->core, &fo, &e->filter, err);
	if (!rc)
		rc = kd_filter_run(e->filter, &e->kept, err);
	e->result->filter_ms = kd_monotonic_ms() - start;
	if (rc)
		return kd_wrap(err, "choosing the pages to keep");
	keep_filter_facts(e);
	e->result->input_incomplete |= e->kept.n_lost > 0;
	choose_order(e);
	e->total_bytes = e->kept.n_keep * e->page_size;
	return 0;
}

/* The hashes of the file's parts go behind its end. */
static int write_digests(struct kd_engine *e, struct kd_err *err)
{
	struct kd_dump_result *r = e->result;
	uint8_t *room = e->outbuf.buf; /* flushed: it is free */
	size_t n = 0;

	if (!e->hash)
		return 0;
	const struct kd_hashed_extent *x = kd_sink_hash_extents(e->hash, &n);
	if (kd_sink_hash_is_full(e->hash))
		kd_log(e->opts->log, KD_LOG_WARN, "dump",
		       "the dump has more than %d parts: some have no hashes", KD_DUMP_MAX_EXTENTS);
	for (size_t i = 0; i < n; i++)
		kd_digest_encode_record(room + i * KD_DIGEST_RECORD_BYTES, &x[i]);
	size_t len = n * KD_DIGEST_RECORD_BYTES;
	kd_digest_encode_footer(room + len, room, n);
	len += KD_DIGEST_FOOTER_BYTES;
	int rc = out_write_at(e, r->file_bytes, room, len, err);
	if (rc == -KD_NOSPACE && !e->flat) {
		/* A dump that is whole but for them is worth more than they are. */
		kd_log(e->opts->log, KD_LOG_WARN, "dump", "no room for the hashes: %s", err->msg);
		return 0;
	}
	if (rc)
		return rc;
	r->file_bytes += len;
	r->digest_ranges = n;
	snprintf(r->digests_xxh3, sizeof(r->digests_xxh3), "%016jx", (uintmax_t)kd_xxh3(room, len));
	return 0;
}

/* All that comes after the last page. "Incomplete" goes when everything else is safe. */
static int finish(struct kd_engine *e, struct kd_err *err)
{
	bool incomplete = e->result->input_incomplete;
	bool again = e->sink->rewritable;
	int rc = e->format->end(e, err);

	if (rc)
		return rc;
	size_t len = e->format->first(e, incomplete);
	if (e->hash && again)
		kd_sink_hash_expect(e->hash, 0, e->block, len);
	rc = write_digests(e, err);
	if (!rc && e->flat)
		rc = kd_flat_sink_end(e->flat, err);
	kd_engine_progress(e, KD_DUMP_SYNCING, true);
	if (!rc)
		rc = kd_sink_sync(e->sink, err);
	if (!rc && again) {
		rc = out_write_at(e, 0, e->block, len, err);
		if (!rc)
			rc = kd_sink_sync(e->sink, err);
	}
	/* Which header stands there, that one or the first one? */
	if (rc && e->hash && again)
		kd_sink_hash_forget(e->hash, 0, len);
	return rc;
}

static size_t all_extents(const struct kd_engine *e, struct kd_hashed_extent *ret)
{
	size_t n = 0;
	const struct kd_hashed_extent *x = kd_sink_hash_extents(e->hash, &n);

	memcpy(ret, x, n * sizeof(*x));
	return n;
}

void kd_engine_keep_extents(struct kd_engine *e, bool at_end)
{
	struct kd_hashed_extent *room = e->opts->extents;

	if (!e->hash || !room)
		return;
	/* The process may be killed here, and the memory be shared with one that goes on. */
	e->result->n_extents = 0;
	atomic_signal_fence(memory_order_seq_cst);
	size_t n = at_end ? all_extents(e, room) : kd_sink_hash_settled(e->hash, room);
	atomic_signal_fence(memory_order_seq_cst);
	e->result->n_extents = n;
}

/* The sink takes no more, or we are to stop: keep what is there, and say why it is not all. */
static void truncate_dump(struct kd_engine *e, int rc, const struct kd_err *why)
{
	struct kd_dump_result *r = e->result;
	struct kd_err ignored = { 0 };

	r->truncated = true;
	r->code = (enum kd_code) - rc;
	snprintf(r->reason, sizeof(r->reason), "%s", why->msg);
	/* A sink that works still takes what we have: the page of zeros, to begin with. */
	if (rc == -KD_AGAIN)
		(void)!e->format->checkpoint(e, &ignored);
	e->format->salvage(e);
	(void)!kd_sink_sync(e->sink, &ignored);
}

static int write_dump(struct kd_engine *e, struct kd_err *err)
{
	struct kd_err why = { 0 };

	e->format = e->opts->format == KD_DUMP_ELF ? &kd_engine_elf : &kd_engine_kdump;
	e->out = (struct kd_format_out){ .write_at = out_write_at,
					 .read_at = out_read_at,
					 .arg = e };
	int rc = kd_engine_facts(e, err);
	if (!rc)
		rc = kd_engine_take_memory(e, err);
	if (!rc)
		rc = kd_engine_wrap_sink(e, err);
	if (!rc)
		rc = e->format->begin(e, err);
	if (rc)
		return rc;

	struct kd_pipeline p = { .ops = &e->format->pipeline,
				 .engine = e,
				 .workers = e->workers,
				 .n_workers = e->threads,
				 .slots = e->slots,
				 .n_slots = e->n_slots };
	kd_engine_progress(e, KD_DUMP_WRITING, true);
	rc = kd_pipeline_run(&p, &why);
	if (!rc)
		rc = finish(e, &why);
	if (rc)
		truncate_dump(e, rc, &why);
	kd_engine_keep_extents(e, true);
	return 0;
}

int kd_dump_run(struct kd_vmcore *core, const struct kd_dump_opts *opts, struct kd_sink *sink,
		struct kd_dump_result *ret, struct kd_err *err)
{
	struct kd_engine e = { .core = core, .opts = opts, .result = ret, .user_sink = sink };

	memset(ret, 0, sizeof(*ret));
	ret->input_incomplete = kd_vmcore_is_incomplete(core);
	e.start_ms = kd_monotonic_ms();
	int rc = check_opts(core, opts, err);
	if (!rc)
		rc = kd_engine_budget(&e, err);
	if (!rc)
		rc = run_filter(&e, err);
	if (!rc && !opts->dry_run && e.kept.max_pfn == 0)
		rc = kd_fail(err, KD_BADDATA, "%s has no memory in it: there is nothing to write",
			     kd_vmcore_name(core));
	if (!rc && !opts->dry_run) {
		uint64_t start = kd_monotonic_ms();
		rc = write_dump(&e, err);
		ret->write_ms = kd_monotonic_ms() - start;
	}
	kd_engine_fini(&e);
	return rc;
}
