/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dumps in each format: the pages come back, and what is said of them. */
#include "lib/ondisk/diskdump.h"
#include "lib/ondisk/flattened.h"
#include "tests/unit/support-dump.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

/* ---- diskdump ---- */

static void test_each_codec_gives_the_pages_back(void **state)
{
	const struct dump_machine *m = *state;
	static const char *const names[] = { "none", "zlib", "lzo", "zstd" };
	off_t raw_size = 0;

	for (size_t i = 0; i < KD_ARRAY_LEN(names); i++) {
		const struct kd_dump_opts o = { .level = 1,
						.codec = codec_named(names[i]),
						.threads = 1 };
		struct kd_dump_result r;
		KD_AUTO(kd_closep) int fd = make_dump(m->core, &o, &r);
		KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd);
		const struct kd_vmcore_diskdump_info *info = kd_vmcore_diskdump(core);

		assert_int_equal(compare_dumps(core, m->core), FRAMES);
		assert_false(kd_vmcore_is_incomplete(core));
		assert_int_equal(info->status, o.codec->diskdump_flag);
		assert_int_equal(info->dump_level, 1);
		assert_string_equal(info->release, "6.1.0-test");
		assert_string_equal(info->machine, "x86_64");
		assert_int_equal(r.pages, FRAMES);
		assert_int_equal(r.file_bytes, size_of(fd));
		assert_int_equal(r.bad_pages, 0);
		assert_false(r.truncated);
		if (i == 0)
			raw_size = size_of(fd);
		else
			assert_true(size_of(fd) < raw_size);
	}
}

static void test_headers_tell_what_notes_and_memory_told(void **state)
{
	const struct dump_machine *m = *state;
	const struct kd_dump_opts o = { .level = 31, .codec = codec_named("zstd") };
	struct kd_dump_result r;
	KD_AUTO(kd_closep) int fd = make_dump(m->core, &o, &r);
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd);
	size_t len = 0, want_len = 0;
	uint8_t block[KD_DISKDUMP_HEADER_BYTES];
	struct kd_diskdump_header h;
	struct kd_err err = { 0 };
	int64_t when = 0;

	assert_memory_equal(kd_vmcore_notes_raw(core, &len),
			    kd_vmcore_notes_raw(m->core, &want_len), want_len);
	assert_int_equal(len, want_len);
	assert_int_equal(kd_vmcore_crashtime(core, &when), 1);
	assert_int_equal(when, 1700000000);
	assert_int_equal(pread(fd, block, sizeof(block), 0), sizeof(block));
	assert_int_equal(kd_diskdump_decode_header(block, sizeof(block), &h, &err), 0);
	assert_string_equal(h.sysname, "Linux");
	assert_int_equal(h.nr_cpus, 2);
	assert_int_equal(h.time_sec, 1700000000);
	assert_int_equal(h.header_version, 6);
	assert_string_equal(r.model, "sparsemem-extreme");
	assert_int_equal(r.filter.excluded[KD_CLASS_FREE], 512);
	assert_int_equal(r.filter.excluded[KD_CLASS_USER], 300);
	assert_int_equal(r.filter.excluded[KD_CLASS_CACHE], 200);
	assert_int_equal(compare_dumps(core, m->core), FRAMES - 1012);
}

static void test_equal_pages_are_stored_once(void **state)
{
	const struct dump_machine *m = *state;
	const struct kd_dump_opts o = { .codec = NULL, .threads = 1, .one_pass = true };
	struct kd_dump_result r;
	KD_AUTO(kd_closep) int fd = make_dump(m->core, &o, &r);

	/* Of each 512 frames 64 are the same one. Frame 1 of eight; and below, memory is empty. */
	assert_int_equal(r.zero_pages + r.shared_pages + r.raw_pages, FRAMES);
	assert_in_range(r.shared_pages, FILLED_FRAMES / 512 * 63, FILLED_FRAMES / 512 * 63 + 300);
	assert_true(r.zero_pages > FRAMES - FILLED_FRAMES - 500);
	assert_true((uint64_t)size_of(fd) < (r.raw_pages + 200) * PAGE);
}

static void test_output_does_not_depend_on_threads(void **state)
{
	const struct dump_machine *m = *state;
	const struct kd_dump_opts cases[] = {
		{ .level = 0, .codec = codec_named("zstd") },
		{ .level = 31, .codec = codec_named("zlib") },
		{ .level = 1, .codec = codec_named("lzo"), .one_pass = true },
		{ .level = 17, .codec = codec_named("zstd"), .flattened = true },
		{ .level = 31, .format = KD_DUMP_ELF },
		{ .level = 0, .format = KD_DUMP_ELF, .flattened = true },
		/* little memory: few pages are remembered */
		{ .level = 0, .codec = codec_named("zstd"), .max_memory_bytes = 30 << 20 },
	};
	static const unsigned int threads[] = { 2, 3, 5 };

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		struct kd_dump_opts o = cases[i];
		struct kd_dump_result r;
		o.threads = 1;
		KD_AUTO(kd_closep) int one = make_dump(m->core, &o, &r);
		for (size_t k = 0; k < KD_ARRAY_LEN(threads); k++) {
			o.threads = threads[k];
			KD_AUTO(kd_closep) int more = make_dump(m->core, &o, &r);
			assert_int_equal(r.threads, threads[k]);
			if (!files_equal(one, more))
				fail_msg("case %zu differs with %u threads", i, threads[k]);
		}
	}
}

/* The key of the page hash is random: nothing of it may show. */
static void test_output_is_the_same_each_time(void **state)
{
	const struct dump_machine *m = *state;
	const struct kd_dump_opts o = { .codec = codec_named("zstd") };
	struct kd_dump_result r;
	KD_AUTO(kd_closep) int a = make_dump(m->core, &o, &r);
	KD_AUTO(kd_closep) int b = make_dump(m->core, &o, &r);

	assert_true(files_equal(a, b));
}

/* ---- ELF and streams ---- */

static void test_elf_gives_the_pages_back(void **state)
{
	const struct dump_machine *m = *state;
	static const unsigned int levels[] = { 0, 31 };

	for (size_t i = 0; i < KD_ARRAY_LEN(levels); i++) {
		const struct kd_dump_opts o = { .level = levels[i], .format = KD_DUMP_ELF };
		struct kd_dump_result r;
		struct stat st;
		uint64_t vaddr_bytes = 0;
		struct kd_err err = { 0 };
		KD_AUTO(kd_closep) int fd = make_dump(m->core, &o, &r);
		KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd);

		assert_int_equal(kd_vmcore_format(core), KD_VMCORE_ELF);
		assert_false(kd_vmcore_is_incomplete(core));
		/* the 512 free pages are a gap long enough; 200 of page cache are not */
		assert_int_equal(compare_dumps(core, m->core),
				 levels[i] ? FRAMES - 512 - 300 : FRAMES);
		assert_int_equal(kd_vmcore_read_vaddr(core, KD_GEN_X86_DIRECT + FILLED + PAGE,
						      &vaddr_bytes, 8, &err),
				 0);
		assert_int_equal(vaddr_bytes, 77 + (FIRST_FILLED + 1) / 512);
		assert_int_equal(fstat(fd, &st), 0);
		assert_int_equal(r.file_bytes, st.st_size);
		/* most of the low memory is zeros: holes */
		assert_true(st.st_blocks * 512 < 20 * MIB);
	}
}

static int stream_dump(struct kd_vmcore *core, const struct kd_dump_opts *o,
		       struct kd_dump_result *r)
{
	int fd = kd_gen_memfd("stream");
	struct kd_sink *sink = NULL;
	struct kd_err err = { 0 };

	if (kd_sink_open_stream(fd, "stream", &sink, &err) || kd_dump_run(core, o, sink, r, &err) ||
	    kd_sink_commit(sink, &err))
		fail_msg("%s", err.msg);
	return fd;
}

/* No byte of the real file comes twice, and most come in large pieces; those of an ELF file as they
 * follow each other there. */
static void check_chunks(int fd, size_t max_chunks, bool ascending)
{
	struct {
		uint64_t off, end;
	} seen[256] = { 0 };
	size_t n = 0;
	uint64_t at = KD_FLATTENED_HEADER_BYTES;
	struct kd_err err = { 0 };

	for (;;) {
		uint8_t head[KD_FLATTENED_CHUNK_BYTES];
		struct kd_flattened_chunk c;
		assert_int_equal(pread(fd, head, sizeof(head), (off_t)at), sizeof(head));
		assert_int_equal(kd_flattened_decode_chunk(head, sizeof(head), &c, &err), 0);
		at += sizeof(head);
		if (c.end)
			break;
		for (size_t i = 0; i < n; i++)
			assert_true(c.offset >= seen[i].end ||
				    (!ascending && c.offset + c.size <= seen[i].off));
		assert_true(n < KD_ARRAY_LEN(seen));
		seen[n].off = c.offset;
		seen[n++].end = c.offset + c.size;
		at += c.size;
	}
	assert_int_equal(at, size_of(fd));
	assert_true(n <= max_chunks);
}

static void test_stream_is_read_back(void **state)
{
	const struct dump_machine *m = *state;
	const struct kd_dump_opts cases[] = {
		{ .level = 0, .codec = codec_named("zstd"), .flattened = true },
		{ .level = 31, .codec = codec_named("zlib"), .flattened = true },
		{ .level = 0, .format = KD_DUMP_ELF, .flattened = true },
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		struct kd_dump_result r;
		KD_AUTO(kd_closep) int fd = stream_dump(m->core, &cases[i], &r);
		KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd);

		assert_true(kd_vmcore_is_flattened(core));
		assert_false(kd_vmcore_is_incomplete(core));
		assert_int_equal(compare_dumps(core, m->core),
				 cases[i].level ? FRAMES - 1012 : FRAMES);
		bool elf = cases[i].format == KD_DUMP_ELF;
		check_chunks(fd, elf ? 30 : 14, elf);
	}
}

static void test_broken_stream_is_incomplete(void **state)
{
	const struct dump_machine *m = *state;
	const struct kd_dump_opts o = { .codec = codec_named("zstd"), .flattened = true };
	struct kd_dump_result r;
	KD_AUTO(kd_closep) int whole = stream_dump(m->core, &o, &r);
	uint64_t size = (uint64_t)size_of(whole);
	struct kd_err err = { 0 };

	for (int i = 1; i < 8; i++) {
		KD_AUTO(kd_closep) int fd = kd_gen_memfd("broken");
		struct kd_sink *s = NULL;
		assert_int_equal(kd_sink_open_stream(fd, "stream", &s, &err), 0);
		s = with_fault(s, (struct kd_sink_fault){ .fail_after = size * i / 8,
							  .fail_errno = EPIPE });
		assert_int_equal(kd_dump_run(m->core, &o, s, &r, &err), 0);
		kd_sink_abort(s);
		assert_true(r.truncated);
		assert_says(r.reason, "write stream: Broken pipe");
		KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd);
		assert_true(kd_vmcore_is_incomplete(core));
		compare_dumps(core, m->core);
	}
}

/* A descriptor that is there in part is that of a missing page, like one that is not there. */
static void test_stream_cut_inside_of_descriptors(void **state)
{
	enum { END_BYTES = KD_FLATTENED_CHUNK_BYTES, CUT_BYTES = 50 };
	const struct dump_machine *m = *state;
	const struct kd_dump_opts o = { .flattened = true, .no_digests = true };
	struct kd_dump_result r;
	KD_AUTO(kd_closep) int fd = stream_dump(m->core, &o, &r);
	off_t size = size_of(fd) - END_BYTES; /* descriptors are the last before the end */

	for (uint64_t cut = 0; cut <= CUT_BYTES; cut++) {
		assert_int_equal(ftruncate(fd, size - (off_t)cut), 0);
		KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd);
		uint64_t lost = (cut + KD_DISKDUMP_DESC_BYTES - 1) / KD_DISKDUMP_DESC_BYTES;
		assert_true(kd_vmcore_is_incomplete(core));
		assert_int_equal(compare_dumps(core, m->core), FRAMES - lost);
	}
}

/* ---- dumps of dumps ---- */

static bool exclude_every_fifth(void *arg, uint64_t pfn)
{
	return pfn >= FIRST_FILLED && pfn % 5 == 0;
}

static void test_filtering_again_adds_levels(void **state)
{
	const struct dump_machine *m = *state;
	KD_AUTO(kd_gen_freep) struct kd_gen *g = dump_machine_new();
	KD_AUTO(kd_closep) int in = kd_gen_memfd("in");
	const struct kd_gen_diskdump_opts gen = { .codec = KD_GEN_MIXED,
						  .dump_level = 8,
						  .exclude = exclude_every_fifth };
	const struct kd_dump_opts o = { .level = 17, .codec = codec_named("zlib"), .threads = 2 };
	struct kd_dump_result r;

	kd_gen_diskdump(g, in, &gen);
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(in);
	KD_AUTO(kd_closep) int fd = make_dump(core, &o, &r);
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *got = open_core(fd);
	assert_int_equal(kd_vmcore_diskdump(got)->dump_level, 25);
	assert_true(r.filter.n_absent > FILLED_FRAMES / 5 - 2);
	assert_int_equal(r.filter.excluded[KD_CLASS_FREE], 512 - 512 / 5);
	assert_int_equal(compare_dumps(got, m->core), r.filter.n_keep);
	assert_int_equal(page_state(got, FIRST_FILLED), KD_PAGE_EXCLUDED);

	/* and to ELF: what is not there cannot be filled in */
	const struct kd_dump_opts elf = { .format = KD_DUMP_ELF };
	KD_AUTO(kd_closep) int elf_fd = make_dump(core, &elf, &r);
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *elf_core = open_core(elf_fd);
	assert_int_equal(r.bad_pages, 0);
	assert_int_equal(compare_dumps(elf_core, m->core), r.filter.n_keep);
}

static void test_incomplete_stays_incomplete(void **state)
{
	const struct dump_machine *m = *state;
	KD_AUTO(kd_gen_freep) struct kd_gen *g = dump_machine_new();
	KD_AUTO(kd_closep) int in = kd_gen_memfd("in");
	const struct kd_gen_diskdump_opts gen = { .codec = KD_GEN_ZSTD,
						  .status = KD_DISKDUMP_INCOMPLETE,
						  .stop_after = FRAMES - 100 };
	struct kd_dump_opts o = { .codec = codec_named("zstd") };
	struct kd_dump_result r;

	kd_gen_diskdump(g, in, &gen);
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(in);
	for (int flattened = 0; flattened < 2; flattened++) {
		o.flattened = flattened;
		KD_AUTO(kd_closep) int fd = make_dump(core, &o, &r);
		KD_AUTO(kd_vmcore_closep) struct kd_vmcore *got = open_core(fd);
		assert_true(r.input_incomplete);
		assert_false(r.truncated);
		assert_true(kd_vmcore_is_incomplete(got));
		assert_int_equal(compare_dumps(got, m->core), FRAMES - 100);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_codec_gives_the_pages_back),
		cmocka_unit_test(test_headers_tell_what_notes_and_memory_told),
		cmocka_unit_test(test_equal_pages_are_stored_once),
		cmocka_unit_test(test_output_does_not_depend_on_threads),
		cmocka_unit_test(test_output_is_the_same_each_time),
		cmocka_unit_test(test_elf_gives_the_pages_back),
		cmocka_unit_test(test_stream_is_read_back),
		cmocka_unit_test(test_broken_stream_is_incomplete),
		cmocka_unit_test(test_stream_cut_inside_of_descriptors),
		cmocka_unit_test(test_filtering_again_adds_levels),
		cmocka_unit_test(test_incomplete_stays_incomplete),
	};

	return cmocka_run_group_tests(tests, dump_machine_setup, dump_machine_teardown);
}
