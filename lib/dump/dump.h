/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dump - the engine: reads the memory of a dead kernel through lib/vmcore, asks
 * lib/filter which pages to keep, compresses them in as many threads as there are
 * CPUs and writes them as a diskdump, ELF or flattened file into a sink. What to do
 * when that fails is the caller's business: nothing but a result flows back.
 *
 * How it works, and why the output does not depend on the number of threads:
 * the pages to keep are cut into extents of 256 KiB in a fixed order. A thread
 * takes the next extent, compresses it from the dump's own mapping into a buffer
 * of the extent, and whichever thread finds the extents done up to some point
 * writes them, in order. Only there pages get their place in the file.
 *
 * The order is: headers (they say "incomplete"), notes, bitmaps; page tables, mem_section
 * and the printk ring; the kernel image; the kernel's other pages; page cache, user and
 * free pages if they are kept at all; hashes. Then everything is synced and "incomplete"
 * taken away. What a file cut short holds can be read: descriptors are written after
 * their pages. An ELF file or a stream has the same order by blocks of pages.
 *
 * Memory: everything is taken before the first page is read. Bitmaps (32 KiB per GiB
 * of memory each, 4 of them, or 3 where that is all the limit allows: then user pages
 * are not written last), about 5 MiB, and for each thread 1 MiB at 4 KiB pages. Two threads and
 * more take another 2 MiB where no limit forbids it.
 */
#ifndef KD_LIB_DUMP_DUMP_H
#define KD_LIB_DUMP_DUMP_H

#include "lib/base/base.h"
#include "lib/compress/compress.h"
#include "lib/filter/filter.h"
#include "lib/sink/sink.h"
#include "lib/vmcore/vmcore.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

enum kd_dump_format { KD_DUMP_DISKDUMP, KD_DUMP_ELF };

enum kd_dump_stage { KD_DUMP_FILTERING, KD_DUMP_WRITING, KD_DUMP_SYNCING };

struct kd_dump_progress {
	enum kd_dump_stage stage;
	uint64_t done_bytes; /* of memory, as it was before compression */
	uint64_t total_bytes;
	uint64_t written_bytes; /* to the sink */
	uint64_t elapsed_ms;	/* since kd_dump_run() began */
	uint64_t bytes_per_s;	/* of done_bytes, over the last seconds; 0: not known yet */
};

/* Hashed ranges of one file: see lib/sink/hash.c for how far that reaches. */
enum { KD_DUMP_MAX_EXTENTS = 16384 };

struct kd_dump_opts {
	unsigned int level; /* as in lib/filter; also what the header will say */
	enum kd_dump_format format;
	bool flattened;		      /* the stream form of it; for sinks that only append */
	const struct kd_codec *codec; /* NULL: pages as they are. ELF has no compressed pages */
	unsigned int threads;	      /* 0: one for each CPU this process may use */
	uint64_t max_memory_bytes;    /* 0: no limit. Fewer threads run if that makes it fit */
	uint64_t
		sync_every_bytes; /* sync the sink each time that much was written; 0: at the end */
	bool dry_run;		  /* filter only; the sink may be NULL */
	bool one_pass;		  /* no kernel pages first: pages in the order of their addresses */
	bool no_digests;	  /* leave out the hashes */
	/* Room for KD_DUMP_MAX_EXTENTS: the hashes of what was written, of a truncated dump too.
	 * May be NULL. Filled in at the end, and after each sync before it with what is not written
	 * again: in memory shared with another process they and ret->n_extents are true even when
	 * this one is killed. With flattened the offsets are those of the plain file */
	struct kd_hashed_extent *extents;
	enum kd_vmcore_access access;
	/* Set to anything but 0, by a signal handler or another thread, it ends the dump as if the sink
	 * had failed: truncated, with code KD_AGAIN. May be NULL */
	const volatile sig_atomic_t *stop;
	/* Called about four times a second, by one thread at a time but not always the same. */
	void (*progress)(void *arg, const struct kd_dump_progress *p);
	void *progress_arg;
	const struct kd_log *log; /* areas "dump" and "filter"; may be NULL; used by all threads */
};

/* Pages that could not be read and are zeros in the dump. */
struct kd_dump_bad_run {
	uint64_t pfn;
	uint64_t n;
};

enum { KD_DUMP_MAX_BAD_RUNS = 64 };

struct kd_dump_result {
	/* From the filter. Its bitmaps and ranges are gone: the pointers are NULL. */
	struct kd_filter_result filter;
	char model[32]; /* "sparsemem-extreme", ...: kd_filter_model() */
	/* for each bit in filter.dropped; filter.why_dropped is empty */
	char why_dropped[KD_LEVEL_BITS][200];

	uint64_t pages;	     /* in the dump; filter.n_keep when it is not truncated. While it is
				* written those of an ELF file count as often as it has them */
	uint64_t late_pages; /* of these: written last, as they are not the kernel's own */
	/* Of all that were tried: in a truncated dump some are not, an ELF file may have some twice. */
	uint64_t zero_pages;   /* all zeros */
	uint64_t shared_pages; /* stored once, with another one */
	uint64_t raw_pages;    /* stored as they were */
	uint64_t bad_pages;    /* could not be read */
	struct kd_dump_bad_run bad[KD_DUMP_MAX_BAD_RUNS];
	size_t n_bad;			   /* the first so many runs of them */
	char bad_reason[KD_ERR_MSG_BYTES]; /* why the first could not be read */

	uint64_t file_bytes;	/* size of the file (not of the stream) */
	uint64_t written_bytes; /* to the sink: without holes */
	uint64_t digest_ranges; /* hashes in the file; see lib/format */
	char digests_xxh3[17];	/* hash of those hashes, hexadecimal; "" when there are none */
	size_t n_extents;	/* in opts->extents, by rising offset and apart */

	bool truncated;	   /* the sink took no more; what is there can be read */
	enum kd_code code; /* why: KD_NOSPACE, KD_SYS, KD_AGAIN (stopped) */
	char reason[KD_ERR_MSG_BYTES];
	bool input_incomplete; /* so is the output, and its header says so */

	unsigned int threads;  /* that ran */
	uint64_t memory_bytes; /* taken, bitmaps included */
	uint64_t filter_ms;
	uint64_t write_ms; /* with the last sync */
};

/**
 * kd_dump_run() - make a dump
 * @core: borrowed; nobody else may use it meanwhile, windows of others excepted
 * @sink: borrowed; neither committed nor aborted
 * @ret: filled in as far as things went, on failure too
 *
 * Return: 0 a dump is in the sink; whole unless ret->truncated or ret->input_incomplete. Pages
 * that could not be read are counted and do not end it.
 * Negative, and nothing of use is in the sink: -KD_USAGE for options that
 * contradict each other, or too little max_memory_bytes (the message says how much it
 * takes); -KD_NOTSUP the dump is of a machine that cannot be written, the sink cannot do
 * what the format needs; -KD_BADDATA the dump has no memory in it; -KD_NOMEM; -KD_NOSPACE,
 * -KD_SYS not even the headers could be written.
 */
int kd_dump_run(struct kd_vmcore *core, const struct kd_dump_opts *opts, struct kd_sink *sink,
		struct kd_dump_result *ret, struct kd_err *err) KD_MUST_CHECK;

/* ---- verify.c ---- */

/* What reading a whole dump brought to light. */
struct kd_verify_result {
	uint64_t stored;   /* pages read and found good */
	uint64_t excluded; /* left out when it was written */
	uint64_t lost;	   /* should be there, but were never written */
	uint64_t bad;	   /* stored, but unreadable or corrupt */
	uint64_t first_bad_pfn;
	char bad_reason[KD_ERR_MSG_BYTES]; /* of the first */

	bool has_digests;      /* the file holds hashes of its parts */
	char digests_xxh3[17]; /* as in struct kd_dump_result, to be compared with the manifest's */
	struct kd_hash_check digests;
	char digest_reason
		[KD_ERR_MSG_BYTES]; /* why they could not be compared; "" when they could */
};

struct kd_verify_opts {
	int fd;		 /* the same file, for the hashes in it; -1: none (flattened, split) */
	bool table_only; /* the ranges these are of are compared by kd_dump_compare() */
	void (*progress)(void *arg, const struct kd_dump_progress *p); /* may be NULL */
	void *progress_arg;
};

/**
 * kd_dump_verify() - read every page of a dump, and compare the hashes in its file
 * @core: borrowed
 *
 * Return: 0 however bad the dump is; -KD_NOMEM; -KD_SYS its bitmap cannot be read.
 */
int kd_dump_verify(struct kd_vmcore *core, const struct kd_verify_opts *opts,
		   struct kd_verify_result *ret, struct kd_err *err) KD_MUST_CHECK;

/**
 * kd_dump_compare() - compare the file of a dump with hashes that were kept outside of it
 * @fd: need not be a dump that can be opened
 *
 * A range behind the end of the file, or one that cannot be read, counts as bad.
 *
 * Return: 0 whatever was found; -KD_NOMEM; -KD_BADDATA not a regular file.
 */
int kd_dump_compare(int fd, const struct kd_hashed_extent *extents, size_t n,
		    struct kd_hash_check *ret, struct kd_err *err) KD_MUST_CHECK;

/** kd_dump_count_pages() - the same without reading pages: only stored, excluded and lost are set */
int kd_dump_count_pages(struct kd_vmcore *core, struct kd_verify_result *ret,
			struct kd_err *err) KD_MUST_CHECK;

#endif
