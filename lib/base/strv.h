/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A growing array of strings, and a growing string. Both own their memory. */
#ifndef KD_LIB_BASE_STRV_H
#define KD_LIB_BASE_STRV_H

#include "lib/base/err.h"

#include <stdbool.h>
#include <stddef.h>

/* {0} is an empty one. v[n] is always NULL once something was added, so .v is an argv. */
struct kd_strv {
	char **v;
	size_t n;
};

void kd_strv_fini(struct kd_strv *s);
int kd_strv_add(struct kd_strv *s, const char *str, struct kd_err *err) KD_MUST_CHECK;
int kd_strv_addf(struct kd_strv *s, struct kd_err *err, const char *fmt, ...)
	KD_PRINTF(3, 4) KD_MUST_CHECK;
bool kd_strv_has(const struct kd_strv *s, const char *str);

/** kd_strv_split() - add the words of @text, separated by any byte of @seps; empty words are dropped */
int kd_strv_split(struct kd_strv *s, const char *text, const char *seps,
		  struct kd_err *err) KD_MUST_CHECK;

/* {0} is an empty one; .p is NUL-terminated once something was added. */
struct kd_buf {
	char *p;
	size_t len;
	size_t cap;
	bool bad; /* an addition failed for want of memory: sticks */
};

void kd_buf_fini(struct kd_buf *b);
void kd_buf_add(struct kd_buf *b, const void *data, size_t len);
void kd_buf_puts(struct kd_buf *b, const char *text);
void kd_buf_printf(struct kd_buf *b, const char *fmt, ...) KD_PRINTF(2, 3);

/** kd_asprintf() - as asprintf(3) with an error value; free() */
int kd_asprintf(char **ret, struct kd_err *err, const char *fmt, ...) KD_PRINTF(3, 4) KD_MUST_CHECK;

/** kd_strdup() - as strdup(3) with an error value; free() */
int kd_strdup(char **ret, const char *str, struct kd_err *err) KD_MUST_CHECK;

#endif
