/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A collector that dies in the middle: takes makedumpfile's place in the guest of
 * a case. In the capture kernel it writes a little to its output (the last
 * argument) and kills itself, as the OOM killer would. Anywhere else it just
 * succeeds, so that whoever checks a collector's options before the panic is
 * content.
 */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char *argv[])
{
	static char block[64 << 10];

	if (access("/proc/vmcore", F_OK) || argc < 2)
		return 0;
	memset(block, 'k', sizeof(block));
	int fd = open(argv[argc - 1], O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
	if (fd < 0 || write(fd, block, sizeof(block)) < 0)
		return 2;
	kill(getpid(), SIGKILL);
	return 3;
}
