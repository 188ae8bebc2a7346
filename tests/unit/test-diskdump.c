/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/vmcore on diskdump files; test-vmcore.c has ELF. */
#include "lib/ondisk/diskdump.h"
#include "lib/report/dmesg.h"
#include "tests/unit/support-diskdump.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_every_codec_reads_the_same(void **state)
{
	for (int codec = KD_GEN_RAW; codec <= KD_GEN_MIXED; codec++) {
		KD_AUTO(kd_gen_freep) struct kd_gen *g = diskdump_machine();
		KD_AUTO(kd_closep) int fd = kd_gen_memfd("dump");
		const struct kd_gen_diskdump_opts opts = { .codec = (enum kd_gen_codec)codec };

		kd_gen_diskdump(g, fd, &opts);
		KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd);
		assert_false(kd_vmcore_is_incomplete(core));
		assert_whole(core);
		assert_no_read(core, MIB, 8, "dump: there is no memory at physical 0x100000");
		assert_no_read(core, 4 * MIB + 300 * PAGE, 8, "there is no memory");
		assert_no_read(core, UINT64_MAX - 7, 8, "there is no memory");
	}
}

static void test_it_tells_what_it_holds(void **state)
{
	KD_AUTO(kd_gen_freep) struct kd_gen *g = diskdump_machine();
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("dump");
	const struct kd_gen_diskdump_opts opts = { .codec = KD_GEN_ZSTD,
						   .status = KD_DISKDUMP_ZSTD,
						   .dump_level = 17 };

	kd_gen_diskdump(g, fd, &opts);
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd);
	const struct kd_vmcore_diskdump_info *dd = kd_vmcore_diskdump(core);
	const struct kd_vmcore_note *notes;
	const struct kd_vmcore_segment *segs;
	size_t n, len;

	assert_int_equal(kd_vmcore_format(core), KD_VMCORE_DISKDUMP);
	assert_int_equal(kd_vmcore_machine(core), KD_MACHINE_X86_64);
	assert_string_equal(kd_vmcore_osrelease(core), "6.1.0-test");
	assert_int_equal(kd_vmcore_page_size(core), PAGE);
	assert_int_equal(kd_vmcore_max_pfn(core), 1024 + 300);
	assert_int_equal(dd->header_version, 6);
	assert_int_equal(dd->status, KD_DISKDUMP_ZSTD);
	assert_int_equal(dd->dump_level, 17);
	assert_int_equal(dd->stored_pages, 256 + 300);
	assert_int_equal(dd->end_pfn, 1024 + 300);
	assert_false(dd->split);
	assert_string_equal(dd->nodename, "made-up");
	segs = kd_vmcore_segments(core, &n);
	assert_int_equal(n, 2);
	assert_int_equal(segs[1].paddr, 4 * MIB);
	assert_int_equal(segs[1].len_bytes, 300 * PAGE);
	assert_false(segs[1].has_vaddr);
	notes = kd_vmcore_notes(core, &n);
	assert_int_equal(n, 2);
	assert_memory_equal(kd_vmcore_notes_raw(core, &len) + notes[0].desc_off, "registers", 9);
}

static bool odd(void *arg, uint64_t pfn)
{
	return pfn % 2 == 1;
}

static void test_pages_left_out(void **state)
{
	bool (*const excludes[])(void *arg, uint64_t pfn) = { odd, every_seventh };

	for (size_t i = 0; i < KD_ARRAY_LEN(excludes); i++) {
		KD_AUTO(kd_gen_freep) struct kd_gen *g = diskdump_machine();
		KD_AUTO(kd_closep) int fd = kd_gen_memfd("dump");
		const struct kd_gen_diskdump_opts opts = { .codec = KD_GEN_LZO,
							   .exclude = excludes[i] };
		struct kd_err err;
		uint64_t run;

		kd_gen_diskdump(g, fd, &opts);
		KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd);
		struct kd_vmcore_window *w = window_of(core);
		uint64_t max = kd_vmcore_max_pfn(core);
		for (uint64_t pfn = 0; pfn < max; pfn += run) {
			int got = kd_vmcore_page_run(w, pfn, &run, &err);
			for (uint64_t k = pfn; k < pfn + run; k++) {
				int want = excludes[i](NULL, k) ? KD_PAGE_EXCLUDED : KD_PAGE_STORED;
				if (k >= 256 && k < 1024)
					want = KD_PAGE_NONE;
				assert_int_equal(got, want);
				if (want == KD_PAGE_STORED)
					assert_expected_at(core, k * PAGE + 64);
				else if (want == KD_PAGE_EXCLUDED)
					assert_no_read(core, k * PAGE, 8, "was left out when");
			}
		}
		assert_int_equal(kd_vmcore_page_run(w, max, &run, &err), KD_PAGE_NONE);
		kd_vmcore_window_free(w);
	}
}

/* A window of several pages that ends where a page is missing. */
static void test_windows_lend_many_pages_at_once(void **state)
{
	KD_AUTO(kd_gen_freep) struct kd_gen *g = diskdump_machine();
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("dump");
	const struct kd_gen_diskdump_opts opts = { .codec = KD_GEN_MIXED,
						   .exclude = every_seventh };
	struct kd_err err;
	const uint8_t *p;
	size_t n;

	kd_gen_diskdump(g, fd, &opts);
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd);
	struct kd_vmcore_window *w = window_of(core);
	assert_int_equal(kd_vmcore_map(w, PAGE + 16, MIB, &p, &n, &err), 0);
	assert_int_equal(n, 6 * PAGE - 16); /* pages 1 to 6 */
	for (size_t i = 0; i + 8 <= n; i += 8) {
		uint64_t v;
		memcpy(&v, p + i, 8);
		assert_int_equal(v, expected_at(PAGE + 16 + i, PAGE));
	}
	/* In what is there already, and out of it. */
	const uint8_t *again;
	assert_int_equal(kd_vmcore_map(w, 3 * PAGE, 100, &again, &n, &err), 0);
	assert_ptr_equal(again, p + 2 * PAGE - 16);
	assert_int_equal(n, 100);
	assert_int_equal(kd_vmcore_map(w, 7 * PAGE, 100, &again, &n, &err), -KD_BADDATA);
	assert_int_equal(kd_vmcore_map(w, 8 * PAGE + 4000, 100, &again, &n, &err), 0);
	assert_int_equal(n, 100);
	kd_vmcore_window_free(w);
}

static void test_every_version(void **state)
{
	for (uint32_t version = 1; version <= 6; version++) {
		KD_AUTO(kd_gen_freep) struct kd_gen *g = diskdump_machine();
		KD_AUTO(kd_closep) int fd = kd_gen_memfd("dump");
		const struct kd_gen_diskdump_opts opts = { .version = version,
							   .codec = KD_GEN_ZLIB };

		kd_gen_diskdump(g, fd, &opts);
		KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd);
		assert_int_equal(kd_vmcore_diskdump(core)->header_version, version);
		assert_whole(core);
		if (version < 3)
			assert_null(kd_vmcore_info(core));
		else
			assert_string_equal(kd_vmcore_osrelease(core), "6.1.0-test");
	}
}

static void test_64_kib_pages(void **state)
{
	KD_AUTO(kd_gen_freep) struct kd_gen *g = kd_gen_new(183, 65536);
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("dump");
	const struct kd_gen_diskdump_opts opts = { .codec = KD_GEN_MIXED };

	kd_gen_info_base(g, "6.1.0-test", 1);
	kd_gen_ram(g, 0, 10 * MIB);
	kd_gen_fill(g, 0, 64 * MIB, third_zero_page, NULL);
	kd_gen_diskdump(g, fd, &opts);
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd);
	assert_int_equal(kd_vmcore_page_size(core), 65536);
	assert_int_equal(kd_vmcore_machine(core), KD_MACHINE_ARM64);
	for (uint64_t at = 0; at < 10 * MIB; at += 65536)
		assert_expected_at(core, at + 65528);
}

/* ---- flattened, and the log through page tables ---- */

static void test_flattened_diskdump(void **state)
{
	const struct kd_gen_flatten_opts variants[] = {
		{ 0 },
		{ .chunk_bytes = 999, .backwards = true },
		{ .repeat_first = true },
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(variants); i++) {
		KD_AUTO(kd_gen_freep) struct kd_gen *g = diskdump_machine();
		KD_AUTO(kd_closep) int plain = kd_gen_memfd("plain");
		KD_AUTO(kd_closep) int fd = kd_gen_memfd("flat");
		const struct kd_gen_diskdump_opts opts = { .codec = KD_GEN_MIXED };

		kd_gen_diskdump(g, plain, &opts);
		kd_gen_flatten(plain, fd, &variants[i]);
		KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd);
		assert_true(kd_vmcore_is_flattened(core));
		assert_int_equal(kd_vmcore_format(core), KD_VMCORE_DISKDUMP);
		assert_false(kd_vmcore_is_incomplete(core));
		assert_whole(core);
	}
}

static int collect(void *arg, const char *bytes, size_t len, struct kd_err *err)
{
	kd_buf_add(arg, bytes, len);
	return 0;
}

static void test_log_is_found_without_virtual_addresses(void **state)
{
	KD_AUTO(kd_gen_freep) struct kd_gen *g = kd_gen_new(62, PAGE);
	KD_AUTO(kd_gen_ring_freep) struct kd_gen_ring *r = kd_gen_ring_new(4, 10);
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("dump");
	KD_AUTO(kd_buf_fini) struct kd_buf text = { 0 };
	const struct kd_gen_diskdump_opts opts = { .codec = KD_GEN_ZSTD };
	struct kd_err err = { 0 };

	kd_gen_x86_kernel(g, "6.1.0-test", 2 * MIB, 40 * MIB);
	kd_gen_log(r, KD_GEN_FINALIZED, 5, "through page tables", 19);
	/* In the direct map, so that it takes more than a subtraction. */
	kd_gen_ring_store(g, r, 36 * MIB + PAGE - 100, KD_GEN_X86_DIRECT + 36 * MIB + PAGE - 100);
	kd_gen_diskdump(g, fd, &opts);
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd);
	if (kd_dmesg_write(core, collect, &text, NULL, &err))
		fail_msg("%s", err.msg);
	assert_string_equal(text.p, "[    0.000000] through page tables\n");
}

/* The address sanitizer, with which unit tests are built, counts what is allocated. */
size_t __sanitizer_get_current_allocated_bytes(void);

/* What --max-memory counts for a thread that reads such a file. */
static void test_window_takes_no_more_than_it_says(void **state)
{
	enum { BUFFER = 256 << 10 };

	for (int codec = KD_GEN_RAW; codec <= KD_GEN_MIXED; codec++) {
		KD_AUTO(kd_gen_freep) struct kd_gen *g = diskdump_machine();
		KD_AUTO(kd_closep) int fd = kd_gen_memfd("dump");
		const struct kd_gen_diskdump_opts opts = { .codec = (enum kd_gen_codec)codec };
		struct kd_err err = { 0 };
		const uint8_t *p;
		size_t n;

		kd_gen_diskdump(g, fd, &opts);
		KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd);
		size_t says = kd_vmcore_window_bytes(core, KD_ACCESS_AUTO, BUFFER);
		size_t before = __sanitizer_get_current_allocated_bytes();
		KD_AUTO(kd_vmcore_window_freep) struct kd_vmcore_window *w = NULL;
		assert_int_equal(kd_vmcore_window_new(core, KD_ACCESS_AUTO, 0, BUFFER, &w, &err),
				 0);
		for (uint64_t at = 4 * MIB; at < 4 * MIB + 300 * PAGE; at += n)
			assert_int_equal(kd_vmcore_map(w, at, 7 * PAGE, &p, &n, &err), 0);
		size_t took = __sanitizer_get_current_allocated_bytes() - before;
		assert_in_range(took, BUFFER + 1, says);
		/* What is counted for the codecs is for the one that takes most. */
		assert_true(codec != KD_GEN_MIXED || took > says / 2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_codec_reads_the_same),
		cmocka_unit_test(test_it_tells_what_it_holds),
		cmocka_unit_test(test_pages_left_out),
		cmocka_unit_test(test_windows_lend_many_pages_at_once),
		cmocka_unit_test(test_every_version),
		cmocka_unit_test(test_window_takes_no_more_than_it_says),
		cmocka_unit_test(test_64_kib_pages),
		cmocka_unit_test(test_flattened_diskdump),
		cmocka_unit_test(test_log_is_found_without_virtual_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
