/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sizes as the kernel's memparse() reads them. */
#include "crashkernel/internal.h"

#include <string.h>

static unsigned int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned int)(c - '0');
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? (unsigned int)(c - 'a') + 10 : 16;
}

static unsigned int unit_of(char c)
{
	static const char units[] = "kmgtpe";
	const char *at = c ? strchr(units, c | 0x20) : NULL;

	/* '+' | 0x20 and the like must not turn into letters: only letters have bit 6. */
	return at && (c & 0x40) ? (unsigned int)(at - units) + 1 : 0;
}

struct kd_ck_token kd_ck_token_at(const char *text)
{
	struct kd_ck_token t = { 0 };
	const char *p = text;
	unsigned int base = 10;
	uint64_t v = 0;

	if (p[0] == '0' && (p[1] | 0x20) == 'x' && digit_of(p[2]) < 16) {
		base = 16;
		p += 2;
	} else if (p[0] == '0') {
		base = 8;
	}
	for (; digit_of(*p) < base; p++) {
		uint64_t more = 0;
		t.wraps |= __builtin_mul_overflow(v, base, &more);
		t.wraps |= __builtin_add_overflow(more, digit_of(*p), &v);
		t.digits = true;
	}
	t.size.unit = unit_of(*p);
	if (t.size.unit) {
		t.wraps |= v >> (64 - 10 * t.size.unit) != 0;
		v <<= 10 * t.size.unit;
		p++;
	}
	t.size.bytes = v;
	t.len = (size_t)(p - text);
	return t;
}

uint64_t kd_ck_round_ram(uint64_t ram_bytes)
{
	uint64_t up = 0;

	if (__builtin_add_overflow(ram_bytes, KD_CK_RAM_ALIGN - 1, &up))
		return 0;
	return up / KD_CK_RAM_ALIGN * KD_CK_RAM_ALIGN;
}
