/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Paths and small sysfs files. */
#include "lib/host/internal.h"

#include <errno.h>
#include <string.h>

enum { MAX_LINKS = 40 }; /* as many as the kernel follows */

const char *kd_host_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

int kd_host_parent(const char *path, char **ret, struct kd_err *err)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;

	return len ? kd_asprintf(ret, err, "%.*s", (int)len, path) : kd_strdup(ret, "/", err);
}

/* The walk of kd_host_canonical(): what is done, and what is still to do. */
struct walk {
	const struct kd_root *root;
	char *done; /* absolute, without links; "" is the root directory */
	char *todo; /* relative */
	unsigned int links;
};

static void walk_fini(struct walk *w)
{
	free(w->done);
	free(w->todo);
}

/* The link at w->done/name takes the place of that name in what is to be done. */
static int follow(struct walk *w, const char *target, const char *rest, struct kd_err *err)
{
	char *todo = NULL;

	if (++w->links > MAX_LINKS)
		return kd_fail(err, KD_USAGE, "too many symbolic links");
	int rc = kd_asprintf(&todo, err, "%s/%s", target, rest);
	if (rc)
		return rc;
	free(w->todo);
	w->todo = todo;
	if (*target == '/')
		w->done[0] = '\0';
	return 0;
}

static int step(struct walk *w, const char *name, const char *rest, struct kd_err *err)
{
	KD_AUTO(kd_freep) char *next = NULL;
	KD_AUTO(kd_freep) char *target = NULL;
	struct kd_err why = { 0 };
	int rc = kd_asprintf(&next, err, "%s/%s", w->done, name);

	if (rc)
		return rc;
	if (kd_root_readlink(w->root, next, &target, &why) == 0)
		return follow(w, target, rest, err);
	/* EINVAL and ENOENT (an empty link text) both say: no link, but it is there. */
	if (why.code == KD_NOMEM || why.sys == EACCES || why.sys == EIO) {
		if (err)
			*err = why;
		return -(int)why.code;
	}
	char *todo = NULL;
	rc = kd_strdup(&todo, rest, err);
	if (rc)
		return rc;
	free(w->todo);
	w->todo = todo;
	free(w->done);
	w->done = KD_STEAL(next);
	return 0;
}

int kd_host_canonical(const struct kd_root *root, const char *path, char **ret, struct kd_err *err)
{
	KD_AUTO(walk_fini) struct walk w = { .root = root };
	int rc = kd_strdup(&w.done, "", err);

	if (!rc)
		rc = kd_strdup(&w.todo, path, err);
	if (rc)
		return rc;
	for (;;) {
		const char *at = w.todo + strspn(w.todo, "/");
		size_t len = strcspn(at, "/");
		KD_AUTO(kd_freep) char *name = strndup(at, len);

		if (!name)
			return kd_fail(err, KD_NOMEM, "no memory");
		if (len == 0)
			break;
		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
			char *slash = name[1] ? strrchr(w.done, '/') : NULL;
			if (slash)
				*slash = '\0';
			memmove(w.todo, at + len, strlen(at + len) + 1);
			continue;
		}
		rc = step(&w, name, at + len, err);
		if (rc)
			return kd_wrap(err, "resolve %s%s", kd_root_prefix(root), path);
	}
	return kd_strdup(ret, w.done[0] ? w.done : "/", err);
}

/* Only a want of memory is an error; *err is left alone otherwise. */
static int absent_unless_nomem(int rc, const struct kd_err *why, struct kd_err *err)
{
	if (rc != -KD_NOMEM)
		return 0;
	if (err)
		*err = *why;
	return rc;
}

int kd_host_try_line(const struct kd_root *root, const char *dir, const char *file, char **ret,
		     struct kd_err *err)
{
	KD_AUTO(kd_freep) char *path = NULL;
	KD_AUTO(kd_freep) char *line = NULL;
	struct kd_err why = { 0 };
	int rc = kd_asprintf(&path, err, "%s/%s", dir, file);

	*ret = NULL;
	if (rc)
		return rc;
	rc = kd_root_read_line(root, path, &line, &why);
	if (rc)
		return absent_unless_nomem(rc, &why, err);

	char *text = line + strspn(line, " \t");
	size_t len = strlen(text);
	while (len > 0 && strchr(" \t\r\n", text[len - 1]))
		text[--len] = '\0';
	return len ? kd_strdup(ret, text, err) : 0;
}

int kd_host_try_link(const struct kd_root *root, const char *dir, const char *file, char **ret,
		     struct kd_err *err)
{
	KD_AUTO(kd_freep) char *path = NULL;
	KD_AUTO(kd_freep) char *text = NULL;
	struct kd_err why = { 0 };
	int rc = kd_asprintf(&path, err, "%s/%s", dir, file);

	*ret = NULL;
	if (rc)
		return rc;
	rc = kd_root_readlink(root, path, &text, &why);
	if (rc)
		return absent_unless_nomem(rc, &why, err);
	return kd_strdup(ret, kd_host_base(text), err);
}

bool kd_host_has(const struct kd_root *root, const char *dir, const char *file)
{
	KD_AUTO(kd_freep) char *path = NULL;

	return kd_asprintf(&path, NULL, "%s/%s", dir, file) == 0 && kd_root_exists(root, path);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int kd_host_list(const struct kd_root *root, const char *dir, struct kd_strv *ret,
		 struct kd_err *err)
{
	KD_AUTO(kd_closedirp) DIR *d = NULL;
	struct kd_err why = { 0 };
	int rc = kd_root_opendir(root, dir, &d, &why);

	if (rc) {
		if (why.sys == ENOENT || why.sys == ENOTDIR)
			return 0;
		if (err)
			*err = why;
		return rc;
	}
	for (;;) {
		errno = 0;
		const struct dirent *e = readdir(d);
		if (!e)
			break;
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		rc = kd_strv_add(ret, e->d_name, err);
		if (rc)
			return rc;
	}
	if (errno)
		return kd_fail_sys(err, errno, "list %s%s", kd_root_prefix(root), dir);
	/* The order of readdir(3) is chance; the same tree must give the same plan. */
	if (ret->n > 1)
		qsort(ret->v, ret->n, sizeof(*ret->v), by_name);
	return 0;
}
