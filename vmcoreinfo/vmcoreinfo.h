/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmcoreinfo - what a dead kernel tells us about itself: the lines of text in
 * its VMCOREINFO note, as typed lookups, and a table that says what each line
 * is needed for. It does not find the note (lib/vmcore does) and does not act
 * on what it says.
 *
 * The text is KEY=VALUE, one a line, with keys such as OSRELEASE, SYMBOL(prb)
 * or OFFSET(page.flags). It may be cut off: the kernel stops at the end of the
 * page it keeps the text in (Linux include/linux/vmcore_info.h, VMCOREINFO_BYTES).
 * So a last line without a newline is not used, because half a number looks
 * like a number. Of duplicates the first counts. Lines that are not KEY=VALUE
 * are passed over, everything behind a NUL byte too.
 */
#ifndef KD_VMCOREINFO_VMCOREINFO_H
#define KD_VMCOREINFO_VMCOREINFO_H

#include "lib/base/base.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kd_vmcoreinfo;

/**
 * kd_vmcoreinfo_parse() - make a table of the lines in @bytes
 * @bytes: the note's text; copied, so it need not live on
 * @ret: kd_vmcoreinfo_free(). The only allocation is made here
 *
 * Text that makes no sense gives an empty table, not an error: which keys must
 * be there is for the caller to say.
 *
 * Return: 0, -KD_NOMEM, -KD_BADDATA for more than 1 MiB.
 */
int kd_vmcoreinfo_parse(const void *bytes, size_t len, struct kd_vmcoreinfo **ret,
			struct kd_err *err) KD_MUST_CHECK;
void kd_vmcoreinfo_free(struct kd_vmcoreinfo *info);
void kd_vmcoreinfo_freep(struct kd_vmcoreinfo **info);

/** kd_vmcoreinfo_is_cut() - was there a last line without its newline? */
bool kd_vmcoreinfo_is_cut(const struct kd_vmcoreinfo *info);

/*
 * Lookups. @name is what stands in the brackets: "prb" for SYMBOL(prb),
 * "page.flags" for OFFSET(page.flags). All take a NULL @info, which has no keys.
 *
 * Return: 1 and *ret written; 0 where the key is absent or its value is not
 * such a number in full (*ret untouched).
 */
int kd_vmcoreinfo_symbol(const struct kd_vmcoreinfo *info, const char *name,
			 uint64_t *ret) KD_MUST_CHECK; /* virtual address; hexadecimal */
int kd_vmcoreinfo_size(const struct kd_vmcoreinfo *info, const char *name,
		       uint64_t *ret) KD_MUST_CHECK; /* bytes */
int kd_vmcoreinfo_offset(const struct kd_vmcoreinfo *info, const char *name,
			 uint64_t *ret) KD_MUST_CHECK; /* bytes */
int kd_vmcoreinfo_length(const struct kd_vmcoreinfo *info, const char *name,
			 uint64_t *ret) KD_MUST_CHECK; /* elements */

/**
 * kd_vmcoreinfo_number() - NUMBER(@name): decimal, maybe negative, or 0x-hexadecimal
 *
 * The kernel prints an unsigned long as %ld in many of them; a value with its
 * top bit set comes back negative whichever way it was printed.
 */
int kd_vmcoreinfo_number(const struct kd_vmcoreinfo *info, const char *name,
			 int64_t *ret) KD_MUST_CHECK;

/** kd_vmcoreinfo_text() - value of any key, as "OSRELEASE"; borrowed, NUL-terminated */
int kd_vmcoreinfo_text(const struct kd_vmcoreinfo *info, const char *key,
		       const char **ret) KD_MUST_CHECK;

/** kd_vmcoreinfo_decimal() - a plain key with a decimal value: PAGESIZE, CRASHTIME */
int kd_vmcoreinfo_decimal(const struct kd_vmcoreinfo *info, const char *key,
			  uint64_t *ret) KD_MUST_CHECK;

/** kd_vmcoreinfo_hex() - a plain key with a hexadecimal value, 0x or not: KERNELOFFSET */
int kd_vmcoreinfo_hex(const struct kd_vmcoreinfo *info, const char *key,
		      uint64_t *ret) KD_MUST_CHECK;

#endif
