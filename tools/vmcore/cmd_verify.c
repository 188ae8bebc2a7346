/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/dumpdir/dumpdir.h"
#include "tools/vmcore/vt.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

/* What was found, for people or for machines. */
struct findings {
	struct kd_json j;
	struct kd_buf buf;
	bool json;
	bool bad;
};

/* Which parts of a file were compared, and the first that is damaged. */
static void json_parts(struct kd_json *j, const char *file, const struct kd_hash_check *parts)
{
	kd_json_string(j, "file", file);
	kd_json_u64(j, "parts", parts->extents);
	kd_json_u64(j, "bad_parts", parts->bad);
	if (!parts->bad)
		return;
	kd_json_u64(j, "first_bad_offset", parts->first_bad_off);
	kd_json_u64(j, "first_bad_size_bytes", parts->first_bad_len);
}

static void tell(struct findings *f, bool bad, const char *what, const char *text, const char *file,
		 const struct kd_hash_check *parts)
{
	f->bad |= bad;
	if (!f->json) {
		printf("%-7s %s: %s\n", bad ? "BAD" : "ok", what, text);
		return;
	}
	kd_json_open_object(&f->j, NULL);
	kd_json_string(&f->j, "what", what);
	kd_json_bool(&f->j, "good", !bad);
	kd_json_string(&f->j, "text", text);
	if (parts)
		json_parts(&f->j, file, parts);
	kd_json_close_object(&f->j);
}

static void finding(struct findings *f, bool bad, const char *what, const char *fmt, ...)
	KD_PRINTF(4, 5);

static void finding(struct findings *f, bool bad, const char *what, const char *fmt, ...)
{
	char text[2 * KD_ERR_MSG_BYTES];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	tell(f, bad, what, text, NULL, NULL);
}

/* @against: whose hashes they are */
static void tell_parts(struct findings *f, const char *file, const struct kd_hash_check *parts,
		       const char *against)
{
	char text[2 * KD_ERR_MSG_BYTES], size[KD_SIZE_TEXT_BYTES];

	if (parts->bad)
		snprintf(text, sizeof(text),
			 "%ju of %ju parts of %s differ from what was written, the first is %ju "
			 "bytes at offset 0x%jx",
			 (uintmax_t)parts->bad, (uintmax_t)parts->extents, file,
			 (uintmax_t)parts->first_bad_len, (uintmax_t)parts->first_bad_off);
	else
		snprintf(text, sizeof(text), "%s compared%s", kd_format_size(parts->bytes, size),
			 against);
	tell(f, parts->bad > 0, "hashes", text, file, parts);
}

/* The table in the file. Where the manifest has hashes of the same parts, only if it is bad. */
static void tell_table(struct findings *f, const char *file, const struct kd_verify_result *v,
		       const char *why_not, const struct kd_manifest *m)
{
	const char *wanted = m ? m->engine.digests_xxh3 : "";
	bool parts_later = m && m->engine.extent_count;

	if (v->digest_reason[0])
		finding(f, true, "hashes", "%s", v->digest_reason);
	else if (why_not && !parts_later)
		finding(f, false, "hashes", "not checked: %s", why_not);
	else if (!v->has_digests && !parts_later)
		finding(f, false, "hashes", "%s",
			m ? "neither the file nor the manifest has any" : "the file has none");
	else if (!parts_later)
		tell_parts(f, file, &v->digests, "");
	if (wanted[0] && !why_not && strcmp(wanted, v->digests_xxh3) != 0)
		finding(f, true, "hashes", "they are not those of the manifest: %s instead of %s",
			v->digests_xxh3[0] ? v->digests_xxh3 : "none", wanted);
}

static void tell_pages(struct findings *f, const struct kd_vmcore *core,
		       const struct kd_verify_result *v)
{
	if (kd_vmcore_is_incomplete(core))
		finding(f, true, "completeness", "the dump was cut short: %ju pages are missing",
			(uintmax_t)v->lost);
	else if (v->lost)
		finding(f, true, "completeness",
			"the dump says that it is whole, but %ju pages are missing",
			(uintmax_t)v->lost);
	else
		finding(f, false, "completeness", "the dump says that it is whole");
	if (v->bad)
		finding(f, true, "pages",
			"%ju of %ju cannot be read, the first is page frame 0x%jx: %s",
			(uintmax_t)v->bad, (uintmax_t)(v->bad + v->stored),
			(uintmax_t)v->first_bad_pfn, v->bad_reason);
	else
		finding(f, false, "pages", "%ju read", (uintmax_t)v->stored);
}

/* @m: of the directory the file is in; NULL without one */
static int verify_files(struct findings *f, char *const paths[], size_t n,
			const struct kd_manifest *m, struct kd_err *err)
{
	KD_AUTO(vt_input_fini) struct vt_input in = { 0 };
	struct kd_verify_result v;
	struct vt_teller teller;
	const char *why_not = NULL;
	int rc = vt_input_open(paths, n, &in, err);

	if (rc)
		return rc;
	if (kd_vmcore_is_flattened(in.core))
		why_not = "the file is flattened; vmcore convert makes a plain one";
	else if (n > 1)
		why_not = "these are parts of a split dump; verify each alone";
	else if (!vt_input_is_file(&in))
		why_not = "on a device nothing tells where the dump ends";
	const struct kd_verify_opts opts = { .fd = why_not ? -1 : in.fds[0],
					     .table_only = m && m->engine.extent_count,
					     .progress = vt_tell_progress,
					     .progress_arg = &teller };
	vt_teller_init(&teller, f->json ? VT_PROGRESS_NONE : VT_PROGRESS_AUTO);
	rc = kd_dump_verify(in.core, &opts, &v, err);
	vt_teller_clear(&teller);
	if (rc)
		return rc;
	tell_pages(f, in.core, &v);
	tell_table(f, paths[0], &v, why_not, m);
	return 0;
}

static void tell_files(struct findings *f, const struct kd_manifest *m)
{
	unsigned int hashed = 0;

	for (unsigned int i = 0; i < m->file_count; i++)
		hashed += m->files[i].sha256[0] != '\0';
	finding(f, false, "files", "%u have size and SHA-256 of the manifest", hashed);
	for (unsigned int i = 0; i < m->file_count; i++) {
		if (!m->files[i].sha256[0])
			finding(f, false, "files",
				"%s has the size of the manifest, which has no SHA-256",
				m->files[i].name);
	}
}

/* Needs no dump that can be opened: of a damaged one this tells where. */
static int compare_parts(struct findings *f, int dir_fd, const char *name, const char *path,
			 const struct kd_manifest_engine *e, struct kd_err *err)
{
	struct kd_hash_check parts;
	KD_AUTO(kd_closep)
	int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return kd_fail_sys(err, errno, "open %s", path);
	int rc = kd_dump_compare(fd, e->extents, e->extent_count, &parts, err);
	if (!rc)
		tell_parts(f, path, &parts, " with those in the manifest");
	return rc;
}

static int verify_vmcore(struct findings *f, const char *dir, int dir_fd,
			 const struct kd_manifest *m, struct kd_err *err)
{
	const struct kd_manifest_file *vmcore = kd_manifest_vmcore(m);
	KD_AUTO(kd_freep) char *path = NULL;
	struct kd_err why = { 0 };

	if (!vmcore)
		return 0;
	int rc = kd_asprintf(&path, err, "%s/%s", dir, vmcore->name);
	if (rc)
		return rc;
	if (verify_files(f, &path, 1, m, &why))
		finding(f, true, "vmcore", "%s", why.msg);
	if (m->engine.extent_count &&
	    compare_parts(f, dir_fd, vmcore->name, path, &m->engine, &why))
		finding(f, true, "hashes", "not compared: %s", why.msg);
	return 0;
}

static int verify_directory(struct findings *f, const char *path, struct kd_err *err)
{
	KD_AUTO(kd_closep) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	KD_AUTO(kd_manifest_fini) struct kd_manifest m = { 0 };

	if (fd < 0)
		return kd_fail_sys(err, errno, "open %s", path);
	int rc = kd_manifest_read(fd, &m, err);
	if (rc == -KD_SYS && err->sys == ENOENT)
		return kd_fail(err, KD_USAGE,
			       "%s has no " KD_DUMPDIR_MANIFEST
			       ": the capture did not come to its end, or it is not a dump "
			       "directory",
			       path);
	if (rc)
		return kd_wrap(err, "%s", path);
	finding(f, m.outcome != KD_OUTCOME_SAVED, "outcome", "%s%s%s", kd_outcome_name(m.outcome),
		m.reason[0] ? ": " : "", m.reason);
	struct kd_err why = { 0 };
	rc = kd_dumpdir_verify(fd, &m, &why);
	if (rc)
		finding(f, true, "files", "%s", why.msg);
	else
		tell_files(f, &m);
	return verify_vmcore(f, path, fd, &m, err);
}

static bool is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int run(struct findings *f, char **paths, size_t n, struct kd_err *err)
{
	if (f->json) {
		kd_json_open_object(&f->j, NULL);
		kd_json_open_array(&f->j, "findings");
	}
	int rc = n == 1 && is_directory(paths[0]) ? verify_directory(f, paths[0], err)
						  : verify_files(f, paths, n, NULL, err);
	if (rc)
		return vt_complain(err);
	if (f->json) {
		kd_json_close_array(&f->j);
		kd_json_bool(&f->j, "good", !f->bad);
		kd_json_close_object(&f->j);
		if (vt_print_json(stdout, &f->buf))
			return VT_REFUSED;
	}
	return f->bad ? VT_DAMAGED : VT_DONE;
}

int vt_cmd_verify(int argc, char **argv)
{
	struct findings f = { 0 };
	struct kd_err err = { 0 };
	int rc = vt_simple_options(argc, argv, &f.json);

	if (rc)
		return rc > 0 ? VT_DONE : VT_REFUSED;
	f.j = (struct kd_json){ .out = &f.buf, .pretty = true };
	rc = run(&f, argv + optind, (size_t)(argc - optind), &err);
	kd_buf_fini(&f.buf);
	return rc;
}
