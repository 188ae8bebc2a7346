/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/base/io.h"

#include "lib/base/cleanup.h"

#include <errno.h>
#include <stdbool.h>
#include <time.h>
#include <unistd.h>

/* One place for the loop; at_offset tells whether off counts or the file position. */
static ssize_t read_loop(int fd, char *buf, size_t len, uint64_t off, int at_offset,
			 const char *name, struct kd_err *err)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = at_offset ? pread(fd, buf + done, len - done, (off_t)(off + done))
				      : read(fd, buf + done, len - done);
		if (n == 0)
			break;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return kd_fail_sys(err, errno, "read %s", name);
		done += (size_t)n;
	}
	return (ssize_t)done;
}

ssize_t kd_read_full(int fd, void *buf, size_t len, const char *name, struct kd_err *err)
{
	return read_loop(fd, buf, len, 0, 0, name, err);
}

ssize_t kd_pread_full(int fd, void *buf, size_t len, uint64_t off, const char *name,
		      struct kd_err *err)
{
	if (off > INT64_MAX - len)
		return kd_fail(err, KD_BADDATA, "read %s: offset 0x%jx is beyond any file", name,
			       (uintmax_t)off);
	return read_loop(fd, buf, len, off, 1, name, err);
}

static int write_loop(int fd, const char *buf, size_t len, uint64_t off, int at_offset,
		      const char *name, struct kd_err *err)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = at_offset ? pwrite(fd, buf + done, len - done, (off_t)(off + done))
				      : write(fd, buf + done, len - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return kd_fail_sys(err, errno, "write %s", name);
		/* A write of nothing without an error would loop for ever. */
		if (n == 0)
			return kd_fail_sys(err, EIO, "write %s", name);
		done += (size_t)n;
	}
	return 0;
}

int kd_write_full(int fd, const void *buf, size_t len, const char *name, struct kd_err *err)
{
	return write_loop(fd, buf, len, 0, 0, name, err);
}

int kd_pwrite_full(int fd, const void *buf, size_t len, uint64_t off, const char *name,
		   struct kd_err *err)
{
	if (off > INT64_MAX - len)
		return kd_fail_sys(err, EFBIG, "write %s", name);
	return write_loop(fd, buf, len, off, 1, name, err);
}

int kd_read_all(int fd, size_t max_bytes, char **ret, size_t *len_ret, const char *name,
		struct kd_err *err)
{
	/* st_size of /proc and /sys files means nothing, so grow while there is more. */
	size_t cap = 4096, len = 0;
	KD_AUTO(kd_freep) char *buf = malloc(cap + 1);

	if (!buf)
		return kd_fail(err, KD_NOMEM, "read %s: no memory", name);
	for (;;) {
		ssize_t n = kd_read_full(fd, buf + len, cap - len, name, err);
		if (n < 0)
			return (int)n;
		len += (size_t)n;
		if (len > max_bytes)
			return kd_fail(err, KD_BADDATA, "read %s: larger than %zu bytes", name,
				       max_bytes);
		if (len < cap)
			break;
		cap *= 2;
		char *grown = realloc(buf, cap + 1);
		if (!grown)
			return kd_fail(err, KD_NOMEM, "read %s: no memory for %zu bytes", name,
				       cap);
		buf = grown;
	}
	buf[len] = '\0';
	*ret = KD_STEAL(buf);
	if (len_ret)
		*len_ret = len;
	return 0;
}

int kd_flush(FILE *stream, const char *name, struct kd_err *err)
{
	bool failed = ferror(stream) != 0;

	/* What failed earlier left no errno that is still there. */
	if (fflush(stream))
		return kd_fail_sys(err, errno, "write %s", name);
	return failed ? kd_fail(err, KD_SYS, "%s could not be written", name) : 0;
}

uint64_t kd_monotonic_ms(void)
{
	struct timespec ts = { 0 };

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}
