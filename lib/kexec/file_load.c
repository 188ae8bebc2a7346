/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/kexec/internal.h"

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

static int host_kexec_load(void *arg, uint64_t entry, const struct kd_kexec_segment *segments,
			   size_t count, unsigned long flags)
{
	struct kexec_segment list[KD_KEXEC_SEGMENT_MAX] = { 0 };

	if (count > KD_KEXEC_SEGMENT_MAX)
		return EINVAL;
	for (size_t i = 0; i < count; i++)
		list[i] = (struct kexec_segment){ .buf = segments[i].buf,
						  .bufsz = segments[i].buf_bytes,
						  .mem = (const void *)(uintptr_t)segments[i].mem,
						  .memsz = segments[i].mem_bytes };
	long rc = syscall(SYS_kexec_load, entry, count, list, flags | KEXEC_ARCH_X86_64);
	return rc ? errno : 0;
}

static int host_unload(void *arg)
{
	long rc = syscall(SYS_kexec_file_load, -1, -1, 0UL, NULL,
			  (unsigned long)(KEXEC_FILE_UNLOAD | KEXEC_FILE_ON_CRASH));

	if (rc && errno == ENOSYS)
		return host_kexec_load(arg, 0, NULL, 0, KEXEC_ON_CRASH);
	return rc ? errno : 0;
}

const struct kd_kexec_ops kd_kexec_host_ops = {
	.file_load = host_file_load,
	.unload = host_unload,
	.kexec_load = host_kexec_load,
};

int kd_kexec_check_system(const struct kd_kexec_facts *facts, bool regular, struct kd_err *err)
{
	if (facts->load_disabled)
		return kd_fail(err, KD_NOTSUP,
			       "kernel.kexec_load_disabled is 1: no kernel can be loaded or "
			       "unloaded until the next boot; find who sets it in /etc/sysctl.d");
	if (!regular && facts->reserved_known && facts->reserved_bytes == 0)
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

	if (req->initrd_fd < 0)
		return 0;
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
	if (req->regular || !facts->reserved_known || req->force ||
	    e.floor_bytes <= facts->reserved_bytes)
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
	int rc = kd_kexec_check_system(facts, req->regular, err);

	if (!rc)
		rc = kd_kexec_probe_kernel(req->kernel_fd, req->kernel_name, &kernel, err);
	if (rc)
		return rc;
	if (kernel.cmdline_bytes && strlen(req->cmdline) > kernel.cmdline_bytes)
		return kd_fail(err, KD_USAGE,
			       "the %s kernel's command line is %zu bytes long, %s takes %llu: %s",
			       req->regular ? "new" : "capture", strlen(req->cmdline),
			       req->kernel_name, (unsigned long long)kernel.cmdline_bytes,
			       req->regular ? "shorten it"
					    : "shorten KDUMP_COMMANDLINE or name words in "
					      "KDUMP_COMMANDLINE_REMOVE");
	return check_fits(req, &kernel, facts, err);
}

static const char *explain_eperm(const struct kd_kexec_facts *facts)
{
	if (facts->lockdown[0] && strcmp(facts->lockdown, "none") != 0)
		return "the kernel is locked down and does not trust this image; use the "
		       "distribution's signed kernel as it is";
	return "not permitted; run as root (CAP_SYS_BOOT)";
}

/* Cause and next step for an errno, Linux 6.1 to 6.12, x86_64 and arm64. */
const char *kd_kexec_explain(int sys, const struct kd_kexec_facts *facts, bool regular)
{
	switch (sys) {
	case EPERM:
		return explain_eperm(facts);
	case EBUSY:
		return "another load or unload is going on; try again in a moment";
	case ENOSYS:
		return "this kernel has no such call (CONFIG_KEXEC_FILE, CONFIG_KEXEC)";
	case ENOEXEC:
		return "not a kernel that this architecture's loader takes; check the file";
	case EADDRNOTAVAIL:
	case ENOMEM:
		return regular ? "no room in memory"
			       : "no room in the reserved memory; raise crashkernel= and reboot";
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
	const char *why = kd_kexec_explain(sys, facts, req->regular);
	const char *with = req->initrd_fd >= 0 ? " with " : "";
	const char *initrd = req->initrd_fd >= 0 ? req->initrd_name : "";
	char have[KD_SIZE_TEXT_BYTES];
	int rc = 0;

	if (!why)
		return kd_fail_sys(err, sys, "load %s%s%s", req->kernel_name, with, initrd);
	if (req->regular)
		rc = kd_fail_sys(err, sys, "load %s%s%s: %s", req->kernel_name, with, initrd, why);
	else
		rc = kd_fail_sys(err, sys, "load %s%s%s (%s reserved): %s", req->kernel_name, with,
				 initrd,
				 facts->reserved_known ? kd_format_size(facts->reserved_bytes, have)
						       : "unknown size",
				 why);
	if (err && (sys == EADDRNOTAVAIL || sys == ENOMEM)) {
		err->code = KD_NOSPACE;
		rc = -KD_NOSPACE;
	}
	return rc;
}

static int load_classic(const struct kd_kexec_ops *ops, const struct kd_kexec_request *req,
			const struct kd_kexec_facts *facts, struct kd_err *err)
{
	KD_AUTO(kd_kexec_image_fini) struct kd_kexec_image image = { 0 };
	int rc = kd_kexec_check_system(facts, req->regular, err);

	if (!rc)
		rc = kd_kexec_prepare(req, &image, err);
	return rc ? rc : kd_kexec_load_image(ops, &image, facts, err);
}

/* Only bzImages can be loaded by the kernel itself (Linux arch/x86/kernel/kexec-bzimage64.c). */
static bool is_elf(const struct kd_kexec_request *req)
{
	char magic[4];

	return kd_pread_full(req->kernel_fd, magic, sizeof(magic), 0, req->kernel_name, NULL) ==
		       sizeof(magic) &&
	       memcmp(magic, "\177ELF", sizeof(magic)) == 0;
}

int kd_kexec_load(const struct kd_kexec_ops *ops, const struct kd_kexec_request *req,
		  const struct kd_kexec_facts *facts, struct kd_err *err)
{
	bool may_be_classic = req->root && ops->kexec_load && req->how != KD_KEXEC_HOW_FILE;
	unsigned long flags = (req->regular ? 0 : KEXEC_FILE_ON_CRASH) |
			      (req->initrd_fd < 0 ? KEXEC_FILE_NO_INITRAMFS : 0);

	if (req->how == KD_KEXEC_HOW_CLASSIC || (may_be_classic && is_elf(req)))
		return load_classic(ops, req, facts, err);
	int rc = kd_kexec_check(req, facts, err);
	if (rc)
		return rc;
	int sys = ops->file_load(ops->arg, req->kernel_fd, req->initrd_fd, req->cmdline, flags);
	if (sys == ENOSYS && may_be_classic) {
		kd_log(req->log, KD_LOG_INFO, "kexec",
		       "this kernel has no kexec_file_load (CONFIG_KEXEC_FILE): using kexec_load");
		return load_classic(ops, req, facts, err);
	}
	return sys ? load_error(sys, req, facts, err) : 0;
}

static int unload_result(int sys, const char *what, const struct kd_kexec_facts *facts,
			 struct kd_err *err)
{
	if (sys == 0)
		return 0;

	const char *why = kd_kexec_explain(sys, facts, true);
	return why ? kd_fail_sys(err, sys, "unload the %s kernel: %s", what, why)
		   : kd_fail_sys(err, sys, "unload the %s kernel", what);
}

int kd_kexec_unload(const struct kd_kexec_ops *ops, const struct kd_kexec_facts *facts,
		    struct kd_err *err)
{
	if (facts->load_disabled)
		return kd_kexec_check_system(facts, true, err);
	return unload_result(ops->unload(ops->arg), "crash", facts, err);
}

int kd_kexec_unload_regular(const struct kd_kexec_ops *ops, const struct kd_kexec_facts *facts,
			    struct kd_err *err)
{
	if (facts->load_disabled)
		return kd_kexec_check_system(facts, true, err);
	/* Nothing in the file descriptors matters for this flag, nor to kexec_load. */
	int sys = ops->file_load(ops->arg, -1, -1, "", KEXEC_FILE_UNLOAD);
	if (sys == ENOSYS)
		sys = ops->kexec_load(ops->arg, 0, NULL, 0, 0);
	return unload_result(sys, "loaded", facts, err);
}
