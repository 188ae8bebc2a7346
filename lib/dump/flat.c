/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between a sink that only appends and a format that wants offsets. */
#include "lib/dump/internal.h"

#include <stdlib.h>

struct flat_sink {
	struct kd_sink base;
	struct kd_sink *inner;
	struct kd_flattened_writer writer;
};

static int append(void *arg, const void *buf, size_t len, struct kd_err *err)
{
	return kd_sink_append(arg, buf, len, err);
}

static int flat_write_at(struct kd_sink *s, uint64_t off, const void *buf, size_t len,
			 struct kd_err *err)
{
	return kd_flattened_write_at(&((struct flat_sink *)s)->writer, off, buf, len, err);
}

static int flat_sync(struct kd_sink *s, struct kd_err *err)
{
	return kd_sink_sync(((struct flat_sink *)s)->inner, err);
}

static struct kd_sink *flat_unwrap(struct kd_sink *s)
{
	struct kd_sink *inner = ((struct flat_sink *)s)->inner;

	free(s);
	return inner;
}

static int flat_commit(struct kd_sink *s, struct kd_err *err)
{
	return kd_sink_commit(flat_unwrap(s), err);
}

static void flat_abort(struct kd_sink *s)
{
	kd_sink_abort(flat_unwrap(s));
}

static const struct kd_sink_ops flat_ops = {
	.write_at = flat_write_at,
	.sync = flat_sync,
	.commit = flat_commit,
	.abort = flat_abort,
	.unwrap = flat_unwrap,
};

int kd_flat_sink_new(struct kd_sink *inner, uint8_t *block, struct kd_sink **ret,
		     struct kd_err *err)
{
	struct flat_sink *f = calloc(1, sizeof(*f));

	if (!f)
		return kd_fail(err, KD_NOMEM, "%s: no memory for the flattened form", inner->name);
	f->base = (struct kd_sink){ .ops = &flat_ops, .name = inner->name };
	f->inner = inner;
	f->writer = (struct kd_flattened_writer){ .append = append, .arg = inner };
	int rc = kd_flattened_begin(&f->writer, block, err);
	if (rc) {
		free(f);
		return rc;
	}
	*ret = &f->base;
	return 0;
}

int kd_flat_sink_end(struct kd_sink *flat, struct kd_err *err)
{
	return kd_flattened_end(&((struct flat_sink *)flat)->writer, err);
}
