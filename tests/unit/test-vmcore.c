/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/ondisk/flattened.h"
#include "lib/vmcore/vmcore.h"
#include "tests/gen/mkvmcore.h"

#include <linux/magic.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cmocka.h>

enum { MIB = 1 << 20, PAGE = 4096 };

/* One warning at most is looked at. */
struct logged {
	int n;
	char text[512];
};

static void keep_log(void *arg, enum kd_log_level level, const char *area, const char *text)
{
	struct logged *l = arg;

	l->n++;
	snprintf(l->text, sizeof(l->text), "%s", text);
}

static struct kd_vmcore *open_core(int fd, const struct kd_log *log)
{
	struct kd_vmcore *core = NULL;
	struct kd_err err = { 0 };

	if (kd_vmcore_open(fd, "dump", log, &core, &err))
		fail_msg("%s", err.msg);
	return core;
}

/* Every page tells its own address. */
static bool address_page(void *arg, uint64_t paddr, uint8_t *page, size_t len)
{
	for (size_t i = 0; i < len; i += 8) {
		uint64_t v = paddr + i;
		memcpy(page + i, &v, 8);
	}
	return true;
}

static void assert_address_at(struct kd_vmcore *core, uint64_t paddr)
{
	struct kd_err err = { 0 };
	uint64_t v = 0;

	if (kd_vmcore_read(core, paddr, &v, sizeof(v), &err))
		fail_msg("%s", err.msg);
	assert_int_equal(v, paddr);
}

static void assert_no_read(struct kd_vmcore *core, uint64_t paddr, size_t len, const char *why)
{
	KD_AUTO(kd_freep) uint8_t *buf = malloc(len);
	struct kd_err err = { 0 };

	assert_int_equal(kd_vmcore_read(core, paddr, buf, len, &err), -KD_BADDATA);
	if (!strstr(err.msg, why))
		fail_msg("\"%s\" does not say \"%s\"", err.msg, why);
}

/* ---- ELF ---- */

static void test_elf_tells_what_it_holds(void **state)
{
	KD_AUTO(kd_gen_freep) struct kd_gen *g = kd_gen_new(62, PAGE);
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("dump");

	kd_gen_info_base(g, "6.1.0-test", 1700000000);
	kd_gen_note(g, "CORE", 1, "registers", 9);
	kd_gen_ram(g, 2 * MIB, MIB);
	kd_gen_ram(g, 0, MIB);
	kd_gen_elf(g, fd, NULL);

	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd, NULL);
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

	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd, NULL);
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

		KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd, NULL);
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

	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd, NULL);
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

	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd, NULL);
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

	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd, &log);
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

	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd, NULL);
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

	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd, NULL);
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

	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd, &log);
	assert_int_equal(kd_vmcore_page_size(core), PAGE);
	assert_string_equal(l.text,
			    "dump: vmcoreinfo says PAGESIZE=4095, which cannot be; not used");
}

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

	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd, NULL);
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
		assert_int_equal(kd_vmcore_map(w, 2 * MIB, 1, &p, &n, &err), -KD_BADDATA);
	}
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

	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd, NULL);
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

	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd, NULL);
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
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd, NULL);
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

	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd, &log);
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

/* ---- flattened ---- */

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
		KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd, NULL);
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

	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd, &log);
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
		cmocka_unit_test(test_elf_tells_what_it_holds),
		cmocka_unit_test(test_elf_reads_by_physical_and_virtual_address),
		cmocka_unit_test(test_elf_headers_may_stand_anywhere),
		cmocka_unit_test(test_elf_segments_touch_overlap_and_start_anywhere),
		cmocka_unit_test(test_elf_part_that_was_left_out),
		cmocka_unit_test(test_elf_cut_short_gives_what_is_there),
		cmocka_unit_test(test_elf_that_says_it_is_incomplete),
		cmocka_unit_test(test_elf_other_machine_and_page_size),
		cmocka_unit_test(test_elf_page_size_that_cannot_be_is_not_used),
		cmocka_unit_test(test_elf_windows_map_and_read_alike),
		cmocka_unit_test(test_elf_window_reads_what_cannot_be_mapped),
		cmocka_unit_test(test_elf_window_on_a_file_that_became_shorter),
		cmocka_unit_test(test_elf_headers_that_contradict_themselves),
		cmocka_unit_test(test_elf_segment_that_is_no_memory_is_passed_over),
		cmocka_unit_test(test_elf_broken_notes_do_not_stop_the_memory),
		cmocka_unit_test(test_things_that_are_no_dump),
		cmocka_unit_test(test_flattened_elf_reads_as_the_original),
		cmocka_unit_test(test_flattened_file_cut_short),
		cmocka_unit_test(test_flattened_file_with_nothing_in_it),
		cmocka_unit_test(test_flattened_chunk_that_cannot_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
