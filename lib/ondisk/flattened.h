/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The flattened format, in which a dump goes through a pipe: a header block, then
 * chunks that each say at which offset of the real file their bytes belong, then
 * an end marker. All numbers are big-endian.
 */
#ifndef KD_LIB_ONDISK_FLATTENED_H
#define KD_LIB_ONDISK_FLATTENED_H

#include "lib/base/base.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	KD_FLATTENED_HEADER_BYTES = 4096,
	KD_FLATTENED_CHUNK_BYTES = 16, /* the head of a chunk, before its data */
};

struct kd_flattened_chunk {
	uint64_t offset; /* in the real file */
	uint64_t size;
	bool end; /* the end marker */
};

/** kd_flattened_is_flattened() - do @bytes (at least 16) start a flattened file? */
bool kd_flattened_is_flattened(const void *bytes, size_t len);

/** kd_flattened_decode_header() - 0; -KD_NOTSUP another type or version; -KD_BADDATA cut short */
int kd_flattened_decode_header(const void *bytes, size_t len, struct kd_err *err) KD_MUST_CHECK;

/**
 * kd_flattened_decode_chunk() - the head of a chunk
 *
 * Return: 0; -KD_BADDATA cut short, or an offset or size that cannot be.
 */
int kd_flattened_decode_chunk(const void *bytes, size_t len, struct kd_flattened_chunk *ret,
			      struct kd_err *err) KD_MUST_CHECK;

void kd_flattened_encode_header(uint8_t out[KD_FLATTENED_HEADER_BYTES]);
void kd_flattened_encode_chunk(uint8_t out[KD_FLATTENED_CHUNK_BYTES], uint64_t offset,
			       uint64_t size);
void kd_flattened_encode_end(uint8_t out[KD_FLATTENED_CHUNK_BYTES]);

#endif
