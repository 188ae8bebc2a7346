/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of lib/planner share; not for outsiders. */
#ifndef KD_LIB_PLANNER_INTERNAL_H
#define KD_LIB_PLANNER_INTERNAL_H

#include "lib/planner/planner.h"

/** kd_planner_engine_for() - can the dump engine do what core_collector asks? Then how (@ret) */
bool kd_planner_engine_for(const struct kd_config *config, struct kd_plan_engine *ret);

#endif
