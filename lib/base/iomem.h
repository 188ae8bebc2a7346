/* SPDX-License-Identifier: GPL-2.0-or-later */
/* iomem - the text of /proc/iomem, resource by resource */
#ifndef KD_LIB_BASE_IOMEM_H
#define KD_LIB_BASE_IOMEM_H

#include "lib/base/cursor.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { KD_IOMEM_MAX_BYTES = 16 << 20 };

struct kd_iomem_resource {
	uint64_t start;
	uint64_t end;	    /* the last byte */
	unsigned int depth; /* 0: not inside another */
	const char *name;   /* borrowed, not terminated */
	size_t name_len;
};

/**
 * kd_iomem_next() - next line that is a resource
 * @c: over the file's text; what is no resource is stepped over
 *
 * Return: 1 a resource, 0 the end.
 */
int kd_iomem_next(struct kd_cursor *c, struct kd_iomem_resource *ret);
bool kd_iomem_is(const struct kd_iomem_resource *r, const char *name);

/** kd_hex() - hexadecimal digits, with or without 0x, at most 16; *end is behind them */
bool kd_hex(const char *text, const char **end, uint64_t *ret);

#endif
