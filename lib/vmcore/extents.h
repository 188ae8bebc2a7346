/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A table of ranges that do not overlap, made from ranges that may: the segments
 * of an ELF file by address, the chunks of a flattened file by offset. Inside
 * lib/vmcore.
 */
#ifndef KD_LIB_VMCORE_EXTENTS_H
#define KD_LIB_VMCORE_EXTENTS_H

#include "lib/base/base.h"

#include <stddef.h>
#include <stdint.h>

struct kd_extent {
	uint64_t start;
	uint64_t len;
	uint64_t to;   /* what start stands for: a file offset, a physical address */
	uint32_t kind; /* extents of different kinds are never merged */
};

struct kd_extents {
	struct kd_extent *v; /* by start, disjoint, none empty */
	size_t n;
};

/* An extent that asks for its range: where several do, the highest rank wins. */
struct kd_extent_claim {
	struct kd_extent extent;
	uint64_t rank;
};

/**
 * kd_extents_build() - settle the claims
 * @claims: sorted in place; none may wrap around the end of the address space
 * @ret: kd_extents_fini(). Neighbours that go on in the same place are merged, so there
 *       are at most 2n - 1
 *
 * Of equal ranks the later claim wins. n log n.
 */
int kd_extents_build(struct kd_extent_claim *claims, size_t n, struct kd_extents *ret,
		     struct kd_err *err) KD_MUST_CHECK;
void kd_extents_fini(struct kd_extents *e);

/** kd_extents_find() - the extent @at lies in; else NULL, and *gap_ret (if not NULL) is how
 * far it is to the next one, UINT64_MAX if there is none */
const struct kd_extent *kd_extents_find(const struct kd_extents *e, uint64_t at, uint64_t *gap_ret);

#endif
