/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The directory and its files: made, checked, found again. */
#include "tests/unit/support-dumpdir.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>

#include <cmocka.h>

/* ---- directories and files ---- */

static void test_create_names_by_utc_and_never_reuses(void **state)
{
	struct dumpdir_fixture *f = *state;
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
	struct dumpdir_fixture *f = *state;
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
	struct dumpdir_fixture *f = *state;
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
	struct dumpdir_fixture *f = *state;
	char name[64];

	assert_int_equal(kd_dumpdir_create(-1, "h", NOW, name, &f->err), -KD_SYS);
	assert_string_equal(f->err.msg,
			    "create directory h-2026-11-20-12:21:36: Bad file descriptor");
	assert_int_equal(f->err.sys, EBADF);
}

static void test_new_files_are_private_and_new(void **state)
{
	struct dumpdir_fixture *f = *state;
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
	struct dumpdir_fixture *f = *state;
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
	struct dumpdir_fixture *f = *state;

	/* A NULL buffer of 10 bytes: the write fails with EFAULT. */
	assert_int_equal(kd_dumpdir_write_new(f->dir_fd, "x", NULL, 10, &f->err), -KD_SYS);
	assert_string_equal(f->err.msg, "write x: Bad address");
	assert_int_equal(faccessat(f->dir_fd, "x", F_OK, 0), -1);
}

static void test_rename_does_not_replace(void **state)
{
	struct dumpdir_fixture *f = *state;

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

/* ---- verify ---- */

static void overwrite(struct dumpdir_fixture *f, const char *name, const char *text)
{
	assert_int_equal(unlinkat(f->dir_fd, name, 0), 0);
	write_new(f, name, text);
}

static void test_verify_reports_both_values(void **state)
{
	struct dumpdir_fixture *f = *state;
	KD_AUTO(kd_manifest_fini) struct kd_manifest m = { 0 };

	fill_manifest(f, &m);
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

static void assert_latest(const struct dumpdir_fixture *f, const char *path, const char *want)
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
	struct dumpdir_fixture *f = *state;
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
	struct dumpdir_fixture *f = *state;
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
#define FIXED(test) cmocka_unit_test_setup_teardown(test, dumpdir_setup, dumpdir_teardown)
	const struct CMUnitTest tests[] = {
		FIXED(test_create_names_by_utc_and_never_reuses),
		FIXED(test_create_with_the_longest_name),
		FIXED(test_create_refuses_tags_that_are_no_name),
		FIXED(test_create_without_parent_names_the_cause),
		FIXED(test_new_files_are_private_and_new),
		FIXED(test_file_names_are_checked),
		FIXED(test_write_failure_leaves_nothing),
		FIXED(test_rename_does_not_replace),
		FIXED(test_verify_reports_both_values),
		FIXED(test_latest_goes_by_the_stamp),
		FIXED(test_latest_fails_on_what_is_no_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
