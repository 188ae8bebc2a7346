/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The page filter over machines made to order: which frames it keeps, and what it says. */
#include "tests/unit/support-filter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { MIB = 1 << 20 };

/* Frames from 16384 on are free for the tests: the kernel lies below. Unit borders are at
 * multiples of 32768. */
static const struct kd_fake_block everything[] = {
	{ 16384, 0, KD_FAKE_FREE },
	{ 16385, 0, KD_FAKE_CACHE },
	{ 16386, 0, KD_FAKE_CACHE_PRIVATE },
	{ 16387, 0, KD_FAKE_SWAPCACHE },
	{ 16388, 0, KD_FAKE_NOT_SWAPCACHE },
	{ 16389, 0, KD_FAKE_ANON },
	{ 16390, 0, KD_FAKE_KSM },
	{ 16391, 0, KD_FAKE_SLAB },
	{ 16392, 0, KD_FAKE_SLAB_ODD },
	{ 16393, 0, KD_FAKE_TABLE },
	{ 16394, 0, KD_FAKE_HWPOISON },
	{ 16395, 0, KD_FAKE_OFFLINE },
	{ 16396, 0, KD_FAKE_STALE },
	{ 16397, 0, KD_FAKE_BAD_FREE },
	{ 16398, 0, KD_FAKE_FAKE_HEAD },
	{ 16400, 3, KD_FAKE_SLAB },
	{ 16408, 3, KD_FAKE_SLAB_ODD },
	{ 16416, 4, KD_FAKE_CACHE },
	{ 16432, 4, KD_FAKE_CACHE_PRIVATE },
	{ 16448, 1, KD_FAKE_ANON },
	{ 16450, 1, KD_FAKE_FREE },
	{ 16452, 2, KD_FAKE_HWPOISON },
	{ 16512, 7, KD_FAKE_FREE },
	{ 16896, 9, KD_FAKE_ANON },
	{ 17408, 10, KD_FAKE_UNACCEPTED },
	{ 18432, 9, KD_FAKE_HUGETLB },
	{ 18944, 9, KD_FAKE_HUGETLB_ANON },
	{ 19456, 9, KD_FAKE_CACHE },
	{ 20480, 10, KD_FAKE_FREE },
	{ 21504, 10, KD_FAKE_FREE },
	/* up to and from a unit's border */
	{ 31744, 10, KD_FAKE_FREE },
	{ 32768, 9, KD_FAKE_ANON },
	{ 65024, 9, KD_FAKE_ANON },
	{ 65536, 10, KD_FAKE_FREE },
	{ 98303, 0, KD_FAKE_ANON },
	{ 98304, 0, KD_FAKE_ANON },
	{ 131071, 0, KD_FAKE_ANON },
};

static const struct kd_filter_opts all = { .level = 30, .threads = 1 };

static void check(const struct kd_fake_opts *opts, const struct kd_fake_block *blocks, size_t n,
		  unsigned int level, unsigned int threads)
{
	KD_AUTO(kd_fakemem_freep) struct kd_fakemem *m = kd_fakemem_new(opts, blocks, n);
	struct filter_run run;

	filter_run_start(&run, m, &(struct kd_filter_opts){ .level = level, .threads = threads });
	filter_assert_result(&run, m, opts->era, level);
	assert_int_equal(run.r.level, level);
	assert_int_equal(run.r.dropped, 0);
	filter_run_end(&run);
}

static void test_every_encoding_at_every_level(void **state)
{
	for (enum kd_fake_era era = 0; era < KD_N_FAKE_ERAS; era++) {
		struct kd_fake_opts opts = { .era = era, .ram_bytes = 512ULL * MIB };
		KD_AUTO(kd_fakemem_freep)
		struct kd_fakemem *m = kd_fakemem_new(&opts, everything, KD_ARRAY_LEN(everything));
		KD_AUTO(kd_closep) int fd = kd_gen_memfd("dump");
		kd_gen_elf(kd_fakemem_gen(m), fd, NULL);
		for (unsigned int level = 0; level <= KD_LEVEL_ALL; level++) {
			struct kd_filter_opts o = { .level = level, .threads = 1 + level % 3 };
			struct filter_run run;
			filter_run_start_fd(&run, dup(fd), &o);
			filter_assert_result(&run, m, era, level);
			assert_int_equal(run.r.dropped, 0);
			filter_run_end(&run);
		}
	}
}

static void test_arm64_with_large_pages(void **state)
{
	/* From 1 GiB: frame 16384 is the first. A unit has 32768, a section 8192. */
	static const struct kd_fake_block blocks[] = {
		{ 18432, 0, KD_FAKE_ANON },	{ 18433, 0, KD_FAKE_CACHE },
		{ 18440, 3, KD_FAKE_SLAB_ODD }, { 20480, 12, KD_FAKE_FREE },
		{ 24576, 13, KD_FAKE_FREE },	{ 32768, 13, KD_FAKE_HUGETLB },
		{ 40960, 5, KD_FAKE_ANON },	{ 40992, 0, KD_FAKE_OFFLINE },
	};
	static const enum kd_fake_era eras[] = { KD_FAKE_5_4, KD_FAKE_6_6, KD_FAKE_6_16 };

	for (size_t i = 0; i < KD_ARRAY_LEN(eras); i++) {
		struct kd_fake_opts opts = { .era = eras[i],
					     .arm64 = true,
					     .ram_bytes = 2048ULL * MIB };
		check(&opts, blocks, KD_ARRAY_LEN(blocks), 31, 2);
		check(&opts, blocks, KD_ARRAY_LEN(blocks), 8, 1);
	}
}

static void test_other_memory_models(void **state)
{
	static const struct {
		enum kd_fake_model model;
		const char *name;
	} models[] = { { KD_FAKE_EXTREME, "sparsemem-extreme" },
		       { KD_FAKE_SPARSE, "sparsemem" },
		       { KD_FAKE_FLAT, "flatmem" } };

	for (size_t i = 0; i < KD_ARRAY_LEN(models); i++) {
		struct kd_fake_opts opts = { .era = KD_FAKE_6_1,
					     .model = models[i].model,
					     .ram_bytes = 512ULL * MIB };
		KD_AUTO(kd_fakemem_freep)
		struct kd_fakemem *m = kd_fakemem_new(&opts, everything, KD_ARRAY_LEN(everything));
		struct filter_run run;
		filter_run_start(&run, m, &all);
		assert_string_equal(kd_filter_model(run.filter), models[i].name);
		filter_assert_result(&run, m, opts.era, all.level);
		filter_run_end(&run);
	}
}

static void test_page_array_in_scattered_pages(void **state)
{
	struct kd_fake_opts opts = { .era = KD_FAKE_6_12,
				     .ram_bytes = 512ULL * MIB,
				     .small_pages = true };

	check(&opts, everything, KD_ARRAY_LEN(everything), 31, 1);
	check(&opts, everything, KD_ARRAY_LEN(everything), 31, 3);
}

static void test_huge_pages_larger_than_a_unit(void **state)
{
	static const struct kd_fake_block blocks[] = {
		{ 20480, 10, KD_FAKE_FREE },
		{ 262144, 18, KD_FAKE_HUGETLB },
		{ 524288, 9, KD_FAKE_ANON },
	};
	struct kd_fake_opts opts = { .era = KD_FAKE_6_1, .ram_bytes = 3072ULL * MIB };

	check(&opts, blocks, KD_ARRAY_LEN(blocks), 8, 1);
	check(&opts, blocks, KD_ARRAY_LEN(blocks), 8, 3);
	check(&opts, blocks, KD_ARRAY_LEN(blocks), 16, 2);
}

static void test_threads_change_nothing(void **state)
{
	struct kd_fake_opts opts = { .era = KD_FAKE_6_12,
				     .ram_bytes = 1024ULL * MIB,
				     .texture = true };
	KD_AUTO(kd_fakemem_freep) struct kd_fakemem *m = kd_fakemem_new(&opts, NULL, 0);
	struct filter_run one;

	filter_run_start(&one, m, &all);
	filter_assert_result(&one, m, opts.era, all.level);
	for (unsigned int threads = 2; threads <= 9; threads += 3) {
		struct kd_filter_opts o = { .level = 30, .threads = threads };
		struct filter_run run;
		filter_run_start(&run, m, &o);
		assert_memory_equal(run.r.keep, one.r.keep, one.r.bitmap_bytes);
		assert_memory_equal(run.r.found, one.r.found, sizeof(one.r.found));
		filter_run_end(&run);
	}
	filter_run_end(&one);
}

/* ---- lines that are missing ---- */

struct missing {
	const char *key;
	enum kd_fake_era era;
	unsigned int dropped;
	const char *why;
};

static void check_missing(const struct missing *t)
{
	const char *without[] = { t->key, NULL };
	struct kd_fake_opts opts = { .era = t->era, .ram_bytes = 512ULL * MIB, .without = without };
	KD_AUTO(kd_fakemem_freep)
	struct kd_fakemem *m = kd_fakemem_new(&opts, everything, KD_ARRAY_LEN(everything));
	struct filter_run run;

	filter_run_start(&run, m, &(struct kd_filter_opts){ .level = 31 });
	if (run.r.dropped != t->dropped)
		fail_msg("without %s: dropped %u, not %u", t->key, run.r.dropped, t->dropped);
	assert_int_equal(run.r.level, 31 & ~t->dropped);
	for (unsigned int i = 0; i < KD_LEVEL_BITS; i++) {
		if (!(t->dropped & 1U << i)) {
			assert_null(run.r.why_dropped[i]);
			continue;
		}
		assert_non_null(run.r.why_dropped[i]);
		if (!strstr(run.r.why_dropped[i], t->why))
			fail_msg("without %s: \"%s\" does not say \"%s\"", t->key,
				 run.r.why_dropped[i], t->why);
		if (!strstr(run.logged.text, t->why))
			fail_msg("without %s: not logged", t->key);
	}
	/* Nothing is left out that would not have been otherwise. */
	for (uint64_t pfn = 0; pfn < run.r.max_pfn; pfn++) {
		struct kd_fake_block b = kd_fakemem_block(m, pfn);
		enum kd_page_class class = filter_expected_class(b.kind, t->era);
		if (!kd_bitmap_has(run.r.keep, pfn) &&
		    !(kd_filter_level_classes(run.r.level) & 1U << class))
			fail_msg("without %s: frame 0x%jx is lost", t->key, (uintmax_t)pfn);
	}
	filter_run_end(&run);
}

static void test_missing_lines_drop_levels(void **state)
{
	static const struct missing table[] = {
		{ "SIZE(page)", KD_FAKE_6_1, 30, "no SIZE(page)" },
		{ "OFFSET(page.flags)", KD_FAKE_6_1, 30, "OFFSET(page.flags)" },
		{ "OFFSET(page.mapping)", KD_FAKE_6_1, 14, "OFFSET(page.mapping)" },
		{ "OFFSET(page.compound_head)", KD_FAKE_6_1, 14, "OFFSET(page.compound_head)" },
		{ "OFFSET(page._mapcount)", KD_FAKE_6_1, 16, "OFFSET(page._mapcount)" },
		{ "OFFSET(page._mapcount)", KD_FAKE_6_12, 24, "" },
		{ "OFFSET(page.private)", KD_FAKE_6_1, 16, "OFFSET(page.private)" },
		{ "NUMBER(PG_lru)", KD_FAKE_6_1, 6, "NUMBER(PG_lru)" },
		{ "NUMBER(PG_private)", KD_FAKE_6_12, 6, "NUMBER(PG_private)" },
		{ "NUMBER(PG_slab)", KD_FAKE_6_1, 8, "NUMBER(PG_slab)" },
		{ "NUMBER(PAGE_SLAB_MAPCOUNT_VALUE)", KD_FAKE_6_12, 8, "PAGE_SLAB_MAPCOUNT" },
		{ "NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)", KD_FAKE_6_11, 16, "PAGE_BUDDY_MAPCOUNT" },
		{ "SYMBOL(mem_section)", KD_FAKE_6_1, 30, "neither SYMBOL(mem_section) nor" },
		{ "SIZE(mem_section)", KD_FAKE_6_1, 30, "SIZE(mem_section)" },
		{ "LENGTH(mem_section)", KD_FAKE_6_1, 30, "LENGTH(mem_section)" },
		{ "OFFSET(mem_section.section_mem_map)", KD_FAKE_6_1, 30, "section_mem_map" },
		/* Only what they are for is kept. */
		{ "NUMBER(PG_head_mask)", KD_FAKE_6_1, 0, "" },
		{ "NUMBER(PG_swapbacked)", KD_FAKE_6_1, 0, "" },
		{ "NUMBER(PG_hwpoison)", KD_FAKE_6_12, 0, "" },
		{ "NUMBER(PAGE_OFFLINE_MAPCOUNT_VALUE)", KD_FAKE_6_12, 0, "" },
		{ "NUMBER(PAGE_HUGETLB_MAPCOUNT_VALUE)", KD_FAKE_6_12, 0, "" },
		{ "NUMBER(HUGETLB_PAGE_DTOR)", KD_FAKE_6_1, 0, "" },
		{ "OFFSET(page.compound_order)", KD_FAKE_6_1, 0, "" },
		{ "LENGTH(zone.free_area)", KD_FAKE_6_16, 0, "" },
		{ "NUMBER(SECTION_SIZE_BITS)", KD_FAKE_6_1, 0, "" },
		{ "NUMBER(MAX_PHYSMEM_BITS)", KD_FAKE_6_1, 0, "" },
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(table); i++)
		check_missing(&table[i]);
}

static void assert_all_kept(const struct filter_run *run, const char *why)
{
	assert_int_equal(run->r.dropped, 30);
	assert_int_equal(run->r.level, 1);
	assert_int_equal(run->r.n_keep, run->r.n_exists);
	assert_int_equal(run->r.n_unknown, run->r.n_exists);
	assert_int_equal(run->r.check, KD_CHECK_NONE);
	assert_string_equal(kd_filter_model(run->filter), "none");
	if (!run->r.why_dropped[4] || !strstr(run->r.why_dropped[4], why))
		fail_msg("\"%s\" does not say \"%s\"", run->r.why_dropped[4], why);
}

static void test_dump_without_vmcoreinfo_is_kept_whole(void **state)
{
	KD_AUTO(kd_gen_freep) struct kd_gen *g = kd_gen_new(62, 4096);
	int fd = kd_gen_memfd("dump");
	struct filter_run run;

	kd_gen_ram(g, 0, 4 * MIB);
	kd_gen_elf(g, fd, NULL);
	filter_run_start_fd(&run, fd, &(struct kd_filter_opts){ .level = 31 });
	assert_all_kept(&run, "the dump has no vmcoreinfo");
	filter_run_end(&run);
}

static void test_unknown_machine_is_kept_whole(void **state)
{
	KD_AUTO(kd_gen_freep) struct kd_gen *g = kd_gen_new(21, 4096);
	int fd = kd_gen_memfd("dump");
	struct filter_run run;

	kd_gen_ram(g, 0, 4 * MIB);
	kd_gen_info_base(g, "6.1.0", 1);
	kd_gen_elf(g, fd, NULL);
	filter_run_start_fd(&run, fd, &(struct kd_filter_opts){ .level = 31 });
	assert_all_kept(&run, "struct page of");
	filter_run_end(&run);
}

/* ---- the free pages checked ---- */

static void check_free(struct kd_fake_opts opts, enum kd_filter_check want)
{
	opts.era = KD_FAKE_6_1;
	opts.ram_bytes = 512ULL * MIB;
	KD_AUTO(kd_fakemem_freep)
	struct kd_fakemem *m = kd_fakemem_new(&opts, everything, KD_ARRAY_LEN(everything));
	struct filter_run run;

	filter_run_start(&run, m, &(struct kd_filter_opts){ .level = 31, .want_late = true });
	assert_int_equal(run.r.check, want);
	assert_true(!kd_filter_check_why_not(want) ==
		    (want == KD_CHECK_AGREES || want == KD_CHECK_CONTRADICTS));
	if (want == KD_CHECK_CONTRADICTS) {
		assert_int_equal(run.r.level, 15);
		assert_int_equal(run.r.dropped, 16);
		assert_int_equal(run.r.check_counted, run.r.check_found + (uint64_t)opts.count_off);
		assert_non_null(strstr(run.r.why_dropped[4], "the zones count"));
		assert_non_null(strstr(run.logged.text, "free pages are kept"));
		filter_assert_result(&run, m, opts.era, 15);
	} else {
		assert_int_equal(run.r.dropped, 0);
		filter_assert_result(&run, m, opts.era, 31);
	}
	filter_run_end(&run);
}

static void test_free_pages_are_checked(void **state)
{
	check_free((struct kd_fake_opts){ .count_off = 0 }, KD_CHECK_AGREES);
	/* Two CPUs and two zones may be behind by 125 each, and 1024 beside that. */
	check_free((struct kd_fake_opts){ .count_off = 1500 }, KD_CHECK_AGREES);
	check_free((struct kd_fake_opts){ .count_off = 1600 }, KD_CHECK_CONTRADICTS);
	check_free((struct kd_fake_opts){ .count_off = -1500 }, KD_CHECK_AGREES);
	check_free((struct kd_fake_opts){ .count_off = -1600 }, KD_CHECK_CONTRADICTS);
	check_free((struct kd_fake_opts){ .count_off = 1 << 20, .without_zones = true },
		   KD_CHECK_NO_ZONES);
	check_free((struct kd_fake_opts){ .count_off = 1 << 20, .lost_node = true },
		   KD_CHECK_UNREADABLE);
}

static void test_free_pages_are_not_checked_where_they_stay(void **state)
{
	struct kd_fake_opts opts = { .era = KD_FAKE_6_1,
				     .ram_bytes = 512ULL * MIB,
				     .count_off = 1 << 20 };
	KD_AUTO(kd_fakemem_freep)
	struct kd_fakemem *m = kd_fakemem_new(&opts, everything, KD_ARRAY_LEN(everything));
	struct filter_run run;

	filter_run_start(&run, m, &(struct kd_filter_opts){ .level = 15 });
	assert_int_equal(run.r.check, KD_CHECK_NONE);
	assert_null(kd_filter_check_why_not(run.r.check));
	filter_assert_result(&run, m, opts.era, 15);
	filter_run_end(&run);
}

/* ---- what is of less worth ---- */

static void test_late_frames_are_kept_user_data(void **state)
{
	struct kd_fake_opts opts = { .era = KD_FAKE_6_6, .ram_bytes = 512ULL * MIB };
	KD_AUTO(kd_fakemem_freep)
	struct kd_fakemem *m = kd_fakemem_new(&opts, everything, KD_ARRAY_LEN(everything));
	struct filter_run run;
	uint64_t late = 0;

	filter_run_start(&run, m, &(struct kd_filter_opts){ .level = 16, .want_late = true });
	for (uint64_t pfn = 0; pfn < run.r.max_pfn; pfn++) {
		enum kd_page_class class = filter_expected_class(kd_fakemem_block(m, pfn).kind,
								 opts.era);
		bool want = class == KD_CLASS_CACHE || class == KD_CLASS_CACHE_PRIVATE ||
			    class == KD_CLASS_USER || class == KD_CLASS_HUGETLB;
		if (kd_bitmap_has(run.r.late, pfn) != want)
			fail_msg("frame 0x%jx: late should be %d", (uintmax_t)pfn, want);
		late += want;
	}
	assert_true(late > 2000);
	filter_run_end(&run);
}

/* ---- usage ---- */

static void test_bad_options_are_refused(void **state)
{
	KD_AUTO(kd_gen_freep) struct kd_gen *g = kd_gen_new(62, 4096);
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("dump");
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = NULL;
	KD_AUTO(kd_filter_closep) struct kd_filter *f = NULL;
	struct kd_filter_opts opts = { .level = 32 };
	struct kd_filter_result r;
	struct kd_err err = { 0 };

	kd_gen_segment(g, 0, 1ULL << 40, 4096, 0);
	kd_gen_elf(g, fd, NULL);
	assert_int_equal(kd_vmcore_open(fd, "dump", NULL, &core, &err), 0);
	assert_int_equal(kd_filter_open(core, &opts, &f, &err), -KD_USAGE);
	assert_non_null(strstr(err.msg, "level 32"));

	/* 1 TiB takes 32 MiB a bitmap. */
	opts = (struct kd_filter_opts){ .level = 31, .max_bitmap_bytes = 64 * MIB };
	assert_int_equal(kd_filter_open(core, &opts, &f, &err), -KD_BADDATA);
	assert_non_null(strstr(err.msg, "more than the 67108864 bytes allowed"));
	opts.max_bitmap_bytes = 96 * MIB;
	assert_int_equal(kd_filter_open(core, &opts, &f, &err), 0);
	assert_int_equal(kd_filter_run(f, &r, &err), 0);
	/* All but a page was left out of the file. */
	assert_int_equal(r.n_exists, 1 << 28);
	assert_int_equal(r.n_keep, 1);
	assert_int_equal(r.n_absent, (1 << 28) - 1);
	assert_int_equal(kd_filter_run(f, &r, &err), -KD_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_encoding_at_every_level),
		cmocka_unit_test(test_arm64_with_large_pages),
		cmocka_unit_test(test_other_memory_models),
		cmocka_unit_test(test_page_array_in_scattered_pages),
		cmocka_unit_test(test_huge_pages_larger_than_a_unit),
		cmocka_unit_test(test_threads_change_nothing),
		cmocka_unit_test(test_missing_lines_drop_levels),
		cmocka_unit_test(test_dump_without_vmcoreinfo_is_kept_whole),
		cmocka_unit_test(test_unknown_machine_is_kept_whole),
		cmocka_unit_test(test_free_pages_are_checked),
		cmocka_unit_test(test_free_pages_are_not_checked_where_they_stay),
		cmocka_unit_test(test_late_frames_are_kept_user_data),
		cmocka_unit_test(test_bad_options_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
