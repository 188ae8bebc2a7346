/* SPDX-License-Identifier: GPL-2.0-or-later */
/* initrd - what the lab's production kernel starts from: a static busybox and the disk's modules. */
#ifndef KD_LAB_INITRD_H
#define KD_LAB_INITRD_H

#include "lib/base/base.h"

/**
 * kd_lab_module_order() - the modules a machine with virtio disks and ext4 needs
 * @moddir: .../lib/modules/<release>, with modules.dep.bin
 * @files: gets absolute paths, each once, dependencies first; what is built in is left out.
 * None for a kernel without modules: one without @moddir/kernel.
 */
int kd_lab_module_order(const char *moddir, struct kd_strv *files,
			struct kd_err *err) KD_MUST_CHECK;

/**
 * kd_lab_initrd_write() - write the initrd as a newc archive, uncompressed
 * @busybox: a static one
 * @init: the script that becomes /init
 */
int kd_lab_initrd_write(const char *path, const char *busybox, const char *init, const char *moddir,
			struct kd_err *err) KD_MUST_CHECK;

#endif
