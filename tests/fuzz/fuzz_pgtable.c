/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The first byte chooses a machine and the shape of its page tables, the next eight
 * are an address to look for; the rest is physical memory from 0 on, where the root
 * table lies.
 */
#include "lib/arch/arch.h"
#include "tests/gen/mkvmcore.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct {
	uint16_t machine;
	uint32_t page_bytes;
	const char *info;
} shapes[] = {
	{ 62, 4096, "NUMBER(pgtable_l5_enabled)=0\n" },
	{ 62, 4096, "NUMBER(pgtable_l5_enabled)=1\nNUMBER(sme_mask)=140737488355328\n" },
	{ 183, 4096, "NUMBER(VA_BITS)=39\n" },
	{ 183, 4096, "NUMBER(VA_BITS)=52\n" },
	{ 183, 4096, "NUMBER(VA_BITS)=52\nNUMBER(TCR_EL1_T1SZ)=0x10\n" },
	{ 183, 16384, "NUMBER(VA_BITS)=36\n" },
	{ 183, 16384, "NUMBER(VA_BITS)=52\n" },
	{ 183, 65536, "NUMBER(VA_BITS)=52\n" },
};

static void translate(struct kd_arch *a, uint64_t vaddr)
{
	uint64_t paddr, len, end;
	uint8_t bytes[100];
	struct kd_err err = { 0 };
	int rc = kd_arch_vtop(a, vaddr, 1 << 20, &paddr, &len, &err);

	if (rc < 0 && !err.msg[0])
		abort(); /* a refusal has a reason */
	if (rc >= 0 && len == 0)
		abort(); /* whoever steps on by it would not end */
	if (rc == 1 && (len > 1 << 20 || __builtin_add_overflow(paddr, len, &end)))
		abort();
	(void)!kd_arch_read(a, vaddr, bytes, sizeof(bytes), &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	KD_AUTO(kd_gen_freep) struct kd_gen *g = NULL;
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("fuzz");
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = NULL;
	KD_AUTO(kd_arch_closep) struct kd_arch *a = NULL;
	struct kd_cursor c = { .p = data, .end = data + size };
	struct kd_err err;

	size_t shape = kd_cursor_u8(&c) % KD_ARRAY_LEN(shapes);
	uint64_t vaddr = kd_cursor_u64(&c);
	size_t len = kd_cursor_left(&c);
	const uint8_t *memory = kd_cursor_bytes(&c, len);
	if (c.bad || len == 0)
		return 0;

	g = kd_gen_new(shapes[shape].machine, shapes[shape].page_bytes);
	kd_gen_info(g, "PAGESIZE=%u\n%s", shapes[shape].page_bytes, shapes[shape].info);
	kd_gen_info(g, "SYMBOL(swapper_pg_dir)=ffffffff80000000\nNUMBER(phys_base)=0\n"
		       "NUMBER(kimage_voffset)=0xffffffff80000000\n");
	kd_gen_write(g, 0, memory, len);
	kd_gen_segment(g, 0, len + 65536, len + 65536, 0);
	kd_gen_elf(g, fd, NULL);
	if (kd_vmcore_open(fd, "fuzz", NULL, &core, &err) || kd_arch_open(core, &a, &err))
		abort(); /* file and vmcoreinfo are right */
	translate(a, vaddr);
	translate(a, vaddr | 0xffff000000000000);
	for (unsigned int bit = 12; bit < 56; bit += 3)
		translate(a, (vaddr ^ 1ULL << bit) | 0xff00000000000000);
	return 0;
}
