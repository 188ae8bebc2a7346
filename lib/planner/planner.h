/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * planner - configuration and facts to the plan and the capture kernel's command
 * line. Two steps: gathering reads the machine and refuses what cannot be; making
 * the plan and the command line is pure, so the same facts give the same bytes.
 */
#ifndef KD_LIB_PLANNER_PLANNER_H
#define KD_LIB_PLANNER_PLANNER_H

#include "lib/base/base.h"
#include "lib/config/config.h"
#include "lib/host/host.h"
#include "lib/plan/plan.h"

/* One place to save to, as found on this machine. */
struct kd_planner_target {
	struct kd_host_device device;
	char *fstype;
	char *dir; /* from the file system's top */
};

enum { KD_PLANNER_MAX_TARGETS = 2 };

struct kd_planner_facts {
	struct kd_host_kernel running;
	char *release;	   /* of the capture kernel */
	char *kernel_path; /* /boot/vmlinuz-<release> */
	char *config_path; /* /boot/config-<release>; need not exist */
	char *image_path;  /* /boot/initramfs-<release>kdump.img, or below /var/lib/kdump */
	char *collector;   /* absolute path of the collector program; NULL: the engine */
	struct kd_plan_engine engine; /* where collector is NULL */
	struct kd_planner_target targets[KD_PLANNER_MAX_TARGETS];
	size_t target_count;
	struct kd_host_module *modules; /* load order, all targets */
	size_t module_count;
	struct kd_host_number cpu0_apicid;
	struct kd_strv watchdog_modules; /* drivers of active watchdogs */
	uint64_t ram_bytes;		 /* 0 unknown */
};

void kd_planner_facts_fini(struct kd_planner_facts *facts);

/**
 * kd_planner_gather_kernel() - only what needs no target: running kernel, capture
 * kernel and the paths that follow from it
 *
 * Return: 0; -KD_USAGE the capture kernel is missing (message names the file, where
 * it was asked for, and the remedy); -KD_SYS; -KD_NOMEM; -KD_BADDATA.
 */
int kd_planner_gather_kernel(const struct kd_root *root, const struct kd_config *config,
			     struct kd_planner_facts *facts, struct kd_err *err) KD_MUST_CHECK;

/**
 * kd_planner_gather() - everything
 * @facts: zeroed before; kd_planner_facts_fini(), also after a failure
 *
 * Return: 0; -KD_USAGE the configuration asks for what is not there (file:line in
 * front); -KD_NOTSUP a target that cannot be reached from the capture image; -KD_SYS;
 * -KD_BADDATA; -KD_NOMEM.
 */
int kd_planner_gather(const struct kd_root *root, const struct kd_config *config,
		      const struct kd_log *log, struct kd_planner_facts *facts,
		      struct kd_err *err) KD_MUST_CHECK;

/** kd_planner_plan() - pure; @ret is for kd_plan_fini() */
int kd_planner_plan(const struct kd_config *config, const struct kd_planner_facts *facts,
		    struct kd_plan *ret, struct kd_err *err) KD_MUST_CHECK;

/**
 * kd_planner_cmdline() - the capture kernel's command line; pure
 * @ret: free()
 *
 * KDUMP_COMMANDLINE or the running kernel's, less the names of
 * KDUMP_COMMANDLINE_REMOVE and those that belong to the first boot only, plus
 * KDUMP_COMMANDLINE_APPEND, disable_cpu_apicid= and watchdog settings; and panic=10
 * where none of these words makes the capture kernel reboot after a panic of its own.
 */
int kd_planner_cmdline(const struct kd_config *config, const struct kd_planner_facts *facts,
		       char **ret, struct kd_err *err) KD_MUST_CHECK;

#endif
