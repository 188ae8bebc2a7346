/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A bzImage taken apart for its 64-bit entry (Linux Documentation/arch/x86/boot.rst). */
#include "lib/kexec/internal.h"
#include "lib/ondisk/elf.h"

#include <string.h>

enum {
	SECTOR = 512,
	OFF_SETUP_SECTS = 0x1f1,
	OFF_BOOT_FLAG = 0x1fe,
	OFF_JUMP = 0x201, /* the jump's distance says how long the header is */
	OFF_MAGIC = 0x202,
	OFF_VERSION = 0x206,
	OFF_INITRD_MAX = 0x22c,
	OFF_ALIGN = 0x230,
	OFF_RELOCATABLE = 0x234,
	OFF_XLOADFLAGS = 0x236,
	OFF_CMDLINE_SIZE = 0x238,
	OFF_PREFERRED = 0x258,
	OFF_INIT_SIZE = 0x260,
	HEAD_BYTES = 0x268,

	BOOT_FLAG = 0xaa55,
	VERSION_2_12 = 0x20c, /* the first with xloadflags */
	XLF_KERNEL_64 = 1,
	XLF_ABOVE_4G = 2,
	XLF_5LEVEL = 1 << 5,
	ENTRY_64 = 0x200,
	MAX_RUN_BYTES = 1 << 30,
};

static uint64_t field(const struct kd_kexec_kernel_file *k, size_t at, unsigned int bytes)
{
	struct kd_cursor c = { .p = k->file + at, .end = k->file + k->file_bytes };

	switch (bytes) {
	case 1:
		return kd_cursor_u8(&c);
	case 2:
		return kd_cursor_u16(&c);
	case 4:
		return kd_cursor_u32(&c);
	default:
		return kd_cursor_u64(&c);
	}
}

static int check_protocol(const struct kd_kexec_kernel_file *k, const char *name,
			  struct kd_err *err)
{
	unsigned int version = (unsigned int)field(k, OFF_VERSION, 2);

	if (version < VERSION_2_12)
		return kd_fail(err, KD_NOTSUP,
			       "%s uses boot protocol %u.%02u; kexec_load needs the 64-bit entry "
			       "of 2.12 and later",
			       name, version >> 8, version & 0xff);
	if (!(field(k, OFF_XLOADFLAGS, 2) & XLF_KERNEL_64))
		return kd_fail(err, KD_NOTSUP,
			       "%s has no 64-bit entry (XLF_KERNEL_64 is not set): it is a 32-bit "
			       "kernel; name one for x86_64",
			       name);
	if (!field(k, OFF_RELOCATABLE, 1))
		return kd_fail(err, KD_NOTSUP,
			       "%s runs at one address only (built without "
			       "CONFIG_RELOCATABLE)",
			       name);
	return 0;
}

static int parse_sizes(struct kd_kexec_kernel_file *k, const char *name, struct kd_err *err)
{
	uint64_t sectors = field(k, OFF_SETUP_SECTS, 1);
	uint64_t real_mode = ((sectors ? sectors : 4) + 1) * SECTOR;
	size_t header_end = OFF_MAGIC + field(k, OFF_JUMP, 1);

	if (k->file_bytes <= real_mode + ENTRY_64)
		return kd_fail(err, KD_BADDATA, "%s is cut short: %zu bytes, of them %ju set-up",
			       name, k->file_bytes, (uintmax_t)real_mode);
	k->payload = k->file + real_mode;
	k->payload_bytes = k->file_bytes - real_mode;
	k->mem_bytes = field(k, OFF_INIT_SIZE, 4);
	if (k->mem_bytes < k->payload_bytes)
		k->mem_bytes = k->payload_bytes;
	k->align = field(k, OFF_ALIGN, 4);
	if (k->align < KD_KEXEC_PAGE || k->align > MAX_RUN_BYTES || (k->align & (k->align - 1)))
		return kd_fail(err, KD_BADDATA, "%s: its alignment 0x%jx is no power of two", name,
			       (uintmax_t)k->align);
	if (k->mem_bytes > MAX_RUN_BYTES)
		return kd_fail(err, KD_BADDATA, "%s says it needs 0x%jx bytes to start", name,
			       (uintmax_t)k->mem_bytes);
	if (header_end < HEAD_BYTES - 4 ||
	    header_end > KD_KEXEC_SETUP_AT + KD_KEXEC_SETUP_MAX_BYTES)
		return kd_fail(err, KD_BADDATA, "%s: its set-up header ends at 0x%zx", name,
			       header_end);
	k->setup = k->file + KD_KEXEC_SETUP_AT;
	k->setup_bytes = header_end - KD_KEXEC_SETUP_AT;
	return 0;
}

static int parse_bzimage(struct kd_kexec_kernel_file *k, const char *name, struct kd_err *err)
{
	if (k->file_bytes < HEAD_BYTES || field(k, OFF_BOOT_FLAG, 2) != BOOT_FLAG ||
	    memcmp(k->file + OFF_MAGIC, "HdrS", 4) != 0)
		return kd_fail(err, KD_BADDATA,
			       "%s is not a Linux kernel: neither a bzImage nor an ELF vmlinux",
			       name);
	int rc = check_protocol(k, name, err);
	if (!rc)
		rc = parse_sizes(k, name, err);
	if (rc)
		return rc;
	k->entry = ENTRY_64;
	k->preferred = field(k, OFF_PREFERRED, 8);
	k->cmdline_max = field(k, OFF_CMDLINE_SIZE, 4);
	k->max_paddr = UINT64_MAX;
	k->initrd_max = UINT64_MAX;
	k->from_5level = field(k, OFF_XLOADFLAGS, 2) & XLF_5LEVEL;
	if (!(field(k, OFF_XLOADFLAGS, 2) & XLF_ABOVE_4G)) {
		k->max_paddr = UINT32_MAX;
		k->initrd_max = field(k, OFF_INITRD_MAX, 4);
	}
	return 0;
}

int kd_kexec_kernel_parse(uint8_t *file, size_t bytes, const char *name,
			  struct kd_kexec_kernel_file *ret, struct kd_err *err)
{
	KD_AUTO(kd_kexec_kernel_fini)
	struct kd_kexec_kernel_file k = { .file = file, .file_bytes = bytes };
	int rc = kd_elf_is_elf(file, bytes) ? kd_kexec_elf_kernel_parse(&k, name, err)
					    : parse_bzimage(&k, name, err);

	if (rc)
		return rc;
	*ret = k;
	k = (struct kd_kexec_kernel_file){ 0 };
	return 0;
}

void kd_kexec_kernel_fini(struct kd_kexec_kernel_file *k)
{
	free(k->file);
	free(k->owned_payload);
	*k = (struct kd_kexec_kernel_file){ 0 };
}
