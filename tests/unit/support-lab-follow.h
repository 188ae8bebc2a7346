/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a run is told: the console of a machine that panics and comes back, line by line. */
#ifndef KD_TESTS_UNIT_SUPPORT_LAB_FOLLOW_H
#define KD_TESTS_UNIT_SUPPORT_LAB_FOLLOW_H

#include "lab/follow.h"

/* One after the other they are a good run's. */
extern const char *const lines_to_armed[4];
extern const char *const panic_lines[2];
extern const char *const capture_lines[8];
extern const char *const back_lines[4];

/* The machine is to come back by itself, or to be switched on again. */
extern const struct kd_lab_case reboot_case, poweroff_case;

/* The lines, 100 ms apart from @now on; returns the time after them. */
uint64_t say_lines(struct kd_lab_follow *f, const char *const *lines, size_t n, uint64_t now);
#define SAY(f, lines, now) say_lines(f, lines, KD_ARRAY_LEN(lines), now)

/* The run is over and has failed, with @text in the reason. */
void expect_failure(const struct kd_lab_follow *f, const char *text);

#endif
