/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of lib/host share; not for outsiders. */
#ifndef KD_LIB_HOST_INTERNAL_H
#define KD_LIB_HOST_INTERNAL_H

#include "lib/host/host.h"

#include <libkmod.h>

/* ---- paths.c ---- */

/**
 * kd_host_canonical() - absolute path with symbolic links resolved inside the root
 *
 * Unlike kd_root_realpath() the path, or the place a link leads to, need not exist:
 * what does not exist is kept as it is written. free() *ret.
 */
int kd_host_canonical(const struct kd_root *root, const char *path, char **ret,
		      struct kd_err *err) KD_MUST_CHECK;

/** kd_host_base() - last component of a path */
const char *kd_host_base(const char *path);

/** kd_host_parent() - everything before the last component, "/" at least; free() */
int kd_host_parent(const char *path, char **ret, struct kd_err *err) KD_MUST_CHECK;

/**
 * kd_host_try_line() - first line of <dir>/<file>, blanks around it removed; free()
 *
 * NULL where there is no such file, it cannot be read, or it is empty. Return: 0, -KD_NOMEM.
 */
int kd_host_try_line(const struct kd_root *root, const char *dir, const char *file, char **ret,
		     struct kd_err *err) KD_MUST_CHECK;

/** kd_host_try_link() - last component of what the link <dir>/<file> names; NULL as above; free() */
int kd_host_try_link(const struct kd_root *root, const char *dir, const char *file, char **ret,
		     struct kd_err *err) KD_MUST_CHECK;

/** kd_host_has() - does <dir>/<file> exist? */
bool kd_host_has(const struct kd_root *root, const char *dir, const char *file);

/** kd_host_list() - names in a directory, sorted, without . and ..; a missing one is empty */
int kd_host_list(const struct kd_root *root, const char *dir, struct kd_strv *ret,
		 struct kd_err *err) KD_MUST_CHECK;

/* ---- device.c ---- */

/** kd_host_block_dir() - /sys/devices/... of a block device number; free() */
int kd_host_block_dir(const struct kd_root *root, unsigned int major, unsigned int minor,
		      char **ret, struct kd_err *err) KD_MUST_CHECK;

/* ---- superblock.c ---- */

/**
 * kd_host_superblock() - fill fstype, fs_uuid, fs_label, part_uuid, part_label
 * @sysdir: the device's directory in /sys/devices
 * @unreadable: set where the device could not be opened; may be NULL
 */
int kd_host_superblock(const struct kd_root *root, const char *sysdir, struct kd_host_device *dev,
		       bool *unreadable, struct kd_err *err) KD_MUST_CHECK;

/* ---- kmod.c ---- */

/* libkmod over the modules of one kernel. */
struct kd_host_kmod {
	const struct kd_root *root;
	struct kmod_ctx *ctx;
	char *prefix;  /* real path of the root, "" for the machine itself */
	char *dirname; /* module directory with the prefix, links resolved */
	char *release;
};

/**
 * kd_host_kmod_open() - open the module indexes of a kernel
 * @with_config: read modprobe.d below the root too (options, softdeps, aliases)
 *
 * Return: 0; -KD_USAGE no modules or no index for @release.
 */
int kd_host_kmod_open(const struct kd_root *root, const char *release, bool with_config,
		      struct kd_host_kmod **ret, struct kd_err *err) KD_MUST_CHECK;
void kd_host_kmod_close(struct kd_host_kmod *kmod);
void kd_host_kmod_closep(struct kd_host_kmod **kmod);

/**
 * kd_host_kmod_lookup() - module files a name or an alias stands for
 * @names: added to, no duplicates
 * @known: set when the kernel has something for @alias, built in or as a file
 */
int kd_host_kmod_lookup(const struct kd_host_kmod *kmod, const char *alias, struct kd_strv *names,
			bool *known, struct kd_err *err) KD_MUST_CHECK;

/** kd_host_kmod_need() - the same, -KD_USAGE where the kernel has nothing for @name */
int kd_host_kmod_need(const struct kd_host_kmod *kmod, const char *name, struct kd_strv *names,
		      struct kd_err *err) KD_MUST_CHECK;

/** kd_host_kmod_path() - path of a module as the machine names it; NULL if built in; free() */
int kd_host_kmod_path(const struct kd_host_kmod *kmod, const struct kmod_module *mod, char **ret,
		      struct kd_err *err) KD_MUST_CHECK;

/* For KD_AUTO. */
void kd_host_kmod_unref_listp(struct kmod_list **list);

/* The error for a module the capture kernel does not have. */
int kd_host_kmod_missing(const struct kd_host_kmod *kmod, const char *name, struct kd_err *err);

/** kd_host_kcore_text() - kd_host_vmcoreinfo() of an open /proc/kcore */
int kd_host_kcore_text(int fd, struct kd_buf *out, struct kd_err *err) KD_MUST_CHECK;

#endif
