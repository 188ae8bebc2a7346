/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * plan - CONTRACT 1: what the capture init has to do, written before the panic.
 *
 * A plan is a versioned text file packed into the capture image as /plan. The
 * planner makes one, the image builder packs what it names, the capture init
 * carries it out. This module only reads and writes the text; docs/formats/plan.md
 * describes it. The reader treats the file as foreign bytes: bounded, strict
 * about what it knows, and a plan without its closing "end" line is refused as
 * cut short.
 */
#ifndef KD_LIB_PLAN_PLAN_H
#define KD_LIB_PLAN_PLAN_H

#include "lib/base/base.h"

#include <stdint.h>

enum {
	KD_PLAN_VERSION = 1,
	KD_PLAN_MAX_BYTES = 256 << 10,
	KD_PLAN_MAX_MODULES = 512,
	KD_PLAN_MAX_TARGETS = 8,
	KD_PLAN_MAX_COLLECTOR_WORDS = 64
};

/* Where things are inside the capture image. */
#define KD_PLAN_PATH	     "/plan"
#define KD_PLAN_INIT_PATH    "/init"
#define KD_PLAN_BUSYBOX_PATH "/bin/busybox" /* with KD_ACTION_SHELL */

enum kd_action {
	KD_ACTION_REBOOT,
	KD_ACTION_HALT,
	KD_ACTION_POWEROFF,
	KD_ACTION_SHELL,
	KD_ACTION_DUMP_TO_ROOTFS
};

/* What an identity is compared with, in the order of preference the planner uses. */
enum kd_id_kind {
	KD_ID_UUID,   /* file system superblock UUID */
	KD_ID_LABEL,  /* file system superblock label */
	KD_ID_SERIAL, /* /sys/class/block/X/serial or device/serial */
	KD_ID_WWID,   /* /sys/class/block/X/wwid or device/wwid */
	KD_ID_DEVICE, /* a kernel name like /dev/vda1: only where nothing better exists */
};

/* How the engine compresses pages. */
enum kd_plan_codec { KD_PLAN_ZSTD, KD_PLAN_ZLIB, KD_PLAN_LZO, KD_PLAN_NONE };

/* What the dump engine built into init does; where a collector is named it is not used. */
struct kd_plan_engine {
	unsigned int level; /* 0 to 31, as makedumpfile's -d */
	enum kd_plan_codec codec;
	bool elf; /* write an ELF core file instead of a compressed dump */
};

/* One kernel module, in load order. */
struct kd_plan_module {
	char *path;    /* in the image, e.g. /lib/modules/6.1.0-56-cloud-amd64/virtio_blk.ko */
	char *options; /* "" for none */
};

/* One place to save to. Several are tried in order until one holds the dump. */
struct kd_plan_target {
	char *fstype; /* ext4, xfs, ... */
	enum kd_id_kind id_kind;
	char *id;
	char *mount_options; /* comma list, "" for the defaults */
	char *dir; /* where dump directories are made, relative to the file system's top: "/var/crash" */
};

struct kd_plan {
	char *kernel_release;	   /* of the capture kernel */
	char *host_tag;		   /* first part of the dump directory's name: "127.0.0.1" */
	uint64_t deadline_s;	   /* from the start of init to a forced reboot */
	uint64_t target_timeout_s; /* how long to wait for a target's device */
	struct kd_strv collector;  /* argv of the collector, [0] an absolute path in the image; the
				      input (/proc/vmcore) and output paths are appended. Empty: the
				      dump engine built into init */
	struct kd_plan_engine engine; /* where collector is empty */
	enum kd_action failure_action;
	enum kd_action final_action;
	struct kd_plan_module *modules;
	size_t module_count;
	struct kd_plan_target *targets;
	size_t target_count;
};

/** kd_plan_fini() - free what a plan owns; the struct itself is the caller's */
void kd_plan_fini(struct kd_plan *plan);

/**
 * kd_plan_add_module() / kd_plan_add_target() - append a copy of the strings
 *
 * Return: 0; -KD_USAGE when the plan holds as many as it can; -KD_NOMEM. Whether
 * the strings make sense is checked by kd_plan_format().
 */
int kd_plan_add_module(struct kd_plan *plan, const char *path, const char *options,
		       struct kd_err *err) KD_MUST_CHECK;
int kd_plan_add_target(struct kd_plan *plan, const struct kd_plan_target *target,
		       struct kd_err *err) KD_MUST_CHECK;

/**
 * kd_plan_format() - append a plan's text to @out. Same plan, same bytes.
 *
 * Return: 0; -KD_USAGE for a plan that kd_plan_parse() would refuse (a value out of
 * range, no target), saying which value; -KD_NOMEM. On failure what @out gained
 * is of no use.
 */
int kd_plan_format(const struct kd_plan *plan, struct kd_buf *out,
		   struct kd_err *err) KD_MUST_CHECK;

/**
 * kd_plan_parse() - text to plan
 * @name: what to call the text in messages ("/plan")
 * @ret: kd_plan_fini(); untouched on failure
 *
 * Return: 0; -KD_BADDATA with "name:line: what and the remedy"; -KD_NOTSUP for
 * a version this program does not know; -KD_NOMEM.
 */
int kd_plan_parse(const char *text, size_t len, const char *name, struct kd_plan *ret,
		  struct kd_err *err) KD_MUST_CHECK;

const char *kd_action_name(enum kd_action action);
/** kd_action_from_name() - 0 and *ret, or -KD_USAGE */
int kd_action_from_name(const char *name, enum kd_action *ret, struct kd_err *err) KD_MUST_CHECK;
const char *kd_id_kind_name(enum kd_id_kind kind);
const char *kd_plan_codec_name(enum kd_plan_codec codec); /* "zstd", "zlib", "lzo", "none" */

#endif
