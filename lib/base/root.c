/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/base/root.h"

#include "lib/base/cleanup.h"
#include "lib/base/io.h"
#include "lib/base/strv.h"
#include "lib/base/units.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>

struct kd_root {
	int fd;
	char *prefix; /* "" for the machine itself */
	char *real;   /* the prefix resolved, for realpath: "" for the machine itself */
};

bool kd_path_has_dotdot(const char *path)
{
	for (const char *p = path; *p;) {
		p += strspn(p, "/");
		size_t n = strcspn(p, "/");
		if (n == 2 && strncmp(p, "..", 2) == 0)
			return true;
		p += n;
	}
	return false;
}

int kd_root_open(const char *prefix, struct kd_root **ret, struct kd_err *err)
{
	KD_AUTO(kd_root_closep) struct kd_root *root = calloc(1, sizeof(*root));

	if (!root)
		return kd_fail(err, KD_NOMEM, "no memory");
	root->fd = open(*prefix ? prefix : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root->fd < 0)
		return kd_fail_sys(err, errno, "open root directory %s", prefix);

	int rc = kd_strdup(&root->prefix, prefix, err);
	if (rc)
		return rc;
	size_t len = strlen(root->prefix);
	while (len > 0 && root->prefix[len - 1] == '/')
		root->prefix[--len] = '\0';

	root->real = len ? realpath(root->prefix, NULL) : strdup("");
	if (!root->real)
		return kd_fail_sys(err, errno, "resolve root directory %s", prefix);
	*ret = KD_STEAL(root);
	return 0;
}

void kd_root_close(struct kd_root *root)
{
	if (!root)
		return;
	if (root->fd >= 0)
		close(root->fd);
	free(root->prefix);
	free(root->real);
	free(root);
}

void kd_root_closep(struct kd_root **root)
{
	kd_root_close(*root);
}

bool kd_root_is_host(const struct kd_root *root)
{
	return root->real[0] == '\0' || strcmp(root->real, "/") == 0;
}

const char *kd_root_prefix(const struct kd_root *root)
{
	return root->prefix;
}

static int resolve(const struct kd_root *root, const char *path, int flags, mode_t mode)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned int)flags | O_CLOEXEC,
		.mode = flags & O_CREAT ? mode : 0,
		.resolve = RESOLVE_IN_ROOT,
	};
	int fd = -1;

	/* EAGAIN: a rename somewhere below raced with the walk; it is meant to be tried again. */
	for (int tries = 0; tries < 64; tries++) {
		fd = (int)syscall(SYS_openat2, root->fd, path, &how, sizeof(how));
		if (fd >= 0 || errno != EAGAIN)
			break;
	}
	return fd;
}

int kd_root_openat(const struct kd_root *root, const char *path, int flags, mode_t mode,
		   struct kd_err *err)
{
	int fd = resolve(root, path, flags, mode);

	if (fd < 0)
		return kd_fail_sys(err, errno, "%s %s%s", flags & O_CREAT ? "create" : "open",
				   root->prefix, path);
	return fd;
}

int kd_root_opendir(const struct kd_root *root, const char *path, DIR **ret, struct kd_err *err)
{
	KD_AUTO(kd_closep) int fd = kd_root_openat(root, path, O_RDONLY | O_DIRECTORY, 0, err);

	if (fd < 0)
		return fd;
	DIR *dir = fdopendir(fd);
	if (!dir)
		return kd_fail_sys(err, errno, "list %s%s", root->prefix, path);
	(void)KD_STEAL_FD(fd);
	*ret = dir;
	return 0;
}

int kd_root_stat(const struct kd_root *root, const char *path, struct stat *ret, struct kd_err *err)
{
	KD_AUTO(kd_closep) int fd = kd_root_openat(root, path, O_PATH, 0, err);

	if (fd < 0)
		return fd;
	if (fstat(fd, ret))
		return kd_fail_sys(err, errno, "stat %s%s", root->prefix, path);
	return 0;
}

bool kd_root_exists(const struct kd_root *root, const char *path)
{
	KD_AUTO(kd_closep) int fd = resolve(root, path, O_PATH, 0);

	return fd >= 0;
}

int kd_root_readlink(const struct kd_root *root, const char *path, char **ret, struct kd_err *err)
{
	char text[PATH_MAX];
	KD_AUTO(kd_closep) int fd = kd_root_openat(root, path, O_PATH | O_NOFOLLOW, 0, err);

	if (fd < 0)
		return fd;
	ssize_t n = readlinkat(fd, "", text, sizeof(text) - 1);
	if (n < 0)
		return kd_fail_sys(err, errno, "read link %s%s", root->prefix, path);
	text[n] = '\0';
	return kd_strdup(ret, text, err);
}

int kd_root_realpath(const struct kd_root *root, const char *path, char **ret, struct kd_err *err)
{
	char link[64], text[PATH_MAX];
	KD_AUTO(kd_closep) int fd = kd_root_openat(root, path, O_PATH, 0, err);

	if (fd < 0)
		return fd;
	/* The kernel knows where the descriptor is; ours is the part behind the prefix. */
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, text, sizeof(text) - 1);
	if (n < 0)
		return kd_fail_sys(err, errno, "resolve %s%s", root->prefix, path);
	text[n] = '\0';

	size_t skip = strlen(root->real);
	if (skip == 1) /* "/" */
		skip = 0;
	if (strncmp(text, root->real, skip) != 0)
		return kd_fail(err, KD_SYS, "resolve %s%s: leads outside to %s", root->prefix, path,
			       text);
	return kd_strdup(ret, text[skip] ? text + skip : "/", err);
}

int kd_root_read(const struct kd_root *root, const char *path, size_t max_bytes, char **ret,
		 size_t *len_ret, struct kd_err *err)
{
	KD_AUTO(kd_closep) int fd = kd_root_openat(root, path, O_RDONLY, 0, err);

	if (fd < 0)
		return fd;

	KD_AUTO(kd_freep) char *name = NULL;
	int rc = kd_asprintf(&name, err, "%s%s", root->prefix, path);
	return rc ? rc : kd_read_all(fd, max_bytes, ret, len_ret, name, err);
}

int kd_root_read_line(const struct kd_root *root, const char *path, char **ret, struct kd_err *err)
{
	char buf[4096];
	KD_AUTO(kd_closep) int fd = kd_root_openat(root, path, O_RDONLY, 0, err);

	if (fd < 0)
		return fd;
	ssize_t n = kd_read_full(fd, buf, sizeof(buf) - 1, path, err);
	if (n < 0)
		return (int)n;
	buf[n] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	return kd_strdup(ret, buf, err);
}

int kd_root_read_u64(const struct kd_root *root, const char *path, unsigned long long *ret,
		     struct kd_err *err)
{
	KD_AUTO(kd_freep) char *line = NULL;
	int rc = kd_root_read_line(root, path, &line, err);

	if (rc)
		return rc;

	uint64_t v = 0;
	rc = kd_parse_u64(line, &v, err);
	if (rc)
		return kd_wrap(err, "%s%s", root->prefix, path);
	*ret = v;
	return 0;
}

/* Splits at the last slash: the parent as a descriptor, the name as a pointer into path. */
static int open_parent(const struct kd_root *root, const char *path, const char **name_ret,
		       struct kd_err *err)
{
	const char *slash = strrchr(path, '/');

	if (!slash || !slash[1])
		return kd_fail(err, KD_USAGE, "'%s' does not name a file by an absolute path",
			       path);
	char *parent = strndup(path, slash == path ? 1 : (size_t)(slash - path));
	if (!parent)
		return kd_fail(err, KD_NOMEM, "no memory");
	int fd = kd_root_openat(root, parent, O_RDONLY | O_DIRECTORY, 0, err);
	free(parent);
	*name_ret = slash + 1;
	return fd;
}

int kd_root_mkdirs(const struct kd_root *root, const char *path, mode_t mode, struct kd_err *err)
{
	KD_AUTO(kd_freep) char *copy = NULL;
	int rc = kd_strdup(&copy, path, err);

	if (rc)
		return rc;
	for (char *end = copy; *end;) {
		end += strspn(end, "/");
		end += strcspn(end, "/");
		char held = *end;
		*end = '\0';
		if (!kd_root_exists(root, copy)) {
			const char *name = NULL;
			KD_AUTO(kd_closep) int dir = open_parent(root, copy, &name, err);
			if (dir < 0)
				return dir;
			if (mkdirat(dir, name, mode) && errno != EEXIST)
				return kd_fail_sys(err, errno, "create directory %s%s",
						   root->prefix, copy);
		}
		*end = held;
	}
	return 0;
}

static int new_name(const char *name, char **ret, struct kd_err *err)
{
	return kd_asprintf(ret, err, "%s.kd-new", name);
}

int kd_root_replace_begin(const struct kd_root *root, const char *path, mode_t mode,
			  struct kd_err *err)
{
	const char *name = NULL;
	KD_AUTO(kd_closep) int dir = open_parent(root, path, &name, err);
	KD_AUTO(kd_freep) char *temp = NULL;

	if (dir < 0)
		return dir;
	int rc = new_name(name, &temp, err);
	if (rc)
		return rc;
	if (unlinkat(dir, temp, 0) && errno != ENOENT)
		return kd_fail_sys(err, errno, "remove left-over %s%s.kd-new", root->prefix, path);
	int fd = openat(dir, temp, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		return kd_fail_sys(err, errno, "create %s%s.kd-new", root->prefix, path);
	/* The mode asked for, whatever the umask. */
	if (fchmod(fd, mode)) {
		rc = kd_fail_sys(err, errno, "set mode of %s%s.kd-new", root->prefix, path);
		kd_root_replace_abort(root, path, fd);
		return rc;
	}
	return fd;
}

int kd_root_replace_reopen(const struct kd_root *root, const char *path, int fd, struct kd_err *err)
{
	const char *name = NULL;
	KD_AUTO(kd_closep) int writer = fd;
	KD_AUTO(kd_closep) int dir = open_parent(root, path, &name, err);
	KD_AUTO(kd_freep) char *temp = NULL;
	int rc = dir < 0 ? dir : new_name(name, &temp, err);

	if (rc)
		return rc;
	if (fsync(writer))
		return kd_fail_sys(err, errno, "sync %s%s.kd-new", root->prefix, path);
	int reader = openat(dir, temp, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (reader < 0)
		return kd_fail_sys(err, errno, "open %s%s.kd-new", root->prefix, path);
	return reader;
}

int kd_root_replace_commit(const struct kd_root *root, const char *path, int fd, struct kd_err *err)
{
	const char *name = NULL;
	KD_AUTO(kd_closep) int dir = open_parent(root, path, &name, err);
	KD_AUTO(kd_freep) char *temp = NULL;
	int rc = dir < 0 ? dir : new_name(name, &temp, err);

	if (!rc && fsync(fd))
		rc = kd_fail_sys(err, errno, "sync %s%s.kd-new", root->prefix, path);
	if (!rc && renameat(dir, temp, dir, name))
		rc = kd_fail_sys(err, errno, "rename %s%s.kd-new", root->prefix, path);
	if (rc) {
		kd_root_replace_abort(root, path, fd);
		return rc;
	}
	close(fd);
	/* The file is whole either way; only its name could still be lost to a power cut. */
	if (fsync(dir) && errno != EINVAL)
		return kd_fail_sys(err, errno, "sync the directory of %s%s", root->prefix, path);
	return 0;
}

void kd_root_replace_abort(const struct kd_root *root, const char *path, int fd)
{
	const char *name = NULL;
	KD_AUTO(kd_closep) int dir = open_parent(root, path, &name, NULL);
	KD_AUTO(kd_freep) char *temp = NULL;

	if (fd >= 0)
		close(fd);
	if (dir >= 0 && new_name(name, &temp, NULL) == 0)
		unlinkat(dir, temp, 0);
}

int kd_root_write(const struct kd_root *root, const char *path, const void *data, size_t len,
		  mode_t mode, struct kd_err *err)
{
	int fd = kd_root_replace_begin(root, path, mode, err);

	if (fd < 0)
		return fd;
	int rc = kd_write_full(fd, data, len, path, err);
	if (rc) {
		kd_root_replace_abort(root, path, fd);
		return rc;
	}
	return kd_root_replace_commit(root, path, fd, err);
}

int kd_root_unlink(const struct kd_root *root, const char *path, struct kd_err *err)
{
	const char *name = NULL;
	KD_AUTO(kd_closep) int dir = open_parent(root, path, &name, err);

	if (dir < 0)
		return err && err->sys == ENOENT ? 0 : dir;
	if (unlinkat(dir, name, 0) && errno != ENOENT)
		return kd_fail_sys(err, errno, "remove %s%s", root->prefix, path);
	return 0;
}
