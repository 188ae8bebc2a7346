/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "capture-initrd/build/build.h"
#include "capture-initrd/build/elfdeps.h"
#include "capture-initrd/build/internal.h"
#include "lib/host/host.h"

#include <archive.h>
#include <archive_entry.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_FILE_BYTES = 64 << 20, MAX_CONFIG_BYTES = 4 << 20 };

enum kd_image_codec kd_image_codec_for(const struct kd_root *root, const char *config_path)
{
	KD_AUTO(kd_freep) char *text = NULL;

	if (kd_root_read(root, config_path, MAX_CONFIG_BYTES, &text, NULL, NULL))
		return KD_IMAGE_NONE;
	if (strstr(text, "\nCONFIG_RD_ZSTD=y\n"))
		return KD_IMAGE_ZSTD;
	return strstr(text, "\nCONFIG_RD_GZIP=y\n") ? KD_IMAGE_GZIP : KD_IMAGE_NONE;
}

static int add_file(const struct kd_root *root, struct kd_image_tree *tree, const char *path,
		    const char *source, mode_t mode, struct kd_err *err)
{
	KD_AUTO(kd_buf_fini) struct kd_buf data = { 0 };
	size_t len = 0;
	int rc = kd_root_read(root, source, MAX_FILE_BYTES, &data.p, &len, err);

	if (rc)
		return rc;
	data.len = len;
	return kd_image_tree_add(tree, path, S_IFREG | mode, &data, err);
}

/* The plan names a module by what it is called in the image; on disk it may be compressed. */
static int add_module(const struct kd_root *root, struct kd_image_tree *tree, const char *path,
		      struct kd_err *err)
{
	static const char *const suffixes[] = { "", ".xz", ".zst", ".gz" };

	for (size_t i = 0; i < KD_ARRAY_LEN(suffixes); i++) {
		KD_AUTO(kd_freep) char *source = NULL;
		KD_AUTO(kd_buf_fini) struct kd_buf data = { 0 };
		int rc = kd_asprintf(&source, err, "%s%s", path, suffixes[i]);
		if (rc)
			return rc;
		if (!kd_root_exists(root, source))
			continue;
		rc = kd_host_module_unpack(root, source, &data, err);
		if (rc)
			return rc;
		return kd_image_tree_add(tree, path, S_IFREG | 0644, &data, err);
	}
	return kd_fail(err, KD_USAGE,
		       "%s%s is missing, also as .xz, .zst and .gz: reinstall the kernel's modules",
		       kd_root_prefix(root), path);
}

/* @source with its libraries, called @path in the image. */
static int add_program(const struct kd_root *root, struct kd_image_tree *tree, const char *path,
		       const char *source, struct kd_err *err)
{
	KD_AUTO(kd_strv_fini) struct kd_strv libraries = { 0 };
	int rc = kd_elfdeps_collect(root, source, &libraries, err);

	if (!rc)
		rc = add_file(root, tree, path, source, 0755, err);
	for (size_t i = 0; !rc && i < libraries.n; i++)
		rc = add_file(root, tree, libraries.v[i], libraries.v[i], 0755, err);
	return rc;
}

static int add_collector(const struct kd_root *root, struct kd_image_tree *tree,
			 const char *program, struct kd_err *err)
{
	if (!kd_root_exists(root, program))
		return kd_fail(err, KD_USAGE,
			       "core_collector: %s%s is missing: install makedumpfile",
			       kd_root_prefix(root), program);
	int rc = add_program(root, tree, program, program, err);
	return rc ? kd_wrap(err, "packing the collector") : 0;
}

/* busybox is a shell and what one wants to call in it. */
static int add_shell(const struct kd_root *root, struct kd_image_tree *tree, struct kd_err *err)
{
	static const char *const places[] = { "/bin/busybox", "/usr/bin/busybox", "/sbin/busybox",
					      "/usr/sbin/busybox" };

	for (size_t i = 0; i < KD_ARRAY_LEN(places); i++) {
		if (!kd_root_exists(root, places[i]))
			continue;
		int rc = add_program(root, tree, KD_PLAN_BUSYBOX_PATH, places[i], err);
		return rc ? kd_wrap(err, "packing the shell") : 0;
	}
	return kd_fail(err, KD_USAGE,
		       "failure_action shell: there is no %s%s: install busybox, or choose "
		       "another action",
		       kd_root_prefix(root), places[0]);
}

static int collect(const struct kd_root *root, const struct kd_plan *plan, const char *init_path,
		   struct kd_image_tree *tree, struct kd_err *err)
{
	static const char *const mount_points[] = { "/dev", "/mnt", "/proc", "/sys" };
	KD_AUTO(kd_buf_fini) struct kd_buf text = { 0 };
	int rc = kd_plan_format(plan, &text, err);

	if (!rc)
		rc = kd_image_tree_add(tree, KD_PLAN_PATH, S_IFREG | 0600, &text, err);
	for (size_t i = 0; !rc && i < KD_ARRAY_LEN(mount_points); i++)
		rc = kd_image_tree_add(tree, mount_points[i], S_IFDIR | 0755, NULL, err);
	if (!rc && !kd_root_exists(root, init_path))
		rc = kd_fail(err, KD_USAGE,
			     "%s%s, the capture init, is missing: reinstall kdumpkit",
			     kd_root_prefix(root), init_path);
	if (!rc)
		rc = add_file(root, tree, KD_PLAN_INIT_PATH, init_path, 0755, err);
	for (size_t i = 0; !rc && i < plan->module_count; i++)
		rc = add_module(root, tree, plan->modules[i].path, err);
	if (!rc && plan->collector.n > 0)
		rc = add_collector(root, tree, plan->collector.v[0], err);
	if (!rc && plan->failure_action == KD_ACTION_SHELL)
		rc = add_shell(root, tree, err);
	return rc;
}

/* ---- writing ---- */

static void writer_freep(struct archive **a)
{
	if (*a)
		archive_write_free(*a);
}

static void entry_freep(struct archive_entry **e)
{
	archive_entry_free(*e);
}

static int archive_error(struct archive *a, const char *what, struct kd_err *err)
{
	int sys = archive_errno(a);
	const char *text = archive_error_string(a);

	/* libarchive's own errno values (ARCHIVE_ERRNO_MISC...) are not the system's. */
	if (sys > 0)
		return kd_fail_sys(err, sys, "%s", what);
	return kd_fail(err, KD_BADDATA, "%s: %s", what, text ? text : "unknown error");
}

static int open_writer(enum kd_image_codec codec, int fd, struct archive **ret, struct kd_err *err)
{
	KD_AUTO(writer_freep) struct archive *a = archive_write_new();
	int rc = ARCHIVE_OK;

	if (!a)
		return kd_fail(err, KD_NOMEM, "no memory");
	rc |= archive_write_set_format_cpio_newc(a);
	if (codec == KD_IMAGE_ZSTD) {
		rc |= archive_write_add_filter_zstd(a);
		rc |= archive_write_set_options(a, "zstd:compression-level=12");
	} else if (codec == KD_IMAGE_GZIP) {
		rc |= archive_write_add_filter_gzip(a);
		/* A time stamp would make two images of the same plan differ. */
		rc |= archive_write_set_options(a, "gzip:compression-level=9,gzip:!timestamp");
	}
	rc |= archive_write_set_bytes_in_last_block(a, 1);
	rc |= archive_write_open_fd(a, fd);
	if (rc != ARCHIVE_OK)
		return archive_error(a, "start the image", err);
	*ret = KD_STEAL(a);
	return 0;
}

static int write_entry(struct archive *a, const struct kd_image_entry *from, size_t number,
		       struct kd_err *err)
{
	KD_AUTO(entry_freep) struct archive_entry *entry = archive_entry_new();

	if (!entry)
		return kd_fail(err, KD_NOMEM, "no memory");
	archive_entry_set_pathname(entry, from->path + 1);
	archive_entry_set_mode(entry, from->mode);
	archive_entry_set_ino64(entry, (int64_t)number + 1);
	archive_entry_set_nlink(entry, 1);
	archive_entry_set_mtime(entry, 0, 0);
	archive_entry_set_size(entry, (int64_t)from->data.len);
	if (archive_write_header(a, entry) != ARCHIVE_OK)
		return archive_error(a, from->path, err);
	if (from->data.len &&
	    archive_write_data(a, from->data.p, from->data.len) != (la_ssize_t)from->data.len)
		return archive_error(a, from->path, err);
	return 0;
}

int kd_image_build(const struct kd_root *root, const struct kd_plan *plan, const char *init_path,
		   enum kd_image_codec codec, int fd, struct kd_image_stats *stats,
		   struct kd_err *err)
{
	KD_AUTO(kd_image_tree_fini) struct kd_image_tree tree = { 0 };
	KD_AUTO(writer_freep) struct archive *a = NULL;
	struct kd_image_stats sum = { 0 };
	int rc = collect(root, plan, init_path, &tree, err);

	if (!rc)
		rc = open_writer(codec, fd, &a, err);
	if (rc)
		return rc;
	kd_image_tree_sort(&tree);
	for (size_t i = 0; i < tree.count; i++) {
		rc = write_entry(a, &tree.entries[i], i, err);
		if (rc)
			return kd_wrap(err, "writing the image");
		sum.unpacked_bytes += tree.entries[i].data.len;
		sum.file_count += S_ISREG(tree.entries[i].mode);
	}
	if (archive_write_close(a) != ARCHIVE_OK)
		return archive_error(a, "finish the image", err);
	sum.image_bytes = (uint64_t)archive_filter_bytes(a, -1);
	*stats = sum;
	return 0;
}
