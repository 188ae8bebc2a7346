/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * gdb - QEMU's debugger channel (GDB's remote serial protocol), for what a guest cannot
 * do by itself: to overwrite its physical memory behind its kernel's back, as a stray
 * DMA would, and to tell what its page tables allow. The guest stands still meanwhile.
 */
#ifndef KD_LAB_GDB_H
#define KD_LAB_GDB_H

#include "lib/base/base.h"

#include <stdint.h>

enum { KD_LAB_GDB_FILL_MAX = 64 << 10, KD_LAB_GDB_SAID_MAX = 16 << 20 };

/**
 * kd_lab_gdb_fill() - set @len bytes from physical address @paddr to @byte
 * @fd: the channel; blocking or not
 *
 * Return: 0; -KD_USAGE more than KD_LAB_GDB_FILL_MAX bytes; -KD_SYS QEMU refuses, has
 * ended, or says nothing for 60 s.
 */
int kd_lab_gdb_fill(int fd, uint64_t paddr, uint64_t len, uint8_t byte,
		    struct kd_err *err) KD_MUST_CHECK;

/**
 * kd_lab_gdb_tell_writable() - write to physical address @answer how much of the @len
 * bytes from virtual address @vaddr the first CPU's page tables map, and map writable:
 * "134217728 bytes mapped, 8192 writable", with a NUL, at most 100 bytes
 *
 * Return: 0; -KD_BADDATA an answer of QEMU's monitor that is not understood; -KD_NOMEM;
 * -KD_SYS as above, or when it says more than KD_LAB_GDB_SAID_MAX bytes.
 */
int kd_lab_gdb_tell_writable(int fd, uint64_t vaddr, uint64_t len, uint64_t answer,
			     struct kd_err *err) KD_MUST_CHECK;

struct kd_lab_mapped {
	uint64_t mapped, writable; /* bytes */
};

/**
 * kd_lab_gdb_mapped() - what QEMU's "info tlb" says of @len bytes from @vaddr; split out for tests
 *
 * ("info mem" would be shorter, but of QEMU 7.2 it says nothing with 5-level page tables.)
 * Return: 0; -KD_BADDATA for a line that is something else.
 */
int kd_lab_gdb_mapped(const char *info_tlb, uint64_t vaddr, uint64_t len, struct kd_lab_mapped *ret,
		      struct kd_err *err) KD_MUST_CHECK;

#endif
