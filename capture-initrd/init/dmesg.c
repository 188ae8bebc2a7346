/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "capture-initrd/init/internal.h"

#include "lib/report/dmesg.h"
#include "lib/vmcore/vmcore.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>

#define VMCORE_PATH "/proc/vmcore"

/* Where the reader's output goes. It runs in a child: only *result is seen by the parent. */
struct job {
	const struct kd_init *init;
	int out_fd;
	kd_dmesg_out_fn *out;
	struct result *result;
	char *tail; /* the last KD_INIT_TAIL_BYTES, a ring; only for showing them */
	uint64_t seen_bytes;
};

/* Shared memory. The child may die anywhere in it, so strings are not trusted to end. */
struct result {
	struct kd_init_dmesg dmesg;
	struct kd_err err;
	uint64_t damaged;
};

static void warn(void *arg, enum kd_log_level level, const char *area, const char *text)
{
	(void)level;
	kd_init_say(arg, "%s: %s", area, text);
}

static int open_vmcore(const struct kd_init *init, struct kd_err *err)
{
	int fd = kd_root_openat(init->root, VMCORE_PATH, O_RDONLY, 0, err);

	if (fd < 0 && err->sys == ENOENT)
		return kd_fail(err, KD_NOTSUP,
			       VMCORE_PATH " is missing: this kernel was not started by a panic, "
					   "or lacks CONFIG_PROC_VMCORE");
	return fd;
}

/* In the child. */
static int read_log(struct job *job, struct kd_err *err)
{
	struct kd_init_dmesg *ret = &job->result->dmesg;
	struct kd_log log = { .emit = warn, .arg = (void *)job->init };
	KD_AUTO(kd_closep) int fd = open_vmcore(job->init, err);
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = NULL;
	struct kd_dmesg_stats stats = { 0 };

	if (fd < 0)
		return fd;
	int rc = kd_vmcore_open(fd, VMCORE_PATH, &log, &core, err);
	if (rc)
		return rc;
	const char *release = kd_vmcore_osrelease(core);
	snprintf(ret->kernel_release, sizeof(ret->kernel_release), "%s", release ? release : "");
	if (kd_vmcore_crashtime(core, &ret->crash_time) <= 0)
		ret->crash_time = 0;
	rc = kd_dmesg_write(core, job->out, job, &stats, err);
	ret->bytes = stats.bytes;
	job->result->damaged = stats.damaged;
	if (!rc && stats.records == 0)
		rc = kd_fail(err, KD_BADDATA, "the crashed kernel's log holds no record");
	return rc;
}

static int log_task(void *arg)
{
	struct job *job = arg;

	return read_log(job, &job->result->err) ? 1 : 0;
}

/* Runs the reader and turns every way it can end into one error. */
static int run_reader(struct job *job, int (*task)(void *), uint64_t timeout_ms, struct kd_err *err)
{
	struct kd_child_end end = { 0 };
	char how[64];
	int rc = kd_init_task_run(job->init, task, job, job->init->dmesg_memory_bytes, timeout_ms,
				  &end, err);

	if (rc)
		return rc;
	struct kd_err *told = &job->result->err;
	told->msg[sizeof(told->msg) - 1] = '\0';
	job->result->dmesg.kernel_release[sizeof(job->result->dmesg.kernel_release) - 1] = '\0';
	if (end.exited && end.code == 0)
		return 0;
	if (end.exited && told->msg[0])
		return kd_fail(err, told->code ? told->code : KD_SYS, "%s", told->msg);
	return kd_fail(err, KD_SYS, "the reader of the kernel log %s",
		       kd_child_explain(&end, how, sizeof(how)));
}

static int to_file(void *arg, const char *bytes, size_t len, struct kd_err *err)
{
	struct job *job = arg;

	job->seen_bytes += len;
	if (job->seen_bytes > KD_INIT_DMESG_MAX_BYTES)
		return kd_fail(err, KD_BADDATA, "the kernel log has no end (%d bytes so far)",
			       KD_INIT_DMESG_MAX_BYTES);
	return kd_write_full(job->out_fd, bytes, len, KD_DUMPDIR_DMESG_INCOMPLETE, err);
}

/* An empty file would only look like a log. */
static void drop_if_empty(int dir_fd, int fd)
{
	struct stat st = { 0 };

	if (fstat(fd, &st) == 0 && st.st_size == 0)
		(void)unlinkat(dir_fd, KD_DUMPDIR_DMESG_INCOMPLETE, 0);
}

static int save(const struct kd_init *init, int dir_fd, uint64_t timeout_ms, struct result *result,
		struct kd_err *err)
{
	KD_AUTO(kd_closep) int fd = kd_dumpdir_open_new(dir_fd, KD_DUMPDIR_DMESG_INCOMPLETE, err);

	if (fd < 0)
		return fd;
	struct job job = { .init = init, .out_fd = fd, .out = to_file, .result = result };
	int rc = run_reader(&job, log_task, timeout_ms, err);
	if (!rc)
		rc = kd_dumpdir_rename(dir_fd, KD_DUMPDIR_DMESG_INCOMPLETE, KD_DUMPDIR_DMESG, err);
	else
		drop_if_empty(dir_fd, fd);
	if (result->damaged)
		kd_init_say(init, "dmesg: %llu damaged records",
			    (unsigned long long)result->damaged);
	return rc;
}

int kd_init_dmesg_save(const struct kd_init *init, int dir_fd, uint64_t timeout_ms,
		       struct kd_init_dmesg *ret, struct kd_err *err)
{
	void *shared = NULL;
	int rc = kd_init_shared_map(sizeof(struct result), &shared, err);

	if (rc)
		return rc;
	struct result *result = shared;
	rc = save(init, dir_fd, timeout_ms, result, err);
	*ret = result->dmesg;
	kd_init_shared_unmap(shared, sizeof(*result));
	return rc;
}

static int to_tail(void *arg, const char *bytes, size_t len, struct kd_err *err)
{
	struct job *job = arg;

	(void)err; /* memory cannot fail */
	for (size_t i = 0; i < len; i++)
		job->tail[job->seen_bytes++ % KD_INIT_TAIL_BYTES] = bytes[i];
	return 0;
}

/* Each line gets a mark in front: a dead kernel's words must not pass for this one's. */
static int show_tail(const struct job *job, struct kd_err *err)
{
	uint64_t have = job->seen_bytes;
	uint64_t at = have > KD_INIT_TAIL_BYTES ? have - KD_INIT_TAIL_BYTES : 0;
	char line[256] = "| ";
	size_t len = 2;

	while (at < have) {
		char c = job->tail[at++ % KD_INIT_TAIL_BYTES];
		/* Other control characters would steer the terminal. */
		line[len++] = (unsigned char)c < 0x20 && c != '\n' && c != '\t' ? '?' : c;
		if (c != '\n' && at < have && len < sizeof(line))
			continue;
		int rc = kd_write_full(job->out_fd, line, len, "console", err);
		if (rc)
			return rc;
		len = c == '\n' ? 2 : 0;
	}
	/* Out before the next stage line, which the kernel prints past what is still queued
	 * here. What is no terminal queues nothing. */
	(void)tcdrain(job->out_fd);
	return 0;
}

/* Shows what was read even if the reader failed half way. */
static int show_task(void *arg)
{
	struct job *job = arg;
	KD_AUTO(kd_freep) char *ring = malloc(KD_INIT_TAIL_BYTES);

	if (!ring) {
		kd_fail(&job->result->err, KD_NOMEM, "no memory");
		return 1;
	}
	job->tail = ring;
	int rc = read_log(job, &job->result->err);
	struct kd_err *err = rc ? NULL : &job->result->err;
	if (show_tail(job, err))
		rc = rc ? rc : -KD_SYS;
	return rc ? 1 : 0;
}

int kd_init_dmesg_show(const struct kd_init *init, int fd, uint64_t timeout_ms, struct kd_err *err)
{
	void *shared = NULL;
	int rc = kd_init_shared_map(sizeof(struct result), &shared, err);

	if (rc)
		return rc;
	struct job job = { .init = init, .out_fd = fd, .out = to_tail, .result = shared };
	rc = run_reader(&job, show_task, timeout_ms, err);
	kd_init_shared_unmap(shared, sizeof(struct result));
	return rc;
}
