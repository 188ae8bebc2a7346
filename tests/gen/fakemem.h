/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fakemem - a page array for a made-up machine: what each frame is, put down the way a kernel of
 * a given time would, with the lines of vmcoreinfo that go with it. For tests of lib/filter and
 * for benchmarks.
 */
#ifndef KD_TESTS_GEN_FAKEMEM_H
#define KD_TESTS_GEN_FAKEMEM_H

#include "tests/gen/mkvmcore.h"

/* Kernels after which something was put down otherwise. */
enum kd_fake_era {
	KD_FAKE_5_4,
	KD_FAKE_6_1,
	KD_FAKE_6_3,
	KD_FAKE_6_6,
	KD_FAKE_6_9,
	KD_FAKE_6_10,
	KD_FAKE_6_11,
	KD_FAKE_6_12,
	KD_FAKE_6_16,
	KD_N_FAKE_ERAS,
};

enum kd_fake_kind {
	KD_FAKE_KERNEL, /* a struct page of zeros: so are all frames nobody speaks of */
	KD_FAKE_FREE,
	KD_FAKE_UNACCEPTED, /* from 6.16 on; before: kernel */
	KD_FAKE_CACHE,
	KD_FAKE_CACHE_PRIVATE,
	KD_FAKE_SWAPCACHE,     /* of shared memory: cache */
	KD_FAKE_NOT_SWAPCACHE, /* its flag without PG_swapbacked, where it means another: kernel */
	KD_FAKE_ANON,
	KD_FAKE_KSM,
	KD_FAKE_SLAB,
	KD_FAKE_SLAB_ODD, /* its fields make it look anonymous */
	KD_FAKE_TABLE,
	KD_FAKE_HUGETLB,
	KD_FAKE_HUGETLB_ANON,
	KD_FAKE_HWPOISON,
	KD_FAKE_OFFLINE,
	KD_FAKE_RESERVED,
	KD_FAKE_STALE,	   /* reserved, with flags of cache: kernel */
	KD_FAKE_BAD_FREE,  /* a free block of an order that cannot be: kernel */
	KD_FAKE_FAKE_HEAD, /* PG_head without tail pages, anonymous: one user page */
	KD_N_FAKE_KINDS,
};

struct kd_fake_block {
	uint64_t pfn;
	unsigned int order;
	enum kd_fake_kind kind;
};

enum kd_fake_model { KD_FAKE_EXTREME, KD_FAKE_SPARSE, KD_FAKE_FLAT };

struct kd_fake_opts {
	enum kd_fake_era era;
	enum kd_fake_model model;
	bool arm64;	    /* 64 KiB pages, three levels */
	uint64_t ram_bytes; /* from 0 on x86_64, from 1 GiB on arm64 */
	bool small_pages;   /* the page array is mapped page by page, backwards */
	bool texture;	    /* all frames are something, as on a busy machine */
	int64_t count_off;  /* the zones count that many free pages more than there are */
	bool without_zones;
	bool lost_node;		    /* a second node is where no memory is */
	const char *const *without; /* keys that vmcoreinfo lacks, NULL at the end */
};

struct kd_fakemem;

/** kd_fakemem_new() - @blocks: by rising pfn, not overlapping, aligned; copied. kd_fakemem_free() */
struct kd_fakemem *kd_fakemem_new(const struct kd_fake_opts *opts,
				  const struct kd_fake_block *blocks, size_t n);
void kd_fakemem_free(struct kd_fakemem *m);
void kd_fakemem_freep(struct kd_fakemem **m);

/** kd_fakemem_gen() - the machine: add to it, and write it with kd_gen_elf() */
struct kd_gen *kd_fakemem_gen(struct kd_fakemem *m);

/** kd_fakemem_block() - what frame @pfn is part of */
struct kd_fake_block kd_fakemem_block(const struct kd_fakemem *m, uint64_t pfn);

/** kd_fakemem_paddr() - where the struct page of @pfn lies; 64 bytes */
uint64_t kd_fakemem_paddr(const struct kd_fakemem *m, uint64_t pfn);

/** kd_fakemem_poke() - change @bytes bytes at @off of the struct page of @pfn */
void kd_fakemem_poke(struct kd_fakemem *m, uint64_t pfn, uint32_t off, uint64_t value,
		     unsigned int bytes);

/** kd_fakemem_lose_section() - the page array of @pfn's section is said to be where nothing is
 * mapped; or, with @absent, there is none */
void kd_fakemem_lose_section(struct kd_fakemem *m, uint64_t pfn, bool absent);

uint64_t kd_fakemem_first_pfn(const struct kd_fakemem *m);
uint64_t kd_fakemem_end_pfn(const struct kd_fakemem *m);

/** kd_fakemem_image() - first frame of the kernel image and how many it has */
uint64_t kd_fakemem_image(const struct kd_fakemem *m, uint64_t *n_ret);

/** kd_fake_era_name() - "6.12.0" */
const char *kd_fake_era_name(enum kd_fake_era era);

#endif
