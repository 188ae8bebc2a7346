/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kernels made of a few fields, for tests of the loader. */
#ifndef KD_TESTS_UNIT_SUPPORT_KEXEC_H
#define KD_TESTS_UNIT_SUPPORT_KEXEC_H

#include <stddef.h>
#include <stdint.h>

enum { KX_BZIMAGE_BYTES = 0x2000, KX_VMLINUX_BYTES = 0x3000 };

/*
 * A bzImage: boot protocol 2.15, 64-bit entry, one sector of set-up, 16 MiB preferred,
 * 2 MiB alignment, init_size 24 MiB, command lines of 2047 bytes. free()
 */
uint8_t *make_bzimage(void);

/*
 * A vmlinux: two segments, 0x1000000 (0x1000 bytes in file and memory) and 0x1200000
 * (0x800 bytes, 0x2000 in memory), entry 0x1000040. free()
 */
uint8_t *make_vmlinux(void);

void put_number(uint8_t *at, uint64_t value, unsigned int bytes);

#endif
