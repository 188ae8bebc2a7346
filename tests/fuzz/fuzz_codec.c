/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The first byte chooses a codec, the rest is a page compressed with it. */
#include "lib/compress/compress.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PAGE = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	KD_AUTO(kd_decompressor_freep) struct kd_decompressor *d = NULL;
	/* Of the exact size, so that the sanitizer sees a byte too many. */
	KD_AUTO(kd_freep) uint8_t *page = malloc(PAGE);
	struct kd_err err = { 0 };
	size_t n;
	const struct kd_codec *const *codecs = kd_codecs(&n);

	if (size == 0 || !page || kd_decompressor_new(&d, &err))
		return 0;
	if (kd_decompress(d, codecs[data[0] % n], page, PAGE, data + 1, size - 1, &err) &&
	    !err.msg[0])
		abort(); /* a refusal has a reason */
	return 0;
}
