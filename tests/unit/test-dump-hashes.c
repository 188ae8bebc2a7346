/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hashes in and beside a dump find what changed. */
#include "lib/format/format.h"
#include "tests/unit/support-dump.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cmocka.h>

static void test_verify_finds_what_changed(void **state)
{
	const struct dump_machine *m = *state;
	const struct kd_dump_opts cases[] = {
		{ .codec = codec_named("zstd") },
		{ .codec = NULL, .level = 31 },
		{ .format = KD_DUMP_ELF, .level = 31 },
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		struct kd_dump_result r;
		struct kd_verify_result v;
		struct kd_err err = { 0 };
		KD_AUTO(kd_closep) int fd = make_dump(m->core, &cases[i], &r);
		KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd);
		const struct kd_verify_opts vo = { .fd = fd };
		off_t at = size_of(fd) - MIB;
		uint8_t byte = 0;

		assert_int_equal(kd_dump_verify(core, &vo, &v, &err), 0);
		assert_true(v.has_digests);
		assert_int_equal(v.digests.extents, r.digest_ranges);
		assert_int_equal(v.digests.bad, 0);
		assert_string_equal(v.digest_reason, "");
		assert_string_equal(v.digests_xxh3, r.digests_xxh3);
		assert_int_equal(v.bad, 0);
		assert_int_equal(v.stored + v.excluded, FRAMES);
		/* all that was written but for the hashes and the header's first version */
		assert_true(v.digests.bytes + 16384 > r.written_bytes ||
			    cases[i].format == KD_DUMP_DISKDUMP);

		while (pread(fd, &byte, 1, at) == 1 && byte == 0) /* not in a hole */
			at++;
		byte ^= 1;
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
		assert_int_equal(kd_dump_verify(core, &vo, &v, &err), 0);
		assert_int_equal(v.digests.bad, 1);
		assert_in_range(at, v.digests.first_bad_off,
				v.digests.first_bad_off + v.digests.first_bad_len - 1);
		/* The table itself is as it was. */
		const struct kd_verify_opts table = { .fd = fd, .table_only = true };
		assert_int_equal(kd_dump_verify(core, &table, &v, &err), 0);
		assert_string_equal(v.digests_xxh3, r.digests_xxh3);
		assert_int_equal(v.digests.extents, 0);
	}
}

/* Nothing that was written lacks a hash. */
static void test_hashes_cover_the_file(void **state)
{
	const struct dump_machine *m = *state;
	const struct kd_dump_opts o = { .codec = codec_named("zstd"), .threads = 1 };
	struct kd_dump_result r;
	KD_AUTO(kd_closep) int fd = make_dump(m->core, &o, &r);
	struct kd_verify_result v;
	struct kd_err err = { 0 };
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd);

	assert_int_equal(kd_dump_verify(core, &(struct kd_verify_opts){ .fd = fd }, &v, &err), 0);
	uint64_t trailer = r.digest_ranges * KD_DIGEST_RECORD_BYTES + KD_DIGEST_FOOTER_BYTES;
	/* Two bitmaps of 1536 bytes of 4096 are written; all else is written in full. */
	assert_true(v.digests.bytes + trailer + 3 * PAGE > (uint64_t)size_of(fd));
}

/* What the engine says of the parts it wrote is true of the file; flip a byte, and it is not. */
static void check_extents(int fd, const struct kd_hashed_extent *x, size_t n)
{
	struct kd_hash_check check;
	struct kd_err err = { 0 };
	uint8_t byte = 0;

	assert_int_equal(kd_dump_compare(fd, x, n, &check, &err), 0);
	assert_int_equal(check.extents, n);
	if (check.bad)
		fail_msg("%ju of %zu parts differ, the first is %ju bytes at %ju",
			 (uintmax_t)check.bad, n, (uintmax_t)check.first_bad_len,
			 (uintmax_t)check.first_bad_off);
	for (size_t i = 0; i < n; i++) {
		off_t at = (off_t)(x[i].off + x[i].len_bytes / 2);
		assert_true(i == 0 || x[i].off >= x[i - 1].off + x[i - 1].len_bytes);
		assert_int_equal(pread(fd, &byte, 1, at), 1);
		assert_int_equal(pwrite(fd, &(uint8_t){ byte ^ 1 }, 1, at), 1);
		assert_int_equal(kd_dump_compare(fd, x, n, &check, &err), 0);
		assert_int_equal(check.bad, 1);
		assert_int_equal(check.first_bad_off, x[i].off);
		assert_int_equal(check.first_bad_len, x[i].len_bytes);
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	}
}

static uint64_t bytes_of(const struct kd_hashed_extent *x, size_t n)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < n; i++)
		bytes += x[i].len_bytes;
	return bytes;
}

static struct kd_hashed_extent *room_for_extents(void)
{
	struct kd_hashed_extent *x = calloc(KD_DUMP_MAX_EXTENTS, sizeof(*x));

	assert_non_null(x);
	return x;
}

static void test_extents_of_a_whole_dump(void **state)
{
	const struct dump_machine *m = *state;
	KD_AUTO(kd_freep) struct kd_hashed_extent *x = room_for_extents();
	const struct kd_dump_opts cases[] = {
		{ .codec = codec_named("zstd"), .extents = x },
		{ .format = KD_DUMP_ELF, .level = 31, .extents = x },
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		struct kd_dump_result r;
		KD_AUTO(kd_closep) int fd = make_dump(m->core, &cases[i], &r);
		assert_int_equal(r.n_extents, r.digest_ranges + 1); /* the table is hashed, too */
		assert_int_equal(x[0].off, 0);
		const struct kd_hashed_extent *last = &x[r.n_extents - 1];
		assert_int_equal(last->off + last->len_bytes, size_of(fd));
		check_extents(fd, x, r.n_extents);
	}
}

/* Where there is no room for a table, they are all there is. */
static void test_extents_of_a_truncated_dump(void **state)
{
	const struct dump_machine *m = *state;
	KD_AUTO(kd_freep) struct kd_hashed_extent *x = room_for_extents();
	const struct kd_dump_opts o = { .codec = codec_named("zstd"), .extents = x };
	struct kd_dump_result r;
	struct kd_err err = { 0 };
	KD_AUTO(kd_closep) int whole = make_dump(m->core, &o, &r);
	uint64_t size = (uint64_t)size_of(whole);

	for (uint64_t room = MIB; room < size - MIB; room += size / 5 + 1) {
		KD_AUTO(kd_closep) int fd = kd_gen_memfd("full");
		assert_int_equal(dump_into(m->core, &o,
					   (struct kd_sink_fault){ .room_bytes = room }, fd, &r,
					   &err),
				 0);
		assert_true(r.truncated);
		assert_true(r.n_extents > 3);
		check_extents(fd, x, r.n_extents);
		/* All but the write that failed, and the part of the descriptors reserved for later. */
		assert_true(bytes_of(x, r.n_extents) + 2 * MIB > room);
	}
}

static void test_extents_of_a_dying_disk(void **state)
{
	const struct dump_machine *m = *state;
	KD_AUTO(kd_freep) struct kd_hashed_extent *x = room_for_extents();
	const struct kd_dump_opts o = { .codec = codec_named("zlib"), .extents = x };
	struct kd_dump_result r;
	struct kd_err err = { 0 };
	KD_AUTO(kd_closep) int whole = make_dump(m->core, &o, &r);
	uint64_t written = r.written_bytes;

	for (uint64_t after = written / 2; after < written; after += 1 + written / 31) {
		KD_AUTO(kd_closep) int fd = kd_gen_memfd("dead");
		int rc = dump_into(m->core, &o,
				   (struct kd_sink_fault){ .fail_after = after, .fail_errno = EIO },
				   fd, &r, &err);
		assert_int_equal(rc, 0);
		check_extents(fd, x, r.n_extents);
	}
	/* The last writes are the table and the final header: it is neither said to be there ... */
	for (uint64_t less = 1; less <= 2 * PAGE; less += PAGE / 4) {
		KD_AUTO(kd_closep) int fd = kd_gen_memfd("dead");
		assert_int_equal(dump_into(m->core, &o,
					   (struct kd_sink_fault){ .fail_after = written - less,
								   .fail_errno = EIO },
					   fd, &r, &err),
				 0);
		check_extents(fd, x, r.n_extents);
	}
	/* ... nor when all is written and cannot be synced. */
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("dead");
	assert_int_equal(dump_into(m->core, &o,
				   (struct kd_sink_fault){ .fail_sync = true, .fail_errno = EIO },
				   fd, &r, &err),
			 0);
	assert_true(r.truncated && r.n_extents > 3);
	check_extents(fd, x, r.n_extents);
}

struct shared {
	struct kd_dump_result result;
	struct kd_hashed_extent extents[KD_DUMP_MAX_EXTENTS];
};

/* A dump made by a process that is killed when it has written @room bytes of the file. */
static void dump_until_killed(struct kd_vmcore *core, struct kd_dump_opts o, uint64_t room, int fd,
			      struct shared *ret)
{
	const struct rlimit none = { 0 }, limit = { .rlim_cur = room, .rlim_max = room };
	struct kd_err err = { 0 };
	int status;

	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct kd_sink *sink = memory_sink(fd);
		o.extents = ret->extents;
		if (setrlimit(RLIMIT_CORE, &none) || setrlimit(RLIMIT_FSIZE, &limit))
			_exit(2);
		_exit(kd_dump_run(core, &o, sink, &ret->result, &err) ? 1 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ);
}

static void test_extents_of_a_killed_engine(void **state)
{
	const struct dump_machine *m = *state;
	/* The others of several threads take no signals. */
	const struct kd_dump_opts cases[] = {
		{ .level = 1, .threads = 1, .sync_every_bytes = 2 * MIB },
		{ .format = KD_DUMP_ELF, .threads = 1, .sync_every_bytes = 2 * MIB },
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		struct kd_dump_result whole;
		close(make_dump(m->core, &cases[i], &whole));
		uint64_t size = whole.file_bytes, written = whole.written_bytes;
		uint64_t holes = size > written ? size - written : 0;
		for (uint64_t less = 1; less < 6; less += 2) {
			KD_AUTO(kd_closep) int fd = kd_gen_memfd("killed");
			struct shared *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
						MAP_SHARED | MAP_ANONYMOUS, -1, 0);
			assert_true(s != MAP_FAILED);
			dump_until_killed(m->core, cases[i], size - less * MIB, fd, s);
			/* All but what was not synced: 2 MiB, and a write of 1 MiB. */
			uint64_t bytes = bytes_of(s->extents, s->result.n_extents);
			assert_true(bytes + holes + (less + 3) * MIB > size);
			assert_true(bytes > 0 || less > 1);
			check_extents(fd, s->extents, s->result.n_extents);
			munmap(s, sizeof(*s));
		}
	}
}

static void test_compare_takes_files_only(void **state)
{
	struct kd_hash_check check;
	struct kd_err err = { 0 };
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(kd_dump_compare(ends[0], NULL, 0, &check, &err), -KD_BADDATA);
	assert_says(err.msg, "the dump is not a regular file");
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verify_finds_what_changed),
		cmocka_unit_test(test_hashes_cover_the_file),
		cmocka_unit_test(test_extents_of_a_whole_dump),
		cmocka_unit_test(test_extents_of_a_truncated_dump),
		cmocka_unit_test(test_extents_of_a_dying_disk),
		cmocka_unit_test(test_extents_of_a_killed_engine),
		cmocka_unit_test(test_compare_takes_files_only),
	};

	return cmocka_run_group_tests(tests, dump_machine_setup, dump_machine_teardown);
}
