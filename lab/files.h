/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * files - what the lab does with the host's files: programs run to their end,
 * trees linked together for an image, sparse copies, removal.
 */
#ifndef KD_LAB_FILES_H
#define KD_LAB_FILES_H

#include "lib/base/base.h"

#include <stdint.h>
#include <sys/types.h>

/**
 * kd_lab_exec() - run a program, at most @timeout_s, and keep what it prints
 * @out: gets its standard output, NULL for none
 * @errs: gets its standard error; NULL: it becomes part of the error message
 *
 * Return: 0 when it exited with 0; -KD_SYS otherwise, its last words in the message.
 */
int kd_lab_exec(const struct kd_strv *argv, unsigned int timeout_s, struct kd_buf *out,
		struct kd_buf *errs, struct kd_err *err) KD_MUST_CHECK;

/** kd_lab_mkdirs() - create a directory and its parents, mode 0777 less the umask */
int kd_lab_mkdirs(const char *path, struct kd_err *err) KD_MUST_CHECK;

/** kd_lab_mkdirs_for() - the directories above the file @path */
int kd_lab_mkdirs_for(const char *path, struct kd_err *err) KD_MUST_CHECK;

/** kd_lab_write_file() - create or overwrite a small file */
int kd_lab_write_file(const char *path, const void *data, size_t len, mode_t mode,
		      struct kd_err *err) KD_MUST_CHECK;

/** kd_lab_copy_file() - a new file @to (0755 or 0644 like @from), shared or sparse where that works */
int kd_lab_copy_file(const char *from, const char *to, struct kd_err *err) KD_MUST_CHECK;

/** kd_lab_link_tree() - directories, links and files below @from again below @to; files as hard links where possible */
int kd_lab_link_tree(const char *from, const char *to, struct kd_err *err) KD_MUST_CHECK;

/** kd_lab_list_dir() - add the names in a directory but hidden ones, sorted */
int kd_lab_list_dir(const char *path, struct kd_strv *names, struct kd_err *err) KD_MUST_CHECK;

/** kd_lab_remove_tree() - rm -rf; something that is not there is fine */
int kd_lab_remove_tree(const char *path, struct kd_err *err) KD_MUST_CHECK;

/** kd_lab_hash_file() - SHA-256 of a file by name */
int kd_lab_hash_file(const char *path, char hex[KD_SHA256_HEX_BYTES],
		     struct kd_err *err) KD_MUST_CHECK;

#endif
