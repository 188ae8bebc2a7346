/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * x86_64: four levels of tables, five where the kernel says so, 512 entries each.
 * The kernel image is mapped at a fixed distance from where it lies (phys_base),
 * so the root table is found without a table; KASLR moves both and needs no care.
 */
#include "lib/arch/internal.h"

/* Linux arch/x86/include/asm/page_64_types.h, __START_KERNEL_map */
static const uint64_t image_start = 0xffffffff80000000;

enum {
	PAGE_SHIFT = 12,
	PRESENT = 1 << 0,
	HUGE = 1 << 7,
	LEVEL_BITS = 9,
	/* without KASLR, when the kernel does not tell (KERNEL_IMAGE_SIZE since v4.15) */
	DEFAULT_IMAGE_BYTES = 512 << 20,
	MAX_IMAGE_BYTES = 1 << 30,
};

/* Bits 51 to 12 of an entry. */
static const uint64_t address_mask = 0x000ffffffffff000;

static bool find_phys_base(struct kd_arch *a)
{
	const struct kd_vmcore_diskdump_info *dd = kd_vmcore_diskdump(a->core);
	int64_t number;
	uint64_t paddr, len;

	if (kd_vmcoreinfo_number(kd_vmcore_info(a->core), "phys_base", &number)) {
		a->phys_base = (uint64_t)number;
		return true;
	}
	/* Older kernels (before v4.10): from a segment of the image, or the dumping tool. */
	uint64_t stext;
	if (kd_vmcoreinfo_symbol(kd_vmcore_info(a->core), "_stext", &stext) &&
	    kd_vmcore_vaddr_to_paddr(a->core, stext, &paddr, &len)) {
		a->phys_base = paddr - (stext - image_start);
		return true;
	}
	if (dd)
		a->phys_base = dd->phys_base;
	return dd != NULL;
}

static int find_root(struct kd_arch *a, struct kd_err *err)
{
	static const char *const names[] = { "init_top_pgt", "init_level4_pgt", "swapper_pg_dir" };
	uint64_t vaddr;

	for (size_t i = 0; i < KD_ARRAY_LEN(names); i++) {
		if (!kd_vmcoreinfo_symbol(kd_vmcore_info(a->core), names[i], &vaddr))
			continue;
		if (vaddr < image_start || vaddr - image_start >= a->image_bytes)
			return kd_fail(err, KD_BADDATA,
				       "vmcoreinfo: SYMBOL(%s)=%jx is not in the kernel image",
				       names[i], (uintmax_t)vaddr);
		a->root_paddr = vaddr - image_start + a->phys_base;
		return 0;
	}
	return kd_fail(err, KD_NOTSUP, "vmcoreinfo has no SYMBOL(swapper_pg_dir)");
}

static int init(struct kd_arch *a, struct kd_err *err)
{
	const struct kd_vmcoreinfo *info = kd_vmcore_info(a->core);
	int64_t number;

	a->page_shift = PAGE_SHIFT;
	a->levels = 4;
	a->root_bits = LEVEL_BITS;
	if (kd_vmcoreinfo_number(info, "pgtable_l5_enabled", &number) && number)
		a->levels = 5;
	if (kd_vmcoreinfo_number(info, "sme_mask", &number))
		a->sme_mask = (uint64_t)number;
	a->image_bytes = DEFAULT_IMAGE_BYTES;
	if (kd_vmcoreinfo_number(info, "KERNEL_IMAGE_SIZE", &number) && number > 0 &&
	    number <= MAX_IMAGE_BYTES)
		a->image_bytes = (uint64_t)number;
	if (!find_phys_base(a))
		return kd_fail(err, KD_NOTSUP, "vmcoreinfo has no NUMBER(phys_base)");
	return find_root(a, err);
}

/* Canonical: the bits above the tables' reach repeat the highest one within. */
static bool is_valid(const struct kd_arch *a, uint64_t vaddr)
{
	unsigned int top = PAGE_SHIFT + a->levels * LEVEL_BITS - 1;

	return (int64_t)vaddr >> top == 0 || (int64_t)vaddr >> top == -1;
}

static int linear(const struct kd_arch *a, uint64_t vaddr, uint64_t *paddr_ret, uint64_t *len_ret)
{
	if (vaddr < image_start || vaddr - image_start >= a->image_bytes)
		return 0;
	*paddr_ret = vaddr - image_start + a->phys_base;
	*len_ret = a->image_bytes - (vaddr - image_start);
	return 1;
}

static enum kd_pte decode(const struct kd_arch *a, unsigned int level, uint64_t entry,
			  uint64_t *paddr_ret)
{
	if (!(entry & PRESENT))
		return KD_PTE_NONE;
	*paddr_ret = entry & address_mask & ~a->sme_mask;
	if (level == 0)
		return KD_PTE_LEAF;
	/* 2 MiB and 1 GiB; above that the bit must be 0. */
	if (entry & HUGE)
		return level <= 2 ? KD_PTE_LEAF : KD_PTE_NONE;
	return KD_PTE_TABLE;
}

const struct kd_arch_ops kd_arch_x86_64 = {
	.machine = KD_MACHINE_X86_64,
	.name = "x86_64",
	.init = init,
	.is_valid = is_valid,
	.linear = linear,
	.decode = decode,
};
