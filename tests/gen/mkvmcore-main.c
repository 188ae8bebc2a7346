/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mkvmcore RECIPE FILE - write the dump that RECIPE describes to FILE.
 *
 * A recipe has one thing a line; '#' starts a comment. Numbers are decimal, 0x...
 * or with a unit (4K, 2M). In texts \n \t \\ and \xNN stand for bytes.
 *
 *   machine x86_64|aarch64 [page=BYTES]    first, if at all; x86_64 and 4096
 *   kernel RELEASE [image=BYTES] [ram=BYTES]
 *                                          x86_64: image at 16M, RAM from 0, page tables,
 *                                          and what vmcoreinfo says of them
 *   osrelease RELEASE [crashtime=SECONDS]  OSRELEASE, PAGESIZE, CRASHTIME; "kernel" has them
 *   segment PADDR BYTES [filesz=BYTES] [vaddr=VADDR]
 *   fill PADDR BYTES address|noise         pages that tell their address, or noise
 *   info KEY=VALUE                         a line of vmcoreinfo
 *   ring COUNT_BITS SIZE_BITS [at=PADDR]   the kernel's log, in the image
 *   log SECONDS TEXT                       a record
 *   log-reserved SECONDS TEXT              one that was never committed
 *   log-empty                              one without text
 *   out elf [phdrs-last] [xnum] [without-vaddr] [truncate=BYTES] [flattened]
 *   out diskdump [codec=raw|zlib|lzo|snappy|zstd|mixed] [version=N] [status=BITS]
 *       [exclude-odd] [stop-after=PAGES] [truncate=BYTES] [flattened]
 *                                          last
 */
#include "tests/gen/mkvmcore.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

enum { MAX_RECIPE_BYTES = 4 << 20 };

static int run(const char *recipe, const char *file, struct kd_err *err)
{
	KD_AUTO(kd_freep) char *text = NULL;
	size_t len;

	KD_AUTO(kd_closep) int in = open(recipe, O_RDONLY | O_CLOEXEC);
	if (in < 0)
		return kd_fail_sys(err, errno, "open %s", recipe);
	int rc = kd_read_all(in, MAX_RECIPE_BYTES, &text, &len, recipe, err);
	if (rc)
		return rc;
	KD_AUTO(kd_closep) int out = open(file, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (out < 0)
		return kd_fail_sys(err, errno, "open %s", file);
	return kd_gen_recipe(text, len, recipe, out, err);
}

int main(int argc, char **argv)
{
	struct kd_err err = { 0 };

	if (argc != 3) {
		fputs("Usage: mkvmcore RECIPE FILE\n", stderr);
		return 1;
	}
	if (run(argv[1], argv[2], &err)) {
		fprintf(stderr, "mkvmcore: %s\n", err.msg);
		return 1;
	}
	return 0;
}
