/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A range of a file with the hash of what it holds: the engine notes them while it
 * writes, a table at the end of the dump and the manifest keep them.
 */
#ifndef KD_LIB_BASE_HASHED_EXTENT_H
#define KD_LIB_BASE_HASHED_EXTENT_H

#include <stdint.h>

struct kd_hashed_extent {
	uint64_t off;
	uint64_t len_bytes;
	uint64_t xxh3; /* see lib/base/xxh3.h */
};

/* What comparing a file with such ranges brought to light. */
struct kd_hash_check {
	uint64_t extents; /* that were compared */
	uint64_t bytes;	  /* in them */
	uint64_t bad;	  /* of them: do not hold what was written */
	uint64_t first_bad_off, first_bad_len;
};

#endif
