/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * initrd_build - plan to capture image: a newc archive with the static init, the
 * plan, the modules it names (unpacked, in no need of anything but finit_module)
 * and the collector with its libraries. No dracut, no shell but for failure_action shell
 * (busybox), nothing the plan does not ask for. Same plan and same files give the same bytes.
 */
#ifndef KD_INITRD_BUILD_BUILD_H
#define KD_INITRD_BUILD_BUILD_H

#include "lib/base/base.h"
#include "lib/plan/plan.h"

enum kd_image_codec { KD_IMAGE_NONE, KD_IMAGE_GZIP, KD_IMAGE_ZSTD };

struct kd_image_stats {
	uint64_t unpacked_bytes; /* of all files in it */
	uint64_t image_bytes;	 /* as written */
	size_t file_count;
};

/**
 * kd_image_codec_for() - the best compression a kernel can unpack
 * @config_path: its configuration, e.g. /boot/config-6.1.0-18-amd64
 *
 * zstd, else gzip, by CONFIG_RD_*; none where the file cannot be read: every kernel
 * with an initrd takes that.
 */
enum kd_image_codec kd_image_codec_for(const struct kd_root *root, const char *config_path);

/**
 * kd_image_build() - write the image of @plan to @fd (from its present position)
 * @root: where modules, collector and libraries are taken from
 * @init_path: the static capture init, below @root
 *
 * Return: 0; -KD_USAGE a file named by the plan is missing (message names it and the
 * remedy); -KD_SYS, -KD_NOSPACE, -KD_NOMEM, -KD_BADDATA.
 */
int kd_image_build(const struct kd_root *root, const struct kd_plan *plan, const char *init_path,
		   enum kd_image_codec codec, int fd, struct kd_image_stats *stats,
		   struct kd_err *err) KD_MUST_CHECK;

/**
 * kd_image_check() - is this a whole image that could do its work?
 * @fd: of the image; read from its start
 * @name: for messages
 * @plan_ret: the plan inside; kd_plan_fini(); untouched on failure
 *
 * Reads it through, parses the plan and looks for every file the plan names.
 * Return: 0; -KD_BADDATA damaged or not one of ours (with the remedy); -KD_SYS; -KD_NOMEM.
 */
int kd_image_check(int fd, const char *name, struct kd_plan *plan_ret,
		   struct kd_err *err) KD_MUST_CHECK;

/**
 * kd_image_unpacked() - memory the files of an image take once unpacked, in whole pages
 *
 * Reads it through. Return: as kd_image_check(), but the plan is not looked at.
 */
int kd_image_unpacked(int fd, const char *name, uint64_t *ret, struct kd_err *err) KD_MUST_CHECK;

#endif
