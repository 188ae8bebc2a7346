/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The page in which the kernel keeps its vmcoreinfo: a copy of it lies in the
 * reservation since the crash image was loaded (Linux kernel/vmcore_info.c,
 * crash_update_vmcoreinfo_safecopy), so that a dump made after the page was overwritten
 * has it from there if it has one.
 */
#include "lab/guest/ask-host/ask-host.h"

#include <string.h>

enum { MAX_FOUND = 4 };
static const char text[] = "OSRELEASE="; /* how the page starts */

/* The page is looked for outside the reservation. */
static size_t scan(const struct kcore *k, const Elf64_Phdr *ph, const struct range *crash,
		   uint64_t *ret, size_t n)
{
	char start[sizeof(text) - 1];

	for (uint64_t at = 0; at < ph->p_memsz && n < MAX_FOUND; at += PAGE) {
		uint64_t paddr = ph->p_paddr + at;
		if (paddr >= crash->start && paddr < crash->end)
			continue;
		if (pread(k->fd, start, sizeof(start), (off_t)(ph->p_offset + at)) ==
			    sizeof(start) &&
		    memcmp(start, text, sizeof(start)) == 0)
			ret[n++] = paddr;
	}
	return n;
}

static bool is_overwritten(const struct kcore *k, off_t offset, uint64_t len)
{
	char now[PAGE];

	if (len > sizeof(now) || pread(k->fd, now, len, offset) != (ssize_t)len)
		return false;
	for (uint64_t i = 0; i < len; i++)
		if (now[i] != 'X')
			return false;
	return true;
}

static int overwrite(const struct kcore *k, uint64_t paddr, uint64_t len, const char *what)
{
	const Elf64_Phdr *ph = kcore_find(k, paddr);

	if (!ph || !ask("poke 0x%jx 0x%jx\n", (uintmax_t)paddr, (uintmax_t)len))
		return 2;
	for (int i = 0; i < WAIT_S; i++) {
		if (is_overwritten(k, (off_t)(ph->p_offset + (paddr - ph->p_paddr)), len)) {
			printf("ok %s at 0x%jx is overwritten\n", what, (uintmax_t)paddr);
			return 0;
		}
		sleep(1);
	}
	fprintf(stderr, "%s at 0x%jx is still there\n", what, (uintmax_t)paddr);
	return 1;
}

int poke_vmcoreinfo(void)
{
	KD_AUTO(kcore_close) struct kcore k = { .fd = -1 };
	const struct range crash = crash_range();
	uint64_t found[MAX_FOUND];
	size_t n = 0;

	if (!kcore_open(&k))
		return 2;
	for (size_t i = 0; i < k.count; i++)
		if (kcore_ram(&k, i))
			n = scan(&k, &k.ph[i], &crash, found, n);
	if (n != 1)
		fprintf(stderr, "%zu pages start with %s\n", n, text);
	for (size_t i = 0; i < n; i++) {
		int rc = overwrite(&k, found[i], PAGE, "vmcoreinfo");
		if (rc)
			return rc;
	}
	return n == 0;
}

int poke_address(uint64_t paddr, uint64_t len)
{
	KD_AUTO(kcore_close) struct kcore k = { .fd = -1 };

	if (!len || len > PAGE) {
		fprintf(stderr, "a length of 1 to %d bytes is needed\n", PAGE);
		return 2;
	}
	return kcore_open(&k) ? overwrite(&k, paddr, len, "memory") : 2;
}
