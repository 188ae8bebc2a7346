/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/gdb.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* As QEMU 7.2 prints it, CR and all. */
static const char info_tlb[] = "0000000000400000: 0000000012848000 X---A--U-\r\n"
			       "ff43c5dcc009b000: 000000000009b000 XG-DA---W\r\n"
			       "ff43c5dcc009c000: 000000000009c000 XG-DA----\r\n"
			       "ff43c5dcc0200000: 0000000000200000 XGPDA---W\r\n"
			       "ff43c5dcc0400000: 0000000000400000 XGPDA----\r\n"
			       "ff43c5dd00000000: 0000000040000000 XGPDA---W\r\n"
			       "ff43c5dd40000000: 0000000080000000 XGPDA---W\r\n"
			       "ff43c5dd40200000: 0000000080200000 XGPDA----\r\n";

static void count(uint64_t vaddr, uint64_t len, uint64_t mapped, uint64_t writable)
{
	struct kd_lab_mapped m = { 1, 1 };
	struct kd_err err = { 0 };

	assert_int_equal(kd_lab_gdb_mapped(info_tlb, vaddr, len, &m, &err), 0);
	assert_int_equal(m.mapped, mapped);
	assert_int_equal(m.writable, writable);
}

static void test_bytes_of_a_range_are_counted(void **state)
{
	count(0xff43c5dcc009b000, 0x2000, 0x2000, 0x1000);
	count(0xff43c5dcc009c000, 0x200000, 0x9d000, 0x9c000); /* a hole in it */
	count(0xff43c5dcc0200000, 0x400000, 0x400000, 0x200000);
	count(0xff43c5dd00000000, 0x40000000, 0x40000000, 0x40000000); /* one page of 1 GiB */
	count(0xff43c5dd40000000, 0x40000000, 0x400000, 0x200000);     /* two of 2 MiB */
	count(0xffffffff80000000, 0x1000, 0, 0);
}

static void refuse(const char *text, uint64_t vaddr, uint64_t len)
{
	struct kd_lab_mapped m;
	struct kd_err err = { 0 };

	assert_int_equal(kd_lab_gdb_mapped(text, vaddr, len, &m, &err), -KD_BADDATA);
}

static void test_anything_else_is_refused(void **state)
{
	refuse("PG disabled\r\n", 0x400000, 0x1000);
	refuse("0000000000400000: 0000000012848000 X---A--U-x\r\n", 0x400000, 0x1000);
	refuse("0000000000400000: 0000000012848000 X---A--U\r\n", 0x400000, 0x1000);
	refuse("0000000000400000: 0000000012848000 X---A--UR\r\n", 0x400000, 0x1000);
	refuse(info_tlb, 0x400000, 0);
	refuse(info_tlb, UINT64_MAX, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes_of_a_range_are_counted),
		cmocka_unit_test(test_anything_else_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
