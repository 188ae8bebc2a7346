/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * format - what a dump file looks like, for writing: where each byte of a
 * diskdump or ELF file goes, and the stream form of either. It takes the facts
 * and bitmaps as they are, gives bytes and offsets to whoever writes, and knows
 * nothing of threads, codecs or targets. lib/dump drives it; lib/ondisk has the
 * layouts of single records. docs/formats/diskdump.md describes the files.
 *
 * Nothing here allocates: callers hand in the room (see the *_BYTES).
 */
#ifndef KD_LIB_FORMAT_FORMAT_H
#define KD_LIB_FORMAT_FORMAT_H

#include "lib/base/base.h"
#include "lib/ondisk/diskdump.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How bytes get out. Each returns 0 or a negative kd_code. */
struct kd_format_out {
	int (*write_at)(void *arg, uint64_t off, const void *buf, size_t len, struct kd_err *err);
	/* what was written before, zeros elsewhere; NULL where that cannot be had */
	int (*read_at)(void *arg, uint64_t off, void *buf, size_t len, struct kd_err *err);
	void *arg;
};

/* Frames [pfn, end). */
struct kd_format_range {
	uint64_t pfn;
	uint64_t end;
};

/* What both formats are told. All borrowed. */
struct kd_format_dump {
	uint32_t page_size;
	uint64_t max_pfn;
	const uint8_t *exists; /* bitmaps, as in a diskdump; bits from max_pfn on are 0 */
	const uint8_t *keep;
	size_t bitmap_bytes; /* of each; may be longer than max_pfn needs */
	/* Where the bitmaps have bits: rising, disjoint. NULL: anywhere. Elsewhere they may be holes
	 * in memory, of which each page that is looked at costs a fault. */
	const struct kd_format_range *ranges;
	size_t n_ranges;
	uint64_t n_keep; /* set bits of keep */
	const uint8_t *notes;
	size_t notes_len;
};

/* ---- diskdump.c: kdump-compressed version 6 ---- */

struct kd_diskdump_params {
	struct kd_format_dump dump;
	/* Filled in: names, time, nr_cpus, and in status the codecs that may occur. Sizes, version
	 * and the incomplete bit are not looked at. */
	struct kd_diskdump_header header;
	uint64_t phys_base;
	uint32_t level;
	uint64_t vmcoreinfo_off; /* in the notes */
	uint64_t vmcoreinfo_len; /* 0: there is none */
};

/* Offsets in the file. */
struct kd_diskdump_layout {
	struct kd_diskdump_header header; /* complete */
	uint64_t notes;
	uint64_t bitmap1;
	uint64_t bitmap2;
	uint64_t descs;
	uint64_t data; /* of the first page, block-aligned */
};

/** kd_diskdump_plan() - where everything goes; -KD_NOTSUP when it does not fit the format */
int kd_diskdump_plan(const struct kd_diskdump_params *p, struct kd_diskdump_layout *ret,
		     struct kd_err *err) KD_MUST_CHECK;

/**
 * kd_diskdump_encode_first_block() - block 0, the file's only part that is written twice
 * @out: page_size bytes
 */
void kd_diskdump_encode_first_block(uint8_t *out, const struct kd_diskdump_layout *l,
				    bool incomplete);

/**
 * kd_diskdump_write_head() - block 0, the sub header, notes and bitmaps
 * @incomplete: what block 0 says
 * @block: room for page_size bytes
 *
 * Pieces of a bitmap that are all zero are not written: they are holes.
 */
int kd_diskdump_write_head(const struct kd_diskdump_params *p, const struct kd_diskdump_layout *l,
			   bool incomplete, uint8_t *block, const struct kd_format_out *out,
			   struct kd_err *err) KD_MUST_CHECK;

/*
 * The table of page descriptors, seen through a window that moves over it. The
 * ordinal of a page is the number of kept pages below it. Ordinals rise; after each
 * kd_desc_table_rewind() they may rise once more.
 */
enum {
	KD_DESC_WINDOW = 32768, /* descriptors: 128 MiB of 4 KiB pages */
	KD_DESC_WINDOW_BYTES = KD_DESC_WINDOW * KD_DISKDUMP_DESC_BYTES,
};

struct kd_desc_table {
	uint8_t *window;     /* KD_DESC_WINDOW_BYTES */
	uint64_t table;	     /* its offset in the file */
	uint64_t n;	     /* descriptors in it */
	uint64_t first;	     /* ordinal of the window's first descriptor */
	uint64_t written_to; /* ordinals below were written: where the next write starts */
	uint64_t next;	     /* one more than the highest ordinal that was set */
	bool by_windows;
	bool rewound;
};

/**
 * kd_desc_table_init() - nothing is set yet
 * @window: room for KD_DESC_WINDOW_BYTES, borrowed
 * @table: its offset in the file
 * @n: how many descriptors it has
 * @by_windows: after a rewind windows are read again, and each is written as a whole every
 *              time, so that a hash of it can be kept. Else what was set is written once, as the
 *              runs it makes
 */
void kd_desc_table_init(struct kd_desc_table *t, uint8_t *window, uint64_t table, uint64_t n,
			bool by_windows);

/** kd_desc_table_holds() - can @ordinal be set without a flush first? */
bool kd_desc_table_holds(const struct kd_desc_table *t, uint64_t ordinal);

/** kd_desc_table_set() - @ordinal must be held, and higher than the last one; offset 0 is none */
void kd_desc_table_set(struct kd_desc_table *t, uint64_t ordinal,
		       const struct kd_diskdump_desc *desc);

/** kd_desc_table_flush() - write what was set since the last flush; the window stays */
int kd_desc_table_flush(struct kd_desc_table *t, const struct kd_format_out *out,
			struct kd_err *err) KD_MUST_CHECK;

/** kd_desc_table_move() - bring @ordinal into the window; flush before */
int kd_desc_table_move(struct kd_desc_table *t, uint64_t ordinal, const struct kd_format_out *out,
		       struct kd_err *err) KD_MUST_CHECK;

/** kd_desc_table_rewind() - begin again with ordinal 0; flush before */
int kd_desc_table_rewind(struct kd_desc_table *t, const struct kd_format_out *out,
			 struct kd_err *err) KD_MUST_CHECK;

/**
 * kd_desc_table_drop_beyond() - take back descriptors not yet flushed whose data ends behind
 * file offset @end: it was never written. Returns how many
 */
uint64_t kd_desc_table_drop_beyond(struct kd_desc_table *t, uint64_t end);

/* ---- elf.c ---- */

/* A segment of the crashed machine's memory. */
struct kd_format_segment {
	uint64_t paddr;
	uint64_t len_bytes;
	uint64_t stored_bytes; /* what can be read of it, from its start */
	uint64_t vaddr;	       /* 0 where not known */
};

/* e_machine, as in lib/ondisk/elf.h */
enum { KD_FORMAT_ELF_X86_64 = 62, KD_FORMAT_ELF_ARM64 = 183 };

struct kd_elf_params {
	struct kd_format_dump dump;
	uint16_t machine;			  /* KD_FORMAT_ELF_* */
	const struct kd_format_segment *segments; /* by rising paddr; may overlap */
	size_t n_segments;
	uint32_t gap_pages; /* shorter runs of pages to leave out are written all the same: fewer
			     * segments. 1: none are */
	/* What stands first in the file is there when it is cut short: the round, from 0 to
	 * KD_ELF_ROUNDS - 1, of the block of block_pages frames that begins with @pfn. NULL: all are
	 * of one. */
	unsigned int (*round_of)(const void *arg, uint64_t pfn);
	const void *round_arg;
	uint64_t block_pages;
};

enum { KD_ELF_ROUNDS = 4 };

/* One PT_LOAD: filesz bytes stand in the file, the rest of memsz was left out. */
struct kd_elf_piece {
	uint64_t paddr;
	uint64_t vaddr;
	uint64_t filesz;
	uint64_t memsz;
	uint64_t off;
	unsigned int round;
};

struct kd_elf_layout {
	uint32_t phnum; /* PT_NOTE included */
	uint64_t phdrs;
	uint64_t shdr; /* of extended numbering; 0: not needed */
	uint64_t notes;
	uint64_t data[KD_ELF_ROUNDS]; /* of each round: one behind the other */
	uint64_t end;		      /* size of the file */
	uint64_t stored_bytes;
};

/* Gives the pieces in the order of their program headers, which is that of addresses. Those of one
 * round are in the order of the file. */
struct kd_elf_iter {
	const struct kd_elf_params *p;
	size_t segment;
	uint64_t pos;		     /* in that segment, bytes */
	uint64_t off[KD_ELF_ROUNDS]; /* in the file */
	bool knows_block;
	uint64_t block; /* the one last asked for */
	unsigned int block_round;
};

/** kd_elf_plan() - counts pieces; -KD_NOTSUP for a file no ELF can be */
int kd_elf_plan(const struct kd_elf_params *p, struct kd_elf_layout *ret,
		struct kd_err *err) KD_MUST_CHECK;

void kd_elf_iter_init(struct kd_elf_iter *it, const struct kd_elf_params *p,
		      const struct kd_elf_layout *l);

/** kd_elf_iter_next() - false at the end */
bool kd_elf_iter_next(struct kd_elf_iter *it, struct kd_elf_piece *ret);

/**
 * kd_elf_write_head() - ELF header, program headers, notes
 * @incomplete: sets the e_flags bit by which makedumpfile marks it, too
 * @room: at least 4096 bytes
 */
int kd_elf_write_head(const struct kd_elf_params *p, const struct kd_elf_layout *l, bool incomplete,
		      uint8_t *room, size_t room_len, const struct kd_format_out *out,
		      struct kd_err *err) KD_MUST_CHECK;

/** kd_elf_encode_first() - the ELF header alone, to be written again at the end */
void kd_elf_encode_first(uint8_t out[64], const struct kd_elf_params *p,
			 const struct kd_elf_layout *l, bool incomplete);

/* ---- flattened.c ---- */

/*
 * The stream form. Chunks go out as they come; the stream is complete when its end
 * marker is there, so a header inside it never says "incomplete".
 */
struct kd_flattened_writer {
	int (*append)(void *arg, const void *buf, size_t len, struct kd_err *err);
	void *arg;
	uint64_t bytes; /* of the stream so far */
};

/** kd_flattened_begin() - the stream's own header; @block: KD_FLATTENED_HEADER_BYTES of room */
int kd_flattened_begin(struct kd_flattened_writer *w, uint8_t *block,
		       struct kd_err *err) KD_MUST_CHECK;
/** kd_flattened_write_at() - one chunk. Readers do not allow that two chunks overlap */
int kd_flattened_write_at(struct kd_flattened_writer *w, uint64_t off, const void *buf, size_t len,
			  struct kd_err *err) KD_MUST_CHECK;
int kd_flattened_end(struct kd_flattened_writer *w, struct kd_err *err) KD_MUST_CHECK;

/* ---- digests.c: hashes of the file's parts, in the file itself ---- */

/*
 * Behind the last page (or segment) of either format, where no reader looks:
 *
 *   record  offset u64, length u64, XXH3 u64     for each range, by rising offset
 *   footer  version u32, algorithm u32 (2: XXH3), number of records u64, XXH3 of the records
 *           and the footer before this u64, "KDDIGEST"
 *
 * The footer is the last thing in the file. All numbers are little-endian.
 */
enum { KD_DIGEST_RECORD_BYTES = 24, KD_DIGEST_FOOTER_BYTES = 32 };

void kd_digest_encode_record(uint8_t out[KD_DIGEST_RECORD_BYTES], const struct kd_hashed_extent *r);

/** kd_digest_encode_footer() - @records: all @n of them, encoded */
void kd_digest_encode_footer(uint8_t out[KD_DIGEST_FOOTER_BYTES], const uint8_t *records, size_t n);

/* A file to be compared with its hashes; hostile. */
struct kd_digest_file {
	/* exactly @len bytes, that lie inside of it */
	int (*read_at)(void *arg, uint64_t off, void *buf, size_t len, struct kd_err *err);
	void *arg;
	uint64_t size;
	uint8_t *room; /* for reading; in practice at least 64 KiB */
	size_t room_len;
};

/* What was found of the table at its end. */
struct kd_digest_check {
	bool present;
	uint64_t table_xxh3; /* of the records and the footer, as one piece */
	struct kd_hash_check ranges;
};

enum kd_digest_depth {
	KD_DIGEST_TABLE, /* is the table itself undamaged? */
	KD_DIGEST_RANGES /* and is what its records tell of? */
};

/**
 * kd_digest_verify() - read the table, and compare the ranges
 *
 * Return: 0, whatever was found (a file without hashes too: !present); -KD_BADDATA the
 * table itself is damaged; -KD_NOTSUP it is of another version or algorithm; what
 * read_at returns.
 */
int kd_digest_verify(const struct kd_digest_file *file, enum kd_digest_depth depth,
		     struct kd_digest_check *ret, struct kd_err *err) KD_MUST_CHECK;

/**
 * kd_digest_compare() - the same with ranges that are known from elsewhere, whatever they are
 *
 * One that is not inside of the file, or cannot be read, is bad.
 */
void kd_digest_compare(const struct kd_digest_file *file, const struct kd_hashed_extent *extents,
		       size_t n, struct kd_hash_check *ret);

#endif
