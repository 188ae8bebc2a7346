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

static void finding(struct findings *f, bool bad, const char *what, const char *fmt, ...)
	KD_PRINTF(4, 5);

static void finding(struct findings *f, bool bad, const char *what, const char *fmt, ...)
{
	char text[2 * KD_ERR_MSG_BYTES];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	f->bad |= bad;
	if (!f->json) {
		printf("%-7s %s: %s\n", bad ? "BAD" : "ok", what, text);
		return;
	}
	kd_json_open_object(&f->j, NULL);
	kd_json_string(&f->j, "what", what);
	kd_json_bool(&f->j, "good", !bad);
	kd_json_string(&f->j, "text", text);
	kd_json_close_object(&f->j);
}

static void tell_digests(struct findings *f, const struct kd_verify_result *v, const char *why_not)
{
	char size[KD_SIZE_TEXT_BYTES];

	if (why_not)
		finding(f, false, "hashes", "not checked: %s", why_not);
	else if (!v->has_digests)
		finding(f, false, "hashes", "the file has none");
	else if (v->digest_reason[0])
		finding(f, true, "hashes", "%s", v->digest_reason);
	else if (v->bad_digests)
		finding(f, true, "hashes",
			"%ju parts of the file differ from what was written, the first is %ju bytes "
			"at offset 0x%jx",
			(uintmax_t)v->bad_digests, (uintmax_t)v->first_bad_len,
			(uintmax_t)v->first_bad_off);
	else
		finding(f, false, "hashes", "%s compared", kd_format_size(v->digest_bytes, size));
}

static void tell_pages(struct findings *f, const struct kd_vmcore *core,
		       const struct kd_verify_result *v)
{
	if (kd_vmcore_is_incomplete(core))
		finding(f, true, "completeness", "the dump was cut short: %ju pages are missing",
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

static int verify_files(struct findings *f, char *const paths[], size_t n,
			const char *manifest_xxh3, struct kd_err *err)
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
	vt_teller_init(&teller, f->json ? VT_PROGRESS_NONE : VT_PROGRESS_AUTO);
	rc = kd_dump_verify(in.core, why_not ? -1 : in.fds[0], vt_tell_progress, &teller, &v, err);
	vt_teller_clear(&teller);
	if (rc)
		return rc;
	tell_pages(f, in.core, &v);
	tell_digests(f, &v, why_not);
	if (manifest_xxh3[0] && !why_not && strcmp(manifest_xxh3, v.digests_xxh3) != 0)
		finding(f, true, "hashes", "they are not those of the manifest: %s instead of %s",
			v.digests_xxh3[0] ? v.digests_xxh3 : "none", manifest_xxh3);
	return 0;
}

static bool lists(const struct kd_manifest *m, const char *name)
{
	for (unsigned int i = 0; i < m->file_count; i++) {
		if (strcmp(m->files[i].name, name) == 0)
			return true;
	}
	return false;
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

static int verify_directory(struct findings *f, const char *path, struct kd_err *err)
{
	KD_AUTO(kd_closep) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	KD_AUTO(kd_freep) struct kd_manifest *m = calloc(1, sizeof(*m));
	KD_AUTO(kd_freep) char *vmcore = NULL;

	if (fd < 0)
		return kd_fail_sys(err, errno, "open %s", path);
	if (!m)
		return kd_fail(err, KD_NOMEM, "no memory for a manifest");
	int rc = kd_manifest_read(fd, m, err);
	if (rc == -KD_SYS && err->sys == ENOENT)
		return kd_fail(err, KD_USAGE,
			       "%s has no " KD_DUMPDIR_MANIFEST
			       ": the capture did not come to its end, or it is not a dump "
			       "directory",
			       path);
	if (rc)
		return kd_wrap(err, "%s", path);
	finding(f, m->outcome != KD_OUTCOME_SAVED, "outcome", "%s%s%s", kd_outcome_name(m->outcome),
		m->reason[0] ? ": " : "", m->reason);
	struct kd_err why = { 0 };
	rc = kd_dumpdir_verify(fd, m, &why);
	if (rc)
		finding(f, true, "files", "%s", why.msg);
	else
		tell_files(f, m);
	if (!lists(m, KD_DUMPDIR_VMCORE) && !lists(m, KD_DUMPDIR_VMCORE_INCOMPLETE))
		return 0;
	rc = kd_asprintf(&vmcore, err, "%s/%s", path,
			 lists(m, KD_DUMPDIR_VMCORE) ? KD_DUMPDIR_VMCORE
						     : KD_DUMPDIR_VMCORE_INCOMPLETE);
	if (rc)
		return rc;
	if (verify_files(f, &vmcore, 1, m->engine.digests_xxh3, &why))
		finding(f, true, "vmcore", "%s", why.msg);
	return 0;
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
						  : verify_files(f, paths, n, "", err);
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
