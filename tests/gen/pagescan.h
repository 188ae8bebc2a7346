/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pagescan - what a kernel's page array says, read in the plainest way: page by page, without
 * lib/filter, so that the filter can be checked against it. Believes what it reads: only for
 * dumps the lab made itself (Linux 6.1 and newer, sparse memory, x86_64).
 */
#ifndef KD_TESTS_GEN_PAGESCAN_H
#define KD_TESTS_GEN_PAGESCAN_H

#include "lib/vmcore/vmcore.h"

enum pagescan_kind {
	PAGESCAN_NONE, /* no struct page */
	PAGESCAN_OTHER,
	PAGESCAN_FREE, /* in a block of the buddy allocator */
	PAGESCAN_SLAB,
	PAGESCAN_HUGETLB, /* only where the page type says so, from v6.9 on */
	PAGESCAN_TAIL,	  /* of another compound page */
};

struct pagescan {
	uint64_t n;	  /* frames looked at */
	uint8_t *kind;	  /* enum pagescan_kind of each */
	uint64_t *head;	  /* of a tail: the frame of its head; else the frame itself */
	uint64_t nr_free; /* NR_FREE_PAGES, summed over the zones */
};

/** pagescan_run() - read the page array of @core; pagescan_fini(), on failure too */
int pagescan_run(struct kd_vmcore *core, struct pagescan *ret, struct kd_err *err) KD_MUST_CHECK;
void pagescan_fini(struct pagescan *s);

#endif
