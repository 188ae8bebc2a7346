/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/kexecctl/kx.h"

#include <fcntl.h>
#include <stdarg.h>
#include <string.h>

enum { MAX_CMDLINE_BYTES = 64 << 10 };

void kx_say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("kexecctl: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
}

int kx_complain(const struct kd_err *err)
{
	kx_say("Error: %s", err->msg);
	return KX_EXIT_FAILED;
}

int kx_facts(const struct kx *kx, struct kd_kexec_facts *ret, struct kd_host_crash_facts *crash_ret,
	     struct kd_err *err)
{
	struct kd_host_crash_facts crash = { 0 };
	int rc = kd_host_crash_facts(kx->root, &crash, err);

	if (rc)
		return rc;
	*ret = (struct kd_kexec_facts){
		.loaded = crash.loaded.known && crash.loaded.value,
		.reserved_known = crash.size_bytes.known,
		.reserved_bytes = crash.size_bytes.value,
		.load_disabled = crash.load_disabled.known && crash.load_disabled.value,
		.secure_boot = crash.secure_boot.known && crash.secure_boot.value,
	};
	snprintf(ret->lockdown, sizeof(ret->lockdown), "%s", kd_host_lockdown_name(crash.lockdown));
	if (crash_ret)
		*crash_ret = crash;
	return 0;
}

static bool is_word(const char *word, size_t len, const char *key)
{
	size_t n = strlen(key);

	return len >= n && memcmp(word, key, n) == 0;
}

/* The running kernel's words but those that its boot loader or another image put there. */
static int add_running(const struct kx *kx, struct kd_buf *out, struct kd_err *err)
{
	KD_AUTO(kd_freep) char *text = NULL;
	int rc = kd_root_read(kx->root, "/proc/cmdline", MAX_CMDLINE_BYTES, &text, NULL, err);

	if (rc)
		return rc;
	for (const char *p = text; *p; p += strspn(p, " \n")) {
		size_t len = strcspn(p, " \n");
		bool drop = is_word(p, len, "BOOT_IMAGE=") || is_word(p, len, "elfcorehdr=") ||
			    (kx->crash && is_word(p, len, "crashkernel="));
		if (len && !drop) {
			kd_buf_puts(out, out->len ? " " : "");
			kd_buf_add(out, p, len);
		}
		p += len;
	}
	return 0;
}

static int make_cmdline(const struct kx *kx, char **ret, struct kd_err *err)
{
	KD_AUTO(kd_buf_fini) struct kd_buf out = { 0 };
	int rc = kx->reuse_cmdline ? add_running(kx, &out, err) : 0;

	if (!rc && kx->cmdline && *kx->cmdline) {
		kd_buf_puts(&out, out.len ? " " : "");
		kd_buf_puts(&out, kx->cmdline);
	}
	if (!rc && out.bad)
		rc = kd_fail(err, KD_NOMEM, "no memory");
	return rc ? rc : kd_strdup(ret, out.p ? out.p : "", err);
}

/* A path as the shell that called us means it; below --root as that machine would. */
static int open_file(const struct kx *kx, const char *path, struct kd_err *err)
{
	KD_AUTO(kd_freep) char *full = NULL;
	KD_AUTO(kd_freep) char *here = path[0] == '/' || !kx->ops ? NULL : getcwd(NULL, 0);
	int rc = kd_asprintf(&full, err, "%s%s%s", here && strcmp(here, "/") ? here : "",
			     path[0] == '/' ? "" : "/", path);

	return rc ? rc : kd_root_openat(kx->root, full, O_RDONLY, 0, err);
}

int kx_input_open(const struct kx *kx, struct kx_input *ret, struct kd_err *err)
{
	*ret = (struct kx_input){ .kernel_fd = -1, .initrd_fd = -1 };
	int rc = make_cmdline(kx, &ret->cmdline, err);

	if (rc)
		return rc;
	ret->kernel_fd = open_file(kx, kx->kernel, err);
	if (ret->kernel_fd < 0)
		return ret->kernel_fd;
	if (kx->initrd) {
		ret->initrd_fd = open_file(kx, kx->initrd, err);
		if (ret->initrd_fd < 0)
			return ret->initrd_fd;
	}
	ret->req = (struct kd_kexec_request){
		.kernel_fd = ret->kernel_fd,
		.kernel_name = kx->kernel,
		.initrd_fd = ret->initrd_fd,
		.initrd_name = kx->initrd,
		.cmdline = ret->cmdline,
		.regular = !kx->crash,
		.how = kx->call,
		.root = kx->root,
		.log = &kx->log,
		.serial = kx->serial_given ? &kx->serial : NULL,
		.hang_on_mismatch = kx->hang,
	};
	return 0;
}

void kx_input_close(struct kx_input *in)
{
	kd_closep(&in->kernel_fd);
	kd_closep(&in->initrd_fd);
	free(in->cmdline);
}
