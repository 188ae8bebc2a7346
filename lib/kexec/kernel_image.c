/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/kexec/kexec.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

enum {
	HEADER_BYTES = 0x270,
	OFF_BOOT_FLAG = 0x1fe,
	OFF_MAGIC = 0x202,
	OFF_VERSION = 0x206,
	OFF_CMDLINE_SIZE = 0x238,
	OFF_INIT_SIZE = 0x260,
	BOOT_FLAG = 0xaa55,
	VERSION_WITH_INIT_SIZE = 0x20a,
};

static uint32_t field(const uint8_t *header, size_t off, unsigned int bytes)
{
	struct kd_cursor c = { .p = header + off, .end = header + HEADER_BYTES };

	return bytes == 2 ? kd_cursor_u16(&c) : kd_cursor_u32(&c);
}

#if defined(__x86_64__)
static int probe(const uint8_t *header, const char *name, struct kd_kexec_kernel *kernel,
		 struct kd_err *err)
{
	if (field(header, OFF_BOOT_FLAG, 2) != BOOT_FLAG ||
	    memcmp(header + OFF_MAGIC, "HdrS", 4) != 0)
		return kd_fail(err, KD_BADDATA,
			       "%s is not a Linux kernel (no bzImage boot header): name the right "
			       "file with KDUMP_KERNELVER or KDUMP_IMG",
			       name);
	if (field(header, OFF_VERSION, 2) < VERSION_WITH_INIT_SIZE)
		return kd_fail(err, KD_NOTSUP, "%s uses boot protocol %u.%02u, too old to load",
			       name, field(header, OFF_VERSION, 2) >> 8,
			       field(header, OFF_VERSION, 2) & 0xff);
	kernel->run_bytes = field(header, OFF_INIT_SIZE, 4);
	kernel->cmdline_bytes = field(header, OFF_CMDLINE_SIZE, 4);
	return 0;
}
#else
static int probe(const uint8_t *header, const char *name, struct kd_kexec_kernel *kernel,
		 struct kd_err *err)
{
	(void)field;
	return 0;
}
#endif

int kd_kexec_probe_kernel(int fd, const char *name, struct kd_kexec_kernel *ret, struct kd_err *err)
{
	uint8_t header[HEADER_BYTES];
	struct stat st;

	if (fstat(fd, &st))
		return kd_fail_sys(err, errno, "stat %s", name);
	ssize_t n = kd_pread_full(fd, header, sizeof(header), 0, name, err);
	if (n < 0)
		return (int)n;
	if (n < (ssize_t)sizeof(header))
		return kd_fail(err, KD_BADDATA,
			       "%s is only %zd bytes long, no Linux kernel: reinstall it or name "
			       "another with KDUMP_KERNELVER",
			       name, n);

	struct kd_kexec_kernel kernel = { .file_bytes = (uint64_t)st.st_size,
					  .run_bytes = (uint64_t)st.st_size };
	int rc = probe(header, name, &kernel, err);
	if (rc)
		return rc;
	*ret = kernel;
	return 0;
}
