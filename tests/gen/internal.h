/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the generator's files share. */
#ifndef KD_TESTS_GEN_INTERNAL_H
#define KD_TESTS_GEN_INTERNAL_H

#include "tests/gen/mkvmcore.h"

struct kd_gen_seg {
	uint64_t paddr, memsz, filesz, vaddr;
};

struct kd_gen_filler {
	uint64_t paddr, len;
	kd_gen_fill_fn *fn;
	void *arg;
};

struct kd_gen_page {
	uint64_t pfn;
	uint8_t *bytes; /* NULL: free slot */
};

struct kd_gen {
	uint16_t machine;
	uint32_t page_bytes;
	struct kd_gen_seg *segs;
	size_t n_segs;
	struct kd_gen_filler *fillers;
	size_t n_fillers;
	struct kd_gen_page *pages; /* open hash, size a power of two */
	size_t n_pages, cap_pages;
	struct kd_buf info;
	struct kd_buf notes; /* encoded, without VMCOREINFO */
};

void *kd_gen_alloc(size_t n, size_t size);
void *kd_gen_grow(void *p, size_t n, size_t size);
void kd_gen_die(const char *fmt, ...) KD_PRINTF(1, 2) __attribute__((noreturn));
void kd_gen_pwrite(int fd, const void *buf, size_t len, uint64_t off);

/* One whole page as it will stand in the file; false: all zero. */
bool kd_gen_page(const struct kd_gen *g, uint64_t pfn, uint8_t *page);

/* All notes encoded, VMCOREINFO last. */
void kd_gen_all_notes(const struct kd_gen *g, struct kd_buf *out);

#endif
