/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/image.h"

#include "lab/files.h"
#include "lab/vm.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum { TOOL_TIMEOUT_S = 300, MAX_DEPTH = 8 };

void kd_lab_inodes_fini(struct kd_lab_inodes *inodes)
{
	for (size_t i = 0; i < inodes->n; i++)
		free(inodes->v[i].path);
	free(inodes->v);
	*inodes = (struct kd_lab_inodes){ 0 };
}

/* A path inside a debugfs command: quoted, and nothing that would end the quotes or the line. */
static bool is_plain(const char *path)
{
	for (; *path; path++)
		if ((unsigned char)*path < ' ' || *path == '"' || *path == '\\')
			return false;
	return true;
}

static bool is_harmless(const char *line)
{
	/* The banner; and an rdump by somebody who is not root cannot set owners. */
	return strncmp(line, "debugfs 1.", 10) == 0 ||
	       strstr(line, "while changing ownership of") != NULL;
}

static int check_complaints(const char *text, const char *image, struct kd_err *err)
{
	KD_AUTO(kd_strv_fini) struct kd_strv lines = { 0 };
	int rc = kd_strv_split(&lines, text, "\n", err);

	for (size_t i = 0; !rc && i < lines.n; i++)
		if (!is_harmless(lines.v[i]))
			rc = kd_fail(err, KD_SYS, "debugfs %s: %s", image, lines.v[i]);
	return rc;
}

int kd_lab_debugfs(const char *image, bool write, const char *commands, struct kd_buf *out,
		   struct kd_err *err)
{
	KD_AUTO(kd_freep) char *tool = NULL;
	KD_AUTO(kd_strv_fini) struct kd_strv argv = { 0 };
	KD_AUTO(kd_buf_fini) struct kd_buf errs = { 0 };
	KD_AUTO(kd_closep) int script = memfd_create("debugfs", 0);
	int rc = kd_lab_find_tool("debugfs", "e2fsprogs", &tool, err);

	if (rc)
		return rc;
	if (script < 0)
		return kd_fail_sys(err, errno, "create a debugfs script");
	rc = kd_write_full(script, commands, strlen(commands), "debugfs script", err);
	if (!rc)
		rc = kd_strv_add(&argv, tool, err);
	if (!rc && write)
		rc = kd_strv_add(&argv, "-w", err);
	if (!rc)
		rc = kd_strv_add(&argv, "-f", err);
	if (!rc)
		rc = kd_strv_addf(&argv, err, "/proc/self/fd/%d", script);
	if (!rc)
		rc = kd_strv_add(&argv, image, err);
	if (!rc)
		rc = kd_lab_exec(&argv, TOOL_TIMEOUT_S, out, &errs, err);
	return rc ? rc : check_complaints(errs.p ? errs.p : "", image, err);
}

static void fts_closep(FTS **fts)
{
	if (*fts)
		fts_close(*fts);
}

/*
 * mke2fs -d copies owners from the tree. Made by an ordinary user, every file of
 * the guest would be that user's, and tools that look at owners would be right to
 * refuse; so they are all given to root, name by name.
 */
static int give_to_root(const char *image, const char *tree, struct kd_err *err)
{
	char *const paths[] = { (char *)tree, NULL };
	KD_AUTO(fts_closep) FTS *fts = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	KD_AUTO(kd_buf_fini) struct kd_buf script = { 0 };
	size_t skip = strlen(tree);

	if (!fts)
		return kd_fail_sys(err, errno, "read %s", tree);
	for (FTSENT *e; (errno = 0, e = fts_read(fts));) {
		const char *path = e->fts_path + skip;
		if (e->fts_info == FTS_DP || !*path)
			continue;
		if (!is_plain(path))
			return kd_fail(err, KD_NOTSUP, "%s: a name debugfs cannot take",
				       e->fts_path);
		kd_buf_printf(&script, "sif \"%s\" uid 0\nsif \"%s\" gid 0\n", path, path);
	}
	if (errno)
		return kd_fail_sys(err, errno, "read %s", tree);
	if (script.bad)
		return kd_fail(err, KD_NOMEM, "no memory");
	return script.p ? kd_lab_debugfs(image, true, script.p, NULL, err) : 0;
}

int kd_lab_image_make(const char *image, uint64_t size_mib, const char *tree, const char *label,
		      const char *uuid, struct kd_err *err)
{
	KD_AUTO(kd_freep) char *tool = NULL;
	KD_AUTO(kd_strv_fini) struct kd_strv argv = { 0 };
	int rc = kd_lab_find_tool("mke2fs", "e2fsprogs", &tool, err);

	if (!rc)
		rc = kd_strv_add(&argv, tool, err);
	/* Everything initialised now: else the guest's kernel would do it in the background
	 * of the very seconds that are measured. Zeroes cost nothing in a sparse file. */
	if (!rc)
		rc = kd_strv_split(&argv,
				   "-q -F -t ext4 -b 4096 -m 0 "
				   "-E root_owner=0:0,lazy_itable_init=0,lazy_journal_init=0",
				   " ", err);
	/* A whole system has thousands of small files; its journal need not be a share of the disk. */
	if (!rc && size_mib >= 1024)
		rc = kd_strv_split(&argv, "-N 24576 -J size=16", " ", err);
	if (!rc)
		rc = kd_strv_add(&argv, "-L", err);
	if (!rc)
		rc = kd_strv_add(&argv, label, err);
	if (!rc)
		rc = kd_strv_add(&argv, "-U", err);
	if (!rc)
		rc = kd_strv_add(&argv, uuid, err);
	if (!rc && tree)
		rc = kd_strv_add(&argv, "-d", err);
	if (!rc && tree)
		rc = kd_strv_add(&argv, tree, err);
	if (!rc)
		rc = kd_strv_add(&argv, image, err);
	if (!rc)
		rc = kd_strv_addf(&argv, err, "%juM", (uintmax_t)size_mib);
	if (!rc)
		rc = kd_lab_exec(&argv, TOOL_TIMEOUT_S, NULL, NULL, err);
	if (!rc && tree && geteuid() != 0)
		rc = give_to_root(image, tree, err);
	return rc;
}

int kd_lab_image_make_xfs(const char *image, uint64_t size_mib, const char *label, const char *uuid,
			  struct kd_err *err)
{
	KD_AUTO(kd_freep) char *tool = NULL;
	KD_AUTO(kd_strv_fini) struct kd_strv argv = { 0 };
	int rc = kd_lab_find_tool("mkfs.xfs", "xfsprogs", &tool, err);

	if (!rc)
		rc = kd_strv_add(&argv, tool, err);
	if (!rc)
		rc = kd_strv_split(&argv, "-q -f -L", " ", err);
	if (!rc)
		rc = kd_strv_add(&argv, label, err);
	if (!rc)
		rc = kd_strv_add(&argv, "-m", err);
	if (!rc)
		rc = kd_strv_addf(&argv, err, "uuid=%s", uuid);
	if (!rc)
		rc = kd_strv_add(&argv, "-d", err);
	if (!rc)
		rc = kd_strv_addf(&argv, err, "file,name=%s,size=%jum", image, (uintmax_t)size_mib);
	return rc ? rc : kd_lab_exec(&argv, TOOL_TIMEOUT_S, NULL, NULL, err);
}

static int add_inode(struct kd_lab_inodes *list, const struct kd_lab_inode *inode,
		     struct kd_err *err)
{
	struct kd_lab_inode *grown = reallocarray(list->v, list->n + 1, sizeof(*grown));

	if (!grown)
		return kd_fail(err, KD_NOMEM, "no memory");
	list->v = grown;
	list->v[list->n++] = *inode;
	return 0;
}

/* "/12/100600/0/0/vmcore/123/": name in the middle; it may hold anything but a slash. */
static int parse_entry(const char *line, const char *parent, struct kd_lab_inodes *list,
		       struct kd_err *err)
{
	unsigned long ino = 0, uid = 0, gid = 0;
	unsigned int mode = 0;
	int at = 0;

	if (sscanf(line, "/%lu/%o/%lu/%lu/%n", &ino, &mode, &uid, &gid, &at) != 4 || at == 0)
		return kd_fail(err, KD_BADDATA, "debugfs: not a line of a directory: %s", line);
	const char *name = line + at;
	size_t len = strcspn(name, "/");
	if (len == 0 || name[len] != '/')
		return kd_fail(err, KD_BADDATA, "debugfs: not a line of a directory: %s", line);
	/* Inode 0: an entry that was deleted. */
	if (ino == 0 || (len == 1 && name[0] == '.') || (len == 2 && strncmp(name, "..", 2) == 0))
		return 0;

	struct kd_lab_inode inode = { .mode = mode, .uid = uid, .gid = gid };
	int rc = kd_asprintf(&inode.path, err, "%s/%.*s", parent, (int)len, name);
	if (!rc)
		rc = add_inode(list, &inode, err);
	if (rc)
		free(inode.path);
	return rc;
}

int kd_lab_parse_ls(const char *text, const char *parent, struct kd_lab_inodes *ret,
		    struct kd_err *err)
{
	struct kd_cursor cur = { .p = (const uint8_t *)text,
				 .end = (const uint8_t *)text + strlen(text) };
	size_t len = 0;

	for (const char *p; (p = kd_cursor_line(&cur, &len));) {
		KD_AUTO(kd_freep) char *line = strndup(p, len);
		if (!line)
			return kd_fail(err, KD_NOMEM, "no memory");
		/* "debugfs: ls ..." echoes the command, blank lines end a listing */
		if (len == 0 || strncmp(line, "debugfs:", 8) == 0)
			continue;
		int rc = parse_entry(line, parent, ret, err);
		if (rc)
			return rc;
	}
	return 0;
}

static int list_dir(const char *image, const char *path, unsigned int depth,
		    struct kd_lab_inodes *ret, struct kd_err *err)
{
	KD_AUTO(kd_buf_fini) struct kd_buf out = { 0 };
	KD_AUTO(kd_freep) char *command = NULL;
	size_t first = ret->n;

	if (!is_plain(path))
		return kd_fail(err, KD_NOTSUP, "%s: a name debugfs cannot take", path);
	int rc = kd_asprintf(&command, err, "ls -p \"%s\"\n", path);
	if (!rc)
		rc = kd_lab_debugfs(image, false, command, &out, err);
	if (!rc)
		rc = kd_lab_parse_ls(out.p ? out.p : "", path, ret, err);
	/* The vector grows below: entries are looked at by index. */
	for (size_t i = first, last = ret->n; !rc && i < last; i++) {
		if (!S_ISDIR(ret->v[i].mode))
			continue;
		if (depth == 0)
			return kd_fail(err, KD_NOTSUP, "%s: more than %d levels of directories",
				       ret->v[i].path, MAX_DEPTH);
		KD_AUTO(kd_freep) char *sub = NULL;
		rc = kd_strdup(&sub, ret->v[i].path, err);
		if (!rc)
			rc = list_dir(image, sub, depth - 1, ret, err);
	}
	return rc;
}

int kd_lab_image_list(const char *image, const char *path, struct kd_lab_inodes *ret,
		      struct kd_err *err)
{
	KD_AUTO(kd_lab_inodes_fini) struct kd_lab_inodes list = { 0 };
	int rc = list_dir(image, path, MAX_DEPTH, &list, err);

	if (rc)
		return rc;
	*ret = list;
	list = (struct kd_lab_inodes){ 0 };
	return 0;
}
