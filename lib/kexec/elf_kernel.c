/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An ELF vmlinux, as the kernel's build leaves it. Its entry is startup_64 at a physical
 * address; the code there corrects its page tables for any other address that differs by
 * a multiple of 2 MiB (Linux arch/x86/kernel/head64.c, __startup_64), so the segments may
 * be moved together, as one piece of memory.
 */
#include "lib/kexec/internal.h"
#include "lib/ondisk/elf.h"

#include <string.h>

enum {
	ELF_TYPE_EXEC = 2,
	ELF_TYPE_DYN = 3,
	MAX_SEGMENTS = 64,
	ALIGN_2M = 2 << 20,
	MAX_SPAN_BYTES = 1 << 30,
	CMDLINE_MAX = 2047, /* COMMAND_LINE_SIZE of x86, less its NUL */
};

struct elf {
	uint64_t entry, phoff;
	unsigned int phnum, phentsize;
	struct kd_elf_phdr loads[MAX_SEGMENTS];
	size_t load_count;
	uint64_t first, file_end, mem_end; /* physical; ends are first bytes behind */
};

static int read_header(const struct kd_kexec_kernel_file *k, const char *name, struct elf *elf,
		       struct kd_err *err)
{
	struct kd_cursor c = { .p = k->file, .end = k->file + k->file_bytes };
	const uint8_t *ident = kd_cursor_bytes(&c, 16);
	bool is_64_lsb = ident && ident[4] == 2 && ident[5] == 1;
	unsigned int type = kd_cursor_u16(&c), machine = kd_cursor_u16(&c);

	kd_cursor_skip(&c, 4);
	elf->entry = kd_cursor_u64(&c);
	elf->phoff = kd_cursor_u64(&c);
	kd_cursor_skip(&c, 8 + 4 + 2);
	elf->phentsize = kd_cursor_u16(&c);
	elf->phnum = kd_cursor_u16(&c);
	if (c.bad)
		return kd_fail(err, KD_BADDATA, "%s: its ELF header is cut short", name);
	if (!is_64_lsb || machine != KD_ELF_MACHINE_X86_64 ||
	    (type != ELF_TYPE_EXEC && type != ELF_TYPE_DYN))
		return kd_fail(err, KD_NOTSUP,
			       "%s is an ELF file, but no program for x86_64 (machine %u, type %u)",
			       name, machine, type);
	if (elf->phnum == 0 || elf->phnum > MAX_SEGMENTS || elf->phentsize < KD_ELF_PHDR_BYTES)
		return kd_fail(err, KD_BADDATA, "%s: %u segments of %u bytes are no vmlinux", name,
			       elf->phnum, elf->phentsize);
	return 0;
}

static int take_load(const struct kd_kexec_kernel_file *k, const char *name, struct elf *elf,
		     const struct kd_elf_phdr *p, struct kd_err *err)
{
	uint64_t file_end = 0, mem_end = 0, in_file = 0;

	if (__builtin_add_overflow(p->paddr, p->memsz, &mem_end) || p->filesz > p->memsz ||
	    __builtin_add_overflow(p->offset, p->filesz, &in_file) || in_file > k->file_bytes)
		return kd_fail(err, KD_BADDATA,
			       "%s: the segment for 0x%jx contradicts itself or the file's length",
			       name, (uintmax_t)p->paddr);
	file_end = p->paddr + p->filesz;
	if (elf->load_count == 0 || p->paddr < elf->first)
		elf->first = p->paddr;
	if (file_end > elf->file_end)
		elf->file_end = file_end;
	if (mem_end > elf->mem_end)
		elf->mem_end = mem_end;
	elf->loads[elf->load_count++] = *p;
	return 0;
}

static int read_segments(const struct kd_kexec_kernel_file *k, const char *name, struct elf *elf,
			 struct kd_err *err)
{
	int rc = 0;

	for (unsigned int i = 0; !rc && i < elf->phnum; i++) {
		struct kd_elf_phdr p = { 0 };
		uint64_t at = 0;
		if (__builtin_add_overflow(elf->phoff, (uint64_t)i * elf->phentsize, &at) ||
		    at > k->file_bytes)
			return kd_fail(err, KD_BADDATA, "%s: its segment table is cut short", name);
		rc = kd_elf_decode_phdr(k->file + at, k->file_bytes - at, false, &p, err);
		if (!rc && p.type == KD_ELF_PT_LOAD && p.memsz)
			rc = take_load(k, name, elf, &p, err);
	}
	if (rc)
		return rc;
	if (elf->load_count == 0 || elf->mem_end - elf->first > MAX_SPAN_BYTES)
		return kd_fail(err, KD_BADDATA,
			       "%s: its segments span 0x%jx to 0x%jx: not a kernel's physical "
			       "addresses",
			       name, (uintmax_t)elf->first, (uintmax_t)elf->mem_end);
	if (elf->first % ALIGN_2M || elf->entry < elf->first || elf->entry >= elf->file_end)
		return kd_fail(err, KD_NOTSUP,
			       "%s: its entry 0x%jx is not a physical address inside its segments "
			       "(0x%jx to 0x%jx, on 2 MiB): not a vmlinux of the kernel's build",
			       name, (uintmax_t)elf->entry, (uintmax_t)elf->first,
			       (uintmax_t)elf->file_end);
	return 0;
}

/*
 * A vmlinux is entered behind the code of the bzImage that would turn the page tables into
 * those it was built for, and has no header that tells which. With CONFIG_X86_5LEVEL it has
 * this variable (Linux v6.12, arch/x86/kernel/head64.c).
 */
static bool takes_5level(const struct kd_kexec_kernel_file *k)
{
	static const char symbol[] = "\0__pgtable_l5_enabled";

	return memmem(k->file, k->file_bytes, symbol, sizeof(symbol)) != NULL;
}

int kd_kexec_elf_kernel_parse(struct kd_kexec_kernel_file *k, const char *name, struct kd_err *err)
{
	struct elf elf = { 0 };
	int rc = read_header(k, name, &elf, err);

	if (!rc)
		rc = read_segments(k, name, &elf, err);
	if (rc)
		return rc;
	k->payload_bytes = elf.file_end - elf.first;
	k->owned_payload = calloc(1, k->payload_bytes);
	if (!k->owned_payload)
		return kd_fail(err, KD_NOMEM, "no memory for %s", name);
	for (size_t i = 0; i < elf.load_count; i++)
		memcpy(k->owned_payload + (elf.loads[i].paddr - elf.first),
		       k->file + elf.loads[i].offset, elf.loads[i].filesz);
	k->payload = k->owned_payload;
	k->mem_bytes = elf.mem_end - elf.first;
	k->align = ALIGN_2M;
	k->preferred = elf.first;
	k->entry = elf.entry - elf.first;
	k->max_paddr = UINT64_MAX;
	k->initrd_max = UINT64_MAX;
	k->cmdline_max = CMDLINE_MAX;
	k->from_5level = takes_5level(k);
	return 0;
}
