/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The collector built into init: the dump engine, run in a child with a bound on
 * time, because what it reads is a dead kernel's memory. Its result comes back
 * through shared memory; the file it writes to was opened here.
 */
#include "capture-initrd/init/internal.h"
#include "lib/dump/dump.h"
#include "lib/sink/sink.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>

#define VMCORE_PATH "/proc/vmcore"

enum {
	PROGRESS_EVERY_MS = 5000,
	STOP_BEFORE_MS = 5000,	     /* the time is up: to write and sync what makes it readable */
	SYNC_EVERY_BYTES = 64 << 20, /* what a crash of this kernel could still cost */
	MIN_MEMORY_BYTES = 8 << 20,
	LEFT_MEMORY_BYTES = 32 << 20, /* enough page cache to write with, where there is little */
	MEMINFO_MAX_BYTES = 64 << 10,
	WRITE_TRIES = 3,
	WRITE_WAIT_MS = 500,
};

/* Shared with the child. */
struct result {
	struct kd_dump_result dump;
	struct kd_err err;
	bool ended; /* kd_dump_run() returned 0 and the file is synced */
	struct kd_hashed_extent extents[KD_DUMP_MAX_EXTENTS]; /* of these dump.n_extents are set */
};

_Static_assert((int)KD_DUMP_MAX_EXTENTS <= (int)KD_MANIFEST_MAX_EXTENTS,
	       "the manifest has room for each");

struct job {
	const struct kd_init *init;
	int fd;
	struct result *result;
	uint64_t last_progress_ms;
	uint64_t stop_ms; /* kd_monotonic_ms() at which to end with what there is */
	volatile sig_atomic_t stop;
};

static void show_progress(void *arg, const struct kd_dump_progress *p)
{
	struct job *job = arg;
	char done[KD_SIZE_TEXT_BYTES], total[KD_SIZE_TEXT_BYTES];

	if (kd_monotonic_ms() >= job->stop_ms)
		job->stop = 1;
	if (p->stage != KD_DUMP_WRITING ||
	    p->elapsed_ms < job->last_progress_ms + PROGRESS_EVERY_MS)
		return;
	job->last_progress_ms = p->elapsed_ms;
	kd_init_say(job->init, "vmcore %s of %s", kd_format_size(p->done_bytes, done),
		    kd_format_size(p->total_bytes, total));
}

static void relay_log(void *arg, enum kd_log_level level, const char *area, const char *text)
{
	const struct job *job = arg;

	if (level <= KD_LOG_INFO)
		kd_init_say(job->init, "%s: %s", area, text);
}

/*
 * Half of what is free: the rest is page cache for the writes, and the manifest. But a large
 * machine's bitmaps may take more, and a slow dump is better than none.
 */
static uint64_t memory_limit(const struct kd_root *root)
{
	static const char key[] = "MemAvailable:";
	KD_AUTO(kd_freep) char *text = NULL;
	uint64_t kib = 0;

	if (kd_root_read(root, "/proc/meminfo", MEMINFO_MAX_BYTES, &text, NULL, NULL))
		return 0;
	const char *at = strstr(text, key);
	if (!at)
		return 0;
	for (at += strlen(key); *at == ' '; at++)
		;
	for (; *at >= '0' && *at <= '9' && kib < UINT32_MAX; at++)
		kib = kib * 10 + (uint64_t)(*at - '0');
	uint64_t bytes = kib * 1024, limit = bytes / 2;
	if (bytes - limit > LEFT_MEMORY_BYTES)
		limit = bytes - LEFT_MEMORY_BYTES;
	return limit < MIN_MEMORY_BYTES ? MIN_MEMORY_BYTES : limit;
}

static const struct kd_codec *codec_of(enum kd_plan_codec codec)
{
	return codec == KD_PLAN_NONE ? NULL : kd_codec_by_name(kd_plan_codec_name(codec));
}

static int dump(struct job *job, struct kd_err *err)
{
	const struct kd_plan_engine *plan = &job->init->plan.engine;
	const struct kd_log log = { .emit = relay_log, .arg = job };
	KD_AUTO(kd_closep)
	int in = kd_root_openat(job->init->root, VMCORE_PATH, O_RDONLY, 0, err);
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = NULL;
	KD_AUTO(kd_sink_abortp) struct kd_sink *sink = NULL;

	if (in < 0)
		return in;
	int rc = kd_vmcore_open(in, VMCORE_PATH, &log, &core, err);
	if (!rc)
		rc = kd_sink_open_fd(job->fd, KD_DUMPDIR_VMCORE_INCOMPLETE, KD_SINK_EAGER, &sink,
				     err);
	if (!rc)
		rc = kd_sink_retry_new(sink, WRITE_TRIES, WRITE_WAIT_MS, &log, &sink, err);
	if (rc)
		return rc;

	const struct kd_dump_opts opts = {
		.level = plan->level,
		.format = plan->elf ? KD_DUMP_ELF : KD_DUMP_DISKDUMP,
		.codec = codec_of(plan->codec),
		.max_memory_bytes = memory_limit(job->init->root),
		.sync_every_bytes = SYNC_EVERY_BYTES,
		.extents = job->result->extents,
		.stop = &job->stop,
		.progress = show_progress,
		.progress_arg = job,
		.log = &log,
	};
	rc = kd_dump_run(core, &opts, sink, &job->result->dump, err);
	if (rc)
		return rc;
	struct kd_sink *done = KD_STEAL(sink);
	return kd_sink_commit(done, err);
}

static int dump_task(void *arg)
{
	struct job *job = arg;
	int rc = dump(job, &job->result->err);

	job->result->ended = rc == 0;
	return rc ? 1 : 0;
}

static void note_bad_pages(const struct kd_init *init, const struct kd_dump_result *dump,
			   struct kd_manifest *m)
{
	struct kd_manifest_engine *e = &m->engine;

	if (dump->bad_pages == 0)
		return;
	kd_manifest_add_remark(m, "%" PRIu64 " pages could not be read and are zeros: %s",
			       dump->bad_pages, dump->bad_reason);
	kd_init_say(init, "vmcore: %" PRIu64 " pages could not be read and are zeros: %s",
		    dump->bad_pages, dump->bad_reason);
	uint64_t listed = 0;
	for (size_t i = 0; i < dump->n_bad && e->bad_count < KD_MANIFEST_MAX_BAD_RUNS; i++) {
		e->bad[e->bad_count++] = (struct kd_manifest_bad_run){ dump->bad[i].pfn,
								       dump->bad[i].n };
		listed += dump->bad[i].n;
	}
	if (listed < dump->bad_pages)
		kd_manifest_add_remark(m, "only the first %" PRIu64 " of them are listed", listed);
}

/* What the filter could not do as asked: pages were kept that should not have been. */
static void note_dropped(const struct kd_init *init, const struct kd_dump_result *dump,
			 struct kd_manifest *m)
{
	for (unsigned int bit = 0; bit < KD_LEVEL_BITS; bit++) {
		if (!(dump->filter.dropped & 1u << bit))
			continue;
		kd_manifest_add_remark(m, "dump level %u not applied: %s", 1u << bit,
				       dump->why_dropped[bit]);
		kd_init_say(init, "vmcore: dump level %u not applied: %s", 1u << bit,
			    dump->why_dropped[bit]);
	}
}

/* That the free pages are those the zones count is nothing to tell; that nobody knows is. */
static void note_unchecked(const struct kd_init *init, const struct kd_dump_result *dump,
			   struct kd_manifest *m)
{
	const char *why = kd_filter_check_why_not(dump->filter.check);

	if (!why)
		return;
	kd_manifest_add_remark(m, "free pages are left out without a second opinion: %s", why);
	kd_init_say(init, "vmcore: free pages are left out without a second opinion: %s", why);
}

static void note_extents(const struct kd_init *init, const struct result *result,
			 struct kd_manifest *m)
{
	size_t n = result->dump.n_extents;
	struct kd_err err = { 0 };

	if (n > KD_DUMP_MAX_EXTENTS)
		n = KD_DUMP_MAX_EXTENTS; /* the child may have been killed in the midst of anything */
	if (kd_manifest_set_extents(m, result->extents, n, &err))
		kd_init_say(init, "vmcore: %s", err.msg);
}

static void fill_manifest(const struct kd_init *init, const struct result *result,
			  struct kd_manifest *m)
{
	const struct kd_dump_result *dump = &result->dump;

	m->engine.used = true;
	m->engine.pages = dump->pages;
	m->engine.zero_pages = dump->zero_pages;
	m->engine.shared_pages = dump->shared_pages;
	m->engine.bad_pages = dump->bad_pages;
	snprintf(m->engine.digests_xxh3, sizeof(m->engine.digests_xxh3), "%s", dump->digests_xxh3);
	note_bad_pages(init, dump, m);
	note_dropped(init, dump, m);
	note_unchecked(init, dump, m);
	note_extents(init, result, m);
}

static int judge(const struct result *result, const struct kd_child_end *end, bool *truncated_ret,
		 struct kd_err *err)
{
	const struct kd_dump_result *dump = &result->dump;
	char how[64];

	if (!end->exited || end->timed_out)
		return kd_fail(err, KD_SYS, "the dump engine: %s",
			       kd_child_explain(end, how, sizeof(how)));
	if (!result->ended) {
		*err = result->err;
		err->msg[sizeof(err->msg) - 1] = '\0';
		if (err->code == KD_OK)
			return kd_fail(err, KD_SYS, "the dump engine: %s",
				       kd_child_explain(end, how, sizeof(how)));
		return -(int)err->code;
	}
	if (!dump->truncated)
		return 0;
	*truncated_ret = true;
	if (dump->code == KD_AGAIN)
		return kd_fail(err, KD_AGAIN,
			       "the time was up with %" PRIu64 " of %" PRIu64 " pages written",
			       dump->pages, dump->filter.n_keep);
	return kd_fail(err, dump->code == KD_OK ? KD_SYS : dump->code, "%s", dump->reason);
}

int kd_init_engine(const struct kd_init *init, int dir_fd, uint64_t timeout_ms,
		   struct kd_manifest *manifest, bool *truncated_ret, struct kd_err *err)
{
	struct kd_child_end end = { 0 };
	void *shared = NULL;
	KD_AUTO(kd_closep)
	int fd = kd_dumpdir_open_new(dir_fd, KD_DUMPDIR_VMCORE_INCOMPLETE, err);

	if (fd < 0)
		return fd;
	int rc = kd_init_shared_map(sizeof(struct result), &shared, err);
	if (rc)
		return rc;
	struct result *result = shared;
	uint64_t spare_ms = timeout_ms / 4 < STOP_BEFORE_MS ? timeout_ms / 4 : STOP_BEFORE_MS;
	struct job job = { .init = init,
			   .fd = fd,
			   .result = result,
			   .stop_ms = kd_monotonic_ms() + timeout_ms - spare_ms };
	rc = kd_init_task_run(init, dump_task, &job, 0, timeout_ms, &end, err);
	if (!rc)
		rc = judge(result, &end, truncated_ret, err);
	fill_manifest(init, result, manifest);
	manifest->collector_exit = end.exited ? end.code : -end.signal;
	kd_init_shared_unmap(shared, sizeof(*result));
	return rc;
}
