/* SPDX-License-Identifier: GPL-2.0-or-later */
/* env - where the lab finds its parts: all below the build directory, the cases beside the source. */
#ifndef KD_LAB_ENV_H
#define KD_LAB_ENV_H

#include "lab/vm.h"
#include "lib/base/base.h"

#include <stdbool.h>

struct kd_lab_env {
	char *build;		 /* absolute; bin/ and lab/ are in it */
	char *cases;		 /* directory of *.test files */
	char *out;		 /* absolute; one directory a case is made in it */
	enum kd_lab_accel accel; /* resolved: never AUTO while a case runs */
	bool timeline;
	bool keep;	/* also the image of a case that passed */
	bool unpatched; /* a case passes when it fails for the reason in its unpatched-fails */
};

/** kd_lab_env_fini() - free what it owns */
void kd_lab_env_fini(struct kd_lab_env *env);

/**
 * kd_lab_env_init() - fill in what the options left NULL
 * @build: NULL: the directory above this program's own (build/bin/kdump-lab -> build)
 * @cases: NULL: tests/panic below the working directory
 * @out: NULL: lab/out below the build directory
 */
int kd_lab_env_init(struct kd_lab_env *env, const char *build, const char *cases, const char *out,
		    struct kd_err *err) KD_MUST_CHECK;

/** kd_lab_env_release() - release of kernel @name ("cloud"); -KD_NOTSUP when it was not fetched; free() */
int kd_lab_env_release(const struct kd_lab_env *env, const char *name, char **ret,
		       struct kd_err *err) KD_MUST_CHECK;

/** kd_lab_env_kernel() - path of its boot/vmlinuz-<release>; free() */
int kd_lab_env_kernel(const struct kd_lab_env *env, const char *name, char **ret,
		      struct kd_err *err) KD_MUST_CHECK;

#endif
