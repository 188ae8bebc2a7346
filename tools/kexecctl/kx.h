/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kexecctl - kernels into memory, by either call. main.c reads the command line, each
 * cmd_<verb>.c is one verb, image.c is what load and explain share.
 */
#ifndef KD_TOOLS_KEXECCTL_KX_H
#define KD_TOOLS_KEXECCTL_KX_H

#include "lib/base/base.h"
#include "lib/host/host.h"
#include "lib/kexec/kexec.h"

enum { KX_EXIT_FAILED = 1, KX_EXIT_NOT_LOADED = 3 };

struct kx {
	struct kd_root *root;
	struct kd_log log;
	const struct kd_kexec_ops *ops; /* NULL below --root: nothing is loaded then */
	bool json;
	bool crash;
	bool force;
	enum kd_kexec_how call;
	const char *kernel; /* NULL: not named */
	const char *initrd;
	const char *cmdline; /* NULL: none given */
	bool reuse_cmdline;
	bool serial_given;
	struct kd_kexec_serial serial;
	bool hang;
};

/* Messages go to stderr as "kexecctl: ...". */
void kx_say(const char *fmt, ...) KD_PRINTF(1, 2);
/** kx_complain() - an error, once, at the top; returns 1, the exit status */
int kx_complain(const struct kd_err *err);

/** kx_facts() - what lib/kexec wants to know, from lib/host; @crash_ret may be NULL */
int kx_facts(const struct kx *kx, struct kd_kexec_facts *ret, struct kd_host_crash_facts *crash_ret,
	     struct kd_err *err) KD_MUST_CHECK;

/* Files and command line of a request, which borrows from here. */
struct kx_input {
	int kernel_fd, initrd_fd;
	char *cmdline;
	struct kd_kexec_request req;
};

/** kx_input_open() - open and read what the options name; kx_input_close() also on failure */
int kx_input_open(const struct kx *kx, struct kx_input *ret, struct kd_err *err) KD_MUST_CHECK;
void kx_input_close(struct kx_input *in);

/** kx_print_image() - every segment and what the new kernel is told, as text or JSON */
void kx_print_image(const struct kx *kx, const struct kd_kexec_image *image);

int kx_cmd_load(const struct kx *kx);
int kx_cmd_unload(const struct kx *kx);
int kx_cmd_status(const struct kx *kx);
int kx_cmd_exec(const struct kx *kx);
int kx_cmd_explain(const struct kx *kx);

#endif
