/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whole reads and writes on a file descriptor: short counts and EINTR are dealt with here. */
#ifndef KD_LIB_BASE_IO_H
#define KD_LIB_BASE_IO_H

#include "lib/base/err.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

/**
 * kd_read_full() - read until @len bytes or the end of the file
 * @name: what @fd is, for the message
 *
 * Return: bytes read (less than @len only at the end of the file), or negative
 * kd_code.
 */
ssize_t kd_read_full(int fd, void *buf, size_t len, const char *name,
		     struct kd_err *err) KD_MUST_CHECK;

/** kd_pread_full() - the same from file offset @off; the file position stays */
ssize_t kd_pread_full(int fd, void *buf, size_t len, uint64_t off, const char *name,
		      struct kd_err *err) KD_MUST_CHECK;

/** kd_write_full() - write all of @len bytes; 0 or negative kd_code (KD_NOSPACE when full) */
int kd_write_full(int fd, const void *buf, size_t len, const char *name,
		  struct kd_err *err) KD_MUST_CHECK;

/** kd_pwrite_full() - the same at file offset @off; the file position stays */
int kd_pwrite_full(int fd, const void *buf, size_t len, uint64_t off, const char *name,
		   struct kd_err *err) KD_MUST_CHECK;

/**
 * kd_read_all() - read @fd to its end into memory
 * @max_bytes: a longer file is -KD_BADDATA
 * @ret: the bytes and a NUL behind them; free()
 * @len_ret: their number without the NUL; may be NULL
 */
int kd_read_all(int fd, size_t max_bytes, char **ret, size_t *len_ret, const char *name,
		struct kd_err *err) KD_MUST_CHECK;

/** kd_flush() - has all that was printed to @stream arrived? -KD_NOSPACE, -KD_SYS if not */
int kd_flush(FILE *stream, const char *name, struct kd_err *err) KD_MUST_CHECK;

/** kd_monotonic_ms() - milliseconds of CLOCK_BOOTTIME, for deadlines and stage times */
uint64_t kd_monotonic_ms(void);

#endif
