/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A small machine made of files, for tests: a temporary directory that is opened as
 * a kd_root, with what /proc, /sys, /dev and /lib/modules would hold. Failures to
 * build it end the test through cmocka.
 */
#ifndef KD_TESTS_UNIT_SUPPORT_TREE_H
#define KD_TESTS_UNIT_SUPPORT_TREE_H

#include "lib/base/base.h"

struct tree {
	char dir[32];
	struct kd_root *root;
};

void tree_init(struct tree *t);
void tree_fini(struct tree *t); /* removes the directory */
/* Any other directory with all that is in it. */
void tree_remove(const char *dir);

/* Paths are as the machine would name them; missing directories are made. */
void tree_dir(const struct tree *t, const char *path);
void tree_bytes(const struct tree *t, const char *path, const void *data, size_t len);
void tree_file(const struct tree *t, const char *path, const char *fmt, ...) KD_PRINTF(3, 4);
void tree_link(const struct tree *t, const char *path, const char *text);
/* a relative link to another absolute path, as sysfs has them; the target's directory is made */
void tree_syslink(const struct tree *t, const char *path, const char *to);

/*
 * A device directory in /sys/devices. modalias, driver and module may be NULL; driver
 * is "pci/ahci" (bus and name). A driver without module is built in.
 */
void tree_device(const struct tree *t, const char *dir, const char *modalias, const char *driver,
		 const char *module);
/* A block device there, with its links in /sys/class/block and /sys/dev/block. */
void tree_block(const struct tree *t, const char *dir, const char *number);
/* ... a partition of it */
void tree_partition(const struct tree *t, const char *dir, const char *number);
/* upper is made of lower: slaves/ and holders/ */
void tree_stack(const struct tree *t, const char *upper_dir, const char *lower_dir);

/* A module file that depmod and libkmod understand. Lists are separated by blanks. */
struct tree_module {
	const char *file;    /* "kernel/fs/ext4.ko", below the module directory */
	const char *modinfo; /* "alias=fs-ext4 softdep=pre:+crc32c", '+' for a blank */
	const char *exports; /* symbols */
	const char *imports;
};
/* The bytes of such a file. */
void tree_module_bytes(const struct tree_module *m, struct kd_buf *out);
void tree_modules(const struct tree *t, const char *dir, const struct tree_module *list,
		  size_t count);
/* depmod -b */
void tree_depmod(const struct tree *t, const char *release);

#endif
