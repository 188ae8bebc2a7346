/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/support-vmcore.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct kd_vmcore *open_core_logged(int fd, const struct kd_log *log)
{
	struct kd_vmcore *core = NULL;
	struct kd_err err = { 0 };

	if (kd_vmcore_open(fd, "dump", log, &core, &err))
		fail_msg("%s", err.msg);
	return core;
}

struct kd_vmcore *open_core(int fd)
{
	return open_core_logged(fd, NULL);
}

void keep_log(void *arg, enum kd_log_level level, const char *area, const char *text)
{
	struct logged *l = arg;

	l->n++;
	snprintf(l->text, sizeof(l->text), "%s", text);
}

bool address_page(void *arg, uint64_t paddr, uint8_t *page, size_t len)
{
	for (size_t i = 0; i < len; i += 8) {
		uint64_t v = paddr + i;
		memcpy(page + i, &v, 8);
	}
	return true;
}

void assert_address_at(struct kd_vmcore *core, uint64_t paddr)
{
	struct kd_err err = { 0 };
	uint64_t v = 0;

	if (kd_vmcore_read(core, paddr, &v, sizeof(v), &err))
		fail_msg("%s", err.msg);
	assert_int_equal(v, paddr);
}

void assert_no_read(struct kd_vmcore *core, uint64_t paddr, size_t len, const char *why)
{
	KD_AUTO(kd_freep) uint8_t *buf = malloc(len);
	struct kd_err err = { 0 };

	assert_int_equal(kd_vmcore_read(core, paddr, buf, len, &err), -KD_BADDATA);
	assert_says(err.msg, why);
}
