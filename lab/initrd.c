/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/initrd.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <libkmod.h>
#include <string.h>
#include <sys/stat.h>

static void ctx_unrefp(struct kmod_ctx **ctx)
{
	kmod_unref(*ctx);
}

static void list_unrefp(struct kmod_list **list)
{
	kmod_module_unref_list(*list);
}

static void mod_unrefp(struct kmod_module **mod)
{
	kmod_module_unref(*mod);
}

/* Built-in modules and aliases nobody provides have no path. */
static int add_module(const struct kmod_module *mod, struct kd_strv *files, struct kd_err *err)
{
	const char *path = kmod_module_get_path(mod);

	if (!path || kd_strv_has(files, path))
		return 0;
	return kd_strv_add(files, path, err);
}

/* libkmod gives dependencies in the order they have to be loaded. */
static int add_with_deps(struct kmod_module *mod, struct kd_strv *files, struct kd_err *err)
{
	KD_AUTO(list_unrefp) struct kmod_list *deps = kmod_module_get_dependencies(mod);
	struct kmod_list *at = NULL;

	kmod_list_foreach(at, deps)
	{
		KD_AUTO(mod_unrefp) struct kmod_module *dep = kmod_module_get_module(at);
		int rc = add_module(dep, files, err);
		if (rc)
			return rc;
	}
	return add_module(mod, files, err);
}

static int add_soft_deps(const struct kmod_module *mod, struct kd_strv *files, struct kd_err *err)
{
	KD_AUTO(list_unrefp) struct kmod_list *pre = NULL;
	KD_AUTO(list_unrefp) struct kmod_list *post = NULL;
	struct kmod_list *at = NULL;

	if (kmod_module_get_softdeps(mod, &pre, &post) < 0)
		return 0; /* none are known */
	kmod_list_foreach(at, pre)
	{
		KD_AUTO(mod_unrefp) struct kmod_module *dep = kmod_module_get_module(at);
		int rc = add_with_deps(dep, files, err);
		if (rc)
			return rc;
	}
	return 0;
}

static int add_named(struct kmod_ctx *ctx, const char *name, struct kd_strv *files,
		     struct kd_err *err)
{
	KD_AUTO(list_unrefp) struct kmod_list *found = NULL;
	struct kmod_list *at = NULL;

	if (kmod_module_new_from_lookup(ctx, name, &found) < 0)
		return kd_fail(err, KD_SYS, "look up module %s", name);
	kmod_list_foreach(at, found)
	{
		KD_AUTO(mod_unrefp) struct kmod_module *mod = kmod_module_get_module(at);
		int rc = add_soft_deps(mod, files, err);
		if (!rc)
			rc = add_with_deps(mod, files, err);
		if (rc)
			return rc;
	}
	return 0;
}

int kd_lab_module_order(const char *moddir, struct kd_strv *files, struct kd_err *err)
{
	/* crc32c: ext4 asks the crypto layer for it by name, which needs a modprobe here. */
	static const char *const wanted[] = { "virtio_pci", "virtio_blk", "crc32c", "ext4" };
	const char *no_config = NULL;
	KD_AUTO(kd_freep) char *index = NULL, *modules = NULL;
	KD_AUTO(ctx_unrefp) struct kmod_ctx *ctx = kmod_new(moddir, &no_config);

	if (!ctx)
		return kd_fail(err, KD_NOMEM, "no memory");
	int rc = kd_asprintf(&index, err, "%s/modules.dep.bin", moddir);
	if (!rc)
		rc = kd_asprintf(&modules, err, "%s/kernel", moddir);
	if (rc)
		return rc;
	if (access(modules, F_OK))
		return 0; /* everything is built in */
	/* libkmod takes a missing index for "no such module", and so for one built in */
	if (access(index, R_OK))
		return kd_fail(err, KD_NOTSUP,
			       "%s has no modules.dep.bin; fetch the kernel again with "
			       "scripts/fetch-kernels",
			       moddir);
	for (size_t i = 0; !rc && i < KD_ARRAY_LEN(wanted); i++)
		rc = add_named(ctx, wanted[i], files, err);
	return rc;
}

static void archive_freep(struct archive **a)
{
	archive_write_free(*a);
}

static void entry_freep(struct archive_entry **e)
{
	archive_entry_free(*e);
}

static int add_entry(struct archive *a, const char *name, mode_t mode, const void *data, size_t len,
		     struct kd_err *err)
{
	KD_AUTO(entry_freep) struct archive_entry *e = archive_entry_new();

	if (!e)
		return kd_fail(err, KD_NOMEM, "no memory");
	archive_entry_set_pathname(e, name);
	archive_entry_set_mode(e, mode);
	archive_entry_set_size(e, (int64_t)len);
	archive_entry_set_nlink(e, S_ISDIR(mode) ? 2 : 1);
	if (archive_write_header(a, e) != ARCHIVE_OK ||
	    (len && archive_write_data(a, data, len) != (la_ssize_t)len))
		return kd_fail(err, KD_SYS, "write %s into the initrd: %s", name,
			       archive_error_string(a));
	return 0;
}

static int add_file(struct archive *a, const char *from, const char *name, mode_t mode,
		    struct kd_err *err)
{
	KD_AUTO(kd_freep) char *data = NULL;
	size_t len = 0;
	KD_AUTO(kd_closep) int fd = open(from, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return kd_fail_sys(err, errno, "open %s", from);
	int rc = kd_read_all(fd, 64 << 20, &data, &len, from, err);
	return rc ? rc : add_entry(a, name, S_IFREG | mode, data, len, err);
}

static int add_modules(struct archive *a, const char *moddir, struct kd_err *err)
{
	KD_AUTO(kd_strv_fini) struct kd_strv files = { 0 };
	KD_AUTO(kd_buf_fini) struct kd_buf list = { 0 };
	int rc = kd_lab_module_order(moddir, &files, err);

	for (size_t i = 0; !rc && i < files.n; i++) {
		const char *name = strrchr(files.v[i], '/') + 1;
		KD_AUTO(kd_freep) char *to = NULL;
		kd_buf_printf(&list, "/lib/%s\n", name);
		rc = kd_asprintf(&to, err, "lib/%s", name);
		if (!rc)
			rc = add_file(a, files.v[i], to, 0644, err);
	}
	if (!rc && list.bad)
		rc = kd_fail(err, KD_NOMEM, "no memory");
	return rc ? rc
		  : add_entry(a, "modules", S_IFREG | 0644, list.p ? list.p : "", list.len, err);
}

int kd_lab_initrd_write(const char *path, const char *busybox, const char *init, const char *moddir,
			struct kd_err *err)
{
	static const char *const dirs[] = { "bin", "dev", "lib", "root" };
	KD_AUTO(archive_freep) struct archive *a = archive_write_new();
	int rc = 0;

	if (!a)
		return kd_fail(err, KD_NOMEM, "no memory");
	if (archive_write_set_format_cpio_newc(a) != ARCHIVE_OK ||
	    archive_write_open_filename(a, path) != ARCHIVE_OK)
		return kd_fail(err, KD_SYS, "create %s: %s", path, archive_error_string(a));
	for (size_t i = 0; !rc && i < KD_ARRAY_LEN(dirs); i++)
		rc = add_entry(a, dirs[i], S_IFDIR | 0755, NULL, 0, err);
	if (!rc)
		rc = add_file(a, busybox, "bin/busybox", 0755, err);
	if (!rc)
		rc = add_file(a, init, "init", 0755, err);
	if (!rc)
		rc = add_modules(a, moddir, err);
	if (!rc && archive_write_close(a) != ARCHIVE_OK)
		rc = kd_fail(err, KD_SYS, "write %s: %s", path, archive_error_string(a));
	return rc;
}
