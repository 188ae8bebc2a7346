/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/support-sink.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct kd_sink *memory_sink(int fd)
{
	struct kd_sink *s = NULL;
	struct kd_err err = { 0 };

	if (kd_sink_open_fd(fd, "memory", 0, &s, &err))
		fail_msg("%s", err.msg);
	return s;
}

struct kd_sink *with_fault(struct kd_sink *inner, struct kd_sink_fault fault)
{
	struct kd_sink *f = NULL;
	struct kd_err err = { 0 };

	if (kd_sink_fault_new(inner, &fault, &f, &err))
		fail_msg("%s", err.msg);
	return f;
}

void must_write(struct kd_sink *s, uint64_t off, const void *buf, size_t len)
{
	struct kd_err err = { 0 };

	if (kd_sink_write_at(s, off, buf, len, &err))
		fail_msg("%s", err.msg);
}

void must_commit(struct kd_sink *s)
{
	struct kd_err err = { 0 };

	if (kd_sink_commit(s, &err))
		fail_msg("%s", err.msg);
}
