/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A diskdump's index, made by diskdump.c and used by diskdump_pages.c; for nobody else. */
#ifndef KD_LIB_VMCORE_DISKDUMP_H
#define KD_LIB_VMCORE_DISKDUMP_H

#include "lib/ondisk/diskdump.h"
#include "lib/vmcore/internal.h"

enum {
	/* The second bitmap is counted in pieces of this size. */
	KD_DD_PIECE_BYTES = 4096,
	KD_DD_PIECE_BITS = 8 * KD_DD_PIECE_BYTES,
};

/* One file: the only one, or a part of a split set. */
struct kd_dd_part {
	const struct kd_file *file;
	struct kd_diskdump_header header;
	struct kd_diskdump_sub_header sub;
	uint64_t bitmap1_off, bitmap2_off; /* in the file; the same where there is only one */
	uint64_t desc_off;
	uint64_t start_pfn, end_pfn; /* whose descriptors it has; end exclusive */
	uint64_t n_stored;
	/* Stored pages of this part before each piece; from the piece start_pfn is in. */
	uint64_t *rank;
};

struct kd_diskdump {
	struct kd_dd_part *parts; /* by start_pfn, disjoint */
	size_t n_parts;
	uint64_t max_mapnr;
	struct kd_vmcore_diskdump_info info;
};

/* Was the page never written: no place, or one behind the end of the file? */
static inline bool kd_dd_is_lost(const struct kd_dd_part *p, const struct kd_diskdump_desc *desc)
{
	return desc->offset == 0 || desc->size > p->file->size_bytes ||
	       desc->offset > p->file->size_bytes - desc->size;
}

extern const struct kd_vmcore_ops kd_diskdump_ops;

#endif
