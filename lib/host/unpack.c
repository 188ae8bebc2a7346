/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Module files, decompressed by libarchive. */
#include "lib/host/internal.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum { CHUNK_BYTES = 64 << 10 };

static void free_readerp(struct archive **a)
{
	if (*a)
		archive_read_free(*a);
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

/*
 * A filter that libarchive was built without would run a program of that name from
 * PATH instead (ARCHIVE_WARN): not in a library that runs as root.
 */
static int add_filter(struct archive *a, const char *path, struct kd_err *err)
{
	int rc = ARCHIVE_OK;

	if (ends_with(path, ".xz"))
		rc = archive_read_support_filter_xz(a);
	else if (ends_with(path, ".zst"))
		rc = archive_read_support_filter_zstd(a);
	else if (ends_with(path, ".gz"))
		rc = archive_read_support_filter_gzip(a);
	else if (!ends_with(path, ".ko"))
		return kd_fail(err, KD_NOTSUP,
			       "%s: not a module file (.ko, .ko.xz, .ko.zst or .ko.gz)", path);
	if (rc != ARCHIVE_OK)
		return kd_fail(err, KD_NOTSUP, "%s: this libarchive cannot read its compression",
			       path);
	return 0;
}

static int bad(struct archive *a, const char *path, struct kd_err *err)
{
	const char *why = archive_error_string(a);

	return kd_fail(err, KD_BADDATA, "%s: damaged (%s): install the kernel's package again",
		       path, why ? why : "no reason given");
}

static int read_data(struct archive *a, const char *path, struct kd_buf *out, struct kd_err *err)
{
	KD_AUTO(kd_freep) char *chunk = malloc(CHUNK_BYTES);
	size_t total = 0;

	if (!chunk)
		return kd_fail(err, KD_NOMEM, "no memory");
	for (;;) {
		la_ssize_t n = archive_read_data(a, chunk, CHUNK_BYTES);
		if (n < 0)
			return bad(a, path, err);
		if (n == 0)
			return 0;
		total += (size_t)n;
		if (total > KD_HOST_MODULE_MAX_BYTES)
			return kd_fail(err, KD_BADDATA, "%s: larger than %d MiB", path,
				       KD_HOST_MODULE_MAX_BYTES >> 20);
		kd_buf_add(out, chunk, (size_t)n);
		if (out->bad)
			return kd_fail(err, KD_NOMEM, "no memory for module %s", path);
	}
}

int kd_host_module_unpack(const struct kd_root *root, const char *path, struct kd_buf *out,
			  struct kd_err *err)
{
	KD_AUTO(free_readerp) struct archive *a = archive_read_new();
	KD_AUTO(kd_closep) int fd = kd_root_openat(root, path, O_RDONLY, 0, err);
	struct archive_entry *entry = NULL;
	size_t start = out->len;

	if (fd < 0)
		return fd;
	if (!a)
		return kd_fail(err, KD_NOMEM, "no memory");
	int rc = add_filter(a, path, err);
	if (rc)
		return rc;
	if (archive_read_support_format_raw(a) != ARCHIVE_OK ||
	    archive_read_open_fd(a, fd, CHUNK_BYTES) != ARCHIVE_OK ||
	    archive_read_next_header(a, &entry) != ARCHIVE_OK)
		return bad(a, path, err);
	rc = read_data(a, path, out, err);
	if (rc)
		return rc;
	/* Also what a file of another compression than its name says ends up as. */
	if (out->len - start < 4 || memcmp(out->p + start, "\177ELF", 4) != 0)
		return kd_fail(err, KD_BADDATA,
			       "%s: not an ELF file%s: install the kernel's package again", path,
			       ends_with(path, ".ko") ? "" : " inside");
	return 0;
}
