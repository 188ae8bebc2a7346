/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is written around the pages in each format, and whether it is read back. */
#include "lib/format/format.h"
#include "tests/gen/mkvmcore.h"
#include "tests/unit/support-vmcore.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

/* ---- a file, and what was done to it ---- */

struct target {
	int fd;
	unsigned int writes;
	uint64_t bytes;
	uint64_t fail_at; /* writes beyond this offset fail; 0: none */
};

static int target_write_at(void *arg, uint64_t off, const void *buf, size_t len, struct kd_err *err)
{
	struct target *t = arg;

	if (t->fail_at && off + len > t->fail_at)
		return kd_fail(err, KD_NOSPACE, "full");
	t->writes++;
	t->bytes += len;
	return kd_pwrite_full(t->fd, buf, len, off, "target", err);
}

static int target_read_at(void *arg, uint64_t off, void *buf, size_t len, struct kd_err *err)
{
	const struct target *t = arg;
	ssize_t n = kd_pread_full(t->fd, buf, len, off, "target", err);

	if (n < 0)
		return (int)n;
	memset((char *)buf + n, 0, len - (size_t)n);
	return 0;
}

static struct kd_format_out out_to(struct target *t)
{
	return (struct kd_format_out){ .write_at = target_write_at,
				       .read_at = target_read_at,
				       .arg = t };
}

static void set_bits(uint8_t *bitmap, uint64_t from, uint64_t n)
{
	for (uint64_t i = from; i < from + n; i++)
		bitmap[i / 8] |= (uint8_t)(1u << i % 8);
}

/* ---- diskdump ---- */

/* 64 MiB in two pieces far apart; notes longer than the rest of the sub header's block. */
struct dd_case {
	uint8_t exists[512 << 10]; /* up to page frame 0x400000 */
	uint8_t keep[512 << 10];
	uint8_t notes[6000];
	struct kd_diskdump_params p;
};

static struct dd_case *dd_case_new(void)
{
	struct dd_case *c = calloc(1, sizeof(*c));
	char text[5800];

	assert_non_null(c);
	set_bits(c->exists, 256, 8192);
	set_bits(c->exists, 0x3f0000, 8192);
	set_bits(c->keep, 300, 3);
	set_bits(c->keep, 0x3f0001, 2);
	int n = snprintf(text, sizeof(text), "OSRELEASE=6.1.0-test\nPAGESIZE=4096\n");
	memset(text + n, '\n', sizeof(text) - (size_t)n);
	/* name "VMCOREINFO" with its NUL and padding: 12 bytes behind the note's header of 12 */
	const uint8_t head[12] = { 11, 0, 0, 0, 5800 & 0xff, 5800 >> 8 };
	memcpy(c->notes, head, sizeof(head));
	memcpy(c->notes + 12, "VMCOREINFO", 11);
	memcpy(c->notes + 24, text, sizeof(text));
	c->p = (struct kd_diskdump_params){
		.dump = { .page_size = PAGE,
			  .max_pfn = 0x3f2000,
			  .exists = c->exists,
			  .keep = c->keep,
			  .bitmap_bytes = sizeof(c->keep),
			  .n_keep = 5,
			  .notes = c->notes,
			  .notes_len = 24 + sizeof(text) },
		.header = { .nodename = "node",
			    .release = "6.1.0-test",
			    .machine = "x86_64",
			    .time_sec = 1700000000,
			    .nr_cpus = 3,
			    .status = KD_DISKDUMP_ZSTD },
		.phys_base = 0x1000000,
		.level = 31,
		.vmcoreinfo_off = 24,
		.vmcoreinfo_len = sizeof(text),
	};
	return c;
}

static void test_diskdump_head_is_read_back(void **state)
{
	KD_AUTO(kd_freep) struct dd_case *c = dd_case_new();
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("dump");
	struct target t = { .fd = fd };
	const struct kd_format_out out = out_to(&t);
	struct kd_diskdump_layout l;
	uint8_t block[PAGE];
	struct kd_err err = { 0 };
	struct stat st;

	assert_int_equal(kd_diskdump_plan(&c->p, &l, &err), 0);
	assert_int_equal(l.bitmap1, 3 * PAGE);
	assert_int_equal(l.data % PAGE, 0);
	assert_int_equal(kd_diskdump_write_head(&c->p, &l, true, block, &out, &err), 0);
	assert_int_equal(fstat(fd, &st), 0);
	/* Two bitmaps of 512 KiB with bits in two places each: all else is a hole. */
	assert_true(t.bytes < 300 << 10);
	assert_int_equal(t.writes, 3 + 4);
	assert_int_equal(ftruncate(fd, (off_t)l.data), 0);

	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd);
	const struct kd_vmcore_diskdump_info *info = kd_vmcore_diskdump(core);
	size_t n = 0;
	assert_true(kd_vmcore_is_incomplete(core));
	assert_int_equal(info->header_version, 6);
	assert_int_equal(info->dump_level, 31);
	assert_int_equal(info->phys_base, 0x1000000);
	assert_int_equal(info->stored_pages, 5);
	assert_string_equal(info->nodename, "node");
	assert_string_equal(kd_vmcore_osrelease(core), "6.1.0-test");
	assert_int_equal(kd_vmcore_max_pfn(core), 0x3f2000);
	const struct kd_vmcore_segment *s = kd_vmcore_segments(core, &n);
	assert_int_equal(n, 2);
	assert_int_equal(s[1].paddr, 0x3f0000ull * PAGE);
	assert_memory_equal(kd_vmcore_notes_raw(core, &n), c->notes, c->p.dump.notes_len);

	kd_diskdump_encode_first_block(block, &l, false);
	assert_int_equal(pwrite(fd, block, PAGE, 0), PAGE);
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *again = open_core(fd);
	assert_int_equal(kd_vmcore_diskdump(again)->status, KD_DISKDUMP_ZSTD);
}

static void test_diskdump_too_large_for_its_header(void **state)
{
	const struct kd_diskdump_params p = { .dump = { .page_size = PAGE,
							.max_pfn = UINT64_C(1) << 50 } };
	struct kd_diskdump_layout l;
	struct kd_err err = { 0 };

	assert_int_equal(kd_diskdump_plan(&p, &l, &err), -KD_NOTSUP);
	assert_says(err.msg, "page frame 0x4000000000000");
}

static struct kd_diskdump_desc desc_for(uint64_t ordinal)
{
	return (struct kd_diskdump_desc){ .offset = 1000 + ordinal, .size = 1, .flags = 2 };
}

static void set_desc(struct kd_desc_table *t, uint64_t ordinal, const struct kd_format_out *out)
{
	const struct kd_diskdump_desc d = desc_for(ordinal);
	struct kd_err err = { 0 };

	if (!kd_desc_table_holds(t, ordinal)) {
		assert_int_equal(kd_desc_table_flush(t, out, &err), 0);
		assert_int_equal(kd_desc_table_move(t, ordinal, out, &err), 0);
	}
	kd_desc_table_set(t, ordinal, &d);
}

static uint64_t offset_in_file(int fd, uint64_t table, uint64_t ordinal)
{
	uint8_t bytes[KD_DISKDUMP_DESC_BYTES] = { 0 };
	struct kd_diskdump_desc d;

	if (pread(fd, bytes, sizeof(bytes), (off_t)(table + ordinal * sizeof(bytes))) < 0)
		fail();
	kd_diskdump_decode_desc(bytes, false, &d);
	return d.offset;
}

static void test_descs_in_one_round(void **state)
{
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("descs");
	KD_AUTO(kd_freep) uint8_t *window = malloc(KD_DESC_WINDOW_BYTES);
	struct target t = { .fd = fd };
	const struct kd_format_out out = out_to(&t);
	struct kd_desc_table table;
	struct kd_err err = { 0 };
	enum { N = 3 * KD_DESC_WINDOW / 2 };

	kd_desc_table_init(&table, window, 512, N, false);
	for (uint64_t i = 0; i < N; i++) {
		set_desc(&table, i, &out);
		if (i == 10)
			assert_int_equal(kd_desc_table_flush(&table, &out, &err), 0);
	}
	assert_int_equal(kd_desc_table_flush(&table, &out, &err), 0);
	assert_int_equal(kd_desc_table_flush(&table, &out, &err), 0);	 /* nothing to do */
	assert_int_equal(t.bytes, (uint64_t)N * KD_DISKDUMP_DESC_BYTES); /* no offset twice */
	assert_int_equal(t.writes, 3);
	for (uint64_t i = 0; i < N; i++)
		assert_int_equal(offset_in_file(fd, 512, i), 1000 + i);
}

static void test_descs_in_two_rounds(void **state)
{
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("descs");
	KD_AUTO(kd_freep) uint8_t *window = malloc(KD_DESC_WINDOW_BYTES);
	struct target t = { .fd = fd };
	const struct kd_format_out out = out_to(&t);
	struct kd_desc_table table;
	struct kd_err err = { 0 };
	enum { N = 5 * KD_DESC_WINDOW / 2 };

	kd_desc_table_init(&table, window, 0, N, true);
	for (uint64_t i = 0; i < N; i += 3) {
		set_desc(&table, i, &out);
		if (i % 300 == 0)
			assert_int_equal(kd_desc_table_flush(&table, &out, &err), 0);
	}
	assert_int_equal(kd_desc_table_flush(&table, &out, &err), 0);
	assert_int_equal(offset_in_file(fd, 0, 3), 1003);
	assert_int_equal(offset_in_file(fd, 0, 4), 0);
	assert_int_equal(kd_desc_table_rewind(&table, &out, &err), 0);
	for (uint64_t i = 0; i < N; i++) {
		if (i % 3)
			set_desc(&table, i, &out);
	}
	assert_int_equal(kd_desc_table_flush(&table, &out, &err), 0);
	for (uint64_t i = 0; i < N; i++)
		assert_int_equal(offset_in_file(fd, 0, i), 1000 + i);
}

/* Without reading what was written, and without writing it twice. */
static void test_descs_in_two_rounds_of_a_stream(void **state)
{
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("descs");
	KD_AUTO(kd_freep) uint8_t *window = malloc(KD_DESC_WINDOW_BYTES);
	struct target t = { .fd = fd };
	struct kd_format_out out = out_to(&t);
	struct kd_desc_table table;
	struct kd_err err = { 0 };
	enum { N = 5 * KD_DESC_WINDOW / 2, RUN = 1000 };

	out.read_at = NULL;
	kd_desc_table_init(&table, window, 512, N, false);
	for (uint64_t round = 0; round < 2; round++) {
		for (uint64_t i = 0; i < N; i++) {
			if (i / RUN % 2 != round)
				continue;
			set_desc(&table, i, &out);
			if (i % 16384 == 100)
				assert_int_equal(kd_desc_table_flush(&table, &out, &err), 0);
		}
		assert_int_equal(kd_desc_table_flush(&table, &out, &err), 0);
		assert_int_equal(kd_desc_table_flush(&table, &out, &err), 0); /* nothing to do */
		assert_int_equal(offset_in_file(fd, 512, N - 1),
				 N / RUN % 2 <= round ? 1000 + N - 1 : 0);
		if (round == 0) {
			assert_int_equal(offset_in_file(fd, 512, RUN - 1), 1000 + RUN - 1);
			assert_int_equal(offset_in_file(fd, 512, RUN), 0);
			assert_int_equal(kd_desc_table_rewind(&table, &out, &err), 0);
		}
	}
	assert_int_equal(t.bytes, (uint64_t)N * KD_DISKDUMP_DESC_BYTES);
	/* one for each run, and where a window or a flush cut it */
	assert_in_range(t.writes, N / RUN, N / RUN + 9);
	for (uint64_t i = 0; i < N; i++)
		assert_int_equal(offset_in_file(fd, 512, i), 1000 + i);
}

static void test_descs_of_pages_that_were_not_written(void **state)
{
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("descs");
	KD_AUTO(kd_freep) uint8_t *window = malloc(KD_DESC_WINDOW_BYTES);
	struct target t = { .fd = fd };
	const struct kd_format_out out = out_to(&t);
	struct kd_desc_table table;
	struct kd_err err = { 0 };

	kd_desc_table_init(&table, window, 0, 100, false);
	for (uint64_t i = 0; i < 10; i++)
		set_desc(&table, i, &out);
	assert_int_equal(kd_desc_table_drop_beyond(&table, 1005), 5);
	assert_int_equal(kd_desc_table_flush(&table, &out, &err), 0);
	assert_int_equal(offset_in_file(fd, 0, 4), 1004);
	assert_int_equal(offset_in_file(fd, 0, 5), 0);
}

/* ---- ELF ---- */

static const struct kd_elf_piece *pieces_of(const struct kd_elf_params *p, size_t *n_ret)
{
	static struct kd_elf_piece v[64];
	struct kd_elf_layout l;
	struct kd_elf_iter it;
	struct kd_err err = { 0 };

	assert_int_equal(kd_elf_plan(p, &l, &err), 0);
	kd_elf_iter_init(&it, p, &l);
	*n_ret = 0;
	while (*n_ret < 64 && kd_elf_iter_next(&it, &v[*n_ret]))
		++*n_ret;
	assert_int_equal(*n_ret + 1, l.phnum);
	return v;
}

static void test_elf_splits_at_long_gaps_only(void **state)
{
	uint8_t keep[PAGE] = { 0 };
	const struct kd_format_segment seg = { .paddr = 0,
					       .len_bytes = 2048ull * PAGE,
					       .stored_bytes = 2048ull * PAGE,
					       .vaddr = 0xffff888000000000 };
	struct kd_elf_params p = { .dump = { .page_size = PAGE, .max_pfn = 2048, .keep = keep },
				   .machine = KD_FORMAT_ELF_X86_64,
				   .segments = &seg,
				   .n_segments = 1,
				   .gap_pages = 256 };
	size_t n;

	set_bits(keep, 300, 100); /* 300 left out before: a piece with nothing in the file */
	set_bits(keep, 655, 45);  /* a gap of 255 */
	set_bits(keep, 956, 44);  /* one of 256; the end is left out */
	const struct kd_elf_piece *v = pieces_of(&p, &n);
	assert_int_equal(n, 3);
	assert_int_equal(v[0].filesz, 0);
	assert_int_equal(v[0].memsz, 300 * PAGE);
	assert_int_equal(v[1].paddr, 300 * PAGE);
	assert_int_equal(v[1].filesz, 400 * PAGE);
	assert_int_equal(v[1].memsz, 656 * PAGE);
	assert_int_equal(v[2].paddr, 956 * PAGE);
	assert_int_equal(v[2].filesz, 44 * PAGE);
	assert_int_equal(v[2].memsz, (2048 - 956) * PAGE);
	assert_int_equal(v[2].vaddr, 0xffff888000000000 + 956 * PAGE);
	assert_int_equal(v[2].off % PAGE, 0);

	p.gap_pages = 1;
	pieces_of(&p, &n);
	assert_int_equal(n, 4);
}

static unsigned int round_of_block(const void *arg, uint64_t pfn)
{
	const unsigned int *rounds = arg;

	assert_int_equal(pfn % 512, 0);
	return rounds[pfn / 512];
}

/* Program headers by address, what stands in the file by rounds. */
static void test_elf_has_what_matters_first(void **state)
{
	static const unsigned int rounds[] = { 3, 3, 0, 2, 2, 3, 2 };
	static const struct {
		uint64_t pfn, pages, mem_pages, at;
		unsigned int round;
	} want[] = {
		{ 0, 1024, 1024, 100 + 512 + 288, 3 },
		{ 1024, 100, 512, 0, 0 },
		/* one piece through a short gap, the next block is its own */
		{ 1536, 512 + 256, 1024, 100, 2 },
		{ 2560, 12, 512, 100 + 512 + 288 + 1024, 3 },
		{ 3072, 32, 32, 100 + 512 + 256, 2 },
	};
	uint8_t keep[PAGE] = { 0 };
	const struct kd_format_segment seg = { .len_bytes = 3104ull * PAGE,
					       .stored_bytes = 3104ull * PAGE };
	const struct kd_elf_params p = {
		.dump = { .page_size = PAGE, .max_pfn = 3104, .keep = keep },
		.machine = KD_FORMAT_ELF_X86_64,
		.segments = &seg,
		.n_segments = 1,
		.gap_pages = 256,
		.round_of = round_of_block,
		.round_arg = rounds,
		.block_pages = 512
	};
	struct kd_elf_layout l;
	struct kd_err err = { 0 };
	size_t n;

	set_bits(keep, 0, 1024);
	set_bits(keep, 1024, 100);
	set_bits(keep, 1536, 400);
	set_bits(keep, 2100, 204); /* the rest of the block is no gap inside a piece */
	set_bits(keep, 2560, 12);
	set_bits(keep, 3072, 32);
	const struct kd_elf_piece *v = pieces_of(&p, &n);
	assert_int_equal(kd_elf_plan(&p, &l, &err), 0);
	assert_int_equal(n, KD_ARRAY_LEN(want));
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(v[i].paddr, want[i].pfn * PAGE);
		assert_int_equal(v[i].filesz, want[i].pages * PAGE);
		assert_int_equal(v[i].memsz, want[i].mem_pages * PAGE);
		assert_int_equal(v[i].round, want[i].round);
		assert_int_equal(v[i].off, l.data[0] + want[i].at * PAGE);
	}
	assert_int_equal(l.data[1], l.data[2]);
	assert_int_equal(l.end, l.data[3] + (1024 + 12) * PAGE);

	/* A piece that ends inside of a page: nothing is behind it in rounds that have none. */
	struct kd_elf_params q = p;
	const struct kd_format_segment ragged = { .len_bytes = 1024ull * PAGE + 100,
						  .stored_bytes = 1024ull * PAGE + 100 };
	static const unsigned int second[] = { 1, 1, 1 };
	q.segments = &ragged;
	q.round_arg = second;
	v = pieces_of(&q, &n);
	assert_int_equal(kd_elf_plan(&q, &l, &err), 0);
	assert_int_equal(n, 1);
	assert_int_equal(v[0].off, l.data[0]);
	assert_int_equal(l.end, v[0].off + 1024 * PAGE + 100);
}

/* The bytes of a page that is in a segment only in part have no bit; they are kept. */
static void test_elf_keeps_ragged_ends(void **state)
{
	uint8_t keep[PAGE] = { 0 };
	const struct kd_format_segment segs[] = {
		{ .paddr = 0x1234, .len_bytes = 0x3000, .stored_bytes = 0x3000 },
		{ .paddr = 0x10010, .len_bytes = 0x100, .stored_bytes = 0x80 },
	};
	const struct kd_elf_params p = { .dump = { .page_size = PAGE, .max_pfn = 32, .keep = keep },
					 .segments = segs,
					 .n_segments = 2,
					 .gap_pages = 1 };
	size_t n;

	/* whole frames of the first: 2 and 3; only 3 is kept */
	set_bits(keep, 3, 1);
	const struct kd_elf_piece *v = pieces_of(&p, &n);
	assert_int_equal(n, 3);
	assert_int_equal(v[0].paddr, 0x1234);
	assert_int_equal(v[0].filesz, 0x2000 - 0x1234);
	assert_int_equal(v[0].memsz, 0x3000 - 0x1234);
	assert_int_equal(v[0].off % PAGE, 0x234);
	assert_int_equal(v[1].paddr, 0x3000);
	assert_int_equal(v[1].filesz, 0x1234);
	assert_int_equal(v[2].filesz, 0); /* not all of it could be read */
	assert_int_equal(v[2].memsz, 0x100);
}

static void test_elf_with_more_segments_than_16_bits(void **state)
{
	enum { FRAMES = 140000 };
	static uint8_t keep[FRAMES / 8 + 8];
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("elf");
	struct target t = { .fd = fd };
	const struct kd_format_out out = out_to(&t);
	const struct kd_format_segment seg = { .len_bytes = (uint64_t)FRAMES * PAGE,
					       .stored_bytes = (uint64_t)FRAMES * PAGE };
	struct kd_elf_params p = { .dump = { .page_size = PAGE, .max_pfn = FRAMES, .keep = keep },
				   .machine = KD_FORMAT_ELF_ARM64,
				   .segments = &seg,
				   .n_segments = 1,
				   .gap_pages = 1 };
	struct kd_elf_layout l;
	uint8_t room[PAGE];
	struct kd_err err = { 0 };
	uint64_t run = 0;

	memset(keep, 0x55, sizeof(keep)); /* every other one */
	assert_int_equal(kd_elf_plan(&p, &l, &err), 0);
	assert_int_equal(l.phnum, FRAMES / 2 + 1);
	assert_int_equal(l.end, l.data[0] + (uint64_t)FRAMES / 2 * PAGE);
	assert_int_equal(kd_elf_write_head(&p, &l, false, room, sizeof(room), &out, &err), 0);
	assert_int_equal(ftruncate(fd, (off_t)l.end), 0);

	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd);
	KD_AUTO(kd_vmcore_window_freep) struct kd_vmcore_window *w = NULL;
	assert_false(kd_vmcore_is_incomplete(core));
	assert_int_equal(kd_vmcore_machine(core), KD_MACHINE_ARM64);
	assert_int_equal(kd_vmcore_max_pfn(core), FRAMES);
	assert_int_equal(kd_vmcore_window_new(core, KD_ACCESS_READ, 0, 0, &w, &err), 0);
	assert_int_equal(kd_vmcore_page_run(w, 139998, &run, &err), KD_PAGE_STORED);
	assert_int_equal(kd_vmcore_page_run(w, 139999, &run, &err), KD_PAGE_EXCLUDED);
}

static void test_elf_says_that_it_is_incomplete(void **state)
{
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("elf");
	uint8_t keep[8] = { 0xff };
	struct target t = { .fd = fd };
	const struct kd_format_out out = out_to(&t);
	const struct kd_format_segment seg = { .len_bytes = 8 * PAGE, .stored_bytes = 8 * PAGE };
	const struct kd_elf_params p = { .dump = { .page_size = PAGE, .max_pfn = 8, .keep = keep },
					 .machine = KD_FORMAT_ELF_X86_64,
					 .segments = &seg,
					 .n_segments = 1,
					 .gap_pages = 1 };
	struct kd_elf_layout l;
	uint8_t room[PAGE];
	struct kd_err err = { 0 };

	assert_int_equal(kd_elf_plan(&p, &l, &err), 0);
	assert_int_equal(kd_elf_write_head(&p, &l, true, room, sizeof(room), &out, &err), 0);
	assert_int_equal(ftruncate(fd, (off_t)l.end), 0);
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd);
	assert_true(kd_vmcore_is_incomplete(core));
}

static void test_heads_stop_at_a_full_disk(void **state)
{
	KD_AUTO(kd_freep) struct dd_case *c = dd_case_new();
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("dump");
	struct target t = { .fd = fd };
	const struct kd_format_out out = out_to(&t);
	struct kd_diskdump_layout l;
	uint8_t block[PAGE];
	struct kd_err err = { 0 };

	assert_int_equal(kd_diskdump_plan(&c->p, &l, &err), 0);
	const uint64_t ends[] = { 1, PAGE, l.notes + 1, l.bitmap1 - 1, l.bitmap2, l.bitmap2 + 1 };
	for (size_t i = 0; i < KD_ARRAY_LEN(ends); i++) {
		t.fail_at = ends[i];
		assert_int_equal(kd_diskdump_write_head(&c->p, &l, true, block, &out, &err),
				 -KD_NOSPACE);
	}
}

/* ---- flattened ---- */

static int append_to_fd(void *arg, const void *buf, size_t len, struct kd_err *err)
{
	return kd_write_full(*(const int *)arg, buf, len, "stream", err);
}

static void test_flattened_is_read_back(void **state)
{
	KD_AUTO(kd_closep) int elf = kd_gen_memfd("elf");
	KD_AUTO(kd_closep) int stream = kd_gen_memfd("stream");
	KD_AUTO(kd_gen_freep) struct kd_gen *g = kd_gen_new(62, PAGE);
	struct kd_flattened_writer w = { .append = append_to_fd, .arg = &stream };
	KD_AUTO(kd_freep) char *bytes = NULL;
	size_t len = 0;
	uint8_t block[4096];
	struct kd_err err = { 0 };
	uint64_t v = 0;

	kd_gen_info_base(g, "6.1.0-test", 1700000000);
	kd_gen_ram(g, 0, MIB);
	kd_gen_put(g, 0x8000, 0x1122334455667788, 8);
	kd_gen_elf(g, elf, NULL);
	assert_int_equal(lseek(elf, 0, SEEK_SET), 0);
	assert_int_equal(kd_read_all(elf, 4 * MIB, &bytes, &len, "elf", &err), 0);

	assert_int_equal(kd_flattened_begin(&w, block, &err), 0);
	assert_int_equal(kd_flattened_write_at(&w, 10000, bytes + 10000, len - 10000, &err), 0);
	assert_int_equal(kd_flattened_write_at(&w, 0, bytes, 10000, &err), 0);
	for (int ended = 0; ended < 2; ended++) {
		if (ended)
			assert_int_equal(kd_flattened_end(&w, &err), 0);
		assert_int_equal(w.bytes, lseek(stream, 0, SEEK_CUR));
		KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(stream);
		assert_true(kd_vmcore_is_flattened(core));
		assert_int_equal(kd_vmcore_is_incomplete(core), !ended);
		assert_int_equal(kd_vmcore_read(core, 0x8000, &v, 8, &err), 0);
		assert_int_equal(v, 0x1122334455667788);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_diskdump_head_is_read_back),
		cmocka_unit_test(test_diskdump_too_large_for_its_header),
		cmocka_unit_test(test_descs_in_one_round),
		cmocka_unit_test(test_descs_in_two_rounds),
		cmocka_unit_test(test_descs_in_two_rounds_of_a_stream),
		cmocka_unit_test(test_descs_of_pages_that_were_not_written),
		cmocka_unit_test(test_elf_splits_at_long_gaps_only),
		cmocka_unit_test(test_elf_has_what_matters_first),
		cmocka_unit_test(test_elf_keeps_ragged_ends),
		cmocka_unit_test(test_elf_with_more_segments_than_16_bits),
		cmocka_unit_test(test_elf_says_that_it_is_incomplete),
		cmocka_unit_test(test_heads_stop_at_a_full_disk),
		cmocka_unit_test(test_flattened_is_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
