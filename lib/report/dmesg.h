/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel log of a dump, as text. Reads the printk ring buffer of Linux 5.10
 * and newer (Linux commit 896fbe20b4e2 ("printk: use the lockless ringbuffer"))
 * with nothing but vmcoreinfo to go by: no debuginfo, no symbol table.
 *
 * The memory may be corrupt, it is a crash after all: every index is masked,
 * every length checked, and no more records are visited than the ring holds
 * descriptors, whatever the ids in it say. A piece that cannot be read is passed
 * over.
 *
 * Called by the capture init before anything else is saved, and by `vmcore
 * dmesg`. Memory: under 512 KiB, whatever the size of the log. Reads 1024
 * records, and 256 KiB of text, at a time.
 */
#ifndef KD_LIB_REPORT_DMESG_H
#define KD_LIB_REPORT_DMESG_H

#include "lib/base/base.h"
#include "lib/vmcore/vmcore.h"

#include <stdint.h>

struct kd_dmesg_stats {
	uint64_t records;   /* written */
	uint64_t lines;	    /* written: a record with newlines inside has several */
	uint64_t bytes;	    /* written */
	uint64_t skipped;   /* descriptors between tail and head that held no record: reserved,
			     * reused, or without text */
	uint64_t damaged;   /* contradict the ring or could not be read; those whose text is there
			     * are written all the same */
	uint64_t first_seq; /* of the first record written */
	uint64_t last_seq;
};

/* Receives the text in pieces of no particular size; 0 to go on. */
typedef int kd_dmesg_out_fn(void *arg, const char *bytes, size_t len, struct kd_err *err);

/**
 * kd_dmesg_write() - write the whole log, oldest record first
 * @out: called with some KiB at a time; what it returns, if not 0, ends it
 * @stats: may be NULL; zeroed first, right also after a failure
 *
 * One line is "[%5lu.%06lu] text"; a newline inside a record is followed by
 * blanks up to the text's column; bytes that are neither printable ASCII nor
 * white space become "\x1b", and "\xffffffc3" from 0x80 on. It is what
 * `makedumpfile --dump-dmesg` 1.7.2 prints on x86_64, so that the two can be
 * compared line for line. (Whence the sign extension.)
 *
 * Return: 0; -KD_NOTSUP the kernel's vmcoreinfo does not describe such a ring
 * buffer; -KD_BADDATA the ring cannot be what it claims, or is not in the dump;
 * -KD_NOMEM; -KD_SYS the dump cannot be read; or what @out returned.
 */
int kd_dmesg_write(struct kd_vmcore *core, kd_dmesg_out_fn *out, void *arg,
		   struct kd_dmesg_stats *stats, struct kd_err *err) KD_MUST_CHECK;

#endif
