/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/sink/sink.h"

int kd_sink_write_at(struct kd_sink *s, uint64_t off, const void *buf, size_t len,
		     struct kd_err *err)
{
	if (!s->ops->write_at)
		return kd_fail(err, KD_NOTSUP,
			       "%s: cannot be written at an offset: it takes only a stream",
			       s->name);
	return len ? s->ops->write_at(s, off, buf, len, err) : 0;
}

int kd_sink_append(struct kd_sink *s, const void *buf, size_t len, struct kd_err *err)
{
	if (!s->ops->append)
		return kd_fail(err, KD_NOTSUP, "%s: cannot be appended to", s->name);
	return len ? s->ops->append(s, buf, len, err) : 0;
}

int kd_sink_read_at(struct kd_sink *s, uint64_t off, void *buf, size_t len, struct kd_err *err)
{
	if (!s->ops->read_at)
		return kd_fail(err, KD_NOTSUP, "%s: cannot be read back", s->name);
	return len ? s->ops->read_at(s, off, buf, len, err) : 0;
}

int kd_sink_reserve(struct kd_sink *s, uint64_t off, uint64_t len, struct kd_err *err)
{
	return s->ops->reserve && len ? s->ops->reserve(s, off, len, err) : 0;
}

int kd_sink_zero(struct kd_sink *s, uint64_t off, uint64_t len, struct kd_err *err)
{
	return s->ops->zero && len && !s->blank ? s->ops->zero(s, off, len, err) : 0;
}

bool kd_sink_can_read(const struct kd_sink *s)
{
	return s->ops->read_at != NULL;
}

int kd_sink_sync(struct kd_sink *s, struct kd_err *err)
{
	return s->ops->sync(s, err);
}

int kd_sink_commit(struct kd_sink *s, struct kd_err *err)
{
	return s->ops->commit(s, err);
}

void kd_sink_abort(struct kd_sink *s)
{
	if (s)
		s->ops->abort(s);
}

void kd_sink_abortp(struct kd_sink **s)
{
	kd_sink_abort(*s);
}

struct kd_sink *kd_sink_unwrap(struct kd_sink *s)
{
	return s->ops->unwrap(s);
}
