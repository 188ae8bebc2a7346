/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One Zstandard frame for each page. */
#include "lib/compress/internal.h"

#include <stdlib.h>
#include <zstd.h>

struct zstd_ctx {
	ZSTD_CCtx *cctx;
	int level;
};

static size_t bound(size_t len)
{
	return ZSTD_compressBound(len);
}

static size_t compress(void *ctx, uint8_t *dst, size_t cap, const uint8_t *src, size_t len)
{
	struct zstd_ctx *c = ctx;
	size_t n = ZSTD_compressCCtx(c->cctx, dst, cap, src, len, c->level);

	return ZSTD_isError(n) ? 0 : n;
}

static void compress_free(void *ctx)
{
	struct zstd_ctx *c = ctx;

	ZSTD_freeCCtx(c->cctx);
	free(c);
}

/*
 * The library takes its working memory with the first input, by its size; so one
 * of the largest size is compressed right away. Later inputs, as large or
 * smaller, find it there.
 */
static void *compress_new(int level, size_t max_len)
{
	struct zstd_ctx *c = calloc(1, sizeof(*c));
	KD_AUTO(kd_freep) uint8_t *page = calloc(1, max_len ? max_len : 1);
	KD_AUTO(kd_freep) uint8_t *out = malloc(bound(max_len));

	if (!c)
		return NULL;
	c->cctx = ZSTD_createCCtx();
	c->level = level;
	if (!c->cctx || !page || !out || compress(c, out, bound(max_len), page, max_len) == 0) {
		compress_free(c);
		return NULL;
	}
	return c;
}

static void *decompress_new(void)
{
	return ZSTD_createDCtx();
}

static void decompress_free(void *ctx)
{
	ZSTD_freeDCtx(ctx);
}

static bool decompress(void *ctx, uint8_t *dst, size_t len, const uint8_t *src, size_t src_len)
{
	/* An error is a number far above any length. */
	return ZSTD_decompressDCtx(ctx, dst, len, src, src_len) == len;
}

/* Negative levels trade size for speed; ZSTD_maxCLevel() would take memory in the MiB. */
const struct kd_codec kd_codec_zstd = {
	.name = "zstd",
	.diskdump_flag = 0x20,
	.min_level = -7,
	.default_level = 1,
	.max_level = 19,
	.bound = bound,
	.compress_new = compress_new,
	.compress_free = compress_free,
	.decompress_new = decompress_new,
	.decompress_free = decompress_free,
	.compress = compress,
	.decompress = decompress,
};
