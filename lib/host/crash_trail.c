/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The trail that a crash left, as a kernel with our crash_trail patch shows it: one
 * line a step, "NUMBER NAME CPU TIME" or, from the capture's user space,
 * "32 mark CPU WORD". The numbers are the interface (include/linux/crash_trail.h of the
 * patch); a name is only shown.
 */
#include "lib/host/internal.h"

#include <ctype.h>
#include <string.h>

#define TRAIL_PATH "/sys/kernel/crash_trail/last"

enum { MAX_TRAIL_BYTES = 64 << 10 };

struct step {
	uint64_t stage;
	const char *name;
	const char *rest; /* a time or a word */
};

/* "1795800000.123456": whole seconds are enough */
static bool take_seconds(const char *text, int64_t *ret)
{
	uint64_t seconds = 0;
	char digits[24];
	size_t len = strcspn(text, ".");

	if (len == 0 || len >= sizeof(digits) || text[len] != '.' ||
	    strspn(text + len + 1, "0123456789") != strlen(text + len + 1))
		return false;
	memcpy(digits, text, len);
	digits[len] = '\0';
	if (kd_parse_u64(digits, &seconds, NULL) || seconds > INT64_MAX)
		return false;
	*ret = (int64_t)seconds;
	return true;
}

/* Shown to an administrator: nothing that steers a terminal. */
static bool is_plain(const char *text)
{
	for (; *text; text++)
		if (!isascii((unsigned char)*text) || !isgraph((unsigned char)*text))
			return false;
	return true;
}

static bool split_step(char *line, struct step *ret)
{
	char *fields[4];
	char *save = NULL;
	uint64_t cpu = 0;

	for (size_t i = 0; i < KD_ARRAY_LEN(fields); i++) {
		fields[i] = strtok_r(i == 0 ? line : NULL, " ", &save);
		if (!fields[i] || !is_plain(fields[i]))
			return false;
	}
	if (strtok_r(NULL, " ", &save) || kd_parse_u64(fields[0], &ret->stage, NULL) ||
	    kd_parse_u64(fields[2], &cpu, NULL) || ret->stage == 0 || ret->stage > UINT16_MAX)
		return false;
	ret->name = fields[1];
	ret->rest = fields[3];
	return true;
}

static bool add_step(struct kd_host_trail *trail, const struct step *step)
{
	bool of_capture = step->stage >= KD_HOST_TRAIL_CAPTURE;
	int64_t at = 0;

	trail->steps++;
	trail->stage = (unsigned int)step->stage;
	snprintf(trail->reached, sizeof(trail->reached), "%s",
		 step->stage == KD_HOST_TRAIL_MARK ? step->rest : step->name);
	if (of_capture) {
		trail->capture_stage = trail->stage;
		memcpy(trail->capture_reached, trail->reached, sizeof(trail->capture_reached));
	} else if (trail->capture_stage) {
		/* The steps of a panic behind those of the capture kernel: its own. */
		trail->capture_panicked = true;
	}
	if (step->stage == KD_HOST_TRAIL_MARK)
		return true;
	if (!take_seconds(step->rest, &at))
		return false;
	if (of_capture || trail->capture_panicked)
		return true;
	if (trail->steps == 1)
		trail->from_s = at;
	trail->to_s = at;
	return true;
}

int kd_host_trail_parse(const char *text, size_t len, const char *name, struct kd_host_trail *ret,
			struct kd_err *err)
{
	struct kd_cursor c = { .p = (const uint8_t *)text, .end = (const uint8_t *)text + len };
	struct kd_host_trail trail = { 0 };
	const char *line = NULL;
	size_t line_len = 0;
	unsigned int number = 0;

	while ((line = kd_cursor_line(&c, &line_len))) {
		struct step step = { 0 };
		char copy[96];

		number++;
		if (line_len >= sizeof(copy) || memchr(line, '\0', line_len))
			return kd_fail(err, KD_BADDATA, "%s:%u: is not a step of a trail", name,
				       number);
		memcpy(copy, line, line_len);
		copy[line_len] = '\0';
		if (!split_step(copy, &step) || !add_step(&trail, &step))
			return kd_fail(err, KD_BADDATA, "%s:%u: is not a step of a trail", name,
				       number);
	}
	if (!trail.steps)
		return 0;
	*ret = trail;
	return 1;
}

int kd_host_trail(const struct kd_root *root, struct kd_host_trail *ret, struct kd_err *err)
{
	KD_AUTO(kd_freep) char *text = NULL;
	size_t len = 0;

	if (!kd_root_exists(root, TRAIL_PATH))
		return 0;
	int rc = kd_root_read(root, TRAIL_PATH, MAX_TRAIL_BYTES, &text, &len, err);

	return rc ? rc : kd_host_trail_parse(text, len, TRAIL_PATH, ret, err);
}
