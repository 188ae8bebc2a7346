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

static int check_digests(struct verifier *v, int fd, struct kd_err *err)
{
	KD_AUTO(kd_freep) uint8_t *room = malloc(ROOM_BYTES);
	struct kd_digest_check c = { 0 };
	struct kd_err why = { 0 };
	struct stat st;

	if (!room)
		return kd_fail(err, KD_NOMEM, "no memory to check hashes");
	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		return 0;
	int rc = kd_digest_verify(file_read_at, &fd, (uint64_t)st.st_size, room, ROOM_BYTES, &c,
				  &why);
	v->ret->has_digests = rc || c.present;
	if (rc)
		snprintf(v->ret->digest_reason, sizeof(v->ret->digest_reason), "%s", why.msg);
	else if (c.present)
		snprintf(v->ret->digests_xxh3, sizeof(v->ret->digests_xxh3), "%016jx",
			 (uintmax_t)c.table_xxh3);
	v->ret->digest_bytes = c.bytes;
	v->ret->bad_digests = c.bad_ranges;
	v->ret->first_bad_off = c.first_bad;
	v->ret->first_bad_len = c.first_bad_len;
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

int kd_dump_verify(struct kd_vmcore *core, int fd,
		   void (*progress)(void *arg, const struct kd_dump_progress *p),
		   void *progress_arg, struct kd_verify_result *ret, struct kd_err *err)
{
	struct verifier v = { .core = core,
			      .ret = ret,
			      .progress = progress,
			      .progress_arg = progress_arg,
			      .start_ms = kd_monotonic_ms() };
	int rc = kd_dump_count_pages(core, ret, err);

	if (rc)
		return rc;
	v.total_bytes = ret->stored * kd_vmcore_page_size(core);
	memset(ret, 0, sizeof(*ret));
	rc = open_window(&v, err);
	if (!rc)
		rc = walk(&v, true, err);
	if (!rc && fd >= 0)
		rc = check_digests(&v, fd, err);
	kd_vmcore_window_free(v.window);
	return rc;
}
