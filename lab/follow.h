/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * follow - a machine from its start to its end, as a walk through stages. The
 * serial console and QEMU's events move it on; a stage in which the guest no
 * longer gets anywhere ends the walk.
 *
 * Whether it gets anywhere is judged by what it prints and by the processor time
 * it had, so that a busy host makes a run slower but not fail: a guest is stuck
 * when it has printed nothing for `silent_s` seconds of its own processor time, or
 * for four times as long on the clock. A wall limit a stage is the last resort.
 */
#ifndef KD_LAB_FOLLOW_H
#define KD_LAB_FOLLOW_H

#include "lab/case.h"
#include "lab/console.h"
#include "lab/timeline.h"
#include "lab/vm.h"

enum kd_lab_stage {
	KD_LAB_STAGE_BOOT,    /* until the production system is up */
	KD_LAB_STAGE_ARM,     /* until kdump is armed */
	KD_LAB_STAGE_SETUP,   /* until the set-up commands of a case without a panic are done */
	KD_LAB_STAGE_KEXEC,   /* until another kernel is up, without a reset */
	KD_LAB_STAGE_AFTER,   /* until the commands for then are done */
	KD_LAB_STAGE_TRIGGER, /* until the panic */
	KD_LAB_STAGE_JUMP,    /* until the capture init runs */
	KD_LAB_STAGE_CAPTURE, /* until it is done */
	KD_LAB_STAGE_RESET,   /* until QEMU sees the machine reset or switched off */
	KD_LAB_STAGE_BACK,    /* until the production system is up again */
	KD_LAB_STAGE_STATUS,  /* until kdumpctl status has answered */
	KD_LAB_STAGE_OFF,     /* until it has switched itself off */
	KD_LAB_STAGE_DONE
};

/* What the guest asks of QEMU's debugger now. */
struct kd_lab_wish {
	enum { KD_LAB_WISH_NONE, KD_LAB_WISH_POKE, KD_LAB_WISH_WRITABLE } kind;
	uint64_t addr, len; /* POKE: physical; WRITABLE: virtual */
	uint64_t answer;    /* WRITABLE: physical address of the page for it */
};

struct kd_lab_follow {
	const struct kd_lab_case *c;
	enum kd_lab_stage stage;
	bool power_on; /* the machine ended as it should, off or halted; start it again */
	bool dump;     /* the guest is ready: QEMU is to dump its memory now */
	bool type;     /* there is a shell on the console: type what the case says */
	struct kd_lab_wish wish;
	bool failed;
	char why[400]; /* the first thing that went wrong */
	struct kd_lab_timeline timeline;
	struct kd_strv guest; /* console up to the panic or kexec */
	struct kd_strv lines; /* console from there on */
	char said[200];	      /* last line a command of the guest printed before the panic */
	uint64_t stage_ms;    /* when the stage began */
	uint64_t heard_ms;    /* when the console was last heard */
	bool heard_since_end; /* after the reset; clocks cannot tell, an event is timed by its arrival */
	uint64_t heard_cpu_ms;
	enum kd_lab_stage clocked; /* the stage that stage_cpu_ms is of */
	uint64_t stage_cpu_ms;	   /* processor time when the clock first saw the stage */
};

void kd_lab_follow_init(struct kd_lab_follow *f, const struct kd_lab_case *c, uint64_t now_ms);
void kd_lab_follow_fini(struct kd_lab_follow *f);

/** kd_lab_follow_line() - a console line */
void kd_lab_follow_line(struct kd_lab_follow *f, const char *line, uint64_t now_ms);

/** kd_lab_follow_event() - an event of QEMU, after the console lines before it */
void kd_lab_follow_event(struct kd_lab_follow *f, enum kd_lab_qmp_event event, uint64_t now_ms);

/** kd_lab_follow_clock() - is it stuck? @cpu_ms: processor time of the VM so far */
void kd_lab_follow_clock(struct kd_lab_follow *f, uint64_t now_ms, uint64_t cpu_ms);

/** kd_lab_follow_over() - done, or failed for good */
bool kd_lab_follow_over(const struct kd_lab_follow *f);

#endif
