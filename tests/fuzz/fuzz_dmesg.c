/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The input is the memory in which a kernel keeps its log, as kd_gen_ring_store()
 * lays it out: pointer, head, descriptors, properties, text. What vmcoreinfo says
 * of it is right.
 */
#include "lib/report/dmesg.h"
#include "tests/gen/mkvmcore.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PADDR = 1 << 20 };

static int check(void *arg, const char *bytes, size_t len, struct kd_err *err)
{
	uint64_t *total = arg;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)bytes[i];
		if (c >= 0x7f || (c < ' ' && (c < '\t' || c > '\r')))
			abort(); /* everything else is escaped */
	}
	*total += len;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	KD_AUTO(kd_gen_freep) struct kd_gen *g = kd_gen_new(62, 4096);
	KD_AUTO(kd_gen_ring_freep) struct kd_gen_ring *r = kd_gen_ring_new(1, 4);
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("fuzz");
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = NULL;
	struct kd_dmesg_stats stats;
	struct kd_err err;
	uint64_t total = 0;

	kd_gen_ring_store(g, r, PADDR, KD_GEN_X86_TEXT + PADDR);
	kd_gen_write(g, PADDR, data, size);
	kd_gen_segment(g, PADDR, size + 1, size + 1, KD_GEN_X86_TEXT + PADDR);
	kd_gen_elf(g, fd, NULL);
	if (kd_vmcore_open(fd, "fuzz", NULL, &core, &err))
		abort(); /* the file itself is right */
	if (kd_dmesg_write(core, check, &total, &stats, &err) == 0 && total != stats.bytes)
		abort();
	return 0;
}
