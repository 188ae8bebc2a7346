/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the new kernel is handed: the boot parameters ("zero page"), behind them the
 * command line, then what setup_data leads to. One block, one segment. Offsets: Linux
 * Documentation/arch/x86/zero-page.rst and boot.rst.
 */
#include "lib/kexec/internal.h"
#include "lib/ondisk/put.h"

#include <string.h>

enum {
	OFF_SCREEN_INFO = 0x000,
	SCREEN_INFO_BYTES = 0x40,
	OFF_ACPI_RSDP = 0x070,
	OFF_INITRD_HIGH = 0x0c0,
	OFF_INITRD_SIZE_HIGH = 0x0c4,
	OFF_CMDLINE_HIGH = 0x0c8,
	OFF_EFI_INFO = 0x1c0,
	OFF_E820_COUNT = 0x1e8,
	OFF_EDD_COUNT = 0x1e9,
	OFF_EDD_SIG_COUNT = 0x1ea,
	OFF_SECURE_BOOT = 0x1ec,
	OFF_BOOT_FLAG = 0x1fe,
	OFF_MAGIC = 0x202,
	OFF_VERSION = 0x206,
	OFF_LOADER = 0x210,
	OFF_LOADFLAGS = 0x211,
	OFF_INITRD = 0x218,
	OFF_INITRD_SIZE = 0x21c,
	OFF_CMDLINE = 0x228,
	OFF_SUBARCH = 0x23c,
	OFF_SETUP_DATA = 0x250,
	OFF_EDD_SIGS = 0x290,
	EDD_SIGS_BYTES = 16 * 4,
	OFF_E820 = 0x2d0,
	OFF_EDD = 0xd00,
	EDD_BYTES = 6 * 82,

	E820_ENTRY_BYTES = 20,
	E820_IN_PAGE = 128,
	LOADER_KEXEC = 0xd0, /* boot.rst: 0xD, kexec */
	LOADED_HIGH = 1,
	VERSION = 0x20f,

	SETUP_DATA_HEAD = 16, /* next, type, length */
	SETUP_E820_EXT = 1,
	SETUP_EFI = 4,
	EFI_SETUP_BYTES = 32, /* struct efi_setup_data: fw_vendor, unused, tables, smbios */
	EFI_DESCRIPTOR_BYTES = 40,
};

static uint64_t align8(uint64_t n)
{
	return (n + 7) / 8 * 8;
}

/* Where the parts begin, from the block's start. */
struct layout {
	uint64_t cmdline;
	uint64_t e820_ext; /* 0: none */
	uint64_t efi;	   /* 0: none */
	uint64_t efi_map;
	uint64_t bytes;
};

static struct layout lay_out(const struct kd_kexec_boot *b)
{
	struct layout l = { .cmdline = KD_KEXEC_BOOT_PARAMS_BYTES };
	uint64_t at = align8(l.cmdline + strlen(b->cmdline) + 1);

	if (b->memmap->n > E820_IN_PAGE) {
		l.e820_ext = at;
		at = align8(at + SETUP_DATA_HEAD +
			    (b->memmap->n - E820_IN_PAGE) * E820_ENTRY_BYTES);
	}
	if (b->machine->efi.usable) {
		l.efi = at;
		at += SETUP_DATA_HEAD + EFI_SETUP_BYTES;
		l.efi_map = at;
		at += b->machine->efi.map_bytes;
	}
	l.bytes = at;
	return l;
}

uint64_t kd_kexec_boot_bytes(const struct kd_kexec_boot *b)
{
	return lay_out(b).bytes;
}

static void put_split(uint8_t *page, size_t low, size_t high, uint64_t value)
{
	kd_put_u32(page + low, (uint32_t)value);
	kd_put_u32(page + high, (uint32_t)(value >> 32));
}

static void put_setup_header(const struct kd_kexec_boot *b, uint8_t *page)
{
	const struct kd_kexec_kernel_file *k = b->kernel;

	if (k->setup) {
		memcpy(page + KD_KEXEC_SETUP_AT, k->setup, k->setup_bytes);
	} else {
		kd_put_u16(page + OFF_BOOT_FLAG, 0xaa55);
		memcpy(page + OFF_MAGIC, "HdrS", 4);
		kd_put_u16(page + OFF_VERSION, VERSION);
	}
	page[OFF_LOADER] = LOADER_KEXEC;
	page[OFF_LOADFLAGS] = LOADED_HIGH;
	kd_put_u64(page + OFF_SETUP_DATA, 0);
	put_split(page, OFF_INITRD, OFF_INITRD_HIGH, b->initrd_paddr);
	put_split(page, OFF_INITRD_SIZE, OFF_INITRD_SIZE_HIGH, b->initrd_bytes);
}

/* What the firmware told the running kernel and will not tell again. */
static void copy_inherited(const struct kd_kexec_host *m, uint8_t *page)
{
	static const struct {
		size_t at, bytes;
	} parts[] = {
		{ OFF_SCREEN_INFO, SCREEN_INFO_BYTES },
		{ OFF_ACPI_RSDP, 8 },
		{ OFF_EDD_COUNT, 2 },
		{ OFF_SUBARCH, 4 },
		{ OFF_EDD_SIGS, EDD_SIGS_BYTES },
		{ OFF_EDD, EDD_BYTES },
		{ OFF_SECURE_BOOT, 1 },
	};
	uint8_t rsdp[8];

	for (size_t i = 0; m->boot_params && i < KD_ARRAY_LEN(parts); i++)
		memcpy(page + parts[i].at, m->boot_params + parts[i].at, parts[i].bytes);
	kd_put_u64(rsdp, m->efi.acpi_rsdp);
	static const uint8_t none[8];
	if (memcmp(page + OFF_ACPI_RSDP, none, sizeof(none)) == 0)
		memcpy(page + OFF_ACPI_RSDP, rsdp, sizeof(rsdp));
}

static void put_e820(uint8_t *out, const struct kd_kexec_range *r)
{
	kd_put_u64(out, r->start);
	kd_put_u64(out + 8, r->end - r->start + 1);
	kd_put_u32(out + 16, r->type);
}

/* Puts a setup_data header at @at and hangs it in front of the list. */
static void link_setup_data(uint8_t *block, uint64_t paddr, uint64_t at, uint32_t type,
			    uint64_t bytes)
{
	memcpy(block + at, block + OFF_SETUP_DATA, 8);
	kd_put_u32(block + at + 8, type);
	kd_put_u32(block + at + 12, (uint32_t)bytes);
	kd_put_u64(block + OFF_SETUP_DATA, paddr + at);
}

static void put_memmap(const struct kd_kexec_boot *b, const struct layout *l, uint64_t paddr,
		       uint8_t *block)
{
	size_t n = b->memmap->n, in_page = n < E820_IN_PAGE ? n : E820_IN_PAGE;

	block[OFF_E820_COUNT] = (uint8_t)in_page;
	for (size_t i = 0; i < in_page; i++)
		put_e820(block + OFF_E820 + i * E820_ENTRY_BYTES, &b->memmap->v[i]);
	if (!l->e820_ext)
		return;
	link_setup_data(block, paddr, l->e820_ext, SETUP_E820_EXT,
			(n - in_page) * E820_ENTRY_BYTES);
	for (size_t i = in_page; i < n; i++)
		put_e820(block + l->e820_ext + SETUP_DATA_HEAD + (i - in_page) * E820_ENTRY_BYTES,
			 &b->memmap->v[i]);
}

/* struct efi_info: signature, systab, descriptor size and version, map, its size, high halves */
static void put_efi(const struct kd_kexec_host *m, const struct layout *l, uint64_t paddr,
		    uint8_t *block)
{
	uint8_t *info = block + OFF_EFI_INFO;
	uint8_t *setup = block + l->efi + SETUP_DATA_HEAD;

	if (!l->efi)
		return;
	memcpy(info, m->boot_params + OFF_EFI_INFO, 32);
	kd_put_u32(info + 8, EFI_DESCRIPTOR_BYTES);
	kd_put_u32(info + 20, (uint32_t)m->efi.map_bytes);
	put_split(info, 16, 28, paddr + l->efi_map);
	link_setup_data(block, paddr, l->efi, SETUP_EFI, EFI_SETUP_BYTES);
	kd_put_u64(setup, m->efi.fw_vendor);
	kd_put_u64(setup + 16, m->efi.config_table);
	kd_put_u64(setup + 24, m->efi.smbios);
	memcpy(block + l->efi_map, m->efi.map, m->efi.map_bytes);
}

int kd_kexec_boot_params(const struct kd_kexec_boot *b, uint64_t paddr, struct kd_buf *out,
			 struct kd_err *err)
{
	const struct layout l = lay_out(b);
	KD_AUTO(kd_freep) uint8_t *block = NULL;

	if (strlen(b->cmdline) > b->kernel->cmdline_max)
		return kd_fail(err, KD_USAGE,
			       "the command line is %zu bytes long with what is added to it, the "
			       "kernel takes %ju: shorten it",
			       strlen(b->cmdline), (uintmax_t)b->kernel->cmdline_max);
	block = calloc(1, l.bytes);
	if (!block)
		return kd_fail(err, KD_NOMEM, "no memory");
	put_setup_header(b, block);
	copy_inherited(b->machine, block);
	memcpy(block + l.cmdline, b->cmdline, strlen(b->cmdline) + 1);
	put_split(block, OFF_CMDLINE, OFF_CMDLINE_HIGH, paddr + l.cmdline);
	put_memmap(b, &l, paddr, block);
	put_efi(b->machine, &l, paddr, block);
	kd_buf_add(out, block, l.bytes);
	return out->bad ? kd_fail(err, KD_NOMEM, "no memory") : 0;
}
