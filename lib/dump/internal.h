/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of lib/dump share; for nobody else. */
#ifndef KD_LIB_DUMP_INTERNAL_H
#define KD_LIB_DUMP_INTERNAL_H

#include "lib/dump/dump.h"
#include "lib/format/format.h"

#include <pthread.h>

enum {
	KD_EXTENT_BYTES = 256 << 10,	/* of memory: what a thread takes at a time */
	KD_EXTENT_PAGES = 64,		/* so many pages in it at most, of 4 KiB */
	KD_WRITE_BYTES = 1 << 20,	/* writes go out in this size, aligned to it */
	KD_CHUNK_BYTES = 4 << 20,	/* or in this, where each becomes a chunk of a stream */
	KD_CHECKPOINT_BYTES = 64 << 20, /* pages written until their descriptors are, too */
	/* a stream may end anywhere, and has no second try */
	KD_STREAM_CHECKPOINT_BYTES = 16 << 20,
	KD_MAP_BYTES = 64 << 20,
};

/* ---- memory.c: one piece of memory for everything, taken at the start ---- */

struct kd_arena {
	uint8_t *base;
	size_t len;
	size_t used;
};

/* Touches every page of it: what cannot be had shows now. */
int kd_arena_init(struct kd_arena *a, size_t len, struct kd_err *err) KD_MUST_CHECK;
void kd_arena_fini(struct kd_arena *a);
/* Page-aligned, zeroed; never NULL: what was summed up with kd_arena_need() is there. */
void *kd_arena_take(struct kd_arena *a, size_t len);
size_t kd_arena_need(size_t len);

/* ---- outbuf.c: collects bytes into large aligned writes ---- */

struct kd_outbuf {
	struct kd_sink *sink;
	uint8_t *buf;
	size_t cap; /* also the alignment of the writes */
	uint64_t start;
	size_t len;
	uint64_t flushed_end; /* where the last successful write ended */
	uint64_t *written;    /* adds up all that was */
};

int kd_outbuf_put(struct kd_outbuf *o, uint64_t off, const void *data, size_t len,
		  struct kd_err *err) KD_MUST_CHECK;
int kd_outbuf_flush(struct kd_outbuf *o, struct kd_err *err) KD_MUST_CHECK;

/* ---- flat.c: a sink that turns writes at offsets into a flattened stream ---- */

/* @inner stays the caller's: kd_sink_unwrap() gives it back. @block: 4096 bytes of room. */
int kd_flat_sink_new(struct kd_sink *inner, uint8_t *block, struct kd_sink **ret,
		     struct kd_err *err) KD_MUST_CHECK;
/* The end marker. */
int kd_flat_sink_end(struct kd_sink *flat, struct kd_err *err) KD_MUST_CHECK;

/* ---- page_hash.c: what tells pages apart ---- */

struct kd_page_hash {
	uint64_t v[2];
};

/* Universal hashing with a random key: whoever does not know the key cannot make two pages
 * that collide, and for any two different pages the odds are 2^-124 or less. */
struct kd_page_hasher {
	const uint64_t *key; /* kd_page_hasher_key_bytes() */
	uint32_t page_size;
	bool carryless; /* products of polynomials: where the CPU has them, the default */
};

/* Has the CPU an instruction for two such products? One at a time is slower than numbers. */
bool kd_page_hash_can_carryless(void);
size_t kd_page_hasher_key_bytes(uint32_t page_size);
/* @key: room for it; filled here */
void kd_page_hasher_init(struct kd_page_hasher *h, void *key, uint32_t page_size);
struct kd_page_hash kd_page_hash(const struct kd_page_hasher *h, const uint8_t *page);

/* ---- same.c: pages of zeros, and pages that were there before ---- */

bool kd_page_is_zero(const uint8_t *page, size_t len);

struct kd_same_entry {
	struct kd_page_hash hash;
	struct kd_diskdump_desc desc;
	uint32_t next; /* in the same bucket: index plus one, 0: none */
};

/*
 * What is stored where: the last max different pages. Exactly those, whatever their hashes are: as
 * the key is random, a table that forgets by hash would give another file each time.
 */
struct kd_same_table {
	struct kd_same_entry *entries; /* a ring */
	uint32_t *buckets;	       /* index of an entry plus one, 0: none */
	uint32_t max;		       /* entries: a power of two */
	uint32_t n;
	uint32_t oldest; /* once it is full */
	/* Only the writer changes it, under the lock; whoever else looks takes the lock. */
	pthread_mutex_t lock;
};

size_t kd_same_bytes(uint32_t max);
/* @room: zeroed */
void kd_same_init(struct kd_same_table *t, void *room, uint32_t max);
/* For several in little more than the time of one: the buckets of all, then, under the lock, what is
 * in them. */
void kd_same_prefetch_bucket(const struct kd_same_table *t, const struct kd_page_hash *hash);
void kd_same_prefetch_entry(const struct kd_same_table *t, const struct kd_page_hash *hash);
const struct kd_diskdump_desc *kd_same_find(const struct kd_same_table *t,
					    const struct kd_page_hash *hash);
/* Is it there, and will it still be after @adds more? Under the lock. */
bool kd_same_lasts(const struct kd_same_table *t, const struct kd_page_hash *hash, uint32_t adds);
/* One that is not there yet. Under the lock. */
void kd_same_add(struct kd_same_table *t, const struct kd_page_hash *hash,
		 const struct kd_diskdump_desc *desc);

/* ---- pages.c: what a worker does with an extent ---- */

enum kd_item_kind {
	KD_ITEM_DATA,
	KD_ITEM_ZERO,
	KD_ITEM_BAD,
	KD_ITEM_SAME,	/* as another item of the extent */
	KD_ITEM_KNOWN,	/* as a page that is stored already: no bytes of its own */
	KD_ITEM_STORED, /* data that has its place in the file now */
};

struct kd_item {
	uint64_t pfn;
	uint64_t ordinal; /* among the kept pages */
	struct kd_page_hash hash;
	uint32_t at; /* in the slot's buffer */
	uint32_t size;
	uint32_t flags;
	uint16_t same; /* index of the item it equals */
	uint8_t kind;
	uint8_t round;
};

enum kd_slot_state { KD_SLOT_FREE, KD_SLOT_TAKEN, KD_SLOT_DONE };

/* One extent on its way. */
struct kd_slot {
	enum kd_slot_state state;
	size_t n;
	struct kd_item items[KD_EXTENT_PAGES];
	uint8_t *buf; /* what is to be stored */
	size_t used;
	/* ELF: a piece of memory and its place in the file */
	unsigned int round;
	uint64_t paddr;
	uint64_t off;
	size_t len;
	struct kd_err bad; /* why the first bad page could not be read */
};

struct kd_worker {
	struct kd_engine *engine;
	struct kd_vmcore_window *window;
	struct kd_compressor *codec;	   /* NULL: none */
	uint8_t *page;			   /* one page of room */
	uint8_t seen[4 * KD_EXTENT_PAGES]; /* hash -> index of an item, plus one */
};

void kd_worker_pack(struct kd_worker *w, struct kd_slot *s); /* diskdump */
void kd_worker_copy(struct kd_worker *w, struct kd_slot *s); /* ELF */

/* ---- pipeline.c: threads, and everything in order ---- */

struct kd_pipeline_ops {
	/* Under the lock: what comes next into @s; false: nothing more. */
	bool (*next)(struct kd_engine *e, struct kd_slot *s);
	/* By any thread. */
	void (*work)(struct kd_worker *w, struct kd_slot *s);
	/* In the order of next(), by one thread at a time. Anything but 0 ends it all. */
	int (*write)(struct kd_engine *e, struct kd_slot *s, struct kd_err *err);
};

struct kd_pipeline {
	const struct kd_pipeline_ops *ops;
	struct kd_engine *engine;
	struct kd_worker *workers;
	unsigned int n_workers;
	struct kd_slot *slots;
	size_t n_slots;

	pthread_mutex_t lock;
	pthread_cond_t moved;
	uint64_t next_take;
	uint64_t next_write;
	bool ended; /* next() had nothing more */
	bool writing;
	int rc;
	struct kd_err err;
};

/* Runs in the calling thread and n_workers - 1 others; fewer where they cannot be started. */
int kd_pipeline_run(struct kd_pipeline *p, struct kd_err *err) KD_MUST_CHECK;

/* ---- the engine ---- */

/* What a file cut short should have is written first. */
enum kd_round {
	KD_ROUND_VITAL, /* page tables, mem_section, the printk ring: small, and all begins there */
	KD_ROUND_IMAGE, /* the kernel image: its variables */
	KD_ROUND_KERNEL, /* everything else of the kernel */
	KD_ROUND_LATE,	 /* page cache, user and free pages */
	KD_N_ROUNDS
};

enum kd_walk_order {
	KD_WALK_RISING, /* by rising frame */
	KD_WALK_ROUNDS, /* in rounds, by rising frame in each */
	KD_WALK_BLOCKS, /* the same, but a block goes as a whole with the first round it has pages of */
};

/* Rounds of single pages would make parts without end, segments of an ELF file or chunks of a stream.
 * Linux keeps pages of one use together by blocks of this size (pageblock_order, x86_64). */
enum { KD_LEAST_BLOCK_PAGES = 512 };

/* Walks the bitmap of pages to keep. */
struct kd_page_walk {
	const uint8_t *keep, *vital;
	const uint8_t *late; /* NULL: such pages are not told from others */
	struct kd_filter_range image;
	enum kd_walk_order order;
	uint64_t block_words;
	const struct kd_filter_range *ranges;
	size_t n_ranges;
	size_t range; /* that has the next word */
	unsigned int round;
	uint64_t block_end; /* of the block whose round is known: a word; 0: none is */
	unsigned int block_round;
	uint64_t word; /* the next to load */
	uint64_t base; /* ordinal of the first page of the loaded one */
	uint64_t kept; /* bits of the loaded one */
	uint64_t left; /* of these still to be given */
};

/* @block_pages: for KD_WALK_BLOCKS, a multiple of 64 */
void kd_page_walk_init(struct kd_page_walk *w, const struct kd_filter_result *f,
		       enum kd_walk_order order, uint64_t block_pages);
/* Does more than one round have pages? */
bool kd_page_walk_has_rounds(const struct kd_filter_result *f);
/* The smallest block, KD_LEAST_BLOCK_PAGES times a power of two, with which all the pages make no more
 * than @max_runs, each of neighbours of one round. */
uint64_t kd_walk_block_pages(const struct kd_filter_result *f, uint64_t max_runs);
bool kd_page_walk_next(struct kd_page_walk *w, uint64_t *pfn_ret, uint64_t *ordinal_ret);

/* How many of the frames [pfn, end) are kept. */
uint64_t kd_kept_pages(const struct kd_filter_result *f, uint64_t pfn, uint64_t end);

/* The round of the block that begins with @pfn; the last where none of its pages is kept. */
unsigned int kd_page_round_of_block(const struct kd_filter_result *f, uint64_t pfn,
				    uint64_t block_pages);

struct kd_engine_format;

struct kd_engine {
	struct kd_vmcore *core;
	const struct kd_dump_opts *opts;
	const struct kd_engine_format *format;
	struct kd_dump_result *result;
	struct kd_sink *user_sink; /* the caller's */
	struct kd_sink *sink;	   /* with our wrappers around it */
	struct kd_sink *flat;	   /* one of these, or NULL */
	struct kd_sink *hash;	   /* the same */
	uint32_t page_size;
	uint32_t extent_pages;
	unsigned int threads;
	uint32_t same_max;
	size_t spare_slots; /* beside two for each thread; none where memory is tight */
	struct kd_arena arena;

	bool want_late; /* in rounds, and there is memory for the bitmap of late pages */
	struct kd_filter *filter;
	struct kd_filter_result kept;
	enum kd_walk_order order;
	uint64_t block_pages; /* KD_WALK_BLOCKS */
	struct kd_format_dump dump;
	struct kd_format_out out;

	struct kd_diskdump_params dd;
	struct kd_diskdump_layout dd_layout;
	struct kd_page_walk walk;
	struct kd_desc_table descs;
	struct kd_same_table same;
	struct kd_page_hasher hasher;
	struct kd_diskdump_desc zero; /* the one stored page of zeros */
	uint64_t data_pos;	      /* where the next page goes */
	uint64_t checkpoint_pos;
	unsigned int round;

	struct kd_format_range *ranges;
	struct kd_format_segment *segments;
	struct kd_elf_params elf;
	struct kd_elf_layout elf_layout;
	struct kd_elf_iter elf_iter;
	struct kd_elf_piece elf_piece; /* what is left of it */
	uint64_t elf_pos;	       /* where the last extent ended in the file */

	struct kd_outbuf outbuf;
	uint8_t *block; /* one page of room */
	uint64_t synced_pos;
	struct kd_worker *workers;
	struct kd_slot *slots;
	size_t n_slots;

	uint64_t start_ms;
	uint64_t said_ms;
	uint64_t total_bytes;
	uint64_t done_bytes;
	struct {
		uint64_t ms, bytes;
	} samples[16];
	unsigned int n_samples;
};

/* facts.c: what the headers say about the crashed machine */
int kd_engine_facts(struct kd_engine *e, struct kd_err *err) KD_MUST_CHECK;

/* setup.c: threads, memory, workers; fini is fine after any failure */
int kd_engine_budget(struct kd_engine *e, struct kd_err *err) KD_MUST_CHECK;
int kd_engine_take_memory(struct kd_engine *e, struct kd_err *err) KD_MUST_CHECK;
int kd_engine_wrap_sink(struct kd_engine *e, struct kd_err *err) KD_MUST_CHECK;
void kd_engine_fini(struct kd_engine *e);

/* kdump.c, elf.c: one format each. begin: nothing of use is in the sink when it fails.
 * end: what is left to write but for the final header. salvage: after a failed write, what
 * can still be saved. */
struct kd_engine_format {
	struct kd_pipeline_ops pipeline;
	int (*begin)(struct kd_engine *e, struct kd_err *err);
	/* What is in the sink then is all there is so far, and consistent. */
	int (*checkpoint)(struct kd_engine *e, struct kd_err *err);
	int (*end)(struct kd_engine *e, struct kd_err *err);
	void (*salvage)(struct kd_engine *e);
	/* The header as it is in a whole file; into e->block, returns its length. */
	size_t (*first)(struct kd_engine *e, bool incomplete);
};
extern const struct kd_engine_format kd_engine_kdump;
extern const struct kd_engine_format kd_engine_elf;

/* How the filter gets at the page array: of all it reads it keeps two bits a page. */
enum kd_vmcore_access kd_engine_filter_access(const struct kd_dump_opts *o);

/* dump.c: opts->extents. Before the end those of what is on the disk and is not written again. */
void kd_engine_keep_extents(struct kd_engine *e, bool at_end);

/* progress.c */
void kd_engine_progress(struct kd_engine *e, enum kd_dump_stage stage, bool now);
void kd_engine_note_bad(struct kd_engine *e, uint64_t pfn, const struct kd_err *why);
/* After an extent of @len bytes of memory went to the sink, up to offset @pos: sync it if opts say
 * so, tell how far we are, end if we are to stop. */
int kd_engine_after_extent(struct kd_engine *e, uint64_t len, uint64_t pos,
			   struct kd_err *err) KD_MUST_CHECK;

#endif
