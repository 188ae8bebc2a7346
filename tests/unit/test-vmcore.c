/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/vmcore on ELF files; test-vmcore-flattened.c and test-diskdump.c have the other formats. */
#include "tests/gen/mkvmcore.h"
#include "tests/unit/support-vmcore.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void test_elf_tells_what_it_holds(void **state)
{
	KD_AUTO(kd_gen_freep) struct kd_gen *g = kd_gen_new(62, PAGE);
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("dump");

	kd_gen_info_base(g, "6.1.0-test", 1700000000);
	kd_gen_note(g, "CORE", 1, "registers", 9);
	kd_gen_ram(g, 2 * MIB, MIB);
	kd_gen_ram(g, 0, MIB);
	kd_gen_elf(g, fd, NULL);

	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd);
	const struct kd_vmcore_segment *segs;
	const struct kd_vmcore_note *notes;
	const uint8_t *raw;
	size_t n, raw_len;
	int64_t crashtime;

	assert_int_equal(kd_vmcore_format(core), KD_VMCORE_ELF);
	assert_false(kd_vmcore_is_flattened(core));
	assert_false(kd_vmcore_is_incomplete(core));
	assert_false(kd_vmcore_is_big_endian(core));
	assert_int_equal(kd_vmcore_machine(core), KD_MACHINE_X86_64);
	assert_string_equal(kd_vmcore_machine_name(core), "x86_64");
	assert_string_equal(kd_vmcore_name(core), "dump");
	assert_string_equal(kd_vmcore_osrelease(core), "6.1.0-test");
	assert_int_equal(kd_vmcore_crashtime(core, &crashtime), 1);
	assert_int_equal(crashtime, 1700000000);
	assert_int_equal(kd_vmcore_page_size(core), PAGE);
	assert_int_equal(kd_vmcore_max_pfn(core), 3 * MIB / PAGE);
	assert_null(kd_vmcore_diskdump(core));

	segs = kd_vmcore_segments(core, &n);
	assert_int_equal(n, 2);
	assert_int_equal(segs[0].paddr, 0);
	assert_int_equal(segs[1].paddr, 2 * MIB);
	assert_int_equal(segs[1].len_bytes, MIB);
	assert_int_equal(segs[1].stored_bytes, MIB);
	assert_true(segs[1].has_vaddr);
	assert_int_equal(segs[1].vaddr, KD_GEN_X86_DIRECT + 2 * MIB);

	notes = kd_vmcore_notes(core, &n);
	raw = kd_vmcore_notes_raw(core, &raw_len);
	assert_int_equal(n, 2);
	assert_string_equal(notes[0].name, "CORE");
	assert_int_equal(notes[0].type, 1);
	assert_int_equal(notes[0].desc_len, 9);
	assert_memory_equal(raw + notes[0].desc_off, "registers", 9);
	assert_string_equal(notes[1].name, "VMCOREINFO");
	const char *text = kd_vmcore_info_bytes(core, &n);
	assert_memory_equal(text, "OSRELEASE=6.1.0-test\n", 21);
	assert_int_equal(n, notes[1].desc_len);
}

static void test_elf_reads_by_physical_and_virtual_address(void **state)
{
	KD_AUTO(kd_gen_freep) struct kd_gen *g = kd_gen_new(62, PAGE);
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("dump");
	struct kd_err err;
	uint64_t v, there;

	kd_gen_segment(g, 16 * MIB, MIB, MIB, KD_GEN_X86_TEXT + 16 * MIB);
	kd_gen_ram(g, 15 * MIB, 4 * MIB);
	kd_gen_fill(g, 0, 64 * MIB, address_page, NULL);
	kd_gen_elf(g, fd, NULL);

	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd);
	assert_address_at(core, 15 * MIB);
	assert_address_at(core, 19 * MIB - 8);
	assert_int_equal(kd_vmcore_read_vaddr(core, KD_GEN_X86_TEXT + 16 * MIB + 40, &v, 8, &err),
			 0);
	assert_int_equal(v, 16 * MIB + 40);
	assert_int_equal(kd_vmcore_read_vaddr(core, KD_GEN_X86_DIRECT + 18 * MIB, &v, 8, &err), 0);
	assert_int_equal(v, 18 * MIB);
	assert_int_equal(kd_vmcore_vaddr_to_paddr(core, KD_GEN_X86_TEXT + 17 * MIB - 1, &v, &there),
			 1);
	assert_int_equal(v, 17 * MIB - 1);
	assert_int_equal(there, 1);
	assert_int_equal(kd_vmcore_vaddr_to_paddr(core, KD_GEN_X86_TEXT + 17 * MIB, &v, &there), 0);
	assert_int_equal(kd_vmcore_read_vaddr(core, KD_GEN_X86_TEXT + 17 * MIB - 4, &v, 8, &err),
			 -KD_BADDATA);
	assert_string_equal(err.msg, "dump: no segment has the virtual address 0xffffffff81100000");
	assert_no_read(core, 19 * MIB - 4, 8, "dump: there is no memory at physical 0x1300000");
	assert_no_read(core, 0, 8, "there is no memory at physical 0x0");
	assert_no_read(core, UINT64_MAX - 3, 8, "there is no memory");
}

static void test_elf_headers_may_stand_anywhere(void **state)
{
	const struct kd_gen_elf_opts variants[] = {
		{ .phdrs_last = true },
		{ .xnum = true },
		{ .phdrs_last = true, .xnum = true },
		{ .shift = 123 },
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(variants); i++) {
		KD_AUTO(kd_gen_freep) struct kd_gen *g = kd_gen_new(62, PAGE);
		KD_AUTO(kd_closep) int fd = kd_gen_memfd("dump");

		kd_gen_info_base(g, "6.1.0-test", 1);
		for (uint64_t s = 0; s < 5; s++)
			kd_gen_ram(g, s * MIB, MIB / 2);
		kd_gen_fill(g, 0, 64 * MIB, address_page, NULL);
		kd_gen_elf(g, fd, &variants[i]);

		KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd);
		size_t n;
		kd_vmcore_segments(core, &n);
		assert_int_equal(n, 5);
		assert_string_equal(kd_vmcore_osrelease(core), "6.1.0-test");
		assert_address_at(core, 4 * MIB + MIB / 2 - 8);
		assert_no_read(core, MIB / 2, 1, "no memory at physical 0x80000");
	}
}

static void test_elf_segments_touch_overlap_and_start_anywhere(void **state)
{
	KD_AUTO(kd_gen_freep) struct kd_gen *g = kd_gen_new(62, PAGE);
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("dump");
	uint64_t buf[4096];
	struct kd_err err;

	kd_gen_ram(g, 0x10, 0x1000 - 0x10); /* ends on a page */
	kd_gen_ram(g, 0x1000, 0x808);	    /* touches, ends inside one */
	kd_gen_ram(g, 0x1800, 0x1800);	    /* overlaps by 8 bytes */
	kd_gen_ram(g, 0x2000, 0x10);	    /* lies inside */
	kd_gen_ram(g, 0x2ff8, 0x3008);	    /* overlaps again */
	kd_gen_fill(g, 0, 64 * MIB, address_page, NULL);
	kd_gen_elf(g, fd, NULL);

	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd);
	assert_int_equal(kd_vmcore_max_pfn(core), 6);
	size_t len = 0x6000 - 0x10;
	assert_int_equal(kd_vmcore_read(core, 0x10, buf, len, &err), 0);
	for (size_t i = 0; i < len / 8; i++)
		assert_int_equal(buf[i], 0x10 + 8 * i);
	assert_no_read(core, 0x8, 8, "no memory at physical 0x8");

	KD_AUTO(kd_vmcore_window_freep) struct kd_vmcore_window *w = NULL;
	assert_int_equal(kd_vmcore_window_new(core, KD_ACCESS_AUTO, 0, 0, &w, &err), 0);
	uint64_t run;
	for (uint64_t pfn = 0; pfn < 6; pfn += run)
		assert_int_equal(kd_vmcore_page_run(w, pfn, &run, &err), KD_PAGE_STORED);
	assert_int_equal(kd_vmcore_page_run(w, 6, &run, &err), KD_PAGE_NONE);
	assert_int_equal(kd_vmcore_page_run(w, UINT64_MAX / PAGE, &run, &err), KD_PAGE_NONE);
	assert_int_equal(kd_vmcore_page_run(w, UINT64_MAX, &run, &err), KD_PAGE_NONE);
}

static void test_elf_part_that_was_left_out(void **state)
{
	KD_AUTO(kd_gen_freep) struct kd_gen *g = kd_gen_new(62, PAGE);
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("dump");
	KD_AUTO(kd_vmcore_window_freep) struct kd_vmcore_window *w = NULL;
	struct kd_err err;
	uint64_t run;

	kd_gen_segment(g, 0, 64 * PAGE, 16 * PAGE, 0);
	kd_gen_segment(g, 64 * PAGE, PAGE, PAGE, 0);
	/* Left out of the first, but stored by this one. */
	kd_gen_segment(g, 32 * PAGE, PAGE, PAGE, 0);
	kd_gen_segment(g, 100 * PAGE, 4 * PAGE, 0, 0);
	kd_gen_fill(g, 0, 64 * MIB, address_page, NULL);
	kd_gen_elf(g, fd, NULL);

	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd);
	assert_false(kd_vmcore_is_incomplete(core));
	assert_address_at(core, 15 * PAGE);
	assert_address_at(core, 32 * PAGE);
	assert_address_at(core, 64 * PAGE);
	assert_no_read(core, 16 * PAGE, 8, "dump: physical 0x10000 was left out when");
	assert_no_read(core, 100 * PAGE, 8, "was left out");
	assert_int_equal(kd_vmcore_window_new(core, KD_ACCESS_AUTO, 0, 0, &w, &err), 0);
	assert_int_equal(kd_vmcore_page_run(w, 0, &run, &err), KD_PAGE_STORED);
	assert_int_equal(run, 16);
	assert_int_equal(kd_vmcore_page_run(w, 16, &run, &err), KD_PAGE_EXCLUDED);
	assert_int_equal(run, 16);
	assert_int_equal(kd_vmcore_page_run(w, 32, &run, &err), KD_PAGE_STORED);
	assert_int_equal(run, 1);
	assert_int_equal(kd_vmcore_page_run(w, 33, &run, &err), KD_PAGE_EXCLUDED);
	assert_int_equal(run, 31);
	assert_int_equal(kd_vmcore_page_run(w, 70, &run, &err), KD_PAGE_NONE);
	assert_int_equal(run, 30);
	kd_vmcore_window_free(KD_STEAL(w));
}

static void test_elf_cut_short_gives_what_is_there(void **state)
{
	KD_AUTO(kd_gen_freep) struct kd_gen *g = kd_gen_new(62, PAGE);
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("dump");
	const struct kd_gen_elf_opts opts = { .truncate = 10 * PAGE };
	struct logged l = { 0 };
	const struct kd_log log = { .emit = keep_log, .arg = &l };

	kd_gen_info_base(g, "6.1.0-test", 1);
	kd_gen_ram(g, 0, 64 * PAGE);
	kd_gen_ram(g, MIB, MIB);
	kd_gen_fill(g, 0, 64 * MIB, address_page, NULL);
	kd_gen_elf(g, fd, &opts);

	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core_logged(fd, &log);
	assert_true(kd_vmcore_is_incomplete(core));
	assert_int_equal(l.n, 1);
	assert_string_equal(l.text, "dump: cut short: the segment at physical 0x0 needs 0x41000 "
				    "bytes of file, 0xa000 are there");
	assert_address_at(core, 8 * PAGE);
	assert_no_read(core, 9 * PAGE, 8, "physical 0x9000 was never written");
	assert_no_read(core, MIB, 8, "was never written: the dump is incomplete");
}

static void test_elf_that_says_it_is_incomplete(void **state)
{
	KD_AUTO(kd_gen_freep) struct kd_gen *g = kd_gen_new(183, PAGE);
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("dump");
	const struct kd_gen_elf_opts opts = { .flags = 1 };

	kd_gen_ram(g, 0, PAGE);
	kd_gen_elf(g, fd, &opts);

	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd);
	assert_true(kd_vmcore_is_incomplete(core));
	assert_int_equal(kd_vmcore_machine(core), KD_MACHINE_ARM64);
	assert_string_equal(kd_vmcore_machine_name(core), "aarch64");
	assert_null(kd_vmcore_info(core));
	assert_null(kd_vmcore_osrelease(core));
}

static void test_elf_other_machine_and_page_size(void **state)
{
	KD_AUTO(kd_gen_freep) struct kd_gen *g = kd_gen_new(22, 65536);
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("dump");

	kd_gen_info_base(g, "6.1.0-test", 1);
	kd_gen_ram(g, 0, MIB);
	kd_gen_elf(g, fd, NULL);

	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd);
	assert_int_equal(kd_vmcore_machine(core), KD_MACHINE_OTHER);
	assert_string_equal(kd_vmcore_machine_name(core), "ELF machine 22");
	assert_int_equal(kd_vmcore_page_size(core), 65536);
	assert_int_equal(kd_vmcore_max_pfn(core), 16);
}

static void test_elf_page_size_that_cannot_be_is_not_used(void **state)
{
	KD_AUTO(kd_gen_freep) struct kd_gen *g = kd_gen_new(62, PAGE);
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("dump");
	struct logged l = { 0 };
	const struct kd_log log = { .emit = keep_log, .arg = &l };

	kd_gen_info(g, "PAGESIZE=4095\n");
	kd_gen_ram(g, 0, MIB);
	kd_gen_elf(g, fd, NULL);

	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core_logged(fd, &log);
	assert_int_equal(kd_vmcore_page_size(core), PAGE);
	assert_string_equal(l.text,
			    "dump: vmcoreinfo says PAGESIZE=4095, which cannot be; not used");
}

static void test_elf_headers_that_contradict_themselves(void **state)
{
	static const struct {
		size_t at;
		uint64_t value;
		unsigned int bytes;
		enum kd_code code;
		const char *says;
	} breaks[] = {
		{ 56, 0, 2, KD_BADDATA, "without segments" },
		{ 56, 65000, 2, KD_BADDATA, "65000 segment headers at 0x40 do not fit" },
		{ 32, UINT64_MAX - 10, 8, KD_BADDATA, "do not fit" },
		{ 54, 1, 2, KD_BADDATA, "segment entries of 1 bytes" },
		{ 4, 1, 1, KD_NOTSUP, "not a 64-bit ELF file" },
		{ 16, 3, 2, KD_NOTSUP, "no core file" },
		{ 0, 0, 4, KD_NOTSUP, "no dump of a kind known here" },
		/* the second segment: paddr, memsz, filesz, offset */
		{ 64 + 56 + 24, UINT64_MAX - 1, 8, KD_BADDATA, "wraps around" },
		{ 64 + 56 + 40, UINT64_MAX, 8, KD_BADDATA, "wraps around" },
		{ 64 + 56 + 8, UINT64_MAX, 8, KD_BADDATA, "wraps around" },
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(breaks); i++) {
		KD_AUTO(kd_gen_freep) struct kd_gen *g = kd_gen_new(62, PAGE);
		KD_AUTO(kd_closep) int fd = kd_gen_memfd("dump");
		struct kd_vmcore *core = NULL;
		struct kd_err err = { 0 };

		kd_gen_info_base(g, "6.1.0-test", 1);
		kd_gen_ram(g, MIB, MIB);
		kd_gen_elf(g, fd, NULL);
		assert_int_equal(pwrite(fd, &breaks[i].value, breaks[i].bytes, (off_t)breaks[i].at),
				 breaks[i].bytes);
		assert_int_equal(kd_vmcore_open(fd, "dump", NULL, &core, &err),
				 -(int)breaks[i].code);
		if (!strstr(err.msg, breaks[i].says) || !strstr(err.msg, "dump"))
			fail_msg("case %zu: \"%s\"", i, err.msg);
	}
}

static void test_elf_segment_that_is_no_memory_is_passed_over(void **state)
{
	KD_AUTO(kd_gen_freep) struct kd_gen *g = kd_gen_new(62, PAGE);
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("kcore");
	static const uint64_t ones = UINT64_MAX;
	size_t n;

	kd_gen_ram(g, 0, MIB);
	kd_gen_ram(g, MIB, MIB);
	kd_gen_fill(g, 0, 2 * MIB, address_page, NULL);
	kd_gen_elf(g, fd, NULL);
	/* paddr of the second: behind the headers of the notes and the first */
	assert_int_equal(pwrite(fd, &ones, 8, 64 + 2 * 56 + 24), 8);
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd);
	kd_vmcore_segments(core, &n);
	assert_int_equal(n, 1);
	assert_address_at(core, MIB - 8);
	assert_no_read(core, MIB, 8, "no memory");
}

static void test_elf_broken_notes_do_not_stop_the_memory(void **state)
{
	KD_AUTO(kd_gen_freep) struct kd_gen *g = kd_gen_new(62, PAGE);
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("dump");
	struct logged l = { 0 };
	const struct kd_log log = { .emit = keep_log, .arg = &l };
	static const uint32_t huge = 0x7fffffff;
	size_t n;

	kd_gen_info_base(g, "6.1.0-test", 1);
	kd_gen_note(g, "CORE", 1, "abcd", 4);
	kd_gen_ram(g, 0, MIB);
	kd_gen_fill(g, 0, MIB, address_page, NULL);
	kd_gen_elf(g, fd, NULL);
	/* The second note's descsz: behind two segment headers and the first note. */
	assert_int_equal(pwrite(fd, &huge, 4, 64 + 2 * 56 + 24 + 4), 4);

	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core_logged(fd, &log);
	kd_vmcore_notes(core, &n);
	assert_int_equal(n, 1);
	assert_null(kd_vmcore_info(core));
	assert_non_null(strstr(l.text, "the notes behind it are not used"));
	assert_address_at(core, 0x1000);
}

static void test_things_that_are_no_dump(void **state)
{
	struct kd_vmcore *core = NULL;
	struct kd_err err;
	int pipes[2];

	KD_AUTO(kd_closep) int empty = kd_gen_memfd("empty");
	assert_int_equal(kd_vmcore_open(empty, "nothing", NULL, &core, &err), -KD_NOTSUP);
	assert_string_equal(err.msg, "nothing is empty");

	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(kd_vmcore_open(pipes[0], "-", NULL, &core, &err), -KD_NOTSUP);
	assert_string_equal(err.msg,
			    "- is a pipe: save it to a file first, it is read in any order");
	close(pipes[0]);
	close(pipes[1]);

	assert_int_equal(kd_vmcore_open(-1, "bad", NULL, &core, &err), -KD_SYS);
	assert_string_equal(err.msg, "stat bad: Bad file descriptor");
	assert_int_equal(kd_vmcore_open_set(NULL, NULL, 0, NULL, &core, &err), -KD_USAGE);
	kd_vmcore_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_elf_tells_what_it_holds),
		cmocka_unit_test(test_elf_reads_by_physical_and_virtual_address),
		cmocka_unit_test(test_elf_headers_may_stand_anywhere),
		cmocka_unit_test(test_elf_segments_touch_overlap_and_start_anywhere),
		cmocka_unit_test(test_elf_part_that_was_left_out),
		cmocka_unit_test(test_elf_cut_short_gives_what_is_there),
		cmocka_unit_test(test_elf_that_says_it_is_incomplete),
		cmocka_unit_test(test_elf_other_machine_and_page_size),
		cmocka_unit_test(test_elf_page_size_that_cannot_be_is_not_used),
		cmocka_unit_test(test_elf_headers_that_contradict_themselves),
		cmocka_unit_test(test_elf_segment_that_is_no_memory_is_passed_over),
		cmocka_unit_test(test_elf_broken_notes_do_not_stop_the_memory),
		cmocka_unit_test(test_things_that_are_no_dump),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
