/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * arch - what differs between processors when a dead kernel's memory is read:
 * kernel virtual to physical addresses, through the kernel's own page tables, as
 * far as vmcoreinfo and the dump go. One file for each architecture, x86_64 and
 * arm64; a new one is a file and a row in the table of arch.c.
 *
 * The page tables come from the dump and may say anything: a walk is as deep as
 * the table has levels, and every address is checked when it is read.
 *
 * Threads: one kd_arch for each; any number may be open on one kd_vmcore.
 * Memory: one page for each level, and a 64 KiB window.
 */
#ifndef KD_LIB_ARCH_ARCH_H
#define KD_LIB_ARCH_ARCH_H

#include "lib/base/base.h"
#include "lib/vmcore/vmcore.h"

#include <stddef.h>
#include <stdint.h>

struct kd_arch;

/**
 * kd_arch_open() - find the kernel's page tables
 * @core: borrowed, must stay open
 * @ret: kd_arch_close()
 *
 * What it goes by: on x86_64 SYMBOL(init_top_pgt), init_level4_pgt or
 * swapper_pg_dir, NUMBER(phys_base), NUMBER(pgtable_l5_enabled), NUMBER(sme_mask),
 * NUMBER(KERNEL_IMAGE_SIZE); on arm64 SYMBOL(swapper_pg_dir), NUMBER(VA_BITS),
 * NUMBER(TCR_EL1_T1SZ), NUMBER(kimage_voffset), NUMBER(KERNELPACMASK).
 * Nothing of the tables is read yet.
 *
 * Return: 0; -KD_NOTSUP another machine, or vmcoreinfo lacks a line that is
 * needed (the message names it); -KD_BADDATA a line's value cannot be; -KD_NOMEM.
 */
int kd_arch_open(struct kd_vmcore *core, struct kd_arch **ret, struct kd_err *err) KD_MUST_CHECK;
void kd_arch_close(struct kd_arch *a);
void kd_arch_closep(struct kd_arch **a);

/** kd_arch_name() - "x86_64", "arm64" */
const char *kd_arch_name(const struct kd_arch *a);

/** kd_arch_levels() - of the page table: 4 or 5 on x86_64, 2 to 5 on arm64 */
unsigned int kd_arch_levels(const struct kd_arch *a);

/**
 * kd_arch_vtop() - kernel virtual to physical
 * @want: how many bytes are of interest; at least 1
 * @paddr_ret: where @vaddr lies; untouched unless 1 is returned
 * @len_ret: with 1: how many bytes from @vaddr lie side by side in physical memory, at most
 *           @want; with 0: how many from @vaddr on are not mapped, at least 1, maybe more
 *           than @want (a whole empty upper-level entry is one step)
 *
 * Where a page table is not in the dump the p_vaddr of the ELF segments is taken.
 *
 * Return: 1 mapped; 0 not mapped; -KD_BADDATA a table is not in the dump or not
 * intact; -KD_SYS the dump cannot be read.
 */
int kd_arch_vtop(struct kd_arch *a, uint64_t vaddr, uint64_t want, uint64_t *paddr_ret,
		 uint64_t *len_ret, struct kd_err *err) KD_MUST_CHECK;

/**
 * kd_arch_read() - copy kernel memory by virtual address; all of it or an error
 *
 * Return: 0; as kd_arch_vtop() and kd_vmcore_read(), -KD_BADDATA where some of it
 * is not mapped.
 */
int kd_arch_read(struct kd_arch *a, uint64_t vaddr, void *buf, size_t len,
		 struct kd_err *err) KD_MUST_CHECK;

/**
 * kd_arch_pointer() - a pointer found in memory as an address
 *
 * Puts back the bits in which arm64 signs return addresses; as it is elsewhere.
 */
uint64_t kd_arch_pointer(const struct kd_arch *a, uint64_t value);

#endif
