/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How far the last crash got, from a kernel that keeps a trail of it. */
#include "tools/kdumpctl/ctl.h"

#include <string.h>
#include <time.h>

/*
 * CRASHTIME is taken between the trail's first and last step, but from a clock that the
 * kernel may have stopped a little earlier. Two crashes are at least a boot apart.
 */
enum { CLOCK_SLACK_S = 5 };

/* What it means that a trail ends there. */
static const char *meaning_of(unsigned int stage)
{
	switch (stage) {
	case KD_HOST_TRAIL_PANIC:
		return "nothing more was done after panic() was entered";
	case KD_HOST_TRAIL_CRASH_KEXEC:
		return "it stopped when the capture kernel was asked for";
	case KD_HOST_TRAIL_VMCOREINFO:
		return "it stopped while the other CPUs were being stopped";
	case KD_HOST_TRAIL_CPUS_STOPPED:
		return "it stopped while interrupt controllers were switched off";
	case KD_HOST_TRAIL_SHUTDOWN:
		return "it stopped just before the capture kernel was entered";
	case KD_HOST_TRAIL_JUMP:
		return "the capture kernel was entered and gave no sign of life: too little memory "
		       "is reserved for it, or it is a kernel that leaves no trail";
	case KD_HOST_TRAIL_NOTIFIERS:
		return "no capture kernel was started, it stopped after the panic notifiers";
	case KD_HOST_TRAIL_RESTART:
		return "no capture kernel was started, the machine restarted";
	case KD_HOST_TRAIL_CAPTURE:
		return "the capture kernel started and stopped before its initcalls";
	case KD_HOST_TRAIL_CAPTURE_INITCALLS:
		return "the capture kernel stopped before it had /proc/vmcore";
	case KD_HOST_TRAIL_CAPTURE_VMCORE:
		return "the capture kernel had /proc/vmcore and stopped before its init";
	case KD_HOST_TRAIL_CAPTURE_INIT:
		return "the capture kernel started its init, which left no mark";
	case KD_HOST_TRAIL_MARK:
		return "the capture's user space stopped there";
	}
	return "a step that this program does not know";
}

/* The capture says so itself, or a manifest of the same crash does. */
static bool ended_in_dump(const struct kd_host_trail *trail, const struct capture_seen *seen)
{
	if (trail->stage == KD_HOST_TRAIL_MARK && strcmp(trail->reached, "saved") == 0)
		return true;
	return seen->saved && seen->crash_time >= trail->from_s - CLOCK_SLACK_S &&
	       seen->crash_time <= trail->to_s + CLOCK_SLACK_S;
}

static void time_text(int64_t at, char *text, size_t room)
{
	const time_t seconds = at;
	struct tm tm;

	if (at == 0 || !gmtime_r(&seconds, &tm) ||
	    strftime(text, room, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		snprintf(text, room, "unknown");
}

static void tell_json(struct kd_json *json, const struct kd_host_trail *trail, const char *at,
		      bool dumped)
{
	kd_json_open_object(json, "last_crash");
	kd_json_string(json, "time", at);
	kd_json_string(json, "reached", trail->reached);
	kd_json_u64(json, "steps", trail->steps);
	kd_json_bool(json, "capture_kernel_started", trail->capture_stage != 0);
	kd_json_bool(json, "capture_kernel_panicked", trail->capture_panicked);
	kd_json_bool(json, "ended_in_dump", dumped);
	kd_json_close_object(json);
}

void last_crash(const struct ctl *ctl, const struct capture_seen *seen, struct kd_json *json)
{
	struct kd_host_trail trail = { 0 };
	struct kd_err err = { 0 };
	char at[32];
	int rc = kd_host_trail(ctl->root, &trail, &err);

	if (rc < 0 && json)
		kd_json_string(json, "last_crash_error", err.msg);
	else if (rc < 0)
		say("Last crash: unknown: %s", err.msg);
	if (rc <= 0)
		return;
	bool dumped = ended_in_dump(&trail, seen);
	time_text(trail.from_s, at, sizeof(at));
	if (json)
		tell_json(json, &trail, at, dumped);
	else if (!dumped && trail.capture_panicked)
		say("Last crash: the capture kernel itself panicked after '%s' (%s)",
		    trail.capture_reached, at);
	else if (!dumped)
		say("Last crash: got as far as '%s', %s (%s)", trail.reached,
		    meaning_of(trail.stage), at);
}
