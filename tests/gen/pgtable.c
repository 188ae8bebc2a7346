/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/gen/internal.h"

#include <string.h>

enum {
	X86_PRESENT_WRITE = 0x3,
	X86_HUGE = 0x80,
	ARM64_TABLE_OR_PAGE = 0x3,
	ARM64_BLOCK = 0x1,
	ARM64_ACCESS_FLAG = 0x400,
};

static uint64_t with_address(const struct kd_gen_pgtable *pt, uint64_t paddr)
{
	switch (pt->kind) {
	case KD_GEN_ARM64_LPA:
		return (paddr & 0xffffffff0000ULL) | (paddr >> 48 & 0xf) << 12;
	case KD_GEN_ARM64_LPA2:
		return (paddr & 0x3fffffffff000ULL) | (paddr >> 50 & 0x3) << 8;
	default:
		return paddr;
	}
}

static uint64_t table_entry(const struct kd_gen_pgtable *pt, uint64_t paddr)
{
	uint64_t bits = pt->kind == KD_GEN_X86_64 ? X86_PRESENT_WRITE : ARM64_TABLE_OR_PAGE;

	return with_address(pt, paddr) | bits | pt->or_into_each;
}

static uint64_t leaf_entry(const struct kd_gen_pgtable *pt, uint64_t paddr, unsigned int leaf)
{
	uint64_t bits;

	if (pt->kind == KD_GEN_X86_64)
		bits = X86_PRESENT_WRITE | (leaf ? X86_HUGE : 0);
	else
		bits = ARM64_ACCESS_FLAG | (leaf ? ARM64_BLOCK : ARM64_TABLE_OR_PAGE);
	return with_address(pt, paddr) | bits | pt->or_into_each;
}

static uint64_t read_entry(const struct kd_gen_pgtable *pt, uint64_t at)
{
	uint8_t b[8];
	uint64_t v = 0;

	kd_gen_read(pt->g, at, b, sizeof(b));
	for (unsigned int i = 0; i < sizeof(b); i++)
		v |= (uint64_t)b[i] << (8 * i);
	return v;
}

/* The address of a table, out of an entry made here. */
static uint64_t table_of(const struct kd_gen_pgtable *pt, uint64_t entry)
{
	entry &= ~pt->or_into_each;
	switch (pt->kind) {
	case KD_GEN_ARM64_LPA:
		return (entry & 0xffffffff0000ULL) | (entry >> 12 & 0xf) << 48;
	case KD_GEN_ARM64_LPA2:
		return (entry & 0x3fffffffff000ULL) | (entry >> 8 & 0x3) << 50;
	default:
		return entry & 0xffffffffff000ULL;
	}
}

void kd_gen_map(struct kd_gen_pgtable *pt, uint64_t vaddr, uint64_t paddr, unsigned int leaf)
{
	unsigned int per_level = pt->page_shift - 3;
	uint64_t table = pt->root;

	for (unsigned int level = pt->levels - 1;; level--) {
		unsigned int shift = pt->page_shift + level * per_level;
		/* The root may have fewer entries than a page holds, or (LPA) more bits to cover. */
		uint64_t mask = level == pt->levels - 1 ? (1ULL << (pt->va_bits - shift)) - 1
							: (1ULL << per_level) - 1;
		uint64_t at = table + (vaddr >> shift & mask) * 8;
		if (level == leaf) {
			kd_gen_put(pt->g, at, leaf_entry(pt, paddr, leaf), 8);
			return;
		}
		uint64_t entry = read_entry(pt, at);
		if (!(entry & 1)) {
			entry = table_entry(pt, pt->next);
			kd_gen_put(pt->g, at, entry, 8);
			pt->next += 1ULL << pt->page_shift;
		}
		table = table_of(pt, entry);
	}
}

/*
 * A sparse memory model with one struct page of zeros for each frame: makedumpfile
 * looks for it even if it only prints the log.
 */
static void add_mem_map(struct kd_gen *g, uint64_t ram_len)
{
	enum {
		ROOTS = 32 << 20,
		SECTIONS = ROOTS + (16 << 10),
		MEM_MAP = ROOTS + (2 << 20),
		SECTION_BYTES = 16,
		SECTION_PAGES = 32768,
		STRUCT_PAGE_BYTES = 64,
		PRESENT_WITH_MAP = 3,
	};
	uint64_t direct = KD_GEN_X86_DIRECT;

	kd_gen_put(g, ROOTS, direct + SECTIONS, 8);
	for (uint64_t i = 0; i * SECTION_PAGES * 4096 < ram_len; i++)
		kd_gen_put(g, SECTIONS + i * SECTION_BYTES, (direct + MEM_MAP) | PRESENT_WITH_MAP,
			   8);
	kd_gen_info(g,
		    "SYMBOL(mem_section)=%jx\nLENGTH(mem_section)=2048\nSIZE(mem_section)=%d\n"
		    "OFFSET(mem_section.section_mem_map)=0\nNUMBER(SECTION_SIZE_BITS)=27\n"
		    "NUMBER(MAX_PHYSMEM_BITS)=46\nSIZE(page)=%d\nOFFSET(page.flags)=0\n"
		    "OFFSET(page.compound_head)=8\nOFFSET(page.lru)=8\nOFFSET(page.mapping)=24\n"
		    "OFFSET(page.private)=40\nOFFSET(page._mapcount)=48\n"
		    "OFFSET(page._refcount)=52\n",
		    (uintmax_t)(direct + ROOTS), SECTION_BYTES, STRUCT_PAGE_BYTES);
}

void kd_gen_x86_kernel(struct kd_gen *g, const char *osrelease, uint64_t image_len,
		       uint64_t ram_len)
{
	enum { IMAGE = 16 << 20, TWO_MIB = 2 << 20, UTS = IMAGE, TABLES = IMAGE + (64 << 10) };
	struct kd_gen_pgtable pt = {
		.g = g,
		.kind = KD_GEN_X86_64,
		.levels = 4,
		.page_shift = 12,
		.va_bits = 48,
		.root = TABLES,
		.next = TABLES + 4096,
	};
	uint64_t text = KD_GEN_X86_TEXT;

	for (uint64_t at = 0; at < image_len; at += TWO_MIB)
		kd_gen_map(&pt, text + IMAGE + at, IMAGE + at, 1);
	for (uint64_t at = 0; at < ram_len; at += TWO_MIB)
		kd_gen_map(&pt, KD_GEN_X86_DIRECT + at, at, 1);
	kd_gen_segment(g, IMAGE, image_len, image_len, text + IMAGE);
	kd_gen_ram(g, 0, ram_len);
	kd_gen_write(g, UTS, "Linux", 5);
	kd_gen_write(g, UTS + 2 * 65, osrelease, strlen(osrelease));
	kd_gen_info_base(g, osrelease, 1700000000);
	kd_gen_info(g,
		    "SYMBOL(init_uts_ns)=%jx\nOFFSET(uts_namespace.name)=0\nSYMBOL(_stext)=%jx\n"
		    "SYMBOL(swapper_pg_dir)=%jx\nSYMBOL(init_top_pgt)=%jx\nNUMBER(phys_base)=0\n"
		    "NUMBER(pgtable_l5_enabled)=0\nNUMBER(sme_mask)=0\n"
		    "NUMBER(KERNEL_IMAGE_SIZE)=1073741824\nKERNELOFFSET=0\n",
		    (uintmax_t)(text + UTS), (uintmax_t)(text + IMAGE), (uintmax_t)(text + TABLES),
		    (uintmax_t)(text + TABLES));
	add_mem_map(g, ram_len);
}
