/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A JSON writer into a struct kd_buf: small enough for the capture image. Text
 * that is not UTF-8 or holds control characters (it may come from a dump) is
 * escaped, byte by byte where it must be (\u00XX), so the output is always valid JSON.
 * Reading JSON is done with jansson, on the host only.
 */
#ifndef KD_LIB_BASE_JSON_H
#define KD_LIB_BASE_JSON_H

#include "lib/base/strv.h"

#include <stdbool.h>
#include <stdint.h>

enum { KD_JSON_MAX_DEPTH = 16 };

struct kd_json {
	struct kd_buf *out;
	unsigned int depth;
	bool pretty;		       /* two spaces a level and newlines, else all on one line */
	bool comma[KD_JSON_MAX_DEPTH]; /* something was written at this level */
};

/* name is NULL for an array's element and for the outermost value. */
void kd_json_open_object(struct kd_json *j, const char *name);
void kd_json_close_object(struct kd_json *j);
void kd_json_open_array(struct kd_json *j, const char *name);
void kd_json_close_array(struct kd_json *j);
void kd_json_string(struct kd_json *j, const char *name, const char *value); /* NULL: null */
void kd_json_string_n(struct kd_json *j, const char *name, const char *value, size_t len);
void kd_json_u64(struct kd_json *j, const char *name, uint64_t value);
void kd_json_i64(struct kd_json *j, const char *name, int64_t value);
void kd_json_ms(struct kd_json *j, const char *name, uint64_t ms); /* seconds with three decimals */
void kd_json_bool(struct kd_json *j, const char *name, bool value);

/**
 * kd_utf8_len() - length of the UTF-8 character at @s, 1 to 4
 * @left: bytes that may be read there, at least 1
 *
 * Return: 0 where none stands (overlong forms and surrogates are none).
 */
size_t kd_utf8_len(const unsigned char *s, size_t left);

#endif
