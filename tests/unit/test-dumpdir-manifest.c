/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The manifest, written and read. */
#include "tests/unit/support-dumpdir.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cmocka.h>

/* SHA-256 of nothing. */
#define SUM_EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void assert_same(const struct kd_manifest *a, const struct kd_manifest *b)
{
	assert_int_equal(a->outcome, b->outcome);
	assert_string_equal(a->reason, b->reason);
	assert_string_equal(a->created, b->created);
	assert_string_equal(a->kernel_release, b->kernel_release);
	assert_int_equal(a->crash_time, b->crash_time);
	assert_string_equal(a->collector, b->collector);
	assert_int_equal(a->collector_exit, b->collector_exit);
	assert_string_equal(a->target, b->target);
	assert_int_equal(a->stage_count, b->stage_count);
	for (unsigned int i = 0; i < a->stage_count; i++) {
		assert_string_equal(a->stages[i].name, b->stages[i].name);
		assert_int_equal(a->stages[i].at_ms, b->stages[i].at_ms);
	}
	assert_int_equal(a->file_count, b->file_count);
	for (unsigned int i = 0; i < a->file_count; i++) {
		assert_string_equal(a->files[i].name, b->files[i].name);
		assert_int_equal(a->files[i].size_bytes, b->files[i].size_bytes);
		assert_string_equal(a->files[i].sha256, b->files[i].sha256);
	}
	assert_int_equal(a->engine.used, b->engine.used);
	assert_int_equal(a->engine.pages, b->engine.pages);
	assert_int_equal(a->engine.zero_pages, b->engine.zero_pages);
	assert_int_equal(a->engine.shared_pages, b->engine.shared_pages);
	assert_int_equal(a->engine.bad_pages, b->engine.bad_pages);
	assert_int_equal(a->engine.bad_count, b->engine.bad_count);
	assert_memory_equal(a->engine.bad, b->engine.bad, sizeof(a->engine.bad));
	assert_string_equal(a->engine.digests_xxh3, b->engine.digests_xxh3);
	assert_int_equal(a->engine.extent_count, b->engine.extent_count);
	for (size_t i = 0; i < a->engine.extent_count; i++)
		assert_memory_equal(&a->engine.extents[i], &b->engine.extents[i],
				    sizeof(a->engine.extents[i]));
	assert_int_equal(a->remark_count, b->remark_count);
	for (unsigned int i = 0; i < a->remark_count; i++)
		assert_string_equal(a->remarks[i], b->remarks[i]);
}

static void write_and_read(struct dumpdir_fixture *f, const struct kd_manifest *m,
			   struct kd_manifest *back)
{
	unlinkat(f->dir_fd, KD_DUMPDIR_MANIFEST, 0);
	if (kd_manifest_write(m, f->dir_fd, &f->err))
		fail_msg("%s", f->err.msg);
	if (kd_manifest_read(f->dir_fd, back, &f->err))
		fail_msg("%s", f->err.msg);
}

static void test_manifest_round_trip(void **state)
{
	struct dumpdir_fixture *f = *state;
	KD_AUTO(kd_manifest_fini) struct kd_manifest m = { 0 }, back = { 0 };

	fill_manifest(f, &m);
	assert_int_equal(m.files[0].size_bytes, 5);
	assert_string_equal(m.files[0].sha256, SUM_CORE);
	assert_string_equal(m.files[1].sha256, SUM_EMPTY);
	write_and_read(f, &m, &back);
	assert_int_equal(back.engine.extent_count, KD_ARRAY_LEN(manifest_parts));
	assert_same(&m, &back);
	assert_int_equal(mode_of(f->dir_fd, KD_DUMPDIR_MANIFEST), 0600);
	assert_int_equal(faccessat(f->dir_fd, "manifest.json.part", F_OK, 0), -1);
	assert_int_equal(kd_dumpdir_verify(f->dir_fd, &back, &f->err), 0);

	/* There is one manifest, and no second one takes its place. */
	assert_int_equal(kd_manifest_write(&m, f->dir_fd, &f->err), -KD_SYS);
	assert_int_equal(f->err.sys, EEXIST);
	assert_int_equal(faccessat(f->dir_fd, "manifest.json.part", F_OK, 0), -1);
}

static bool has_remark(const struct kd_manifest *m, const char *text)
{
	for (unsigned int i = 0; i < m->remark_count; i++)
		if (strstr(m->remarks[i], text))
			return true;
	return false;
}

static void test_extents_that_got_lost_are_left_out(void **state)
{
	struct dumpdir_fixture *f = *state;
	KD_AUTO(kd_manifest_fini) struct kd_manifest m = { 0 }, back = { 0 };

	fill_manifest(f, &m);
	m.files[0].size_bytes = 3;
	assert_int_equal(kd_manifest_write(&m, f->dir_fd, &f->err), -KD_USAGE);
	assert_string_equal(f->err.msg,
			    "the manifest has a hash of 1 bytes at offset 4, which are not in a "
			    "vmcore that it lists: not written");
	kd_manifest_fit_extents(&m);
	assert_int_equal(m.engine.extent_count, 2);
	assert_true(has_remark(&m, "1 of 3 parts that were written are not in vmcore"));
	write_and_read(f, &m, &back);
	assert_same(&m, &back);

	m.outcome = KD_OUTCOME_DMESG_ONLY;
	m.file_count = 0;
	kd_manifest_fit_extents(&m);
	assert_int_equal(m.engine.extent_count, 0);
	assert_true(has_remark(&m, "2 of 2 parts that were written are not in a file that could"));
}

static void test_extents_are_copied_and_bounded(void **state)
{
	KD_AUTO(kd_manifest_fini) struct kd_manifest m = { 0 };
	struct kd_err err = { 0 };

	assert_int_equal(kd_manifest_set_extents(&m, manifest_parts, 3, &err), 0);
	assert_int_equal(kd_manifest_set_extents(&m, manifest_parts + 1, 1, &err), 0);
	assert_int_equal(m.engine.extent_count, 1);
	assert_int_equal(m.engine.extents[0].off, 2);
	assert_int_equal(
		kd_manifest_set_extents(&m, manifest_parts, KD_MANIFEST_MAX_EXTENTS + 1, &err),
		-KD_USAGE);
	assert_int_equal(m.engine.extent_count, 0);
	assert_string_equal(err.msg, "32769 hashes of parts of the vmcore: 32768 are the limit");
}

static void many_extents(struct kd_manifest *m, size_t n)
{
	KD_AUTO(kd_freep) struct kd_hashed_extent *x = calloc(n, sizeof(*x));
	struct kd_err err = { 0 };

	assert_non_null(x);
	for (size_t i = 0; i < n; i++)
		x[i] = (struct kd_hashed_extent){ .off = (1ull << 60) + i,
						  .len_bytes = 1,
						  .xxh3 = ~0ull };
	assert_int_equal(kd_manifest_set_extents(m, x, n, &err), 0);
	m->files[0].size_bytes = INT64_MAX;
}

static void test_as_many_extents_as_there_may_be(void **state)
{
	struct dumpdir_fixture *f = *state;
	KD_AUTO(kd_manifest_fini) struct kd_manifest m = { 0 }, back = { 0 };

	fill_manifest(f, &m);
	many_extents(&m, KD_MANIFEST_MAX_EXTENTS);
	write_and_read(f, &m, &back);
	assert_same(&m, &back);
}

/* What a full disk has room for is the outcome. */
static void test_extents_without_room_are_left_out(void **state)
{
	struct dumpdir_fixture *f = *state;
	KD_AUTO(kd_manifest_fini) struct kd_manifest m = { 0 }, back = { 0 };
	struct rlimit old, small;

	fill_manifest(f, &m);
	many_extents(&m, 1000);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = (struct rlimit){ .rlim_cur = 16 << 10, .rlim_max = old.rlim_max };
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	int rc = kd_manifest_write(&m, f->dir_fd, &f->err);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(rc, 0);
	assert_int_equal(kd_manifest_read(f->dir_fd, &back, &f->err), 0);
	assert_int_equal(back.engine.extent_count, 0);
	assert_int_equal(back.engine.pages, 9000);
	assert_true(has_remark(&back, "the hashes of 1000 parts of the dump are left out: write "
				      "manifest.json.part: File too large"));
}

static void test_every_outcome_and_exit_is_kept(void **state)
{
	struct dumpdir_fixture *f = *state;
	struct kd_manifest back = { 0 };

	for (int i = KD_OUTCOME_TRUNCATED; i <= KD_OUTCOME_FAILED; i++) {
		struct kd_manifest m = { .outcome = (enum kd_outcome)i, .collector_exit = -9 };
		write_and_read(f, &m, &back);
		assert_same(&m, &back);
	}
}

static void test_hostile_texts_are_made_readable(void **state)
{
	struct dumpdir_fixture *f = *state;
	struct kd_manifest m = { .outcome = KD_OUTCOME_FAILED, .crash_time = -5 }, back = { 0 };

	/* As long as it can be, and each byte would double if it were escaped. */
	memset(m.reason, 0xff, sizeof(m.reason) - 1);
	snprintf(m.kernel_release, sizeof(m.kernel_release), "6\033[31m\n\"\\\xc3\xa9\xc2\x9b\xc3");
	kd_manifest_add_stage(&m, "a\tb", UINT64_MAX);
	write_and_read(f, &m, &back);
	assert_int_equal(strlen(back.reason), sizeof(m.reason) - 1);
	assert_int_equal(strspn(back.reason, "?"), sizeof(m.reason) - 1);
	assert_string_equal(back.kernel_release, "6?[31m?\"\\\xc3\xa9??"
						 "?");
	assert_string_equal(back.stages[0].name, "a?b");
	assert_int_equal(back.stages[0].at_ms, INT64_MAX);
	assert_int_equal(back.crash_time, 0);
}

static void test_stages_beyond_the_limit_keep_the_last(void **state)
{
	struct kd_manifest m = { 0 };

	for (uint64_t i = 0; i < KD_MANIFEST_MAX_STAGES + 5; i++) {
		char name[16];
		snprintf(name, sizeof(name), "s%ju", (uintmax_t)i);
		kd_manifest_add_stage(&m, name, i);
	}
	assert_int_equal(m.stage_count, KD_MANIFEST_MAX_STAGES);
	assert_string_equal(m.stages[0].name, "s0");
	assert_string_equal(m.stages[KD_MANIFEST_MAX_STAGES - 1].name, "s28");
}

static void test_add_file_errors(void **state)
{
	struct dumpdir_fixture *f = *state;
	struct kd_manifest m = { 0 };

	assert_int_equal(kd_manifest_add_file(&m, f->dir_fd, "none", &f->err), -KD_SYS);
	assert_string_equal(f->err.msg, "open none: No such file or directory");
	assert_int_equal(mkdirat(f->dir_fd, "dir", 0700), 0);
	assert_int_equal(kd_manifest_add_file(&m, f->dir_fd, "dir", &f->err), -KD_USAGE);
	assert_string_equal(f->err.msg, "dir is not a regular file");
	assert_int_equal(m.file_count, 0);

	for (int i = 0; i < KD_MANIFEST_MAX_FILES; i++) {
		char name[16];
		snprintf(name, sizeof(name), "f%d", i);
		write_new(f, name, "");
		assert_int_equal(kd_manifest_add_file(&m, f->dir_fd, name, &f->err), 0);
	}
	assert_int_equal(kd_manifest_add_file(&m, f->dir_fd, "f1", &f->err), -KD_USAGE);
	assert_string_equal(f->err.msg, "the manifest lists 12 files already, no room for f1");
	m.file_count--;
	assert_int_equal(kd_manifest_add_file(&m, f->dir_fd, "f1", &f->err), -KD_USAGE);
	assert_string_equal(f->err.msg, "the manifest lists f1 already");
}

static void test_saved_without_vmcore_is_not_written(void **state)
{
	struct dumpdir_fixture *f = *state;
	struct kd_manifest m = { .outcome = KD_OUTCOME_SAVED };

	assert_int_equal(kd_manifest_write(&m, f->dir_fd, &f->err), -KD_USAGE);
	assert_string_equal(f->err.msg,
			    "the manifest says saved but lists no file vmcore: not written");
	assert_int_equal(faccessat(f->dir_fd, KD_DUMPDIR_MANIFEST, F_OK, 0), -1);
}

static void test_missing_manifest_is_told_apart(void **state)
{
	struct dumpdir_fixture *f = *state;
	struct kd_manifest m = { 0 };

	assert_int_equal(kd_manifest_read(f->dir_fd, &m, &f->err), -KD_SYS);
	assert_int_equal(f->err.sys, ENOENT);
	assert_string_equal(f->err.msg, "open manifest.json: No such file or directory");
	assert_int_equal(symlinkat("/etc/hostname", f->dir_fd, KD_DUMPDIR_MANIFEST), 0);
	assert_int_equal(kd_manifest_read(f->dir_fd, &m, &f->err), -KD_BADDATA);
	assert_string_equal(f->err.msg, "manifest.json: is a symbolic link");
	assert_int_equal(unlinkat(f->dir_fd, KD_DUMPDIR_MANIFEST, 0), 0);
	/* Opening it for reading would wait for a writer. */
	assert_int_equal(mkfifoat(f->dir_fd, KD_DUMPDIR_MANIFEST, 0600), 0);
	assert_int_equal(kd_manifest_read(f->dir_fd, &m, &f->err), -KD_BADDATA);
	assert_string_equal(f->err.msg, "manifest.json: is not a regular file");
}

int main(void)
{
#define FIXED(test) cmocka_unit_test_setup_teardown(test, dumpdir_setup, dumpdir_teardown)
	const struct CMUnitTest tests[] = {
		FIXED(test_manifest_round_trip),
		FIXED(test_extents_that_got_lost_are_left_out),
		FIXED(test_as_many_extents_as_there_may_be),
		FIXED(test_extents_without_room_are_left_out),
		FIXED(test_every_outcome_and_exit_is_kept),
		FIXED(test_hostile_texts_are_made_readable),
		FIXED(test_add_file_errors),
		FIXED(test_saved_without_vmcore_is_not_written),
		FIXED(test_missing_manifest_is_told_apart),
		cmocka_unit_test(test_stages_beyond_the_limit_keep_the_last),
		cmocka_unit_test(test_extents_are_copied_and_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
