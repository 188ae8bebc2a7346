/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/compress/compress.h"

#include "lib/compress/internal.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

static const struct kd_codec *const codecs[] = {
	&kd_codec_none, &kd_codec_zlib, &kd_codec_lzo, &kd_codec_snappy, &kd_codec_zstd,
};

struct kd_compressor {
	const struct kd_codec *codec;
	void *ctx;
};

struct kd_decompressor {
	void *ctx[KD_ARRAY_LEN(codecs)];
};

const struct kd_codec *const *kd_codecs(size_t *n_ret)
{
	*n_ret = KD_ARRAY_LEN(codecs);
	return codecs;
}

const struct kd_codec *kd_codec_by_name(const char *name)
{
	for (size_t i = 0; i < KD_ARRAY_LEN(codecs); i++) {
		if (strcmp(codecs[i]->name, name) == 0)
			return codecs[i];
	}
	return NULL;
}

const struct kd_codec *kd_codec_by_flag(uint32_t flag)
{
	for (size_t i = 0; i < KD_ARRAY_LEN(codecs); i++) {
		if (codecs[i]->diskdump_flag == flag)
			return codecs[i];
	}
	return NULL;
}

int kd_compressor_new(const struct kd_codec *codec, int level, size_t max_len,
		      struct kd_compressor **ret, struct kd_err *err)
{
	if (!codec->compress)
		return kd_fail(err, KD_NOTSUP, "%s is only read here, not written", codec->name);
	if (level == INT_MIN)
		level = codec->default_level;
	if (level < codec->min_level || level > codec->max_level)
		return kd_fail(err, KD_USAGE, "%s has levels %d to %d, not %d", codec->name,
			       codec->min_level, codec->max_level, level);

	KD_AUTO(kd_compressor_freep) struct kd_compressor *c = calloc(1, sizeof(*c));
	if (c && codec->compress_new) {
		c->codec = codec;
		c->ctx = codec->compress_new(level, max_len);
	}
	if (!c || (codec->compress_new && !c->ctx))
		return kd_fail(err, KD_NOMEM, "no memory for %s", codec->name);
	c->codec = codec;
	*ret = KD_STEAL(c);
	return 0;
}

void kd_compressor_free(struct kd_compressor *c)
{
	if (!c)
		return;
	if (c->ctx)
		c->codec->compress_free(c->ctx);
	free(c);
}

void kd_compressor_freep(struct kd_compressor **c)
{
	kd_compressor_free(*c);
}

size_t kd_compress(struct kd_compressor *c, uint8_t *dst, size_t cap, const uint8_t *src,
		   size_t len)
{
	return c->codec->compress(c->ctx, dst, cap, src, len);
}

int kd_decompressor_new(struct kd_decompressor **ret, struct kd_err *err)
{
	KD_AUTO(kd_decompressor_freep) struct kd_decompressor *d = calloc(1, sizeof(*d));

	if (!d)
		return kd_fail(err, KD_NOMEM, "no memory for decompressing");
	for (size_t i = 0; i < KD_ARRAY_LEN(codecs); i++) {
		if (!codecs[i]->decompress_new)
			continue;
		d->ctx[i] = codecs[i]->decompress_new();
		if (!d->ctx[i])
			return kd_fail(err, KD_NOMEM, "no memory for %s", codecs[i]->name);
	}
	*ret = KD_STEAL(d);
	return 0;
}

void kd_decompressor_free(struct kd_decompressor *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < KD_ARRAY_LEN(codecs); i++) {
		if (d->ctx[i])
			codecs[i]->decompress_free(d->ctx[i]);
	}
	free(d);
}

void kd_decompressor_freep(struct kd_decompressor **d)
{
	kd_decompressor_free(*d);
}

int kd_decompress(struct kd_decompressor *d, const struct kd_codec *codec, uint8_t *dst, size_t len,
		  const uint8_t *src, size_t src_len, struct kd_err *err)
{
	size_t row = 0;

	while (row + 1 < KD_ARRAY_LEN(codecs) && codecs[row] != codec)
		row++;
	if (!codec->decompress(d->ctx[row], dst, len, src, src_len))
		return kd_fail(err, KD_BADDATA,
			       "%zu bytes of %s are corrupt: they do not give %zu bytes", src_len,
			       codec->name, len);
	return 0;
}
