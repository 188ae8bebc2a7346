/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/kdumpctl/ctl.h"

static void print_json(const struct kd_host_crash_facts *crash)
{
	KD_AUTO(kd_buf_fini) struct kd_buf out = { 0 };
	struct kd_json json = { .out = &out, .pretty = true };

	kd_json_open_object(&json, NULL);
	kd_json_u64(&json, "reserved_bytes", crash->size_bytes.value);
	/* /proc/iomem shows zeros to who is not root: then there are none to tell. */
	kd_json_bool(&json, "ranges_known", crash->ranges_known);
	kd_json_open_array(&json, "ranges");
	for (size_t i = 0; i < crash->range_count; i++) {
		kd_json_open_object(&json, NULL);
		kd_json_u64(&json, "start", crash->ranges[i].start);
		kd_json_u64(&json, "end", crash->ranges[i].end);
		kd_json_close_object(&json);
	}
	kd_json_close_array(&json);
	kd_json_close_object(&json);
	fputs(out.p ? out.p : "", stdout);
}

int cmd_showmem(struct ctl *ctl)
{
	struct kd_host_crash_facts crash = { 0 };
	struct kd_err err = { 0 };
	int rc = kd_host_crash_facts(ctl->root, &crash, &err);

	if (!rc && !crash.size_bytes.known)
		rc = kd_fail(&err, KD_NOTSUP,
			     "this kernel does not say how much is reserved: it was built without "
			     "crash dump support");
	if (rc)
		return complain(&err);
	if (ctl->json)
		print_json(&crash);
	else
		say("Reserved %lluMB memory for crash kernel",
		    (unsigned long long)(crash.size_bytes.value >> 20));
	return 0;
}
