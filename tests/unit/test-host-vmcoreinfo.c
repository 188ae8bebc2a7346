/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The note of /proc/kcore, as a core file made to order has it. */
#include "lib/host/internal.h"
#include "tests/gen/mkvmcore.h"
#include "tests/unit/support-tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const char words[] = "SYMBOL(prb)=ffffffff82a5b2c0\n";

static int made(const struct kd_gen_elf_opts *opts)
{
	KD_AUTO(kd_gen_freep) struct kd_gen *g = kd_gen_new(62, 4096);
	int fd = kd_gen_memfd("kcore");

	kd_gen_segment(g, 0x1000, 8192, 8192, 0);
	kd_gen_info(g, "%s", words);
	kd_gen_note(g, "CORE", 1, "twelve bytes", 12);
	kd_gen_elf(g, fd, opts);
	return fd;
}

static void test_text_is_found_wherever_the_segments_are(void **state)
{
	static const struct kd_gen_elf_opts opts[] = { { 0 }, { .phdrs_last = true } };

	for (size_t i = 0; i < KD_ARRAY_LEN(opts); i++) {
		KD_AUTO(kd_closep) int fd = made(&opts[i]);
		KD_AUTO(kd_buf_fini) struct kd_buf text = { 0 };
		struct kd_err err = { 0 };

		if (kd_host_kcore_text(fd, &text, &err))
			fail_msg("%s", err.msg);
		assert_non_null(strstr(text.p, words));
	}
}

static void test_what_is_not_there_is_said(void **state)
{
	struct kd_err err = { 0 };
	KD_AUTO(kd_buf_fini) struct kd_buf text = { 0 };
	struct tree t;

	KD_AUTO(kd_closep) int bare = made(&(struct kd_gen_elf_opts){ .without_notes = true });
	assert_int_equal(kd_host_kcore_text(bare, &text, &err), -KD_NOTSUP);
	KD_AUTO(kd_closep) int cut = made(&(struct kd_gen_elf_opts){ .truncate = 150 });
	assert_int_equal(kd_host_kcore_text(cut, &text, &err), -KD_BADDATA);
	assert_string_equal(err.msg, "/proc/kcore is cut short");

	tree_init(&t);
	assert_int_equal(kd_host_vmcoreinfo(t.root, &text, &err), -KD_SYS);
	tree_file(&t, "/proc/kcore", "%s",
		  "this is not an ELF file, but it is long enough to be "
		  "read as the header of one");
	assert_int_equal(kd_host_vmcoreinfo(t.root, &text, &err), -KD_BADDATA);
	assert_string_equal(err.msg, "/proc/kcore is not a 64-bit ELF file");
	assert_int_equal(text.len, 0);
	tree_fini(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_is_found_wherever_the_segments_are),
		cmocka_unit_test(test_what_is_not_there_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
