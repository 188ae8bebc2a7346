/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The walk over page tables that the page filter keeps them by. */
#include "lib/arch/tables.h"
#include "tests/unit/support-filter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { MIB = 1 << 20, IMAGE_PADDR = 16 * MIB, TABLES_OFF = 64 << 10 };

struct seen {
	uint64_t tables, pages, blocks;
	uint64_t image_pages; /* of the image's first 4 MiB, in order */
	uint64_t last_vaddr;
	uint64_t text;
	uint64_t image;
	unsigned int lowest; /* go down to tables of this level */
};

static bool count(void *arg, const struct kd_arch_entry *e)
{
	struct seen *s = arg;

	if (e->is_table) {
		s->tables++;
		return e->level > s->lowest;
	}
	assert_true(e->vaddr >= s->last_vaddr);
	s->last_vaddr = e->vaddr;
	if (e->level)
		s->blocks++;
	else
		s->pages++;
	if (e->vaddr >= s->text && e->vaddr < s->text + 4 * MIB) {
		assert_int_equal(e->paddr - s->image, e->vaddr - s->text);
		s->image_pages++;
	}
	return false;
}

static struct kd_arch *open_arch(struct kd_fakemem *m, int fd, struct kd_vmcore **core)
{
	struct kd_arch *a = NULL;
	struct kd_err err = { 0 };

	kd_gen_elf(kd_fakemem_gen(m), fd, NULL);
	if (kd_vmcore_open(fd, "dump", NULL, core, &err) || kd_arch_open(*core, &a, &err))
		fail_msg("%s", err.msg);
	return a;
}

static void test_x86_64_tables_are_walked(void **state)
{
	struct kd_fake_opts opts = { .era = KD_FAKE_6_1, .ram_bytes = 512ULL * MIB };
	KD_AUTO(kd_fakemem_freep) struct kd_fakemem *m = kd_fakemem_new(&opts, NULL, 0);
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("dump");
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = NULL;
	KD_AUTO(kd_arch_closep) struct kd_arch *a = open_arch(m, fd, &core);
	struct seen s = { .text = KD_GEN_X86_TEXT + IMAGE_PADDR, .image = IMAGE_PADDR };
	struct kd_err err = { 0 };

	assert_int_equal(kd_arch_visit(a, 1000, count, &s, &err), 0);
	/* 4 MiB of image, 512 MiB of direct map in blocks, 8 MiB of page array in blocks. */
	assert_int_equal(s.image_pages, 1024);
	assert_int_equal(s.pages, 1024);
	assert_int_equal(s.blocks, 256 + 4);
	/* The root; three ways down: direct map and array two tables each, image four. */
	assert_int_equal(s.tables, 1 + 2 + 2 + 2 + 2);

	/* Not down into the lowest. */
	s = (struct seen){ .lowest = 1, .text = s.text, .image = s.image };
	assert_int_equal(kd_arch_visit(a, 1000, count, &s, &err), 0);
	assert_int_equal(s.pages, 0);
	assert_int_equal(s.blocks, 256 + 4);
	assert_int_equal(s.tables, 9);
}

static void test_arm64_tables_are_walked(void **state)
{
	struct kd_fake_opts opts = { .era = KD_FAKE_6_12,
				     .arm64 = true,
				     .ram_bytes = 1024ULL * MIB };
	KD_AUTO(kd_fakemem_freep) struct kd_fakemem *m = kd_fakemem_new(&opts, NULL, 0);
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("dump");
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = NULL;
	KD_AUTO(kd_arch_closep) struct kd_arch *a = open_arch(m, fd, &core);
	struct seen s = { .text = 0xffff800010000000, .image = 1024ULL * MIB + IMAGE_PADDR };
	struct kd_err err = { 0 };

	assert_int_equal(kd_arch_visit(a, 1000, count, &s, &err), 0);
	/* 64 KiB pages; the page array of 16384 frames is 1 MiB, mapped to the next 2 MiB. */
	assert_int_equal(s.image_pages, 64);
	assert_int_equal(s.pages, 64 + 32);
	assert_int_equal(s.blocks, 2);
}

static void test_tables_that_lead_back_come_to_an_end(void **state)
{
	struct kd_fake_opts opts = { .era = KD_FAKE_6_1, .ram_bytes = 256ULL * MIB };
	KD_AUTO(kd_fakemem_freep) struct kd_fakemem *m = kd_fakemem_new(&opts, NULL, 0);
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("dump");
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = NULL;
	uint64_t root = IMAGE_PADDR + TABLES_OFF;

	/* Every entry of the root is the root. */
	for (unsigned int i = 0; i < 512; i++)
		kd_gen_put(kd_fakemem_gen(m), root + i * 8, root | 3, 8);
	KD_AUTO(kd_arch_closep) struct kd_arch *a = open_arch(m, fd, &core);
	struct seen s = { 0 };
	struct kd_err err = { 0 };
	assert_int_equal(kd_arch_visit(a, 500, count, &s, &err), 1);
	assert_in_range(s.tables, 500, 500 * 512);
	assert_int_equal(kd_arch_visit(a, 0, count, &s, &err), 1);
}

static void test_table_that_is_not_in_the_dump_is_passed_over(void **state)
{
	struct kd_fake_opts opts = { .era = KD_FAKE_6_1, .ram_bytes = 256ULL * MIB };
	KD_AUTO(kd_fakemem_freep) struct kd_fakemem *m = kd_fakemem_new(&opts, NULL, 0);
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("dump");
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = NULL;
	uint64_t root = IMAGE_PADDR + TABLES_OFF;

	/* The image hangs from the entry behind it. */
	kd_gen_put(kd_fakemem_gen(m), root + 510 * 8, 0x7ffffffff003, 8);
	KD_AUTO(kd_arch_closep) struct kd_arch *a = open_arch(m, fd, &core);
	struct seen s = { .text = KD_GEN_X86_TEXT + IMAGE_PADDR, .image = IMAGE_PADDR };
	struct kd_err err = { 0 };
	assert_int_equal(kd_arch_visit(a, 1000, count, &s, &err), 0);
	assert_int_equal(s.image_pages, 1024);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_x86_64_tables_are_walked),
		cmocka_unit_test(test_arm64_tables_are_walked),
		cmocka_unit_test(test_tables_that_lead_back_come_to_an_end),
		cmocka_unit_test(test_table_that_is_not_in_the_dump_is_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
