/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/case.h"

#include "lab/disk.h"
#include "lab/run.h"
#include "tests/unit/support-tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define NEEDED "title = t\ntrigger = sysrq\nexpect-outcome = saved\n"

static int parse(const char *text, struct kd_lab_case *c, struct kd_err *err)
{
	return kd_lab_case_parse(text, strlen(text), "n", "n.test", c, err);
}

static void test_every_key_is_read(void **state)
{
	static const char text[] = "# comment\n\n"
				   "title = two words\n"
				   "\tkernel=generic\n"
				   "memory = 1536M\r\n";
	KD_AUTO(kd_lab_case_fini) struct kd_lab_case c = { 0 };
	struct kd_err err = { 0 };

	/* A file from another system ends its lines with CR LF: refused, and the line named. */
	assert_int_equal(parse(text, &c, &err), -KD_BADDATA);
	assert_non_null(strstr(err.msg, "n.test:5: control character 0x0d"));

	assert_int_equal(parse("title = two words\nkernel = generic\nmemory = 1536M\ncpus = 4\n"
			       "crashkernel = 192M\nappend = a=1 b\nconf = path /d\nconf = x y\n"
			       "arm-setup = one\nsetup = two = 2\nsetup = three\n"
			       "disk = 64M 0a0b0c0d-0000-4000-8000-00000000cafe\n"
			       "trigger = sysrq-cpu:3\nexpect-outcome = dmesg-only\n"
			       "expect-reason = why\nexpect-end = halt\ntype = ls /\n"
			       "expect-console = line\nexpect-no-file = vmcore\ndeadline = 60",
			       &c, &err),
			 0);
	assert_string_equal(c.name, "n");
	assert_string_equal(c.title, "two words");
	assert_string_equal(c.kernel, "generic");
	assert_int_equal(c.memory_mib, 1536);
	assert_int_equal(c.cpus, 4);
	assert_string_equal(c.crashkernel, "192M");
	assert_string_equal(c.append, "a=1 b");
	assert_int_equal(c.conf.n, 2);
	assert_string_equal(c.conf.v[1], "x y");
	assert_string_equal(c.arm.v[0], "one");
	assert_int_equal(c.setup.n, 2);
	assert_string_equal(c.setup.v[0], "two = 2");
	assert_int_equal(c.disk_mib, 64);
	assert_string_equal(c.disk_uuid, "0a0b0c0d-0000-4000-8000-00000000cafe");
	assert_int_equal(c.trigger, KD_LAB_TRIGGER_SYSRQ);
	assert_int_equal(c.trigger_cpu, 3);
	assert_int_equal(c.expect, KD_LAB_EXPECT_DMESG_ONLY);
	assert_string_equal(c.expect_reason, "why");
	assert_string_equal(c.type.v[0], "ls /");
	assert_int_equal(c.end, KD_LAB_END_HALT);
	assert_string_equal(c.expect_console.v[0], "line");
	assert_string_equal(c.expect_no_file.v[0], "vmcore");
	assert_int_equal(c.deadline_s, 60);
}

static void test_keys_of_a_case_without_a_panic(void **state)
{
	KD_AUTO(kd_lab_case_fini) struct kd_lab_case c = { 0 }, k = { 0 };
	struct kd_err err = { 0 };

	assert_int_equal(
		parse("title = t\nkernel = lab\nfirmware = efi\narm = no\ndebugger = yes\ntrigger = none\n"
		      "expect-guest = a b\nexpect-guest = c\n"
		      "file = kernel:capture /boot/vmlinuz-capture\n"
		      "file = lab/x /root/x\nunpatched-fails = why not\n",
		      &c, &err),
		0);
	assert_string_equal(c.kernel, "lab");
	assert_true(c.not_armed);
	assert_true(c.debugger && c.efi);
	assert_int_equal(c.trigger, KD_LAB_TRIGGER_NONE);
	assert_false(kd_lab_case_panics(&c));
	assert_int_equal(c.expect, KD_LAB_EXPECT_NONE);
	assert_int_equal(c.expect_guest.n, 2);
	assert_int_equal(c.file_count, 2);
	assert_string_equal(c.files[0].from, "kernel:capture");
	assert_string_equal(c.files[1].to, "/root/x");
	assert_string_equal(c.unpatched_fails, "why not");

	assert_int_equal(parse("title = t\ntrigger = kexec go /boot/x\narm = yes\nafter = a\n"
			       "expect-console = new\n",
			       &k, &err),
			 0);
	assert_int_equal(k.trigger, KD_LAB_TRIGGER_KEXEC);
	assert_string_equal(k.trigger_command, "go /boot/x");
	assert_false(k.not_armed || k.debugger || k.efi);
	assert_string_equal(k.after.v[0], "a");

	assert_int_equal(kd_lab_case_set_kernel(&k, "cloud-6.12", &err), 0);
	assert_string_equal(k.kernel, "cloud-6.12");
	assert_int_equal(kd_lab_case_set_kernel(&k, "bsd", &err), -KD_USAGE);
	assert_string_equal(k.kernel, "cloud-6.12");
}

static void test_defaults(void **state)
{
	KD_AUTO(kd_lab_case_fini) struct kd_lab_case c = { 0 };
	struct kd_err err = { 0 };

	assert_int_equal(parse(NEEDED, &c, &err), 0);
	assert_string_equal(c.kernel, "cloud");
	assert_string_equal(c.crashkernel, "256M");
	assert_int_equal(c.memory_mib, 2048);
	assert_int_equal(c.cpus, 2);
	assert_int_equal(c.trigger_cpu, -1);
	assert_int_equal(c.end, KD_LAB_END_REBOOT);
	assert_int_equal(c.disk_mib, 0);
	assert_null(c.append);
}

static void test_mistakes_name_file_line_and_remedy(void **state)
{
	static const struct {
		const char *text, *message;
	} bad[] = {
		{ "title = t\nfoo = 1\n", "n.test:2: unknown key 'foo'; kdump-lab(1)" },
		{ "just words\n", "n.test:1: 'just words' is not a line of the form key = value" },
		{ "title =\n", "n.test:1: title: no value; write one" },
		{ "title = a\ntitle = b\n", "n.test:2: title: already given in line 1" },
		{ "kernel = bsd\n",
		  "n.test:1: kernel: 'bsd' is not a kernel of the lab; write cloud, generic, cloud-6.12, lab or" },
		{ "memory = lots\n", "n.test:1: memory: 'lots' is not a size from 256M to 16384M" },
		{ "memory = 100K\n", "'100K' is not a size" },
		{ "memory = 99999999999999999999G\n", "is not a size" },
		{ "memory = 128M\n", "is not a size from 256M" },
		{ "cpus = 0\n", "n.test:1: cpus: '0' is not a number from 1 to 16" },
		{ "cpus = two\n", "is not a number from 1 to 16" },
		{ "disk = 64M\n", "n.test:1: disk: '64M' is not a size, a lower-case UUID" },
		{ "disk = 512M 6b646c61-6200-4000-8000-00000000beef zfs\n",
		  "is not a size, a lower-case UUID, and perhaps xfs" },
		{ "disk = 299M 6b646c61-6200-4000-8000-00000000beef xfs\n", "299M" },
		{ "disk = 64M 0A0B0C0D-0000-4000-8000-00000000CAFE\n", "lower-case UUID" },
		{ "disk = 1M 0a0b0c0d-0000-4000-8000-00000000cafe\n",
		  "'1M' is not a size from 16M" },
		{ "trigger = bang\n", "n.test:1: trigger: 'bang' is not a trigger; write sysrq," },
		{ "trigger = sysrq-cpu:x\n", "is not a trigger" },
		{ "trigger = sysrq-cpu:64\n", "is not a trigger" },
		{ "title = t\ntrigger = qemu-dump\nexpect-outcome = saved\n",
		  "n.test: trigger = qemu-dump is no panic, so nothing is captured; write "
		  "expect-outcome = none" },
		{ "expect-outcome = fine\n", "expect-outcome: 'fine' is not an outcome; write" },
		{ "expect-end = sleep\n",
		  "expect-end: 'sleep' is not an end; write reboot, poweroff or halt" },
		{ "expect-no-file = a/b\n", "expect-no-file: 'a/b' holds a slash" },
		{ "deadline = 5\n", "deadline: '5' is not a number from 10 to 3600" },
		{ "trigger = sysrq\nexpect-outcome = saved\n", "n.test: no line 'title = ...'" },
		{ "title = t\nexpect-outcome = saved\n", "n.test: no line 'trigger = ...'" },
		{ "title = t\ntrigger = sysrq\n", "n.test: no line 'expect-outcome = ...'" },
		{ NEEDED "cpus = 1\ntrigger = sysrq-cpu:1\n", "trigger: already given in line 2" },
		{ "title = t\nexpect-outcome = saved\ncpus = 1\ntrigger = sysrq-cpu:1\n",
		  "n.test: trigger = sysrq-cpu:1, but the machine has 1 CPUs; raise cpus" },
		{ "title = t\ntrigger = sysrq\nexpect-outcome = none\nexpect-reason = x\n",
		  "n.test: expect-reason needs a manifest" },
		{ "arm = maybe\n", "n.test:1: arm: 'maybe' is neither; write yes or no" },
		{ "firmware = uefi\n",
		  "n.test:1: firmware: 'uefi' is not a firmware; write bios or efi" },
		{ "debugger = 1\n", "n.test:1: debugger: '1' is neither; write yes or no" },
		{ "file = /x\n", "n.test:1: file: '/x' is not a file of the host and a path" },
		{ "file = kernel:bsd /x\n", "is not a file of the host" },
		{ "file = a b\n", "is not a file of the host" },
		{ "file = a\"b /x\n", "is not a file of the host" },
		{ "title = t\ntrigger = none\nexpect-outcome = saved\n",
		  "n.test: without a panic nothing is captured; remove expect-outcome" },
		{ "title = t\ntrigger = none\nexpect-console = x\n", "write expect-guest instead" },
		{ "title = t\ntrigger = none\nafter = x\n", "write setup instead of after" },
		{ "title = t\ntrigger = sysrq\nexpect-outcome = no-capture\nexpect-reason = x\n",
		  "expect-outcome = no-capture says there is none" },
		{ "title = a\001b\n", "n.test:1: control character 0x01" },
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(bad); i++) {
		struct kd_lab_case c = { .name = (char *)"untouched" };
		struct kd_err err = { 0 };
		assert_int_equal(parse(bad[i].text, &c, &err), -KD_BADDATA);
		if (!strstr(err.msg, bad[i].message))
			fail_msg("'%s' lacks '%s'", err.msg, bad[i].message);
		assert_string_equal(c.name, "untouched");
	}
}

static void test_nul_and_oversize_are_refused(void **state)
{
	KD_AUTO(kd_freep) char *big = calloc(1, KD_LAB_CASE_MAX_BYTES + 1);
	struct kd_lab_case c = { 0 };
	struct kd_err err = { 0 };

	assert_non_null(big);
	assert_int_equal(kd_lab_case_parse("title = a\nti\0tle = b\n", 20, "n", "n.test", &c, &err),
			 -KD_BADDATA);
	assert_non_null(strstr(err.msg, "n.test:2: NUL byte"));
	memset(big, '#', KD_LAB_CASE_MAX_BYTES + 1);
	assert_int_equal(kd_lab_case_parse(big, KD_LAB_CASE_MAX_BYTES + 1, "n", "n.test", &c, &err),
			 -KD_BADDATA);
	assert_non_null(strstr(err.msg, "longer than"));
}

static void test_load_tells_of_unknown_cases(void **state)
{
	struct tree t;
	KD_AUTO(kd_strv_fini) struct kd_strv names = { 0 };
	struct kd_lab_case c = { 0 };
	struct kd_err err = { 0 };

	tree_init(&t);
	tree_file(&t, "/b.test", NEEDED);
	tree_file(&t, "/a.test", "oops\n");
	tree_file(&t, "/README", "no case");
	tree_file(&t, "/.test", "no case");
	assert_int_equal(kd_lab_case_names(t.dir, &names, &err), 0);
	assert_int_equal(names.n, 2);
	assert_string_equal(names.v[0], "a");
	assert_string_equal(names.v[1], "b");
	assert_int_equal(kd_lab_case_load(t.dir, "b", &c, &err), 0);
	kd_lab_case_fini(&c);
	assert_int_equal(kd_lab_case_load(t.dir, "a", &c, &err), -KD_BADDATA);
	assert_non_null(strstr(err.msg, "/a.test:1: 'oops'"));
	assert_int_equal(kd_lab_case_load(t.dir, "c", &c, &err), -KD_USAGE);
	assert_non_null(strstr(err.msg, "no case 'c'"));
	assert_non_null(strstr(err.msg, "kdump-lab list"));
	assert_int_equal(kd_lab_case_load(t.dir, "../b", &c, &err), -KD_USAGE);
	assert_int_equal(kd_lab_case_names("/nonexistent", &names, &err), -KD_SYS);
	tree_fini(&t);
}

static void test_guest_files_of_a_case(void **state)
{
	KD_AUTO(kd_lab_case_fini) struct kd_lab_case c = { 0 };
	KD_AUTO(kd_buf_fini) struct kd_buf conf = { 0 }, any = { 0 }, cpu = { 0 }, command = { 0 };
	struct kd_err err = { 0 };

	assert_int_equal(parse(NEEDED "conf = path /dumps\nconf = final_action halt\n", &c, &err),
			 0);
	kd_lab_disk_kdump_conf(&c, &conf);
	assert_non_null(strstr(conf.p, "\npath /dumps\nfinal_action halt\n"));
	kd_lab_disk_trigger(&c, &any);
	assert_string_equal(any.p, "echo c >/proc/sysrq-trigger\n");
	c.trigger_cpu = 1;
	kd_lab_disk_trigger(&c, &cpu);
	assert_string_equal(cpu.p, "taskset 0x2 sh -c 'echo c >/proc/sysrq-trigger'\n");
	KD_AUTO(kd_buf_fini) struct kd_buf qemu = { 0 };
	c.trigger = KD_LAB_TRIGGER_QEMU;
	kd_lab_disk_trigger(&c, &qemu);
	assert_string_equal(qemu.p, "echo '" KD_LAB_LAST_WORDS "' >/dev/kmsg\nsleep 3600\n");
	kd_lab_case_fini(&c);

	assert_int_equal(
		parse("title = t\nexpect-outcome = saved\ntrigger = command boom 1\n", &c, &err),
		0);
	kd_lab_disk_trigger(&c, &command);
	assert_string_equal(command.p, "boom 1\n");

	KD_AUTO(kd_buf_fini)
	struct kd_buf panic = { 0 }, kexec = { 0 }, none = { 0 }, quiet = { 0 };
	kd_lab_disk_mode(&c, &panic);
	assert_string_equal(panic.p, "arm=yes\ntrigger=panic\n");
	c.trigger = KD_LAB_TRIGGER_KEXEC;
	kd_lab_disk_mode(&c, &kexec);
	assert_string_equal(kexec.p, "arm=yes\ntrigger=kexec\n");
	c.not_armed = true;
	c.trigger = KD_LAB_TRIGGER_NONE;
	kd_lab_disk_mode(&c, &none);
	assert_string_equal(none.p, "arm=no\ntrigger=none\n");
	free(c.trigger_command);
	c.trigger_command = NULL;
	kd_lab_disk_trigger(&c, &quiet);
	assert_null(strstr(quiet.p, "sysrq"));
}

static void test_kernel_arguments(void **state)
{
	KD_AUTO(kd_lab_case_fini) struct kd_lab_case c = { 0 };
	KD_AUTO(kd_freep) char *tcg = NULL, *kvm = NULL;
	struct kd_lab_env env = { .accel = KD_LAB_ACCEL_TCG };
	struct kd_err err = { 0 };

	assert_int_equal(parse(NEEDED "append = a=1\ncrashkernel = 96M\n", &c, &err), 0);
	assert_int_equal(kd_lab_append(&env, &c, false, &tcg, &err), 0);
	assert_non_null(strstr(tcg, "console=ttyS0"));
	assert_non_null(strstr(tcg, "crashkernel=96M "));
	assert_non_null(strstr(tcg, " tsc=reliable no_timer_check a=1"));
	assert_null(strstr(tcg, "lab.shell"));
	env.accel = KD_LAB_ACCEL_KVM;
	assert_int_equal(kd_lab_append(&env, &c, true, &kvm, &err), 0);
	assert_null(strstr(kvm, "tsc="));
	assert_non_null(strstr(kvm, " a=1 lab.shell"));
}

/* The cases of this repository: tests are run from its top. */
static void test_shipped_cases_are_valid(void **state)
{
	static const char *const dirs[] = { "tests/panic", "tests/diff" };
	static const char *const required[] = {
		"sysrq-local-cloud", "sysrq-local-generic", "crash-cpu1",     "final-poweroff",
		"collector-fails",   "collector-killed",    "target-missing", "tight-128M",
	};
	struct kd_err err = { 0 };

	for (size_t d = 0; d < KD_ARRAY_LEN(dirs); d++) {
		KD_AUTO(kd_strv_fini) struct kd_strv names = { 0 };
		assert_int_equal(kd_lab_case_names(dirs[d], &names, &err), 0);
		assert_true(names.n > 0);
		for (size_t i = 0; d == 0 && i < KD_ARRAY_LEN(required); i++)
			assert_true(kd_strv_has(&names, required[i]));
		for (size_t i = 0; i < names.n; i++) {
			KD_AUTO(kd_lab_case_fini) struct kd_lab_case c = { 0 };
			if (kd_lab_case_load(dirs[d], names.v[i], &c, &err))
				fail_msg("%s", err.msg);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_key_is_read),
		cmocka_unit_test(test_keys_of_a_case_without_a_panic),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_mistakes_name_file_line_and_remedy),
		cmocka_unit_test(test_nul_and_oversize_are_refused),
		cmocka_unit_test(test_load_tells_of_unknown_cases),
		cmocka_unit_test(test_guest_files_of_a_case),
		cmocka_unit_test(test_kernel_arguments),
		cmocka_unit_test(test_shipped_cases_are_valid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
