/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A walk over the kernel's page tables as they are: for those who need to know
 * which pages hold them, or what is mapped, and not where one address leads.
 */
#ifndef KD_LIB_ARCH_TABLES_H
#define KD_LIB_ARCH_TABLES_H

#include "lib/arch/arch.h"

#include <stdbool.h>
#include <stdint.h>

struct kd_arch_entry {
	bool is_table;	    /* it points to a table one level down; else it maps memory */
	unsigned int level; /* of the table it stands in; 0: the lowest, which maps pages */
	uint64_t vaddr;	    /* first address it is for */
	uint64_t len_bytes; /* how many */
	uint64_t paddr;	    /* of the table or of the memory */
};

/**
 * kd_arch_visit() - call @fn for each entry in use of the kernel's half
 * @max_tables: read no more than that many tables: what the dump says has no other bound
 * @fn: for a table, true to go down into it; the value for other entries is not looked at.
 *      The root table comes first, with level kd_arch_levels()
 *
 * By rising address. A table that cannot be read is passed over.
 *
 * Return: 0; 1 where @max_tables cut it short; -KD_NOMEM; -KD_NOTSUP for a geometry that is
 * not known.
 */
int kd_arch_visit(struct kd_arch *a, uint64_t max_tables,
		  bool (*fn)(void *arg, const struct kd_arch_entry *entry), void *arg,
		  struct kd_err *err) KD_MUST_CHECK;

#endif
