/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of lib/planner share; not for outsiders. */
#ifndef KD_LIB_PLANNER_INTERNAL_H
#define KD_LIB_PLANNER_INTERNAL_H

#include "lib/planner/planner.h"

/** kd_planner_engine_for() - can the dump engine do what core_collector asks? Then how (@ret) */
bool kd_planner_engine_for(const struct kd_config *config, struct kd_plan_engine *ret);

/**
 * kd_planner_tell_features() - warn of what a dump of the running kernel will lack
 *
 * Return: 0, also where the kernel does not show its vmcoreinfo; -KD_NOMEM, -KD_BADDATA.
 */
int kd_planner_tell_features(const struct kd_root *root, const struct kd_log *log,
			     const struct kd_planner_facts *facts,
			     struct kd_err *err) KD_MUST_CHECK;

#endif
