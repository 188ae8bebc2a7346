/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/base/base.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* ---- errors ---- */

static void test_fail_sys_names_cause_and_code(void **state)
{
	struct kd_err err = { 0 };

	assert_int_equal(kd_fail_sys(&err, ENOENT, "open %s", "/x"), -KD_SYS);
	assert_string_equal(err.msg, "open /x: No such file or directory");
	assert_int_equal(err.sys, ENOENT);
	assert_int_equal(kd_fail_sys(&err, ENOSPC, "w"), -KD_NOSPACE);
	assert_int_equal(kd_fail_sys(&err, ENOMEM, "w"), -KD_NOMEM);
	assert_int_equal(kd_fail_sys(NULL, EIO, "w"), -KD_SYS);
}

static void test_wrap_keeps_code_and_puts_context_first(void **state)
{
	struct kd_err err = { 0 };

	kd_fail(&err, KD_BADDATA, "inner %d", 7);
	assert_int_equal(kd_wrap(&err, "outer"), -KD_BADDATA);
	assert_string_equal(err.msg, "outer: inner 7");
}

static void test_long_message_is_marked_as_cut(void **state)
{
	struct kd_err err = { 0 };
	char big[2 * KD_ERR_MSG_BYTES];

	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	kd_fail(&err, KD_USAGE, "%s", big);
	assert_int_equal(strlen(err.msg), KD_ERR_MSG_BYTES - 1);
	assert_string_equal(err.msg + KD_ERR_MSG_BYTES - 4, "...");
	kd_wrap(&err, "%s", big);
	assert_string_equal(err.msg + KD_ERR_MSG_BYTES - 4, "...");
}

/* ---- cursor ---- */

static void test_cursor_reads_both_byte_orders(void **state)
{
	static const uint8_t bytes[] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	struct kd_cursor c = { .p = bytes, .end = bytes + 8 };

	assert_int_equal(kd_cursor_u32(&c), 0x04030201);
	c.big_endian = true;
	assert_int_equal(kd_cursor_u16(&c), 0x0506);
	assert_int_equal(kd_cursor_left(&c), 2);
}

static void test_cursor_first_bad_read_sticks(void **state)
{
	static const uint8_t bytes[] = { 1, 2, 3 };
	struct kd_cursor c = { .p = bytes, .end = bytes + 3 };

	assert_int_equal(kd_cursor_u64(&c), 0);
	assert_true(c.bad);
	assert_int_equal(kd_cursor_u8(&c), 0);
	assert_null(kd_cursor_bytes(&c, 0));
	assert_int_equal(kd_cursor_left(&c), 0);

	c = (struct kd_cursor){ .p = bytes, .end = bytes + 3 };
	kd_cursor_skip(&c, UINT64_MAX);
	assert_true(c.bad);
}

static void test_cursor_lines_with_and_without_last_newline(void **state)
{
	const char *text = "a\n\nbc";
	struct kd_cursor c = { .p = (const uint8_t *)text, .end = (const uint8_t *)text + 5 };
	size_t len = 99;

	assert_memory_equal(kd_cursor_line(&c, &len), "a", 1);
	assert_int_equal(len, 1);
	assert_non_null(kd_cursor_line(&c, &len));
	assert_int_equal(len, 0);
	assert_memory_equal(kd_cursor_line(&c, &len), "bc", 2);
	assert_int_equal(len, 2);
	assert_null(kd_cursor_line(&c, &len));
	assert_false(c.bad);
}

/* ---- units ---- */

static void test_sizes_parse_or_say_why(void **state)
{
	struct kd_err err = { 0 };
	uint64_t v = 0;

	assert_int_equal(kd_parse_size("128M", &v, &err), 0);
	assert_int_equal(v, 128ull << 20);
	assert_int_equal(kd_parse_size("0x10k", &v, &err), 0);
	assert_int_equal(v, 16384);
	assert_int_equal(kd_parse_size("15E", &v, &err), 0);
	assert_int_equal(kd_parse_size("16E", &v, &err), -KD_BADDATA);
	assert_int_equal(kd_parse_size("1Q", &v, &err), -KD_BADDATA);
	assert_int_equal(kd_parse_size("1MM", &v, &err), -KD_BADDATA);
	assert_int_equal(kd_parse_size("-1", &v, &err), -KD_BADDATA);
	assert_int_equal(kd_parse_size("", &v, &err), -KD_BADDATA);
	assert_int_equal(kd_parse_u64("18446744073709551616", &v, &err), -KD_BADDATA);
	assert_int_equal(kd_parse_u64("12 ", &v, &err), -KD_BADDATA);
}

static void test_sizes_print_short(void **state)
{
	char buf[KD_SIZE_TEXT_BYTES];

	assert_string_equal(kd_format_size(0, buf), "0 B");
	assert_string_equal(kd_format_size(1023, buf), "1023 B");
	assert_string_equal(kd_format_size(1536, buf), "1.5 KiB");
	assert_string_equal(kd_format_size(128ull << 20, buf), "128 MiB");
	assert_string_equal(kd_format_size(UINT64_MAX, buf), "15.9 EiB");
}

/* ---- strings ---- */

static void test_split_drops_empty_words(void **state)
{
	struct kd_strv s = { 0 };

	assert_int_equal(kd_strv_split(&s, "  a bb\t\tc ", " \t", NULL), 0);
	assert_int_equal(s.n, 3);
	assert_string_equal(s.v[1], "bb");
	assert_null(s.v[3]);
	assert_true(kd_strv_has(&s, "c"));
	assert_false(kd_strv_has(&s, "b"));
	kd_strv_fini(&s);
}

static void test_json_escapes_everything_hostile(void **state)
{
	struct kd_buf out = { 0 };
	struct kd_json j = { .out = &out };

	kd_json_open_object(&j, NULL);
	kd_json_string_n(&j, "a\"", "q\"\\\n\x01\xff\xc3\xa4\xed\xa0\x80", 11);
	kd_json_open_array(&j, "n");
	kd_json_u64(&j, NULL, UINT64_MAX);
	kd_json_ms(&j, NULL, 1005);
	kd_json_close_array(&j);
	kd_json_string(&j, "z", NULL);
	kd_json_close_object(&j);
	assert_string_equal(out.p,
			    "{\"a\\\"\":\"q\\\"\\\\\\u000a\\u0001\\u00ff\xc3\xa4\\u00ed\\u00a0"
			    "\\u0080\",\"n\":[18446744073709551615,1.005],\"z\":null}");
	kd_buf_fini(&out);
}

/* ---- log ---- */

static void take(void *arg, enum kd_log_level level, const char *area, const char *text)
{
	kd_buf_printf(arg, "%d %s %s;", level, area, text);
}

static void test_debug_messages_pass_by_area(void **state)
{
	struct kd_buf out = { 0 };
	struct kd_log log = { .emit = take, .arg = &out, .debug_areas = "filter,sink" };

	kd_log(&log, KD_LOG_DEBUG, "sin", "no");
	kd_log(&log, KD_LOG_DEBUG, "sink", "yes");
	kd_log(&log, KD_LOG_WARN, "other", "w%d", 1);
	assert_string_equal(out.p, "3 sink yes;1 other w1;");
	kd_buf_fini(&out);
	kd_log(NULL, KD_LOG_ERROR, "x", "nobody listens");
}

/* ---- root ---- */

static int make_tree(void **state)
{
	char *dir = strdup("/tmp/kd-base-XXXXXX");

	*state = dir;
	return dir && mkdtemp(dir) ? 0 : -1;
}

static int remove_tree(void **state)
{
	char *argv[] = { (char *)"/bin/rm", (char *)"-rf", *state, NULL };
	struct kd_child_opts opts = { .stdin_fd = -1, .stdout_fd = -1, .stderr_fd = -1 };
	struct kd_child_end end = { 0 };
	int rc = kd_child_run(argv, &opts, &end, NULL);

	free(*state);
	return rc;
}

static void test_root_absolute_links_stay_inside(void **state)
{
	struct kd_err err = { 0 };
	KD_AUTO(kd_root_closep) struct kd_root *root = NULL;
	KD_AUTO(kd_freep) char *text = NULL, *real = NULL;
	char link[256];

	assert_int_equal(kd_root_open(*state, &root, &err), 0);
	assert_false(kd_root_is_host(root));
	assert_int_equal(kd_root_mkdirs(root, "/etc/deep/er", 0755, &err), 0);
	assert_int_equal(kd_root_write(root, "/etc/deep/f", "hello\nworld\n", 12, 0600, &err), 0);
	snprintf(link, sizeof(link), "%s/etc/link", (char *)*state);
	assert_int_equal(symlink("/etc/deep/f", link), 0);
	assert_int_equal(kd_root_read_line(root, "/etc/link", &text, &err), 0);
	assert_string_equal(text, "hello");
	assert_int_equal(kd_root_realpath(root, "/etc/link", &real, &err), 0);
	assert_string_equal(real, "/etc/deep/f");
	assert_false(kd_root_exists(root, "/../../etc/passwd"));
}

static void test_root_write_replaces_whole_or_not_at_all(void **state)
{
	struct kd_err err = { 0 };
	KD_AUTO(kd_root_closep) struct kd_root *root = NULL;
	KD_AUTO(kd_freep) char *text = NULL;
	struct stat st;

	assert_int_equal(kd_root_open(*state, &root, &err), 0);
	assert_int_equal(kd_root_write(root, "/f", "old", 3, 0600, &err), 0);
	int fd = kd_root_replace_begin(root, "/f", 0640, &err);
	assert_true(fd >= 0);
	assert_int_equal(kd_write_full(fd, "half", 4, "f", &err), 0);
	kd_root_replace_abort(root, "/f", fd);
	assert_false(kd_root_exists(root, "/f.kd-new"));
	assert_int_equal(kd_root_read(root, "/f", 100, &text, NULL, &err), 0);
	assert_string_equal(text, "old");

	fd = kd_root_replace_begin(root, "/f", 0640, &err);
	assert_int_equal(kd_root_replace_commit(root, "/f", fd, &err), 0);
	assert_int_equal(kd_root_stat(root, "/f", &st, &err), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(st.st_size, 0);
}

static void test_root_read_refuses_files_too_large(void **state)
{
	struct kd_err err = { 0 };
	KD_AUTO(kd_root_closep) struct kd_root *root = NULL;
	KD_AUTO(kd_freep) char *text = NULL;

	assert_int_equal(kd_root_open(*state, &root, &err), 0);
	assert_int_equal(kd_root_write(root, "/f", "12345", 5, 0600, &err), 0);
	assert_int_equal(kd_root_read(root, "/f", 4, &text, NULL, &err), -KD_BADDATA);
	assert_int_equal(kd_root_read(root, "/none", 4, &text, NULL, &err), -KD_SYS);
	assert_int_equal(err.sys, ENOENT);
}

static void test_dotdot_is_found_as_a_component_only(void **state)
{
	assert_true(kd_path_has_dotdot(".."));
	assert_true(kd_path_has_dotdot("/a/../b"));
	assert_true(kd_path_has_dotdot("/a//.."));
	assert_false(kd_path_has_dotdot("/a/..b/c.."));
	assert_false(kd_path_has_dotdot("/.../."));
	assert_false(kd_path_has_dotdot(""));
}

/* ---- children ---- */

static void run_child(const char *path, const char *arg, uint64_t timeout_ms,
		      struct kd_child_end *end)
{
	char *argv[] = { (char *)path, (char *)(arg ? "-c" : NULL), (char *)arg, NULL };
	struct kd_child_opts opts = {
		.stdin_fd = -1, .stdout_fd = -1, .stderr_fd = -1, .timeout_ms = timeout_ms
	};

	assert_int_equal(kd_child_run(argv, &opts, end, NULL), 0);
}

static void test_child_ends_are_told_apart(void **state)
{
	struct kd_child_end end = { 0 };
	char text[128];

	run_child("/bin/sh", "exit 3", 0, &end);
	assert_true(end.exited);
	assert_int_equal(end.code, 3);
	assert_string_equal(kd_child_explain(&end, text, sizeof(text)), "exited with status 3");

	run_child("/bin/sh", "kill -9 $$", 5000, &end);
	assert_false(end.exited);
	assert_int_equal(end.signal, 9);
	assert_string_equal(kd_child_explain(&end, text, sizeof(text)),
			    "killed by signal 9 (Killed)");

	run_child("/bin/sh", "exec sleep 30", 50, &end);
	assert_true(end.timed_out);
	assert_non_null(strstr(kd_child_explain(&end, text, sizeof(text)), "still running"));
}

static void test_child_that_cannot_start_is_an_error(void **state)
{
	char *argv[] = { (char *)"/nonexistent/prog", NULL };
	struct kd_child_opts opts = { .stdin_fd = -1, .stdout_fd = -1, .stderr_fd = -1 };
	struct kd_child_end end = { 0 };
	struct kd_err err = { 0 };

	assert_int_equal(kd_child_run(argv, &opts, &end, &err), -KD_SYS);
	assert_string_equal(err.msg, "start /nonexistent/prog: No such file or directory");
}

/* ---- digest ---- */

static void test_sha256_of_file_and_memory_agree(void **state)
{
	/* FIPS 180-2, appendix B.1 */
	static const char want[] =
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
	KD_AUTO(kd_root_closep) struct kd_root *root = NULL;
	char hex[KD_SHA256_HEX_BYTES];
	uint64_t size = 0;

	kd_sha256_hex("abc", 3, hex);
	assert_string_equal(hex, want);
	assert_int_equal(kd_root_open(*state, &root, NULL), 0);
	assert_int_equal(kd_root_write(root, "/abc", "abc", 3, 0600, NULL), 0);
	KD_AUTO(kd_closep) int fd = kd_root_openat(root, "/abc", O_RDONLY, 0, NULL);
	assert_int_equal(kd_sha256_fd(fd, "abc", hex, &size, NULL), 0);
	assert_string_equal(hex, want);
	assert_int_equal(size, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fail_sys_names_cause_and_code),
		cmocka_unit_test(test_wrap_keeps_code_and_puts_context_first),
		cmocka_unit_test(test_long_message_is_marked_as_cut),
		cmocka_unit_test(test_cursor_reads_both_byte_orders),
		cmocka_unit_test(test_cursor_first_bad_read_sticks),
		cmocka_unit_test(test_cursor_lines_with_and_without_last_newline),
		cmocka_unit_test(test_sizes_parse_or_say_why),
		cmocka_unit_test(test_sizes_print_short),
		cmocka_unit_test(test_split_drops_empty_words),
		cmocka_unit_test(test_json_escapes_everything_hostile),
		cmocka_unit_test(test_debug_messages_pass_by_area),
		cmocka_unit_test_setup_teardown(test_root_absolute_links_stay_inside, make_tree,
						remove_tree),
		cmocka_unit_test_setup_teardown(test_root_write_replaces_whole_or_not_at_all,
						make_tree, remove_tree),
		cmocka_unit_test_setup_teardown(test_root_read_refuses_files_too_large, make_tree,
						remove_tree),
		cmocka_unit_test(test_dotdot_is_found_as_a_component_only),
		cmocka_unit_test(test_child_ends_are_told_apart),
		cmocka_unit_test(test_child_that_cannot_start_is_an_error),
		cmocka_unit_test_setup_teardown(test_sha256_of_file_and_memory_agree, make_tree,
						remove_tree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
