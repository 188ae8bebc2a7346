/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between fakemem.c and fakemem_page.c. */
#ifndef KD_TESTS_GEN_FAKEMEM_INTERNAL_H
#define KD_TESTS_GEN_FAKEMEM_INTERNAL_H

#include "tests/gen/fakemem.h"

enum { KD_FAKE_PAGE_STRUCT_BYTES = 64 };

struct kd_fakemem {
	struct kd_fake_opts opts;
	struct kd_gen *g;
	struct kd_fake_block *blocks;
	size_t n_blocks;

	uint32_t page_bytes;
	uint64_t first_pfn, end_pfn;
	uint64_t image; /* physical */
	uint64_t text;	/* its virtual address */
	uint64_t direct;
	uint64_t array; /* physical */
	uint64_t array_bytes;
};

/* A line of vmcoreinfo, unless it is one that shall be lacking. */
void kd_fake_info(struct kd_fakemem *m, const char *fmt, ...) KD_PRINTF(2, 3);

/* The lines for struct page. */
void kd_fake_page_info(struct kd_fakemem *m);

uint64_t kd_fake_page_vaddr(const struct kd_fakemem *m, uint64_t pfn);

/* Puts down 64 bytes for @pfn; false if they are all zero. */
bool kd_fake_struct_page(const struct kd_fakemem *m, uint64_t pfn, uint8_t *out);

#endif
