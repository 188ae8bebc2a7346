/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kdumpctl - the administrator's tool. main.c reads the command line, each
 * cmd_<verb>.c is one verb, load.c is what start, restart and reload share.
 */
#ifndef KD_TOOLS_KDUMPCTL_CTL_H
#define KD_TOOLS_KDUMPCTL_CTL_H

#include "crashkernel/crashkernel.h"
#include "lib/base/base.h"
#include "lib/config/config.h"
#include "lib/host/host.h"
#include "lib/kexec/kexec.h"

enum { EXIT_NOT_OPERATIONAL = 3 };

struct ctl {
	struct kd_root *root;
	struct kd_log log;
	const struct kd_kexec_ops *kexec; /* NULL below --root: nothing is loaded then */
	bool json;
	bool explain;	      /* estimate: item by item */
	bool force;	      /* load what is thought not to fit */
	const char *argument; /* get-default-crashkernel: kdump or fadump; NULL none */
	struct kd_config config;
};

/* Messages go to stderr as "kdump: ...", as the tool we stand in for has them. */
void say(const char *fmt, ...) KD_PRINTF(1, 2);
void warn(const char *fmt, ...) KD_PRINTF(1, 2);
/** complain() - an error, once, at the top; returns 1, the exit status */
int complain(const struct kd_err *err);

/** take_lock() - wait for other kdumpctl's that change something; the lock ends with the process */
int take_lock(const struct ctl *ctl, struct kd_err *err) KD_MUST_CHECK;

/** kexec_facts() - what lib/kexec wants to know, from lib/host */
int kexec_facts(const struct ctl *ctl, struct kd_kexec_facts *ret, bool *supported_ret,
		struct kd_err *err) KD_MUST_CHECK;

/** no_reservation() - why nothing is reserved, from the kernel's command line, and what to do; an error */
int no_reservation(const struct ctl *ctl, struct kd_err *err);

/* Where the capture image comes from. */
enum image_source {
	IMAGE_BUILD, /* made anew; the old file is replaced if the bytes differ */
	IMAGE_KEEP   /* the file as it is */
};

/**
 * arm() - make or check the image, then load it in place of the loaded one, if any
 *
 * The loaded image is not touched before the new one has been built, read back and
 * checked against the reservation. If the load itself fails, and the kernel has
 * dropped the old image, that one is loaded again from its file.
 */
int arm(struct ctl *ctl, enum image_source source, const struct kd_kexec_facts *facts,
	struct kd_err *err) KD_MUST_CHECK;

/** rebuild_image() - make the image file, load nothing */
int rebuild_image(struct ctl *ctl, struct kd_err *err) KD_MUST_CHECK;

/** machine_facts() - what the default crashkernel= depends on; @kernel is for kd_host_kernel_fini() */
int machine_facts(const struct ctl *ctl, struct kd_host_kernel *kernel, struct kd_ck_machine *ret,
		  struct kd_err *err) KD_MUST_CHECK;

/* What the newest manifest said; zeros where there was none. */
struct capture_seen {
	bool saved;
	int64_t crash_time; /* seconds since 1970; 0 unknown */
};

/** last_capture() - how the last capture ended; prints to stderr, or into @json */
void last_capture(const struct ctl *ctl, struct capture_seen *seen, struct kd_json *json);

/**
 * last_crash() - how far the last crash got, where the kernel keeps a trail of it
 *
 * To stderr only if it did not end in a dump, into @json always; nothing at all on a
 * kernel that keeps no trail.
 */
void last_crash(const struct ctl *ctl, const struct capture_seen *seen, struct kd_json *json);

int cmd_start(struct ctl *ctl);
int cmd_stop(struct ctl *ctl);
int cmd_restart(struct ctl *ctl);
int cmd_reload(struct ctl *ctl);
int cmd_status(struct ctl *ctl);
int cmd_rebuild(struct ctl *ctl);
int cmd_showmem(struct ctl *ctl);
int cmd_estimate(struct ctl *ctl);
int cmd_default_crashkernel(struct ctl *ctl);

#endif
