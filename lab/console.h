/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * console - the guest's serial console: kept as it came in console.log, with the
 * host's clock in front of each line in console.times, and cut into lines for
 * whoever follows the run.
 */
#ifndef KD_LAB_CONSOLE_H
#define KD_LAB_CONSOLE_H

#include "lib/base/base.h"

#include <stdint.h>

enum { KD_LAB_LINE_BYTES = 2048 };

struct kd_lab_console {
	int log_fd;	   /* console.log */
	int times_fd;	   /* console.times */
	uint64_t start_ms; /* kd_monotonic_ms() of the first start */
	uint64_t bytes;	   /* received so far */
	size_t len;	   /* of the line being received */
	char line[KD_LAB_LINE_BYTES];
	/* Called for each whole line, without CR, LF and escape sequences. */
	void (*on_line)(void *arg, const char *line, uint64_t now_ms);
	void *arg;
};

/** kd_lab_console_open() - create both files in @dir; kd_lab_console_close() */
int kd_lab_console_open(struct kd_lab_console *con, const char *dir,
			struct kd_err *err) KD_MUST_CHECK;
void kd_lab_console_close(struct kd_lab_console *con);

/**
 * kd_lab_console_feed() - bytes that came at @now_ms (kd_monotonic_ms())
 *
 * A line longer than KD_LAB_LINE_BYTES is cut into several.
 */
int kd_lab_console_feed(struct kd_lab_console *con, const void *data, size_t len, uint64_t now_ms,
			struct kd_err *err) KD_MUST_CHECK;

#endif
