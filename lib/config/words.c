/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Words as a POSIX shell would see them, in a place where no shell will ever run. */
#include "lib/config/internal.h"

#include <string.h>

static int refuse_char(const struct kd_conf_at *at, const char *what, char c, struct kd_err *err)
{
	return kd_conf_bad(
		at, err,
		"'%c' in the value of %s: no shell runs, so nothing is expanded, piped or "
		"redirected; write the value itself, in single quotes if the character "
		"is meant",
		c, what);
}

static int refuse_open_quote(const struct kd_conf_at *at, const char *what, char quote,
			     struct kd_err *err)
{
	return kd_conf_bad(at, err, "the quote %c in the value of %s is not closed in its line%s",
			   quote, what,
			   quote == '"' ? "; close it, or end the line with a backslash to go on"
					: "; close it");
}

/* *p stands behind the opening quote, afterwards behind the closing one. */
static int single_quoted(struct kd_conf_at *at, const char **p, const char *what,
			 struct kd_buf *ret, struct kd_err *err)
{
	size_t n = strcspn(*p, "'\n");

	if ((*p)[n] != '\'')
		return refuse_open_quote(at, what, '\'', err);
	kd_buf_add(ret, *p, n);
	*p += n + 1;
	return 0;
}

static int double_quoted(struct kd_conf_at *at, const char **p, const char *what,
			 struct kd_buf *ret, struct kd_err *err)
{
	for (const char *s = *p;; s++) {
		if (*s == '\0' || *s == '\n')
			return refuse_open_quote(at, what, '"', err);
		if (*s == '$' || *s == '`')
			return refuse_char(at, what, *s, err);
		if (*s == '"') {
			*p = s + 1;
			return 0;
		}
		/* In double quotes a backslash stands for itself unless one of these follows. */
		if (*s == '\\' && s[1] && strchr("$`\"\\\n", s[1]) != NULL) {
			s++;
			if (*s == '\n') {
				at->line++;
				continue;
			}
		}
		kd_buf_add(ret, s, 1);
	}
}

/* A backslash outside quotes: *p stands behind it. */
static int escaped(struct kd_conf_at *at, const char **p, const char *what, struct kd_buf *ret,
		   struct kd_err *err)
{
	char c = **p;

	if (c == '\0')
		return kd_conf_bad(at, err,
				   "the value of %s ends in a backslash: remove it, or write \\\\ "
				   "if it is meant",
				   what);
	(*p)++;
	if (c == '\n')
		at->line++;
	else
		kd_buf_add(ret, &c, 1);
	return 0;
}

int kd_conf_word(struct kd_conf_at *at, const char **p, const char *what, struct kd_buf *ret,
		 struct kd_err *err)
{
	/* An empty word ("") is a word too: make sure there is a string. */
	kd_buf_add(ret, "", 0);
	while (**p && !strchr(" \t\n", **p)) {
		char c = *(*p)++;
		int rc = 0;
		if (c == '\'')
			rc = single_quoted(at, p, what, ret, err);
		else if (c == '"')
			rc = double_quoted(at, p, what, ret, err);
		else if (c == '\\')
			rc = escaped(at, p, what, ret, err);
		else if (strchr("$`|;&<>()", c))
			rc = refuse_char(at, what, c, err);
		else
			kd_buf_add(ret, &c, 1);
		if (rc)
			return rc;
	}
	return ret->bad ? kd_fail(err, KD_NOMEM, "no memory") : 0;
}
