/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The input is a page. Its zlib stream must come back as the page through two decoders that are
 * not ours, and without room for it nothing may be written behind what there is.
 */
#include "lib/compress/deflate.h"

#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void check_stream(const uint8_t *stream, size_t n, const uint8_t *page, size_t len)
{
	/* Of the exact size, so that the sanitizer sees a byte too many. */
	KD_AUTO(kd_freep) uint8_t *back = malloc(len ? len : 1);
	struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
	uLongf back_len = len;

	must(back && d);
	must(libdeflate_zlib_decompress(d, stream, n, back, len, NULL) == LIBDEFLATE_SUCCESS);
	must(memcmp(back, page, len) == 0);
	libdeflate_free_decompressor(d);
	memset(back, 0xa5, len);
	must(uncompress(back, &back_len, stream, n) == Z_OK && back_len == len);
	must(memcmp(back, page, len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t len = size < KD_DEFLATE_MAX_LEN ? size : KD_DEFLATE_MAX_LEN;
	size_t bound = kd_deflate_bound(len);
	struct kd_deflate *d = kd_deflate_new(len);
	KD_AUTO(kd_freep) uint8_t *page = malloc(len ? len : 1);
	KD_AUTO(kd_freep) uint8_t *stream = malloc(bound);

	must(d && page && stream);
	if (len)
		memcpy(page, data, len);
	size_t n = kd_deflate_page(d, stream, bound, page, len);
	must(n > 0);
	check_stream(stream, n, page, len);

	/* Too little room by one byte, and enough of it with few bytes to spare. */
	for (size_t cap = n - 1; cap <= n + 8; cap++) {
		KD_AUTO(kd_freep) uint8_t *exact = calloc(1, cap);
		must(exact);
		size_t again = kd_deflate_page(d, exact, cap, page, len);
		must(again == 0 || (again == n && cap >= n && memcmp(exact, stream, n) == 0));
		must(again == n || cap < n + 8);
	}
	kd_deflate_free(d);
	return 0;
}
