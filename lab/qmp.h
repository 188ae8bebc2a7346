/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * qmp - QEMU's control channel (JSON, one object a line): resets and power-offs
 * of the guest as they happen, and the command to quit.
 */
#ifndef KD_LAB_QMP_H
#define KD_LAB_QMP_H

#include "lib/base/base.h"

#include <stdbool.h>

enum { KD_LAB_QMP_LINE_BYTES = 64 << 10 };

struct kd_lab_qmp {
	int fd; /* non-blocking */
	size_t len;
	char line[KD_LAB_QMP_LINE_BYTES];
};

enum kd_lab_qmp_event {
	KD_LAB_QMP_NONE,
	KD_LAB_QMP_RESET,    /* the guest reset itself */
	KD_LAB_QMP_SHUTDOWN, /* the guest switched itself off */
	KD_LAB_QMP_DUMPED,   /* what kd_lab_qmp_dump() asked for is done */
	KD_LAB_QMP_EOF,	     /* QEMU is gone */
};

/**
 * kd_lab_qmp_next() - take the next event that matters; NONE when there is nothing more to read now
 *
 * The greeting is answered here. Resets and power-offs caused by the host are not reported.
 * Return: 0, -KD_BADDATA for something that is not QMP, or an error QEMU tells of; -KD_SYS.
 */
int kd_lab_qmp_next(struct kd_lab_qmp *qmp, enum kd_lab_qmp_event *ret,
		    struct kd_err *err) KD_MUST_CHECK;

/** kd_lab_qmp_line() - what one line means; split out for tests */
int kd_lab_qmp_line(const char *line, size_t len, bool *greeting_ret, enum kd_lab_qmp_event *ret,
		    struct kd_err *err) KD_MUST_CHECK;

/**
 * kd_lab_qmp_dump() - have QEMU write the guest's memory to @path, as an ELF core file
 *
 * Returns at once; the guest stands still until KD_LAB_QMP_DUMPED.
 * Return: 0; -KD_USAGE for a path that cannot be told to QEMU; -KD_NOMEM; -KD_SYS.
 */
int kd_lab_qmp_dump(struct kd_lab_qmp *qmp, const char *path, struct kd_err *err) KD_MUST_CHECK;

/** kd_lab_qmp_quit() - ask QEMU to end; a QEMU that is gone already is fine */
void kd_lab_qmp_quit(struct kd_lab_qmp *qmp);

#endif
