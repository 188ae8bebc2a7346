/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "capture-initrd/init/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum {
	OOM_SCORE_TASK = 900,
	DEATH_MS = 2000 /* in which a killed process is gone, unless a device holds it */
};

int kd_init_shared_map(size_t len, void **ret, struct kd_err *err)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return kd_fail_sys(err, errno, "get %zu bytes of shared memory", len);
	*ret = p;
	return 0;
}

void kd_init_shared_unmap(void *p, size_t len)
{
	munmap(p, len);
}

/* Best effort: without it the kernel only chooses less well. */
void kd_init_oom_score(const struct kd_init *init, pid_t pid, int score)
{
	char path[64], text[16];

	snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", (int)pid);
	int len = snprintf(text, sizeof(text), "%d", score);
	KD_AUTO(kd_closep) int fd = kd_root_openat(init->root, path, O_WRONLY, 0, NULL);
	if (fd >= 0 && write(fd, text, (size_t)len) < 0)
		return;
}

static bool ended_in_time(pid_t pid, uint64_t timeout_ms)
{
	uint64_t until = kd_monotonic_ms() + timeout_ms;
	KD_AUTO(kd_closep) int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);

	for (;;) {
		uint64_t now = kd_monotonic_ms();
		uint64_t left = now < until ? until - now : 0;
		struct pollfd pfd = { .fd = pidfd, .events = POLLIN };
		int n = poll(&pfd, 1, left > 60000 ? 60000 : (int)left);
		if (n > 0)
			return true;
		if (n == 0 && left == 0)
			return false;
		if (n < 0 && errno != EINTR)
			return false;
	}
}

int kd_init_wait(pid_t pid, uint64_t timeout_ms, struct kd_child_end *ret, struct kd_err *err)
{
	struct kd_child_end end = { 0 };
	struct rusage usage = { 0 };
	uint64_t start = kd_monotonic_ms();
	int status = 0;

	if (!ended_in_time(pid, timeout_ms)) {
		end.timed_out = true;
		kill(pid, SIGKILL);
		if (!ended_in_time(pid, DEATH_MS)) {
			end.signal = SIGKILL;
			end.wall_ms = kd_monotonic_ms() - start;
			*ret = end;
			return 0;
		}
	}
	while (wait4(pid, &status, 0, &usage) < 0)
		if (errno != EINTR)
			return kd_fail_sys(err, errno, "wait for process %d", (int)pid);
	end.exited = WIFEXITED(status);
	end.code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
	end.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	end.wall_ms = kd_monotonic_ms() - start;
	end.peak_rss_kib = (uint64_t)usage.ru_maxrss;
	*ret = end;
	return 0;
}

int kd_init_task_run(const struct kd_init *init, int (*fn)(void *arg), void *arg,
		     uint64_t memory_bytes, uint64_t timeout_ms, struct kd_child_end *ret,
		     struct kd_err *err)
{
	pid_t pid = fork();

	if (pid < 0)
		return kd_fail_sys(err, errno, "start a process");
	if (pid == 0) {
		struct rlimit limit = { .rlim_cur = memory_bytes, .rlim_max = memory_bytes };

		kd_init_forked();
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		kd_init_oom_score(init, getpid(), OOM_SCORE_TASK);
		if (memory_bytes && setrlimit(RLIMIT_DATA, &limit))
			_exit(126);
		_exit(fn(arg));
	}
	return kd_init_wait(pid, timeout_ms, ret, err);
}
