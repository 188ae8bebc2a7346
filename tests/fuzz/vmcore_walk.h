/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the fuzzers of dump formats do with a file they could open; only they include this. */
#ifndef KD_TESTS_FUZZ_VMCORE_WALK_H
#define KD_TESTS_FUZZ_VMCORE_WALK_H

#include "lib/vmcore/vmcore.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { WALK_STEPS = 64, WALK_BYTES = 64 << 10 };

/* Takes a byte from everything that is lent, so that the sanitizer sees it. */
static uint64_t walk_sum(const uint8_t *p, size_t n)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += p[i];
	return sum;
}

static void walk_segments(struct kd_vmcore *core, struct kd_vmcore_window *w)
{
	static uint8_t buf[WALK_BYTES];
	const struct kd_vmcore_segment *segs;
	struct kd_err err;
	size_t n;

	segs = kd_vmcore_segments(core, &n);
	for (size_t i = 0; i < n && i < WALK_STEPS; i++) {
		const uint8_t *p;
		size_t len = segs[i].len_bytes < WALK_BYTES ? segs[i].len_bytes : WALK_BYTES;

		if (i && segs[i].paddr < segs[i - 1].paddr)
			abort();
		(void)!kd_vmcore_read(core, segs[i].paddr, buf, len, &err);
		(void)!kd_vmcore_read(core, segs[i].paddr + segs[i].len_bytes - 1, buf, 2, &err);
		(void)!kd_vmcore_read_vaddr(core, segs[i].vaddr, buf, len, &err);
		if (kd_vmcore_map(w, segs[i].paddr, len, &p, &len, &err) == 0) {
			if (len == 0)
				abort();
			walk_sum(p, len);
		}
	}
}

static void walk_pages(struct kd_vmcore *core, struct kd_vmcore_window *w)
{
	uint64_t pfn = 0, run, max = kd_vmcore_max_pfn(core);
	struct kd_err err;

	for (int i = 0; i < WALK_STEPS && pfn < max; i++) {
		int state = kd_vmcore_page_run(w, pfn, &run, &err);
		if (state < 0)
			return;
		if (run == 0)
			abort();
		if (__builtin_add_overflow(pfn, run, &pfn))
			return;
	}
}

static void walk_core(struct kd_vmcore *core, enum kd_vmcore_access access)
{
	const struct kd_vmcore_note *notes;
	struct kd_vmcore_window *w = NULL;
	struct kd_err err = { 0 };
	size_t n;

	notes = kd_vmcore_notes(core, &n);
	for (size_t i = 0; i < n; i++)
		walk_sum(notes[i].desc, notes[i].desc_len);
	if (kd_vmcore_window_new(core, access, 1 << 20, 0, &w, &err))
		return;
	walk_segments(core, w);
	walk_pages(core, w);
	kd_vmcore_window_free(w);
}

/* A file in memory; close(). */
static int walk_file(const uint8_t *data, size_t size)
{
	int fd = memfd_create("fuzz", 0);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	return fd;
}

static void walk_refused(const struct kd_err *err)
{
	if (!err->msg[0])
		abort(); /* a refusal has a reason */
}

static inline void walk(const uint8_t *data, size_t size, enum kd_vmcore_access access)
{
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = NULL;
	KD_AUTO(kd_closep) int fd = walk_file(data, size);
	struct kd_err err = { 0 };

	if (kd_vmcore_open(fd, "fuzz", NULL, &core, &err))
		walk_refused(&err);
	else
		walk_core(core, access);
}

#endif
