/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One struct page at a time, as the kernels of nine times put it down (from include/linux/
 * page-flags.h, mm_types.h and kernel/crash_core.c or vmcore_info.c of each).
 */
#include "tests/gen/fakemem_internal.h"
#include "tests/gen/internal.h"

#include <stdarg.h>
#include <string.h>

enum {
	FLAGS = 0,
	HEAD = 8,
	DTOR = 16,
	ORDER = 17,
	MAPPING = 24,
	PRIVATE = 40,
	MAPCOUNT = 48,
	REFCOUNT = 52,
	ORDERS = 11,
	ARM64_ORDERS = 14,
	HUGETLB_DTOR = 2,
};

/* What is put down otherwise. Types: the word itself; 0 where there is none. */
struct era {
	const char *name;
	int lru, private, swapcache, swapbacked, head, hwpoison, slab, tail_hugetlb; /* bits */
	uint32_t buddy, offline, table, hugetlb_type, slab_type, unaccepted;
	enum { ORDER_BYTE, FOLIO_ORDER, ORDER_IN_FLAGS } order;
};

#define OLD_FLAGS                                                                                  \
	.lru = 4, .private = 13, .swapcache = 10, .swapbacked = 19, .head = 16, .hwpoison = 23
#define CLEARED_BITS .buddy = ~0x80U, .offline = ~0x100U, .table = ~0x200U
#define NEW_FLAGS                                                                                  \
	.lru = 5, .private = 14, .swapcache = 10, .swapbacked = 17, .head = 6, .hwpoison = 20,     \
	.slab = -1, .tail_hugetlb = -1, .order = ORDER_IN_FLAGS
#define TOP_BYTE                                                                                   \
	.buddy = 0xf0000000, .offline = 0xf1000000, .table = 0xf2000000,                           \
	.hugetlb_type = 0xf4000000, .slab_type = 0xf5000000

static const struct era eras[KD_N_FAKE_ERAS] = {
	[KD_FAKE_5_4] = { "5.4.0", OLD_FLAGS, CLEARED_BITS, .slab = 9, .tail_hugetlb = -1 },
	[KD_FAKE_6_1] = { "6.1.0", OLD_FLAGS, CLEARED_BITS, .slab = 9, .tail_hugetlb = -1 },
	[KD_FAKE_6_3] = { "6.3.0", OLD_FLAGS, CLEARED_BITS, .slab = 9, .tail_hugetlb = -1,
			  .order = FOLIO_ORDER },
	[KD_FAKE_6_6] = { "6.6.0", OLD_FLAGS, CLEARED_BITS, .slab = 9, .tail_hugetlb = 11,
			  .order = ORDER_IN_FLAGS },
	[KD_FAKE_6_9] = { "6.9.0", OLD_FLAGS, CLEARED_BITS, .slab = 9, .tail_hugetlb = -1,
			  .hugetlb_type = ~0x800U, .order = ORDER_IN_FLAGS },
	[KD_FAKE_6_10] = { "6.10.0", OLD_FLAGS, CLEARED_BITS, .slab = -1, .tail_hugetlb = -1,
			   .hugetlb_type = ~0x800U, .slab_type = ~0x1000U,
			   .order = ORDER_IN_FLAGS },
	[KD_FAKE_6_11] = { "6.11.0", NEW_FLAGS, .buddy = ~0x40000000U, .offline = ~0x20000000U,
			   .table = ~0x10000000U, .hugetlb_type = ~0x04000000U,
			   .slab_type = ~0x02000000U },
	[KD_FAKE_6_12] = { "6.12.0", NEW_FLAGS, TOP_BYTE },
	[KD_FAKE_6_16] = { "6.16.0", NEW_FLAGS, TOP_BYTE, .unaccepted = 0xf7000000 },
};

const char *kd_fake_era_name(enum kd_fake_era era)
{
	return eras[era].name;
}

/* ---- vmcoreinfo ---- */

void kd_fake_info(struct kd_fakemem *m, const char *fmt, ...)
{
	char line[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	for (const char *const *w = m->opts.without; w && *w; w++) {
		size_t n = strlen(*w);
		if (strncmp(line, *w, n) == 0 && line[n] == '=')
			return;
	}
	kd_gen_info(m->g, "%s\n", line);
}

static void flag_info(struct kd_fakemem *m, const char *name, int bit)
{
	if (bit >= 0)
		kd_fake_info(m, "NUMBER(%s)=%d", name, bit);
}

/* As the kernel prints a long that was an int. */
static void type_info(struct kd_fakemem *m, const char *name, uint32_t value)
{
	if (value)
		kd_fake_info(m, "NUMBER(PAGE_%s_MAPCOUNT_VALUE)=%d", name, (int32_t)value);
}

void kd_fake_page_info(struct kd_fakemem *m)
{
	const struct era *e = &eras[m->opts.era];

	kd_fake_info(m, "SIZE(page)=%d", KD_FAKE_PAGE_STRUCT_BYTES);
	kd_fake_info(m, "OFFSET(page.flags)=%d", FLAGS);
	kd_fake_info(m, "OFFSET(page._refcount)=%d", REFCOUNT);
	kd_fake_info(m, "OFFSET(page.mapping)=%d", MAPPING);
	kd_fake_info(m, "OFFSET(page.lru)=%d", HEAD);
	kd_fake_info(m, "OFFSET(page._mapcount)=%d", MAPCOUNT);
	kd_fake_info(m, "OFFSET(page.private)=%d", PRIVATE);
	kd_fake_info(m, "OFFSET(page.compound_head)=%d", HEAD);
	if (e->order == ORDER_BYTE) {
		kd_fake_info(m, "OFFSET(page.compound_dtor)=%d", DTOR);
		kd_fake_info(m, "OFFSET(page.compound_order)=%d", ORDER);
	} else if (e->order == FOLIO_ORDER) {
		kd_fake_info(m, "OFFSET(folio._folio_dtor)=%d", KD_FAKE_PAGE_STRUCT_BYTES + DTOR);
		kd_fake_info(m, "OFFSET(folio._folio_order)=%d", KD_FAKE_PAGE_STRUCT_BYTES + ORDER);
	}
	kd_fake_info(m, "LENGTH(zone.free_area)=%d", m->opts.arm64 ? ARM64_ORDERS : ORDERS);
	flag_info(m, "PG_lru", e->lru);
	flag_info(m, "PG_private", e->private);
	flag_info(m, "PG_swapcache", e->swapcache);
	flag_info(m, "PG_swapbacked", e->swapbacked);
	flag_info(m, "PG_hwpoison", e->hwpoison);
	flag_info(m, "PG_slab", e->slab);
	flag_info(m, "PG_hugetlb", e->tail_hugetlb);
	kd_fake_info(m, "NUMBER(PG_head_mask)=%d", 1 << e->head);
	type_info(m, "BUDDY", e->buddy);
	type_info(m, "OFFLINE", e->offline);
	type_info(m, "HUGETLB", e->hugetlb_type);
	type_info(m, "SLAB", e->slab_type);
	type_info(m, "UNACCEPTED", e->unaccepted);
	if (e->order != ORDER_IN_FLAGS)
		kd_fake_info(m, "NUMBER(HUGETLB_PAGE_DTOR)=%d", HUGETLB_DTOR);
}

/* ---- which block a frame is in ---- */

/* A busy machine, 4 MiB by 4 MiB: half of it free, the rest cache, processes, slabs. */
static struct kd_fake_block texture(uint64_t pfn)
{
	uint64_t area = pfn >> 10;
	uint64_t hash = (area + 1) * 0x9e3779b97f4a7c15ULL >> 40;
	struct kd_fake_block b = { .pfn = pfn };

	switch (hash % 16) {
	case 0:
		b.kind = pfn % 8 ? KD_FAKE_CACHE : KD_FAKE_TABLE;
		return b;
	case 1:
		b.kind = KD_FAKE_CACHE_PRIVATE;
		return b;
	case 2:
	case 3:
		b.kind = pfn % 16 ? KD_FAKE_ANON : KD_FAKE_KERNEL;
		return b;
	case 4:
		b.order = 3;
		b.kind = KD_FAKE_SLAB;
		break;
	case 5:
	case 6:
		b.order = 9;
		b.kind = KD_FAKE_ANON;
		break;
	case 7:
		b.order = pfn % 64 < 32 ? 5 : 2;
		b.kind = pfn % 64 < 32 ? KD_FAKE_FREE : KD_FAKE_CACHE;
		break;
	default:
		b.order = 10;
		b.kind = KD_FAKE_FREE;
		break;
	}
	b.pfn &= ~((1ULL << b.order) - 1);
	return b;
}

struct kd_fake_block kd_fakemem_block(const struct kd_fakemem *m, uint64_t pfn)
{
	struct kd_fake_block none = { .pfn = pfn, .kind = KD_FAKE_KERNEL };
	size_t low = 0, high = m->n_blocks;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct kd_fake_block *b = &m->blocks[mid];
		if (b->pfn + (1ULL << b->order) <= pfn)
			low = mid + 1;
		else
			high = mid;
	}
	if (low < m->n_blocks && m->blocks[low].pfn <= pfn)
		return m->blocks[low];
	uint64_t n, image = kd_fakemem_image(m, &n);
	if (pfn - image < n) {
		none.kind = KD_FAKE_RESERVED;
		return none;
	}
	/* Not where the kernel has its own. */
	if (m->opts.texture && pfn * m->page_bytes >= m->array + m->array_bytes)
		return texture(pfn);
	return none;
}

/* ---- struct page ---- */

static void put64(uint8_t *at, uint64_t v)
{
	memcpy(at, &v, sizeof(v));
}

static void put32(uint8_t *at, uint32_t v)
{
	memcpy(at, &v, sizeof(v));
}

static uint64_t bit(int nr)
{
	return nr < 0 ? 0 : 1ULL << nr;
}

static bool is_compound(const struct kd_fake_block *b)
{
	return b->order && b->kind != KD_FAKE_FREE && b->kind != KD_FAKE_UNACCEPTED &&
	       b->kind != KD_FAKE_OFFLINE && b->kind != KD_FAKE_KERNEL &&
	       b->kind != KD_FAKE_RESERVED;
}

static void put_tail(const struct kd_fakemem *m, const struct kd_fake_block *b, uint64_t pfn,
		     uint8_t *out)
{
	const struct era *e = &eras[m->opts.era];
	bool hugetlb = b->kind == KD_FAKE_HUGETLB || b->kind == KD_FAKE_HUGETLB_ANON;

	put64(out + HEAD, kd_fake_page_vaddr(m, b->pfn) | 1);
	put64(out + MAPPING, 0xdead000000000400); /* TAIL_MAPPING */
	put32(out + MAPCOUNT, UINT32_MAX);
	if (pfn != b->pfn + 1)
		return;
	if (e->order == ORDER_IN_FLAGS) {
		out[FLAGS] = (uint8_t)b->order;
	} else {
		out[ORDER] = (uint8_t)b->order;
		out[DTOR] = hugetlb ? HUGETLB_DTOR : 1;
	}
	if (hugetlb && e->tail_hugetlb >= 0) {
		uint64_t flags = bit(e->tail_hugetlb) | b->order;
		put64(out + FLAGS, flags);
	}
}

static void put_slab(const struct era *e, const struct kd_fake_block *b, uint8_t *out,
		     uint64_t *flags)
{
	*flags |= bit(e->slab);
	put32(out + MAPCOUNT, e->slab_type ? e->slab_type : UINT32_MAX);
	/* An object's address, or with its lowest bit set: seen since v6.2. */
	put64(out + MAPPING, 0xffff888012345678 | (b->kind == KD_FAKE_SLAB_ODD));
}

/* The struct page of a block's first frame; of all its frames, if it is no compound page. */
static void put_head(const struct kd_fakemem *m, const struct kd_fake_block *b, uint8_t *out)
{
	const struct era *e = &eras[m->opts.era];
	const uint64_t file = 0xffff888023456780, anon = 0xffff888034567801;
	uint64_t flags = is_compound(b) ? bit(e->head) : 0;

	put64(out + HEAD, 0xffffea0001234508); /* a list */
	put32(out + MAPCOUNT, UINT32_MAX);
	put32(out + REFCOUNT, 1);
	switch (b->kind) {
	case KD_FAKE_FREE:
		put32(out + MAPCOUNT, e->buddy);
		put64(out + PRIVATE, b->order);
		break;
	case KD_FAKE_BAD_FREE:
		put32(out + MAPCOUNT, e->buddy);
		put64(out + PRIVATE, 57);
		break;
	case KD_FAKE_UNACCEPTED:
		if (e->unaccepted)
			put32(out + MAPCOUNT, e->unaccepted);
		break;
	case KD_FAKE_CACHE:
		flags |= bit(e->lru);
		put64(out + MAPPING, file);
		break;
	case KD_FAKE_CACHE_PRIVATE:
		flags |= bit(e->lru) | bit(e->private);
		put64(out + MAPPING, file);
		break;
	case KD_FAKE_SWAPCACHE:
		flags |= bit(e->swapcache) | bit(e->swapbacked);
		break;
	case KD_FAKE_NOT_SWAPCACHE:
		flags |= bit(e->swapcache);
		break;
	case KD_FAKE_ANON:
	case KD_FAKE_FAKE_HEAD:
		flags |= bit(e->lru) | bit(e->swapbacked);
		flags |= b->kind == KD_FAKE_FAKE_HEAD ? bit(e->head) : 0;
		put64(out + MAPPING, anon);
		put32(out + MAPCOUNT, 0);
		break;
	case KD_FAKE_KSM:
		flags |= bit(e->lru);
		put64(out + MAPPING, anon | 3);
		break;
	case KD_FAKE_SLAB:
	case KD_FAKE_SLAB_ODD:
		put_slab(e, b, out, &flags);
		break;
	case KD_FAKE_TABLE:
		put32(out + MAPCOUNT, e->table);
		break;
	case KD_FAKE_HUGETLB:
	case KD_FAKE_HUGETLB_ANON:
		if (e->hugetlb_type)
			put32(out + MAPCOUNT, e->hugetlb_type);
		put64(out + MAPPING, b->kind == KD_FAKE_HUGETLB_ANON ? anon : 0);
		break;
	case KD_FAKE_HWPOISON:
		flags |= bit(e->hwpoison);
		break;
	case KD_FAKE_OFFLINE:
		put32(out + MAPCOUNT, e->offline);
		break;
	case KD_FAKE_RESERVED:
		flags |= bit(e->private) >> 1;
		break;
	case KD_FAKE_STALE:
		flags |= bit(e->private) >> 1 | bit(e->lru);
		put64(out + MAPPING, file);
		break;
	case KD_FAKE_KERNEL:
	case KD_N_FAKE_KINDS:
		break;
	}
	put64(out + FLAGS, flags);
}

bool kd_fake_struct_page(const struct kd_fakemem *m, uint64_t pfn, uint8_t *out)
{
	struct kd_fake_block b = kd_fakemem_block(m, pfn);
	bool block = b.kind == KD_FAKE_FREE || b.kind == KD_FAKE_UNACCEPTED ||
		     b.kind == KD_FAKE_BAD_FREE;

	if (b.kind == KD_FAKE_KERNEL)
		return false;
	if (pfn != b.pfn && is_compound(&b)) {
		put_tail(m, &b, pfn, out);
	} else if (pfn != b.pfn && block) {
		put32(out + MAPCOUNT, UINT32_MAX);
	} else {
		put_head(m, &b, out);
	}
	return true;
}
