/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "capture-initrd/init/internal.h"
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum {
	KLOG_CONSOLE_LEVEL = 8,
	CONSOLE_LEVEL = 7, /* all but debug */
	OOM_SCORE_INIT = -1000
};

static int outside_of_a_capture_kernel(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		printf("kdump-init %s\n", KD_VERSION);
		return 0;
	}
	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		printf("kdump-init is PID 1 of a capture kernel. kdumpctl puts it into the capture "
		       "image.\nSee kdump-init(8).\n");
		return 0;
	}
	fprintf(stderr, "kdump-init: only runs as PID 1 of a capture kernel, see kdump-init(8)\n");
	return 1;
}

/* Descriptors 0 to 2 must be taken, or files opened later would get their numbers. */
static void open_standard_fds(void)
{
	int fd = -1;

	do {
		fd = open("/dev/console", O_RDWR | O_NOCTTY);
		if (fd < 0)
			fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

static void open_as(const char *path, int as)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);

	if (fd >= 0 && fd != as) {
		(void)dup3(fd, as, O_CLOEXEC);
		close(fd);
	}
}

/* Whatever the command line says: a panic here must not stand still. Only "0" is changed. */
static void bound_a_panic(const struct kd_init *init)
{
	static const char path[] = "/proc/sys/kernel/panic";
	unsigned long long seconds = 1;
	struct kd_err err = { 0 };

	if (kd_root_read_u64(init->root, path, &seconds, NULL) || seconds != 0)
		return;
	KD_AUTO(kd_closep) int fd = kd_root_openat(init->root, path, O_WRONLY, 0, &err);
	if (fd < 0 || kd_write_full(fd, "10\n", 3, path, &err))
		kd_init_say(init, "a panic of this kernel would not reboot: %s", err.msg);
}

/* Nothing here is worth giving up for: the worst is a silent capture. */
static void open_console(const struct kd_init *init)
{
	open_as("/dev/kmsg", KD_INIT_KMSG_FD);
	open_as("/proc/sysrq-trigger", KD_INIT_SYSRQ_FD);
	(void)klogctl(KLOG_CONSOLE_LEVEL, NULL, CONSOLE_LEVEL);

	KD_AUTO(kd_closep)
	int fd = kd_root_openat(init->root, "/proc/sys/kernel/printk_devkmsg", O_WRONLY, 0, NULL);
	/* "on": no rate limit for lines written to /dev/kmsg. */
	if (fd >= 0 && write(fd, "on\n", 3) < 0)
		kd_init_say(init, "printk_devkmsg stays as it is: %s", strerror(errno));
}

static int set_up(struct kd_init *init, struct kd_err *err)
{
	struct kd_err mount_err = { 0 };
	void *shared = NULL;

	kd_init_on_crash();
	int mounted = kd_init_mount_kernel(&mount_err);
	open_standard_fds();
	int rc = kd_root_open("/", &init->root, err);
	if (rc)
		return rc;
	open_console(init);
	kd_init_say(init, "init %s", KD_VERSION);
	bound_a_panic(init);
	kd_init_mark(init, "init");
	if (mounted)
		kd_init_say(init, "%s", mount_err.msg);
	kd_init_oom_score(init, getpid(), OOM_SCORE_INIT);
	kd_manifest_add_stage(&init->manifest, "init", init->start_ms);

	if (kd_init_arm(init, KD_INIT_DEFAULT_DEADLINE_S, err))
		kd_init_say(init, "no deadline: %s", err->msg);
	rc = kd_init_shared_map(sizeof(*init->shared), &shared, err);
	if (rc)
		return rc;
	init->shared = shared;
	return 0;
}

static int read_plan(struct kd_init *init, struct kd_err *err)
{
	KD_AUTO(kd_freep) char *text = NULL;
	size_t len = 0;
	int rc = kd_root_read(init->root, KD_PLAN_PATH, KD_PLAN_MAX_BYTES, &text, &len, err);

	if (!rc)
		rc = kd_plan_parse(text, len, KD_PLAN_PATH, &init->plan, err);
	if (rc)
		return rc;
	kd_manifest_add_stage(&init->manifest, "plan", kd_monotonic_ms());
	kd_init_say(init, "plan ok %zu modules, %zu targets", init->plan.module_count,
		    init->plan.target_count);

	struct kd_err timer_err = { 0 };
	if (kd_init_arm(init, init->plan.deadline_s, &timer_err))
		kd_init_say(init, "no deadline: %s", timer_err.msg);
	return 0;
}

/* As PID 1 we are also given the orphans of others; they are only put away. */
static void wait_for(pid_t pid, struct kd_child_end *end)
{
	for (;;) {
		int status = 0;
		pid_t ended = waitpid(-1, &status, 0);
		if (ended < 0 && errno != EINTR)
			return;
		if (ended != pid)
			continue;
		end->exited = WIFEXITED(status);
		end->code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
		end->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
		return;
	}
}

/* The worker did not get to its end: save what can be saved of its work. */
static void clean_up_after_worker(struct kd_init *init, const struct kd_child_end *how)
{
	struct kd_init_shared *shared = init->shared;
	char text[64];

	shared->doing[sizeof(shared->doing) - 1] = '\0';
	shared->outcome = shared->dmesg_safe ? KD_OUTCOME_DMESG_ONLY : KD_OUTCOME_FAILED;
	snprintf(shared->reason, sizeof(shared->reason), "the capture process %s while %s",
		 kd_child_explain(how, text, sizeof(text)), shared->doing);
	kd_init_say(init, "%s", shared->reason);
	if (!shared->dmesg_safe)
		kd_init_show_dmesg(init);
	kd_init_sync(init);
}

static void run_worker(struct kd_init *init)
{
	struct kd_child_end end = { 0 };
	pid_t pid = fork();

	if (pid == 0) {
		kd_init_forked();
		kd_init_worker(init);
		_exit(0);
	}
	/* No process to be had: then without the protection of one. */
	if (pid < 0)
		kd_init_worker(init);
	else
		wait_for(pid, &end);
	if (!init->shared->done)
		clean_up_after_worker(init, &end);
}

static void say_outcome(const struct kd_init *init, enum kd_outcome outcome, const char *reason)
{
	kd_init_say(init, "outcome %s%s%s", kd_outcome_name(outcome), *reason ? " " : "", reason);
	kd_init_mark_outcome(init, outcome);
}

int main(int argc, char **argv)
{
	umask(077);
	if (getpid() != 1)
		return outside_of_a_capture_kernel(argc, argv);

	struct kd_init init = { .kmsg_fd = KD_INIT_KMSG_FD,
				.start_ms = kd_monotonic_ms(),
				.dmesg_memory_bytes = KD_INIT_DMESG_MEMORY_BYTES };
	struct kd_err err = { 0 };
	int rc = set_up(&init, &err);
	if (!rc) {
		rc = read_plan(&init, &err);
		if (rc) {
			kd_init_say(&init, "plan failed %s", err.msg);
			kd_init_show_dmesg(&init);
		}
	}
	if (rc) {
		say_outcome(&init, KD_OUTCOME_FAILED, err.msg);
		kd_init_end(&init, KD_ACTION_REBOOT, "panic plan");
	}

	kd_init_mark(&init, "saving");
	run_worker(&init);
	init.shared->reason[sizeof(init.shared->reason) - 1] = '\0';
	say_outcome(&init, init.shared->outcome, init.shared->reason);
	if (init.shared->outcome == KD_OUTCOME_SAVED)
		kd_init_end(&init, init.plan.final_action, "final_action");
	kd_init_end(&init, init.plan.failure_action, "failure_action");
}
