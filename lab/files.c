/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <ftw.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>

static int take(int fd, const char *name, struct kd_buf *to, struct kd_err *err)
{
	KD_AUTO(kd_freep) char *text = NULL;
	size_t len = 0;

	if (lseek(fd, 0, SEEK_SET) < 0)
		return kd_fail_sys(err, errno, "read the output of %s", name);
	int rc = kd_read_all(fd, 256 << 20, &text, &len, name, err);
	if (rc)
		return rc;
	kd_buf_add(to, text, len);
	return to->bad ? kd_fail(err, KD_NOMEM, "no memory") : 0;
}

/* The last non-empty line: what a program says when it gives up. */
static const char *last_line(struct kd_buf *text)
{
	while (text->len > 0 && text->p[text->len - 1] == '\n')
		text->p[--text->len] = '\0';
	if (text->len == 0)
		return "no message";
	const char *newline = strrchr(text->p, '\n');
	return newline ? newline + 1 : text->p;
}

int kd_lab_exec(const struct kd_strv *argv, unsigned int timeout_s, struct kd_buf *out,
		struct kd_buf *errs, struct kd_err *err)
{
	/* Nothing of the caller's environment but a path for helpers and plain messages. */
	static char *const env[] = { (char *)"PATH=/usr/sbin:/usr/bin:/sbin:/bin",
				     (char *)"LC_ALL=C", NULL };
	KD_AUTO(kd_buf_fini) struct kd_buf own = { 0 };
	KD_AUTO(kd_closep) int out_fd = memfd_create("out", MFD_CLOEXEC);
	KD_AUTO(kd_closep) int err_fd = memfd_create("err", MFD_CLOEXEC);
	const struct kd_child_opts opts = {
		.stdin_fd = -1,
		.stdout_fd = out_fd,
		.stderr_fd = err_fd,
		.timeout_ms = (uint64_t)timeout_s * 1000,
		.env = env,
	};
	struct kd_child_end end = { 0 };
	char how[80];

	if (out_fd < 0 || err_fd < 0)
		return kd_fail_sys(err, errno, "run %s", argv->v[0]);
	int rc = kd_child_run(argv->v, &opts, &end, err);
	if (!rc && out)
		rc = take(out_fd, argv->v[0], out, err);
	if (!rc)
		rc = take(err_fd, argv->v[0], errs ? errs : &own, err);
	if (rc)
		return rc;
	if (end.exited && end.code == 0)
		return 0;
	return kd_fail(err, KD_SYS, "%s: %s: %s", argv->v[0],
		       kd_child_explain(&end, how, sizeof(how)), last_line(errs ? errs : &own));
}

int kd_lab_mkdirs(const char *path, struct kd_err *err)
{
	KD_AUTO(kd_freep) char *copy = NULL;
	int rc = kd_strdup(&copy, path, err);

	if (rc)
		return rc;
	for (char *p = copy + strspn(copy, "/"); *p;) {
		p += strcspn(p, "/");
		char held = *p;
		*p = '\0';
		if (mkdir(copy, 0777) && errno != EEXIST)
			return kd_fail_sys(err, errno, "create directory %s", copy);
		*p = held;
		p += strspn(p, "/");
	}
	return 0;
}

int kd_lab_mkdirs_for(const char *path, struct kd_err *err)
{
	const char *slash = strrchr(path, '/');
	KD_AUTO(kd_freep) char *parent = NULL;

	if (!slash || slash == path)
		return 0;
	int rc = kd_asprintf(&parent, err, "%.*s", (int)(slash - path), path);
	return rc ? rc : kd_lab_mkdirs(parent, err);
}

int kd_lab_write_file(const char *path, const void *data, size_t len, mode_t mode,
		      struct kd_err *err)
{
	KD_AUTO(kd_closep) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	if (fd < 0)
		return kd_fail_sys(err, errno, "create %s", path);
	if (fchmod(fd, mode))
		return kd_fail_sys(err, errno, "set the mode of %s", path);
	int rc = kd_write_full(fd, data, len, path, err);
	if (!rc && close(KD_STEAL_FD(fd)))
		rc = kd_fail_sys(err, errno, "write %s", path);
	return rc;
}

static int copy_extent(int in, int out, off_t from, off_t to, const char *name, struct kd_err *err)
{
	off_t out_at = from;

	while (from < to) {
		ssize_t n = copy_file_range(in, &from, out, &out_at, (size_t)(to - from), 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return kd_fail_sys(err, n ? errno : EIO, "copy %s", name);
	}
	return 0;
}

/* Holes stay holes: an image is mostly nothing. */
static int copy_data(int in, int out, off_t size, const char *name, struct kd_err *err)
{
	if (ioctl(out, FICLONE, in) == 0)
		return 0;
	if (ftruncate(out, size))
		return kd_fail_sys(err, errno, "copy %s", name);
	for (off_t at = 0; at < size;) {
		off_t data = lseek(in, at, SEEK_DATA);
		if (data < 0 && errno == ENXIO)
			return 0;
		off_t hole = data < 0 ? -1 : lseek(in, data, SEEK_HOLE);
		if (hole < 0)
			return kd_fail_sys(err, errno, "copy %s", name);
		int rc = copy_extent(in, out, data, hole, name, err);
		if (rc)
			return rc;
		at = hole;
	}
	return 0;
}

int kd_lab_copy_file(const char *from, const char *to, struct kd_err *err)
{
	struct stat st = { 0 };
	KD_AUTO(kd_closep) int in = open(from, O_RDONLY | O_CLOEXEC);

	if (in < 0 || fstat(in, &st))
		return kd_fail_sys(err, errno, "open %s", from);
	KD_AUTO(kd_closep)
	int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		       st.st_mode & 0111 ? 0755 : 0644);
	if (out < 0)
		return kd_fail_sys(err, errno, "create %s", to);
	int rc = copy_data(in, out, st.st_size, to, err);
	if (!rc && close(KD_STEAL_FD(out)))
		rc = kd_fail_sys(err, errno, "write %s", to);
	return rc;
}

static int copy_link(const char *from, const char *to, struct kd_err *err)
{
	char text[4096];
	ssize_t n = readlink(from, text, sizeof(text) - 1);

	if (n < 0)
		return kd_fail_sys(err, errno, "read link %s", from);
	text[n] = '\0';
	if (symlink(text, to))
		return kd_fail_sys(err, errno, "create link %s", to);
	return 0;
}

static int link_entry(const FTSENT *e, const char *to, struct kd_err *err)
{
	switch (e->fts_info) {
	case FTS_D:
		return kd_lab_mkdirs(to, err);
	case FTS_F:
		if (link(e->fts_path, to) == 0)
			return 0;
		return kd_lab_copy_file(e->fts_path, to, err);
	case FTS_SL:
	case FTS_SLNONE:
		return copy_link(e->fts_path, to, err);
	case FTS_DP:
		return 0;
	default:
		return kd_fail_sys(err, e->fts_errno ? e->fts_errno : EINVAL, "read %s",
				   e->fts_path);
	}
}

static void fts_closep(FTS **fts)
{
	if (*fts)
		fts_close(*fts);
}

int kd_lab_link_tree(const char *from, const char *to, struct kd_err *err)
{
	char *const paths[] = { (char *)from, NULL };
	KD_AUTO(fts_closep) FTS *fts = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	size_t skip = strlen(from);

	if (!fts)
		return kd_fail_sys(err, errno, "read %s", from);
	for (FTSENT *e; (errno = 0, e = fts_read(fts));) {
		KD_AUTO(kd_freep) char *path = NULL;
		int rc = kd_asprintf(&path, err, "%s%s", to, e->fts_path + skip);
		if (!rc)
			rc = link_entry(e, path, err);
		if (rc)
			return rc;
	}
	return errno ? kd_fail_sys(err, errno, "read %s", from) : 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int kd_lab_list_dir(const char *path, struct kd_strv *names, struct kd_err *err)
{
	KD_AUTO(kd_closedirp) DIR *d = opendir(path);
	size_t first = names->n;

	if (!d)
		return kd_fail_sys(err, errno, "list directory %s", path);
	for (struct dirent *e; (e = readdir(d));) {
		int rc = e->d_name[0] == '.' ? 0 : kd_strv_add(names, e->d_name, err);
		if (rc)
			return rc;
	}
	if (names->n > first)
		qsort(names->v + first, names->n - first, sizeof(*names->v), by_name);
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	return remove(path);
}

int kd_lab_remove_tree(const char *path, struct kd_err *err)
{
	if (nftw(path, remove_one, 32, FTW_DEPTH | FTW_PHYS) && errno != ENOENT)
		return kd_fail_sys(err, errno, "remove %s", path);
	return 0;
}

int kd_lab_hash_file(const char *path, char hex[KD_SHA256_HEX_BYTES], struct kd_err *err)
{
	KD_AUTO(kd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return kd_fail_sys(err, errno, "open %s", path);
	return kd_sha256_fd(fd, path, hex, NULL, err);
}
