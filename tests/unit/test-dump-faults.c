/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Targets that take no more, and pages that cannot be read. */
#include "lib/dump/internal.h"
#include "tests/unit/support-dump.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- a target that is not blank ---- */

/* On a device stands what was there before: no byte of it may be left in the dump. */
static void test_old_contents_of_a_device(void **state)
{
	const struct dump_machine *m = *state;
	const struct kd_dump_opts cases[] = {
		{ .codec = codec_named("zstd"), .no_digests = true },
		{ .level = 31, .no_digests = true },
		{ .format = KD_DUMP_ELF, .no_digests = true },
		{ .format = KD_DUMP_ELF, .level = 31, .no_digests = true },
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		struct kd_dump_result r;
		struct kd_err err = { 0 };
		KD_AUTO(kd_closep) int blank = make_dump(m->core, &cases[i], &r);
		KD_AUTO(kd_closep) int used = kd_gen_memfd("used");
		static uint8_t old[MIB];
		memset(old, 0xff, sizeof(old));
		for (off_t at = 0; at < size_of(blank); at += MIB)
			assert_int_equal(pwrite(used, old, sizeof(old), at), sizeof(old));
		struct kd_sink *sink = memory_sink(used);
		assert_false(sink->blank);
		if (kd_dump_run(m->core, &cases[i], sink, &r, &err))
			fail_msg("%s", err.msg);
		must_commit(sink);
		assert_int_equal(ftruncate(used, size_of(blank)), 0);
		assert_true(files_equal(used, blank));
	}
}

/* ---- a target that takes less at a time ---- */

static size_t short_bytes; /* 0: no limit */
static unsigned int interrupted;

/* In place of the C library's: a signal comes before every third write. */
ssize_t pwrite64(int fd, const void *buf, size_t len, off_t off);
ssize_t pwrite64(int fd, const void *buf, size_t len, off_t off)
{
	if (short_bytes && len > short_bytes)
		len = short_bytes;
	if (short_bytes && ++interrupted % 3 == 0) {
		errno = EINTR;
		return -1;
	}
	return syscall(SYS_pwrite64, fd, buf, len, off);
}

static void test_short_writes(void **state)
{
	const struct dump_machine *m = *state;
	const struct kd_dump_opts cases[] = {
		{ .codec = codec_named("zstd"), .threads = 2 },
		{ .format = KD_DUMP_ELF },
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		struct kd_dump_result r;
		KD_AUTO(kd_closep) int whole = make_dump(m->core, &cases[i], &r);
		short_bytes = 1021;
		interrupted = 0;
		KD_AUTO(kd_closep) int fd = make_dump(m->core, &cases[i], &r);
		short_bytes = 0;
		assert_true(interrupted > 1000);
		assert_true(files_equal(fd, whole));
	}
}

/* ---- a target that takes no more ---- */

/* Whatever is in it then can be read, is right, and does not pass for the whole. */
static void check_truncated(const struct dump_machine *m, int fd, const struct kd_dump_result *r)
{
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd);

	assert_true(r->truncated);
	assert_true(kd_vmcore_is_incomplete(core));
	assert_int_equal(compare_dumps(core, m->core), r->pages);
}

static void test_full_disk_at_any_byte(void **state)
{
	const struct dump_machine *m = *state;
	const struct kd_dump_opts o = { .level = 0, .codec = codec_named("zstd"), .threads = 2 };
	struct kd_dump_result r;
	KD_AUTO(kd_closep) int whole = make_dump(m->core, &o, &r);
	uint64_t size = (uint64_t)size_of(whole), data = r.file_bytes;
	struct kd_err err = { 0 };
	unsigned int failed = 0, truncated = 0;

	assert_true(size == data && r.digest_ranges > 3);
	uint64_t trailer = r.digest_ranges * KD_DIGEST_RECORD_BYTES + KD_DIGEST_FOOTER_BYTES;
	const uint64_t edges[] = {
		1,	     100,      PAGE,
		PAGE + 1,    2 * PAGE, 2 * PAGE + 1,
		3 * PAGE,    5 * PAGE, 300 << 10,
		600 << 10,   MIB,      MIB + 1,
		2 * MIB - 1, size / 2, size - trailer - 1,
	};
	for (size_t i = 0; i < KD_ARRAY_LEN(edges); i++) {
		KD_AUTO(kd_closep) int fd = kd_gen_memfd("full");
		int rc = dump_into(m->core, &o, (struct kd_sink_fault){ .room_bytes = edges[i] },
				   fd, &r, &err);
		if (rc) {
			assert_int_equal(rc, -KD_NOSPACE);
			assert_says(err.msg, "No space left on device");
			failed++;
			continue;
		}
		assert_int_equal(r.code, KD_NOSPACE);
		assert_says(r.reason, "No space left on device");
		check_truncated(m, fd, &r);
		truncated++;
	}
	assert_true(failed >= 6 && truncated >= 5);

	/* Room for all but the hashes: whole, without them. */
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("full");
	assert_int_equal(dump_into(m->core, &o,
				   (struct kd_sink_fault){ .room_bytes = size - trailer + 1 }, fd,
				   &r, &err),
			 0);
	assert_false(r.truncated);
	assert_int_equal(r.digest_ranges, 0);
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd);
	assert_false(kd_vmcore_is_incomplete(core));
	assert_int_equal(compare_dumps(core, m->core), FRAMES);
}

/* Without a working disk any more nothing can be added, not even descriptors. */
static void test_dead_disk_at_any_byte(void **state)
{
	const struct dump_machine *m = *state;
	const struct kd_dump_opts o = { .level = 0, .codec = codec_named("zlib"), .threads = 3 };
	struct kd_dump_result r;
	KD_AUTO(kd_closep) int whole = make_dump(m->core, &o, &r);
	uint64_t written = r.written_bytes;
	assert_true(written >= (uint64_t)size_of(whole) - 64 * PAGE); /* less holes */
	struct kd_err err = { 0 };

	for (uint64_t after = 1; after < written; after += 1 + written / 12) {
		KD_AUTO(kd_closep) int fd = kd_gen_memfd("dead");
		int rc = dump_into(m->core, &o,
				   (struct kd_sink_fault){ .fail_after = after, .fail_errno = EIO },
				   fd, &r, &err);
		if (rc) {
			assert_int_equal(rc, -KD_SYS);
			continue;
		}
		assert_true(r.truncated);
		assert_int_equal(r.code, KD_SYS);
		KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd);
		assert_true(kd_vmcore_is_incomplete(core));
		assert_true(compare_dumps(core, m->core) <= r.pages);
	}
}

static void test_failed_sync_leaves_it_incomplete(void **state)
{
	const struct dump_machine *m = *state;
	const struct kd_dump_opts o = { .level = 31, .codec = codec_named("zstd") };
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("out");
	struct kd_dump_result r;
	struct kd_err err = { 0 };

	assert_int_equal(dump_into(m->core, &o,
				   (struct kd_sink_fault){ .fail_sync = true, .fail_errno = EIO },
				   fd, &r, &err),
			 0);
	assert_says(r.reason, "sync memory: Input/output error");
	check_truncated(m, fd, &r);
}

/* The kernel's own pages come first, so they are what a short file has. */
static void test_kernel_pages_come_first(void **state)
{
	const struct dump_machine *m = *state;
	const struct {
		struct kd_dump_opts o;
		unsigned int late;
	} cases[] = {
		{ { .codec = NULL, .threads = 2 }, 1012 },
		/* by blocks of 512 pages */
		{ { .format = KD_DUMP_ELF, .threads = 2 }, 512 },
		{ { .codec = NULL, .threads = 2, .flattened = true }, 512 },
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		const struct kd_dump_opts *o = &cases[i].o;
		struct kd_dump_result whole, r;
		KD_AUTO(kd_closep) int all = make_dump(m->core, o, &whole);
		KD_AUTO(kd_closep) int fd = kd_gen_memfd("short");
		struct kd_err err = { 0 };

		assert_int_equal(whole.late_pages, cases[i].late);
		/* Too short by a few hundred of the late ones. */
		const struct kd_sink_fault fault = { .room_bytes = (uint64_t)size_of(all) - MIB };
		assert_int_equal(dump_into(m->core, o, fault, fd, &r, &err), 0);
		assert_true(r.truncated);

		KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd);
		uint64_t lost = FRAMES - compare_dumps(core, m->core), told = FRAMES - r.pages;
		assert_true(kd_vmcore_is_incomplete(core));
		assert_true(lost > 0 && lost <= told);
		/* Of an ELF file there is also what the last, failed write left. */
		assert_true(told - lost < (o->format == KD_DUMP_ELF ? 1024 : 1));
		assert_int_equal(whole.late_pages - r.late_pages, told);
		assert_int_equal(page_state(core, FREE_FROM - 1), KD_PAGE_STORED);
		assert_int_equal(page_state(core, CACHE_FROM), KD_PAGE_STORED);
		assert_int_equal(page_state(core, FREE_FROM + 506), KD_PAGE_LOST);
	}
}

/* Whatever write fails, the counts are of what is there. */
static void test_counts_after_any_failed_write(void **state)
{
	const struct dump_machine *m = *state;
	const struct kd_dump_opts cases[] = {
		{ .codec = NULL, .threads = 1 },
		{ .codec = NULL, .threads = 1, .flattened = true },
		{ .format = KD_DUMP_ELF, .threads = 1 },
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		struct kd_dump_result whole, r;
		KD_AUTO(kd_closep) int all = make_dump(m->core, &cases[i], &whole);
		uint64_t size = (uint64_t)size_of(all);
		unsigned int truncated = 0;
		struct kd_err err = { 0 };

		assert_int_equal(whole.pages, FRAMES);
		for (uint64_t room = size / 64; room < size; room += size / 64) {
			KD_AUTO(kd_closep) int fd = kd_gen_memfd("short");
			if (dump_into(m->core, &cases[i],
				      (struct kd_sink_fault){ .room_bytes = room }, fd, &r, &err))
				continue;
			KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd);
			uint64_t there = compare_dumps(core, m->core);
			/* Of the late ones some are there: then all others are. */
			assert_true(r.late_pages <= r.pages && r.late_pages <= whole.late_pages);
			if (r.late_pages)
				assert_int_equal(FRAMES - r.pages, whole.late_pages - r.late_pages);
			/* There is also what the last, failed write left, of a stream a chunk. */
			bool exact = cases[i].format == KD_DUMP_DISKDUMP && !cases[i].flattened;
			assert_in_range(there, r.pages, exact ? r.pages : FRAMES);
			truncated += r.truncated;
		}
		assert_true(truncated > 40);
	}
}

/* Where all else begins comes before everything, wherever in memory it lies. */
static void test_what_leads_to_all_else_comes_first(void **state)
{
	enum { RING = 46 * MIB, IMAGE = 16 * MIB, TABLES = IMAGE + (64 << 10) };
	KD_AUTO(kd_gen_freep) struct kd_gen *g = dump_machine_new();
	KD_AUTO(kd_gen_ring_freep) struct kd_gen_ring *ring = kd_gen_ring_new(10, 16);
	KD_AUTO(kd_closep) int in = kd_gen_memfd("in");
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("short");
	const struct kd_dump_opts o = { .level = 31, .codec = NULL, .threads = 2 };
	struct kd_dump_result r;
	struct kd_err err = { 0 };

	kd_gen_log(ring, KD_GEN_FINALIZED, 0, "the end", 7);
	kd_gen_ring_store(g, ring, RING, KD_GEN_X86_DIRECT + RING);
	kd_gen_elf(g, in, NULL);
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(in);
	assert_int_equal(
		dump_into(core, &o, (struct kd_sink_fault){ .room_bytes = MIB }, fd, &r, &err), 0);
	assert_true(r.truncated);

	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *got = open_core(fd);
	assert_int_equal(compare_dumps(got, core), r.pages);
	for (uint64_t at = 0; at < kd_gen_ring_bytes(ring); at += PAGE)
		assert_int_equal(page_state(got, (RING + at) / PAGE), KD_PAGE_STORED);
	assert_int_equal(page_state(got, TABLES / PAGE), KD_PAGE_STORED);
	assert_int_equal(page_state(got, (IMAGE + 2 * MIB) / PAGE), KD_PAGE_STORED);
	assert_int_equal(page_state(got, FILLED / PAGE + 2), KD_PAGE_STORED);
	assert_int_equal(page_state(got, RING / PAGE - 6), KD_PAGE_LOST);
}

static void test_stop_ends_it_readable(void **state)
{
	const struct dump_machine *m = *state;
	volatile sig_atomic_t stop = 1;
	const struct kd_dump_opts o = { .codec = codec_named("zstd"), .stop = &stop, .threads = 1 };
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("stopped");
	struct kd_dump_result r;
	struct kd_err err = { 0 };

	assert_int_equal(dump_into(m->core, &o, (struct kd_sink_fault){ 0 }, fd, &r, &err), 0);
	assert_int_equal(r.code, KD_AGAIN);
	assert_says(r.reason, "stopped before its end");
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd);
	assert_true(kd_vmcore_is_incomplete(core));
	assert_int_equal(compare_dumps(core, m->core), r.pages);
	assert_int_equal(r.pages, 64); /* the first extent, all of it */
}

/* A sink that remembers what was in it when it was synced: what a power cut leaves. */
struct cut_sink {
	struct kd_sink base;
	int fd;
	unsigned int syncs;
	int kept[64];
};

static int cut_write_at(struct kd_sink *s, uint64_t off, const void *buf, size_t len,
			struct kd_err *err)
{
	return kd_pwrite_full(((struct cut_sink *)s)->fd, buf, len, off, "cut", err);
}

static int cut_read_at(struct kd_sink *s, uint64_t off, void *buf, size_t len, struct kd_err *err)
{
	ssize_t n = kd_pread_full(((struct cut_sink *)s)->fd, buf, len, off, "cut", err);

	if (n < 0)
		return (int)n;
	memset((char *)buf + n, 0, len - (size_t)n);
	return 0;
}

static int cut_sync(struct kd_sink *s, struct kd_err *err)
{
	struct cut_sink *c = (struct cut_sink *)s;
	off_t off = 0;

	assert_true(c->syncs < KD_ARRAY_LEN(c->kept));
	int copy = kd_gen_memfd("kept");
	while (sendfile(copy, c->fd, &off, MIB) > 0)
		;
	c->kept[c->syncs++] = copy;
	return 0;
}

static void test_power_cut_leaves_what_was_synced(void **state)
{
	const struct dump_machine *m = *state;
	static const struct kd_sink_ops ops = { .write_at = cut_write_at,
						.read_at = cut_read_at,
						.sync = cut_sync };
	const struct kd_dump_opts cases[] = {
		{ .codec = codec_named("zstd"), .threads = 2, .sync_every_bytes = 200 << 10 },
		{ .format = KD_DUMP_ELF, .threads = 2, .sync_every_bytes = 8 * MIB },
	};

	for (size_t k = 0; k < KD_ARRAY_LEN(cases); k++) {
		struct cut_sink c = { .base = { .ops = &ops, .name = "cut", .rewritable = true },
				      .fd = kd_gen_memfd("cut") };
		struct kd_dump_result r;
		struct kd_err err = { 0 };
		uint64_t before = 0;

		assert_int_equal(kd_dump_run(m->core, &cases[k], &c.base, &r, &err), 0);
		assert_true(c.syncs > 4);
		for (unsigned int i = 0; i < c.syncs; i++) {
			KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(c.kept[i]);
			/* the last sync comes after the word was taken away */
			assert_int_equal(kd_vmcore_is_incomplete(core), i + 1 < c.syncs);
			uint64_t pages = compare_dumps(core, m->core);
			assert_true(pages >= before);
			before = pages;
			close(c.kept[i]);
		}
		assert_int_equal(before, FRAMES);
		close(c.fd);
	}
}

/* ---- a dump with pages that cannot be read ---- */

static void test_unreadable_pages_become_zeros(void **state)
{
	KD_AUTO(kd_gen_freep) struct kd_gen *g = dump_machine_new();
	static const enum kd_dump_format formats[] = { KD_DUMP_DISKDUMP, KD_DUMP_ELF };

	for (size_t i = 0; i < KD_ARRAY_LEN(formats); i++) {
		KD_AUTO(kd_closep) int in = kd_gen_memfd("in");
		kd_gen_elf(g, in, NULL);
		KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(in);
		/* The file ends with the last page of memory: it loses 100 and a bit. */
		assert_int_equal(ftruncate(in, size_of(in) - 100 * PAGE - 1), 0);

		const struct kd_dump_opts o = { .format = formats[i], .threads = 2 };
		struct kd_dump_result r;
		KD_AUTO(kd_closep) int fd = make_dump(core, &o, &r);
		assert_false(r.truncated);
		assert_int_equal(r.bad_pages, 101);
		assert_int_equal(r.n_bad, 1);
		assert_int_equal(r.bad[0].pfn, FRAMES - 101);
		assert_int_equal(r.bad[0].n, 101);
		assert_true(r.bad_reason[0] != '\0');

		KD_AUTO(kd_vmcore_closep) struct kd_vmcore *got = open_core(fd);
		uint8_t page[PAGE], zero[PAGE] = { 0 };
		struct kd_err err = { 0 };
		assert_false(kd_vmcore_is_incomplete(got));
		assert_int_equal(kd_vmcore_read(got, RAM - PAGE, page, PAGE, &err), 0);
		assert_memory_equal(page, zero, PAGE);
	}
}

static void test_bad_runs_are_bounded(void **state)
{
	struct kd_dump_result r = { 0 };
	const struct kd_dump_opts o = { 0 };
	struct kd_engine e = { .result = &r, .opts = &o };
	const struct kd_err why = { .msg = "because" };

	for (uint64_t i = 0; i < 1000; i++)
		kd_engine_note_bad(&e, 3 * i, &why);
	assert_int_equal(r.bad_pages, 1000);
	assert_int_equal(r.n_bad, KD_DUMP_MAX_BAD_RUNS);
	assert_string_equal(r.bad_reason, "because");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_old_contents_of_a_device),
		cmocka_unit_test(test_short_writes),
		cmocka_unit_test(test_full_disk_at_any_byte),
		cmocka_unit_test(test_dead_disk_at_any_byte),
		cmocka_unit_test(test_failed_sync_leaves_it_incomplete),
		cmocka_unit_test(test_kernel_pages_come_first),
		cmocka_unit_test(test_counts_after_any_failed_write),
		cmocka_unit_test(test_what_leads_to_all_else_comes_first),
		cmocka_unit_test(test_stop_ends_it_readable),
		cmocka_unit_test(test_power_cut_leaves_what_was_synced),
		cmocka_unit_test(test_unreadable_pages_become_zeros),
		cmocka_unit_test(test_bad_runs_are_bounded),
	};

	return cmocka_run_group_tests(tests, dump_machine_setup, dump_machine_teardown);
}
