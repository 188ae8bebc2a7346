/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The input is two files, which are to be the parts of one split dump: four bytes (little-endian)
 * with the length of the first, then both. */
#include "tests/fuzz/vmcore_walk.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "first", "second" };
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = NULL;
	struct kd_err err = { 0 };
	uint32_t first;

	if (size < sizeof(first))
		return 0;
	memcpy(&first, data, sizeof(first));
	data += sizeof(first);
	size -= sizeof(first);
	if (first > size)
		first = (uint32_t)size;
	KD_AUTO(kd_closep) int a = walk_file(data, first);
	KD_AUTO(kd_closep) int b = walk_file(data + first, size - first);
	const int fds[] = { a, b };

	if (kd_vmcore_open_set(fds, names, 2, NULL, &core, &err))
		walk_refused(&err);
	else
		walk_core(core, KD_ACCESS_AUTO);
	return 0;
}
