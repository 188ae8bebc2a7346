/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a dump may take, what is refused, and odd machines. */
#include "lib/dump/internal.h"
#include "tests/unit/support-dump.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

static void test_memory_limit(void **state)
{
	const struct dump_machine *m = *state;
	struct kd_dump_opts o = { .codec = codec_named("zstd"),
				  .threads = 16,
				  .max_memory_bytes = MIB };
	struct kd_dump_result r;
	struct kd_err err = { 0 };
	KD_AUTO(kd_closep) int out = kd_gen_memfd("out");

	assert_int_equal(dump_into(m->core, &o, (struct kd_sink_fault){ 0 }, out, &r, &err),
			 -KD_USAGE);
	assert_says(err.msg, "1 MiB of memory are not enough for this dump: it takes ");
	o.max_memory_bytes = 8 * MIB;
	KD_AUTO(kd_closep) int some = make_dump(m->core, &o, &r);
	assert_in_range(r.threads, 2, 8);
	assert_true(r.memory_bytes <= o.max_memory_bytes);
	o.threads = 1;
	KD_AUTO(kd_closep) int one = make_dump(m->core, &o, &r);
	assert_true(files_equal(some, one));
}

/* Room beyond two extents a thread is given up before a thread is. */
static void test_spare_memory_goes_before_a_thread(void **state)
{
	const struct dump_machine *m = *state;
	struct kd_dump_opts o = { .codec = codec_named("zstd"),
				  .threads = 2,
				  .max_memory_bytes = 30 * MIB };
	struct kd_dump_result r, less;
	KD_AUTO(kd_closep) int with = make_dump(m->core, &o, &r);

	o.max_memory_bytes = r.memory_bytes - 1;
	KD_AUTO(kd_closep) int without = make_dump(m->core, &o, &less);
	assert_int_equal(less.threads, 2);
	assert_in_range(r.memory_bytes - less.memory_bytes, 2 * MIB, 2 * MIB + MIB / 4);
	assert_true(files_equal(with, without));
}

/* Four bitmaps where they fit, three where they do not; what is promised is what is taken. */
static void test_large_machine_in_little_memory(void **state)
{
	enum { BITMAP = 10 * MIB };
	KD_AUTO(kd_gen_freep) struct kd_gen *g = dump_machine_new();
	KD_AUTO(kd_closep) int in = kd_gen_memfd("in");
	struct kd_dump_opts o = { .codec = codec_named("zstd"), .threads = 1, .dry_run = true };
	struct kd_dump_result r;
	struct kd_err err = { 0 };

	/* 320 GiB of which the dump has nothing */
	kd_gen_segment(g, 4ULL << 30, 320ULL << 30, 0, 0);
	kd_gen_elf(g, in, NULL);
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(in);
	assert_int_equal(kd_dump_run(core, &o, NULL, &r, &err), 0);
	uint64_t three = r.memory_bytes;
	assert_in_range(three, 3 * BITMAP, 3 * BITMAP + 8 * MIB);

	o.dry_run = false;
	const uint64_t limits[] = { three, three + BITMAP / 2, three + BITMAP + 3 * PAGE };
	for (size_t i = 0; i < KD_ARRAY_LEN(limits); i++) {
		o.max_memory_bytes = limits[i];
		KD_AUTO(kd_closep) int fd = make_dump(core, &o, &r);
		assert_int_equal(r.pages, FRAMES);
		assert_true(r.memory_bytes <= limits[i]);
		assert_int_equal(r.late_pages, i == 2 ? 1012 : 0);
		o.threads = 4;
		KD_AUTO(kd_closep) int more = make_dump(core, &o, &r);
		assert_true(files_equal(fd, more));
		o.threads = 1;
	}
	o.max_memory_bytes = three - 1;
	KD_AUTO(kd_closep) int out = kd_gen_memfd("out");
	assert_int_equal(dump_into(core, &o, (struct kd_sink_fault){ 0 }, out, &r, &err),
			 -KD_USAGE);
	assert_says(err.msg, "of memory are not enough for this dump");
}

/* Memory at 16 TiB: the bitmaps of 512 MiB are holes but for two pages each. */
static void test_holes_are_not_looked_at(void **state)
{
	KD_AUTO(kd_gen_freep) struct kd_gen *g = dump_machine_new();
	KD_AUTO(kd_closep) int in = kd_gen_memfd("in");
	const struct kd_dump_opts o = { .codec = codec_named("none"), .threads = 1 };
	struct kd_dump_result r;
	struct rusage before, after;

	kd_gen_segment(g, 1ULL << 44, 16 * PAGE, 16 * PAGE, 0);
	kd_gen_elf(g, in, NULL);
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(in);
	getrusage(RUSAGE_SELF, &before);
	KD_AUTO(kd_closep) int fd = make_dump(core, &o, &r);
	getrusage(RUSAGE_SELF, &after);
	assert_int_equal(r.pages, FRAMES + 16);
	/* a bitmap has 131072 pages */
	assert_in_range(after.ru_minflt - before.ru_minflt, 0, 60000);
}

static void test_refusals_say_why(void **state)
{
	const struct dump_machine *m = *state;
	KD_AUTO(kd_gen_freep) struct kd_gen *ppc = kd_gen_new(21, PAGE);
	KD_AUTO(kd_closep) int ppc_fd = kd_gen_memfd("ppc");
	KD_AUTO(kd_closep) int out = kd_gen_memfd("out");
	struct kd_dump_result r;
	struct kd_err err = { 0 };
	struct kd_dump_opts o = { .level = 32 };

	assert_int_equal(dump_into(m->core, &o, (struct kd_sink_fault){ 0 }, out, &r, &err),
			 -KD_USAGE);
	assert_says(err.msg, "levels are 0 to 31");

	o = (struct kd_dump_opts){ .format = KD_DUMP_ELF, .codec = codec_named("zstd") };
	assert_int_equal(dump_into(m->core, &o, (struct kd_sink_fault){ 0 }, out, &r, &err),
			 -KD_USAGE);
	assert_says(err.msg, "ELF dump (-E) cannot be compressed (zstd)");

	o = (struct kd_dump_opts){ .codec = codec_named("snappy") };
	assert_int_equal(dump_into(m->core, &o, (struct kd_sink_fault){ 0 }, out, &r, &err),
			 -KD_NOTSUP);
	assert_says(err.msg, "snappy is only read here");

	struct kd_sink *stream = NULL;
	o = (struct kd_dump_opts){ .codec = codec_named("zstd") };
	assert_int_equal(kd_sink_open_stream(out, "pipe", &stream, &err), 0);
	assert_int_equal(kd_dump_run(m->core, &o, stream, &r, &err), -KD_NOTSUP);
	assert_says(err.msg, "pipe takes only a stream: choose the flattened format (-F)");
	kd_sink_abort(stream);

	kd_gen_ram(ppc, 0, MIB);
	kd_gen_elf(ppc, ppc_fd, NULL);
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(ppc_fd);
	assert_int_equal(dump_into(core, &o, (struct kd_sink_fault){ 0 }, out, &r, &err),
			 -KD_NOTSUP);
	assert_says(err.msg, "can be read, not written: use makedumpfile");
}

static void test_dry_run_writes_nothing(void **state)
{
	const struct dump_machine *m = *state;
	const struct kd_dump_opts o = { .level = 31,
					.codec = codec_named("zstd"),
					.dry_run = true };
	struct kd_dump_result r;
	struct kd_err err = { 0 };

	assert_int_equal(kd_dump_run(m->core, &o, NULL, &r, &err), 0);
	assert_int_equal(r.filter.n_keep, FRAMES - 1012);
	assert_int_equal(r.pages, 0);
	assert_null(r.filter.keep);
}

/* A dump of a kernel that tells nothing: everything is kept, and the reason is there. */
static void test_kernel_without_vmcoreinfo_is_kept_whole(void **state)
{
	KD_AUTO(kd_gen_freep) struct kd_gen *g = kd_gen_new(62, PAGE);
	KD_AUTO(kd_closep) int in = kd_gen_memfd("in");
	const struct kd_dump_opts o = { .level = 31, .codec = codec_named("zstd") };
	struct kd_dump_result r;

	kd_gen_ram(g, MIB, MIB);
	kd_gen_elf(g, in, &(struct kd_gen_elf_opts){ .without_notes = true });
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(in);
	KD_AUTO(kd_closep) int fd = make_dump(core, &o, &r);
	assert_int_equal(r.filter.dropped, 30);
	assert_says(r.why_dropped[4], "no vmcoreinfo");
	assert_string_equal(r.model, "none");
	assert_int_equal(r.zero_pages, 256);
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *got = open_core(fd);
	assert_int_equal(kd_vmcore_diskdump(got)->dump_level, 1);
}

static bool fill_with_ones(void *arg, uint64_t paddr, uint8_t *page, size_t len)
{
	memset(page, 1, len);
	return true;
}

/* Firmware's memory map ends where it likes, e.g. at 0x9fc00: what there is of the page is kept. */
static void test_segments_that_begin_and_end_inside_a_page(void **state)
{
	static const enum kd_dump_format formats[] = { KD_DUMP_DISKDUMP, KD_DUMP_ELF };
	KD_AUTO(kd_gen_freep) struct kd_gen *g = kd_gen_new(62, PAGE);
	KD_AUTO(kd_closep) int in = kd_gen_memfd("in");

	kd_gen_ram(g, MIB + 0x300, MIB); /* ends at 0x200300 */
	kd_gen_fill(g, 0, 4 * MIB, fill_with_ones, NULL);
	kd_gen_elf(g, in, &(struct kd_gen_elf_opts){ .without_notes = true });
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(in);
	for (size_t i = 0; i < KD_ARRAY_LEN(formats); i++) {
		const struct kd_dump_opts o = { .format = formats[i] };
		struct kd_dump_result r;
		uint8_t page[PAGE];
		struct kd_err err = { 0 };
		KD_AUTO(kd_closep) int fd = make_dump(core, &o, &r);
		assert_int_equal(r.bad_pages, 0);
		KD_AUTO(kd_vmcore_closep) struct kd_vmcore *got = open_core(fd);
		assert_int_equal(kd_vmcore_read(got, MIB + 0x300, page, PAGE - 0x300, &err), 0);
		assert_true(page[0] == 1 && page[PAGE - 0x301] == 1);
		assert_int_equal(kd_vmcore_read(got, 2 * MIB, page, 0x300, &err), 0);
		assert_true(page[0] == 1 && page[0x2ff] == 1);
		if (formats[i] == KD_DUMP_ELF)
			continue;
		assert_int_equal(kd_vmcore_read(got, MIB, page, 0x300, &err), 0);
		assert_true(kd_page_is_zero(page, 0x300));
		assert_int_equal(kd_vmcore_read(got, 2 * MIB + 0x300, page, 0xd00, &err), 0);
		assert_true(kd_page_is_zero(page, 0xd00));
	}
}

struct heard {
	unsigned int calls;
	uint64_t done, total;
	enum kd_dump_stage stage;
};

static void hear(void *arg, const struct kd_dump_progress *p)
{
	struct heard *h = arg;

	assert_true(p->stage >= h->stage);
	assert_true(p->done_bytes >= h->done && p->done_bytes <= p->total_bytes + 1);
	h->calls++;
	h->stage = p->stage;
	h->done = p->done_bytes;
	h->total = p->total_bytes;
}

static void test_progress_goes_forward_to_its_end(void **state)
{
	const struct dump_machine *m = *state;
	struct heard h = { 0 };
	const struct kd_dump_opts o = { .codec = codec_named("zstd"),
					.progress = hear,
					.progress_arg = &h };
	struct kd_dump_result r;
	KD_AUTO(kd_closep) int fd = make_dump(m->core, &o, &r);

	assert_int_equal(r.file_bytes, size_of(fd));
	assert_true(h.calls >= 3);
	assert_int_equal(h.stage, KD_DUMP_SYNCING);
	assert_int_equal(h.done, RAM);
	assert_int_equal(h.total, RAM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory_limit),
		cmocka_unit_test(test_spare_memory_goes_before_a_thread),
		cmocka_unit_test(test_large_machine_in_little_memory),
		cmocka_unit_test(test_holes_are_not_looked_at),
		cmocka_unit_test(test_refusals_say_why),
		cmocka_unit_test(test_dry_run_writes_nothing),
		cmocka_unit_test(test_kernel_without_vmcoreinfo_is_kept_whole),
		cmocka_unit_test(test_segments_that_begin_and_end_inside_a_page),
		cmocka_unit_test(test_progress_goes_forward_to_its_end),
	};

	return cmocka_run_group_tests(tests, dump_machine_setup, dump_machine_teardown);
}
