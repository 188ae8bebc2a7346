/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From lines of vmcoreinfo to how a struct page is read, and what one says. */
#include "lib/filter/internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* A kernel like 6.1's, but for the lines a test puts before: the first of two counts. */
static const char base[] =
	"SIZE(page)=64\nOFFSET(page.flags)=0\nOFFSET(page.compound_head)=8\n"
	"OFFSET(page.mapping)=24\nOFFSET(page.private)=40\nOFFSET(page._mapcount)=48\n"
	"OFFSET(page.compound_dtor)=16\nOFFSET(page.compound_order)=17\n"
	"LENGTH(zone.free_area)=11\nNUMBER(PG_lru)=4\nNUMBER(PG_private)=13\n"
	"NUMBER(PG_swapcache)=10\nNUMBER(PG_swapbacked)=19\nNUMBER(PG_slab)=9\n"
	"NUMBER(PG_head_mask)=65536\nNUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=-129\n"
	"NUMBER(PAGE_OFFLINE_MAPCOUNT_VALUE)=-257\nNUMBER(HUGETLB_PAGE_DTOR)=2\n";

static void layout_of(const char *before, struct kd_page_layout *l, struct kd_filter_gaps *gaps)
{
	struct kd_vmcoreinfo *info = NULL;
	struct kd_err err = { 0 };
	char text[2048];

	int n = snprintf(text, sizeof(text), "%s%s", before, base);
	assert_int_equal(kd_vmcoreinfo_parse(text, (size_t)n, &info, &err), 0);
	memset(gaps, 0, sizeof(*gaps));
	kd_page_layout_init(l, info, gaps);
	kd_vmcoreinfo_free(info);
}

static unsigned int gap_levels(const struct kd_filter_gaps *gaps)
{
	unsigned int levels = 0;

	for (unsigned int i = 0; i < KD_LEVEL_BITS; i++)
		levels |= gaps->why[i][0] ? 1U << i : 0;
	return levels;
}

static void test_values_that_cannot_be_are_gaps(void **state)
{
	static const struct {
		const char *line;
		unsigned int levels;
		const char *why;
	} table[] = {
		{ "", 0, "" },
		{ "SIZE(page)=0\n", 30, "SIZE(page)=0, which cannot be" },
		{ "SIZE(page)=8\n", 30, "SIZE(page)=8" },
		{ "SIZE(page)=60\n", 30, "SIZE(page)=60" },
		{ "SIZE(page)=4096\n", 30, "SIZE(page)=4096" },
		{ "SIZE(page)=18446744073709551615\n", 30, "which cannot be" },
		{ "OFFSET(page.flags)=57\n", 30, "OFFSET(page.flags)" },
		{ "OFFSET(page.flags)=18446744073709551612\n", 30, "OFFSET(page.flags)" },
		{ "OFFSET(page._mapcount)=61\n", 16, "OFFSET(page._mapcount)" },
		{ "OFFSET(page.mapping)=64\n", 14, "OFFSET(page.mapping)" },
		{ "OFFSET(page.compound_head)=60\n", 14, "OFFSET(page.compound_head)" },
		{ "NUMBER(PG_lru)=64\n", 6, "NUMBER(PG_lru)" },
		{ "NUMBER(PG_lru)=-1\n", 6, "NUMBER(PG_lru)" },
		{ "NUMBER(PG_slab)=99\n", 8, "NUMBER(PG_slab)" },
		/* A count of mappings, not a type. */
		{ "NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=0\n", 16, "PAGE_BUDDY_MAPCOUNT_VALUE" },
		{ "NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=-1\n", 16, "PAGE_BUDDY_MAPCOUNT_VALUE" },
		{ "NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=5000000000\n", 16, "PAGE_BUDDY" },
		{ "NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=-5000000000\n", 16, "PAGE_BUDDY" },
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(table); i++) {
		struct kd_page_layout l;
		struct kd_filter_gaps gaps;
		layout_of(table[i].line, &l, &gaps);
		if (gap_levels(&gaps) != table[i].levels)
			fail_msg("%s: levels %u, not %u", table[i].line, gap_levels(&gaps),
				 table[i].levels);
		for (unsigned int b = 0; b < KD_LEVEL_BITS; b++) {
			if (table[i].levels & 1U << b && !strstr(gaps.why[b], table[i].why))
				fail_msg("%s: \"%s\" does not say \"%s\"", table[i].line,
					 gaps.why[b], table[i].why);
		}
	}
}

static void put32(uint8_t *at, uint32_t v)
{
	memcpy(at, &v, sizeof(v));
}

static void put64(uint8_t *at, uint64_t v)
{
	memcpy(at, &v, sizeof(v));
}

static unsigned int matches_type(const char *lines, uint32_t word)
{
	struct kd_page_layout l;
	struct kd_filter_gaps gaps;
	uint8_t page[64] = { 0 };

	layout_of(lines, &l, &gaps);
	put32(page + l.mapcount, word);
	return kd_page_matches(&l, page, NULL);
}

static void test_types_in_the_top_byte_leave_the_rest_to_their_owner(void **state)
{
	static const char v6_12[] = "NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=-268435456\n"
				    "NUMBER(PAGE_OFFLINE_MAPCOUNT_VALUE)=-251658240\n"
				    "NUMBER(PAGE_SLAB_MAPCOUNT_VALUE)=-184549376\n"
				    "NUMBER(PAGE_HUGETLB_MAPCOUNT_VALUE)=-201326592\n"
				    "NUMBER(PAGE_UNACCEPTED_MAPCOUNT_VALUE)=-150994944\n";
	/* unsigned, as a kernel might print it */
	static const char unsigned_buddy[] = "NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=4026531840\n";

	assert_int_equal(matches_type(v6_12, 0xf0000000), KD_CLASS_BIT(KD_CLASS_FREE));
	assert_int_equal(matches_type(v6_12, 0xf0123456), KD_CLASS_BIT(KD_CLASS_FREE));
	assert_int_equal(matches_type(v6_12, 0xf1000000), KD_CLASS_BIT(KD_CLASS_OFFLINE));
	assert_int_equal(matches_type(v6_12, 0xf4000001), KD_CLASS_BIT(KD_CLASS_HUGETLB));
	assert_int_equal(matches_type(v6_12, 0xf7000000), KD_CLASS_BIT(KD_CLASS_UNACCEPTED));
	assert_int_equal(matches_type(v6_12, 0xf2000000), 0);
	assert_int_equal(matches_type(v6_12, 0xf5000000), 0);
	assert_int_equal(matches_type(v6_12, 0xffffffff), 0);
	assert_int_equal(matches_type(v6_12, 0), 0);
	assert_int_equal(matches_type(unsigned_buddy, 0xf0000000), KD_CLASS_BIT(KD_CLASS_FREE));
}

static void test_types_by_cleared_bit_are_compared_whole(void **state)
{
	static const char v6_11[] = "NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=-1073741825\n"
				    "NUMBER(PAGE_OFFLINE_MAPCOUNT_VALUE)=-536870913\n";

	assert_int_equal(matches_type("", 0xffffff7f), KD_CLASS_BIT(KD_CLASS_FREE));
	assert_int_equal(matches_type("", 0xfffffeff), KD_CLASS_BIT(KD_CLASS_OFFLINE));
	assert_int_equal(matches_type("", 0xfffffe7f), 0);
	assert_int_equal(matches_type(v6_11, 0xbfffffff), KD_CLASS_BIT(KD_CLASS_FREE));
	assert_int_equal(matches_type(v6_11, 0xdfffffff), KD_CLASS_BIT(KD_CLASS_OFFLINE));
	assert_int_equal(matches_type(v6_11, 0xbfff0000), 0);
}

static void test_slab_is_neither_free_nor_user_nor_offline(void **state)
{
	struct kd_page_layout l;
	struct kd_filter_gaps gaps;
	uint8_t page[64] = { 0 };

	layout_of("", &l, &gaps);
	put64(page + l.mapping, 0xffff888000000001);
	assert_int_equal(kd_page_matches(&l, page, NULL), KD_CLASS_BIT(KD_CLASS_USER));
	put64(page + l.flags, 1 << 9);
	assert_int_equal(kd_page_matches(&l, page, NULL), 0);
	put32(page + l.mapcount, (uint32_t)-129);
	assert_int_equal(kd_page_matches(&l, page, NULL), 0);
	put32(page + l.mapcount, (uint32_t)-257);
	assert_int_equal(kd_page_matches(&l, page, NULL), 0);
}

static void test_where_a_compound_page_keeps_its_order(void **state)
{
	struct kd_page_layout l;
	struct kd_filter_gaps gaps;

	layout_of("", &l, &gaps);
	assert_int_equal(l.tail_order, 17);
	assert_true(l.has_dtor);
	assert_int_equal(l.tail_dtor, 16);

	/* Offsets in a folio, whose second page is the first tail. */
	layout_of("OFFSET(page.compound_order)=x\nOFFSET(page.compound_dtor)=x\n"
		  "OFFSET(folio._folio_dtor)=80\nOFFSET(folio._folio_order)=81\n",
		  &l, &gaps);
	assert_int_equal(l.tail_order, 17);
	assert_int_equal(l.tail_dtor, 16);

	/* Nothing told: the low byte of its flags. */
	layout_of("OFFSET(page.compound_order)=x\nOFFSET(page.compound_dtor)=x\n"
		  "OFFSET(page.flags)=8\nNUMBER(PG_hugetlb)=11\n",
		  &l, &gaps);
	assert_int_equal(l.tail_order, 8);
	assert_false(l.has_dtor);
	assert_int_equal(l.tail_hugetlb, 1 << 11);

	/* Beyond the first tail page. */
	layout_of("OFFSET(page.compound_order)=x\nOFFSET(folio._folio_order)=128\n", &l, &gaps);
	assert_int_equal(l.tail_order, 0);
}

static void test_levels_name_their_classes(void **state)
{
	const unsigned int always = KD_CLASS_BIT(KD_CLASS_HWPOISON) |
				    KD_CLASS_BIT(KD_CLASS_OFFLINE);

	assert_int_equal(kd_filter_level_classes(0), always);
	assert_int_equal(kd_filter_level_classes(1), always);
	assert_int_equal(kd_filter_level_classes(2), always | KD_CLASS_BIT(KD_CLASS_CACHE));
	assert_int_equal(kd_filter_level_classes(4), always | KD_CLASS_BIT(KD_CLASS_CACHE) |
							     KD_CLASS_BIT(KD_CLASS_CACHE_PRIVATE));
	assert_int_equal(kd_filter_level_classes(8),
			 always | KD_CLASS_BIT(KD_CLASS_USER) | KD_CLASS_BIT(KD_CLASS_HUGETLB));
	assert_int_equal(kd_filter_level_classes(16),
			 always | KD_CLASS_BIT(KD_CLASS_FREE) | KD_CLASS_BIT(KD_CLASS_UNACCEPTED));
	assert_int_equal(kd_filter_level_classes(31), KD_CLASS_BIT(KD_CLASS_KERNEL) - 1);
	assert_string_equal(kd_page_class_name(KD_CLASS_CACHE_PRIVATE), "cache-private");
	assert_string_equal(kd_page_class_name(KD_N_CLASSES), "unknown");
}

/* ---- bitmaps ---- */

static void test_runs_of_a_bitmap(void **state)
{
	struct kd_bitmap b;
	struct kd_err err = { 0 };
	uint64_t start = 77, n = 77;

	assert_int_equal(kd_bitmap_init(&b, 4096, &err), 0);
	const uint8_t *bytes = (const uint8_t *)b.words;
	assert_false(kd_bitmap_next_run(bytes, 0, 32768, &start, &n));
	kd_bitmap_set(&b, 0, 1);
	kd_bitmap_set(&b, 62, 70);
	kd_bitmap_set(&b, 32767, 1);
	kd_bitmap_set(&b, 500, 0);
	assert_int_equal(kd_bitmap_count(&b, 0, 32768), 72);
	assert_int_equal(bytes[7], 0xc0);
	assert_int_equal(bytes[8], 0xff);
	assert_int_equal(bytes[16], 0x0f);

	assert_true(kd_bitmap_next_run(bytes, 0, 32768, &start, &n));
	assert_int_equal(start, 0);
	assert_int_equal(n, 1);
	assert_true(kd_bitmap_next_run(bytes, 1, 32768, &start, &n));
	assert_int_equal(start, 62);
	assert_int_equal(n, 70);
	assert_true(kd_bitmap_next_run(bytes, 100, 110, &start, &n));
	assert_int_equal(start, 100);
	assert_int_equal(n, 10);
	assert_true(kd_bitmap_next_run(bytes, 132, 32768, &start, &n));
	assert_int_equal(start, 32767);
	assert_int_equal(n, 1);
	assert_false(kd_bitmap_next_run(bytes, 132, 32767, &start, &n));
	assert_false(kd_bitmap_next_run(bytes, 132, 132, &start, &n));

	assert_int_equal(kd_bitmap_clear(&b, 60, 10), 8);
	assert_int_equal(kd_bitmap_clear(&b, 60, 10), 0);
	assert_int_equal(kd_bitmap_count(&b, 64, 64), 58);
	kd_bitmap_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values_that_cannot_be_are_gaps),
		cmocka_unit_test(test_types_in_the_top_byte_leave_the_rest_to_their_owner),
		cmocka_unit_test(test_types_by_cleared_bit_are_compared_whole),
		cmocka_unit_test(test_slab_is_neither_free_nor_user_nor_offline),
		cmocka_unit_test(test_where_a_compound_page_keeps_its_order),
		cmocka_unit_test(test_levels_name_their_classes),
		cmocka_unit_test(test_runs_of_a_bitmap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
