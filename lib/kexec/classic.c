/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kexec_load(2) with a prepared image. */
#include "lib/kexec/internal.h"

#include <errno.h>
#include <linux/kexec.h>

/*
 * Flags by which a caller says that it left the ELF core header out of its digests. The
 * second came later (Linux v6.6: commit a72bbec70da2, v6.10: commit 79365026f869); a
 * kernel that lacks it refuses it before it touches anything.
 */
enum { UPDATE_ELFCOREHDR = 0x4, CRASH_HOTPLUG_SUPPORT = 0x8 };

static int call(const struct kd_kexec_ops *ops, const struct kd_kexec_image *image,
		unsigned long flags)
{
	return ops->kexec_load(ops->arg, image->entry, image->segments, image->segment_count,
			       flags);
}

int kd_kexec_load_image(const struct kd_kexec_ops *ops, const struct kd_kexec_image *image,
			const struct kd_kexec_facts *facts, struct kd_err *err)
{
	unsigned long flags = image->crash ? KEXEC_ON_CRASH : 0;
	int sys = 0;

	if (image->hotplug) {
		flags |= UPDATE_ELFCOREHDR;
		sys = call(ops, image, flags | CRASH_HOTPLUG_SUPPORT);
	}
	if (!image->hotplug || sys == EINVAL)
		sys = call(ops, image, flags);
	if (!sys)
		return 0;

	const char *why = kd_kexec_explain(sys, facts, !image->crash);
	int rc = why ? kd_fail_sys(err, sys, "kexec_load of %zu segments: %s", image->segment_count,
				   why)
		     : kd_fail_sys(err, sys, "kexec_load of %zu segments", image->segment_count);
	if (err && (sys == EADDRNOTAVAIL || sys == ENOMEM)) {
		err->code = KD_NOSPACE;
		rc = -KD_NOSPACE;
	}
	return rc;
}
