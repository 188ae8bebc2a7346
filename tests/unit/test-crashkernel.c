/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "crashkernel/crashkernel.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const uint64_t mib = 1ull << 20, gib = 1ull << 30;

static void parse_ok(const char *text, struct kd_ck_value *v)
{
	struct kd_err err = { 0 };

	if (kd_ck_parse(text, v, &err))
		fail_msg("'%s': %s", text, err.msg);
}

static void check_format(const struct kd_ck_value *v, const char *want)
{
	KD_AUTO(kd_buf_fini) struct kd_buf out = { 0 };

	kd_ck_format(v, &out);
	assert_false(out.bad);
	assert_string_equal(out.p, want);
}

/* What people and distributions write comes back as it was. */
static void test_text_survives_the_round_trip(void **state)
{
	static const char *const texts[] = {
		"256M",
		"1024M",
		"1G",
		"268435456",
		"262144K",
		"1E",
		"128M@16M",
		"64M@0",
		"512M,high",
		"72M,low",
		"0,low",
		"0M,low",
		"1G,cma",
		"256M,min=96M",
		"256M,min=96M,high",
		"2G-64G:256M,64G-:512M",
		"384M-:128M",
		"512M-2G:64M,2G-:128M@16M",
		"0-1G:0,1G-:96M",
		"2G-4G:400M,4G-16G:528M,16G-64G:1040M,64G-128G:2064M,128G-:4112M",
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(texts); i++) {
		KD_AUTO(kd_ck_value_fini) struct kd_ck_value v = { 0 };
		parse_ok(texts[i], &v);
		check_format(&v, texts[i]);
	}
}

/* Other spellings of a number come back as the plain one, the same value. */
static void test_other_spellings_become_the_plain_one(void **state)
{
	static const struct {
		const char *text, *plain;
	} cases[] = {
		{ "256m", "256M" },
		{ "0x100M", "256M" },
		{ "0X10m@0x1000000", "16M@16777216" },
		{ "0400M", "256M" },
		{ "00256M", "174M" },
		{ "2g-:0x10m", "2G-:16M" },
		{ "0x1E,low", "30,low" },
		{ "1k,min=0x2", "1K,min=2" },
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		KD_AUTO(kd_ck_value_fini) struct kd_ck_value v = { 0 };
		parse_ok(cases[i].text, &v);
		check_format(&v, cases[i].plain);
	}
}

static void test_values_of_each_form(void **state)
{
	struct kd_ck_value v = { 0 };

	parse_ok("128M@0x1000000", &v);
	assert_int_equal(v.form, KD_CK_PLAIN);
	assert_int_equal(v.size.bytes, 128 * mib);
	assert_true(v.has_offset);
	assert_int_equal(v.offset.bytes, 16 * mib);
	parse_ok("1G,high", &v);
	assert_int_equal(v.form, KD_CK_HIGH);
	parse_ok("72M,low", &v);
	assert_int_equal(v.form, KD_CK_LOW);
	parse_ok("2G,cma", &v);
	assert_int_equal(v.form, KD_CK_CMA);
	parse_ok("256M,min=96M", &v);
	assert_int_equal(v.form, KD_CK_PLAIN);
	assert_true(v.has_min);
	assert_int_equal(v.min.bytes, 96 * mib);
	parse_ok("256M,min=96M,high", &v);
	assert_int_equal(v.form, KD_CK_HIGH);
	assert_true(v.has_min);
	parse_ok("2G-64G:256M,64G-:512M@1G", &v);
	assert_int_equal(v.form, KD_CK_RANGES);
	assert_int_equal(v.range_count, 2);
	assert_int_equal(v.ranges[0].end.bytes, 64 * gib);
	assert_false(v.ranges[1].has_end);
	assert_int_equal(v.offset.bytes, gib);
	kd_ck_value_fini(&v);
}

/* The message has the place, what stands there and what to write. */
static void test_errors_name_the_place_and_the_remedy(void **state)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{ "", "crashkernel=: character 1 (its end): a size expected" },
		{ "M", "character 1 ('M'): a size expected" },
		{ "auto", "character 1 ('a'): a size expected: a number and K, M, G, T, P or E" },
		{ "-256M", "character 1 ('-'): a range's start expected" },
		{ "0", "character 1 ('0'): 0 reserves nothing" },
		{ "0,high", "character 1 ('0'): 0 reserves nothing" },
		{ "256MB", "character 5 ('B'): nothing more may follow here" },
		{ "256M ", "character 5 (0x20): nothing more may follow here" },
		{ "256M,hi", "character 5 (','): high, low, cma or min=SIZE expected" },
		{ "256M,highs", "character 10 ('s'): nothing more may follow" },
		{ "256M@", "character 6 (its end): an address expected" },
		{ "256M@16M,high", "character 9 (','): nothing more may follow" },
		{ "256M,min=512M", "character 10 ('5'): min= must be more than 0 and at most" },
		{ "256M,min=96M@64M", "character 13 ('@'): only ,high may follow" },
		{ "256M,min=96M,low", "character 13 (','): only ,high may follow" },
		{ "256M,high,min=96M", "character 10 (','): nothing more may follow" },
		{ "256M,min=0", "character 10 ('0'): min= must be" },
		{ "2G-64G;256M", "character 7 (';'): ':' and the size to reserve expected" },
		{ "2G:256M", "character 3 (':'): '-' expected, as in 2G-64G:256M" },
		{ "64G-2G:256M", "character 5 ('2'): the range ends before it starts" },
		{ "2G-2G:256M", "the range ends before it starts" },
		{ "2G-:", "character 5 (its end): the size to reserve expected" },
		{ "2G-:256M,", "character 10 (its end): a range's start expected" },
		{ "2G-:256M,high", "character 10 ('h'): a range's start expected" },
		{ "99999999999999999999", "character 1 ('9'): a size is more than 64 bits hold" },
		{ "16E", "a size is more than 64 bits hold" },
		{ "0x10000000000000000", "a size is more than 64 bits hold" },
		{ "018M", "character 3 ('8'): nothing more may follow" },
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		struct kd_ck_value v = { .range_count = 77 };
		struct kd_err err = { 0 };
		assert_int_equal(kd_ck_parse(cases[i].text, &v, &err), -KD_USAGE);
		if (!strstr(err.msg, cases[i].message))
			fail_msg("'%s': '%s' not in '%s'", cases[i].text, cases[i].message,
				 err.msg);
		assert_int_equal(v.range_count, 77);
	}
}

static void test_the_range_that_holds_the_memory_counts(void **state)
{
	KD_AUTO(kd_ck_value_fini) struct kd_ck_value v = { 0 };

	parse_ok("1G-2G:64M,2G-64G:256M,4G-:1G", &v);
	assert_int_equal(kd_ck_select(&v, gib / 2), 0);
	assert_int_equal(kd_ck_select(&v, gib - 128 * mib), 0);
	assert_int_equal(kd_ck_select(&v, gib - 127 * mib), 64 * mib); /* firmware took 127 MiB */
	assert_int_equal(kd_ck_select(&v, 2 * gib - 1), 256 * mib);
	assert_int_equal(kd_ck_select(&v, 8 * gib), 256 * mib); /* the first, not the closest */
	assert_int_equal(kd_ck_select(&v, 64 * gib), gib);
	assert_int_equal(kd_ck_select(&v, UINT64_MAX), 0);
	kd_ck_value_fini(&v);
	parse_ok("256M", &v);
	assert_int_equal(kd_ck_select(&v, 1), 256 * mib);
}

/* ---- what the kernel makes of a command line ---- */

struct resolved {
	const char *cmdline;
	uint64_t ram_mib;
	enum kd_ck_verdict verdict;
	uint64_t size_mib, base_mib;
	bool high;
	uint64_t low_mib;
	const char *why;
};

/*
 * Linux 6.12 parse_crashkernel(), each line seen with that function itself (tests/diff/crashkernel
 * compares many more).
 */
static const struct resolved known[] = {
	{ "", 4096, KD_CK_ABSENT },
	{ "quiet splash", 4096, KD_CK_ABSENT },
	{ "crashkernel", 4096, KD_CK_ABSENT },
	{ "crashkernel=72M,low", 4096, KD_CK_ABSENT },
	{ "crashkernel=256M quiet", 4096, KD_CK_ASKED, 256 },
	{ "ro crashkernel=0x10m", 4096, KD_CK_ASKED, 16 },
	{ "crashkernel=128M@16M", 4096, KD_CK_ASKED, 128, 16 },
	/* the last one without a suffix, wherever those with one stand */
	{ "crashkernel=64M crashkernel=128M", 4096, KD_CK_ASKED, 128 },
	{ "crashkernel=64M crashkernel=1G,high", 4096, KD_CK_ASKED, 64 },
	{ "crashkernel=1G,high crashkernel=64M", 4096, KD_CK_ASKED, 64 },
	{ "crashkernel=1G,high crashkernel=72M,low", 4096, KD_CK_ASKED, 1024, 0, true, 72 },
	{ "crashkernel=72M,low crashkernel=1G,high crashkernel=2G,high", 4096, KD_CK_ASKED, 2048, 0,
	  true, 72 },
	{ "crashkernel=1G,high crashkernel=0,low", 4096, KD_CK_ASKED, 1024, 0, true, 0 },
	/* a broken last word is not replaced by a good one before it */
	{ "crashkernel=64M crashkernel=oops", 4096, KD_CK_REFUSED, .why = "a size is expected" },
	{ "crashkernel=1G,high crashkernel=x,low", 4096, KD_CK_REFUSED,
	  .why = "a size is expected" },
	{ "crashkernel=64M,cma", 4096, KD_CK_REFUSED, .why = "',' is not understood" },
	{ "crashkernel=256M crashkernel=64M,cma", 4096, KD_CK_REFUSED, .why = "',' is not" },
	{ "crashkernel=256M,min=96M", 4096, KD_CK_REFUSED, .why = "',' is not understood" },
	{ "crashkernel=256MB", 4096, KD_CK_REFUSED, .why = "'B' is not understood" },
	{ "crashkernel=", 4096, KD_CK_REFUSED, .why = "before the end of the word" },
	{ "crashkernel=0", 4096, KD_CK_REFUSED, .why = "the size is 0" },
	{ "crashkernel=M", 4096, KD_CK_REFUSED, .why = "the size is 0" },
	{ "crashkernel=4G", 4096, KD_CK_REFUSED, .why = "not less than the machine's memory" },
	/* anything may stand before the name, and behind an address */
	{ "nocrashkernel=64M", 4096, KD_CK_ASKED, 64 },
	{ "crashkernel=64M@16Mjunk", 4096, KD_CK_ASKED, 64, 16 },
	{ "crashkernel=64M@", 4096, KD_CK_ASKED, 64 },
	/* only a blank ends a word */
	{ "crashkernel=64M\tquiet", 4096, KD_CK_REFUSED, .why = "0x09" },
	/* ranges: memory rounded up to 128 MiB, the first match, nothing behind it read */
	{ "crashkernel=2G-64G:256M,64G-:512M", 4096, KD_CK_ASKED, 256 },
	{ "crashkernel=2G-64G:256M,64G-:512M", 1921, KD_CK_ASKED, 256 },
	{ "crashkernel=2G-64G:256M,64G-:512M", 1920, KD_CK_REFUSED, .why = "no range" },
	{ "crashkernel=2G-64G:256M,64G-:512M", 65536, KD_CK_ASKED, 512 },
	{ "crashkernel=2G-:256M,garbage@16M", 4096, KD_CK_ASKED, 256, 16 },
	{ "crashkernel=2G-:256M,high", 4096, KD_CK_REFUSED, .why = ",high is expected" },
	{ "crashkernel=1G-:256M:x", 4096, KD_CK_ASKED, 256 },
	{ "crashkernel=1G-2G:64M,2G-:0", 4096, KD_CK_REFUSED, .why = "no range" },
	{ "crashkernel=8G-:8G,4G-:256M", 4096, KD_CK_REFUSED, .why = "a range's size is not less" },
	{ "crashkernel=1G-:4G", 4096, KD_CK_REFUSED, .why = "a range's size is not less" },
	{ "crashkernel=4G-2G:64M", 4096, KD_CK_REFUSED, .why = "a range ends before it starts" },
	{ "crashkernel=1G-4G", 4096, KD_CK_REFUSED, .why = "'-' is not understood" },
	{ "crashkernel=2G:1G", 4096, KD_CK_REFUSED, .why = "'-' is expected in place of ':'" },
	{ "crashkernel=1G-:64M@", 4096, KD_CK_REFUSED, .why = "an address is expected" },
	/* beyond 64 bits numbers wrap: 2^64 + 64 MiB */
	{ "crashkernel=0x10000000004000000", 4096, KD_CK_ASKED, 64 },
};

static void test_what_the_kernel_makes_of_a_command_line(void **state)
{
	for (size_t i = 0; i < KD_ARRAY_LEN(known); i++) {
		const struct resolved *k = &known[i];
		struct kd_ck_request r = { 0 };
		kd_ck_resolve(k->cmdline, k->ram_mib * mib, 0, &r);
		bool same = r.verdict == k->verdict && r.size_bytes == k->size_mib * mib &&
			    r.base == k->base_mib * mib && r.high == k->high &&
			    r.low_bytes == k->low_mib * mib;
		if (!same || (k->why && !strstr(r.why, k->why)))
			fail_msg("'%s': verdict %d, %" PRIu64 " at %" PRIu64 ", low %" PRIu64
				 ", '%s'",
				 k->cmdline, r.verdict, r.size_bytes, r.base, r.low_bytes, r.why);
	}
}

static void test_newer_kernels_know_more_forms(void **state)
{
	struct kd_ck_request r = { 0 };

	kd_ck_resolve("crashkernel=256M crashkernel=1G,cma", 4 * gib, KD_CK_KNOWS_CMA, &r);
	assert_int_equal(r.verdict, KD_CK_ASKED);
	assert_int_equal(r.size_bytes, 256 * mib);
	assert_int_equal(r.cma_bytes, gib);
	kd_ck_resolve("crashkernel=256M crashkernel=x,cma", 4 * gib, KD_CK_KNOWS_CMA, &r);
	assert_int_equal(r.verdict, KD_CK_ASKED);
	assert_int_equal(r.cma_bytes, 0);
	kd_ck_resolve("crashkernel=1G,cma", 4 * gib, KD_CK_KNOWS_CMA, &r);
	assert_int_equal(r.verdict, KD_CK_ABSENT);
	assert_int_equal(r.cma_bytes, 0);
	kd_ck_resolve("crashkernel=256M,min=96M", 4 * gib, KD_CK_KNOWS_MIN, &r);
	assert_int_equal(r.verdict, KD_CK_ASKED);
	assert_int_equal(r.size_bytes, 256 * mib);
	assert_int_equal(r.min_bytes, 96 * mib);
}

/* Our series, kernel-patches/crash_reserve: the lines of its own KUnit tests, 1 GiB of RAM. */
static void test_what_the_series_makes_of_min(void **state)
{
	static const struct {
		const char *cmdline;
		enum kd_ck_verdict verdict;
		uint64_t size_mib, min_mib, base_mib;
		bool high;
	} cases[] = {
		{ "crashkernel=256M,min=96M quiet", KD_CK_ASKED, 256, 96 },
		{ "crashkernel=256M,min=0x1000000", KD_CK_ASKED, 256, 16 },
		{ "crashkernel=256M,min=256M", KD_CK_ASKED, 256, 256 },
		{ "crashkernel=256M,min=96M crashkernel=128M", KD_CK_ASKED, 128 },
		{ "crashkernel=128M crashkernel=256M,min=64M", KD_CK_ASKED, 256, 64 },
		{ "crashkernel=2G,min=96M", KD_CK_ASKED, 2048, 96 },
		{ "crashkernel=4G,min=1G", KD_CK_REFUSED },
		{ "crashkernel=256M,min=96M,high crashkernel=64M,low", KD_CK_ASKED, 256, 96, 0,
		  true },
		{ "crashkernel=256M,high crashkernel=64M,min=32M,low", KD_CK_REFUSED },
		{ "crashkernel=256M,high,min=96M", KD_CK_REFUSED },
		{ "crashkernel=256M,min=96M,high crashkernel=128M", KD_CK_ASKED, 128 },
		{ "crashkernel=256M,min=", KD_CK_REFUSED },
		{ "crashkernel=256M,min=M", KD_CK_REFUSED },
		{ "crashkernel=256M,min=0", KD_CK_REFUSED },
		{ "crashkernel=256M,min=257M", KD_CK_REFUSED },
		{ "crashkernel=256M,min=96Mb", KD_CK_REFUSED },
		{ "crashkernel=256M,min=96M,", KD_CK_REFUSED },
		{ "crashkernel=256M,min=96M@64M", KD_CK_REFUSED },
		{ "crashkernel=256M@64M,min=96M", KD_CK_ASKED, 256, 0, 64 },
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		struct kd_ck_request r = { 0 };
		kd_ck_resolve(cases[i].cmdline, gib, KD_CK_KNOWS_MIN, &r);
		if (r.verdict != cases[i].verdict || r.size_bytes != cases[i].size_mib * mib ||
		    r.min_bytes != cases[i].min_mib * mib || r.base != cases[i].base_mib * mib ||
		    r.high != cases[i].high)
			fail_msg("'%s': verdict %d, %" PRIu64 ", min %" PRIu64 ", '%s'",
				 cases[i].cmdline, r.verdict, r.size_bytes, r.min_bytes, r.why);
	}
}

static void test_the_word_that_counts_is_shown(void **state)
{
	static const char line[] =
		"ro crashkernel=64M quiet crashkernel=1G-:128M,x crashkernel=1G,high";
	struct kd_ck_request r = { 0 };

	kd_ck_resolve(line, 4 * gib, 0, &r);
	assert_int_equal(r.verdict, KD_CK_ASKED);
	assert_int_equal(r.word_len, 10);
	assert_memory_equal(line + r.word, "1G-:128M,x", 10);
	kd_ck_resolve("crashkernel=3G,high crashkernel=1G,low", 4 * gib, 0, &r);
	assert_int_equal(r.word, 12);
	assert_int_equal(r.word_len, 7);
}

/* What the grammar takes, the kernel takes for the same. */
static void test_grammar_and_kernel_agree(void **state)
{
	static const char *const texts[] = {
		"256M",
		"0x100m",
		"128M@16M",
		"1G,high",
		"2G-64G:256M,64G-:512M",
		"1G-2G:64M,2G-:128M@1M",
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(texts); i++) {
		KD_AUTO(kd_ck_value_fini) struct kd_ck_value v = { 0 };
		char line[128];
		struct kd_ck_request r = { 0 };
		parse_ok(texts[i], &v);
		snprintf(line, sizeof(line), "crashkernel=%s", texts[i]);
		for (uint64_t ram = 3 * gib; ram < 200 * gib; ram += 7 * gib) {
			kd_ck_resolve(line, ram, 0, &r);
			assert_int_equal(r.verdict, KD_CK_ASKED);
			assert_int_equal(r.size_bytes, kd_ck_select(&v, ram));
			assert_int_equal(r.base, v.has_offset ? v.offset.bytes : 0);
		}
	}
}

/* Every default is in the grammar, and asks for more on a larger machine. */
static void test_defaults_are_values(void **state)
{
	static const char *const names[] = { "x86_64", "s390x", "aarch64", "ppc64le" };

	for (unsigned int bits = 0; bits < 128; bits++) {
		KD_AUTO(kd_ck_value_fini) struct kd_ck_value v = { 0 };
		struct kd_ck_machine m = {
			.name = names[bits & 3],
			.page = bits & 4 ? KD_CK_PAGE_64K : KD_CK_PAGE_4K,
			.fadump = bits & 8,
			.memory_encrypted = bits & 16,
			.mlx5 = bits & 32,
			.smmu = bits & 64,
		};
		uint64_t before = 0;
		parse_ok(kd_ck_default(&m), &v);
		check_format(&v, kd_ck_default(&m));
		for (uint64_t ram = 4 * gib; ram < 1024 * gib; ram *= 2) {
			assert_true(kd_ck_select(&v, ram) >= before);
			before = kd_ck_select(&v, ram);
		}
		assert_true(before >= 512 * mib);
	}
	assert_string_equal(kd_ck_default(&(struct kd_ck_machine){ .name = "riscv64" }), "");
	assert_string_equal(kd_ck_default(&(struct kd_ck_machine){ .name = "" }), "");
}

/* ---- how much a capture needs ---- */

static struct kd_ck_estimate estimate_of(uint64_t kernel_kib, uint64_t packed_kib,
					 uint64_t files_kib)
{
	struct kd_ck_capture c = { .kernel_bytes = kernel_kib * 1024,
				   .initrd_bytes = packed_kib * 1024,
				   .unpacked_bytes = files_kib * 1024,
				   .engine = true,
				   .ram_bytes = 2 * gib };
	struct kd_ck_estimate e = { 0 };

	kd_ck_estimate(&c, &e);
	return e;
}

/*
 * What was seen in guests of 1 and 2 GiB: reservations that gave a dump may not be refused,
 * those that hung without a word must be. init_size of each kernel, image of its run.
 */
static void test_the_floor_refuses_what_hung_and_nothing_that_worked(void **state)
{
	static const struct {
		const char *kernel;
		uint64_t kernel_kib, packed_kib, files_kib, worked_mib;
	} seen[] = {
		{ "6.1.0-56-cloud-amd64, our image", 52704, 940, 2253, 76 },
		{ "6.1.0-56-amd64, busybox", 65120, 1126, 2560, 88 },
		{ "6.12.117 lab.config, busybox", 25584, 1126, 2048, 40 },
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(seen); i++) {
		struct kd_ck_estimate e = estimate_of(seen[i].kernel_kib, seen[i].packed_kib,
						      seen[i].files_kib);
		if (e.floor_bytes > seen[i].worked_mib * mib)
			fail_msg("%s: %" PRIu64 " refused, and it worked in %" PRIu64 "M",
				 seen[i].kernel, e.floor_bytes >> 20, seen[i].worked_mib);
		/* the kernel alone is more than this: the load itself or the boot must fail */
		assert_true(e.floor_bytes > seen[i].kernel_kib * 1024 + 4 * mib);
		assert_true(e.need_bytes > e.floor_bytes && e.advised_bytes > e.need_bytes);
	}
}

static void test_estimate_is_the_sum_of_its_items(void **state)
{
	struct kd_ck_estimate e = estimate_of(52704, 940, 2253);
	uint64_t sum = 0;

	for (size_t i = 0; i < e.item_count; i++) {
		assert_true(e.items[i].bytes > 0 && e.items[i].name && e.items[i].from);
		sum += e.items[i].bytes;
	}
	assert_true(sum <= e.need_bytes && sum + mib > e.need_bytes);
	assert_int_equal(e.floor_bytes % mib, 0);
	assert_int_equal(e.advised_bytes % (8 * mib), 0);
}

static void test_estimate_follows_what_is_loaded(void **state)
{
	struct kd_ck_capture c = { .kernel_bytes = 50 * mib, .initrd_bytes = mib, .engine = true };
	struct kd_ck_estimate one = { 0 }, more = { 0 };

	kd_ck_estimate(&c, &one);
	c.cpus = 4;
	kd_ck_estimate(&c, &more);
	assert_true(more.need_bytes >= one.need_bytes + 3 * mib);
	assert_int_equal(more.floor_bytes, one.floor_bytes);
	c.engine = false;
	kd_ck_estimate(&c, &one);
	assert_true(one.need_bytes > more.need_bytes); /* makedumpfile takes more */
	c.unpacked_bytes = 40 * mib;
	kd_ck_estimate(&c, &more);
	assert_true(more.floor_bytes >= one.floor_bytes + 39 * mib);
	c.kernel_bytes = UINT64_MAX - 5;
	kd_ck_estimate(&c, &more);
	assert_true(more.floor_bytes >= UINT64_MAX - mib &&
		    more.advised_bytes >= UINT64_MAX - 8 * mib);
}

static void test_measured_rows_say_where_they_come_from(void **state)
{
	size_t count = 0;
	const struct kd_ck_measured *rows = kd_ck_measured(&count);

	assert_true(count > 5);
	for (size_t i = 0; i < count; i++) {
		assert_true(rows[i].value > 0);
		assert_true(strlen(rows[i].kernel) > 2 && strlen(rows[i].how) > 10);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_survives_the_round_trip),
		cmocka_unit_test(test_other_spellings_become_the_plain_one),
		cmocka_unit_test(test_values_of_each_form),
		cmocka_unit_test(test_errors_name_the_place_and_the_remedy),
		cmocka_unit_test(test_the_range_that_holds_the_memory_counts),
		cmocka_unit_test(test_what_the_kernel_makes_of_a_command_line),
		cmocka_unit_test(test_newer_kernels_know_more_forms),
		cmocka_unit_test(test_what_the_series_makes_of_min),
		cmocka_unit_test(test_the_word_that_counts_is_shown),
		cmocka_unit_test(test_grammar_and_kernel_agree),
		cmocka_unit_test(test_defaults_are_values),
		cmocka_unit_test(test_the_floor_refuses_what_hung_and_nothing_that_worked),
		cmocka_unit_test(test_estimate_is_the_sum_of_its_items),
		cmocka_unit_test(test_estimate_follows_what_is_loaded),
		cmocka_unit_test(test_measured_rows_say_where_they_come_from),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
