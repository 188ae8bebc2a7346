/* SPDX-License-Identifier: GPL-2.0-or-later */
/* start, restart, reload: one sequence that differs in what is loaded already and what is built. */
#include "tools/kdumpctl/ctl.h"

#include <string.h>

static int ready_to_load(struct ctl *ctl, struct kd_kexec_facts *facts, struct kd_err *err)
{
	bool supported = false;
	int rc = kexec_facts(ctl, facts, &supported, err);

	if (!rc && !supported)
		rc = kd_fail(err, KD_NOTSUP,
			     "Kdump is not supported on this kernel: it was built without "
			     "CONFIG_CRASH_DUMP or CONFIG_KEXEC_FILE");
	if (!rc && !facts->load_disabled && facts->reserved_known && facts->reserved_bytes == 0)
		rc = no_reservation(ctl, err);
	return rc;
}

static int finish(int rc, const struct kd_err *err)
{
	if (rc)
		complain(err);
	say("Starting kdump: %s", rc ? "[FAILED]" : "[OK]");
	return rc ? 1 : 0;
}

static bool keep_image(const struct ctl *ctl)
{
	const char *text = ctl->config.force_no_rebuild.text;

	return text && strcmp(text, "1") == 0;
}

int cmd_start(struct ctl *ctl)
{
	struct kd_kexec_facts facts = { 0 };
	struct kd_err err = { 0 };
	int rc = ready_to_load(ctl, &facts, &err);

	if (!rc && facts.loaded) {
		say("Kdump already running: [WARNING]");
		return 0;
	}
	if (!rc)
		rc = arm(ctl, keep_image(ctl) ? IMAGE_KEEP : IMAGE_BUILD, &facts, &err);
	return finish(rc, &err);
}

int cmd_restart(struct ctl *ctl)
{
	struct kd_kexec_facts facts = { 0 };
	struct kd_err err = { 0 };
	int rc = ready_to_load(ctl, &facts, &err);

	if (!rc)
		rc = arm(ctl, keep_image(ctl) ? IMAGE_KEEP : IMAGE_BUILD, &facts, &err);
	return finish(rc, &err);
}

int cmd_reload(struct ctl *ctl)
{
	struct kd_kexec_facts facts = { 0 };
	struct kd_err err = { 0 };
	int rc = ready_to_load(ctl, &facts, &err);

	if (!rc && !facts.loaded)
		say("Kdump was not running: [WARNING]");
	if (!rc)
		rc = arm(ctl, IMAGE_KEEP, &facts, &err);
	return finish(rc, &err);
}
