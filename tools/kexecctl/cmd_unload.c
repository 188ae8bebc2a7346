/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/kexecctl/kx.h"

int kx_cmd_unload(const struct kx *kx)
{
	const char *what = kx->crash ? "the kernel for a panic" : "the kernel to reboot into";
	struct kd_kexec_facts facts = { 0 };
	struct kd_err err = { 0 };
	int rc = kx_facts(kx, &facts, NULL, &err);

	if (!rc && kx->ops)
		rc = kx->crash ? kd_kexec_unload(kx->ops, &facts, &err)
			       : kd_kexec_unload_regular(kx->ops, &facts, &err);
	if (rc)
		return kx_complain(&err);
	kx_say("%s %s", kx->ops ? "unloaded" : "--root: would unload", what);
	return 0;
}
