/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "capture-initrd/init/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

enum {
	MAX_LINES = 100, /* relayed to the console */
	MAX_DRAIN_READS = 64,
	OOM_SCORE_COLLECTOR = 900
};

/* Cuts the collector's output into lines. */
struct relay {
	const struct kd_init *init;
	char line[300];
	size_t len;
	bool after_cr;
	unsigned int lines;
	char last[160];
	char before[160]; /* the line before it */
};

static void relay_line(struct relay *r)
{
	r->line[r->len] = '\0';
	if (r->line[strspn(r->line, " \t")] == '\0')
		return;
	kd_init_clean(r->line);
	memcpy(r->before, r->last, sizeof(r->before));
	snprintf(r->last, sizeof(r->last), "%.*s", (int)sizeof(r->last) - 1, r->line);
	r->lines++;
	if (r->lines <= MAX_LINES)
		kd_init_say(r->init, "collector: %s", r->line);
	else if (r->lines == MAX_LINES + 1)
		kd_init_say(r->init, "collector: more than %d lines, the rest is not shown",
			    MAX_LINES);
}

static void relay_bytes(struct relay *r, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = bytes[i];
		/* What a carriage return ends is progress, unless it is half of a CR LF. */
		if (r->after_cr && c != '\n')
			r->len = 0;
		r->after_cr = c == '\r';
		if (c == '\n') {
			relay_line(r);
			r->len = 0;
		} else if (c != '\r' && r->len < sizeof(r->line) - 1) {
			r->line[r->len++] = c;
		}
	}
}

/* 1 something was read, 0 nothing now, -1 the end (or broken, which is the same to us). */
static int relay_read(struct relay *r, int fd)
{
	char buf[4096];
	ssize_t n = read(fd, buf, sizeof(buf));

	if (n > 0) {
		relay_bytes(r, buf, (size_t)n);
		return 1;
	}
	return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

/* Until the collector has ended or @until; its children may keep the pipe open for longer. */
static void relay_while_running(struct relay *r, int pipe_fd, int pidfd, uint64_t until)
{
	bool open = true;

	for (;;) {
		uint64_t now = kd_monotonic_ms();
		uint64_t left = now < until ? until - now : 0;
		struct pollfd pfds[] = {
			{ .fd = pidfd, .events = POLLIN },
			{ .fd = open ? pipe_fd : -1, .events = POLLIN },
		};
		int n = poll(pfds, KD_ARRAY_LEN(pfds), left > 60000 ? 60000 : (int)left);
		if (n < 0 && errno != EINTR)
			return;
		if (n > 0 && pfds[1].revents)
			open = relay_read(r, pipe_fd) >= 0;
		if (left == 0 || (n > 0 && pfds[0].revents))
			return;
	}
}

static int run(struct relay *relay, const struct kd_strv *argv, uint64_t timeout_ms,
	       struct kd_child_end *ret, struct kd_err *err)
{
	uint64_t start = kd_monotonic_ms();
	int ends[2] = { -1, -1 };
	pid_t pid = -1;

	if (pipe2(ends, O_CLOEXEC))
		return kd_fail_sys(err, errno, "start %s: pipe", argv->v[0]);
	KD_AUTO(kd_closep) int read_end = ends[0];
	KD_AUTO(kd_closep) int write_end = ends[1];
	(void)fcntl(read_end, F_SETFL, O_NONBLOCK);

	struct kd_child_opts opts = { .stdin_fd = -1,
				      .stdout_fd = write_end,
				      .stderr_fd = write_end };
	int rc = kd_child_start(argv->v, &opts, &pid, err);
	if (rc)
		return rc;
	close(KD_STEAL_FD(write_end));
	kd_init_oom_score(relay->init, pid, OOM_SCORE_COLLECTOR);

	KD_AUTO(kd_closep) int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	relay_while_running(relay, read_end, pidfd, start + timeout_ms);
	uint64_t spent = kd_monotonic_ms() - start;
	rc = kd_init_wait(pid, spent < timeout_ms ? timeout_ms - spent : 0, ret, err);
	ret->wall_ms = kd_monotonic_ms() - start;
	for (int i = 0; i < MAX_DRAIN_READS && relay_read(relay, read_end) > 0; i++)
		;
	relay_line(relay);
	return rc;
}

int kd_init_collect(const struct kd_init *init, const struct kd_strv *argv, uint64_t timeout_ms,
		    struct kd_child_end *ret, struct kd_err *err)
{
	struct relay relay = { .init = init };
	char how[64];

	memset(ret, 0, sizeof(*ret));
	if (argv->n == 0 || argv->v[0][0] != '/')
		return kd_fail(err, KD_NOTSUP, "the plan names no collector by an absolute path");
	int rc = run(&relay, argv, timeout_ms, ret, err);
	if (rc)
		return rc;
	if (ret->exited && ret->code == 0 && !ret->timed_out)
		return 0;

	const char *slash = strrchr(argv->v[0], '/');
	kd_child_explain(ret, how, sizeof(how));
	if (!relay.last[0])
		return kd_fail(err, KD_SYS, "%s %s", slash + 1, how);
	/* The last line often only says that it failed; the one before says why. */
	return kd_fail(err, KD_SYS, "%s %s (%s%s%s)", slash + 1, how, relay.before,
		       relay.before[0] ? "; " : "", relay.last);
}

int kd_init_vmcore_seal(int dir_fd, uint64_t *bytes_ret, struct kd_err *err)
{
	static const char name[] = KD_DUMPDIR_VMCORE_INCOMPLETE;
	struct stat st = { 0 };
	/* O_NONBLOCK: whatever the collector made there, opening it must not hang. */
	KD_AUTO(kd_closep)
	int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return kd_fail_sys(err, errno, "the collector reported success, but open %s", name);
	if (fstat(fd, &st))
		return kd_fail_sys(err, errno, "stat %s", name);
	if (!S_ISREG(st.st_mode))
		return kd_fail(err, KD_BADDATA, "%s is not a regular file", name);
	if (st.st_size == 0)
		return kd_fail(err, KD_BADDATA, "the collector reported success, but %s is empty",
			       name);
	if ((st.st_mode & 07777) != 0600 && fchmod(fd, 0600))
		return kd_fail_sys(err, errno, "set mode of %s", name);
	/*
	 * The collector wrote through a descriptor of its own. A write error that came after
	 * it was closed is told by syncfs (the directory was open since before), fsync alone
	 * may miss it.
	 */
	if (syncfs(dir_fd))
		return kd_fail_sys(err, errno, "sync the file system of %s", name);
	int rc = kd_dumpdir_rename(dir_fd, name, KD_DUMPDIR_VMCORE, err);
	if (!rc)
		*bytes_ret = (uint64_t)st.st_size;
	return rc;
}
