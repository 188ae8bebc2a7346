/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * check - is what a crash left really what it says it is? Nothing is taken from
 * the guest's word: files come out of the image, hashes are computed again,
 * another program reads the dump, modes are those of the image.
 */
#ifndef KD_LAB_CHECK_H
#define KD_LAB_CHECK_H

#include "lab/case.h"
#include "lab/image.h"
#include "lab/timeline.h"

struct kd_lab_evidence {
	const struct kd_lab_case *c;
	const struct kd_lab_timeline *timeline;
	const struct kd_strv *guest;   /* console lines up to the panic or kexec */
	const struct kd_strv *console; /* and from there on */
	const char *dir;	       /* of the run: disk.img is in it, var/crash comes to it */
	const char *build;	       /* our own programs are in its bin/ */
};

/**
 * kd_lab_check_all() - everything the case asks for
 * @dump_ret: path of the extracted dump directory, NULL where there is none; free()
 *
 * Return: 0 all well; -KD_BADDATA with the first thing that is not.
 */
int kd_lab_check_all(const struct kd_lab_evidence *e, char **dump_ret,
		     struct kd_err *err) KD_MUST_CHECK;

/**
 * kd_lab_check_memory() - can vmcore(1) read the dump QEMU made of a running guest?
 * @path: that file
 * @dump_ret: its path, to be told; free()
 *
 * It must hold the guest's vmcoreinfo, and a kernel log with the guest's last words.
 * Return: 0; -KD_BADDATA, -KD_SYS, -KD_NOMEM.
 */
int kd_lab_check_memory(const struct kd_lab_evidence *e, const char *path, char **dump_ret,
			struct kd_err *err) KD_MUST_CHECK;

/** kd_lab_check_console() - is each of the case's expect-console texts there? */
int kd_lab_check_console(const struct kd_lab_case *c, const struct kd_strv *lines,
			 struct kd_err *err) KD_MUST_CHECK;

/** kd_lab_check_guest() - is each of the case's expect-guest texts among the lines before the panic? */
int kd_lab_check_guest(const struct kd_lab_case *c, const struct kd_strv *lines,
		       struct kd_err *err) KD_MUST_CHECK;

/** kd_lab_check_status() - did kdumpctl status, after the reboot, name the outcome? */
int kd_lab_check_status(const struct kd_lab_case *c, const struct kd_strv *lines,
			struct kd_err *err) KD_MUST_CHECK;

/** kd_lab_check_modes() - all of root's, and no permission for group and others */
int kd_lab_check_modes(const struct kd_lab_inodes *inodes, struct kd_err *err) KD_MUST_CHECK;

/** kd_lab_check_same_lines() - do two kernel logs agree line for line? The first difference is told. */
int kd_lab_check_same_lines(const char *a, const char *a_name, const char *b, const char *b_name,
			    struct kd_err *err) KD_MUST_CHECK;

/** kd_lab_dump_path() - where the case's kdump.conf puts dumps ("/var/crash" unless it says otherwise); borrowed from @c */
const char *kd_lab_dump_path(const struct kd_lab_case *c);

#endif
