/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef KD_INITRD_BUILD_INTERNAL_H
#define KD_INITRD_BUILD_INTERNAL_H

#include "lib/base/base.h"

#include <sys/types.h>

/* What goes into the archive. Directories have no data. */
struct kd_image_entry {
	char *path; /* absolute */
	mode_t mode;
	struct kd_buf data;
};

struct kd_image_tree {
	struct kd_image_entry *entries;
	size_t count;
};

void kd_image_tree_fini(struct kd_image_tree *tree);

/** kd_image_tree_add() - add a file or directory and its parents; a path already there stays as it is */
int kd_image_tree_add(struct kd_image_tree *tree, const char *path, mode_t mode,
		      struct kd_buf *data_to_take, struct kd_err *err) KD_MUST_CHECK;

/** kd_image_tree_sort() - by path, so that directories precede what is in them */
void kd_image_tree_sort(struct kd_image_tree *tree);

#endif
