/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A plan that is accepted must be written and read back as the same text. */
#include "lib/plan/plan.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	KD_AUTO(kd_plan_fini) struct kd_plan plan = { 0 };
	KD_AUTO(kd_plan_fini) struct kd_plan again = { 0 };
	KD_AUTO(kd_buf_fini) struct kd_buf first = { 0 };
	KD_AUTO(kd_buf_fini) struct kd_buf second = { 0 };
	struct kd_err err = { 0 };
	int rc = kd_plan_parse((const char *)data, size, "f", &plan, &err);

	if (rc) {
		require((rc == -KD_BADDATA || rc == -KD_NOTSUP) && strncmp(err.msg, "f:", 2) == 0);
		return 0;
	}
	/* The canonical text is never longer than what was accepted: no limit is in its way. */
	require(kd_plan_format(&plan, &first, &err) == 0);
	require(first.len <= size);
	require(kd_plan_parse(first.p, first.len, "f", &again, &err) == 0);
	require(kd_plan_format(&again, &second, &err) == 0);
	require(first.len == second.len && memcmp(first.p, second.p, first.len) == 0);
	return 0;
}
