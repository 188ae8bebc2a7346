/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a run makes of the console and of QEMU's events: the stages, one after the other. */
#include "tests/unit/support-lab-follow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* From the start to the capture's last line. */
static uint64_t until_captured(struct kd_lab_follow *f, const struct kd_lab_case *c)
{
	kd_lab_follow_init(f, c, 0);
	uint64_t now = SAY(f, lines_to_armed, 0);
	now = SAY(f, panic_lines, now);
	return SAY(f, capture_lines, now);
}

static void test_a_good_run_passes_every_stage(void **state)
{
	KD_AUTO(kd_lab_follow_fini) struct kd_lab_follow f;
	KD_AUTO(kd_buf_fini) struct kd_buf text = { 0 };
	struct kd_json j = { .out = &text };

	kd_lab_follow_init(&f, &reboot_case, 1000);
	assert_int_equal(f.stage, KD_LAB_STAGE_BOOT);
	uint64_t now = SAY(&f, lines_to_armed, 1000);
	assert_int_equal(f.stage, KD_LAB_STAGE_TRIGGER);
	uint64_t panicked = now;
	now = SAY(&f, panic_lines, now);
	assert_int_equal(f.stage, KD_LAB_STAGE_JUMP);
	now = SAY(&f, capture_lines, now);
	assert_int_equal(f.stage, KD_LAB_STAGE_RESET);
	assert_string_equal(f.timeline.action, "reboot (final_action)");
	assert_string_equal(f.timeline.outcome, "saved");
	kd_lab_follow_event(&f, KD_LAB_QMP_RESET, now);
	assert_int_equal(f.stage, KD_LAB_STAGE_BACK);
	/* the kernel tries a second way to restart; QEMU tells of both */
	kd_lab_follow_event(&f, KD_LAB_QMP_RESET, now + 3);
	assert_false(f.failed);
	SAY(&f, back_lines, now + 10);
	assert_int_equal(f.stage, KD_LAB_STAGE_OFF);
	kd_lab_follow_event(&f, KD_LAB_QMP_SHUTDOWN, now + 1000);
	assert_true(kd_lab_follow_over(&f));
	assert_false(f.failed);
	kd_lab_follow_event(&f, KD_LAB_QMP_EOF, now + 1001);
	assert_false(f.failed);

	const struct kd_lab_mark *init = &f.timeline.marks[KD_LAB_INIT];
	assert_true(init->has_guest);
	assert_int_equal(init->guest_us, 2100000);
	assert_int_equal(init->wall_ms - panicked, 300);
	assert_int_equal(f.timeline.marks[KD_LAB_PANIC].wall_ms, panicked);
	assert_string_equal(f.lines.v[0], panic_lines[0]);

	kd_lab_timeline_json(&f.timeline, &j);
	assert_non_null(strstr(text.p, "\"capture-init\""));
	assert_non_null(strstr(text.p, "2.100"));
	/* the production kernel's own clock has no place in it */
	assert_null(strstr(text.p, "9.200"));
}

/* QEMU's event is taken off its channel before the console lines sent ahead of it are read. */
static void test_a_second_reset_event_is_the_same_reset_whatever_the_clock_says(void **state)
{
	KD_AUTO(kd_lab_follow_fini) struct kd_lab_follow f;

	uint64_t now = until_captured(&f, &reboot_case);
	kd_lab_follow_line(&f, "[    6.300000] reboot: machine restart", now + 1);
	kd_lab_follow_event(&f, KD_LAB_QMP_RESET, now);
	kd_lab_follow_event(&f, KD_LAB_QMP_RESET, now + 2);
	assert_false(f.failed);
	assert_int_equal(f.stage, KD_LAB_STAGE_BACK);
	SAY(&f, back_lines, now + 10);
	assert_int_equal(f.stage, KD_LAB_STAGE_OFF);
}

static void test_poweroff_is_followed_by_a_new_start(void **state)
{
	KD_AUTO(kd_lab_follow_fini) struct kd_lab_follow f;

	uint64_t now = until_captured(&f, &poweroff_case);
	kd_lab_follow_event(&f, KD_LAB_QMP_SHUTDOWN, now);
	assert_true(f.power_on);
	kd_lab_follow_event(&f, KD_LAB_QMP_EOF, now);
	assert_false(f.failed);
	f.power_on = false;
	SAY(&f, back_lines, now);
	assert_int_equal(f.stage, KD_LAB_STAGE_OFF);
}

static void test_a_machine_that_halts_is_switched_off_and_on(void **state)
{
	static const struct kd_lab_case c = { .end = KD_LAB_END_HALT, .deadline_s = 100 };
	KD_AUTO(kd_lab_follow_fini) struct kd_lab_follow f;

	uint64_t now = until_captured(&f, &c);
	assert_false(f.power_on);
	kd_lab_follow_line(&f, "[    6.300000] reboot: System halted", now);
	assert_true(f.power_on && !f.failed);
	assert_int_equal(f.stage, KD_LAB_STAGE_BACK);
	f.power_on = false;
	SAY(&f, back_lines, now);
	assert_int_equal(f.stage, KD_LAB_STAGE_OFF);

	/* Where it was to reboot it never comes back by itself. */
	KD_AUTO(kd_lab_follow_fini) struct kd_lab_follow other;
	now = until_captured(&other, &reboot_case);
	kd_lab_follow_line(&other, "[    6.300000] reboot: System halted", now);
	assert_true(other.failed);
	assert_non_null(strstr(other.why, "the machine halted"));
}

static void test_a_shell_on_the_console_is_typed_into(void **state)
{
	KD_AUTO(kd_lab_follow_fini) struct kd_lab_follow f;

	kd_lab_follow_init(&f, &reboot_case, 0);
	uint64_t now = SAY(&f, lines_to_armed, 0);
	now = SAY(&f, panic_lines, now);
	assert_false(f.type);
	/* Whoever says so without being the capture init is not believed. */
	static const char shell[] = "[    4.100000] kdumpkit: shell on the console, its end";
	kd_lab_follow_line(&f, shell, now);
	assert_false(f.type);
	kd_lab_follow_line(&f, "[    2.100000] kdumpkit: init 0.1.0", now);
	kd_lab_follow_line(&f, shell, now);
	assert_true(f.type && !f.failed);
}

static void test_a_dump_by_qemu_ends_the_walk(void **state)
{
	static const struct kd_lab_case c = { .trigger = KD_LAB_TRIGGER_QEMU,
					      .expect = KD_LAB_EXPECT_NONE,
					      .deadline_s = 100 };
	KD_AUTO(kd_lab_follow_fini) struct kd_lab_follow f;

	kd_lab_follow_init(&f, &c, 0);
	SAY(&f, lines_to_armed, 0);
	assert_false(f.dump);
	kd_lab_follow_line(&f, "[    9.000000] " KD_LAB_LAST_WORDS, 60000);
	assert_true(f.dump && !f.failed && !kd_lab_follow_over(&f));
	kd_lab_follow_event(&f, KD_LAB_QMP_DUMPED, 61000);
	assert_true(kd_lab_follow_over(&f) && !f.failed);

	/* In any other case these words mean nothing. */
	KD_AUTO(kd_lab_follow_fini) struct kd_lab_follow other;
	kd_lab_follow_init(&other, &reboot_case, 0);
	SAY(&other, lines_to_armed, 0);
	kd_lab_follow_line(&other, "[    9.000000] " KD_LAB_LAST_WORDS, 60000);
	assert_false(other.dump);
}

static const char *const finished[] = {
	"[    4.000000] lab: setup| all is well",
	"[    4.100000] lab: finished",
};

static void test_a_case_without_a_panic_ends_after_its_commands(void **state)
{
	static const struct kd_lab_case c = { .trigger = KD_LAB_TRIGGER_NONE,
					      .expect = KD_LAB_EXPECT_NONE,
					      .not_armed = true,
					      .deadline_s = 100 };
	static const struct kd_lab_case armed = { .trigger = KD_LAB_TRIGGER_NONE,
						  .expect = KD_LAB_EXPECT_NONE,
						  .deadline_s = 100 };
	KD_AUTO(kd_lab_follow_fini) struct kd_lab_follow f, g, panicked, late, reset;

	kd_lab_follow_init(&f, &c, 0);
	SAY(&f, lines_to_armed, 0); /* of these only "up" matters */
	assert_int_equal(f.stage, KD_LAB_STAGE_SETUP);
	SAY(&f, finished, 1000);
	assert_int_equal(f.stage, KD_LAB_STAGE_OFF);
	kd_lab_follow_event(&f, KD_LAB_QMP_SHUTDOWN, 2000);
	assert_true(f.stage == KD_LAB_STAGE_DONE && !f.failed);
	assert_int_equal(f.guest.n, 6);
	assert_int_equal(f.lines.n, 0);

	kd_lab_follow_init(&g, &armed, 0);
	say_lines(&g, lines_to_armed, 2, 0);
	assert_int_equal(g.stage, KD_LAB_STAGE_ARM);
	SAY(&g, lines_to_armed, 0);
	assert_int_equal(g.stage, KD_LAB_STAGE_SETUP);

	kd_lab_follow_init(&panicked, &armed, 0);
	SAY(&panicked, lines_to_armed, 0);
	SAY(&panicked, panic_lines, 0);
	expect_failure(&panicked, "the machine panicked: [    9.200000] sysrq");

	kd_lab_follow_init(&reset, &armed, 0);
	SAY(&reset, lines_to_armed, 0);
	kd_lab_follow_event(&reset, KD_LAB_QMP_RESET, 1000);
	expect_failure(&reset, "reset itself while the lab waited for the set-up commands to end");

	kd_lab_follow_init(&late, &c, 0);
	SAY(&late, lines_to_armed, 0);
	kd_lab_follow_clock(&late, 99000, 1000);
	assert_false(late.failed);
	kd_lab_follow_clock(&late, 100200, 1000);
	expect_failure(&late, "the machine came up 100 s ago, the case's deadline");
}

static void test_a_guest_may_ask_things_of_the_debugger(void **state)
{
	static const struct kd_lab_case may = { .trigger = KD_LAB_TRIGGER_SYSRQ,
						.debugger = true,
						.deadline_s = 100 };
	KD_AUTO(kd_lab_follow_fini) struct kd_lab_follow f, bad, not_allowed;

	kd_lab_follow_init(&f, &may, 0);
	SAY(&f, lines_to_armed, 0);
	kd_lab_follow_line(&f, "[    9.000000] " KD_LAB_POKE "0x1f000 0x1000", 1000);
	assert_false(f.failed);
	assert_int_equal(f.wish.kind, KD_LAB_WISH_POKE);
	assert_int_equal(f.wish.addr, 0x1f000);
	assert_int_equal(f.wish.len, 0x1000);
	kd_lab_follow_line(
		&f, "[    9.100000] " KD_LAB_WRITABLE "0xffff888000000000 0x8000000 0x2000", 1100);
	assert_false(f.failed);
	assert_int_equal(f.wish.kind, KD_LAB_WISH_WRITABLE);
	assert_int_equal(f.wish.addr, 0xffff888000000000);
	assert_int_equal(f.wish.len, 0x8000000);
	assert_int_equal(f.wish.answer, 0x2000);

	kd_lab_follow_init(&bad, &may, 0);
	SAY(&bad, lines_to_armed, 0);
	kd_lab_follow_line(&bad, "[    9.000000] " KD_LAB_POKE "here", 1000);
	expect_failure(&bad, "is not understood: lab: poke here");

	kd_lab_follow_init(&not_allowed, &reboot_case, 0);
	SAY(&not_allowed, lines_to_armed, 0);
	kd_lab_follow_line(&not_allowed, "[    9.000000] " KD_LAB_POKE "0x1f000 0x1000", 1000);
	assert_int_equal(not_allowed.wish.kind, KD_LAB_WISH_NONE);
}

static void test_a_kexec_goes_on_without_a_reset(void **state)
{
	static const char *const kexec[] = {
		"[    9.000000] lab: kexec now",
		"[    0.000000] Linux version 6.12.0",
		"[    2.000000] lab: kexeced into 6.12.0",
		"[    2.100000] lab: after| fine",
	};
	static const struct kd_lab_case c = { .trigger = KD_LAB_TRIGGER_KEXEC,
					      .expect = KD_LAB_EXPECT_NONE,
					      .deadline_s = 100 };
	KD_AUTO(kd_lab_follow_fini) struct kd_lab_follow f, reset, same;

	kd_lab_follow_init(&f, &c, 0);
	SAY(&f, lines_to_armed, 0);
	say_lines(&f, kexec, 2, 1000);
	assert_int_equal(f.stage, KD_LAB_STAGE_KEXEC);
	say_lines(&f, kexec + 2, 2, 2000);
	assert_int_equal(f.stage, KD_LAB_STAGE_AFTER);
	SAY(&f, finished, 3000);
	kd_lab_follow_event(&f, KD_LAB_QMP_SHUTDOWN, 4000);
	assert_true(f.stage == KD_LAB_STAGE_DONE && !f.failed);
	assert_string_equal(f.lines.v[0], kexec[0]);

	kd_lab_follow_init(&reset, &c, 0);
	SAY(&reset, lines_to_armed, 0);
	say_lines(&reset, kexec, 2, 1000);
	kd_lab_follow_event(&reset, KD_LAB_QMP_RESET, 2000);
	expect_failure(&reset, "reset itself while the lab waited for the other kernel to come up");

	kd_lab_follow_init(&same, &c, 0);
	SAY(&same, lines_to_armed, 0);
	say_lines(&same, kexec, 1, 1000);
	kd_lab_follow_line(&same, "lab: trigger| not loaded", 1100);
	kd_lab_follow_line(&same, "lab: trigger failed rc=1", 1200);
	expect_failure(&same, "trigger failed rc=1: not loaded");
}

static void test_a_panic_may_be_without_a_capture(void **state)
{
	static const struct kd_lab_case c = { .expect = KD_LAB_EXPECT_NO_CAPTURE,
					      .deadline_s = 100 };
	KD_AUTO(kd_lab_follow_fini) struct kd_lab_follow f, captured;

	kd_lab_follow_init(&f, &c, 0);
	SAY(&f, lines_to_armed, 0);
	SAY(&f, panic_lines, 1000);
	kd_lab_follow_event(&f, KD_LAB_QMP_RESET, 2000);
	assert_int_equal(f.stage, KD_LAB_STAGE_BACK);
	SAY(&f, back_lines, 3000);
	kd_lab_follow_event(&f, KD_LAB_QMP_SHUTDOWN, 4000);
	assert_true(f.stage == KD_LAB_STAGE_DONE && !f.failed);

	kd_lab_follow_init(&captured, &c, 0);
	SAY(&captured, lines_to_armed, 0);
	SAY(&captured, panic_lines, 1000);
	SAY(&captured, capture_lines, 2000);
	expect_failure(&captured, "expect-outcome = no-capture");
}

static void test_a_repeated_log_is_old_news(void **state)
{
	static const char *const replay[] = {
		"[    2.100000] kdumpkit: init 0.1.0",
		"[   62.900000] kdumpkit: dmesg could not be saved, its end follows on the console",
		"[    2.600000] lab: up",
		"[    9.300000] Kernel panic - not syncing: sysrq triggered crash",
		"[   63.000000] kdumpkit: outcome failed nothing there",
		/* the terminal's queue was not empty when the kernel printed that line */
		"| [    9.300000] Kernel panic - not syncing: sysrq triggered crash",
		"[   63.100000] kdumpkit: action reboot (failure_action)",
	};
	KD_AUTO(kd_lab_follow_fini) struct kd_lab_follow f;

	kd_lab_follow_init(&f, &reboot_case, 0);
	SAY(&f, lines_to_armed, 0);
	SAY(&f, panic_lines, 1000);
	kd_lab_follow_line(&f, capture_lines[0], 1500);
	SAY(&f, replay, 2000);
	assert_false(f.failed);
	assert_false(f.timeline.capture_panicked);
	assert_string_equal(f.timeline.outcome, "failed nothing there");
	assert_int_equal(f.stage, KD_LAB_STAGE_RESET);

	/* a panic outside of it is one of the capture kernel */
	kd_lab_follow_line(&f, "Kernel panic - not syncing: Attempted to kill init!", 9000);
	assert_true(f.timeline.capture_panicked);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_good_run_passes_every_stage),
		cmocka_unit_test(
			test_a_second_reset_event_is_the_same_reset_whatever_the_clock_says),
		cmocka_unit_test(test_poweroff_is_followed_by_a_new_start),
		cmocka_unit_test(test_a_machine_that_halts_is_switched_off_and_on),
		cmocka_unit_test(test_a_shell_on_the_console_is_typed_into),
		cmocka_unit_test(test_a_dump_by_qemu_ends_the_walk),
		cmocka_unit_test(test_a_case_without_a_panic_ends_after_its_commands),
		cmocka_unit_test(test_a_guest_may_ask_things_of_the_debugger),
		cmocka_unit_test(test_a_kexec_goes_on_without_a_reset),
		cmocka_unit_test(test_a_panic_may_be_without_a_capture),
		cmocka_unit_test(test_a_repeated_log_is_old_news),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
