/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/vm.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

const char *kd_lab_accel_name(enum kd_lab_accel accel)
{
	static const char *const names[] = {
		[KD_LAB_ACCEL_AUTO] = "auto", [KD_LAB_ACCEL_KVM] = "kvm", [KD_LAB_ACCEL_TCG] = "tcg"
	};
	return names[accel];
}

int kd_lab_find_tool(const char *name, const char *package, char **ret, struct kd_err *err)
{
	/* A user's PATH often lacks the sbin directories, where the disk tools are. */
	static const char *const dirs[] = { "/usr/bin", "/usr/sbin", "/bin", "/sbin",
					    "/usr/local/bin" };

	for (size_t i = 0; i < KD_ARRAY_LEN(dirs); i++) {
		KD_AUTO(kd_freep) char *path = NULL;
		int rc = kd_asprintf(&path, err, "%s/%s", dirs[i], name);
		if (rc)
			return rc;
		if (access(path, X_OK) == 0) {
			*ret = KD_STEAL(path);
			return 0;
		}
	}
	return kd_fail(err, KD_NOTSUP, "%s not found; install %s (scripts/setup does)", name,
		       package);
}

static int add_drive(struct kd_strv *argv, const char *path, const char *id, struct kd_err *err)
{
	/* Commas would end the option's value. Flushes of the guest are honoured (the
	 * default cache mode), so that its times are those of a disk that is written. */
	if (strchr(path, ','))
		return kd_fail(err, KD_USAGE, "%s: QEMU takes no path with a comma", path);
	int rc = kd_strv_add(argv, "-drive", err);
	if (!rc)
		rc = kd_strv_addf(argv, err, "file=%s,format=raw,if=none,id=%s", path, id);
	if (!rc)
		rc = kd_strv_add(argv, "-device", err);
	if (!rc)
		rc = kd_strv_addf(argv, err, "virtio-blk-pci,drive=%s,serial=kdlab-%s", id, id);
	return rc;
}

static int add_channels(struct kd_strv *argv, bool on_terminal, int console_fd, int qmp_fd,
			int gdb_fd, struct kd_err *err)
{
	if (on_terminal) {
		int rc = kd_strv_add(argv, "-serial", err);
		return rc ? rc : kd_strv_add(argv, "mon:stdio", err);
	}
	int rc = kd_strv_add(argv, "-chardev", err);
	if (!rc)
		rc = kd_strv_addf(argv, err, "socket,id=console,fd=%d", console_fd);
	if (!rc)
		rc = kd_strv_split(argv, "-serial chardev:console -chardev", " ", err);
	if (!rc)
		rc = kd_strv_addf(argv, err, "socket,id=qmp,fd=%d", qmp_fd);
	if (!rc)
		rc = kd_strv_split(argv, "-mon chardev=qmp,mode=control", " ", err);
	if (rc || gdb_fd < 0)
		return rc;
	rc = kd_strv_add(argv, "-chardev", err);
	if (!rc)
		rc = kd_strv_addf(argv, err, "socket,id=gdb,fd=%d", gdb_fd);
	return rc ? rc : kd_strv_split(argv, "-gdb chardev:gdb", " ", err);
}

/* Without a store for variables: nothing of one run is seen by the next. */
static int add_efi(struct kd_strv *argv, struct kd_err *err)
{
	static const char image[] = "/usr/share/ovmf/OVMF.fd";

	if (access(image, R_OK) != 0)
		return kd_fail(err, KD_NOTSUP, "%s not found; install ovmf (scripts/setup does)",
			       image);
	int rc = kd_strv_add(argv, "-bios", err);
	return rc ? rc : kd_strv_add(argv, image, err);
}

/*
 * Machine "pc", QEMU's default: "q35" boots Debian's stock kernel under TCG no
 * faster and no slower (7 boots each: median 2.7 s against 2.5 s of processor time,
 * single runs 2.1 to 3.0 s), and numbers of other tools were taken on "pc" too.
 */
static int make_argv(const struct kd_lab_vm_opts *opts, int console_fd, int qmp_fd, int gdb_fd,
		     struct kd_strv *argv, struct kd_err *err)
{
	KD_AUTO(kd_freep) char *qemu = NULL;
	int rc = kd_lab_find_tool("qemu-system-x86_64", "qemu-system-x86", &qemu, err);

	if (!rc)
		rc = kd_strv_add(argv, qemu, err);
	if (!rc)
		rc = kd_strv_split(argv, "-nodefaults -no-user-config -display none -M pc", " ",
				   err);
	if (!rc)
		rc = kd_strv_split(argv,
				   opts->accel == KD_LAB_ACCEL_KVM
					   ? "-accel kvm -cpu host"
					   : "-accel tcg,thread=multi -cpu max",
				   " ", err);
	if (!rc && opts->efi)
		rc = add_efi(argv, err);
	if (!rc)
		rc = kd_strv_addf(argv, err, "-name");
	if (!rc)
		rc = kd_strv_add(argv, opts->name, err);
	if (!rc)
		rc = kd_strv_add(argv, "-smp", err);
	if (!rc)
		rc = kd_strv_addf(argv, err, "%ju", (uintmax_t)opts->cpus);
	if (!rc)
		rc = kd_strv_add(argv, "-m", err);
	if (!rc)
		rc = kd_strv_addf(argv, err, "%ju", (uintmax_t)opts->memory_mib);
	if (!rc)
		rc = kd_strv_add(argv, "-kernel", err);
	if (!rc)
		rc = kd_strv_add(argv, opts->kernel, err);
	if (!rc && opts->initrd)
		rc = kd_strv_add(argv, "-initrd", err);
	if (!rc && opts->initrd)
		rc = kd_strv_add(argv, opts->initrd, err);
	if (!rc)
		rc = kd_strv_add(argv, "-append", err);
	if (!rc)
		rc = kd_strv_add(argv, opts->append, err);
	if (!rc && opts->vmcoreinfo)
		rc = kd_strv_split(argv, "-device vmcoreinfo", " ", err);
	if (!rc && opts->disk)
		rc = add_drive(argv, opts->disk, "root", err);
	if (!rc && opts->extra_disk)
		rc = add_drive(argv, opts->extra_disk, "extra", err);
	return rc ? rc : add_channels(argv, opts->on_terminal, console_fd, qmp_fd, gdb_fd, err);
}

/* ours: non-blocking, not inherited. theirs: inherited by QEMU, which gets its number. */
static int channel(int *ours, int *theirs, struct kd_err *err)
{
	int ends[2] = { -1, -1 };

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
		return kd_fail_sys(err, errno, "create a channel to QEMU");
	*ours = ends[0];
	*theirs = ends[1];
	if (fcntl(*ours, F_SETFD, FD_CLOEXEC) || fcntl(*ours, F_SETFL, O_NONBLOCK))
		return kd_fail_sys(err, errno, "set up a channel to QEMU");
	return 0;
}

int kd_lab_vm_start(const struct kd_lab_vm_opts *opts, struct kd_lab_vm *vm, struct kd_err *err)
{
	KD_AUTO(kd_strv_fini) struct kd_strv argv = { 0 };
	KD_AUTO(kd_closep) int console = -1, qmp = -1, gdb = -1;
	KD_AUTO(kd_closep) int qemu_console = -1, qemu_gdb = -1;
	KD_AUTO(kd_closep) int qemu_qmp = -1;
	int rc = 0;

	vm->pid = 0;
	vm->pidfd = vm->console_fd = vm->gdb_fd = vm->qmp.fd = -1;
	vm->qmp.len = 0;

	KD_AUTO(kd_closep)
	int log = open(opts->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (log < 0)
		return kd_fail_sys(err, errno, "open %s", opts->log);
	if (!opts->on_terminal) {
		rc = channel(&console, &qemu_console, err);
		if (!rc)
			rc = channel(&qmp, &qemu_qmp, err);
		if (!rc && opts->debugger)
			rc = channel(&gdb, &qemu_gdb, err);
	}
	if (!rc)
		rc = make_argv(opts, qemu_console, qemu_qmp, qemu_gdb, &argv, err);
	if (rc)
		return rc;

	struct kd_child_opts child = {
		.stdin_fd = opts->on_terminal ? STDIN_FILENO : -1,
		.stdout_fd = opts->on_terminal ? STDOUT_FILENO : log,
		.stderr_fd = opts->on_terminal ? STDERR_FILENO : log,
	};
	pid_t pid = 0;
	rc = kd_child_start(argv.v, &child, &pid, err);
	if (rc)
		return rc;
	vm->pid = pid;
	vm->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (vm->pidfd < 0) {
		rc = kd_fail_sys(err, errno, "watch QEMU's process");
		kd_lab_vm_stop(vm);
		return rc;
	}
	vm->console_fd = KD_STEAL_FD(console);
	vm->qmp.fd = KD_STEAL_FD(qmp);
	vm->gdb_fd = KD_STEAL_FD(gdb);
	return 0;
}

static bool wait_end(const struct kd_lab_vm *vm, int timeout_ms)
{
	struct pollfd p = { .fd = vm->pidfd, .events = POLLIN };
	int n = 0;

	while ((n = poll(&p, 1, timeout_ms)) < 0 && errno == EINTR)
		;
	return n > 0;
}

void kd_lab_vm_stop(struct kd_lab_vm *vm)
{
	if (vm->pid > 0) {
		kd_lab_qmp_quit(&vm->qmp);
		if (!wait_end(vm, 3000))
			kill(vm->pid, SIGKILL);
		while (waitpid(vm->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	vm->pid = 0;
	for (size_t i = 0; i < 4; i++) {
		int *fd = (int *[]){ &vm->pidfd, &vm->console_fd, &vm->qmp.fd, &vm->gdb_fd }[i];
		if (*fd >= 0)
			close(*fd);
		*fd = -1;
	}
}

uint64_t kd_lab_vm_cpu_ms(const struct kd_lab_vm *vm)
{
	clockid_t clock = 0;
	struct timespec t = { 0 };

	if (vm->pid <= 0 || clock_getcpuclockid(vm->pid, &clock) || clock_gettime(clock, &t))
		return 0;
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}
