/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of lib/filter share; for nobody else but its tests. */
#ifndef KD_LIB_FILTER_INTERNAL_H
#define KD_LIB_FILTER_INTERNAL_H

#include "lib/arch/arch.h"
#include "lib/filter/filter.h"

#include <string.h>

/* ---- layout.c: what vmcoreinfo says about struct page ---- */

/* A value of the word that page_type shares with _mapcount. Unknown: mask 0 and value 1, which
 * nothing matches. */
struct kd_page_type {
	uint32_t value;
	uint32_t mask;
};

enum {
	KD_PAGE_STRUCT_MIN_BYTES = 32,
	KD_PAGE_STRUCT_MAX_BYTES = 256,
	KD_MAX_COMPOUND_ORDER = 30, /* 4 TiB in pages of 4 KiB: more than any leaf */
};

/*
 * How to read a struct page. Every offset lies, with the width of its field, inside `bytes`,
 * and of what is not known the mask is 0: so reading needs no test for what is there.
 * "Tail" fields are those of the first tail page, where a compound page keeps its size.
 */
struct kd_page_layout {
	uint32_t bytes; /* of a struct page */

	uint32_t flags, mapcount, mapping, private, head; /* offsets */
	uint64_t lru, private_flag, swapcache, swapbacked, hwpoison, slab_flag, head_flag;
	uint64_t reserved;    /* learned, see kd_learn_reserved() */
	uint64_t anon_bit;    /* of mapping */
	uint64_t tail_bit;    /* of head */
	bool head_is_pointer; /* head, less its bit, is the address of the head's struct page */

	struct kd_page_type buddy, offline, hugetlb, slab, unaccepted;
	unsigned int buddy_orders; /* free blocks have 2^order pages, order below this */

	bool has_order;
	uint32_t tail_order; /* offset of a byte in the first tail page */
	bool has_dtor;
	uint32_t tail_dtor; /* offset of a byte */
	uint8_t hugetlb_dtor;
	uint64_t tail_hugetlb; /* of the first tail page's flags */
};

/* Why level bits cannot be had: [i] for the bit 1 << i, "" where it can. */
struct kd_filter_gaps {
	char why[KD_LEVEL_BITS][200];
};

void kd_filter_gap(struct kd_filter_gaps *gaps, unsigned int levels, const char *fmt, ...)
	KD_PRINTF(3, 4);

/* Fills in what is known; @gaps gets a reason for each level bit that is not possible. Never
 * fails: with nothing known every bit but KD_LEVEL_ZERO has its gap. */
void kd_page_layout_init(struct kd_page_layout *l, const struct kd_vmcoreinfo *info,
			 struct kd_filter_gaps *gaps);

/* ---- classify.h's needs: loads from a struct page of a little-endian dump ---- */

static inline uint64_t kd_load64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint32_t kd_load32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline bool kd_page_is_type(uint32_t word, struct kd_page_type t)
{
	return (word & t.mask) == t.value;
}

#define KD_CLASS_BIT(class) (1U << (class))

/* A bit for each class that fits a page. @tail: the first tail page of a compound head, or NULL.
 * Of KD_CLASS_FREE the order is still to be checked. */
unsigned int kd_page_matches(const struct kd_page_layout *l, const uint8_t *page,
			     const uint8_t *tail);

/* ---- bitmap.c ---- */

/* Anonymous memory of which only touched pages cost anything. */
struct kd_bitmap {
	uint64_t *words;
	size_t bytes;
};

int kd_bitmap_init(struct kd_bitmap *b, size_t bytes, struct kd_err *err) KD_MUST_CHECK;
void kd_bitmap_fini(struct kd_bitmap *b);

void kd_bitmap_set(struct kd_bitmap *b, uint64_t pfn, uint64_t n);
uint64_t kd_bitmap_clear(struct kd_bitmap *b, uint64_t pfn, uint64_t n); /* how many were set */
uint64_t kd_bitmap_count(const struct kd_bitmap *b, uint64_t pfn, uint64_t n);

/* to |= from, for the frames [pfn, pfn + n) */
void kd_bitmap_add(struct kd_bitmap *to, const struct kd_bitmap *from, uint64_t pfn, uint64_t n);

/* ---- memory.c: kernel virtual memory of the dump ---- */

/* One thread's way to kernel virtual addresses. */
struct kd_reader {
	/*
	 * Lends the bytes at @vaddr: at least 1, at most @want, valid until the next call. NULL
	 * where there are none.
	 */
	const uint8_t *(*fetch)(struct kd_reader *r, uint64_t vaddr, size_t want, size_t *len_ret);
	/* Set by fetch: it copies pieces of any length, so what nobody looks at costs as much as the
	 * rest. */
	bool copies;
};

/* Copies all of it, or false. */
bool kd_reader_copy(struct kd_reader *r, uint64_t vaddr, void *buf, size_t len);
bool kd_reader_u64(struct kd_reader *r, uint64_t vaddr, uint64_t *ret);

/* A kd_reader of a dump. Without page tables (@arch NULL) it knows what the segments'
 * p_vaddr say. */
struct kd_dump_reader {
	struct kd_reader reader;
	struct kd_vmcore *core;
	struct kd_arch *arch;
	struct kd_vmcore_window *window;
	size_t ahead_bytes;	    /* translate this far at once */
	uint64_t vaddr, paddr, len; /* translated last */
};

int kd_dump_reader_init(struct kd_dump_reader *r, struct kd_vmcore *core,
			enum kd_vmcore_access access, size_t map_bytes, size_t read_bytes,
			struct kd_err *err) KD_MUST_CHECK;
void kd_dump_reader_fini(struct kd_dump_reader *r);

/* As kd_arch_vtop(): 1 mapped, 0 not mapped and *len_ret says how far, negative not known. */
int kd_dump_reader_vtop(struct kd_dump_reader *r, uint64_t vaddr, uint64_t want,
			uint64_t *paddr_ret, uint64_t *len_ret);

/* ---- symbols.c: the kernel's own table of symbols ---- */

enum { KD_MAX_SYMBOLS = 8 };

/* The values of all @n symbols, or false: vmcoreinfo does not lead to the table (before Linux 6.0),
 * or one of them is not in it. */
bool kd_find_symbols(struct kd_reader *r, const struct kd_vmcoreinfo *info,
		     const char *const *names, uint64_t *values, size_t n);

/* ---- sections.c: where the page array is ---- */

/* Frames whose struct pages lie one behind the other in kernel virtual memory. */
struct kd_section {
	uint64_t pfn;
	uint64_t end;	/* exclusive */
	uint64_t vaddr; /* of the struct page of frame pfn */
};

struct kd_sections {
	struct kd_section *v; /* by pfn, disjoint */
	size_t n;
	const char *model; /* for reports */
	/* The kernel's own tables, to be kept. */
	struct kd_section_table {
		uint64_t vaddr, bytes;
	} * tables;
	size_t n_tables;
};

/*
 * Only sections that have memory, by @exists, are listed. Failure to understand the model is a
 * gap for all level bits, not an error.
 */
int kd_sections_init(struct kd_sections *s, struct kd_vmcore *core, struct kd_reader *r,
		     const struct kd_page_layout *l, const struct kd_log *log,
		     struct kd_filter_gaps *gaps, struct kd_err *err) KD_MUST_CHECK;
void kd_sections_fini(struct kd_sections *s);

/* The section of @pfn, or NULL and in *next_ret the first frame behind @pfn that has one
 * (UINT64_MAX: none). */
const struct kd_section *kd_sections_find(const struct kd_sections *s, uint64_t pfn,
					  uint64_t *next_ret);

/* ---- scan.c: over the page array ---- */

enum {
	/* Frames that one thread decides alone. Fixed, so that the result does not depend on who
	 * does what; more than the largest free block has (2^13 pages, arm64 with 64 KiB each). */
	KD_UNIT_SHIFT = 15,
	KD_UNIT_PAGES = 1 << KD_UNIT_SHIFT,
};

/* The rest of a compound page that is larger than its unit. Its head can only be the unit's first
 * frame, so there is at most one for each. */
struct kd_scan_unit {
	uint32_t nr;   /* frames from nr << KD_UNIT_SHIFT */
	uint8_t order; /* 0: none */
	uint8_t class;
};

struct kd_scan_stats {
	uint64_t found[KD_N_CLASSES];
	uint64_t excluded[KD_N_CLASSES];
	uint64_t unknown;
	uint64_t image;	     /* heads in the kernel image that were not believed */
	uint64_t free_seen;  /* free frames, absent ones too: for the self-check */
	uint64_t unreadable; /* of unknown: the page array cannot be read */
	uint64_t first_unreadable;
	uint64_t bad_free; /* free blocks of impossible order or place */
	uint64_t first_bad_free;
	uint64_t bad_compound; /* heads whose tail pages do not agree */
	uint64_t first_bad_compound;
};

struct kd_scan {
	const struct kd_page_layout *layout;
	struct kd_filter_range image; /* the kernel image; both 0 where not known */
	const struct kd_sections *sections;
	unsigned int page_shift;
	unsigned int exclude; /* a bit for each class */
	uint64_t max_pfn;
	const struct kd_bitmap *exists;
	struct kd_bitmap *keep;
	struct kd_bitmap *late;	    /* NULL: not wanted */
	struct kd_scan_unit *units; /* by nr */
	size_t n_units;
};

/* Frames side by side of one class. */
struct kd_scan_run {
	uint64_t pfn, n;
	unsigned int class;
};

struct kd_scan_look {
	uint64_t flags, anon;
	uint32_t type;
};

struct kd_scan_worker {
	struct kd_scan *scan;
	struct kd_reader *reader; /* of the page array, in order */
	struct kd_reader *aux;	  /* of a struct page elsewhere */
	struct kd_scan_stats stats;
	struct kd_scan_run run; /* decided, and not in the bitmaps yet */

	/* A page judged last without looking at any other: those that follow before look_end are
	 * alike if they look so. */
	struct kd_scan_look look;
	bool look_is_decided; /* it is the last of the run; else it has no class */
	uint64_t look_end;    /* 0: none */

	/* what is at hand of the page array */
	const uint8_t *base;
	uint64_t first, n; /* frames */
	uint64_t vaddr;	   /* of the struct page of frame first */
	size_t ahead;	   /* bytes to ask for at once */
	uint8_t straddling[KD_PAGE_STRUCT_MAX_BYTES];
	uint8_t tail[KD_PAGE_STRUCT_MAX_BYTES];
	uint8_t last[KD_PAGE_STRUCT_MAX_BYTES];
};

void kd_scan_stats_init(struct kd_scan_stats *s);
void kd_scan_stats_add(struct kd_scan_stats *to, const struct kd_scan_stats *from);

/* Decides the frames of scan->units[i]. Different units may be done by different threads. */
void kd_scan_unit(struct kd_scan_worker *w, size_t i);

/* Afterwards, once: what crosses from one unit into others. */
void kd_scan_finish(struct kd_scan *scan, struct kd_scan_stats *stats);

/* ---- check.c ---- */

struct kd_free_count {
	uint64_t pages;	    /* as the zones count them */
	uint64_t tolerance; /* pages: they may be off by that much */
};

/* 1 and *ret, 0 where vmcoreinfo does not lead to the zones, -KD_BADDATA where they cannot be read */
int kd_count_free(struct kd_vmcore *core, struct kd_reader *r, struct kd_free_count *ret);

/* ---- filter.c, run.c ---- */

struct kd_filter {
	struct kd_vmcore *core;
	struct kd_filter_opts opts;
	unsigned int page_shift;
	uint64_t max_pfn;
	unsigned int level, dropped;
	bool has_run;
	uint64_t lost; /* frames that each_stored() came across and the dump should have */

	struct kd_page_layout layout;
	struct kd_filter_gaps gaps;
	struct kd_dump_reader aux;
	struct kd_sections sections;
	struct kd_filter_range image;

	struct kd_bitmap exists, keep, protect, late;
	struct kd_scan_unit *units;
	size_t n_units;
	struct kd_filter_range *ranges; /* runs of units */
	size_t n_ranges;
};

/* ---- protect.c ---- */

/*
 * Marks in f->protect the frames that must be kept whatever their struct page says, but for two
 * things. The kernel image goes to f->image: parts of it are given to the page allocator once the
 * kernel has started. The page array is large and of little use to who has nothing else, so it is
 * kept, but not among what is written first: see kd_each_array_piece().
 */
int kd_protect(struct kd_filter *f, struct kd_err *err) KD_MUST_CHECK;

/* Calls @fn for the frames that hold the page array, piece by piece, inside of f->ranges. */
void kd_each_array_piece(struct kd_filter *f, void (*fn)(void *arg, uint64_t pfn, uint64_t n),
			 void *arg);

/*
 * PG_reserved, which vmcoreinfo does not tell, says that memory was taken at boot: the kernel
 * image, the page array, the first per-CPU areas with crash_notes. The flag has stood before
 * PG_private ever since (Linux 5.4 to 6.18); it is used only if it is set in many pages of the
 * kernel image that are known, and in them no other is that would not go with it.
 */
void kd_learn_reserved(struct kd_filter *f);

#endif
