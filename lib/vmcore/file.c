/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/vmcore/internal.h"

#include <errno.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

static int find_size(struct kd_file *f, struct kd_err *err)
{
	struct stat st;

	if (fstat(f->fd, &st) < 0)
		return kd_fail_sys(err, errno, "stat %s", f->name);
	if (S_ISDIR(st.st_mode))
		return kd_fail(err, KD_NOTSUP, "%s is a directory", f->name);
	if (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode))
		return kd_fail(err, KD_NOTSUP,
			       "%s is a pipe: save it to a file first, it is read in any order",
			       f->name);
	f->size_bytes = (uint64_t)st.st_size;
	if (S_ISBLK(st.st_mode)) {
		off_t end = lseek(f->fd, 0, SEEK_END);
		if (end < 0)
			return kd_fail_sys(err, errno, "seek in %s", f->name);
		f->size_bytes = (uint64_t)end;
	}
	if (f->size_bytes == 0)
		return kd_fail(err, KD_NOTSUP, "%s is empty", f->name);
	return 0;
}

int kd_file_init(struct kd_file *f, int fd, const char *name, const struct kd_log *log,
		 struct kd_err *err)
{
	struct statfs fs;

	*f = (struct kd_file){ .fd = fd, .name = name };
	int rc = find_size(f, err);
	if (rc)
		return rc;
	if (fstatfs(fd, &fs) == 0) {
		f->is_proc = fs.f_type == PROC_SUPER_MAGIC;
		f->holes_cost = fs.f_type == TMPFS_MAGIC;
	}

	rc = kd_flattened_index(f, log, err);
	return rc < 0 ? rc : 0;
}

void kd_file_fini(struct kd_file *f)
{
	kd_extents_fini(&f->chunks);
}

/* Ranges no chunk mentions are zero: the writer skipped them as a hole. */
static int read_chunks(const struct kd_file *f, uint64_t off, uint8_t *buf, size_t len,
		       struct kd_err *err)
{
	while (len) {
		uint64_t gap;
		size_t n = len;
		const struct kd_extent *chunk = kd_extents_find(&f->chunks, off, &gap);
		if (chunk) {
			uint64_t within = off - chunk->start;
			if (n > chunk->len - within)
				n = (size_t)(chunk->len - within);
			ssize_t got = kd_pread_full(f->fd, buf, n, chunk->to + within, f->name,
						    err);
			if (got < 0)
				return (int)got;
			if ((size_t)got < n)
				return kd_fail(err, KD_BADDATA, "%s became shorter", f->name);
		} else {
			if (n > gap)
				n = (size_t)gap;
			memset(buf, 0, n);
		}
		buf += n;
		off += n;
		len -= n;
	}
	return 0;
}

ssize_t kd_file_read_some(const struct kd_file *f, uint64_t off, void *buf, size_t len,
			  struct kd_err *err)
{
	if (off >= f->size_bytes)
		return 0;
	if (len > f->size_bytes - off)
		len = (size_t)(f->size_bytes - off);
	if (!f->flattened)
		return kd_pread_full(f->fd, buf, len, off, f->name, err);

	int rc = read_chunks(f, off, buf, len, err);
	return rc ? rc : (ssize_t)len;
}

int kd_file_read(const struct kd_file *f, uint64_t off, void *buf, size_t len, struct kd_err *err)
{
	ssize_t got = kd_file_read_some(f, off, buf, len, err);

	if (got < 0)
		return (int)got;
	if ((size_t)got < len && off <= f->size_bytes && len <= f->size_bytes - off)
		return kd_fail_sys(err, EIO,
				   "%s became shorter while it was read: of %zu bytes at "
				   "0x%jx %zd are left",
				   f->name, len, (uintmax_t)off, got);
	if ((size_t)got < len)
		return kd_fail(err, KD_BADDATA,
			       "%s ends at 0x%jx, before the %zu bytes needed at 0x%jx", f->name,
			       (uintmax_t)f->size_bytes, len, (uintmax_t)off);
	return 0;
}

uint64_t kd_file_next_data(const struct kd_file *f, uint64_t off)
{
	uint64_t gap = 0;

	if (off >= f->size_bytes)
		return f->size_bytes;
	if (f->flattened) {
		if (kd_extents_find(&f->chunks, off, &gap))
			return off;
		return gap < f->size_bytes - off ? off + gap : f->size_bytes;
	}

	if (off > INT64_MAX)
		return off;
	off_t data = lseek(f->fd, (off_t)off, SEEK_DATA);
	if (data < 0)
		/* Nothing but a hole up to the end; or a file that cannot tell. */
		return errno == ENXIO ? f->size_bytes : off;
	return (uint64_t)data;
}
