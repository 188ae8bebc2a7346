/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs a command once and says what it took.
 *
 * Usage: bench-run OUTFILE COMMAND...
 *
 * OUTFILE is what the command makes: removed before, and synced to the disk after it, within
 * the time ("-": none). The command's own output goes nowhere. Prints: seconds by the clock,
 * seconds of processor time, peak resident KiB, size of OUTFILE, bytes of disk it takes.
 */
#include "lib/base/base.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static double seconds(const struct timeval *t)
{
	return (double)t->tv_sec + (double)t->tv_usec / 1e6;
}

static _Noreturn void child(char **argv)
{
	int null = open("/dev/null", O_RDWR);

	for (int fd = 0; fd < 3; fd++)
		dup2(null, fd);
	execvp(argv[0], argv);
	_exit(127);
}

int main(int argc, char **argv)
{
	struct rusage use;
	struct stat st = { 0 };
	int status;

	if (argc < 3) {
		fprintf(stderr, "Usage: bench-run OUTFILE COMMAND...\n");
		return 1;
	}
	bool has_file = strcmp(argv[1], "-") != 0;
	if (has_file && unlink(argv[1]) && errno != ENOENT) {
		perror(argv[1]);
		return 1;
	}

	double start = now_s();
	pid_t pid = fork();
	if (pid == 0)
		child(argv + 2);
	if (pid < 0 || wait4(pid, &status, 0, &use) < 0) {
		perror(argv[2]);
		return 1;
	}
	KD_AUTO(kd_closep) int fd = has_file ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
	if (fd >= 0 && (fdatasync(fd) || fstat(fd, &st))) {
		perror(argv[1]);
		return 1;
	}
	double wall = now_s() - start;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		fprintf(stderr, "bench-run: %s failed (status 0x%x)\n", argv[2], (unsigned)status);
		return 1;
	}
	printf("%.3f %.3f %ld %jd %jd\n", wall, seconds(&use.ru_utime) + seconds(&use.ru_stime),
	       use.ru_maxrss, (intmax_t)st.st_size, (intmax_t)st.st_blocks * 512);
	return 0;
}
