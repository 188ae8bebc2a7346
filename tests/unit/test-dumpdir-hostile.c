/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Manifests that somebody else wrote: what is refused, and in which words. */
#include "tests/unit/support-dumpdir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define SCALARS                                                                                    \
	"\"version\": 1, \"program\": \"kdumpkit\", \"outcome\": \"saved\", \"reason\": \"\", "    \
	"\"created\": \"2026-11-20T12:34:56Z\", \"kernel_release\": \"6.1\", "                     \
	"\"crash_time\": 5, \"collector\": \"engine\", \"collector_exit\": 0, "                    \
	"\"target\": \"ext4\", "
#define STAGES "\"stages\": [{\"name\": \"init\", \"at_ms\": 1}], "
#define FILES  "\"files\": [{\"name\": \"vmcore\", \"size_bytes\": 5, \"sha256\": \"" SUM_CORE "\"}]"

static const char good[] = "{" SCALARS STAGES FILES "}";

/* good with one piece of text replaced. */
static void replaced(const char *what, const char *with, struct kd_buf *out)
{
	const char *at = strstr(good, what);

	assert_non_null(at);
	kd_buf_add(out, good, (size_t)(at - good));
	kd_buf_puts(out, with);
	kd_buf_puts(out, at + strlen(what));
}

static void refused(const char *what, const char *with, const char *message)
{
	KD_AUTO(kd_buf_fini) struct kd_buf text = { 0 };
	struct kd_manifest m = { .crash_time = 4711 };
	struct kd_err err = { 0 };

	replaced(what, with, &text);
	assert_int_equal(kd_manifest_parse(text.p, text.len, "m", &m, &err), -KD_BADDATA);
	/* Which column a JSON error is in depends on jansson's version. */
	char *column = strstr(err.msg, " (column");
	if (column)
		*column = '\0';
	assert_string_equal(err.msg, message);
	assert_int_equal(m.crash_time, 4711);
}

static void test_unknown_members_are_ignored(void **state)
{
	KD_AUTO(kd_buf_fini) struct kd_buf text = { 0 };
	struct kd_manifest m = { 0 };
	struct kd_err err = { 0 };

	replaced("\"crash_time\"", "\"later\": {\"a\": [1, null]}, \"crash_time\"", &text);
	if (kd_manifest_parse(text.p, text.len, "m", &m, &err))
		fail_msg("%s", err.msg);
	assert_int_equal(m.outcome, KD_OUTCOME_SAVED);
	assert_int_equal(m.crash_time, 5);
	assert_string_equal(m.files[0].sha256, SUM_CORE);
}

static void test_every_cut_of_a_manifest_is_refused(void **state)
{
	for (size_t len = 0; len < strlen(good); len++) {
		struct kd_manifest m = { 0 };
		assert_int_equal(kd_manifest_parse(good, len, "m", &m, NULL), -KD_BADDATA);
	}
}

static void test_not_json(void **state)
{
	struct kd_manifest m = { 0 };
	struct kd_err err = { 0 };

	assert_int_equal(kd_manifest_parse("{\n\033", 3, "m", &m, &err), -KD_BADDATA);
	assert_int_equal(strncmp(err.msg, "m:2: is not JSON (column", 24), 0);
	assert_int_equal(kd_manifest_parse("[]", 2, "m", &m, &err), -KD_BADDATA);
	assert_string_equal(err.msg, "m: is not a JSON object");
	assert_int_equal(kd_manifest_parse(good, KD_MANIFEST_MAX_BYTES + 1, "m", &m, &err),
			 -KD_BADDATA);
	assert_string_equal(err.msg, "m: larger than 4194304 bytes");
}

static void test_other_versions_and_programs(void **state)
{
	KD_AUTO(kd_buf_fini) struct kd_buf text = { 0 };
	struct kd_manifest m = { 0 };
	struct kd_err err = { 0 };

	replaced("\"version\": 1", "\"version\": 2", &text);
	assert_int_equal(kd_manifest_parse(text.p, text.len, "m", &m, &err), -KD_NOTSUP);
	assert_string_equal(err.msg,
			    "m: this manifest has version 2, and this program knows version "
			    "1: use a newer kdumpkit");
	refused("\"version\": 1", "\"version\": -1", "m: version: is out of range");
	refused("\"kdumpkit\"", "\"other\"", "m: program: is 'other', not 'kdumpkit'");
}

static void test_wrong_members_are_named(void **state)
{
	refused("\"reason\": \"\", ", "", "m: reason: is missing");
	refused("\"reason\": \"\"", "\"reason\": null", "m: reason: is not a string");
	refused("\"reason\": \"\"", "\"reason\": \"a\\u001bb\"",
		"m: reason: has a control character");
	refused("\"reason\": \"\"", "\"reason\": \"\\u009b31m\"",
		"m: reason: has a control character");
	refused("\"saved\"", "\"won\"",
		"m: outcome: 'won' is not saved, truncated, dmesg-only or failed");
	refused("12:34:56Z", "12:34:56 ", "m: created: is not a time like 2026-11-20T12:34:56Z");
	refused("\"crash_time\": 5", "\"crash_time\": -5", "m: crash_time: is out of range");
	refused("\"crash_time\": 5", "\"crash_time\": 5.5", "m: crash_time: is not an integer");
	refused("\"crash_time\": 5", "\"crash_time\": 99999999999999999999", "m:1: is not JSON");
	refused("\"reason\": \"\"", "\"reason\": \"\", \"reason\": \"x\"", "m:1: is not JSON");
	refused("\"collector_exit\": 0", "\"collector_exit\": 4294967296",
		"m: collector_exit: is out of range");
	refused(STAGES, "", "m: stages: is missing");
	refused(FILES, "\"files\": 5", "m: files: is not an array");
	refused(FILES, "\"files\": [5]", "m: files: element 0 is not an object");
	refused("\"at_ms\": 1", "\"at_ms\": \"1\"", "m: stages[0].at_ms: is not an integer");
	refused(FILES, "\"files\": []", "m: outcome: is saved, but no file vmcore is listed");
}

static void test_wrong_files_are_named(void **state)
{
	static const char *const names[] = { "../vmcore", "/etc/shadow", "", ".", "a b" };

	for (size_t i = 0; i < KD_ARRAY_LEN(names); i++) {
		char with[40], want[80];
		snprintf(with, sizeof(with), "\"%s\"", names[i]);
		snprintf(want, sizeof(want), "m: files[0].name: '%s' is not a plain file name",
			 names[i]);
		refused("\"vmcore\"", with, want);
	}
	refused("\"vmcore\"", "\"v\\nmcore\"", "m: files[0].name: has a control character");
	refused("\"size_bytes\": 5", "\"size_bytes\": -1",
		"m: files[0].size_bytes: is out of range");
	refused(SUM_CORE, "D1E6E9F24DF974E4C75706D8DD4728911B230BB7162CDFE2689EF4B487263835",
		"m: files[0].sha256: is neither 64 lower-case hexadecimal digits nor empty");
	refused(SUM_CORE, "d1e6",
		"m: files[0].sha256: is neither 64 lower-case hexadecimal digits nor empty");
	refused(FILES,
		FILES ", \"files\": [{\"name\": \"vmcore\", \"size_bytes\": 5, "
		      "\"sha256\": \"" SUM_CORE "\"}]",
		"m:1: is not JSON");
	refused("\"files\": [",
		"\"files\": [{\"name\": \"vmcore\", \"size_bytes\": 5, \"sha256\": \"" SUM_CORE
		"\"}, ",
		"m: files[1].name: 'vmcore' is listed twice");
}

#define ENGINE                                                                                     \
	"\"engine\": {\"pages\": 1, \"zero_pages\": 0, \"shared_pages\": 0, "                      \
	"\"bad_pages\": 0, \"bad_runs\": [], \"digests_xxh3\": \"\""
#define EXTENT(off, size) "{\"offset\": " off ", \"size_bytes\": " size ", \"xxh3\": \"" XXH3 "\"}"
#define XXH3		  "00000000000000ff"
#define EXTENTS(list)	  ENGINE ", \"extents\": [" list "]}, " FILES

static void test_wrong_extents_are_named(void **state)
{
	refused(FILES, ENGINE "}, " FILES, "m: extents: is missing");
	refused(FILES, EXTENTS("1"), "m: extents: element 0 is not an object");
	refused(FILES, EXTENTS(EXTENT("0", "6")),
		"m: extents[0].size_bytes: 6 bytes at offset 0 are not inside of vmcore, which has 5");
	refused(FILES, EXTENTS(EXTENT("0", "1") ", " EXTENT("5", "1")),
		"m: extents[1].size_bytes: 1 bytes at offset 5 are not inside of vmcore, which has 5");
	refused(FILES, EXTENTS(EXTENT("9223372036854775807", "9223372036854775807")),
		"m: extents[0].size_bytes: 9223372036854775807 bytes at offset 9223372036854775807 are not "
		"inside of vmcore, which has 5");
	refused(FILES, EXTENTS(EXTENT("-1", "1")), "m: extents[0].offset: is out of range");
	refused(FILES, EXTENTS(EXTENT("0", "0")), "m: extents[0].size_bytes: is out of range");
	refused(FILES, EXTENTS(EXTENT("0", "\"1\"")),
		"m: extents[0].size_bytes: is not an integer");
	refused(FILES, EXTENTS(EXTENT("2", "2") ", " EXTENT("3", "1")),
		"m: extents[1].offset: 3 is before 4, where the one before it ends");
	refused(FILES, EXTENTS(EXTENT("2", "1") ", " EXTENT("0", "1")),
		"m: extents[1].offset: 0 is before 3, where the one before it ends");
	refused(FILES,
		EXTENTS("{\"offset\": 0, \"size_bytes\": 1, \"xxh3\": \"0x000000000000ff\"}"),
		"m: extents[0].xxh3: '0x000000000000ff' is not 16 lower-case hexadecimal digits");
	refused(FILES, EXTENTS("{\"offset\": 0, \"size_bytes\": 1}"),
		"m: extents[0].xxh3: is missing");
}

static void test_extents_of_a_dump_that_is_not_listed(void **state)
{
	static const char text[] = "{\"version\": 1, \"program\": \"kdumpkit\", "
				   "\"outcome\": \"failed\", \"reason\": \"\", "
				   "\"created\": \"\", \"kernel_release\": \"\", "
				   "\"crash_time\": 5, \"collector\": \"engine\", "
				   "\"collector_exit\": 0, \"target\": \"ext4\", " STAGES
				   "\"files\": [], " ENGINE
				   ", \"extents\": [" EXTENT("7", "1") "]}}";
	struct kd_manifest m = { 0 };
	struct kd_err err = { 0 };

	assert_int_equal(kd_manifest_parse(text, strlen(text), "m", &m, &err), -KD_BADDATA);
	assert_string_equal(err.msg, "m: extents[0].offset: is 7, but no vmcore is listed");
}

static void test_too_many_extents(void **state)
{
	KD_AUTO(kd_buf_fini) struct kd_buf list = { 0 };

	kd_buf_puts(&list, ENGINE ", \"extents\": [1");
	for (int i = 0; i < KD_MANIFEST_MAX_EXTENTS; i++)
		kd_buf_puts(&list, ",1");
	kd_buf_puts(&list, "]}, " FILES);
	refused(FILES, list.p, "m: extents: has 32769 elements, 32768 are the limit");
}

static void test_too_long_values_and_lists(void **state)
{
	KD_AUTO(kd_buf_fini) struct kd_buf list = { 0 };
	char target[300];

	target[0] = '"';
	memset(target + 1, 'x', 256);
	memcpy(target + 257, "\"", 2);
	refused("\"ext4\"", target, "m: target: is longer than 255 bytes");
	kd_buf_puts(&list, "\"stages\": [");
	for (int i = 0; i < 25; i++)
		kd_buf_puts(&list, i ? ",1" : "1");
	kd_buf_puts(&list, "], ");
	refused(STAGES, list.p, "m: stages: has 25 elements, 24 are the limit");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unknown_members_are_ignored),
		cmocka_unit_test(test_every_cut_of_a_manifest_is_refused),
		cmocka_unit_test(test_not_json),
		cmocka_unit_test(test_other_versions_and_programs),
		cmocka_unit_test(test_wrong_members_are_named),
		cmocka_unit_test(test_wrong_files_are_named),
		cmocka_unit_test(test_too_long_values_and_lists),
		cmocka_unit_test(test_wrong_extents_are_named),
		cmocka_unit_test(test_extents_of_a_dump_that_is_not_listed),
		cmocka_unit_test(test_too_many_extents),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
