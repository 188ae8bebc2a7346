/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool list_has(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = list; *p;) {
		size_t n = strcspn(p, ",");
		if (n == len && strncmp(p, word, n) == 0)
			return true;
		p += n + (p[n] == ',');
	}
	return false;
}

bool kd_log_debug_on(const struct kd_log *log, const char *area)
{
	if (!log || !log->emit || !log->debug_areas)
		return false;
	return list_has(log->debug_areas, area) || list_has(log->debug_areas, "all");
}

void kd_log(const struct kd_log *log, enum kd_log_level level, const char *area, const char *fmt,
	    ...)
{
	char text[1024];

	if (!log || !log->emit)
		return;
	if (level == KD_LOG_DEBUG && !kd_log_debug_on(log, area))
		return;

	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log->emit(log->arg, level, area, text);
}
