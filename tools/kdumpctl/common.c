/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/kdumpctl/ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/file.h>

#define LOCK_DIR  "/run/lock"
#define LOCK_PATH LOCK_DIR "/kdump"

static void vsay(const char *prefix, const char *fmt, va_list ap) KD_PRINTF(2, 0);

static void vsay(const char *prefix, const char *fmt, va_list ap)
{
	fputs(prefix, stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
}

void say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsay("kdump: ", fmt, ap);
	va_end(ap);
}

void warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsay("kdump: WARNING: ", fmt, ap);
	va_end(ap);
}

int complain(const struct kd_err *err)
{
	say("Error: %s", err->msg);
	return 1;
}

int take_lock(const struct ctl *ctl, struct kd_err *err)
{
	int rc = kd_root_mkdirs(ctl->root, LOCK_DIR, 0755, err);
	if (rc)
		return kd_wrap(err, "taking the lock (are you root?)");
	/* Kept open until the process ends: that is what releases the lock. */
	int fd = kd_root_openat(ctl->root, LOCK_PATH, O_RDWR | O_CREAT, 0600, err);
	if (fd < 0)
		return kd_wrap(err, "taking the lock (are you root?)");
	while (flock(fd, LOCK_EX | LOCK_NB)) {
		if (errno != EWOULDBLOCK && errno != EINTR) {
			rc = kd_fail_sys(err, errno, "lock %s", LOCK_PATH);
			close(fd);
			return rc;
		}
		say("Another app is currently holding the kdump lock; waiting for it to exit...");
		sleep(5);
	}
	return 0;
}

int kexec_facts(const struct ctl *ctl, struct kd_kexec_facts *ret, bool *supported_ret,
		struct kd_err *err)
{
	struct kd_host_crash_facts crash = { 0 };
	int rc = kd_host_crash_facts(ctl->root, &crash, err);

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
	*supported_ret = crash.supported;
	return 0;
}

int no_reservation(const struct ctl *ctl, struct kd_err *err)
{
	static const char none[] = "No memory reserved for crash kernel";
	KD_AUTO(kd_host_kernel_fini) struct kd_host_kernel kernel = { 0 };
	struct kd_host_crash_facts crash = { 0 };
	struct kd_ck_request r = { 0 };
	/* What is not known to be missing is assumed; see below for min=. */
	const unsigned int knows = KD_CK_KNOWS_MIN |
				   (kd_root_exists(ctl->root, "/sys/kernel/kexec/crash_cma_ranges")
					    ? KD_CK_KNOWS_CMA
					    : 0);
	int rc = kd_host_uname(ctl->root, &kernel, err);

	if (!rc)
		rc = kd_host_crash_facts(ctl->root, &crash, err);
	if (rc)
		return rc;
	/* Less than the kernel counted; unknown: then no size is too large. */
	kd_ck_resolve(kernel.cmdline, crash.ram_bytes.known ? crash.ram_bytes.value : INT64_MAX,
		      knows, &r);
	const int len = r.word_len < 100 ? (int)r.word_len : 100;
	const char *word = kernel.cmdline + r.word;
	if (r.verdict == KD_CK_ABSENT)
		return kd_fail(err, KD_NOTSUP,
			       "%s: add crashkernel=256M to the kernel command line and reboot",
			       none);
	if (r.verdict == KD_CK_REFUSED)
		return kd_fail(err, KD_NOTSUP,
			       "%s: the kernel refused crashkernel=%.*s on its command line: %s; "
			       "write crashkernel=256M, for example, and reboot",
			       none, len, word, r.why);
	return kd_fail(
		err, KD_NOTSUP,
		"%s: crashkernel=%.*s asks for %llu MiB, but %s, or the memory was given back "
		"later; see 'crashkernel' in the kernel log",
		none, len, word, (unsigned long long)(r.size_bytes >> 20),
		r.min_bytes ? "a kernel without our series refuses min=, or there was no room"
			    : "the kernel found no room for it");
}
