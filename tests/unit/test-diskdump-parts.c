/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Diskdump files that lack something: cut short, or parts of a set. */
#include "lib/ondisk/diskdump.h"
#include "tests/unit/support-diskdump.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- incomplete ---- */

static void test_descriptors_that_were_never_written(void **state)
{
	KD_AUTO(kd_gen_freep) struct kd_gen *g = diskdump_machine();
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("dump");
	const struct kd_gen_diskdump_opts opts = { .codec = KD_GEN_ZLIB, .stop_after = 300 };
	struct kd_err err;
	uint64_t run;

	kd_gen_diskdump(g, fd, &opts);
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd);
	assert_true(kd_vmcore_is_incomplete(core));
	assert_expected_at(core, 4 * MIB + 43 * PAGE);
	assert_no_read(core, 4 * MIB + 44 * PAGE, 8, "never written: the dump is incomplete");
	struct kd_vmcore_window *w = window_of(core);
	assert_int_equal(kd_vmcore_page_run(w, 1024, &run, &err), KD_PAGE_STORED);
	assert_int_equal(run, 44);
	assert_int_equal(kd_vmcore_page_run(w, 1068, &run, &err), KD_PAGE_LOST);
	assert_int_equal(run, 256);
	kd_vmcore_window_free(w);
}

static void test_file_cut_in_its_data_or_descriptors(void **state)
{
	/* headers and bitmaps take 4 blocks, the descriptors of 556 pages 4 more */
	static const uint64_t cuts[] = { 100000, 4 * PAGE + 1000, 4 * PAGE + 10 };

	for (size_t i = 0; i < KD_ARRAY_LEN(cuts); i++) {
		KD_AUTO(kd_gen_freep) struct kd_gen *g = diskdump_machine();
		KD_AUTO(kd_closep) int fd = kd_gen_memfd("dump");
		const struct kd_gen_diskdump_opts opts = { .codec = KD_GEN_ZLIB,
							   .truncate = cuts[i] };
		uint64_t stored = 0, lost = 0, run;
		struct kd_err err;

		kd_gen_diskdump(g, fd, &opts);
		KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd);
		assert_true(kd_vmcore_is_incomplete(core));
		struct kd_vmcore_window *w = window_of(core);
		for (uint64_t pfn = 0; pfn < kd_vmcore_max_pfn(core); pfn += run) {
			int got = kd_vmcore_page_run(w, pfn, &run, &err);
			stored += got == KD_PAGE_STORED ? run : 0;
			lost += got == KD_PAGE_LOST ? run : 0;
			for (uint64_t k = pfn; got == KD_PAGE_STORED && k < pfn + run; k++)
				assert_expected_at(core, k * PAGE + 8);
		}
		kd_vmcore_window_free(w);
		assert_int_equal(stored + lost, 556);
		assert_true(lost > 0);
		assert_int_equal(stored > 0, cuts[i] == 100000);
	}
}

static void test_file_cut_before_its_bitmaps_end(void **state)
{
	KD_AUTO(kd_gen_freep) struct kd_gen *g = diskdump_machine();
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("dump");
	const struct kd_gen_diskdump_opts opts = { .truncate = 2 * PAGE + 100 };
	struct kd_vmcore *core = NULL;
	struct kd_err err;

	kd_gen_diskdump(g, fd, &opts);
	assert_int_equal(kd_vmcore_open(fd, "dump", NULL, &core, &err), -KD_BADDATA);
	assert_string_equal(err.msg,
			    "dump ends at 0x2064, before its bitmaps do: nothing can be read");
}

static void test_status_bit_alone_says_incomplete(void **state)
{
	KD_AUTO(kd_gen_freep) struct kd_gen *g = diskdump_machine();
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("dump");
	const struct kd_gen_diskdump_opts opts = { .status = KD_DISKDUMP_INCOMPLETE };

	kd_gen_diskdump(g, fd, &opts);
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd);
	assert_true(kd_vmcore_is_incomplete(core));
	assert_whole(core);
}

/* ---- split sets ---- */

static void make_part(int fd, uint64_t start, uint64_t end)
{
	KD_AUTO(kd_gen_freep) struct kd_gen *g = diskdump_machine();
	const struct kd_gen_diskdump_opts opts = { .codec = KD_GEN_MIXED,
						   .exclude = every_seventh,
						   .split = true,
						   .start_pfn = start,
						   .end_pfn = end };

	kd_gen_diskdump(g, fd, &opts);
}

static void test_split_set_in_any_order(void **state)
{
	/* One border is in the middle of a 64-frame word: readers must not count in words. */
	static const uint64_t borders[] = { 0, 128, 1025, 1324 };
	static const char *const names[] = { "a", "b", "c" };
	int fds[3], shuffled[3];
	struct kd_vmcore *core = NULL;
	struct kd_err err;

	for (int i = 0; i < 3; i++) {
		fds[i] = kd_gen_memfd("part");
		make_part(fds[i], borders[i], borders[i + 1]);
		shuffled[(i + 1) % 3] = fds[i];
	}
	assert_int_equal(kd_vmcore_open_set(shuffled, names, 3, NULL, &core, &err), 0);
	assert_false(kd_vmcore_is_incomplete(core));
	assert_int_equal(kd_vmcore_diskdump(core)->start_pfn, 0);
	assert_int_equal(kd_vmcore_diskdump(core)->end_pfn, 1324);
	for (uint64_t pfn = 0; pfn < 1324; pfn++) {
		if (every_seventh(NULL, pfn))
			continue;
		if (pfn < 256 || pfn >= 1024)
			assert_expected_at(core, pfn * PAGE + 8);
	}
	kd_vmcore_close(core);

	/* Without the middle one. */
	int two[] = { fds[2], fds[0] };
	assert_int_equal(kd_vmcore_open_set(two, names, 2, NULL, &core, &err), 0);
	assert_true(kd_vmcore_is_incomplete(core));
	assert_expected_at(core, 127 * PAGE);
	assert_no_read(core, 128 * PAGE, 8, "never written: the dump is incomplete");
	assert_expected_at(core, 1025 * PAGE);
	kd_vmcore_close(core);

	/* One alone. */
	assert_int_equal(kd_vmcore_open(fds[1], "b", NULL, &core, &err), 0);
	assert_true(kd_vmcore_is_incomplete(core));
	assert_int_equal(kd_vmcore_diskdump(core)->start_pfn, 128);
	assert_expected_at(core, 200 * PAGE);
	kd_vmcore_close(core);

	/* The same one twice. */
	int twice[] = { fds[0], fds[0] };
	assert_int_equal(kd_vmcore_open_set(twice, names, 2, NULL, &core, &err), -KD_BADDATA);
	assert_string_equal(err.msg, "a and b hold the same pages");
	for (int i = 0; i < 3; i++)
		close(fds[i]);
}

static void test_sets_that_do_not_fit(void **state)
{
	KD_AUTO(kd_gen_freep) struct kd_gen *g = diskdump_machine();
	KD_AUTO(kd_closep) int whole = kd_gen_memfd("whole");
	KD_AUTO(kd_closep) int part = kd_gen_memfd("part");
	KD_AUTO(kd_closep) int other = kd_gen_memfd("other");
	KD_AUTO(kd_closep) int elf = kd_gen_memfd("elf");
	static const char *const names[] = { "a", "b" };
	struct kd_vmcore *core = NULL;
	struct kd_err err;

	kd_gen_diskdump(g, whole, NULL);
	kd_gen_elf(g, elf, NULL);
	make_part(part, 0, 128);
	make_part(other, 128, 256);
	assert_int_equal(pwrite(other, "\x01", 1, 408), 1); /* another second */

	int with_whole[] = { part, whole };
	assert_int_equal(kd_vmcore_open_set(with_whole, names, 2, NULL, &core, &err), -KD_BADDATA);
	assert_non_null(strstr(err.msg, "is a whole dump, not a part of one"));
	int with_other[] = { part, other };
	assert_int_equal(kd_vmcore_open_set(with_other, names, 2, NULL, &core, &err), -KD_BADDATA);
	assert_string_equal(err.msg, "a and b are parts of different dumps");
	int with_elf[] = { part, elf };
	assert_int_equal(kd_vmcore_open_set(with_elf, names, 2, NULL, &core, &err), -KD_NOTSUP);
	int elf_first[] = { elf, part };
	assert_int_equal(kd_vmcore_open_set(elf_first, names, 2, NULL, &core, &err), -KD_USAGE);
	assert_string_equal(err.msg, "a is an ELF file: only diskdump files come as a set of 2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_descriptors_that_were_never_written),
		cmocka_unit_test(test_file_cut_in_its_data_or_descriptors),
		cmocka_unit_test(test_file_cut_before_its_bitmaps_end),
		cmocka_unit_test(test_status_bit_alone_says_incomplete),
		cmocka_unit_test(test_split_set_in_any_order),
		cmocka_unit_test(test_sets_that_do_not_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
