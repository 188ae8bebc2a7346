/* SPDX-License-Identifier: GPL-2.0-or-later */
/* run - one case from an empty directory to its verdict. */
#ifndef KD_LAB_RUN_H
#define KD_LAB_RUN_H

#include "lab/case.h"
#include "lab/env.h"
#include "lab/timeline.h"

enum kd_lab_verdict { KD_LAB_PASS, KD_LAB_FAIL, KD_LAB_SKIP, KD_LAB_BROKEN };

struct kd_lab_result {
	enum kd_lab_verdict verdict;
	char reason[KD_ERR_MSG_BYTES + 160]; /* "" when it passed */
	char *dir;			     /* of the run */
	char *dump;			     /* extracted dump directory; NULL none */
	uint64_t wall_ms;		     /* the whole case */
	struct kd_lab_timeline timeline;
};

void kd_lab_result_fini(struct kd_lab_result *result);

/** kd_lab_run_case() - run it; everything that can go wrong is in the verdict. kd_lab_result_fini() */
void kd_lab_run_case(const struct kd_lab_env *env, const struct kd_lab_case *c,
		     struct kd_lab_result *ret);

/** kd_lab_shell_case() - the same machine, armed, with its console on this terminal; returns when it ends */
int kd_lab_shell_case(const struct kd_lab_env *env, const struct kd_lab_case *c,
		      struct kd_err *err) KD_MUST_CHECK;

/** kd_lab_append() - kernel arguments of a case's machine; free() */
int kd_lab_append(const struct kd_lab_env *env, const struct kd_lab_case *c, bool shell, char **ret,
		  struct kd_err *err) KD_MUST_CHECK;

#endif
