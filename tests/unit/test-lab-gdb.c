/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/gdb.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

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

/* What QEMU 7.2 answers, in its order; what the lab says is kept for the test. */
static void test_the_debugger_overwrites_physical_memory(void **state)
{
	static const char answers[] = "$T02thread:01;#04+$OK#9a+$OK#9a+$OK#9a+$OK#9a";
	static const char refused[] = "$T02thread:01;#04+$OK#9a+$E14#aa";
	char said[4096] = "";
	struct kd_err err = { 0 };
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	assert_int_equal(write(ends[1], answers, sizeof(answers) - 1), sizeof(answers) - 1);
	assert_int_equal(kd_lab_gdb_fill(ends[0], 0x1f000, 515, 'X', &err), 0);
	ssize_t n = read(ends[1], said, sizeof(said) - 1);
	assert_true(n > 0);
	assert_int_equal(said[0], 3);
	assert_non_null(strstr(said, "$Qqemu.PhyMemMode:1#77"));
	assert_non_null(strstr(said, "$M1f000,200:5858"));
	assert_non_null(strstr(said, "$M1f200,3:585858#"));
	assert_non_null(strstr(said, "$Qqemu.PhyMemMode:0#76"));
	assert_string_equal(said + n - 5, "$c#63");

	assert_int_equal(write(ends[1], refused, sizeof(refused) - 1), sizeof(refused) - 1);
	assert_int_equal(kd_lab_gdb_fill(ends[0], 0, 1, 'X', &err), -KD_SYS);
	assert_non_null(strstr(err.msg, "answers 'E14' to 'M0,1:58'"));
	assert_int_equal(kd_lab_gdb_fill(ends[0], 0, 1 << 20, 'X', &err), -KD_USAGE);
	close(ends[1]);
	assert_int_equal(kd_lab_gdb_fill(ends[0], 0, 1, 'X', &err), -KD_SYS);
	close(ends[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes_of_a_range_are_counted),
		cmocka_unit_test(test_anything_else_is_refused),
		cmocka_unit_test(test_the_debugger_overwrites_physical_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
