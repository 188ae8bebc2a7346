/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kexec-probe - makes kexec_load(2) say yes and no, in a guest, and holds its answers
 * against lib/kexec/preflight:
 *
 *   kexec-probe table            calls whose answer is stated here
 *   kexec-probe random N [SEED]  N random lists: preflight must foretell each errno
 *   kexec-probe reload           a refused load: is the old image still there?
 *   kexec-probe disabled         sets kernel.kexec_load_disabled and is refused
 *   kexec-probe lockdown         locks the kernel down and is refused
 *
 * Every answer is one line; exit status 1 when one of them is not what it has to be.
 * Where a kernel of our series says in debugfs kexec/last_error which rule it went
 * by, that has to be preflight's too. Nothing loaded here can run: a crash after it
 * gives no dump.
 */
#include "lab/guest/kexec-probe/probe.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>

struct probe probe;

int main(int argc, char *argv[])
{
	uint64_t number = 0, seed = 1;

	mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL); /* only our kernels need it */
	probe.buf = mmap(NULL, PROBE_BUF_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);
	if (probe.buf == MAP_FAILED)
		return 2;
	memset(probe.buf, 'k', PROBE_BUF_BYTES);
	if (argc == 2 && strcmp(argv[1], "table") == 0)
		return probe_run_table();
	if (argc == 2 && strcmp(argv[1], "reload") == 0)
		return probe_run_reload();
	if (argc == 2 && strcmp(argv[1], "disabled") == 0)
		return probe_run_disabled();
	if (argc == 2 && strcmp(argv[1], "lockdown") == 0)
		return probe_run_lockdown();
	if ((argc == 3 || argc == 4) && strcmp(argv[1], "random") == 0 &&
	    kd_parse_u64(argv[2], &number, NULL) == 0 &&
	    (argc == 3 || kd_parse_u64(argv[3], &seed, NULL) == 0))
		return probe_run_random(number, seed);
	fputs("usage: kexec-probe table | random N [SEED] | reload | disabled | lockdown\n",
	      stderr);
	return 2;
}
