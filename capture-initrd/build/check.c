/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "capture-initrd/build/build.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>

enum { MAX_ENTRIES = 4096, MAX_UNPACKED_BYTES = 1 << 30, PAGE_BYTES = 4096 };

static void reader_freep(struct archive **a)
{
	if (*a)
		archive_read_free(*a);
}

static int damaged(const char *name, const char *why, struct kd_err *err)
{
	return kd_fail(err, KD_BADDATA, "%s: %s: run 'kdumpctl rebuild' to make it anew", name,
		       why ? why : "cannot be read");
}

/* Reads one member: to the end, so that damage in it is seen, and into memory if it is the plan. */
static int read_member(struct archive *a, const char *name, uint64_t *total, struct kd_buf *keep,
		       struct kd_err *err)
{
	char chunk[16384];
	uint64_t size = 0;

	for (;;) {
		la_ssize_t n = archive_read_data(a, chunk, sizeof(chunk));
		if (n == 0) {
			*total += (PAGE_BYTES - size % PAGE_BYTES) % PAGE_BYTES;
			return 0;
		}
		if (n < 0)
			return damaged(name, archive_error_string(a), err);
		*total += (uint64_t)n;
		size += (uint64_t)n;
		if (*total > MAX_UNPACKED_BYTES)
			return damaged(name, "unpacks to more than 1 GiB", err);
		if (!keep)
			continue;
		kd_buf_add(keep, chunk, (size_t)n);
		if (keep->len > KD_PLAN_MAX_BYTES)
			return damaged(name, "its plan is too large", err);
	}
}

static int read_members(struct archive *a, const char *name, struct kd_strv *paths,
			struct kd_buf *plan_text, uint64_t *unpacked, struct kd_err *err)
{
	struct archive_entry *entry = NULL;
	int rc = 0;

	while (!rc) {
		int got = archive_read_next_header(a, &entry);
		if (got == ARCHIVE_EOF)
			return 0;
		if (got != ARCHIVE_OK)
			return damaged(name, archive_error_string(a), err);
		if (paths->n >= MAX_ENTRIES)
			return damaged(name, "has too many files", err);
		rc = kd_strv_addf(paths, err, "/%s", archive_entry_pathname(entry));
		if (!rc)
			rc = read_member(a, name, unpacked,
					 strcmp(paths->v[paths->n - 1], KD_PLAN_PATH) == 0
						 ? plan_text
						 : NULL,
					 err);
	}
	return rc;
}

static int want_path(const char *name, const struct kd_strv *paths, const char *path,
		     struct kd_err *err)
{
	if (kd_strv_has(paths, path))
		return 0;
	return kd_fail(err, KD_BADDATA,
		       "%s: %s is not in it: run 'kdumpctl rebuild' to make it anew", name, path);
}

static int check_complete(const char *name, const struct kd_strv *paths, const struct kd_plan *plan,
			  struct kd_err *err)
{
	int rc = want_path(name, paths, KD_PLAN_INIT_PATH, err);

	if (!rc && plan->collector.n > 0)
		rc = want_path(name, paths, plan->collector.v[0], err);
	if (!rc && plan->failure_action == KD_ACTION_SHELL)
		rc = want_path(name, paths, KD_PLAN_BUSYBOX_PATH, err);
	for (size_t i = 0; !rc && i < plan->module_count; i++)
		rc = want_path(name, paths, plan->modules[i].path, err);
	return rc;
}

static int open_archive(struct archive *a, int fd, const char *name, struct kd_err *err)
{
	if (!a)
		return kd_fail(err, KD_NOMEM, "no memory");
	if (lseek(fd, 0, SEEK_SET) < 0)
		return kd_fail_sys(err, errno, "read %s", name);
	archive_read_support_format_cpio(a);
	archive_read_support_filter_gzip(a);
	archive_read_support_filter_zstd(a);
	return archive_read_open_fd(a, fd, 65536) == ARCHIVE_OK
		       ? 0
		       : damaged(name, archive_error_string(a), err);
}

int kd_image_unpacked(int fd, const char *name, uint64_t *ret, struct kd_err *err)
{
	KD_AUTO(reader_freep) struct archive *a = archive_read_new();
	KD_AUTO(kd_strv_fini) struct kd_strv paths = { 0 };
	KD_AUTO(kd_buf_fini) struct kd_buf plan_text = { 0 };
	uint64_t unpacked = 0;
	int rc = open_archive(a, fd, name, err);

	if (!rc)
		rc = read_members(a, name, &paths, &plan_text, &unpacked, err);
	if (rc)
		return rc;
	*ret = unpacked;
	return 0;
}

int kd_image_check(int fd, const char *name, struct kd_plan *plan_ret, struct kd_err *err)
{
	KD_AUTO(reader_freep) struct archive *a = archive_read_new();
	KD_AUTO(kd_strv_fini) struct kd_strv paths = { 0 };
	KD_AUTO(kd_buf_fini) struct kd_buf plan_text = { 0 };
	struct kd_plan plan = { 0 };
	uint64_t unpacked = 0;
	int rc = open_archive(a, fd, name, err);
	if (!rc)
		rc = read_members(a, name, &paths, &plan_text, &unpacked, err);
	if (!rc)
		rc = want_path(name, &paths, KD_PLAN_PATH, err);
	if (!rc && plan_text.bad)
		rc = kd_fail(err, KD_NOMEM, "no memory");
	if (!rc) {
		rc = kd_plan_parse(plan_text.p ? plan_text.p : "", plan_text.len, KD_PLAN_PATH,
				   &plan, err);
		if (rc)
			return kd_wrap(err, "%s", name);
		rc = check_complete(name, &paths, &plan, err);
	}
	if (rc)
		kd_plan_fini(&plan);
	else
		*plan_ret = plan;
	return rc;
}
