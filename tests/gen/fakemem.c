/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory of the made-up machine: where the page array is and how one gets there. */
#include "tests/gen/fakemem.h"
#include "tests/gen/fakemem_internal.h"
#include "tests/gen/internal.h"

#include <string.h>

enum {
	KIB = 1 << 10,
	MIB = 1 << 20,
	TABLES_OFF = 64 * KIB, /* in the image */
	UTS_RELEASE_OFF = 2 * 65,
	NODES_OFF = 8 * KIB,
	ROOTS_OFF = 8 * MIB, /* from the image */
	SECTIONS_OFF = 9 * MIB,
	NODE_OFF = 12 * MIB,
	ARRAY_OFF = 16 * MIB,
	IMAGE_BYTES = 4 * MIB,
	SECTION_BYTES = 16,
	SECTION_FLAGS = 0xf, /* present, has a page array, online, early */
	VM_STAT_OFF = 1024,
	ZONE_BYTES = 1536,
	NR_ZONES_OFF = 8192,
	NODE_BYTES = 16384,
	CPUS = 2,
};

static const uint64_t x86_vmemmap = 0xffffea0000000000;
static const uint64_t arm64_vmemmap = 0xfffffdfff0000000;
static const uint64_t arm64_text = 0xffff800010000000;
static const uint64_t arm64_direct = 0xffff000000000000;

static uint64_t vmemmap(const struct kd_fakemem *m)
{
	return m->opts.arm64 ? arm64_vmemmap : x86_vmemmap;
}

uint64_t kd_fake_page_vaddr(const struct kd_fakemem *m, uint64_t pfn)
{
	/* Without vmemmap the array lies in the direct map. */
	if (m->opts.model != KD_FAKE_EXTREME)
		return m->direct + kd_fakemem_paddr(m, pfn);
	return vmemmap(m) + (pfn - m->first_pfn) * KD_FAKE_PAGE_STRUCT_BYTES;
}

uint64_t kd_fakemem_paddr(const struct kd_fakemem *m, uint64_t pfn)
{
	uint64_t at = (pfn - m->first_pfn) * KD_FAKE_PAGE_STRUCT_BYTES;

	if (m->opts.small_pages) {
		uint64_t page = at / m->page_bytes, last = m->array_bytes / m->page_bytes - 1;
		at = (last - page) * m->page_bytes + at % m->page_bytes;
	}
	return m->array + at;
}

/* The page of the array at @paddr, made when it is written. */
static bool fill_array(void *arg, uint64_t paddr, uint8_t *page, size_t len)
{
	const struct kd_fakemem *m = arg;
	uint64_t at = paddr - m->array;
	bool any = false;

	if (m->opts.small_pages)
		at = m->array_bytes - m->page_bytes - at;
	uint64_t pfn = m->first_pfn + at / KD_FAKE_PAGE_STRUCT_BYTES;
	for (size_t i = 0; i < len && pfn < m->end_pfn; i += KD_FAKE_PAGE_STRUCT_BYTES, pfn++)
		any |= kd_fake_struct_page(m, pfn, page + i);
	return any;
}

static void map_all(struct kd_fakemem *m)
{
	struct kd_gen_pgtable pt = {
		.g = m->g,
		.kind = m->opts.arm64 ? KD_GEN_ARM64 : KD_GEN_X86_64,
		.levels = m->opts.arm64 ? 3 : 4,
		.page_shift = m->opts.arm64 ? 16 : 12,
		.va_bits = 48,
		.root = m->image + TABLES_OFF,
		.next = m->image + TABLES_OFF + m->page_bytes,
	};
	uint64_t block = m->opts.arm64 ? 512 * MIB : 2 * MIB, page = m->page_bytes;

	for (uint64_t at = 0; at < IMAGE_BYTES; at += page)
		kd_gen_map(&pt, m->text + at, m->image + at, 0);
	for (uint64_t at = m->first_pfn * page; at < m->end_pfn * page; at += block)
		kd_gen_map(&pt, m->direct + at, at, 1);
	if (m->opts.model != KD_FAKE_EXTREME)
		return;
	uint64_t step = m->opts.small_pages || m->opts.arm64 ? page : block;
	for (uint64_t at = 0; at < m->array_bytes; at += step)
		kd_gen_map(&pt, vmemmap(m) + at,
			   kd_fakemem_paddr(m, m->first_pfn + at / KD_FAKE_PAGE_STRUCT_BYTES),
			   step == page ? 0 : 1);
	if (pt.next > m->image + ROOTS_OFF)
		kd_gen_die("no room for the page tables of so much memory");
}

static void add_machine_info(struct kd_fakemem *m)
{
	uint64_t tables = m->text + TABLES_OFF;

	kd_gen_info_base(m->g, kd_fake_era_name(m->opts.era), 1700000000);
	kd_fake_info(m, "SYMBOL(init_uts_ns)=%jx", (uintmax_t)m->text);
	kd_fake_info(m, "OFFSET(uts_namespace.name)=0");
	kd_fake_info(m, "SYMBOL(_stext)=%jx", (uintmax_t)m->text);
	kd_fake_info(m, "SYMBOL(swapper_pg_dir)=%jx", (uintmax_t)tables);
	if (m->opts.arm64) {
		kd_fake_info(m, "NUMBER(VA_BITS)=48");
		kd_fake_info(m, "NUMBER(TCR_EL1_T1SZ)=0x10");
		kd_fake_info(m, "NUMBER(kimage_voffset)=0x%jx", (uintmax_t)(m->text - m->image));
		kd_fake_info(m, "NUMBER(PHYS_OFFSET)=0x%jx",
			     (uintmax_t)(m->first_pfn * m->page_bytes));
		return;
	}
	kd_fake_info(m, "SYMBOL(init_top_pgt)=%jx", (uintmax_t)tables);
	kd_fake_info(m, "NUMBER(phys_base)=0");
	kd_fake_info(m, "NUMBER(pgtable_l5_enabled)=0");
	kd_fake_info(m, "NUMBER(sme_mask)=0");
	kd_fake_info(m, "NUMBER(KERNEL_IMAGE_SIZE)=1073741824");
	kd_fake_info(m, "KERNELOFFSET=0");
}

static void add_sections(struct kd_fakemem *m)
{
	/* On x86_64 as with 4 levels of tables. arm64's sections with 64 KiB pages are 512 MiB. */
	unsigned int section_bits = m->opts.arm64 ? 29 : 27;
	unsigned int phys_bits = m->opts.arm64 ? 48 : 46;
	uint64_t pages = (1ULL << section_bits) / m->page_bytes;
	uint64_t sections = 1ULL << (phys_bits - section_bits);
	uint64_t per_root = m->page_bytes / SECTION_BYTES;
	bool extreme = m->opts.model == KD_FAKE_EXTREME;
	uint64_t entries = m->image + SECTIONS_OFF;

	for (uint64_t nr = m->first_pfn / pages; nr * pages < m->end_pfn; nr++) {
		uint64_t pfn = nr * pages;
		uint64_t map = kd_fake_page_vaddr(m, m->first_pfn) +
			       (pfn - m->first_pfn) * KD_FAKE_PAGE_STRUCT_BYTES -
			       pfn * KD_FAKE_PAGE_STRUCT_BYTES;
		kd_gen_put(m->g, entries + nr * SECTION_BYTES, map | SECTION_FLAGS, 8);
		if (extreme)
			kd_gen_put(m->g, m->image + ROOTS_OFF + nr / per_root * 8,
				   m->direct + entries + nr / per_root * m->page_bytes, 8);
	}
	kd_fake_info(m, "SYMBOL(mem_section)=%jx",
		     (uintmax_t)(m->direct + (extreme ? m->image + ROOTS_OFF : entries)));
	kd_fake_info(m, "LENGTH(mem_section)=%ju",
		     (uintmax_t)(extreme ? sections / per_root : sections));
	kd_fake_info(m, "SIZE(mem_section)=%d", SECTION_BYTES);
	kd_fake_info(m, "OFFSET(mem_section.section_mem_map)=0");
	if (m->opts.era == KD_FAKE_5_4 && !m->opts.arm64)
		return;
	kd_fake_info(m, "NUMBER(SECTION_SIZE_BITS)=%u", section_bits);
	kd_fake_info(m, "NUMBER(MAX_PHYSMEM_BITS)=%u", phys_bits);
}

void kd_fakemem_poke(struct kd_fakemem *m, uint64_t pfn, uint32_t off, uint64_t value,
		     unsigned int bytes)
{
	uint64_t at = kd_fakemem_paddr(m, pfn) + off, page_at = at - at % m->page_bytes;
	KD_AUTO(kd_freep) uint8_t *page = kd_gen_alloc(1, m->page_bytes);

	/* A page that was written to is not filled any more: write all of it. */
	kd_gen_read(m->g, page_at, page, m->page_bytes);
	kd_gen_write(m->g, page_at, page, m->page_bytes);
	kd_gen_put(m->g, at, value, bytes);
}

void kd_fakemem_lose_section(struct kd_fakemem *m, uint64_t pfn, bool absent)
{
	uint64_t pages = (1ULL << (m->opts.arm64 ? 29 : 27)) / m->page_bytes;
	uint64_t map = absent ? 0 : 0xfffff00000000000 | SECTION_FLAGS;

	kd_gen_put(m->g, m->image + SECTIONS_OFF + pfn / pages * SECTION_BYTES, map, 8);
}

static void add_flat(struct kd_fakemem *m)
{
	kd_gen_put(m->g, m->image + ROOTS_OFF, kd_fake_page_vaddr(m, m->first_pfn), 8);
	kd_fake_info(m, "SYMBOL(mem_map)=%jx", (uintmax_t)(m->direct + m->image + ROOTS_OFF));
}

static void add_zones(struct kd_fakemem *m)
{
	uint64_t node = m->image + NODE_OFF, free = 0;

	for (uint64_t pfn = m->first_pfn; pfn < m->end_pfn;) {
		struct kd_fake_block b = kd_fakemem_block(m, pfn);
		bool unaccepted = b.kind == KD_FAKE_UNACCEPTED && m->opts.era >= KD_FAKE_6_16;
		if (b.kind == KD_FAKE_FREE || unaccepted)
			free += 1ULL << b.order;
		pfn += 1ULL << b.order;
	}
	/* Two zones, the second has it all but for a page that the first is behind with. */
	kd_gen_put(m->g, node + NR_ZONES_OFF, 2, 4);
	kd_gen_put(m->g, node + VM_STAT_OFF, (uint64_t)-1, 8);
	kd_gen_put(m->g, node + ZONE_BYTES + VM_STAT_OFF, free + (uint64_t)m->opts.count_off, 8);
	kd_gen_put(m->g, m->image + NODES_OFF, m->direct + node, 8);
	if (m->opts.lost_node)
		kd_gen_put(m->g, m->image + NODES_OFF + 8, m->direct + m->end_pfn * m->page_bytes,
			   8);
	kd_fake_info(m, "SYMBOL(node_data)=%jx", (uintmax_t)(m->text + NODES_OFF));
	kd_fake_info(m, "LENGTH(node_data)=64");
	kd_fake_info(m, "SIZE(pglist_data)=%d", NODE_BYTES);
	kd_fake_info(m, "SIZE(zone)=%d", ZONE_BYTES);
	kd_fake_info(m, "OFFSET(pglist_data.node_zones)=0");
	kd_fake_info(m, "OFFSET(pglist_data.nr_zones)=%d", NR_ZONES_OFF);
	kd_fake_info(m, "OFFSET(zone.vm_stat)=%d", VM_STAT_OFF);
	kd_fake_info(m, "NUMBER(NR_FREE_PAGES)=0");
	for (int i = 0; i < CPUS; i++)
		kd_gen_note(m->g, "CORE", 1, "", 0);
}

static void place(struct kd_fakemem *m)
{
	uint64_t start = m->opts.arm64 ? 1024ULL * MIB : 0;

	m->page_bytes = m->opts.arm64 ? 64 * KIB : 4 * KIB;
	m->first_pfn = start / m->page_bytes;
	m->end_pfn = (start + m->opts.ram_bytes) / m->page_bytes;
	m->image = start + 16 * MIB;
	m->text = m->opts.arm64 ? arm64_text : KD_GEN_X86_TEXT + m->image;
	m->direct = m->opts.arm64 ? arm64_direct : KD_GEN_X86_DIRECT;
	m->array = m->image + ARRAY_OFF;
	uint64_t bytes = (m->end_pfn - m->first_pfn) * KD_FAKE_PAGE_STRUCT_BYTES;
	uint64_t unit = 2 * MIB;
	m->array_bytes = (bytes + unit - 1) / unit * unit;
	if (m->array + m->array_bytes > m->end_pfn * m->page_bytes)
		kd_gen_die("the page array does not fit into %ju bytes",
			   (uintmax_t)m->opts.ram_bytes);
}

struct kd_fakemem *kd_fakemem_new(const struct kd_fake_opts *opts,
				  const struct kd_fake_block *blocks, size_t n)
{
	struct kd_fakemem *m = kd_gen_alloc(1, sizeof(*m));

	m->opts = *opts;
	m->blocks = kd_gen_alloc(n + 1, sizeof(*blocks));
	if (n)
		memcpy(m->blocks, blocks, n * sizeof(*blocks));
	m->n_blocks = n;
	place(m);
	m->g = kd_gen_new(opts->arm64 ? 183 : 62, m->page_bytes);
	kd_gen_segment(m->g, m->first_pfn * m->page_bytes, opts->ram_bytes, opts->ram_bytes,
		       m->direct + m->first_pfn * m->page_bytes);
	kd_gen_segment(m->g, m->image, IMAGE_BYTES, IMAGE_BYTES, m->text);
	/* struct new_utsname: makedumpfile takes the kernel's version from it. */
	const char *release = kd_fake_era_name(opts->era);
	kd_gen_write(m->g, m->image, "Linux", 5);
	kd_gen_write(m->g, m->image + UTS_RELEASE_OFF, release, strlen(release));
	kd_gen_fill(m->g, m->array, m->array_bytes, fill_array, m);
	map_all(m);
	add_machine_info(m);
	if (opts->model == KD_FAKE_FLAT)
		add_flat(m);
	else
		add_sections(m);
	kd_fake_page_info(m);
	if (!opts->without_zones)
		add_zones(m);
	return m;
}

void kd_fakemem_free(struct kd_fakemem *m)
{
	if (!m)
		return;
	kd_gen_free(m->g);
	free(m->blocks);
	free(m);
}

void kd_fakemem_freep(struct kd_fakemem **m)
{
	kd_fakemem_free(*m);
}

struct kd_gen *kd_fakemem_gen(struct kd_fakemem *m)
{
	return m->g;
}

uint64_t kd_fakemem_first_pfn(const struct kd_fakemem *m)
{
	return m->first_pfn;
}

uint64_t kd_fakemem_end_pfn(const struct kd_fakemem *m)
{
	return m->end_pfn;
}

uint64_t kd_fakemem_image(const struct kd_fakemem *m, uint64_t *n_ret)
{
	*n_ret = IMAGE_BYTES / m->page_bytes;
	return m->image / m->page_bytes;
}
