/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A target that fills up, fails or dawdles, so that tests can see what becomes of the dump. */
#include "lib/sink/internal.h"

#include <errno.h>
#include <time.h>

struct fault_sink {
	struct kd_sink_wrapper wrapper;
	struct kd_sink_ops ops;
	struct kd_sink_fault fault;
	uint64_t written;  /* in all */
	uint64_t appended; /* the offset append is at */
	unsigned int failed;
};

static bool still_fails(const struct fault_sink *f)
{
	return f->fault.fail_times == 0 || f->failed < f->fault.fail_times;
}

/* How much of a write gets through, and with which errno it then fails (0: it does not). */
static size_t allowed(struct fault_sink *f, uint64_t off, size_t len, int *errno_ret)
{
	size_t n = len;

	*errno_ret = 0;
	if (f->fault.room_bytes && (off > f->fault.room_bytes || len > f->fault.room_bytes - off)) {
		n = off < f->fault.room_bytes ? (size_t)(f->fault.room_bytes - off) : 0;
		*errno_ret = ENOSPC;
	}
	if (f->fault.fail_after && f->fault.fail_errno && still_fails(f) &&
	    f->written + n > f->fault.fail_after) {
		n = f->written < f->fault.fail_after ? (size_t)(f->fault.fail_after - f->written)
						     : 0;
		*errno_ret = f->fault.fail_errno;
		f->failed++;
	}
	return n;
}

static void stall(const struct fault_sink *f)
{
	struct timespec wait = { .tv_sec = f->fault.stall_ms / 1000,
				 .tv_nsec = (long)(f->fault.stall_ms % 1000) * 1000000 };

	while (f->fault.stall_ms && nanosleep(&wait, &wait) && errno == EINTR)
		;
}

static int fault_write_at(struct kd_sink *s, uint64_t off, const void *buf, size_t len,
			  struct kd_err *err)
{
	struct fault_sink *f = (struct fault_sink *)s;
	int sys;
	size_t n = allowed(f, off, len, &sys);

	stall(f);
	int rc = kd_sink_write_at(f->wrapper.inner, off, buf, n, err);
	if (rc)
		return rc;
	f->written += n;
	return sys ? kd_fail_sys(err, sys, "write %s", s->name) : 0;
}

static int fault_append(struct kd_sink *s, const void *buf, size_t len, struct kd_err *err)
{
	struct fault_sink *f = (struct fault_sink *)s;
	int sys;
	size_t n = allowed(f, f->appended, len, &sys);

	stall(f);
	int rc = kd_sink_append(f->wrapper.inner, buf, n, err);
	if (rc)
		return rc;
	f->written += n;
	f->appended += n;
	return sys ? kd_fail_sys(err, sys, "write %s", s->name) : 0;
}

static int fault_reserve(struct kd_sink *s, uint64_t off, uint64_t len, struct kd_err *err)
{
	struct fault_sink *f = (struct fault_sink *)s;
	uint64_t room = f->fault.room_bytes;

	if (room && (off > room || len > room - off))
		return kd_fail_sys(err, ENOSPC, "reserve %ju bytes of %s", (uintmax_t)len, s->name);
	return kd_sink_reserve(f->wrapper.inner, off, len, err);
}

static int fault_sync(struct kd_sink *s, struct kd_err *err)
{
	struct fault_sink *f = (struct fault_sink *)s;

	if (f->fault.fail_sync)
		return kd_fail_sys(err, f->fault.fail_errno, "sync %s", s->name);
	return kd_sink_sync(f->wrapper.inner, err);
}

static int fault_commit(struct kd_sink *s, struct kd_err *err)
{
	int rc = fault_sync(s, err);
	struct kd_sink *inner = kd_sink_unwrap(s);

	if (!rc)
		return kd_sink_commit(inner, err);
	kd_sink_abort(inner);
	return rc;
}

static const struct kd_sink_ops fault_ops = {
	.write_at = fault_write_at,
	.append = fault_append,
	.read_at = kd_sink_pass_read_at,
	.reserve = fault_reserve,
	.zero = kd_sink_pass_zero,
	.sync = fault_sync,
	.commit = fault_commit,
	.abort = kd_sink_pass_abort,
	.unwrap = kd_sink_pass_unwrap,
};

int kd_sink_fault_new(struct kd_sink *inner, const struct kd_sink_fault *fault,
		      struct kd_sink **ret, struct kd_err *err)
{
	struct kd_sink *s = NULL;
	int rc = kd_sink_wrap(inner, sizeof(struct fault_sink), offsetof(struct fault_sink, ops),
			      &fault_ops, &s, err);

	if (rc)
		return rc;
	((struct fault_sink *)s)->fault = *fault;
	*ret = s;
	return 0;
}
