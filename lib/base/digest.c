/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/base/digest.h"

#include "lib/base/cleanup.h"
#include "lib/base/io.h"

#include <sodium.h>

enum { HASH_CHUNK_BYTES = 256 << 10 };

void kd_sha256(const void *data, size_t len, uint8_t sum[KD_SHA256_BYTES])
{
	crypto_hash_sha256(sum, data, len);
}

void kd_sha256_hex(const void *data, size_t len, char hex[KD_SHA256_HEX_BYTES])
{
	unsigned char sum[crypto_hash_sha256_BYTES];

	crypto_hash_sha256(sum, data, len);
	sodium_bin2hex(hex, KD_SHA256_HEX_BYTES, sum, sizeof(sum));
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
	unsigned char sum[crypto_hash_sha256_BYTES];
	crypto_hash_sha256_state state;
	uint64_t size = 0;

	if (!buf)
		return kd_fail(err, KD_NOMEM, "hash %s: no memory", name);
	crypto_hash_sha256_init(&state);
	for (;;) {
		ssize_t n = kd_pread_full(fd, buf, HASH_CHUNK_BYTES, size, name, err);
		if (n < 0)
			return (int)n;
		crypto_hash_sha256_update(&state, buf, (unsigned long long)n);
		size += (uint64_t)n;
		if (size_ret)
			*size_ret = size;
		if (n < HASH_CHUNK_BYTES)
			break;
		if (until_ms != UINT64_MAX && kd_monotonic_ms() >= until_ms)
			return kd_fail(err, KD_AGAIN, "hash %s: the time was up after %ju bytes",
				       name, (uintmax_t)size);
	}
	crypto_hash_sha256_final(&state, sum);
	sodium_bin2hex(hex, KD_SHA256_HEX_BYTES, sum, sizeof(sum));
	return 0;
}
