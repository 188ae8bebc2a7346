/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What writer and reader of a dump directory share. Outsiders include dumpdir.h. */
#ifndef KD_LIB_DUMPDIR_INTERNAL_H
#define KD_LIB_DUMPDIR_INTERNAL_H

#include "lib/dumpdir/dumpdir.h"

#define KD_MANIFEST_PROGRAM "kdumpkit"

/** kd_manifest_name_ok() - may a file of the dump directory be called that? */
bool kd_manifest_name_ok(const char *name);

/** kd_manifest_has_file() - is @name listed? */
bool kd_manifest_has_file(const struct kd_manifest *m, const char *name);

/** kd_manifest_holds() - does @x have a length, and lie inside of the vmcore that is listed? */
bool kd_manifest_holds(const struct kd_manifest *m, const struct kd_hashed_extent *x);

/**
 * kd_manifest_text_len() - length of the clean character at @s: UTF-8 and no control
 * character (C0, DEL or C1: a terminal may obey them); 0 where none stands
 */
size_t kd_manifest_text_len(const unsigned char *s, size_t left);

#endif
