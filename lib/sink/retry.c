/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/sink/internal.h"

#include <errno.h>
#include <time.h>

struct retry_sink {
	struct kd_sink_wrapper wrapper;
	struct kd_sink_ops ops;
	unsigned int tries;
	unsigned int wait_ms;
	const struct kd_log *log;
};

/* Worth a second try: the path to the disk may be back, a full disk will not be emptier. */
static bool is_passing(const struct kd_err *err)
{
	switch (err->sys) {
	case EIO:
	case EAGAIN:
	case EBUSY:
	case ETIMEDOUT:
	case ENOLINK:
	case ECONNRESET:
		return true;
	default:
		return false;
	}
}

/* True: try again. */
static bool pause_before_retry(const struct retry_sink *r, unsigned int tried,
			       const struct kd_err *err)
{
	struct timespec wait = { .tv_sec = r->wait_ms / 1000,
				 .tv_nsec = (long)(r->wait_ms % 1000) * 1000000 };

	if (tried >= r->tries || !is_passing(err))
		return false;
	kd_log(r->log, KD_LOG_WARN, "sink", "%s: try %u of %u follows", err->msg, tried + 1,
	       r->tries);
	while (nanosleep(&wait, &wait) && errno == EINTR)
		;
	return true;
}

static int retry_write_at(struct kd_sink *s, uint64_t off, const void *buf, size_t len,
			  struct kd_err *err)
{
	const struct retry_sink *r = (const struct retry_sink *)s;
	struct kd_err local = { 0 };
	unsigned int tried = 0;
	int rc;

	do {
		rc = kd_sink_write_at(r->wrapper.inner, off, buf, len, &local);
		tried++;
	} while (rc && pause_before_retry(r, tried, &local));
	if (rc && err)
		*err = local;
	return rc;
}

static int retry_read_at(struct kd_sink *s, uint64_t off, void *buf, size_t len, struct kd_err *err)
{
	const struct retry_sink *r = (const struct retry_sink *)s;
	struct kd_err local = { 0 };
	unsigned int tried = 0;
	int rc;

	do {
		rc = kd_sink_read_at(r->wrapper.inner, off, buf, len, &local);
		tried++;
	} while (rc && pause_before_retry(r, tried, &local));
	if (rc && err)
		*err = local;
	return rc;
}

/* A failed sync is final: Linux forgets the pages it could not write, so a second one succeeds. */
static const struct kd_sink_ops retry_ops = {
	.write_at = retry_write_at,
	.append = kd_sink_pass_append,
	.read_at = retry_read_at,
	.reserve = kd_sink_pass_reserve,
	.zero = kd_sink_pass_zero,
	.sync = kd_sink_pass_sync,
	.commit = kd_sink_pass_commit,
	.abort = kd_sink_pass_abort,
	.unwrap = kd_sink_pass_unwrap,
};

int kd_sink_retry_new(struct kd_sink *inner, unsigned int tries, unsigned int wait_ms,
		      const struct kd_log *log, struct kd_sink **ret, struct kd_err *err)
{
	struct kd_sink *s = NULL;
	int rc = kd_sink_wrap(inner, sizeof(struct retry_sink), offsetof(struct retry_sink, ops),
			      &retry_ops, &s, err);

	if (rc)
		return rc;
	struct retry_sink *r = (struct retry_sink *)s;
	r->tries = tries;
	r->wait_ms = wait_ms;
	r->log = log;
	*ret = s;
	return 0;
}
