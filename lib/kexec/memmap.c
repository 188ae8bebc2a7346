/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The memory map the new kernel starts with. */
#include "lib/kexec/internal.h"

#include <string.h>

const char *kd_kexec_memtype_name(uint32_t type)
{
	switch (type) {
	case KD_MEM_RAM:
		return "usable";
	case KD_MEM_ACPI:
		return "ACPI data";
	case KD_MEM_NVS:
		return "ACPI NVS";
	case KD_MEM_UNUSABLE:
		return "unusable";
	case KD_MEM_PMEM:
		return "persistent";
	case KD_MEM_PRAM:
		return "persistent (legacy)";
	case KD_MEM_SOFT_RESERVED:
		return "soft reserved";
	default:
		return "reserved";
	}
}

static int add_low(const struct kd_kexec_host *m, struct kd_kexec_ranges *ret, struct kd_err *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < m->ram.n; i++) {
		uint64_t end = m->ram.v[i].end;
		if (m->ram.v[i].start >= KD_KEXEC_LOW_BYTES)
			break;
		if (end >= KD_KEXEC_LOW_BYTES)
			end = KD_KEXEC_LOW_BYTES - 1;
		rc = kd_kexec_ranges_add(ret, m->ram.v[i].start, end, KD_MEM_RAM, err);
	}
	return rc;
}

int kd_kexec_memmap_crash(const struct kd_kexec_host *m, const struct kd_kexec_ranges *crash,
			  struct kd_kexec_ranges *ret, struct kd_err *err)
{
	int rc = add_low(m, ret, err);

	if (!rc)
		rc = kd_kexec_ranges_copy(ret, &m->special, err);
	/* The low reservation; segments lie in the last. */
	for (size_t i = 0; !rc && i + 1 < m->crash.n; i++)
		rc = kd_kexec_ranges_add(ret, m->crash.v[i].start, m->crash.v[i].end, KD_MEM_RAM,
					 err);
	for (size_t i = 0; !rc && i < crash->n; i++)
		if (crash->v[i].end - crash->v[i].start >= KD_KEXEC_PAGE - 1)
			rc = kd_kexec_ranges_add(ret, crash->v[i].start, crash->v[i].end,
						 KD_MEM_RAM, err);
	kd_kexec_ranges_sort(ret);
	return rc;
}

int kd_kexec_memmap_regular(const struct kd_kexec_host *m, struct kd_kexec_ranges *ret,
			    struct kd_err *err)
{
	int rc = kd_kexec_ranges_copy(ret, m->firmware.n ? &m->firmware : &m->own_ram, err);

	if (!rc && m->firmware.n == 0)
		rc = kd_kexec_ranges_copy(ret, &m->special, err);
	kd_kexec_ranges_sort(ret);
	return rc;
}
