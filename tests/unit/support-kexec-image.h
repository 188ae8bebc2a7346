/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A machine made of files whose kernel takes images, and looks at what it is given. */
#ifndef KD_TESTS_UNIT_SUPPORT_KEXEC_IMAGE_H
#define KD_TESTS_UNIT_SUPPORT_KEXEC_IMAGE_H

#include "lib/kexec/internal.h"
#include "tests/unit/support-tree.h"

/* A kernel with kexec_load that answers as the test wants and keeps what it was given. */
struct fake_kernel {
	int file_answer, classic_answer, hotplug_answer;
	unsigned int file_loads, classic_loads;
	unsigned long flags;
	uint64_t entry;
	size_t count;
};

struct kexec_machine {
	struct tree tree;
	struct fake_kernel kernel;
	struct kd_kexec_ops ops;
	struct kd_kexec_request req;
	struct kd_kexec_facts facts;
	struct kd_kexec_image image;
	struct kd_err err;
};

/*
 * 2 GiB of RAM with 64 MiB reserved at 0x30000000, two CPUs, low memory that nobody uses; a
 * request to load a bzImage and an initrd of 0x5001 bytes.
 */
void kexec_machine_init(struct kexec_machine *m);
void kexec_machine_fini(struct kexec_machine *m);

/* A memfd with @bytes, which are freed; close(). */
int file_of(uint8_t *bytes, size_t len);
/* Pages below 1 MiB, all reserved or none. */
void put_low_pages(const struct tree *t, bool reserved);
/* A segment header of /proc/kcore. */
void put_kcore_phdr(uint8_t *at, uint64_t vaddr, uint64_t paddr, uint64_t memsz);

/* kd_kexec_prepare(), which must not fail. */
void prepare_image(struct kexec_machine *m);
/* The segment of the image that has this name; without one the test fails. */
const struct kd_kexec_segment *segment_named(const struct kexec_machine *m, const char *name);
/* What a segment has at @at, least byte first. */
uint64_t number_at(const struct kd_kexec_segment *s, size_t at, unsigned int bytes);

#endif
