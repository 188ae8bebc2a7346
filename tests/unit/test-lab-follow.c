/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Console, QEMU's events, and what a run makes of them. */
#include "lab/follow.h"
#include "lab/gdb.h"

#include "lab/console.h"
#include "lab/qmp.h"
#include "tests/unit/support-tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

/* ---- console ---- */

struct heard {
	struct kd_strv lines;
	uint64_t last_ms;
};

static void hear(void *arg, const char *line, uint64_t now_ms)
{
	struct heard *h = arg;

	assert_int_equal(kd_strv_add(&h->lines, line, NULL), 0);
	h->last_ms = now_ms;
}

static void test_console_cuts_lines_and_keeps_everything(void **state)
{
	struct tree t;
	struct heard h = { 0 };
	struct kd_lab_console con = { .on_line = hear, .arg = &h };
	struct kd_err err = { 0 };
	KD_AUTO(kd_freep) char *log = NULL, *times = NULL;
	static const char one[] = "\033[2J[    1.0] fir";
	static const char two[] = "st\r\n\nNUL:\0x\nlast";

	tree_init(&t);
	assert_int_equal(kd_lab_console_open(&con, t.dir, &err), 0);
	assert_int_equal(kd_lab_console_feed(&con, one, sizeof(one) - 1, con.start_ms + 5, &err),
			 0);
	assert_int_equal(h.lines.n, 0);
	assert_int_equal(kd_lab_console_feed(&con, two, sizeof(two) - 1, con.start_ms + 1234, &err),
			 0);
	assert_int_equal(h.lines.n, 3);
	assert_string_equal(h.lines.v[0], "[    1.0] first");
	assert_string_equal(h.lines.v[1], "");
	assert_string_equal(h.lines.v[2], "NUL:x");
	assert_int_equal(h.last_ms, con.start_ms + 1234);
	assert_int_equal(con.bytes, sizeof(one) + sizeof(two) - 2);
	kd_lab_console_close(&con);

	size_t len = 0;
	assert_int_equal(kd_root_read(t.root, "/console.log", 1000, &log, &len, &err), 0);
	assert_int_equal(len, sizeof(one) + sizeof(two) - 2);
	assert_int_equal(kd_root_read(t.root, "/console.times", 1000, &times, NULL, &err), 0);
	assert_non_null(strstr(times, "      1.234 [    1.0] first\n"));
	kd_strv_fini(&h.lines);
	tree_fini(&t);
}

static void test_console_cuts_an_endless_line(void **state)
{
	struct tree t;
	struct heard h = { 0 };
	struct kd_lab_console con = { .on_line = hear, .arg = &h };
	struct kd_err err = { 0 };
	char big[3 * KD_LAB_LINE_BYTES];

	tree_init(&t);
	memset(big, 'x', sizeof(big));
	assert_int_equal(kd_lab_console_open(&con, t.dir, &err), 0);
	assert_int_equal(kd_lab_console_feed(&con, big, sizeof(big), con.start_ms, &err), 0);
	assert_int_equal(h.lines.n, 3);
	assert_int_equal(strlen(h.lines.v[0]), KD_LAB_LINE_BYTES - 1);
	kd_lab_console_close(&con);
	kd_strv_fini(&h.lines);
	tree_fini(&t);
}

/* ---- QMP ---- */

static void test_qmp_tells_only_of_the_guest(void **state)
{
	static const struct {
		const char *line;
		enum kd_lab_qmp_event event;
		bool greeting;
	} good[] = {
		{ "{\"QMP\": {\"version\": {}}}", KD_LAB_QMP_NONE, true },
		{ "{\"return\": {}}", KD_LAB_QMP_NONE, false },
		{ "{\"event\": \"RESET\", \"data\": {\"guest\": true}}", KD_LAB_QMP_RESET, false },
		{ "{\"event\": \"RESET\", \"data\": {\"guest\": false}}", KD_LAB_QMP_NONE, false },
		{ "{\"event\": \"SHUTDOWN\", \"data\": {\"guest\": true}}", KD_LAB_QMP_SHUTDOWN,
		  false },
		{ "{\"event\": \"POWERDOWN\"}", KD_LAB_QMP_NONE, false },
		{ "{\"event\": \"DUMP_COMPLETED\", \"data\": {\"result\": {}}}", KD_LAB_QMP_DUMPED,
		  false },
		{ "{\"event\": 7}", KD_LAB_QMP_NONE, false },
	};
	enum kd_lab_qmp_event event = KD_LAB_QMP_NONE;
	struct kd_err err = { 0 };
	bool greeting = false;

	for (size_t i = 0; i < KD_ARRAY_LEN(good); i++) {
		assert_int_equal(kd_lab_qmp_line(good[i].line, strlen(good[i].line), &greeting,
						 &event, &err),
				 0);
		assert_int_equal(event, good[i].event);
		assert_int_equal(greeting, good[i].greeting);
	}
	assert_int_equal(kd_lab_qmp_line("nonsense", 8, &greeting, &event, &err), -KD_BADDATA);
	assert_non_null(strstr(err.msg, "not a JSON object: nonsense"));
	static const char error[] =
		"{\"error\": {\"class\": \"x\", \"desc\": \"no such command\"}}";
	assert_int_equal(kd_lab_qmp_line(error, strlen(error), &greeting, &event, &err),
			 -KD_BADDATA);
	assert_non_null(strstr(err.msg, "no such command"));
	static const char full[] = "{\"event\": \"DUMP_COMPLETED\", \"data\": {\"result\": {}, "
				   "\"error\": \"dump: No space left on device\"}}";
	assert_int_equal(kd_lab_qmp_line(full, strlen(full), &greeting, &event, &err), -KD_SYS);
	assert_non_null(strstr(err.msg, "QEMU cannot dump the guest's memory: dump: No space"));
}

static void test_qmp_channel_greets_and_ends(void **state)
{
	static const char text[] =
		"{\"QMP\": {}}\r\n{\"event\":\"RESET\",\"data\":{\"guest\":true}}\n"
		"{\"event\":\"SHUT";
	static const char rest[] = "DOWN\",\"data\":{\"guest\":true}}\n";
	KD_AUTO(kd_freep) struct kd_lab_qmp *qmp = calloc(1, sizeof(*qmp));
	enum kd_lab_qmp_event event = KD_LAB_QMP_NONE;
	struct kd_err err = { 0 };
	char answer[160] = "";
	int ends[2];

	assert_non_null(qmp);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	qmp->fd = ends[0];
	assert_int_equal(write(ends[1], text, strlen(text)), strlen(text));
	assert_int_equal(kd_lab_qmp_next(qmp, &event, &err), 0);
	assert_int_equal(event, KD_LAB_QMP_RESET);
	assert_true(read(ends[1], answer, sizeof(answer) - 1) > 0);
	assert_string_equal(answer, "{\"execute\":\"qmp_capabilities\"}\n");
	assert_int_equal(kd_lab_qmp_next(qmp, &event, &err), 0);
	assert_int_equal(event, KD_LAB_QMP_NONE);
	assert_int_equal(kd_lab_qmp_dump(qmp, "/d/\xff", &err), -KD_USAGE);
	assert_int_equal(kd_lab_qmp_dump(qmp, "/d/a \"b\"", &err), 0);
	memset(answer, 0, sizeof(answer));
	assert_true(read(ends[1], answer, sizeof(answer) - 1) > 0);
	assert_non_null(strstr(answer, "{\"execute\":\"dump-guest-memory\""));
	assert_non_null(strstr(answer, "\"protocol\":\"file:/d/a \\\"b\\\"\"}}\n"));
	assert_int_equal(write(ends[1], rest, strlen(rest)), strlen(rest));
	assert_int_equal(kd_lab_qmp_next(qmp, &event, &err), 0);
	assert_int_equal(event, KD_LAB_QMP_SHUTDOWN);
	close(ends[1]);
	assert_int_equal(kd_lab_qmp_next(qmp, &event, &err), 0);
	assert_int_equal(event, KD_LAB_QMP_EOF);
	kd_lab_qmp_quit(qmp); /* nobody there: no signal, no complaint */
	close(ends[0]);
}

/* ---- printk time, moments ---- */

static void test_printk_time(void **state)
{
	uint64_t us = 77;

	assert_true(kd_lab_printk_time("[    4.123456] x", &us));
	assert_int_equal(us, 4123456);
	assert_true(kd_lab_printk_time("<6>[12345.000001] x", &us));
	assert_int_equal(us, UINT64_C(12345000001));
	us = 77;
	assert_false(kd_lab_printk_time("", &us));
	assert_false(kd_lab_printk_time("<6", &us));
	assert_false(kd_lab_printk_time("[    4.12345] x", &us));
	assert_false(kd_lab_printk_time("[    4.1234567] x", &us));
	assert_false(kd_lab_printk_time("[99999999999999999999.000000]", &us));
	assert_false(kd_lab_printk_time("kdumpkit: init", &us));
	assert_int_equal(us, 77);
}

/* ---- a whole run ---- */

static const char *const to_armed[] = {
	"[    0.000000] Linux version 6.1.0",
	"[    2.600000] lab: up",
	"[    9.000000] lab: start| kdump: Starting kdump: [OK]",
	"[    9.100000] lab: armed",
};
static const char *const panic[] = {
	"[    9.200000] sysrq: Trigger a crash",
	"[    9.300000] Kernel panic - not syncing: sysrq triggered crash",
};
static const char *const capture[] = {
	"[    0.000000] Linux version 6.1.0",
	"[    2.100000] kdumpkit: init 0.1.0",
	"[    2.400000] kdumpkit: target mounted /dev/vda ext4 /var/crash",
	"[    2.500000] kdumpkit: dmesg saved /var/crash/x/vmcore-dmesg.txt 26579 bytes",
	"[    2.600000] kdumpkit: vmcore started makedumpfile -l -d 31",
	"[    5.100000] kdumpkit: vmcore saved /var/crash/x/vmcore 1 bytes",
	"[    6.100000] kdumpkit: outcome saved",
	"[    6.200000] kdumpkit: action reboot (final_action)",
};
static const char *const back[] = {
	"[    0.000000] Linux version 6.1.0",
	"[    2.600000] lab: back",
	"[    3.100000] lab: status| kdump: Last capture: saved, /var/crash/x (2026)",
	"[    3.200000] lab: status rc=3",
};

static uint64_t say(struct kd_lab_follow *f, const char *const *lines, size_t n, uint64_t now)
{
	for (size_t i = 0; i < n; i++, now += 100)
		kd_lab_follow_line(f, lines[i], now);
	return now;
}
#define SAY(f, lines, now) say(f, lines, KD_ARRAY_LEN(lines), now)

static const struct kd_lab_case reboot_case = { .end = KD_LAB_END_REBOOT, .deadline_s = 100 };
static const struct kd_lab_case poweroff_case = { .end = KD_LAB_END_POWEROFF, .deadline_s = 100 };

/* From the start to the capture's last line. */
static uint64_t until_captured(struct kd_lab_follow *f, const struct kd_lab_case *c)
{
	kd_lab_follow_init(f, c, 0);
	uint64_t now = SAY(f, to_armed, 0);
	now = SAY(f, panic, now);
	return SAY(f, capture, now);
}

static void test_a_good_run_passes_every_stage(void **state)
{
	KD_AUTO(kd_lab_follow_fini) struct kd_lab_follow f;
	KD_AUTO(kd_buf_fini) struct kd_buf text = { 0 };
	struct kd_json j = { .out = &text };

	kd_lab_follow_init(&f, &reboot_case, 1000);
	assert_int_equal(f.stage, KD_LAB_STAGE_BOOT);
	uint64_t now = SAY(&f, to_armed, 1000);
	assert_int_equal(f.stage, KD_LAB_STAGE_TRIGGER);
	uint64_t panicked = now;
	now = SAY(&f, panic, now);
	assert_int_equal(f.stage, KD_LAB_STAGE_JUMP);
	now = SAY(&f, capture, now);
	assert_int_equal(f.stage, KD_LAB_STAGE_RESET);
	assert_string_equal(f.timeline.action, "reboot (final_action)");
	assert_string_equal(f.timeline.outcome, "saved");
	kd_lab_follow_event(&f, KD_LAB_QMP_RESET, now);
	assert_int_equal(f.stage, KD_LAB_STAGE_BACK);
	/* the kernel tries a second way to restart; QEMU tells of both */
	kd_lab_follow_event(&f, KD_LAB_QMP_RESET, now + 3);
	assert_false(f.failed);
	SAY(&f, back, now + 10);
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
	assert_string_equal(f.lines.v[0], panic[0]);

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
	SAY(&f, back, now + 10);
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
	SAY(&f, back, now);
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
	SAY(&f, back, now);
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
	uint64_t now = SAY(&f, to_armed, 0);
	now = SAY(&f, panic, now);
	assert_false(f.type);
	/* Whoever says so without being the capture init is not believed. */
	static const char shell[] = "[    4.100000] kdumpkit: shell on the console, its end";
	kd_lab_follow_line(&f, shell, now);
	assert_false(f.type);
	kd_lab_follow_line(&f, "[    2.100000] kdumpkit: init 0.1.0", now);
	kd_lab_follow_line(&f, shell, now);
	assert_true(f.type && !f.failed);
}

static void expect_failure(const struct kd_lab_follow *f, const char *text)
{
	assert_true(f->failed);
	assert_true(kd_lab_follow_over(f));
	if (!strstr(f->why, text))
		fail_msg("'%s' lacks '%s'", f->why, text);
}

static void test_a_dump_by_qemu_ends_the_walk(void **state)
{
	static const struct kd_lab_case c = { .trigger = KD_LAB_TRIGGER_QEMU,
					      .expect = KD_LAB_EXPECT_NONE,
					      .deadline_s = 100 };
	KD_AUTO(kd_lab_follow_fini) struct kd_lab_follow f;

	kd_lab_follow_init(&f, &c, 0);
	SAY(&f, to_armed, 0);
	assert_false(f.dump);
	kd_lab_follow_line(&f, "[    9.000000] " KD_LAB_LAST_WORDS, 60000);
	assert_true(f.dump && !f.failed && !kd_lab_follow_over(&f));
	kd_lab_follow_event(&f, KD_LAB_QMP_DUMPED, 61000);
	assert_true(kd_lab_follow_over(&f) && !f.failed);

	/* In any other case these words mean nothing. */
	KD_AUTO(kd_lab_follow_fini) struct kd_lab_follow other;
	kd_lab_follow_init(&other, &reboot_case, 0);
	SAY(&other, to_armed, 0);
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
	SAY(&f, to_armed, 0); /* of these only "up" matters */
	assert_int_equal(f.stage, KD_LAB_STAGE_SETUP);
	SAY(&f, finished, 1000);
	assert_int_equal(f.stage, KD_LAB_STAGE_OFF);
	kd_lab_follow_event(&f, KD_LAB_QMP_SHUTDOWN, 2000);
	assert_true(f.stage == KD_LAB_STAGE_DONE && !f.failed);
	assert_int_equal(f.guest.n, 6);
	assert_int_equal(f.lines.n, 0);

	kd_lab_follow_init(&g, &armed, 0);
	say(&g, to_armed, 2, 0);
	assert_int_equal(g.stage, KD_LAB_STAGE_ARM);
	SAY(&g, to_armed, 0);
	assert_int_equal(g.stage, KD_LAB_STAGE_SETUP);

	kd_lab_follow_init(&panicked, &armed, 0);
	SAY(&panicked, to_armed, 0);
	SAY(&panicked, panic, 0);
	expect_failure(&panicked, "the machine panicked: [    9.200000] sysrq");

	kd_lab_follow_init(&reset, &armed, 0);
	SAY(&reset, to_armed, 0);
	kd_lab_follow_event(&reset, KD_LAB_QMP_RESET, 1000);
	expect_failure(&reset, "reset itself while the lab waited for the set-up commands to end");

	kd_lab_follow_init(&late, &c, 0);
	SAY(&late, to_armed, 0);
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
	SAY(&f, to_armed, 0);
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
	SAY(&bad, to_armed, 0);
	kd_lab_follow_line(&bad, "[    9.000000] " KD_LAB_POKE "here", 1000);
	expect_failure(&bad, "is not understood: lab: poke here");

	kd_lab_follow_init(&not_allowed, &reboot_case, 0);
	SAY(&not_allowed, to_armed, 0);
	kd_lab_follow_line(&not_allowed, "[    9.000000] " KD_LAB_POKE "0x1f000 0x1000", 1000);
	assert_int_equal(not_allowed.wish.kind, KD_LAB_WISH_NONE);
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
	SAY(&f, to_armed, 0);
	say(&f, kexec, 2, 1000);
	assert_int_equal(f.stage, KD_LAB_STAGE_KEXEC);
	say(&f, kexec + 2, 2, 2000);
	assert_int_equal(f.stage, KD_LAB_STAGE_AFTER);
	SAY(&f, finished, 3000);
	kd_lab_follow_event(&f, KD_LAB_QMP_SHUTDOWN, 4000);
	assert_true(f.stage == KD_LAB_STAGE_DONE && !f.failed);
	assert_string_equal(f.lines.v[0], kexec[0]);

	kd_lab_follow_init(&reset, &c, 0);
	SAY(&reset, to_armed, 0);
	say(&reset, kexec, 2, 1000);
	kd_lab_follow_event(&reset, KD_LAB_QMP_RESET, 2000);
	expect_failure(&reset, "reset itself while the lab waited for the other kernel to come up");

	kd_lab_follow_init(&same, &c, 0);
	SAY(&same, to_armed, 0);
	say(&same, kexec, 1, 1000);
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
	SAY(&f, to_armed, 0);
	SAY(&f, panic, 1000);
	kd_lab_follow_event(&f, KD_LAB_QMP_RESET, 2000);
	assert_int_equal(f.stage, KD_LAB_STAGE_BACK);
	SAY(&f, back, 3000);
	kd_lab_follow_event(&f, KD_LAB_QMP_SHUTDOWN, 4000);
	assert_true(f.stage == KD_LAB_STAGE_DONE && !f.failed);

	kd_lab_follow_init(&captured, &c, 0);
	SAY(&captured, to_armed, 0);
	SAY(&captured, panic, 1000);
	SAY(&captured, capture, 2000);
	expect_failure(&captured, "expect-outcome = no-capture");
}

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
	SAY(&never, to_armed, 0);
	SAY(&never, panic, 1000);
	kd_lab_follow_event(&never, KD_LAB_QMP_RESET, 2000);
	expect_failure(&never, "the capture init never ran");

	kd_lab_follow_init(&off, &poweroff_case, 0);
	SAY(&off, to_armed, 0);
	SAY(&off, panic, 1000);
	SAY(&off, capture, 2000);
	kd_lab_follow_event(&off, KD_LAB_QMP_RESET, 4000);
	expect_failure(&off, "its end was to be: poweroff");

	kd_lab_follow_init(&twice, &reboot_case, 0);
	SAY(&twice, to_armed, 0);
	SAY(&twice, panic, 1000);
	SAY(&twice, capture, 2000);
	kd_lab_follow_event(&twice, KD_LAB_QMP_RESET, 4000);
	SAY(&twice, back, 5000);
	kd_lab_follow_event(&twice, KD_LAB_QMP_RESET, 6000);
	expect_failure(&twice, "reset itself once more");

	kd_lab_follow_init(&lost, &reboot_case, 0);
	SAY(&lost, to_armed, 0);
	SAY(&lost, panic, 1000);
	SAY(&lost, capture, 2000);
	kd_lab_follow_event(&lost, KD_LAB_QMP_RESET, 4000);
	kd_lab_follow_line(&lost, "lab: up", 5000);
	expect_failure(&lost, "without knowing of its panic");
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
	SAY(&f, to_armed, 0);
	SAY(&f, panic, 1000);
	kd_lab_follow_line(&f, capture[0], 1500);
	SAY(&f, replay, 2000);
	assert_false(f.failed);
	assert_false(f.timeline.capture_panicked);
	assert_string_equal(f.timeline.outcome, "failed nothing there");
	assert_int_equal(f.stage, KD_LAB_STAGE_RESET);

	/* a panic outside of it is one of the capture kernel */
	kd_lab_follow_line(&f, "Kernel panic - not syncing: Attempted to kill init!", 9000);
	assert_true(f.timeline.capture_panicked);
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
	SAY(&f, to_armed, 0);
	SAY(&f, panic, 50000);
	SAY(&f, capture, 51000);
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
		cmocka_unit_test(test_console_cuts_lines_and_keeps_everything),
		cmocka_unit_test(test_console_cuts_an_endless_line),
		cmocka_unit_test(test_qmp_tells_only_of_the_guest),
		cmocka_unit_test(test_qmp_channel_greets_and_ends),
		cmocka_unit_test(test_printk_time),
		cmocka_unit_test(test_a_good_run_passes_every_stage),
		cmocka_unit_test(
			test_a_second_reset_event_is_the_same_reset_whatever_the_clock_says),
		cmocka_unit_test(test_poweroff_is_followed_by_a_new_start),
		cmocka_unit_test(test_a_machine_that_halts_is_switched_off_and_on),
		cmocka_unit_test(test_a_shell_on_the_console_is_typed_into),
		cmocka_unit_test(test_a_dump_by_qemu_ends_the_walk),
		cmocka_unit_test(test_a_case_without_a_panic_ends_after_its_commands),
		cmocka_unit_test(test_a_guest_may_ask_things_of_the_debugger),
		cmocka_unit_test(test_the_debugger_overwrites_physical_memory),
		cmocka_unit_test(test_a_kexec_goes_on_without_a_reset),
		cmocka_unit_test(test_a_panic_may_be_without_a_capture),
		cmocka_unit_test(test_what_goes_wrong_before_the_panic_is_told),
		cmocka_unit_test(test_what_goes_wrong_after_the_panic_is_told),
		cmocka_unit_test(test_a_repeated_log_is_old_news),
		cmocka_unit_test(test_a_busy_guest_may_be_silent_for_its_processor_time),
		cmocka_unit_test(test_an_idle_guest_is_given_up_by_the_clock),
		cmocka_unit_test(test_a_chattering_guest_is_given_up_too),
		cmocka_unit_test(test_a_guest_that_gets_little_time_is_waited_for),
		cmocka_unit_test(test_the_case_deadline_counts_from_the_panic),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
