/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * XXH64 (libxxhash), seed 0: the 64 bits xxh64sum(1) prints. Finds damage at memory
 * speed; it is no protection against somebody who forges data.
 */
#ifndef KD_LIB_BASE_XXH64_H
#define KD_LIB_BASE_XXH64_H

#include <stddef.h>
#include <stdint.h>

/* The state's layout, so that it can stand on the stack: nothing is allocated. */
#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>

struct kd_xxh64 {
	XXH64_state_t state;
};

void kd_xxh64_init(struct kd_xxh64 *h);
void kd_xxh64_update(struct kd_xxh64 *h, const void *data, size_t len);

/** kd_xxh64_digest() - of all bytes so far; @h can go on */
uint64_t kd_xxh64_digest(const struct kd_xxh64 *h);

/** kd_xxh64() - of one piece of memory */
uint64_t kd_xxh64(const void *data, size_t len);

#endif
