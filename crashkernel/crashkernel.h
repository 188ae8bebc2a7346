/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * crashkernel - the kernel argument crashkernel= and the memory it reserves: its
 * grammar, what a kernel makes of it, which value suits a machine, and how much a
 * capture needs. Pure: facts come in, numbers and text go out. What this kernel did
 * reserve is read by lib/host (kd_host_crash_facts); kdumpctl puts the two together.
 */
#ifndef KD_CRASHKERNEL_CRASHKERNEL_H
#define KD_CRASHKERNEL_CRASHKERNEL_H

#include "lib/base/base.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- grammar.c: one value, to numbers and back ---- */

/* A size as it was written: 1024M and 1G are the same bytes, not the same text. */
struct kd_ck_size {
	uint64_t bytes;
	unsigned int unit; /* 0 none, 1 K, 2 M, ... 6 E; bytes is a multiple of it */
};

/* "2G-64G:256M"; without an end it goes on for ever. */
struct kd_ck_range {
	struct kd_ck_size start;
	bool has_end;
	struct kd_ck_size end; /* the first size that is not in it */
	struct kd_ck_size size;
};

enum kd_ck_form {
	KD_CK_PLAIN,  /* SIZE[@OFFSET] */
	KD_CK_RANGES, /* START-[END]:SIZE[,...][@OFFSET] */
	KD_CK_HIGH,   /* SIZE,high: above 4 GiB */
	KD_CK_LOW,    /* SIZE,low: what goes with it below 4 GiB */
	KD_CK_CMA,    /* SIZE,cma: more, taken from movable memory at the crash (Linux 6.17) */
};

struct kd_ck_value {
	enum kd_ck_form form;
	struct kd_ck_size size; /* zero for KD_CK_RANGES */
	/* ",min=SIZE" (our series): less is taken where .size is not to be had. Behind the size
	 * of KD_CK_PLAIN without an offset, and of KD_CK_HIGH. */
	bool has_min;
	struct kd_ck_size min;
	bool has_offset;
	struct kd_ck_size offset; /* KD_CK_PLAIN and KD_CK_RANGES only */
	struct kd_ck_range *ranges;
	size_t range_count;
};

/**
 * kd_ck_parse() - the text behind "crashkernel="
 * @ret: kd_ck_value_fini(); untouched on failure
 *
 * Takes what the kernel takes, sizes as its memparse() does: 0x and octal numbers, K to E
 * in either case. Refuses, beyond what the kernel refuses, what it takes for something
 * else without a word: numbers beyond 64 bits, which wrap, and text behind the value.
 *
 * Return: 0; -KD_USAGE with the place in the text, what is wrong and what to write;
 * -KD_NOMEM.
 */
int kd_ck_parse(const char *text, struct kd_ck_value *ret, struct kd_err *err) KD_MUST_CHECK;
void kd_ck_value_fini(struct kd_ck_value *value);

/**
 * kd_ck_format() - the value as text, without "crashkernel="
 * @out: appended to
 *
 * The very text it was parsed from, where that wrote its numbers in decimal without
 * leading zeros and its units in capitals; else the same value written so.
 */
void kd_ck_format(const struct kd_ck_value *value, struct kd_buf *out);

/**
 * kd_ck_select() - how much a value asks for on a machine
 * @ram_bytes: as the kernel counts it; rounded up to 128 MiB first, as the kernel does
 *
 * The first range that holds it counts. Return: bytes; 0 where no range does.
 */
uint64_t kd_ck_select(const struct kd_ck_value *value, uint64_t ram_bytes);

/* ---- resolve.c: what a kernel makes of a whole command line ---- */

/* What not every kernel knows. */
enum { KD_CK_KNOWS_CMA = 1, KD_CK_KNOWS_MIN = 2 };

enum kd_ck_verdict {
	KD_CK_ABSENT,  /* no crashkernel= that asks for anything */
	KD_CK_ASKED,   /* understood: this is what the kernel will look for */
	KD_CK_REFUSED, /* nothing is reserved, why tells the cause */
};

struct kd_ck_request {
	enum kd_ck_verdict verdict;
	uint64_t size_bytes;
	uint64_t base; /* @OFFSET; 0: anywhere */
	bool high;
	bool low_given; /* low_bytes is of a ,low word; else the kernel has its own */
	uint64_t low_bytes;
	uint64_t cma_bytes;
	uint64_t min_bytes; /* 0: all or nothing */
	size_t word;	    /* where the value that decided begins in the command line */
	size_t word_len;
	char why[160]; /* KD_CK_REFUSED only */
};

/**
 * kd_ck_resolve() - which crashkernel= of a command line counts, and what for
 * @ram_bytes: of the machine, as the kernel counts it
 * @knows: KD_CK_KNOWS_ flags of that kernel
 *
 * Linux 6.12, kernel/crash_reserve.c, parse_crashkernel(), step for step, including
 * what it overlooks: the last word without a suffix wins, whatever stands before the
 * name ("xcrashkernel=1M" counts); only where there is none do the last ,high and
 * ,low count; numbers wrap; ranges behind the matching one are not looked at. A form
 * the kernel does not know (,cma before 6.17) is to it a broken word without suffix.
 */
void kd_ck_resolve(const char *cmdline, uint64_t ram_bytes, unsigned int knows,
		   struct kd_ck_request *ret);

/* ---- defaults.c: what suits a machine when nobody has measured ---- */

enum kd_ck_page_kib { KD_CK_PAGE_ANY, KD_CK_PAGE_4K = 4, KD_CK_PAGE_64K = 64 };

struct kd_ck_machine {
	const char *name; /* uname -m */
	enum kd_ck_page_kib page;
	bool fadump;	       /* firmware-assisted dump, ppc64le */
	bool memory_encrypted; /* AMD SME or SEV, x86_64 */
	bool mlx5, smmu;       /* aarch64 */
};

/** kd_ck_default() - the value for a machine; "" where there is none. Static text */
const char *kd_ck_default(const struct kd_ck_machine *machine);

/* ---- estimate.c: how much a capture needs ---- */

/* What is to be loaded. */
struct kd_ck_capture {
	uint64_t kernel_bytes; /* what the kernel takes until it has unpacked itself: init_size */
	uint64_t initrd_bytes; /* the image file */
	uint64_t
		unpacked_bytes; /* its files, each in whole pages; 0: unknown, taken as 3 times the file */
	uint64_t module_bytes; /* of the modules once loaded; 0 for none */
	unsigned int cpus;     /* that the capture kernel starts; 0 counts as 1 */
	bool engine;	       /* the built-in engine collects */
	uint64_t ram_bytes;    /* of the machine to be dumped; 0: unknown */
};

enum { KD_CK_MAX_ITEMS = 12 };

struct kd_ck_item {
	const char *name;
	uint64_t bytes;
	const char *from;   /* where the number comes from, for people */
	const char *kernel; /* that it was measured with; NULL: not measured but counted */
};

struct kd_ck_estimate {
	struct kd_ck_item items[KD_CK_MAX_ITEMS]; /* none of 0 bytes; together need_bytes */
	size_t item_count;
	/*
	 * Below this no capture kernel seen so far came up: image and the least any kernel
	 * took beside it. What is refused.
	 */
	uint64_t floor_bytes;
	uint64_t need_bytes;	/* what a capture of this kind takes: whole MiB */
	uint64_t advised_bytes; /* need and a quarter, in steps of 8 MiB: what to reserve */
};

/** kd_ck_estimate() - how much memory the capture needs, item by item; pure */
void kd_ck_estimate(const struct kd_ck_capture *capture, struct kd_ck_estimate *ret);

/* A row of measured.tsv. */
struct kd_ck_measured {
	const char *name;
	uint64_t value; /* KiB, or what name says */
	const char *kernel;
	const char *how; /* the command, or the test, that gave the number */
};

/** kd_ck_measured() - all rows, in the file's order */
const struct kd_ck_measured *kd_ck_measured(size_t *count_ret);

#endif
