/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/base/strv.h"

#include "lib/base/cleanup.h"

#include <stdarg.h>
#include <stdint.h>
#include <string.h>

void kd_strv_fini(struct kd_strv *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->v[i]);
	free(s->v);
	*s = (struct kd_strv){ 0 };
}

/* Takes str over, also on failure. */
static int add_owned(struct kd_strv *s, char *str, struct kd_err *err)
{
	KD_AUTO(kd_freep) char *owned = str;
	char **grown = reallocarray(s->v, s->n + 2, sizeof(*grown));

	if (!grown)
		return kd_fail(err, KD_NOMEM, "no memory for a list of %zu strings", s->n + 1);
	s->v = grown;
	s->v[s->n++] = KD_STEAL(owned);
	s->v[s->n] = NULL;
	return 0;
}

int kd_strv_add(struct kd_strv *s, const char *str, struct kd_err *err)
{
	char *copy = NULL;
	int rc = kd_strdup(&copy, str, err);

	return rc ? rc : add_owned(s, copy, err);
}

int kd_strv_addf(struct kd_strv *s, struct kd_err *err, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	int n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		return kd_fail(err, KD_NOMEM, "no memory");
	return add_owned(s, text, err);
}

bool kd_strv_has(const struct kd_strv *s, const char *str)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->v[i], str) == 0)
			return true;
	return false;
}

int kd_strv_split(struct kd_strv *s, const char *text, const char *seps, struct kd_err *err)
{
	for (const char *p = text; *p;) {
		size_t n = strcspn(p, seps);
		if (n > 0) {
			char *word = strndup(p, n);
			if (!word)
				return kd_fail(err, KD_NOMEM, "no memory");
			int rc = add_owned(s, word, err);
			if (rc)
				return rc;
		}
		p += n;
		p += strspn(p, seps);
	}
	return 0;
}

void kd_buf_fini(struct kd_buf *b)
{
	free(b->p);
	*b = (struct kd_buf){ 0 };
}

static bool reserve(struct kd_buf *b, size_t more)
{
	size_t need = 0;

	if (b->bad)
		return false;
	if (__builtin_add_overflow(b->len, more, &need) || __builtin_add_overflow(need, 1, &need))
		return !(b->bad = true);
	if (need <= b->cap)
		return true;

	size_t cap = b->cap ? b->cap : 256;
	while (cap < need)
		cap = cap > SIZE_MAX / 2 ? need : cap * 2;
	char *grown = realloc(b->p, cap);
	if (!grown)
		return !(b->bad = true);
	b->p = grown;
	b->cap = cap;
	return true;
}

void kd_buf_add(struct kd_buf *b, const void *data, size_t len)
{
	if (!reserve(b, len))
		return;
	if (len)
		memcpy(b->p + b->len, data, len);
	b->len += len;
	b->p[b->len] = '\0';
}

void kd_buf_puts(struct kd_buf *b, const char *text)
{
	kd_buf_add(b, text, strlen(text));
}

void kd_buf_printf(struct kd_buf *b, const char *fmt, ...)
{
	va_list ap, again;

	va_start(ap, fmt);
	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		b->bad = true;
	else if (reserve(b, (size_t)n)) {
		vsnprintf(b->p + b->len, (size_t)n + 1, fmt, again);
		b->len += (size_t)n;
	}
	va_end(again);
}

int kd_asprintf(char **ret, struct kd_err *err, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	int n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		return kd_fail(err, KD_NOMEM, "no memory");
	*ret = text;
	return 0;
}

int kd_strdup(char **ret, const char *str, struct kd_err *err)
{
	char *copy = strdup(str);

	if (!copy)
		return kd_fail(err, KD_NOMEM, "no memory");
	*ret = copy;
	return 0;
}
