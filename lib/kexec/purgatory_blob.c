/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The purgatory's bytes as part of this library; mk/purgatory.mk makes them. */
#include "lib/kexec/internal.h"

#include <string.h>

#ifdef KD_PURGATORY_BIN
extern const uint8_t kd_purgatory_blob[], kd_purgatory_blob_end[];

__asm__(".section .rodata\n"
	".balign 16\n"
	".globl kd_purgatory_blob, kd_purgatory_blob_end\n"
	"kd_purgatory_blob:\n"
	".incbin \"" KD_PURGATORY_BIN "\"\n"
	"kd_purgatory_blob_end:\n"
	".previous\n");

int kd_kexec_purgatory(struct kd_kexec_purgatory *ret, struct kd_err *err)
{
	struct kd_kexec_purgatory p = { .image = kd_purgatory_blob };
	struct kd_cursor c = { .p = kd_purgatory_blob + KD_PURGATORY_HEADER_AT,
			       .end = kd_purgatory_blob_end };

	p.image_bytes = (size_t)(kd_purgatory_blob_end - kd_purgatory_blob);
	uint64_t magic = kd_cursor_u64(&c);
	p.mem_bytes = kd_cursor_u64(&c);
	p.params_at = kd_cursor_u64(&c);
	if (c.bad || magic != KD_PURGATORY_MAGIC || p.mem_bytes < p.image_bytes ||
	    p.params_at > p.image_bytes ||
	    p.image_bytes - p.params_at < sizeof(struct kd_purgatory_params))
		return kd_fail(err, KD_BADDATA, "the purgatory of this build is damaged");
	*ret = p;
	return 0;
}
#else
int kd_kexec_purgatory(struct kd_kexec_purgatory *ret, struct kd_err *err)
{
	return kd_fail(err, KD_NOTSUP,
		       "kexec_load is prepared on x86_64 only: use kexec_file_load");
}
#endif
