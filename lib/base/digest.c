/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/base/digest.h"

#include "lib/base/cleanup.h"
#include "lib/base/io.h"

#include <nettle/base16.h>
#include <nettle/sha2.h>

enum { HASH_CHUNK_BYTES = 256 << 10 };

static void to_hex(char hex[KD_SHA256_HEX_BYTES], const uint8_t sum[KD_SHA256_BYTES])
{
	base16_encode_update(hex, KD_SHA256_BYTES, sum);
	hex[BASE16_ENCODE_LENGTH(KD_SHA256_BYTES)] = '\0';
}

void kd_sha256(const void *data, size_t len, uint8_t sum[KD_SHA256_BYTES])
{
	struct sha256_ctx state;

	sha256_init(&state);
	sha256_update(&state, len, data);
	sha256_digest(&state, KD_SHA256_BYTES, sum);
}

void kd_sha256_hex(const void *data, size_t len, char hex[KD_SHA256_HEX_BYTES])
{
	uint8_t sum[KD_SHA256_BYTES];

	kd_sha256(data, len, sum);
	to_hex(hex, sum);
}

int kd_sha256_fd(int fd, const char *name, char hex[KD_SHA256_HEX_BYTES], uint64_t *size_ret,
		 struct kd_err *err)
{
	return kd_sha256_fd_until(fd, name, UINT64_MAX, hex, size_ret, err);
}

int kd_sha256_fd_until(int fd, const char *name, uint64_t until_ms, char hex[KD_SHA256_HEX_BYTES],
		       uint64_t *size_ret, struct kd_err *err)
{
	KD_AUTO(kd_freep) unsigned char *buf = malloc(HASH_CHUNK_BYTES);
	uint8_t sum[KD_SHA256_BYTES];
	struct sha256_ctx state;
	uint64_t size = 0;

	if (!buf)
		return kd_fail(err, KD_NOMEM, "hash %s: no memory", name);
	sha256_init(&state);
	for (;;) {
		ssize_t n = kd_pread_full(fd, buf, HASH_CHUNK_BYTES, size, name, err);
		if (n < 0)
			return (int)n;
		sha256_update(&state, (size_t)n, buf);
		size += (uint64_t)n;
		if (size_ret)
			*size_ret = size;
		if (n < HASH_CHUNK_BYTES)
			break;
		if (until_ms != UINT64_MAX && kd_monotonic_ms() >= until_ms)
			return kd_fail(err, KD_AGAIN, "hash %s: the time was up after %ju bytes",
				       name, (uintmax_t)size);
	}
	sha256_digest(&state, KD_SHA256_BYTES, sum);
	to_hex(hex, sum);
	return 0;
}
