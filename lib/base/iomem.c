/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/base/iomem.h"

#include <string.h>

/* At most 16 digits, so that the value cannot overflow. */
static bool take_hex(const char **at, const char *end, uint64_t *ret)
{
	const char *p = *at;
	uint64_t v = 0;

	for (; p < end && p - *at < 16; p++) {
		unsigned int digit = 0;
		if (*p >= '0' && *p <= '9')
			digit = (unsigned int)(*p - '0');
		else if (*p >= 'a' && *p <= 'f')
			digit = (unsigned int)(*p - 'a') + 10;
		else
			break;
		v = v << 4 | digit;
	}
	if (p == *at)
		return false;
	*at = p;
	*ret = v;
	return true;
}

bool kd_hex(const char *text, const char **end, uint64_t *ret)
{
	const char *at = text;

	if (at[0] == '0' && at[1] == 'x')
		at += 2;
	if (!take_hex(&at, at + strlen(at), ret))
		return false;
	*end = at;
	return true;
}

/* "  1f000000-26ffffff : Crash kernel"; two blanks a level (Linux kernel/resource.c, r_show) */
static bool parse(const char *line, size_t len, struct kd_iomem_resource *ret)
{
	const char *at = line, *end = line + len;

	while (at < end && *at == ' ')
		at++;
	struct kd_iomem_resource r = { .depth = (unsigned int)((at - line) / 2) };
	if (!take_hex(&at, end, &r.start) || at == end || *at++ != '-' ||
	    !take_hex(&at, end, &r.end) || end - at < 3 || memcmp(at, " : ", 3) != 0 ||
	    r.start > r.end)
		return false;
	r.name = at + 3;
	r.name_len = (size_t)(end - r.name);
	*ret = r;
	return true;
}

int kd_iomem_next(struct kd_cursor *c, struct kd_iomem_resource *ret)
{
	const char *line = NULL;
	size_t len = 0;

	while ((line = kd_cursor_line(c, &len)))
		if (parse(line, len, ret))
			return 1;
	return 0;
}

bool kd_iomem_is(const struct kd_iomem_resource *r, const char *name)
{
	return r->name_len == strlen(name) && memcmp(r->name, name, r->name_len) == 0;
}
