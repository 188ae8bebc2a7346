/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The same with the engine: no program runs, and the manifest says what it did. */
#include "lib/dump/dump.h"
#include "lib/vmcore/vmcore.h"
#include "tests/gen/fakemem.h"
#include "tests/gen/mkvmcore.h"
#include "tests/unit/support-init-save.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- what befalls the engine's process; it starts with a copy of this ---- */

static struct {
	off_t kill_from;	 /* a write there or behind it is its end; 0: none is */
	unsigned int bad_writes; /* so many fail, each far from the file's start */
	struct stat bad_input;	 /* every other sector of this file is bad, but the first */
} fate;

enum { SECTOR = 4096, FAR = 8 << 20 };

/* In place of the C library's. */
ssize_t pwrite64(int fd, const void *buf, size_t len, off_t off);
ssize_t pwrite64(int fd, const void *buf, size_t len, off_t off)
{
	if (fate.kill_from && off >= fate.kill_from)
		kill(getpid(), SIGKILL);
	if (fate.bad_writes && off >= FAR) {
		fate.bad_writes--;
		errno = EIO;
		return -1;
	}
	return syscall(SYS_pwrite64, fd, buf, len, off);
}

ssize_t pread64(int fd, void *buf, size_t len, off_t off);
ssize_t pread64(int fd, void *buf, size_t len, off_t off)
{
	size_t in_sector = SECTOR - (size_t)(off % SECTOR);
	struct stat st;

	if (fate.bad_input.st_ino && fstat(fd, &st) == 0 && st.st_ino == fate.bad_input.st_ino &&
	    st.st_dev == fate.bad_input.st_dev) {
		if (off / SECTOR % 2) {
			errno = EIO;
			return -1;
		}
		len = len < in_sector ? len : in_sector;
	}
	return syscall(SYS_pread64, fd, buf, len, off);
}

static int setup(void **state)
{
	memset(&fate, 0, sizeof(fate));
	return save_setup(state);
}

static bool fill_noise(void *arg, uint64_t paddr, uint8_t *page, size_t len)
{
	uint64_t x = paddr | 1;

	(void)arg;
	for (size_t i = 0; i < len; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		page[i] = (uint8_t)x;
	}
	return true;
}

static struct stat put_vmcore(struct save_fixture *f, struct kd_gen *gen)
{
	struct kd_err err = { 0 };
	struct stat st;

	assert_int_equal(kd_root_mkdirs(f->init.root, "/proc", 0700, &err), 0);
	KD_AUTO(kd_closep)
	int in = kd_root_openat(f->init.root, "/proc/vmcore", O_RDWR | O_CREAT, 0600, &err);
	kd_gen_elf(gen, in, NULL);
	assert_int_equal(fstat(in, &st), 0);
	return st;
}

/* A machine with @len bytes of memory, all of it in the dump: noise, or a hole. Returns what
 * file that is. */
static struct stat add_memory(struct save_fixture *f, uint64_t len, kd_gen_fill_fn *fill)
{
	KD_AUTO(kd_gen_freep) struct kd_gen *gen = kd_gen_new(62, 4096);

	kd_gen_info_base(gen, "6.1.0-crashed", 1700000000);
	kd_gen_segment(gen, 4ULL << 30, len, len, 0);
	if (fill)
		kd_gen_fill(gen, 4ULL << 30, len, fill, NULL);
	f->init.plan.engine = (struct kd_plan_engine){ .level = 0, .codec = KD_PLAN_NONE };
	return put_vmcore(f, gen);
}

/* ---- the tests ---- */

/* The manifest has hashes of parts of the dump, and they are those of @fd. */
static void check_extents(const struct save_fixture *f, int fd)
{
	const struct kd_manifest_engine *e = &f->manifest.engine;
	struct kd_hash_check check = { 0 };
	struct kd_err err = { 0 };

	assert_true(e->extent_count > 0);
	assert_int_equal(kd_dump_compare(fd, e->extents, e->extent_count, &check, &err), 0);
	assert_int_equal(check.extents, e->extent_count);
	assert_int_equal(check.bad, 0);
}

/* ... from its start on */
static void check_all_extents(const struct save_fixture *f, int fd)
{
	check_extents(f, fd);
	assert_true(f->manifest.engine.extent_count > 3);
	assert_int_equal(f->manifest.engine.extents[0].off, 0);
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
	check_all_extents(f, out);
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

/* Where the zones cannot be found it leaves out free pages all the same, and says what that means. */
static void test_engine_says_when_free_pages_were_not_counted(void **state)
{
	static const char text[] = "free pages are left out without a second opinion: vmcoreinfo "
				   "does not lead to the zones";
	static const struct kd_fake_block blocks[] = {
		{ .pfn = 4096, .kind = KD_FAKE_FREE, .order = 9 }
	};
	struct save_fixture *f = *state;
	struct kd_err err = { 0 };

	for (int without = 0; without < 2; without++) {
		const struct kd_fake_opts opts = { .era = KD_FAKE_6_1,
						   .ram_bytes = 64 << 20,
						   .without_zones = without };
		KD_AUTO(kd_fakemem_freep)
		struct kd_fakemem *m = kd_fakemem_new(&opts, blocks, KD_ARRAY_LEN(blocks));

		(void)put_vmcore(f, kd_fakemem_gen(m));
		f->init.plan.engine = (struct kd_plan_engine){ .level = 31, .codec = KD_PLAN_ZSTD };
		if (save_dump(f, &err) != KD_OUTCOME_SAVED)
			fail_msg("%s", err.msg);
		read_back(f);
		assert_int_equal(strstr(said(f), text) != NULL, without);
		assert_int_equal(f->manifest.remark_count, without);
	}
	assert_string_equal(f->manifest.remarks[0], text);
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

	add_memory(f, 32ULL << 30, NULL);
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
	check_all_extents(f, out);
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = NULL;
	if (kd_vmcore_open(out, "vmcore-incomplete", NULL, &core, &err))
		fail_msg("%s", err.msg);
	assert_true(kd_vmcore_is_incomplete(core));
	assert_int_equal(kd_vmcore_read(core, 4ULL << 30, &(char){ 0 }, 1, &err), 0);
}

/* By the kernel, for want of memory, or by anything: what was synced by then has its hashes. */
static void test_engine_that_is_killed(void **state)
{
	enum { SYNCED = 64 << 20, LEN = 80 << 20 };
	struct save_fixture *f = *state;
	struct kd_err err = { 0 };
	uint64_t bytes = 0;

	add_memory(f, LEN, fill_noise);
	fate.kill_from = SYNCED + (8 << 20);
	assert_int_equal(save_dump(f, &err), KD_OUTCOME_FAILED);
	read_back(f);
	assert_int_equal(f->manifest.collector_exit, -SIGKILL);
	assert_non_null(strstr(f->manifest.reason, "the dump engine: killed by signal 9 (Killed)"));
	assert_true(manifest_lists(f, "vmcore-incomplete"));
	assert_false(has_file(f, "vmcore"));
	KD_AUTO(kd_closep) int out = open_saved(f, "vmcore-incomplete");
	check_extents(f, out);
	for (unsigned int i = 0; i < f->manifest.engine.extent_count; i++)
		bytes += f->manifest.engine.extents[i].len_bytes;
	assert_in_range(bytes, SYNCED - (2 << 20), SYNCED + (16 << 20));
}

/* The path to the disk is gone for a moment. */
static void test_engine_writes_again(void **state)
{
	struct save_fixture *f = *state;
	struct kd_err err = { 0 };

	add_memory(f, 16 << 20, fill_noise);
	fate.bad_writes = 2;
	if (save_dump(f, &err) != KD_OUTCOME_SAVED)
		fail_msg("%s", err.msg);
	read_back(f);
	assert_non_null(strstr(said(f), "Input/output error: try 2 of 3 follows"));
	assert_non_null(strstr(said(f), "Input/output error: try 3 of 3 follows"));
	KD_AUTO(kd_closep) int out = open_saved(f, "vmcore");
	check_all_extents(f, out);
}

static void test_engine_writes_again_not_for_ever(void **state)
{
	struct save_fixture *f = *state;
	struct kd_err err = { 0 };

	add_memory(f, 16 << 20, fill_noise);
	fate.bad_writes = 3;
	assert_int_equal(save_dump(f, &err), KD_OUTCOME_FAILED); /* the log is nowhere either */
	read_back(f);
	assert_non_null(strstr(f->manifest.reason, "Input/output error"));
	assert_true(manifest_lists(f, "vmcore-incomplete"));
}

/* More bad runs than the manifest has room for: it says how many there are, and how many it lists. */
static void test_engine_with_much_that_cannot_be_read(void **state)
{
	enum { LEN = 2 << 20, BAD = LEN / SECTOR / 2 };
	struct save_fixture *f = *state;
	struct kd_err err = { 0 };
	char text[100];

	fate.bad_input = add_memory(f, LEN, fill_noise);
	if (save_dump(f, &err) != KD_OUTCOME_SAVED)
		fail_msg("%s", err.msg);
	read_back(f);
	assert_int_equal(f->manifest.engine.bad_pages, BAD);
	assert_int_equal(f->manifest.engine.bad_count, KD_MANIFEST_MAX_BAD_RUNS);
	assert_int_equal(f->manifest.remark_count, 2);
	snprintf(text, sizeof(text), "%d pages could not be read and are zeros: ", BAD);
	assert_ptr_equal(strstr(f->manifest.remarks[0], text), f->manifest.remarks[0]);
	snprintf(text, sizeof(text), "only the first %d of them are listed",
		 KD_MANIFEST_MAX_BAD_RUNS);
	assert_string_equal(f->manifest.remarks[1], text);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, save_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_engine_saves_without_a_program),
		TEST(test_engine_without_a_dump_to_read),
		TEST(test_engine_says_what_it_could_not_leave_out),
		TEST(test_engine_says_when_free_pages_were_not_counted),
		TEST(test_engine_of_a_large_machine),
		TEST(test_engine_that_takes_all_the_time),
		TEST(test_engine_that_is_killed),
		TEST(test_engine_writes_again),
		TEST(test_engine_writes_again_not_for_ever),
		TEST(test_engine_with_much_that_cannot_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
