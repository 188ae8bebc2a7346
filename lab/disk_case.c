/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The disks of one case: the base image with the case's files in it, and a second disk. */
#include "lab/disk.h"

#include "lab/files.h"
#include "lab/image.h"

#include <errno.h>
#include <string.h>

static void put_lines(struct kd_buf *out, const struct kd_strv *lines)
{
	for (size_t i = 0; i < lines->n; i++)
		kd_buf_printf(out, "%s\n", lines->v[i]);
}

void kd_lab_disk_kdump_conf(const struct kd_lab_case *c, struct kd_buf *out)
{
	kd_buf_printf(out, "# written by the lab for the case %s\n", c->name);
	put_lines(out, &c->conf);
}

void kd_lab_disk_mode(const struct kd_lab_case *c, struct kd_buf *out)
{
	kd_buf_printf(out, "arm=%s\ntrigger=%s\n", c->not_armed ? "no" : "yes",
		      c->trigger == KD_LAB_TRIGGER_NONE	   ? "none"
		      : c->trigger == KD_LAB_TRIGGER_KEXEC ? "kexec"
							   : "panic");
}

void kd_lab_disk_trigger(const struct kd_lab_case *c, struct kd_buf *out)
{
	if (c->trigger == KD_LAB_TRIGGER_QEMU)
		kd_buf_puts(out, "echo '" KD_LAB_LAST_WORDS "' >/dev/kmsg\nsleep 3600\n");
	else if (c->trigger_command)
		kd_buf_printf(out, "%s\n", c->trigger_command);
	else if (c->trigger == KD_LAB_TRIGGER_NONE)
		kd_buf_puts(out, "# this case has no panic\n");
	else if (c->trigger_cpu >= 0)
		kd_buf_printf(out, "taskset 0x%jx sh -c 'echo c >/proc/sysrq-trigger'\n",
			      (uintmax_t)1 << c->trigger_cpu);
	else
		kd_buf_puts(out, "echo c >/proc/sysrq-trigger\n");
}

/* Writes @text to @dir/@name, to be read by people too, and adds the command that puts it in the image. */
static int put_file(const char *dir, const char *name, const struct kd_buf *text, const char *to,
		    struct kd_buf *script, struct kd_err *err)
{
	KD_AUTO(kd_freep) char *path = NULL;
	int rc = kd_asprintf(&path, err, "%s/%s", dir, name);

	if (!rc && text->bad)
		rc = kd_fail(err, KD_NOMEM, "no memory");
	if (!rc)
		rc = kd_lab_write_file(path, text->p ? text->p : "", text->len, 0644, err);
	kd_buf_printf(script, "write \"%s\" %s\nsif %s uid 0\nsif %s gid 0\n", path, to, to, to);
	return rc;
}

/* "vmlinuz-RELEASE" to "vmlinux-RELEASE", in the directory that has both. */
static int elf_beside(const char *bzimage, char **ret, struct kd_err *err)
{
	const char *base = strrchr(bzimage, '/');

	base = base ? base + 1 : bzimage;
	if (strncmp(base, "vmlinuz-", 8) != 0)
		return kd_fail(err, KD_USAGE, "%s: no vmlinux is known beside it", bzimage);
	return kd_asprintf(ret, err, "%.*svmlinux-%s", (int)(base - bzimage), bzimage, base + 8);
}

/*
 * "kernel:NAME", "vmlinux:NAME", "initrd:NAME", or a path; a relative one starts at the
 * build directory.
 */
static int find_source(const struct kd_lab_env *env, const char *from, char **ret,
		       struct kd_err *err)
{
	KD_AUTO(kd_freep) char *image = NULL, *bzimage = NULL;
	int rc = 0;

	if (strncmp(from, "kernel:", 7) == 0)
		return kd_lab_env_kernel(env, from + 7, ret, err);
	if (strncmp(from, "initrd:", 7) == 0)
		return kd_lab_disk_base(env, from + 7, &image, ret, err);
	if (strncmp(from, "vmlinux:", 8) == 0) {
		rc = kd_lab_env_kernel(env, from + 8, &bzimage, err);
		return rc ? rc : elf_beside(bzimage, ret, err);
	}
	rc = from[0] == '/' ? kd_strdup(ret, from, err)
			    : kd_asprintf(ret, err, "%s/%s", env->build, from);
	if (!rc && access(*ret, R_OK))
		rc = kd_fail_sys(err, errno, "read %s, which the case wants on the guest's disk",
				 *ret);
	return rc;
}

static int add_host_files(const struct kd_lab_env *env, const struct kd_lab_case *c,
			  struct kd_buf *script, struct kd_err *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < c->file_count; i++) {
		KD_AUTO(kd_freep) char *from = NULL;
		const char *to = c->files[i].to;
		rc = find_source(env, c->files[i].from, &from, err);
		if (!rc)
			kd_buf_printf(script,
				      "write \"%s\" \"%s\"\nsif \"%s\" uid 0\n"
				      "sif \"%s\" gid 0\n",
				      from, to, to, to);
	}
	return rc;
}

static int add_case_files(const struct kd_lab_env *env, const struct kd_lab_case *c,
			  const char *image, const char *dir, struct kd_err *err)
{
	KD_AUTO(kd_buf_fini) struct kd_buf conf = { 0 }, arm = { 0 }, setup = { 0 }, after = { 0 };
	KD_AUTO(kd_buf_fini) struct kd_buf trigger = { 0 }, mode = { 0 }, script = { 0 };
	const struct {
		const char *name;
		const struct kd_buf *text;
		const char *to;
	} files[] = {
		{ "kdump.conf", &conf, "/etc/kdump.conf" },  { "mode", &mode, "/etc/lab/mode" },
		{ "arm-setup", &arm, "/etc/lab/arm-setup" }, { "setup", &setup, "/etc/lab/setup" },
		{ "trigger", &trigger, "/etc/lab/trigger" }, { "after", &after, "/etc/lab/after" },
	};
	int rc = 0;

	kd_lab_disk_kdump_conf(c, &conf);
	kd_lab_disk_mode(c, &mode);
	put_lines(&arm, &c->arm);
	put_lines(&setup, &c->setup);
	kd_lab_disk_trigger(c, &trigger);
	put_lines(&after, &c->after);
	for (size_t i = 0; !rc && i < KD_ARRAY_LEN(files); i++)
		rc = put_file(dir, files[i].name, files[i].text, files[i].to, &script, err);
	if (!rc)
		rc = add_host_files(env, c, &script, err);
	if (!rc && script.bad)
		rc = kd_fail(err, KD_NOMEM, "no memory");
	return rc ? rc : kd_lab_debugfs(image, true, script.p, NULL, err);
}

int kd_lab_disk_case(const struct kd_lab_env *env, const struct kd_lab_case *c, const char *base,
		     const char *dir, struct kd_err *err)
{
	KD_AUTO(kd_freep) char *image = NULL, *extra = NULL;
	int rc = kd_asprintf(&image, err, "%s/disk.img", dir);

	if (!rc)
		rc = kd_lab_copy_file(base, image, err);
	if (!rc)
		rc = add_case_files(env, c, image, dir, err);
	if (rc || !c->disk_mib)
		return rc;
	rc = kd_asprintf(&extra, err, "%s/extra.img", dir);
	if (!rc && c->disk_xfs)
		return kd_lab_image_make_xfs(extra, c->disk_mib, "kdextra", c->disk_uuid, err);
	return rc ? rc : kd_lab_image_make(extra, c->disk_mib, NULL, "kdextra", c->disk_uuid, err);
}
