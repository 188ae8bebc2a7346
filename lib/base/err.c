/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Marks a message that did not fit: the reader must not take it for the whole. */
static void mark_cut(char *msg)
{
	memcpy(msg + KD_ERR_MSG_BYTES - 4, "...", 4);
}

int kd_fail(struct kd_err *err, enum kd_code code, const char *fmt, ...)
{
	if (!err)
		return -(int)code;
	err->code = code;
	err->sys = 0;

	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
	if (n >= (int)sizeof(err->msg))
		mark_cut(err->msg);
	return -(int)code;
}

static enum kd_code code_of_errno(int sys)
{
	switch (sys) {
	case ENOMEM:
		return KD_NOMEM;
	case ENOSPC:
	case EDQUOT:
		return KD_NOSPACE;
	default:
		return KD_SYS;
	}
}

int kd_fail_sys(struct kd_err *err, int sys, const char *fmt, ...)
{
	enum kd_code code = code_of_errno(sys);

	if (!err)
		return -(int)code;
	err->code = code;
	err->sys = sys;

	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
	if (n < 0)
		n = 0;
	if (n < (int)sizeof(err->msg))
		n += snprintf(err->msg + n, sizeof(err->msg) - n, ": %s", strerror(sys));
	if (n >= (int)sizeof(err->msg))
		mark_cut(err->msg);
	return -(int)code;
}

int kd_wrap(struct kd_err *err, const char *fmt, ...)
{
	if (!err)
		return -KD_SYS;

	char prefix[KD_ERR_MSG_BYTES];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(prefix, sizeof(prefix), fmt, ap);
	va_end(ap);
	if (n < 0)
		return -(int)err->code;

	char inner[KD_ERR_MSG_BYTES];
	memcpy(inner, err->msg, sizeof(inner));
	inner[sizeof(inner) - 1] = '\0';
	int total = snprintf(err->msg, sizeof(err->msg), "%s: %s", prefix, inner);
	if (total >= (int)sizeof(err->msg))
		mark_cut(err->msg);
	return -(int)err->code;
}

const char *kd_code_name(enum kd_code code)
{
	switch (code) {
	case KD_OK:
		return "ok";
	case KD_USAGE:
		return "usage";
	case KD_SYS:
		return "sys";
	case KD_NOMEM:
		return "nomem";
	case KD_BADDATA:
		return "baddata";
	case KD_NOTSUP:
		return "notsup";
	case KD_NOSPACE:
		return "nospace";
	case KD_AGAIN:
		return "again";
	}
	return "unknown";
}
