/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between arch.c and the architectures; for nobody else. */
#ifndef KD_LIB_ARCH_INTERNAL_H
#define KD_LIB_ARCH_INTERNAL_H

#include "lib/arch/arch.h"

enum { KD_ARCH_MAX_LEVELS = 5 };

enum kd_pte { KD_PTE_NONE, KD_PTE_TABLE, KD_PTE_LEAF };

struct kd_arch_ops {
	enum kd_machine machine;
	const char *name;

	/* Fill in the geometry and the root from vmcoreinfo. */
	int (*init)(struct kd_arch *a, struct kd_err *err);

	/* Is @vaddr one the root table can have an entry for? */
	bool (*is_valid)(const struct kd_arch *a, uint64_t vaddr);

	/* An address that needs no table: 1 and *paddr_ret, *len_ret, or 0. May be NULL. */
	int (*linear)(const struct kd_arch *a, uint64_t vaddr, uint64_t *paddr_ret,
		      uint64_t *len_ret);

	/* What @entry of a table at @level (0: maps pages) is, and the address in it. */
	enum kd_pte (*decode)(const struct kd_arch *a, unsigned int level, uint64_t entry,
			      uint64_t *paddr_ret);
};

struct kd_arch {
	const struct kd_arch_ops *ops;
	struct kd_vmcore *core;
	struct kd_vmcore_window *window;

	unsigned int levels;
	unsigned int page_shift;
	unsigned int root_bits; /* the root table has 2^root_bits entries */
	uint64_t root_paddr;

	/* The table page last read at each level. */
	struct kd_arch_table {
		uint64_t paddr;
		bool valid;
		uint8_t *bytes;
	} tables[KD_ARCH_MAX_LEVELS];

	/* x86_64 */
	uint64_t phys_base;
	uint64_t image_bytes;
	uint64_t sme_mask;
	/* arm64 */
	unsigned int va_bits; /* in use, not configured */
	bool lpa2;
	uint64_t pac_mask;
};

extern const struct kd_arch_ops kd_arch_x86_64;
extern const struct kd_arch_ops kd_arch_arm64;

#endif
