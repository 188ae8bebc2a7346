/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Logging: level, area, text. Libraries log through a context they are given;
 * the program decides where it goes. A NULL context logs nothing.
 */
#ifndef KD_LIB_BASE_LOG_H
#define KD_LIB_BASE_LOG_H

#include "lib/base/err.h"

#include <stdbool.h>

enum kd_log_level { KD_LOG_ERROR, KD_LOG_WARN, KD_LOG_INFO, KD_LOG_DEBUG };

struct kd_log {
	/* Called for each message that passes the filter; text has no newline. */
	void (*emit)(void *arg, enum kd_log_level level, const char *area, const char *text);
	void *arg;
	/* Areas whose KD_LOG_DEBUG messages pass: "filter,sink", "all", or NULL for none. */
	const char *debug_areas;
};

void kd_log(const struct kd_log *log, enum kd_log_level level, const char *area, const char *fmt,
	    ...) KD_PRINTF(4, 5);

/** kd_log_debug_on() - would a debug message of @area be shown? */
bool kd_log_debug_on(const struct kd_log *log, const char *area);

#endif
