/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/sink/internal.h"

#include <stdlib.h>
#include <string.h>

static struct kd_sink *inner_of(struct kd_sink *s)
{
	return ((struct kd_sink_wrapper *)s)->inner;
}

int kd_sink_wrap(struct kd_sink *inner, size_t size, size_t ops_offset,
		 const struct kd_sink_ops *ops, struct kd_sink **ret, struct kd_err *err)
{
	void *room = NULL;

	if (posix_memalign(&room, KD_SINK_WRAPPER_ALIGN, size))
		return kd_fail(err, KD_NOMEM, "%s: no memory for a wrapper around it", inner->name);
	memset(room, 0, size);
	struct kd_sink_wrapper *w = room;
	struct kd_sink_ops *own = (struct kd_sink_ops *)((char *)w + ops_offset);
	*own = *ops;
	if (!inner->ops->write_at)
		own->write_at = NULL;
	if (!inner->ops->append)
		own->append = NULL;
	if (!inner->ops->read_at)
		own->read_at = NULL;
	w->base = (struct kd_sink){ .ops = own,
				    .name = inner->name,
				    .rewritable = inner->rewritable,
				    .blank = inner->blank };
	w->inner = inner;
	*ret = &w->base;
	return 0;
}

int kd_sink_pass_append(struct kd_sink *s, const void *buf, size_t len, struct kd_err *err)
{
	return kd_sink_append(inner_of(s), buf, len, err);
}

int kd_sink_pass_read_at(struct kd_sink *s, uint64_t off, void *buf, size_t len, struct kd_err *err)
{
	return kd_sink_read_at(inner_of(s), off, buf, len, err);
}

int kd_sink_pass_reserve(struct kd_sink *s, uint64_t off, uint64_t len, struct kd_err *err)
{
	return kd_sink_reserve(inner_of(s), off, len, err);
}

int kd_sink_pass_zero(struct kd_sink *s, uint64_t off, uint64_t len, struct kd_err *err)
{
	return kd_sink_zero(inner_of(s), off, len, err);
}

int kd_sink_pass_sync(struct kd_sink *s, struct kd_err *err)
{
	return kd_sink_sync(inner_of(s), err);
}

int kd_sink_pass_commit(struct kd_sink *s, struct kd_err *err)
{
	return kd_sink_commit(kd_sink_unwrap(s), err);
}

void kd_sink_pass_abort(struct kd_sink *s)
{
	kd_sink_abort(kd_sink_unwrap(s));
}

struct kd_sink *kd_sink_pass_unwrap(struct kd_sink *s)
{
	struct kd_sink *inner = inner_of(s);

	free(s);
	return inner;
}
