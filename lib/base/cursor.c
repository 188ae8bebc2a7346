/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/base/cursor.h"

#include <string.h>

size_t kd_cursor_left(const struct kd_cursor *c)
{
	return c->bad ? 0 : (size_t)(c->end - c->p);
}

const uint8_t *kd_cursor_bytes(struct kd_cursor *c, uint64_t len)
{
	if (len > kd_cursor_left(c)) {
		c->bad = true;
		return NULL;
	}
	if (c->bad)
		return NULL;

	const uint8_t *at = c->p;
	c->p += len;
	return at;
}

void kd_cursor_skip(struct kd_cursor *c, uint64_t len)
{
	(void)kd_cursor_bytes(c, len);
}

static uint64_t number(struct kd_cursor *c, unsigned int bytes)
{
	const uint8_t *at = kd_cursor_bytes(c, bytes);
	uint64_t v = 0;

	if (!at)
		return 0;
	for (unsigned int i = 0; i < bytes; i++)
		v = v << 8 | at[c->big_endian ? i : bytes - 1 - i];
	return v;
}

uint8_t kd_cursor_u8(struct kd_cursor *c)
{
	return (uint8_t)number(c, 1);
}

uint16_t kd_cursor_u16(struct kd_cursor *c)
{
	return (uint16_t)number(c, 2);
}

uint32_t kd_cursor_u32(struct kd_cursor *c)
{
	return (uint32_t)number(c, 4);
}

uint64_t kd_cursor_u64(struct kd_cursor *c)
{
	return number(c, 8);
}

const char *kd_cursor_line(struct kd_cursor *c, size_t *len)
{
	size_t left = kd_cursor_left(c);

	if (left == 0)
		return NULL;

	const char *line = (const char *)c->p;
	const char *newline = memchr(line, '\n', left);
	*len = newline ? (size_t)(newline - line) : left;
	c->p += *len + (newline ? 1 : 0);
	return line;
}
