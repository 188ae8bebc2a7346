/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mkfakemem - a sparse ELF dump of a busy x86_64 machine with a page array and nothing else, to
 * measure page filters with.
 *
 *	mkfakemem OUT GIB [ERA]
 *
 * ERA is 5.4.0, 6.1.0 (default), 6.3.0, 6.6.0, 6.9.0, 6.10.0, 6.11.0, 6.12.0 or 6.16.0.
 */
#include "tests/gen/fakemem.h"

#include <err.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct kd_fake_opts opts = { .era = KD_FAKE_6_1, .texture = true };

	if (argc < 3 || argc > 4)
		errx(2, "usage: mkfakemem OUT GIB [ERA]");
	opts.ram_bytes = strtoull(argv[2], NULL, 10) << 30;
	if (opts.ram_bytes == 0 || opts.ram_bytes > 16ULL << 40)
		errx(2, "%s: not from 1 to 16384 GiB", argv[2]);
	if (argc == 4) {
		opts.era = 0;
		while (opts.era < KD_N_FAKE_ERAS &&
		       strcmp(argv[3], kd_fake_era_name(opts.era)) != 0)
			opts.era++;
		if (opts.era == KD_N_FAKE_ERAS)
			errx(2, "%s: no such era", argv[3]);
	}
	KD_AUTO(kd_closep)
	int fd = open(argv[1], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		err(2, "%s", argv[1]);
	KD_AUTO(kd_fakemem_freep) struct kd_fakemem *m = kd_fakemem_new(&opts, NULL, 0);
	kd_gen_elf(kd_fakemem_gen(m), fd, NULL);
	return 0;
}
