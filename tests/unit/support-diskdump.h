/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A made-up machine whose diskdump files are read, and what should be in them. */
#ifndef KD_TESTS_UNIT_SUPPORT_DISKDUMP_H
#define KD_TESTS_UNIT_SUPPORT_DISKDUMP_H

#include "tests/gen/mkvmcore.h"
#include "tests/unit/support-vmcore.h"

/* 1 MiB at 0, a hole, and 300 pages from 4 MiB - so that bitmaps do not end on bytes' edges. */
struct kd_gen *diskdump_machine(void);

/* A kd_gen_fill_fn: every third page is zero; of the others each tells its address. */
bool third_zero_page(void *arg, uint64_t paddr, uint8_t *page, size_t len);
/* What such memory has at @paddr. */
uint64_t expected_at(uint64_t paddr, size_t page);
void assert_expected_at(struct kd_vmcore *core, uint64_t paddr);
/* ... in each page of diskdump_machine() */
void assert_whole(struct kd_vmcore *core);

/* For kd_gen_diskdump_opts.exclude: every seventh page, and 99 in a row. */
bool every_seventh(void *arg, uint64_t pfn);

/* kd_vmcore_window_free() */
struct kd_vmcore_window *window_of(struct kd_vmcore *core);

#endif
