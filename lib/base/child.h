/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Child processes: an absolute path and an argv, never a shell, always a bound on time. */
#ifndef KD_LIB_BASE_CHILD_H
#define KD_LIB_BASE_CHILD_H

#include "lib/base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct kd_child_opts {
	int stdin_fd;	     /* -1: /dev/null */
	int stdout_fd;	     /* -1: /dev/null */
	int stderr_fd;	     /* -1: /dev/null */
	uint64_t timeout_ms; /* 0: none; afterwards the child gets SIGKILL */
	char *const *env;    /* NULL: an empty environment */
};

struct kd_child_end {
	bool exited; /* true: code holds the exit status */
	int code;
	int signal;	/* else the signal that ended it */
	bool timed_out; /* we sent that signal */
	uint64_t wall_ms;
	uint64_t peak_rss_kib; /* of this child */
};

/**
 * kd_child_run() - run argv[0] and wait for its end
 *
 * Return: 0 when it was started and has ended, however it ended (see @ret);
 * -KD_SYS when it could not be started.
 */
int kd_child_run(char *const argv[], const struct kd_child_opts *opts, struct kd_child_end *ret,
		 struct kd_err *err) KD_MUST_CHECK;

/** kd_child_start() - start only; *pid_ret is for waitpid(2). timeout_ms is not looked at */
int kd_child_start(char *const argv[], const struct kd_child_opts *opts, pid_t *pid_ret,
		   struct kd_err *err) KD_MUST_CHECK;

/** kd_child_explain() - "exited with status 1", "killed by signal 9 (Killed)", ... into @buf */
const char *kd_child_explain(const struct kd_child_end *end, char *buf, size_t len);

#endif
