/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kexec - put the capture kernel and its image into the reserved memory, or another
 * kernel where it can be started without the firmware.
 *
 * Loads with kexec_file_load(2), or with kexec_load(2) and a preparation of our own
 * (x86_64): segments, boot parameters, ELF core header, and a purgatory that checks all
 * of them before the new kernel starts. What can be known to fail is told before the
 * call, because a kernel without our series frees the armed image before it looks at
 * the new one (Linux 6.12, kernel/kexec_file.c, kexec_file_load). What still fails is
 * translated into cause and next step. The module makes the calls through a table, so
 * tests can stand in for a kernel.
 */
#ifndef KD_LIB_KEXEC_KEXEC_H
#define KD_LIB_KEXEC_KEXEC_H

#include "lib/base/base.h"
#include "lib/kexec/preflight.h"
#include "lib/kexec/segment.h"

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

/* The calls into the kernel. kd_kexec_host_ops is the real table. */
struct kd_kexec_ops {
	/* All return 0 or a positive errno. */
	int (*file_load)(void *arg, int kernel_fd, int initrd_fd, const char *cmdline,
			 unsigned long flags);
	int (*unload)(void *arg); /* the capture kernel */
	/* kexec_load(2) with KEXEC_ARCH_X86_64; no segments: unload */
	int (*kexec_load)(void *arg, uint64_t entry, const struct kd_kexec_segment *segments,
			  size_t count, unsigned long flags);
	void *arg;
};
extern const struct kd_kexec_ops kd_kexec_host_ops;

/* What a kernel image says of itself. */
struct kd_kexec_kernel {
	uint64_t file_bytes;
	uint64_t run_bytes;	/* memory it needs until it has unpacked itself (init_size) */
	uint64_t cmdline_bytes; /* longest command line it takes, without NUL; 0 unknown */
};

enum kd_kexec_how {
	KD_KEXEC_HOW_AUTO, /* kexec_file_load; where the kernel has none, kexec_load */
	KD_KEXEC_HOW_FILE,
	KD_KEXEC_HOW_CLASSIC, /* kexec_load */
};

/* Where the purgatory speaks. */
struct kd_kexec_serial {
	uint16_t port;	  /* I/O port of an 8250; 0: nowhere */
	uint16_t divisor; /* 115200 / baud; 0: as the old kernel left the line */
};

struct kd_kexec_request {
	int kernel_fd;
	const char *kernel_name; /* for messages */
	int initrd_fd;		 /* -1: none */
	const char *initrd_name;
	uint64_t unpacked_bytes; /* of the image, in whole pages; 0 unknown */
	bool force;		 /* load even what cannot boot in what is reserved */
	const char *cmdline;
	bool regular; /* not for a crash: a kernel to reboot into */
	enum kd_kexec_how how;
	/* What follows is for kexec_load only. */
	const struct kd_root *root;	      /* this machine; NULL: kexec_load cannot be used */
	const struct kd_log *log;	      /* told which call is taken; may be NULL */
	const struct kd_kexec_serial *serial; /* NULL: first console=ttyS of the command line */
	bool hang_on_mismatch; /* the purgatory stops instead of resetting the machine */
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

/**
 * kd_kexec_load() - kd_kexec_check(), then load; the error names cause and remedy
 *
 * KD_KEXEC_HOW_AUTO goes on to kexec_load(2) only if kexec_file_load(2) does not exist
 * (ENOSYS), never after a refusal: what lockdown or a missing signature forbids is not
 * to be tried another way.
 */
int kd_kexec_load(const struct kd_kexec_ops *ops, const struct kd_kexec_request *req,
		  const struct kd_kexec_facts *facts, struct kd_err *err) KD_MUST_CHECK;

/** kd_kexec_unload() - disarm; unloading nothing is fine */
int kd_kexec_unload(const struct kd_kexec_ops *ops, const struct kd_kexec_facts *facts,
		    struct kd_err *err) KD_MUST_CHECK;

/** kd_kexec_unload_regular() - the same for the image of a reboot */
int kd_kexec_unload_regular(const struct kd_kexec_ops *ops, const struct kd_kexec_facts *facts,
			    struct kd_err *err) KD_MUST_CHECK;

/* ---- images for kexec_load(2), x86_64 ---- */

struct kd_kexec_memory {
	uint64_t start;
	uint64_t end;  /* the last byte */
	uint32_t type; /* of the e820 map: 1 is RAM */
	const char *type_name;
};

/* All addresses are physical. Borrowed pointers live as long as the image. */
struct kd_kexec_image {
	bool crash;
	struct kd_kexec_segment segments[KD_KEXEC_SEGMENT_MAX]; /* rising by address */
	size_t segment_count;
	uint64_t entry;	     /* of the purgatory */
	const char *cmdline; /* as the new kernel gets it */
	struct kd_kexec_memory *memmap;
	size_t memmap_count;
	uint64_t kernel_entry;
	struct kd_kexec_memory place; /* crash: the reservation the segments lie in */
	struct kd_kexec_serial serial;
	uint64_t ram_bytes; /* of the running kernel */
	/* Low memory has to be saved before the capture kernel takes it; host_memory.c says when. */
	bool has_backup;
	bool hotplug; /* the running kernel may rewrite the segment elfcorehdr */
	/* What preflight expects the kernel to say; .sys is 0 too where it does not know. */
	bool foretold;
	struct kd_kexec_verdict verdict;
	struct kd_kexec_image_memory *own;
};

/**
 * kd_kexec_prepare() - everything kexec_load(2) wants, nothing loaded yet
 * @req: .root is needed; .how is not looked at
 * @ret: kd_kexec_image_fini(); untouched on failure
 *
 * Kernel: bzImage with 64-bit entry, or ELF vmlinux. Reads both files into memory (peak:
 * their sizes, and for a vmlinux once more its memory).
 *
 * Return: 0; -KD_BADDATA, -KD_NOTSUP the kernel or this machine (the message says why);
 * -KD_NOSPACE it does not fit; -KD_USAGE the command line is too long; -KD_SYS, -KD_NOMEM.
 */
int kd_kexec_prepare(const struct kd_kexec_request *req, struct kd_kexec_image *ret,
		     struct kd_err *err) KD_MUST_CHECK;
void kd_kexec_image_fini(struct kd_kexec_image *image);

/**
 * kd_kexec_load_image() - hand a prepared image to kexec_load(2)
 *
 * Not when preflight foretells a refusal: a kernel without our series would have
 * dropped the armed image by then. The message is preflight's, or the errno's with what
 * preflight thought of the list.
 */
int kd_kexec_load_image(const struct kd_kexec_ops *ops, const struct kd_kexec_image *image,
			const struct kd_kexec_facts *facts, struct kd_err *err) KD_MUST_CHECK;

#endif
