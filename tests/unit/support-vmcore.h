/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A dump that is open, what its reader gets, and what is said. What goes wrong fails the test. */
#ifndef KD_TESTS_UNIT_SUPPORT_VMCORE_H
#define KD_TESTS_UNIT_SUPPORT_VMCORE_H

#include "lib/vmcore/vmcore.h"
#include "tests/unit/support-message.h"

enum { PAGE = 4096, MIB = 1 << 20 };

struct kd_vmcore *open_core(int fd);
struct kd_vmcore *open_core_logged(int fd, const struct kd_log *log);

/* How much was logged, and the last of it. */
struct logged {
	int n;
	char text[512];
};

/* An emit of struct kd_log, whose arg is a struct logged. */
void keep_log(void *arg, enum kd_log_level level, const char *area, const char *text);

/* A kd_gen_fill_fn: every page tells its own address. */
bool address_page(void *arg, uint64_t paddr, uint8_t *page, size_t len);
/* ... and so it is read. */
void assert_address_at(struct kd_vmcore *core, uint64_t paddr);
/* It is not read, and the error says why. */
void assert_no_read(struct kd_vmcore *core, uint64_t paddr, size_t len, const char *why);

#endif
