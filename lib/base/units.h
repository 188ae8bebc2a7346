/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers as people write them, checked. */
#ifndef KD_LIB_BASE_UNITS_H
#define KD_LIB_BASE_UNITS_H

#include "lib/base/err.h"

#include <stdint.h>

/** kd_parse_u64() - the whole of @text as a number, decimal or 0x-hexadecimal; else -KD_BADDATA */
int kd_parse_u64(const char *text, uint64_t *ret, struct kd_err *err) KD_MUST_CHECK;

/** kd_parse_size() - bytes from "4096", "64K", "128M", "2G" (K to E, powers of 1024) */
int kd_parse_size(const char *text, uint64_t *ret, struct kd_err *err) KD_MUST_CHECK;

enum { KD_SIZE_TEXT_BYTES = 32 };

/** kd_format_size() - "512 B", "1.5 MiB", "128 MiB" into @buf; returns @buf */
const char *kd_format_size(uint64_t bytes, char buf[KD_SIZE_TEXT_BYTES]);

#endif
