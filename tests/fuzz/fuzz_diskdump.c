/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The input is a diskdump file. */
#include "tests/fuzz/vmcore_walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	walk(data, size, KD_ACCESS_AUTO);
	return 0;
}
