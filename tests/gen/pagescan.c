/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/gen/pagescan.h"

#include "lib/arch/arch.h"

#include <string.h>

enum {
	PAGE_SHIFT = 12,
	SECTION_FLAG_BITS = 5, /* of section_mem_map, below the pointer */
	MAX_PAGES = 1 << 24,
	MAX_ZONES = 8,
};

struct layout {
	uint64_t page, flags, mapcount, private, compound_head;
	uint64_t mem_section, n_roots, section, section_mem_map;
	int64_t section_bits, pg_slab, buddy, slab, hugetlb;
	bool slab_is_type, has_hugetlb, type_is_top_byte;
};

struct scan {
	struct kd_arch *arch;
	const struct kd_vmcoreinfo *info;
	struct layout l;
	struct pagescan *s;
};

static uint64_t word(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	for (size_t i = n; i-- > 0;)
		v = v << 8 | p[i];
	return v;
}

static int read_layout(const struct kd_vmcoreinfo *i, struct layout *l, struct kd_err *err)
{
	l->slab_is_type = kd_vmcoreinfo_number(i, "PAGE_SLAB_MAPCOUNT_VALUE", &l->slab) == 1;
	l->has_hugetlb = kd_vmcoreinfo_number(i, "PAGE_HUGETLB_MAPCOUNT_VALUE", &l->hugetlb) == 1;
	if (kd_vmcoreinfo_size(i, "page", &l->page) != 1 ||
	    kd_vmcoreinfo_offset(i, "page.flags", &l->flags) != 1 ||
	    kd_vmcoreinfo_offset(i, "page._mapcount", &l->mapcount) != 1 ||
	    kd_vmcoreinfo_offset(i, "page.private", &l->private) != 1 ||
	    kd_vmcoreinfo_offset(i, "page.compound_head", &l->compound_head) != 1 ||
	    kd_vmcoreinfo_symbol(i, "mem_section", &l->mem_section) != 1 ||
	    kd_vmcoreinfo_length(i, "mem_section", &l->n_roots) != 1 ||
	    kd_vmcoreinfo_size(i, "mem_section", &l->section) != 1 ||
	    kd_vmcoreinfo_offset(i, "mem_section.section_mem_map", &l->section_mem_map) != 1 ||
	    kd_vmcoreinfo_number(i, "SECTION_SIZE_BITS", &l->section_bits) != 1 ||
	    kd_vmcoreinfo_number(i, "PAGE_BUDDY_MAPCOUNT_VALUE", &l->buddy) != 1 ||
	    (!l->slab_is_type && kd_vmcoreinfo_number(i, "PG_slab", &l->pg_slab) != 1))
		return kd_fail(err, KD_NOTSUP, "vmcoreinfo lacks a line pagescan needs");
	/* v6.12: the type is the top byte, the rest belongs to its owner */
	l->type_is_top_byte = ((uint32_t)l->buddy & 0xffffff) == 0;
	return 0;
}

static bool is_type(const struct layout *l, const uint8_t *page, int64_t type)
{
	uint32_t v = (uint32_t)word(page + l->mapcount, 4);

	return l->type_is_top_byte ? v >> 24 == (uint32_t)type >> 24 : v == (uint32_t)type;
}

static bool is_slab(const struct layout *l, const uint8_t *page)
{
	return l->slab_is_type ? is_type(l, page, l->slab)
			       : word(page + l->flags, 8) >> l->pg_slab & 1;
}

/* @map: the page array's address less that of frame 0 in it, as the section has it. */
static void scan_section(const struct scan *c, const uint8_t *pages, uint64_t first, uint64_t n,
			 uint64_t map)
{
	const struct layout *l = &c->l;
	struct pagescan *s = c->s;

	for (uint64_t i = 0; i < n && first + i < s->n; i++) {
		const uint8_t *page = pages + i * l->page;
		uint64_t pfn = first + i, link = word(page + l->compound_head, 8);
		if (s->kind[pfn] == PAGESCAN_FREE)
			continue; /* its block was seen */
		s->kind[pfn] = PAGESCAN_OTHER;
		s->head[pfn] = pfn;
		if (link & 1) {
			s->kind[pfn] = PAGESCAN_TAIL;
			s->head[pfn] = (link - 1 - map) / l->page;
			enum pagescan_kind head = s->head[pfn] < pfn ? s->kind[s->head[pfn]]
								     : PAGESCAN_NONE;
			if (head == PAGESCAN_SLAB || head == PAGESCAN_HUGETLB)
				s->kind[pfn] = (uint8_t)head;
		} else if (is_slab(l, page)) {
			s->kind[pfn] = PAGESCAN_SLAB;
		} else if (l->has_hugetlb && is_type(l, page, l->hugetlb)) {
			s->kind[pfn] = PAGESCAN_HUGETLB;
		} else if (is_type(l, page, l->buddy)) {
			uint64_t order = word(page + l->private, 8);
			for (uint64_t k = 0; order < 32 && k < UINT64_C(1) << order; k++)
				if (pfn + k < s->n)
					s->kind[pfn + k] = PAGESCAN_FREE;
		}
	}
}

static int scan_sections(const struct scan *c, struct kd_err *err)
{
	const struct layout *l = &c->l;
	uint64_t per_section = UINT64_C(1) << (l->section_bits - PAGE_SHIFT);
	uint64_t per_root = 4096 / l->section;
	KD_AUTO(kd_freep) uint8_t *pages = malloc(per_section * l->page);

	if (!pages)
		return kd_fail(err, KD_NOMEM, "no memory");
	for (uint64_t nr = 0; nr * per_section < c->s->n; nr++) {
		uint8_t bytes[8];
		uint64_t root, map, at = l->mem_section + nr / per_root * 8;
		int rc = nr / per_root >= l->n_roots
				 ? kd_fail(err, KD_BADDATA, "frame behind the last section")
				 : kd_arch_read(c->arch, at, bytes, 8, err);
		if (rc)
			return rc;
		root = word(bytes, 8);
		if (!root)
			continue;
		at = root + nr % per_root * l->section + l->section_mem_map;
		rc = kd_arch_read(c->arch, at, bytes, 8, err);
		if (rc)
			return rc;
		if (!(word(bytes, 8) & 2)) /* SECTION_HAS_MEM_MAP */
			continue;
		map = word(bytes, 8) >> SECTION_FLAG_BITS << SECTION_FLAG_BITS;
		at = map + nr * per_section * l->page;
		rc = kd_arch_read(c->arch, at, pages, per_section * l->page, err);
		if (rc)
			return kd_wrap(err, "page array of section %ju", (uintmax_t)nr);
		scan_section(c, pages, nr * per_section, per_section, map);
	}
	return 0;
}

static int count_free(const struct scan *c, struct kd_err *err)
{
	uint64_t data = 0, nodes = 0, zones = 0, nr_zones = 0, zone = 0, stat = 0;
	int64_t item = 0;
	uint8_t bytes[8];

	if (kd_vmcoreinfo_symbol(c->info, "node_data", &data) != 1 ||
	    kd_vmcoreinfo_length(c->info, "node_data", &nodes) != 1 ||
	    kd_vmcoreinfo_offset(c->info, "pglist_data.node_zones", &zones) != 1 ||
	    kd_vmcoreinfo_offset(c->info, "pglist_data.nr_zones", &nr_zones) != 1 ||
	    kd_vmcoreinfo_size(c->info, "zone", &zone) != 1 ||
	    kd_vmcoreinfo_offset(c->info, "zone.vm_stat", &stat) != 1 ||
	    kd_vmcoreinfo_number(c->info, "NR_FREE_PAGES", &item) != 1)
		return kd_fail(err, KD_NOTSUP, "vmcoreinfo does not lead to the zones");
	for (uint64_t i = 0; i < nodes; i++) {
		int rc = kd_arch_read(c->arch, data + i * 8, bytes, 8, err);
		uint64_t node = word(bytes, 8);
		if (rc)
			return rc;
		if (!node)
			continue;
		rc = kd_arch_read(c->arch, node + nr_zones, bytes, 4, err);
		uint64_t n = word(bytes, 4);
		for (uint64_t z = 0; !rc && z < n && z < MAX_ZONES; z++) {
			rc = kd_arch_read(c->arch,
					  node + zones + z * zone + stat + 8 * (uint64_t)item,
					  bytes, 8, err);
			c->s->nr_free += word(bytes, 8);
		}
		if (rc)
			return rc;
	}
	return 0;
}

int pagescan_run(struct kd_vmcore *core, struct pagescan *ret, struct kd_err *err)
{
	KD_AUTO(kd_arch_closep) struct kd_arch *arch = NULL;
	struct scan c = { .info = kd_vmcore_info(core), .s = ret };

	*ret = (struct pagescan){ .n = kd_vmcore_max_pfn(core) };
	if (!c.info)
		return kd_fail(err, KD_NOTSUP, "no vmcoreinfo");
	if (ret->n > MAX_PAGES)
		return kd_fail(err, KD_NOTSUP, "more than 64 GiB of address space");
	int rc = kd_arch_open(core, &arch, err);
	if (!rc)
		rc = read_layout(c.info, &c.l, err);
	if (rc)
		return rc;
	c.arch = arch;
	ret->kind = calloc(ret->n + 1, sizeof(*ret->kind));
	ret->head = calloc(ret->n + 1, sizeof(*ret->head));
	if (!ret->kind || !ret->head)
		return kd_fail(err, KD_NOMEM, "no memory");
	rc = scan_sections(&c, err);
	return rc ? rc : count_free(&c, err);
}

void pagescan_fini(struct pagescan *s)
{
	free(s->kind);
	free(s->head);
	*s = (struct pagescan){ 0 };
}
