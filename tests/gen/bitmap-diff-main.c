/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bitmap-diff - the page filter's bitmaps, for themselves or beside those of a diskdump file
 * that makedumpfile made of the same dump at the same level.
 *
 *	bitmap-diff [-t THREADS] [-m] DUMP LEVEL [DISKDUMP]
 *
 * -m maps 64 MiB of DUMP at once. Prints what was found, how long it took, and each run of
 * frames in which the bitmaps differ. Frames behind the last one the DISKDUMP counts are no
 * difference, they are counted apart; nor are zero pages, which have their bit in it. Exit status
 * 1 where the bitmaps differ, 2 on failure.
 */
#include "lib/filter/filter.h"
#include "lib/ondisk/diskdump.h"

#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MAX_RUNS = 40 };

struct theirs {
	uint64_t max_pfn;
	uint8_t *exists, *stored;
};

static void say(void *arg, enum kd_log_level level, const char *area, const char *text)
{
	(void)arg;
	(void)level;
	printf("%s: %s\n", area, text);
}

static uint8_t *read_bytes(int fd, uint64_t off, size_t len, const char *name)
{
	struct kd_err err;
	uint8_t *p = calloc(1, len + 8);

	if (!p || kd_pread_full(fd, p, len, off, name, &err) != (ssize_t)len)
		errx(2, "%s: cut short", name);
	return p;
}

static void read_theirs(const char *path, struct theirs *t)
{
	struct kd_diskdump_header h;
	struct kd_diskdump_sub_header sub;
	struct kd_err e;
	KD_AUTO(kd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		err(2, "%s", path);
	KD_AUTO(kd_freep) uint8_t *first = read_bytes(fd, 0, KD_DISKDUMP_HEADER_BYTES, path);
	if (kd_diskdump_decode_header(first, KD_DISKDUMP_HEADER_BYTES, &h, &e))
		errx(2, "%s: %s", path, e.msg);
	KD_AUTO(kd_freep)
	uint8_t *second = read_bytes(fd, h.block_size, KD_DISKDUMP_SUB_HEADER_BYTES, path);
	if (kd_diskdump_decode_sub_header(second, KD_DISKDUMP_SUB_HEADER_BYTES, &h, &sub, &e))
		errx(2, "%s: %s", path, e.msg);
	size_t half = (size_t)h.bitmap_blocks / 2 * h.block_size;
	uint64_t off = (1 + (uint64_t)h.sub_hdr_size) * h.block_size;
	t->max_pfn = sub.max_mapnr;
	if (t->max_pfn > half * 8)
		errx(2, "%s: bitmap too small", path);
	t->exists = read_bytes(fd, off, half, path);
	t->stored = read_bytes(fd, off + half, half, path);
}

struct runs {
	const char *what;
	uint64_t first, next, frames, n;
};

static void flush_run(struct runs *r)
{
	if (r->next > r->first && r->n++ < MAX_RUNS)
		printf("%s: 0x%jx + 0x%jx\n", r->what, (uintmax_t)r->first,
		       (uintmax_t)(r->next - r->first));
	r->first = r->next = 0;
}

static void add_to_run(struct runs *r, uint64_t pfn)
{
	r->frames++;
	if (pfn != r->next || r->next == r->first) {
		flush_run(r);
		r->first = pfn;
	}
	r->next = pfn + 1;
}

static int compare(const struct kd_filter_result *r, const struct theirs *t)
{
	struct runs runs[] = { { .what = "exists only here" },
			       { .what = "exists only there" },
			       { .what = "kept only here" },
			       { .what = "kept only there" } };
	uint64_t behind = 0, differ = 0;

	for (uint64_t pfn = 0; pfn < r->max_pfn || pfn < t->max_pfn; pfn++) {
		if (pfn >= t->max_pfn) {
			behind += kd_bitmap_has(r->exists, pfn);
			continue;
		}
		bool here = pfn < r->max_pfn && kd_bitmap_has(r->exists, pfn);
		bool there = kd_bitmap_has(t->exists, pfn);
		if (here != there)
			add_to_run(&runs[here ? 0 : 1], pfn);
		here = pfn < r->max_pfn && kd_bitmap_has(r->keep, pfn);
		there = kd_bitmap_has(t->stored, pfn);
		if (here == there)
			continue;
		add_to_run(&runs[here ? 2 : 3], pfn);
	}
	for (size_t i = 0; i < KD_ARRAY_LEN(runs); i++) {
		flush_run(&runs[i]);
		differ += runs[i].frames;
		printf("%s: %ju frames in %ju runs\n", runs[i].what, (uintmax_t)runs[i].frames,
		       (uintmax_t)runs[i].n);
	}
	printf("behind their last frame %ju, differ %ju\n", (uintmax_t)behind, (uintmax_t)differ);
	return differ ? 1 : 0;
}

static void print_result(const struct kd_filter *f, const struct kd_filter_result *r, double ms)
{
	static const char *const checks[] = { "none", "agrees", "contradicts" };
	char hex[KD_SHA256_HEX_BYTES];

	printf("model %s, level %u (dropped %u), %.1f ms\n", kd_filter_model(f), r->level,
	       r->dropped, ms);
	printf("exists %ju keep %ju absent %ju protected %ju unknown %ju\n", (uintmax_t)r->n_exists,
	       (uintmax_t)r->n_keep, (uintmax_t)r->n_absent, (uintmax_t)r->n_protected,
	       (uintmax_t)r->n_unknown);
	for (unsigned int i = 0; i < KD_N_CLASSES; i++)
		printf("%s %ju (%ju left out)\n", kd_page_class_name(i), (uintmax_t)r->found[i],
		       (uintmax_t)r->excluded[i]);
	printf("free pages: check %s, found %ju, counted %ju\n", checks[r->check],
	       (uintmax_t)r->check_found, (uintmax_t)r->check_counted);
	if (r->bitmap_bytes <= 16 << 20) {
		kd_sha256_hex(r->keep, r->bitmap_bytes, hex);
		printf("keep sha256 %s\n", hex);
	}
}

int main(int argc, char **argv)
{
	struct kd_log log = { .emit = say, .debug_areas = "filter" };
	struct kd_filter_opts opts = { .log = &log };
	struct kd_filter_result r;
	struct theirs t;
	struct kd_err e;
	int c;

	while ((c = getopt(argc, argv, "t:ml")) != -1) {
		switch (c) {
		case 't':
			opts.threads = (unsigned int)atoi(optarg);
			break;
		case 'm':
			opts.access = KD_ACCESS_MAP;
			break;
		case 'l':
			opts.want_late = true;
			break;
		default:
			errx(2, "usage: bitmap-diff [-t THREADS] [-m] [-l] DUMP LEVEL [DISKDUMP]");
		}
	}
	if (argc - optind < 2 || argc - optind > 3)
		errx(2, "usage: bitmap-diff [-t THREADS] [-m] [-l] DUMP LEVEL [DISKDUMP]");
	const char *dump = argv[optind];
	opts.level = (unsigned int)atoi(argv[optind + 1]);
	KD_AUTO(kd_closep) int fd = open(dump, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		err(2, "%s", dump);
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = NULL;
	KD_AUTO(kd_filter_closep) struct kd_filter *f = NULL;
	struct timespec from, to;
	if (kd_vmcore_open(fd, dump, &log, &core, &e))
		errx(2, "%s", e.msg);
	clock_gettime(CLOCK_MONOTONIC, &from);
	if (kd_filter_open(core, &opts, &f, &e) || kd_filter_run(f, &r, &e))
		errx(2, "%s", e.msg);
	clock_gettime(CLOCK_MONOTONIC, &to);
	print_result(f, &r,
		     (double)(to.tv_sec - from.tv_sec) * 1e3 +
			     (double)(to.tv_nsec - from.tv_nsec) / 1e6);
	if (argc - optind < 3)
		return 0;
	read_theirs(argv[optind + 2], &t);
	int rc = compare(&r, &t);
	free(t.exists);
	free(t.stored);
	return rc;
}
