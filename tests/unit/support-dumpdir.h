/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A dump directory below a temporary one, and a manifest. What goes wrong fails the test. */
#ifndef KD_TESTS_UNIT_SUPPORT_DUMPDIR_H
#define KD_TESTS_UNIT_SUPPORT_DUMPDIR_H

#include "lib/dumpdir/dumpdir.h"

#include <sys/types.h>

/* SHA-256 of "core\n" as sha256sum(1) prints it. */
#define SUM_CORE "d1e6e9f24df974e4c75706d8dd4728911b230bb7162cdfe2689ef4b487263835"

enum { NOW = 1795177296 }; /* 2026-11-20 12:21:36 UTC */

struct dumpdir_fixture {
	char dir[64];
	int parent_fd;
	int dir_fd; /* a dump directory in it */
	char name[64];
	struct kd_err err;
};

/* For each test: *state is a struct dumpdir_fixture, its dump directory of NOW and empty. */
int dumpdir_setup(void **state);
int dumpdir_teardown(void **state);

void write_new(struct dumpdir_fixture *f, const char *name, const char *text);
mode_t mode_of(int dir_fd, const char *name);

/* of "core\n" */
extern const struct kd_hashed_extent manifest_parts[3];

/* A dump that was saved: vmcore with "core\n" in it, an empty vmcore-dmesg.txt. kd_manifest_fini() */
void fill_manifest(struct dumpdir_fixture *f, struct kd_manifest *m);

#endif
