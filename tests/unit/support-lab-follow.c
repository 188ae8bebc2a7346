/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/support-lab-follow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

const char *const lines_to_armed[4] = {
	"[    0.000000] Linux version 6.1.0",
	"[    2.600000] lab: up",
	"[    9.000000] lab: start| kdump: Starting kdump: [OK]",
	"[    9.100000] lab: armed",
};
const char *const panic_lines[2] = {
	"[    9.200000] sysrq: Trigger a crash",
	"[    9.300000] Kernel panic - not syncing: sysrq triggered crash",
};
const char *const capture_lines[8] = {
	"[    0.000000] Linux version 6.1.0",
	"[    2.100000] kdumpkit: init 0.1.0",
	"[    2.400000] kdumpkit: target mounted /dev/vda ext4 /var/crash",
	"[    2.500000] kdumpkit: dmesg saved /var/crash/x/vmcore-dmesg.txt 26579 bytes",
	"[    2.600000] kdumpkit: vmcore started makedumpfile -l -d 31",
	"[    5.100000] kdumpkit: vmcore saved /var/crash/x/vmcore 1 bytes",
	"[    6.100000] kdumpkit: outcome saved",
	"[    6.200000] kdumpkit: action reboot (final_action)",
};
const char *const back_lines[4] = {
	"[    0.000000] Linux version 6.1.0",
	"[    2.600000] lab: back",
	"[    3.100000] lab: status| kdump: Last capture: saved, /var/crash/x (2026)",
	"[    3.200000] lab: status rc=3",
};

const struct kd_lab_case reboot_case = { .end = KD_LAB_END_REBOOT, .deadline_s = 100 };
const struct kd_lab_case poweroff_case = { .end = KD_LAB_END_POWEROFF, .deadline_s = 100 };

uint64_t say_lines(struct kd_lab_follow *f, const char *const *lines, size_t n, uint64_t now)
{
	for (size_t i = 0; i < n; i++, now += 100)
		kd_lab_follow_line(f, lines[i], now);
	return now;
}

void expect_failure(const struct kd_lab_follow *f, const char *text)
{
	assert_true(f->failed);
	assert_true(kd_lab_follow_over(f));
	if (!strstr(f->why, text))
		fail_msg("'%s' lacks '%s'", f->why, text);
}
