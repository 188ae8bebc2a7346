/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The page filter where the dump lies, lacks a part, or looks as if the kernel were user data. */
#include "tests/unit/support-filter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum {
	MIB = 1 << 20,
	PAGE_STRUCT = 64,
	IMAGE = 4096, /* frames */
	ROOTS = IMAGE + 2048,
	SECTIONS = IMAGE + 2304,
	ARRAY = IMAGE + 4096,
	RING = 7168,
};

static const struct kd_filter_opts all = { .level = 31, .threads = 2 };

static struct kd_fakemem *machine(enum kd_fake_era era, const struct kd_fake_block *blocks,
				  size_t n)
{
	struct kd_fake_opts opts = { .era = era, .ram_bytes = 512ULL * MIB };

	return kd_fakemem_new(&opts, blocks, n);
}

static void assert_logged(const struct filter_run *run, const char *what)
{
	if (!strstr(run->logged.text, what))
		fail_msg("\"%s\" is not in the log: %s", what, run->logged.text);
}

static uint64_t sum(const uint64_t counts[KD_N_CLASSES])
{
	uint64_t n = 0;

	for (unsigned int i = 0; i < KD_N_CLASSES; i++)
		n += counts[i];
	return n;
}

/* What holds whatever the dump says. */
static void assert_consistent(const struct kd_filter_result *r)
{
	uint64_t exists = 0, keep = 0;

	for (size_t i = 0; i < r->bitmap_bytes; i++) {
		assert_int_equal(r->keep[i] & ~r->exists[i], 0);
		if (r->late)
			assert_int_equal(r->late[i] & ~r->keep[i], 0);
		exists += (unsigned int)__builtin_popcount(r->exists[i]);
		keep += (unsigned int)__builtin_popcount(r->keep[i]);
	}
	assert_int_equal(r->n_exists, exists);
	assert_int_equal(r->n_keep, keep);
	assert_int_equal(r->n_exists - r->n_absent - sum(r->excluded) + r->n_protected, r->n_keep);
}

/* ---- what the kernel needs ---- */

static void test_kernel_image_is_kept(void **state)
{
	static const struct kd_fake_block blocks[] = {
		/* given back: the pages are not reserved any more */
		{ IMAGE + 512, 2, KD_FAKE_FREE },
		{ IMAGE + 520, 0, KD_FAKE_CACHE },
		/* stale flags of cache beside PG_reserved */
		{ IMAGE + 600, 0, KD_FAKE_STALE },
	};
	KD_AUTO(kd_fakemem_freep) struct kd_fakemem *m = machine(KD_FAKE_6_6, blocks, 3);
	struct filter_run run;

	filter_run_start(&run, m, &all);
	filter_assert_result(&run, m, KD_FAKE_6_6, 31);
	assert_false(kd_bitmap_has(run.r.keep, IMAGE + 513));
	assert_false(kd_bitmap_has(run.r.keep, IMAGE + 520));
	assert_true(kd_bitmap_has(run.r.keep, IMAGE + 600));
	filter_run_end(&run);
}

static void test_a_free_block_with_a_reserved_page_is_no_free_block(void **state)
{
	/* The generator's inner frames of a free block carry nothing: give one PG_reserved. */
	static const struct kd_fake_block blocks[] = { { IMAGE + 512, 2, KD_FAKE_FREE } };
	KD_AUTO(kd_fakemem_freep) struct kd_fakemem *m = machine(KD_FAKE_6_6, blocks, 1);
	struct filter_run run;

	kd_fakemem_poke(m, IMAGE + 514, 0, 1 << 12, 8);
	filter_run_start(&run, m, &all);
	for (uint64_t pfn = IMAGE; pfn < IMAGE + 1024; pfn++)
		assert_true(kd_bitmap_has(run.r.keep, pfn));
	assert_int_equal(run.r.n_keep, run.r.n_exists);
	filter_run_end(&run);
}

static void test_kernel_image_is_kept_where_reserved_is_not_known(void **state)
{
	/* A page of the text that is not reserved: so it is not known which bit it is. */
	static const struct kd_fake_block blocks[] = {
		{ IMAGE + 3, 0, KD_FAKE_ANON },	   { IMAGE + 512, 2, KD_FAKE_FREE },
		{ IMAGE + 520, 0, KD_FAKE_CACHE }, { IMAGE + 600, 0, KD_FAKE_STALE },
		{ 16384, 0, KD_FAKE_CACHE },
	};
	KD_AUTO(kd_fakemem_freep) struct kd_fakemem *m = machine(KD_FAKE_6_6, blocks, 5);
	struct filter_run run;

	filter_run_start(&run, m, &all);
	for (uint64_t pfn = IMAGE; pfn < IMAGE + 1024; pfn++)
		assert_true(kd_bitmap_has(run.r.keep, pfn));
	assert_false(kd_bitmap_has(run.r.keep, 16384));
	assert_logged(&run, "4 pages of the kernel image looked as if they could be left out");
	assert_consistent(&run.r);
	filter_run_end(&run);
}

static void test_kernel_image_ends_among_pages_that_look_alike(void **state)
{
	/* Which bit is PG_reserved is not known, as in the test before. */
	static const struct kd_fake_block blocks[] = {
		{ IMAGE - 2, 0, KD_FAKE_CACHE },    { IMAGE - 1, 0, KD_FAKE_CACHE },
		{ IMAGE, 0, KD_FAKE_CACHE },	    { IMAGE + 1, 0, KD_FAKE_CACHE },
		{ IMAGE + 3, 0, KD_FAKE_ANON },	    { IMAGE + 1022, 0, KD_FAKE_CACHE },
		{ IMAGE + 1023, 0, KD_FAKE_CACHE }, { IMAGE + 1024, 0, KD_FAKE_CACHE },
		{ IMAGE + 1025, 0, KD_FAKE_CACHE },
	};
	KD_AUTO(kd_fakemem_freep)
	struct kd_fakemem *m = machine(KD_FAKE_6_6, blocks, KD_ARRAY_LEN(blocks));
	struct filter_run run;

	filter_run_start(&run, m, &all);
	for (uint64_t pfn = IMAGE - 2; pfn < IMAGE + 1026; pfn++)
		assert_int_equal(kd_bitmap_has(run.r.keep, pfn),
				 pfn >= IMAGE && pfn < IMAGE + 1024);
	assert_int_equal(run.r.excluded[KD_CLASS_CACHE], 4);
	assert_consistent(&run.r);
	filter_run_end(&run);
}

static void test_what_leads_to_everything_is_kept(void **state)
{
	/* Reserved is not known here (the first block), so only the list of places helps. */
	static const struct kd_fake_block blocks[] = {
		{ IMAGE + 3, 0, KD_FAKE_ANON }, { ROOTS, 0, KD_FAKE_CACHE },
		{ SECTIONS, 0, KD_FAKE_ANON },	{ RING, 8, KD_FAKE_FREE },
		{ ARRAY, 9, KD_FAKE_ANON },	{ 16384, 0, KD_FAKE_ANON },
	};
	KD_AUTO(kd_fakemem_freep) struct kd_fakemem *m = machine(KD_FAKE_6_6, blocks, 6);
	KD_AUTO(kd_gen_ring_freep) struct kd_gen_ring *ring = kd_gen_ring_new(10, 16);
	struct filter_run run;

	kd_gen_ring_store(kd_fakemem_gen(m), ring, RING * 4096ULL,
			  KD_GEN_X86_DIRECT + RING * 4096ULL);
	filter_run_start(&run, m, &(struct kd_filter_opts){ .level = 31, .want_late = true });
	assert_true(kd_bitmap_has(run.r.keep, ROOTS));
	assert_true(kd_bitmap_has(run.r.keep, SECTIONS));
	uint64_t ring_pages = (kd_gen_ring_bytes(ring) + 4095) / 4096;
	assert_in_range(ring_pages, 16, 255);
	for (uint64_t i = 0; i < ring_pages; i++)
		assert_true(kd_bitmap_has(run.r.keep, RING + i));
	assert_false(kd_bitmap_has(run.r.keep, RING + 255));
	for (uint64_t i = 0; i < 512; i++)
		assert_true(kd_bitmap_has(run.r.keep, ARRAY + i));
	assert_false(kd_bitmap_has(run.r.keep, 16384));
	assert_int_equal(run.r.n_protected, 2 + ring_pages + 512);
	assert_logged(&run, "pages that the kernel needs");
	assert_consistent(&run.r);
	filter_run_end(&run);
}

/* The kernel's symbol table at @at, in the image, each letter a token; @way: how offsets are counted. */
struct symbol {
	const char *name;
	uint64_t value;
};

enum way { FROM_BASE, ABSOLUTE_PERCPU, FROM_PLACE };

static void add_symbols(struct kd_fakemem *m, uint64_t at, const struct symbol *s, size_t n,
			enum way way)
{
	enum { INDEX = 4096, TOKENS = 8192, OFFSETS = 12288, COUNT = 16384, BASE = 16392 };
	struct kd_gen *g = kd_fakemem_gen(m);
	const uint64_t base = KD_GEN_X86_TEXT + 16 * MIB, text = KD_GEN_X86_TEXT;
	uint64_t pos = at;

	for (unsigned int i = 0; i < 256; i++) {
		kd_gen_put(g, at + INDEX + 2 * i, 2 * i, 2);
		kd_gen_put(g, at + TOKENS + 2 * i, i, 2);
	}
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(s[i].name) + 1;
		uint64_t off = way == FROM_PLACE ? s[i].value - (text + at + OFFSETS + 4 * i)
						 : s[i].value - base;
		if (way == ABSOLUTE_PERCPU)
			off = s[i].value >> 63 ? base - 1 - s[i].value : s[i].value;
		if (len > 127) {
			kd_gen_put(g, pos++, 0x80 | (len & 0x7f), 1);
			kd_gen_put(g, pos++, len >> 7, 1);
		} else {
			kd_gen_put(g, pos++, len, 1);
		}
		kd_gen_put(g, pos++, 'D', 1);
		kd_gen_write(g, pos, s[i].name, len - 1);
		pos += len - 1;
		kd_gen_put(g, at + OFFSETS + 4 * i, (uint32_t)off, 4);
	}
	kd_gen_put(g, at + COUNT, n, 4);
	kd_gen_put(g, at + BASE, base, 8);
	kd_gen_info(g,
		    "SYMBOL(kallsyms_names)=%jx\nSYMBOL(kallsyms_token_index)=%jx\n"
		    "SYMBOL(kallsyms_token_table)=%jx\nSYMBOL(kallsyms_offsets)=%jx\n"
		    "SYMBOL(kallsyms_num_syms)=%jx\n",
		    (uintmax_t)(text + at), (uintmax_t)(text + at + INDEX),
		    (uintmax_t)(text + at + TOKENS), (uintmax_t)(text + at + OFFSETS),
		    (uintmax_t)(text + at + COUNT));
	if (way != FROM_PLACE)
		kd_gen_info(g, "SYMBOL(kallsyms_relative_base)=%jx\n",
			    (uintmax_t)(text + at + BASE));
}

static void test_per_cpu_areas_are_kept(void **state)
{
	/* Two CPUs' areas of 3 pages at frames 20480 and 24576; crash_notes in the page behind. */
	static const struct kd_fake_block blocks[] = {
		{ 20480, 3, KD_FAKE_ANON },
		{ 24576, 3, KD_FAKE_ANON },
	};
	enum {
		TABLE = IMAGE * 4096 + MIB,
		DATA = TABLE + 32768,
		START = 0x1000,
		PER_CPU = 3 * 4096
	};
	const uint64_t text = KD_GEN_X86_TEXT;
	char longest[140];

	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	for (enum way way = FROM_BASE; way <= FROM_PLACE; way++) {
		/* As on x86_64 before 6.15: addresses of per-CPU variables start at 0. */
		uint64_t start = way == ABSOLUTE_PERCPU ? START : text + DATA + START;
		const struct symbol symbols[] = {
			{ "_text", text + IMAGE * 4096ULL },
			{ "_stext", text + IMAGE * 4096ULL },
			{ longest, text + DATA },
			{ "crash_notes_memory_init", text + DATA },
			{ "__per_cpu_start", start },
			{ "__per_cpu_end", start + PER_CPU },
			{ "__per_cpu_offset", text + DATA },
			{ "nr_cpu_ids", text + DATA + 64 },
			{ "crash_notes", text + DATA + 128 },
		};
		KD_AUTO(kd_fakemem_freep) struct kd_fakemem *m = machine(KD_FAKE_6_1, blocks, 2);
		struct kd_gen *g = kd_fakemem_gen(m);
		struct filter_run run;

		add_symbols(m, TABLE, symbols, KD_ARRAY_LEN(symbols), way);
		kd_gen_put(g, DATA, KD_GEN_X86_DIRECT + 20480 * 4096ULL - start, 8);
		kd_gen_put(g, DATA + 8, KD_GEN_X86_DIRECT + 24576 * 4096ULL - start, 8);
		kd_gen_put(g, DATA + 64, 2, 4);
		kd_gen_put(g, DATA + 128, start + 5 * 4096 + 512, 8);
		filter_run_start(&run, m, &all);
		for (uint64_t i = 0; i < 8; i++) {
			bool kept = i < 3 || i == 5;
			assert_int_equal(kd_bitmap_has(run.r.keep, 20480 + i), kept);
			assert_int_equal(kd_bitmap_has(run.r.keep, 24576 + i), kept);
			assert_int_equal(kd_bitmap_has(run.r.vital, 24576 + i), kept);
		}
		assert_int_equal(run.r.n_protected, 8);
		assert_consistent(&run.r);
		filter_run_end(&run);
	}
}

/* ---- what the dump lacks ---- */

static void test_section_without_readable_page_array_is_kept(void **state)
{
	static const struct kd_fake_block blocks[] = {
		{ 65024, 9, KD_FAKE_ANON },
		{ 65536, 9, KD_FAKE_ANON },
		{ 98304, 9, KD_FAKE_ANON },
	};

	for (int absent = 0; absent <= 1; absent++) {
		KD_AUTO(kd_fakemem_freep) struct kd_fakemem *m = machine(KD_FAKE_6_1, blocks, 3);
		struct filter_run run;
		kd_fakemem_lose_section(m, 65536, absent);
		filter_run_start(&run, m, &all);
		assert_int_equal(run.r.n_unknown, 32768);
		for (uint64_t pfn = 65536; pfn < 98304; pfn++)
			assert_true(kd_bitmap_has(run.r.keep, pfn));
		assert_false(kd_bitmap_has(run.r.keep, 65535));
		assert_false(kd_bitmap_has(run.r.keep, 98304));
		assert_int_equal(sum(run.r.found) + run.r.n_unknown, run.r.n_exists);
		assert_consistent(&run.r);
		assert_int_equal(run.r.check, absent ? KD_CHECK_AGREES : KD_CHECK_UNREADABLE);
		if (!absent)
			assert_logged(&run, "cannot be read for 32768 frames, the first 0x10000");
		filter_run_end(&run);
	}
}

static bool is_odd(void *arg, uint64_t pfn)
{
	return pfn >= 16384 && pfn % 2;
}

static void test_filtered_dump_is_filtered_again(void **state)
{
	static const struct kd_fake_block blocks[] = {
		{ 16384, 9, KD_FAKE_ANON },
		{ 20480, 10, KD_FAKE_FREE },
	};
	KD_AUTO(kd_fakemem_freep) struct kd_fakemem *m = machine(KD_FAKE_6_1, blocks, 2);
	struct kd_gen_diskdump_opts opts = { .codec = KD_GEN_ZLIB, .exclude = is_odd };
	int fd = kd_gen_memfd("dump");
	struct filter_run run;

	kd_gen_diskdump(kd_fakemem_gen(m), fd, &opts);
	filter_run_start_fd(&run, fd, &(struct kd_filter_opts){ .level = 8 });
	for (uint64_t pfn = 0; pfn < run.r.max_pfn; pfn++) {
		bool user = pfn >= 16384 && pfn < 16384 + 512;
		assert_true(kd_bitmap_has(run.r.exists, pfn));
		assert_int_equal(kd_bitmap_has(run.r.keep, pfn), !user && !is_odd(NULL, pfn));
	}
	assert_int_equal(run.r.n_absent, (131072 - 16384) / 2);
	assert_int_equal(run.r.excluded[KD_CLASS_USER], 256);
	assert_int_equal(run.r.found[KD_CLASS_FREE], 512);
	assert_consistent(&run.r);
	filter_run_end(&run);
}

static void test_free_pages_that_are_gone_already_are_no_contradiction(void **state)
{
	static const struct kd_fake_block blocks[] = {
		{ 20480, 10, KD_FAKE_FREE },
		{ 21504, 10, KD_FAKE_FREE },
		{ 22528, 10, KD_FAKE_FREE },
		{ 23552, 10, KD_FAKE_FREE },
	};
	KD_AUTO(kd_fakemem_freep) struct kd_fakemem *m = machine(KD_FAKE_6_1, blocks, 4);
	struct kd_gen_diskdump_opts opts = { .codec = KD_GEN_RAW, .exclude = is_odd };
	int fd = kd_gen_memfd("dump");
	struct filter_run run;

	kd_gen_diskdump(kd_fakemem_gen(m), fd, &opts);
	filter_run_start_fd(&run, fd, &all);
	assert_int_equal(run.r.check, KD_CHECK_AGREES);
	assert_int_equal(run.r.check_found, 4096);
	assert_int_equal(run.r.excluded[KD_CLASS_FREE], 2048);
	filter_run_end(&run);
}

static void test_partial_pages_exist(void **state)
{
	/* A page whose first or last bytes alone lie in a segment. */
	KD_AUTO(kd_gen_freep) struct kd_gen *g = kd_gen_new(62, 4096);
	int fd = kd_gen_memfd("dump");
	struct filter_run run;

	kd_gen_segment(g, 0x1000, 0x9fc00 - 0x1000, 0x9fc00 - 0x1000, 0);
	kd_gen_segment(g, 0x100400, 0x1000, 0x1000, 0);
	kd_gen_elf(g, fd, NULL);
	filter_run_start_fd(&run, fd, &all);
	assert_int_equal(run.r.max_pfn, 0x102);
	for (uint64_t pfn = 0; pfn < 0x102; pfn++) {
		bool exists = (pfn >= 1 && pfn <= 0x9f) || pfn == 0x100 || pfn == 0x101;
		assert_int_equal(kd_bitmap_has(run.r.exists, pfn), exists);
		assert_int_equal(kd_bitmap_has(run.r.keep, pfn), exists);
	}
	filter_run_end(&run);
}

/* ---- what contradicts itself ---- */

static void test_compound_page_is_believed_only_with_its_tail(void **state)
{
	static const struct kd_fake_block blocks[] = {
		{ 16384, 9, KD_FAKE_ANON }, { 16896, 9, KD_FAKE_ANON }, { 17408, 9, KD_FAKE_ANON },
		{ 17920, 9, KD_FAKE_ANON }, { 18432, 9, KD_FAKE_ANON },
	};
	KD_AUTO(kd_fakemem_freep) struct kd_fakemem *m = machine(KD_FAKE_6_1, blocks, 5);
	struct filter_run run;

	/* The first tail is of another; the last one is no tail; the order does not fit the place;
	 * it goes far beyond. */
	kd_fakemem_poke(m, 16385, 8, 0xffffea0000000001, 8);
	kd_fakemem_poke(m, 16896 + 511, 8, 0, 8);
	kd_fakemem_poke(m, 17408 + 1, 17, 12, 1);
	kd_fakemem_poke(m, 17920 + 1, 17, 250, 1);
	filter_run_start(&run, m, &all);
	for (uint64_t pfn = 16384; pfn < 18432; pfn++)
		assert_int_equal(kd_bitmap_has(run.r.keep, pfn), pfn % 512 != 0);
	assert_false(kd_bitmap_has(run.r.keep, 18432 + 511));
	assert_int_equal(run.r.excluded[KD_CLASS_USER], 4 + 512);
	assert_logged(&run, "4 heads of compound pages do not go with their tail pages, the first "
			    "at frame 0x4000");
	filter_run_end(&run);
}

/* Pages side by side that look the same are decided together, but for what a look does not say. */
static void test_pages_that_look_alike_and_are_not(void **state)
{
	static const struct kd_fake_block blocks[] = {
		{ 16384, 0, KD_FAKE_CACHE },   { 16385, 0, KD_FAKE_CACHE },
		{ 16386, 0, KD_FAKE_CACHE },   { 16896, 9, KD_FAKE_HUGETLB },
		{ 17408, 9, KD_FAKE_HUGETLB },
	};
	KD_AUTO(kd_fakemem_freep) struct kd_fakemem *m = machine(KD_FAKE_6_1, blocks, 5);
	struct filter_run run;

	/* The second of three pages is a tail page. Of two heads with the same flags the tail page of
	 * the first does not say that it is hugetlb's. */
	kd_fakemem_poke(m, 16385, 8, 0xffffea0000000001, 8);
	kd_fakemem_poke(m, 16897, 16, 1, 1);
	filter_run_start(&run, m, &all);
	assert_false(kd_bitmap_has(run.r.keep, 16384));
	assert_true(kd_bitmap_has(run.r.keep, 16385));
	assert_false(kd_bitmap_has(run.r.keep, 16386));
	for (uint64_t pfn = 16896; pfn < 17920; pfn++)
		assert_int_equal(kd_bitmap_has(run.r.keep, pfn), pfn < 17408);
	assert_consistent(&run.r);
	filter_run_end(&run);
}

static void test_impossible_free_blocks_are_kept(void **state)
{
	static const struct kd_fake_block blocks[] = {
		{ 16384, 0, KD_FAKE_BAD_FREE },
		{ 16385, 0, KD_FAKE_FREE },
		{ 20480, 10, KD_FAKE_FREE },
	};
	KD_AUTO(kd_fakemem_freep) struct kd_fakemem *m = machine(KD_FAKE_6_12, blocks, 3);
	struct filter_run run;

	/* At an odd frame nothing but order 0 is possible. */
	kd_fakemem_poke(m, 16385, 40, 3, 8);
	filter_run_start(&run, m, &all);
	assert_true(kd_bitmap_has(run.r.keep, 16384));
	assert_true(kd_bitmap_has(run.r.keep, 16385));
	assert_int_equal(run.r.excluded[KD_CLASS_FREE], 1024);
	assert_logged(&run, "2 free blocks have an impossible order or place, the first at frame "
			    "0x4000");
	filter_run_end(&run);
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* A struct page that is nonsense, but of the kind that leads somewhere. */
static void put_nonsense(struct kd_fakemem *m, uint64_t pfn, uint64_t *seed)
{
	static const uint32_t types[] = { ~0x80U, ~0x100U, ~0U, 0, 1, 0xdeadbeef };
	static const uint64_t flags[] = {
		0, 0x10, 0x2010, 0x10000, 0x10010, 0x810010, ~0ULL, 0x200
	};
	uint8_t page[PAGE_STRUCT] = { 0 };
	uint64_t v = next_random(seed);

	memcpy(page, &flags[v % 8], 8);
	/* Every other one is tail of somewhere near or of anything. */
	uint64_t head = next_random(seed);
	if (v & 0x100)
		head = 0xffffea0000000001 + (pfn & ~(uint64_t)((1 << (v >> 12) % 20) - 1)) * 64;
	memcpy(page + 8, &head, 8);
	page[16] = (uint8_t)(v >> 20) % 3;
	page[17] = (uint8_t)(v >> 24) % 24;
	page[24] = v >> 32 & 1;
	uint64_t order = (v >> 40) % 14;
	memcpy(page + 40, &order, 8);
	memcpy(page + 48, &types[(v >> 48) % 6], 4);
	kd_gen_write(kd_fakemem_gen(m), kd_fakemem_paddr(m, pfn), page, sizeof(page));
}

static void test_nonsense_ends_and_is_the_same_for_all(void **state)
{
	uint64_t seed = 0x123456789abcdef;

	for (int round = 0; round < 3; round++) {
		struct kd_fake_opts opts = { .era = KD_FAKE_6_1,
					     .ram_bytes = 512ULL * MIB,
					     .small_pages = round == 2,
					     .without_zones = true };
		KD_AUTO(kd_fakemem_freep) struct kd_fakemem *m = kd_fakemem_new(&opts, NULL, 0);
		for (uint64_t pfn = 0; pfn < kd_fakemem_end_pfn(m); pfn++)
			put_nonsense(m, pfn, &seed);
		KD_AUTO(kd_closep) int fd = kd_gen_memfd("dump");
		kd_gen_elf(kd_fakemem_gen(m), fd, NULL);
		struct filter_run one;
		filter_run_start_fd(
			&one, dup(fd),
			&(struct kd_filter_opts){ .level = 30, .threads = 1, .want_late = true });
		assert_consistent(&one.r);
		for (unsigned int threads = 2; threads < 5; threads++) {
			struct kd_filter_opts o = { .level = 30,
						    .threads = threads,
						    .want_late = true,
						    .read_bytes = 64 << 10,
						    .access = threads == 3 ? KD_ACCESS_MAP
									   : KD_ACCESS_READ };
			struct filter_run run;
			filter_run_start_fd(&run, dup(fd), &o);
			assert_memory_equal(run.r.keep, one.r.keep, one.r.bitmap_bytes);
			assert_memory_equal(run.r.late, one.r.late, one.r.bitmap_bytes);
			assert_memory_equal(run.r.found, one.r.found, sizeof(one.r.found));
			assert_memory_equal(run.r.excluded, one.r.excluded, sizeof(one.r.excluded));
			filter_run_end(&run);
		}
		filter_run_end(&one);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kernel_image_is_kept),
		cmocka_unit_test(test_a_free_block_with_a_reserved_page_is_no_free_block),
		cmocka_unit_test(test_kernel_image_is_kept_where_reserved_is_not_known),
		cmocka_unit_test(test_kernel_image_ends_among_pages_that_look_alike),
		cmocka_unit_test(test_what_leads_to_everything_is_kept),
		cmocka_unit_test(test_per_cpu_areas_are_kept),
		cmocka_unit_test(test_section_without_readable_page_array_is_kept),
		cmocka_unit_test(test_filtered_dump_is_filtered_again),
		cmocka_unit_test(test_free_pages_that_are_gone_already_are_no_contradiction),
		cmocka_unit_test(test_partial_pages_exist),
		cmocka_unit_test(test_compound_page_is_believed_only_with_its_tail),
		cmocka_unit_test(test_pages_that_look_alike_and_are_not),
		cmocka_unit_test(test_impossible_free_blocks_are_kept),
		cmocka_unit_test(test_nonsense_ends_and_is_the_same_for_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
