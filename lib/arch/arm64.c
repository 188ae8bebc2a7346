/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * arm64: pages of 4, 16 or 64 KiB, and as many levels as the virtual addresses
 * in use need. Facts from the Arm Architecture Reference Manual (D8, VMSAv8-64)
 * and from Linux arch/arm64:
 *
 *  - A kernel built for 52-bit addresses runs on processors without them. With
 *    64 KiB pages its tables stay the same: the root has 1024 entries of which
 *    only the last are used. With 4 and 16 KiB pages (LPA2, Linux commit
 *    0dd4f60a2c76 ("arm64: mm: Add support for folding PUDs at runtime"), v6.9)
 *    there is one level less.
 *  - With 64 KiB pages bits 51:48 of an address stand in bits 15:12 of an entry,
 *    which are zero on processors that know no such addresses.
 *  - With LPA2, in use exactly when 4 or 16 KiB pages have 52-bit virtual
 *    addresses, bits 51:50 stand in bits 9:8; else those bits say how memory is
 *    shared and are not zero.
 */
#include "lib/arch/internal.h"

enum {
	VALID = 1 << 0,
	TABLE_OR_PAGE = 1 << 1,
	SHIFT_64K = 16,
	MIN_VA_BITS = 36,
	MAX_VA_BITS = 52,
};

static bool is_va_bits(int64_t bits)
{
	return bits >= MIN_VA_BITS && bits <= MAX_VA_BITS;
}

static unsigned int levels_for(unsigned int va_bits, unsigned int page_shift)
{
	unsigned int per_level = page_shift - 3;

	return (va_bits - page_shift + per_level - 1) / per_level;
}

static unsigned int log2_of(uint32_t size)
{
	return 31 - (unsigned int)__builtin_clz(size);
}

static int find_geometry(struct kd_arch *a, struct kd_err *err)
{
	const struct kd_vmcoreinfo *info = kd_vmcore_info(a->core);
	int64_t configured, t1sz;

	if (!kd_vmcoreinfo_number(info, "VA_BITS", &configured))
		return kd_fail(err, KD_NOTSUP, "vmcoreinfo has no NUMBER(VA_BITS)");
	if (!is_va_bits(configured))
		return kd_fail(err, KD_BADDATA, "vmcoreinfo: NUMBER(VA_BITS)=%jd cannot be",
			       (intmax_t)configured);

	/*
	 * Linux commit bbdbc11804ff ("arm64/crash_core: Export TCR_EL1.T1SZ in
	 * vmcoreinfo") (v5.9); without it VA_BITS is taken to be in use.
	 */
	a->va_bits = (unsigned int)configured;
	if (kd_vmcoreinfo_number(info, "TCR_EL1_T1SZ", &t1sz)) {
		if (!is_va_bits(64 - t1sz) || 64 - t1sz > configured)
			return kd_fail(err, KD_BADDATA,
				       "vmcoreinfo: NUMBER(TCR_EL1_T1SZ)=%jd cannot be",
				       (intmax_t)t1sz);
		a->va_bits = (unsigned int)(64 - t1sz);
	}
	a->page_shift = log2_of(kd_vmcore_page_size(a->core));
	a->levels = levels_for(a->va_bits, a->page_shift);
	a->lpa2 = a->page_shift != SHIFT_64K && a->va_bits == MAX_VA_BITS;

	unsigned int root_va_bits = a->va_bits;
	if (levels_for((unsigned int)configured, a->page_shift) == a->levels)
		root_va_bits = (unsigned int)configured;
	a->root_bits = root_va_bits - a->page_shift - (a->levels - 1) * (a->page_shift - 3);
	return 0;
}

static int init(struct kd_arch *a, struct kd_err *err)
{
	const struct kd_vmcoreinfo *info = kd_vmcore_info(a->core);
	int64_t voffset, mask;
	uint64_t vaddr;

	int rc = find_geometry(a, err);
	if (rc)
		return rc;
	if (!kd_vmcoreinfo_symbol(info, "swapper_pg_dir", &vaddr))
		return kd_fail(err, KD_NOTSUP, "vmcoreinfo has no SYMBOL(swapper_pg_dir)");
	if (!kd_vmcoreinfo_number(info, "kimage_voffset", &voffset))
		return kd_fail(err, KD_NOTSUP, "vmcoreinfo has no NUMBER(kimage_voffset)");
	a->root_paddr = vaddr - (uint64_t)voffset;
	if (kd_vmcoreinfo_number(info, "KERNELPACMASK", &mask))
		a->pac_mask = (uint64_t)mask;
	return 0;
}

/* The kernel's half: all bits above those in use are ones. */
static bool is_valid(const struct kd_arch *a, uint64_t vaddr)
{
	return (int64_t)vaddr >> a->va_bits == -1;
}

static uint64_t address_of(const struct kd_arch *a, uint64_t entry)
{
	uint64_t low = (1ULL << a->page_shift) - 1;

	if (a->lpa2)
		return (entry & 0x0003ffffffffffff & ~low) | (entry >> 8 & 0x3) << 50;
	if (a->page_shift == SHIFT_64K)
		return (entry & 0x0000ffffffffffff & ~low) | (entry >> 12 & 0xf) << 48;
	return entry & 0x0000ffffffffffff & ~low;
}

static enum kd_pte decode(const struct kd_arch *a, unsigned int level, uint64_t entry,
			  uint64_t *paddr_ret)
{
	if (!(entry & VALID))
		return KD_PTE_NONE;
	*paddr_ret = address_of(a, entry);
	if (level == 0)
		return entry & TABLE_OR_PAGE ? KD_PTE_LEAF : KD_PTE_NONE;
	return entry & TABLE_OR_PAGE ? KD_PTE_TABLE : KD_PTE_LEAF;
}

const struct kd_arch_ops kd_arch_arm64 = {
	.machine = KD_MACHINE_ARM64,
	.name = "arm64",
	.init = init,
	.is_valid = is_valid,
	.decode = decode,
};
