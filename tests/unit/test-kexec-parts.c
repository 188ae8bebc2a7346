/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts an image for kexec_load(2) is made with, each alone. */
#include "lib/kexec/internal.h"
#include "lib/ondisk/elf.h"
#include "tests/unit/support-kexec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* ---- ranges ---- */

static void assert_ranges(const struct kd_kexec_ranges *list, const char *want)
{
	struct kd_buf text = { 0 };

	for (size_t i = 0; i < list->n; i++)
		kd_buf_printf(&text, "%s%jx-%jx", i ? " " : "", (uintmax_t)list->v[i].start,
			      (uintmax_t)list->v[i].end);
	assert_string_equal(text.p ? text.p : "", want);
	kd_buf_fini(&text);
}

static void test_excluding_shrinks_splits_and_drops(void **state)
{
	static const struct {
		uint64_t start, end;
		const char *want;
	} cases[] = {
		{ 0x0, 0xf, "100-1ff 300-3ff" },
		{ 0x200, 0x2ff, "100-1ff 300-3ff" },
		{ 0x0, 0x17f, "180-1ff 300-3ff" },
		{ 0x180, 0x37f, "100-17f 380-3ff" },
		{ 0x140, 0x17f, "100-13f 180-1ff 300-3ff" },
		{ 0x100, 0x1ff, "300-3ff" },
		{ 0x0, UINT64_MAX, "" },
		{ 0x1ff, 0x1ff, "100-1fe 300-3ff" },
		{ 0x300, 0x300, "100-1ff 301-3ff" },
		{ 0x320, UINT64_MAX, "100-1ff 300-31f" },
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		struct kd_kexec_ranges list = { 0 };
		assert_int_equal(kd_kexec_ranges_add(&list, 0x100, 0x1ff, 1, NULL), 0);
		assert_int_equal(kd_kexec_ranges_add(&list, 0x300, 0x3ff, 1, NULL), 0);
		assert_int_equal(kd_kexec_ranges_exclude(&list, cases[i].start, cases[i].end, NULL),
				 0);
		assert_ranges(&list, cases[i].want);
		kd_kexec_ranges_fini(&list);
	}
}

static void test_has_is_not_fooled_by_wrapping(void **state)
{
	struct kd_kexec_ranges list = { 0 };

	assert_int_equal(kd_kexec_ranges_add(&list, 0x100, 0x1ff, 1, NULL), 0);
	assert_true(kd_kexec_ranges_has(&list, 0x100, 0x1ff));
	assert_false(kd_kexec_ranges_has(&list, 0xff, 0x1ff));
	assert_false(kd_kexec_ranges_has(&list, 0x180, 0x10));
	kd_kexec_ranges_fini(&list);
}

/* ---- /proc/iomem ---- */

static void test_iomem_takes_what_is_a_resource(void **state)
{
	static const char text[] = "00001000-0009fbff : System RAM\n"
				   "nonsense\n"
				   "  00100000-001fffff : Kernel code\n"
				   "00200000-00100000 : backwards\n"
				   "00300000-0030ffff: no blank\n"
				   "12345678901234567-2 : too many digits\n"
				   "    fffffffffffffff0-ffffffffffffffff : deep";
	struct kd_cursor c = { .p = (const uint8_t *)text,
			       .end = (const uint8_t *)text + sizeof(text) - 1 };
	struct kd_iomem_resource r = { 0 };

	assert_int_equal(kd_iomem_next(&c, &r), 1);
	assert_int_equal(r.start, 0x1000);
	assert_int_equal(r.end, 0x9fbff);
	assert_int_equal(r.depth, 0);
	assert_true(kd_iomem_is(&r, "System RAM"));
	assert_false(kd_iomem_is(&r, "System"));
	assert_int_equal(kd_iomem_next(&c, &r), 1);
	assert_true(kd_iomem_is(&r, "Kernel code"));
	assert_int_equal(r.depth, 1);
	assert_int_equal(kd_iomem_next(&c, &r), 1);
	assert_true(kd_iomem_is(&r, "deep"));
	assert_true(r.end == UINT64_MAX);
	assert_int_equal(r.depth, 2);
	assert_int_equal(kd_iomem_next(&c, &r), 0);
}

/* ---- place ---- */

static void test_place_top_down_and_bottom_up(void **state)
{
	struct kd_kexec_ranges free_list = { 0 };
	struct kd_kexec_want want = { .name = "x",
				      .bytes = 0x1801,
				      .align = 0x1000,
				      .min = 0,
				      .max = UINT64_MAX,
				      .top_down = true };
	uint64_t at = 0;

	assert_int_equal(kd_kexec_ranges_add(&free_list, 0x10000, 0x1ffff, 1, NULL), 0);
	assert_int_equal(kd_kexec_place(&free_list, &want, &at, NULL), 0);
	assert_int_equal(at, 0x1e000);
	assert_ranges(&free_list, "10000-1dfff");
	want.top_down = false;
	want.align = 0x4000;
	want.min = 0x10001;
	assert_int_equal(kd_kexec_place(&free_list, &want, &at, NULL), 0);
	assert_int_equal(at, 0x14000);
	assert_ranges(&free_list, "10000-13fff 16000-1dfff");
	want.max = 0x17fff;
	want.bytes = 0x2000;
	want.min = 0;
	want.top_down = true;
	want.align = 0;
	assert_int_equal(kd_kexec_place(&free_list, &want, &at, NULL), 0);
	assert_int_equal(at, 0x16000);
	kd_kexec_ranges_fini(&free_list);
}

static void test_place_refuses_what_does_not_fit(void **state)
{
	static const struct kd_kexec_want wants[] = {
		{ "initrd", 0x10001, 1, 0, UINT64_MAX, true },
		{ "initrd", 0x10001, 1, 0, UINT64_MAX, false },
		{ "initrd", 0x1000, 0x20000, 0, UINT64_MAX, true },
		{ "initrd", 0x1000, 0x100000, 0x10001, UINT64_MAX, false },
		{ "initrd", 0x1000, 1, 0x20000, UINT64_MAX, false },
		{ "initrd", 0x1000, 1, 0, 0xffff, true },
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(wants); i++) {
		struct kd_kexec_ranges free_list = { 0 };
		struct kd_err err = { 0 };
		uint64_t at = 77;
		assert_int_equal(kd_kexec_ranges_add(&free_list, 0x10000, 0x1ffff, 1, NULL), 0);
		int rc = kd_kexec_place(&free_list, &wants[i], &at, &err);
		if (rc != -KD_NOSPACE)
			fail_msg("case %zu: %d, placed at 0x%jx", i, rc, (uintmax_t)at);
		assert_non_null(strstr(err.msg, "no room for the initrd: "));
		assert_int_equal(at, 77);
		kd_kexec_ranges_fini(&free_list);
	}
	struct kd_kexec_want none = { .name = "initrd", .bytes = UINT64_MAX, .max = UINT64_MAX };
	struct kd_kexec_ranges empty = { 0 };
	uint64_t at = 0;
	assert_int_equal(kd_kexec_place(&empty, &none, &at, NULL), -KD_BADDATA);
	none.bytes = 0;
	assert_int_equal(kd_kexec_place(&empty, &none, &at, NULL), -KD_BADDATA);
}

/* ---- kernel files ---- */

static int parse(uint8_t *file, size_t bytes, struct kd_kexec_kernel_file *k, struct kd_err *err)
{
	return kd_kexec_kernel_parse(file, bytes, "K", k, err);
}

static void test_bzimage_is_taken_apart(void **state)
{
	struct kd_kexec_kernel_file k = { 0 };
	struct kd_err err = { 0 };

	if (parse(make_bzimage(), KX_BZIMAGE_BYTES, &k, &err))
		fail_msg("%s", err.msg);
	assert_ptr_equal(k.payload, k.file + 0x400);
	assert_int_equal(k.payload_bytes, KX_BZIMAGE_BYTES - 0x400);
	assert_int_equal(k.mem_bytes, 24 << 20);
	assert_int_equal(k.align, 2 << 20);
	assert_int_equal(k.preferred, 16 << 20);
	assert_int_equal(k.entry, 0x200);
	assert_int_equal(k.cmdline_max, 2047);
	assert_int_equal(k.setup_bytes, 0x26c - 0x1f1);
	assert_true(k.max_paddr == UINT64_MAX && k.initrd_max == UINT64_MAX);
	kd_kexec_kernel_fini(&k);
}

/* One field changed each, and what is said of it. */
static void test_bzimage_refused_with_reason(void **state)
{
	static const struct {
		size_t at;
		uint64_t value;
		unsigned int bytes;
		int want;
		const char *text;
	} cases[] = {
		{ 0x1fe, 0, 2, -KD_BADDATA, "neither a bzImage nor an ELF vmlinux" },
		{ 0x202, 0, 4, -KD_BADDATA, "neither a bzImage nor an ELF vmlinux" },
		{ 0x206, 0x20b, 2, -KD_NOTSUP, "boot protocol 2.11; kexec_load needs" },
		{ 0x236, 2, 2, -KD_NOTSUP, "XLF_KERNEL_64 is not set" },
		{ 0x234, 0, 1, -KD_NOTSUP, "runs at one address only" },
		{ 0x1f1, 0x20, 1, -KD_BADDATA, "is cut short" },
		{ 0x230, 3 << 20, 4, -KD_BADDATA, "no power of two" },
		{ 0x230, 0, 4, -KD_BADDATA, "no power of two" },
		{ 0x260, 0xffffffff, 4, -KD_BADDATA, "says it needs" },
		{ 0x201, 0xff, 1, -KD_BADDATA, "set-up header ends" },
		{ 0x201, 0x10, 1, -KD_BADDATA, "set-up header ends" },
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		struct kd_kexec_kernel_file k = { 0 };
		struct kd_err err = { 0 };
		uint8_t *file = make_bzimage();
		put_number(file + cases[i].at, cases[i].value, cases[i].bytes);
		assert_int_equal(parse(file, KX_BZIMAGE_BYTES, &k, &err), cases[i].want);
		if (!strstr(err.msg, cases[i].text))
			fail_msg("case %zu: '%s' not in '%s'", i, cases[i].text, err.msg);
	}
}

static void test_bzimage_below_4g_keeps_below(void **state)
{
	struct kd_kexec_kernel_file k = { 0 };
	uint8_t *file = make_bzimage();

	put_number(file + 0x236, 1, 2);
	assert_int_equal(parse(file, KX_BZIMAGE_BYTES, &k, NULL), 0);
	assert_int_equal(k.max_paddr, UINT32_MAX);
	assert_int_equal(k.initrd_max, 0x7fffffff);
	kd_kexec_kernel_fini(&k);
}

static void test_vmlinux_becomes_one_piece(void **state)
{
	struct kd_kexec_kernel_file k = { 0 };
	struct kd_err err = { 0 };

	if (parse(make_vmlinux(), KX_VMLINUX_BYTES, &k, &err))
		fail_msg("%s", err.msg);
	assert_int_equal(k.payload_bytes, 0x200800);
	assert_int_equal(k.mem_bytes, 0x202000);
	assert_int_equal(k.entry, 0x40);
	assert_int_equal(k.preferred, 0x1000000);
	assert_int_equal(k.payload[0], 0x11);
	assert_int_equal(k.payload[0xfff], 0x11);
	assert_int_equal(k.payload[0x1000], 0);
	assert_int_equal(k.payload[0x200000], 0x22);
	assert_int_equal(k.payload[0x2007ff], 0x22);
	assert_null(k.setup);
	kd_kexec_kernel_fini(&k);
}

static void test_vmlinux_refused_with_reason(void **state)
{
	static const struct {
		size_t at;
		uint64_t value;
		unsigned int bytes;
		int want;
		const char *text;
	} cases[] = {
		{ 4, 1, 1, -KD_NOTSUP, "no program for x86_64" },
		{ 16, 4, 2, -KD_NOTSUP, "type 4" },
		{ 18, 183, 2, -KD_NOTSUP, "machine 183" },
		{ 56, 0, 2, -KD_BADDATA, "0 segments" },
		{ 56, 65, 2, -KD_BADDATA, "65 segments" },
		{ 54, 55, 2, -KD_BADDATA, "of 55 bytes" },
		{ 32, UINT64_MAX, 8, -KD_BADDATA, "" },
		{ 32, KX_VMLINUX_BYTES - 8, 8, -KD_BADDATA, "" },
		{ 24, 0x2000000, 8, -KD_NOTSUP, "its entry 0x2000000" },
		{ 24, 0xfff, 8, -KD_NOTSUP, "its entry 0xfff" },
		{ 64 + 8, KX_VMLINUX_BYTES, 8, -KD_BADDATA, "contradicts itself" },
		{ 64 + 24, UINT64_MAX, 8, -KD_BADDATA, "contradicts itself" },
		{ 64 + 40, 0x10, 8, -KD_BADDATA, "contradicts itself" },
		{ 64 + 24, 0x1000, 8, -KD_NOTSUP, "on 2 MiB" },
		{ 64 + 56 + 24, 0x80000000, 8, -KD_BADDATA, "span" },
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		struct kd_kexec_kernel_file k = { 0 };
		struct kd_err err = { 0 };
		uint8_t *file = make_vmlinux();
		put_number(file + cases[i].at, cases[i].value, cases[i].bytes);
		int rc = parse(file, KX_VMLINUX_BYTES, &k, &err);
		if (rc != cases[i].want || !strstr(err.msg, cases[i].text))
			fail_msg("case %zu: %d '%s'", i, rc, err.msg);
	}
}

/* ---- serial ---- */

static void test_console_of_a_command_line(void **state)
{
	static const struct {
		const char *cmdline;
		unsigned int port, divisor;
	} cases[] = {
		{ "root=/dev/vda console=tty0 console=ttyS0,115200n8 console=ttyS1", 0x3f8, 1 },
		{ "console=ttyS1", 0x2f8, 0 },
		{ "console=ttyS3,9600", 0x2e8, 12 },
		{ "console=uart8250,io,0x2f8,57600", 0x2f8, 2 },
		{ "console=uart,io,0x3f8", 0x3f8, 0 },
		{ "console=ttyS0,0", 0x3f8, 0 },
		{ "console=ttyS0,99999999999", 0x3f8, 0 },
		{ "console=ttyS4", 0, 0 },
		{ "console=ttyS", 0, 0 },
		{ "console=ttyS01", 0, 0 },
		{ "xconsole=ttyS0", 0, 0 },
		{ "console=uart8250,mmio,0x3f8", 0, 0 },
		{ "console=uart8250,io,0x12345", 0, 0 },
		{ "", 0, 0 },
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		struct kd_kexec_serial s = { 0 };
		bool found = kd_kexec_serial_of(cases[i].cmdline, &s);
		if (found != (cases[i].port != 0) || s.port != cases[i].port ||
		    s.divisor != cases[i].divisor)
			fail_msg("'%s': 0x%x, %u", cases[i].cmdline, s.port, s.divisor);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_excluding_shrinks_splits_and_drops),
		cmocka_unit_test(test_has_is_not_fooled_by_wrapping),
		cmocka_unit_test(test_iomem_takes_what_is_a_resource),
		cmocka_unit_test(test_place_top_down_and_bottom_up),
		cmocka_unit_test(test_place_refuses_what_does_not_fit),
		cmocka_unit_test(test_bzimage_is_taken_apart),
		cmocka_unit_test(test_bzimage_refused_with_reason),
		cmocka_unit_test(test_bzimage_below_4g_keeps_below),
		cmocka_unit_test(test_vmlinux_becomes_one_piece),
		cmocka_unit_test(test_vmlinux_refused_with_reason),
		cmocka_unit_test(test_console_of_a_command_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
