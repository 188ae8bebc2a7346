/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/host/host.h"
#include "tests/unit/support-tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/utsname.h>

#include <cmocka.h>

#define SECURE_BOOT "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"

static int setup(void **state)
{
	struct tree *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	tree_init(t);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	tree_fini(*state);
	free(*state);
	return 0;
}

static struct kd_host_crash_facts facts_of(const struct tree *t)
{
	struct kd_host_crash_facts facts = { 0 };
	struct kd_err err = { 0 };

	if (kd_host_crash_facts(t->root, &facts, &err))
		fail_msg("%s", err.msg);
	return facts;
}

static void test_crash_facts_of_a_reserved_machine(void **state)
{
	const struct tree *t = *state;

	tree_file(t, "/sys/kernel/kexec_crash_loaded", "1\n");
	tree_file(t, "/sys/kernel/kexec_crash_size", "268435456\n");
	tree_file(t, "/proc/sys/kernel/kexec_load_disabled", "1\n");
	tree_file(t, "/sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
	tree_bytes(t, SECURE_BOOT, "\6\0\0\0\1", 5);
	tree_file(t, "/proc/iomem",
		  "00000000-00000fff : Reserved\n"
		  "00001000-0009fbff : System RAM\n"
		  "000a0000-000bffff : PCI Bus 0000:00\n"
		  "00100000-7fffffff : System RAM\n"
		  "  01000000-01ffffff : Kernel code\n"
		  "  60000000-6fffffff : Crash kernel\n"
		  "  70000000-700fffff : System RAM\n" /* inside: not counted again */
		  "100000000-17fffffff : System RAM\n"
		  "  170000000-17fffffff : Crash kernel\n");
	tree_file(t, "/proc/meminfo", "MemTotal:       1000 kB\n");

	struct kd_host_crash_facts f = facts_of(t);
	assert_true(f.supported);
	assert_true(f.loaded.known && f.loaded.value);
	assert_true(f.size_bytes.known);
	assert_int_equal(f.size_bytes.value, 256 << 20);
	assert_true(f.load_disabled.known && f.load_disabled.value);
	assert_int_equal(f.lockdown, KD_HOST_LOCKDOWN_INTEGRITY);
	assert_true(f.secure_boot.known && f.secure_boot.value);
	assert_true(f.ranges_known);
	assert_int_equal(f.range_count, 2);
	assert_int_equal(f.ranges[0].start, 0x60000000);
	assert_int_equal(f.ranges[0].end, 0x6fffffff);
	assert_int_equal(f.ranges[1].start, 0x170000000);
	assert_true(f.ram_bytes.known && f.ram_is_exact);
	assert_int_equal(f.ram_bytes.value, 0x9ec00 + 0x7ff00000 + 0x80000000);
}

static void test_crash_facts_new_names_come_first(void **state)
{
	const struct tree *t = *state;

	tree_file(t, "/sys/kernel/kexec/crash_loaded", "0\n");
	tree_file(t, "/sys/kernel/kexec/crash_size", "0\n");
	tree_file(t, "/sys/kernel/kexec_crash_size", "4096\n");
	struct kd_host_crash_facts f = facts_of(t);
	assert_true(f.supported);
	assert_true(f.loaded.known && !f.loaded.value);
	assert_true(f.size_bytes.known && f.size_bytes.value == 0);
}

static void test_crash_facts_without_privilege_are_unknown(void **state)
{
	const struct tree *t = *state;

	tree_file(t, "/proc/iomem",
		  "00000000-00000000 : System RAM\n"
		  "  00000000-00000000 : Crash kernel\n");
	tree_file(t, "/proc/meminfo", "MemTotal:        2014848 kB\nMemFree:  1 kB\n");
	struct kd_host_crash_facts f = facts_of(t);
	assert_false(f.ranges_known);
	assert_int_equal(f.range_count, 0);
	assert_false(f.ram_is_exact);
	assert_true(f.ram_bytes.known);
	assert_int_equal(f.ram_bytes.value, 2014848ull * 1024);
}

static void test_crash_facts_of_an_empty_tree_are_unknown(void **state)
{
	struct kd_host_crash_facts f = facts_of(*state);

	assert_false(f.supported);
	assert_false(f.loaded.known);
	assert_false(f.size_bytes.known);
	assert_false(f.load_disabled.known);
	assert_false(f.secure_boot.known);
	assert_false(f.ranges_known);
	assert_false(f.ram_bytes.known);
	assert_int_equal(f.lockdown, KD_HOST_LOCKDOWN_NONE);
}

static void test_crash_facts_damaged_files_are_unknown(void **state)
{
	const struct tree *t = *state;

	tree_file(t, "/sys/kernel/kexec_crash_loaded", "yes\n");
	tree_file(t, "/sys/kernel/security/lockdown", "maximum\n");
	tree_bytes(t, SECURE_BOOT, "\6\0\0\0", 4);
	tree_file(t, "/proc/iomem",
		  "what\n5-1 : System RAM\nffffffffffffffff1-2 : System RAM\n"
		  "1000-1fff : Crash kern\n1000-\n");
	tree_file(t, "/proc/meminfo", "MemTotal: lots\n");
	struct kd_host_crash_facts f = facts_of(t);
	assert_true(f.supported);
	assert_false(f.loaded.known);
	assert_int_equal(f.lockdown, KD_HOST_LOCKDOWN_UNKNOWN);
	assert_false(f.secure_boot.known);
	assert_int_equal(f.range_count, 0);
	assert_false(f.ram_bytes.known);
}

static void test_crash_facts_lockdown_words(void **state)
{
	static const char file[] = "/sys/kernel/security/lockdown";
	const struct tree *t = *state;

	/* the directory without anything in it: securityfs is not mounted */
	tree_dir(t, "/sys/kernel/security");
	assert_int_equal(facts_of(t).lockdown, KD_HOST_LOCKDOWN_UNKNOWN);
	tree_file(t, "/sys/kernel/security/lsm", "capability,yama");
	assert_int_equal(facts_of(t).lockdown, KD_HOST_LOCKDOWN_NONE);
	tree_file(t, file, "[none] integrity confidentiality\n");
	assert_int_equal(facts_of(t).lockdown, KD_HOST_LOCKDOWN_NONE);
	tree_file(t, file, "none integrity [confidentiality]\n");
	assert_int_equal(facts_of(t).lockdown, KD_HOST_LOCKDOWN_CONFIDENTIALITY);
}

static void test_crash_facts_secure_boot_states(void **state)
{
	const struct tree *t = *state;

	tree_dir(t, "/sys/firmware/acpi"); /* not started by EFI */
	assert_true(facts_of(t).secure_boot.known);
	assert_false(facts_of(t).secure_boot.value);
	tree_dir(t, "/sys/firmware/efi/efivars"); /* EFI, the variable not there */
	assert_false(facts_of(t).secure_boot.known);
	tree_bytes(t, SECURE_BOOT, "\6\0\0\0\0", 5);
	assert_true(facts_of(t).secure_boot.known);
	assert_false(facts_of(t).secure_boot.value);
}

static void test_crash_facts_too_many_ranges(void **state)
{
	struct kd_buf text = { 0 };

	for (unsigned int i = 1; i <= KD_HOST_MAX_CRASH_RANGES + 3; i++)
		kd_buf_printf(&text, "%x000-%xfff : Crash kernel\n", i, i);
	tree_bytes(*state, "/proc/iomem", text.p, text.len);
	kd_buf_fini(&text);
	assert_int_equal(facts_of(*state).range_count, KD_HOST_MAX_CRASH_RANGES);
}

static void test_uname_of_a_tree(void **state)
{
	const struct tree *t = *state;
	struct kd_host_kernel k = { 0 };
	struct kd_err err = { 0 };

	assert_int_equal(kd_host_uname(t->root, &k, &err), -KD_SYS);
	assert_non_null(strstr(err.msg, "/proc/sys/kernel/osrelease"));
	tree_file(t, "/proc/sys/kernel/osrelease", "6.1.0-18-amd64\n");
	assert_int_equal(kd_host_uname(t->root, &k, &err), -KD_SYS);
	assert_non_null(strstr(err.msg, "/proc/cmdline"));
	assert_null(k.release);
	tree_file(t, "/proc/cmdline", "root=/dev/vda1 ro  quiet\n");
	assert_int_equal(kd_host_uname(t->root, &k, &err), 0);
	assert_string_equal(k.release, "6.1.0-18-amd64");
	assert_string_equal(k.machine, "");
	assert_string_equal(k.cmdline, "root=/dev/vda1 ro  quiet");
	kd_host_kernel_fini(&k);

	tree_file(t, "/proc/sys/kernel/arch", "aarch64\n");
	assert_int_equal(kd_host_uname(t->root, &k, &err), 0);
	assert_string_equal(k.machine, "aarch64");
	kd_host_kernel_fini(&k);
	tree_file(t, "/proc/sys/kernel/osrelease", "\n");
	assert_int_equal(kd_host_uname(t->root, &k, &err), -KD_BADDATA);
}

static void test_uname_of_this_machine(void **state)
{
	KD_AUTO(kd_root_closep) struct kd_root *root = NULL;
	struct kd_host_kernel k = { 0 };
	struct kd_err err = { 0 };
	struct utsname uts;

	assert_int_equal(uname(&uts), 0);
	assert_int_equal(kd_root_open("/", &root, &err), 0);
	assert_int_equal(kd_host_uname(root, &k, &err), 0);
	assert_string_equal(k.release, uts.release);
	assert_string_equal(k.machine, uts.machine);
	kd_host_kernel_fini(&k);
}

static void test_apicid_is_that_of_processor_0(void **state)
{
	const struct tree *t = *state;
	struct kd_host_number n = { 0 };
	struct kd_err err = { 0 };

	assert_int_equal(kd_host_cpu0_apicid(t->root, &n, &err), -KD_SYS);
	tree_file(t, "/proc/cpuinfo",
		  "processor\t: 1\napicid\t\t: 7\ninitial apicid\t: 7\n\n"
		  "processor\t: 0\napicid\t\t: 2\ninitial apicid\t: 4\n\n");
	assert_int_equal(kd_host_cpu0_apicid(t->root, &n, &err), 0);
	assert_true(n.known);
	assert_int_equal(n.value, 4);

	tree_file(t, "/proc/cpuinfo", "processor\t: 0\nBogoMIPS\t: 125.00\n\n");
	assert_int_equal(kd_host_cpu0_apicid(t->root, &n, &err), 0);
	assert_false(n.known);

	tree_file(t, "/proc/cpuinfo", "processor\t: 0\ninitial apicid\t: four\n");
	assert_int_equal(kd_host_cpu0_apicid(t->root, &n, &err), -KD_BADDATA);
	assert_non_null(strstr(err.msg, "'four' is not a number"));
}

/* ---- the trail of the last crash ---- */

#define TRAIL "/sys/kernel/crash_trail/last"

static int trail_of(const struct tree *t, struct kd_host_trail *trail)
{
	struct kd_err err = { 0 };

	return kd_host_trail(t->root, trail, &err);
}

static void test_trail_is_only_read_where_there_is_one(void **state)
{
	const struct tree *t = *state;
	struct kd_host_trail trail = { .steps = 7 };

	assert_int_equal(trail_of(t, &trail), 0);
	tree_file(t, TRAIL, "%s", "");
	assert_int_equal(trail_of(t, &trail), 0);
	assert_int_equal(trail.steps, 7);
}

static void test_trail_ends_where_the_crash_did(void **state)
{
	const struct tree *t = *state;
	struct kd_host_trail trail = { 0 };

	tree_file(t, TRAIL,
		  "2 crash_kexec 3 1795180794.900000\n"
		  "6 jump 3 1795180796.000001\n");
	assert_int_equal(trail_of(t, &trail), 1);
	assert_int_equal(trail.steps, 2);
	assert_int_equal(trail.stage, KD_HOST_TRAIL_JUMP);
	assert_string_equal(trail.reached, "jump");
	assert_int_equal(trail.from_s, 1795180794);
	assert_int_equal(trail.to_s, 1795180796);
	assert_int_equal(trail.capture_stage, 0);
	assert_false(trail.capture_panicked);
}

static void test_trail_tells_the_two_kernels_apart(void **state)
{
	const struct tree *t = *state;
	struct kd_host_trail trail = { 0 };

	tree_file(t, TRAIL,
		  "1 panic 0 1795180794.0\n16 capture_start 0 0.0\n32 mark 0 saving\n"
		  "1 panic 0 1795180799.0\n8 restart 0 1795180799.0");
	assert_int_equal(trail_of(t, &trail), 1);
	assert_int_equal(trail.steps, 5);
	assert_string_equal(trail.reached, "restart");
	assert_true(trail.capture_panicked);
	assert_int_equal(trail.capture_stage, KD_HOST_TRAIL_MARK);
	assert_string_equal(trail.capture_reached, "saving");
	assert_int_equal(trail.to_s, 1795180794);
}

static void test_trail_that_is_none_names_the_line(void **state)
{
	struct kd_host_trail trail = { .steps = 7 };
	struct kd_err err = { 0 };
	static const char text[] = "1 panic 0 1.0\n1 panic 0\n";

	assert_int_equal(kd_host_trail_parse(text, sizeof(text) - 1, "f", &trail, &err),
			 -KD_BADDATA);
	assert_string_equal(err.msg, "f:2: is not a step of a trail");
	assert_int_equal(trail.steps, 7);
	/* a NUL does not hide what stands behind it */
	assert_int_equal(kd_host_trail_parse("1 panic 0 1.0\0 x", 16, "f", &trail, &err),
			 -KD_BADDATA);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_crash_facts_of_a_reserved_machine, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_crash_facts_new_names_come_first, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_crash_facts_without_privilege_are_unknown,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_crash_facts_of_an_empty_tree_are_unknown,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_crash_facts_damaged_files_are_unknown, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_crash_facts_lockdown_words, setup, teardown),
		cmocka_unit_test_setup_teardown(test_crash_facts_secure_boot_states, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_crash_facts_too_many_ranges, setup, teardown),
		cmocka_unit_test_setup_teardown(test_uname_of_a_tree, setup, teardown),
		cmocka_unit_test(test_uname_of_this_machine),
		cmocka_unit_test_setup_teardown(test_apicid_is_that_of_processor_0, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_trail_is_only_read_where_there_is_one, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_trail_ends_where_the_crash_did, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_trail_tells_the_two_kernels_apart, setup,
						teardown),
		cmocka_unit_test(test_trail_that_is_none_names_the_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
