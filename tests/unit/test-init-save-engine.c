/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The same with the engine: no program runs, and the manifest says what it did. */
#include "lib/dump/dump.h"
#include "lib/vmcore/vmcore.h"
#include "tests/gen/mkvmcore.h"
#include "tests/unit/support-init-save.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* The manifest has hashes of the dump's parts, and they are those of @fd. */
static void check_extents(const struct save_fixture *f, int fd)
{
	const struct kd_manifest_engine *e = &f->manifest.engine;
	struct kd_hash_check check = { 0 };
	struct kd_err err = { 0 };

	assert_true(e->extent_count > 3);
	assert_int_equal(e->extents[0].off, 0);
	assert_int_equal(kd_dump_compare(fd, e->extents, e->extent_count, &check, &err), 0);
	assert_int_equal(check.extents, e->extent_count);
	assert_int_equal(check.bad, 0);
}

static int open_saved(const struct save_fixture *f, const char *name)
{
	char path[200];
	struct kd_err err = { 0 };

	snprintf(path, sizeof(path), "/var/crash/%s/%s", f->name, name);
	int fd = kd_root_openat(f->target, path, O_RDONLY, 0, &err);
	if (fd < 0)
		fail_msg("%s", err.msg);
	return fd;
}

static void test_engine_saves_without_a_program(void **state)
{
	struct save_fixture *f = *state;
	struct kd_err err = { 0 };
	char line[200];

	add_vmcore(f, 3);
	f->init.plan.engine = (struct kd_plan_engine){ .level = 1, .codec = KD_PLAN_ZSTD };
	assert_int_equal(save_dump(f, &err), KD_OUTCOME_SAVED);
	read_back(f);
	assert_string_equal(f->manifest.collector, "engine");
	assert_int_equal(f->manifest.collector_exit, 0);
	assert_true(f->manifest.engine.used);
	assert_true(f->manifest.engine.pages > 0);
	assert_int_equal(f->manifest.engine.bad_pages, 0);
	assert_int_equal(strlen(f->manifest.engine.digests_xxh3), 16);
	assert_true(manifest_lists(f, "vmcore"));
	KD_AUTO(kd_closep) int out = open_saved(f, "vmcore");
	check_extents(f, out);
	snprintf(line, sizeof(line), "kdumpkit: vmcore saved /var/crash/%s/vmcore ", f->name);
	assert_non_null(strstr(said(f), line));
	assert_non_null(strstr(said(f), "kdumpkit: vmcore started engine, dump level 1, zstd"));
}

static void test_engine_without_a_dump_to_read(void **state)
{
	struct save_fixture *f = *state;
	struct kd_err err = { 0 };

	assert_int_equal(save_dump(f, &err), KD_OUTCOME_FAILED);
	read_back(f);
	assert_non_null(strstr(f->manifest.reason, "/proc/vmcore: No such file or directory"));
	assert_int_equal(f->manifest.collector_exit, 1);
	assert_false(has_file(f, "vmcore"));
	assert_false(has_file(f, "vmcore-incomplete"));
}

static void test_engine_says_what_it_could_not_leave_out(void **state)
{
	struct save_fixture *f = *state;
	struct kd_err err = { 0 };

	/* this dump's vmcoreinfo says nothing of struct page */
	add_vmcore(f, 3);
	f->init.plan.engine = (struct kd_plan_engine){ .level = 31, .codec = KD_PLAN_LZO };
	assert_int_equal(save_dump(f, &err), KD_OUTCOME_SAVED);
	read_back(f);
	assert_true(f->manifest.remark_count > 0);
	assert_non_null(strstr(f->manifest.remarks[0], "not applied"));
	assert_non_null(strstr(said(f), "not applied"));
}

/* Three bitmaps of 16 MiB: more than half of what is free, and there is no other way. */
static void test_engine_of_a_large_machine(void **state)
{
	static const char meminfo[] = "MemTotal: 120000 kB\nMemAvailable:   92160 kB\n";
	struct save_fixture *f = *state;
	struct kd_err err = { 0 };

	add_large_vmcore(f, 3, 512ULL << 30);
	assert_int_equal(
		kd_root_write(f->init.root, "/proc/meminfo", meminfo, strlen(meminfo), 0600, &err),
		0);
	f->init.plan.engine = (struct kd_plan_engine){ .level = 1, .codec = KD_PLAN_ZSTD };
	if (save_dump(f, &err) != KD_OUTCOME_SAVED)
		fail_msg("%s", err.msg);
	assert_non_null(strstr(said(f), "not enough memory to put user pages last"));
}

/* It stops by itself: what it wrote can be read, as far as it goes. */
static void test_engine_that_takes_all_the_time(void **state)
{
	struct save_fixture *f = *state;
	struct kd_err err = { 0 };

	/* The file has the 32 GiB as a hole. */
	KD_AUTO(kd_gen_freep) struct kd_gen *gen = kd_gen_new(62, 4096);
	kd_gen_info_base(gen, "6.1.0-crashed", 1700000000);
	kd_gen_segment(gen, 4ULL << 30, 32ULL << 30, 32ULL << 30, 0);
	assert_int_equal(kd_root_mkdirs(f->init.root, "/proc", 0700, &err), 0);
	KD_AUTO(kd_closep)
	int in = kd_root_openat(f->init.root, "/proc/vmcore", O_RDWR | O_CREAT, 0600, &err);
	kd_gen_elf(gen, in, NULL);

	f->init.deadline_s = 8;
	f->init.start_ms = kd_monotonic_ms();
	f->init.plan.engine = (struct kd_plan_engine){ .level = 0, .codec = KD_PLAN_ZSTD };
	(void)save_dump(f, &err);
	read_back(f);
	assert_non_null(strstr(f->manifest.reason, "the time was up with "));
	assert_int_equal(f->manifest.collector_exit, 0);
	assert_true(f->manifest.engine.pages > 0);
	assert_true(manifest_lists(f, "vmcore-incomplete"));

	KD_AUTO(kd_closep) int out = open_saved(f, "vmcore-incomplete");
	check_extents(f, out);
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = NULL;
	if (kd_vmcore_open(out, "vmcore-incomplete", NULL, &core, &err))
		fail_msg("%s", err.msg);
	assert_true(kd_vmcore_is_incomplete(core));
	assert_int_equal(kd_vmcore_read(core, 4ULL << 30, &(char){ 0 }, 1, &err), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, save_setup, save_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_engine_saves_without_a_program),
		TEST(test_engine_without_a_dump_to_read),
		TEST(test_engine_says_what_it_could_not_leave_out),
		TEST(test_engine_of_a_large_machine),
		TEST(test_engine_that_takes_all_the_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
