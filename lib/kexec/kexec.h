/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kexec - put the capture kernel and its image into the reserved memory.
 *
 * Loads with kexec_file_load(2) and KEXEC_FILE_ON_CRASH. What can be known to
 * fail is told before the call, because a kernel without our series frees the
 * armed image before it looks at the new one (Linux 6.12, kernel/kexec_file.c,
 * kexec_file_load). What still fails is translated into cause and next step.
 * The module makes the calls through a table, so tests can stand in for a kernel.
 */
#ifndef KD_LIB_KEXEC_KEXEC_H
#define KD_LIB_KEXEC_KEXEC_H

#include "lib/base/base.h"

#include <stdbool.h>
#include <stdint.h>

/* What the caller found out about the running kernel; see lib/host for where it stands. */
struct kd_kexec_facts {
	bool loaded; /* a capture kernel is armed */
	bool reserved_known;
	uint64_t reserved_bytes; /* crashkernel= as the kernel made it; 0: nothing reserved */
	bool load_disabled;	 /* kernel.kexec_load_disabled = 1 */
	char lockdown[24];	 /* "none", "integrity", "confidentiality"; "" unknown */
	bool secure_boot;
};

/* The two calls into the kernel. kd_kexec_host_ops is the real table. */
struct kd_kexec_ops {
	/* Both return 0 or a positive errno. */
	int (*file_load)(void *arg, int kernel_fd, int initrd_fd, const char *cmdline,
			 unsigned long flags);
	int (*unload)(void *arg);
	void *arg;
};
extern const struct kd_kexec_ops kd_kexec_host_ops;

/* What a kernel image says of itself. */
struct kd_kexec_kernel {
	uint64_t file_bytes;
	uint64_t run_bytes;	/* memory it needs until it has unpacked itself (init_size) */
	uint64_t cmdline_bytes; /* longest command line it takes, without NUL; 0 unknown */
};

struct kd_kexec_request {
	int kernel_fd;
	const char *kernel_name; /* for messages */
	int initrd_fd;
	const char *initrd_name;
	uint64_t unpacked_bytes; /* of the image, in whole pages; 0 unknown */
	bool force;		 /* load even what cannot boot in what is reserved */
	const char *cmdline;
};

/**
 * kd_kexec_probe_kernel() - read the boot header of an x86 bzImage, or accept another
 * architecture's image unread (run_bytes = file_bytes)
 *
 * Field offsets: Linux Documentation/arch/x86/boot.rst (boot protocol 2.10 and later).
 * Return: 0, -KD_BADDATA not a bootable kernel (message names file and remedy), -KD_SYS.
 */
int kd_kexec_probe_kernel(int fd, const char *name, struct kd_kexec_kernel *ret,
			  struct kd_err *err) KD_MUST_CHECK;

/**
 * kd_kexec_check() - everything that can be known before the call
 *
 * No reservation, kexec_load_disabled, not privileged, not a kernel, command line
 * too long, an image that cannot boot in the reservation (all sizes and the crashkernel=
 * to set in the message): the kernel itself loads one without a word, and is silent
 * for ever after the panic. Refused is only what no capture kernel was seen to manage
 * (kd_ck_estimate(), floor_bytes).
 * Return: 0, -KD_NOTSUP (system), -KD_USAGE, -KD_BADDATA, -KD_NOSPACE (too large).
 */
int kd_kexec_check(const struct kd_kexec_request *req, const struct kd_kexec_facts *facts,
		   struct kd_err *err) KD_MUST_CHECK;

/** kd_kexec_load() - kd_kexec_check(), then load for a crash; the error names cause and remedy */
int kd_kexec_load(const struct kd_kexec_ops *ops, const struct kd_kexec_request *req,
		  const struct kd_kexec_facts *facts, struct kd_err *err) KD_MUST_CHECK;

/** kd_kexec_unload() - disarm; unloading nothing is fine */
int kd_kexec_unload(const struct kd_kexec_ops *ops, const struct kd_kexec_facts *facts,
		    struct kd_err *err) KD_MUST_CHECK;

#endif
