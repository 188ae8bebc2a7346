/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/arch/arch.h"

#include "lib/arch/internal.h"

#include <stdlib.h>
#include <string.h>

enum { ENTRY_BYTES = 8, WINDOW_BYTES = 64 << 10 };

static const struct kd_arch_ops *const architectures[] = {
	&kd_arch_x86_64,
	&kd_arch_arm64,
};

static const struct kd_arch_ops *find_ops(enum kd_machine machine)
{
	for (size_t i = 0; i < KD_ARRAY_LEN(architectures); i++) {
		if (architectures[i]->machine == machine)
			return architectures[i];
	}
	return NULL;
}

int kd_arch_open(struct kd_vmcore *core, struct kd_arch **ret, struct kd_err *err)
{
	const struct kd_arch_ops *ops = find_ops(kd_vmcore_machine(core));

	if (!ops)
		return kd_fail(err, KD_NOTSUP, "%s: the page tables of %s are not known here",
			       kd_vmcore_name(core), kd_vmcore_machine_name(core));
	if (!kd_vmcore_info(core))
		return kd_fail(err, KD_NOTSUP, "%s has no vmcoreinfo to find its page tables by",
			       kd_vmcore_name(core));

	KD_AUTO(kd_arch_closep) struct kd_arch *a = calloc(1, sizeof(*a));
	if (!a)
		return kd_fail(err, KD_NOMEM, "no memory for page tables");
	a->ops = ops;
	a->core = core;
	int rc = ops->init(a, err);
	if (rc)
		return kd_wrap(err, "%s", kd_vmcore_name(core));
	for (unsigned int i = 0; i < a->levels; i++) {
		a->tables[i].bytes = malloc((size_t)1 << a->page_shift);
		if (!a->tables[i].bytes)
			return kd_fail(err, KD_NOMEM, "no memory for page tables");
	}
	rc = kd_vmcore_window_new(core, KD_ACCESS_READ, 0, WINDOW_BYTES, &a->window, err);
	if (rc)
		return rc;
	*ret = KD_STEAL(a);
	return 0;
}

void kd_arch_close(struct kd_arch *a)
{
	if (!a)
		return;
	for (unsigned int i = 0; i < KD_ARCH_MAX_LEVELS; i++)
		free(a->tables[i].bytes);
	kd_vmcore_window_free(a->window);
	free(a);
}

void kd_arch_closep(struct kd_arch **a)
{
	kd_arch_close(*a);
}

const char *kd_arch_name(const struct kd_arch *a)
{
	return a->ops->name;
}

unsigned int kd_arch_levels(const struct kd_arch *a)
{
	return a->levels;
}

uint64_t kd_arch_pointer(const struct kd_arch *a, uint64_t value)
{
	return value | a->pac_mask;
}

/* ---- walking ---- */

static int read_physical(struct kd_arch *a, uint64_t paddr, uint8_t *buf, size_t len,
			 struct kd_err *err)
{
	while (len) {
		const uint8_t *p;
		size_t n;
		int rc = kd_vmcore_map(a->window, paddr, len, &p, &n, err);
		if (rc)
			return rc;
		memcpy(buf, p, n);
		buf += n;
		paddr += n;
		len -= n;
	}
	return 0;
}

/* The entry at @paddr; walks go through the same upper tables again and again. */
static int read_entry(struct kd_arch *a, unsigned int level, uint64_t paddr, uint64_t *ret,
		      struct kd_err *err)
{
	struct kd_arch_table *t = &a->tables[level];
	uint64_t page_bytes = 1ULL << a->page_shift, page = paddr & ~(page_bytes - 1);

	if (!t->valid || t->paddr != page) {
		t->valid = false;
		int rc = read_physical(a, page, t->bytes, (size_t)page_bytes, err);
		if (rc)
			return rc;
		t->paddr = page;
		t->valid = true;
	}
	const uint8_t *at = t->bytes + (paddr - page);
	struct kd_cursor c = { .p = at, .end = at + ENTRY_BYTES };
	*ret = kd_cursor_u64(&c);
	return 0;
}

/* Bytes from @vaddr to the end of the 2^shift it lies in. */
static uint64_t left_in(uint64_t vaddr, unsigned int shift)
{
	uint64_t size = 1ULL << shift;

	return size - (vaddr & (size - 1));
}

static int walk(struct kd_arch *a, uint64_t vaddr, uint64_t *paddr_ret, uint64_t *len_ret,
		struct kd_err *err)
{
	unsigned int per_level = a->page_shift - 3; /* 8 bytes an entry */
	uint64_t table = a->root_paddr;

	for (unsigned int level = a->levels; level-- > 0;) {
		unsigned int shift = a->page_shift + level * per_level;
		unsigned int bits = level == a->levels - 1 ? a->root_bits : per_level;
		uint64_t index = vaddr >> shift & ((1ULL << bits) - 1);
		uint64_t entry, to;

		int rc = read_entry(a, level, table + index * ENTRY_BYTES, &entry, err);
		if (rc)
			return kd_wrap(err, "page table of level %u for virtual 0x%jx", level + 1,
				       (uintmax_t)vaddr);
		*len_ret = left_in(vaddr, shift);
		switch (a->ops->decode(a, level, entry, &to)) {
		case KD_PTE_NONE:
			return 0;
		case KD_PTE_LEAF:
			*paddr_ret = (to & ~((1ULL << shift) - 1)) +
				     (vaddr & ((1ULL << shift) - 1));
			return 1;
		case KD_PTE_TABLE:
			table = to;
			break;
		}
	}
	/* decode() calls nothing a table at level 0. */
	return 0;
}

/* One leaf, one linear range, or one gap. */
static int step(struct kd_arch *a, uint64_t vaddr, uint64_t *paddr_ret, uint64_t *len_ret,
		struct kd_err *err)
{
	if (a->ops->linear && a->ops->linear(a, vaddr, paddr_ret, len_ret))
		return 1;
	if (!a->ops->is_valid(a, vaddr)) {
		*len_ret = left_in(vaddr, a->page_shift);
		return 0;
	}

	int rc = walk(a, vaddr, paddr_ret, len_ret, err);
	/* A table that is missing: the segments may still know. */
	if (rc < 0 && kd_vmcore_vaddr_to_paddr(a->core, vaddr, paddr_ret, len_ret))
		return 1;
	return rc;
}

int kd_arch_vtop(struct kd_arch *a, uint64_t vaddr, uint64_t want, uint64_t *paddr_ret,
		 uint64_t *len_ret, struct kd_err *err)
{
	uint64_t paddr, len;
	int rc = step(a, vaddr, &paddr, &len, err);

	if (rc == 0)
		*len_ret = len;
	if (rc <= 0)
		return rc;

	/* As long as the next leaf goes on where this one ends. */
	while (len < want) {
		uint64_t next_vaddr, next_paddr, next_len;
		struct kd_err ignored;

		if (__builtin_add_overflow(vaddr, len, &next_vaddr))
			break;
		if (step(a, next_vaddr, &next_paddr, &next_len, &ignored) != 1 ||
		    next_paddr != paddr + len || __builtin_add_overflow(len, next_len, &len))
			break;
	}
	*paddr_ret = paddr;
	*len_ret = len < want ? len : want;
	return 1;
}

int kd_arch_read(struct kd_arch *a, uint64_t vaddr, void *buf, size_t len, struct kd_err *err)
{
	uint8_t *out = buf;

	while (len) {
		uint64_t paddr, n;
		int rc = kd_arch_vtop(a, vaddr, len, &paddr, &n, err);
		if (rc < 0)
			return rc;
		if (rc == 0)
			return kd_fail(err, KD_BADDATA, "%s: virtual 0x%jx is not mapped",
				       kd_vmcore_name(a->core), (uintmax_t)vaddr);
		rc = read_physical(a, paddr, out, (size_t)n, err);
		if (rc)
			return kd_wrap(err, "virtual 0x%jx", (uintmax_t)vaddr);
		out += n;
		vaddr += n;
		len -= n;
	}
	return 0;
}
