/* SPDX-License-Identifier: GPL-2.0-or-later */
/* measured.tsv, compiled in: the build makes measured.h of it. */
#include "crashkernel/crashkernel.h"

static const struct kd_ck_measured rows[] = {
#include "crashkernel/measured.h"
};

const struct kd_ck_measured *kd_ck_measured(size_t *count_ret)
{
	*count_ret = KD_ARRAY_LEN(rows);
	return rows;
}
