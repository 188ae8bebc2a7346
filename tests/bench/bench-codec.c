/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The limit for a compressed dump: the bare codec, one thread, over the pages a dump
 * level keeps, taken from memory. Nothing is written, nothing read, no page is looked
 * at twice; pages of zeros are left out, as any dump program does.
 *
 * Usage: bench-codec [-1] DUMP LEVEL RUNS CODEC[:LEVEL]...
 *   -1   of pages that are the same only one
 * Prints for each codec: name, pages, bytes out, median seconds.
 */
#include "lib/base/xxh3.h"
#include "lib/compress/compress.h"
#include "lib/filter/filter.h"
#include "lib/vmcore/vmcore.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum { MAX_RUNS = 99, MAX_BYTES_SHIFT = 36 };

struct pages {
	uint8_t *bytes;
	size_t n;
	uint32_t page;
};

static void die(const struct kd_err *err)
{
	fprintf(stderr, "bench-codec: %s\n", err->msg);
	exit(1);
}

static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static bool is_zero(const uint8_t *p, size_t len)
{
	return p[0] == 0 && memcmp(p, p + 1, len - 1) == 0;
}

/* Hashes of 64 bits, never 0, in a table that is a power of two long and never full. */
struct seen {
	uint64_t *hashes;
	size_t n;
};

static bool is_new(struct seen *s, const uint8_t *page, size_t len)
{
	uint64_t hash = kd_xxh3(page, len) | 1;

	for (size_t i = hash >> 1 & (s->n - 1);; i = (i + 1) & (s->n - 1)) {
		if (s->hashes[i] == hash)
			return false;
		if (s->hashes[i] == 0) {
			s->hashes[i] = hash;
			return true;
		}
	}
}

static void load(struct kd_vmcore *core, unsigned int level, bool once, struct pages *ret)
{
	const struct kd_filter_opts opts = { .level = level, .threads = 1 };
	KD_AUTO(kd_filter_closep) struct kd_filter *filter = NULL;
	KD_AUTO(kd_vmcore_window_freep) struct kd_vmcore_window *w = NULL;
	struct kd_filter_result kept;
	struct kd_err err = { 0 };
	uint64_t start, n;

	if (kd_filter_open(core, &opts, &filter, &err) || kd_filter_run(filter, &kept, &err) ||
	    kd_vmcore_window_new(core, KD_ACCESS_AUTO, 64 << 20, 1 << 20, &w, &err))
		die(&err);
	ret->page = kd_vmcore_page_size(core);
	ret->bytes = mmap(NULL, kept.n_keep * ret->page, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (ret->bytes == MAP_FAILED) {
		kd_fail(&err, KD_NOMEM, "no memory for %ju pages", (uintmax_t)kept.n_keep);
		die(&err);
	}
	struct seen seen = { .n = 1 };
	while (seen.n < 2 * kept.n_keep)
		seen.n *= 2;
	seen.hashes = once ? calloc(seen.n, sizeof(*seen.hashes)) : NULL;
	if (once && !seen.hashes) {
		kd_fail(&err, KD_NOMEM, "no memory for %zu hashes", seen.n);
		die(&err);
	}
	for (uint64_t at = 0; kd_bitmap_next_run(kept.keep, at, kept.max_pfn, &start, &n);) {
		const uint8_t *p = NULL;
		size_t len = 0;
		at = start + 1;
		if (kd_vmcore_map(w, start * ret->page, ret->page, &p, &len, &err) ||
		    len < ret->page)
			continue;
		if (!is_zero(p, ret->page) && (!once || is_new(&seen, p, ret->page)))
			memcpy(ret->bytes + ret->n++ * ret->page, p, ret->page);
	}
	free(seen.hashes);
}

static double run(const struct pages *pages, struct kd_compressor *c, uint64_t *out_ret)
{
	uint8_t out[65536];
	uint64_t total = 0;
	double start = now_s();

	for (size_t i = 0; i < pages->n; i++) {
		size_t n = kd_compress(c, out, pages->page - 1, pages->bytes + i * pages->page,
				       pages->page);
		total += n ? n : pages->page;
	}
	*out_ret = total;
	return now_s() - start;
}

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void bench(const struct pages *pages, char *name, unsigned int runs)
{
	KD_AUTO(kd_compressor_freep) struct kd_compressor *c = NULL;
	struct kd_err err = { 0 };
	double seconds[MAX_RUNS];
	uint64_t out = 0;
	int level = INT_MIN;
	char *colon = strchr(name, ':');

	if (colon) {
		*colon = '\0';
		level = atoi(colon + 1);
	}
	const struct kd_codec *codec = kd_codec_by_name(name);
	if (!codec) {
		kd_fail(&err, KD_USAGE, "there is no codec '%s'", name);
		die(&err);
	}
	if (kd_compressor_new(codec, level, pages->page, &c, &err))
		die(&err);
	for (unsigned int i = 0; i < runs; i++)
		seconds[i] = run(pages, c, &out);
	qsort(seconds, runs, sizeof(seconds[0]), by_value);
	printf("%s%s%.0d %zu %ju %.3f\n", name, colon ? ":" : "", colon ? level : 0, pages->n,
	       (uintmax_t)out, seconds[runs / 2]);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = NULL;
	struct kd_err err = { 0 };
	struct pages pages = { 0 };

	bool once = argc > 1 && strcmp(argv[1], "-1") == 0;

	argc -= once;
	argv += once;
	if (argc < 5) {
		fprintf(stderr, "Usage: bench-codec [-1] DUMP LEVEL RUNS CODEC[:LEVEL]...\n");
		return 1;
	}
	unsigned int runs = (unsigned int)atoi(argv[3]);
	KD_AUTO(kd_closep) int fd = open(argv[1], O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		kd_fail_sys(&err, errno, "open %s", argv[1]);
		die(&err);
	}
	if (kd_vmcore_open(fd, argv[1], NULL, &core, &err))
		die(&err);
	load(core, (unsigned int)atoi(argv[2]), once, &pages);
	for (int i = 4; i < argc; i++)
		bench(&pages, argv[i], runs >= 1 && runs <= MAX_RUNS ? runs : 3);
	return 0;
}
