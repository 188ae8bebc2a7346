/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files below a root prefix. Every absolute path a library touches goes through
 * a struct kd_root, so the same code runs on this machine ("/") and on a tree
 * captured from another one. Symbolic links, absolute ones too, are resolved
 * inside the prefix and cannot lead out of it (openat2(2), RESOLVE_IN_ROOT).
 */
#ifndef KD_LIB_BASE_ROOT_H
#define KD_LIB_BASE_ROOT_H

#include "lib/base/err.h"

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

struct kd_root;

/** kd_path_has_dotdot() - is one of the path's components ".."? */
bool kd_path_has_dotdot(const char *path);

/**
 * kd_root_open() - open a prefix
 * @prefix: an existing directory; "/" or "" for the machine itself
 * @ret: kd_root_close()
 */
int kd_root_open(const char *prefix, struct kd_root **ret, struct kd_err *err) KD_MUST_CHECK;
void kd_root_close(struct kd_root *root);
void kd_root_closep(struct kd_root **root);

/** kd_root_is_host() - is this the running machine (prefix "/")? */
bool kd_root_is_host(const struct kd_root *root);

/** kd_root_prefix() - the prefix without trailing slash: "" for the machine itself */
const char *kd_root_prefix(const struct kd_root *root);

/**
 * kd_root_openat() - open @path (absolute, as the machine would name it)
 * @flags: as open(2); O_CLOEXEC is added
 * Return: a descriptor, or negative kd_code; err->sys tells ENOENT.
 */
int kd_root_openat(const struct kd_root *root, const char *path, int flags, mode_t mode,
		   struct kd_err *err) KD_MUST_CHECK;

/** kd_root_opendir() - as opendir(3); *ret is for closedir() */
int kd_root_opendir(const struct kd_root *root, const char *path, DIR **ret,
		    struct kd_err *err) KD_MUST_CHECK;

/** kd_root_stat() - stat the file itself, symbolic links followed inside the root */
int kd_root_stat(const struct kd_root *root, const char *path, struct stat *ret,
		 struct kd_err *err) KD_MUST_CHECK;

/** kd_root_exists() - can @path be resolved? (Any failure is "no".) */
bool kd_root_exists(const struct kd_root *root, const char *path);

/** kd_root_readlink() - the text of a symbolic link; free() */
int kd_root_readlink(const struct kd_root *root, const char *path, char **ret,
		     struct kd_err *err) KD_MUST_CHECK;

/**
 * kd_root_realpath() - @path with every symbolic link resolved inside the root
 * @ret: absolute, as the machine would name it (no prefix); free()
 */
int kd_root_realpath(const struct kd_root *root, const char *path, char **ret,
		     struct kd_err *err) KD_MUST_CHECK;

/** kd_root_read() - a whole file, NUL-terminated; free(). Longer than @max_bytes: -KD_BADDATA */
int kd_root_read(const struct kd_root *root, const char *path, size_t max_bytes, char **ret,
		 size_t *len_ret, struct kd_err *err) KD_MUST_CHECK;

/** kd_root_read_line() - first line of a (sysfs) file, without newline, at most 4095 bytes; free() */
int kd_root_read_line(const struct kd_root *root, const char *path, char **ret,
		      struct kd_err *err) KD_MUST_CHECK;

/** kd_root_read_u64() - a file holding one number, decimal or 0x-hexadecimal */
int kd_root_read_u64(const struct kd_root *root, const char *path, unsigned long long *ret,
		     struct kd_err *err) KD_MUST_CHECK;

/** kd_root_mkdirs() - create a directory and its parents (mode for new ones); existing is fine */
int kd_root_mkdirs(const struct kd_root *root, const char *path, mode_t mode,
		   struct kd_err *err) KD_MUST_CHECK;

/**
 * kd_root_write() - replace a file as a whole, or not at all
 *
 * Written beside the old one as "<path>.kd-new", synced, renamed over it, and the
 * directory synced. On failure the old file is untouched and nothing is left.
 */
int kd_root_write(const struct kd_root *root, const char *path, const void *data, size_t len,
		  mode_t mode, struct kd_err *err) KD_MUST_CHECK;

/**
 * kd_root_replace_begin/_reopen/_commit/_abort() - the same for a file too large for
 * memory, or one that must prove itself first
 *
 * begin creates "<path>.kd-new" (O_EXCL after removing a left-over one) and
 * returns a descriptor the caller writes to. reopen syncs it and gives a read-only
 * descriptor instead (the old one is closed, also on failure): some system calls
 * refuse a file that is open for writing. commit syncs, renames and closes; abort
 * closes and removes. Either ends the descriptor's life; abort takes -1 too.
 */
int kd_root_replace_begin(const struct kd_root *root, const char *path, mode_t mode,
			  struct kd_err *err) KD_MUST_CHECK;
int kd_root_replace_reopen(const struct kd_root *root, const char *path, int fd,
			   struct kd_err *err) KD_MUST_CHECK;
int kd_root_replace_commit(const struct kd_root *root, const char *path, int fd,
			   struct kd_err *err) KD_MUST_CHECK;
void kd_root_replace_abort(const struct kd_root *root, const char *path, int fd);

/** kd_root_unlink() - remove a file; one that is not there is fine */
int kd_root_unlink(const struct kd_root *root, const char *path, struct kd_err *err) KD_MUST_CHECK;

#endif
