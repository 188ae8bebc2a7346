/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "capture-initrd/init/internal.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum { SHOW_MIN_MS = 2000, SHOW_MAX_MS = 30000 };

static uint64_t reserve_ms(const struct kd_init *init)
{
	uint64_t quarter = init->deadline_s * 1000 / 4;

	return quarter < KD_INIT_RESERVE_MS ? quarter : KD_INIT_RESERVE_MS;
}

uint64_t kd_init_left_ms(const struct kd_init *init)
{
	uint64_t spent = kd_monotonic_ms() - init->start_ms;
	uint64_t total = init->deadline_s * 1000, reserve = reserve_ms(init);

	return spent + reserve < total ? total - spent - reserve : 0;
}

uint64_t kd_init_hash_until_ms(const struct kd_init *init)
{
	return init->start_ms + init->deadline_s * 1000 - reserve_ms(init) / 3 * 2;
}

static void load_modules(struct kd_init *init)
{
	struct kd_init_modules modules = { 0 };

	snprintf(init->shared->doing, sizeof(init->shared->doing), "loading modules");
	kd_init_modules_load(init, &modules);
	kd_manifest_add_stage(&init->manifest, "modules", kd_monotonic_ms());
	if (modules.loaded == init->plan.module_count)
		kd_init_say(init, "modules %zu loaded", modules.loaded);
	else
		kd_init_say(init, "modules %zu of %zu loaded: %s", modules.loaded,
			    init->plan.module_count, modules.first_failure);
}

/* Even with no time left, a short try comes out of what is kept for the last steps. */
static uint64_t show_timeout_ms(const struct kd_init *init)
{
	uint64_t left_ms = kd_init_left_ms(init);

	if (left_ms < SHOW_MIN_MS)
		return SHOW_MIN_MS;
	return left_ms < SHOW_MAX_MS ? left_ms : SHOW_MAX_MS;
}

/* Without a disk a serial log or a management controller may still keep the last words. */
void kd_init_show_dmesg(const struct kd_init *init)
{
	struct kd_err err = { 0 };
	uint64_t timeout_ms = show_timeout_ms(init);
	KD_AUTO(kd_closep)
	int fd = kd_root_openat(init->root, "/dev/console", O_WRONLY | O_NOCTTY, 0, &err);

	snprintf(init->shared->doing, sizeof(init->shared->doing), "showing the dmesg");
	kd_init_say(init, "dmesg could not be saved, its end follows on the console");
	int rc = fd < 0 ? fd : kd_init_dmesg_show(init, fd, timeout_ms, &err);
	if (rc)
		kd_init_say(init, "dmesg failed %s", err.msg);
}

/* Lower is better: the order in which enum kd_outcome is written. */
static void try_targets(struct kd_init *init)
{
	struct kd_init_shared *shared = init->shared;

	(void)mkdir("/mnt", 0700);
	shared->outcome = KD_OUTCOME_FAILED;
	snprintf(shared->reason, sizeof(shared->reason), "the plan has no target");
	for (size_t i = 0; i < init->plan.target_count; i++) {
		struct kd_err err = { 0 };
		enum kd_outcome outcome = kd_init_attempt(init, i, &err);
		/* The first failure is the one to mend; a better result replaces it. */
		if (i == 0 || outcome < shared->outcome) {
			shared->outcome = outcome;
			memcpy(shared->reason, err.msg, sizeof(shared->reason));
		}
		if (outcome == KD_OUTCOME_SAVED)
			break;
	}
}

void kd_init_worker(struct kd_init *init)
{
	load_modules(init);
	try_targets(init);
	/* A whole vmcore has the log in it. */
	if (!init->shared->dmesg_safe && init->shared->outcome != KD_OUTCOME_SAVED)
		kd_init_show_dmesg(init);
	init->shared->done = true;
}
