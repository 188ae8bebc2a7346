/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Error values. The code says what the caller can do about it, the message
 * says what was being done, to what, and why it failed. No heap is used, so an
 * error can still be told when memory has run out.
 */
#ifndef KD_LIB_BASE_ERR_H
#define KD_LIB_BASE_ERR_H

#define KD_MUST_CHECK	      __attribute__((warn_unused_result))
#define KD_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))

enum kd_code {
	KD_OK,
	KD_USAGE,   /* the user asked for something that cannot be: configuration, arguments */
	KD_SYS,	    /* a system call failed; kd_err.sys holds its errno */
	KD_NOMEM,   /* no memory */
	KD_BADDATA, /* bytes from elsewhere contradict themselves or their format */
	KD_NOTSUP,  /* understood, but not something that can be done here */
	KD_NOSPACE, /* this target is full: the next one may do */
	KD_AGAIN,   /* not there yet: the same call may work later */
};

enum { KD_ERR_MSG_BYTES = 480 };

struct kd_err {
	enum kd_code code;
	int sys; /* errno of the failed call, 0 where there was none */
	char msg[KD_ERR_MSG_BYTES];
};

/**
 * kd_fail() - fill in an error at the place where it happened
 *
 * A message too long for the buffer loses its end and closes with "...".
 * @err may be NULL where nobody wants the text.
 *
 * Return: -code, for "return kd_fail(...)".
 */
int kd_fail(struct kd_err *err, enum kd_code code, const char *fmt, ...) KD_PRINTF(3, 4);

/**
 * kd_fail_sys() - the same for a failed system call
 * @sys: its errno; ENOMEM becomes KD_NOMEM, ENOSPC and EDQUOT KD_NOSPACE,
 *       all others KD_SYS
 *
 * ": " and the text for @sys are appended to the message.
 *
 * Return: the negative code chosen.
 */
int kd_fail_sys(struct kd_err *err, int sys, const char *fmt, ...) KD_PRINTF(3, 4);

/**
 * kd_wrap() - put what the caller was doing in front of an error
 *
 * Return: -err->code (-KD_SYS where @err is NULL).
 */
int kd_wrap(struct kd_err *err, const char *fmt, ...) KD_PRINTF(2, 3);

/** kd_code_name() - "sys", "nomem", ...: for logs and JSON; never NULL */
const char *kd_code_name(enum kd_code code);

#endif
