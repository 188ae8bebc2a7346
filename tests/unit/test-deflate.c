/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The encoder for single pages, read back with two decoders that are not ours. */
#include "lib/compress/compress.h"
#include "lib/compress/deflate.h"

#include <fcntl.h>
#include <libdeflate.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

enum { PAGE = 4096 };

static uint64_t random_next(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s;
}

/* Pages of many kinds: noise, words, runs, copies from near and far, by turns. */
static void fill(uint8_t *page, size_t len, uint64_t seed)
{
	uint64_t s = seed * 0x9e3779b97f4a7c15u + 1;

	for (size_t at = 0; at < len;) {
		size_t n = 1 + random_next(&s) % 300, kind = random_next(&s) % 5;
		for (; n > 0 && at < len; n--, at++) {
			if (kind == 0)
				page[at] = (uint8_t)random_next(&s);
			else if (kind == 1)
				page[at] = at % 8 > 4 ? 0xff : (uint8_t)(random_next(&s) % 4);
			else if (kind == 2)
				page[at] = 0;
			else if (kind == 3)
				page[at] = at >= 8 ? page[at - 8] : 1;
			else
				page[at] = at >= 700 ? page[at - 700] : 2;
		}
	}
}

static void assert_comes_back(const uint8_t *page, size_t len)
{
	struct kd_deflate *d = kd_deflate_new(len);
	struct libdeflate_decompressor *reader = libdeflate_alloc_decompressor();
	KD_AUTO(kd_freep) uint8_t *stream = malloc(kd_deflate_bound(len));
	KD_AUTO(kd_freep) uint8_t *back = malloc(len + 1);
	uLongf back_len = len;

	size_t n = kd_deflate_page(d, stream, kd_deflate_bound(len), page, len);
	assert_in_range(n, 1, kd_deflate_bound(len));
	assert_int_equal(libdeflate_zlib_decompress(reader, stream, n, back, len, NULL), 0);
	assert_memory_equal(back, page, len);
	memset(back, 0xa5, len);
	assert_int_equal(uncompress(back, &back_len, stream, n), Z_OK);
	assert_int_equal(back_len, len);
	assert_memory_equal(back, page, len);
	libdeflate_free_decompressor(reader);
	kd_deflate_free(d);
}

static void test_pages_come_back_whatever_is_in_them(void **state)
{
	KD_AUTO(kd_freep) uint8_t *page = malloc(KD_DEFLATE_MAX_LEN);

	for (uint64_t seed = 0; seed < 300; seed++) {
		fill(page, PAGE, seed);
		assert_comes_back(page, PAGE);
	}
	for (uint64_t seed = 0; seed < 20; seed++) {
		fill(page, KD_DEFLATE_MAX_LEN, seed);
		assert_comes_back(page, KD_DEFLATE_MAX_LEN);
	}
}

/* Those of the sizes at which the loops for 4, 8 and 16 bytes end, on the heap for the sanitizer. */
static void test_short_ones_come_back(void **state)
{
	for (size_t len = 0; len < 80; len++) {
		for (uint64_t seed = 0; seed < 4; seed++) {
			KD_AUTO(kd_freep) uint8_t *page = malloc(len ? len : 1);
			fill(page, len, seed);
			assert_comes_back(page, len);
		}
	}
}

static void test_one_byte_all_over(void **state)
{
	uint8_t page[PAGE];

	for (unsigned int byte = 0; byte < 256; byte += 51) {
		memset(page, (int)byte, sizeof(page));
		assert_comes_back(page, PAGE);
	}
	/* As many as a match may have, more, and what would leave less than a match. */
	for (size_t run = 255; run < 530; run++) {
		memset(page, 1, sizeof(page));
		memset(page, 0, run);
		for (size_t i = run; i < PAGE; i++)
			page[i] = (uint8_t)(i * i >> 3 | 1);
		assert_comes_back(page, PAGE);
	}
}

/* Nothing is written behind @cap, and with 8 bytes more than it takes it always fits. */
static void test_room_is_kept_to(void **state)
{
	struct kd_deflate *d = kd_deflate_new(PAGE);
	uint8_t page[PAGE], whole[3 * PAGE];

	for (uint64_t seed = 0; seed < 20; seed++) {
		fill(page, PAGE, seed);
		size_t n = kd_deflate_page(d, whole, sizeof(whole), page, PAGE);
		for (size_t cap = 0; cap < n + 16; cap += cap + 40 < n ? 13 : 1) {
			KD_AUTO(kd_freep) uint8_t *exact = malloc(cap ? cap : 1);
			size_t got = kd_deflate_page(d, exact, cap, page, PAGE);
			if (cap < n)
				assert_int_equal(got, 0);
			else if (cap >= n + 8 || got)
				assert_int_equal(got, n);
			if (got)
				assert_memory_equal(exact, whole, n);
		}
	}
	kd_deflate_free(d);
}

/* ---- The codes ---- */

static unsigned int length_of(kd_code code)
{
	return code & ((1u << KD_CODE_SHIFT) - 1);
}

/* All of the room is taken and no more, or the decoders refuse the stream. */
static void assert_complete(const uint16_t *used, size_t n, const kd_code *code, unsigned int max)
{
	uint64_t room = 0;

	for (size_t i = 0; i < n; i++) {
		assert_in_range(length_of(code[used[i]]), 1, max);
		room += 1u << (max - length_of(code[used[i]]));
	}
	assert_int_equal(room, 1u << max);
}

static uint64_t cost(const uint32_t *freq, const uint16_t *used, size_t n, const kd_code *code)
{
	uint64_t bits = 0;

	for (size_t i = 0; i < n; i++)
		bits += (uint64_t)freq[used[i]] * length_of(code[used[i]]);
	return bits;
}

/* What Huffman's codes would take: the two rarest made one, until there is but one. */
static uint64_t least_cost(const uint32_t *freq, size_t n)
{
	uint32_t w[KD_DEFLATE_SYMBOLS];
	uint64_t bits = 0;
	size_t left = 0;

	for (size_t i = 0; i < n; i++) {
		if (freq[i])
			w[left++] = freq[i];
	}
	for (; left > 1; left--) {
		for (size_t pick = 1; pick <= 2;
		     pick++) { /* the rarest to the end, then the next */
			for (size_t i = 0; i < left - pick; i++) {
				if (w[i] < w[left - pick]) {
					uint32_t t = w[i];
					w[i] = w[left - pick];
					w[left - pick] = t;
				}
			}
		}
		w[left - 2] += w[left - 1];
		bits += w[left - 2];
	}
	return bits;
}

static void test_codes_are_complete_and_short(void **state)
{
	uint32_t freq[KD_DEFLATE_SYMBOLS];
	uint16_t used[KD_DEFLATE_SYMBOLS];
	kd_code code[KD_DEFLATE_SYMBOLS];
	uint64_t s = 1, sum = 0, least_sum = 0;

	for (unsigned int round = 0; round < 2000; round++) {
		size_t n = 40 + random_next(&s) % 240;
		for (size_t i = 0; i < n; i++) {
			unsigned int big = (unsigned int)(random_next(&s) % 6);
			freq[i] = (uint32_t)(random_next(&s) % (1u << big));
		}
		freq[0] = 100;
		freq[1] = 1;
		size_t got = kd_codes(freq, n, 14, used, code);
		assert_complete(used, got, code, 14);
		uint64_t least = least_cost(freq, n), bits = cost(freq, used, got, code);
		assert_in_range(bits, least, least + least / 16);
		sum += bits;
		least_sum += least;
	}
	assert_true(sum * 1000 < least_sum * 1010);
	print_message("over Huffman's: %.2f %%\n", 100.0 * (double)sum / (double)least_sum - 100);
}

/* Frequencies for which the best codes are longer than is allowed: each the sum of two before. */
static void test_codes_are_no_longer_than_allowed(void **state)
{
	uint32_t freq[KD_DEFLATE_SYMBOLS] = { 1, 1 };
	uint16_t used[KD_DEFLATE_SYMBOLS];
	kd_code code[KD_DEFLATE_SYMBOLS];

	for (size_t n = 2; n <= 22; n++) {
		if (n > 2)
			freq[n - 1] = freq[n - 2] + freq[n - 3];
		for (unsigned int max = 5; max <= 15; max++) {
			size_t got = kd_codes(freq, n, max, used, code);
			assert_int_equal(got, n);
			assert_complete(used, got, code, max);
		}
	}
	/* As many as the codes have room for, all but one very rare. */
	for (size_t i = 0; i < 128; i++)
		freq[i] = i ? 1 : 30000;
	assert_int_equal(kd_codes(freq, 128, 7, used, code), 128);
	assert_complete(used, 128, code, 7);
}

static void test_codes_of_one_symbol_or_none(void **state)
{
	uint32_t freq[30] = { 0 };
	uint16_t used[30];
	kd_code code[30];

	for (size_t only = 0; only <= 30; only++) {
		memset(freq, 0, sizeof(freq));
		if (only < 30)
			freq[only] = 7;
		assert_int_equal(kd_codes(freq, 30, 15, used, code), 2);
		assert_true(used[0] < used[1]);
		assert_complete(used, 2, code, 15);
		assert_true(only == 30 || used[0] == only || used[1] == only);
	}
}

/* ---- As the codec ---- */

static size_t packed(int level, const uint8_t *page, size_t len)
{
	KD_AUTO(kd_compressor_freep) struct kd_compressor *c = NULL;
	KD_AUTO(kd_decompressor_freep) struct kd_decompressor *d = NULL;
	const struct kd_codec *zlib = kd_codec_by_name("zlib");
	KD_AUTO(kd_freep) uint8_t *out = malloc(zlib->bound(len));
	KD_AUTO(kd_freep) uint8_t *back = malloc(len);
	struct kd_err err = { 0 };

	assert_int_equal(kd_compressor_new(zlib, level, len, &c, &err), 0);
	assert_int_equal(kd_decompressor_new(&d, &err), 0);
	size_t n = kd_compress(c, out, zlib->bound(len), page, len);
	assert_in_range(n, 1, zlib->bound(len));
	assert_int_equal(kd_decompress(d, zlib, back, len, out, n, &err), 0);
	assert_memory_equal(back, page, len);
	return n;
}

/* About as many bytes as zlib's level 1 makes; the pages are those of this program. */
static void test_pages_get_no_larger_than_by_zlib(void **state)
{
	KD_AUTO(kd_closep) int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	uint8_t page[PAGE], out[3 * PAGE];
	struct kd_deflate *d = kd_deflate_new(PAGE);
	size_t ours = 0, theirs = 0;

	assert_true(fd >= 0);
	while (read(fd, page, PAGE) == PAGE) {
		uLongf n = sizeof(out);
		assert_int_equal(compress2(out, &n, page, PAGE, 1), Z_OK);
		theirs += n;
		ours += kd_deflate_page(d, out, sizeof(out), page, PAGE);
	}
	kd_deflate_free(d);
	assert_true(theirs > 0);
	print_message("over zlib: %.2f %%\n", 100.0 * (double)ours / (double)theirs - 100);
	assert_in_range(ours, theirs / 2, theirs + theirs / 50);
}

static void test_large_pages_and_levels_are_the_library(void **state)
{
	KD_AUTO(kd_freep) uint8_t *page = malloc(65536);

	fill(page, 65536, 3);
	size_t fast = packed(INT_MIN, page, 65536), best = packed(12, page, 65536);
	assert_true(best <= fast);
	assert_true(packed(9, page, PAGE) <= packed(1, page, PAGE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pages_come_back_whatever_is_in_them),
		cmocka_unit_test(test_short_ones_come_back),
		cmocka_unit_test(test_one_byte_all_over),
		cmocka_unit_test(test_room_is_kept_to),
		cmocka_unit_test(test_codes_are_complete_and_short),
		cmocka_unit_test(test_codes_are_no_longer_than_allowed),
		cmocka_unit_test(test_codes_of_one_symbol_or_none),
		cmocka_unit_test(test_pages_get_no_larger_than_by_zlib),
		cmocka_unit_test(test_large_pages_and_levels_are_the_library),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
