/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SHA-256 (nettle, which uses the CPU's instructions for it) of memory and of files, as
 * lower-case hexadecimal text or as bytes.
 */
#ifndef KD_LIB_BASE_DIGEST_H
#define KD_LIB_BASE_DIGEST_H

#include "lib/base/err.h"

#include <stddef.h>
#include <stdint.h>

enum { KD_SHA256_HEX_BYTES = 65, KD_SHA256_BYTES = 32 };

void kd_sha256(const void *data, size_t len, uint8_t sum[KD_SHA256_BYTES]);

void kd_sha256_hex(const void *data, size_t len, char hex[KD_SHA256_HEX_BYTES]);

/**
 * kd_sha256_fd() - hash of a whole file, read from its start with pread(2)
 * @size_ret: how many bytes were hashed; may be NULL
 */
int kd_sha256_fd(int fd, const char *name, char hex[KD_SHA256_HEX_BYTES], uint64_t *size_ret,
		 struct kd_err *err) KD_MUST_CHECK;

/**
 * kd_sha256_fd_until() - the same, as long as there is time
 * @until_ms: kd_monotonic_ms() at which to give up; files up to 256 KiB are hashed even then
 * @size_ret: also on -KD_AGAIN: how far it came
 *
 * Return: 0; -KD_AGAIN the time was up; -KD_SYS, -KD_NOMEM.
 */
int kd_sha256_fd_until(int fd, const char *name, uint64_t until_ms, char hex[KD_SHA256_HEX_BYTES],
		       uint64_t *size_ret, struct kd_err *err) KD_MUST_CHECK;

#endif
