/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A range of a file with the hash of what it holds: the engine notes them while it
 * writes, a table at the end of the dump keeps them.
 */
#ifndef KD_LIB_BASE_HASHED_EXTENT_H
#define KD_LIB_BASE_HASHED_EXTENT_H

#include <stdint.h>

struct kd_hashed_extent {
	uint64_t off;
	uint64_t len_bytes;
	uint64_t xxh3; /* see lib/base/xxh3.h */
};

#endif
