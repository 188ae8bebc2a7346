/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A pipe, a socket, standard output: bytes go in one behind the other and never come back. */
#include "lib/sink/sink.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

struct stream_sink {
	struct kd_sink base;
	int fd;
	char *name;
};

static int wait_writable(int fd, const char *name, struct kd_err *err)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	if (poll(&p, 1, -1) < 0 && errno != EINTR)
		return kd_fail_sys(err, errno, "wait for %s", name);
	return 0;
}

static int stream_append(struct kd_sink *s, const void *buf, size_t len, struct kd_err *err)
{
	const struct stream_sink *st = (const struct stream_sink *)s;
	const char *p = buf;

	while (len > 0) {
		ssize_t n = write(st->fd, p, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			int rc = wait_writable(st->fd, s->name, err);
			if (rc)
				return rc;
			continue;
		}
		if (n <= 0)
			return kd_fail_sys(err, n ? errno : EIO, "write %s", s->name);
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

/* What is in a pipe belongs to its reader; a file behind it can be synced. */
static int stream_sync(struct kd_sink *s, struct kd_err *err)
{
	const struct stream_sink *st = (const struct stream_sink *)s;

	if (fdatasync(st->fd) && errno != EINVAL && errno != ENOTSUP && errno != EROFS)
		return kd_fail_sys(err, errno, "sync %s", s->name);
	return 0;
}

static void stream_abort(struct kd_sink *s)
{
	struct stream_sink *st = (struct stream_sink *)s;

	free(st->name);
	free(st);
}

static int stream_commit(struct kd_sink *s, struct kd_err *err)
{
	int rc = stream_sync(s, err);

	stream_abort(s);
	return rc;
}

static const struct kd_sink_ops stream_ops = {
	.append = stream_append,
	.sync = stream_sync,
	.commit = stream_commit,
	.abort = stream_abort,
};

int kd_sink_open_stream(int fd, const char *name, struct kd_sink **ret, struct kd_err *err)
{
	struct stream_sink *st = calloc(1, sizeof(*st));

	if (!st || kd_strdup(&st->name, name, err)) {
		free(st);
		return kd_fail(err, KD_NOMEM, "%s: no memory to open it", name);
	}
	st->base = (struct kd_sink){ .ops = &stream_ops, .name = st->name };
	st->fd = fd;
	*ret = &st->base;
	return 0;
}
