/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which mount holds a path: /proc/self/mountinfo, parsed by libmount. */
#include "lib/host/internal.h"

#include <fcntl.h>
#include <libmount/libmount.h>
#include <string.h>
#include <sys/sysmacros.h>

#define MOUNTINFO "/proc/self/mountinfo"

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

static void unref_tablep(struct libmnt_table **table)
{
	mnt_unref_table(*table);
}

static void unref_iterp(struct libmnt_iter **iter)
{
	mnt_free_iter(*iter);
}

static int refuse_bad_line(struct libmnt_table *table, const char *name, int line)
{
	int *bad_line = mnt_table_get_userdata(table);

	*bad_line = line;
	return -1;
}

static int read_table(const struct kd_root *root, struct libmnt_table **ret, struct kd_err *err)
{
	KD_AUTO(unref_tablep) struct libmnt_table *table = mnt_new_table();
	KD_AUTO(kd_closep) int fd = kd_root_openat(root, MOUNTINFO, O_RDONLY, 0, err);
	KD_AUTO(kd_fclosep) FILE *f = NULL;
	int bad_line = 0;

	if (fd < 0)
		return fd;
	f = fdopen(fd, "r");
	if (!table || !f)
		return kd_fail(err, KD_NOMEM, "no memory");
	(void)KD_STEAL_FD(fd);

	mnt_table_set_userdata(table, &bad_line);
	mnt_table_set_parser_errcb(table, refuse_bad_line);
	int rc = mnt_table_parse_stream(table, f, "mountinfo");
	mnt_table_set_userdata(table, NULL);
	if (rc && bad_line)
		return kd_fail(err, KD_BADDATA, "%s" MOUNTINFO ":%d: not a line as in proc(5)",
			       kd_root_prefix(root), bad_line);
	if (rc)
		return kd_fail(err, KD_BADDATA, "%s" MOUNTINFO ": cannot be parsed",
			       kd_root_prefix(root));
	*ret = KD_STEAL(table);
	return 0;
}

/* Is @path @dir or below it? */
static bool is_below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	if (len > 0 && dir[len - 1] == '/')
		len--;
	return strncmp(path, dir, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

/* Nothing in the table is mounted on, or it is its own parent: where the tree starts. */
static bool is_top(struct libmnt_table *table, struct libmnt_fs *fs)
{
	struct libmnt_iter *iter = mnt_new_iter(MNT_ITER_FORWARD);
	struct libmnt_fs *other = NULL;
	int parent = mnt_fs_get_parent_id(fs);
	bool found = false;

	while (iter && !found && mnt_table_next_fs(table, iter, &other) == 0)
		found = mnt_fs_get_id(other) == parent && other != fs;
	mnt_free_iter(iter);
	return !found;
}

/*
 * One step of a path walk: among the mounts on @from (among the top ones if NULL) that
 * @path crosses, the one whose mount point is met first; of several on one, the last.
 */
static struct libmnt_fs *crossed(struct libmnt_table *table, struct libmnt_fs *from,
				 const char *path)
{
	KD_AUTO(unref_iterp) struct libmnt_iter *iter = mnt_new_iter(MNT_ITER_FORWARD);
	struct libmnt_fs *fs = NULL;
	struct libmnt_fs *best = NULL;

	while (iter && mnt_table_next_fs(table, iter, &fs) == 0) {
		if (fs == from || !is_below(path, or_empty(mnt_fs_get_target(fs))))
			continue;
		if (from ? mnt_fs_get_parent_id(fs) != mnt_fs_get_id(from) : !is_top(table, fs))
			continue;
		if (!best ||
		    strlen(mnt_fs_get_target(fs)) <= strlen(or_empty(mnt_fs_get_target(best))))
			best = fs;
	}
	return best;
}

static struct libmnt_fs *find_mount(struct libmnt_table *table, const char *path)
{
	struct libmnt_fs *at = crossed(table, NULL, path);

	/* Ids that run in a circle must not hold us: each mount is crossed once at most. */
	for (int left = mnt_table_get_nents(table); at && left > 0; left--) {
		struct libmnt_fs *next = crossed(table, at, path);
		if (!next)
			break;
		at = next;
	}
	return at;
}

/* fs_root + what follows the mount point, without double slashes. */
static int path_in_fs(const char *fs_root, const char *mountpoint, const char *path, char **ret,
		      struct kd_err *err)
{
	size_t root_len = strlen(fs_root);
	const char *rest = path + (strcmp(mountpoint, "/") == 0 ? 0 : strlen(mountpoint));

	while (root_len > 0 && fs_root[root_len - 1] == '/')
		root_len--;
	rest += strspn(rest, "/");
	if (root_len == 0 || *rest)
		return kd_asprintf(ret, err, "%.*s/%s", (int)root_len, fs_root, rest);
	return kd_asprintf(ret, err, "%.*s", (int)root_len, fs_root);
}

static int fill(struct libmnt_fs *fs, const char *path, struct kd_host_mount *m, struct kd_err *err)
{
	static const char deleted[] = "//deleted";
	const char *fs_root = or_empty(mnt_fs_get_root(fs));
	const char *target = or_empty(mnt_fs_get_target(fs));
	const char *source = mnt_fs_get_source(fs);
	size_t len = strlen(fs_root);

	if (len >= sizeof(deleted) - 1 &&
	    strcmp(fs_root + len - (sizeof(deleted) - 1), deleted) == 0)
		return kd_fail(err, KD_USAGE,
			       "%s is on %s, a directory that was deleted after it was mounted "
			       "there: unmount it or choose another path",
			       path, target);
	int rc = kd_strdup(&m->mountpoint, target, err);
	if (!rc)
		rc = kd_strdup(&m->fstype, or_empty(mnt_fs_get_fstype(fs)), err);
	if (!rc)
		rc = kd_strdup(&m->source, source ? source : "none", err);
	if (!rc)
		rc = kd_strdup(&m->fs_root, fs_root, err);
	if (!rc)
		rc = kd_strdup(&m->options, or_empty(mnt_fs_get_options(fs)), err);
	if (!rc)
		rc = path_in_fs(fs_root, target, path, &m->path, err);
	m->major = major(mnt_fs_get_devno(fs));
	m->minor = minor(mnt_fs_get_devno(fs));
	return rc;
}

int kd_host_mount_of(const struct kd_root *root, const char *path, struct kd_host_mount *ret,
		     struct kd_err *err)
{
	KD_AUTO(unref_tablep) struct libmnt_table *table = NULL;
	KD_AUTO(kd_freep) char *real = NULL;
	KD_AUTO(kd_host_mount_fini) struct kd_host_mount m = { 0 };

	if (*path != '/')
		return kd_fail(err, KD_USAGE, "'%s' is not an absolute path", path);
	int rc = kd_host_canonical(root, path, &real, err);
	if (!rc)
		rc = read_table(root, &table, err);
	if (rc)
		return rc;

	struct libmnt_fs *fs = find_mount(table, real);
	if (!fs)
		return kd_fail(err, KD_BADDATA, "%s" MOUNTINFO ": no mount holds %s",
			       kd_root_prefix(root), real);
	/* libmount takes other tables for mountinfo too, /etc/fstab for one. */
	if (!mnt_fs_is_kernel(fs))
		return kd_fail(err, KD_BADDATA, "%s" MOUNTINFO ": not a table as in proc(5)",
			       kd_root_prefix(root));
	rc = fill(fs, real, &m, err);
	if (rc)
		return rc;
	*ret = m;
	m = (struct kd_host_mount){ 0 };
	return 0;
}

int kd_host_mountpoint_of(const struct kd_root *root, unsigned int major, unsigned int minor,
			  char **ret, struct kd_err *err)
{
	KD_AUTO(unref_tablep) struct libmnt_table *table = NULL;
	KD_AUTO(unref_iterp) struct libmnt_iter *iter = mnt_new_iter(MNT_ITER_FORWARD);
	struct libmnt_fs *fs = NULL;
	int rc = read_table(root, &table, err);

	if (rc)
		return rc;
	if (!iter)
		return kd_fail(err, KD_NOMEM, "no memory");
	while (mnt_table_next_fs(table, iter, &fs) == 0) {
		const char *target = or_empty(mnt_fs_get_target(fs));
		if (mnt_fs_get_devno(fs) != makedev(major, minor) ||
		    strcmp(or_empty(mnt_fs_get_root(fs)), "/") != 0 ||
		    find_mount(table, target) != fs)
			continue;
		rc = kd_strdup(ret, target, err);
		return rc ? rc : 1;
	}
	return 0;
}

void kd_host_mount_fini(struct kd_host_mount *mount)
{
	free(mount->mountpoint);
	free(mount->fstype);
	free(mount->source);
	free(mount->fs_root);
	free(mount->options);
	free(mount->path);
	*mount = (struct kd_host_mount){ 0 };
}

bool kd_host_fstype_is_local_disk(const char *fstype)
{
	static const char *const known[] = { "ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs" };

	for (size_t i = 0; i < KD_ARRAY_LEN(known); i++)
		if (strcmp(fstype, known[i]) == 0)
			return true;
	return false;
}
