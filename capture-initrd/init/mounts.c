/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "capture-initrd/init/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

int kd_init_mount_kernel(struct kd_err *err)
{
	/* Collectors want a place for temporary files; the image itself is memory. */
	(void)mkdir("/tmp", 0700);

	static const struct {
		const char *type, *where;
		unsigned long flags;
	} mounts[] = {
		{ "proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC },
		{ "sysfs", "/sys", MS_NOSUID | MS_NODEV | MS_NOEXEC },
		{ "devtmpfs", "/dev", MS_NOSUID | MS_NOEXEC },
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(mounts); i++) {
		/* An image without the directory, or one that has it: both will do. */
		(void)mkdir(mounts[i].where, 0755);
		if (mount(mounts[i].type, mounts[i].where, mounts[i].type, mounts[i].flags, NULL) &&
		    errno != EBUSY)
			return kd_fail_sys(err, errno, "mount %s", mounts[i].where);
	}
	return 0;
}

/* What an option name means to mount(2); flag 0: nothing to the kernel. */
struct option {
	const char *name;
	unsigned long flag;
};

static const struct option *find_option(const char *name)
{
	static const struct option options[] = {
		{ "noatime", MS_NOATIME },
		{ "nodiratime", MS_NODIRATIME },
		{ "relatime", MS_RELATIME },
		{ "strictatime", MS_STRICTATIME },
		{ "lazytime", MS_LAZYTIME },
		{ "sync", MS_SYNCHRONOUS },
		{ "dirsync", MS_DIRSYNC },
		{ "defaults", 0 },
		{ "rw", 0 },
		{ "ro", 0 },
		{ "async", 0 },
		{ "dev", 0 },
		{ "suid", 0 },
		{ "exec", 0 },
		{ "nodev", 0 },
		{ "nosuid", 0 },
		{ "noexec", 0 },
		{ "atime", 0 },
		{ "diratime", 0 },
		{ "auto", 0 },
		{ "noauto", 0 },
		{ "user", 0 },
		{ "users", 0 },
		{ "nouser", 0 },
		{ "owner", 0 },
		{ "group", 0 },
		{ "nofail", 0 },
		{ "_netdev", 0 },
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(options); i++)
		if (strcmp(name, options[i].name) == 0)
			return &options[i];
	return NULL;
}

static bool is_for_user_space(const char *name)
{
	return strncmp(name, "x-", 2) == 0 || strncmp(name, "X-", 2) == 0 ||
	       strncmp(name, "comment=", 8) == 0;
}

int kd_init_mount_flags(const char *options, unsigned long *flags_ret, char **data_ret,
			struct kd_err *err)
{
	KD_AUTO(kd_strv_fini) struct kd_strv words = { 0 };
	KD_AUTO(kd_buf_fini) struct kd_buf data = { 0 };
	unsigned long flags = MS_NODEV | MS_NOSUID | MS_NOEXEC;
	int rc = kd_strv_split(&words, options, ",", err);

	if (rc)
		return rc;
	for (size_t i = 0; i < words.n; i++) {
		const struct option *known = find_option(words.v[i]);
		if (known)
			flags |= known->flag;
		else if (!is_for_user_space(words.v[i]))
			kd_buf_printf(&data, "%s%s", data.len ? "," : "", words.v[i]);
	}
	if (data.bad)
		return kd_fail(err, KD_NOMEM, "mount options: no memory");
	rc = kd_strdup(data_ret, data.p ? data.p : "", err);
	if (!rc)
		*flags_ret = flags;
	return rc;
}

int kd_init_mount_target(const char *device, const char *where, const struct kd_plan_target *target,
			 struct kd_err *err)
{
	KD_AUTO(kd_freep) char *data = NULL;
	unsigned long flags = 0;
	int rc = kd_init_mount_flags(target->mount_options, &flags, &data, err);

	if (rc)
		return rc;
	if (mkdir(where, 0700) && errno != EEXIST)
		return kd_fail_sys(err, errno, "create mount point %s", where);
	if (mount(device, where, target->fstype, flags, data) == 0)
		return 0;
	if (errno == ENODEV)
		return kd_fail(
			err, KD_NOTSUP,
			"mount %s: this kernel knows no %s file system, its module is not in "
			"the plan or was not loaded",
			device, target->fstype);
	return kd_fail_sys(err, errno, "mount %s as %s%s%s", device, target->fstype,
			   *data ? " with options " : "", data);
}

bool kd_init_unmount(const char *where)
{
	if (umount2(where, UMOUNT_NOFOLLOW) == 0)
		return true;
	(void)umount2(where, MNT_DETACH | UMOUNT_NOFOLLOW);
	return false;
}

static int open_beneath(int dir_fd, const char *name)
{
	/* No O_NOFOLLOW: a link would then be ENOTDIR, where RESOLVE_NO_SYMLINKS says ELOOP. */
	struct open_how how = {
		.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS |
			   RESOLVE_NO_XDEV,
	};

	return (int)syscall(SYS_openat2, dir_fd, name, &how, sizeof(how));
}

static int open_or_make(int dir_fd, const char *name, const char *whole, struct kd_err *err)
{
	if (strcmp(name, "..") == 0)
		return kd_fail(err, KD_BADDATA, "directory %s: '..' is not allowed", whole);

	int fd = open_beneath(dir_fd, name);
	if (fd < 0 && errno == ENOENT) {
		if (mkdirat(dir_fd, name, 0700))
			return kd_fail_sys(err, errno, "create %s of directory %s", name, whole);
		if (fsync(dir_fd))
			return kd_fail_sys(err, errno, "sync the parent of %s of directory %s",
					   name, whole);
		fd = open_beneath(dir_fd, name);
	}
	if (fd < 0 && errno == ELOOP)
		return kd_fail(err, KD_NOTSUP,
			       "open directory %s: %s is a symbolic link, use the path it leads to",
			       whole, name);
	if (fd < 0)
		return kd_fail_sys(err, errno, "open %s of directory %s", name, whole);
	return fd;
}

int kd_init_open_dir(int top_fd, const char *dir, struct kd_err *err)
{
	KD_AUTO(kd_strv_fini) struct kd_strv parts = { 0 };
	int rc = kd_strv_split(&parts, dir, "/", err);

	if (rc)
		return rc;
	KD_AUTO(kd_closep) int at = open_beneath(top_fd, ".");
	if (at < 0)
		return kd_fail_sys(err, errno, "open the top of the file system");
	for (size_t i = 0; i < parts.n; i++) {
		int next = open_or_make(at, parts.v[i], dir, err);
		if (next < 0)
			return next;
		close(at);
		at = next;
	}
	return KD_STEAL_FD(at);
}
