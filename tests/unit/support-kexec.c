/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/support-kexec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void put_number(uint8_t *at, uint64_t value, unsigned int bytes)
{
	for (unsigned int i = 0; i < bytes; i++)
		at[i] = (uint8_t)(value >> 8 * i);
}

uint8_t *make_bzimage(void)
{
	uint8_t *h = calloc(1, KX_BZIMAGE_BYTES);

	assert_non_null(h);
	h[0x1f1] = 1;
	put_number(h + 0x1fe, 0xaa55, 2);
	h[0x200] = 0xeb;
	h[0x201] = 0x6a; /* header ends at 0x26c */
	memcpy(h + 0x202, "HdrS", 4);
	put_number(h + 0x206, 0x20f, 2);
	h[0x211] = 1;
	put_number(h + 0x22c, 0x7fffffff, 4);
	put_number(h + 0x230, 2 << 20, 4);
	h[0x234] = 1;
	put_number(h + 0x236, 3, 2); /* XLF_KERNEL_64, XLF_CAN_BE_LOADED_ABOVE_4G */
	put_number(h + 0x238, 2047, 4);
	put_number(h + 0x258, 16 << 20, 8);
	put_number(h + 0x260, 24 << 20, 4);
	memset(h + 0x400, 0x5a, KX_BZIMAGE_BYTES - 0x400);
	return h;
}

static void put_phdr(uint8_t *at, uint64_t offset, uint64_t paddr, uint64_t filesz, uint64_t memsz)
{
	put_number(at, 1, 4);
	put_number(at + 4, 5, 4);
	put_number(at + 8, offset, 8);
	put_number(at + 16, 0xffffffff80000000ULL + paddr, 8);
	put_number(at + 24, paddr, 8);
	put_number(at + 32, filesz, 8);
	put_number(at + 40, memsz, 8);
	put_number(at + 48, 0x200000, 8);
}

uint8_t *make_vmlinux(void)
{
	uint8_t *e = calloc(1, KX_VMLINUX_BYTES);

	assert_non_null(e);
	memcpy(e, "\177ELF\2\1\1", 7);
	put_number(e + 16, 2, 2);
	put_number(e + 18, 62, 2);
	put_number(e + 20, 1, 4);
	put_number(e + 24, 0x1000040, 8);
	put_number(e + 32, 64, 8);
	put_number(e + 52, 64, 2);
	put_number(e + 54, 56, 2);
	put_number(e + 56, 2, 2);
	put_phdr(e + 64, 0x1000, 0x1000000, 0x1000, 0x1000);
	put_phdr(e + 64 + 56, 0x2000, 0x1200000, 0x800, 0x2000);
	memset(e + 0x1000, 0x11, 0x1000);
	memset(e + 0x2000, 0x22, 0x800);
	return e;
}
