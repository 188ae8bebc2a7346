/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/arch/tables.h"

#include "lib/arch/internal.h"

#include <stdlib.h>
#include <string.h>

enum { ENTRY_BYTES = 8 };

struct visit {
	struct kd_arch *a;
	uint64_t left; /* tables that may still be read */
	bool cut;
	bool (*fn)(void *arg, const struct kd_arch_entry *entry);
	void *arg;
	uint8_t *pages; /* one for each level */
};

static unsigned int shift_of(const struct kd_arch *a, unsigned int level)
{
	return a->page_shift + level * (a->page_shift - 3);
}

static unsigned int bits_of(const struct kd_arch *a, unsigned int level)
{
	return level == a->levels - 1 ? a->root_bits : a->page_shift - 3;
}

static bool read_table(struct visit *v, uint64_t paddr, size_t len, uint8_t *to)
{
	struct kd_err ignored;

	if (!v->left) {
		v->cut = true;
		return false;
	}
	v->left--;
	while (len) {
		const uint8_t *p;
		size_t n;
		if (kd_vmcore_map(v->a->window, paddr, len, &p, &n, &ignored))
			return false;
		memcpy(to, p, n);
		to += n;
		paddr += n;
		len -= n;
	}
	return true;
}

/* Recursion is as deep as the tables have levels. */
static void visit_table(struct visit *v, unsigned int level, uint64_t table, uint64_t vaddr)
{
	const struct kd_arch *a = v->a;
	uint8_t *page = v->pages + ((size_t)level << a->page_shift);
	uint64_t n = 1ULL << bits_of(a, level);
	unsigned int shift = shift_of(a, level);

	if (!read_table(v, table, n * ENTRY_BYTES, page))
		return;
	for (uint64_t i = 0; i < n; i++) {
		struct kd_arch_entry e = { .level = level, .len_bytes = 1ULL << shift };
		struct kd_cursor c = { .p = page + i * ENTRY_BYTES,
				       .end = page + (i + 1) * ENTRY_BYTES };
		e.vaddr = vaddr + (i << shift);
		/* The root reaches further than the kernel's addresses: over both halves on
		 * x86_64, over 52 bits where arm64 uses 48 of them. */
		if (!a->ops->is_valid(a, e.vaddr))
			continue;
		enum kd_pte pte = a->ops->decode(a, level, kd_cursor_u64(&c), &e.paddr);
		if (pte == KD_PTE_NONE)
			continue;
		e.is_table = pte == KD_PTE_TABLE;
		if (!e.is_table)
			e.paddr &= ~(e.len_bytes - 1);
		if (v->fn(v->arg, &e) && e.is_table)
			visit_table(v, level - 1, e.paddr, e.vaddr);
	}
}

int kd_arch_visit(struct kd_arch *a, uint64_t max_tables,
		  bool (*fn)(void *arg, const struct kd_arch_entry *entry), void *arg,
		  struct kd_err *err)
{
	unsigned int reach = shift_of(a, a->levels - 1) + a->root_bits;
	/* On arm64 the root may have less than a page of entries, but never more. */
	if (a->root_bits > a->page_shift - 3 || reach > 63)
		return kd_fail(err, KD_NOTSUP, "a root table of 2^%u entries is not known here",
			       a->root_bits);
	KD_AUTO(kd_freep) uint8_t *pages = calloc(a->levels, (size_t)1 << a->page_shift);
	if (!pages)
		return kd_fail(err, KD_NOMEM, "no memory to walk page tables");
	struct visit v = { .a = a, .left = max_tables, .fn = fn, .arg = arg, .pages = pages };
	struct kd_arch_entry root = { .is_table = true,
				      .level = a->levels,
				      .vaddr = ~((1ULL << reach) - 1),
				      .len_bytes = 1ULL << reach,
				      .paddr = a->root_paddr };
	if (fn(arg, &root))
		visit_table(&v, a->levels - 1, root.paddr, root.vaddr);
	return v.cut ? 1 : 0;
}
