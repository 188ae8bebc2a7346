/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * image - ext4 images made, filled and read without root and without mounting
 * them: mke2fs -d and debugfs of e2fsprogs.
 */
#ifndef KD_LAB_IMAGE_H
#define KD_LAB_IMAGE_H

#include "lib/base/base.h"

#include <stdbool.h>
#include <stdint.h>

/* One entry of a directory in an image. */
struct kd_lab_inode {
	char *path;    /* in the image, absolute */
	uint32_t mode; /* with the file type */
	uint64_t uid, gid;
};

struct kd_lab_inodes {
	struct kd_lab_inode *v;
	size_t n;
};

void kd_lab_inodes_fini(struct kd_lab_inodes *inodes);

/**
 * kd_lab_image_make() - a new image, owned by root inside whoever makes it
 * @tree: directory to fill it from; NULL: empty
 * @uuid: of the file system
 */
int kd_lab_image_make(const char *image, uint64_t size_mib, const char *tree, const char *label,
		      const char *uuid, struct kd_err *err) KD_MUST_CHECK;

/** kd_lab_image_make_xfs() - a new, empty XFS of 300 MiB or more; nothing here can read it */
int kd_lab_image_make_xfs(const char *image, uint64_t size_mib, const char *label, const char *uuid,
			  struct kd_err *err) KD_MUST_CHECK;

/**
 * kd_lab_debugfs() - carry out debugfs commands on an image
 * @commands: one a line
 * @out: gets what they print; may be NULL
 *
 * debugfs exits with 0 whatever happens, so every complaint on its standard error
 * is a failure, but those of an rdump that may not change an owner.
 */
int kd_lab_debugfs(const char *image, bool write, const char *commands, struct kd_buf *out,
		   struct kd_err *err) KD_MUST_CHECK;

/** kd_lab_image_list() - everything below directory @path of an image, at most 8 levels deep; kd_lab_inodes_fini() */
int kd_lab_image_list(const char *image, const char *path, struct kd_lab_inodes *ret,
		      struct kd_err *err) KD_MUST_CHECK;

/**
 * kd_lab_parse_ls() - add the entries of "ls -p" output ("/inode/mode/uid/gid/name/size/")
 * @parent: path of the directory listed, without trailing slash
 */
int kd_lab_parse_ls(const char *text, const char *parent, struct kd_lab_inodes *ret,
		    struct kd_err *err) KD_MUST_CHECK;

#endif
