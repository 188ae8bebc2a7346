/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/dump/dump.h"
#include "lib/format/format.h"

#include <string.h>
#include <sys/stat.h>

enum {
	ROOM_BYTES = 1 << 20,
	MAP_BYTES = 64 << 20,
	SAY_EVERY_MS = 250,
};

struct verifier {
	struct kd_vmcore *core;
	struct kd_vmcore_window *window;
	struct kd_verify_result *ret;
	void (*progress)(void *arg, const struct kd_dump_progress *p);
	void *progress_arg;
	uint64_t total_bytes;
	uint64_t start_ms, said_ms;
};

static void say(struct verifier *v)
{
	uint64_t now_ms = kd_monotonic_ms();

	if (!v->progress || now_ms - v->said_ms < SAY_EVERY_MS)
		return;
	uint64_t done = (v->ret->stored + v->ret->bad) * kd_vmcore_page_size(v->core);
	uint64_t ms = now_ms - v->start_ms;
	const struct kd_dump_progress p = {
		.stage = KD_DUMP_WRITING,
		.done_bytes = done,
		.total_bytes = v->total_bytes,
		.elapsed_ms = ms,
		.bytes_per_s = ms ? done * 1000 / ms : 0,
	};
	v->said_ms = now_ms;
	v->progress(v->progress_arg, &p);
}

/* The page at @pfn and those that come with it; at least one. */
static uint64_t read_pages(struct verifier *v, uint64_t pfn, uint64_t n)
{
	uint32_t page = kd_vmcore_page_size(v->core);
	size_t want = n < ROOM_BYTES / page ? (size_t)n * page : ROOM_BYTES;
	const uint8_t *p = NULL;
	size_t len = 0;
	struct kd_err err = { 0 };
	int rc = kd_vmcore_map(v->window, pfn * page, want, &p, &len, &err);

	/* A frame at the ragged end of an ELF segment is there in part. */
	if (!rc || (rc == -KD_BADDATA && kd_vmcore_format(v->core) == KD_VMCORE_ELF)) {
		uint64_t done = len / page ? len / page : 1;
		v->ret->stored += done;
		return done;
	}
	if (want > page)
		return read_pages(v, pfn, 1); /* which one is it? */
	if (v->ret->bad++ == 0) {
		v->ret->first_bad_pfn = pfn;
		snprintf(v->ret->bad_reason, sizeof(v->ret->bad_reason), "%s", err.msg);
	}
	return 1;
}

static int walk(struct verifier *v, bool read, struct kd_err *err)
{
	uint64_t end = kd_vmcore_max_pfn(v->core), n = 0;

	for (uint64_t pfn = 0; pfn < end; pfn += n) {
		int state = kd_vmcore_page_run(v->window, pfn, &n, err);
		if (state < 0)
			return state;
		if (n > end - pfn)
			n = end - pfn;
		if (state == KD_PAGE_EXCLUDED)
			v->ret->excluded += n;
		else if (state == KD_PAGE_LOST)
			v->ret->lost += n;
		else if (state == KD_PAGE_STORED && !read)
			v->ret->stored += n;
		for (uint64_t done = 0; read && state == KD_PAGE_STORED && done < n;) {
			done += read_pages(v, pfn + done, n - done);
			say(v);
		}
	}
	return 0;
}

static int file_read_at(void *arg, uint64_t off, void *buf, size_t len, struct kd_err *err)
{
	ssize_t n = kd_pread_full(*(const int *)arg, buf, len, off, "the dump", err);

	if (n < 0)
		return (int)n;
	return (size_t)n == len ? 0 : kd_fail(err, KD_BADDATA, "the dump became shorter");
}

/* 0: @ret is that file, ret->room to be freed; 1: it is not a regular one. */
static int digest_file(const int *fd, struct kd_digest_file *ret, struct kd_err *err)
{
	struct stat st;

	if (fstat(*fd, &st) || !S_ISREG(st.st_mode))
		return 1;
	uint8_t *room = malloc(ROOM_BYTES);
	if (!room)
		return kd_fail(err, KD_NOMEM, "no memory to check hashes");
	*ret = (struct kd_digest_file){ .read_at = file_read_at,
					.arg = (void *)fd,
					.size = (uint64_t)st.st_size,
					.room = room,
					.room_len = ROOM_BYTES };
	return 0;
}

static int check_digests(const struct kd_verify_opts *opts, struct kd_verify_result *ret,
			 struct kd_err *err)
{
	struct kd_digest_check c = { 0 };
	struct kd_digest_file file;
	struct kd_err why = { 0 };
	int rc = digest_file(&opts->fd, &file, err);

	if (rc)
		return rc > 0 ? 0 : rc;
	rc = kd_digest_verify(&file, opts->table_only ? KD_DIGEST_TABLE : KD_DIGEST_RANGES, &c,
			      &why);
	free(file.room);
	ret->has_digests = rc || c.present;
	ret->digests = c.ranges;
	if (rc)
		snprintf(ret->digest_reason, sizeof(ret->digest_reason), "%s", why.msg);
	else if (c.present)
		snprintf(ret->digests_xxh3, sizeof(ret->digests_xxh3), "%016jx",
			 (uintmax_t)c.table_xxh3);
	return 0;
}

int kd_dump_compare(int fd, const struct kd_hashed_extent *extents, size_t n,
		    struct kd_hash_check *ret, struct kd_err *err)
{
	struct kd_digest_file file;
	int rc = digest_file(&fd, &file, err);

	if (rc > 0)
		return kd_fail(err, KD_BADDATA, "the dump is not a regular file");
	if (rc)
		return rc;
	kd_digest_compare(&file, extents, n, ret);
	free(file.room);
	return 0;
}

static int open_window(struct verifier *v, struct kd_err *err)
{
	return kd_vmcore_window_new(v->core, KD_ACCESS_AUTO, MAP_BYTES, ROOM_BYTES, &v->window,
				    err);
}

int kd_dump_count_pages(struct kd_vmcore *core, struct kd_verify_result *ret, struct kd_err *err)
{
	struct verifier v = { .core = core, .ret = ret };

	memset(ret, 0, sizeof(*ret));
	int rc = open_window(&v, err);
	if (!rc)
		rc = walk(&v, false, err);
	kd_vmcore_window_free(v.window);
	return rc;
}

int kd_dump_verify(struct kd_vmcore *core, const struct kd_verify_opts *opts,
		   struct kd_verify_result *ret, struct kd_err *err)
{
	struct verifier v = { .core = core,
			      .ret = ret,
			      .progress = opts->progress,
			      .progress_arg = opts->progress_arg,
			      .start_ms = kd_monotonic_ms() };
	int rc = kd_dump_count_pages(core, ret, err);

	if (rc)
		return rc;
	v.total_bytes = ret->stored * kd_vmcore_page_size(core);
	memset(ret, 0, sizeof(*ret));
	rc = open_window(&v, err);
	if (!rc)
		rc = walk(&v, true, err);
	if (!rc && opts->fd >= 0)
		rc = check_digests(opts, ret, err);
	kd_vmcore_window_free(v.window);
	return rc;
}
