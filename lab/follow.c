/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/follow.h"

#include <stdarg.h>
#include <string.h>

/* After this many the guest is printing in circles; the log file has its own limit. */
enum { MAX_LINES = 200000 };

static const struct {
	const char *waiting; /* "gave up waiting for ..." */
	unsigned int silent_s;
	unsigned int busy_s; /* processor time of the guest; 0: no limit */
} limits[] = {
	[KD_LAB_STAGE_BOOT] = { "the machine to come up", 60, 300 },
	[KD_LAB_STAGE_ARM] = { "kdump to be armed", 120, 600 },
	/* a long test is silent while it works; the case's deadline bounds it */
	[KD_LAB_STAGE_SETUP] = { "the set-up commands to end", 600, 0 },
	[KD_LAB_STAGE_KEXEC] = { "the other kernel to come up", 60, 300 },
	[KD_LAB_STAGE_AFTER] = { "the commands on the other kernel to end", 120, 300 },
	[KD_LAB_STAGE_TRIGGER] = { "the panic", 60, 300 },
	[KD_LAB_STAGE_JUMP] = { "the capture init", 60, 300 },
	/* a collector is silent while it works; the case's deadline bounds it */
	[KD_LAB_STAGE_CAPTURE] = { "the capture to end", 600, 0 },
	[KD_LAB_STAGE_RESET] = { "the machine to reset", 30, 120 },
	[KD_LAB_STAGE_BACK] = { "the machine to come back", 60, 300 },
	[KD_LAB_STAGE_STATUS] = { "kdumpctl status", 60, 300 },
	[KD_LAB_STAGE_OFF] = { "the machine to switch itself off", 60, 300 },
	[KD_LAB_STAGE_DONE] = { "nothing", 0, 0 },
};

/* Only the first reason counts: what follows is mostly its consequence. */
static void KD_PRINTF(2, 3) fail(struct kd_lab_follow *f, const char *fmt, ...)
{
	va_list ap;

	if (f->failed)
		return;
	f->failed = true;
	va_start(ap, fmt);
	vsnprintf(f->why, sizeof(f->why), fmt, ap);
	va_end(ap);
}

static void enter(struct kd_lab_follow *f, enum kd_lab_stage stage, uint64_t now_ms)
{
	f->stage = stage;
	f->stage_ms = now_ms;
}

void kd_lab_follow_init(struct kd_lab_follow *f, const struct kd_lab_case *c, uint64_t now_ms)
{
	*f = (struct kd_lab_follow){ .c = c, .heard_ms = now_ms };
	enter(f, KD_LAB_STAGE_BOOT, now_ms);
}

void kd_lab_follow_fini(struct kd_lab_follow *f)
{
	kd_strv_fini(&f->guest);
	kd_strv_fini(&f->lines);
}

/* "0xADDRESS 0xLENGTH", and "0xADDRESS 0xLENGTH 0xANSWER" */
static void take_wish(struct kd_lab_follow *f, const char *lab)
{
	bool poke = strncmp(lab, KD_LAB_POKE, strlen(KD_LAB_POKE)) == 0;
	const char *text = lab + strlen(poke ? KD_LAB_POKE : KD_LAB_WRITABLE);
	unsigned long long addr = 0, len = 0, answer = 0;
	int n = sscanf(text, "0x%llx 0x%llx 0x%llx", &addr, &len, &answer);

	if (n != (poke ? 2 : 3)) {
		fail(f, "what the guest asks of the debugger is not understood: %s", lab);
		return;
	}
	f->wish = (struct kd_lab_wish){
		.kind = poke ? KD_LAB_WISH_POKE : KD_LAB_WISH_WRITABLE,
		.addr = addr,
		.len = len,
		.answer = answer,
	};
}

static bool is_wish(const char *lab)
{
	return strncmp(lab, KD_LAB_POKE, strlen(KD_LAB_POKE)) == 0 ||
	       strncmp(lab, KD_LAB_WRITABLE, strlen(KD_LAB_WRITABLE)) == 0;
}

/* "lab: LABEL| text" and "lab: ... failed rc=N" of the guest's own script */
static void before_panic(struct kd_lab_follow *f, const char *line)
{
	const char *lab = strstr(line, "lab: ");

	if (!lab)
		return;
	if (f->c->trigger == KD_LAB_TRIGGER_QEMU && strstr(lab, KD_LAB_LAST_WORDS))
		f->dump = true;
	else if (f->c->debugger && is_wish(lab))
		take_wish(f, lab);
	else if (strchr(lab, '|'))
		snprintf(f->said, sizeof(f->said), "%s", strchr(lab, '|') + 1);
	else if (strstr(lab, " failed"))
		fail(f, "%s%s%s", lab + 5, *f->said ? ":" : "", f->said);
	else if (strncmp(lab, "lab: back", 9) == 0)
		fail(f, "the machine thinks it has panicked before: its disk is not a fresh one");
}

static bool seen(const struct kd_lab_follow *f, enum kd_lab_moment moment)
{
	return f->timeline.marks[moment].seen;
}

static enum kd_lab_stage after_up(const struct kd_lab_case *c)
{
	/* before a panic the set-up does what kdumpctl start does elsewhere */
	return c->not_armed && !kd_lab_case_panics(c) ? KD_LAB_STAGE_SETUP : KD_LAB_STAGE_ARM;
}

static enum kd_lab_stage after_armed(const struct kd_lab_case *c)
{
	return c->trigger == KD_LAB_TRIGGER_NONE || c->trigger == KD_LAB_TRIGGER_KEXEC
		       ? KD_LAB_STAGE_SETUP
		       : KD_LAB_STAGE_TRIGGER;
}

/* Stages follow from the moments seen, so a lost line cannot hold up what comes after it. */
static void advance(struct kd_lab_follow *f, uint64_t now_ms)
{
	const struct {
		enum kd_lab_moment seen;
		enum kd_lab_stage next;
	} steps[] = {
		{ KD_LAB_UP, after_up(f->c) },	       { KD_LAB_ARMED, after_armed(f->c) },
		{ KD_LAB_KEXEC, KD_LAB_STAGE_KEXEC },  { KD_LAB_KEXECED, KD_LAB_STAGE_AFTER },
		{ KD_LAB_FINISHED, KD_LAB_STAGE_OFF }, { KD_LAB_PANIC, KD_LAB_STAGE_JUMP },
		{ KD_LAB_INIT, KD_LAB_STAGE_CAPTURE }, { KD_LAB_ACTION, KD_LAB_STAGE_RESET },
		{ KD_LAB_END, KD_LAB_STAGE_BACK },     { KD_LAB_BACK, KD_LAB_STAGE_STATUS },
		{ KD_LAB_STATUS, KD_LAB_STAGE_OFF },
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(steps); i++)
		if (seen(f, steps[i].seen) && f->stage < steps[i].next)
			enter(f, steps[i].next, now_ms);
}

/* Everything is kept: what a case expects is looked for at the end. */
static void keep(struct kd_lab_follow *f, const char *line)
{
	bool later = seen(f, KD_LAB_PANIC) || seen(f, KD_LAB_KEXEC);
	struct kd_strv *to = later ? &f->lines : &f->guest;
	struct kd_err err = { 0 };

	if (to->n >= MAX_LINES)
		fail(f, "more than %d console lines %s", MAX_LINES,
		     !later		     ? "since the start"
		     : seen(f, KD_LAB_PANIC) ? "since the panic"
					     : "since the kexec");
	else if (kd_strv_add(to, line, &err))
		fail(f, "%s", err.msg);
}

/* A machine that is halted stays so until somebody switches it off and on. */
static void on_halt(struct kd_lab_follow *f, uint64_t now_ms)
{
	if (seen(f, KD_LAB_END))
		return;
	if (f->c->end == KD_LAB_END_HALT && seen(f, KD_LAB_INIT))
		f->power_on = true;
	else
		fail(f, "the machine halted while the lab waited for %s", limits[f->stage].waiting);
	kd_lab_timeline_mark(&f->timeline, KD_LAB_END, now_ms);
}

static void from_capture(struct kd_lab_follow *f, const char *line, uint64_t now_ms)
{
	if (seen(f, KD_LAB_INIT) && !seen(f, KD_LAB_END) &&
	    strstr(line, "kdumpkit: shell on the console"))
		f->type = true;
	if (strstr(line, "reboot: System halted"))
		on_halt(f, now_ms);
}

void kd_lab_follow_line(struct kd_lab_follow *f, const char *line, uint64_t now_ms)
{
	bool armed = seen(f, KD_LAB_ARMED);
	bool panicked = seen(f, KD_LAB_PANIC);

	if (*line) {
		f->heard_ms = now_ms;
		f->heard_since_end = seen(f, KD_LAB_END);
	}
	kd_lab_timeline_line(&f->timeline, line, now_ms);
	if (!seen(f, KD_LAB_PANIC))
		before_panic(f, line);
	else if (!panicked && !kd_lab_case_panics(f->c))
		fail(f, "the machine panicked: %s", line);
	else if (!panicked && !armed)
		fail(f, "the machine panicked before kdump was armed: %s", line);
	if (seen(f, KD_LAB_INIT) && f->c->expect == KD_LAB_EXPECT_NO_CAPTURE)
		fail(f, "the capture kernel runs, but expect-outcome = no-capture");
	if (!f->timeline.replaying)
		from_capture(f, line, now_ms);
	if (seen(f, KD_LAB_END) && strstr(line, "lab: up"))
		fail(f, "the machine came back without knowing of its panic");
	keep(f, line);
	advance(f, now_ms);
}

static void on_reset(struct kd_lab_follow *f, uint64_t now_ms)
{
	/* A kernel that restarts tries several ways in a row, and QEMU may tell of more than
	 * one. Until the console is heard again it is the same reset. */
	if (f->timeline.marks[KD_LAB_END].seen && !f->heard_since_end)
		return;
	if (f->stage < KD_LAB_STAGE_JUMP || !kd_lab_case_panics(f->c))
		fail(f, "the machine reset itself while the lab waited for %s",
		     limits[f->stage].waiting);
	else if (f->stage == KD_LAB_STAGE_JUMP && f->c->expect != KD_LAB_EXPECT_NO_CAPTURE)
		fail(f, "the machine reset itself after the panic, and the capture init never ran");
	else if (f->stage > KD_LAB_STAGE_RESET)
		fail(f, "the machine reset itself once more");
	else if (f->c->end != KD_LAB_END_REBOOT)
		fail(f, "the machine rebooted; its end was to be: %s", kd_lab_end_name(f->c->end));
	kd_lab_timeline_mark(&f->timeline, KD_LAB_END, now_ms);
}

static void on_shutdown(struct kd_lab_follow *f, uint64_t now_ms)
{
	if (f->stage == KD_LAB_STAGE_OFF) {
		enter(f, KD_LAB_STAGE_DONE, now_ms);
	} else if ((f->stage == KD_LAB_STAGE_RESET || f->stage == KD_LAB_STAGE_CAPTURE) &&
		   f->c->end == KD_LAB_END_POWEROFF) {
		kd_lab_timeline_mark(&f->timeline, KD_LAB_END, now_ms);
		f->power_on = true;
	} else {
		fail(f, "the machine switched itself off while the lab waited for %s",
		     limits[f->stage].waiting);
	}
}

void kd_lab_follow_event(struct kd_lab_follow *f, enum kd_lab_qmp_event event, uint64_t now_ms)
{
	switch (event) {
	case KD_LAB_QMP_RESET:
		on_reset(f, now_ms);
		break;
	case KD_LAB_QMP_SHUTDOWN:
		on_shutdown(f, now_ms);
		break;
	case KD_LAB_QMP_DUMPED:
		enter(f, KD_LAB_STAGE_DONE, now_ms);
		break;
	case KD_LAB_QMP_EOF:
		if (f->stage != KD_LAB_STAGE_DONE && !f->power_on)
			fail(f, "QEMU ended while the lab waited for %s; see qemu.log",
			     limits[f->stage].waiting);
		break;
	case KD_LAB_QMP_NONE:
		break;
	}
	advance(f, now_ms);
}

/* The case's own deadline: from the panic to the machine's reset; without a panic from its start. */
static void check_deadline(struct kd_lab_follow *f, uint64_t now_ms)
{
	bool panics = kd_lab_case_panics(f->c);
	const struct kd_lab_mark *from = &f->timeline.marks[panics ? KD_LAB_PANIC : KD_LAB_UP];

	if (from->seen && !seen(f, KD_LAB_END) && now_ms - from->wall_ms >= f->c->deadline_s * 1000)
		fail(f, "gave up waiting for %s: %s %ju s ago, the case's deadline",
		     limits[f->stage].waiting, panics ? "the panic was" : "the machine came up",
		     (uintmax_t)f->c->deadline_s);
}

void kd_lab_follow_clock(struct kd_lab_follow *f, uint64_t now_ms, uint64_t cpu_ms)
{
	uint64_t silent_ms = limits[f->stage].silent_s * UINT64_C(1000);
	uint64_t busy_ms = limits[f->stage].busy_s * UINT64_C(1000);
	uint64_t since = f->heard_ms > f->stage_ms ? f->heard_ms : f->stage_ms;

	/* The console was heard since the last look: the processor time of the silence starts here. */
	if (now_ms - since < 1000 || cpu_ms < f->heard_cpu_ms)
		f->heard_cpu_ms = cpu_ms;
	if (f->clocked != f->stage || cpu_ms < f->stage_cpu_ms) {
		f->clocked = f->stage;
		f->stage_cpu_ms = cpu_ms;
	}
	check_deadline(f, now_ms);
	if (kd_lab_follow_over(f))
		return;

	uint64_t silence_cpu_ms = cpu_ms - f->heard_cpu_ms;
	if (silence_cpu_ms >= silent_ms || now_ms - since >= 4 * silent_ms)
		fail(f,
		     "gave up waiting for %s: nothing on the console for %ju s, in which the guest "
		     "had %ju s of processor time",
		     limits[f->stage].waiting, (uintmax_t)(now_ms - since) / 1000,
		     (uintmax_t)silence_cpu_ms / 1000);
	else if (busy_ms &&
		 (cpu_ms - f->stage_cpu_ms >= busy_ms || now_ms - f->stage_ms >= 10 * busy_ms))
		fail(f,
		     "gave up waiting for %s after %ju s, in which the guest had %ju s of processor "
		     "time",
		     limits[f->stage].waiting, (uintmax_t)(now_ms - f->stage_ms) / 1000,
		     (uintmax_t)(cpu_ms - f->stage_cpu_ms) / 1000);
}

bool kd_lab_follow_over(const struct kd_lab_follow *f)
{
	return f->failed || f->stage == KD_LAB_STAGE_DONE;
}
