/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * XXH3 (libxxhash), 64 bits, without seed: what xxhsum -H3 prints. Finds damage at memory
 * speed; it is no protection against somebody who forges data.
 */
#ifndef KD_LIB_BASE_XXH3_H
#define KD_LIB_BASE_XXH3_H

#include <stddef.h>
#include <stdint.h>

/* The state's layout, so that it can stand on the stack: nothing is allocated. */
#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>

/* Aligned to 64 bytes: on the heap that takes more than malloc(). */
struct kd_xxh3 {
	XXH3_state_t state;
};

void kd_xxh3_init(struct kd_xxh3 *h);
void kd_xxh3_update(struct kd_xxh3 *h, const void *data, size_t len);

/** kd_xxh3_digest() - of all bytes so far; @h can go on */
uint64_t kd_xxh3_digest(const struct kd_xxh3 *h);

/** kd_xxh3() - of one piece of memory */
uint64_t kd_xxh3(const void *data, size_t len);

#endif
