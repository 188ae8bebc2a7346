/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/kdumpctl/ctl.h"

int cmd_stop(struct ctl *ctl)
{
	struct kd_kexec_facts facts = { 0 };
	struct kd_err err = { 0 };
	bool supported = false;
	int rc = kexec_facts(ctl, &facts, &supported, &err);

	if (!rc && !ctl->kexec)
		say("--root: would unload the capture kernel");
	else if (!rc && supported)
		rc = kd_kexec_unload(ctl->kexec, &facts, &err);
	if (rc)
		complain(&err);
	else if (ctl->kexec)
		say("kexec: unloaded kdump kernel");
	say("Stopping kdump: %s", rc ? "[FAILED]" : "[OK]");
	return rc ? 1 : 0;
}
