/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * case - one panic case: a small file tests/panic/NAME.test of "key = value"
 * lines that says which machine to crash, how, and what must be left of it.
 * Only reads and checks the text; docs/man/kdump-lab.1 lists the keys.
 */
#ifndef KD_LAB_CASE_H
#define KD_LAB_CASE_H

#include "lib/base/base.h"

#include <stdbool.h>
#include <stdint.h>

enum { KD_LAB_CASE_MAX_BYTES = 64 << 10 };

enum kd_lab_trigger {
	KD_LAB_TRIGGER_SYSRQ,	/* echo c into /proc/sysrq-trigger, on any CPU */
	KD_LAB_TRIGGER_COMMAND, /* a shell command of the guest that ends in a panic */
	KD_LAB_TRIGGER_QEMU,	/* no panic: QEMU writes the running guest's memory to a file */
	KD_LAB_TRIGGER_NONE,	/* no panic: the set-up commands are all there is */
	KD_LAB_TRIGGER_KEXEC,	/* no panic: a shell command that starts another kernel, no reset */
};

/* What a guest with KD_LAB_TRIGGER_QEMU prints when its memory may be dumped. */
#define KD_LAB_LAST_WORDS "lab: ready to be dumped"

/*
 * What a guest with debugger = yes prints to have memory overwritten (physical address and
 * length), and to learn how much of a range the kernel may write to (virtual address,
 * length, physical address of the page that takes the answer).
 */
#define KD_LAB_POKE	"lab: poke "
#define KD_LAB_WRITABLE "lab: writable "

enum kd_lab_end { KD_LAB_END_REBOOT, KD_LAB_END_POWEROFF, KD_LAB_END_HALT };

/* What the capture is expected to leave: the outcomes of a manifest, or nothing at all. */
enum kd_lab_expect {
	KD_LAB_EXPECT_SAVED,
	KD_LAB_EXPECT_TRUNCATED,
	KD_LAB_EXPECT_DMESG_ONLY,
	KD_LAB_EXPECT_FAILED,
	KD_LAB_EXPECT_NONE,	  /* no dump directory */
	KD_LAB_EXPECT_NO_CAPTURE, /* a panic that starts no capture kernel */
};

/* A file of the host that a case wants on the guest's disk. */
struct kd_lab_file {
	char *from; /* "kernel:NAME", "vmlinux:NAME", "initrd:NAME", or a path; a relative one from the build directory */
	char *to;   /* absolute, in a directory the guest has */
};

struct kd_lab_case {
	char *name;
	char *title;
	char *kernel; /* one of the lab's; kd_lab_case_set_kernel() */
	bool efi;     /* EFI firmware starts it, not a BIOS */
	uint64_t memory_mib;
	uint64_t cpus;
	char *crashkernel;
	char *append;	     /* more kernel arguments; NULL none */
	struct kd_strv conf; /* lines of /etc/kdump.conf */
	struct kd_strv arm;  /* guest shell commands before kdumpctl start */
	bool debugger;	/* it may ask things of QEMU's debugger: KD_LAB_POKE, KD_LAB_WRITABLE */
	bool not_armed; /* no kdumpctl start: the set-up arms the machine, or nothing does */
	struct kd_strv setup; /* guest shell commands between arming and the panic */
	struct kd_strv after; /* guest shell commands when it is up again */
	struct kd_strv type;  /* lines for the shell of the capture image */
	struct kd_lab_file files[16];
	size_t file_count;
	uint64_t disk_mib; /* size of a second disk; 0: none */
	bool disk_xfs;	   /* there is an XFS on it, not an ext4 */
	char *disk_uuid;   /* its UUID; NULL without a second disk */
	bool trigger_given;
	enum kd_lab_trigger trigger;
	int trigger_cpu;       /* -1: any */
	char *trigger_command; /* KD_LAB_TRIGGER_COMMAND and _KEXEC only */
	bool expect_given;
	enum kd_lab_expect expect;
	char *expect_reason; /* part of the manifest's reason; NULL: not looked at */
	enum kd_lab_end end;
	struct kd_strv expect_guest;   /* each must be on the console before the panic */
	struct kd_strv expect_console; /* each must be there after the panic or kexec */
	bool only_vmcore_reads; /* makedumpfile of Debian 12 cannot read this dump's compression */
	struct kd_strv expect_no_file; /* names that must not be in the dump directory */
	uint64_t deadline_s; /* wall seconds from panic to reboot; without a panic from up to off */
	char *unpatched_fails; /* why it fails on a kernel without our patches; NULL: nobody says */
};

/**
 * kd_lab_case_parse() - text to case
 * @name: the case's name
 * @file: what to call the text in messages
 * @ret: kd_lab_case_fini(); untouched on failure
 *
 * Return: 0; -KD_BADDATA with "file:line: what is wrong and the remedy"; -KD_NOMEM.
 */
int kd_lab_case_parse(const char *text, size_t len, const char *name, const char *file,
		      struct kd_lab_case *ret, struct kd_err *err) KD_MUST_CHECK;
void kd_lab_case_fini(struct kd_lab_case *c);

/** kd_lab_case_load() - read and parse @dir/@name.test; -KD_USAGE when there is no such case */
int kd_lab_case_load(const char *dir, const char *name, struct kd_lab_case *ret,
		     struct kd_err *err) KD_MUST_CHECK;

/** kd_lab_case_names() - add the names of all cases in @dir, sorted */
int kd_lab_case_names(const char *dir, struct kd_strv *names, struct kd_err *err) KD_MUST_CHECK;

/** kd_lab_case_set_kernel() - run it on the kernel @name instead; -KD_USAGE when the lab has no such */
int kd_lab_case_set_kernel(struct kd_lab_case *c, const char *name,
			   struct kd_err *err) KD_MUST_CHECK;

/** kd_lab_case_panics() - is a panic what the case is about? */
bool kd_lab_case_panics(const struct kd_lab_case *c);

/** kd_lab_end_name() - "reboot", "poweroff", "halt": also what the action line of the capture says */
const char *kd_lab_end_name(enum kd_lab_end end);

/** kd_lab_expect_name() - "saved", "truncated", "dmesg-only", "failed", "none", "no-capture" */
const char *kd_lab_expect_name(enum kd_lab_expect expect);

#endif
