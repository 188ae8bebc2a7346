/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The running kernel's vmcoreinfo, out of something that calls itself /proc/kcore. */
#include "lib/host/internal.h"

#include <string.h>
#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	KD_AUTO(kd_closep) int fd = memfd_create("kcore", 0);
	KD_AUTO(kd_buf_fini) struct kd_buf text = { 0 };
	struct kd_err err = { 0 };

	if (fd < 0 || kd_write_full(fd, data, len, "kcore", NULL))
		abort();
	if (kd_host_kcore_text(fd, &text, &err)) {
		if (!err.msg[0] || text.len)
			abort();
	} else if (text.len > len) {
		abort();
	}
	return 0;
}
