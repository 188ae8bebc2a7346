/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/kexec/internal.h"
#include "lib/kexec/machine.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>

enum { MAX_FILE_BYTES = 4 << 20 };

/* A file's text; NULL when there is none to be had. */
static char *text_of(const struct kd_root *root, const char *path)
{
	char *text = NULL;

	return kd_root_read(root, path, MAX_FILE_BYTES, &text, NULL, NULL) ? NULL : text;
}

static bool is_number(const struct kd_root *root, const char *path, const char *number)
{
	KD_AUTO(kd_freep) char *text = text_of(root, path);

	if (!text)
		return false;
	text[strcspn(text, "\n")] = '\0';
	return strcmp(text, number) == 0;
}

/* With ,high and ,low the last one is crashk_res. */
static void read_reservation(const struct kd_root *root, struct kd_kexec_machine *m)
{
	KD_AUTO(kd_freep) char *text = text_of(root, "/proc/iomem");
	const uint8_t *bytes = (const uint8_t *)text;
	struct kd_cursor c = { .p = bytes, .end = bytes ? bytes + strlen(text) : NULL };

	for (struct kd_iomem_resource r = { 0 }; kd_iomem_next(&c, &r);) {
		if (kd_iomem_is(&r, "Crash kernel")) {
			m->crash_start = r.start;
			m->crash_end = r.end;
		}
	}
}

static bool has_sys_boot(const struct kd_root *root)
{
	KD_AUTO(kd_freep) char *text = text_of(root, "/proc/self/status");
	const char *at = text ? strstr(text, "\nCapEff:") : NULL;
	unsigned long long caps = 0;

	return at && sscanf(at, "\nCapEff: %llx", &caps) == 1 && (caps >> CAP_SYS_BOOT & 1);
}

bool kd_kexec_has_la57(const struct kd_root *root)
{
	KD_AUTO(kd_freep) char *text = text_of(root, "/proc/cpuinfo");
	const char *flags = text ? strstr(text, "\nflags") : NULL;

	if (!flags)
		return false;
	const char *found = strstr(flags, " la57"), *line_end = strchr(flags + 1, '\n');
	return found && (!line_end || found < line_end);
}

/* "[none] integrity confidentiality" */
static bool is_locked_down(const struct kd_root *root)
{
	KD_AUTO(kd_freep) char *text = text_of(root, "/sys/kernel/security/lockdown");

	return text && strchr(text, '[') && !strstr(text, "[none]");
}

int kd_kexec_machine_read(const struct kd_root *root, bool crash, struct kd_kexec_machine *ret,
			  struct kd_err *err)
{
	struct kd_kexec_machine m = { .arch = 62 };
	KD_AUTO(kd_freep) char *meminfo = text_of(root, "/proc/meminfo");
	const char *at = meminfo ? strstr(meminfo, "MemTotal:") : NULL;
	unsigned long long kib = 0;

	if (!at || sscanf(at, "MemTotal: %llu", &kib) != 1)
		return kd_fail(err, KD_NOTSUP, "%s/proc/meminfo: no MemTotal; is /proc mounted?",
			       kd_root_prefix(root));
	m.ram_pages = kib / 4;
	m.cap_sys_boot = has_sys_boot(root);
	m.load_disabled = is_number(root, "/proc/sys/kernel/kexec_load_disabled", "1");
	m.limit_reached = is_number(root,
				    crash ? "/proc/sys/kernel/kexec_load_limit_panic"
					  : "/proc/sys/kernel/kexec_load_limit_reboot",
				    "0");
	m.locked_down = is_locked_down(root);
	m.limit = kd_kexec_has_la57(root) ? KD_KEXEC_LIMIT_5LEVEL : KD_KEXEC_LIMIT_4LEVEL;
	read_reservation(root, &m);
	*ret = m;
	return 0;
}

uint64_t kd_kexec_known_flags(kd_kexec_raw_load load)
{
	uint64_t known = 0;

	for (uint64_t flag = 1; flag < 0x10000; flag <<= 1)
		if (load(0, 1, NULL, flag) == EFAULT)
			known |= flag;
	return known;
}
