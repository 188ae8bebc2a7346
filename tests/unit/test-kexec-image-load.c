/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Images that are refused, and the call that loads one. */
#include "tests/unit/support-kexec-image.h"
#include "tests/unit/support-kexec.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* How the kernel file says that it can be entered on five-level page tables. */
static void test_five_level_page_tables_need_a_kernel_for_them(void **state)
{
	enum { SYMBOL_AT = KX_VMLINUX_BYTES - 64 };
	static const char symbol[] = "\0__pgtable_l5_enabled";

	for (int i = 0; i < 4; i++) {
		bool elf = i & 1, good = i & 2;
		uint8_t *file = elf ? make_vmlinux() : make_bzimage();
		struct kexec_machine m;

		kexec_machine_init(&m);
		tree_file(&m.tree, "/proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu la57\n");
		if (good && elf)
			memcpy(file + SYMBOL_AT, symbol, sizeof(symbol));
		else if (good)
			file[0x236] |= 1 << 5; /* XLF_5LEVEL */
		close(m.req.kernel_fd);
		m.req.kernel_fd = file_of(file, elf ? KX_VMLINUX_BYTES : KX_BZIMAGE_BYTES);
		int rc = kd_kexec_prepare(&m.req, &m.image, &m.err);
		assert_int_equal(rc, good ? 0 : -KD_NOTSUP);
		if (!good) {
			assert_non_null(strstr(m.err.msg, "five-level page tables"));
			assert_non_null(strstr(m.err.msg, elf ? "name its bzImage" : "no5lvl"));
		}
		kexec_machine_fini(&m);
	}
}

/* Each breaks one thing; the message names it, and nothing is loaded. */
static void test_machines_that_contradict_themselves(void **state)
{
	static const struct {
		const char *path, *text;
		int want;
		const char *msg;
	} cases[] = {
		{ "/proc/iomem", "00000000-00000000 : System RAM\n", -KD_SYS, "run as root" },
		{ "/proc/iomem", "00100000-001fffff : ACPI Tables\n", -KD_BADDATA,
		  "names no System RAM" },
		{ "/proc/iomem",
		  "00100000-3fffffff : System RAM\n50000000-53ffffff : Crash kernel\n", -KD_BADDATA,
		  "the crash reservation at 0x50000000 is not in System RAM" },
		{ "/proc/iomem", "00100000-3fffffff : System RAM\n30000000-4fffffff : System RAM\n",
		  -KD_BADDATA, "begins inside the one before it" },
		{ "/proc/iomem", "00100000-3fffffff : System RAM\n", -KD_NOTSUP,
		  "No memory reserved for crash kernel" },
		{ "/proc/iomem",
		  "00100000-3fffffff : System RAM\n  30000000-30ffffff : Crash kernel\n",
		  -KD_NOSPACE, "no room for the kernel: 24 MiB are needed" },
		{ "/proc/iomem",
		  "00100000-3fffffff : System RAM\n  30000000-31806fff : Crash kernel\n",
		  -KD_NOSPACE, "no room for the boot parameters" },
		{ "/proc/iomem",
		  "00100000-3fffffff : System RAM\n  30000000-3180efff : Crash kernel\n",
		  -KD_NOSPACE, "the image fills the crash reservation" },
		{ "/sys/devices/system/cpu/cpu0/crash_notes", "xyz\n", -KD_BADDATA,
		  "'xyz' is no address" },
		{ "/sys/devices/system/cpu/cpu0/crash_notes", "fffffffffffffff0\n", -KD_BADDATA,
		  "are not in System RAM" },
		{ "/sys/kernel/vmcoreinfo", "0x1000\n", -KD_BADDATA, "is no address and size" },
		{ "/sys/firmware/memmap/0/start", "0x1000\n", -KD_SYS, "/sys/firmware/memmap/0" },
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		struct kexec_machine m;
		kexec_machine_init(&m);
		tree_file(&m.tree, cases[i].path, "%s", cases[i].text);
		m.req.how = KD_KEXEC_HOW_CLASSIC;
		int rc = kd_kexec_load(&m.ops, &m.req, &m.facts, &m.err);
		if (rc != cases[i].want || !strstr(m.err.msg, cases[i].msg))
			fail_msg("case %zu: %d '%s'", i, rc, m.err.msg);
		assert_int_equal(m.kernel.classic_loads, 0);
		kexec_machine_fini(&m);
	}
}

static void test_command_line_too_long_is_refused(void **state)
{
	char cmdline[2048];
	struct kexec_machine m;

	kexec_machine_init(&m);
	memset(cmdline, 'a', sizeof(cmdline) - 1);
	cmdline[sizeof(cmdline) - 1] = '\0';
	m.req.cmdline = cmdline;
	assert_int_equal(kd_kexec_prepare(&m.req, &m.image, &m.err), -KD_USAGE);
	assert_non_null(strstr(m.err.msg, "the kernel takes 2047"));
	kexec_machine_fini(&m);
}

/* ---- preflight ---- */

static void with_privileges(struct kexec_machine *m, unsigned long mem_kib)
{
	tree_file(&m->tree, "/proc/meminfo", "MemTotal: %lu kB\n", mem_kib);
	tree_file(&m->tree, "/proc/self/status", "Name:\tx\nCapEff:\t000001ffffffffff\n");
	tree_file(&m->tree, "/proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu\n");
}

static void test_what_the_kernel_would_refuse_is_not_tried(void **state)
{
	struct kexec_machine m;

	kexec_machine_init(&m);
	with_privileges(&m, 8 << 20);
	m.req.how = KD_KEXEC_HOW_CLASSIC;
	int rc = kd_kexec_load(&m.ops, &m.req, &m.facts, &m.err);
	if (rc)
		fail_msg("%s", m.err.msg);
	assert_int_equal(m.kernel.classic_loads, 1);
	/* 24 MiB of kernel are more than half of 40 MiB: Linux would have dropped the old image */
	with_privileges(&m, 40 << 10);
	assert_int_equal(kd_kexec_load(&m.ops, &m.req, &m.facts, &m.err), -KD_SYS);
	assert_int_equal(m.err.sys, EINVAL);
	assert_non_null(strstr(m.err.msg, "not tried, the kernel would refuse it: "));
	assert_non_null(strstr(m.err.msg, "kernel"));
	assert_int_equal(m.kernel.classic_loads, 1);
	kexec_machine_fini(&m);
}

static void test_a_refusal_no_rule_explains_says_so(void **state)
{
	struct kexec_machine m;

	kexec_machine_init(&m);
	with_privileges(&m, 8 << 20);
	m.req.how = KD_KEXEC_HOW_CLASSIC;
	m.kernel.classic_answer = EINVAL;
	assert_int_equal(kd_kexec_load(&m.ops, &m.req, &m.facts, &m.err), -KD_SYS);
	assert_non_null(strstr(m.err.msg, "no rule that preflight knows was broken"));
	kexec_machine_fini(&m);
}

/* ---- which call ---- */

static void test_kexec_load_only_where_the_other_call_is_missing(void **state)
{
	static const struct {
		enum kd_kexec_how how;
		int file_answer;
		unsigned int file_loads, classic_loads;
		int want;
	} cases[] = {
		{ KD_KEXEC_HOW_AUTO, 0, 1, 0, 0 },
		{ KD_KEXEC_HOW_AUTO, ENOSYS, 1, 1, 0 },
		{ KD_KEXEC_HOW_AUTO, EPERM, 1, 0, -KD_SYS },
		{ KD_KEXEC_HOW_AUTO, EKEYREJECTED, 1, 0, -KD_SYS },
		{ KD_KEXEC_HOW_AUTO, ENOEXEC, 1, 0, -KD_SYS },
		{ KD_KEXEC_HOW_FILE, ENOSYS, 1, 0, -KD_SYS },
		{ KD_KEXEC_HOW_CLASSIC, 0, 0, 1, 0 },
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		struct kexec_machine m;
		kexec_machine_init(&m);
		m.req.how = cases[i].how;
		m.kernel.file_answer = cases[i].file_answer;
		int rc = kd_kexec_load(&m.ops, &m.req, &m.facts, &m.err);
		if (rc != cases[i].want)
			fail_msg("case %zu: %d '%s'", i, rc, m.err.msg);
		assert_int_equal(m.kernel.file_loads, cases[i].file_loads);
		assert_int_equal(m.kernel.classic_loads, cases[i].classic_loads);
		kexec_machine_fini(&m);
	}
}

static void test_vmlinux_needs_kexec_load(void **state)
{
	struct kexec_machine m;

	kexec_machine_init(&m);
	close(m.req.kernel_fd);
	m.req.kernel_fd = file_of(make_vmlinux(), KX_VMLINUX_BYTES);
	assert_int_equal(kd_kexec_load(&m.ops, &m.req, &m.facts, &m.err), 0);
	assert_int_equal(m.kernel.file_loads, 0);
	assert_int_equal(m.kernel.classic_loads, 1);
	kexec_machine_fini(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_five_level_page_tables_need_a_kernel_for_them),
		cmocka_unit_test(test_machines_that_contradict_themselves),
		cmocka_unit_test(test_command_line_too_long_is_refused),
		cmocka_unit_test(test_what_the_kernel_would_refuse_is_not_tried),
		cmocka_unit_test(test_a_refusal_no_rule_explains_says_so),
		cmocka_unit_test(test_kexec_load_only_where_the_other_call_is_missing),
		cmocka_unit_test(test_vmlinux_needs_kexec_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
