/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * extents FILE BYTES...: what the manifest would say of the file's parts, as JSON. The
 * lengths are those of the parts, one behind the other; the last one goes on to the end.
 */
#include "lib/base/base.h"
#include "lib/base/xxh3.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

enum { MAX_FILE_BYTES = 1 << 30 };

static int complain(const struct kd_err *err)
{
	fprintf(stderr, "extents: %s\n", err->msg);
	return 99;
}

int main(int argc, char **argv)
{
	KD_AUTO(kd_freep) char *text = NULL;
	struct kd_err err = { 0 };
	size_t len = 0, off = 0;

	if (argc < 3) {
		fprintf(stderr, "usage: extents FILE BYTES...\n");
		return 99;
	}
	KD_AUTO(kd_closep) int fd = open(argv[1], O_RDONLY | O_CLOEXEC);
	if (kd_read_all(fd, MAX_FILE_BYTES, &text, &len, argv[1], &err))
		return complain(&err);
	printf("[");
	for (int i = 2; off < len; i++) {
		uint64_t n = len - off, want = n;
		if (i < argc && kd_parse_u64(argv[i], &want, &err))
			return complain(&err);
		if (want < n)
			n = want;
		if (n == 0)
			break;
		printf("%s{\"offset\": %zu, \"size_bytes\": %" PRIu64 ", \"xxh3\": \"%016" PRIx64
		       "\"}",
		       off ? ", " : "", off, n, kd_xxh3(text + off, (size_t)n));
		off += (size_t)n;
	}
	printf("]\n");
	return 0;
}
