/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A made-up machine, dumps of it in memory, and looks at them. What goes wrong fails the test. */
#ifndef KD_TESTS_UNIT_SUPPORT_DUMP_H
#define KD_TESTS_UNIT_SUPPORT_DUMP_H

#include "lib/dump/dump.h"
#include "tests/unit/support-sink.h"
#include "tests/unit/support-vmcore.h"

enum {
	RAM = 48 * MIB,
	FRAMES = RAM / PAGE,
	MEM_MAP = 34 * MIB, /* of kd_gen_x86_kernel() */
	FILLED = 40 * MIB,  /* from here on each page is made by a rule */
	FIRST_FILLED = FILLED / PAGE,
	FILLED_FRAMES = FRAMES - FIRST_FILLED,

	LRU = 1 << 4,
	ANON_FROM = FIRST_FILLED + 1000, /* 300 user pages */
	CACHE_FROM = FIRST_FILLED + 500, /* 200 of page cache */
	FREE_FROM = FIRST_FILLED + 1536, /* 512 free ones */
};

struct dump_machine {
	int fd; /* an ELF dump of it */
	struct kd_vmcore *core;
};

/* Zeros, noise, text, pages that are equal, and some user, cache and free ones. kd_gen_free() */
struct kd_gen *dump_machine_new(void);
/* For a group of tests: *state is a struct dump_machine. */
int dump_machine_setup(void **state);
int dump_machine_teardown(void **state);

const struct kd_codec *codec_named(const char *name);

/* A memfd with the dump; close(). */
int make_dump(struct kd_vmcore *core, const struct kd_dump_opts *opts, struct kd_dump_result *r);
/* Into @fd, through a sink that fails so; returns what the engine does. */
int dump_into(struct kd_vmcore *core, const struct kd_dump_opts *o, struct kd_sink_fault fault,
	      int fd, struct kd_dump_result *r, struct kd_err *err);

int page_state(struct kd_vmcore *core, uint64_t pfn);
/* Each page that can be read is what it was. Returns how many can. */
uint64_t compare_dumps(struct kd_vmcore *got, struct kd_vmcore *want);
bool files_equal(int a, int b);
off_t size_of(int fd);

#endif
