/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs that go wrong, and runs that get stuck. */
#include "tests/unit/support-lab-follow.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_what_goes_wrong_before_the_panic_is_told(void **state)
{
	static const struct {
		const char *lines[3];
		enum kd_lab_qmp_event event;
		const char *why;
	} bad[] = {
		{ { "lab: up", "lab: start| kdump: Error: no memory", "lab: arming failed rc=1" },
		  KD_LAB_QMP_NONE,
		  "arming failed rc=1: kdump: Error: no memory" },
		{ { "lab: up", "lab: setup failed rc=2" }, KD_LAB_QMP_NONE, "setup failed rc=2" },
		{ { "lab: up", "Kernel panic - not syncing: VFS" },
		  KD_LAB_QMP_NONE,
		  "panicked before kdump was armed" },
		{ { "lab: back" }, KD_LAB_QMP_NONE, "not a fresh one" },
		{ { "lab: up" }, KD_LAB_QMP_RESET, "reset itself while the lab waited for kdump" },
		{ { "lab: up" },
		  KD_LAB_QMP_SHUTDOWN,
		  "switched itself off while the lab waited for kdump to be armed" },
		{ { "x" },
		  KD_LAB_QMP_EOF,
		  "QEMU ended while the lab waited for the machine to come" },
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(bad); i++) {
		KD_AUTO(kd_lab_follow_fini) struct kd_lab_follow f;
		kd_lab_follow_init(&f, &reboot_case, 0);
		for (size_t l = 0; l < 3 && bad[i].lines[l]; l++)
			kd_lab_follow_line(&f, bad[i].lines[l], l);
		kd_lab_follow_event(&f, bad[i].event, 10);
		expect_failure(&f, bad[i].why);
	}
}

static void test_what_goes_wrong_after_the_panic_is_told(void **state)
{
	KD_AUTO(kd_lab_follow_fini) struct kd_lab_follow never, off, twice, lost;

	kd_lab_follow_init(&never, &reboot_case, 0);
	SAY(&never, lines_to_armed, 0);
	SAY(&never, panic_lines, 1000);
	kd_lab_follow_event(&never, KD_LAB_QMP_RESET, 2000);
	expect_failure(&never, "the capture init never ran");

	kd_lab_follow_init(&off, &poweroff_case, 0);
	SAY(&off, lines_to_armed, 0);
	SAY(&off, panic_lines, 1000);
	SAY(&off, capture_lines, 2000);
	kd_lab_follow_event(&off, KD_LAB_QMP_RESET, 4000);
	expect_failure(&off, "its end was to be: poweroff");

	kd_lab_follow_init(&twice, &reboot_case, 0);
	SAY(&twice, lines_to_armed, 0);
	SAY(&twice, panic_lines, 1000);
	SAY(&twice, capture_lines, 2000);
	kd_lab_follow_event(&twice, KD_LAB_QMP_RESET, 4000);
	SAY(&twice, back_lines, 5000);
	kd_lab_follow_event(&twice, KD_LAB_QMP_RESET, 6000);
	expect_failure(&twice, "reset itself once more");

	kd_lab_follow_init(&lost, &reboot_case, 0);
	SAY(&lost, lines_to_armed, 0);
	SAY(&lost, panic_lines, 1000);
	SAY(&lost, capture_lines, 2000);
	kd_lab_follow_event(&lost, KD_LAB_QMP_RESET, 4000);
	kd_lab_follow_line(&lost, "lab: up", 5000);
	expect_failure(&lost, "without knowing of its panic");
}

/* ---- being stuck ---- */

static void test_a_busy_guest_may_be_silent_for_its_processor_time(void **state)
{
	KD_AUTO(kd_lab_follow_fini) struct kd_lab_follow f;

	kd_lab_follow_init(&f, &reboot_case, 0);
	kd_lab_follow_clock(&f, 500, 400);
	/* a host so busy that the guest had 20 s in 200 */
	kd_lab_follow_clock(&f, 200000, 20400);
	assert_false(f.failed);
	/* it is heard: the count starts again */
	kd_lab_follow_line(&f, "alive", 200000);
	kd_lab_follow_clock(&f, 200500, 20400);
	kd_lab_follow_clock(&f, 230000, 50000);
	assert_false(f.failed);
	kd_lab_follow_clock(&f, 270000, 20400 + 60000);
	expect_failure(&f, "gave up waiting for the machine to come up: nothing on the console for "
			   "70 s, in which the guest had 60 s");
}

static void test_an_idle_guest_is_given_up_by_the_clock(void **state)
{
	KD_AUTO(kd_lab_follow_fini) struct kd_lab_follow f;

	kd_lab_follow_init(&f, &reboot_case, 0);
	kd_lab_follow_clock(&f, 239000, 10);
	assert_false(f.failed);
	kd_lab_follow_clock(&f, 240000, 10);
	expect_failure(&f, "nothing on the console for 240 s");
}

static void test_a_chattering_guest_is_given_up_too(void **state)
{
	KD_AUTO(kd_lab_follow_fini) struct kd_lab_follow f;

	kd_lab_follow_init(&f, &reboot_case, 0);
	for (uint64_t now = 0; now < 300000; now += 1000) {
		kd_lab_follow_line(&f, "again", now);
		kd_lab_follow_clock(&f, now, now);
		assert_false(f.failed);
	}
	kd_lab_follow_line(&f, "again", 300000);
	kd_lab_follow_clock(&f, 300000, 300000);
	expect_failure(&f, "gave up waiting for the machine to come up after 300 s, in which the "
			   "guest had 300 s");
}

/* A host with ten times as much to do as it can: the guest gets on, only slowly. */
static void test_a_guest_that_gets_little_time_is_waited_for(void **state)
{
	KD_AUTO(kd_lab_follow_fini) struct kd_lab_follow f;

	kd_lab_follow_init(&f, &reboot_case, 0);
	for (uint64_t now = 0; now <= 1000000; now += 1000) {
		kd_lab_follow_line(&f, "on", now);
		kd_lab_follow_clock(&f, now, now / 10);
		assert_false(f.failed);
	}
	/* the next stage begins with a new count */
	kd_lab_follow_line(&f, "lab: up", 1000000);
	for (uint64_t now = 1000000; now <= 3000000; now += 1000) {
		kd_lab_follow_line(&f, "on", now);
		kd_lab_follow_clock(&f, now, now / 10);
		assert_false(f.failed);
	}
	/* but not for ever */
	kd_lab_follow_line(&f, "on", 7000000);
	kd_lab_follow_clock(&f, 7000000, 300000);
	expect_failure(&f, "gave up waiting for kdump to be armed after 6000 s");
}

static void test_the_case_deadline_counts_from_the_panic(void **state)
{
	KD_AUTO(kd_lab_follow_fini) struct kd_lab_follow f;

	kd_lab_follow_init(&f, &reboot_case, 0);
	SAY(&f, lines_to_armed, 0);
	SAY(&f, panic_lines, 50000);
	SAY(&f, capture_lines, 51000);
	kd_lab_follow_clock(&f, 51900, 0);
	assert_false(f.failed);
	kd_lab_follow_line(&f, "busy", 149000);
	kd_lab_follow_clock(&f, 149900, 1);
	assert_true(f.stage == KD_LAB_STAGE_RESET && !f.failed);
	kd_lab_follow_line(&f, "busy", 150000);
	kd_lab_follow_clock(&f, 150000, 1);
	expect_failure(&f, "the panic was 100 s ago, the case's deadline");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_goes_wrong_before_the_panic_is_told),
		cmocka_unit_test(test_what_goes_wrong_after_the_panic_is_told),
		cmocka_unit_test(test_a_busy_guest_may_be_silent_for_its_processor_time),
		cmocka_unit_test(test_an_idle_guest_is_given_up_by_the_clock),
		cmocka_unit_test(test_a_chattering_guest_is_given_up_too),
		cmocka_unit_test(test_a_guest_that_gets_little_time_is_waited_for),
		cmocka_unit_test(test_the_case_deadline_counts_from_the_panic),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
