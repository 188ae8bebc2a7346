/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * machine - finds out what preflight has to know of a machine: files of /proc and
 * /sys through a root prefix, and which flags its kernel knows by a call that can
 * load nothing.
 */
#ifndef KD_LIB_KEXEC_MACHINE_H
#define KD_LIB_KEXEC_MACHINE_H

#include "lib/kexec/preflight.h"

/* kexec_load(2): 0 or a positive errno. @list: as the kernel takes it. */
typedef int (*kd_kexec_raw_load)(uint64_t entry, uint64_t count, const void *list, uint64_t flags);

/**
 * kd_kexec_machine_read() - everything but @known_flags, @busy, @lsm_errno and @free_pages
 * @crash: of the image meant: which of the two load limits counts
 *
 * Files a kernel does not have are what it does not have: no reservation, no limit,
 * no lockdown. Privileges are those of this process (root "/") or of the one the
 * tree was captured in.
 * Return: 0; -KD_NOTSUP when /proc/meminfo cannot be read, -KD_BADDATA, -KD_NOMEM.
 */
int kd_kexec_machine_read(const struct kd_root *root, bool crash, struct kd_kexec_machine *ret,
			  struct kd_err *err) KD_MUST_CHECK;

/**
 * kd_kexec_known_flags() - which of the flags 0x1 to 0x8000 the running kernel knows
 *
 * A list of one segment at NULL: a kernel that knows the flag gets as far as reading
 * it (EFAULT), one that does not says EINVAL before. Nothing is loaded or unloaded.
 * 0 where nothing may be loaded at all.
 */
uint64_t kd_kexec_known_flags(kd_kexec_raw_load load);

#endif
