/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/timeline.h"

#include <string.h>

/*
 * The stage lines of the capture init are an interface: each starts with
 * "kdumpkit: ". A moment of the capture is looked for only between the panic and
 * the reset, so that text of the production system cannot pass for it.
 */
static const struct {
	const char *name;
	const char *title;
	const char *text; /* NULL: not a console line */
	bool after_panic;
} moments[KD_LAB_MOMENTS] = {
	[KD_LAB_UP] = { "up", "machine up", "lab: up", false },
	[KD_LAB_ARMED] = { "armed", "kdump armed", "lab: armed", false },
	[KD_LAB_KEXEC] = { "kexec", "kexec", "lab: kexec now", false },
	[KD_LAB_KEXECED] = { "kexeced", "new kernel up", "lab: kexeced ", false },
	[KD_LAB_FINISHED] = { "finished", "commands done", "lab: finished", false },
	[KD_LAB_PANIC] = { "panic", "panic", NULL, false },
	[KD_LAB_CAPTURE] = { "capture-kernel", "capture kernel speaks", "Linux version ", true },
	[KD_LAB_INIT] = { "capture-init", "capture init runs", "kdumpkit: init ", true },
	[KD_LAB_TARGET] = { "target", "target mounted", "kdumpkit: target mounted ", true },
	[KD_LAB_DMESG] = { "dmesg", "kernel log safe", "kdumpkit: dmesg saved ", true },
	[KD_LAB_VMCORE_START] = { "vmcore-start", "collector started", "kdumpkit: vmcore started",
				  true },
	[KD_LAB_VMCORE] = { "vmcore", "vmcore saved", "kdumpkit: vmcore saved ", true },
	[KD_LAB_OUTCOME] = { "outcome", "outcome recorded", "kdumpkit: outcome ", true },
	[KD_LAB_ACTION] = { "action", "synced, action", "kdumpkit: action ", true },
	[KD_LAB_END] = { "end", "machine reset", NULL, true },
	[KD_LAB_BACK] = { "back", "machine up again", "lab: back", true },
	[KD_LAB_STATUS] = { "status", "status answered", "lab: status rc=", true },
};

const char *kd_lab_moment_name(enum kd_lab_moment moment)
{
	return moments[moment].name;
}

bool kd_lab_printk_time(const char *line, uint64_t *us_ret)
{
	uint64_t s = 0, us = 0;
	unsigned int digits = 0;
	const char *p = line;

	if (*p == '<') /* printk's level, where the console shows it */
		p += strcspn(p, ">") + (strchr(p, '>') != NULL);
	if (*p++ != '[')
		return false;
	p += strspn(p, " ");
	for (; *p >= '0' && *p <= '9'; p++) {
		if (s > UINT32_MAX)
			return false;
		s = s * 10 + (uint64_t)(*p - '0');
	}
	if (*p++ != '.')
		return false;
	for (; *p >= '0' && *p <= '9' && digits < 6; p++, digits++)
		us = us * 10 + (uint64_t)(*p - '0');
	if (digits != 6 || *p != ']')
		return false;
	*us_ret = s * 1000000 + us;
	return true;
}

static bool is_panic(const char *line)
{
	return strstr(line, "sysrq: Trigger a crash") || strstr(line, "Kernel panic - not syncing");
}

static void copy_rest(char *to, size_t size, const char *line, const char *prefix)
{
	const char *rest = strstr(line, prefix);

	if (rest)
		snprintf(to, size, "%s", rest + strlen(prefix));
}

static void set_mark(struct kd_lab_mark *mark, const char *line, uint64_t now_ms)
{
	mark->seen = true;
	mark->wall_ms = now_ms;
	mark->has_guest = line && kd_lab_printk_time(line, &mark->guest_us);
}

static bool is_due(const struct kd_lab_timeline *t, enum kd_lab_moment m)
{
	if (moments[m].after_panic != t->marks[KD_LAB_PANIC].seen)
		return false;
	return !t->marks[KD_LAB_END].seen || m > KD_LAB_END;
}

/*
 * Where nothing can be saved, the capture init puts the end of the crashed
 * kernel's log on the console. Up to its next own line all that is old.
 */
static bool is_old_news(struct kd_lab_timeline *t, const char *line)
{
	/* The init's mark in front of a line of the dead kernel. */
	if (!strstr(line, "kdumpkit: "))
		return t->replaying || strncmp(line, "| ", 2) == 0;
	t->replaying = strstr(line, "its end follows on the console") != NULL;
	return t->replaying;
}

void kd_lab_timeline_line(struct kd_lab_timeline *t, const char *line, uint64_t now_ms)
{
	if (is_old_news(t, line))
		return;
	if (is_panic(line)) {
		if (!t->marks[KD_LAB_PANIC].seen)
			set_mark(&t->marks[KD_LAB_PANIC], line, now_ms);
		else if (t->marks[KD_LAB_CAPTURE].seen && !t->marks[KD_LAB_END].seen)
			t->capture_panicked = true;
		return;
	}
	for (int m = 0; m < KD_LAB_MOMENTS; m++) {
		if (!moments[m].text || t->marks[m].seen || !strstr(line, moments[m].text) ||
		    !is_due(t, (enum kd_lab_moment)m))
			continue;
		set_mark(&t->marks[m], line, now_ms);
		if (m == KD_LAB_ACTION)
			copy_rest(t->action, sizeof(t->action), line, moments[m].text);
		if (m == KD_LAB_OUTCOME)
			copy_rest(t->outcome, sizeof(t->outcome), line, moments[m].text);
		return;
	}
}

void kd_lab_timeline_mark(struct kd_lab_timeline *t, enum kd_lab_moment moment, uint64_t now_ms)
{
	if (!t->marks[moment].seen)
		set_mark(&t->marks[moment], NULL, now_ms);
}

/* Guest seconds count from the capture kernel's start, so only these have some. */
static bool has_capture_time(const struct kd_lab_timeline *t, enum kd_lab_moment m)
{
	return m >= KD_LAB_CAPTURE && m <= KD_LAB_ACTION && t->marks[m].has_guest;
}

void kd_lab_timeline_print(const struct kd_lab_timeline *t, FILE *out)
{
	uint64_t panic_ms = t->marks[KD_LAB_PANIC].wall_ms;

	if (!t->marks[KD_LAB_PANIC].seen)
		return;
	fprintf(out, "    %-24s %12s %12s\n", "", "guest s", "wall s");
	for (int m = KD_LAB_PANIC; m < KD_LAB_MOMENTS; m++) {
		const struct kd_lab_mark *mark = &t->marks[m];
		char guest[32] = "";
		if (!mark->seen)
			continue;
		if (has_capture_time(t, (enum kd_lab_moment)m))
			snprintf(guest, sizeof(guest), "%.3f", (double)mark->guest_us / 1e6);
		fprintf(out, "    %-24s %12s %12.3f\n", moments[m].title, guest,
			(double)(mark->wall_ms - panic_ms) / 1e3);
	}
}

void kd_lab_timeline_json(const struct kd_lab_timeline *t, struct kd_json *j)
{
	uint64_t panic_ms = t->marks[KD_LAB_PANIC].wall_ms;

	kd_json_open_array(j, "timeline");
	for (int m = KD_LAB_PANIC; t->marks[KD_LAB_PANIC].seen && m < KD_LAB_MOMENTS; m++) {
		const struct kd_lab_mark *mark = &t->marks[m];
		if (!mark->seen)
			continue;
		kd_json_open_object(j, NULL);
		kd_json_string(j, "moment", moments[m].name);
		if (has_capture_time(t, (enum kd_lab_moment)m))
			kd_json_ms(j, "guest_s", mark->guest_us / 1000);
		kd_json_ms(j, "wall_s", mark->wall_ms - panic_ms);
		kd_json_close_object(j);
	}
	kd_json_close_array(j);
}
