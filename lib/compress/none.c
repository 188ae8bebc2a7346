/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stored as it is. */
#include "lib/compress/internal.h"

#include <string.h>

static size_t bound(size_t len)
{
	return len;
}

static size_t compress(void *ctx, uint8_t *dst, size_t cap, const uint8_t *src, size_t len)
{
	if (len > cap)
		return 0;
	memcpy(dst, src, len);
	return len;
}

static bool decompress(void *ctx, uint8_t *dst, size_t len, const uint8_t *src, size_t src_len)
{
	if (src_len != len)
		return false;
	memcpy(dst, src, len);
	return true;
}

const struct kd_codec kd_codec_none = {
	.name = "none",
	.diskdump_flag = 0,
	.bound = bound,
	.compress = compress,
	.decompress = decompress,
};
