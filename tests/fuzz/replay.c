/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs a fuzz target over files instead of over a fuzzer's ideas: each argument is
 * a corpus directory or a file. Beside each file its cuts at 16 places and as many
 * single-byte changes are tried, so a corpus of a few files still probes the edges.
 */
#include "lib/base/base.h"

#include <fcntl.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_INPUT_BYTES = 16 << 20, VARIANTS = 16 };

static void run_variants(const char *data, size_t len)
{
	LLVMFuzzerTestOneInput((const uint8_t *)data, len);
	for (size_t i = 1; i <= VARIANTS && len > 0; i++) {
		/* A copy of the exact length: the sanitizer then sees one byte too many. */
		size_t cut = len * i / (VARIANTS + 1);
		uint8_t *copy = malloc(len);
		if (!copy)
			abort();
		memcpy(copy, data, cut);
		uint8_t *exact = realloc(copy, cut ? cut : 1);
		LLVMFuzzerTestOneInput(exact ? exact : copy, cut);
		free(exact ? exact : copy);

		copy = malloc(len);
		if (!copy)
			abort();
		memcpy(copy, data, len);
		copy[(len - 1) * i / VARIANTS] ^= (uint8_t)(1u << i % 8);
		LLVMFuzzerTestOneInput(copy, len);
		free(copy);
	}
}

static int run_file(const char *path)
{
	struct kd_err err = { 0 };
	KD_AUTO(kd_freep) char *data = NULL;
	size_t len = 0;
	KD_AUTO(kd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || kd_read_all(fd, MAX_INPUT_BYTES, &data, &len, path, &err)) {
		printf("%s: cannot be read %s\n", path, err.msg);
		return 99;
	}
	run_variants(data, len);
	return 0;
}

static int run_directory(const char *dir_path, size_t *count)
{
	KD_AUTO(kd_closedirp) DIR *dir = opendir(dir_path);

	if (!dir) {
		printf("%s: no such corpus\n", dir_path);
		return 99;
	}
	for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
		KD_AUTO(kd_freep) char *path = NULL;
		if (e->d_name[0] == '.')
			continue;
		if (kd_asprintf(&path, NULL, "%s/%s", dir_path, e->d_name))
			return 99;
		if (run_file(path))
			return 99;
		(*count)++;
	}
	return 0;
}

int main(int argc, char **argv)
{
	size_t count = 0;

	for (int i = 1; i < argc; i++)
		if (run_directory(argv[i], &count))
			return 99;
	printf("%zu inputs, %d variants of each\n", count, 2 * VARIANTS + 1);
	return count ? 0 : 99;
}
