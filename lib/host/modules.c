/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Modules with all they depend on, in load order. */
#include "lib/host/internal.h"

#include <errno.h>
#include <string.h>

enum { MAX_DEPTH = 64, MAX_DEP_BYTES = 64 << 20 };

void kd_host_modules_free(struct kd_host_module *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(list[i].name);
		free(list[i].path);
		free(list[i].options);
	}
	free(list);
}

struct closure {
	const struct kd_host_kmod *kmod;
	const struct kd_host_kmod *bare; /* without modprobe.d; NULL on the machine itself */
	const struct kd_log *log;
	char *dep_text; /* modules.dep */
	size_t dep_len;
	struct kd_strv seen; /* names; those on the way down too, which ends circles */
	struct kd_host_module *list;
	size_t count;
	unsigned int depth;
};

static void closure_fini(struct closure *c)
{
	free(c->dep_text);
	kd_strv_fini(&c->seen);
	kd_host_modules_free(c->list, c->count);
}

static void unref_modulep(struct kmod_module **mod)
{
	kmod_module_unref(*mod);
}

/*
 * libkmod adds options from the kernel command line of the machine it runs on
 * ("nvme_core.multipath=0"), which is right for that machine and wrong for another
 * one's tree: there they are taken off again. They come behind those of modprobe.d.
 */
static int options_of(const struct closure *c, const struct kmod_module *mod, char **ret,
		      struct kd_err *err)
{
	KD_AUTO(unref_modulep) struct kmod_module *bare = NULL;
	const char *all = kmod_module_get_options(mod);
	const char *own = NULL;
	size_t len = all ? strlen(all) : 0;

	if (c->bare && len &&
	    kmod_module_new_from_name(c->bare->ctx, kmod_module_get_name(mod), &bare) == 0)
		own = kmod_module_get_options(bare);
	size_t own_len = own ? strlen(own) : 0;
	if (own_len && own_len <= len && strcmp(all + len - own_len, own) == 0)
		len -= own_len;
	while (len > 0 && all[len - 1] == ' ')
		len--;
	return kd_asprintf(ret, err, "%.*s", (int)len, all ? all : "");
}

static int append(struct closure *c, const struct kmod_module *mod, char *path, struct kd_err *err)
{
	struct kd_host_module m = { .path = path };
	struct kd_host_module *grown = reallocarray(c->list, c->count + 1, sizeof(*grown));
	int rc = grown ? kd_strdup(&m.name, kmod_module_get_name(mod), err)
		       : kd_fail(err, KD_NOMEM, "no memory for the module list");

	if (grown)
		c->list = grown;
	if (!rc)
		rc = options_of(c, mod, &m.options, err);
	if (rc) {
		free(m.name);
		free(m.path);
		return rc;
	}
	c->list[c->count++] = m;
	return 0;
}

static int missing_file(const struct closure *c, const char *path, struct kd_err *err)
{
	return kd_fail(err, KD_USAGE,
		       "%s%s does not exist, though modules.dep names it: install the kernel's "
		       "package again or run 'depmod %s'",
		       kd_root_prefix(c->kmod->root), path, c->kmod->release);
}

/* The words behind "<path>:" in modules.dep; none where it has no such line. */
static int words_of_dep(const struct closure *c, const char *path, struct kd_strv *ret,
			struct kd_err *err)
{
	struct kd_cursor cur = { .p = (const uint8_t *)c->dep_text,
				 .end = (const uint8_t *)c->dep_text + c->dep_len };
	size_t len = strlen(path), line_len = 0;
	const char *line = NULL;

	while ((line = kd_cursor_line(&cur, &line_len))) {
		if (line_len <= len || line[len] != ':' || memcmp(line, path, len) != 0)
			continue;
		KD_AUTO(kd_freep) char *rest = strndup(line + len + 1, line_len - len - 1);
		return rest ? kd_strv_split(ret, rest, " ", err)
			    : kd_fail(err, KD_NOMEM, "no memory");
	}
	return 0;
}

/*
 * libkmod gives an empty list where one of the dependencies cannot be found, without a
 * word; so the number is compared with modules.dep. An image without them would fail
 * only after the panic.
 */
static int check_dependencies(const struct closure *c, const char *path,
			      const struct kmod_module *mod, const struct kmod_list *deps,
			      struct kd_err *err)
{
	KD_AUTO(kd_strv_fini) struct kd_strv words = { 0 };
	KD_AUTO(kd_freep) char *dir = NULL;
	const struct kmod_list *entry = NULL;
	size_t count = 0;
	int rc = kd_asprintf(&dir, err, "/lib/modules/%s/", c->kmod->release);

	if (rc)
		return rc;
	size_t dir_len = strlen(dir);
	bool inside = strncmp(path, dir, dir_len) == 0;
	rc = words_of_dep(c, inside ? path + dir_len : path, &words, err);
	if (rc)
		return rc;
	kmod_list_foreach(entry, deps) count++;
	if (count == words.n)
		return 0;
	for (size_t i = 0; i < words.n; i++) {
		KD_AUTO(kd_freep) char *file = NULL;
		rc = kd_asprintf(&file, err, "%s%s", words.v[i][0] == '/' ? "" : dir, words.v[i]);
		if (rc)
			return rc;
		if (!kd_root_exists(c->kmod->root, file))
			return missing_file(c, file, err);
	}
	return kd_fail(err, KD_USAGE,
		       "modules.dep and modules.dep.bin differ on %s: run 'depmod %s'",
		       kmod_module_get_name(mod), c->kmod->release);
}

static int visit(struct closure *c, const struct kmod_module *mod, struct kd_err *err);

static int visit_list(struct closure *c, const struct kmod_list *list, struct kd_err *err)
{
	const struct kmod_list *entry = NULL;
	int rc = 0;

	kmod_list_foreach(entry, list)
	{
		KD_AUTO(unref_modulep) struct kmod_module *mod = kmod_module_get_module(entry);
		rc = visit(c, mod, err);
		if (rc)
			break;
	}
	return rc;
}

/* Everything @mod needs goes before it, what it wants afterwards behind it. */
static int visit_around(struct closure *c, const struct kmod_module *mod, char *path,
			struct kd_err *err)
{
	KD_AUTO(kd_host_kmod_unref_listp) struct kmod_list *pre = NULL;
	KD_AUTO(kd_host_kmod_unref_listp) struct kmod_list *post = NULL;
	KD_AUTO(kd_host_kmod_unref_listp)
	struct kmod_list *deps = kmod_module_get_dependencies(mod);
	KD_AUTO(kd_freep) char *owned = path;
	int rc = check_dependencies(c, path, mod, deps, err);

	if (rc)
		return rc;
	rc = kmod_module_get_softdeps(mod, &pre, &post);
	if (rc < 0)
		return kd_fail_sys(err, -rc, "soft dependencies of module %s",
				   kmod_module_get_name(mod));
	rc = visit_list(c, pre, err);
	if (!rc)
		rc = visit_list(c, deps, err);
	if (!rc)
		rc = append(c, mod, KD_STEAL(owned), err);
	return rc ? rc : visit_list(c, post, err);
}

static int visit(struct closure *c, const struct kmod_module *mod, struct kd_err *err)
{
	KD_AUTO(kd_freep) char *path = NULL;
	const char *name = kmod_module_get_name(mod);

	if (kd_strv_has(&c->seen, name))
		return 0;
	int rc = kd_strv_add(&c->seen, name, err);
	if (!rc)
		rc = kd_host_kmod_path(c->kmod, mod, &path, err);
	if (rc || !path)
		return rc; /* without a file it is built in: names were checked before */
	if (!kd_root_exists(c->kmod->root, path))
		return missing_file(c, path, err);
	if (kmod_module_get_install_commands(mod))
		kd_log(c->log, KD_LOG_INFO, "host",
		       "module %s: the 'install' command of modprobe.d is not run", name);
	if (++c->depth > MAX_DEPTH)
		return kd_fail(err, KD_BADDATA, "module %s: dependencies more than %d deep", name,
			       MAX_DEPTH);
	rc = visit_around(c, mod, KD_STEAL(path), err);
	c->depth--;
	return rc;
}

static int visit_name(struct closure *c, const char *name, struct kd_err *err)
{
	KD_AUTO(kd_host_kmod_unref_listp) struct kmod_list *list = NULL;
	KD_AUTO(kd_strv_fini) struct kd_strv unused = { 0 };
	int rc = kd_host_kmod_need(c->kmod, name, &unused, err);

	if (rc)
		return rc;
	rc = kmod_module_new_from_lookup(c->kmod->ctx, name, &list);
	if (rc < 0)
		return kd_fail_sys(err, -rc, "look up module %s", name);
	return visit_list(c, list, err);
}

static int read_dep(const struct kd_host_kmod *kmod, struct closure *c, struct kd_err *err)
{
	KD_AUTO(kd_freep) char *path = NULL;
	int rc = kd_asprintf(&path, err, "/lib/modules/%s/modules.dep", kmod->release);

	return rc ? rc
		  : kd_root_read(kmod->root, path, MAX_DEP_BYTES, &c->dep_text, &c->dep_len, err);
}

int kd_host_module_closure(const struct kd_root *root, const char *release,
			   const struct kd_strv *names, const struct kd_log *log,
			   struct kd_host_module **list, size_t *count, struct kd_err *err)
{
	KD_AUTO(kd_host_kmod_closep) struct kd_host_kmod *kmod = NULL;
	KD_AUTO(kd_host_kmod_closep) struct kd_host_kmod *bare = NULL;
	KD_AUTO(closure_fini) struct closure c = { .log = log };
	int rc = kd_host_kmod_open(root, release, true, &kmod, err);

	if (!rc && !kd_root_is_host(root))
		rc = kd_host_kmod_open(root, release, false, &bare, err);
	if (!rc)
		rc = read_dep(kmod, &c, err);
	c.kmod = kmod;
	c.bare = bare;
	for (size_t i = 0; !rc && i < names->n; i++)
		rc = visit_name(&c, names->v[i], err);
	if (rc)
		return rc;
	*list = KD_STEAL(c.list);
	*count = c.count;
	c.count = 0;
	return 0;
}

/* The name becomes an alias; '*' and '[' would make it a pattern. */
static bool is_fstype(const char *text)
{
	size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "0123456789_-");

	return len > 0 && text[len] == '\0';
}

/*
 * What a file system asks for while it runs (checksums: crc32c of ext4, of xfs through
 * libcrc32c, ...) its module declares with MODULE_SOFTDEP, so the closure brings it and
 * no list of extras is kept here. Built in, it has them built in too (Kconfig "select").
 */
int kd_host_fs_modules(const struct kd_root *root, const char *release, const char *fstype,
		       struct kd_strv *modules, struct kd_err *err)
{
	KD_AUTO(kd_host_kmod_closep) struct kd_host_kmod *kmod = NULL;
	char alias[64];
	bool known = false;

	if (!is_fstype(fstype) || strlen(fstype) > 32)
		return kd_fail(err, KD_USAGE, "'%s' is not the name of a file system", fstype);
	int rc = kd_host_kmod_open(root, release, false, &kmod, err);
	if (rc)
		return rc;
	/* MODULE_ALIAS_FS, what mount(2) asks modprobe for */
	snprintf(alias, sizeof(alias), "fs-%s", fstype);
	rc = kd_host_kmod_lookup(kmod, alias, modules, &known, err);
	/* Kernels without modules.builtin.modinfo (before 5.2) do not tell built-in aliases. */
	if (!rc && !known)
		rc = kd_host_kmod_lookup(kmod, fstype, modules, &known, err);
	if (rc || known)
		return rc;
	return kd_fail(err, KD_USAGE,
		       "kernel %s cannot mount %s: it has no module for it, and it is not built "
		       "in; choose another target or another kernel (KDUMP_KERNELVER)",
		       release, fstype);
}
