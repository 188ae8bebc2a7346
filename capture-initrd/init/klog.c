/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "capture-initrd/init/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

enum {
	/* A record read from /dev/kmsg never exceeds PRINTK_MESSAGE_MAX (2048 in 6.x, 8192 before). */
	RECORD_BYTES = 8192,
	MAX_RECORDS = 100000,
	MAX_LOG_BYTES = 8 << 20
};

void kd_init_klog_record(const char *record, size_t len, struct kd_buf *out)
{
	const char *text = memchr(record, ';', len);
	const char *p = record;

	if (!text)
		return;
	/* priority, sequence, microseconds, flags; later kernels may add more fields. */
	for (int i = 0; i < 2; i++) {
		p = memchr(p, ',', (size_t)(text - p));
		if (!p)
			return;
		p++;
	}
	uint64_t us = 0;
	const char *digits = p;
	for (; p < text && *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(us, 10u, &us) ||
		    __builtin_add_overflow(us, (uint64_t)(*p - '0'), &us))
			return;
	if (p == digits)
		return;

	text++;
	size_t left = len - (size_t)(text - record);
	const char *end = memchr(text, '\n', left);
	kd_buf_printf(out, "[%5" PRIu64 ".%06" PRIu64 "] ", us / 1000000, us % 1000000);
	kd_buf_add(out, text, end ? (size_t)(end - text) : left);
	kd_buf_add(out, "\n", 1);
}

int kd_init_klog_save(int kmsg_fd, int dir_fd, struct kd_err *err)
{
	KD_AUTO(kd_buf_fini) struct kd_buf log = { 0 };
	char record[RECORD_BYTES];

	for (int i = 0; i < MAX_RECORDS && log.len < MAX_LOG_BYTES; i++) {
		ssize_t n = read(kmsg_fd, record, sizeof(record));
		if (n > 0)
			kd_init_klog_record(record, (size_t)n, &log);
		else if (n == 0 || errno == EAGAIN)
			break;
		else if (errno != EPIPE && errno != EINTR) /* EPIPE: overwritten meanwhile */
			return kd_fail_sys(err, errno, "read /dev/kmsg");
	}
	if (log.bad)
		return kd_fail(err, KD_NOMEM, "keep this kernel's log: no memory");
	return kd_dumpdir_write_new(dir_fd, KD_DUMPDIR_LOG, log.p ? log.p : "", log.len, err);
}
