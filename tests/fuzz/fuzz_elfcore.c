/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The input is a dump file, an ELF core file to begin with. */
#include "tests/fuzz/vmcore_walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	walk(data, size, size % 2 ? KD_ACCESS_READ : KD_ACCESS_MAP);
	return 0;
}
