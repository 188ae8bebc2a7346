/* SPDX-License-Identifier: GPL-2.0-or-later */
/* accel - can this machine run a guest under KVM? Answered by running one. */
#ifndef KD_LAB_ACCEL_H
#define KD_LAB_ACCEL_H

#include "lab/env.h"

/**
 * kd_lab_accel_resolve() - turn KD_LAB_ACCEL_AUTO into KVM or TCG
 * @kernel: name of a fetched kernel to prove it with
 * @why_ret: in a few words, for people
 *
 * /dev/kvm may exist and open, and a guest under it hang or end at once all the
 * same. So one is started, and has 10 s for the first line of its kernel. The
 * answer is kept in build/lab/accel until the host boots again.
 */
int kd_lab_accel_resolve(const struct kd_lab_env *env, const char *kernel, enum kd_lab_accel *ret,
			 char why_ret[160], struct kd_err *err) KD_MUST_CHECK;

#endif
