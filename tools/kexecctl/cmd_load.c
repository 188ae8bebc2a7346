/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/kexecctl/kx.h"

/* Below --root: everything but the call. */
static int rehearse(const struct kx *kx, const struct kx_input *in,
		    const struct kd_kexec_facts *facts, struct kd_err *err)
{
	KD_AUTO(kd_kexec_image_fini) struct kd_kexec_image image = { 0 };
	int rc = 0;

	if (kx->call != KD_KEXEC_HOW_CLASSIC) {
		rc = kd_kexec_check(&in->req, facts, err);
		if (!rc)
			kx_say("--root: would load %s with kexec_file_load", kx->kernel);
		return rc;
	}
	rc = kd_kexec_prepare(&in->req, &image, err);
	if (!rc)
		kx_say("--root: would load %s with kexec_load, %zu segments", kx->kernel,
		       image.segment_count);
	return rc;
}

int kx_cmd_load(const struct kx *kx)
{
	KD_AUTO(kx_input_close) struct kx_input in = { .kernel_fd = -1, .initrd_fd = -1 };
	struct kd_kexec_facts facts = { 0 };
	struct kd_err err = { 0 };
	int rc = kx_facts(kx, &facts, NULL, &err);

	if (!rc)
		rc = kx_input_open(kx, &in, &err);
	if (!rc && !kx->ops)
		rc = rehearse(kx, &in, &facts, &err);
	else if (!rc)
		rc = kd_kexec_load(kx->ops, &in.req, &facts, &err);
	if (rc)
		return kx_complain(&err);
	if (kx->ops)
		kx_say("loaded %s%s", kx->kernel, kx->crash ? " for a panic" : "");
	return 0;
}
