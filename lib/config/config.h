/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config - what the administrator wants: /etc/kdump.conf, /etc/sysconfig/kdump
 * (on Debian also /etc/default/kdump), drop-ins in /etc/kdump.conf.d/ (name order,
 * *.conf) -> struct kd_config. Every value knows the file and line it came from.
 *
 * Syntax and the values of single directives are checked here; whether a device
 * exists or a kernel is there is for the planner.
 */
#ifndef KD_LIB_CONFIG_CONFIG_H
#define KD_LIB_CONFIG_CONFIG_H

#include "lib/base/base.h"

/* A value and where it was written: .file is a name for messages, root prefix included. */
struct kd_value {
	char *text; /* NULL: not given and no default */
	char *file; /* NULL for a built-in default */
	unsigned int line;
};

enum kd_conf_action { /* the words of failure_action and final_action */
		      KD_CONF_REBOOT,
		      KD_CONF_HALT,
		      KD_CONF_POWEROFF,
		      KD_CONF_SHELL,
		      KD_CONF_DUMP_TO_ROOTFS
};

struct kd_config {
	/* kdump.conf */
	struct kd_value path;	       /* default /var/crash; "//" squeezed, no trailing slash */
	struct kd_value target_fstype; /* "ext4", "xfs"; .text NULL: the file system behind path */
	struct kd_value target_spec;   /* "/dev/vda1", "UUID=...", "LABEL=..." */
	struct kd_value
		core_collector; /* as written; default "makedumpfile -l --message-level 7 -d 31" */
	struct kd_strv collector_argv;	/* core_collector in words (quotes understood) */
	struct kd_value capture_kernel; /* path of another kernel's image; .text NULL: not given */
	struct kd_value failure_action_v, final_action_v;
	enum kd_conf_action failure_action, final_action; /* default reboot */
	struct kd_value auto_reset_crashkernel; /* default "yes"; only "no" turns it off */
	struct kd_value force_rebuild;		/* "0" (default) or "1" */
	struct kd_value force_no_rebuild;	/* the same; never both "1" */
	struct kd_value sshkey; /* default "/root/.ssh/kdump_id_rsa"; kept, not used yet */
	/* sysconfig/kdump */
	struct kd_value kernelver;	    /* KDUMP_KERNELVER, "" : the running kernel */
	struct kd_value commandline;	    /* KDUMP_COMMANDLINE, "" : /proc/cmdline */
	struct kd_value commandline_remove; /* KDUMP_COMMANDLINE_REMOVE */
	struct kd_value commandline_append; /* KDUMP_COMMANDLINE_APPEND */
	struct kd_value bootdir;	    /* KDUMP_BOOTDIR, default /boot */
	struct kd_value img, img_ext;	    /* KDUMP_IMG "vmlinuz", KDUMP_IMG_EXT "" */
	struct kd_value kexec_args;	    /* KEXEC_ARGS; "-s" and "-c" are understood */
};

/**
 * kd_config_load() - read and check all configuration files below @root
 * @ret: kd_config_fini(); untouched on failure
 *
 * Return: 0; -KD_USAGE with "file:line: what is wrong and the remedy"; -KD_SYS
 * unreadable. A missing /etc/kdump.conf is -KD_USAGE ("No kdump config file
 * found!"); all other files may be missing.
 */
int kd_config_load(const struct kd_root *root, const struct kd_log *log, struct kd_config *ret,
		   struct kd_err *err) KD_MUST_CHECK;
void kd_config_fini(struct kd_config *config);

/* What is used where /etc/sysconfig/kdump says nothing. */
struct kd_config_arch {
	const char *machine;		/* as uname(2) spells it; "" for all others */
	const char *commandline_remove; /* names of parameters, separated by blanks */
	const char *commandline_append;
	const char *kexec_args;
};

/**
 * kd_config_arch_defaults() - the table's row for @machine ("x86_64", "aarch64")
 *
 * kd_config_load() takes the row of the machine it was compiled for. Never NULL:
 * an unknown machine gets the row with what all have in common.
 */
const struct kd_config_arch *kd_config_arch_defaults(const char *machine);

#endif
