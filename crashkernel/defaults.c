/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What Fedora's kdump-utils (2026-03) reserves by default, machine by machine. */
#include "crashkernel/crashkernel.h"

#include <string.h>

struct row {
	const char *machine;
	enum kd_ck_page_kib page;
	bool fadump, sme, mlx5, smmu;
	const char *value;
};

static const struct row rows[] = {
	{ .machine = "x86_64", .value = "2G-64G:256M,64G-:512M" },
	/* encrypted memory: 64 MiB more for bounce buffers */
	{ .machine = "x86_64", .sme = true, .value = "2G-64G:320M,64G-:576M" },
	{ .machine = "s390x", .value = "2G-64G:256M,64G-:512M" },
	{ .machine = "aarch64",
	  .page = KD_CK_PAGE_4K,
	  .value = "2G-4G:256M,4G-64G:320M,64G-:576M" },
	{ .machine = "aarch64",
	  .page = KD_CK_PAGE_4K,
	  .mlx5 = true,
	  .value = "2G-4G:406M,4G-64G:470M,64G-:726M" },
	{ .machine = "aarch64",
	  .page = KD_CK_PAGE_64K,
	  .value = "2G-4G:356M,4G-64G:420M,64G-:676M" },
	{ .machine = "aarch64",
	  .page = KD_CK_PAGE_64K,
	  .mlx5 = true,
	  .value = "2G-4G:556M,4G-64G:620M,64G-:876M" },
	{ .machine = "aarch64",
	  .page = KD_CK_PAGE_64K,
	  .smmu = true,
	  .value = "2G-4G:740M,4G-64G:804M,64G-:1060M" },
	{ .machine = "aarch64",
	  .page = KD_CK_PAGE_64K,
	  .mlx5 = true,
	  .smmu = true,
	  .value = "2G-4G:940M,4G-64G:1004M,64G-:1260M" },
	/* with nr_cpus=16 */
	{ .machine = "ppc64le",
	  .value = "2G-4G:400M,4G-16G:528M,16G-64G:1040M,64G-128G:2064M,128G-:4112M" },
	{ .machine = "ppc64le",
	  .fadump = true,
	  .value =
		  "4G-16G:784M,16G-64G:1040M,64G-128G:2064M,128G-1T:4112M,1T-2T:6160M,2T-4T:12304M,"
		  "4T-8T:20496M,8T-16T:36880M,16T-32T:65552M,32T-64T:131088M,64T-:184336M" },
};

/* Only where a row of the machine tells them apart do the facts count. */
const char *kd_ck_default(const struct kd_ck_machine *m)
{
	const bool arm = strcmp(m->name, "aarch64") == 0, x86 = strcmp(m->name, "x86_64") == 0;
	const bool ppc = strcmp(m->name, "ppc64le") == 0;
	const enum kd_ck_page_kib page = arm ? m->page : KD_CK_PAGE_ANY;

	for (size_t i = 0; i < KD_ARRAY_LEN(rows); i++) {
		const struct row *r = &rows[i];
		if (strcmp(r->machine, m->name) == 0 && r->page == page &&
		    r->fadump == (ppc && m->fadump) && r->sme == (x86 && m->memory_encrypted) &&
		    r->mlx5 == (arm && m->mlx5) && r->smmu == (page == KD_CK_PAGE_64K && m->smmu))
			return r->value;
	}
	return "";
}
