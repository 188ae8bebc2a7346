/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which shared objects a program of this machine needs. Part of initrd_build; also used by the lab. */
#ifndef KD_INITRD_BUILD_ELFDEPS_H
#define KD_INITRD_BUILD_ELFDEPS_H

#include "lib/base/base.h"

/**
 * kd_elfdeps_collect() - what @path needs to run, all levels, each file once
 * @path: absolute, a program or shared object; trusted (libelf reads it)
 * @files: gets absolute paths as the dynamic linker would look them up: the
 *         interpreter and every DT_NEEDED object, in the order found
 *
 * Looks in DT_RUNPATH/DT_RPATH ($ORIGIN understood), the directories of
 * /etc/ld.so.conf and its includes, and the linker's defaults. A static program
 * adds nothing.
 *
 * Return: 0; -KD_BADDATA not an ELF file of this machine's class; -KD_SYS
 * unreadable; -KD_USAGE a library is nowhere (message names it and who wants it).
 */
int kd_elfdeps_collect(const struct kd_root *root, const char *path, struct kd_strv *files,
		       struct kd_err *err) KD_MUST_CHECK;

#endif
