/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmcoreinfo/keys.h"
#include "vmcoreinfo/vmcoreinfo.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct kd_vmcoreinfo *parse(const char *text)
{
	struct kd_vmcoreinfo *info = NULL;
	struct kd_err err = { 0 };

	assert_int_equal(kd_vmcoreinfo_parse(text, strlen(text), &info, &err), 0);
	return info;
}

static void test_each_kind_of_key_is_found(void **state)
{
	KD_AUTO(kd_vmcoreinfo_freep)
	struct kd_vmcoreinfo *info = parse(
		"OSRELEASE=6.1.0-30-amd64\nPAGESIZE=4096\nSYMBOL(prb)=ffffffff820622c0\n"
		"SIZE(page)=64\nOFFSET(page.flags)=8\nLENGTH(mem_section)=2048\n"
		"NUMBER(PG_lru)=4\nKERNELOFFSET=2c800000\nCRASHTIME=1795180006\n");
	const char *text;
	uint64_t v;
	int64_t n;

	assert_int_equal(kd_vmcoreinfo_text(info, "OSRELEASE", &text), 1);
	assert_string_equal(text, "6.1.0-30-amd64");
	assert_int_equal(kd_vmcoreinfo_symbol(info, "prb", &v), 1);
	assert_int_equal(v, 0xffffffff820622c0);
	assert_int_equal(kd_vmcoreinfo_size(info, "page", &v), 1);
	assert_int_equal(v, 64);
	assert_int_equal(kd_vmcoreinfo_offset(info, "page.flags", &v), 1);
	assert_int_equal(v, 8);
	assert_int_equal(kd_vmcoreinfo_length(info, "mem_section", &v), 1);
	assert_int_equal(v, 2048);
	assert_int_equal(kd_vmcoreinfo_number(info, "PG_lru", &n), 1);
	assert_int_equal(n, 4);
	assert_int_equal(kd_vmcoreinfo_decimal(info, "CRASHTIME", &v), 1);
	assert_int_equal(v, 1795180006);
	assert_int_equal(kd_vmcoreinfo_hex(info, "KERNELOFFSET", &v), 1);
	assert_int_equal(v, 0x2c800000);
	assert_false(kd_vmcoreinfo_is_cut(info));
}

static void test_absent_key_leaves_the_result_alone(void **state)
{
	KD_AUTO(kd_vmcoreinfo_freep) struct kd_vmcoreinfo *info = parse("SIZE(page)=64\n");
	uint64_t v = 77;
	int64_t n = 78;
	const char *text = "before";

	assert_int_equal(kd_vmcoreinfo_size(info, "pag", &v), 0);
	assert_int_equal(kd_vmcoreinfo_size(info, "page.flags", &v), 0);
	assert_int_equal(kd_vmcoreinfo_offset(info, "page", &v), 0);
	assert_int_equal(kd_vmcoreinfo_number(info, "page", &n), 0);
	assert_int_equal(kd_vmcoreinfo_text(info, "OSRELEASE", &text), 0);
	assert_int_equal(kd_vmcoreinfo_symbol(NULL, "prb", &v), 0);
	assert_int_equal(v, 77);
	assert_int_equal(n, 78);
	assert_string_equal(text, "before");
}

static void test_numbers_may_be_negative_or_hexadecimal(void **state)
{
	KD_AUTO(kd_vmcoreinfo_freep)
	struct kd_vmcoreinfo *info = parse(
		"NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=-129\nNUMBER(phys_base)=-348127232\n"
		"NUMBER(VMALLOC_START)=0xffff800010000000\nNUMBER(KERNELPACMASK)=0x0\n"
		"NUMBER(least)=-9223372036854775808\nNUMBER(too_low)=-9223372036854775809\n"
		"NUMBER(sme_mask)=140737488355328\n");
	int64_t n;

	assert_int_equal(kd_vmcoreinfo_number(info, "PAGE_BUDDY_MAPCOUNT_VALUE", &n), 1);
	assert_int_equal(n, -129);
	assert_int_equal(kd_vmcoreinfo_number(info, "phys_base", &n), 1);
	assert_int_equal(n, -348127232);
	assert_int_equal(kd_vmcoreinfo_number(info, "VMALLOC_START", &n), 1);
	assert_int_equal((uint64_t)n, 0xffff800010000000);
	assert_int_equal(kd_vmcoreinfo_number(info, "KERNELPACMASK", &n), 1);
	assert_int_equal(n, 0);
	assert_int_equal(kd_vmcoreinfo_number(info, "least", &n), 1);
	assert_true(n == INT64_MIN);
	assert_int_equal(kd_vmcoreinfo_number(info, "sme_mask", &n), 1);
	assert_true(n == 1LL << 47);
	assert_int_equal(kd_vmcoreinfo_number(info, "too_low", &n), 0);
}

static void test_value_that_is_no_number_counts_as_absent(void **state)
{
	KD_AUTO(kd_vmcoreinfo_freep)
	struct kd_vmcoreinfo *info = parse(
		"SIZE(a)=\nSIZE(b)=12x\nSIZE(c)= 12\nSIZE(d)=-1\nSIZE(e)=+1\n"
		"SIZE(f)=99999999999999999999\nSYMBOL(g)=0x\nSYMBOL(h)=(null)\n"
		"NUMBER(i)=--1\nNUMBER(j)=\n");
	const char *const sizes[] = { "a", "b", "c", "d", "e", "f" };
	uint64_t v;
	int64_t n;

	for (size_t i = 0; i < KD_ARRAY_LEN(sizes); i++)
		assert_int_equal(kd_vmcoreinfo_size(info, sizes[i], &v), 0);
	assert_int_equal(kd_vmcoreinfo_symbol(info, "g", &v), 0);
	assert_int_equal(kd_vmcoreinfo_symbol(info, "h", &v), 0);
	assert_int_equal(kd_vmcoreinfo_number(info, "i", &n), 0);
	assert_int_equal(kd_vmcoreinfo_number(info, "j", &n), 0);
}

static void test_cut_line_is_not_used(void **state)
{
	/* The whole value was ffffffff820622c0. */
	KD_AUTO(kd_vmcoreinfo_freep)
	struct kd_vmcoreinfo *info = parse("SIZE(page)=64\nSYMBOL(prb)=ffffffff82");
	uint64_t v;

	assert_int_equal(kd_vmcoreinfo_symbol(info, "prb", &v), 0);
	assert_int_equal(kd_vmcoreinfo_size(info, "page", &v), 1);
	assert_true(kd_vmcoreinfo_is_cut(info));
}

static void test_first_of_duplicates_counts(void **state)
{
	KD_AUTO(kd_vmcoreinfo_freep)
	struct kd_vmcoreinfo *info =
		parse("SIZE(b)=9\nSIZE(a)=1\nSIZE(a)=2\nSIZE(c)=8\nSIZE(a)=3\n");
	uint64_t v;

	assert_int_equal(kd_vmcoreinfo_size(info, "a", &v), 1);
	assert_int_equal(v, 1);
}

static void test_junk_lines_are_passed_over(void **state)
{
	static const char text[] = "\n\n=5\nno value\nSIZE(a)=1=2\nSIZE(b)=2\n\0SIZE(c)=3\n";
	struct kd_vmcoreinfo *info = NULL;
	struct kd_err err;
	const char *value;
	uint64_t v;

	assert_int_equal(kd_vmcoreinfo_parse(text, sizeof(text) - 1, &info, &err), 0);
	assert_int_equal(kd_vmcoreinfo_text(info, "SIZE(a)", &value), 1);
	assert_string_equal(value, "1=2");
	assert_int_equal(kd_vmcoreinfo_size(info, "b", &v), 1);
	assert_int_equal(kd_vmcoreinfo_size(info, "c", &v), 0);
	assert_int_equal(kd_vmcoreinfo_text(info, "", &value), 0);
	kd_vmcoreinfo_free(info);
}

static void test_empty_and_oversized_text(void **state)
{
	enum { TOO_MUCH = (1 << 20) + 1 };
	struct kd_vmcoreinfo *info = NULL;
	struct kd_err err;
	uint64_t v;

	assert_int_equal(kd_vmcoreinfo_parse(NULL, 0, &info, &err), 0);
	assert_int_equal(kd_vmcoreinfo_size(info, "a", &v), 0);
	kd_vmcoreinfo_free(info);

	KD_AUTO(kd_freep) char *big = calloc(1, TOO_MUCH);
	assert_int_equal(kd_vmcoreinfo_parse(big, TOO_MUCH, &info, &err), -KD_BADDATA);
	assert_string_equal(err.msg, "vmcoreinfo of 1048577 bytes: more than 1048576");
	kd_vmcoreinfo_free(NULL);
}

/* ---- keys and features ---- */

/* The text of Debian's linux-image-6.1.0-cloud-amd64, as its note had it after a crash. */
static struct kd_vmcoreinfo *debian_6_1(void)
{
	KD_AUTO(kd_closep)
	int fd = open("tests/fuzz/corpus/vmcoreinfo/debian-6.1-amd64", O_RDONLY | O_CLOEXEC);
	KD_AUTO(kd_freep) char *text = NULL;
	struct kd_err err;

	assert_true(fd >= 0);
	assert_int_equal(kd_read_all(fd, 1 << 16, &text, NULL, "vmcoreinfo", &err), 0);
	return parse(text);
}

static void test_features_of_a_real_kernel(void **state)
{
	KD_AUTO(kd_vmcoreinfo_freep) struct kd_vmcoreinfo *info = debian_6_1();

	struct kd_feature_state all[KD_N_FEATURES];

	kd_vmcoreinfo_features(info, "x86_64", all);
	for (int f = 0; f < KD_N_FEATURES; f++) {
		/* The cloud kernel is built without memory failure handling; the rest is newer. */
		bool want = f != KD_FEATURE_HWPOISON && f != KD_FEATURE_UNACCEPTED;
		if (all[f].available != want)
			fail_msg("%s: %d", kd_feature_name((enum kd_feature)f), all[f].available);
	}
	struct kd_feature_state s = kd_vmcoreinfo_feature(info, "x86_64", KD_FEATURE_HWPOISON);
	assert_string_equal(s.missing->key, "NUMBER(PG_hwpoison)");

	/* The same text from an arm64 machine would lack something. */
	s = kd_vmcoreinfo_feature(info, "aarch64", KD_FEATURE_VTOP);
	assert_false(s.available);
	assert_string_equal(s.missing->key, "NUMBER(VA_BITS)");
	assert_false(kd_vmcoreinfo_feature(info, "riscv64", KD_FEATURE_VTOP).available);
	assert_true(kd_vmcoreinfo_feature(info, "riscv64", KD_FEATURE_DMESG).available);
}

static void test_keys_that_stand_for_each_other(void **state)
{
	static const char *const texts[] = {
		"NUMBER(HUGETLB_PAGE_DTOR)=2\n",
		"NUMBER(PG_hugetlb)=8\n",
		"NUMBER(PAGE_HUGETLB_MAPCOUNT_VALUE)=-2049\n",
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(texts); i++) {
		KD_AUTO(kd_vmcoreinfo_freep) struct kd_vmcoreinfo *info = parse(texts[i]);
		assert_true(kd_vmcoreinfo_feature(info, "x86_64", KD_FEATURE_HUGETLB).available);
		assert_false(kd_vmcoreinfo_feature(info, "x86_64", KD_FEATURE_USER).available);
	}
	KD_AUTO(kd_vmcoreinfo_freep)
	struct kd_vmcoreinfo *info = parse("NUMBER(HUGETLB_PAGE_DTOR)=\n");
	assert_false(kd_vmcoreinfo_feature(info, "x86_64", KD_FEATURE_HUGETLB).available);
	assert_false(kd_vmcoreinfo_feature(NULL, "x86_64", KD_FEATURE_IDENTITY).available);
}

/* What vmcoreinfo of 5.4 lacks, and what a 6.12 kernel has in other words. */
static void test_features_follow_keys_not_versions(void **state)
{
	KD_AUTO(kd_vmcoreinfo_freep)
	struct kd_vmcoreinfo *info = parse(
		"OSRELEASE=99.0.0\nSYMBOL(log_buf)=ffffffff82000000\n"
		"OFFSET(page.mapping)=24\nNUMBER(PAGE_SLAB_MAPCOUNT_VALUE)=-167772161\n");
	struct kd_feature_state s = kd_vmcoreinfo_feature(info, "x86_64", KD_FEATURE_DMESG);

	assert_false(s.available);
	assert_string_equal(s.missing->key, "SYMBOL(prb)");
	assert_string_equal(s.missing->since, "5.10");
	assert_string_equal(s.missing->without, "the kernel's log cannot be found in the dump");
	assert_true(kd_vmcoreinfo_feature(info, "x86_64", KD_FEATURE_USER).available);
}

static void test_table_is_whole_and_sorted(void **state)
{
	size_t n;
	const struct kd_vmcoreinfo_key *keys = kd_vmcoreinfo_keys(&n);
	bool seen[KD_N_FEATURES] = { false };

	for (size_t i = 0; i < n; i++) {
		assert_true(i == 0 || keys[i].feature >= keys[i - 1].feature);
		assert_true(keys[i].since[0] && keys[i].without[0]);
		seen[keys[i].feature] = true;
		for (size_t k = 0; k < i; k++)
			assert_false(keys[k].feature == keys[i].feature &&
				     strcmp(keys[k].key, keys[i].key) == 0);
	}
	for (int f = 0; f < KD_N_FEATURES; f++) {
		assert_true(seen[f]);
		assert_true(kd_feature_name((enum kd_feature)f)[0]);
		assert_true(kd_feature_what((enum kd_feature)f)[0]);
	}
}

/* docs/formats/vmcoreinfo.md shows the table to people: it must be this one. */
static void test_manual_has_every_key(void **state)
{
	KD_AUTO(kd_closep) int fd = open("docs/formats/vmcoreinfo.md", O_RDONLY | O_CLOEXEC);
	KD_AUTO(kd_freep) char *text = NULL;
	struct kd_err err;
	size_t n, rows = 0;
	const struct kd_vmcoreinfo_key *keys = kd_vmcoreinfo_keys(&n);

	assert_true(fd >= 0);
	assert_int_equal(kd_read_all(fd, 1 << 20, &text, NULL, "manual", &err), 0);
	for (size_t i = 0; i < n; i++) {
		char head[64], row[512];

		snprintf(head, sizeof(head), "\n### `%s`:", kd_feature_name(keys[i].feature));
		const char *section = strstr(text, head);
		assert_non_null(section);
		snprintf(row, sizeof(row), "\n| `%s` | ", keys[i].key);
		const char *line = strstr(section, row);
		if (!line)
			fail_msg("%s is not described", keys[i].key);
		snprintf(row, sizeof(row), "| %s | %s |\n", keys[i].since, keys[i].without);
		const char *end = strstr(line, row);
		if (!end || end > line + strcspn(line + 1, "\n"))
			fail_msg("%s is described otherwise", keys[i].key);
	}
	for (const char *p = strstr(text, "\n### "); p && *p; p = strchr(p + 1, '\n'))
		rows += strncmp(p, "\n| `", 4) == 0;
	assert_int_equal(rows, n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_kind_of_key_is_found),
		cmocka_unit_test(test_absent_key_leaves_the_result_alone),
		cmocka_unit_test(test_numbers_may_be_negative_or_hexadecimal),
		cmocka_unit_test(test_value_that_is_no_number_counts_as_absent),
		cmocka_unit_test(test_cut_line_is_not_used),
		cmocka_unit_test(test_first_of_duplicates_counts),
		cmocka_unit_test(test_junk_lines_are_passed_over),
		cmocka_unit_test(test_empty_and_oversized_text),
		cmocka_unit_test(test_features_of_a_real_kernel),
		cmocka_unit_test(test_keys_that_stand_for_each_other),
		cmocka_unit_test(test_features_follow_keys_not_versions),
		cmocka_unit_test(test_table_is_whole_and_sorted),
		cmocka_unit_test(test_manual_has_every_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
