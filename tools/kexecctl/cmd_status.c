/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/kexecctl/kx.h"

static const char *yes_no(struct kd_host_flag f)
{
	return !f.known ? "unknown" : f.value ? "yes" : "no";
}

/* Whether the kernel keeps the loaded image's ELF core header up to date itself. */
static struct kd_host_flag hotplug_of(const struct kx *kx)
{
	unsigned long long v = 0;
	int rc = kd_root_read_u64(kx->root, "/sys/devices/system/cpu/crash_hotplug", &v, NULL);

	return (struct kd_host_flag){ .known = rc == 0, .value = v != 0 };
}

static void put_flag(struct kd_json *json, const char *name, struct kd_host_flag f)
{
	if (f.known)
		kd_json_bool(json, name, f.value);
	else
		kd_json_string(json, name, NULL);
}

static void print_json(const struct kx *kx, const struct kd_kexec_facts *facts,
		       const struct kd_host_crash_facts *crash)
{
	KD_AUTO(kd_buf_fini) struct kd_buf out = { 0 };
	struct kd_json json = { .out = &out, .pretty = true };

	kd_json_open_object(&json, NULL);
	put_flag(&json, "crash_loaded", crash->loaded);
	put_flag(&json, "loaded", crash->other_loaded);
	if (crash->size_bytes.known)
		kd_json_u64(&json, "reserved_bytes", crash->size_bytes.value);
	kd_json_open_array(&json, "reserved");
	for (size_t i = 0; i < crash->range_count; i++) {
		kd_json_open_object(&json, NULL);
		kd_json_u64(&json, "start", crash->ranges[i].start);
		kd_json_u64(&json, "end", crash->ranges[i].end);
		kd_json_close_object(&json);
	}
	kd_json_close_array(&json);
	put_flag(&json, "hotplug", hotplug_of(kx));
	put_flag(&json, "load_disabled", crash->load_disabled);
	kd_json_string(&json, "lockdown", facts->lockdown[0] ? facts->lockdown : NULL);
	put_flag(&json, "secure_boot", crash->secure_boot);
	kd_json_close_object(&json);
	fputs(out.p ? out.p : "", stdout);
}

static void print_text(const struct kx *kx, const struct kd_kexec_facts *facts,
		       const struct kd_host_crash_facts *crash)
{
	char size[KD_SIZE_TEXT_BYTES];

	printf("Loaded for a panic: %s\n", yes_no(crash->loaded));
	printf("Loaded to reboot into: %s\n", yes_no(crash->other_loaded));
	printf("Reserved by crashkernel=: %s\n",
	       crash->size_bytes.known ? kd_format_size(crash->size_bytes.value, size) : "unknown");
	for (size_t i = 0; i < crash->range_count; i++)
		printf("  0x%jx-0x%jx\n", (uintmax_t)crash->ranges[i].start,
		       (uintmax_t)crash->ranges[i].end);
	printf("The kernel updates it on hotplug: %s\n", yes_no(hotplug_of(kx)));
	printf("Loading is disabled: %s\n", yes_no(crash->load_disabled));
	printf("Lockdown: %s\n", facts->lockdown[0] ? facts->lockdown : "unknown");
	printf("Secure boot: %s\n", yes_no(crash->secure_boot));
}

int kx_cmd_status(const struct kx *kx)
{
	struct kd_host_crash_facts crash = { 0 };
	struct kd_kexec_facts facts = { 0 };
	struct kd_err err = { 0 };

	if (kx_facts(kx, &facts, &crash, &err))
		return kx_complain(&err);
	if (kx->json)
		print_json(kx, &facts, &crash);
	else
		print_text(kx, &facts, &crash);
	return (crash.loaded.known && crash.loaded.value) ||
			       (crash.other_loaded.known && crash.other_loaded.value)
		       ? 0
		       : KX_EXIT_NOT_LOADED;
}
