/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What wrappers share; for nobody outside lib/sink. */
#ifndef KD_LIB_SINK_INTERNAL_H
#define KD_LIB_SINK_INTERNAL_H

#include "lib/sink/sink.h"

enum { KD_SINK_WRAPPER_ALIGN = 64 }; /* the state of XXH3 asks for that much */

/* Begins every wrapper's own structure. */
struct kd_sink_wrapper {
	struct kd_sink base;
	struct kd_sink *inner;
};

/*
 * Makes a wrapper of @size bytes around @inner, all zero behind the common part. Its
 * operations are @ops without those that @inner lacks; they are kept in the wrapper's own
 * structure, at @ops_offset. Aligned to KD_SINK_WRAPPER_ALIGN; free() takes it.
 */
int kd_sink_wrap(struct kd_sink *inner, size_t size, size_t ops_offset,
		 const struct kd_sink_ops *ops, struct kd_sink **ret,
		 struct kd_err *err) KD_MUST_CHECK;

/* Operations that only pass on. */
int kd_sink_pass_append(struct kd_sink *s, const void *buf, size_t len, struct kd_err *err);
int kd_sink_pass_read_at(struct kd_sink *s, uint64_t off, void *buf, size_t len,
			 struct kd_err *err);
int kd_sink_pass_reserve(struct kd_sink *s, uint64_t off, uint64_t len, struct kd_err *err);
int kd_sink_pass_zero(struct kd_sink *s, uint64_t off, uint64_t len, struct kd_err *err);
int kd_sink_pass_sync(struct kd_sink *s, struct kd_err *err);
int kd_sink_pass_commit(struct kd_sink *s, struct kd_err *err);
void kd_sink_pass_abort(struct kd_sink *s);
struct kd_sink *kd_sink_pass_unwrap(struct kd_sink *s);

#endif
