/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The single steps of the capture init, none of which needs to be PID 1. */
#include "capture-initrd/init/internal.h"

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <cmocka.h>

struct fixture {
	char dir[40];
	int dir_fd;
	int said_fd; /* a file, read from its start: what was said */
	struct kd_init init;
	char said[32768];
};

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct kd_err err = { 0 };

	snprintf(f->dir, sizeof(f->dir), "/tmp/kd-steps-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	f->dir_fd = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(kd_root_open(f->dir, &f->init.root, &err), 0);
	f->said_fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	assert_true(f->said_fd >= 0);
	f->init.kmsg_fd = f->said_fd;
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	kd_plan_fini(&f->init.plan);
	kd_root_close(f->init.root);
	close(f->dir_fd);
	close(f->said_fd);
	nftw(f->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}

static const char *said(struct fixture *f)
{
	struct kd_err err = { 0 };
	ssize_t n = kd_pread_full(f->said_fd, f->said, sizeof(f->said) - 1, 0, "said", &err);

	assert_true(n >= 0);
	f->said[n] = '\0';
	return f->said;
}

/* ---- the crash's trail ---- */

static void test_mark_goes_where_the_kernel_offers_it(void **state)
{
	struct fixture *f = *state;
	struct kd_err err = { 0 };
	KD_AUTO(kd_freep) char *line = NULL;

	kd_init_mark(&f->init, "init");
	assert_int_equal(kd_root_mkdirs(f->init.root, "/sys/kernel/crash_trail", 0755, &err), 0);
	kd_init_mark(&f->init, "init");
	/* no such file: none made, nothing said */
	assert_false(kd_root_exists(f->init.root, "/sys/kernel/crash_trail/mark"));
	assert_int_equal(
		kd_root_write(f->init.root, "/sys/kernel/crash_trail/mark", "", 0, 0600, &err), 0);
	kd_init_mark_outcome(&f->init, KD_OUTCOME_DMESG_ONLY);
	assert_int_equal(
		kd_root_read_line(f->init.root, "/sys/kernel/crash_trail/mark", &line, &err), 0);
	assert_string_equal(line, "dmesg");
	assert_string_equal(said(f), "");
	/* set-up can fail before there is a root */
	struct kd_init early = { .kmsg_fd = f->said_fd };
	kd_init_mark(&early, "failed");
}

/* ---- lines ---- */

static void test_say_is_one_prefixed_line(void **state)
{
	struct fixture *f = *state;

	kd_init_say(&f->init, "plan ok %d modules", 3);
	assert_string_equal(said(f), "<6>kdumpkit: plan ok 3 modules\n");
}

static void test_say_disarms_control_characters(void **state)
{
	struct fixture *f = *state;

	kd_init_say(&f->init, "label %s", "a\033[2Jb\nkdumpkit: outcome saved\x7f");
	assert_string_equal(said(f), "<6>kdumpkit: label a?[2Jb?kdumpkit: outcome saved?\n");
}

static void test_say_cuts_what_a_record_cannot_hold(void **state)
{
	struct fixture *f = *state;
	char big[3000];

	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	kd_init_say(&f->init, "%s", big);
	size_t len = strlen(said(f));
	assert_true(len > 700 && len <= 976);
	assert_int_equal(f->said[len - 1], '\n');
}

/* ---- this kernel's log ---- */

static void assert_record(const char *record, const char *expect)
{
	KD_AUTO(kd_buf_fini) struct kd_buf out = { 0 };

	kd_buf_puts(&out, "");
	kd_init_klog_record(record, strlen(record), &out);
	assert_string_equal(out.p, expect);
}

static void test_klog_record_becomes_a_line(void **state)
{
	assert_record("6,339,5140900,-;NET: Registered\n SUBSYSTEM=net\n DEVICE=n1\n",
		      "[    5.140900] NET: Registered\n");
	assert_record("6,0,0,-;Linux version 6.1\n", "[    0.000000] Linux version 6.1\n");
	assert_record("4,12,123456000007,c,caller=T1;text; more", "[123456.000007] text; more\n");
	assert_record("12,1,1000000,-;\n", "[    1.000000] \n");
}

static void test_klog_record_that_is_none_is_left_out(void **state)
{
	assert_record("", "");
	assert_record("no semicolon", "");
	assert_record("6;text\n", "");
	assert_record("6,1;text\n", "");
	assert_record("6,1,x,-;text\n", "");
	assert_record("6,1,99999999999999999999999,-;text\n", "");
}

static void test_klog_is_saved_until_nothing_more_comes(void **state)
{
	struct fixture *f = *state;
	struct kd_err err = { 0 };
	KD_AUTO(kd_freep) char *text = NULL;
	int ends[2];

	/* Packet mode: like /dev/kmsg, each read returns one record. */
	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK | O_DIRECT), 0);
	assert_int_equal(kd_write_full(ends[1], "6,1,1500000,-;one\n", 18, "pipe", &err), 0);
	assert_int_equal(kd_write_full(ends[1], "6,2,2500000,-;two\n", 18, "pipe", &err), 0);
	assert_int_equal(kd_init_klog_save(ends[0], f->dir_fd, &err), 0);
	close(ends[0]);
	close(ends[1]);
	assert_int_equal(kd_root_read(f->init.root, "/kexec-dmesg.log", 4096, &text, NULL, &err),
			 0);
	assert_string_equal(text, "[    1.500000] one\n[    2.500000] two\n");
	assert_int_equal(kd_init_klog_save(-1, f->dir_fd, &err), -KD_SYS);
	assert_non_null(strstr(err.msg, "/dev/kmsg"));
}

/* ---- mounting ---- */

static void assert_options(const char *options, unsigned long flags, const char *data)
{
	const unsigned long always = MS_NODEV | MS_NOSUID | MS_NOEXEC;
	unsigned long got = 0;
	KD_AUTO(kd_freep) char *rest = NULL;
	struct kd_err err = { 0 };

	assert_int_equal(kd_init_mount_flags(options, &got, &rest, &err), 0);
	assert_int_equal(got, flags | always);
	assert_string_equal(rest, data);
}

static void test_mount_options_are_split(void **state)
{
	assert_options("", 0, "");
	assert_options("defaults", 0, "");
	assert_options("noatime,errors=remount-ro,sync,commit=5", MS_NOATIME | MS_SYNCHRONOUS,
		       "errors=remount-ro,commit=5");
	assert_options("noauto,nofail,_netdev,x-systemd.automount,X-mount.mkdir,user,comment=a", 0,
		       "");
}

static void test_mount_is_for_writing_and_never_for_running(void **state)
{
	assert_options("ro", 0, "");
	assert_options("ro,exec,suid,dev,nouuid", 0, "nouuid");
}

static void test_mount_failure_names_device_and_type(void **state)
{
	struct fixture *f = *state;
	struct kd_plan_target t = {
		.fstype = "ext4", .mount_options = "commit=5", .id = "", .dir = "/"
	};
	struct kd_err err = { 0 };
	char where[64];

	snprintf(where, sizeof(where), "%s/mnt", f->dir);
	assert_int_equal(kd_init_mount_target("/nowhere/vda9", where, &t, &err), -KD_SYS);
	assert_non_null(strstr(err.msg, "mount /nowhere/vda9 as ext4 with options commit=5: "));
}

static void test_open_dir_makes_what_is_missing(void **state)
{
	struct fixture *f = *state;
	struct kd_err err = { 0 };
	struct stat st = { 0 };

	assert_int_equal(mkdirat(f->dir_fd, "var", 0755), 0);
	KD_AUTO(kd_closep) int fd = kd_init_open_dir(f->dir_fd, "/var//crash/today/", &err);
	assert_true(fd >= 0);
	assert_int_equal(fstatat(f->dir_fd, "var/crash/today", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	/* It is the directory itself, usable for *at(). */
	assert_int_equal(mkdirat(fd, "x", 0700), 0);
	assert_int_equal(fstatat(f->dir_fd, "var/crash/today/x", &st, 0), 0);

	KD_AUTO(kd_closep) int top = kd_init_open_dir(f->dir_fd, "/", &err);
	assert_true(top >= 0);
	assert_int_equal(fstatat(top, "var", &st, 0), 0);
}

static void test_open_dir_follows_no_link(void **state)
{
	struct fixture *f = *state;
	struct kd_err err = { 0 };

	assert_int_equal(symlinkat("/tmp", f->dir_fd, "var"), 0);
	assert_int_equal(kd_init_open_dir(f->dir_fd, "/var/crash", &err), -KD_NOTSUP);
	assert_string_equal(err.msg, "open directory /var/crash: var is a symbolic link, use the "
				     "path it leads to");
	assert_int_equal(kd_init_open_dir(f->dir_fd, "/../tmp", &err), -KD_BADDATA);
	assert_non_null(strstr(err.msg, "'..' is not allowed"));
}

static void test_open_dir_through_a_file(void **state)
{
	struct fixture *f = *state;
	struct kd_err err = { 0 };

	assert_int_equal(kd_root_write(f->init.root, "/var", "x", 1, 0600, &err), 0);
	assert_int_equal(kd_init_open_dir(f->dir_fd, "/var/crash", &err), -KD_SYS);
	assert_string_equal(err.msg, "open var of directory /var/crash: Not a directory");
}

/* ---- modules ---- */

static void test_modules_that_fail_do_not_stop_the_rest(void **state)
{
	struct fixture *f = *state;
	struct kd_init_modules got = { .loaded = 99 };
	struct kd_err err = { 0 };

	assert_int_equal(kd_plan_add_module(&f->init.plan, "/m/missing.ko", "", &err), 0);
	assert_int_equal(kd_plan_add_module(&f->init.plan, "/m/broken.ko", "a=1", &err), 0);
	assert_int_equal(kd_root_mkdirs(f->init.root, "/m", 0700, &err), 0);
	assert_int_equal(kd_root_write(f->init.root, "/m/broken.ko", "no ELF", 6, 0600, &err), 0);
	kd_init_modules_load(&f->init, &got);
	assert_int_equal(got.loaded, 0);
	assert_non_null(strstr(got.first_failure, "/m/missing.ko: No such file or directory"));

	kd_plan_fini(&f->init.plan);
	assert_int_equal(kd_plan_add_module(&f->init.plan, "/m/broken.ko", "a=1", &err), 0);
	kd_init_modules_load(&f->init, &got);
	assert_int_equal(got.loaded, 0);
	assert_non_null(strstr(got.first_failure, "load /m/broken.ko: "));
}

/* ---- children ---- */

static int return_five(void *arg)
{
	return 5;
}

static int die(void *arg)
{
	return raise(SIGKILL);
}

static int hang(void *arg)
{
	for (;;)
		pause();
	return 0;
}

static int write_shared(void *arg)
{
	*(volatile int *)arg = 42;
	return 0;
}

static void test_task_ends_are_told_apart(void **state)
{
	struct fixture *f = *state;
	struct kd_child_end end = { 0 };
	struct kd_err err = { 0 };

	assert_int_equal(kd_init_task_run(&f->init, return_five, NULL, 0, 20000, &end, &err), 0);
	assert_true(end.exited);
	assert_int_equal(end.code, 5);
	assert_int_equal(kd_init_task_run(&f->init, die, NULL, 0, 20000, &end, &err), 0);
	assert_false(end.exited);
	assert_int_equal(end.signal, SIGKILL);
	assert_false(end.timed_out);
	assert_int_equal(kd_init_task_run(&f->init, hang, NULL, 0, 50, &end, &err), 0);
	assert_true(end.timed_out);
	assert_int_equal(end.signal, SIGKILL);
}

static void test_task_leaves_results_in_shared_memory(void **state)
{
	struct fixture *f = *state;
	struct kd_child_end end = { 0 };
	struct kd_err err = { 0 };
	void *shared = NULL;

	assert_int_equal(kd_init_shared_map(sizeof(int), &shared, &err), 0);
	assert_int_equal(kd_init_task_run(&f->init, write_shared, shared, 0, 20000, &end, &err), 0);
	assert_int_equal(*(int *)shared, 42);
	kd_init_shared_unmap(shared, sizeof(int));
}

static void test_oom_score_is_written(void **state)
{
	struct fixture *f = *state;
	struct kd_err err = { 0 };
	KD_AUTO(kd_freep) char *text = NULL;

	assert_int_equal(kd_root_mkdirs(f->init.root, "/proc/77", 0700, &err), 0);
	assert_int_equal(
		kd_root_write(f->init.root, "/proc/77/oom_score_adj", "0\n\n\n", 4, 0600, &err), 0);
	kd_init_oom_score(&f->init, 77, -900);
	assert_int_equal(kd_root_read_line(f->init.root, "/proc/77/oom_score_adj", &text, &err), 0);
	assert_string_equal(text, "-900");
}

/* ---- time ---- */

static void test_left_keeps_a_reserve(void **state)
{
	struct kd_init init = { .start_ms = kd_monotonic_ms(), .deadline_s = 300 };
	uint64_t left = kd_init_left_ms(&init);

	assert_true(left > 270000 && left <= 285000);
	init.deadline_s = 12;
	left = kd_init_left_ms(&init);
	assert_true(left > 5000 && left <= 9000);
	init.start_ms -= 13000;
	assert_int_equal(kd_init_left_ms(&init), 0);
}

/* ---- collector ---- */

static int collect(struct fixture *f, const char *script, uint64_t timeout_ms,
		   struct kd_child_end *ret, struct kd_err *err)
{
	KD_AUTO(kd_strv_fini) struct kd_strv argv = { 0 };

	assert_int_equal(kd_strv_add(&argv, "/bin/sh", err), 0);
	assert_int_equal(kd_strv_add(&argv, "-c", err), 0);
	assert_int_equal(kd_strv_add(&argv, script, err), 0);
	return kd_init_collect(&f->init, &argv, timeout_ms, ret, err);
}

static void test_collector_success_is_exit_zero_only(void **state)
{
	struct fixture *f = *state;
	struct kd_child_end got = { 0 };
	struct kd_err err = { 0 };

	assert_int_equal(collect(f, "exit 0", 20000, &got, &err), 0);
	assert_int_equal(collect(f, "echo cannot read it >&2; exit 3", 20000, &got, &err), -KD_SYS);
	assert_string_equal(err.msg, "sh exited with status 3 (cannot read it)");
	assert_int_equal(got.code, 3);
	assert_non_null(strstr(said(f), "kdumpkit: collector: cannot read it\n"));
}

static void test_collector_killed(void **state)
{
	struct fixture *f = *state;
	struct kd_child_end got = { 0 };
	struct kd_err err = { 0 };

	assert_int_equal(collect(f, "kill -9 $$", 20000, &got, &err), -KD_SYS);
	assert_string_equal(err.msg, "sh killed by signal 9 (Killed)");
	assert_int_equal(got.signal, SIGKILL);
}

static void test_collector_too_slow(void **state)
{
	struct fixture *f = *state;
	struct kd_child_end got = { 0 };
	struct kd_err err = { 0 };
	uint64_t start = kd_monotonic_ms();

	assert_int_equal(collect(f, "echo begun; exec sleep 60", 300, &got, &err), -KD_SYS);
	assert_true(kd_monotonic_ms() - start < 20000);
	assert_true(got.timed_out);
	assert_non_null(strstr(err.msg, "still running"));
	assert_non_null(strstr(said(f), "collector: begun\n"));
}

static void test_collector_that_leaves_a_child_with_the_pipe(void **state)
{
	struct fixture *f = *state;
	struct kd_child_end got = { 0 };
	struct kd_err err = { 0 };
	uint64_t start = kd_monotonic_ms();

	assert_int_equal(collect(f, "sleep 5 & echo done", 60000, &got, &err), 0);
	assert_true(kd_monotonic_ms() - start < 4000);
	assert_non_null(strstr(said(f), "collector: done\n"));
}

static void test_collector_that_is_not_there(void **state)
{
	struct fixture *f = *state;
	struct kd_child_end got = { 0 };
	struct kd_err err = { 0 };
	KD_AUTO(kd_strv_fini) struct kd_strv argv = { 0 };

	assert_int_equal(kd_init_collect(&f->init, &argv, 1000, &got, &err), -KD_NOTSUP);
	assert_int_equal(kd_strv_add(&argv, "/nowhere/makedumpfile", &err), 0);
	assert_int_equal(kd_init_collect(&f->init, &argv, 1000, &got, &err), -KD_SYS);
	assert_string_equal(err.msg, "start /nowhere/makedumpfile: No such file or directory");
	argv.v[0][0] = 'x';
	assert_int_equal(kd_init_collect(&f->init, &argv, 1000, &got, &err), -KD_NOTSUP);
}

static void test_collector_progress_is_dropped_and_reasons_are_kept(void **state)
{
	struct fixture *f = *state;
	struct kd_child_end got = { 0 };
	struct kd_err err = { 0 };

	assert_int_equal(collect(f,
				 "printf 'one\\r\\n\\rCopying 1%%\\rCopying 50%%\\r"
				 "Copying 100%%no space\\n\\n  \\nlast'",
				 20000, &got, &err),
			 0);
	assert_string_equal(said(f), "<6>kdumpkit: collector: one\n"
				     "<6>kdumpkit: collector: Copying 100%no space\n"
				     "<6>kdumpkit: collector: last\n");
}

static void test_collector_output_is_bounded(void **state)
{
	struct fixture *f = *state;
	struct kd_child_end got = { 0 };
	struct kd_err err = { 0 };
	size_t lines = 0;

	assert_int_equal(collect(f,
				 "i=0; while [ $i -lt 300 ]; do echo line $i; i=$((i+1)); done; "
				 "printf '%05000d\\n' 7; echo why; echo end; exit 1",
				 60000, &got, &err),
			 -KD_SYS);
	assert_string_equal(err.msg, "sh exited with status 1 (why; end)");
	for (const char *p = said(f); (p = strchr(p, '\n')); p++)
		lines++;
	assert_int_equal(lines, 101);
	assert_non_null(strstr(f->said, "more than 100 lines"));
}

/* ---- sealing ---- */

static void test_seal_renames_and_narrows_the_mode(void **state)
{
	struct fixture *f = *state;
	struct kd_err err = { 0 };
	struct stat st = { 0 };
	uint64_t bytes = 0;

	assert_int_equal(kd_root_write(f->init.root, "/vmcore-incomplete", "core", 4, 0644, &err),
			 0);
	assert_int_equal(kd_init_vmcore_seal(f->dir_fd, &bytes, &err), 0);
	assert_int_equal(bytes, 4);
	assert_int_equal(fstatat(f->dir_fd, "vmcore", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_not_equal(fstatat(f->dir_fd, "vmcore-incomplete", &st, 0), 0);
}

static void test_seal_refuses_what_is_no_dump(void **state)
{
	struct fixture *f = *state;
	struct kd_err err = { 0 };
	struct stat st = { 0 };
	uint64_t bytes = 7;

	assert_int_equal(kd_init_vmcore_seal(f->dir_fd, &bytes, &err), -KD_SYS);
	assert_string_equal(err.msg, "the collector reported success, but open vmcore-incomplete: "
				     "No such file or directory");
	assert_int_equal(kd_root_write(f->init.root, "/vmcore-incomplete", "", 0, 0600, &err), 0);
	assert_int_equal(kd_init_vmcore_seal(f->dir_fd, &bytes, &err), -KD_BADDATA);
	assert_non_null(strstr(err.msg, "vmcore-incomplete is empty"));
	assert_int_equal(unlinkat(f->dir_fd, "vmcore-incomplete", 0), 0);
	assert_int_equal(mkfifoat(f->dir_fd, "vmcore-incomplete", 0600), 0);
	assert_int_equal(kd_init_vmcore_seal(f->dir_fd, &bytes, &err), -KD_BADDATA);
	assert_non_null(strstr(err.msg, "is not a regular file"));
	assert_int_equal(unlinkat(f->dir_fd, "vmcore-incomplete", 0), 0);
	assert_int_equal(symlinkat("/etc/passwd", f->dir_fd, "vmcore-incomplete"), 0);
	assert_int_equal(kd_init_vmcore_seal(f->dir_fd, &bytes, &err), -KD_SYS);
	assert_int_not_equal(fstatat(f->dir_fd, "vmcore", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(bytes, 7);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_mark_goes_where_the_kernel_offers_it),
		TEST(test_say_is_one_prefixed_line),
		TEST(test_say_disarms_control_characters),
		TEST(test_say_cuts_what_a_record_cannot_hold),
		TEST(test_klog_record_becomes_a_line),
		TEST(test_klog_record_that_is_none_is_left_out),
		TEST(test_klog_is_saved_until_nothing_more_comes),
		TEST(test_mount_options_are_split),
		TEST(test_mount_is_for_writing_and_never_for_running),
		TEST(test_mount_failure_names_device_and_type),
		TEST(test_open_dir_makes_what_is_missing),
		TEST(test_open_dir_follows_no_link),
		TEST(test_open_dir_through_a_file),
		TEST(test_modules_that_fail_do_not_stop_the_rest),
		TEST(test_task_ends_are_told_apart),
		TEST(test_task_leaves_results_in_shared_memory),
		TEST(test_oom_score_is_written),
		TEST(test_left_keeps_a_reserve),
		TEST(test_collector_success_is_exit_zero_only),
		TEST(test_collector_killed),
		TEST(test_collector_too_slow),
		TEST(test_collector_that_leaves_a_child_with_the_pipe),
		TEST(test_collector_that_is_not_there),
		TEST(test_collector_progress_is_dropped_and_reasons_are_kept),
		TEST(test_collector_output_is_bounded),
		TEST(test_seal_renames_and_narrows_the_mode),
		TEST(test_seal_refuses_what_is_no_dump),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
