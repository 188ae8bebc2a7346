/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The last crash's trail: whatever the text, what comes out is fit for a terminal. */
#include "lib/host/host.h"

#include <ctype.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void require_plain(const char *text, size_t room)
{
	require(memchr(text, '\0', room) != NULL);
	for (; *text; text++)
		require(isascii((unsigned char)*text) && isgraph((unsigned char)*text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kd_host_trail trail = { 0 };
	struct kd_err err = { 0 };
	int rc = kd_host_trail_parse((const char *)data, size, "f", &trail, &err);

	if (rc < 0) {
		require(rc == -KD_BADDATA && strncmp(err.msg, "f:", 2) == 0);
		require(trail.steps == 0);
		return 0;
	}
	require((rc == 1) == (trail.steps > 0));
	if (rc == 0)
		return 0;
	require_plain(trail.reached, sizeof(trail.reached));
	require_plain(trail.capture_reached, sizeof(trail.capture_reached));
	require(trail.reached[0] != '\0' && trail.stage != 0);
	require(trail.steps <= size);
	require(trail.capture_stage == 0 || trail.capture_stage >= KD_HOST_TRAIL_CAPTURE);
	require(!trail.capture_panicked || trail.capture_stage != 0);
	/* Either the last step is the capture kernel's last, or it is one of a panic. */
	require(trail.capture_panicked || trail.capture_stage == 0 ||
		trail.capture_stage == trail.stage);
	require(trail.from_s >= 0 && trail.to_s >= 0);
	return 0;
}
