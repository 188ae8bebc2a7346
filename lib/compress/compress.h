/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * compress - the codecs in which pages of a dump are stored, one page at a time:
 * a table with one file for each. What is common to all: a context takes all its
 * memory when it is made and none per page; a page that does not get smaller is
 * not an error; decoding never reads or writes outside what it was given,
 * whatever the bytes say.
 *
 * Threads: one context each. Called by lib/vmcore (reading) and lib/dump.
 */
#ifndef KD_LIB_COMPRESS_COMPRESS_H
#define KD_LIB_COMPRESS_COMPRESS_H

#include "lib/base/base.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One row of the table; see the file of each codec for what it costs. */
struct kd_codec {
	const char *name;	/* "zstd" */
	uint32_t diskdump_flag; /* in a page's descriptor */
	int min_level, default_level, max_level;

	/* Room that compressing @len bytes may need at worst. */
	size_t (*bound)(size_t len);

	/* Contexts; NULL functions where the codec needs none. new returns NULL without memory. */
	void *(*compress_new)(int level, size_t max_len);
	void (*compress_free)(void *ctx);
	void *(*decompress_new)(void);
	void (*decompress_free)(void *ctx);

	/* Bytes written, or 0: they do not fit into @cap. NULL: this codec is only read. */
	size_t (*compress)(void *ctx, uint8_t *dst, size_t cap, const uint8_t *src, size_t len);

	/* True if @src was whole and gave exactly @len bytes. */
	bool (*decompress)(void *ctx, uint8_t *dst, size_t len, const uint8_t *src, size_t src_len);
};

/** kd_codecs() - the table; @n_ret rows */
const struct kd_codec *const *kd_codecs(size_t *n_ret);

/** kd_codec_by_name() - "zstd", "zlib", "lzo", "snappy", "none"; NULL for any other */
const struct kd_codec *kd_codec_by_name(const char *name);

/** kd_codec_by_flag() - KD_DISKDUMP_ZLIB and so on, 0 is "none"; NULL for any other */
const struct kd_codec *kd_codec_by_flag(uint32_t flag);

struct kd_compressor;

/**
 * kd_compressor_new() - a context for compressing
 * @level: of the codec; INT_MIN for its default
 * @max_len: no more than this is given at once
 * @ret: kd_compressor_free()
 *
 * Memory (4 KiB pages, default level): zstd about 350 KiB, lzo 136 KiB,
 * zlib 30 KiB (and more at other levels).
 *
 * Return: 0; -KD_NOTSUP a codec that is only read; -KD_USAGE a level it does not
 * have; -KD_NOMEM.
 */
int kd_compressor_new(const struct kd_codec *codec, int level, size_t max_len,
		      struct kd_compressor **ret, struct kd_err *err) KD_MUST_CHECK;
void kd_compressor_free(struct kd_compressor *c);
void kd_compressor_freep(struct kd_compressor **c);

/**
 * kd_compress() - compress one page
 * @cap: at most this is written to @dst; less than @len if only a gain is wanted
 * @len: at most max_len
 *
 * The same input gives the same output whatever was compressed before.
 *
 * Return: bytes written, or 0 where the result would not fit: store it as it is.
 */
size_t kd_compress(struct kd_compressor *c, uint8_t *dst, size_t cap, const uint8_t *src,
		   size_t len) KD_MUST_CHECK;

struct kd_decompressor;

enum { KD_DECOMPRESSOR_BYTES = 128 << 10 }; /* at most: zstd 1.5.4 94 KiB, libdeflate 1.14 16 KiB */

/** kd_decompressor_new() - a context for decompressing, by any codec; kd_decompressor_free() */
int kd_decompressor_new(struct kd_decompressor **ret, struct kd_err *err) KD_MUST_CHECK;
void kd_decompressor_free(struct kd_decompressor *d);
void kd_decompressor_freep(struct kd_decompressor **d);

/**
 * kd_decompress() - decompress one page
 * @len: what it must give, exactly
 *
 * Return: 0; -KD_BADDATA the bytes are corrupt or give another length.
 */
int kd_decompress(struct kd_decompressor *d, const struct kd_codec *codec, uint8_t *dst, size_t len,
		  const uint8_t *src, size_t src_len, struct kd_err *err) KD_MUST_CHECK;

#endif
