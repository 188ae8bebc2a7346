/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * filter - which page frames of a dead kernel are worth saving. Reads the
 * kernel's page array (struct page, one for each frame) once and answers with
 * bitmaps. What a struct page says is decided by the lines of vmcoreinfo alone,
 * never by a version number, for Linux 5.4 to 6.18 on x86_64 and arm64.
 *
 * When in doubt a page is kept: a level bit whose lines are missing is dropped
 * with a warning, a section whose page array cannot be read is kept whole.
 *
 * It does not read the pages themselves, so it does not find zero pages: the
 * bit for them is handed through. Called by lib/dump and by the analyst's tool.
 * docs/formats/filtering.md has the rules and the differences to makedumpfile.
 */
#ifndef KD_LIB_FILTER_FILTER_H
#define KD_LIB_FILTER_FILTER_H

#include "lib/base/base.h"
#include "lib/vmcore/vmcore.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kd_filter;

/* What to leave out; the bits of makedumpfile's -d. */
enum kd_filter_level {
	KD_LEVEL_ZERO = 1,	    /* pages of zeros: the reader of pages finds them */
	KD_LEVEL_CACHE = 2,	    /* page cache without private data */
	KD_LEVEL_CACHE_PRIVATE = 4, /* all page cache: implies KD_LEVEL_CACHE */
	KD_LEVEL_USER = 8,	    /* anonymous and hugetlb pages */
	KD_LEVEL_FREE = 16,	    /* the buddy allocator's free blocks, unaccepted memory */
	KD_LEVEL_ALL = 31,
};
enum { KD_LEVEL_BITS = 5 };

/* What a page is; of several that fit, the first. */
enum kd_page_class {
	KD_CLASS_FREE,
	KD_CLASS_UNACCEPTED,
	KD_CLASS_CACHE,
	KD_CLASS_CACHE_PRIVATE,
	KD_CLASS_HUGETLB,
	KD_CLASS_USER,
	KD_CLASS_HWPOISON, /* left out at every level: reading it can stop the machine */
	KD_CLASS_OFFLINE,  /* the same: ballooned away, or unplugged by the hypervisor */
	KD_CLASS_KERNEL,   /* all others: never left out */
	KD_N_CLASSES,
};

/** kd_page_class_name() - "free", "cache-private", ...: for logs and JSON; never NULL */
const char *kd_page_class_name(enum kd_page_class class);

/** kd_filter_level_classes() - bit (1 << enum kd_page_class) set for each class left out */
unsigned int kd_filter_level_classes(unsigned int level);

struct kd_filter_opts {
	unsigned int level;	      /* 0 to KD_LEVEL_ALL */
	unsigned int threads;	      /* 0: one for each CPU this process may use */
	const struct kd_log *log;     /* area "filter"; borrowed, may be NULL */
	enum kd_vmcore_access access; /* how the threads' windows get at the dump */
	size_t map_bytes;	      /* of each thread's window; 0: 64 MiB */
	size_t read_bytes;	      /* of its buffer, where nothing is mapped; 0: 256 KiB */
	uint64_t max_bitmap_bytes;    /* memory the bitmaps may take in all; 0: 8 GiB */
	bool want_late;		      /* make the bitmap kd_filter_result.late, too */
};

enum kd_filter_check {
	KD_CHECK_NONE,	      /* free pages are not left out: nothing to check */
	KD_CHECK_NO_ZONES,    /* vmcoreinfo does not lead to the zones */
	KD_CHECK_UNREADABLE,  /* zones, or parts of the page array, cannot be read */
	KD_CHECK_AGREES,      /* free pages found and the zones' counters agree */
	KD_CHECK_CONTRADICTS, /* they do not: free pages are kept */
};

/** kd_filter_check_why_not() - why free pages that are left out were not checked; NULL if they were,
 * or if none are */
const char *kd_filter_check_why_not(enum kd_filter_check check);

/* Frames [pfn, end). */
struct kd_filter_range {
	uint64_t pfn;
	uint64_t end;
};

/** kd_filter_first_range() - index of the first of @n that ends behind @pfn; @n where none does */
size_t kd_filter_first_range(const struct kd_filter_range *ranges, size_t n, uint64_t pfn);

/*
 * Bitmaps: the bit of frame pfn is bit pfn % 8 of byte pfn / 8, as in a diskdump. They are
 * anonymous mappings of whole host pages: where there is no memory nothing was ever written to
 * them and they take none, so look at them only inside the ranges: elsewhere each page looked at
 * costs a fault. Bits from max_pfn on are 0.
 */
struct kd_filter_result {
	uint64_t max_pfn;      /* one more than the highest frame, as kd_vmcore_max_pfn() */
	size_t bitmap_bytes;   /* of each: at least max_pfn / 8, a multiple of 4096 */
	const uint8_t *exists; /* makedumpfile's first bitmap: frames that lie in a segment, be it
				* with a part of them */
	const uint8_t *keep;   /* the second: frames to save, zero pages among them. All of them
				* can be read */
	const uint8_t *late;   /* subset of keep: page cache, user and free pages, of less worth
				* than the kernel's own. NULL unless wanted */
	const uint8_t *vital;  /* what leads to all else: the kernel's page tables, mem_section, the
				* printk ring, per-CPU areas. None of it in late; to be seen together with keep */
	struct kd_filter_range image;	      /* the kernel image; both 0 where not known */
	const struct kd_filter_range *ranges; /* rising, disjoint: all frames lie in them */
	size_t n_ranges;

	uint64_t n_exists;    /* set bits of exists */
	uint64_t n_keep;      /* set bits of keep */
	uint64_t n_absent;    /* exist, but this dump lacks them: filtered before, or cut */
	uint64_t n_lost;      /* of these, the ones that it should have */
	uint64_t n_protected; /* excluded by class, but brought back: the kernel needs them */
	uint64_t n_unknown;   /* kept because they have no struct page, or none that can be read */

	/*
	 * Frames by class, of those that exist and are not absent: found counts all classes,
	 * excluded those that are left out. The sum over excluded, less n_protected, is
	 * n_exists - n_absent - n_keep. The sum over found and n_unknown is n_exists - n_absent
	 * (more, where compound pages of a damaged dump overlap).
	 */
	uint64_t found[KD_N_CLASSES];
	uint64_t excluded[KD_N_CLASSES];

	unsigned int level;   /* that was applied, KD_LEVEL_ZERO as it was asked for */
	unsigned int dropped; /* asked for, but not possible */
	const char *why_dropped[KD_LEVEL_BITS]; /* a reason for each bit in dropped, else NULL */

	enum kd_filter_check check;
	uint64_t check_counted; /* free pages as the zones count them, where they were checked */
	uint64_t check_found;	/* as the page array says */
};

/**
 * kd_filter_open() - find out how this kernel describes its pages
 * @core: borrowed; nobody else may kd_vmcore_read() it during this call and kd_filter_run()
 * @opts: copied
 * @ret: kd_filter_close()
 *
 * A dump without vmcoreinfo, or of a kernel or machine that is not understood, is no error:
 * the level bits are dropped and everything is kept.
 *
 * Return: 0; -KD_USAGE for a level above 31; -KD_NOMEM; -KD_BADDATA where the segments claim
 * so much memory that the bitmaps would not fit in max_bitmap_bytes; -KD_SYS.
 */
int kd_filter_open(struct kd_vmcore *core, const struct kd_filter_opts *opts,
		   struct kd_filter **ret, struct kd_err *err) KD_MUST_CHECK;
void kd_filter_close(struct kd_filter *f);
void kd_filter_closep(struct kd_filter **f);

/**
 * kd_filter_bitmap_bytes() - memory that the bitmaps of @core take at most, all of them together
 * @want_late: as in struct kd_filter_opts; it makes four of three
 *
 * Whoever has a limit asks before kd_filter_open(), which counts in the same way.
 */
uint64_t kd_filter_bitmap_bytes(const struct kd_vmcore *core, bool want_late);

/** kd_filter_model() - "sparsemem-extreme", "sparsemem", "flatmem", "none": for reports */
const char *kd_filter_model(const struct kd_filter *f);

/**
 * kd_filter_run() - read the page array and make the bitmaps; once for each kd_filter
 * @ret: its pointers are borrowed from @f and die with it
 *
 * Starts its threads and ends them. The result does not depend on their number, counters
 * included. Reads 64 bytes for a page frame (16 MiB per GiB of memory), but steps over the inside
 * of free blocks and compound pages. Memory until kd_filter_close(): 32 KiB a bitmap per GiB (three
 * or four of them) and 8 bytes per 32768 frames; while it runs, for each thread, a window and about
 * 200 KiB.
 *
 * When the self-check of free pages fails the page array is read a second time.
 *
 * Return: 0; -KD_NOMEM; -KD_USAGE the second time; -KD_SYS a diskdump's bitmap cannot be read.
 */
int kd_filter_run(struct kd_filter *f, struct kd_filter_result *ret,
		  struct kd_err *err) KD_MUST_CHECK;

/**
 * kd_bitmap_next_run() - next run of set bits in one of the bitmaps
 * @bitmap: aligned to 8 bytes and a multiple of that long, as those of kd_filter_result
 * @from: start looking here; @end: and look no further (exclusive)
 *
 * Return: true, *start_ret and *n_ret, clipped to [from, end); false: no more.
 */
bool kd_bitmap_next_run(const uint8_t *bitmap, uint64_t from, uint64_t end, uint64_t *start_ret,
			uint64_t *n_ret);

/** kd_bitmap_has() - is the bit of @pfn set? */
static inline bool kd_bitmap_has(const uint8_t *bitmap, uint64_t pfn)
{
	return bitmap[pfn / 8] >> (pfn % 8) & 1;
}

#endif
