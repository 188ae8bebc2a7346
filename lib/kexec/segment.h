/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * segment - what kexec_load(2) is asked to place where. The loader makes such
 * lists, preflight judges them; neither needs the other.
 */
#ifndef KD_LIB_KEXEC_SEGMENT_H
#define KD_LIB_KEXEC_SEGMENT_H

#include <stddef.h>
#include <stdint.h>

enum {
	KD_KEXEC_SEGMENT_MAX = 16
}; /* KEXEC_SEGMENT_MAX, Linux 2.6.13 to 6.18, include/uapi/linux/kexec.h */

struct kd_kexec_segment {
	const char *name;   /* "kernel", "initrd", ...: for messages; NULL unnamed */
	const void *buf;    /* borrowed: what is copied to @mem */
	uint64_t buf_bytes; /* length of @buf */
	uint64_t mem;	    /* physical address */
	uint64_t mem_bytes; /* room there; what is beyond @buf_bytes becomes zero */
};

#endif
