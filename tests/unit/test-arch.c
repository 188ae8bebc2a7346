/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/arch/arch.h"
#include "tests/gen/mkvmcore.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { KIB = 1 << 10, MIB = 1 << 20 };
static const uint64_t GIB = 1 << 30;

/* A machine with its page tables, then the dump of it, then what reads them. */
struct fixture {
	struct kd_gen *gen;
	struct kd_gen_pgtable pt;
	int fd;
	struct kd_vmcore *core;
	struct kd_arch *arch;
	struct kd_err err;
};

static void fixture_fini(struct fixture *f)
{
	kd_arch_close(f->arch);
	kd_vmcore_close(f->core);
	kd_closep(&f->fd);
	kd_gen_free(f->gen);
}

static void dump(struct fixture *f, const struct kd_gen_elf_opts *opts)
{
	f->fd = kd_gen_memfd("dump");
	kd_gen_elf(f->gen, f->fd, opts);
	if (kd_vmcore_open(f->fd, "dump", NULL, &f->core, &f->err))
		fail_msg("%s", f->err.msg);
}

static void open_arch(struct fixture *f)
{
	const struct kd_gen_elf_opts opts = { .without_vaddr = true };

	dump(f, &opts);
	if (kd_arch_open(f->core, &f->arch, &f->err))
		fail_msg("%s", f->err.msg);
}

static int open_error(struct fixture *f)
{
	dump(f, NULL);
	return kd_arch_open(f->core, &f->arch, &f->err);
}

/* Asserts that @vaddr lies at @paddr and that @len bytes follow side by side. */
static void assert_at(struct fixture *f, uint64_t vaddr, uint64_t paddr, uint64_t len)
{
	uint64_t got = 0, got_len = 0;
	int rc = kd_arch_vtop(f->arch, vaddr, 1, &got, &got_len, &f->err);

	if (rc != 1)
		fail_msg("0x%jx: %d %s", (uintmax_t)vaddr, rc, rc < 0 ? f->err.msg : "not mapped");
	assert_int_equal(got, paddr);
	assert_int_equal(got_len, 1);
	assert_int_equal(kd_arch_vtop(f->arch, vaddr, 1ULL << 60, &got, &got_len, &f->err), 1);
	assert_int_equal(got_len, len);
}

static void assert_hole(struct fixture *f, uint64_t vaddr, uint64_t len)
{
	uint64_t paddr = 77, got_len = 0;

	assert_int_equal(kd_arch_vtop(f->arch, vaddr, 1, &paddr, &got_len, &f->err), 0);
	assert_int_equal(paddr, 77);
	assert_int_equal(got_len, len);
}

/* ---- x86_64 ---- */

enum { X86_PHYS_BASE = 32 * MIB, X86_ROOT = 48 * MIB, X86_TABLES = X86_ROOT + 4096 };

static struct fixture x86(unsigned int levels, uint64_t sme_mask)
{
	struct fixture f = { .gen = kd_gen_new(62, 4096), .fd = -1 };

	f.pt = (struct kd_gen_pgtable){
		.g = f.gen,
		.kind = KD_GEN_X86_64,
		.levels = levels,
		.page_shift = 12,
		.va_bits = levels == 5 ? 57 : 48,
		.root = X86_ROOT,
		.next = X86_TABLES,
		.or_into_each = sme_mask,
	};
	kd_gen_info_base(f.gen, "6.1.0-test", 1);
	kd_gen_info(f.gen,
		    "SYMBOL(init_top_pgt)=%jx\nNUMBER(phys_base)=%d\n"
		    "NUMBER(pgtable_l5_enabled)=%d\nNUMBER(sme_mask)=%ju\n"
		    "NUMBER(KERNEL_IMAGE_SIZE)=1073741824\n",
		    (uintmax_t)(KD_GEN_X86_TEXT + X86_ROOT - X86_PHYS_BASE), X86_PHYS_BASE,
		    levels == 5, (uintmax_t)sme_mask);
	kd_gen_ram(f.gen, 0, 64 * MIB);
	return f;
}

static void test_x86_leaves_of_each_size(void **state)
{
	for (unsigned int levels = 4; levels <= 5; levels++) {
		KD_AUTO(fixture_fini) struct fixture f = x86(levels, 0);
		uint64_t vmalloc = levels == 5 ? 0xffa0000000000000 : 0xffffc90000000000;

		kd_gen_map(&f.pt, vmalloc, 0x123456000, 0);
		kd_gen_map(&f.pt, vmalloc + 4096, 0x200000, 0);
		kd_gen_map(&f.pt, vmalloc + 2 * MIB, 0x40000000, 1);
		kd_gen_map(&f.pt, vmalloc + 4 * GIB, 0x80000000, 2);
		open_arch(&f);
		assert_string_equal(kd_arch_name(f.arch), "x86_64");
		assert_int_equal(kd_arch_levels(f.arch), levels);
		assert_at(&f, vmalloc, 0x123456000, 4096);
		assert_at(&f, vmalloc + 5000, 0x200000 + 904, 4096 - 904);
		assert_at(&f, vmalloc + 3 * MIB + 5, 0x40000000 + MIB + 5, MIB - 5);
		assert_at(&f, vmalloc + 4 * GIB + 123456789, 0x80000000 + 123456789,
			  GIB - 123456789);
		assert_hole(&f, vmalloc + 2 * 4096, 4096);
		assert_hole(&f, vmalloc + 4 * MIB + 4096, 2 * MIB - 4096);
		assert_hole(&f, vmalloc + GIB, GIB);
	}
}

static void test_x86_kernel_image_needs_no_table(void **state)
{
	KD_AUTO(fixture_fini) struct fixture f = x86(4, 0);
	uint64_t v;

	kd_gen_put(f.gen, X86_PHYS_BASE + 16 * MIB + 8, 0x1122334455667788, 8);
	open_arch(&f);
	assert_at(&f, KD_GEN_X86_TEXT + 16 * MIB, X86_PHYS_BASE + 16 * MIB, GIB - 16 * MIB);
	assert_int_equal(kd_arch_read(f.arch, KD_GEN_X86_TEXT + 16 * MIB + 8, &v, 8, &f.err), 0);
	assert_int_equal(v, 0x1122334455667788);
	/* Modules lie behind the image and are mapped page by page, or not. */
	assert_hole(&f, KD_GEN_X86_TEXT + GIB, GIB);
}

static void test_x86_runs_of_leaves_are_joined(void **state)
{
	KD_AUTO(fixture_fini) struct fixture f = x86(4, 0);
	uint64_t vmemmap = 0xffffea0000000000, paddr, len;

	for (uint64_t i = 0; i < 4; i++)
		kd_gen_map(&f.pt, vmemmap + i * 2 * MIB, 0x10000000 + i * 2 * MIB, 1);
	kd_gen_map(&f.pt, vmemmap + 8 * MIB, 0x30000000, 1);
	open_arch(&f);
	assert_at(&f, vmemmap, 0x10000000, 8 * MIB);
	assert_at(&f, vmemmap + 7 * MIB, 0x10000000 + 7 * MIB, MIB);
	assert_at(&f, vmemmap + 9 * MIB, 0x30000000 + MIB, MIB);
	assert_int_equal(kd_arch_vtop(f.arch, vmemmap, 3 * MIB, &paddr, &len, &f.err), 1);
	assert_int_equal(len, 3 * MIB);
}

/* With encrypted memory every entry carries the bit, and no address may. */
static void test_x86_sme_bit_is_taken_out(void **state)
{
	KD_AUTO(fixture_fini) struct fixture f = x86(4, 1ULL << 47);

	kd_gen_map(&f.pt, 0xffffc90000000000, 0x5000, 0);
	kd_gen_map(&f.pt, 0xffffc90000200000, 0x600000, 1);
	open_arch(&f);
	assert_at(&f, 0xffffc90000000010, 0x5010, 4096 - 0x10);
	assert_at(&f, 0xffffc90000200010, 0x600010, 2 * MIB - 0x10);
}

static void test_x86_no_canonical_address(void **state)
{
	KD_AUTO(fixture_fini) struct fixture f = x86(4, 0);

	open_arch(&f);
	assert_hole(&f, 0x8000000000000000, 4096);
	assert_hole(&f, 0xff11000000000000, 4096);
	/* User space is canonical too, and empty here. */
	assert_hole(&f, 0x1000, (1ULL << 39) - 0x1000);
}

static void test_x86_high_bits_of_an_entry_are_no_address(void **state)
{
	KD_AUTO(fixture_fini) struct fixture f = x86(4, 0);

	/* no-execute and a protection key */
	f.pt.or_into_each = 1ULL << 63 | 0xfULL << 59;
	kd_gen_map(&f.pt, 0xffffc90000000000, 0x7000, 0);
	open_arch(&f);
	assert_at(&f, 0xffffc90000000000, 0x7000, 4096);
}

static void test_x86_huge_bit_where_it_cannot_be(void **state)
{
	KD_AUTO(fixture_fini) struct fixture f = x86(4, 0);

	/* the root's entry for this address, "512 GiB page" */
	kd_gen_put(f.gen, X86_ROOT + 8 * (0xffffc90000000000 >> 39 & 511), 0x40000083, 8);
	open_arch(&f);
	assert_hole(&f, 0xffffc90000000000, 1ULL << 39);
}

static void test_x86_table_that_points_to_itself_ends(void **state)
{
	KD_AUTO(fixture_fini) struct fixture f = x86(5, 0);
	uint64_t vaddr = 0xffa0000000000000;

	for (uint64_t i = 0; i < 512; i++)
		kd_gen_put(f.gen, X86_ROOT + 8 * i, X86_ROOT | 3, 8);
	open_arch(&f);
	/* Each level finds the same table; the lowest takes it for a page. */
	assert_int_equal(kd_arch_levels(f.arch), 5);
	uint64_t paddr, len;
	assert_int_equal(kd_arch_vtop(f.arch, vaddr + 16, 1, &paddr, &len, &f.err), 1);
	assert_int_equal(paddr, X86_ROOT + 16);
}

static void test_x86_table_outside_the_dump(void **state)
{
	KD_AUTO(fixture_fini) struct fixture f = x86(4, 0);
	uint64_t paddr, len;

	kd_gen_put(f.gen, X86_ROOT + 8 * (0xffffc90000000000 >> 39 & 511), (1ULL << 40) | 3, 8);
	open_arch(&f);
	assert_int_equal(kd_arch_vtop(f.arch, 0xffffc90000000000, 1, &paddr, &len, &f.err),
			 -KD_BADDATA);
	assert_string_equal(f.err.msg, "page table of level 3 for virtual 0xffffc90000000000: "
				       "dump: there is no memory at physical 0x10000000000");
}

/* The same, but the dump's segments know the address. */
static void test_x86_segments_help_where_tables_are_missing(void **state)
{
	KD_AUTO(fixture_fini) struct fixture f = x86(4, 0);
	uint64_t paddr, len;

	kd_gen_put(f.gen, X86_ROOT + 8 * (KD_GEN_X86_DIRECT >> 39 & 511), (1ULL << 40) | 3, 8);
	dump(&f, NULL);
	assert_int_equal(kd_arch_open(f.core, &f.arch, &f.err), 0);
	assert_int_equal(
		kd_arch_vtop(f.arch, KD_GEN_X86_DIRECT + 5 * MIB, MIB, &paddr, &len, &f.err), 1);
	assert_int_equal(paddr, 5 * MIB);
	assert_int_equal(len, MIB);
}

static void test_read_crosses_leaves_and_tells_holes(void **state)
{
	KD_AUTO(fixture_fini) struct fixture f = x86(4, 0);
	uint64_t vaddr = 0xffffc90000000000;
	uint8_t bytes[64];

	kd_gen_map(&f.pt, vaddr, 0x9000, 0);
	kd_gen_map(&f.pt, vaddr + 4096, 0x3000, 0);
	kd_gen_write(f.gen, 0x9ff8, "abcdefgh", 8);
	kd_gen_write(f.gen, 0x3000, "ijklmnop", 8);
	open_arch(&f);
	assert_int_equal(kd_arch_read(f.arch, vaddr + 4088, bytes, 16, &f.err), 0);
	assert_memory_equal(bytes, "abcdefghijklmnop", 16);
	assert_int_equal(kd_arch_read(f.arch, vaddr + 8190, bytes, 16, &f.err), -KD_BADDATA);
	assert_string_equal(f.err.msg, "dump: virtual 0xffffc90000002000 is not mapped");
	assert_int_equal(kd_arch_read(f.arch, UINT64_MAX - 3, bytes, 16, &f.err), -KD_BADDATA);
}

static void test_x86_without_phys_base_looks_elsewhere(void **state)
{
	KD_AUTO(fixture_fini) struct fixture f = { .gen = kd_gen_new(62, 4096), .fd = -1 };

	kd_gen_info(f.gen, "SYMBOL(init_level4_pgt)=%jx\nSYMBOL(_stext)=%jx\n",
		    (uintmax_t)(KD_GEN_X86_TEXT + 17 * MIB),
		    (uintmax_t)(KD_GEN_X86_TEXT + 16 * MIB));
	kd_gen_segment(f.gen, 80 * MIB, 4 * MIB, 4 * MIB, KD_GEN_X86_TEXT + 16 * MIB);
	dump(&f, NULL);
	assert_int_equal(kd_arch_open(f.core, &f.arch, &f.err), 0);
	assert_at(&f, KD_GEN_X86_TEXT + 16 * MIB, 80 * MIB, 512 * MIB - 16 * MIB);
}

static void test_missing_lines_are_named(void **state)
{
	static const struct {
		uint16_t machine;
		const char *info;
		enum kd_code code;
		const char *says;
	} cases[] = {
		{ 62, "SYMBOL(init_top_pgt)=ffffffff81000000\n", KD_NOTSUP,
		  "dump: vmcoreinfo has no NUMBER(phys_base)" },
		{ 62, "NUMBER(phys_base)=0\n", KD_NOTSUP,
		  "dump: vmcoreinfo has no SYMBOL(swapper_pg_dir)" },
		{ 62, "NUMBER(phys_base)=0\nSYMBOL(swapper_pg_dir)=1000\n", KD_BADDATA,
		  "dump: vmcoreinfo: SYMBOL(swapper_pg_dir)=1000 is not in the kernel image" },
		{ 183, "A=B\n", KD_NOTSUP, "dump: vmcoreinfo has no NUMBER(VA_BITS)" },
		{ 183, "NUMBER(VA_BITS)=53\n", KD_BADDATA,
		  "dump: vmcoreinfo: NUMBER(VA_BITS)=53 cannot be" },
		{ 183, "NUMBER(VA_BITS)=48\nNUMBER(TCR_EL1_T1SZ)=0xc\n", KD_BADDATA,
		  "dump: vmcoreinfo: NUMBER(TCR_EL1_T1SZ)=12 cannot be" },
		{ 183, "NUMBER(VA_BITS)=48\n", KD_NOTSUP,
		  "dump: vmcoreinfo has no SYMBOL(swapper_pg_dir)" },
		{ 183, "NUMBER(VA_BITS)=48\nSYMBOL(swapper_pg_dir)=ffff800008000000\n", KD_NOTSUP,
		  "dump: vmcoreinfo has no NUMBER(kimage_voffset)" },
		{ 22, "A=B\n", KD_NOTSUP,
		  "dump: the page tables of ELF machine 22 are not known here" },
		{ 62, "", KD_NOTSUP, "dump has no vmcoreinfo to find its page tables by" },
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		KD_AUTO(fixture_fini)
		struct fixture f = { .gen = kd_gen_new(cases[i].machine, 4096), .fd = -1 };
		kd_gen_info(f.gen, "%s", cases[i].info);
		kd_gen_segment(f.gen, 0, MIB, MIB, 0);
		assert_int_equal(open_error(&f), -(int)cases[i].code);
		assert_string_equal(f.err.msg, cases[i].says);
	}
}

/* ---- arm64 ---- */

struct arm64_case {
	const char *name;
	enum kd_gen_pgtable_kind kind;
	unsigned int page_shift;
	unsigned int configured; /* VA_BITS */
	unsigned int in_use;	 /* 64 - T1SZ */
	unsigned int levels;
	unsigned int root_va_bits; /* what the root table is indexed by */
	uint64_t high;		   /* an address that needs the widest format */
};

static const struct arm64_case arm64_cases[] = {
	{ "4K, 39 bits", KD_GEN_ARM64, 12, 39, 39, 3, 39, 0xffff00000000 },
	{ "4K, 48 bits", KD_GEN_ARM64, 12, 48, 48, 4, 48, 0xffff00000000 },
	{ "4K, 52 bits (LPA2)", KD_GEN_ARM64_LPA2, 12, 52, 52, 5, 52, 0xffff000000000 },
	{ "4K, built for 52, 48 in use", KD_GEN_ARM64, 12, 52, 48, 4, 48, 0xffff00000000 },
	{ "16K, 36 bits", KD_GEN_ARM64, 14, 36, 36, 2, 36, 0xffff00000000 },
	{ "16K, 47 bits", KD_GEN_ARM64, 14, 47, 47, 3, 47, 0xffff00000000 },
	{ "16K, 48 bits", KD_GEN_ARM64, 14, 48, 48, 4, 48, 0xffff00000000 },
	{ "16K, 52 bits (LPA2)", KD_GEN_ARM64_LPA2, 14, 52, 52, 4, 52, 0xffff000000000 },
	{ "64K, 42 bits", KD_GEN_ARM64, 16, 42, 42, 2, 42, 0xffff00000000 },
	{ "64K, 48 bits", KD_GEN_ARM64, 16, 48, 48, 3, 48, 0xffff00000000 },
	{ "64K, 52 bits (LPA)", KD_GEN_ARM64_LPA, 16, 52, 52, 3, 52, 0xffff000000000 },
	{ "64K, built for 52, 48 in use", KD_GEN_ARM64_LPA, 16, 52, 48, 3, 52, 0xffff000000000 },
};

static const uint64_t kimage_voffset = 0xffff7fffc8000000;

static struct fixture arm64(const struct arm64_case *c)
{
	enum { ROOT = 16 * MIB };
	struct fixture f = { .gen = kd_gen_new(183, 1u << c->page_shift), .fd = -1 };

	f.pt = (struct kd_gen_pgtable){
		.g = f.gen,
		.kind = c->kind,
		.levels = c->levels,
		.page_shift = c->page_shift,
		.va_bits = c->root_va_bits,
		.root = ROOT,
		.next = ROOT + 64 * KIB,
	};
	kd_gen_info_base(f.gen, "6.9.0-test", 1);
	kd_gen_info(f.gen,
		    "SYMBOL(swapper_pg_dir)=%jx\nNUMBER(VA_BITS)=%u\n"
		    "NUMBER(TCR_EL1_T1SZ)=0x%x\nNUMBER(kimage_voffset)=0x%jx\n"
		    "NUMBER(KERNELPACMASK)=0x7f000000000000\n",
		    (uintmax_t)(kimage_voffset + ROOT), c->configured, 64 - c->in_use,
		    (uintmax_t)kimage_voffset);
	kd_gen_segment(f.gen, 0, 32 * MIB, 32 * MIB, 0);
	return f;
}

static void test_arm64_pages_and_blocks_of_each_geometry(void **state)
{
	for (size_t i = 0; i < KD_ARRAY_LEN(arm64_cases); i++) {
		const struct arm64_case *c = &arm64_cases[i];
		KD_AUTO(fixture_fini) struct fixture f = arm64(c);
		uint64_t page = 1ULL << c->page_shift;
		uint64_t block = page << (c->page_shift - 3);
		/* the lowest address of the kernel's half, and one near its top */
		uint64_t low = ~0ULL << c->in_use, top = 0 - 4 * block;

		print_message("%s\n", c->name);
		kd_gen_map(&f.pt, low, c->high, 0);
		kd_gen_map(&f.pt, low + page, 3 * page, 0);
		kd_gen_map(&f.pt, top, 7 * page, 0);
		kd_gen_map(&f.pt, top + block, c->high & ~(block - 1), 1);
		open_arch(&f);
		assert_string_equal(kd_arch_name(f.arch), "arm64");
		assert_int_equal(kd_arch_levels(f.arch), c->levels);
		assert_at(&f, low + 8, c->high + 8, page - 8);
		assert_at(&f, low + page, 3 * page, page);
		assert_hole(&f, low + 2 * page, page);
		assert_at(&f, top, 7 * page, page);
		assert_at(&f, top + block + 12345, (c->high & ~(block - 1)) + 12345, block - 12345);
		assert_hole(&f, top + 2 * block + 1, block - 1);
		/* the other half is not the kernel's */
		assert_hole(&f, 0x10000, page);
	}
}

static void test_arm64_large_blocks(void **state)
{
	/* 1 GiB with 4 KiB pages; 4 TiB with 64 KiB and 52-bit addresses */
	KD_AUTO(fixture_fini) struct fixture a = arm64(&arm64_cases[1]);
	uint64_t vaddr = 0xffff000000000000;

	kd_gen_map(&a.pt, vaddr + GIB, 0x1000000000, 2);
	open_arch(&a);
	assert_at(&a, vaddr + GIB + 5, 0x1000000005, GIB - 5);
	assert_hole(&a, vaddr, GIB);

	KD_AUTO(fixture_fini) struct fixture b = arm64(&arm64_cases[10]);
	kd_gen_map(&b.pt, vaddr, 0x8000000000000, 2);
	open_arch(&b);
	assert_at(&b, vaddr + 5, 0x8000000000005, (1ULL << 42) - 5);
}

/* Bits 9:8 say how memory is shared, unless LPA2 puts an address there. */
static void test_arm64_shareability_is_no_address(void **state)
{
	KD_AUTO(fixture_fini) struct fixture f = arm64(&arm64_cases[1]);

	f.pt.or_into_each = 0x300 | 1ULL << 54 | 1ULL << 53;
	kd_gen_map(&f.pt, 0xffff000000000000, 0x5000, 0);
	open_arch(&f);
	assert_at(&f, 0xffff000000000000, 0x5000, 4096);
}

static void test_arm64_invalid_descriptors(void **state)
{
	KD_AUTO(fixture_fini) struct fixture f = arm64(&arm64_cases[1]);
	uint64_t vaddr = 0xffff000000000000, last_table;

	kd_gen_map(&f.pt, vaddr, 0x5000, 0);
	last_table = f.pt.next - 4096;
	kd_gen_put(f.gen, last_table, 0x5001, 8);     /* "block" at page level */
	kd_gen_put(f.gen, last_table + 8, 0x6002, 8); /* not valid */
	open_arch(&f);
	assert_hole(&f, vaddr, 4096);
	assert_hole(&f, vaddr + 4096, 4096);
}

static void test_arm64_signed_pointers(void **state)
{
	KD_AUTO(fixture_fini) struct fixture f = arm64(&arm64_cases[1]);
	KD_AUTO(fixture_fini) struct fixture x = x86(4, 0);

	open_arch(&f);
	assert_int_equal(kd_arch_pointer(f.arch, 0xffaa800008123456), 0xffff800008123456);
	open_arch(&x);
	assert_int_equal(kd_arch_pointer(x.arch, 0xffffffff81000000), 0xffffffff81000000);
}

/* Before v5.9 the number in use is not told; it is the one configured. */
static void test_arm64_without_t1sz(void **state)
{
	KD_AUTO(fixture_fini) struct fixture f = { .gen = kd_gen_new(183, 4096), .fd = -1 };

	kd_gen_info(f.gen,
		    "SYMBOL(swapper_pg_dir)=%jx\nNUMBER(VA_BITS)=39\n"
		    "NUMBER(kimage_voffset)=0x%jx\n",
		    (uintmax_t)(kimage_voffset + MIB), (uintmax_t)kimage_voffset);
	kd_gen_segment(f.gen, 0, 2 * MIB, 2 * MIB, 0);
	open_arch(&f);
	assert_int_equal(kd_arch_levels(f.arch), 3);
	assert_hole(&f, 0xffffff8000000000, GIB);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_x86_leaves_of_each_size),
		cmocka_unit_test(test_x86_kernel_image_needs_no_table),
		cmocka_unit_test(test_x86_runs_of_leaves_are_joined),
		cmocka_unit_test(test_x86_sme_bit_is_taken_out),
		cmocka_unit_test(test_x86_no_canonical_address),
		cmocka_unit_test(test_x86_high_bits_of_an_entry_are_no_address),
		cmocka_unit_test(test_x86_huge_bit_where_it_cannot_be),
		cmocka_unit_test(test_x86_table_that_points_to_itself_ends),
		cmocka_unit_test(test_x86_table_outside_the_dump),
		cmocka_unit_test(test_x86_segments_help_where_tables_are_missing),
		cmocka_unit_test(test_read_crosses_leaves_and_tells_holes),
		cmocka_unit_test(test_x86_without_phys_base_looks_elsewhere),
		cmocka_unit_test(test_missing_lines_are_named),
		cmocka_unit_test(test_arm64_pages_and_blocks_of_each_geometry),
		cmocka_unit_test(test_arm64_large_blocks),
		cmocka_unit_test(test_arm64_shareability_is_no_address),
		cmocka_unit_test(test_arm64_invalid_descriptors),
		cmocka_unit_test(test_arm64_signed_pointers),
		cmocka_unit_test(test_arm64_without_t1sz),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
