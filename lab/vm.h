/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vm - one QEMU process: its command line, the two channels to it (serial
 * console, QMP) and its end. It dies with this program and is only ever killed
 * by the process id it was started with.
 */
#ifndef KD_LAB_VM_H
#define KD_LAB_VM_H

#include "lab/qmp.h"
#include "lib/base/base.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum kd_lab_accel { KD_LAB_ACCEL_AUTO, KD_LAB_ACCEL_KVM, KD_LAB_ACCEL_TCG };

struct kd_lab_vm_opts {
	const char *name;
	enum kd_lab_accel accel; /* not AUTO */
	bool efi;		 /* EFI firmware, which takes 10 to 20 s; else a BIOS */
	uint64_t memory_mib;
	uint64_t cpus;
	const char *kernel;
	const char *initrd; /* NULL: none */
	const char *append;
	const char *disk;	/* raw image, /dev/vda; NULL: none */
	const char *extra_disk; /* raw image, /dev/vdb; NULL: none */
	bool vmcoreinfo; /* offer the guest the device through which it hands its vmcoreinfo to QEMU */
	bool debugger;	  /* a channel to look at the guest and change it: lab/gdb.h */
	const char *log;  /* what QEMU itself has to say goes to this file (appended) */
	bool on_terminal; /* the console is this program's stdin and stdout, no channels */
};

struct kd_lab_vm {
	pid_t pid; /* 0: not running */
	int pidfd;
	int console_fd; /* non-blocking */
	int gdb_fd;	/* -1 without a debugger */
	struct kd_lab_qmp qmp;
};

/** kd_lab_vm_start() - start QEMU; kd_lab_vm_stop(). -KD_NOTSUP: QEMU is not installed */
int kd_lab_vm_start(const struct kd_lab_vm_opts *opts, struct kd_lab_vm *vm,
		    struct kd_err *err) KD_MUST_CHECK;

/** kd_lab_vm_stop() - ask it to quit, kill it if it does not, close the channels. Twice is fine. */
void kd_lab_vm_stop(struct kd_lab_vm *vm);

/** kd_lab_vm_cpu_ms() - processor time the whole VM has used; 0 when it is gone */
uint64_t kd_lab_vm_cpu_ms(const struct kd_lab_vm *vm);

/** kd_lab_accel_name() - "kvm", "tcg", "auto" */
const char *kd_lab_accel_name(enum kd_lab_accel accel);

/** kd_lab_find_tool() - absolute path of a program in the usual places; -KD_NOTSUP naming its Debian package */
int kd_lab_find_tool(const char *name, const char *package, char **ret,
		     struct kd_err *err) KD_MUST_CHECK;

#endif
