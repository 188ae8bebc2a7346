/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef KD_CRASHKERNEL_INTERNAL_H
#define KD_CRASHKERNEL_INTERNAL_H

#include "crashkernel/crashkernel.h"

enum { KD_CK_RAM_ALIGN = 128 << 20 }; /* Linux 6.12, parse_crashkernel_mem() */

/* One size at the start of a text, as the kernel's memparse() reads it. */
struct kd_ck_token {
	struct kd_ck_size size; /* wrapped, where .wraps */
	size_t len;		/* characters; 0: no size there */
	bool digits;		/* false: a bare unit, which memparse() takes for 0 */
	bool wraps;		/* more than 64 bits */
};

/**
 * kd_ck_token_at() - read one; stops at the first character that cannot belong to it
 *
 * Linux 6.12, lib/cmdline.c memparse() and lib/kstrtox.c _parse_integer_fixup_radix():
 * base 16 behind 0x and a hexadecimal digit, else base 8 behind 0, else 10; no sign, no
 * blank; one unit letter, K M G T P E in either case.
 */
struct kd_ck_token kd_ck_token_at(const char *text);

/** kd_ck_round_ram() - up to the next KD_CK_RAM_ALIGN, 0 where that is beyond 64 bits */
uint64_t kd_ck_round_ram(uint64_t ram_bytes);

#endif
