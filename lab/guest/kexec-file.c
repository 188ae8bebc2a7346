/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kexec-file - kexec_file_load(2) as it is, for guests without kexec-tools:
 *
 *   kexec-file crash KERNEL INITRD CMDLINE   load for a crash
 *   kexec-file load KERNEL INITRD CMDLINE    load as the next kernel
 *   kexec-file exec                          start that one
 *   kexec-file table KERNEL                  calls whose answer is stated
 *
 * A call that fails is told with its errno; exit status 1.
 */
#include "lib/base/base.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kexec.h>
#include <linux/reboot.h>
#include <stdbool.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/syscall.h>

/* Linux 6.7, include/uapi/linux/kexec.h; glibc's kernel headers may be older. */
#ifndef KEXEC_FILE_DEBUG
#define KEXEC_FILE_DEBUG 0x00000008
#endif

enum { KLOG_READ_ALL = 3, LOG_BYTES = 1 << 20 };

static unsigned int wrong;

static int file_load(int kernel, int initrd, const char *cmdline, unsigned long flags)
{
	return syscall(SYS_kexec_file_load, kernel, initrd, cmdline ? strlen(cmdline) + 1 : 0,
		       cmdline, flags)
		       ? errno
		       : 0;
}

static int open_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		fprintf(stderr, "kexec-file: open %s: %s\n", path, strerror(errno));
	return fd;
}

static int load(char *args[], unsigned long flags)
{
	KD_AUTO(kd_closep) int kernel = open_file(args[0]);
	KD_AUTO(kd_closep) int initrd = open_file(args[1]);

	if (kernel < 0 || initrd < 0)
		return 1;
	int sys = file_load(kernel, initrd, args[2], flags);
	if (sys)
		fprintf(stderr, "kexec-file: load: %s\n", strerrorname_np(sys));
	return sys ? 1 : 0;
}

static int start(void)
{
	sync();
	syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_KEXEC, NULL);
	fprintf(stderr, "kexec-file: exec: %s\n", strerrorname_np(errno));
	return 1;
}

static void report(const char *name, int got, int want)
{
	bool good = got == want;

	printf("%s %s: %s", good ? "ok" : "NOT OK", name, got ? strerrorname_np(got) : "0");
	if (!good)
		printf("; stated is %s", want ? strerrorname_np(want) : "0");
	putchar('\n');
	fflush(stdout);
	wrong += !good;
}

/* A file of @size bytes, all hole: what it costs is the kernel's buffer. One still open for
 * writing would be refused (ETXTBSY). */
static int sparse_file(const char *path, off_t size)
{
	KD_AUTO(kd_closep) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	return fd < 0 || ftruncate(fd, size) ? -1 : open_file(path);
}

static bool log_has(const char *text)
{
	KD_AUTO(kd_freep) char *log = calloc(1, LOG_BYTES + 1);

	return log && klogctl(KLOG_READ_ALL, log, LOG_BYTES) > 0 && strstr(log, text);
}

static bool is_loaded(const char *name)
{
	char text = '0';
	KD_AUTO(kd_closep) int fd = open(name, O_RDONLY | O_CLOEXEC);

	return fd >= 0 && read(fd, &text, 1) == 1 && text == '1';
}

/* The flag is known where the call gets as far as the bad descriptor. */
static void try_debug(int kernel, int initrd)
{
	bool known = file_load(-1, -1, NULL, KEXEC_FILE_DEBUG) == EBADF;

	report("debug", file_load(kernel, initrd, "x", KEXEC_FILE_ON_CRASH | KEXEC_FILE_DEBUG),
	       known ? 0 : EINVAL);
	if (known)
		report("debug-printed", log_has("kexec_file: kernel: ") ? 0 : ENODATA, 0);
	printf("debug: KEXEC_FILE_DEBUG is %s\n", known ? "known" : "not known");
}

static int run_table(const char *kernel_path)
{
	static const char loaded[] = "/sys/kernel/kexec_crash_loaded";
	KD_AUTO(kd_closep) int kernel = open_file(kernel_path);
	KD_AUTO(kd_closep) int text = open_file("/etc/lab/mode");
	KD_AUTO(kd_closep) int small = sparse_file("/tmp/small", 4096);
	KD_AUTO(kd_closep) int large = sparse_file("/tmp/large", 160 << 20);
	const unsigned long crash = KEXEC_FILE_ON_CRASH;

	if (kernel < 0 || text < 0 || small < 0 || large < 0)
		return 2;
	report("good-crash", file_load(kernel, small, "x", crash), 0);
	report("good-crash-loaded", is_loaded(loaded) ? 0 : ENODATA, 0);
	report("unknown-flag", file_load(kernel, small, "x", crash | 0x8000), EINVAL);
	report("unload-crash", file_load(-1, -1, NULL, crash | KEXEC_FILE_UNLOAD), 0);
	report("unload-crash-loaded", is_loaded(loaded) ? ENODATA : 0, 0);
	report("not-a-kernel", file_load(text, small, "x", crash), ENOEXEC);
	report("empty-command-line", file_load(kernel, small, NULL, crash), 0);
	report("command-line-without-end",
	       syscall(SYS_kexec_file_load, kernel, small, 1UL, "xy", crash) ? errno : 0, EINVAL);
	report("bad-descriptor", file_load(-1, small, "x", crash), EBADF);
	report("bad-initrd-descriptor", file_load(kernel, -1, "x", crash), EBADF);
	report("no-initrd", file_load(kernel, -1, "x", crash | KEXEC_FILE_NO_INITRAMFS), 0);
	report("initrd-too-large", file_load(kernel, large, "x", crash), EADDRNOTAVAIL);
	report("good-regular", file_load(kernel, small, "x", 0), 0);
	report("unload-regular", file_load(-1, -1, NULL, KEXEC_FILE_UNLOAD), 0);
	try_debug(kernel, small);
	report("unload-again", file_load(-1, -1, NULL, crash | KEXEC_FILE_UNLOAD), 0);
	printf("table: %u wrong\n", wrong);
	return wrong > 0;
}

int main(int argc, char *argv[])
{
	if (argc == 5 && strcmp(argv[1], "crash") == 0)
		return load(argv + 2, KEXEC_FILE_ON_CRASH);
	if (argc == 5 && strcmp(argv[1], "load") == 0)
		return load(argv + 2, 0);
	if (argc == 2 && strcmp(argv[1], "exec") == 0)
		return start();
	if (argc == 3 && strcmp(argv[1], "table") == 0)
		return run_table(argv[2]);
	fputs("usage: kexec-file crash|load KERNEL INITRD CMDLINE | exec | table KERNEL\n", stderr);
	return 2;
}
