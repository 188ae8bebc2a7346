/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * LZO1X-1. The compressor takes no bound for its output, so unless there is room
 * for the worst case it writes to a buffer of its own.
 */
#include "lib/compress/internal.h"

#include <lzo/lzo1x.h>
#include <stdlib.h>
#include <string.h>

struct lzo_ctx {
	void *work; /* LZO1X_1_MEM_COMPRESS bytes */
	uint8_t *out;
	size_t max_len;
};

static size_t bound(size_t len)
{
	/* From the library's documentation. */
	return len + len / 16 + 64 + 3;
}

static void compress_free(void *ctx)
{
	struct lzo_ctx *c = ctx;

	free(c->work);
	free(c->out);
	free(c);
}

static void *compress_new(int level, size_t max_len)
{
	struct lzo_ctx *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->work = malloc(LZO1X_1_MEM_COMPRESS);
	c->out = malloc(bound(max_len));
	c->max_len = max_len;
	/* lzo_init() checks that the library was built for types of our sizes. */
	if (!c->work || !c->out || lzo_init() != LZO_E_OK) {
		compress_free(c);
		return NULL;
	}
	return c;
}

static size_t compress(void *ctx, uint8_t *dst, size_t cap, const uint8_t *src, size_t len)
{
	struct lzo_ctx *c = ctx;
	bool direct = cap >= bound(len);
	lzo_uint out_len = 0;

	if (len > c->max_len)
		return 0;
	if (lzo1x_1_compress(src, len, direct ? dst : c->out, &out_len, c->work) != LZO_E_OK)
		return 0;
	if (direct)
		return out_len;
	if (out_len > cap)
		return 0;
	memcpy(dst, c->out, out_len);
	return out_len;
}

static bool decompress(void *ctx, uint8_t *dst, size_t len, const uint8_t *src, size_t src_len)
{
	lzo_uint out_len = len;

	return lzo1x_decompress_safe(src, src_len, dst, &out_len, NULL) == LZO_E_OK &&
	       out_len == len;
}

const struct kd_codec kd_codec_lzo = {
	.name = "lzo",
	.diskdump_flag = 0x2,
	.min_level = 1,
	.default_level = 1,
	.max_level = 1,
	.bound = bound,
	.compress_new = compress_new,
	.compress_free = compress_free,
	.compress = compress,
	.decompress = decompress,
};
