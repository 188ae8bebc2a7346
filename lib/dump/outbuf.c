/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/dump/internal.h"

#include <string.h>

int kd_outbuf_flush(struct kd_outbuf *o, struct kd_err *err)
{
	int rc = kd_sink_write_at(o->sink, o->start, o->buf, o->len, err);

	if (rc)
		return rc;
	if (o->len)
		o->flushed_end = o->start + o->len;
	*o->written += o->len;
	o->start += o->len;
	o->len = 0;
	return 0;
}

int kd_outbuf_put(struct kd_outbuf *o, uint64_t off, const void *data, size_t len,
		  struct kd_err *err)
{
	const uint8_t *p = data;

	if (off != o->start + o->len) {
		int rc = kd_outbuf_flush(o, err);
		if (rc)
			return rc;
		o->start = off;
	}
	while (len > 0) {
		/* Up to the next multiple of its size, so that all writes but the first are aligned. */
		size_t room = o->cap - (size_t)(o->start % o->cap) - o->len;
		size_t n = len < room ? len : room;
		memcpy(o->buf + o->len, p, n);
		o->len += n;
		p += n;
		len -= n;
		if (n == room) {
			int rc = kd_outbuf_flush(o, err);
			if (rc)
				return rc;
		}
	}
	return 0;
}
