/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/kexec/kexec.h"

#include "crashkernel/crashkernel.h"

#include <errno.h>
#include <linux/kexec.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static int host_file_load(void *arg, int kernel_fd, int initrd_fd, const char *cmdline,
			  unsigned long flags)
{
	(void)arg;
	long rc = syscall(SYS_kexec_file_load, kernel_fd, initrd_fd, strlen(cmdline) + 1, cmdline,
			  flags);
	return rc ? errno : 0;
}

static int host_unload(void *arg)
{
	(void)arg;
	long rc = syscall(SYS_kexec_file_load, -1, -1, 0UL, NULL,
			  (unsigned long)(KEXEC_FILE_UNLOAD | KEXEC_FILE_ON_CRASH));
	return rc ? errno : 0;
}

const struct kd_kexec_ops kd_kexec_host_ops = {
	.file_load = host_file_load,
	.unload = host_unload,
};

/* The ways every load can be refused by the system as it stands. */
static int check_system(const struct kd_kexec_facts *facts, struct kd_err *err)
{
	if (facts->load_disabled)
		return kd_fail(err, KD_NOTSUP,
			       "kernel.kexec_load_disabled is 1: no crash kernel can be loaded or "
			       "unloaded until the next boot; find who sets it in /etc/sysctl.d");
	if (facts->reserved_known && facts->reserved_bytes == 0)
		return kd_fail(err, KD_NOTSUP,
			       "No memory reserved for crash kernel: add crashkernel=256M to the "
			       "kernel command line and reboot");
	return 0;
}

static int check_fits(const struct kd_kexec_request *req, const struct kd_kexec_kernel *kernel,
		      const struct kd_kexec_facts *facts, struct kd_err *err)
{
	char need_text[KD_SIZE_TEXT_BYTES], kernel_text[KD_SIZE_TEXT_BYTES];
	char initrd_text[KD_SIZE_TEXT_BYTES], have_text[KD_SIZE_TEXT_BYTES];
	char unpacked_text[KD_SIZE_TEXT_BYTES];
	struct stat st;

	if (fstat(req->initrd_fd, &st))
		return kd_fail_sys(err, errno, "stat %s", req->initrd_name);
	if (st.st_size == 0)
		return kd_fail(err, KD_BADDATA,
			       "%s is empty: run 'kdumpctl rebuild' to make it anew",
			       req->initrd_name);

	const struct kd_ck_capture capture = { .kernel_bytes = kernel->run_bytes,
					       .initrd_bytes = (uint64_t)st.st_size,
					       .unpacked_bytes = req->unpacked_bytes,
					       .engine = true };
	struct kd_ck_estimate e = { 0 };
	kd_ck_estimate(&capture, &e);
	if (!facts->reserved_known || req->force || e.floor_bytes <= facts->reserved_bytes)
		return 0;
	return kd_fail(err, KD_NOSPACE,
		       "the image cannot boot in what is reserved: %s takes %s, %s %s and %s "
		       "unpacked, with the least a kernel needs beside them %s, but %s are "
		       "reserved; set crashkernel=%lluM on the kernel command line and reboot",
		       req->kernel_name, kd_format_size(kernel->run_bytes, kernel_text),
		       req->initrd_name, kd_format_size(capture.initrd_bytes, initrd_text),
		       req->unpacked_bytes ? kd_format_size(req->unpacked_bytes, unpacked_text)
					   : "more",
		       kd_format_size(e.floor_bytes, need_text),
		       kd_format_size(facts->reserved_bytes, have_text),
		       (unsigned long long)(e.advised_bytes >> 20));
}

int kd_kexec_check(const struct kd_kexec_request *req, const struct kd_kexec_facts *facts,
		   struct kd_err *err)
{
	struct kd_kexec_kernel kernel = { 0 };
	int rc = check_system(facts, err);

	if (!rc)
		rc = kd_kexec_probe_kernel(req->kernel_fd, req->kernel_name, &kernel, err);
	if (rc)
		return rc;
	if (kernel.cmdline_bytes && strlen(req->cmdline) > kernel.cmdline_bytes)
		return kd_fail(
			err, KD_USAGE,
			"the capture kernel's command line is %zu bytes long, %s takes %llu: "
			"shorten KDUMP_COMMANDLINE or name words in KDUMP_COMMANDLINE_REMOVE",
			strlen(req->cmdline), req->kernel_name,
			(unsigned long long)kernel.cmdline_bytes);
	return check_fits(req, &kernel, facts, err);
}

static const char *explain_eperm(const struct kd_kexec_facts *facts)
{
	if (facts->lockdown[0] && strcmp(facts->lockdown, "none") != 0)
		return "the kernel is locked down and does not trust this image; use the "
		       "distribution's signed kernel as it is";
	return "not permitted; run as root (CAP_SYS_BOOT)";
}

/* Cause and next step for an errno of kexec_file_load(2), Linux 6.1 to 6.12, x86_64 and arm64. */
static const char *explain(int sys, const struct kd_kexec_facts *facts)
{
	switch (sys) {
	case EPERM:
		return explain_eperm(facts);
	case EBUSY:
		return "another load or unload is going on; try again in a moment";
	case ENOSYS:
		return "this kernel has no kexec_file_load (CONFIG_KEXEC_FILE)";
	case ENOEXEC:
		return "not a kernel that this architecture's loader takes; check the file";
	case EADDRNOTAVAIL:
	case ENOMEM:
		return "no room in the reserved memory; raise crashkernel= and reboot";
	case EKEYREJECTED:
	case ENOKEY:
	case ENOPKG:
	case EBADMSG:
	case ELIBBAD:
	case ENODATA:
		return "the kernel's signature is missing or not trusted, and this system requires "
		       "one; use the distribution's signed kernel or enrol its key";
	case EINVAL:
		return "the kernel refused the request as invalid; see dmesg";
	default:
		return NULL;
	}
}

static int load_error(int sys, const struct kd_kexec_request *req,
		      const struct kd_kexec_facts *facts, struct kd_err *err)
{
	const char *why = explain(sys, facts);
	char have[KD_SIZE_TEXT_BYTES];

	if (!why)
		return kd_fail_sys(err, sys, "load %s with %s", req->kernel_name, req->initrd_name);
	int rc = kd_fail_sys(err, sys, "load %s with %s (%s reserved): %s", req->kernel_name,
			     req->initrd_name,
			     facts->reserved_known ? kd_format_size(facts->reserved_bytes, have)
						   : "unknown size",
			     why);
	if (err && (sys == EADDRNOTAVAIL || sys == ENOMEM)) {
		err->code = KD_NOSPACE;
		rc = -KD_NOSPACE;
	}
	return rc;
}

int kd_kexec_load(const struct kd_kexec_ops *ops, const struct kd_kexec_request *req,
		  const struct kd_kexec_facts *facts, struct kd_err *err)
{
	int rc = kd_kexec_check(req, facts, err);

	if (rc)
		return rc;
	int sys = ops->file_load(ops->arg, req->kernel_fd, req->initrd_fd, req->cmdline,
				 KEXEC_FILE_ON_CRASH);
	return sys ? load_error(sys, req, facts, err) : 0;
}

int kd_kexec_unload(const struct kd_kexec_ops *ops, const struct kd_kexec_facts *facts,
		    struct kd_err *err)
{
	if (facts->load_disabled)
		return check_system(facts, err);
	int sys = ops->unload(ops->arg);
	if (sys == 0)
		return 0;

	const char *why = explain(sys, facts);
	return why ? kd_fail_sys(err, sys, "unload the crash kernel: %s", why)
		   : kd_fail_sys(err, sys, "unload the crash kernel");
}
