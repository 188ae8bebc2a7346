/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whole images for kexec_load(2): where each part lies, and what the boot parameters tell. */
#include "tests/unit/support-kexec-image.h"
#include "tests/unit/support-kexec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* The rules of every list: whole pages, rising, apart, inside @first..@last. */
static void check_list(const struct kexec_machine *m, uint64_t first, uint64_t last)
{
	uint64_t end = first;

	for (size_t i = 0; i < m->image.segment_count; i++) {
		const struct kd_kexec_segment *s = &m->image.segments[i];
		assert_int_equal(s->mem % 4096, 0);
		assert_int_equal(s->mem_bytes % 4096, 0);
		assert_true(s->buf_bytes <= s->mem_bytes);
		assert_true(s->mem >= end);
		end = s->mem + s->mem_bytes;
	}
	assert_true(end - 1 <= last);
}

static void test_crash_image_lies_in_the_reservation(void **state)
{
	struct kexec_machine m;

	kexec_machine_init(&m);
	prepare_image(&m);
	check_list(&m, 0x30000000, 0x33ffffff);
	assert_int_equal(m.image.segment_count, 5);
	assert_int_equal(segment_named(&m, "kernel")->mem, 0x30000000);
	assert_int_equal(segment_named(&m, "kernel")->mem_bytes, 24 << 20);
	assert_int_equal(m.image.kernel_entry, 0x30000200);
	assert_int_equal(m.image.entry, segment_named(&m, "purgatory")->mem);
	assert_int_equal(segment_named(&m, "elfcorehdr")->mem, 0x33fff000);
	assert_string_equal(m.image.cmdline, "elfcorehdr=0x33fff000 console=ttyS0,115200 quiet");
	assert_int_equal(m.image.serial.port, 0x3f8);
	assert_false(m.image.has_backup);
	assert_false(m.image.hotplug);
	kexec_machine_fini(&m);
}

static void test_boot_parameters_tell_what_is_where(void **state)
{
	struct kexec_machine m;

	kexec_machine_init(&m);
	prepare_image(&m);
	const struct kd_kexec_segment *b = segment_named(&m, "boot-params");
	const struct kd_kexec_segment *i = segment_named(&m, "initrd");
	assert_int_equal(number_at(b, 0x1fe, 2), 0xaa55);
	assert_int_equal(number_at(b, 0x206, 2), 0x20f);
	assert_int_equal(number_at(b, 0x210, 1), 0xd0);
	assert_int_equal(number_at(b, 0x218, 4), i->mem);
	assert_int_equal(number_at(b, 0x21c, 4), 0x5001);
	assert_int_equal(number_at(b, 0x228, 4), b->mem + 4096);
	assert_string_equal((const char *)b->buf + 4096, m.image.cmdline);
	assert_int_equal(number_at(b, 0, 4), 0x77777777);
	assert_int_equal(number_at(b, 0x70, 8), 0x7fe0014);
	assert_int_equal(number_at(b, 0x250, 8), 0);
	/* beyond the header of the file nothing is copied: there begins the sentinel's page */
	assert_int_equal(number_at(b, 0x1ef, 1), 0);
	kexec_machine_fini(&m);
}

static void test_crash_memory_map(void **state)
{
	static const struct {
		uint64_t start, bytes;
		uint32_t type;
	} want[] = {
		{ 0, 0x1000, 2 },
		{ 0x1000, 0x9ec00, 1 },
		{ 0x9fc00, 0x400, 2 },
		{ 0x30000000, 0x3fff000, 1 }, /* less the ELF core header */
		{ 0x3fffd000, 0x2000, 3 },
		{ 0x3ffff000, 0x1000, 4 },
		{ 0xb0000000, 0x10000000, 2 },
	};
	struct kexec_machine m;

	kexec_machine_init(&m);
	prepare_image(&m);
	const struct kd_kexec_segment *b = segment_named(&m, "boot-params");
	assert_int_equal(number_at(b, 0x1e8, 1), KD_ARRAY_LEN(want));
	for (size_t i = 0; i < KD_ARRAY_LEN(want); i++) {
		assert_int_equal(number_at(b, 0x2d0 + 20 * i, 8), want[i].start);
		assert_int_equal(number_at(b, 0x2d0 + 20 * i + 8, 8), want[i].bytes);
		assert_int_equal(number_at(b, 0x2d0 + 20 * i + 16, 4), want[i].type);
	}
	kexec_machine_fini(&m);
}

static void test_vmlinux_is_moved_as_a_whole(void **state)
{
	struct kexec_machine m;

	kexec_machine_init(&m);
	close(m.req.kernel_fd);
	m.req.kernel_fd = file_of(make_vmlinux(), KX_VMLINUX_BYTES);
	prepare_image(&m);
	check_list(&m, 0x30000000, 0x33ffffff);
	assert_int_equal(segment_named(&m, "kernel")->mem, 0x30000000);
	assert_int_equal(m.image.kernel_entry, 0x30000040);
	assert_int_equal(number_at(segment_named(&m, "boot-params"), 0x202, 4), 0x53726448);
	kexec_machine_fini(&m);
}

static void test_regular_image_goes_by_the_firmware(void **state)
{
	static const char *const map[][3] = {
		{ "0x0", "0x9fbff", "System RAM" },
		{ "0x100000", "0x3fffcfff", "System RAM" },
		{ "0x3fffd000", "0x3fffefff", "ACPI Tables" },
		{ "0x100000000", "0x13fffffff", "System RAM" },
	};
	static const char *const files[] = { "start", "end", "type" };
	struct kexec_machine m;

	kexec_machine_init(&m);
	for (size_t i = 0; i < KD_ARRAY_LEN(map); i++)
		for (size_t j = 0; j < 3; j++) {
			char path[64];
			snprintf(path, sizeof(path), "/sys/firmware/memmap/%zu/%s", i, files[j]);
			tree_file(&m.tree, path, "%s\n", map[i][j]);
		}
	m.req.regular = true;
	prepare_image(&m);
	check_list(&m, 0x100000, 0x13fffffff);
	assert_int_equal(m.image.segment_count, 4);
	assert_int_equal(segment_named(&m, "kernel")->mem, 16 << 20);
	for (size_t i = 0; i < m.image.segment_count; i++)
		assert_true(m.image.segments[i].mem + m.image.segments[i].mem_bytes <= 0x30000000 ||
			    m.image.segments[i].mem >= 0x34000000);
	assert_string_equal(m.image.cmdline, m.req.cmdline);
	assert_int_equal(m.image.memmap_count, KD_ARRAY_LEN(map));
	assert_int_equal(m.image.memmap[0].start, 0);
	assert_int_equal(m.image.memmap[2].type, 3);
	assert_int_equal(kd_kexec_load_image(&m.ops, &m.image, &m.facts, &m.err), 0);
	assert_int_equal(m.kernel.flags, 0);
	kexec_machine_fini(&m);
}

/* More ranges than the page holds go into setup_data. */
static void test_long_memory_map_is_continued(void **state)
{
	struct kd_buf iomem = { 0 };
	struct kexec_machine m;

	kexec_machine_init(&m);
	kd_buf_puts(&iomem, "00001000-0009fbff : System RAM\n00100000-3fffffff : System RAM\n");
	for (unsigned int i = 0; i < 130; i++)
		kd_buf_printf(&iomem, "1%02x000000-1%02xffffff : Reserved\n", i, i);
	tree_file(&m.tree, "/proc/iomem", "%s", iomem.p);
	kd_buf_fini(&iomem);
	m.req.regular = true;
	prepare_image(&m);
	const struct kd_kexec_segment *b = segment_named(&m, "boot-params");
	assert_int_equal(m.image.memmap_count, 132);
	assert_int_equal(number_at(b, 0x1e8, 1), 128);
	uint64_t at = number_at(b, 0x250, 8) - b->mem;
	assert_int_equal(number_at(b, at, 8), 0);
	assert_int_equal(number_at(b, at + 8, 4), 1);
	assert_int_equal(number_at(b, at + 12, 4), 4 * 20);
	assert_int_equal(number_at(b, at + 16, 8), 0x17e000000);
	assert_int_equal(number_at(b, at + 16 + 3 * 20, 8), 0x181000000);
	kexec_machine_fini(&m);
}

static void test_efi_runtime_services_are_handed_on(void **state)
{
	static const char *const files[] = { "type", "phys_addr", "virt_addr", "num_pages",
					     "attribute" };
	static const char *const values[] = { "0x5", "0x3fe00000", "0xfffffffeffe00000", "0x10",
					      "0x800000000000000f" };
	uint8_t params[4096] = { 0 };
	struct kexec_machine m;

	kexec_machine_init(&m);
	memcpy(params + 0x1c0, "EL64", 4);
	put_number(params + 0x1c4, 0x3ff10018, 4);
	put_number(params + 0x1cc, 1, 4);
	tree_bytes(&m.tree, "/sys/kernel/boot_params/data", params, sizeof(params));
	tree_file(&m.tree, "/sys/firmware/efi/systab",
		  "ACPI20=0x3fffd014\nACPI=0x3fffd000\nSMBIOS=0x3f000000\n");
	tree_file(&m.tree, "/sys/firmware/efi/config_table", "0x3ff20000\n");
	tree_file(&m.tree, "/sys/firmware/efi/fw_vendor", "0x3ff30000\n");
	for (size_t i = 0; i < KD_ARRAY_LEN(files); i++) {
		char path[64];
		snprintf(path, sizeof(path), "/sys/firmware/efi/runtime-map/0/%s", files[i]);
		tree_file(&m.tree, path, "%s\n", values[i]);
	}
	prepare_image(&m);
	const struct kd_kexec_segment *b = segment_named(&m, "boot-params");
	assert_int_equal(number_at(b, 0x70, 8), 0x3fffd014);
	assert_int_equal(number_at(b, 0x1c4, 4), 0x3ff10018);
	assert_int_equal(number_at(b, 0x1c8, 4), 40);
	assert_int_equal(number_at(b, 0x1d4, 4), 40);
	uint64_t map = number_at(b, 0x1d0, 4) - b->mem, setup = number_at(b, 0x250, 8) - b->mem;
	assert_int_equal(number_at(b, map, 8), 5);
	assert_int_equal(number_at(b, map + 8, 8), 0x3fe00000);
	assert_true(number_at(b, map + 16, 8) == 0xfffffffeffe00000);
	assert_int_equal(number_at(b, map + 24, 8), 0x10);
	assert_int_equal(number_at(b, setup + 8, 4), 4);
	assert_int_equal(number_at(b, setup + 16, 8), 0x3ff30000);
	assert_int_equal(number_at(b, setup + 32, 8), 0x3ff20000);
	assert_int_equal(number_at(b, setup + 40, 8), 0x3f000000);
	kexec_machine_fini(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_crash_image_lies_in_the_reservation),
		cmocka_unit_test(test_boot_parameters_tell_what_is_where),
		cmocka_unit_test(test_crash_memory_map),
		cmocka_unit_test(test_vmlinux_is_moved_as_a_whole),
		cmocka_unit_test(test_regular_image_goes_by_the_firmware),
		cmocka_unit_test(test_long_memory_map_is_continued),
		cmocka_unit_test(test_efi_runtime_services_are_handed_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
