/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One target from an empty directory to a manifest: what is called saved, and what
 * is not. The "collector" is a shell script; it is given the input and the output
 * path as $0 and $1.
 */
#include "tests/unit/support-init-save.h"

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static void use_collector(struct save_fixture *f, const char *script)
{
	struct kd_strv *argv = &f->init.plan.collector;

	assert_int_equal(kd_strv_add(argv, "/bin/sh", NULL), 0);
	assert_int_equal(kd_strv_add(argv, "-c", NULL), 0);
	assert_int_equal(kd_strv_add(argv, script, NULL), 0);
}

static void test_saved_without_a_remark(void **state)
{
	struct save_fixture *f = *state;
	struct kd_err err = { 0 };
	KD_AUTO(kd_freep) char *log = NULL;
	char path[200];

	add_vmcore(f, 3);
	use_collector(f, "printf core >\"$1\"");
	assert_int_equal(save_dump(f, &err), KD_OUTCOME_SAVED);
	assert_string_equal(err.msg, "");
	read_back(f);
	assert_string_equal(f->manifest.reason, "");
	assert_string_equal(f->manifest.kernel_release, "6.1.0-crashed");
	assert_int_equal(f->manifest.crash_time, 1700000000);
	assert_true(manifest_lists(f, "vmcore-dmesg.txt") && manifest_lists(f, "vmcore"));
	assert_false(has_file(f, "vmcore-dmesg-incomplete.txt"));
	assert_false(has_file(f, ".reserve"));
	assert_true(f->shared.dmesg_safe);
	snprintf(path, sizeof(path), "/var/crash/%s/vmcore-dmesg.txt", f->name);
	assert_int_equal(kd_root_read(f->target, path, 4096, &log, NULL, &err), 0);
	assert_string_equal(log, "[    0.000000] line 0 of a crashed kernel\n"
				 "[    1.000000] line 1 of a crashed kernel\n"
				 "[    2.000000] line 2 of a crashed kernel\n");
	snprintf(path, sizeof(path),
		 "kdumpkit: dmesg saved /var/crash/%s/vmcore-dmesg.txt %zu bytes\n", f->name,
		 strlen(log));
	assert_non_null(strstr(said(f), path));
}

static void test_dmesg_only(void **state)
{
	struct save_fixture *f = *state;
	struct kd_err err = { 0 };

	add_vmcore(f, 3);
	use_collector(f, "printf part >\"$1\"; kill -9 $$");
	assert_int_equal(save_dump(f, &err), KD_OUTCOME_DMESG_ONLY);
	read_back(f);
	assert_int_equal(f->manifest.outcome, KD_OUTCOME_DMESG_ONLY);
	assert_string_equal(f->manifest.reason, "sh killed by signal 9 (Killed)");
	assert_true(manifest_lists(f, "vmcore-dmesg.txt") &&
		    manifest_lists(f, "vmcore-incomplete"));
	assert_false(has_file(f, "vmcore"));
}

static void test_log_shown_where_it_could_not_be_saved(void **state)
{
	struct save_fixture *f = *state;
	struct kd_err err = { 0 };
	static char text[2 * KD_INIT_TAIL_BYTES];
	KD_AUTO(kd_closep) int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	add_vmcore(f, 2000);
	assert_int_equal(kd_init_dmesg_show(&f->init, fd, 20000, &err), 0);
	ssize_t n = kd_pread_full(fd, text, sizeof(text) - 1, 0, "shown", &err);
	assert_true(n > KD_INIT_TAIL_BYTES && n < KD_INIT_TAIL_BYTES * 3 / 2);
	text[n] = '\0';
	assert_memory_equal(text, "| ", 2);
	assert_null(strstr(text, "line 0 of"));
	assert_non_null(strstr(text, "\n| [ 1999.000000] line 1999 of a crashed kernel\n"));
	for (const char *p = strchr(text, '\n'); p && p[1]; p = strchr(p + 1, '\n'))
		assert_memory_equal(p + 1, "| ", 2);
}

static void test_manifest_that_cannot_be_written_is_no_success(void **state)
{
	struct save_fixture *f = *state;
	struct kd_err err = { 0 };

	add_vmcore(f, 3);
	use_collector(f, "printf core >\"$1\"; : >\"${1%/*}/manifest.json\"");
	assert_int_equal(save_dump(f, &err), KD_OUTCOME_FAILED);
	assert_non_null(strstr(err.msg, "to manifest.json: File exists"));
}

/* The collector can do what the reader of the log could not; the remark says which. */
static void test_saved_with_a_remark(void **state)
{
	struct save_fixture *f = *state;
	struct kd_err err = { 0 };
	static const char *const stages[] = { "init", "target", "dmesg", "vmcore" };

	use_collector(f, "echo reading $0; printf core >\"$1\"");
	assert_int_equal(save_dump(f, &err), KD_OUTCOME_SAVED);
	assert_non_null(strstr(err.msg, "dmesg: /proc/vmcore is missing"));
	read_back(f);
	assert_int_equal(f->manifest.outcome, KD_OUTCOME_SAVED);
	assert_string_equal(f->manifest.reason, err.msg);
	assert_string_equal(f->manifest.target, "ext4 label=crash /var/crash");
	assert_int_equal(f->manifest.collector_exit, 0);
	assert_true(manifest_lists(f, "vmcore") && manifest_lists(f, "kexec-dmesg.log"));
	assert_false(manifest_lists(f, "vmcore-dmesg.txt"));
	assert_false(has_file(f, "vmcore-incomplete"));
	assert_false(has_file(f, "vmcore-dmesg-incomplete.txt"));
	assert_int_equal(f->manifest.stage_count, KD_ARRAY_LEN(stages));
	for (size_t i = 0; i < KD_ARRAY_LEN(stages); i++)
		assert_string_equal(f->manifest.stages[i].name, stages[i]);

	char line[200];
	snprintf(line, sizeof(line), "kdumpkit: vmcore saved /var/crash/%s/vmcore 4 bytes\n",
		 f->name);
	assert_non_null(strstr(said(f), line));
	assert_non_null(strstr(f->said, "kdumpkit: collector: reading /proc/vmcore\n"));
	assert_non_null(strstr(f->said, "kdumpkit: dmesg failed /proc/vmcore is missing"));
}

static int check_mode(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return st->st_mode & 077;
}

static void test_nothing_is_open_to_others(void **state)
{
	struct save_fixture *f = *state;
	struct kd_err err = { 0 };

	use_collector(f, "umask 0; printf core >\"$1\"");
	assert_int_equal(save_dump(f, &err), KD_OUTCOME_SAVED);
	assert_int_equal(nftw(f->dir, check_mode, 8, FTW_PHYS), 0);
}

static void test_failed_collector_leaves_its_part_and_the_reason(void **state)
{
	struct save_fixture *f = *state;
	struct kd_err err = { 0 };

	use_collector(f, "printf part >\"$1\"; echo no space; exit 1");
	assert_int_equal(save_dump(f, &err), KD_OUTCOME_FAILED);
	read_back(f);
	assert_int_equal(f->manifest.outcome, KD_OUTCOME_FAILED);
	assert_non_null(strstr(f->manifest.reason, "sh exited with status 1 (no space); dmesg: "));
	assert_int_equal(f->manifest.collector_exit, 1);
	assert_true(manifest_lists(f, "vmcore-incomplete"));
	assert_false(has_file(f, "vmcore"));
	assert_non_null(strstr(said(f), "kdumpkit: vmcore failed sh exited with status 1"));
	assert_null(strstr(f->said, "vmcore saved"));
}

static void test_killed_collector_without_a_byte_leaves_no_file(void **state)
{
	struct save_fixture *f = *state;
	struct kd_err err = { 0 };

	use_collector(f, ": >\"$1\"; kill -9 $$");
	assert_int_equal(save_dump(f, &err), KD_OUTCOME_FAILED);
	read_back(f);
	assert_int_equal(f->manifest.collector_exit, -9);
	assert_non_null(strstr(f->manifest.reason, "killed by signal 9"));
	assert_false(has_file(f, "vmcore"));
	assert_false(has_file(f, "vmcore-incomplete"));
}

static void test_success_without_a_dump_is_no_success(void **state)
{
	struct save_fixture *f = *state;
	struct kd_err err = { 0 };

	use_collector(f, "exit 0");
	assert_int_equal(save_dump(f, &err), KD_OUTCOME_FAILED);
	read_back(f);
	assert_non_null(strstr(f->manifest.reason, "reported success, but open vmcore-incomplete"));
	assert_false(has_file(f, "vmcore"));
}

static void test_name_already_taken_is_no_success(void **state)
{
	struct save_fixture *f = *state;
	struct kd_err err = { 0 };

	use_collector(f, "printf core >\"$1\"; printf other >\"${1%-incomplete}\"");
	assert_int_equal(save_dump(f, &err), KD_OUTCOME_FAILED);
	assert_non_null(strstr(err.msg, "rename vmcore-incomplete to vmcore: File exists"));
}

static void test_dead_memory_that_is_no_dump(void **state)
{
	struct save_fixture *f = *state;
	struct kd_err err = { 0 };

	assert_int_equal(kd_root_mkdirs(f->init.root, "/proc", 0700, &err), 0);
	assert_int_equal(
		kd_root_write(f->init.root, "/proc/vmcore", "not an ELF file", 15, 0600, &err), 0);
	use_collector(f, "exit 2");
	assert_int_equal(save_dump(f, &err), KD_OUTCOME_FAILED);
	read_back(f);
	assert_non_null(strstr(f->manifest.reason, "sh exited with status 2; dmesg: /proc/vmcore"));
}

static void test_earlier_dumps_stay(void **state)
{
	struct save_fixture *f = *state;
	struct kd_err err = { 0 };
	KD_AUTO(kd_freep) char *first = NULL;

	use_collector(f, "printf core >\"$1\"");
	assert_int_equal(save_dump(f, &err), KD_OUTCOME_SAVED);
	read_back(f);
	first = KD_STEAL(f->name);
	assert_int_equal(save_dump(f, &err), KD_OUTCOME_SAVED);
	read_back(f);
	assert_string_not_equal(first, f->name);
	free(f->name);
	f->name = KD_STEAL(first);
	assert_true(has_file(f, "vmcore"));
	assert_true(has_file(f, "manifest.json"));
}

static void test_target_that_is_a_link_is_refused(void **state)
{
	struct save_fixture *f = *state;
	struct kd_err err = { 0 };
	char path[80];

	snprintf(path, sizeof(path), "%s/var", f->dir);
	assert_int_equal(symlink(f->sysdir, path), 0);
	use_collector(f, "printf core >\"$1\"");
	assert_int_equal(save_dump(f, &err), KD_OUTCOME_FAILED);
	assert_non_null(strstr(said(f), "kdumpkit: target failed open directory /var/crash: var is "
					"a symbolic link"));
	assert_false(kd_root_exists(f->init.root, "/crash"));
}

static void test_collector_that_takes_all_the_time(void **state)
{
	struct save_fixture *f = *state;
	struct kd_err err = { 0 };

	f->init.deadline_s = 2;
	use_collector(f, "printf part >\"$1\"; exec sleep 60");
	assert_int_equal(save_dump(f, &err), KD_OUTCOME_FAILED);
	read_back(f);
	assert_non_null(strstr(f->manifest.reason, "sh still running after"));
	assert_int_equal(f->manifest.collector_exit, -9);
	assert_true(manifest_lists(f, "vmcore-incomplete"));
}

/* A dump that is whole, but takes far longer to read back than there is time. */
static void test_no_time_for_the_hash(void **state)
{
	struct save_fixture *f = *state;
	struct kd_err err = { 0 };

	f->init.deadline_s = 4;
	use_collector(f, "truncate -s 64G \"$1\"");
	assert_int_equal(save_dump(f, &err), KD_OUTCOME_SAVED);
	/* On a busy machine a sync alone may take seconds; the hash would take minutes. */
	assert_in_range(kd_monotonic_ms() - f->init.start_ms, 0, 60000);
	read_back(f);
	assert_true(manifest_lists(f, "vmcore") && manifest_lists(f, "kexec-dmesg.log"));
	for (unsigned int i = 0; i < f->manifest.file_count; i++) {
		const struct kd_manifest_file *file = &f->manifest.files[i];
		bool is_vmcore = strcmp(file->name, "vmcore") == 0;
		assert_int_equal(strlen(file->sha256), is_vmcore ? 0 : KD_SHA256_HEX_BYTES - 1);
		assert_true(!is_vmcore || file->size_bytes == 64ULL << 30);
	}
	assert_int_equal(f->manifest.remark_count, 1);
	assert_string_equal(f->manifest.remarks[0], "no time was left for the SHA-256 of vmcore");
}

static void test_showing_a_log_that_is_not_there(void **state)
{
	struct save_fixture *f = *state;
	struct kd_err err = { 0 };

	assert_int_equal(kd_init_dmesg_show(&f->init, f->said_fd, 10000, &err), -KD_NOTSUP);
	assert_non_null(strstr(err.msg, "this kernel was not started by a panic"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, save_setup, save_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_saved_without_a_remark),
		TEST(test_dmesg_only),
		TEST(test_log_shown_where_it_could_not_be_saved),
		TEST(test_manifest_that_cannot_be_written_is_no_success),
		TEST(test_saved_with_a_remark),
		TEST(test_nothing_is_open_to_others),
		TEST(test_failed_collector_leaves_its_part_and_the_reason),
		TEST(test_killed_collector_without_a_byte_leaves_no_file),
		TEST(test_success_without_a_dump_is_no_success),
		TEST(test_name_already_taken_is_no_success),
		TEST(test_dead_memory_that_is_no_dump),
		TEST(test_earlier_dumps_stay),
		TEST(test_target_that_is_a_link_is_refused),
		TEST(test_collector_that_takes_all_the_time),
		TEST(test_no_time_for_the_hash),
		TEST(test_showing_a_log_that_is_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
