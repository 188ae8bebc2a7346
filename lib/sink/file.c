/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A regular file, or whatever was opened already and can be written at an offset. */
#include "lib/sink/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum {
	EAGER_BYTES = 2 << 20,	/* hand that much to the disk at a time */
	SMALL_BYTES = 64 << 10, /* not less: many of them become one when the kernel sees fit */
	PART_MODE = 0600,
};

struct range {
	uint64_t start, end;
};

struct file_sink {
	struct kd_sink base;
	int fd;
	int dir_fd; /* -1: fd is borrowed and has no name to us */
	char *name;
	char *part;
	unsigned int flags;
	bool direct_now;     /* O_DIRECT is set on fd */
	uint64_t appended;   /* by append */
	struct range fresh;  /* written, and not yet handed to the disk */
	struct range handed; /* to the disk, the last time it was EAGER_BYTES */
};

static struct file_sink *file_of(struct kd_sink *s)
{
	return (struct file_sink *)s;
}

/* Failing is fine: the write then goes through the page cache, or did before. */
static void set_direct(struct file_sink *f, bool on)
{
	int flags = fcntl(f->fd, F_GETFL);

	if (f->direct_now == on || flags < 0)
		return;
	if (fcntl(f->fd, F_SETFL, on ? flags | O_DIRECT : flags & ~O_DIRECT) == 0)
		f->direct_now = on;
	else if (on)
		f->flags &= ~(unsigned int)KD_SINK_DIRECT;
}

static bool is_aligned(uint64_t off, const void *buf, size_t len)
{
	return (off | (uintptr_t)buf | len) % KD_SINK_DIRECT_ALIGN == 0;
}

/* All of it is advice: an error of the disk shows up in fdatasync. */
static void hand_over_fresh(struct file_sink *f)
{
	struct range r = f->fresh;

	f->fresh.start = r.end;
	if (r.end - r.start < SMALL_BYTES)
		return;
	(void)sync_file_range(f->fd, (off_t)r.start, (off_t)(r.end - r.start),
			      SYNC_FILE_RANGE_WRITE);
	/* What is smaller, such as descriptors, may be read and written again. */
	if (!(f->flags & KD_SINK_DROP) || r.end - r.start < EAGER_BYTES)
		return;
	/* By now the disk has it; what it does not have stays where it is. */
	if (f->handed.end > f->handed.start)
		(void)posix_fadvise(f->fd, (off_t)f->handed.start,
				    (off_t)(f->handed.end - f->handed.start), POSIX_FADV_DONTNEED);
	f->handed = r;
}

static void start_writeback(struct file_sink *f, uint64_t off, size_t len)
{
	if (!(f->flags & KD_SINK_EAGER))
		return;
	if (off != f->fresh.end) {
		hand_over_fresh(f);
		f->fresh.start = off;
	}
	f->fresh.end = off + len;
	if (f->fresh.end - f->fresh.start >= EAGER_BYTES)
		hand_over_fresh(f);
}

static int file_write_at(struct kd_sink *s, uint64_t off, const void *buf, size_t len,
			 struct kd_err *err)
{
	struct file_sink *f = file_of(s);
	bool direct = f->flags & KD_SINK_DIRECT && is_aligned(off, buf, len);
	struct kd_err local = { 0 };

	set_direct(f, direct);
	int rc = kd_pwrite_full(f->fd, buf, len, off, f->base.name, &local);
	if (rc && f->direct_now && local.sys == EINVAL) {
		/* The device wants a larger alignment, or the file system does not really do it. */
		f->flags &= ~(unsigned int)KD_SINK_DIRECT;
		set_direct(f, false);
		rc = kd_pwrite_full(f->fd, buf, len, off, f->base.name, &local);
	}
	if (rc) {
		if (err)
			*err = local;
		return rc;
	}
	if (!f->direct_now)
		start_writeback(f, off, len);
	return 0;
}

static int file_append(struct kd_sink *s, const void *buf, size_t len, struct kd_err *err)
{
	struct file_sink *f = file_of(s);
	int rc = file_write_at(s, f->appended, buf, len, err);

	if (!rc)
		f->appended += len;
	return rc;
}

static int file_read_at(struct kd_sink *s, uint64_t off, void *buf, size_t len, struct kd_err *err)
{
	struct file_sink *f = file_of(s);

	set_direct(f, false);
	ssize_t n = kd_pread_full(f->fd, buf, len, off, f->base.name, err);
	if (n < 0)
		return (int)n;
	memset((char *)buf + n, 0, len - (size_t)n);
	return 0;
}

static int file_reserve(struct kd_sink *s, uint64_t off, uint64_t len, struct kd_err *err)
{
	struct file_sink *f = file_of(s);
	int rc;

	if (off > INT64_MAX || len > INT64_MAX - off)
		return kd_fail_sys(err, EFBIG, "reserve %ju bytes of %s", (uintmax_t)len,
				   f->base.name);
	do
		rc = fallocate(f->fd, 0, (off_t)off, (off_t)len);
	while (rc && errno == EINTR);
	if (rc && (errno == ENOSPC || errno == EDQUOT))
		return kd_fail_sys(err, errno, "reserve %ju bytes of %s", (uintmax_t)len,
				   f->base.name);
	return 0; /* not every file system or device can; then it is not done */
}

/* The kernel may have a quick way with a device; its page cache knows of it then. */
static int file_zero(struct kd_sink *s, uint64_t off, uint64_t len, struct kd_err *err)
{
	static uint8_t zeros[64 << 10]; /* never written */
	struct file_sink *f = file_of(s);
	int rc = 0;

	if (off <= INT64_MAX && len <= INT64_MAX - off && (off | len) % KD_SINK_DIRECT_ALIGN == 0 &&
	    fallocate(f->fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, (off_t)off, (off_t)len) ==
		    0)
		return 0;
	set_direct(f, false);
	for (size_t n; !rc && len; off += n, len -= n) {
		n = len < sizeof(zeros) ? (size_t)len : sizeof(zeros);
		rc = kd_pwrite_full(f->fd, zeros, n, off, f->base.name, err);
	}
	return rc;
}

/* A pipe or a character device cannot be synced, and need not be. */
static bool sync_failed(int rc)
{
	return rc && errno != EINVAL && errno != ENOTSUP && errno != EROFS;
}

static int file_sync(struct kd_sink *s, struct kd_err *err)
{
	struct file_sink *f = file_of(s);

	if (sync_failed(fdatasync(f->fd)))
		return kd_fail_sys(err, errno, "sync %s", f->base.name);
	return 0;
}

static void file_free(struct file_sink *f)
{
	if (f->dir_fd < 0)
		set_direct(f, false); /* the descriptor's owner knows nothing of it */
	else if (f->fd >= 0)
		close(f->fd);
	free(f->name);
	free(f->part);
	free(f);
}

/* Without replacing a file: renameat2 where the file system knows it, else a look before. */
static int give_name(const struct file_sink *f, struct kd_err *err)
{
	struct stat st;

	if (renameat2(f->dir_fd, f->part, f->dir_fd, f->name, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno == EINVAL || errno == ENOSYS) {
		if (fstatat(f->dir_fd, f->name, &st, AT_SYMLINK_NOFOLLOW) == 0)
			errno = EEXIST;
		else if (renameat(f->dir_fd, f->part, f->dir_fd, f->name) == 0)
			return 0;
	}
	return kd_fail_sys(err, errno, "rename %s to %s (the dump stays in %s)", f->part, f->name,
			   f->part);
}

static int file_finish(const struct file_sink *f, struct kd_err *err)
{
	if (f->dir_fd < 0) {
		if (sync_failed(fsync(f->fd)))
			return kd_fail_sys(err, errno, "sync %s", f->base.name);
		return 0;
	}
	if (sync_failed(fsync(f->fd)))
		return kd_fail_sys(err, errno, "sync %s (what there is stays in it)", f->part);
	int rc = give_name(f, err);
	if (rc)
		return rc;
	if (sync_failed(fsync(f->dir_fd)))
		return kd_fail_sys(err, errno, "sync the directory of %s", f->name);
	return 0;
}

static int file_commit(struct kd_sink *s, struct kd_err *err)
{
	struct file_sink *f = file_of(s);
	int rc = file_finish(f, err);

	file_free(f);
	return rc;
}

static void file_abort(struct kd_sink *s)
{
	struct file_sink *f = file_of(s);

	if (f->dir_fd >= 0 && f->fd >= 0)
		unlinkat(f->dir_fd, f->part, 0);
	file_free(f);
}

static const struct kd_sink_ops file_ops = {
	.write_at = file_write_at,
	.append = file_append,
	.read_at = file_read_at,
	.reserve = file_reserve,
	.zero = file_zero,
	.sync = file_sync,
	.commit = file_commit,
	.abort = file_abort,
};

/* There is nothing yet to be written over; character devices forget what they are given. */
static bool is_blank(int fd)
{
	struct stat st;

	return fd < 0 || fstat(fd, &st) ||
	       !(S_ISBLK(st.st_mode) || (S_ISREG(st.st_mode) && st.st_size > 0));
}

static int file_new(int fd, int dir_fd, const char *name, unsigned int flags,
		    struct file_sink **ret, struct kd_err *err)
{
	struct file_sink *f = calloc(1, sizeof(*f));

	if (!f || kd_strdup(&f->name, name, err) || kd_asprintf(&f->part, err, "%s.part", name)) {
		if (f)
			free(f->name);
		free(f);
		return kd_fail(err, KD_NOMEM, "%s: no memory to open it", name);
	}
	f->base = (struct kd_sink){
		.ops = &file_ops, .name = f->name, .rewritable = true, .blank = is_blank(fd)
	};
	f->fd = fd;
	f->dir_fd = dir_fd;
	f->flags = flags;
	*ret = f;
	return 0;
}

int kd_sink_open_file(int dir_fd, const char *name, unsigned int flags, struct kd_sink **ret,
		      struct kd_err *err)
{
	struct file_sink *f = NULL;
	struct stat st;

	if (!*name || strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return kd_fail(err, KD_USAGE, "'%s' is not the name of a file", name);
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return kd_fail(err, KD_USAGE, "%s exists already: remove it or choose another name",
			       name);
	int rc = file_new(-1, dir_fd, name, flags, &f, err);
	if (rc)
		return rc;
	f->fd = openat(dir_fd, f->part, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		       PART_MODE);
	if (f->fd < 0) {
		rc = errno == EEXIST
			     ? kd_fail(err, KD_USAGE,
				       "%s exists already: another dump is being written there, or "
				       "one was cut off. Remove it if it is of no use",
				       f->part)
			     : kd_fail_sys(err, errno, "create %s", f->part);
		file_free(f);
		return rc;
	}
	*ret = &f->base;
	return 0;
}

int kd_sink_open_fd(int fd, const char *name, unsigned int flags, struct kd_sink **ret,
		    struct kd_err *err)
{
	struct file_sink *f = NULL;
	int rc = file_new(fd, -1, name, flags, &f, err);

	if (!rc)
		*ret = &f->base;
	return rc;
}
