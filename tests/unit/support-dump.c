/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/support-dump.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cmocka.h>

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

struct kd_gen *dump_machine_new(void)
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

int dump_machine_setup(void **state)
{
	static struct dump_machine m;
	KD_AUTO(kd_gen_freep) struct kd_gen *g = dump_machine_new();

	m.fd = kd_gen_memfd("machine");
	kd_gen_elf(g, m.fd, NULL);
	m.core = open_core(m.fd);
	*state = &m;
	return 0;
}

int dump_machine_teardown(void **state)
{
	struct dump_machine *m = *state;

	kd_vmcore_close(m->core);
	close(m->fd);
	return 0;
}

/* A memfd with the dump; close(). */
int make_dump(struct kd_vmcore *core, const struct kd_dump_opts *opts, struct kd_dump_result *r)
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

const struct kd_codec *codec_named(const char *name)
{
	return kd_codec_by_name(name);
}

int page_state(struct kd_vmcore *core, uint64_t pfn)
{
	KD_AUTO(kd_vmcore_window_freep) struct kd_vmcore_window *w = NULL;
	struct kd_err err = { 0 };
	uint64_t n;

	assert_int_equal(kd_vmcore_window_new(core, KD_ACCESS_READ, 0, 0, &w, &err), 0);
	return kd_vmcore_page_run(w, pfn, &n, &err);
}

/* Each page that can be read is what it was. Returns how many can. */
uint64_t compare_dumps(struct kd_vmcore *got, struct kd_vmcore *want)
{
	KD_AUTO(kd_vmcore_window_freep) struct kd_vmcore_window *w = NULL;
	struct kd_err err = { 0 };
	uint8_t a[PAGE], b[PAGE];
	uint64_t n = 0, same = 0, cut = 0;

	assert_int_equal(kd_vmcore_max_pfn(got), kd_vmcore_max_pfn(want));
	assert_int_equal(kd_vmcore_window_new(got, KD_ACCESS_READ, 0, 0, &w, &err), 0);
	for (uint64_t pfn = 0; pfn < FRAMES; pfn += n) {
		int st = kd_vmcore_page_run(w, pfn, &n, &err);
		if (n > FRAMES - pfn)
			n = FRAMES - pfn;
		for (uint64_t i = pfn; st == KD_PAGE_STORED && i < pfn + n; i++) {
			if (kd_vmcore_read(got, i * PAGE, a, PAGE, &err)) {
				/* An ELF file may end inside of a page. */
				if (kd_vmcore_format(got) != KD_VMCORE_ELF || cut++ > 0)
					fail_msg("%s", err.msg);
				assert_true(kd_vmcore_is_incomplete(got));
				continue;
			}
			if (kd_vmcore_read(want, i * PAGE, b, PAGE, &err))
				fail_msg("%s", err.msg);
			if (memcmp(a, b, PAGE))
				fail_msg("page frame 0x%jx differs", (uintmax_t)i);
			same++;
		}
	}
	return same;
}

bool files_equal(int a, int b)
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

off_t size_of(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return st.st_size;
}

int dump_into(struct kd_vmcore *core, const struct kd_dump_opts *o, struct kd_sink_fault fault,
	      int fd, struct kd_dump_result *r, struct kd_err *err)
{
	struct kd_sink *sink = with_fault(memory_sink(fd), fault);
	int rc = kd_dump_run(core, o, sink, r, err);

	kd_sink_abort(sink);
	return rc;
}
