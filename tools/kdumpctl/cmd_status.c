/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/kdumpctl/ctl.h"

#include <string.h>

static void print_json(const struct ctl *ctl, const struct kd_kexec_facts *facts)
{
	KD_AUTO(kd_buf_fini) struct kd_buf out = { 0 };
	struct capture_seen seen = { 0 };
	struct kd_json json = { .out = &out, .pretty = true };

	kd_json_open_object(&json, NULL);
	kd_json_bool(&json, "operational", facts->loaded);
	if (facts->reserved_known)
		kd_json_u64(&json, "reserved_bytes", facts->reserved_bytes);
	last_capture(ctl, &seen, &json);
	last_crash(ctl, &seen, &json);
	kd_json_close_object(&json);
	fputs(out.p ? out.p : "", stdout);
}

int cmd_status(struct ctl *ctl)
{
	struct kd_kexec_facts facts = { 0 };
	struct capture_seen seen = { 0 };
	struct kd_err err = { 0 };
	bool supported = false;

	if (kexec_facts(ctl, &facts, &supported, &err))
		return complain(&err);
	if (ctl->json) {
		print_json(ctl, &facts);
	} else {
		say("Kdump is %soperational", facts.loaded ? "" : "not ");
		if (!supported)
			say("Kdump is not supported on this kernel");
		else if (facts.reserved_known && facts.reserved_bytes == 0 &&
			 no_reservation(ctl, &err))
			say("%s", err.msg);
		last_capture(ctl, &seen, NULL);
		last_crash(ctl, &seen, NULL);
	}
	return facts.loaded ? 0 : EXIT_NOT_OPERATIONAL;
}
