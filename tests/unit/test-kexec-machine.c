/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/kexec/machine.h"

#include "tests/unit/support-tree.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_facts_of_a_machine(void **state)
{
	struct tree t;
	struct kd_kexec_machine m = { 0 };
	struct kd_err err = { 0 };

	tree_init(&t);
	assert_int_equal(kd_kexec_machine_read(t.root, true, &m, &err), -KD_NOTSUP);
	assert_non_null(strstr(err.msg, "/proc/meminfo"));
	tree_file(&t, "/proc/meminfo", "MemTotal:        2013428 kB\nMemFree: 1 kB\n");
	assert_int_equal(kd_kexec_machine_read(t.root, true, &m, &err), 0);
	assert_int_equal(m.ram_pages, 503357);
	assert_false(m.cap_sys_boot || m.load_disabled || m.limit_reached || m.locked_down);
	assert_int_equal(m.crash_end, 0);
	assert_int_equal(m.limit, KD_KEXEC_LIMIT_4LEVEL);

	tree_file(&t, "/proc/iomem",
		  "00001000-0009ffff : System RAM\n"
		  "00100000-7fffffff : System RAM\n"
		  "  10000000-17ffffff : Crash kernel\n"
		  "100000000-13fffffff : System RAM\n"
		  "  110000000-11fffffff : Crash kernel\n");
	tree_file(&t, "/proc/self/status", "Name:\tx\nCapEff:\t0000000000400000\n");
	tree_file(&t, "/proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu la57 x\nbugs\t\t:\n");
	tree_file(&t, "/proc/sys/kernel/kexec_load_limit_panic", "0\n");
	tree_file(&t, "/proc/sys/kernel/kexec_load_limit_reboot", "-1\n");
	tree_file(&t, "/sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
	assert_int_equal(kd_kexec_machine_read(t.root, true, &m, &err), 0);
	assert_true(m.cap_sys_boot && m.limit_reached && m.locked_down && !m.load_disabled);
	assert_int_equal(m.crash_start, 0x110000000);
	assert_int_equal(m.crash_end, 0x11fffffff);
	assert_int_equal(m.limit, KD_KEXEC_LIMIT_5LEVEL);

	tree_file(&t, "/proc/sys/kernel/kexec_load_disabled", "1\n");
	tree_file(&t, "/sys/kernel/security/lockdown", "[none] integrity confidentiality\n");
	tree_file(&t, "/proc/self/status", "Name:\tx\nCapEff:\t00000000000fffff\n");
	tree_file(&t, "/proc/cpuinfo", "flags\t\t: fpu\nbugs\t\t: la57\n");
	/* without a right to look, all addresses read as 0 */
	tree_file(&t, "/proc/iomem", "00000000-00000000 : Crash kernel\n");
	assert_int_equal(kd_kexec_machine_read(t.root, false, &m, &err), 0);
	assert_true(m.load_disabled && !m.limit_reached && !m.locked_down && !m.cap_sys_boot);
	assert_int_equal(m.limit, KD_KEXEC_LIMIT_4LEVEL);
	assert_int_equal(m.crash_end, 0);
	tree_fini(&t);
}

static int knows_1_and_4(uint64_t entry, uint64_t count, const void *list, uint64_t flags)
{
	return count == 1 && !list && (flags == 1 || flags == 4) ? EFAULT : EINVAL;
}

static int refuses(uint64_t entry, uint64_t count, const void *list, uint64_t flags)
{
	return EPERM;
}

static void test_flags_are_asked_for_without_loading(void **state)
{
	assert_int_equal(kd_kexec_known_flags(knows_1_and_4), 5);
	assert_int_equal(kd_kexec_known_flags(refuses), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_facts_of_a_machine),
		cmocka_unit_test(test_flags_are_asked_for_without_loading),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
