/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The recipes of tests/gen: that they make what they say, and name the line that is wrong. */
#include "lib/report/dmesg.h"
#include "tests/gen/mkvmcore.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static int make(const char *text, int fd, struct kd_err *err)
{
	return kd_gen_recipe(text, strlen(text), "test.recipe", fd, err);
}

static int collect(void *arg, const char *bytes, size_t len, struct kd_err *err)
{
	kd_buf_add(arg, bytes, len);
	return 0;
}

static void test_recipe_makes_a_kernel_with_a_log(void **state)
{
	static const char *const outs[] = { "elf", "elf flattened", "diskdump codec=mixed",
					    "diskdump codec=zlib flattened" };

	for (size_t i = 0; i < KD_ARRAY_LEN(outs); i++) {
		KD_AUTO(kd_closep) int fd = kd_gen_memfd("recipe");
		KD_AUTO(kd_buf_fini) struct kd_buf text = { 0 };
		KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = NULL;
		struct kd_err err = { 0 };
		char recipe[512];
		uint64_t v;

		snprintf(recipe, sizeof(recipe),
			 "# a comment\n\nkernel 6.1.0-made ram=64M\nring 5 12\n"
			 "log 1.000001 hello\\nworld\nlog-empty\nlog-reserved 2 no\n"
			 "log 123.5 \\x1b and \\\\\nfill 40M 8K address\ninfo MINE=1 2\nout %s\n",
			 outs[i]);
		if (make(recipe, fd, &err) || kd_vmcore_open(fd, "made", NULL, &core, &err) ||
		    kd_dmesg_write(core, collect, &text, NULL, &err))
			fail_msg("%s: %s", outs[i], err.msg);
		assert_string_equal(text.p, "[    1.000001] hello\n"
					    "               world\n"
					    "[  123.500000] \\x1b and \\\n");
		assert_string_equal(kd_vmcore_osrelease(core), "6.1.0-made");
		assert_int_equal(kd_vmcore_read(core, (40 << 20) + 4104, &v, 8, &err), 0);
		assert_int_equal(v, (40 << 20) + 4104);
		assert_int_equal(kd_vmcoreinfo_decimal(kd_vmcore_info(core), "MINE", &v), 0);
	}
}

static void test_wrong_lines_are_named(void **state)
{
	static const struct {
		const char *recipe;
		const char *says;
	} wrong[] = {
		{ "segment 0 1M\n", "test.recipe: there is no line \"out\"" },
		{ "segment 0\nout elf\n", "test.recipe:1: needs two numbers: segment" },
		{ "\nsegment 0 lots\nout elf\n", "test.recipe:2: not a number: lots" },
		{ "colour blue\n", "test.recipe:1: unknown word: colour" },
		{ "log 1 text\n", "test.recipe:1: needs a ring before it: log" },
		{ "ring 3 8\nlog soon text\n", "test.recipe:2: not a time in seconds: soon" },
		{ "ring 3 4\nlog 1 too long\n",
		  "test.recipe:2: the ring is too small for: too long" },
		{ "out elf\nsegment 0 1M\n",
		  "test.recipe:2: nothing may follow out: segment 0 1M" },
		{ "segment 0 1M\nmachine aarch64\n", "test.recipe:2: must come first: machine" },
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(wrong); i++) {
		KD_AUTO(kd_closep) int fd = kd_gen_memfd("recipe");
		struct kd_err err = { 0 };

		assert_int_equal(make(wrong[i].recipe, fd, &err), -KD_USAGE);
		assert_string_equal(err.msg, wrong[i].says);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_recipe_makes_a_kernel_with_a_log),
		cmocka_unit_test(test_wrong_lines_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
