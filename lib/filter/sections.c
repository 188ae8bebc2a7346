/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the page array is. SPARSEMEM cuts physical memory into sections, each with its part of
 * the array; mem_section[] has a word for each. With SPARSEMEM_EXTREME that is an array of
 * pointers to pages of such entries (Linux mm/sparse.c, include/linux/mmzone.h). FLATMEM has one
 * array, mem_map.
 */
#include "lib/filter/internal.h"

#include <stdlib.h>

enum {
	SECTION_MARKED_PRESENT = 1, /* include/linux/mmzone.h, the same since v2.6 */
	SECTION_HAS_MEM_MAP = 2,
	/* Flags in the low bits of section_mem_map: 4 in v5.4, 6 in v6.15. The pointer itself is
	 * a multiple of 4096: the array of a section starts on a page and is a multiple of one. */
	SECTION_FLAGS_MASK = 0xfff,

	X86_64_SECTION_BITS = 27, /* before the number was told (v5.9 to v5.14) */
	ARM64_SECTION_BITS = 30,

	MIN_SECTION_SHIFT = 8, /* in pages: 1 MiB of 4 KiB each */
	MAX_SECTION_SHIFT = 24,
	MAX_MEM_SECTION_BYTES = 256,
	/* 2^25 in tables with 52 bits of address; 2^19 in one array with 46. */
	MAX_SECTIONS_BITS = 28,
};

struct model {
	uint64_t symbol;
	uint64_t entry_bytes;
	uint64_t map_off;      /* of section_mem_map in an entry */
	uint64_t per_table;    /* entries in a page of them */
	uint64_t sections;     /* how many there can be */
	unsigned int pfn_bits; /* of a frame's number inside its section */
	bool extreme;
};

struct loading {
	struct kd_sections *s;
	const struct model *m;
	struct kd_reader *reader;
	const struct kd_page_layout *layout;
	uint8_t *table; /* per_table entries */
	uint64_t table_nr;
	bool table_ok;
	size_t cap, cap_tables;
	uint64_t bad_maps;
};

static void *grow(void *v, size_t n, size_t *cap, size_t size, struct kd_err *err)
{
	if (n < *cap)
		return v;
	size_t more = *cap ? *cap * 2 : 64;
	void *p = reallocarray(v, more, size);
	if (!p) {
		kd_fail(err, KD_NOMEM, "no memory for a list of %zu memory sections", more);
		return NULL;
	}
	*cap = more;
	return p;
}

static int add_table(struct loading *ld, uint64_t vaddr, uint64_t bytes, struct kd_err *err)
{
	void *v = grow(ld->s->tables, ld->s->n_tables, &ld->cap_tables, sizeof(*ld->s->tables),
		       err);
	if (!v)
		return -KD_NOMEM;
	ld->s->tables = v;
	ld->s->tables[ld->s->n_tables++] = (struct kd_section_table){ .vaddr = vaddr,
								      .bytes = bytes };
	return 0;
}

static int add_section(struct loading *ld, uint64_t pfn, uint64_t n, uint64_t vaddr,
		       struct kd_err *err)
{
	struct kd_sections *s = ld->s;

	if (s->n) {
		struct kd_section *last = &s->v[s->n - 1];
		/* vmemmap is one array throughout: then this is one entry. */
		if (last->end == pfn &&
		    last->vaddr + (pfn - last->pfn) * ld->layout->bytes == vaddr) {
			last->end = pfn + n;
			return 0;
		}
	}
	void *v = grow(s->v, s->n, &ld->cap, sizeof(*s->v), err);
	if (!v)
		return -KD_NOMEM;
	s->v = v;
	s->v[s->n++] = (struct kd_section){ .pfn = pfn, .end = pfn + n, .vaddr = vaddr };
	return 0;
}

/* Loads the page of entries that has section @nr. Not there: no section of it has a page array. */
static int load_table(struct loading *ld, uint64_t nr, struct kd_err *err)
{
	const struct model *m = ld->m;
	uint64_t table_nr = nr / m->per_table, vaddr;
	size_t bytes = m->per_table * m->entry_bytes;

	if (table_nr == ld->table_nr)
		return 0;
	ld->table_nr = table_nr;
	ld->table_ok = false;
	if (m->extreme) {
		if (!kd_reader_u64(ld->reader, m->symbol + table_nr * 8, &vaddr) || !vaddr)
			return 0;
	} else {
		vaddr = m->symbol + table_nr * bytes;
	}
	if (!kd_reader_copy(ld->reader, vaddr, ld->table, bytes))
		return 0;
	ld->table_ok = true;
	return m->extreme ? add_table(ld, vaddr, bytes, err) : 0;
}

static int load_section(struct loading *ld, uint64_t nr, struct kd_err *err)
{
	const struct model *m = ld->m;
	uint64_t pages = UINT64_C(1) << m->pfn_bits, last;

	int rc = load_table(ld, nr, err);
	if (rc || !ld->table_ok)
		return rc;
	uint64_t map = kd_load64(ld->table + nr % m->per_table * m->entry_bytes + m->map_off);
	if (!(map & SECTION_MARKED_PRESENT) || !(map & SECTION_HAS_MEM_MAP))
		return 0;
	/* What is kept is the array's address less that of the section's first frame in an array
	 * for all memory, so this may wrap around. */
	uint64_t vaddr = (map & ~(uint64_t)SECTION_FLAGS_MASK) +
			 (nr << m->pfn_bits) * ld->layout->bytes;
	if (!(vaddr >> 63) || __builtin_add_overflow(vaddr, pages * ld->layout->bytes, &last)) {
		ld->bad_maps++;
		return 0;
	}
	return add_section(ld, nr << m->pfn_bits, pages, vaddr, err);
}

static int load_all(struct loading *ld, struct kd_vmcore *core, struct kd_err *err)
{
	size_t n;
	const struct kd_vmcore_segment *segs = kd_vmcore_segments(core, &n);
	unsigned int page_shift = (unsigned int)__builtin_ctz(kd_vmcore_page_size(core));
	unsigned int shift = page_shift + ld->m->pfn_bits;
	uint64_t next = 0;

	for (size_t i = 0; i < n; i++) {
		uint64_t nr = segs[i].paddr >> shift;
		uint64_t last = (segs[i].paddr + (segs[i].len_bytes - 1)) >> shift;
		if (last >= ld->m->sections)
			last = ld->m->sections - 1;
		for (nr = nr < next ? next : nr; nr <= last; nr++) {
			int rc = load_section(ld, nr, err);
			if (rc)
				return rc;
			next = nr + 1;
		}
	}
	return 0;
}

/*
 * The number of roots tells the two models apart, and where MAX_PHYSMEM_BITS is not told it tells
 * that, too: x86_64 has 46 bits, or 52 with 5 page table levels, arm64 48 or 52.
 */
static bool match_length(struct model *m, uint64_t length, const int64_t *phys_bits, size_t n,
			 unsigned int section_bits)
{
	for (size_t i = 0; i < n; i++) {
		if (phys_bits[i] <= section_bits || phys_bits[i] > section_bits + MAX_SECTIONS_BITS)
			continue;
		uint64_t sections = UINT64_C(1) << (phys_bits[i] - section_bits);
		uint64_t tables = (sections + m->per_table - 1) / m->per_table;
		if (length != sections && length != tables)
			continue;
		m->extreme = length == tables;
		m->sections = sections;
		return true;
	}
	return false;
}

static bool read_bits(struct model *m, const struct kd_vmcore *core, uint64_t length,
		      struct kd_filter_gaps *gaps)
{
	const struct kd_vmcoreinfo *info = kd_vmcore_info(core);
	bool arm64 = kd_vmcore_machine(core) == KD_MACHINE_ARM64;
	const int64_t guess[2] = { arm64 ? 48 : 46, 52 };
	int64_t section_bits, phys_bits;

	if (!kd_vmcoreinfo_number(info, "SECTION_SIZE_BITS", &section_bits))
		section_bits = arm64 ? ARM64_SECTION_BITS : X86_64_SECTION_BITS;
	int64_t pfn_bits = section_bits - __builtin_ctz(kd_vmcore_page_size(core));
	if (section_bits > 56 || pfn_bits < MIN_SECTION_SHIFT || pfn_bits > MAX_SECTION_SHIFT) {
		kd_filter_gap(gaps, KD_LEVEL_ALL & ~KD_LEVEL_ZERO,
			      "vmcoreinfo says SECTION_SIZE_BITS=%jd, which cannot be",
			      (intmax_t)section_bits);
		return false;
	}
	m->pfn_bits = (unsigned int)pfn_bits;
	bool told = kd_vmcoreinfo_number(info, "MAX_PHYSMEM_BITS", &phys_bits);
	if (match_length(m, length, told ? &phys_bits : guess, told ? 1 : 2,
			 (unsigned int)section_bits))
		return true;
	kd_filter_gap(gaps, KD_LEVEL_ALL & ~KD_LEVEL_ZERO,
		      "LENGTH(mem_section)=%ju does not go with sections of 2^%jd bytes",
		      (uintmax_t)length, (intmax_t)section_bits);
	return false;
}

static bool read_model(struct model *m, const struct kd_vmcore *core, struct kd_filter_gaps *gaps)
{
	const struct kd_vmcoreinfo *info = kd_vmcore_info(core);
	uint64_t length;

	if (!kd_vmcoreinfo_size(info, "mem_section", &m->entry_bytes) ||
	    !kd_vmcoreinfo_length(info, "mem_section", &length) ||
	    !kd_vmcoreinfo_offset(info, "mem_section.section_mem_map", &m->map_off)) {
		kd_filter_gap(gaps, KD_LEVEL_ALL & ~KD_LEVEL_ZERO,
			      "vmcoreinfo lacks SIZE(mem_section), LENGTH(mem_section) or "
			      "OFFSET(mem_section.section_mem_map)");
		return false;
	}
	if (m->entry_bytes < 8 || m->entry_bytes > MAX_MEM_SECTION_BYTES ||
	    m->map_off > m->entry_bytes - 8) {
		kd_filter_gap(gaps, KD_LEVEL_ALL & ~KD_LEVEL_ZERO,
			      "SIZE(mem_section)=%ju or OFFSET(mem_section.section_mem_map)=%ju "
			      "cannot be",
			      (uintmax_t)m->entry_bytes, (uintmax_t)m->map_off);
		return false;
	}
	m->per_table = kd_vmcore_page_size(core) / m->entry_bytes;
	return read_bits(m, core, length, gaps);
}

static int init_sparse(struct loading *ld, struct model *m, struct kd_vmcore *core,
		       const struct kd_log *log, struct kd_filter_gaps *gaps, struct kd_err *err)
{
	KD_AUTO(kd_freep) uint8_t *table = NULL;

	if (!read_model(m, core, gaps))
		return 0;
	table = malloc(m->per_table * m->entry_bytes);
	if (!table)
		return kd_fail(err, KD_NOMEM, "no memory for a page of mem_section entries");
	ld->table = table;
	ld->table_nr = UINT64_MAX;
	ld->s->model = m->extreme ? "sparsemem-extreme" : "sparsemem";
	uint64_t tables = (m->sections + m->per_table - 1) / m->per_table;
	int rc = add_table(ld, m->symbol, m->extreme ? tables * 8 : m->sections * m->entry_bytes,
			   err);
	if (!rc)
		rc = load_all(ld, core, err);
	if (rc)
		return rc;
	if (ld->bad_maps)
		kd_log(log, KD_LOG_WARN, "filter",
		       "%ju memory sections say their page array is where none can be; their "
		       "pages are kept",
		       (uintmax_t)ld->bad_maps);
	if (ld->s->n == 0)
		kd_filter_gap(gaps, KD_LEVEL_ALL & ~KD_LEVEL_ZERO,
			      "no memory section with a page array was found through mem_section");
	return 0;
}

static int init_flat(struct loading *ld, uint64_t symbol, struct kd_vmcore *core,
		     struct kd_filter_gaps *gaps, struct kd_err *err)
{
	unsigned int page_shift = (unsigned int)__builtin_ctz(kd_vmcore_page_size(core));
	uint64_t first = 0, vaddr, bytes, last;
	int64_t phys_offset;

	/* ARCH_PFN_OFFSET: the array starts with the first frame of RAM on arm64. */
	if (kd_vmcore_machine(core) == KD_MACHINE_ARM64 &&
	    kd_vmcoreinfo_number(kd_vmcore_info(core), "PHYS_OFFSET", &phys_offset))
		first = (uint64_t)phys_offset >> page_shift;
	ld->s->model = "flatmem";
	uint64_t max_pfn = kd_vmcore_max_pfn(core);
	if (first >= max_pfn || !kd_reader_u64(ld->reader, symbol, &vaddr) || !(vaddr >> 63) ||
	    __builtin_mul_overflow(max_pfn - first, ld->layout->bytes, &bytes) ||
	    __builtin_add_overflow(vaddr, bytes, &last)) {
		kd_filter_gap(gaps, KD_LEVEL_ALL & ~KD_LEVEL_ZERO,
			      "mem_map does not lead to a page array");
		return 0;
	}
	return add_section(ld, first, max_pfn - first, vaddr, err);
}

int kd_sections_init(struct kd_sections *s, struct kd_vmcore *core, struct kd_reader *r,
		     const struct kd_page_layout *l, const struct kd_log *log,
		     struct kd_filter_gaps *gaps, struct kd_err *err)
{
	const struct kd_vmcoreinfo *info = kd_vmcore_info(core);
	struct model m = { 0 };
	struct loading ld = { .s = s, .m = &m, .reader = r, .layout = l };
	uint64_t flat;

	*s = (struct kd_sections){ .model = "none" };
	if (!l->bytes)
		return 0; /* has its gaps already */
	if (kd_vmcoreinfo_symbol(info, "mem_section", &m.symbol))
		return init_sparse(&ld, &m, core, log, gaps, err);
	if (kd_vmcoreinfo_symbol(info, "mem_map", &flat))
		return init_flat(&ld, flat, core, gaps, err);
	kd_filter_gap(gaps, KD_LEVEL_ALL & ~KD_LEVEL_ZERO,
		      "vmcoreinfo has neither SYMBOL(mem_section) nor SYMBOL(mem_map)");
	return 0;
}

void kd_sections_fini(struct kd_sections *s)
{
	free(s->v);
	free(s->tables);
	*s = (struct kd_sections){ .model = "none" };
}

const struct kd_section *kd_sections_find(const struct kd_sections *s, uint64_t pfn,
					  uint64_t *next_ret)
{
	size_t low = 0, high = s->n;

	/* The first that ends behind pfn. */
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (s->v[mid].end <= pfn)
			low = mid + 1;
		else
			high = mid;
	}
	if (low < s->n && s->v[low].pfn <= pfn)
		return &s->v[low];
	if (next_ret)
		*next_ret = low < s->n ? s->v[low].pfn : UINT64_MAX;
	return NULL;
}
