/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Snappy's raw format, for reading. It is small enough to be read here instead
 * of with a C++ library: the length as a varint, then pieces, each a tag byte
 * whose low two bits say whether literal bytes follow or earlier output is
 * repeated (format_description.txt of google/snappy).
 */
#include "lib/compress/internal.h"

#include <string.h>

enum {
	LITERAL = 0,
	COPY_1 = 1, /* offset in 11 bits, length 4 to 11 */
	COPY_2 = 2, /* offset in 16 bits, length 1 to 64 */
	COPY_4 = 3,
	LITERAL_LENGTH_FOLLOWS = 60,
	MAX_VARINT_BYTES = 5,
};

struct output {
	uint8_t *p;
	size_t done;
	size_t len;
};

static size_t bound(size_t len)
{
	return 32 + len + len / 6;
}

static uint32_t varint(struct kd_cursor *c)
{
	uint32_t v = 0;

	for (unsigned int i = 0; i < MAX_VARINT_BYTES; i++) {
		uint8_t b = kd_cursor_u8(c);
		v |= (uint32_t)(b & 0x7f) << (7 * i);
		if (!(b & 0x80))
			return v;
	}
	c->bad = true;
	return 0;
}

static uint32_t little_endian(struct kd_cursor *c, unsigned int bytes)
{
	uint32_t v = 0;

	for (unsigned int i = 0; i < bytes; i++)
		v |= (uint32_t)kd_cursor_u8(c) << (8 * i);
	return v;
}

static bool literal(struct kd_cursor *c, uint8_t tag, struct output *out)
{
	uint64_t len = tag >> 2;

	if (len >= LITERAL_LENGTH_FOLLOWS)
		len = little_endian(c, (unsigned int)len - LITERAL_LENGTH_FOLLOWS + 1);
	len++;

	const uint8_t *from = kd_cursor_bytes(c, len);
	if (!from || len > out->len - out->done)
		return false;
	memcpy(out->p + out->done, from, (size_t)len);
	out->done += (size_t)len;
	return true;
}

/* Source and target may overlap: a short offset repeats a pattern. */
static bool copy(struct output *out, size_t offset, size_t len)
{
	if (offset == 0 || offset > out->done || len > out->len - out->done)
		return false;
	for (size_t i = 0; i < len; i++) {
		out->p[out->done] = out->p[out->done - offset];
		out->done++;
	}
	return true;
}

static bool piece(struct kd_cursor *c, struct output *out)
{
	uint8_t tag = kd_cursor_u8(c);
	size_t offset;

	switch (tag & 3) {
	case LITERAL:
		return literal(c, tag, out);
	case COPY_1:
		offset = (size_t)(tag >> 5) << 8 | kd_cursor_u8(c);
		return !c->bad && copy(out, offset, 4 + (tag >> 2 & 7));
	case COPY_2:
		offset = little_endian(c, 2);
		return !c->bad && copy(out, offset, 1 + (tag >> 2));
	default:
		offset = little_endian(c, 4);
		return !c->bad && copy(out, offset, 1 + (tag >> 2));
	}
}

static bool decompress(void *ctx, uint8_t *dst, size_t len, const uint8_t *src, size_t src_len)
{
	struct kd_cursor c = { .p = src, .end = src + src_len };
	struct output out = { .p = dst, .len = len };

	if (varint(&c) != len || c.bad)
		return false;
	while (kd_cursor_left(&c)) {
		if (!piece(&c, &out))
			return false;
	}
	return out.done == len;
}

const struct kd_codec kd_codec_snappy = {
	.name = "snappy",
	.diskdump_flag = 0x4,
	.bound = bound,
	.decompress = decompress,
};
