/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A kernel file is taken apart whole, with every part inside it, or refused. */
#include "lib/kexec/internal.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	KD_AUTO(kd_kexec_kernel_fini) struct kd_kexec_kernel_file k = { 0 };
	struct kd_err err = { 0 };
	uint8_t *file = malloc(size ? size : 1);

	if (!file)
		abort();
	if (size)
		memcpy(file, data, size);
	if (kd_kexec_kernel_parse(file, size, "K", &k, &err)) {
		require(err.msg[0] && !k.file);
		return 0;
	}
	const uint8_t *whole = k.owned_payload ? k.owned_payload : k.file;
	size_t whole_bytes = k.owned_payload ? k.payload_bytes : k.file_bytes;
	require(k.payload >= whole && k.payload_bytes <= whole_bytes &&
		(size_t)(k.payload - whole) <= whole_bytes - k.payload_bytes);
	require(k.payload_bytes <= k.mem_bytes && k.entry < k.payload_bytes);
	require(k.align >= KD_KEXEC_PAGE && (k.align & (k.align - 1)) == 0);
	if (k.setup)
		require(k.setup_bytes <= KD_KEXEC_SETUP_MAX_BYTES &&
			k.setup + k.setup_bytes <= k.file + k.file_bytes);
	return 0;
}
