/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Diskdump files that contradict themselves, and one that is nearly all holes. */
#include "lib/ondisk/diskdump.h"
#include "tests/unit/support-diskdump.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

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
		KD_AUTO(kd_gen_freep) struct kd_gen *g = diskdump_machine();
		KD_AUTO(kd_closep) int fd = kd_gen_memfd("dump");
		uint8_t bytes[KD_DISKDUMP_DESC_BYTES];

		kd_gen_diskdump(g, fd, NULL);
		kd_diskdump_encode_desc(bytes, &breaks[i].desc);
		assert_int_equal(pwrite(fd, bytes, sizeof(bytes), (off_t)desc_offset(7)),
				 sizeof(bytes));
		KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd);
		assert_no_read(core, 7 * PAGE, 8, breaks[i].says);
		assert_no_read(core, 7 * PAGE, 8, "dump: p");
		assert_expected_at(core, 5 * PAGE);
		assert_expected_at(core, 8 * PAGE);
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
		KD_AUTO(kd_gen_freep) struct kd_gen *g = diskdump_machine();
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_damaged_page_costs_only_itself),
		cmocka_unit_test(test_headers_that_contradict_themselves),
		cmocka_unit_test(test_bitmaps_that_are_mostly_holes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
