/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * disk - the guest's disks. One base image a kernel (kernel, modules, busybox,
 * our programs, makedumpfile) is kept below build/lab/base and made again when
 * anything in it has changed; each case gets a sparse copy with its own
 * /etc/kdump.conf and commands.
 */
#ifndef KD_LAB_DISK_H
#define KD_LAB_DISK_H

#include "lab/case.h"
#include "lab/env.h"

/**
 * kd_lab_disk_base() - make sure the base image and initrd of @kernel are there and current
 * @image_ret: path of the image; free()
 * @initrd_ret: path of the production initrd; free()
 */
int kd_lab_disk_base(const struct kd_lab_env *env, const char *kernel, char **image_ret,
		     char **initrd_ret, struct kd_err *err) KD_MUST_CHECK;

/** kd_lab_disk_case() - @dir/disk.img from the base, and @dir/extra.img where the case has a second disk */
int kd_lab_disk_case(const struct kd_lab_env *env, const struct kd_lab_case *c, const char *base,
		     const char *dir, struct kd_err *err) KD_MUST_CHECK;

/** kd_lab_disk_kdump_conf() - text of the case's /etc/kdump.conf */
void kd_lab_disk_kdump_conf(const struct kd_lab_case *c, struct kd_buf *out);

/** kd_lab_disk_mode() - shell variables that tell the guest what kind of case it is */
void kd_lab_disk_mode(const struct kd_lab_case *c, struct kd_buf *out);

/** kd_lab_disk_trigger() - text of the script that crashes the machine */
void kd_lab_disk_trigger(const struct kd_lab_case *c, struct kd_buf *out);

#endif
