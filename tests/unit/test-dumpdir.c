/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/dumpdir/dumpdir.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

/* SHA-256 of "core\n" and of nothing as sha256sum(1) prints them. */
#define SUM_CORE  "d1e6e9f24df974e4c75706d8dd4728911b230bb7162cdfe2689ef4b487263835"
#define SUM_EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

struct fixture {
	char dir[64];
	int parent_fd;
	int dir_fd; /* a dump directory in it */
	char name[64];
	struct kd_err err;
};

enum { NOW = 1795177296 }; /* 2026-11-20 12:21:36 UTC */

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	snprintf(f->dir, sizeof(f->dir), "/tmp/kd-test-dumpdir-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	f->parent_fd = open(f->dir, O_RDONLY | O_DIRECTORY);
	assert_true(f->parent_fd >= 0);
	f->dir_fd = kd_dumpdir_create(f->parent_fd, "127.0.0.1", NOW, f->name, &f->err);
	assert_true(f->dir_fd >= 0);
	*state = f;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	close(f->dir_fd);
	close(f->parent_fd);
	nftw(f->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}

static void write_new(struct fixture *f, const char *name, const char *text)
{
	if (kd_dumpdir_write_new(f->dir_fd, name, text, strlen(text), &f->err))
		fail_msg("%s", f->err.msg);
}

static void overwrite(struct fixture *f, const char *name, const char *text)
{
	assert_int_equal(unlinkat(f->dir_fd, name, 0), 0);
	write_new(f, name, text);
}

static mode_t mode_of(int dir_fd, const char *name)
{
	struct stat st;

	assert_int_equal(fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW), 0);
	return st.st_mode & 07777;
}

/* ---- directories and files ---- */

static void test_create_names_by_utc_and_never_reuses(void **state)
{
	struct fixture *f = *state;
	char name[64];

	assert_string_equal(f->name, "127.0.0.1-2026-11-20-12:21:36");
	assert_int_equal(mode_of(f->parent_fd, f->name), 0700);
	for (int i = 1; i <= 3; i++) {
		char want[64];
		KD_AUTO(kd_closep)
		int fd = kd_dumpdir_create(f->parent_fd, "127.0.0.1", NOW, name, &f->err);
		assert_true(fd >= 0);
		snprintf(want, sizeof(want), "127.0.0.1-2026-11-20-12:21:36-%d", i);
		assert_string_equal(name, want);
	}
}

static void test_create_with_the_longest_name(void **state)
{
	struct fixture *f = *state;
	static const char tag[] = "123456789012345678901234567890123456789";
	char name[64], want[80];

	for (int i = 0; i < 12; i++) {
		KD_AUTO(kd_closep)
		int fd = kd_dumpdir_create(f->parent_fd, tag, NOW, name, &f->err);
		assert_true(fd >= 0);
	}
	snprintf(want, sizeof(want), "%s-2026-11-20-12:21:36-11", tag);
	assert_string_equal(name, want);
}

static void test_create_refuses_tags_that_are_no_name(void **state)
{
	struct fixture *f = *state;
	static const char *const tags[] = {
		"", "..", ".x", "a/b", "a b", "\xc3\xa4", "1234567890123456789012345678901234567890"
	};
	char name[64] = "kept";

	for (size_t i = 0; i < KD_ARRAY_LEN(tags); i++) {
		char want[200];
		assert_int_equal(kd_dumpdir_create(f->parent_fd, tags[i], NOW, name, &f->err),
				 -KD_USAGE);
		snprintf(want, sizeof(want),
			 "host tag '%s' cannot begin a directory's name: use up to 39 letters, "
			 "digits and . _ : -",
			 tags[i]);
		assert_string_equal(f->err.msg, want);
	}
	assert_string_equal(name, "kept");
}

static void test_create_without_parent_names_the_cause(void **state)
{
	struct fixture *f = *state;
	char name[64];

	assert_int_equal(kd_dumpdir_create(-1, "h", NOW, name, &f->err), -KD_SYS);
	assert_string_equal(f->err.msg,
			    "create directory h-2026-11-20-12:21:36: Bad file descriptor");
	assert_int_equal(f->err.sys, EBADF);
}

static void test_new_files_are_private_and_new(void **state)
{
	struct fixture *f = *state;
	mode_t old = umask(0);
	int fd = kd_dumpdir_open_new(f->dir_fd, "vmcore", &f->err);

	umask(old);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(mode_of(f->dir_fd, "vmcore"), 0600);
	assert_int_equal(kd_dumpdir_open_new(f->dir_fd, "vmcore", &f->err), -KD_SYS);
	assert_string_equal(f->err.msg, "create vmcore: File exists");
	assert_int_equal(symlinkat("elsewhere", f->dir_fd, "link"), 0);
	assert_int_equal(kd_dumpdir_open_new(f->dir_fd, "link", &f->err), -KD_SYS);
	assert_int_equal(f->err.sys, EEXIST);
	assert_int_equal(faccessat(f->dir_fd, "elsewhere", F_OK, 0), -1);
}

static void test_file_names_are_checked(void **state)
{
	struct fixture *f = *state;
	static const char *const names[] = { "",	  ".",	 "..",	".hidden",
					     "../vmcore", "a/b", "a b", "a\nb" };

	for (size_t i = 0; i < KD_ARRAY_LEN(names); i++) {
		char want[120];
		snprintf(want, sizeof(want), "'%s' cannot be a file name in a dump directory",
			 names[i]);
		assert_int_equal(kd_dumpdir_open_new(f->dir_fd, names[i], &f->err), -KD_USAGE);
		assert_string_equal(f->err.msg, want);
		assert_int_equal(kd_dumpdir_rename(f->dir_fd, "x", names[i], &f->err), -KD_USAGE);
		assert_string_equal(f->err.msg, want);
	}
}

static void test_write_failure_leaves_nothing(void **state)
{
	struct fixture *f = *state;

	/* A NULL buffer of 10 bytes: the write fails with EFAULT. */
	assert_int_equal(kd_dumpdir_write_new(f->dir_fd, "x", NULL, 10, &f->err), -KD_SYS);
	assert_string_equal(f->err.msg, "write x: Bad address");
	assert_int_equal(faccessat(f->dir_fd, "x", F_OK, 0), -1);
}

static void test_rename_does_not_replace(void **state)
{
	struct fixture *f = *state;

	write_new(f, "vmcore-incomplete", "core\n");
	assert_int_equal(kd_dumpdir_rename(f->dir_fd, "vmcore-incomplete", "vmcore", &f->err), 0);
	assert_int_equal(faccessat(f->dir_fd, "vmcore", F_OK, 0), 0);
	assert_int_equal(faccessat(f->dir_fd, "vmcore-incomplete", F_OK, 0), -1);

	write_new(f, "vmcore-incomplete", "other");
	assert_int_equal(kd_dumpdir_rename(f->dir_fd, "vmcore-incomplete", "vmcore", &f->err),
			 -KD_SYS);
	assert_string_equal(f->err.msg, "rename vmcore-incomplete to vmcore: File exists");
	assert_int_equal(kd_dumpdir_rename(f->dir_fd, "none", "x", &f->err), -KD_SYS);
	assert_string_equal(f->err.msg, "open none: No such file or directory");
}

/* ---- the manifest, written and read ---- */

/* of "core\n" */
static const struct kd_hashed_extent parts[] = {
	{ .off = 0, .len_bytes = 2, .xxh3 = 0xf },
	{ .off = 2, .len_bytes = 1, .xxh3 = 0xfedcba9876543210 },
	{ .off = 4, .len_bytes = 1, .xxh3 = 0 },
};

/* kd_manifest_fini() */
static void fill(struct fixture *f, struct kd_manifest *m)
{
	*m = (struct kd_manifest){
		.outcome = KD_OUTCOME_SAVED,
		.created = "2026-11-20T12:21:40Z",
		.kernel_release = "6.1.0-18-amd64",
		.crash_time = NOW,
		.collector = "makedumpfile -l -d 31",
		.target = "ext4 LABEL=d\xc3\xa9p\xc3\xb4t /var/crash",
	};
	write_new(f, "vmcore", "core\n");
	write_new(f, "vmcore-dmesg.txt", "");
	kd_manifest_add_stage(m, "init", 1234);
	kd_manifest_add_stage(m, "dmesg", 2345);
	assert_int_equal(kd_manifest_add_file(m, f->dir_fd, "vmcore", &f->err), 0);
	assert_int_equal(kd_manifest_add_file(m, f->dir_fd, "vmcore-dmesg.txt", &f->err), 0);
	m->engine = (struct kd_manifest_engine){
		.used = true,
		.pages = 9000,
		.zero_pages = 800,
		.shared_pages = 70,
		.bad_pages = 6,
		.bad = { { .pfn = 1ull << 40, .pages = 5 }, { .pfn = 77, .pages = 1 } },
		.bad_count = 2,
		.digests_xxh3 = "0123456789abcdef",
	};
	kd_manifest_add_remark(m, "free pages were kept: %s", "the map contradicts itself");
	assert_int_equal(kd_manifest_set_extents(m, parts, KD_ARRAY_LEN(parts), &f->err), 0);
}

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

static void write_and_read(struct fixture *f, const struct kd_manifest *m, struct kd_manifest *back)
{
	unlinkat(f->dir_fd, KD_DUMPDIR_MANIFEST, 0);
	if (kd_manifest_write(m, f->dir_fd, &f->err))
		fail_msg("%s", f->err.msg);
	if (kd_manifest_read(f->dir_fd, back, &f->err))
		fail_msg("%s", f->err.msg);
}

static void test_manifest_round_trip(void **state)
{
	struct fixture *f = *state;
	KD_AUTO(kd_manifest_fini) struct kd_manifest m = { 0 }, back = { 0 };

	fill(f, &m);
	assert_int_equal(m.files[0].size_bytes, 5);
	assert_string_equal(m.files[0].sha256, SUM_CORE);
	assert_string_equal(m.files[1].sha256, SUM_EMPTY);
	write_and_read(f, &m, &back);
	assert_int_equal(back.engine.extent_count, KD_ARRAY_LEN(parts));
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
	struct fixture *f = *state;
	KD_AUTO(kd_manifest_fini) struct kd_manifest m = { 0 }, back = { 0 };

	fill(f, &m);
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

	assert_int_equal(kd_manifest_set_extents(&m, parts, 3, &err), 0);
	assert_int_equal(kd_manifest_set_extents(&m, parts + 1, 1, &err), 0);
	assert_int_equal(m.engine.extent_count, 1);
	assert_int_equal(m.engine.extents[0].off, 2);
	assert_int_equal(kd_manifest_set_extents(&m, parts, KD_MANIFEST_MAX_EXTENTS + 1, &err),
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
	struct fixture *f = *state;
	KD_AUTO(kd_manifest_fini) struct kd_manifest m = { 0 }, back = { 0 };

	fill(f, &m);
	many_extents(&m, KD_MANIFEST_MAX_EXTENTS);
	write_and_read(f, &m, &back);
	assert_same(&m, &back);
}

/* What a full disk has room for is the outcome. */
static void test_extents_without_room_are_left_out(void **state)
{
	struct fixture *f = *state;
	KD_AUTO(kd_manifest_fini) struct kd_manifest m = { 0 }, back = { 0 };
	struct rlimit old, small;

	fill(f, &m);
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
	struct fixture *f = *state;
	struct kd_manifest back = { 0 };

	for (int i = KD_OUTCOME_TRUNCATED; i <= KD_OUTCOME_FAILED; i++) {
		struct kd_manifest m = { .outcome = (enum kd_outcome)i, .collector_exit = -9 };
		write_and_read(f, &m, &back);
		assert_same(&m, &back);
	}
}

static void test_hostile_texts_are_made_readable(void **state)
{
	struct fixture *f = *state;
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
	struct fixture *f = *state;
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
	struct fixture *f = *state;
	struct kd_manifest m = { .outcome = KD_OUTCOME_SAVED };

	assert_int_equal(kd_manifest_write(&m, f->dir_fd, &f->err), -KD_USAGE);
	assert_string_equal(f->err.msg,
			    "the manifest says saved but lists no file vmcore: not written");
	assert_int_equal(faccessat(f->dir_fd, KD_DUMPDIR_MANIFEST, F_OK, 0), -1);
}

static void test_missing_manifest_is_told_apart(void **state)
{
	struct fixture *f = *state;
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

/* ---- hostile manifests ---- */

#define SCALARS                                                                                    \
	"\"version\": 1, \"program\": \"kdumpkit\", \"outcome\": \"saved\", \"reason\": \"\", "    \
	"\"created\": \"2026-11-20T12:34:56Z\", \"kernel_release\": \"6.1\", "                     \
	"\"crash_time\": 5, \"collector\": \"engine\", \"collector_exit\": 0, "                    \
	"\"target\": \"ext4\", "
#define STAGES "\"stages\": [{\"name\": \"init\", \"at_ms\": 1}], "
#define FILES  "\"files\": [{\"name\": \"vmcore\", \"size_bytes\": 5, \"sha256\": \"" SUM_CORE "\"}]"

static const char good[] = "{" SCALARS STAGES FILES "}";

/* good with one piece of text replaced. */
static void replaced(const char *what, const char *with, struct kd_buf *out)
{
	const char *at = strstr(good, what);

	assert_non_null(at);
	kd_buf_add(out, good, (size_t)(at - good));
	kd_buf_puts(out, with);
	kd_buf_puts(out, at + strlen(what));
}

static void refused(const char *what, const char *with, const char *message)
{
	KD_AUTO(kd_buf_fini) struct kd_buf text = { 0 };
	struct kd_manifest m = { .crash_time = 4711 };
	struct kd_err err = { 0 };

	replaced(what, with, &text);
	assert_int_equal(kd_manifest_parse(text.p, text.len, "m", &m, &err), -KD_BADDATA);
	/* Which column a JSON error is in depends on jansson's version. */
	char *column = strstr(err.msg, " (column");
	if (column)
		*column = '\0';
	assert_string_equal(err.msg, message);
	assert_int_equal(m.crash_time, 4711);
}

static void test_unknown_members_are_ignored(void **state)
{
	KD_AUTO(kd_buf_fini) struct kd_buf text = { 0 };
	struct kd_manifest m = { 0 };
	struct kd_err err = { 0 };

	replaced("\"crash_time\"", "\"later\": {\"a\": [1, null]}, \"crash_time\"", &text);
	if (kd_manifest_parse(text.p, text.len, "m", &m, &err))
		fail_msg("%s", err.msg);
	assert_int_equal(m.outcome, KD_OUTCOME_SAVED);
	assert_int_equal(m.crash_time, 5);
	assert_string_equal(m.files[0].sha256, SUM_CORE);
}

static void test_every_cut_of_a_manifest_is_refused(void **state)
{
	for (size_t len = 0; len < strlen(good); len++) {
		struct kd_manifest m = { 0 };
		assert_int_equal(kd_manifest_parse(good, len, "m", &m, NULL), -KD_BADDATA);
	}
}

static void test_not_json(void **state)
{
	struct kd_manifest m = { 0 };
	struct kd_err err = { 0 };

	assert_int_equal(kd_manifest_parse("{\n\033", 3, "m", &m, &err), -KD_BADDATA);
	assert_int_equal(strncmp(err.msg, "m:2: is not JSON (column", 24), 0);
	assert_int_equal(kd_manifest_parse("[]", 2, "m", &m, &err), -KD_BADDATA);
	assert_string_equal(err.msg, "m: is not a JSON object");
	assert_int_equal(kd_manifest_parse(good, KD_MANIFEST_MAX_BYTES + 1, "m", &m, &err),
			 -KD_BADDATA);
	assert_string_equal(err.msg, "m: larger than 4194304 bytes");
}

static void test_other_versions_and_programs(void **state)
{
	KD_AUTO(kd_buf_fini) struct kd_buf text = { 0 };
	struct kd_manifest m = { 0 };
	struct kd_err err = { 0 };

	replaced("\"version\": 1", "\"version\": 2", &text);
	assert_int_equal(kd_manifest_parse(text.p, text.len, "m", &m, &err), -KD_NOTSUP);
	assert_string_equal(err.msg,
			    "m: this manifest has version 2, and this program knows version "
			    "1: use a newer kdumpkit");
	refused("\"version\": 1", "\"version\": -1", "m: version: is out of range");
	refused("\"kdumpkit\"", "\"other\"", "m: program: is 'other', not 'kdumpkit'");
}

static void test_wrong_members_are_named(void **state)
{
	refused("\"reason\": \"\", ", "", "m: reason: is missing");
	refused("\"reason\": \"\"", "\"reason\": null", "m: reason: is not a string");
	refused("\"reason\": \"\"", "\"reason\": \"a\\u001bb\"",
		"m: reason: has a control character");
	refused("\"reason\": \"\"", "\"reason\": \"\\u009b31m\"",
		"m: reason: has a control character");
	refused("\"saved\"", "\"won\"",
		"m: outcome: 'won' is not saved, truncated, dmesg-only or failed");
	refused("12:34:56Z", "12:34:56 ", "m: created: is not a time like 2026-11-20T12:34:56Z");
	refused("\"crash_time\": 5", "\"crash_time\": -5", "m: crash_time: is out of range");
	refused("\"crash_time\": 5", "\"crash_time\": 5.5", "m: crash_time: is not an integer");
	refused("\"crash_time\": 5", "\"crash_time\": 99999999999999999999", "m:1: is not JSON");
	refused("\"reason\": \"\"", "\"reason\": \"\", \"reason\": \"x\"", "m:1: is not JSON");
	refused("\"collector_exit\": 0", "\"collector_exit\": 4294967296",
		"m: collector_exit: is out of range");
	refused(STAGES, "", "m: stages: is missing");
	refused(FILES, "\"files\": 5", "m: files: is not an array");
	refused(FILES, "\"files\": [5]", "m: files: element 0 is not an object");
	refused("\"at_ms\": 1", "\"at_ms\": \"1\"", "m: stages[0].at_ms: is not an integer");
	refused(FILES, "\"files\": []", "m: outcome: is saved, but no file vmcore is listed");
}

static void test_wrong_files_are_named(void **state)
{
	static const char *const names[] = { "../vmcore", "/etc/shadow", "", ".", "a b" };

	for (size_t i = 0; i < KD_ARRAY_LEN(names); i++) {
		char with[40], want[80];
		snprintf(with, sizeof(with), "\"%s\"", names[i]);
		snprintf(want, sizeof(want), "m: files[0].name: '%s' is not a plain file name",
			 names[i]);
		refused("\"vmcore\"", with, want);
	}
	refused("\"vmcore\"", "\"v\\nmcore\"", "m: files[0].name: has a control character");
	refused("\"size_bytes\": 5", "\"size_bytes\": -1",
		"m: files[0].size_bytes: is out of range");
	refused(SUM_CORE, "D1E6E9F24DF974E4C75706D8DD4728911B230BB7162CDFE2689EF4B487263835",
		"m: files[0].sha256: is neither 64 lower-case hexadecimal digits nor empty");
	refused(SUM_CORE, "d1e6",
		"m: files[0].sha256: is neither 64 lower-case hexadecimal digits nor empty");
	refused(FILES,
		FILES ", \"files\": [{\"name\": \"vmcore\", \"size_bytes\": 5, "
		      "\"sha256\": \"" SUM_CORE "\"}]",
		"m:1: is not JSON");
	refused("\"files\": [",
		"\"files\": [{\"name\": \"vmcore\", \"size_bytes\": 5, \"sha256\": \"" SUM_CORE
		"\"}, ",
		"m: files[1].name: 'vmcore' is listed twice");
}

#define ENGINE                                                                                     \
	"\"engine\": {\"pages\": 1, \"zero_pages\": 0, \"shared_pages\": 0, "                      \
	"\"bad_pages\": 0, \"bad_runs\": [], \"digests_xxh3\": \"\""
#define EXTENT(off, size) "{\"offset\": " off ", \"size_bytes\": " size ", \"xxh3\": \"" XXH3 "\"}"
#define XXH3		  "00000000000000ff"
#define EXTENTS(list)	  ENGINE ", \"extents\": [" list "]}, " FILES

static void test_wrong_extents_are_named(void **state)
{
	refused(FILES, ENGINE "}, " FILES, "m: extents: is missing");
	refused(FILES, EXTENTS("1"), "m: extents: element 0 is not an object");
	refused(FILES, EXTENTS(EXTENT("0", "6")),
		"m: extents[0].size_bytes: 6 bytes at offset 0 are not inside of vmcore, which has 5");
	refused(FILES, EXTENTS(EXTENT("0", "1") ", " EXTENT("5", "1")),
		"m: extents[1].size_bytes: 1 bytes at offset 5 are not inside of vmcore, which has 5");
	refused(FILES, EXTENTS(EXTENT("9223372036854775807", "9223372036854775807")),
		"m: extents[0].size_bytes: 9223372036854775807 bytes at offset 9223372036854775807 are not "
		"inside of vmcore, which has 5");
	refused(FILES, EXTENTS(EXTENT("-1", "1")), "m: extents[0].offset: is out of range");
	refused(FILES, EXTENTS(EXTENT("0", "0")), "m: extents[0].size_bytes: is out of range");
	refused(FILES, EXTENTS(EXTENT("0", "\"1\"")),
		"m: extents[0].size_bytes: is not an integer");
	refused(FILES, EXTENTS(EXTENT("2", "2") ", " EXTENT("3", "1")),
		"m: extents[1].offset: 3 is before 4, where the one before it ends");
	refused(FILES, EXTENTS(EXTENT("2", "1") ", " EXTENT("0", "1")),
		"m: extents[1].offset: 0 is before 3, where the one before it ends");
	refused(FILES,
		EXTENTS("{\"offset\": 0, \"size_bytes\": 1, \"xxh3\": \"0x000000000000ff\"}"),
		"m: extents[0].xxh3: '0x000000000000ff' is not 16 lower-case hexadecimal digits");
	refused(FILES, EXTENTS("{\"offset\": 0, \"size_bytes\": 1}"),
		"m: extents[0].xxh3: is missing");
}

static void test_extents_of_a_dump_that_is_not_listed(void **state)
{
	static const char text[] = "{\"version\": 1, \"program\": \"kdumpkit\", "
				   "\"outcome\": \"failed\", \"reason\": \"\", "
				   "\"created\": \"\", \"kernel_release\": \"\", "
				   "\"crash_time\": 5, \"collector\": \"engine\", "
				   "\"collector_exit\": 0, \"target\": \"ext4\", " STAGES
				   "\"files\": [], " ENGINE
				   ", \"extents\": [" EXTENT("7", "1") "]}}";
	struct kd_manifest m = { 0 };
	struct kd_err err = { 0 };

	assert_int_equal(kd_manifest_parse(text, strlen(text), "m", &m, &err), -KD_BADDATA);
	assert_string_equal(err.msg, "m: extents[0].offset: is 7, but no vmcore is listed");
}

static void test_too_many_extents(void **state)
{
	KD_AUTO(kd_buf_fini) struct kd_buf list = { 0 };

	kd_buf_puts(&list, ENGINE ", \"extents\": [1");
	for (int i = 0; i < KD_MANIFEST_MAX_EXTENTS; i++)
		kd_buf_puts(&list, ",1");
	kd_buf_puts(&list, "]}, " FILES);
	refused(FILES, list.p, "m: extents: has 32769 elements, 32768 are the limit");
}

static void test_too_long_values_and_lists(void **state)
{
	KD_AUTO(kd_buf_fini) struct kd_buf list = { 0 };
	char target[300];

	target[0] = '"';
	memset(target + 1, 'x', 256);
	memcpy(target + 257, "\"", 2);
	refused("\"ext4\"", target, "m: target: is longer than 255 bytes");
	kd_buf_puts(&list, "\"stages\": [");
	for (int i = 0; i < 25; i++)
		kd_buf_puts(&list, i ? ",1" : "1");
	kd_buf_puts(&list, "], ");
	refused(STAGES, list.p, "m: stages: has 25 elements, 24 are the limit");
}

/* ---- verify ---- */

static void test_verify_reports_both_values(void **state)
{
	struct fixture *f = *state;
	KD_AUTO(kd_manifest_fini) struct kd_manifest m = { 0 };

	fill(f, &m);
	assert_int_equal(kd_dumpdir_verify(f->dir_fd, &m, &f->err), 0);
	overwrite(f, "vmcore", "core");
	assert_int_equal(kd_dumpdir_verify(f->dir_fd, &m, &f->err), -KD_BADDATA);
	assert_string_equal(f->err.msg, "vmcore: has 4 bytes, the manifest says 5");
	overwrite(f, "vmcore", "dump\n");
	assert_int_equal(kd_dumpdir_verify(f->dir_fd, &m, &f->err), -KD_BADDATA);
	assert_string_equal(f->err.msg,
			    "vmcore: has SHA-256 "
			    "71766c401d73e854443bd032bec52e54f0e527bfa81dcd0e8db0f1eca3cf035e"
			    ", the manifest says " SUM_CORE);
	overwrite(f, "vmcore", "core\n");
	assert_int_equal(unlinkat(f->dir_fd, "vmcore-dmesg.txt", 0), 0);
	assert_int_equal(kd_dumpdir_verify(f->dir_fd, &m, &f->err), -KD_BADDATA);
	assert_string_equal(f->err.msg, "vmcore-dmesg.txt: is missing, the manifest says 0 bytes");
	assert_int_equal(symlinkat("vmcore", f->dir_fd, "vmcore-dmesg.txt"), 0);
	assert_int_equal(kd_dumpdir_verify(f->dir_fd, &m, &f->err), -KD_BADDATA);
	assert_string_equal(f->err.msg, "vmcore-dmesg.txt: is a symbolic link");
}

/* ---- latest ---- */

static void assert_latest(const struct fixture *f, const char *path, const char *want)
{
	KD_AUTO(kd_root_closep) struct kd_root *root = NULL;
	KD_AUTO(kd_freep) char *name = NULL;
	struct kd_err err = { 0 };

	assert_int_equal(kd_root_open(f->dir, &root, &err), 0);
	assert_int_equal(kd_dumpdir_latest(root, path, &name, &err), want ? 1 : 0);
	if (want)
		assert_string_equal(name, want);
	else
		assert_null(name);
}

static void test_latest_goes_by_the_stamp(void **state)
{
	struct fixture *f = *state;
	static const char *const others[] = {
		"zzz",
		"zzz-2027-13-01-00:00:00",
		"zzz-2027-01-32-00:00:00",
		"zzz-2027-01-01-24:00:00",
		"zzz-2027-01-01-00:60:00",
		"zzz-2027-01-01-00:00:00x",
		"zzz-2027-01-01-00:00:00-x",
		"zzz-2027-01-01-00:00:00-1-1",
		"zzz-2027-01-01-000000",
		"-2027-01-01-00:00:00",
		"2027-01-01-00:00:00",
	};

	assert_latest(f, "/none", NULL);
	for (size_t i = 0; i < KD_ARRAY_LEN(others); i++)
		assert_int_equal(mkdirat(f->parent_fd, others[i], 0700), 0);
	assert_latest(f, "/", "127.0.0.1-2026-11-20-12:21:36");
	assert_int_equal(mkdirat(f->parent_fd, "10.0.0.9-2026-11-20-12:21:37", 0700), 0);
	assert_latest(f, "/", "10.0.0.9-2026-11-20-12:21:37");
	assert_int_equal(mkdirat(f->parent_fd, "10.0.0.9-2026-11-20-12:21:37-2", 0700), 0);
	assert_int_equal(mkdirat(f->parent_fd, "10.0.0.9-2026-11-20-12:21:37-10", 0700), 0);
	assert_latest(f, "/", "10.0.0.9-2026-11-20-12:21:37-10");
	/* Neither a file nor a link is a dump directory. */
	assert_int_equal(symlinkat("zzz", f->parent_fd, "a-2028-01-01-00:00:00"), 0);
	close(openat(f->parent_fd, "a-2029-01-01-00:00:00", O_WRONLY | O_CREAT, 0600));
	assert_latest(f, "/", "10.0.0.9-2026-11-20-12:21:37-10");
}

static void test_latest_fails_on_what_is_no_directory(void **state)
{
	struct fixture *f = *state;
	KD_AUTO(kd_root_closep) struct kd_root *root = NULL;
	KD_AUTO(kd_freep) char *name = NULL;

	close(openat(f->parent_fd, "file", O_WRONLY | O_CREAT, 0600));
	assert_int_equal(kd_root_open(f->dir, &root, &f->err), 0);
	assert_int_equal(kd_dumpdir_latest(root, "/file", &name, &f->err), -KD_SYS);
	assert_int_equal(f->err.sys, ENOTDIR);
	assert_null(name);
}

int main(void)
{
#define FIXED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		FIXED(test_create_names_by_utc_and_never_reuses),
		FIXED(test_create_with_the_longest_name),
		FIXED(test_create_refuses_tags_that_are_no_name),
		FIXED(test_create_without_parent_names_the_cause),
		FIXED(test_new_files_are_private_and_new),
		FIXED(test_file_names_are_checked),
		FIXED(test_write_failure_leaves_nothing),
		FIXED(test_rename_does_not_replace),
		FIXED(test_manifest_round_trip),
		FIXED(test_extents_that_got_lost_are_left_out),
		FIXED(test_as_many_extents_as_there_may_be),
		FIXED(test_extents_without_room_are_left_out),
		FIXED(test_every_outcome_and_exit_is_kept),
		FIXED(test_hostile_texts_are_made_readable),
		FIXED(test_add_file_errors),
		FIXED(test_saved_without_vmcore_is_not_written),
		FIXED(test_missing_manifest_is_told_apart),
		FIXED(test_verify_reports_both_values),
		FIXED(test_latest_goes_by_the_stamp),
		FIXED(test_latest_fails_on_what_is_no_directory),
		cmocka_unit_test(test_stages_beyond_the_limit_keep_the_last),
		cmocka_unit_test(test_unknown_members_are_ignored),
		cmocka_unit_test(test_every_cut_of_a_manifest_is_refused),
		cmocka_unit_test(test_not_json),
		cmocka_unit_test(test_other_versions_and_programs),
		cmocka_unit_test(test_wrong_members_are_named),
		cmocka_unit_test(test_wrong_files_are_named),
		cmocka_unit_test(test_too_long_values_and_lists),
		cmocka_unit_test(test_extents_are_copied_and_bounded),
		cmocka_unit_test(test_wrong_extents_are_named),
		cmocka_unit_test(test_extents_of_a_dump_that_is_not_listed),
		cmocka_unit_test(test_too_many_extents),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
