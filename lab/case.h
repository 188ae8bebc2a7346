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
};

/* What a guest with KD_LAB_TRIGGER_QEMU prints when its memory may be dumped. */
#define KD_LAB_LAST_WORDS "lab: ready to be dumped"

enum kd_lab_end { KD_LAB_END_REBOOT, KD_LAB_END_POWEROFF };

/* What the capture is expected to leave: the outcomes of a manifest, or nothing at all. */
enum kd_lab_expect {
	KD_LAB_EXPECT_SAVED,
	KD_LAB_EXPECT_TRUNCATED,
	KD_LAB_EXPECT_DMESG_ONLY,
	KD_LAB_EXPECT_FAILED,
	KD_LAB_EXPECT_NONE, /* no dump directory */
};

struct kd_lab_case {
	char *name;
	char *title;
	char *kernel; /* "cloud", "generic" or "cloud-6.12" */
	uint64_t memory_mib;
	uint64_t cpus;
	char *crashkernel;
	char *append;	      /* more kernel arguments; NULL none */
	struct kd_strv conf;  /* lines of /etc/kdump.conf */
	struct kd_strv arm;   /* guest shell commands before kdumpctl start */
	struct kd_strv setup; /* guest shell commands between arming and the panic */
	uint64_t disk_mib;    /* size of a second disk with an ext4; 0: none */
	char *disk_uuid;      /* its UUID; NULL without a second disk */
	bool trigger_given;
	enum kd_lab_trigger trigger;
	int trigger_cpu;       /* -1: any */
	char *trigger_command; /* KD_LAB_TRIGGER_COMMAND only */
	bool expect_given;
	enum kd_lab_expect expect;
	char *expect_reason; /* part of the manifest's reason; NULL: not looked at */
	enum kd_lab_end end;
	struct kd_strv expect_console; /* each must be on the console between panic and reboot */
	bool only_vmcore_reads; /* makedumpfile of Debian 12 cannot read this dump's compression */
	struct kd_strv expect_no_file; /* names that must not be in the dump directory */
	uint64_t deadline_s;	       /* wall seconds the capture may take, from panic to reboot */
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

/** kd_lab_expect_name() - "saved", "truncated", "dmesg-only", "failed", "none" */
const char *kd_lab_expect_name(enum kd_lab_expect expect);

#endif
