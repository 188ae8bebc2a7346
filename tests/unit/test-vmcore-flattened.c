/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/vmcore on flattened files. */
#include "lib/ondisk/flattened.h"
#include "tests/gen/mkvmcore.h"
#include "tests/unit/support-vmcore.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void test_flattened_elf_reads_as_the_original(void **state)
{
	const struct kd_gen_flatten_opts variants[] = {
		{ 0 },
		{ .chunk_bytes = 1000 },
		{ .chunk_bytes = 5000, .backwards = true },
		{ .chunk_bytes = 70000, .repeat_first = true },
	};
	KD_AUTO(kd_gen_freep) struct kd_gen *g = kd_gen_new(62, PAGE);
	KD_AUTO(kd_closep) int plain = kd_gen_memfd("plain");

	kd_gen_info_base(g, "6.1.0-test", 1);
	kd_gen_ram(g, 0, MIB);
	kd_gen_fill(g, MIB / 2, MIB / 4, address_page, NULL);
	kd_gen_elf(g, plain, NULL);
	for (size_t i = 0; i < KD_ARRAY_LEN(variants); i++) {
		KD_AUTO(kd_closep) int fd = kd_gen_memfd("flat");
		KD_AUTO(kd_vmcore_window_freep) struct kd_vmcore_window *w = NULL;
		struct kd_err err;
		const uint8_t *p;
		size_t n;
		uint64_t v;

		kd_gen_flatten(plain, fd, &variants[i]);
		KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd);
		assert_true(kd_vmcore_is_flattened(core));
		assert_false(kd_vmcore_is_incomplete(core));
		assert_string_equal(kd_vmcore_osrelease(core), "6.1.0-test");
		for (uint64_t at = MIB / 2; at < MIB / 2 + MIB / 4; at += 4096)
			assert_address_at(core, at);
		assert_int_equal(kd_vmcore_read(core, 0x1000, &v, 8, &err), 0);
		assert_int_equal(v, 0); /* a hole */

		/* A flattened file cannot be mapped, whatever is asked for. */
		assert_int_equal(kd_vmcore_window_new(core, KD_ACCESS_MAP, MIB, MIB, &w, &err), 0);
		assert_int_equal(kd_vmcore_map(w, MIB / 2, 2 * MIB, &p, &n, &err), 0);
		assert_int_equal(n, MIB / 2);
		memcpy(&v, p + 8, 8);
		assert_int_equal(v, MIB / 2 + 8);
		kd_vmcore_window_free(KD_STEAL(w));
	}
}

static void test_flattened_file_cut_short(void **state)
{
	KD_AUTO(kd_gen_freep) struct kd_gen *g = kd_gen_new(62, PAGE);
	KD_AUTO(kd_closep) int plain = kd_gen_memfd("plain");
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("flat");
	struct logged l = { 0 };
	const struct kd_log log = { .emit = keep_log, .arg = &l };

	kd_gen_ram(g, 0, MIB);
	kd_gen_fill(g, 0, MIB, address_page, NULL);
	kd_gen_elf(g, plain, NULL);
	kd_gen_flatten(plain, fd, NULL);
	assert_int_equal(ftruncate(fd, MIB / 2), 0);

	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core_logged(fd, &log);
	assert_true(kd_vmcore_is_incomplete(core));
	assert_int_equal(l.n, 1);
	assert_string_equal(l.text,
			    "dump: flattened file without its end marker: it was cut short");
	assert_address_at(core, MIB / 4);
	assert_no_read(core, MIB - PAGE, 8, "never written");
}

static void test_flattened_file_with_nothing_in_it(void **state)
{
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("flat");
	uint8_t bytes[KD_FLATTENED_HEADER_BYTES];
	struct kd_vmcore *core = NULL;
	struct kd_err err;

	kd_flattened_encode_header(bytes);
	assert_int_equal(pwrite(fd, bytes, sizeof(bytes), 0), sizeof(bytes));
	kd_flattened_encode_end(bytes);
	assert_int_equal(pwrite(fd, bytes, KD_FLATTENED_CHUNK_BYTES, sizeof(bytes)),
			 KD_FLATTENED_CHUNK_BYTES);
	assert_int_equal(kd_vmcore_open(fd, "flat", NULL, &core, &err), -KD_NOTSUP);
	assert_string_equal(err.msg,
			    "flat is no dump of a kind known here (ELF, diskdump, flattened)");
}

static void test_flattened_chunk_that_cannot_be(void **state)
{
	KD_AUTO(kd_gen_freep) struct kd_gen *g = kd_gen_new(62, PAGE);
	KD_AUTO(kd_closep) int plain = kd_gen_memfd("plain");
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("flat");
	struct kd_vmcore *core = NULL;
	struct kd_err err;

	kd_gen_ram(g, 0, MIB);
	kd_gen_elf(g, plain, NULL);
	kd_gen_flatten(plain, fd, NULL);
	assert_int_equal(pwrite(fd, "\xff", 1, 4096), 1);
	assert_int_equal(kd_vmcore_open(fd, "flat", NULL, &core, &err), -KD_BADDATA);
	assert_non_null(strstr(err.msg, "flat at 0x1000: flattened chunk of"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flattened_elf_reads_as_the_original),
		cmocka_unit_test(test_flattened_file_cut_short),
		cmocka_unit_test(test_flattened_file_with_nothing_in_it),
		cmocka_unit_test(test_flattened_chunk_that_cannot_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
