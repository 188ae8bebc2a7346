/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a call leaves behind, and settings that last until the next boot. */
#include "lab/guest/kexec-probe/probe.h"

#include <errno.h>
#include <linux/kexec.h>
#include <string.h>
#include <sys/mount.h>

#define CRASH KEXEC_ON_CRASH

static void load_something(const struct kd_kexec_machine *m, int want, const char *name)
{
	const struct kd_kexec_segment s = {
		.buf = probe.buf, .buf_bytes = 16, .mem = m->crash_start, .mem_bytes = PAGE
	};
	const struct kd_kexec_call call = {
		.entry = m->crash_start, .segments = &s, .count = 1, .flags = CRASH
	};
	char why[400];
	bool good = probe_try(m, &call, want, why, sizeof(why));

	probe_report(good, name, "%s", why);
}

/* A stock kernel frees the old image before it looks at the new one. */
int probe_run_reload(void)
{
	struct kd_kexec_machine m = { 0 };
	bool patched = probe_is_patched();
	const struct kd_kexec_segment bad = { .buf = probe.buf,
					      .buf_bytes = 16,
					      .mem_bytes = PAGE };

	if (!probe_read_machine(true, &m))
		return 1;
	if (!probe_is_loaded())
		load_something(&m, 0, "armed");
	probe_report(probe_is_loaded(), "armed", "kexec_crash_loaded is %d", probe_is_loaded());
	const struct kd_kexec_call call = {
		.entry = m.crash_start, .segments = &bad, .count = 1, .flags = CRASH
	};
	char why[400];
	bool good = probe_try(&m, &call, EADDRNOTAVAIL, why, sizeof(why));
	probe_report(good, "refused-reload", "%s", why);
	probe_report(probe_is_loaded() == patched, "after-refused-reload",
		     "%s kernel: the old image is %s", patched ? "patched" : "stock",
		     probe_is_loaded() ? "still there" : "lost");
	return probe.wrong > 0;
}

int probe_run_disabled(void)
{
	struct kd_kexec_machine m = { 0 };

	if (!probe_read_machine(true, &m))
		return 1;
	load_something(&m, 0, "before");
	probe_report(probe_write_small("/proc/sys/kernel/kexec_load_disabled", "1"), "disable",
		     "done");
	/* the flags are known already: now nobody could find them out */
	m.load_disabled = true;
	load_something(&m, EPERM, "kexec-load-disabled");
	struct kd_kexec_machine now = { 0 };
	probe_report(probe_read_machine(true, &now) && now.load_disabled, "facts",
		     "load_disabled is seen");
	probe_report(probe_is_loaded(), "still-armed", "kexec_crash_loaded is %d",
		     probe_is_loaded());
	return probe.wrong > 0;
}

int probe_run_lockdown(void)
{
	static const char file[] = "/sys/kernel/security/lockdown";
	struct kd_kexec_machine m = { 0 };

	if (mount("securityfs", "/sys/kernel/security", "securityfs", 0, NULL) && errno != EBUSY) {
		printf("skip lockdown: no securityfs: %s\n", strerror(errno));
		return 0;
	}
	if (access(file, W_OK)) {
		printf("skip lockdown: this kernel has none (%s)\n", file);
		return 0;
	}
	if (!probe_read_machine(true, &m))
		return 1;
	load_something(&m, 0, "before");
	probe_report(probe_write_small(file, "integrity"), "lock-down", "done");
	m.locked_down = true;
	load_something(&m, EPERM, "lockdown-integrity");
	struct kd_kexec_machine now = { 0 };
	probe_report(probe_read_machine(true, &now) && now.locked_down, "facts",
		     "locked_down is seen");
	return probe.wrong > 0;
}
