/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dumps as input that are not what they should be: on a bad disk, or with pages missing. */
#include "lib/ondisk/diskdump.h"
#include "tests/unit/support-dump.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cmocka.h>

/* ---- a disk that cannot read one of its pages ---- */

static struct {
	ino_t file; /* 0: all is well */
	off_t off;
} bad_sector;

enum { SECTOR = 4096 };

/* In place of the C library's; as the kernel does it: what is there before the sector comes first. */
ssize_t pread64(int fd, void *buf, size_t len, off_t off);
ssize_t pread64(int fd, void *buf, size_t len, off_t off)
{
	struct stat st;
	off_t end = off + (off_t)len;

	if (bad_sector.file && off < bad_sector.off + SECTOR && end > bad_sector.off &&
	    fstat(fd, &st) == 0 && st.st_ino == bad_sector.file) {
		if (off >= bad_sector.off) {
			errno = EIO;
			return -1;
		}
		len = (size_t)(bad_sector.off - off);
	}
	return syscall(SYS_pread64, fd, buf, len, off);
}

static void break_sector(int fd, off_t off)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	bad_sector.file = st.st_ino;
	bad_sector.off = off;
}

static int mend_sector(void **state)
{
	(void)state;
	bad_sector.file = 0;
	return 0;
}

/* ---- where things are in a diskdump ---- */

struct layout {
	off_t descs, data;
};

static struct layout layout_of(int fd, uint64_t n_pages)
{
	uint8_t block[KD_DISKDUMP_HEADER_BYTES];
	struct kd_diskdump_header h;
	struct kd_err err = { 0 };

	assert_int_equal(pread64(fd, block, sizeof(block), 0), sizeof(block));
	if (kd_diskdump_decode_header(block, sizeof(block), &h, &err))
		fail_msg("%s", err.msg);
	off_t descs = (off_t)(1 + h.sub_hdr_size + h.bitmap_blocks) * h.block_size;
	off_t end = descs + (off_t)n_pages * KD_DISKDUMP_DESC_BYTES;
	return (struct layout){ .descs = descs, .data = (end + PAGE - 1) / PAGE * PAGE };
}

static void read_page(struct kd_vmcore *core, uint64_t pfn, uint8_t page[PAGE])
{
	struct kd_err err = { 0 };

	if (kd_vmcore_read(core, pfn * PAGE, page, PAGE, &err))
		fail_msg("%s", err.msg);
}

/* All pages but those that held @lost are what they were; these are zeros. Returns how many. */
static uint64_t check_but(struct kd_vmcore *got, struct kd_vmcore *want, const uint8_t lost[PAGE])
{
	static const uint8_t zeros[PAGE];
	uint8_t a[PAGE], b[PAGE];
	uint64_t n = 0;

	for (uint64_t pfn = 0; pfn < FRAMES; pfn++) {
		read_page(got, pfn, a);
		read_page(want, pfn, b);
		bool gone = memcmp(b, lost, PAGE) == 0;
		n += gone;
		if (memcmp(a, gone ? zeros : b, PAGE))
			fail_msg("page 0x%jx is not what it should be", (uintmax_t)pfn);
	}
	return n;
}

static void test_bad_sector_costs_only_its_pages(void **state)
{
	const struct dump_machine *m = *state;
	struct kd_dump_result r;
	KD_AUTO(kd_closep) int in = make_dump(m->core, &(struct kd_dump_opts){ .threads = 1 }, &r);
	struct layout l = layout_of(in, r.pages);
	KD_AUTO(kd_closep) int first = -1;
	uint8_t lost[PAGE];

	/* Pages are stored as they are: a sector is a page. */
	off_t at = l.data + 1500 * PAGE;
	assert_true(at + PAGE < (off_t)r.file_bytes);
	assert_int_equal(pread64(in, lost, PAGE, at), PAGE);
	break_sector(in, at);
	for (unsigned int threads = 1; threads <= 4; threads++) {
		const struct kd_dump_opts o = { .codec = codec_named("zstd"), .threads = threads };
		KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(in);
		KD_AUTO(kd_closep) int fd = make_dump(core, &o, &r);
		KD_AUTO(kd_vmcore_closep) struct kd_vmcore *got = open_core(fd);
		uint64_t n = check_but(got, m->core, lost);

		assert_true(n > 0);
		assert_int_equal(r.bad_pages, n);
		assert_says(r.bad_reason, "Input/output error");
		assert_false(r.input_incomplete);
		if (first < 0)
			first = dup(fd);
		assert_true(files_equal(fd, first));
	}
}

static void check_lost(struct kd_vmcore *core, uint64_t least, uint64_t most,
		       struct kd_vmcore *want)
{
	struct kd_dump_result r;
	struct kd_verify_result v;
	struct kd_err err = { 0 };
	KD_AUTO(kd_closep)
	int fd = make_dump(core, &(struct kd_dump_opts){ .codec = codec_named("zstd") }, &r);
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *got = open_core(fd);

	assert_in_range(r.filter.n_lost, least, most);
	assert_true(r.input_incomplete);
	assert_int_equal(r.pages, FRAMES - r.filter.n_lost);
	assert_true(kd_vmcore_is_incomplete(got));
	assert_int_equal(compare_dumps(got, want), r.pages);
	assert_int_equal(kd_dump_verify(core, &(struct kd_verify_opts){ .fd = -1 }, &v, &err), 0);
	assert_int_equal(v.lost, r.filter.n_lost);
	assert_int_equal(v.bad, 0);
}

/* Nothing tells where these pages are; all others are there. */
static void test_bad_sector_in_the_descriptors(void **state)
{
	const struct dump_machine *m = *state;
	const struct kd_dump_opts o = { .codec = codec_named("zlib") };
	struct kd_dump_result r;
	KD_AUTO(kd_closep) int in = make_dump(m->core, &o, &r);
	struct layout l = layout_of(in, r.pages);
	const off_t where[] = { l.descs, l.descs + 5 * SECTOR,
				l.descs + (l.data - l.descs - 1) / SECTOR * SECTOR };

	for (size_t i = 0; i < KD_ARRAY_LEN(where); i++) {
		uint64_t most = SECTOR / KD_DISKDUMP_DESC_BYTES + 2;
		break_sector(in, where[i]);
		KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(in);
		check_lost(core, i < 2 ? most - 3 : 1, most, m->core);
	}
}

/* Descriptors that were never written, in the midst of others and unknown to the header. */
static void test_pages_missing_in_the_middle(void **state)
{
	enum { MISSING = 500 };
	static const uint8_t zeros[MISSING * KD_DISKDUMP_DESC_BYTES];
	const struct dump_machine *m = *state;
	const struct kd_dump_opts o = { .codec = codec_named("zlib") };
	struct kd_dump_result r;
	KD_AUTO(kd_closep) int in = make_dump(m->core, &o, &r);
	struct layout l = layout_of(in, r.pages);

	assert_int_equal(pwrite(in, zeros, sizeof(zeros), l.descs + 3000 * KD_DISKDUMP_DESC_BYTES),
			 sizeof(zeros));
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(in);
	check_lost(core, MISSING, MISSING, m->core);
}

/* ---- what only the header tells ---- */

static void test_header_of_an_old_dump(void **state)
{
	KD_AUTO(kd_gen_freep) struct kd_gen *g = kd_gen_new(62, PAGE);
	KD_AUTO(kd_closep) int in = kd_gen_memfd("old");
	const struct kd_gen_diskdump_opts old = { .version = 1, .codec = KD_GEN_ZLIB };
	const uint32_t cpus = 8;
	int64_t when = 0;
	struct kd_dump_result r;

	(void)state;
	kd_gen_ram(g, 0, MIB);
	kd_gen_diskdump(g, in, &old);
	assert_int_equal(pwrite(in, &cpus, sizeof(cpus), 460), sizeof(cpus));
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(in);
	KD_AUTO(kd_closep)
	int fd = make_dump(core, &(struct kd_dump_opts){ .codec = codec_named("zstd") }, &r);
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *got = open_core(fd);

	for (int i = 0; i < 2; i++) {
		const struct kd_vmcore *c = i ? got : core;
		assert_int_equal(kd_vmcore_cpus(c), 8);
		assert_int_equal(kd_vmcore_crashtime(c, &when), 1);
		assert_int_equal(when, 1700000000);
		assert_string_equal(kd_vmcore_osrelease(c), kd_vmcore_diskdump(core)->release);
		assert_string_equal(kd_vmcore_diskdump(c)->version,
				    kd_vmcore_diskdump(core)->version);
		assert_string_equal(kd_vmcore_diskdump(c)->domainname,
				    kd_vmcore_diskdump(core)->domainname);
	}
}

/* As makedumpfile leaves it when it cannot read the kernel's name of itself. */
static void test_machine_that_is_not_named(void **state)
{
	enum { MACHINE_AT = 272 };
	const struct dump_machine *m = *state;
	static const char nothing[KD_DISKDUMP_UTS_BYTES];
	const struct kd_dump_opts o = { .codec = codec_named("zlib"), .level = 31 };
	struct kd_dump_result r;
	KD_AUTO(kd_closep) int in = make_dump(m->core, &o, &r);
	char name[sizeof(nothing)];

	assert_int_equal(pread64(in, name, sizeof(name), MACHINE_AT), sizeof(name));
	assert_string_equal(name, "x86_64");
	assert_int_equal(pwrite(in, nothing, sizeof(nothing), MACHINE_AT), sizeof(nothing));
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = open_core(in);
	assert_int_equal(kd_vmcore_machine(core), KD_MACHINE_X86_64);
	assert_string_equal(kd_vmcore_machine_name(core), "x86_64");
	KD_AUTO(kd_closep) int fd = make_dump(core, &o, &r);
	assert_int_equal(r.filter.dropped, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_bad_sector_costs_only_its_pages, mend_sector),
		cmocka_unit_test_teardown(test_bad_sector_in_the_descriptors, mend_sector),
		cmocka_unit_test(test_pages_missing_in_the_middle),
		cmocka_unit_test(test_header_of_an_old_dump),
		cmocka_unit_test(test_machine_that_is_not_named),
	};

	return cmocka_run_group_tests(tests, dump_machine_setup, dump_machine_teardown);
}
