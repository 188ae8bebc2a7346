/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parts of the engine by themselves. */
#include "lib/dump/internal.h"
#include "tests/unit/support-dump.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* Both kinds of hash where the CPU has both; the one with numbers is last. */
static bool next_kind(struct kd_page_hasher *h, bool *first)
{
	if (*first) {
		*first = false;
		return true;
	}
	bool other = h->carryless;
	h->carryless = false;
	return other;
}

static void test_page_hash_tells_pages_apart(void **state)
{
	uint8_t page[PAGE] = { 0 };
	KD_AUTO(kd_freep) void *key = malloc(kd_page_hasher_key_bytes(PAGE));
	struct kd_page_hasher h;

	kd_page_hasher_init(&h, key, PAGE);
	assert_true(h.carryless == kd_page_hash_can_carryless());
	for (bool first = true; next_kind(&h, &first);) {
		struct kd_page_hash zero = kd_page_hash(&h, page);
		for (size_t bit = 0; bit < 8ull * PAGE; bit += 7) {
			page[bit / 8] ^= (uint8_t)(1u << bit % 8);
			struct kd_page_hash one = kd_page_hash(&h, page);
			assert_true(one.v[0] != zero.v[0] && one.v[1] != zero.v[1]);
			assert_false(kd_page_is_zero(page, PAGE));
			page[bit / 8] = 0;
		}
		assert_true(kd_page_is_zero(page, PAGE));
	}
}

/* a * b modulo x^64 + x^4 + x^3 + x + 1, bit by bit */
static uint64_t polynomial_product(uint64_t a, uint64_t b)
{
	uint64_t product = 0;

	for (int bit = 63; bit >= 0; bit--)
		product = (product << 1) ^ (product >> 63 ? 0x1b : 0) ^ (b >> bit & 1 ? a : 0);
	return product;
}

/* What the kernel says of the CPU. */
static bool cpu_has(const char *flag)
{
	KD_AUTO(kd_fclosep) FILE *f = fopen("/proc/cpuinfo", "re");
	char line[8192], word[64];

	assert_non_null(f);
	snprintf(word, sizeof(word), " %s", flag);
	while (fgets(line, sizeof(line), f)) {
		const char *at = strncmp(line, "flags", 5) == 0 ? strstr(line, word) : NULL;
		if (at && strchr(" \n", at[strlen(word)]))
			return true;
	}
	return false;
}

/* Where the CPU has none, the hash with numbers is all there is, and has tests below. */
static void test_page_hash_without_carries(void **state)
{
	uint64_t page[PAGE / 8] = { 0 }, want[2] = { 0 };
	KD_AUTO(kd_freep) void *key = malloc(kd_page_hasher_key_bytes(PAGE));
	struct kd_page_hasher h;

	kd_page_hasher_init(&h, key, PAGE);
	for (size_t i = 0; i < KD_ARRAY_LEN(page); i++)
		page[i] = i * 0x9e3779b97f4a7c15u;
	for (size_t i = 0; i < KD_ARRAY_LEN(page); i += 2)
		for (size_t k = 0; k < 2; k++)
			want[k] ^= polynomial_product(page[i] ^ h.key[i + 2 * k],
						      page[i + 1] ^ h.key[i + 2 * k + 1]);
	assert_int_equal(h.carryless, cpu_has("avx2") && cpu_has("vpclmulqdq"));
	if (!h.carryless)
		return;
	struct kd_page_hash hash = kd_page_hash(&h, (const uint8_t *)page);
	assert_int_equal(hash.v[0], want[0]);
	assert_int_equal(hash.v[1], want[1]);
}

/*
 * Differences that cancel where the sum is cut without care: with its halves xored, those with
 * many factors x + 1 or 2; where only half of the sum is taken, those at one end of a word. With
 * any key the two halves of the hash differ.
 */
static void test_page_hash_has_no_weak_differences(void **state)
{
	static const uint64_t diffs[] = {
		UINT64_MAX,	    UINT64_MAX << 32,	UINT32_MAX,	    1ull << 63, 1,
		0x8000000000000001, 0x0101010101010101, 0x5555555555555555, 3ull << 62,
	};
	enum { KEYS = 100 };

	for (unsigned int k = 0; k < KEYS * KD_ARRAY_LEN(diffs); k++) {
		uint8_t page[PAGE];
		KD_AUTO(kd_freep) void *key = malloc(kd_page_hasher_key_bytes(PAGE));
		struct kd_page_hasher h;
		size_t at = (k * 8ull) % PAGE;
		uint64_t word;

		kd_page_hasher_init(&h, key, PAGE);
		for (bool first = true; next_kind(&h, &first);) {
			memset(page, (int)k, sizeof(page));
			struct kd_page_hash before = kd_page_hash(&h, page);
			memcpy(&word, page + at, sizeof(word));
			word ^= diffs[k % KD_ARRAY_LEN(diffs)];
			memcpy(page + at, &word, sizeof(word));
			struct kd_page_hash after = kd_page_hash(&h, page);
			assert_true(before.v[0] != after.v[0] && before.v[1] != after.v[1]);
		}
	}
}

/* Hashes that share a bucket, or not: it forgets the oldest and nothing else. */
static void test_same_table_forgets_the_oldest(void **state)
{
	enum { MAX = 8 };
	static const uint64_t factors[] = { 1, MAX, 64 * MAX, 3 };

	for (size_t k = 0; k < KD_ARRAY_LEN(factors); k++) {
		KD_AUTO(kd_freep) void *room = calloc(1, kd_same_bytes(MAX));
		struct kd_same_table t;
		kd_same_init(&t, room, MAX);
		for (uint64_t i = 1; i <= 40; i++) {
			kd_same_add(&t, &(struct kd_page_hash){ { i * factors[k], i } },
				    &(struct kd_diskdump_desc){ .offset = i });
			for (uint64_t old = 1; old <= i; old++) {
				const struct kd_diskdump_desc *d = kd_same_find(
					&t, &(struct kd_page_hash){ { old * factors[k], old } });
				if (old + MAX <= i)
					assert_null(d);
				else
					assert_int_equal(d->offset, old);
			}
			assert_null(kd_same_find(
				&t, &(struct kd_page_hash){ { i * factors[k], i + 1 } }));
		}
	}
}

/* What is said to last so many additions is there after them, and not after one more. */
static void test_same_table_knows_how_long_a_page_lasts(void **state)
{
	enum { MAX = 8, FILL = 13 };

	for (uint64_t filled = 1; filled <= FILL; filled++) {
		KD_AUTO(kd_freep) void *room = calloc(1, kd_same_bytes(MAX));
		struct kd_same_table t;
		uint64_t first = filled > MAX ? filled - MAX + 1 : 1;

		kd_same_init(&t, room, MAX);
		for (uint64_t i = 1; i <= filled; i++)
			kd_same_add(&t, &(struct kd_page_hash){ { i, i } },
				    &(struct kd_diskdump_desc){ .offset = i });
		for (uint64_t i = first; i <= filled; i++) {
			const struct kd_page_hash h = { { i, i } };
			uint32_t lasts = MAX - (uint32_t)(filled - i) - 1;
			assert_true(kd_same_lasts(&t, &h, lasts));
			assert_false(kd_same_lasts(&t, &h, lasts + 1));
		}
		assert_false(kd_same_lasts(&t, &(struct kd_page_hash){ { filled, 0 } }, 0));
	}
}

static void set_bit(uint8_t *bitmap, uint64_t pfn)
{
	bitmap[pfn / 8] |= (uint8_t)(1u << pfn % 8);
}

static void test_walk_in_rounds(void **state)
{
	uint8_t keep[PAGE] = { 0 }, late[PAGE] = { 0 }, vital[PAGE] = { 0 };
	static const struct kd_filter_range ranges[] = { { 0, 128 }, { 192, 320 }, { 960, 1000 } };
	struct kd_filter_result f = { .max_pfn = 1000,
				      .keep = keep,
				      .late = late,
				      .vital = vital,
				      .image = { 199, 203 },
				      .ranges = ranges,
				      .n_ranges = KD_ARRAY_LEN(ranges) };
	static const uint64_t kept[] = { 0, 63, 64, 200, 201, 202, 270, 999 };
	static const struct {
		uint64_t pfn, ordinal;
		unsigned int round;
	} order[] = {
		{ 201, 4, KD_ROUND_VITAL }, { 999, 7, KD_ROUND_VITAL }, { 202, 5, KD_ROUND_IMAGE },
		{ 0, 0, KD_ROUND_KERNEL },  { 64, 2, KD_ROUND_KERNEL }, { 63, 1, KD_ROUND_LATE },
		{ 200, 3, KD_ROUND_LATE },  { 270, 6, KD_ROUND_LATE },
	};
	static const uint64_t are_late[] = { 63, 200, 270 };
	static const uint64_t are_vital[] = { 5, 201, 999 }; /* the first is not kept */
	struct kd_page_walk w;
	uint64_t pfn = 0, ordinal = 0;

	/* Between the ranges there is nothing to be seen. */
	keep[150 / 8] = keep[700 / 8] = 0xff;
	for (size_t i = 0; i < KD_ARRAY_LEN(kept); i++)
		set_bit(keep, kept[i]);
	for (size_t i = 0; i < KD_ARRAY_LEN(are_late); i++)
		set_bit(late, are_late[i]);
	for (size_t i = 0; i < KD_ARRAY_LEN(are_vital); i++)
		set_bit(vital, are_vital[i]);
	assert_true(kd_page_walk_has_rounds(&f));
	kd_page_walk_init(&w, &f, KD_WALK_ROUNDS, 0);
	for (size_t i = 0; i < KD_ARRAY_LEN(order); i++) {
		assert_true(kd_page_walk_next(&w, &pfn, &ordinal));
		assert_int_equal(pfn, order[i].pfn);
		assert_int_equal(ordinal, order[i].ordinal);
		assert_int_equal(w.round, order[i].round);
	}
	assert_false(kd_page_walk_next(&w, &pfn, &ordinal));
	kd_page_walk_init(&w, &f, KD_WALK_RISING, 0);
	for (size_t i = 0; i < KD_ARRAY_LEN(kept); i++) {
		assert_true(kd_page_walk_next(&w, &pfn, &ordinal));
		assert_int_equal(pfn, kept[i]);
		assert_int_equal(ordinal, i);
	}
	assert_false(kd_page_walk_next(&w, &pfn, &ordinal));
	f.late = f.vital = NULL;
	f.image = (struct kd_filter_range){ 0 };
	assert_false(kd_page_walk_has_rounds(&f));
}

/* Each block goes with the most important page in it; ordinals stay those of the bitmap. */
static void test_walk_by_blocks(void **state)
{
	enum { MAX_PFN = 3000 };
	uint8_t keep[PAGE] = { 0 }, late[PAGE] = { 0 }, vital[PAGE] = { 0 };
	static const struct kd_filter_range ranges[] = { { 0, 1088 }, { 1472, MAX_PFN } };
	struct kd_filter_result f = { .max_pfn = MAX_PFN,
				      .bitmap_bytes = PAGE,
				      .keep = keep,
				      .late = late,
				      .vital = vital,
				      .image = { 600, 602 },
				      .ranges = ranges,
				      .n_ranges = KD_ARRAY_LEN(ranges) };
	static const uint64_t kept[] = { 3, 511, 512, 601, 1030, 1500, 1536, 2047, 2048, 2999 };
	static const uint64_t are_late[] = { 3, 512, 1030, 2047, 2048, 2999 };
	static const struct {
		uint64_t pfn, ordinal;
		unsigned int round;
	} order[] = {
		{ 1030, 4, KD_ROUND_VITAL },  { 1500, 5, KD_ROUND_VITAL },
		{ 512, 2, KD_ROUND_IMAGE },   { 601, 3, KD_ROUND_IMAGE },
		{ 3, 0, KD_ROUND_KERNEL },    { 511, 1, KD_ROUND_KERNEL },
		{ 1536, 6, KD_ROUND_KERNEL }, { 2047, 7, KD_ROUND_KERNEL },
		{ 2048, 8, KD_ROUND_LATE },   { 2999, 9, KD_ROUND_LATE },
	};
	struct kd_page_walk w;
	uint64_t pfn = 0, ordinal = 0;

	for (size_t i = 0; i < KD_ARRAY_LEN(kept); i++)
		set_bit(keep, kept[i]);
	for (size_t i = 0; i < KD_ARRAY_LEN(are_late); i++)
		set_bit(late, are_late[i]);
	set_bit(vital, 1500);
	set_bit(vital, 100); /* not kept */
	kd_page_walk_init(&w, &f, KD_WALK_BLOCKS, 512);
	for (size_t i = 0; i < KD_ARRAY_LEN(order); i++) {
		assert_true(kd_page_walk_next(&w, &pfn, &ordinal));
		assert_int_equal(pfn, order[i].pfn);
		assert_int_equal(ordinal, order[i].ordinal);
		assert_int_equal(w.round, order[i].round);
		assert_int_equal(kd_page_round_of_block(&f, pfn - pfn % 512, 512), order[i].round);
	}
	assert_false(kd_page_walk_next(&w, &pfn, &ordinal));
	assert_int_equal(kd_page_round_of_block(&f, 1 << 20, 512), KD_ROUND_LATE);

	/* kernel, image, vital, kernel, late; image, vital, late; vital, late; vital */
	static const uint64_t pages_for[] = { 0, 4096, 2048, 1024, 1024, 512, 512 };
	for (size_t runs = 1; runs < KD_ARRAY_LEN(pages_for); runs++)
		assert_int_equal(kd_walk_block_pages(&f, runs), pages_for[runs]);
	kd_page_walk_init(&w, &f, KD_WALK_BLOCKS, 2048);
	for (size_t i = 0; i < KD_ARRAY_LEN(kept); i++) {
		assert_true(kd_page_walk_next(&w, &pfn, &ordinal));
		assert_int_equal(pfn, kept[i]);
		assert_int_equal(w.round, pfn < 2048 ? KD_ROUND_VITAL : KD_ROUND_LATE);
	}

	const struct kd_filter_result g = { .max_pfn = MAX_PFN, .keep = keep, .ranges = ranges };
	assert_int_equal(kd_kept_pages(&g, 0, 5000), 10);
	assert_int_equal(kd_kept_pages(&g, 3, 512), 2);
	assert_int_equal(kd_kept_pages(&g, 4, 511), 0);
	assert_int_equal(kd_kept_pages(&g, 2999, 3000), 1);
	assert_int_equal(kd_kept_pages(&g, 3000, 64), 0);
}

static int note_write(struct kd_sink *s, uint64_t off, const void *buf, size_t len,
		      struct kd_err *err)
{
	/* After the first, writes are of the buffer's size and aligned to it. */
	if (off != 100) {
		assert_int_equal(off % 4096, 0);
		assert_int_equal(len, 4096);
	}
	return 0;
}

static void test_outbuf_aligns_writes(void **state)
{
	const struct kd_sink_ops ops = { .write_at = note_write };
	struct kd_sink sink = { .ops = &ops, .name = "noted" };
	uint8_t buf[4096], data[3000] = { 0 };
	uint64_t written = 0;
	struct kd_outbuf o = { .sink = &sink, .buf = buf, .cap = sizeof(buf), .written = &written };
	struct kd_err err = { 0 };
	uint64_t off = 100;

	for (int i = 0; i < 20; i++, off += sizeof(data))
		assert_int_equal(kd_outbuf_put(&o, off, data, sizeof(data), &err), 0);
	assert_int_equal(written, off / 4096 * 4096 - 100);
	assert_int_equal(o.flushed_end, off / 4096 * 4096);
	assert_int_equal(o.len, off % 4096);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_page_hash_tells_pages_apart),
		cmocka_unit_test(test_page_hash_without_carries),
		cmocka_unit_test(test_page_hash_has_no_weak_differences),
		cmocka_unit_test(test_same_table_forgets_the_oldest),
		cmocka_unit_test(test_same_table_knows_how_long_a_page_lasts),
		cmocka_unit_test(test_walk_in_rounds),
		cmocka_unit_test(test_walk_by_blocks),
		cmocka_unit_test(test_outbuf_aligns_writes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
