/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/dump/dump.h"
#include "lib/dump/internal.h"
#include "lib/ondisk/flattened.h"
#include "tests/gen/mkvmcore.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include <cmocka.h>

enum {
	PAGE = 4096,
	MIB = 1 << 20,
	RAM = 48 * MIB,
	FRAMES = RAM / PAGE,
	MEM_MAP = 34 * MIB, /* of kd_gen_x86_kernel() */
	FILLED = 40 * MIB,  /* from here on each page is made by a rule */
	FIRST_FILLED = FILLED / PAGE,
	FILLED_FRAMES = FRAMES - FIRST_FILLED,

	LRU = 1 << 4,
	ANON_FROM = FIRST_FILLED + 1000, /* 300 user pages */
	CACHE_FROM = FIRST_FILLED + 500, /* 200 of page cache */
	FREE_FROM = FIRST_FILLED + 1536, /* 512 free ones */
};

static void assert_says(const char *msg, const char *what)
{
	if (!strstr(msg, what))
		fail_msg("\"%s\" does not say \"%s\"", msg, what);
}

/* ---- a machine ---- */

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Zeros, noise, text, and pages that are the same as others near and far. */
static bool fill_page(void *arg, uint64_t paddr, uint8_t *page, size_t len)
{
	uint64_t frame = paddr / PAGE, seed = frame + 1;

	switch (frame % 8) {
	case 0:
		return false;
	case 1:
		seed = 77 + frame / 512; /* many the same, also far away */
		break;
	case 2:
	case 3:
		for (size_t i = 0; i < len; i += 8)
			memcpy(page + i, &(uint64_t){ next_random(&seed) }, 8);
		return true;
	default:
		break;
	}
	for (size_t i = 0; i < len; i++)
		page[i] = (uint8_t) "the quick brown fox "[(i * seed / 64) % 20];
	memcpy(page, &seed, sizeof(seed));
	return true;
}

static void set_page(struct kd_gen *g, uint64_t pfn, unsigned int offset, uint64_t value,
		     unsigned int bytes)
{
	kd_gen_put(g, MEM_MAP + pfn * 64 + offset, value, bytes);
}

static struct kd_gen *machine_new(void)
{
	struct kd_gen *g = kd_gen_new(62, PAGE);

	kd_gen_note(g, "CORE", 1, "cpu 0", 6);
	kd_gen_note(g, "CORE", 1, "cpu 1", 6);
	kd_gen_x86_kernel(g, "6.1.0-test", 16 * MIB, RAM);
	kd_gen_info(g, "NUMBER(PG_lru)=4\nNUMBER(PG_private)=13\nNUMBER(PG_swapcache)=10\n"
		       "NUMBER(PG_swapbacked)=19\nNUMBER(PG_slab)=9\nNUMBER(PG_head_mask)=65536\n"
		       "NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)=-129\nLENGTH(zone.free_area)=11\n"
		       "OFFSET(page.compound_order)=17\n");
	kd_gen_fill(g, FILLED, RAM - FILLED, fill_page, NULL);
	for (uint64_t i = 0; i < 300; i++)
		set_page(g, ANON_FROM + i, 24, 0xffff888000000001, 8);
	for (uint64_t i = 0; i < 200; i++)
		set_page(g, CACHE_FROM + i, 0, LRU, 8);
	set_page(g, FREE_FROM, 40, 9, 8);
	set_page(g, FREE_FROM, 48, (uint32_t)-129, 4);
	return g;
}

struct machine {
	int fd;
	struct kd_vmcore *core;
};

static struct kd_vmcore *open_core(int fd)
{
	struct kd_vmcore *core = NULL;
	struct kd_err err = { 0 };

	if (kd_vmcore_open(fd, "dump", NULL, &core, &err))
		fail_msg("%s", err.msg);
	return core;
}

static int machine_setup(void **state)
{
	static struct machine m;
	KD_AUTO(kd_gen_freep) struct kd_gen *g = machine_new();

	m.fd = kd_gen_memfd("machine");
	kd_gen_elf(g, m.fd, NULL);
	m.core = open_core(m.fd);
	*state = &m;
	return 0;
}

static int machine_teardown(void **state)
{
	struct machine *m = *state;

	kd_vmcore_close(m->core);
	close(m->fd);
	return 0;
}

/* ---- making a dump, looking at one ---- */

static struct kd_sink *memory_sink(int fd)
{
	struct kd_sink *s = NULL;
	struct kd_err err = { 0 };

	if (kd_sink_open_fd(fd, "memory", 0, &s, &err))
		fail_msg("%s", err.msg);
	return s;
}

static struct kd_sink *with_fault(struct kd_sink *inner, struct kd_sink_fault fault)
{
	struct kd_sink *f = NULL;
	struct kd_err err = { 0 };

	if (kd_sink_fault_new(inner, &fault, &f, &err))
		fail_msg("%s", err.msg);
	return f;
}

/* A memfd with the dump; close(). */
static int dump(struct kd_vmcore *core, const struct kd_dump_opts *opts, struct kd_dump_result *r)
{
	int fd = kd_gen_memfd("out");
	struct kd_sink *sink = memory_sink(fd);
	struct kd_err err = { 0 };

	if (kd_dump_run(core, opts, sink, r, &err))
		fail_msg("%s", err.msg);
	if (kd_sink_commit(sink, &err))
		fail_msg("%s", err.msg);
	return fd;
}

static const struct kd_codec *codec(const char *name)
{
	return kd_codec_by_name(name);
}

static int page_state(struct kd_vmcore *core, uint64_t pfn)
{
	KD_AUTO(kd_vmcore_window_freep) struct kd_vmcore_window *w = NULL;
	struct kd_err err = { 0 };
	uint64_t n;

	assert_int_equal(kd_vmcore_window_new(core, KD_ACCESS_READ, 0, 0, &w, &err), 0);
	return kd_vmcore_page_run(w, pfn, &n, &err);
}

/* Each page that can be read is what it was. Returns how many can. */
static uint64_t compare(struct kd_vmcore *got, struct kd_vmcore *want)
{
	KD_AUTO(kd_vmcore_window_freep) struct kd_vmcore_window *w = NULL;
	struct kd_err err = { 0 };
	uint8_t a[PAGE], b[PAGE];
	uint64_t n = 0, same = 0;

	assert_int_equal(kd_vmcore_max_pfn(got), kd_vmcore_max_pfn(want));
	assert_int_equal(kd_vmcore_window_new(got, KD_ACCESS_READ, 0, 0, &w, &err), 0);
	for (uint64_t pfn = 0; pfn < FRAMES; pfn += n) {
		int st = kd_vmcore_page_run(w, pfn, &n, &err);
		if (n > FRAMES - pfn)
			n = FRAMES - pfn;
		for (uint64_t i = pfn; st == KD_PAGE_STORED && i < pfn + n; i++) {
			if (kd_vmcore_read(got, i * PAGE, a, PAGE, &err))
				fail_msg("%s", err.msg);
			if (kd_vmcore_read(want, i * PAGE, b, PAGE, &err))
				fail_msg("%s", err.msg);
			if (memcmp(a, b, PAGE))
				fail_msg("page frame 0x%jx differs", (uintmax_t)i);
			same++;
		}
	}
	return same;
}

static bool files_equal(int a, int b)
{
	struct stat sa, sb;

	assert_int_equal(fstat(a, &sa), 0);
	assert_int_equal(fstat(b, &sb), 0);
	if (sa.st_size != sb.st_size)
		return false;
	void *pa = mmap(NULL, (size_t)sa.st_size, PROT_READ, MAP_SHARED, a, 0);
	void *pb = mmap(NULL, (size_t)sb.st_size, PROT_READ, MAP_SHARED, b, 0);
	assert_true(pa != MAP_FAILED && pb != MAP_FAILED);
	bool equal = memcmp(pa, pb, (size_t)sa.st_size) == 0;
	munmap(pa, (size_t)sa.st_size);
	munmap(pb, (size_t)sb.st_size);
	return equal;
}

static off_t size_of(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return st.st_size;
}

/* ---- diskdump ---- */

static void test_each_codec_gives_the_pages_back(void **state)
{
	const struct machine *m = *state;
	static const char *const names[] = { "none", "zlib", "lzo", "zstd" };
	off_t raw_size = 0;

	for (size_t i = 0; i < KD_ARRAY_LEN(names); i++) {
		const struct kd_dump_opts o = { .level = 1,
						.codec = codec(names[i]),
						.threads = 1 };
		struct kd_dump_result r;
		KD_AUTO(kd_closep) int fd = dump(m->core, &o, &r);
		KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd);
		const struct kd_vmcore_diskdump_info *info = kd_vmcore_diskdump(core);

		assert_int_equal(compare(core, m->core), FRAMES);
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
	const struct machine *m = *state;
	const struct kd_dump_opts o = { .level = 31, .codec = codec("zstd") };
	struct kd_dump_result r;
	KD_AUTO(kd_closep) int fd = dump(m->core, &o, &r);
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
	assert_int_equal(compare(core, m->core), FRAMES - 1012);
}

static void test_equal_pages_are_stored_once(void **state)
{
	const struct machine *m = *state;
	const struct kd_dump_opts o = { .codec = NULL, .threads = 1, .one_pass = true };
	struct kd_dump_result r;
	KD_AUTO(kd_closep) int fd = dump(m->core, &o, &r);

	/* Of each 512 frames 64 are the same one. Frame 1 of eight; and below, memory is empty. */
	assert_int_equal(r.zero_pages + r.shared_pages + r.raw_pages, FRAMES);
	assert_in_range(r.shared_pages, FILLED_FRAMES / 512 * 63, FILLED_FRAMES / 512 * 63 + 300);
	assert_true(r.zero_pages > FRAMES - FILLED_FRAMES - 500);
	assert_true((uint64_t)size_of(fd) < (r.raw_pages + 200) * PAGE);
}

static void test_output_does_not_depend_on_threads(void **state)
{
	const struct machine *m = *state;
	const struct kd_dump_opts cases[] = {
		{ .level = 0, .codec = codec("zstd") },
		{ .level = 31, .codec = codec("zlib") },
		{ .level = 1, .codec = codec("lzo"), .one_pass = true },
		{ .level = 17, .codec = codec("zstd"), .flattened = true },
		{ .level = 31, .format = KD_DUMP_ELF },
		{ .level = 0, .format = KD_DUMP_ELF, .flattened = true },
		/* little memory: few pages are remembered */
		{ .level = 0, .codec = codec("zstd"), .max_memory_bytes = 30 << 20 },
	};
	static const unsigned int threads[] = { 2, 3, 5 };

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		struct kd_dump_opts o = cases[i];
		struct kd_dump_result r;
		o.threads = 1;
		KD_AUTO(kd_closep) int one = dump(m->core, &o, &r);
		for (size_t k = 0; k < KD_ARRAY_LEN(threads); k++) {
			o.threads = threads[k];
			KD_AUTO(kd_closep) int more = dump(m->core, &o, &r);
			assert_int_equal(r.threads, threads[k]);
			if (!files_equal(one, more))
				fail_msg("case %zu differs with %u threads", i, threads[k]);
		}
	}
}

/* The key of the page hash is random: nothing of it may show. */
static void test_output_is_the_same_each_time(void **state)
{
	const struct machine *m = *state;
	const struct kd_dump_opts o = { .codec = codec("zstd") };
	struct kd_dump_result r;
	KD_AUTO(kd_closep) int a = dump(m->core, &o, &r);
	KD_AUTO(kd_closep) int b = dump(m->core, &o, &r);

	assert_true(files_equal(a, b));
}

/* ---- a target that takes no more ---- */

static int dump_into(struct kd_vmcore *core, const struct kd_dump_opts *o,
		     struct kd_sink_fault fault, int fd, struct kd_dump_result *r,
		     struct kd_err *err)
{
	struct kd_sink *sink = with_fault(memory_sink(fd), fault);
	int rc = kd_dump_run(core, o, sink, r, err);

	kd_sink_abort(sink);
	return rc;
}

/* Whatever is in it then can be read, is right, and does not pass for the whole. */
static void check_truncated(const struct machine *m, int fd, const struct kd_dump_result *r)
{
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd);

	assert_true(r->truncated);
	assert_true(kd_vmcore_is_incomplete(core));
	assert_int_equal(compare(core, m->core), r->pages);
}

static void test_full_disk_at_any_byte(void **state)
{
	const struct machine *m = *state;
	const struct kd_dump_opts o = { .level = 0, .codec = codec("zstd"), .threads = 2 };
	struct kd_dump_result r;
	KD_AUTO(kd_closep) int whole = dump(m->core, &o, &r);
	uint64_t size = (uint64_t)size_of(whole), data = r.file_bytes;
	struct kd_err err = { 0 };
	unsigned int failed = 0, truncated = 0;

	assert_true(size == data && r.digest_ranges > 3);
	uint64_t trailer = r.digest_ranges * KD_DIGEST_RECORD_BYTES + KD_DIGEST_FOOTER_BYTES;
	const uint64_t edges[] = {
		1,	     100,      PAGE,
		PAGE + 1,    2 * PAGE, 2 * PAGE + 1,
		3 * PAGE,    5 * PAGE, 300 << 10,
		600 << 10,   MIB,      MIB + 1,
		2 * MIB - 1, size / 2, size - trailer - 1,
	};
	for (size_t i = 0; i < KD_ARRAY_LEN(edges); i++) {
		KD_AUTO(kd_closep) int fd = kd_gen_memfd("full");
		int rc = dump_into(m->core, &o, (struct kd_sink_fault){ .room_bytes = edges[i] },
				   fd, &r, &err);
		if (rc) {
			assert_int_equal(rc, -KD_NOSPACE);
			assert_says(err.msg, "No space left on device");
			failed++;
			continue;
		}
		assert_int_equal(r.code, KD_NOSPACE);
		assert_says(r.reason, "No space left on device");
		check_truncated(m, fd, &r);
		truncated++;
	}
	assert_true(failed >= 6 && truncated >= 5);

	/* Room for all but the hashes: whole, without them. */
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("full");
	assert_int_equal(dump_into(m->core, &o,
				   (struct kd_sink_fault){ .room_bytes = size - trailer + 1 }, fd,
				   &r, &err),
			 0);
	assert_false(r.truncated);
	assert_int_equal(r.digest_ranges, 0);
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd);
	assert_false(kd_vmcore_is_incomplete(core));
	assert_int_equal(compare(core, m->core), FRAMES);
}

/* Without a working disk any more nothing can be added, not even descriptors. */
static void test_dead_disk_at_any_byte(void **state)
{
	const struct machine *m = *state;
	const struct kd_dump_opts o = { .level = 0, .codec = codec("zlib"), .threads = 3 };
	struct kd_dump_result r;
	KD_AUTO(kd_closep) int whole = dump(m->core, &o, &r);
	uint64_t written = r.written_bytes;
	assert_true(written >= (uint64_t)size_of(whole) - 64 * PAGE); /* less holes */
	struct kd_err err = { 0 };

	for (uint64_t after = 1; after < written; after += 1 + written / 12) {
		KD_AUTO(kd_closep) int fd = kd_gen_memfd("dead");
		int rc = dump_into(m->core, &o,
				   (struct kd_sink_fault){ .fail_after = after, .fail_errno = EIO },
				   fd, &r, &err);
		if (rc) {
			assert_int_equal(rc, -KD_SYS);
			continue;
		}
		assert_true(r.truncated);
		assert_int_equal(r.code, KD_SYS);
		KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd);
		assert_true(kd_vmcore_is_incomplete(core));
		assert_true(compare(core, m->core) <= r.pages);
	}
}

static void test_failed_sync_leaves_it_incomplete(void **state)
{
	const struct machine *m = *state;
	const struct kd_dump_opts o = { .level = 31, .codec = codec("zstd") };
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("out");
	struct kd_dump_result r;
	struct kd_err err = { 0 };

	assert_int_equal(dump_into(m->core, &o,
				   (struct kd_sink_fault){ .fail_sync = true, .fail_errno = EIO },
				   fd, &r, &err),
			 0);
	assert_says(r.reason, "sync memory: Input/output error");
	check_truncated(m, fd, &r);
}

/* The kernel's own pages come first, so they are what a short file has. */
static void test_kernel_pages_come_first(void **state)
{
	const struct machine *m = *state;
	const struct kd_dump_opts o = { .level = 0, .codec = NULL, .threads = 2 };
	struct kd_dump_result whole, r;
	KD_AUTO(kd_closep) int all = dump(m->core, &o, &whole);
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("short");
	struct kd_err err = { 0 };

	assert_int_equal(whole.late_pages, 1012);
	/* Too short by a few hundred of the late ones. */
	const struct kd_sink_fault fault = { .room_bytes = (uint64_t)size_of(all) - MIB };
	assert_int_equal(dump_into(m->core, &o, fault, fd, &r, &err), 0);
	check_truncated(m, fd, &r);
	assert_true(r.pages < FRAMES);

	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd);
	assert_int_equal(page_state(core, FREE_FROM - 1), KD_PAGE_STORED);
	assert_int_equal(page_state(core, CACHE_FROM), KD_PAGE_STORED);
	assert_int_equal(page_state(core, FREE_FROM + 506), KD_PAGE_LOST);
}

/* Where all else begins comes before everything, wherever in memory it lies. */
static void test_what_leads_to_all_else_comes_first(void **state)
{
	enum { RING = 46 * MIB, IMAGE = 16 * MIB, TABLES = IMAGE + (64 << 10) };
	KD_AUTO(kd_gen_freep) struct kd_gen *g = machine_new();
	KD_AUTO(kd_gen_ring_freep) struct kd_gen_ring *ring = kd_gen_ring_new(10, 16);
	KD_AUTO(kd_closep) int in = kd_gen_memfd("in");
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("short");
	const struct kd_dump_opts o = { .level = 31, .codec = NULL, .threads = 2 };
	struct kd_dump_result r;
	struct kd_err err = { 0 };

	kd_gen_log(ring, KD_GEN_FINALIZED, 0, "the end", 7);
	kd_gen_ring_store(g, ring, RING, KD_GEN_X86_DIRECT + RING);
	kd_gen_elf(g, in, NULL);
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(in);
	assert_int_equal(
		dump_into(core, &o, (struct kd_sink_fault){ .room_bytes = MIB }, fd, &r, &err), 0);
	assert_true(r.truncated);

	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *got = open_core(fd);
	assert_int_equal(compare(got, core), r.pages);
	for (uint64_t at = 0; at < kd_gen_ring_bytes(ring); at += PAGE)
		assert_int_equal(page_state(got, (RING + at) / PAGE), KD_PAGE_STORED);
	assert_int_equal(page_state(got, TABLES / PAGE), KD_PAGE_STORED);
	assert_int_equal(page_state(got, (IMAGE + 2 * MIB) / PAGE), KD_PAGE_STORED);
	assert_int_equal(page_state(got, FILLED / PAGE + 2), KD_PAGE_STORED);
	assert_int_equal(page_state(got, RING / PAGE - 6), KD_PAGE_LOST);
}

static void test_stop_ends_it_readable(void **state)
{
	const struct machine *m = *state;
	volatile sig_atomic_t stop = 1;
	const struct kd_dump_opts o = { .codec = codec("zstd"), .stop = &stop, .threads = 1 };
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("stopped");
	struct kd_dump_result r;
	struct kd_err err = { 0 };

	assert_int_equal(dump_into(m->core, &o, (struct kd_sink_fault){ 0 }, fd, &r, &err), 0);
	assert_int_equal(r.code, KD_AGAIN);
	assert_says(r.reason, "stopped before its end");
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd);
	assert_true(kd_vmcore_is_incomplete(core));
	assert_int_equal(compare(core, m->core), r.pages);
	assert_int_equal(r.pages, 64); /* the first extent, all of it */
}

/* A sink that remembers what was in it when it was synced: what a power cut leaves. */
struct cut_sink {
	struct kd_sink base;
	int fd;
	unsigned int syncs;
	int kept[64];
};

static int cut_write_at(struct kd_sink *s, uint64_t off, const void *buf, size_t len,
			struct kd_err *err)
{
	return kd_pwrite_full(((struct cut_sink *)s)->fd, buf, len, off, "cut", err);
}

static int cut_read_at(struct kd_sink *s, uint64_t off, void *buf, size_t len, struct kd_err *err)
{
	ssize_t n = kd_pread_full(((struct cut_sink *)s)->fd, buf, len, off, "cut", err);

	if (n < 0)
		return (int)n;
	memset((char *)buf + n, 0, len - (size_t)n);
	return 0;
}

static int cut_sync(struct kd_sink *s, struct kd_err *err)
{
	struct cut_sink *c = (struct cut_sink *)s;
	off_t off = 0;

	assert_true(c->syncs < KD_ARRAY_LEN(c->kept));
	int copy = kd_gen_memfd("kept");
	while (sendfile(copy, c->fd, &off, MIB) > 0)
		;
	c->kept[c->syncs++] = copy;
	return 0;
}

static void test_power_cut_leaves_what_was_synced(void **state)
{
	const struct machine *m = *state;
	static const struct kd_sink_ops ops = { .write_at = cut_write_at,
						.read_at = cut_read_at,
						.sync = cut_sync };
	const struct kd_dump_opts cases[] = {
		{ .codec = codec("zstd"), .threads = 2, .sync_every_bytes = 200 << 10 },
		{ .format = KD_DUMP_ELF, .threads = 2, .sync_every_bytes = 8 * MIB },
	};

	for (size_t k = 0; k < KD_ARRAY_LEN(cases); k++) {
		struct cut_sink c = { .base = { .ops = &ops, .name = "cut", .rewritable = true },
				      .fd = kd_gen_memfd("cut") };
		struct kd_dump_result r;
		struct kd_err err = { 0 };
		uint64_t before = 0;

		assert_int_equal(kd_dump_run(m->core, &cases[k], &c.base, &r, &err), 0);
		assert_true(c.syncs > 4);
		for (unsigned int i = 0; i < c.syncs; i++) {
			KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(c.kept[i]);
			/* the last sync comes after the word was taken away */
			assert_int_equal(kd_vmcore_is_incomplete(core), i + 1 < c.syncs);
			uint64_t pages = compare(core, m->core);
			assert_true(pages >= before);
			before = pages;
			close(c.kept[i]);
		}
		assert_int_equal(before, FRAMES);
		close(c.fd);
	}
}

/* ---- a dump with pages that cannot be read ---- */

static void test_unreadable_pages_become_zeros(void **state)
{
	KD_AUTO(kd_gen_freep) struct kd_gen *g = machine_new();
	static const enum kd_dump_format formats[] = { KD_DUMP_DISKDUMP, KD_DUMP_ELF };

	for (size_t i = 0; i < KD_ARRAY_LEN(formats); i++) {
		KD_AUTO(kd_closep) int in = kd_gen_memfd("in");
		kd_gen_elf(g, in, NULL);
		KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(in);
		/* The file ends with the last page of memory: it loses 100 and a bit. */
		assert_int_equal(ftruncate(in, size_of(in) - 100 * PAGE - 1), 0);

		const struct kd_dump_opts o = { .format = formats[i], .threads = 2 };
		struct kd_dump_result r;
		KD_AUTO(kd_closep) int fd = dump(core, &o, &r);
		assert_false(r.truncated);
		assert_int_equal(r.bad_pages, 101);
		assert_int_equal(r.n_bad, 1);
		assert_int_equal(r.bad[0].pfn, FRAMES - 101);
		assert_int_equal(r.bad[0].n, 101);
		assert_true(r.bad_reason[0] != '\0');

		KD_AUTO(kd_vmcore_closep) struct kd_vmcore *got = open_core(fd);
		uint8_t page[PAGE], zero[PAGE] = { 0 };
		struct kd_err err = { 0 };
		assert_false(kd_vmcore_is_incomplete(got));
		assert_int_equal(kd_vmcore_read(got, RAM - PAGE, page, PAGE, &err), 0);
		assert_memory_equal(page, zero, PAGE);
	}
}

static void test_bad_runs_are_bounded(void **state)
{
	struct kd_dump_result r = { 0 };
	const struct kd_dump_opts o = { 0 };
	struct kd_engine e = { .result = &r, .opts = &o };
	const struct kd_err why = { .msg = "because" };

	for (uint64_t i = 0; i < 1000; i++)
		kd_engine_note_bad(&e, 3 * i, &why);
	assert_int_equal(r.bad_pages, 1000);
	assert_int_equal(r.n_bad, KD_DUMP_MAX_BAD_RUNS);
	assert_string_equal(r.bad_reason, "because");
}

/* ---- ELF and streams ---- */

static void test_elf_gives_the_pages_back(void **state)
{
	const struct machine *m = *state;
	static const unsigned int levels[] = { 0, 31 };

	for (size_t i = 0; i < KD_ARRAY_LEN(levels); i++) {
		const struct kd_dump_opts o = { .level = levels[i], .format = KD_DUMP_ELF };
		struct kd_dump_result r;
		struct stat st;
		uint64_t vaddr_bytes = 0;
		struct kd_err err = { 0 };
		KD_AUTO(kd_closep) int fd = dump(m->core, &o, &r);
		KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd);

		assert_int_equal(kd_vmcore_format(core), KD_VMCORE_ELF);
		assert_false(kd_vmcore_is_incomplete(core));
		/* the 512 free pages are a gap long enough; 200 of page cache are not */
		assert_int_equal(compare(core, m->core), levels[i] ? FRAMES - 512 - 300 : FRAMES);
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

/* No byte of the real file comes twice, and most come in large pieces. */
static void check_chunks(int fd, size_t max_chunks)
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
			assert_true(c.offset >= seen[i].end || c.offset + c.size <= seen[i].off);
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
	const struct machine *m = *state;
	const struct kd_dump_opts cases[] = {
		{ .level = 0, .codec = codec("zstd"), .flattened = true },
		{ .level = 31, .codec = codec("zlib"), .flattened = true },
		{ .level = 0, .format = KD_DUMP_ELF, .flattened = true },
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		struct kd_dump_result r;
		KD_AUTO(kd_closep) int fd = stream_dump(m->core, &cases[i], &r);
		KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd);

		assert_true(kd_vmcore_is_flattened(core));
		assert_false(kd_vmcore_is_incomplete(core));
		assert_int_equal(compare(core, m->core), cases[i].level ? FRAMES - 1012 : FRAMES);
		check_chunks(fd, cases[i].format == KD_DUMP_ELF ? 30 : 12);
	}
}

static void test_broken_stream_is_incomplete(void **state)
{
	const struct machine *m = *state;
	const struct kd_dump_opts o = { .codec = codec("zstd"), .flattened = true };
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
		compare(core, m->core);
	}
}

/* ---- dumps of dumps ---- */

static bool exclude_every_fifth(void *arg, uint64_t pfn)
{
	return pfn >= FIRST_FILLED && pfn % 5 == 0;
}

static void test_filtering_again_adds_levels(void **state)
{
	const struct machine *m = *state;
	KD_AUTO(kd_gen_freep) struct kd_gen *g = machine_new();
	KD_AUTO(kd_closep) int in = kd_gen_memfd("in");
	const struct kd_gen_diskdump_opts gen = { .codec = KD_GEN_MIXED,
						  .dump_level = 8,
						  .exclude = exclude_every_fifth };
	const struct kd_dump_opts o = { .level = 17, .codec = codec("zlib"), .threads = 2 };
	struct kd_dump_result r;

	kd_gen_diskdump(g, in, &gen);
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(in);
	KD_AUTO(kd_closep) int fd = dump(core, &o, &r);
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *got = open_core(fd);
	assert_int_equal(kd_vmcore_diskdump(got)->dump_level, 25);
	assert_true(r.filter.n_absent > FILLED_FRAMES / 5 - 2);
	assert_int_equal(r.filter.excluded[KD_CLASS_FREE], 512 - 512 / 5);
	assert_int_equal(compare(got, m->core), r.filter.n_keep);
	assert_int_equal(page_state(got, FIRST_FILLED), KD_PAGE_EXCLUDED);

	/* and to ELF: what is not there cannot be filled in */
	const struct kd_dump_opts elf = { .format = KD_DUMP_ELF };
	KD_AUTO(kd_closep) int elf_fd = dump(core, &elf, &r);
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *elf_core = open_core(elf_fd);
	assert_int_equal(r.bad_pages, 0);
	assert_int_equal(compare(elf_core, m->core), r.filter.n_keep);
}

static void test_incomplete_stays_incomplete(void **state)
{
	const struct machine *m = *state;
	KD_AUTO(kd_gen_freep) struct kd_gen *g = machine_new();
	KD_AUTO(kd_closep) int in = kd_gen_memfd("in");
	const struct kd_gen_diskdump_opts gen = { .codec = KD_GEN_ZSTD,
						  .status = KD_DISKDUMP_INCOMPLETE,
						  .stop_after = FRAMES - 100 };
	struct kd_dump_opts o = { .codec = codec("zstd") };
	struct kd_dump_result r;

	kd_gen_diskdump(g, in, &gen);
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(in);
	for (int flattened = 0; flattened < 2; flattened++) {
		o.flattened = flattened;
		KD_AUTO(kd_closep) int fd = dump(core, &o, &r);
		KD_AUTO(kd_vmcore_closep) struct kd_vmcore *got = open_core(fd);
		assert_true(r.input_incomplete);
		assert_false(r.truncated);
		assert_true(kd_vmcore_is_incomplete(got));
		assert_int_equal(compare(got, m->core), FRAMES - 100);
	}
}

/* ---- hashes ---- */

static void test_verify_finds_what_changed(void **state)
{
	const struct machine *m = *state;
	const struct kd_dump_opts cases[] = {
		{ .codec = codec("zstd") },
		{ .codec = NULL, .level = 31 },
		{ .format = KD_DUMP_ELF, .level = 31 },
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		struct kd_dump_result r;
		struct kd_verify_result v;
		struct kd_err err = { 0 };
		KD_AUTO(kd_closep) int fd = dump(m->core, &cases[i], &r);
		KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd);
		const struct kd_verify_opts vo = { .fd = fd };
		/* in text, not in a hole */
		off_t at = cases[i].format == KD_DUMP_ELF ? 42 * MIB : size_of(fd) - MIB;
		uint8_t byte = 0;

		assert_int_equal(kd_dump_verify(core, &vo, &v, &err), 0);
		assert_true(v.has_digests);
		assert_int_equal(v.digests.extents, r.digest_ranges);
		assert_int_equal(v.digests.bad, 0);
		assert_string_equal(v.digest_reason, "");
		assert_string_equal(v.digests_xxh3, r.digests_xxh3);
		assert_int_equal(v.bad, 0);
		assert_int_equal(v.stored + v.excluded, FRAMES);
		/* all that was written but for the hashes and the header's first version */
		assert_true(v.digests.bytes + 16384 > r.written_bytes ||
			    cases[i].format == KD_DUMP_DISKDUMP);

		assert_int_equal(pread(fd, &byte, 1, at), 1);
		byte ^= 1;
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
		assert_int_equal(kd_dump_verify(core, &vo, &v, &err), 0);
		assert_int_equal(v.digests.bad, 1);
		assert_in_range(at, v.digests.first_bad_off,
				v.digests.first_bad_off + v.digests.first_bad_len - 1);
		/* The table itself is as it was. */
		const struct kd_verify_opts table = { .fd = fd, .table_only = true };
		assert_int_equal(kd_dump_verify(core, &table, &v, &err), 0);
		assert_string_equal(v.digests_xxh3, r.digests_xxh3);
		assert_int_equal(v.digests.extents, 0);
	}
}

/* Nothing that was written lacks a hash. */
static void test_hashes_cover_the_file(void **state)
{
	const struct machine *m = *state;
	const struct kd_dump_opts o = { .codec = codec("zstd"), .threads = 1 };
	struct kd_dump_result r;
	KD_AUTO(kd_closep) int fd = dump(m->core, &o, &r);
	struct kd_verify_result v;
	struct kd_err err = { 0 };
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(fd);

	assert_int_equal(kd_dump_verify(core, &(struct kd_verify_opts){ .fd = fd }, &v, &err), 0);
	uint64_t trailer = r.digest_ranges * KD_DIGEST_RECORD_BYTES + KD_DIGEST_FOOTER_BYTES;
	/* Two bitmaps of 1536 bytes of 4096 are written; all else is written in full. */
	assert_true(v.digests.bytes + trailer + 3 * PAGE > (uint64_t)size_of(fd));
}

/* What the engine says of the parts it wrote is true of the file; flip a byte, and it is not. */
static void check_extents(int fd, const struct kd_hashed_extent *x, size_t n)
{
	struct kd_hash_check check;
	struct kd_err err = { 0 };
	uint8_t byte = 0;

	assert_int_equal(kd_dump_compare(fd, x, n, &check, &err), 0);
	assert_int_equal(check.extents, n);
	if (check.bad)
		fail_msg("%ju of %zu parts differ, the first is %ju bytes at %ju",
			 (uintmax_t)check.bad, n, (uintmax_t)check.first_bad_len,
			 (uintmax_t)check.first_bad_off);
	for (size_t i = 0; i < n; i++) {
		off_t at = (off_t)(x[i].off + x[i].len_bytes / 2);
		assert_true(i == 0 || x[i].off >= x[i - 1].off + x[i - 1].len_bytes);
		assert_int_equal(pread(fd, &byte, 1, at), 1);
		assert_int_equal(pwrite(fd, &(uint8_t){ byte ^ 1 }, 1, at), 1);
		assert_int_equal(kd_dump_compare(fd, x, n, &check, &err), 0);
		assert_int_equal(check.bad, 1);
		assert_int_equal(check.first_bad_off, x[i].off);
		assert_int_equal(check.first_bad_len, x[i].len_bytes);
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	}
}

static uint64_t bytes_of(const struct kd_hashed_extent *x, size_t n)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < n; i++)
		bytes += x[i].len_bytes;
	return bytes;
}

static struct kd_hashed_extent *room_for_extents(void)
{
	struct kd_hashed_extent *x = calloc(KD_DUMP_MAX_EXTENTS, sizeof(*x));

	assert_non_null(x);
	return x;
}

static void test_extents_of_a_whole_dump(void **state)
{
	const struct machine *m = *state;
	KD_AUTO(kd_freep) struct kd_hashed_extent *x = room_for_extents();
	const struct kd_dump_opts cases[] = {
		{ .codec = codec("zstd"), .extents = x },
		{ .format = KD_DUMP_ELF, .level = 31, .extents = x },
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		struct kd_dump_result r;
		KD_AUTO(kd_closep) int fd = dump(m->core, &cases[i], &r);
		assert_int_equal(r.n_extents, r.digest_ranges + 1); /* the table is hashed, too */
		assert_int_equal(x[0].off, 0);
		const struct kd_hashed_extent *last = &x[r.n_extents - 1];
		assert_int_equal(last->off + last->len_bytes, size_of(fd));
		check_extents(fd, x, r.n_extents);
	}
}

/* Where there is no room for a table, they are all there is. */
static void test_extents_of_a_truncated_dump(void **state)
{
	const struct machine *m = *state;
	KD_AUTO(kd_freep) struct kd_hashed_extent *x = room_for_extents();
	const struct kd_dump_opts o = { .codec = codec("zstd"), .extents = x };
	struct kd_dump_result r;
	struct kd_err err = { 0 };
	KD_AUTO(kd_closep) int whole = dump(m->core, &o, &r);
	uint64_t size = (uint64_t)size_of(whole);

	for (uint64_t room = MIB; room < size - MIB; room += size / 5 + 1) {
		KD_AUTO(kd_closep) int fd = kd_gen_memfd("full");
		assert_int_equal(dump_into(m->core, &o,
					   (struct kd_sink_fault){ .room_bytes = room }, fd, &r,
					   &err),
				 0);
		assert_true(r.truncated);
		assert_true(r.n_extents > 3);
		check_extents(fd, x, r.n_extents);
		/* All but the write that failed, and the part of the descriptors reserved for later. */
		assert_true(bytes_of(x, r.n_extents) + 2 * MIB > room);
	}
}

static void test_extents_of_a_dying_disk(void **state)
{
	const struct machine *m = *state;
	KD_AUTO(kd_freep) struct kd_hashed_extent *x = room_for_extents();
	const struct kd_dump_opts o = { .codec = codec("zlib"), .extents = x };
	struct kd_dump_result r;
	struct kd_err err = { 0 };
	KD_AUTO(kd_closep) int whole = dump(m->core, &o, &r);
	uint64_t written = r.written_bytes;

	for (uint64_t after = written / 2; after < written; after += 1 + written / 31) {
		KD_AUTO(kd_closep) int fd = kd_gen_memfd("dead");
		int rc = dump_into(m->core, &o,
				   (struct kd_sink_fault){ .fail_after = after, .fail_errno = EIO },
				   fd, &r, &err);
		assert_int_equal(rc, 0);
		check_extents(fd, x, r.n_extents);
	}
	/* The last writes are the table and the final header: it is neither said to be there ... */
	for (uint64_t less = 1; less <= 2 * PAGE; less += PAGE / 4) {
		KD_AUTO(kd_closep) int fd = kd_gen_memfd("dead");
		assert_int_equal(dump_into(m->core, &o,
					   (struct kd_sink_fault){ .fail_after = written - less,
								   .fail_errno = EIO },
					   fd, &r, &err),
				 0);
		check_extents(fd, x, r.n_extents);
	}
	/* ... nor when all is written and cannot be synced. */
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("dead");
	assert_int_equal(dump_into(m->core, &o,
				   (struct kd_sink_fault){ .fail_sync = true, .fail_errno = EIO },
				   fd, &r, &err),
			 0);
	assert_true(r.truncated && r.n_extents > 3);
	check_extents(fd, x, r.n_extents);
}

static void test_compare_takes_files_only(void **state)
{
	struct kd_hash_check check;
	struct kd_err err = { 0 };
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(kd_dump_compare(ends[0], NULL, 0, &check, &err), -KD_BADDATA);
	assert_says(err.msg, "the dump is not a regular file");
	close(ends[0]);
	close(ends[1]);
}

/* ---- limits and refusals ---- */

static void test_memory_limit(void **state)
{
	const struct machine *m = *state;
	struct kd_dump_opts o = { .codec = codec("zstd"), .threads = 16, .max_memory_bytes = MIB };
	struct kd_dump_result r;
	struct kd_err err = { 0 };
	KD_AUTO(kd_closep) int out = kd_gen_memfd("out");

	assert_int_equal(dump_into(m->core, &o, (struct kd_sink_fault){ 0 }, out, &r, &err),
			 -KD_USAGE);
	assert_says(err.msg, "1 MiB of memory are not enough for this dump: it takes ");
	o.max_memory_bytes = 8 * MIB;
	KD_AUTO(kd_closep) int some = dump(m->core, &o, &r);
	assert_in_range(r.threads, 2, 8);
	assert_true(r.memory_bytes <= o.max_memory_bytes);
	o.threads = 1;
	KD_AUTO(kd_closep) int one = dump(m->core, &o, &r);
	assert_true(files_equal(some, one));
}

/* Four bitmaps where they fit, three where they do not; what is promised is what is taken. */
static void test_large_machine_in_little_memory(void **state)
{
	enum { BITMAP = 10 * MIB };
	KD_AUTO(kd_gen_freep) struct kd_gen *g = machine_new();
	KD_AUTO(kd_closep) int in = kd_gen_memfd("in");
	struct kd_dump_opts o = { .codec = codec("zstd"), .threads = 1, .dry_run = true };
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
		KD_AUTO(kd_closep) int fd = dump(core, &o, &r);
		assert_int_equal(r.pages, FRAMES);
		assert_true(r.memory_bytes <= limits[i]);
		assert_int_equal(r.late_pages, i == 2 ? 1012 : 0);
		o.threads = 4;
		KD_AUTO(kd_closep) int more = dump(core, &o, &r);
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
	KD_AUTO(kd_gen_freep) struct kd_gen *g = machine_new();
	KD_AUTO(kd_closep) int in = kd_gen_memfd("in");
	const struct kd_dump_opts o = { .codec = codec("none"), .threads = 1 };
	struct kd_dump_result r;
	struct rusage before, after;

	kd_gen_segment(g, 1ULL << 44, 16 * PAGE, 16 * PAGE, 0);
	kd_gen_elf(g, in, NULL);
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(in);
	getrusage(RUSAGE_SELF, &before);
	KD_AUTO(kd_closep) int fd = dump(core, &o, &r);
	getrusage(RUSAGE_SELF, &after);
	assert_int_equal(r.pages, FRAMES + 16);
	/* a bitmap has 131072 pages */
	assert_in_range(after.ru_minflt - before.ru_minflt, 0, 60000);
}

static void test_refusals_say_why(void **state)
{
	const struct machine *m = *state;
	KD_AUTO(kd_gen_freep) struct kd_gen *ppc = kd_gen_new(21, PAGE);
	KD_AUTO(kd_closep) int ppc_fd = kd_gen_memfd("ppc");
	KD_AUTO(kd_closep) int out = kd_gen_memfd("out");
	struct kd_dump_result r;
	struct kd_err err = { 0 };
	struct kd_dump_opts o = { .level = 32 };

	assert_int_equal(dump_into(m->core, &o, (struct kd_sink_fault){ 0 }, out, &r, &err),
			 -KD_USAGE);
	assert_says(err.msg, "levels are 0 to 31");

	o = (struct kd_dump_opts){ .format = KD_DUMP_ELF, .codec = codec("zstd") };
	assert_int_equal(dump_into(m->core, &o, (struct kd_sink_fault){ 0 }, out, &r, &err),
			 -KD_USAGE);
	assert_says(err.msg, "ELF dump (-E) cannot be compressed (zstd)");

	o = (struct kd_dump_opts){ .codec = codec("snappy") };
	assert_int_equal(dump_into(m->core, &o, (struct kd_sink_fault){ 0 }, out, &r, &err),
			 -KD_NOTSUP);
	assert_says(err.msg, "snappy is only read here");

	struct kd_sink *stream = NULL;
	o = (struct kd_dump_opts){ .codec = codec("zstd") };
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
	const struct machine *m = *state;
	const struct kd_dump_opts o = { .level = 31, .codec = codec("zstd"), .dry_run = true };
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
	const struct kd_dump_opts o = { .level = 31, .codec = codec("zstd") };
	struct kd_dump_result r;

	kd_gen_ram(g, MIB, MIB);
	kd_gen_elf(g, in, &(struct kd_gen_elf_opts){ .without_notes = true });
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(in);
	KD_AUTO(kd_closep) int fd = dump(core, &o, &r);
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
		KD_AUTO(kd_closep) int fd = dump(core, &o, &r);
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
	const struct machine *m = *state;
	struct heard h = { 0 };
	const struct kd_dump_opts o = { .codec = codec("zstd"),
					.progress = hear,
					.progress_arg = &h };
	struct kd_dump_result r;
	KD_AUTO(kd_closep) int fd = dump(m->core, &o, &r);

	assert_int_equal(r.file_bytes, size_of(fd));
	assert_true(h.calls >= 3);
	assert_int_equal(h.stage, KD_DUMP_SYNCING);
	assert_int_equal(h.done, RAM);
	assert_int_equal(h.total, RAM);
}

/* ---- parts ---- */

static void test_page_hash_tells_pages_apart(void **state)
{
	uint8_t page[PAGE] = { 0 };
	KD_AUTO(kd_freep) void *key = malloc(kd_page_hasher_key_bytes(PAGE));
	struct kd_page_hasher h;

	kd_page_hasher_init(&h, key, PAGE);
	struct kd_page_hash zero = kd_page_hash(&h, page, PAGE);
	for (size_t bit = 0; bit < 8ull * PAGE; bit += 7) {
		page[bit / 8] ^= (uint8_t)(1u << bit % 8);
		struct kd_page_hash one = kd_page_hash(&h, page, PAGE);
		assert_true(one.v[0] != zero.v[0] && one.v[1] != zero.v[1]);
		assert_false(kd_page_is_zero(page, PAGE));
		page[bit / 8] = 0;
	}
	assert_true(kd_page_is_zero(page, PAGE));
}

/* Hashes that share a bucket, or not: it forgets the oldest and nothing else. */
static void test_same_table_forgets_the_oldest(void **state)
{
	enum { MAX = 8 };
	static const uint64_t factors[] = { 1, MAX, 3 };

	for (size_t k = 0; k < KD_ARRAY_LEN(factors); k++) {
		KD_AUTO(kd_freep) void *room = calloc(1, kd_same_bytes(MAX));
		struct kd_same_table t;
		kd_same_init(&t, room, MAX);
		for (uint64_t i = 1; i <= 40; i++) {
			kd_same_add(&t, &(struct kd_page_hash){ { i * factors[k], i } },
				    &(struct kd_diskdump_desc){ .offset = i });
			for (uint64_t old = 1; old <= i; old++) {
				const struct kd_diskdump_desc *d = kd_same_find(
					&t, &(struct kd_page_hash){ { old * factors[k], old } });
				if (old + MAX <= i)
					assert_null(d);
				else
					assert_int_equal(d->offset, old);
			}
			assert_null(kd_same_find(
				&t, &(struct kd_page_hash){ { i * factors[k], i + 1 } }));
		}
	}
}

/* What is said to last so many additions is there after them, and not after one more. */
static void test_same_table_knows_how_long_a_page_lasts(void **state)
{
	enum { MAX = 8, FILL = 13 };

	for (uint64_t filled = 1; filled <= FILL; filled++) {
		KD_AUTO(kd_freep) void *room = calloc(1, kd_same_bytes(MAX));
		struct kd_same_table t;
		uint64_t first = filled > MAX ? filled - MAX + 1 : 1;

		kd_same_init(&t, room, MAX);
		for (uint64_t i = 1; i <= filled; i++)
			kd_same_add(&t, &(struct kd_page_hash){ { i, i } },
				    &(struct kd_diskdump_desc){ .offset = i });
		for (uint64_t i = first; i <= filled; i++) {
			const struct kd_page_hash h = { { i, i } };
			uint32_t lasts = MAX - (uint32_t)(filled - i) - 1;
			assert_true(kd_same_lasts(&t, &h, lasts));
			assert_false(kd_same_lasts(&t, &h, lasts + 1));
		}
		assert_false(kd_same_lasts(&t, &(struct kd_page_hash){ { filled, 0 } }, 0));
	}
}

static void set_bit(uint8_t *bitmap, uint64_t pfn)
{
	bitmap[pfn / 8] |= (uint8_t)(1u << pfn % 8);
}

static void test_walk_in_rounds(void **state)
{
	uint8_t keep[PAGE] = { 0 }, late[PAGE] = { 0 }, vital[PAGE] = { 0 };
	static const struct kd_filter_range ranges[] = { { 0, 128 }, { 192, 320 }, { 960, 1000 } };
	struct kd_filter_result f = { .max_pfn = 1000,
				      .keep = keep,
				      .late = late,
				      .vital = vital,
				      .image = { 199, 203 },
				      .ranges = ranges,
				      .n_ranges = KD_ARRAY_LEN(ranges) };
	static const uint64_t kept[] = { 0, 63, 64, 200, 201, 202, 270, 999 };
	static const struct {
		uint64_t pfn, ordinal;
		unsigned int round;
	} order[] = {
		{ 201, 4, KD_ROUND_VITAL }, { 999, 7, KD_ROUND_VITAL }, { 202, 5, KD_ROUND_IMAGE },
		{ 0, 0, KD_ROUND_KERNEL },  { 64, 2, KD_ROUND_KERNEL }, { 63, 1, KD_ROUND_LATE },
		{ 200, 3, KD_ROUND_LATE },  { 270, 6, KD_ROUND_LATE },
	};
	static const uint64_t are_late[] = { 63, 200, 270 };
	static const uint64_t are_vital[] = { 5, 201, 999 }; /* the first is not kept */
	struct kd_page_walk w;
	uint64_t pfn = 0, ordinal = 0;

	/* Between the ranges there is nothing to be seen. */
	keep[150 / 8] = keep[700 / 8] = 0xff;
	for (size_t i = 0; i < KD_ARRAY_LEN(kept); i++)
		set_bit(keep, kept[i]);
	for (size_t i = 0; i < KD_ARRAY_LEN(are_late); i++)
		set_bit(late, are_late[i]);
	for (size_t i = 0; i < KD_ARRAY_LEN(are_vital); i++)
		set_bit(vital, are_vital[i]);
	assert_true(kd_page_walk_has_rounds(&f));
	kd_page_walk_init(&w, &f, true);
	for (size_t i = 0; i < KD_ARRAY_LEN(order); i++) {
		assert_true(kd_page_walk_next(&w, &pfn, &ordinal));
		assert_int_equal(pfn, order[i].pfn);
		assert_int_equal(ordinal, order[i].ordinal);
		assert_int_equal(w.round, order[i].round);
	}
	assert_false(kd_page_walk_next(&w, &pfn, &ordinal));
	kd_page_walk_init(&w, &f, false);
	for (size_t i = 0; i < KD_ARRAY_LEN(kept); i++) {
		assert_true(kd_page_walk_next(&w, &pfn, &ordinal));
		assert_int_equal(pfn, kept[i]);
		assert_int_equal(ordinal, i);
	}
	assert_false(kd_page_walk_next(&w, &pfn, &ordinal));
	f.late = f.vital = NULL;
	f.image = (struct kd_filter_range){ 0 };
	assert_false(kd_page_walk_has_rounds(&f));
}

static int note_write(struct kd_sink *s, uint64_t off, const void *buf, size_t len,
		      struct kd_err *err)
{
	/* After the first, writes are of the buffer's size and aligned to it. */
	if (off != 100) {
		assert_int_equal(off % 4096, 0);
		assert_int_equal(len, 4096);
	}
	return 0;
}

static void test_outbuf_aligns_writes(void **state)
{
	const struct kd_sink_ops ops = { .write_at = note_write };
	struct kd_sink sink = { .ops = &ops, .name = "noted" };
	uint8_t buf[4096], data[3000] = { 0 };
	uint64_t written = 0;
	struct kd_outbuf o = { .sink = &sink, .buf = buf, .cap = sizeof(buf), .written = &written };
	struct kd_err err = { 0 };
	uint64_t off = 100;

	for (int i = 0; i < 20; i++, off += sizeof(data))
		assert_int_equal(kd_outbuf_put(&o, off, data, sizeof(data), &err), 0);
	assert_int_equal(written, off / 4096 * 4096 - 100);
	assert_int_equal(o.flushed_end, off / 4096 * 4096);
	assert_int_equal(o.len, off % 4096);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_codec_gives_the_pages_back),
		cmocka_unit_test(test_headers_tell_what_notes_and_memory_told),
		cmocka_unit_test(test_equal_pages_are_stored_once),
		cmocka_unit_test(test_output_does_not_depend_on_threads),
		cmocka_unit_test(test_output_is_the_same_each_time),
		cmocka_unit_test(test_full_disk_at_any_byte),
		cmocka_unit_test(test_dead_disk_at_any_byte),
		cmocka_unit_test(test_failed_sync_leaves_it_incomplete),
		cmocka_unit_test(test_kernel_pages_come_first),
		cmocka_unit_test(test_what_leads_to_all_else_comes_first),
		cmocka_unit_test(test_stop_ends_it_readable),
		cmocka_unit_test(test_power_cut_leaves_what_was_synced),
		cmocka_unit_test(test_unreadable_pages_become_zeros),
		cmocka_unit_test(test_bad_runs_are_bounded),
		cmocka_unit_test(test_elf_gives_the_pages_back),
		cmocka_unit_test(test_stream_is_read_back),
		cmocka_unit_test(test_broken_stream_is_incomplete),
		cmocka_unit_test(test_filtering_again_adds_levels),
		cmocka_unit_test(test_incomplete_stays_incomplete),
		cmocka_unit_test(test_verify_finds_what_changed),
		cmocka_unit_test(test_hashes_cover_the_file),
		cmocka_unit_test(test_extents_of_a_whole_dump),
		cmocka_unit_test(test_extents_of_a_truncated_dump),
		cmocka_unit_test(test_extents_of_a_dying_disk),
		cmocka_unit_test(test_compare_takes_files_only),
		cmocka_unit_test(test_memory_limit),
		cmocka_unit_test(test_large_machine_in_little_memory),
		cmocka_unit_test(test_holes_are_not_looked_at),
		cmocka_unit_test(test_refusals_say_why),
		cmocka_unit_test(test_dry_run_writes_nothing),
		cmocka_unit_test(test_kernel_without_vmcoreinfo_is_kept_whole),
		cmocka_unit_test(test_segments_that_begin_and_end_inside_a_page),
		cmocka_unit_test(test_progress_goes_forward_to_its_end),
		cmocka_unit_test(test_page_hash_tells_pages_apart),
		cmocka_unit_test(test_same_table_forgets_the_oldest),
		cmocka_unit_test(test_same_table_knows_how_long_a_page_lasts),
		cmocka_unit_test(test_walk_in_rounds),
		cmocka_unit_test(test_outbuf_aligns_writes),
	};

	return cmocka_run_group_tests(tests, machine_setup, machine_teardown);
}
