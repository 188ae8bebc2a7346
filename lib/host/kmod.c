/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libkmod below a root. libkmod opens files by path itself, so it gets only paths
 * that kd_root has resolved: the module directory, and modprobe.d file by file (a
 * directory could hold a link that leads out of the root).
 */
#include "lib/host/internal.h"

#include <errno.h>
#include <string.h>

static void say_nothing(void *data, int priority, const char *file, int line, const char *fn,
			const char *format, va_list args)
{
}

/* A release becomes part of paths, and it may come from a configuration file. */
static bool is_release(const char *text)
{
	return *text && *text != '.' && !strchr(text, '/');
}

/* The machine's name of a file -> the name libkmod can open. */
static int outside_path(const struct kd_host_kmod *kmod, const char *path, char **ret,
			struct kd_err *err)
{
	KD_AUTO(kd_freep) char *real = NULL;
	int rc = kd_root_realpath(kmod->root, path, &real, err);

	return rc ? rc : kd_asprintf(ret, err, "%s%s", kmod->prefix, real);
}

static bool is_config_name(const char *name)
{
	size_t len = strlen(name);

	return *name != '.' && ((len > 5 && strcmp(name + len - 5, ".conf") == 0) ||
				(len > 6 && strcmp(name + len - 6, ".alias") == 0));
}

/*
 * One file of modprobe.d. What is no file is left out: a link to /dev/null (or, in
 * another machine's tree, to nothing) masks the file of that name in later directories.
 */
static int add_config(const struct kd_host_kmod *kmod, const char *path, struct kd_strv *files,
		      struct kd_err *err)
{
	KD_AUTO(kd_freep) char *outside = NULL;
	struct stat st = { 0 };

	if (kd_root_stat(kmod->root, path, &st, NULL) || !S_ISREG(st.st_mode))
		return 0;
	int rc = outside_path(kmod, path, &outside, err);
	return rc ? rc : kd_strv_add(files, outside, err);
}

/* modprobe.d(5): of files with the same name the first directory's counts. */
static int list_config(const struct kd_host_kmod *kmod, struct kd_strv *files, struct kd_err *err)
{
	static const char *const dirs[] = { "/etc/modprobe.d", "/run/modprobe.d",
					    "/usr/local/lib/modprobe.d", "/usr/lib/modprobe.d",
					    "/lib/modprobe.d" };
	KD_AUTO(kd_strv_fini) struct kd_strv seen = { 0 };
	int rc = 0;

	for (size_t d = 0; d < KD_ARRAY_LEN(dirs) && !rc; d++) {
		KD_AUTO(kd_strv_fini) struct kd_strv names = { 0 };
		rc = kd_host_list(kmod->root, dirs[d], &names, err);
		for (size_t i = 0; !rc && i < names.n; i++) {
			KD_AUTO(kd_freep) char *path = NULL;
			if (!is_config_name(names.v[i]) || kd_strv_has(&seen, names.v[i]))
				continue;
			rc = kd_strv_add(&seen, names.v[i], err);
			if (!rc)
				rc = kd_asprintf(&path, err, "%s/%s", dirs[d], names.v[i]);
			if (!rc)
				rc = add_config(kmod, path, files, err);
		}
	}
	return rc;
}

/*
 * libkmod takes an index that is missing or cut to nothing for one without entries.
 * modules.dep is text, and empty for a kernel that has everything built in.
 */
static int check_index(const struct kd_host_kmod *kmod, const char *dir, struct kd_err *err)
{
	static const char *const names[] = { "modules.dep.bin", "modules.alias.bin",
					     "modules.dep" };
	const char *prefix = kd_root_prefix(kmod->root);

	for (size_t i = 0; i < KD_ARRAY_LEN(names); i++) {
		KD_AUTO(kd_freep) char *path = NULL;
		struct stat st = { 0 };
		int rc = kd_asprintf(&path, err, "%s/%s", dir, names[i]);
		if (rc)
			return rc;
		bool there = kd_root_stat(kmod->root, path, &st, NULL) == 0;
		bool is_text = strcmp(names[i], "modules.dep") == 0;
		if (!there || (st.st_size == 0 && !is_text))
			return kd_fail(err, KD_USAGE, "%s%s %s: run 'depmod%s%s %s'", prefix, path,
				       there ? "is empty" : "does not exist", *prefix ? " -b " : "",
				       prefix, kmod->release);
	}
	return 0;
}

static int find_dirname(struct kd_host_kmod *kmod, struct kd_err *err)
{
	KD_AUTO(kd_freep) char *path = NULL;
	struct kd_err why = { 0 };
	const char *prefix = kd_root_prefix(kmod->root);
	int rc = kd_asprintf(&path, err, "/lib/modules/%s", kmod->release);

	if (rc)
		return rc;
	rc = outside_path(kmod, path, &kmod->dirname, &why);
	if (rc && why.sys == ENOENT)
		return kd_fail(err, KD_USAGE,
			       "no modules for kernel %s: %s%s does not exist; install that "
			       "kernel's package or choose another kernel (KDUMP_KERNELVER)",
			       kmod->release, prefix, path);
	if (rc) {
		if (err)
			*err = why;
		return rc;
	}
	return check_index(kmod, path, err);
}

static int open_ctx(struct kd_host_kmod *kmod, bool with_config, struct kd_err *err)
{
	KD_AUTO(kd_strv_fini) struct kd_strv files = { 0 };
	const char *const none[] = { NULL };

	if (with_config) {
		int rc = list_config(kmod, &files, err);
		if (rc)
			return rc;
	}
	kmod->ctx = kmod_new(kmod->dirname, files.n ? (const char *const *)files.v : none);
	if (!kmod->ctx)
		return kd_fail(err, KD_NOMEM, "no memory for the modules of kernel %s",
			       kmod->release);
	kmod_set_log_fn(kmod->ctx, say_nothing, NULL);
	/*
	 * Only for speed: otherwise each lookup opens the indexes anew. It fails where one of
	 * them is empty, as depmod leaves those of built-in modules for a kernel that comes
	 * without modules.builtin or modules.builtin.modinfo.
	 */
	(void)kmod_load_resources(kmod->ctx);
	return 0;
}

int kd_host_kmod_open(const struct kd_root *root, const char *release, bool with_config,
		      struct kd_host_kmod **ret, struct kd_err *err)
{
	KD_AUTO(kd_host_kmod_closep) struct kd_host_kmod *kmod = calloc(1, sizeof(*kmod));

	if (!kmod)
		return kd_fail(err, KD_NOMEM, "no memory");
	if (!is_release(release))
		return kd_fail(err, KD_USAGE, "'%s' is not a kernel release as 'uname -r' has it",
			       release);
	kmod->root = root;
	int rc = kd_strdup(&kmod->release, release, err);
	if (rc)
		return rc;
	kmod->prefix = kd_root_is_host(root) ? strdup("") : realpath(kd_root_prefix(root), NULL);
	if (!kmod->prefix)
		return kd_fail_sys(err, errno, "resolve root directory %s", kd_root_prefix(root));
	rc = find_dirname(kmod, err);
	if (!rc)
		rc = open_ctx(kmod, with_config, err);
	if (rc)
		return rc;
	*ret = KD_STEAL(kmod);
	return 0;
}

void kd_host_kmod_close(struct kd_host_kmod *kmod)
{
	if (!kmod)
		return;
	kmod_unref(kmod->ctx);
	free(kmod->prefix);
	free(kmod->dirname);
	free(kmod->release);
	free(kmod);
}

void kd_host_kmod_closep(struct kd_host_kmod **kmod)
{
	kd_host_kmod_close(*kmod);
}

void kd_host_kmod_unref_listp(struct kmod_list **list)
{
	kmod_module_unref_list(*list);
}

static void unref_modulep(struct kmod_module **mod)
{
	kmod_module_unref(*mod);
}

int kd_host_kmod_lookup(const struct kd_host_kmod *kmod, const char *alias, struct kd_strv *names,
			bool *known, struct kd_err *err)
{
	KD_AUTO(kd_host_kmod_unref_listp) struct kmod_list *list = NULL;
	struct kmod_list *entry = NULL;
	int rc = kmod_module_new_from_lookup(kmod->ctx, alias, &list);

	if (rc < 0 && rc != -ENOENT && rc != -ENOSYS)
		return kd_fail_sys(err, -rc, "look up module %s of kernel %s", alias,
				   kmod->release);
	kmod_list_foreach(entry, list)
	{
		KD_AUTO(unref_modulep) struct kmod_module *mod = kmod_module_get_module(entry);
		const char *name = kmod_module_get_name(mod);
		bool is_file = kmod_module_get_path(mod) != NULL;

		/* Asked only without a file: for others libkmod would look into this machine's /sys. */
		if (is_file || kmod_module_get_initstate(mod) == KMOD_MODULE_BUILTIN)
			*known = true;
		if (is_file && !kd_strv_has(names, name)) {
			rc = kd_strv_add(names, name, err);
			if (rc)
				return rc;
		}
	}
	return 0;
}

int kd_host_kmod_missing(const struct kd_host_kmod *kmod, const char *name, struct kd_err *err)
{
	return kd_fail(err, KD_USAGE,
		       "kernel %s has no module %s, and it is not built in: install the package "
		       "that holds it and run 'depmod %s', or choose another kernel "
		       "(KDUMP_KERNELVER)",
		       kmod->release, name, kmod->release);
}

int kd_host_kmod_need(const struct kd_host_kmod *kmod, const char *name, struct kd_strv *names,
		      struct kd_err *err)
{
	bool known = false;
	int rc = kd_host_kmod_lookup(kmod, name, names, &known, err);

	return rc || known ? rc : kd_host_kmod_missing(kmod, name, err);
}

int kd_host_kmod_path(const struct kd_host_kmod *kmod, const struct kmod_module *mod, char **ret,
		      struct kd_err *err)
{
	const char *path = kmod_module_get_path(mod);
	size_t dir_len = strlen(kmod->dirname);
	size_t prefix_len = strlen(kmod->prefix);

	*ret = NULL;
	if (!path)
		return 0;
	if (strncmp(path, kmod->dirname, dir_len) == 0 && path[dir_len] == '/')
		return kd_asprintf(ret, err, "/lib/modules/%s%s", kmod->release, path + dir_len);
	/* modules.dep may name files elsewhere by absolute paths. */
	if (strncmp(path, kmod->prefix, prefix_len) == 0 && path[prefix_len] == '/')
		return kd_strdup(ret, path + prefix_len, err);
	return kd_strdup(ret, path, err);
}
