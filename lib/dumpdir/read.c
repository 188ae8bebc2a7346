/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading and checking a dump directory, on the host. It may have been made by anybody. */
#include "lib/dumpdir/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void decrefp(json_t **json)
{
	json_decref(*json);
}

/* Where we are in the text, for messages: "manifest.json: files[2].sha256: ...". */
struct reader {
	const char *name;
	const char *list; /* NULL at the top */
	size_t index;
};

static int bad(const struct reader *r, const char *member, struct kd_err *err, const char *fmt, ...)
	KD_PRINTF(4, 5);

static int bad(const struct reader *r, const char *member, struct kd_err *err, const char *fmt, ...)
{
	char text[KD_ERR_MSG_BYTES];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (r->list)
		return kd_fail(err, KD_BADDATA, "%s: %s[%zu].%s: %s", r->name, r->list, r->index,
			       member, text);
	return kd_fail(err, KD_BADDATA, "%s: %s: %s", r->name, member, text);
}

static int check_text(const struct reader *r, const json_t *value, const char *member, char *ret,
		      size_t size, struct kd_err *err)
{
	if (!json_is_string(value))
		return bad(r, member, err, value ? "is not a string" : "is missing");

	const char *text = json_string_value(value);
	size_t len = json_string_length(value);
	if (len >= size)
		return bad(r, member, err, "is longer than %zu bytes", size - 1);
	for (size_t i = 0; i < len;) {
		size_t n = kd_manifest_text_len((const unsigned char *)text + i, len - i);
		if (n == 0)
			return bad(r, member, err, "has a control character");
		i += n;
	}
	memcpy(ret, text, len);
	ret[len] = '\0';
	return 0;
}

static int get_text(const struct reader *r, const json_t *object, const char *member, char *ret,
		    size_t size, struct kd_err *err)
{
	return check_text(r, json_object_get(object, member), member, ret, size, err);
}

static int get_int(const struct reader *r, const json_t *object, const char *member, json_int_t min,
		   json_int_t max, json_int_t *ret, struct kd_err *err)
{
	const json_t *value = json_object_get(object, member);

	if (!json_is_integer(value))
		return bad(r, member, err, value ? "is not an integer" : "is missing");

	json_int_t v = json_integer_value(value);
	if (v < min || v > max)
		return bad(r, member, err, "is out of range");
	*ret = v;
	return 0;
}

static int get_outcome(const struct reader *r, const json_t *object, enum kd_outcome *ret,
		       struct kd_err *err)
{
	char text[32];
	int rc = get_text(r, object, "outcome", text, sizeof(text), err);

	if (rc)
		return rc;
	for (int i = KD_OUTCOME_SAVED; i <= KD_OUTCOME_FAILED; i++) {
		if (strcmp(text, kd_outcome_name((enum kd_outcome)i)) == 0) {
			*ret = (enum kd_outcome)i;
			return 0;
		}
	}
	return bad(r, "outcome", err, "'%s' is not saved, truncated, dmesg-only or failed", text);
}

/* Does text look like pattern, where 0 stands for a digit? */
static bool matches(const char *text, const char *pattern, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		bool digit = text[i] >= '0' && text[i] <= '9';
		if (pattern[i] == '0' ? !digit : text[i] != pattern[i])
			return false;
	}
	return true;
}

static int get_created(const struct reader *r, const json_t *object, struct kd_manifest *m,
		       struct kd_err *err)
{
	static const char pattern[] = "0000-00-00T00:00:00Z";
	int rc = get_text(r, object, "created", m->created, sizeof(m->created), err);

	if (rc)
		return rc;
	/* Empty: the capture kernel had no clock. */
	size_t len = strlen(m->created);
	if (len && (len != strlen(pattern) || !matches(m->created, pattern, len)))
		return bad(r, "created", err, "is not a time like 2026-11-20T12:34:56Z");
	return 0;
}

static int get_stage(const struct reader *r, const json_t *object, struct kd_manifest *m,
		     struct kd_err *err)
{
	struct kd_manifest_stage *s = &m->stages[m->stage_count];
	json_int_t at_ms = 0;
	int rc = get_text(r, object, "name", s->name, sizeof(s->name), err);

	if (!rc)
		rc = get_int(r, object, "at_ms", 0, INT64_MAX, &at_ms, err);
	if (rc)
		return rc;
	s->at_ms = (uint64_t)at_ms;
	m->stage_count++;
	return 0;
}

static int get_file(const struct reader *r, const json_t *object, struct kd_manifest *m,
		    struct kd_err *err)
{
	struct kd_manifest_file f = { 0 };
	json_int_t size = 0;
	int rc = get_text(r, object, "name", f.name, sizeof(f.name), err);

	if (!rc && !kd_manifest_name_ok(f.name))
		rc = bad(r, "name", err, "'%s' is not a plain file name", f.name);
	if (!rc && kd_manifest_has_file(m, f.name))
		rc = bad(r, "name", err, "'%s' is listed twice", f.name);
	if (!rc)
		rc = get_int(r, object, "size_bytes", 0, INT64_MAX, &size, err);
	if (!rc)
		rc = get_text(r, object, "sha256", f.sha256, sizeof(f.sha256), err);
	if (!rc && f.sha256[0] &&
	    (strlen(f.sha256) != KD_SHA256_HEX_BYTES - 1 ||
	     strspn(f.sha256, "0123456789abcdef") != KD_SHA256_HEX_BYTES - 1))
		rc = bad(r, "sha256", err, "is neither 64 lower-case hexadecimal digits nor empty");
	if (rc)
		return rc;
	f.size_bytes = (uint64_t)size;
	m->files[m->file_count++] = f;
	return 0;
}

static int get_list(const char *name, const json_t *top, const char *member, size_t max,
		    int (*get)(const struct reader *r, const json_t *object, struct kd_manifest *m,
			       struct kd_err *err),
		    struct kd_manifest *m, struct kd_err *err)
{
	const struct reader r = { .name = name };
	const json_t *list = json_object_get(top, member);

	if (!json_is_array(list))
		return bad(&r, member, err, list ? "is not an array" : "is missing");
	if (json_array_size(list) > max)
		return bad(&r, member, err, "has %zu elements, %zu are the limit",
			   json_array_size(list), max);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *element = json_array_get(list, i);
		if (!json_is_object(element))
			return bad(&r, member, err, "element %zu is not an object", i);
		const struct reader at = { .name = name, .list = member, .index = i };
		int rc = get(&at, element, m, err);
		if (rc)
			return rc;
	}
	return 0;
}

static int get_bad_run(const struct reader *r, const json_t *object, struct kd_manifest *m,
		       struct kd_err *err)
{
	struct kd_manifest_bad_run *run = &m->engine.bad[m->engine.bad_count];
	json_int_t pfn = 0, pages = 0;
	int rc = get_int(r, object, "pfn", 0, INT64_MAX, &pfn, err);

	if (!rc)
		rc = get_int(r, object, "pages", 1, INT64_MAX, &pages, err);
	if (rc)
		return rc;
	*run = (struct kd_manifest_bad_run){ (uint64_t)pfn, (uint64_t)pages };
	m->engine.bad_count++;
	return 0;
}

static int get_xxh3(const struct reader *r, const json_t *object, uint64_t *ret, struct kd_err *err)
{
	enum { DIGITS = 16 };
	char hex[DIGITS + 1];
	int rc = get_text(r, object, "xxh3", hex, sizeof(hex), err);

	if (rc)
		return rc;
	if (strlen(hex) != DIGITS || strspn(hex, "0123456789abcdef") != DIGITS)
		return bad(r, "xxh3", err, "'%s' is not 16 lower-case hexadecimal digits", hex);
	*ret = strtoull(hex, NULL, 16);
	return 0;
}

/* By rising offset, apart, and inside of the dump: comparing them reads no byte twice. */
static int check_extent(const struct reader *r, const struct kd_manifest *m,
			const struct kd_hashed_extent *x, struct kd_err *err)
{
	const struct kd_manifest_file *vmcore = kd_manifest_vmcore(m);
	uint64_t last_end = 0;

	if (!vmcore)
		return bad(r, "offset", err, "is %ju, but no vmcore is listed", (uintmax_t)x->off);
	if (!kd_manifest_holds(m, x))
		return bad(r, "size_bytes", err,
			   "%ju bytes at offset %ju are not inside of %s, which has %ju",
			   (uintmax_t)x->len_bytes, (uintmax_t)x->off, vmcore->name,
			   (uintmax_t)vmcore->size_bytes);
	if (m->engine.extent_count)
		last_end = x[-1].off + x[-1].len_bytes;
	if (x->off < last_end)
		return bad(r, "offset", err, "%ju is before %ju, where the one before it ends",
			   (uintmax_t)x->off, (uintmax_t)last_end);
	return 0;
}

static int get_extent(const struct reader *r, const json_t *object, struct kd_manifest *m,
		      struct kd_err *err)
{
	struct kd_hashed_extent *x = &m->engine.extents[m->engine.extent_count];
	json_int_t off = 0, size = 0;
	int rc = get_int(r, object, "offset", 0, INT64_MAX, &off, err);

	if (!rc)
		rc = get_int(r, object, "size_bytes", 1, INT64_MAX, &size, err);
	if (!rc)
		rc = get_xxh3(r, object, &x->xxh3, err);
	if (rc)
		return rc;
	x->off = (uint64_t)off;
	x->len_bytes = (uint64_t)size;
	rc = check_extent(r, m, x, err);
	if (!rc)
		m->engine.extent_count++;
	return rc;
}

static int get_extents(const char *name, const json_t *object, struct kd_manifest *m,
		       struct kd_err *err)
{
	size_t n = json_array_size(json_object_get(object, "extents"));

	if (n > 0 && n <= KD_MANIFEST_MAX_EXTENTS) {
		m->engine.extents = calloc(n, sizeof(*m->engine.extents));
		if (!m->engine.extents)
			return kd_fail(err, KD_NOMEM, "%s: no memory for %zu extents", name, n);
	}
	return get_list(name, object, "extents", KD_MANIFEST_MAX_EXTENTS, get_extent, m, err);
}

static int get_count(const struct reader *r, const json_t *object, const char *member,
		     uint64_t *ret, struct kd_err *err)
{
	json_int_t v = 0;
	int rc = get_int(r, object, member, 0, INT64_MAX, &v, err);

	*ret = (uint64_t)v;
	return rc;
}

/* Only there when the engine collected. */
static int get_engine(const char *name, const json_t *top, struct kd_manifest *m,
		      struct kd_err *err)
{
	const struct reader r = { .name = name };
	const json_t *object = json_object_get(top, "engine");
	struct kd_manifest_engine *e = &m->engine;

	if (!object)
		return 0;
	if (!json_is_object(object))
		return bad(&r, "engine", err, "is not an object");
	e->used = true;
	int rc = get_count(&r, object, "pages", &e->pages, err);
	if (!rc)
		rc = get_count(&r, object, "zero_pages", &e->zero_pages, err);
	if (!rc)
		rc = get_count(&r, object, "shared_pages", &e->shared_pages, err);
	if (!rc)
		rc = get_count(&r, object, "bad_pages", &e->bad_pages, err);
	if (!rc)
		rc = get_list(name, object, "bad_runs", KD_MANIFEST_MAX_BAD_RUNS, get_bad_run, m,
			      err);
	if (!rc)
		rc = get_text(&r, object, "digests_xxh3", e->digests_xxh3, sizeof(e->digests_xxh3),
			      err);
	return rc ? rc : get_extents(name, object, m, err);
}

/* May be missing: the first manifests had none. */
static int get_remarks(const char *name, const json_t *top, struct kd_manifest *m,
		       struct kd_err *err)
{
	struct reader r = { .name = name };
	const json_t *list = json_object_get(top, "remarks");

	if (!list)
		return 0;
	if (!json_is_array(list) || json_array_size(list) > KD_MANIFEST_MAX_REMARKS)
		return bad(&r, "remarks", err, "is not an array of at most %d strings",
			   KD_MANIFEST_MAX_REMARKS);
	for (size_t i = 0; i < json_array_size(list); i++) {
		int rc = check_text(&r, json_array_get(list, i), "remarks", m->remarks[i],
				    KD_MANIFEST_REMARK_BYTES, err);
		if (rc)
			return rc;
		m->remark_count++;
	}
	return 0;
}

static int get_head(const struct reader *r, const json_t *top, struct kd_manifest *m,
		    struct kd_err *err)
{
	char program[32];
	json_int_t version = 0;
	int rc = get_text(r, top, "program", program, sizeof(program), err);

	if (!rc && strcmp(program, KD_MANIFEST_PROGRAM) != 0)
		rc = bad(r, "program", err, "is '%s', not '%s'", program, KD_MANIFEST_PROGRAM);
	if (!rc)
		rc = get_int(r, top, "version", 0, INT_MAX, &version, err);
	if (!rc && version != KD_MANIFEST_VERSION)
		rc = kd_fail(err, KD_NOTSUP,
			     "%s: this manifest has version %jd, and this program knows version "
			     "%d: use a newer kdumpkit",
			     r->name, (intmax_t)version, KD_MANIFEST_VERSION);
	if (!rc)
		rc = get_outcome(r, top, &m->outcome, err);
	return rc;
}

static int get_all(const char *name, const json_t *top, struct kd_manifest *m, struct kd_err *err)
{
	const struct reader r = { .name = name };
	json_int_t crash_time = 0, exit_code = 0;

	if (!json_is_object(top))
		return kd_fail(err, KD_BADDATA, "%s: is not a JSON object", name);
	int rc = get_head(&r, top, m, err);
	if (!rc)
		rc = get_text(&r, top, "reason", m->reason, sizeof(m->reason), err);
	if (!rc)
		rc = get_created(&r, top, m, err);
	if (!rc)
		rc = get_text(&r, top, "kernel_release", m->kernel_release,
			      sizeof(m->kernel_release), err);
	if (!rc)
		rc = get_int(&r, top, "crash_time", 0, INT64_MAX, &crash_time, err);
	if (!rc)
		rc = get_text(&r, top, "collector", m->collector, sizeof(m->collector), err);
	if (!rc)
		rc = get_int(&r, top, "collector_exit", INT_MIN, INT_MAX, &exit_code, err);
	if (!rc)
		rc = get_text(&r, top, "target", m->target, sizeof(m->target), err);
	if (!rc)
		rc = get_list(name, top, "stages", KD_MANIFEST_MAX_STAGES, get_stage, m, err);
	if (!rc)
		rc = get_list(name, top, "files", KD_MANIFEST_MAX_FILES, get_file, m, err);
	if (!rc)
		rc = get_engine(name, top, m, err);
	if (!rc)
		rc = get_remarks(name, top, m, err);
	if (!rc && m->outcome == KD_OUTCOME_SAVED && !kd_manifest_has_file(m, KD_DUMPDIR_VMCORE))
		rc = bad(&r, "outcome", err, "is saved, but no file vmcore is listed");
	m->crash_time = crash_time;
	m->collector_exit = (int)exit_code;
	return rc;
}

int kd_manifest_parse(const char *text, size_t len, const char *name, struct kd_manifest *ret,
		      struct kd_err *err)
{
	KD_AUTO(kd_manifest_fini) struct kd_manifest m = { 0 };
	json_error_t why = { 0 };

	if (len > KD_MANIFEST_MAX_BYTES)
		return kd_fail(err, KD_BADDATA, "%s: larger than %d bytes", name,
			       KD_MANIFEST_MAX_BYTES);
	KD_AUTO(decrefp) json_t *top = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
	/* The parser's own text may quote raw bytes of the input: only its place is told. */
	if (!top)
		return kd_fail(err, KD_BADDATA, "%s:%d: is not JSON (column %d)", name, why.line,
			       why.column);
	int rc = get_all(name, top, &m, err);
	if (rc)
		return rc;
	*ret = m;
	m.engine.extents = NULL;
	return 0;
}

/* A regular file of the directory, opened without following or waiting for anything. */
static int open_file(int dir_fd, const char *name, uint64_t *size_ret, struct kd_err *err)
{
	KD_AUTO(kd_closep)
	int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0 && errno == ELOOP)
		return kd_fail(err, KD_BADDATA, "%s: is a symbolic link", name);
	if (fd < 0)
		return kd_fail_sys(err, errno, "open %s", name);
	if (fstat(fd, &st))
		return kd_fail_sys(err, errno, "stat %s", name);
	if (!S_ISREG(st.st_mode))
		return kd_fail(err, KD_BADDATA, "%s: is not a regular file", name);
	*size_ret = (uint64_t)st.st_size;
	return KD_STEAL_FD(fd);
}

int kd_manifest_read(int dir_fd, struct kd_manifest *ret, struct kd_err *err)
{
	KD_AUTO(kd_freep) char *text = NULL;
	uint64_t size = 0;
	size_t len = 0;
	KD_AUTO(kd_closep) int fd = open_file(dir_fd, KD_DUMPDIR_MANIFEST, &size, err);

	if (fd < 0)
		return fd;
	int rc = kd_read_all(fd, KD_MANIFEST_MAX_BYTES, &text, &len, KD_DUMPDIR_MANIFEST, err);
	return rc ? rc : kd_manifest_parse(text, len, KD_DUMPDIR_MANIFEST, ret, err);
}

static int verify_file(int dir_fd, const struct kd_manifest_file *f, struct kd_err *err)
{
	struct kd_err own = { 0 };
	char hex[KD_SHA256_HEX_BYTES] = "";
	uint64_t size = 0;
	KD_AUTO(kd_closep) int fd = open_file(dir_fd, f->name, &size, &own);

	if (fd < 0 && own.sys == ENOENT)
		return kd_fail(err, KD_BADDATA, "%s: is missing, the manifest says %ju bytes",
			       f->name, (uintmax_t)f->size_bytes);
	if (fd < 0) {
		if (err)
			*err = own;
		return fd;
	}
	if (size == f->size_bytes && f->sha256[0]) {
		int rc = kd_sha256_fd(fd, f->name, hex, &size, err);
		if (rc)
			return rc;
	}
	/* Asked after hashing too: the file may have changed while it was read. */
	if (size != f->size_bytes)
		return kd_fail(err, KD_BADDATA, "%s: has %ju bytes, the manifest says %ju", f->name,
			       (uintmax_t)size, (uintmax_t)f->size_bytes);
	if (strcmp(hex, f->sha256) != 0)
		return kd_fail(err, KD_BADDATA, "%s: has SHA-256 %s, the manifest says %s", f->name,
			       hex, f->sha256);
	return 0;
}

int kd_dumpdir_verify(int dir_fd, const struct kd_manifest *m, struct kd_err *err)
{
	for (unsigned int i = 0; i < m->file_count; i++) {
		int rc = verify_file(dir_fd, &m->files[i], err);
		if (rc)
			return rc;
	}
	return 0;
}

/* The stamp of a dump directory's name and the number behind it. */
struct stamp {
	char text[sizeof("0000-00-00-00:00:00")];
	unsigned int n;
};

static unsigned int two_digits(const char *p)
{
	return (unsigned int)(p[0] - '0') * 10 + (unsigned int)(p[1] - '0');
}

/* Is "-0000-00-00-00:00:00" what stands at p? */
static bool is_stamp(const char *p)
{
	static const char pattern[] = "-0000-00-00-00:00:00";

	if (!matches(p, pattern, strlen(pattern)))
		return false;

	unsigned int month = two_digits(p + 6), day = two_digits(p + 9);
	return month >= 1 && month <= 12 && day >= 1 && day <= 31 && two_digits(p + 12) < 24 &&
	       two_digits(p + 15) < 60 && two_digits(p + 18) <= 60;
}

static bool parse_name(const char *name, struct stamp *ret)
{
	enum { STAMP_BYTES = sizeof("-0000-00-00-00:00:00") - 1, SUFFIX_DIGITS = 6 };
	size_t len = strlen(name), digits = 0;
	unsigned int n = 0;

	while (digits < len && name[len - 1 - digits] >= '0' && name[len - 1 - digits] <= '9')
		digits++;
	/* Seconds stand behind a colon, a number that was appended behind a dash. */
	if (digits && digits <= SUFFIX_DIGITS && digits < len && name[len - 1 - digits] == '-') {
		for (size_t i = len - digits; i < len; i++)
			n = n * 10 + (unsigned int)(name[i] - '0');
		len -= digits + 1;
	}
	if (len <= STAMP_BYTES || !is_stamp(name + len - STAMP_BYTES))
		return false;
	*ret = (struct stamp){ .n = n };
	memcpy(ret->text, name + len - STAMP_BYTES + 1, STAMP_BYTES - 1);
	return true;
}

/* Is a newer than b? Names decide between two of one second, so that the answer is always the same. */
static bool is_newer(const struct stamp *a, const char *a_name, const struct stamp *b,
		     const char *b_name)
{
	int order = strcmp(a->text, b->text);

	if (order)
		return order > 0;
	return a->n != b->n ? a->n > b->n : strcmp(a_name, b_name) > 0;
}

int kd_dumpdir_latest(const struct kd_root *root, const char *path, char **name_ret,
		      struct kd_err *err)
{
	struct kd_err own = { 0 };
	KD_AUTO(kd_closedirp) DIR *dir = NULL;
	KD_AUTO(kd_freep) char *best = NULL;
	struct stamp best_stamp = { 0 };
	int rc = kd_root_opendir(root, path, &dir, &own);

	if (rc && own.sys == ENOENT)
		return 0;
	if (rc) {
		if (err)
			*err = own;
		return rc;
	}
	for (;;) {
		errno = 0;
		const struct dirent *entry = readdir(dir);
		if (!entry)
			break;
		struct stamp stamp = { 0 };
		struct stat st = { 0 };
		if (!parse_name(entry->d_name, &stamp) ||
		    (best && !is_newer(&stamp, entry->d_name, &best_stamp, best)))
			continue;
		/* One that is gone by now is not the latest. */
		if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) ||
		    !S_ISDIR(st.st_mode))
			continue;
		char *copy = NULL;
		rc = kd_strdup(&copy, entry->d_name, err);
		if (rc)
			return rc;
		free(best);
		best = copy;
		best_stamp = stamp;
	}
	if (errno)
		return kd_fail_sys(err, errno, "list %s%s", kd_root_prefix(root), path);
	if (!best)
		return 0;
	*name_ret = KD_STEAL(best);
	return 1;
}
