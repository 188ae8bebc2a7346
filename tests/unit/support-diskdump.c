/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/support-diskdump.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct kd_vmcore_window *window_of(struct kd_vmcore *core)
{
	struct kd_vmcore_window *w = NULL;
	struct kd_err err = { 0 };

	if (kd_vmcore_window_new(core, KD_ACCESS_AUTO, 0, 0, &w, &err))
		fail_msg("%s", err.msg);
	return w;
}

bool third_zero_page(void *arg, uint64_t paddr, uint8_t *page, size_t len)
{
	if (paddr / len % 3 == 0)
		return false;
	for (size_t i = 0; i < len; i += 8) {
		uint64_t v = paddr + i;
		memcpy(page + i, &v, 8);
	}
	return true;
}

uint64_t expected_at(uint64_t paddr, size_t page)
{
	return paddr / page % 3 ? paddr : 0;
}

struct kd_gen *diskdump_machine(void)
{
	struct kd_gen *g = kd_gen_new(62, PAGE);

	kd_gen_info_base(g, "6.1.0-test", 1700000000);
	kd_gen_note(g, "CORE", 1, "registers", 9);
	kd_gen_ram(g, 0, MIB);
	kd_gen_ram(g, 4 * MIB, 300 * PAGE);
	kd_gen_fill(g, 0, 64 * MIB, third_zero_page, NULL);
	return g;
}

void assert_expected_at(struct kd_vmcore *core, uint64_t paddr)
{
	struct kd_err err = { 0 };
	uint64_t v = 0;

	if (kd_vmcore_read(core, paddr, &v, sizeof(v), &err))
		fail_msg("%s", err.msg);
	assert_int_equal(v, expected_at(paddr, kd_vmcore_page_size(core)));
}

void assert_whole(struct kd_vmcore *core)
{
	for (uint64_t at = 0; at < MIB; at += PAGE)
		assert_expected_at(core, at + 8 * (at / PAGE % 512));
	for (uint64_t at = 4 * MIB; at < 4 * MIB + 300 * PAGE; at += PAGE)
		assert_expected_at(core, at + 4088);
}

bool every_seventh(void *arg, uint64_t pfn)
{
	return pfn % 7 == 0 || (pfn > 1100 && pfn < 1200);
}
