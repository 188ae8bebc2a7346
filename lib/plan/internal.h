/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What reader and writer of the plan share. Outsiders include plan.h. */
#ifndef KD_LIB_PLAN_INTERNAL_H
#define KD_LIB_PLAN_INTERNAL_H

#include "lib/plan/plan.h"

#define KD_PLAN_MAGIC "kdumpkit-plan"

/*
 * Bounds of decoded values. A line made of the longest of them, each byte
 * percent-encoded, still fits KD_PLAN_MAX_LINE_BYTES.
 */
enum {
	KD_PLAN_MAX_LINE_BYTES = 8192,
	KD_PLAN_MAX_PATH_BYTES = 1024,
	KD_PLAN_MAX_OPTIONS_BYTES = 1024,
	KD_PLAN_MAX_ID_BYTES = 256,
	KD_PLAN_MAX_WORD_BYTES = 1024,
	KD_PLAN_MAX_NAME_BYTES = 64,
	/* With "-YYYY-MM-DD-HH:MM:SS-999" behind it a directory's name stays below 64 bytes. */
	KD_PLAN_MAX_HOST_TAG_BYTES = 39,
	KD_PLAN_MIN_DEADLINE_S = 10,
	KD_PLAN_MAX_DEADLINE_S = 86400,
};

/**
 * kd_plan_check_*() - is what a line says possible?
 *
 * Return: NULL, or what is wrong, as the end of a sentence ("path is not
 * absolute"). The reader puts file and line in front.
 */
const char *kd_plan_check_module(const char *path, const char *options);
const char *kd_plan_check_target(const struct kd_plan_target *target);
const char *kd_plan_check_release(const char *release);
const char *kd_plan_check_host_tag(const char *tag);
const char *kd_plan_check_deadline(uint64_t seconds);
const char *kd_plan_check_timeout(uint64_t seconds);
const char *kd_plan_check_final_action(enum kd_action action);
const char *kd_plan_check_collector(const struct kd_strv *argv);
const char *kd_plan_check_engine(const struct kd_plan_engine *engine);

/** kd_id_kind_from_name() - 0 and *ret, or -KD_BADDATA (no message) */
int kd_id_kind_from_name(const char *name, enum kd_id_kind *ret);

#endif
