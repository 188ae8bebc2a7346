/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "capture-initrd/init/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

enum { STUCK_REBOOT_S = 10, SYNC_TIMEOUT_MS = 10000 };

static const int fault_signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT };

/* Text of known length to the kernel log: all a signal handler may do. */
static void tell(const char *line, size_t len)
{
	if (write(KD_INIT_KMSG_FD, line, len) < 0 && write(STDERR_FILENO, line, len) < 0)
		return; /* nobody left to tell */
}

/* reboot(2) shuts devices down first, and one that hangs would keep us here. */
static void guard(char sysrq)
{
	/* _Fork, not fork: this also runs in signal handlers. */
	if (_Fork() == 0) {
		const struct timespec patience = { .tv_sec = STUCK_REBOOT_S };
		nanosleep(&patience, NULL);
		_exit(write(KD_INIT_SYSRQ_FD, &sysrq, 1) == 1 ? 0 : 1);
	}
}

_Noreturn void kd_init_reboot(void)
{
	guard('b');
	(void)reboot(RB_AUTOBOOT);
	for (;;)
		pause();
}

static void on_fault(int sig)
{
	static const char text[] = "<2>kdumpkit: init was hit by signal ";
	char line[sizeof(text) + 16];
	size_t len = sizeof(text) - 1;

	memcpy(line, text, len);
	line[len++] = (char)('0' + sig / 10 % 10);
	line[len++] = (char)('0' + sig % 10);
	memcpy(line + len, ", rebooting\n", 12);
	tell(line, len + 12);
	kd_init_reboot();
}

static void handle_faults(void (*handler)(int))
{
	struct sigaction sa = { .sa_handler = handler, .sa_flags = SA_RESETHAND };

	sigemptyset(&sa.sa_mask);
	for (size_t i = 0; i < KD_ARRAY_LEN(fault_signals); i++)
		sigaction(fault_signals[i], &sa, NULL);
}

void kd_init_on_crash(void)
{
	handle_faults(on_fault);
}

void kd_init_forked(void)
{
	handle_faults(SIG_DFL);
	signal(SIGALRM, SIG_DFL);
}

static void on_deadline(int sig, siginfo_t *info, void *context)
{
	static const char action[] = "<6>kdumpkit: action reboot (deadline)\n";
	const struct kd_init_timer *timer = info->si_value.sival_ptr;

	(void)sig;
	(void)context;
	/* Anybody may send SIGALRM; only the timer's own counts. */
	if (info->si_code != SI_TIMER)
		return;
	tell(timer->line, strlen(timer->line));
	tell(action, sizeof(action) - 1);
	kd_init_reboot();
}

static int make_timer(struct kd_init_timer *timer, struct kd_err *err)
{
	struct sigaction sa = { .sa_sigaction = on_deadline, .sa_flags = SA_SIGINFO };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL,
				  .sigev_signo = SIGALRM,
				  .sigev_value.sival_ptr = timer };

	sigemptyset(&sa.sa_mask);
	if (sigaction(SIGALRM, &sa, NULL) || timer_create(CLOCK_BOOTTIME, &event, &timer->id))
		return kd_fail_sys(err, errno, "make the deadline's timer");
	timer->made = true;
	return 0;
}

int kd_init_arm(struct kd_init *init, uint64_t deadline_s, struct kd_err *err)
{
	struct kd_init_timer *timer = &init->timer;
	uint64_t at_ms = init->start_ms + deadline_s * 1000;
	struct itimerspec at = { .it_value.tv_sec = (time_t)(at_ms / 1000),
				 .it_value.tv_nsec = (long)(at_ms % 1000) * 1000000 };

	init->deadline_s = deadline_s;
	int rc = timer->made ? 0 : make_timer(timer, err);

	if (rc)
		return rc;
	snprintf(timer->line, sizeof(timer->line),
		 "<2>kdumpkit: deadline %" PRIu64 " s passed, rebooting\n", deadline_s);
	/* start_ms is CLOCK_BOOTTIME too, so the time to come can be named as it is. */
	if (timer_settime(timer->id, TIMER_ABSTIME, &at, NULL))
		return kd_fail_sys(err, errno, "set the deadline to %" PRIu64 " s", deadline_s);
	return 0;
}

static int sync_task(void *arg)
{
	(void)arg;
	sync();
	return 0;
}

void kd_init_sync(const struct kd_init *init)
{
	struct kd_child_end end = { 0 };
	struct kd_err err = { 0 };

	if (kd_init_task_run(init, sync_task, NULL, 0, SYNC_TIMEOUT_MS, &end, &err))
		kd_init_say(init, "sync failed %s", err.msg);
	else if (end.timed_out)
		kd_init_say(init, "sync failed still running after %d s", SYNC_TIMEOUT_MS / 1000);
}

/* In a child: a session of its own on the console. Returns only when there is no shell. */
static int become_shell(void *arg)
{
	/* Not every busybox finds its own commands without a link for each. */
	char *const argv[] = { "busybox", "sh", "-c",
			       KD_PLAN_BUSYBOX_PATH " --install -s /bin; exec " KD_PLAN_BUSYBOX_PATH
						    " sh",
			       NULL };
	char *const env[] = { "PATH=/bin:/sbin:/usr/bin:/usr/sbin", "HOME=/", "TERM=linux", NULL };
	int fd = -1;

	setsid();
	fd = open("/dev/console", O_RDWR);
	if (fd >= 0) {
		ioctl(fd, TIOCSCTTY, 1);
		for (int i = 0; i < 3; i++)
			dup2(fd, i);
	}
	/* Said here, as what is typed before the console is open is lost. */
	kd_init_say(arg, "shell on the console, its end is the machine's reboot");
	execve(KD_PLAN_BUSYBOX_PATH, argv, env);
	return 1;
}

static void offer_shell(struct kd_init *init)
{
	struct kd_child_end end = { 0 };
	struct kd_err err = { 0 };

	if (!kd_root_exists(init->root, KD_PLAN_BUSYBOX_PATH)) {
		kd_init_say(init, "no shell in this image (%s), rebooting instead",
			    KD_PLAN_BUSYBOX_PATH);
		return;
	}
	/* Somebody is to look around: no deadline for that. */
	if (init->timer.made)
		timer_delete(init->timer.id);
	init->timer.made = false;
	if (kd_init_task_run(init, become_shell, init, 0, UINT64_MAX / 2, &end, &err))
		kd_init_say(init, "shell failed %s", err.msg);
	kd_init_sync(init);
}

_Noreturn void kd_init_end(struct kd_init *init, enum kd_action action, const char *why)
{
	if (action == KD_ACTION_SHELL)
		offer_shell(init);
	/* A shell ends in a reboot; and the root file system was tried as a target of its own. */
	if (action != KD_ACTION_HALT && action != KD_ACTION_POWEROFF)
		action = KD_ACTION_REBOOT;
	kd_init_say(init, "action %s (%s)", kd_action_name(action), why);
	if (action == KD_ACTION_HALT)
		(void)reboot(RB_HALT_SYSTEM);
	if (action == KD_ACTION_POWEROFF) {
		guard('o');
		(void)reboot(RB_POWER_OFF);
	}
	/* Also where halting or switching off failed. */
	kd_init_reboot();
}
