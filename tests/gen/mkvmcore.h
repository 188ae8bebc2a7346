/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mkvmcore - dumps made to order, with as much of a kernel inside as a test asks
 * for: memory that is written page by page or made by a function when the file
 * is written, vmcoreinfo, notes, a printk ring buffer, page tables. For unit
 * tests, golden tests (through the program mkvmcore and a recipe of a few lines)
 * and benchmarks.
 *
 * This is test code: it aborts with a message where a library would return an
 * error. Files it makes are sparse.
 */
#ifndef KD_TESTS_GEN_MKVMCORE_H
#define KD_TESTS_GEN_MKVMCORE_H

#include "lib/base/base.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kd_gen;

/* Where the made-up x86_64 kernel has its memory. */
#define KD_GEN_X86_TEXT	    0xffffffff80000000ULL /* kernel image: vaddr - this + phys_base */
#define KD_GEN_X86_DIRECT   0xffff888000000000ULL /* all RAM: vaddr - this */
#define KD_GEN_X86_PHYSBASE 0x0ULL

/** kd_gen_new() - an empty machine; @elf_machine 62 x86_64, 183 arm64; kd_gen_free() */
struct kd_gen *kd_gen_new(uint16_t elf_machine, uint32_t page_bytes);
void kd_gen_free(struct kd_gen *g);
void kd_gen_freep(struct kd_gen **g);

/* ---- memory ---- */

/** kd_gen_segment() - some memory; @vaddr 0 for none; @filesz less than @memsz: rest left out */
void kd_gen_segment(struct kd_gen *g, uint64_t paddr, uint64_t memsz, uint64_t filesz,
		    uint64_t vaddr);

/** kd_gen_ram() - a segment with the direct map's virtual address */
void kd_gen_ram(struct kd_gen *g, uint64_t paddr, uint64_t len);

/** kd_gen_write() - put bytes into physical memory; what was never written is zero */
void kd_gen_write(struct kd_gen *g, uint64_t paddr, const void *bytes, size_t len);
void kd_gen_put(struct kd_gen *g, uint64_t paddr, uint64_t value, unsigned int bytes);
void kd_gen_read(const struct kd_gen *g, uint64_t paddr, void *buf, size_t len);

/* Makes the bytes of the page at @paddr; leaves @page zeroed if it returns false. */
typedef bool kd_gen_fill_fn(void *arg, uint64_t paddr, uint8_t *page, size_t len);

/** kd_gen_fill() - pages from @paddr on are made by @fn when they are written to a file */
void kd_gen_fill(struct kd_gen *g, uint64_t paddr, uint64_t len, kd_gen_fill_fn *fn, void *arg);

/* ---- what the kernel tells ---- */

/** kd_gen_info() - add text to vmcoreinfo, newlines as given */
void kd_gen_info(struct kd_gen *g, const char *fmt, ...) KD_PRINTF(2, 3);

/** kd_gen_info_base() - OSRELEASE, PAGESIZE and CRASHTIME, as every kernel has */
void kd_gen_info_base(struct kd_gen *g, const char *osrelease, uint64_t crashtime);

/** kd_gen_note() - a note beside VMCOREINFO */
void kd_gen_note(struct kd_gen *g, const char *name, uint32_t type, const void *desc, size_t len);

/* ---- files ---- */

struct kd_gen_elf_opts {
	bool phdrs_last;   /* the segment table behind everything else */
	bool xnum;	   /* use PN_XNUM although there are few */
	uint32_t shift;	   /* bytes by which segments are off a page boundary in the file */
	uint32_t flags;	   /* e_flags */
	uint64_t truncate; /* if not 0: cut the file here */
	bool without_notes;
	bool without_vaddr;
};

/** kd_gen_elf() - write an ELF core file to @fd; @opts may be NULL */
void kd_gen_elf(struct kd_gen *g, int fd, const struct kd_gen_elf_opts *opts);

/* Which codec the pages of a diskdump get. */
enum kd_gen_codec {
	KD_GEN_RAW,
	KD_GEN_ZLIB,
	KD_GEN_LZO,
	KD_GEN_SNAPPY, /* literals and copies, made here: the library cannot write it */
	KD_GEN_ZSTD,
	KD_GEN_MIXED, /* each in turn, by page frame */
};

struct kd_gen_diskdump_opts {
	uint32_t version; /* 0: 6 */
	enum kd_gen_codec codec;
	uint32_t status; /* beyond the codec's bit */
	uint32_t dump_level;
	bool split;
	uint64_t start_pfn, end_pfn;		  /* where split */
	bool (*exclude)(void *arg, uint64_t pfn); /* NULL: keep all */
	void *arg;
	uint64_t stop_after; /* if not 0: descriptors behind this many stay 0 */
	uint64_t truncate;   /* if not 0: cut the file here */
};

/** kd_gen_diskdump() - write a diskdump file to @fd; zero pages share one stored copy */
void kd_gen_diskdump(struct kd_gen *g, int fd, const struct kd_gen_diskdump_opts *opts);

struct kd_gen_flatten_opts {
	uint32_t chunk_bytes; /* 0: 65536 */
	bool backwards;	      /* last chunk first */
	bool repeat_first;    /* a wrong first chunk is sent before the right one */
	bool without_end;
};

/** kd_gen_flatten() - the file @from as a flattened one; holes are left out; @opts may be NULL */
void kd_gen_flatten(int from, int fd, const struct kd_gen_flatten_opts *opts);

/** kd_gen_memfd() - an empty file in memory, close() */
int kd_gen_memfd(const char *name);

/* ---- the kernel log ---- */

enum kd_gen_state { KD_GEN_RESERVED, KD_GEN_COMMITTED, KD_GEN_FINALIZED, KD_GEN_REUSABLE };

/* Plain numbers, so that a test can break any of them before kd_gen_ring_store(). */
struct kd_gen_ring {
	unsigned int count_bits, size_bits;
	uint64_t head_id, tail_id;
	uint64_t head_lpos, tail_lpos;
	struct kd_gen_desc {
		uint64_t state_var, begin, next;
	} * descs;
	struct kd_gen_record {
		uint64_t seq, ts_nsec;
		uint16_t text_len;
		uint32_t caller_id;
	} * infos;
	uint8_t *text;
	uint64_t next_seq;
};

/** kd_gen_ring_new() - an empty ring of 2^count_bits records, 2^size_bits bytes; kd_gen_ring_free() */
struct kd_gen_ring *kd_gen_ring_new(unsigned int count_bits, unsigned int size_bits);
void kd_gen_ring_free(struct kd_gen_ring *r);
void kd_gen_ring_freep(struct kd_gen_ring **r);

/**
 * kd_gen_log() - add a record as the kernel would, pushing out old ones
 *
 * Return: its descriptor's index.
 */
size_t kd_gen_log(struct kd_gen_ring *r, enum kd_gen_state state, uint64_t ts_nsec,
		  const char *text, size_t len);

/** kd_gen_log_empty() - a record without text */
size_t kd_gen_log_empty(struct kd_gen_ring *r, uint64_t ts_nsec);

/** kd_gen_ring_bytes() - room that kd_gen_ring_store() needs */
size_t kd_gen_ring_bytes(const struct kd_gen_ring *r);

/** kd_gen_ring_store() - put it at @paddr, which the kernel knows as @vaddr, and tell vmcoreinfo */
void kd_gen_ring_store(struct kd_gen *g, const struct kd_gen_ring *r, uint64_t paddr,
		       uint64_t vaddr);

/* ---- page tables ---- */

enum kd_gen_pgtable_kind {
	KD_GEN_X86_64,
	KD_GEN_ARM64,	   /* 48-bit physical addresses */
	KD_GEN_ARM64_LPA,  /* 64 KiB pages: bits 51:48 of an address in bits 15:12 */
	KD_GEN_ARM64_LPA2, /* 4 or 16 KiB pages: bits 51:50 in bits 9:8 */
};

struct kd_gen_pgtable {
	struct kd_gen *g;
	enum kd_gen_pgtable_kind kind;
	unsigned int levels;
	unsigned int page_shift;
	unsigned int va_bits;  /* what the root table indexes up to */
	uint64_t root;	       /* physical */
	uint64_t next;	       /* where the next table goes */
	uint64_t or_into_each; /* as the sme_mask bit of encrypted memory */
};

/**
 * kd_gen_map() - map @vaddr to @paddr
 * @leaf: 0 a page, 1 a block one level up (2 MiB with 4 KiB pages), 2 two levels up
 *
 * Tables are made as they are needed, from @pt->next upwards.
 */
void kd_gen_map(struct kd_gen_pgtable *pt, uint64_t vaddr, uint64_t paddr, unsigned int leaf);

/** kd_gen_x86_kernel() - what makedumpfile wants to see of an x86_64 kernel before it prints a
 * log: an image segment of @image_len at 16 MiB, RAM from 0 to @ram_len (at least 40 MiB), tables
 * that map both, init_uts_ns, mem_section. From 17 MiB the image is free for the caller */
void kd_gen_x86_kernel(struct kd_gen *g, const char *osrelease, uint64_t image_len,
		       uint64_t ram_len);

/* ---- recipes ---- */

/** kd_gen_recipe() - build a machine from a recipe and write it to @fd; see mkvmcore-main.c */
int kd_gen_recipe(const char *text, size_t len, const char *name, int fd,
		  struct kd_err *err) KD_MUST_CHECK;

#endif
