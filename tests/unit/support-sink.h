/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sinks in memory, and what tests expect of sinks. What goes wrong fails the test. */
#ifndef KD_TESTS_UNIT_SUPPORT_SINK_H
#define KD_TESTS_UNIT_SUPPORT_SINK_H

#include "lib/sink/sink.h"
#include "tests/gen/mkvmcore.h"
#include "tests/unit/support-message.h"

/* @fd: of kd_gen_memfd(), stays the caller's. It is called "memory" in messages. */
struct kd_sink *memory_sink(int fd);
struct kd_sink *with_fault(struct kd_sink *inner, struct kd_sink_fault fault);
void must_write(struct kd_sink *s, uint64_t off, const void *buf, size_t len);
void must_commit(struct kd_sink *s);

#endif
