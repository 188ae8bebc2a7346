/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The text of /proc/iomem: every resource found is inside its line and not backwards. */
#include "lib/kexec/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	KD_AUTO(kd_kexec_ranges_fini) struct kd_kexec_ranges list = { 0 };
	struct kd_cursor c = { .p = data, .end = data + size };
	struct kd_iomem_resource r = { 0 };
	uint64_t at = 0;

	while (list.n < 1000 && kd_iomem_next(&c, &r)) {
		require(r.start <= r.end && (const uint8_t *)r.name >= data &&
			(const uint8_t *)r.name + r.name_len <= data + size);
		/* every other one takes away what the others gave */
		int rc = r.depth % 2 ? kd_kexec_ranges_exclude(&list, r.start, r.end, NULL)
				     : kd_kexec_ranges_add(&list, r.start, r.end, 1, NULL);
		require(rc == 0);
		if (r.depth % 2)
			require(!kd_kexec_ranges_has(&list, r.start, r.end));
	}
	kd_kexec_ranges_sort(&list);
	for (size_t i = 0; i < list.n; i++)
		require(list.v[i].start <= list.v[i].end);
	const struct kd_kexec_want want = { "x", 0x5000, 0x200000, 0x100000, UINT64_MAX, true };
	if (kd_kexec_place(&list, &want, &at, NULL) == 0) {
		require(at % 0x200000 == 0 && at >= 0x100000);
		require(!kd_kexec_ranges_has(&list, at, at + 0x4fff) || list.n > 1);
	}
	return 0;
}
