/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/planner/planner.h"

#include <string.h>

enum {
	TARGET_TIMEOUT_S = 60, /* disks behind slow controllers spin up within this */
	DEADLINE_MIN_S = 600,
	DEADLINE_MAX_S = 86400,
	DEADLINE_PER_GIB_S = 20, /* all of RAM at 50 MB/s: nothing slower is worth waiting for */
};

static enum kd_action action_of(enum kd_conf_action from)
{
	switch (from) {
	case KD_CONF_HALT:
		return KD_ACTION_HALT;
	case KD_CONF_POWEROFF:
		return KD_ACTION_POWEROFF;
	case KD_CONF_SHELL:
		return KD_ACTION_SHELL;
	case KD_CONF_DUMP_TO_ROOTFS:
		return KD_ACTION_DUMP_TO_ROOTFS;
	case KD_CONF_REBOOT:
		break;
	}
	return KD_ACTION_REBOOT;
}

static uint64_t deadline_for(uint64_t ram_bytes)
{
	uint64_t s = DEADLINE_MIN_S + (ram_bytes >> 30) * DEADLINE_PER_GIB_S;

	return s < DEADLINE_MAX_S ? s : DEADLINE_MAX_S;
}

/* A file system's UUID survives any renaming of devices; the rest are second best, in this order. */
static void pick_identity(const struct kd_host_device *device, struct kd_plan_target *target)
{
	const struct {
		enum kd_id_kind kind;
		char *text;
	} choices[] = {
		{ KD_ID_UUID, device->fs_uuid },   { KD_ID_LABEL, device->fs_label },
		{ KD_ID_WWID, device->wwid },	   { KD_ID_SERIAL, device->serial },
		{ KD_ID_DEVICE, device->devnode },
	};
	/* A disk's serial or WWID says nothing about which partition. */
	bool whole_disk = strcmp(device->name, device->disk) == 0;

	for (size_t i = 0; i < KD_ARRAY_LEN(choices); i++) {
		bool of_disk = choices[i].kind == KD_ID_WWID || choices[i].kind == KD_ID_SERIAL;
		if (!choices[i].text || !choices[i].text[0] || (of_disk && !whole_disk))
			continue;
		target->id_kind = choices[i].kind;
		target->id = choices[i].text;
		return;
	}
}

static int add_target(struct kd_plan *plan, const struct kd_planner_target *from,
		      struct kd_err *err)
{
	/* btrfs mounts its default subvolume unless told otherwise; dir counts from the top one. */
	bool is_btrfs = strcmp(from->fstype, "btrfs") == 0;
	struct kd_plan_target target = {
		.fstype = from->fstype,
		.mount_options = (char *)(is_btrfs ? "subvolid=5" : ""),
		.dir = from->dir,
	};

	pick_identity(&from->device, &target);
	return kd_plan_add_target(plan, &target, err);
}

/* "/lib/modules/x/ext4.ko.xz" is unpacked into the image as "/lib/modules/x/ext4.ko". */
static int add_module(struct kd_plan *plan, const struct kd_host_module *module, struct kd_err *err)
{
	KD_AUTO(kd_freep) char *path = NULL;
	int rc = kd_strdup(&path, module->path, err);

	if (rc)
		return rc;
	char *suffix = strstr(path, ".ko.");
	if (suffix)
		suffix[3] = '\0';
	return kd_plan_add_module(plan, path, module->options, err);
}

static int fill(const struct kd_config *config, const struct kd_planner_facts *facts,
		struct kd_plan *plan, struct kd_err *err)
{
	int rc = kd_strdup(&plan->kernel_release, facts->release, err);

	if (!rc)
		rc = kd_strdup(&plan->host_tag, "127.0.0.1", err);
	plan->engine = facts->engine;
	if (!rc && facts->collector)
		rc = kd_strv_add(&plan->collector, facts->collector, err);
	for (size_t i = 1; !rc && facts->collector && i < config->collector_argv.n; i++)
		rc = kd_strv_add(&plan->collector, config->collector_argv.v[i], err);
	for (size_t i = 0; !rc && i < facts->module_count; i++)
		rc = add_module(plan, &facts->modules[i], err);
	for (size_t i = 0; !rc && i < facts->target_count; i++)
		rc = add_target(plan, &facts->targets[i], err);
	return rc;
}

int kd_planner_plan(const struct kd_config *config, const struct kd_planner_facts *facts,
		    struct kd_plan *ret, struct kd_err *err)
{
	struct kd_plan plan = {
		.deadline_s = deadline_for(facts->ram_bytes),
		.target_timeout_s = TARGET_TIMEOUT_S,
		.failure_action = action_of(config->failure_action),
		.final_action = action_of(config->final_action),
	};
	int rc = fill(config, facts, &plan, err);

	if (rc)
		kd_plan_fini(&plan);
	else
		*ret = plan;
	return rc;
}
