/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Holes: where in free memory something fits. */
#include "lib/kexec/internal.h"

static bool fits(const struct kd_kexec_range *hole, const struct kd_kexec_want *want,
		 uint64_t bytes, uint64_t *ret)
{
	uint64_t align = want->align < KD_KEXEC_PAGE ? KD_KEXEC_PAGE : want->align;
	uint64_t low = hole->start > want->min ? hole->start : want->min;
	uint64_t high = hole->end < want->max ? hole->end : want->max;
	uint64_t at = 0;

	if (low > high || high - low < bytes - 1)
		return false;
	if (want->top_down) {
		at = (high - (bytes - 1)) / align * align;
		if (at < low)
			return false;
	} else {
		if (__builtin_add_overflow(low, align - 1, &at))
			return false;
		at = at / align * align;
		if (at > high || high - at < bytes - 1)
			return false;
	}
	*ret = at;
	return true;
}

static int no_room(const struct kd_kexec_ranges *free, const struct kd_kexec_want *want,
		   struct kd_err *err)
{
	char need[KD_SIZE_TEXT_BYTES], have[KD_SIZE_TEXT_BYTES];
	uint64_t largest = 0;

	for (size_t i = 0; i < free->n; i++) {
		uint64_t bytes = free->v[i].end - free->v[i].start + 1;
		if (bytes > largest)
			largest = bytes;
	}
	return kd_fail(err, KD_NOSPACE,
		       "no room for the %s: %s are needed between 0x%jx and 0x%jx, the largest "
		       "hole has %s",
		       want->name, kd_format_size(want->bytes, need), (uintmax_t)want->min,
		       (uintmax_t)want->max, kd_format_size(largest, have));
}

int kd_kexec_place(struct kd_kexec_ranges *free, const struct kd_kexec_want *want, uint64_t *ret,
		   struct kd_err *err)
{
	uint64_t bytes = 0, at = 0;

	if (want->bytes == 0 || __builtin_add_overflow(want->bytes, KD_KEXEC_PAGE - 1, &bytes))
		return kd_fail(err, KD_BADDATA, "the %s cannot be %ju bytes long", want->name,
			       (uintmax_t)want->bytes);
	bytes = bytes / KD_KEXEC_PAGE * KD_KEXEC_PAGE;
	for (size_t i = 0; i < free->n; i++) {
		size_t hole = want->top_down ? free->n - 1 - i : i;
		if (!fits(&free->v[hole], want, bytes, &at))
			continue;
		int rc = kd_kexec_ranges_exclude(free, at, at + bytes - 1, err);
		if (!rc)
			*ret = at;
		return rc;
	}
	return no_room(free, want, err);
}
