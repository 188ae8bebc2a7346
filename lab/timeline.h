/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * timeline - what a crash looks like from outside: the moments of one run, read
 * from the lines of the serial console and from QEMU's events, each with the
 * host's clock and, inside the capture kernel, with the guest's own (printk's
 * time, seconds since the capture kernel's start).
 */
#ifndef KD_LAB_TIMELINE_H
#define KD_LAB_TIMELINE_H

#include "lib/base/base.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum kd_lab_moment {
	KD_LAB_UP,	/* production init runs */
	KD_LAB_ARMED,	/* kdumpctl start has succeeded, or a set-up that arms the machine itself */
	KD_LAB_KEXEC,	/* the command that starts another kernel is given */
	KD_LAB_KEXECED, /* production init runs on that kernel */
	KD_LAB_FINISHED,     /* all commands of a case without a panic are done */
	KD_LAB_PANIC,	     /* first of "sysrq: Trigger a crash" and "Kernel panic" */
	KD_LAB_CAPTURE,	     /* first line of the capture kernel */
	KD_LAB_INIT,	     /* the capture init runs */
	KD_LAB_TARGET,	     /* target mounted */
	KD_LAB_DMESG,	     /* kernel log safe */
	KD_LAB_VMCORE_START, /* collector started */
	KD_LAB_VMCORE,	     /* vmcore saved */
	KD_LAB_OUTCOME,	     /* outcome known */
	KD_LAB_ACTION,	     /* everything synced; about to reboot */
	KD_LAB_END,	     /* QEMU says the machine was reset or switched off */
	KD_LAB_BACK,	     /* production init runs again */
	KD_LAB_STATUS,	     /* kdumpctl status has answered */
	KD_LAB_MOMENTS
};

struct kd_lab_mark {
	bool seen;
	bool has_guest;
	uint64_t wall_ms;  /* kd_monotonic_ms() on the host */
	uint64_t guest_us; /* printk time */
};

struct kd_lab_timeline {
	struct kd_lab_mark marks[KD_LAB_MOMENTS];
	bool replaying;	       /* the capture init repeats the crashed kernel's log: not news */
	bool capture_panicked; /* a second panic, in the capture kernel */
	char action[64];       /* "reboot", ... of the action line */
	char outcome[192];     /* the rest of the outcome line */
};

/** kd_lab_timeline_line() - look at a console line that came at @now_ms; the first match of each moment counts */
void kd_lab_timeline_line(struct kd_lab_timeline *t, const char *line, uint64_t now_ms);

/** kd_lab_timeline_mark() - a moment that is not a console line */
void kd_lab_timeline_mark(struct kd_lab_timeline *t, enum kd_lab_moment moment, uint64_t now_ms);

/** kd_lab_moment_name() - "capture-init", ...: for JSON and messages */
const char *kd_lab_moment_name(enum kd_lab_moment moment);

/** kd_lab_printk_time() - microseconds of a leading "[    4.123456] "; false where there is none */
bool kd_lab_printk_time(const char *line, uint64_t *us_ret);

/** kd_lab_timeline_print() - the table for people */
void kd_lab_timeline_print(const struct kd_lab_timeline *t, FILE *out);

/** kd_lab_timeline_json() - an array "timeline" of the moments seen */
void kd_lab_timeline_json(const struct kd_lab_timeline *t, struct kd_json *j);

#endif
