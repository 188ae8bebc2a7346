/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/vmcore on diskdump files; test-vmcore.c has ELF. */
#include "lib/ondisk/diskdump.h"
#include "lib/report/dmesg.h"
#include "lib/vmcore/vmcore.h"
#include "tests/gen/mkvmcore.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { MIB = 1 << 20, PAGE = 4096 };

static struct kd_vmcore *open_core(int fd)
{
	struct kd_vmcore *core = NULL;
	struct kd_err err = { 0 };

	if (kd_vmcore_open(fd, "dump", NULL, &core, &err))
		fail_msg("%s", err.msg);
	return core;
}

static struct kd_vmcore_window *window(struct kd_vmcore *core)
{
	struct kd_vmcore_window *w = NULL;
	struct kd_err err = { 0 };

	if (kd_vmcore_window_new(core, KD_ACCESS_AUTO, 0, 0, &w, &err))
		fail_msg("%s", err.msg);
	return w;
}

/* Every third page is zero; of the others each tells its address. */
static bool address_page(void *arg, uint64_t paddr, uint8_t *page, size_t len)
{
	if (paddr / len % 3 == 0)
		return false;
	for (size_t i = 0; i < len; i += 8) {
		uint64_t v = paddr + i;
		memcpy(page + i, &v, 8);
	}
	return true;
}

static uint64_t expected(uint64_t paddr, size_t page)
{
	return paddr / page % 3 ? paddr : 0;
}

/* 1 MiB at 0, a hole, and 300 pages from 4 MiB - so that bitmaps do not end on bytes' edges. */
static struct kd_gen *machine(void)
{
	struct kd_gen *g = kd_gen_new(62, PAGE);

	kd_gen_info_base(g, "6.1.0-test", 1700000000);
	kd_gen_note(g, "CORE", 1, "registers", 9);
	kd_gen_ram(g, 0, MIB);
	kd_gen_ram(g, 4 * MIB, 300 * PAGE);
	kd_gen_fill(g, 0, 64 * MIB, address_page, NULL);
	return g;
}

static void assert_address_at(struct kd_vmcore *core, uint64_t paddr)
{
	struct kd_err err = { 0 };
	uint64_t v = 0;

	if (kd_vmcore_read(core, paddr, &v, sizeof(v), &err))
		fail_msg("%s", err.msg);
	assert_int_equal(v, expected(paddr, kd_vmcore_page_size(core)));
}

static void assert_no_read(struct kd_vmcore *core, uint64_t paddr, const char *why)
{
	struct kd_err err = { 0 };
	uint64_t v;

	assert_int_equal(kd_vmcore_read(core, paddr, &v, sizeof(v), &err), -KD_BADDATA);
	if (!strstr(err.msg, why))
		fail_msg("\"%s\" does not say \"%s\"", err.msg, why);
}

static void assert_whole(struct kd_vmcore *core)
{
	for (uint64_t at = 0; at < MIB; at += PAGE)
		assert_address_at(core, at + 8 * (at / PAGE % 512));
	for (uint64_t at = 4 * MIB; at < 4 * MIB + 300 * PAGE; at += PAGE)
		assert_address_at(core, at + 4088);
}

static void test_every_codec_reads_the_same(void **state)
{
	for (int codec = KD_GEN_RAW; codec <= KD_GEN_MIXED; codec++) {
		KD_AUTO(kd_gen_freep) struct kd_gen *g = machine();
		KD_AUTO(kd_closep) int fd = kd_gen_memfd("dump");
		const struct kd_gen_diskdump_opts opts = { .codec = (enum kd_gen_codec)codec };

		kd_gen_diskdump(g, fd, &opts);
		KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd);
		assert_false(kd_vmcore_is_incomplete(core));
		assert_whole(core);
		assert_no_read(core, MIB, "dump: there is no memory at physical 0x100000");
		assert_no_read(core, 4 * MIB + 300 * PAGE, "there is no memory");
		assert_no_read(core, UINT64_MAX - 7, "there is no memory");
	}
}

static void test_it_tells_what_it_holds(void **state)
{
	KD_AUTO(kd_gen_freep) struct kd_gen *g = machine();
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

static bool seventh(void *arg, uint64_t pfn)
{
	return pfn % 7 == 0 || (pfn > 1100 && pfn < 1200);
}

static void test_pages_left_out(void **state)
{
	bool (*const excludes[])(void *arg, uint64_t pfn) = { odd, seventh };

	for (size_t i = 0; i < KD_ARRAY_LEN(excludes); i++) {
		KD_AUTO(kd_gen_freep) struct kd_gen *g = machine();
		KD_AUTO(kd_closep) int fd = kd_gen_memfd("dump");
		const struct kd_gen_diskdump_opts opts = { .codec = KD_GEN_LZO,
							   .exclude = excludes[i] };
		struct kd_err err;
		uint64_t run;

		kd_gen_diskdump(g, fd, &opts);
		KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd);
		struct kd_vmcore_window *w = window(core);
		uint64_t max = kd_vmcore_max_pfn(core);
		for (uint64_t pfn = 0; pfn < max; pfn += run) {
			int got = kd_vmcore_page_run(w, pfn, &run, &err);
			for (uint64_t k = pfn; k < pfn + run; k++) {
				int want = excludes[i](NULL, k) ? KD_PAGE_EXCLUDED : KD_PAGE_STORED;
				if (k >= 256 && k < 1024)
					want = KD_PAGE_NONE;
				assert_int_equal(got, want);
				if (want == KD_PAGE_STORED)
					assert_address_at(core, k * PAGE + 64);
				else if (want == KD_PAGE_EXCLUDED)
					assert_no_read(core, k * PAGE, "was left out when");
			}
		}
		assert_int_equal(kd_vmcore_page_run(w, max, &run, &err), KD_PAGE_NONE);
		kd_vmcore_window_free(w);
	}
}

/* A window of several pages that ends where a page is missing. */
static void test_windows_lend_many_pages_at_once(void **state)
{
	KD_AUTO(kd_gen_freep) struct kd_gen *g = machine();
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("dump");
	const struct kd_gen_diskdump_opts opts = { .codec = KD_GEN_MIXED, .exclude = seventh };
	struct kd_err err;
	const uint8_t *p;
	size_t n;

	kd_gen_diskdump(g, fd, &opts);
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd);
	struct kd_vmcore_window *w = window(core);
	assert_int_equal(kd_vmcore_map(w, PAGE + 16, MIB, &p, &n, &err), 0);
	assert_int_equal(n, 6 * PAGE - 16); /* pages 1 to 6 */
	for (size_t i = 0; i + 8 <= n; i += 8) {
		uint64_t v;
		memcpy(&v, p + i, 8);
		assert_int_equal(v, expected(PAGE + 16 + i, PAGE));
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
		KD_AUTO(kd_gen_freep) struct kd_gen *g = machine();
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
	kd_gen_fill(g, 0, 64 * MIB, address_page, NULL);
	kd_gen_diskdump(g, fd, &opts);
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd);
	assert_int_equal(kd_vmcore_page_size(core), 65536);
	assert_int_equal(kd_vmcore_machine(core), KD_MACHINE_ARM64);
	for (uint64_t at = 0; at < 10 * MIB; at += 65536)
		assert_address_at(core, at + 65528);
}

/* ---- incomplete ---- */

static void test_descriptors_that_were_never_written(void **state)
{
	KD_AUTO(kd_gen_freep) struct kd_gen *g = machine();
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("dump");
	const struct kd_gen_diskdump_opts opts = { .codec = KD_GEN_ZLIB, .stop_after = 300 };
	struct kd_err err;
	uint64_t run;

	kd_gen_diskdump(g, fd, &opts);
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd);
	assert_true(kd_vmcore_is_incomplete(core));
	assert_address_at(core, 4 * MIB + 43 * PAGE);
	assert_no_read(core, 4 * MIB + 44 * PAGE, "never written: the dump is incomplete");
	struct kd_vmcore_window *w = window(core);
	assert_int_equal(kd_vmcore_page_run(w, 1024, &run, &err), KD_PAGE_STORED);
	assert_int_equal(run, 44);
	assert_int_equal(kd_vmcore_page_run(w, 1068, &run, &err), KD_PAGE_LOST);
	assert_int_equal(run, 256);
	kd_vmcore_window_free(w);
}

static void test_file_cut_in_its_data_or_descriptors(void **state)
{
	/* headers and bitmaps take 4 blocks, the descriptors of 556 pages 4 more */
	static const uint64_t cuts[] = { 100000, 4 * PAGE + 1000, 4 * PAGE + 10 };

	for (size_t i = 0; i < KD_ARRAY_LEN(cuts); i++) {
		KD_AUTO(kd_gen_freep) struct kd_gen *g = machine();
		KD_AUTO(kd_closep) int fd = kd_gen_memfd("dump");
		const struct kd_gen_diskdump_opts opts = { .codec = KD_GEN_ZLIB,
							   .truncate = cuts[i] };
		uint64_t stored = 0, lost = 0, run;
		struct kd_err err;

		kd_gen_diskdump(g, fd, &opts);
		KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd);
		assert_true(kd_vmcore_is_incomplete(core));
		struct kd_vmcore_window *w = window(core);
		for (uint64_t pfn = 0; pfn < kd_vmcore_max_pfn(core); pfn += run) {
			int got = kd_vmcore_page_run(w, pfn, &run, &err);
			stored += got == KD_PAGE_STORED ? run : 0;
			lost += got == KD_PAGE_LOST ? run : 0;
			for (uint64_t k = pfn; got == KD_PAGE_STORED && k < pfn + run; k++)
				assert_address_at(core, k * PAGE + 8);
		}
		kd_vmcore_window_free(w);
		assert_int_equal(stored + lost, 556);
		assert_true(lost > 0);
		assert_int_equal(stored > 0, cuts[i] == 100000);
	}
}

static void test_file_cut_before_its_bitmaps_end(void **state)
{
	KD_AUTO(kd_gen_freep) struct kd_gen *g = machine();
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("dump");
	const struct kd_gen_diskdump_opts opts = { .truncate = 2 * PAGE + 100 };
	struct kd_vmcore *core = NULL;
	struct kd_err err;

	kd_gen_diskdump(g, fd, &opts);
	assert_int_equal(kd_vmcore_open(fd, "dump", NULL, &core, &err), -KD_BADDATA);
	assert_string_equal(err.msg,
			    "dump ends at 0x2064, before its bitmaps do: nothing can be read");
}

static void test_status_bit_alone_says_incomplete(void **state)
{
	KD_AUTO(kd_gen_freep) struct kd_gen *g = machine();
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("dump");
	const struct kd_gen_diskdump_opts opts = { .status = KD_DISKDUMP_INCOMPLETE };

	kd_gen_diskdump(g, fd, &opts);
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd);
	assert_true(kd_vmcore_is_incomplete(core));
	assert_whole(core);
}

/* ---- split sets ---- */

static void make_part(int fd, uint64_t start, uint64_t end)
{
	KD_AUTO(kd_gen_freep) struct kd_gen *g = machine();
	const struct kd_gen_diskdump_opts opts = { .codec = KD_GEN_MIXED,
						   .exclude = seventh,
						   .split = true,
						   .start_pfn = start,
						   .end_pfn = end };

	kd_gen_diskdump(g, fd, &opts);
}

static void test_split_set_in_any_order(void **state)
{
	/* One border is in the middle of a 64-frame word: readers must not count in words. */
	static const uint64_t borders[] = { 0, 128, 1025, 1324 };
	static const char *const names[] = { "a", "b", "c" };
	int fds[3], shuffled[3];
	struct kd_vmcore *core = NULL;
	struct kd_err err;

	for (int i = 0; i < 3; i++) {
		fds[i] = kd_gen_memfd("part");
		make_part(fds[i], borders[i], borders[i + 1]);
		shuffled[(i + 1) % 3] = fds[i];
	}
	assert_int_equal(kd_vmcore_open_set(shuffled, names, 3, NULL, &core, &err), 0);
	assert_false(kd_vmcore_is_incomplete(core));
	assert_int_equal(kd_vmcore_diskdump(core)->start_pfn, 0);
	assert_int_equal(kd_vmcore_diskdump(core)->end_pfn, 1324);
	for (uint64_t pfn = 0; pfn < 1324; pfn++) {
		if (seventh(NULL, pfn))
			continue;
		if (pfn < 256 || pfn >= 1024)
			assert_address_at(core, pfn * PAGE + 8);
	}
	kd_vmcore_close(core);

	/* Without the middle one. */
	int two[] = { fds[2], fds[0] };
	assert_int_equal(kd_vmcore_open_set(two, names, 2, NULL, &core, &err), 0);
	assert_true(kd_vmcore_is_incomplete(core));
	assert_address_at(core, 127 * PAGE);
	assert_no_read(core, 128 * PAGE, "never written: the dump is incomplete");
	assert_address_at(core, 1025 * PAGE);
	kd_vmcore_close(core);

	/* One alone. */
	assert_int_equal(kd_vmcore_open(fds[1], "b", NULL, &core, &err), 0);
	assert_true(kd_vmcore_is_incomplete(core));
	assert_int_equal(kd_vmcore_diskdump(core)->start_pfn, 128);
	assert_address_at(core, 200 * PAGE);
	kd_vmcore_close(core);

	/* The same one twice. */
	int twice[] = { fds[0], fds[0] };
	assert_int_equal(kd_vmcore_open_set(twice, names, 2, NULL, &core, &err), -KD_BADDATA);
	assert_string_equal(err.msg, "a and b hold the same pages");
	for (int i = 0; i < 3; i++)
		close(fds[i]);
}

static void test_sets_that_do_not_fit(void **state)
{
	KD_AUTO(kd_gen_freep) struct kd_gen *g = machine();
	KD_AUTO(kd_closep) int whole = kd_gen_memfd("whole");
	KD_AUTO(kd_closep) int part = kd_gen_memfd("part");
	KD_AUTO(kd_closep) int other = kd_gen_memfd("other");
	KD_AUTO(kd_closep) int elf = kd_gen_memfd("elf");
	static const char *const names[] = { "a", "b" };
	struct kd_vmcore *core = NULL;
	struct kd_err err;

	kd_gen_diskdump(g, whole, NULL);
	kd_gen_elf(g, elf, NULL);
	make_part(part, 0, 128);
	make_part(other, 128, 256);
	assert_int_equal(pwrite(other, "\x01", 1, 408), 1); /* another second */

	int with_whole[] = { part, whole };
	assert_int_equal(kd_vmcore_open_set(with_whole, names, 2, NULL, &core, &err), -KD_BADDATA);
	assert_non_null(strstr(err.msg, "is a whole dump, not a part of one"));
	int with_other[] = { part, other };
	assert_int_equal(kd_vmcore_open_set(with_other, names, 2, NULL, &core, &err), -KD_BADDATA);
	assert_string_equal(err.msg, "a and b are parts of different dumps");
	int with_elf[] = { part, elf };
	assert_int_equal(kd_vmcore_open_set(with_elf, names, 2, NULL, &core, &err), -KD_NOTSUP);
	int elf_first[] = { elf, part };
	assert_int_equal(kd_vmcore_open_set(elf_first, names, 2, NULL, &core, &err), -KD_USAGE);
	assert_string_equal(err.msg, "a is an ELF file: only diskdump files come as a set of 2");
}

/* ---- damage ---- */

static uint64_t desc_offset(uint64_t index)
{
	return 4 * PAGE + index * KD_DISKDUMP_DESC_BYTES;
}

static void test_damaged_page_costs_only_itself(void **state)
{
	static const struct {
		struct kd_diskdump_desc desc;
		const char *says;
	} breaks[] = {
		{ { 40000, 0, 0 }, "page frame 7 takes 0 bytes, which cannot be" },
		{ { 40000, 4097, 0 }, "page frame 7 takes 4097 bytes, which cannot be" },
		{ { 40000, 100, 3 }, "page frame 7 is compressed in an unknown way (0x3)" },
		{ { 40000, 100, 0 }, "100 bytes of none are corrupt" },
		{ { 40000, 100, KD_DISKDUMP_ZLIB }, "page frame 7: 100 bytes of zlib are corrupt" },
		{ { 40000, 100, KD_DISKDUMP_SNAPPY }, "100 bytes of snappy are corrupt" },
		{ { 40000, 100, KD_DISKDUMP_LZO }, "100 bytes of lzo are corrupt" },
		{ { 40000, 100, KD_DISKDUMP_ZSTD }, "100 bytes of zstd are corrupt" },
		{ { UINT64_MAX, 100, 0 }, "never written" },
		{ { 1ULL << 40, 100, 0 }, "never written" },
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(breaks); i++) {
		KD_AUTO(kd_gen_freep) struct kd_gen *g = machine();
		KD_AUTO(kd_closep) int fd = kd_gen_memfd("dump");
		uint8_t bytes[KD_DISKDUMP_DESC_BYTES];

		kd_gen_diskdump(g, fd, NULL);
		kd_diskdump_encode_desc(bytes, &breaks[i].desc);
		assert_int_equal(pwrite(fd, bytes, sizeof(bytes), (off_t)desc_offset(7)),
				 sizeof(bytes));
		KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd);
		assert_no_read(core, 7 * PAGE, breaks[i].says);
		assert_no_read(core, 7 * PAGE, "dump: p");
		assert_address_at(core, 5 * PAGE);
		assert_address_at(core, 8 * PAGE);
	}
}

static void test_headers_that_contradict_themselves(void **state)
{
	static const struct {
		size_t at;
		uint64_t value;
		unsigned int bytes;
		enum kd_code code;
		const char *says;
	} breaks[] = {
		{ 8, 9, 4, KD_NOTSUP, "diskdump version 9" },
		{ 428, 0, 4, KD_BADDATA, "block size 0" },
		{ 432, UINT32_MAX, 4, KD_BADDATA, "before its bitmaps do" },
		{ 436, UINT32_MAX, 4, KD_BADDATA, "before its bitmaps do" },
		{ 436, 0, 4, KD_BADDATA, "0 blocks of bitmaps are too few for 1324 page frames" },
		{ PAGE + 96, 0, 8, KD_BADDATA, "0 page frames cannot be" },
		{ PAGE + 96, UINT64_MAX, 8, KD_BADDATA, "page frames cannot be" },
		{ PAGE + 96, 65537, 8, KD_BADDATA, "too few" },
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(breaks); i++) {
		KD_AUTO(kd_gen_freep) struct kd_gen *g = machine();
		KD_AUTO(kd_closep) int fd = kd_gen_memfd("dump");
		struct kd_vmcore *core = NULL;
		struct kd_err err = { 0 };

		kd_gen_diskdump(g, fd, NULL);
		assert_int_equal(pwrite(fd, &breaks[i].value, breaks[i].bytes, (off_t)breaks[i].at),
				 breaks[i].bytes);
		assert_int_equal(kd_vmcore_open(fd, "dump", NULL, &core, &err),
				 -(int)breaks[i].code);
		if (!strstr(err.msg, breaks[i].says) || !strstr(err.msg, "dump"))
			fail_msg("case %zu: \"%s\"", i, err.msg);
	}
}

/* 2^36 frames, and bitmaps of 64 GiB each that are holes: opened in no time, with what is there. */
static void test_bitmaps_that_are_mostly_holes(void **state)
{
	const struct kd_diskdump_header header = { .block_size = PAGE,
						   .machine = "x86_64",
						   .sub_hdr_size = 1,
						   .bitmap_blocks = 2u << 24,
						   .nr_cpus = 1 };
	const struct kd_diskdump_sub_header sub = { .max_mapnr = 1ULL << 36 };
	const uint64_t half = (uint64_t)PAGE << 24, pfn = (1ULL << 36) - 70000;
	const uint64_t descs = 2 * PAGE + 2 * half;
	const struct kd_diskdump_desc desc = { .offset = descs + PAGE, .size = PAGE };
	uint8_t head[KD_DISKDUMP_HEADER_BYTES], subh[KD_DISKDUMP_SUB_HEADER_BYTES];
	uint8_t d[KD_DISKDUMP_DESC_BYTES], page[PAGE] = "found";
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("sparse");
	const uint8_t bit = (uint8_t)(1u << pfn % 8);
	char text[6] = "";
	struct kd_err err;

	kd_diskdump_encode_header(head, &header);
	kd_diskdump_encode_sub_header(subh, &sub);
	kd_diskdump_encode_desc(d, &desc);
	assert_int_equal(pwrite(fd, head, sizeof(head), 0), sizeof(head));
	assert_int_equal(pwrite(fd, subh, sizeof(subh), PAGE), sizeof(subh));
	assert_int_equal(pwrite(fd, &bit, 1, (off_t)(2 * PAGE + pfn / 8)), 1);
	assert_int_equal(pwrite(fd, &bit, 1, (off_t)(2 * PAGE + half + pfn / 8)), 1);
	assert_int_equal(pwrite(fd, d, sizeof(d), (off_t)descs), sizeof(d));
	assert_int_equal(pwrite(fd, page, sizeof(page), (off_t)desc.offset), sizeof(page));

	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd);
	size_t n;
	assert_int_equal(kd_vmcore_segments(core, &n)[0].paddr, pfn * PAGE);
	assert_int_equal(n, 1);
	assert_int_equal(kd_vmcore_max_pfn(core), pfn + 1);
	assert_int_equal(kd_vmcore_diskdump(core)->stored_pages, 1);
	assert_int_equal(kd_vmcore_read(core, pfn * PAGE, text, 5, &err), 0);
	assert_string_equal(text, "found");
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
		KD_AUTO(kd_gen_freep) struct kd_gen *g = machine();
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_codec_reads_the_same),
		cmocka_unit_test(test_it_tells_what_it_holds),
		cmocka_unit_test(test_pages_left_out),
		cmocka_unit_test(test_windows_lend_many_pages_at_once),
		cmocka_unit_test(test_every_version),
		cmocka_unit_test(test_64_kib_pages),
		cmocka_unit_test(test_descriptors_that_were_never_written),
		cmocka_unit_test(test_file_cut_in_its_data_or_descriptors),
		cmocka_unit_test(test_file_cut_before_its_bitmaps_end),
		cmocka_unit_test(test_status_bit_alone_says_incomplete),
		cmocka_unit_test(test_split_set_in_any_order),
		cmocka_unit_test(test_sets_that_do_not_fit),
		cmocka_unit_test(test_damaged_page_costs_only_itself),
		cmocka_unit_test(test_headers_that_contradict_themselves),
		cmocka_unit_test(test_bitmaps_that_are_mostly_holes),
		cmocka_unit_test(test_flattened_diskdump),
		cmocka_unit_test(test_log_is_found_without_virtual_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
