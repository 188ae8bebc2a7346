/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * zlib streams (RFC 1950), which every reader of diskdump files knows. Read with libdeflate, and
 * made with it from level 2 on; level 1 is for single pages, see deflate.h.
 */
#include "lib/compress/deflate.h"
#include "lib/compress/internal.h"

#include <libdeflate.h>
#include <stdlib.h>

enum { PAGE_LEVEL = 1 };

/* One of them. */
struct zlib_ctx {
	struct kd_deflate *page;
	struct libdeflate_compressor *library;
};

static size_t bound(size_t len)
{
	size_t library = libdeflate_zlib_compress_bound(NULL, len), page = kd_deflate_bound(len);

	return library > page ? library : page;
}

static void compress_free(void *ctx)
{
	struct zlib_ctx *c = ctx;

	kd_deflate_free(c->page);
	libdeflate_free_compressor(c->library);
	free(c);
}

static void *compress_new(int level, size_t max_len)
{
	struct zlib_ctx *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	if (level == PAGE_LEVEL && max_len <= KD_DEFLATE_MAX_LEN)
		c->page = kd_deflate_new(max_len);
	else /* its level 1 makes more bytes than zlib's */
		c->library = libdeflate_alloc_compressor(level == PAGE_LEVEL ? 2 : level);
	if (!c->page && !c->library) {
		compress_free(c);
		return NULL;
	}
	return c;
}

static size_t compress(void *ctx, uint8_t *dst, size_t cap, const uint8_t *src, size_t len)
{
	const struct zlib_ctx *c = ctx;

	if (c->page)
		return kd_deflate_page(c->page, dst, cap, src, len);
	return libdeflate_zlib_compress(c->library, src, len, dst, cap);
}

static void *decompress_new(void)
{
	return libdeflate_alloc_decompressor();
}

static void decompress_free(void *ctx)
{
	libdeflate_free_decompressor(ctx);
}

/* Without a place for the length, libdeflate takes nothing but exactly @len as success. */
static bool decompress(void *ctx, uint8_t *dst, size_t len, const uint8_t *src, size_t src_len)
{
	return libdeflate_zlib_decompress(ctx, src, src_len, dst, len, NULL) == LIBDEFLATE_SUCCESS;
}

const struct kd_codec kd_codec_zlib = {
	.name = "zlib",
	.diskdump_flag = 0x1,
	.min_level = PAGE_LEVEL,
	.default_level = PAGE_LEVEL,
	.max_level = 12,
	.bound = bound,
	.compress_new = compress_new,
	.compress_free = compress_free,
	.decompress_new = decompress_new,
	.decompress_free = decompress_free,
	.compress = compress,
	.decompress = decompress,
};
