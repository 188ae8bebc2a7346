/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The input is the text of a vmcoreinfo note. */
#include "vmcoreinfo/vmcoreinfo.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	KD_AUTO(kd_vmcoreinfo_freep) struct kd_vmcoreinfo *info = NULL;
	struct kd_err err;
	const char *text;
	uint64_t v;
	int64_t n;

	if (kd_vmcoreinfo_parse(data, size, &info, &err))
		return 0;
	if (kd_vmcoreinfo_text(info, "OSRELEASE", &text) && strlen(text) > size)
		abort();
	(void)!kd_vmcoreinfo_symbol(info, "prb", &v);
	(void)!kd_vmcoreinfo_size(info, "page", &v);
	(void)!kd_vmcoreinfo_offset(info, "page.flags", &v);
	(void)!kd_vmcoreinfo_length(info, "mem_section", &v);
	(void)!kd_vmcoreinfo_hex(info, "KERNELOFFSET", &v);
	(void)!kd_vmcoreinfo_decimal(info, "CRASHTIME", &v);
	(void)!kd_vmcoreinfo_number(info, "PG_lru", &n);
	return 0;
}
