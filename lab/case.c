/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/case.h"

#include "lab/case_keys.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* Cuts blanks off both ends, in place. */
static char *trim(char *text)
{
	text += strspn(text, " \t");
	size_t len = strlen(text);
	while (len > 0 && strchr(" \t", text[len - 1]))
		text[--len] = '\0';
	return text;
}

static int parse_line(char *text, struct kd_lab_case_line *at, unsigned int seen[KD_LAB_CASE_KEYS],
		      struct kd_lab_case *c, struct kd_err *err)
{
	text = trim(text);
	if (*text == '\0' || *text == '#')
		return 0;
	for (const char *p = text; *p; p++)
		if ((unsigned char)*p < ' ' && *p != '\t')
			return kd_fail(
				err, KD_BADDATA,
				"%s:%u: control character 0x%02x; save it as plain text with "
				"line feeds only",
				at->file, at->number, (unsigned char)*p);

	char *equals = strchr(text, '=');
	if (!equals)
		return kd_fail(err, KD_BADDATA, "%s:%u: '%s' is not a line of the form key = value",
			       at->file, at->number, text);
	*equals = '\0';
	at->key = trim(text);
	at->value = trim(equals + 1);

	return kd_lab_case_key(at, seen, c, err);
}

static int set_defaults(struct kd_lab_case *c, const char *name, struct kd_err *err)
{
	c->memory_mib = 2048;
	c->cpus = 2;
	c->trigger_cpu = -1;
	c->deadline_s = 300;
	int rc = kd_strdup(&c->name, name, err);
	if (!rc)
		rc = kd_strdup(&c->kernel, "cloud", err);
	if (!rc)
		rc = kd_strdup(&c->crashkernel, "256M", err);
	return rc;
}

bool kd_lab_case_panics(const struct kd_lab_case *c)
{
	return c->trigger == KD_LAB_TRIGGER_SYSRQ || c->trigger == KD_LAB_TRIGGER_COMMAND;
}

/* What makes no sense where nothing panics, and so nothing is captured. */
static int check_no_panic(const struct kd_lab_case *c, const char *file, struct kd_err *err)
{
	if (c->trigger == KD_LAB_TRIGGER_QEMU && c->expect != KD_LAB_EXPECT_NONE)
		return kd_fail(err, KD_BADDATA,
			       "%s: trigger = qemu-dump is no panic, so nothing is captured; write "
			       "expect-outcome = none",
			       file);
	if (c->expect != KD_LAB_EXPECT_NONE)
		return kd_fail(err, KD_BADDATA,
			       "%s: without a panic nothing is captured; remove expect-outcome",
			       file);
	if (c->trigger != KD_LAB_TRIGGER_KEXEC && c->expect_console.n > 0)
		return kd_fail(err, KD_BADDATA,
			       "%s: without a panic nothing comes after it; write expect-guest "
			       "instead of expect-console",
			       file);
	if (c->trigger != KD_LAB_TRIGGER_KEXEC && c->after.n > 0)
		return kd_fail(
			err, KD_BADDATA,
			"%s: the machine does not come up again; write setup instead of after",
			file);
	return 0;
}

static int check_whole(const struct kd_lab_case *c, const char *file, struct kd_err *err)
{
	const char *missing = !c->title					  ? "title"
			      : !c->trigger_given			  ? "trigger"
			      : !c->expect_given && kd_lab_case_panics(c) ? "expect-outcome"
									  : NULL;

	if (missing)
		return kd_fail(err, KD_BADDATA, "%s: no line '%s = ...'; every case needs one",
			       file, missing);
	if (c->trigger_cpu >= 0 && (uint64_t)c->trigger_cpu >= c->cpus)
		return kd_fail(
			err, KD_BADDATA,
			"%s: trigger = sysrq-cpu:%d, but the machine has %ju CPUs; raise cpus",
			file, c->trigger_cpu, (uintmax_t)c->cpus);
	if (c->expect_reason && c->expect >= KD_LAB_EXPECT_NONE)
		return kd_fail(err, KD_BADDATA,
			       "%s: expect-reason needs a manifest, but expect-outcome = %s says "
			       "there is none",
			       file, kd_lab_expect_name(c->expect));
	return kd_lab_case_panics(c) ? 0 : check_no_panic(c, file, err);
}

int kd_lab_case_parse(const char *text, size_t len, const char *name, const char *file,
		      struct kd_lab_case *ret, struct kd_err *err)
{
	KD_AUTO(kd_lab_case_fini) struct kd_lab_case c = { 0 };
	unsigned int seen[KD_LAB_CASE_KEYS] = { 0 };
	struct kd_cursor cur = { .p = (const uint8_t *)text, .end = (const uint8_t *)text + len };
	struct kd_lab_case_line at = { .file = file };
	size_t line_len = 0;

	if (len > KD_LAB_CASE_MAX_BYTES)
		return kd_fail(err, KD_BADDATA, "%s: longer than %d bytes: not a case", file,
			       KD_LAB_CASE_MAX_BYTES);
	int rc = set_defaults(&c, name, err);
	for (const char *p; !rc && (p = kd_cursor_line(&cur, &line_len));) {
		KD_AUTO(kd_freep) char *copy = strndup(p, line_len);
		at.number++;
		if (!copy)
			return kd_fail(err, KD_NOMEM, "no memory");
		if (strlen(copy) != line_len)
			return kd_fail(err, KD_BADDATA, "%s:%u: NUL byte; save it as plain text",
				       file, at.number);
		rc = parse_line(copy, &at, seen, &c, err);
	}
	if (!rc && !c.expect_given && !kd_lab_case_panics(&c))
		c.expect = KD_LAB_EXPECT_NONE;
	if (!rc)
		rc = check_whole(&c, file, err);
	if (rc)
		return rc;
	*ret = c;
	c = (struct kd_lab_case){ 0 };
	return 0;
}

void kd_lab_case_fini(struct kd_lab_case *c)
{
	free(c->name);
	free(c->title);
	free(c->kernel);
	free(c->crashkernel);
	free(c->append);
	free(c->disk_uuid);
	free(c->trigger_command);
	free(c->expect_reason);
	free(c->unpatched_fails);
	for (size_t i = 0; i < c->file_count; i++) {
		free(c->files[i].from);
		free(c->files[i].to);
	}
	kd_strv_fini(&c->after);
	kd_strv_fini(&c->type);
	kd_strv_fini(&c->expect_guest);
	kd_strv_fini(&c->conf);
	kd_strv_fini(&c->arm);
	kd_strv_fini(&c->setup);
	kd_strv_fini(&c->expect_console);
	kd_strv_fini(&c->expect_no_file);
	*c = (struct kd_lab_case){ 0 };
}

int kd_lab_case_load(const char *dir, const char *name, struct kd_lab_case *ret, struct kd_err *err)
{
	KD_AUTO(kd_freep) char *path = NULL;
	KD_AUTO(kd_freep) char *text = NULL;
	size_t len = 0;

	if (name[0] == '.' || strchr(name, '/'))
		return kd_fail(err, KD_USAGE, "'%s' is not the name of a case; see kdump-lab list",
			       name);
	int rc = kd_asprintf(&path, err, "%s/%s.test", dir, name);
	if (rc)
		return rc;
	KD_AUTO(kd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return kd_fail(err, KD_USAGE,
			       "no case '%s' (%s does not exist); see kdump-lab list", name, path);
	if (fd < 0)
		return kd_fail_sys(err, errno, "open %s", path);
	rc = kd_read_all(fd, KD_LAB_CASE_MAX_BYTES, &text, &len, path, err);
	return rc ? rc : kd_lab_case_parse(text, len, name, path, ret, err);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int kd_lab_case_names(const char *dir, struct kd_strv *names, struct kd_err *err)
{
	KD_AUTO(kd_closedirp) DIR *d = opendir(dir);
	size_t first = names->n;

	if (!d)
		return kd_fail_sys(err, errno, "list the cases in %s", dir);
	for (struct dirent *e; (e = readdir(d));) {
		size_t len = strlen(e->d_name);
		if (e->d_name[0] == '.' || len <= 5 || strcmp(e->d_name + len - 5, ".test") != 0)
			continue;
		int rc = kd_strv_addf(names, err, "%.*s", (int)(len - 5), e->d_name);
		if (rc)
			return rc;
	}
	if (names->n > first)
		qsort(names->v + first, names->n - first, sizeof(*names->v), by_name);
	return 0;
}
