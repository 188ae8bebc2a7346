/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kexec_load(2) with a prepared image. */
#include "lib/kexec/internal.h"
#include "lib/kexec/machine.h"

#include <errno.h>
#include <linux/kexec.h>

/*
 * Flags by which a caller says that it left the ELF core header out of its digests. The
 * second came later (Linux v6.6: commit a72bbec70da2, v6.10: commit 79365026f869); a
 * kernel that lacks it refuses it before it touches anything.
 */
enum { UPDATE_ELFCOREHDR = 0x4, CRASH_HOTPLUG_SUPPORT = 0x8 };

static unsigned long flags_of(const struct kd_kexec_image *image)
{
	return (image->crash ? KEXEC_ON_CRASH : 0) | (image->hotplug ? UPDATE_ELFCOREHDR : 0);
}

int kd_kexec_foretell(const struct kd_root *root, struct kd_kexec_image *image, struct kd_err *err)
{
	const struct kd_kexec_call call = {
		.entry = image->entry,
		.segments = image->segments,
		.count = image->segment_count,
		.flags = flags_of(image) | KEXEC_ARCH_X86_64,
	};
	struct kd_kexec_machine machine = { 0 };
	int rc = kd_kexec_machine_read(root, image->crash, &machine, err);

	if (rc == -KD_NOMEM)
		return rc;
	/* Without the facts the kernel decides alone. */
	image->foretold = rc == 0;
	if (!image->foretold)
		return 0;
	/* What is set was decided by the kernel's own files. */
	machine.known_flags = KEXEC_ON_CRASH | KEXEC_PRESERVE_CONTEXT | flags_of(image);
	kd_kexec_preflight(&machine, &call, &image->verdict);
	return 0;
}

static int call_kernel(const struct kd_kexec_ops *ops, const struct kd_kexec_image *image,
		       unsigned long flags)
{
	return ops->kexec_load(ops->arg, image->entry, image->segments, image->segment_count,
			       flags);
}

static int refused(const struct kd_kexec_image *image, int sys, bool asked,
		   const struct kd_kexec_facts *facts, struct kd_err *err)
{
	const char *why = kd_kexec_explain(sys, facts, !image->crash);
	const char *thought = image->verdict.text;
	int rc = 0;

	if (!asked)
		rc = kd_fail_sys(err, sys, "not tried, the kernel would refuse it: %s", thought);
	else if (image->verdict.sys == sys)
		rc = kd_fail_sys(err, sys, "kexec_load: %s", thought);
	else
		rc = kd_fail_sys(err, sys, "kexec_load of %zu segments%s%s%s", image->segment_count,
				 why ? ": " : "", why ? why : "",
				 image->foretold ? " (no rule that preflight knows was broken)"
						 : "");
	if (err && (sys == EADDRNOTAVAIL || sys == ENOMEM)) {
		err->code = KD_NOSPACE;
		rc = -KD_NOSPACE;
	}
	return rc;
}

int kd_kexec_load_image(const struct kd_kexec_ops *ops, const struct kd_kexec_image *image,
			const struct kd_kexec_facts *facts, struct kd_err *err)
{
	unsigned long flags = flags_of(image);
	int sys = 0;

	if (image->verdict.sys)
		return refused(image, image->verdict.sys, false, facts, err);
	if (image->hotplug)
		sys = call_kernel(ops, image, flags | CRASH_HOTPLUG_SUPPORT);
	if (!image->hotplug || sys == EINVAL)
		sys = call_kernel(ops, image, flags);
	return sys ? refused(image, sys, true, facts, err) : 0;
}
