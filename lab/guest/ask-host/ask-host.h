/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ask-host - asks the lab for what no program of the guest can do: overwrite memory
 * behind the kernel's back, and read the kernel's page tables. The lab does it through
 * QEMU's debugger (debugger = yes in the case).
 */
#ifndef KD_LAB_GUEST_ASK_HOST_H
#define KD_LAB_GUEST_ASK_HOST_H

#include "lib/base/base.h"

#include <elf.h>
#include <stdbool.h>
#include <stdint.h>

enum { PAGE = 4096, MAX_PHDRS = 64, WAIT_S = 240 };

/* /proc/kcore: the running kernel's memory as an ELF core file. */
struct kcore {
	int fd; /* -1: not open */
	size_t count;
	Elf64_Phdr ph[MAX_PHDRS];
};

struct range {
	uint64_t start, end; /* physical, end exclusive; both 0: there is none */
};

/** kcore_open() - false when it cannot be read, which is told */
bool kcore_open(struct kcore *ret);
void kcore_close(struct kcore *k);

/**
 * kcore_ram() - is program header @i RAM, where the kernel maps all of it?
 *
 * RAM is what has a physical address; the kernel's own image is mapped a second time.
 */
bool kcore_ram(const struct kcore *k, size_t i);

/** kcore_find() - the RAM header that has @paddr; NULL none */
const Elf64_Phdr *kcore_find(const struct kcore *k, uint64_t paddr);

/** crash_range() - the reservation, as /proc/iomem tells it */
struct range crash_range(void);

/** ask() - one line for the lab; false when it cannot be said */
bool ask(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* What main() offers; each returns the exit code. */
int poke_vmcoreinfo(void);
int poke_address(uint64_t paddr, uint64_t len);
int tell_writable(void);

#endif
