/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/compress/compress.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { PAGE = 4096 };

/* Text-like, with repeats near and far; @seed 0: all zero. */
static void fill(uint8_t *page, size_t len, unsigned int seed)
{
	for (size_t i = 0; i < len; i++)
		page[i] = seed ? (uint8_t)((i / 7 * seed) % 61 + (i % 13)) : 0;
}

static void noise(uint8_t *page, size_t len)
{
	uint64_t v = 88172645463325252ULL;

	for (size_t i = 0; i < len; i++) {
		v ^= v << 13;
		v ^= v >> 7;
		v ^= v << 17;
		page[i] = (uint8_t)v;
	}
}

static struct kd_compressor *compressor(const struct kd_codec *codec)
{
	struct kd_compressor *c = NULL;
	struct kd_err err;

	if (kd_compressor_new(codec, INT_MIN, PAGE, &c, &err))
		fail_msg("%s", err.msg);
	return c;
}

static struct kd_decompressor *decompressor(void)
{
	struct kd_decompressor *d = NULL;
	struct kd_err err;

	assert_int_equal(kd_decompressor_new(&d, &err), 0);
	return d;
}

static void test_table_is_found_by_name_and_flag(void **state)
{
	static const struct {
		const char *name;
		uint32_t flag;
	} want[] = {
		{ "none", 0 }, { "zlib", 1 }, { "lzo", 2 }, { "snappy", 4 }, { "zstd", 0x20 }
	};
	size_t n;

	kd_codecs(&n);
	assert_int_equal(n, KD_ARRAY_LEN(want));
	for (size_t i = 0; i < n; i++) {
		assert_non_null(kd_codec_by_name(want[i].name));
		assert_ptr_equal(kd_codec_by_name(want[i].name), kd_codec_by_flag(want[i].flag));
		assert_int_equal(kd_codec_by_name(want[i].name)->diskdump_flag, want[i].flag);
	}
	assert_null(kd_codec_by_name("gzip"));
	assert_null(kd_codec_by_flag(3));
	assert_null(kd_codec_by_flag(8));
}

static void test_pages_come_back_as_they_were(void **state)
{
	KD_AUTO(kd_decompressor_freep) struct kd_decompressor *d = decompressor();
	uint8_t page[PAGE], back[PAGE], packed[2 * PAGE];
	struct kd_err err;
	size_t n;
	const struct kd_codec *const *codecs = kd_codecs(&n);

	for (size_t i = 0; i < n; i++) {
		if (!codecs[i]->compress)
			continue;
		KD_AUTO(kd_compressor_freep) struct kd_compressor *c = compressor(codecs[i]);
		for (unsigned int seed = 0; seed < 20; seed++) {
			fill(page, PAGE, seed);
			size_t len = kd_compress(c, packed, sizeof(packed), page, PAGE);
			assert_in_range(len, 1, PAGE);
			assert_in_range(len, 1, codecs[i]->bound(PAGE));
			if (kd_decompress(d, codecs[i], back, PAGE, packed, len, &err))
				fail_msg("%s: %s", codecs[i]->name, err.msg);
			assert_memory_equal(page, back, PAGE);
		}
	}
}

static void test_same_page_gives_same_bytes_whatever_came_before(void **state)
{
	uint8_t page[PAGE], other[PAGE], first[2 * PAGE], second[2 * PAGE];
	size_t n;
	const struct kd_codec *const *codecs = kd_codecs(&n);

	fill(page, PAGE, 5);
	noise(other, PAGE);
	for (size_t i = 0; i < n; i++) {
		if (!codecs[i]->compress)
			continue;
		KD_AUTO(kd_compressor_freep) struct kd_compressor *a = compressor(codecs[i]);
		KD_AUTO(kd_compressor_freep) struct kd_compressor *b = compressor(codecs[i]);
		size_t len = kd_compress(a, first, sizeof(first), page, PAGE);
		assert_int_not_equal(kd_compress(b, second, sizeof(second), other, PAGE), 0);
		assert_int_equal(kd_compress(b, second, sizeof(second), page, PAGE), len);
		assert_memory_equal(first, second, len);
	}
}

static void test_page_that_does_not_shrink_is_no_error(void **state)
{
	uint8_t page[PAGE], packed[PAGE];
	size_t n;
	const struct kd_codec *const *codecs = kd_codecs(&n);

	noise(page, PAGE);
	for (size_t i = 0; i < n; i++) {
		if (!codecs[i]->compress)
			continue;
		KD_AUTO(kd_compressor_freep) struct kd_compressor *c = compressor(codecs[i]);
		assert_int_equal(kd_compress(c, packed, PAGE - 1, page, PAGE), 0);
	}
}

/* Every byte changed and every length cut: an error or the wrong page, never more. */
static void test_corrupt_data_stays_inside_its_page(void **state)
{
	KD_AUTO(kd_decompressor_freep) struct kd_decompressor *d = decompressor();
	/* On the heap and of the exact sizes, so that the sanitizer sees a step too far. */
	KD_AUTO(kd_freep) uint8_t *page = malloc(PAGE);
	KD_AUTO(kd_freep) uint8_t *back = malloc(PAGE);
	uint8_t packed[2 * PAGE];
	struct kd_err err;
	size_t n;
	const struct kd_codec *const *codecs = kd_codecs(&n);

	fill(page, PAGE, 11);
	for (size_t i = 0; i < n; i++) {
		if (!codecs[i]->compress || codecs[i]->diskdump_flag == 0)
			continue;
		KD_AUTO(kd_compressor_freep) struct kd_compressor *c = compressor(codecs[i]);
		size_t len = kd_compress(c, packed, sizeof(packed), page, PAGE);
		for (size_t at = 0; at < len; at++) {
			KD_AUTO(kd_freep) uint8_t *cut = malloc(at + 1);
			memcpy(cut, packed, at);
			assert_int_equal(kd_decompress(d, codecs[i], back, PAGE, cut, at, &err),
					 -KD_BADDATA);
			packed[at] ^= 0x55;
			(void)!kd_decompress(d, codecs[i], back, PAGE, packed, len, &err);
			packed[at] ^= 0x55;
		}
		/* Whole, but of another length than the page has. */
		assert_int_equal(kd_decompress(d, codecs[i], back, PAGE - 1, packed, len, &err),
				 -KD_BADDATA);
		assert_non_null(strstr(err.msg, "are corrupt: they do not give 4095 bytes"));
	}
}

static void test_raw_page_of_another_size(void **state)
{
	KD_AUTO(kd_decompressor_freep) struct kd_decompressor *d = decompressor();
	const struct kd_codec *none = kd_codec_by_flag(0);
	uint8_t page[16] = { 1 }, back[16];
	struct kd_err err;

	assert_int_equal(kd_decompress(d, none, back, 16, page, 15, &err), -KD_BADDATA);
	assert_int_equal(kd_decompress(d, none, back, 16, page, 16, &err), 0);
	assert_int_equal(back[0], 1);
}

static void test_levels_outside_the_range_are_refused(void **state)
{
	struct kd_compressor *c = NULL;
	struct kd_err err;

	assert_int_equal(kd_compressor_new(kd_codec_by_name("zlib"), 13, PAGE, &c, &err),
			 -KD_USAGE);
	assert_string_equal(err.msg, "zlib has levels 1 to 12, not 13");
	assert_int_equal(kd_compressor_new(kd_codec_by_name("snappy"), 1, PAGE, &c, &err),
			 -KD_NOTSUP);
	assert_string_equal(err.msg, "snappy is only read here, not written");
	for (int level = 1; level <= 12; level += 11) {
		assert_int_equal(kd_compressor_new(kd_codec_by_name("zlib"), level, PAGE, &c, &err),
				 0);
		kd_compressor_free(c);
	}
	kd_compressor_free(NULL);
	kd_decompressor_free(NULL);
}

/* ---- Snappy, from the description of its format ---- */

static int unsnap(const char *bytes, size_t n, uint8_t *out, size_t len)
{
	KD_AUTO(kd_decompressor_freep) struct kd_decompressor *d = decompressor();
	KD_AUTO(kd_freep) uint8_t *exact = malloc(n ? n : 1);
	struct kd_err err;

	memcpy(exact, bytes, n);
	return kd_decompress(d, kd_codec_by_name("snappy"), out, len, exact, n, &err);
}

#define UNSNAP(text, out, len) unsnap(text, sizeof(text) - 1, out, len)

static void test_snappy_pieces_of_each_kind(void **state)
{
	uint8_t out[512];

	/* 5 literal bytes */
	assert_int_equal(UNSNAP("\x05\x10hello", out, 5), 0);
	assert_memory_equal(out, "hello", 5);
	/* "ab", then 6 from 2 before: tag 01, length 6, offset 2 */
	assert_int_equal(UNSNAP("\x08\x04"
				"ab\x09\x02",
				out, 8),
			 0);
	assert_memory_equal(out, "abababab", 8);
	/* the same with a 16-bit offset (length 6), and with a 32-bit one */
	assert_int_equal(UNSNAP("\x08\x04"
				"ab\x16\x02\x00",
				out, 8),
			 0);
	assert_memory_equal(out, "abababab", 8);
	assert_int_equal(UNSNAP("\x08\x04"
				"ab\x17\x02\x00\x00\x00",
				out, 8),
			 0);
	assert_memory_equal(out, "abababab", 8);
	/* a literal whose length stands in one further byte (60 << 2, then length - 1) */
	assert_int_equal(UNSNAP("\x03\xf0\x02xyz", out, 3), 0);
	assert_memory_equal(out, "xyz", 3);
	/* 300 = 0xac 0x02: one byte, repeated 299 times in pieces of up to 64 */
	assert_int_equal(UNSNAP("\xac\x02\x00z\xfe\x01\x00\xfe\x01\x00\xfe\x01\x00\xfe\x01\x00\xaa"
				"\x01\x00",
				out, 300),
			 0);
	for (size_t i = 0; i < 300; i++)
		assert_int_equal(out[i], 'z');
}

static void test_snappy_that_is_wrong(void **state)
{
	KD_AUTO(kd_freep) uint8_t *out = malloc(8);

	assert_int_equal(UNSNAP("", out, 8), -KD_BADDATA);
	assert_int_equal(UNSNAP("\x08", out, 8), -KD_BADDATA);		  /* nothing follows */
	assert_int_equal(UNSNAP("\x07\x18zzzzzzz", out, 8), -KD_BADDATA); /* other length */
	assert_int_equal(UNSNAP("\x88\x80\x80\x80\x80\x00z", out, 8), -KD_BADDATA); /* varint */
	assert_int_equal(UNSNAP("\x08\x1czzzz", out, 8), -KD_BADDATA);	    /* literal cut */
	assert_int_equal(UNSNAP("\x08\x20zzzzzzzzz", out, 8), -KD_BADDATA); /* 9 of 8 */
	assert_int_equal(UNSNAP("\x08\x04"
				"ab\x09\x00",
				out, 8),
			 -KD_BADDATA); /* offset 0 */
	assert_int_equal(UNSNAP("\x08\x04"
				"ab\x09\x03",
				out, 8),
			 -KD_BADDATA); /* before the start */
	assert_int_equal(UNSNAP("\x08\x04"
				"ab\x1a\x02\x00",
				out, 8),
			 -KD_BADDATA); /* 7 more of 6 */
	assert_int_equal(UNSNAP("\x08\x04"
				"ab\x16\x02",
				out, 8),
			 -KD_BADDATA); /* offset cut */
	assert_int_equal(UNSNAP("\x08\x04"
				"ab\x17\x02\x00\x00",
				out, 8),
			 -KD_BADDATA);
	assert_int_equal(UNSNAP("\x08\xfc\xff\xff\xff\xffz", out, 8), -KD_BADDATA); /* 2^32 */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table_is_found_by_name_and_flag),
		cmocka_unit_test(test_pages_come_back_as_they_were),
		cmocka_unit_test(test_same_page_gives_same_bytes_whatever_came_before),
		cmocka_unit_test(test_page_that_does_not_shrink_is_no_error),
		cmocka_unit_test(test_corrupt_data_stays_inside_its_page),
		cmocka_unit_test(test_raw_page_of_another_size),
		cmocka_unit_test(test_levels_outside_the_range_are_refused),
		cmocka_unit_test(test_snappy_pieces_of_each_kind),
		cmocka_unit_test(test_snappy_that_is_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
