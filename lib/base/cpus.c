/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/base/cpus.h"

#include <errno.h>
#include <sched.h>
#include <stddef.h>
#include <unistd.h>

enum { MOST_CPUS = 1 << 16 /* more than any kernel is built for */ };

unsigned int kd_cpus_usable(void)
{
	/* A set smaller than the kernel's own is refused. */
	for (int most = CPU_SETSIZE; most <= MOST_CPUS; most *= 2) {
		cpu_set_t *set = CPU_ALLOC((size_t)most);
		size_t bytes = CPU_ALLOC_SIZE((size_t)most);
		if (!set)
			break;
		int rc = sched_getaffinity(0, bytes, set);
		int n = rc ? 0 : CPU_COUNT_S(bytes, set);
		CPU_FREE(set);
		if (n > 0)
			return (unsigned int)n;
		if (errno != EINVAL)
			break;
	}
	long n = sysconf(_SC_NPROCESSORS_ONLN);
	return n > 0 ? (unsigned int)n : 1;
}
