/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/ondisk/flattened.h"

#include <string.h>

enum { TYPE_FLAT = 1, VERSION = 1 };

static const uint8_t signature[16] = "makedumpfile";

bool kd_flattened_is_flattened(const void *bytes, size_t len)
{
	return len >= sizeof(signature) && memcmp(bytes, signature, sizeof(signature)) == 0;
}

int kd_flattened_decode_header(const void *bytes, size_t len, struct kd_err *err)
{
	const uint8_t *p = bytes;
	struct kd_cursor c = { .p = p, .end = p + len, .big_endian = true };

	kd_cursor_skip(&c, sizeof(signature));
	uint64_t type = kd_cursor_u64(&c);
	uint64_t version = kd_cursor_u64(&c);
	if (c.bad || len < KD_FLATTENED_HEADER_BYTES)
		return kd_fail(err, KD_BADDATA, "flattened header cut short after %zu bytes", len);
	if (type != TYPE_FLAT || version != VERSION)
		return kd_fail(err, KD_NOTSUP, "flattened file of type %jd, version %jd: not known",
			       (intmax_t)type, (intmax_t)version);
	return 0;
}

int kd_flattened_decode_chunk(const void *bytes, size_t len, struct kd_flattened_chunk *ret,
			      struct kd_err *err)
{
	const uint8_t *p = bytes;
	struct kd_cursor c = { .p = p, .end = p + len, .big_endian = true };
	struct kd_flattened_chunk chunk = { 0 };

	chunk.offset = kd_cursor_u64(&c);
	chunk.size = kd_cursor_u64(&c);
	if (c.bad)
		return kd_fail(err, KD_BADDATA, "flattened chunk cut short after %zu bytes", len);
	if (chunk.offset == UINT64_MAX && chunk.size == UINT64_MAX) {
		*ret = (struct kd_flattened_chunk){ .end = true };
		return 0;
	}
	if (chunk.offset > INT64_MAX || chunk.size > INT64_MAX - chunk.offset)
		return kd_fail(err, KD_BADDATA,
			       "flattened chunk of 0x%jx bytes for offset 0x%jx: beyond any file",
			       (uintmax_t)chunk.size, (uintmax_t)chunk.offset);
	*ret = chunk;
	return 0;
}

static void put_be64(uint8_t *out, uint64_t value)
{
	for (unsigned int i = 0; i < 8; i++)
		out[i] = (uint8_t)(value >> (56 - 8 * i));
}

void kd_flattened_encode_header(uint8_t out[KD_FLATTENED_HEADER_BYTES])
{
	memset(out, 0, KD_FLATTENED_HEADER_BYTES);
	memcpy(out, signature, sizeof(signature));
	put_be64(out + 16, TYPE_FLAT);
	put_be64(out + 24, VERSION);
}

void kd_flattened_encode_chunk(uint8_t out[KD_FLATTENED_CHUNK_BYTES], uint64_t offset,
			       uint64_t size)
{
	put_be64(out, offset);
	put_be64(out + 8, size);
}

void kd_flattened_encode_end(uint8_t out[KD_FLATTENED_CHUNK_BYTES])
{
	kd_flattened_encode_chunk(out, UINT64_MAX, UINT64_MAX);
}
