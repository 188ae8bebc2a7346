/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A capture kernel's root, a target and a crashed kernel's memory, all of them files; saving it. */
#ifndef KD_TESTS_UNIT_SUPPORT_INIT_SAVE_H
#define KD_TESTS_UNIT_SUPPORT_INIT_SAVE_H

#include "capture-initrd/init/internal.h"

struct save_fixture {
	char dir[40];	 /* the target's file system, as mounted */
	char sysdir[40]; /* the capture kernel's root */
	struct kd_init init;
	struct kd_init_shared shared;
	int said_fd;
	char said[16384];
	struct kd_root *target;
	struct kd_manifest manifest;
	char *name; /* of the dump directory */
};

/* For each test: *state is a struct save_fixture with one target; there is no /proc/vmcore. */
int save_setup(void **state);
int save_teardown(void **state);

/*
 * A crashed kernel's memory with @lines lines of log in it, as /proc/vmcore. @absent: so much
 * memory more, of which the dump has nothing.
 */
void add_large_vmcore(struct save_fixture *f, unsigned int lines, uint64_t absent);
/* ... no memory more */
void add_vmcore(struct save_fixture *f, unsigned int lines);

/* kd_init_save() to the target */
enum kd_outcome save_dump(struct save_fixture *f, struct kd_err *err);
/* All lines that were said so far; in f->said until the next call. */
const char *said(struct save_fixture *f);

/* Reads the manifest as the host will, and has the host's check of the files. */
void read_back(struct save_fixture *f);
/* What read_back() found: is there such a file, does the manifest list it? */
bool has_file(const struct save_fixture *f, const char *name);
bool manifest_lists(const struct save_fixture *f, const char *name);

#endif
