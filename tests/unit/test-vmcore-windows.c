/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Windows on an ELF file: mapped and read, they show the same. */
#include "lib/vmcore/internal.h"
#include "tests/gen/mkvmcore.h"
#include "tests/unit/support-vmcore.h"

#include <linux/magic.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cmocka.h>

/* Where files are on a disk on most systems; a memfd is tmpfs, which KD_ACCESS_SCAN reads. */
static int disk_file(void)
{
	char path[] = "/var/tmp/kd-vmcore-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	unlink(path);
	return fd;
}

static bool is_tmpfs(int fd)
{
	struct statfs fs;

	assert_int_equal(fstatfs(fd, &fs), 0);
	return fs.f_type == TMPFS_MAGIC;
}

/* Windows of both kinds over the same memory, in steps that do not divide anything. */
static void test_elf_windows_map_and_read_alike(void **state)
{
	KD_AUTO(kd_gen_freep) struct kd_gen *g = kd_gen_new(62, PAGE);
	KD_AUTO(kd_closep) int fd = disk_file();
	static const enum kd_vmcore_access kinds[] = { KD_ACCESS_READ, KD_ACCESS_MAP,
						       KD_ACCESS_AUTO, KD_ACCESS_SCAN };

	kd_gen_ram(g, 0x10, MIB - 0x10);
	kd_gen_ram(g, MIB, MIB);
	kd_gen_fill(g, 0, 64 * MIB, address_page, NULL);
	kd_gen_elf(g, fd, NULL);

	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd);
	for (size_t k = 0; k < KD_ARRAY_LEN(kinds); k++) {
		KD_AUTO(kd_vmcore_window_freep) struct kd_vmcore_window *w = NULL;
		struct kd_err err = { 0 };
		const uint8_t *p;
		size_t n;

		assert_int_equal(kd_vmcore_window_new(core, kinds[k], 256 << 10, 0, &w, &err), 0);
		for (uint64_t at = 0x10; at < 2 * MIB; at += n / 8 * 8) {
			if (kd_vmcore_map(w, at, 100000, &p, &n, &err))
				fail_msg("%s", err.msg);
			assert_in_range(n, 8, 100000);
			uint64_t first, last;
			memcpy(&first, p, 8);
			memcpy(&last, p + n / 8 * 8 - 8, 8);
			assert_int_equal(first, at);
			assert_int_equal(last, at + n / 8 * 8 - 8);
		}
		/* Pages in, pages out. */
		assert_int_equal(kd_vmcore_map(w, MIB, MIB, &p, &n, &err), 0);
		assert_int_equal(n % PAGE, 0);
		/* More at once than the buffer holds: mapped. */
		assert_int_equal(n > 64 << 10,
				 kinds[k] == KD_ACCESS_MAP ||
					 (kinds[k] == KD_ACCESS_SCAN && !is_tmpfs(fd)));
		assert_int_equal(kd_vmcore_window_copies(w), n <= 64 << 10);
		assert_int_equal(kd_vmcore_map(w, 2 * MIB, 1, &p, &n, &err), -KD_BADDATA);
	}
}

/* Tried both ways and then the faster one: the bytes are the same all the way. */
static void test_scan_goes_either_way(void **state)
{
	KD_AUTO(kd_gen_freep) struct kd_gen *g = kd_gen_new(62, PAGE);
	KD_AUTO(kd_closep) int fd = disk_file();
	struct kd_err err = { 0 };
	const uint8_t *p;
	size_t n;

	kd_gen_ram(g, 0, 16 * MIB);
	kd_gen_fill(g, 0, 64 * MIB, address_page, NULL);
	kd_gen_elf(g, fd, NULL);
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd);
	KD_AUTO(kd_vmcore_window_freep) struct kd_vmcore_window *w = NULL;
	assert_int_equal(kd_vmcore_window_new(core, KD_ACCESS_SCAN, 64 * MIB, 256 << 10, &w, &err),
			 0);
	for (uint64_t at = 0; at < 16 * MIB; at += n) {
		if (kd_vmcore_map(w, at, 16 * MIB - at, &p, &n, &err))
			fail_msg("%s", err.msg);
		assert_in_range(n, PAGE, MIB);
		for (uint64_t v, i = 0; i + PAGE <= n; i += PAGE) {
			memcpy(&v, p + i, sizeof(v));
			assert_int_equal(v, at + i);
		}
	}
	if (is_tmpfs(fd) || w->access == KD_ACCESS_READ /* before 5.14 */) {
		assert_true(kd_vmcore_window_copies(w));
		return;
	}
	assert_true(kd_scan_trial_is_over(&w->trial));
	assert_int_equal(kd_vmcore_window_copies(w), !kd_scan_trial_maps(&w->trial));
}

/* @map_ns, @read_ns: what a MiB takes; the third try is disturbed. */
static bool choose(uint64_t map_ns, uint64_t read_ns)
{
	enum { PIECE = 256 << 10 };
	struct kd_scan_trial t = { 0 };
	uint64_t now = 1;
	unsigned int pieces = 0;

	for (;; pieces++) {
		assert_int_equal(kd_scan_trial_is_due(&t), pieces % 4 == 0);
		if (kd_scan_trial_is_due(&t))
			kd_scan_trial_next(&t, now);
		if (kd_scan_trial_is_over(&t))
			break;
		bool maps = kd_scan_trial_maps(&t);
		assert_int_equal(maps, pieces / 4 % 2 == 0);
		t.len += PIECE;
		now += (maps ? map_ns : read_ns) / (MIB / PIECE) + (pieces == 9) * 1000000000;
	}
	assert_int_equal(pieces, 32);
	return kd_scan_trial_maps(&t);
}

static void test_scan_trial_takes_the_faster_way(void **state)
{
	assert_true(choose(100000, 175000));
	assert_false(choose(140000, 60000));
	assert_true(choose(100000, 100004));
	assert_false(choose(UINT64_MAX / 4, 1000000));
}

/* A window larger than any address space: mmap refuses it, pread does not mind. */
static void test_elf_window_reads_what_cannot_be_mapped(void **state)
{
	KD_AUTO(kd_gen_freep) struct kd_gen *g = kd_gen_new(62, PAGE);
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("dump");
	KD_AUTO(kd_vmcore_window_freep) struct kd_vmcore_window *w = NULL;
	struct kd_err err;
	const uint8_t *p;
	size_t n;

	kd_gen_ram(g, 0, MIB);
	kd_gen_fill(g, 0, 64 * MIB, address_page, NULL);
	kd_gen_elf(g, fd, NULL);
	assert_int_equal(ftruncate(fd, 1LL << 60), 0);

	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd);
	assert_int_equal(kd_vmcore_window_new(core, KD_ACCESS_MAP, 1ULL << 59, 0, &w, &err), 0);
	for (uint64_t at = 0; at < MIB; at += n) {
		uint64_t v;

		assert_int_equal(kd_vmcore_map(w, at, MIB, &p, &n, &err), 0);
		/* Read in pieces of the buffer: nothing of it is mapped. */
		assert_in_range(n, PAGE, 64 << 10);
		memcpy(&v, p, sizeof(v));
		assert_int_equal(v, at);
	}
	kd_vmcore_window_free(KD_STEAL(w));
}

/* What cannot be brought into memory is an error of the call, and no signal. */
static void test_elf_window_on_a_file_that_became_shorter(void **state)
{
	static const enum kd_vmcore_access kinds[] = { KD_ACCESS_READ, KD_ACCESS_MAP,
						       KD_ACCESS_AUTO, KD_ACCESS_SCAN };
	KD_AUTO(kd_gen_freep) struct kd_gen *g = kd_gen_new(62, PAGE);
	KD_AUTO(kd_closep) int fd = disk_file();

	kd_gen_ram(g, 0, 4 * MIB);
	kd_gen_fill(g, 0, 64 * MIB, address_page, NULL);
	kd_gen_elf(g, fd, NULL);

	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd);
	assert_int_equal(ftruncate(fd, 2 * MIB + MIB / 2), 0);
	for (size_t k = 0; k < KD_ARRAY_LEN(kinds); k++) {
		KD_AUTO(kd_vmcore_window_freep) struct kd_vmcore_window *w = NULL;
		struct kd_err err = { 0 };
		const uint8_t *p;
		uint64_t v;
		size_t n;

		assert_int_equal(kd_vmcore_window_new(core, kinds[k], 4 * MIB, 0, &w, &err), 0);
		assert_int_equal(kd_vmcore_map(w, MIB, MIB / 4, &p, &n, &err), 0);
		memcpy(&v, p, sizeof(v));
		assert_int_equal(v, MIB);
		/* Next to what is still there, and with a part of it. */
		assert_int_equal(kd_vmcore_map(w, 3 * MIB, MIB / 4, &p, &n, &err), -KD_SYS);
		assert_non_null(strstr(err.msg, "became shorter"));
		assert_int_equal(kd_vmcore_map(w, 2 * MIB, MIB / 4, &p, &n, &err), 0);
		memcpy(&v, p, sizeof(v));
		assert_int_equal(v, 2 * MIB);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scan_goes_either_way),
		cmocka_unit_test(test_scan_trial_takes_the_faster_way),
		cmocka_unit_test(test_elf_windows_map_and_read_alike),
		cmocka_unit_test(test_elf_window_reads_what_cannot_be_mapped),
		cmocka_unit_test(test_elf_window_on_a_file_that_became_shorter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
