/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmcoreinfo-poke - finds the page in which the kernel keeps its vmcoreinfo, has the
 * lab overwrite it (poke = yes), and waits until it is gone. A copy of it lies in the
 * reservation since the crash image was loaded (Linux kernel/vmcore_info.c,
 * crash_update_vmcoreinfo_safecopy): a dump that still has a vmcoreinfo has it from
 * there.
 */
#include "lib/base/base.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum { PAGE = 4096, MAX_FOUND = 4, MAX_PHDRS = 64, WAIT_S = 240 };
static const char text[] = "OSRELEASE="; /* how the page starts */

struct range {
	unsigned long long start, end;
};

static struct range crash_range(void)
{
	struct range r = { 0 };
	char line[256];
	FILE *f = fopen("/proc/iomem", "re");

	while (f && fgets(line, sizeof(line), f))
		if (strstr(line, ": Crash kernel"))
			sscanf(line, " %llx-%llx", &r.start, &r.end);
	if (f)
		fclose(f);
	return r;
}

struct found {
	uint64_t paddr, offset; /* offset: in /proc/kcore */
};

static size_t scan(int fd, const Elf64_Phdr *ph, const struct range *crash, struct found *ret,
		   size_t n)
{
	char start[sizeof(text) - 1];

	for (uint64_t at = 0; at < ph->p_memsz && n < MAX_FOUND; at += PAGE) {
		uint64_t paddr = ph->p_paddr + at;
		if (paddr >= crash->start && paddr <= crash->end)
			continue;
		if (pread(fd, start, sizeof(start), (off_t)(ph->p_offset + at)) == sizeof(start) &&
		    memcmp(start, text, sizeof(start)) == 0)
			ret[n++] = (struct found){ paddr, ph->p_offset + at };
	}
	return n;
}

/* RAM is what has a physical address; the kernel's own image is mapped a second time. */
static size_t find(int fd, struct found *ret)
{
	struct range crash = crash_range();
	Elf64_Ehdr head;
	Elf64_Phdr ph[MAX_PHDRS];
	size_t n = 0;

	if (pread(fd, &head, sizeof(head), 0) != sizeof(head) || head.e_phnum > MAX_PHDRS ||
	    pread(fd, ph, head.e_phnum * sizeof(*ph), (off_t)head.e_phoff) !=
		    (ssize_t)(head.e_phnum * sizeof(*ph)))
		return 0;
	for (size_t i = 0; i < head.e_phnum; i++)
		if (ph[i].p_type == PT_LOAD && ph[i].p_paddr < UINT64_C(1) << 46 &&
		    ph[i].p_vaddr < UINT64_C(0xffffffff80000000))
			n = scan(fd, &ph[i], &crash, ret, n);
	return n;
}

static int overwrite(int fd, const struct found *f)
{
	char line[80], now[2] = "";
	KD_AUTO(kd_closep) int kmsg = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	int n = snprintf(line, sizeof(line), "lab: poke 0x%jx 0x%x\n", (uintmax_t)f->paddr, PAGE);

	if (kmsg < 0 || write(kmsg, line, (size_t)n) != n)
		return 2;
	for (int i = 0; i < WAIT_S; i++) {
		if (pread(fd, now, 2, (off_t)f->offset) == 2 && memcmp(now, "XX", 2) == 0) {
			printf("ok vmcoreinfo at 0x%jx is overwritten\n", (uintmax_t)f->paddr);
			return 0;
		}
		sleep(1);
	}
	fprintf(stderr, "vmcoreinfo at 0x%jx is still there\n", (uintmax_t)f->paddr);
	return 1;
}

int main(void)
{
	KD_AUTO(kd_closep) int fd = open("/proc/kcore", O_RDONLY | O_CLOEXEC);
	struct found found[MAX_FOUND];

	if (fd < 0) {
		fprintf(stderr, "open /proc/kcore: %s\n", strerror(errno));
		return 2;
	}
	size_t n = find(fd, found);
	if (n != 1)
		fprintf(stderr, "%zu pages start with %s\n", n, text);
	for (size_t i = 0; i < n; i++) {
		int rc = overwrite(fd, &found[i]);
		if (rc)
			return rc;
	}
	return n == 0;
}
