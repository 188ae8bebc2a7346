/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel's page tables let it do with the reservation. It cannot be read from
 * inside (stock kernels have no PTDUMP_DEBUGFS) and writing to find out would need a
 * module; so the lab reads the tables and leaves the answer in a page of ours.
 */
#include "lab/guest/ask-host/ask-host.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

/* Documentation/admin-guide/mm/pagemap.rst: a word a page, its number in bits 0 to 54 */
static uint64_t paddr_of(const void *page)
{
	uint64_t word = 0;
	KD_AUTO(kd_closep) int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

	if (fd < 0 ||
	    pread(fd, &word, sizeof(word), (off_t)((uintptr_t)page / PAGE * 8)) != sizeof(word))
		return 0;
	return (word & ((UINT64_C(1) << 55) - 1)) * PAGE;
}

int tell_writable(void)
{
	KD_AUTO(kcore_close) struct kcore k = { .fd = -1 };
	const struct range crash = crash_range();

	if (!kcore_open(&k))
		return 2;
	if (!crash.end) {
		fprintf(stderr, "/proc/iomem has no reservation\n");
		return 2;
	}
	const Elf64_Phdr *ph = kcore_find(&k, crash.start);
	volatile char *answer = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE | MAP_LOCKED, -1,
				     0);
	if (!ph || answer == MAP_FAILED)
		return 2;
	answer[0] = '\0';
	uint64_t paddr = paddr_of((const void *)answer);
	if (!paddr) {
		fprintf(stderr, "/proc/self/pagemap does not tell where a page is\n");
		return 2;
	}
	if (!ask("writable 0x%jx 0x%jx 0x%jx\n",
		 (uintmax_t)(ph->p_vaddr + (crash.start - ph->p_paddr)),
		 (uintmax_t)(crash.end - crash.start), (uintmax_t)paddr))
		return 2;
	for (int i = 0; i < WAIT_S * 10; i++) {
		if (answer[0]) {
			printf("reservation of %ju KiB: %.200s\n",
			       (uintmax_t)(crash.end - crash.start) >> 10, (const char *)answer);
			return 0;
		}
		usleep(100000);
	}
	fprintf(stderr, "the lab does not answer\n");
	return 1;
}
