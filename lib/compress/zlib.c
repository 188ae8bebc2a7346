/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * zlib streams (RFC 1950), which every reader of diskdump files knows. Made and
 * read with libdeflate, which is several times as fast as zlib on whole pages.
 */
#include "lib/compress/internal.h"

#include <libdeflate.h>

static size_t bound(size_t len)
{
	return libdeflate_zlib_compress_bound(NULL, len);
}

static void *compress_new(int level, size_t max_len)
{
	return libdeflate_alloc_compressor(level);
}

static void compress_free(void *ctx)
{
	libdeflate_free_compressor(ctx);
}

static void *decompress_new(void)
{
	return libdeflate_alloc_decompressor();
}

static void decompress_free(void *ctx)
{
	libdeflate_free_decompressor(ctx);
}

static size_t compress(void *ctx, uint8_t *dst, size_t cap, const uint8_t *src, size_t len)
{
	return libdeflate_zlib_compress(ctx, src, len, dst, cap);
}

/* Without a place for the length, libdeflate takes nothing but exactly @len as success. */
static bool decompress(void *ctx, uint8_t *dst, size_t len, const uint8_t *src, size_t src_len)
{
	return libdeflate_zlib_decompress(ctx, src, src_len, dst, len, NULL) == LIBDEFLATE_SUCCESS;
}

const struct kd_codec kd_codec_zlib = {
	.name = "zlib",
	.diskdump_flag = 0x1,
	.min_level = 1,
	/* Fewer bytes than zlib's own level 1, which is makedumpfile's; level 1 makes a few more. */
	.default_level = 2,
	.max_level = 12,
	.bound = bound,
	.compress_new = compress_new,
	.compress_free = compress_free,
	.decompress_new = decompress_new,
	.decompress_free = decompress_free,
	.compress = compress,
	.decompress = decompress,
};
