/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SHA-256 (FIPS 180-4) of one piece of memory, without a library below it. */
#ifndef KD_LIB_KEXEC_PURGATORY_SHA256_H
#define KD_LIB_KEXEC_PURGATORY_SHA256_H

#include <stdint.h>

/** kd_purgatory_sha256() - hash @len bytes at @data; they are only read */
void kd_purgatory_sha256(const uint8_t *data, uint64_t len, uint8_t digest[32]);

#endif
