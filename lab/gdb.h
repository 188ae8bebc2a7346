/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * gdb - QEMU's debugger channel (GDB's remote serial protocol), for one thing only:
 * to overwrite the guest's physical memory behind its kernel's back, as a stray DMA
 * would. The guest stands still meanwhile.
 */
#ifndef KD_LAB_GDB_H
#define KD_LAB_GDB_H

#include "lib/base/base.h"

#include <stdint.h>

enum { KD_LAB_GDB_FILL_MAX = 64 << 10 };

/**
 * kd_lab_gdb_fill() - set @len bytes from physical address @paddr to @byte
 * @fd: the channel; blocking or not
 *
 * Return: 0; -KD_USAGE more than KD_LAB_GDB_FILL_MAX bytes; -KD_SYS QEMU refuses, has
 * ended, or says nothing for 60 s.
 */
int kd_lab_gdb_fill(int fd, uint64_t paddr, uint64_t len, uint8_t byte,
		    struct kd_err *err) KD_MUST_CHECK;

#endif
