/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/base/child.h"

#include "lib/base/cleanup.h"
#include "lib/base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static void put_fd(int fd, int as)
{
	if (fd < 0)
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (fd == as)
		fcntl(fd, F_SETFD, 0);
	else if (fd >= 0)
		dup2(fd, as);
}

/* In the child: only async-signal-safe calls. The errno of execve goes up the pipe. */
static _Noreturn void become(char *const argv[], const struct kd_child_opts *opts, int report_fd)
{
	static char *const no_env[] = { NULL };
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	put_fd(opts->stdin_fd, 0);
	put_fd(opts->stdout_fd, 1);
	put_fd(opts->stderr_fd, 2);
	execve(argv[0], argv, opts->env ? opts->env : no_env);

	int sys = errno;
	ssize_t n = write(report_fd, &sys, sizeof(sys));
	_exit(n == (ssize_t)sizeof(sys) ? 127 : 126);
}

int kd_child_start(char *const argv[], const struct kd_child_opts *opts, pid_t *pid_ret,
		   struct kd_err *err)
{
	int ends[2] = { -1, -1 };

	if (pipe2(ends, O_CLOEXEC))
		return kd_fail_sys(err, errno, "start %s: pipe", argv[0]);
	KD_AUTO(kd_closep) int read_end = ends[0];
	KD_AUTO(kd_closep) int write_end = ends[1];

	pid_t pid = fork();
	if (pid < 0)
		return kd_fail_sys(err, errno, "start %s: fork", argv[0]);
	if (pid == 0)
		become(argv, opts, write_end);
	close(KD_STEAL_FD(write_end));

	int sys = 0;
	ssize_t n = kd_read_full(read_end, &sys, sizeof(sys), "exec status", err);
	if (n == 0) {
		*pid_ret = pid;
		return 0;
	}
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return n < 0 ? (int)n : kd_fail_sys(err, sys, "start %s", argv[0]);
}

static void fill_end(struct kd_child_end *end, int status, const struct rusage *usage)
{
	end->exited = WIFEXITED(status);
	end->code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
	end->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	end->peak_rss_kib = (uint64_t)usage->ru_maxrss;
}

int kd_child_run(char *const argv[], const struct kd_child_opts *opts, struct kd_child_end *ret,
		 struct kd_err *err)
{
	struct kd_child_end end = { 0 };
	uint64_t start = kd_monotonic_ms();
	pid_t pid = -1;
	int rc = kd_child_start(argv, opts, &pid, err);

	if (rc)
		return rc;

	KD_AUTO(kd_closep) int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	while (opts->timeout_ms && pidfd >= 0) {
		uint64_t spent = kd_monotonic_ms() - start;
		uint64_t left = spent < opts->timeout_ms ? opts->timeout_ms - spent : 0;
		struct pollfd pfd = { .fd = pidfd, .events = POLLIN };
		int n = poll(&pfd, 1, left > 60000 ? 60000 : (int)left);
		if (n > 0)
			break;
		if (n == 0 && left == 0) {
			end.timed_out = true;
			kill(pid, SIGKILL);
			break;
		}
	}

	int status = 0;
	struct rusage usage = { 0 };
	while (wait4(pid, &status, 0, &usage) < 0)
		if (errno != EINTR)
			return kd_fail_sys(err, errno, "wait for %s", argv[0]);
	fill_end(&end, status, &usage);
	end.wall_ms = kd_monotonic_ms() - start;
	*ret = end;
	return 0;
}

const char *kd_child_explain(const struct kd_child_end *end, char *buf, size_t len)
{
	if (end->timed_out)
		snprintf(buf, len, "still running after %llu s, killed",
			 (unsigned long long)end->wall_ms / 1000);
	else if (end->exited)
		snprintf(buf, len, "exited with status %d", end->code);
	else
		snprintf(buf, len, "killed by signal %d (%s)", end->signal, strsignal(end->signal));
	return buf;
}
