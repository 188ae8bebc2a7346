/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/guest/kexec-probe/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kexec.h>
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>

static const char last_error_file[] = "/sys/kernel/debug/kexec/last_error";
static const char loaded_file[] = "/sys/kernel/kexec_crash_loaded";

int probe_raw_load(uint64_t entry, uint64_t count, const void *list, uint64_t flags)
{
	return syscall(SYS_kexec_load, entry, count, list, flags) ? errno : 0;
}

int probe_load(const struct kd_kexec_call *call)
{
	struct kexec_segment list[PROBE_LIST] = { 0 };

	for (uint64_t i = 0; call->segments && i < call->count && i < PROBE_LIST; i++)
		list[i] = (struct kexec_segment){ .buf = call->segments[i].buf,
						  .bufsz = call->segments[i].buf_bytes,
						  .mem = (void *)call->segments[i].mem,
						  .memsz = call->segments[i].mem_bytes };
	return probe_raw_load(call->entry, call->count, call->segments ? list : NULL, call->flags);
}

static void read_small(const char *path, char *text, size_t size)
{
	KD_AUTO(kd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, size - 1);

	text[n > 0 ? n : 0] = '\0';
}

bool probe_write_small(const char *path, const char *text)
{
	KD_AUTO(kd_closep) int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

bool probe_is_loaded(void)
{
	char text[8];

	read_small(loaded_file, text, sizeof(text));
	return text[0] == '1';
}

/* Which rule a kernel of our series says it went by; false on others. */
bool probe_last_reason(char *slug, size_t size)
{
	char text[1024];

	read_small(last_error_file, text, sizeof(text));
	const char *at = strstr(text, "reason=");
	if (!at)
		return false;
	snprintf(slug, size, "%.*s", (int)strcspn(at + 7, "\n"), at + 7);
	return true;
}

bool probe_is_patched(void)
{
	return access(last_error_file, R_OK) == 0;
}

void probe_report(bool good, const char *name, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	printf("%s %s: %s\n", good ? "ok" : "NOT OK", name, text);
	fflush(stdout);
	probe.wrong += !good;
}

const char *probe_errno_name(int sys)
{
	return sys ? strerrorname_np(sys) : "0";
}

/* The call, its foretelling and, on our kernels, its reason. @want < 0: only those two must agree. */
bool probe_try(const struct kd_kexec_machine *m, const struct kd_kexec_call *call, int want,
	       char *why, size_t size)
{
	struct kd_kexec_verdict v = { 0 };
	char slug[64] = "";

	kd_kexec_preflight(m, call, &v);
	int sys = probe_load(call);
	/* who may not load at all leaves no trace there */
	bool told = v.rule != KD_KEXEC_RULE_NOT_PERMITTED && probe_last_reason(slug, sizeof(slug));
	bool good = sys == v.sys && (want < 0 || sys == want) &&
		    (!told || strcmp(slug, kd_kexec_rule_slug(v.rule)) == 0);
	snprintf(why, size, "%s, preflight %s by %s%s%s%s%s%s", probe_errno_name(sys),
		 probe_errno_name(v.sys), kd_kexec_rule_slug(v.rule), told ? ", kernel by " : "",
		 slug, want < 0 || sys == want ? "" : "; stated is ",
		 want < 0 || sys == want ? "" : probe_errno_name(want),
		 *v.text && !good ? v.text : "");
	return good;
}

bool probe_read_machine(bool crash, struct kd_kexec_machine *ret)
{
	KD_AUTO(kd_root_closep) struct kd_root *root = NULL;
	struct kd_err err = { 0 };

	if (kd_root_open("/", &root, &err) || kd_kexec_machine_read(root, crash, ret, &err)) {
		printf("NOT OK facts: %s\n", err.msg);
		return false;
	}
	ret->known_flags = kd_kexec_known_flags(probe_raw_load);
	return true;
}
