/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the lab hears of a guest: lines of its console, their clock, QEMU's events. */
#include "lab/console.h"
#include "lab/qmp.h"
#include "lab/timeline.h"
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_console_cuts_lines_and_keeps_everything),
		cmocka_unit_test(test_console_cuts_an_endless_line),
		cmocka_unit_test(test_qmp_tells_only_of_the_guest),
		cmocka_unit_test(test_qmp_channel_greets_and_ends),
		cmocka_unit_test(test_printk_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
