/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing a dump directory, in the capture kernel. */
#include "lib/dumpdir/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_HOST_TAG_BYTES = 39, MAX_SUFFIX = 999 };

/* Some file systems cannot sync a directory and say so; they have nothing to sync then. */
static int sync_dir(int dir_fd, const char *what, struct kd_err *err)
{
	if (fsync(dir_fd) && errno != EINVAL && errno != ENOSYS)
		return kd_fail_sys(err, errno, "sync the directory of %s", what);
	return 0;
}

static int check_name(const char *name, struct kd_err *err)
{
	if (!kd_manifest_name_ok(name))
		return kd_fail(err, KD_USAGE, "'%.80s' cannot be a file name in a dump directory",
			       name);
	return 0;
}

static int check_host_tag(const char *tag, struct kd_err *err)
{
	size_t len = strlen(tag);

	if (len == 0 || len > MAX_HOST_TAG_BYTES || tag[0] == '.' ||
	    strspn(tag, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:-") !=
		    len)
		return kd_fail(err, KD_USAGE,
			       "host tag '%.60s' cannot begin a directory's name: use up to 39 "
			       "letters, digits and . _ : -",
			       tag);
	return 0;
}

int kd_dumpdir_create(int parent_fd, const char *host_tag, time_t now, char name_ret[64],
		      struct kd_err *err)
{
	char base[64], name[80], stamp[24];
	struct tm tm = { 0 };
	int rc = check_host_tag(host_tag, err);

	if (rc)
		return rc;
	/* Four digits for the year, or the name would neither fit nor sort. */
	if (!gmtime_r(&now, &tm) || tm.tm_year < 0 || tm.tm_year > 9999 - 1900)
		return kd_fail(err, KD_USAGE, "time %jd has no calendar date", (intmax_t)now);
	strftime(stamp, sizeof(stamp), "%Y-%m-%d-%H:%M:%S", &tm);
	snprintf(base, sizeof(base), "%.39s-%.19s", host_tag, stamp);
	memcpy(name, base, sizeof(base));

	for (int n = 0; mkdirat(parent_fd, name, 0700);) {
		if (errno != EEXIST || ++n > MAX_SUFFIX)
			return kd_fail_sys(err, errno, "create directory %s", name);
		snprintf(name, sizeof(name), "%.59s-%d", base, n);
	}

	KD_AUTO(kd_closep)
	int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return kd_fail_sys(err, errno, "open directory %s", name);
	rc = sync_dir(parent_fd, name, err);
	if (rc)
		return rc;
	/* 39 + 20 + 4 bytes at most, see the limits above. */
	snprintf(name_ret, 64, "%.63s", name);
	return KD_STEAL_FD(fd);
}

int kd_dumpdir_open_new(int dir_fd, const char *name, struct kd_err *err)
{
	int rc = check_name(name, err);

	if (rc)
		return rc;
	int fd = openat(dir_fd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return fd < 0 ? kd_fail_sys(err, errno, "create %s", name) : fd;
}

int kd_dumpdir_write_new(int dir_fd, const char *name, const void *data, size_t len,
			 struct kd_err *err)
{
	int fd = kd_dumpdir_open_new(dir_fd, name, err);

	if (fd < 0)
		return fd;
	int rc = kd_write_full(fd, data, len, name, err);
	if (!rc && fsync(fd))
		rc = kd_fail_sys(err, errno, "sync %s", name);
	/* NFS and others report a failed write as late as here. */
	if (close(fd) && !rc)
		rc = kd_fail_sys(err, errno, "close %s", name);
	if (rc)
		unlinkat(dir_fd, name, 0);
	return rc;
}

/* renameat2(2) where the file system knows RENAME_NOREPLACE; else the directory is ours alone. */
static int rename_new(int dir_fd, const char *from, const char *to)
{
	struct stat st;

	if (renameat2(dir_fd, from, dir_fd, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	if (fstatat(dir_fd, to, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		errno = EEXIST;
		return -1;
	}
	return errno == ENOENT ? renameat(dir_fd, from, dir_fd, to) : -1;
}

int kd_dumpdir_rename(int dir_fd, const char *from, const char *to, struct kd_err *err)
{
	int rc = check_name(from, err);

	if (!rc)
		rc = check_name(to, err);
	if (rc)
		return rc;
	KD_AUTO(kd_closep)
	int fd = openat(dir_fd, from, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return kd_fail_sys(err, errno, "open %s", from);
	/* First the bytes, then the name that says they are whole. */
	if (fsync(fd))
		return kd_fail_sys(err, errno, "sync %s", from);
	if (rename_new(dir_fd, from, to))
		return kd_fail_sys(err, errno, "rename %s to %s", from, to);
	return sync_dir(dir_fd, to, err);
}

void kd_manifest_add_stage(struct kd_manifest *m, const char *name, uint64_t at_ms)
{
	/* The last stage tells how it ended, so it is never the one to be left out. */
	if (m->stage_count == KD_MANIFEST_MAX_STAGES)
		m->stage_count--;
	struct kd_manifest_stage *s = &m->stages[m->stage_count++];
	snprintf(s->name, sizeof(s->name), "%s", name);
	s->at_ms = at_ms;
}

void kd_manifest_add_remark(struct kd_manifest *m, const char *fmt, ...)
{
	va_list ap;

	if (m->remark_count == KD_MANIFEST_MAX_REMARKS)
		return;
	va_start(ap, fmt);
	vsnprintf(m->remarks[m->remark_count++], KD_MANIFEST_REMARK_BYTES, fmt, ap);
	va_end(ap);
}

int kd_manifest_set_extents(struct kd_manifest *m, const struct kd_hashed_extent *extents, size_t n,
			    struct kd_err *err)
{
	struct kd_manifest_engine *e = &m->engine;

	kd_manifest_fini(m);
	if (n > KD_MANIFEST_MAX_EXTENTS)
		return kd_fail(err, KD_USAGE, "%zu hashes of parts of the vmcore: %d are the limit",
			       n, KD_MANIFEST_MAX_EXTENTS);
	if (n == 0)
		return 0;
	e->extents = malloc(n * sizeof(*extents));
	if (!e->extents)
		return kd_fail(err, KD_NOMEM, "no memory for %zu hashes of parts of the vmcore", n);
	memcpy(e->extents, extents, n * sizeof(*extents));
	e->extent_count = n;
	return 0;
}

void kd_manifest_fit_extents(struct kd_manifest *m)
{
	struct kd_manifest_engine *e = &m->engine;
	size_t n = e->extent_count, kept = 0;

	for (size_t i = 0; i < n; i++)
		if (kd_manifest_holds(m, &e->extents[i]))
			e->extents[kept++] = e->extents[i];
	e->extent_count = kept;
	if (kept == n)
		return;
	const struct kd_manifest_file *vmcore = kd_manifest_vmcore(m);
	kd_manifest_add_remark(m, "%zu of %zu parts that were written are not in %s", n - kept, n,
			       vmcore ? vmcore->name : "a file that could be listed");
}

int kd_manifest_add_file(struct kd_manifest *m, int dir_fd, const char *name, struct kd_err *err)
{
	return kd_manifest_add_file_until(m, dir_fd, name, UINT64_MAX, err);
}

int kd_manifest_add_file_until(struct kd_manifest *m, int dir_fd, const char *name,
			       uint64_t until_ms, struct kd_err *err)
{
	struct kd_manifest_file entry = { 0 };
	struct stat st;
	int rc = check_name(name, err);

	if (rc)
		return rc;
	if (m->file_count == KD_MANIFEST_MAX_FILES)
		return kd_fail(err, KD_USAGE, "the manifest lists %d files already, no room for %s",
			       KD_MANIFEST_MAX_FILES, name);
	if (kd_manifest_has_file(m, name))
		return kd_fail(err, KD_USAGE, "the manifest lists %s already", name);

	KD_AUTO(kd_closep)
	int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return kd_fail_sys(err, errno, "open %s", name);
	if (fstat(fd, &st))
		return kd_fail_sys(err, errno, "stat %s", name);
	if (!S_ISREG(st.st_mode))
		return kd_fail(err, KD_USAGE, "%s is not a regular file", name);
	rc = kd_sha256_fd_until(fd, name, until_ms, entry.sha256, &entry.size_bytes, err);
	if (rc && rc != -KD_AGAIN)
		return rc;
	if (rc)
		entry.size_bytes = (uint64_t)st.st_size;
	snprintf(entry.name, sizeof(entry.name), "%s", name);
	m->files[m->file_count++] = entry;
	return rc ? 1 : 0;
}

/* The reader refuses what a terminal could obey, so it must not get that far. */
static void add_text(struct kd_json *j, const char *member, const char *text)
{
	char clean[KD_ERR_MSG_BYTES];
	size_t len = strnlen(text, sizeof(clean));

	memcpy(clean, text, len);
	for (size_t i = 0; i < len;) {
		size_t n = kd_manifest_text_len((const unsigned char *)clean + i, len - i);
		if (n == 0)
			clean[i] = '?';
		i += n ? n : 1;
	}
	kd_json_string_n(j, member, clean, len);
}

/* JSON readers have signed 64-bit integers. */
static uint64_t clamp(uint64_t v)
{
	return v < INT64_MAX ? v : INT64_MAX;
}

static void add_lists(struct kd_json *j, const struct kd_manifest *m)
{
	kd_json_open_array(j, "stages");
	for (unsigned int i = 0; i < m->stage_count; i++) {
		kd_json_open_object(j, NULL);
		add_text(j, "name", m->stages[i].name);
		kd_json_u64(j, "at_ms", clamp(m->stages[i].at_ms));
		kd_json_close_object(j);
	}
	kd_json_close_array(j);

	kd_json_open_array(j, "files");
	for (unsigned int i = 0; i < m->file_count; i++) {
		kd_json_open_object(j, NULL);
		kd_json_string(j, "name", m->files[i].name);
		kd_json_u64(j, "size_bytes", clamp(m->files[i].size_bytes));
		kd_json_string(j, "sha256", m->files[i].sha256);
		kd_json_close_object(j);
	}
	kd_json_close_array(j);
}

/* One a line: there may be thousands. */
static void add_extents(struct kd_json *j, const struct kd_manifest_engine *e)
{
	char hex[17];

	kd_json_open_array(j, "extents");
	for (size_t i = 0; i < e->extent_count; i++) {
		kd_json_open_object(j, NULL);
		j->pretty = false;
		kd_json_u64(j, "offset", e->extents[i].off);
		kd_json_u64(j, "size_bytes", e->extents[i].len_bytes);
		snprintf(hex, sizeof(hex), "%016" PRIx64, e->extents[i].xxh3);
		kd_json_string(j, "xxh3", hex);
		kd_json_close_object(j);
		j->pretty = true;
	}
	kd_json_close_array(j);
}

static void add_engine(struct kd_json *j, const struct kd_manifest_engine *e)
{
	kd_json_open_object(j, "engine");
	kd_json_u64(j, "pages", clamp(e->pages));
	kd_json_u64(j, "zero_pages", clamp(e->zero_pages));
	kd_json_u64(j, "shared_pages", clamp(e->shared_pages));
	kd_json_u64(j, "bad_pages", clamp(e->bad_pages));
	kd_json_open_array(j, "bad_runs");
	for (unsigned int i = 0; i < e->bad_count; i++) {
		kd_json_open_object(j, NULL);
		kd_json_u64(j, "pfn", clamp(e->bad[i].pfn));
		kd_json_u64(j, "pages", clamp(e->bad[i].pages));
		kd_json_close_object(j);
	}
	kd_json_close_array(j);
	kd_json_string(j, "digests_xxh3", e->digests_xxh3);
	add_extents(j, e);
	kd_json_close_object(j);
}

static void add_remarks(struct kd_json *j, const struct kd_manifest *m)
{
	kd_json_open_array(j, "remarks");
	for (unsigned int i = 0; i < m->remark_count; i++)
		add_text(j, NULL, m->remarks[i]);
	kd_json_close_array(j);
}

static void add_all(struct kd_json *j, const struct kd_manifest *m)
{
	kd_json_open_object(j, NULL);
	kd_json_u64(j, "version", KD_MANIFEST_VERSION);
	kd_json_string(j, "program", KD_MANIFEST_PROGRAM);
	kd_json_string(j, "outcome", kd_outcome_name(m->outcome));
	add_text(j, "reason", m->reason);
	kd_json_string(j, "created", m->created);
	add_text(j, "kernel_release", m->kernel_release);
	/* CRASHTIME comes from the dead kernel; before 1970 it says nothing. */
	kd_json_i64(j, "crash_time", m->crash_time > 0 ? m->crash_time : 0);
	add_text(j, "collector", m->collector);
	kd_json_i64(j, "collector_exit", m->collector_exit);
	add_text(j, "target", m->target);
	add_lists(j, m);
	if (m->engine.used)
		add_engine(j, &m->engine);
	add_remarks(j, m);
	kd_json_close_object(j);
}

static int write_new(const struct kd_manifest *m, int dir_fd, struct kd_err *err)
{
	static const char part[] = KD_DUMPDIR_MANIFEST ".part";
	KD_AUTO(kd_buf_fini) struct kd_buf out = { 0 };
	struct kd_json j = { .out = &out, .pretty = true };

	add_all(&j, m);
	if (out.bad)
		return kd_fail(err, KD_NOMEM, "no memory for the manifest");
	int rc = kd_dumpdir_write_new(dir_fd, part, out.p, out.len, err);
	if (rc)
		return rc;
	rc = kd_dumpdir_rename(dir_fd, part, KD_DUMPDIR_MANIFEST, err);
	if (rc)
		unlinkat(dir_fd, part, 0);
	return rc;
}

/* The outcome is worth more than the hashes of a dump's parts, which are most of the text. */
static int write_without_extents(const struct kd_manifest *m, int dir_fd, struct kd_err *err)
{
	struct kd_manifest less = *m;

	less.engine.extents = NULL;
	less.engine.extent_count = 0;
	kd_manifest_add_remark(&less, "the hashes of %zu parts of the dump are left out: %s",
			       m->engine.extent_count, err->msg);
	return write_new(&less, dir_fd, err);
}

static int check_rules(const struct kd_manifest *m, struct kd_err *err)
{
	const struct kd_manifest_engine *e = &m->engine;

	if (m->outcome == KD_OUTCOME_SAVED && !kd_manifest_has_file(m, KD_DUMPDIR_VMCORE))
		return kd_fail(err, KD_USAGE,
			       "the manifest says saved but lists no file vmcore: not written");
	for (size_t i = 0; i < e->extent_count; i++)
		if (!kd_manifest_holds(m, &e->extents[i]))
			return kd_fail(err, KD_USAGE,
				       "the manifest has a hash of %ju bytes at offset %ju, which "
				       "are not in a vmcore that it lists: not written",
				       (uintmax_t)e->extents[i].len_bytes,
				       (uintmax_t)e->extents[i].off);
	return 0;
}

int kd_manifest_write(const struct kd_manifest *m, int dir_fd, struct kd_err *err)
{
	struct kd_err why = { 0 };
	int rc = check_rules(m, err);

	if (rc)
		return rc;
	rc = write_new(m, dir_fd, &why);
	if (rc && m->engine.extent_count)
		rc = write_without_extents(m, dir_fd, &why);
	if (rc && err)
		*err = why;
	return rc;
}
