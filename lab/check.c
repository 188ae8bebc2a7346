/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/check.h"

#include "lab/files.h"
#include "lab/vm.h"
#include "lib/dumpdir/dumpdir.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static const char trigger_line[] = "sysrq: Trigger a crash";

enum { MAX_DMESG_BYTES = 64 << 20, DUMP_DMESG_TIMEOUT_S = 120 };

static const char *find_line(const struct kd_strv *lines, const char *text)
{
	for (size_t i = 0; i < lines->n; i++)
		if (strstr(lines->v[i], text))
			return lines->v[i];
	return NULL;
}

static int expect_lines(const struct kd_strv *wanted, const struct kd_strv *lines, const char *when,
			struct kd_err *err)
{
	for (size_t i = 0; i < wanted->n; i++)
		if (!find_line(lines, wanted->v[i]))
			return kd_fail(err, KD_BADDATA, "'%s' was not on the console %s",
				       wanted->v[i], when);
	return 0;
}

int kd_lab_check_console(const struct kd_lab_case *c, const struct kd_strv *lines,
			 struct kd_err *err)
{
	return expect_lines(
		&c->expect_console, lines,
		c->trigger == KD_LAB_TRIGGER_KEXEC ? "after the kexec" : "after the panic", err);
}

int kd_lab_check_guest(const struct kd_lab_case *c, const struct kd_strv *lines, struct kd_err *err)
{
	return expect_lines(&c->expect_guest, lines,
			    c->trigger == KD_LAB_TRIGGER_KEXEC ? "before the kexec"
			    : kd_lab_case_panics(c)	       ? "before the panic"
							       : "",
			    err);
}

/* "Last capture: dmesg-only (..." : is it that outcome, and not only the start of another word? */
static bool names_outcome(const char *text, const char *outcome)
{
	size_t len = strlen(outcome);

	return strncmp(text, outcome, len) == 0 &&
	       !strchr("abcdefghijklmnopqrstuvwxyz-", text[len]);
}

int kd_lab_check_status(const struct kd_lab_case *c, const struct kd_strv *lines,
			struct kd_err *err)
{
	static const char label[] = "Last capture: ";
	const char *told = NULL;

	for (size_t i = 0; i < lines->n; i++)
		if (strstr(lines->v[i], "lab: status| ") && strstr(lines->v[i], label))
			told = strstr(lines->v[i], label) + strlen(label);
	if (!told)
		return kd_fail(err, KD_BADDATA,
			       "kdumpctl status said nothing of the last capture after the reboot");
	if (c->expect < KD_LAB_EXPECT_NONE)
		return names_outcome(told, kd_lab_expect_name(c->expect))
			       ? 0
			       : kd_fail(err, KD_BADDATA,
					 "kdumpctl status after the reboot: the last capture was %s, "
					 "not %s",
					 told, kd_lab_expect_name(c->expect));
	/* Nothing was left, so no outcome of a manifest may be told. */
	for (int e = KD_LAB_EXPECT_SAVED; e < KD_LAB_EXPECT_NONE; e++)
		if (names_outcome(told, kd_lab_expect_name((enum kd_lab_expect)e)))
			return kd_fail(err, KD_BADDATA,
				       "kdumpctl status tells of a capture that left nothing: %s",
				       told);
	return 0;
}

int kd_lab_check_modes(const struct kd_lab_inodes *inodes, struct kd_err *err)
{
	for (size_t i = 0; i < inodes->n; i++) {
		const struct kd_lab_inode *inode = &inodes->v[i];
		if (inode->mode & 077)
			return kd_fail(err, KD_BADDATA, "%s has mode %04o: readable by others",
				       inode->path, inode->mode & 07777);
		if (inode->uid || inode->gid)
			return kd_fail(err, KD_BADDATA, "%s belongs to %ju:%ju, not to root",
				       inode->path, (uintmax_t)inode->uid, (uintmax_t)inode->gid);
	}
	return 0;
}

int kd_lab_check_same_lines(const char *a, const char *a_name, const char *b, const char *b_name,
			    struct kd_err *err)
{
	struct kd_cursor ca = { .p = (const uint8_t *)a, .end = (const uint8_t *)a + strlen(a) };
	struct kd_cursor cb = { .p = (const uint8_t *)b, .end = (const uint8_t *)b + strlen(b) };
	unsigned int number = 0;

	for (;;) {
		size_t la = 0, lb = 0;
		const char *pa = kd_cursor_line(&ca, &la);
		const char *pb = kd_cursor_line(&cb, &lb);
		number++;
		if (!pa && !pb)
			return number == 1 ? kd_fail(err, KD_BADDATA, "%s and %s are both empty",
						     a_name, b_name)
					   : 0;
		if (!pa || !pb)
			return kd_fail(err, KD_BADDATA,
				       "%s ends at line %u, %s goes on with '%.*s'",
				       pa ? b_name : a_name, number, pa ? a_name : b_name,
				       (int)(pa ? la : lb), pa ? pa : pb);
		if (la != lb || memcmp(pa, pb, la) != 0)
			return kd_fail(err, KD_BADDATA, "line %u differs: %s has '%.*s', %s '%.*s'",
				       number, a_name, (int)la, pa, b_name, (int)lb, pb);
	}
}

const char *kd_lab_dump_path(const struct kd_lab_case *c)
{
	for (size_t i = 0; i < c->conf.n; i++)
		if (strncmp(c->conf.v[i], "path ", 5) == 0)
			return c->conf.v[i] + 5 + strspn(c->conf.v[i] + 5, " ");
	return "/var/crash";
}

static int read_text(const char *dir, const char *name, char **ret, struct kd_err *err)
{
	KD_AUTO(kd_freep) char *path = NULL;
	int rc = kd_asprintf(&path, err, "%s/%s", dir, name);

	if (rc)
		return rc;
	KD_AUTO(kd_closep) int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return kd_fail_sys(err, errno, "open %s", path);
	return kd_read_all(fd, MAX_DMESG_BYTES, ret, NULL, path, err);
}

/* Takes the dumps out of the image, to <run>/<parent of the path>/. */
static int extract(const struct kd_lab_evidence *e, const char *image, const char *path,
		   struct kd_err *err)
{
	KD_AUTO(kd_freep) char *to = NULL, *command = NULL;
	int rc = kd_asprintf(&to, err, "%s%.*s", e->dir, (int)(strrchr(path, '/') - path), path);

	if (!rc)
		rc = kd_lab_mkdirs(to, err);
	if (!rc)
		rc = kd_asprintf(&command, err, "rdump \"%s\" \"%s\"\n", path, to);
	return rc ? rc : kd_lab_debugfs(image, false, command, NULL, err);
}

/* The one dump directory among the entries of the path; anything else is a surprise. */
static int one_dump(const struct kd_lab_inodes *inodes, const char *path, const char **ret,
		    struct kd_err *err)
{
	size_t skip = strlen(path) + 1;

	*ret = NULL;
	for (size_t i = 0; i < inodes->n; i++) {
		if (strchr(inodes->v[i].path + skip, '/'))
			continue;
		if (*ret || !S_ISDIR(inodes->v[i].mode))
			return kd_fail(err, KD_BADDATA,
				       "one dump directory was expected in %s; also "
				       "there: %s",
				       path, inodes->v[i].path);
		*ret = inodes->v[i].path;
	}
	return 0;
}

static bool is_listed(const struct kd_manifest *m, const char *name)
{
	for (unsigned int i = 0; i < m->file_count; i++)
		if (strcmp(m->files[i].name, name) == 0)
			return true;
	return false;
}

/* Every file there is in the manifest, and every file of the manifest is there (verify does that). */
static int check_listing(const struct kd_lab_inodes *inodes, const char *dump,
			 const struct kd_manifest *m, struct kd_err *err)
{
	size_t skip = strlen(dump);

	for (size_t i = 0; i < inodes->n; i++) {
		const char *path = inodes->v[i].path;
		if (strncmp(path, dump, skip) != 0 || path[skip] != '/')
			continue;
		if (!S_ISREG(inodes->v[i].mode))
			return kd_fail(err, KD_BADDATA, "%s is not a regular file", path);
		if (strcmp(path + skip + 1, KD_DUMPDIR_MANIFEST) != 0 &&
		    !is_listed(m, path + skip + 1))
			return kd_fail(err, KD_BADDATA, "%s is not in the manifest", path);
	}
	return 0;
}

static int check_manifest(const struct kd_lab_case *c, const struct kd_manifest *m,
			  struct kd_err *err)
{
	const char *outcome = kd_outcome_name(m->outcome);

	if (strcmp(outcome, kd_lab_expect_name(c->expect)) != 0)
		return kd_fail(err, KD_BADDATA, "outcome is %s, not %s (reason: %s)", outcome,
			       kd_lab_expect_name(c->expect), *m->reason ? m->reason : "none");
	if (c->expect != KD_LAB_EXPECT_SAVED && !*m->reason)
		return kd_fail(err, KD_BADDATA, "outcome is %s without a reason", outcome);
	if (c->expect_reason && !strstr(m->reason, c->expect_reason))
		return kd_fail(err, KD_BADDATA, "the manifest's reason lacks '%s': %s",
			       c->expect_reason, m->reason);
	for (size_t i = 0; i < c->expect_no_file.n; i++)
		if (is_listed(m, c->expect_no_file.v[i]))
			return kd_fail(err, KD_BADDATA, "the manifest lists %s, which must not be",
				       c->expect_no_file.v[i]);
	if (is_listed(m, KD_DUMPDIR_VMCORE) != (c->expect == KD_LAB_EXPECT_SAVED))
		return kd_fail(err, KD_BADDATA, "outcome is %s, but %s vmcore", outcome,
			       c->expect == KD_LAB_EXPECT_SAVED ? "there is no" : "there is a");
	if (c->expect != KD_LAB_EXPECT_FAILED && !is_listed(m, KD_DUMPDIR_DMESG))
		return kd_fail(err, KD_BADDATA, "outcome is %s, but there is no %s", outcome,
			       KD_DUMPDIR_DMESG);
	return 0;
}

static int run_tool(const char *tool, const char *const *args, struct kd_buf *out,
		    struct kd_err *err)
{
	KD_AUTO(kd_strv_fini) struct kd_strv argv = { 0 };
	int rc = kd_strv_add(&argv, tool, err);

	for (; !rc && *args; args++)
		rc = kd_strv_add(&argv, *args, err);
	return rc ? rc : kd_lab_exec(&argv, DUMP_DMESG_TIMEOUT_S, out, NULL, err);
}

/* Another program reads the kernel log out of the dump; ours has to be the same. */
static int check_by_makedumpfile(const char *run_dir, const char *core, const char *dmesg,
				 struct kd_err *err)
{
	KD_AUTO(kd_freep) char *tool = NULL, *theirs = NULL, *text = NULL;
	int rc = kd_lab_find_tool("makedumpfile", "makedumpfile", &tool, err);

	if (!rc)
		rc = kd_asprintf(&theirs, err, "%s/makedumpfile-dmesg.txt", run_dir);
	if (!rc && unlink(theirs) && errno != ENOENT)
		rc = kd_fail_sys(err, errno, "remove %s", theirs);
	if (!rc)
		rc = run_tool(tool, (const char *const[]){ "--dump-dmesg", core, theirs, NULL },
			      NULL, err);
	if (!rc)
		rc = read_text(run_dir, "makedumpfile-dmesg.txt", &text, err);
	return rc ? rc
		  : kd_lab_check_same_lines(dmesg, KD_DUMPDIR_DMESG, text,
					    "makedumpfile --dump-dmesg", err);
}

/* The kernel log out of the dump has to be the one that was saved beside it. */
static int check_log_of(const char *tool, const char *core, const char *dmesg, struct kd_err *err)
{
	KD_AUTO(kd_buf_fini) struct kd_buf text = { 0 };
	int rc = run_tool(tool, (const char *const[]){ "dmesg", core, NULL }, &text, err);

	return rc ? rc
		  : kd_lab_check_same_lines(dmesg, KD_DUMPDIR_DMESG, text.p ? text.p : "",
					    "vmcore dmesg", err);
}

/* Our own reader: every page of the dump, its hashes, and the log once more. */
static int check_by_vmcore(const struct kd_lab_evidence *e, const char *dump, const char *core,
			   const char *dmesg, struct kd_err *err)
{
	KD_AUTO(kd_freep) char *tool = NULL;
	int rc = kd_asprintf(&tool, err, "%s/bin/vmcore", e->build);

	/* What was cut short is not whole, but has to have what counts most. */
	if (!rc && e->c->expect == KD_LAB_EXPECT_SAVED)
		rc = run_tool(tool, (const char *const[]){ "verify", dump, NULL }, NULL, err);
	return rc ? rc : check_log_of(tool, core, dmesg, err);
}

static int check_vmcore(const struct kd_lab_evidence *e, const char *dump, const char *dmesg,
			struct kd_err *err)
{
	bool whole = e->c->expect == KD_LAB_EXPECT_SAVED;
	KD_AUTO(kd_freep) char *core = NULL;
	int rc = kd_asprintf(&core, err, "%s/%s", dump,
			     whole ? KD_DUMPDIR_VMCORE : KD_DUMPDIR_VMCORE_INCOMPLETE);

	if (!rc)
		rc = check_by_vmcore(e, dump, core, dmesg, err);
	if (!rc && whole && !e->c->only_vmcore_reads)
		rc = check_by_makedumpfile(e->dir, core, dmesg, err);
	return rc;
}

static int check_dmesg(const struct kd_lab_evidence *e, const char *dump, struct kd_err *err)
{
	KD_AUTO(kd_freep) char *dmesg = NULL;
	int rc = read_text(dump, KD_DUMPDIR_DMESG, &dmesg, err);

	if (rc)
		return rc;
	if (e->c->trigger == KD_LAB_TRIGGER_SYSRQ && !strstr(dmesg, trigger_line))
		return kd_fail(err, KD_BADDATA, "%s lacks the line '%s'", KD_DUMPDIR_DMESG,
			       trigger_line);
	if (e->c->expect != KD_LAB_EXPECT_SAVED && e->c->expect != KD_LAB_EXPECT_TRUNCATED)
		return 0;
	return check_vmcore(e, dump, dmesg, err);
}

static int check_dump(const struct kd_lab_evidence *e, const struct kd_lab_inodes *inodes,
		      const char *dump, const char *host_dump, struct kd_err *err)
{
	KD_AUTO(kd_manifest_fini) struct kd_manifest m = { 0 };
	KD_AUTO(kd_closep) int fd = open(host_dump, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return kd_fail_sys(err, errno, "open %s", host_dump);
	int rc = kd_manifest_read(fd, &m, err);
	if (!rc)
		rc = kd_dumpdir_verify(fd, &m, err);
	if (!rc)
		rc = check_listing(inodes, dump, &m, err);
	if (!rc)
		rc = check_manifest(e->c, &m, err);
	if (!rc && is_listed(&m, KD_DUMPDIR_DMESG))
		rc = check_dmesg(e, host_dump, err);
	return rc;
}

static int check_files(const struct kd_lab_evidence *e, char **dump_ret, struct kd_err *err)
{
	const char *path = kd_lab_dump_path(e->c), *dump = NULL;
	KD_AUTO(kd_freep) char *image = NULL;
	KD_AUTO(kd_lab_inodes_fini) struct kd_lab_inodes inodes = { 0 };
	int rc = kd_asprintf(&image, err, "%s/disk.img", e->dir);

	if (!rc)
		rc = extract(e, image, path, err);
	if (!rc)
		rc = kd_lab_image_list(image, path, &inodes, err);
	if (!rc)
		rc = one_dump(&inodes, path, &dump, err);
	if (!rc && dump)
		rc = kd_asprintf(dump_ret, err, "%s%s", e->dir, dump);
	if (rc)
		return rc;
	if (!dump)
		return e->c->expect >= KD_LAB_EXPECT_NONE
			       ? 0
			       : kd_fail(err, KD_BADDATA, "there is no dump directory in %s", path);
	if (e->c->expect >= KD_LAB_EXPECT_NONE)
		return kd_fail(err, KD_BADDATA, "nothing was to be saved, but there is %s", dump);
	rc = kd_lab_check_modes(&inodes, err);
	return rc ? rc : check_dump(e, &inodes, dump, *dump_ret, err);
}

/* The capture's last line names what the machine was seen to do. */
static int check_end(const struct kd_lab_evidence *e, struct kd_err *err)
{
	const struct kd_lab_timeline *t = e->timeline;
	const char *wanted = kd_lab_end_name(e->c->end);

	if (t->capture_panicked)
		return kd_fail(err, KD_BADDATA, "the capture kernel panicked");
	if (e->c->expect == KD_LAB_EXPECT_NO_CAPTURE)
		return t->marks[KD_LAB_END].seen && t->marks[KD_LAB_BACK].seen
			       ? 0
			       : kd_fail(err, KD_BADDATA, "the machine did not come back");
	if (!t->marks[KD_LAB_ACTION].seen)
		return kd_fail(err, KD_BADDATA, "no line 'kdumpkit: action ...' on the console");
	if (strncmp(t->action, wanted, strlen(wanted)) != 0)
		return kd_fail(err, KD_BADDATA, "the action was '%s', not %s", t->action, wanted);
	if (!t->marks[KD_LAB_END].seen || !t->marks[KD_LAB_BACK].seen)
		return kd_fail(err, KD_BADDATA, "the machine did not come back");
	return 0;
}

int kd_lab_check_memory(const struct kd_lab_evidence *e, const char *path, char **dump_ret,
			struct kd_err *err)
{
	KD_AUTO(kd_freep) char *tool = NULL;
	KD_AUTO(kd_buf_fini) struct kd_buf text = { 0 };
	int rc = kd_asprintf(&tool, err, "%s/bin/vmcore", e->build);

	if (!rc)
		rc = run_tool(tool, (const char *const[]){ "dmesg", path, NULL }, &text, err);
	if (!rc)
		rc = kd_lab_check_guest(e->c, e->guest, err);
	if (rc)
		return rc;
	if (!text.p || !strstr(text.p, KD_LAB_LAST_WORDS))
		return kd_fail(err, KD_BADDATA, "the kernel log in %s lacks the line '%s'", path,
			       KD_LAB_LAST_WORDS);
	return kd_strdup(dump_ret, path, err);
}

int kd_lab_check_all(const struct kd_lab_evidence *e, char **dump_ret, struct kd_err *err)
{
	/* Files first: whatever else is wrong, they are to be looked at. */
	int rc = check_files(e, dump_ret, err);

	if (!rc && kd_lab_case_panics(e->c))
		rc = check_end(e, err);
	if (!rc)
		rc = kd_lab_check_guest(e->c, e->guest, err);
	if (!rc)
		rc = kd_lab_check_console(e->c, e->console, err);
	if (rc || !kd_lab_case_panics(e->c))
		return rc;
	return kd_lab_check_status(e->c, e->console, err);
}
