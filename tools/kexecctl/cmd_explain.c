/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/kexecctl/kx.h"

int kx_cmd_explain(const struct kx *kx)
{
	KD_AUTO(kx_input_close) struct kx_input in = { .kernel_fd = -1, .initrd_fd = -1 };
	KD_AUTO(kd_kexec_image_fini) struct kd_kexec_image image = { 0 };
	struct kd_err err = { 0 };
	int rc = kx_input_open(kx, &in, &err);

	if (!rc)
		rc = kd_kexec_prepare(&in.req, &image, &err);
	if (rc)
		return kx_complain(&err);
	kx_print_image(kx, &image);
	return 0;
}
