/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/ondisk/elf.h"
#include "lib/vmcore/internal.h"

#include <stdlib.h>
#include <string.h>

/* What is collected from the segment table on the way to a struct kd_vmcore. */
struct build {
	struct kd_elf_header header;
	uint32_t n_phdrs;
	struct kd_extent_claim *memory; /* at most 3 a segment: stored, lost, left out */
	size_t n_memory;
	struct kd_extent_claim *virtual;
	size_t n_virtual;
	struct kd_elf_phdr *note_segments;
	size_t n_note_segments;
	size_t *note_ends;
};

static void build_fini(struct build *b)
{
	free(b->memory);
	free(b->virtual);
	free(b->note_segments);
	free(b->note_ends);
}

static const struct kd_file *the_file(const struct kd_vmcore *core)
{
	return &core->files[0];
}

static int read_header(struct kd_vmcore *core, struct build *b, struct kd_err *err)
{
	uint8_t ehdr[KD_ELF_EHDR_BYTES], shdr[KD_ELF_SHDR_BYTES];
	const struct kd_file *f = the_file(core);

	ssize_t got = kd_file_read_some(f, 0, ehdr, sizeof(ehdr), err);
	if (got < 0)
		return (int)got;
	int rc = kd_elf_decode_header(ehdr, (size_t)got, &b->header, err);
	if (rc)
		return kd_wrap(err, "%s", core->name);
	b->n_phdrs = b->header.phnum;
	if (b->n_phdrs == KD_ELF_PN_XNUM && b->header.shoff) {
		got = kd_file_read_some(f, b->header.shoff, shdr, sizeof(shdr), err);
		if (got < 0)
			return (int)got;
		rc = kd_elf_decode_xnum(shdr, (size_t)got, b->header.big_endian, &b->n_phdrs, err);
		if (rc)
			return kd_wrap(err, "%s", core->name);
	}

	uint64_t table = (uint64_t)b->n_phdrs * b->header.phentsize;
	if (b->n_phdrs == 0)
		return kd_fail(err, KD_BADDATA, "%s: an ELF core file without segments",
			       core->name);
	if (b->header.phoff > f->size_bytes || table > f->size_bytes - b->header.phoff)
		return kd_fail(
			err, KD_BADDATA,
			"%s: %u segment headers at 0x%jx do not fit into 0x%jx bytes of file",
			core->name, b->n_phdrs, (uintmax_t)b->header.phoff,
			(uintmax_t)f->size_bytes);
	return 0;
}

static int allocate(struct kd_vmcore *core, struct build *b, struct kd_err *err)
{
	size_t n = b->n_phdrs;

	b->memory = calloc(n, 3 * sizeof(*b->memory));
	b->virtual = calloc(n, sizeof(*b->virtual));
	b->note_segments = calloc(n, sizeof(*b->note_segments));
	b->note_ends = calloc(n, sizeof(*b->note_ends));
	core->segments = calloc(n, sizeof(*core->segments));
	if (!b->memory || !b->virtual || !b->note_segments || !b->note_ends || !core->segments)
		return kd_fail(err, KD_NOMEM, "%s: no memory for %zu segments", core->name, n);
	return 0;
}

static void claim(struct build *b, enum kd_vmcore_page kind, uint64_t rank, uint64_t paddr,
		  uint64_t len, uint64_t to)
{
	if (len == 0)
		return;
	b->memory[b->n_memory++] = (struct kd_extent_claim){
		.extent = { .start = paddr, .len = len, .to = to, .kind = kind },
		.rank = rank,
	};
}

/*
 * What of a segment the file holds, what was left out and what was lost when the
 * file was cut. Where segments overlap, stored beats not stored, and the longest
 * wins, so that the small one of the kernel image does not cut the RAM around
 * it into pieces.
 */
static void claim_memory(struct kd_vmcore *core, struct build *b, const struct kd_elf_phdr *p,
			 uint64_t memsz)
{
	const struct kd_file *f = the_file(core);
	uint64_t there = p->offset < f->size_bytes ? f->size_bytes - p->offset : 0;

	if (there > p->filesz)
		there = p->filesz;
	if (there < p->filesz && !core->incomplete) {
		core->incomplete = true;
		kd_log(core->log, KD_LOG_WARN, "vmcore",
		       "%s: cut short: the segment at physical 0x%jx needs 0x%jx bytes of file, "
		       "0x%jx are there",
		       core->name, (uintmax_t)p->paddr, (uintmax_t)(p->offset + p->filesz),
		       (uintmax_t)f->size_bytes);
	}
	claim(b, KD_PAGE_STORED, 2 + there, p->paddr, there, p->offset);
	claim(b, KD_PAGE_LOST, 1, p->paddr + there, p->filesz - there, 0);
	claim(b, KD_PAGE_EXCLUDED, 0, p->paddr + p->filesz, memsz - p->filesz, 0);
}

static int take_load(struct kd_vmcore *core, struct build *b, const struct kd_elf_phdr *p,
		     struct kd_err *err)
{
	uint64_t end, memsz = p->memsz < p->filesz ? p->filesz : p->memsz;

	/* /proc/kcore lists vmalloc space too, with a physical address of all ones. */
	if (memsz == 0 || p->paddr == UINT64_MAX)
		return 0;
	if (__builtin_add_overflow(p->paddr, memsz, &end) ||
	    __builtin_add_overflow(p->offset, p->filesz, &end) || memsz > UINT64_MAX - 2)
		return kd_fail(err, KD_BADDATA,
			       "%s: segment of 0x%jx bytes at physical 0x%jx, file offset 0x%jx, "
			       "wraps around",
			       core->name, (uintmax_t)memsz, (uintmax_t)p->paddr,
			       (uintmax_t)p->offset);
	claim_memory(core, b, p, memsz);

	/* Tools that do not know the virtual address write 0 or all ones. */
	bool has_vaddr = p->vaddr && !__builtin_add_overflow(p->vaddr, memsz, &end);
	if (has_vaddr)
		b->virtual[b->n_virtual++] = (struct kd_extent_claim){
			.extent = { .start = p->vaddr, .len = memsz, .to = p->paddr },
			.rank = memsz,
		};
	core->segments[core->n_segments++] = (struct kd_vmcore_segment){
		.paddr = p->paddr,
		.len_bytes = memsz,
		.stored_bytes = p->filesz,
		.vaddr = has_vaddr ? p->vaddr : 0,
		.has_vaddr = has_vaddr,
	};
	return 0;
}

static int take_phdr(struct kd_vmcore *core, struct build *b, const struct kd_elf_phdr *p,
		     struct kd_err *err)
{
	if (p->type == KD_ELF_PT_LOAD)
		return take_load(core, b, p, err);
	if (p->type == KD_ELF_PT_NOTE)
		b->note_segments[b->n_note_segments++] = *p;
	return 0;
}

/* The table is read in pieces, so 2^20 segments take no buffer of 56 MiB. */
static int read_phdrs(struct kd_vmcore *core, struct build *b, struct kd_err *err)
{
	enum { AT_ONCE = 1 << 16 };
	KD_AUTO(kd_freep) uint8_t *buf = malloc(AT_ONCE);
	uint64_t at = b->header.phoff;
	uint32_t left = b->n_phdrs, fit = AT_ONCE / b->header.phentsize;

	if (!buf)
		return kd_fail(err, KD_NOMEM, "%s: no memory for segment headers", core->name);
	while (left) {
		uint32_t n = left < fit ? left : fit;
		size_t len = (size_t)n * b->header.phentsize;
		int rc = kd_file_read(the_file(core), at, buf, len, err);
		if (rc)
			return kd_wrap(err, "segment headers");
		for (uint32_t i = 0; i < n; i++) {
			struct kd_elf_phdr p;
			rc = kd_elf_decode_phdr(buf + (size_t)i * b->header.phentsize,
						b->header.phentsize, b->header.big_endian, &p, err);
			if (!rc)
				rc = take_phdr(core, b, &p, err);
			if (rc)
				return rc;
		}
		at += len;
		left -= n;
	}
	return 0;
}

/* How much of each note segment is used: no more than there is of the file, and of room. */
static size_t bound_notes(struct kd_vmcore *core, struct build *b)
{
	uint64_t size = the_file(core)->size_bytes;
	size_t total = 0;

	for (size_t i = 0; i < b->n_note_segments; i++) {
		struct kd_elf_phdr *p = &b->note_segments[i];
		uint64_t there = p->offset < size ? size - p->offset : 0;
		if (p->filesz > there) {
			core->incomplete = true;
			p->filesz = there;
		}
		if (p->filesz > KD_VMCORE_MAX_NOTES_BYTES - total) {
			kd_log(core->log, KD_LOG_WARN, "vmcore",
			       "%s: more than %d MiB of notes; the rest is not used", core->name,
			       KD_VMCORE_MAX_NOTES_BYTES >> 20);
			p->filesz = KD_VMCORE_MAX_NOTES_BYTES - total;
		}
		total += p->filesz;
	}
	return total;
}

static int read_notes(struct kd_vmcore *core, struct build *b, struct kd_err *err)
{
	size_t total = bound_notes(core, b);

	core->notes_raw = malloc(total + 1);
	if (!core->notes_raw)
		return kd_fail(err, KD_NOMEM, "%s: no memory for %zu bytes of notes", core->name,
			       total);
	for (size_t i = 0; i < b->n_note_segments; i++) {
		const struct kd_elf_phdr *p = &b->note_segments[i];
		int rc = kd_file_read(the_file(core), p->offset,
				      core->notes_raw + core->notes_raw_len, p->filesz, err);
		if (rc)
			return kd_wrap(err, "notes");
		core->notes_raw_len += p->filesz;
		b->note_ends[i] = core->notes_raw_len;
	}
	return kd_vmcore_parse_notes(core, b->note_ends, b->n_note_segments, err);
}

static void name_machine(struct kd_vmcore *core, uint16_t machine)
{
	char other[32];

	switch (machine) {
	case KD_ELF_MACHINE_X86_64:
		kd_vmcore_set_machine(core, KD_MACHINE_X86_64, "x86_64");
		return;
	case KD_ELF_MACHINE_ARM64:
		kd_vmcore_set_machine(core, KD_MACHINE_ARM64, "aarch64");
		return;
	default:
		snprintf(other, sizeof(other), "ELF machine %u", machine);
		kd_vmcore_set_machine(core, KD_MACHINE_OTHER, other);
	}
}

static int compare_segments(const void *a, const void *b)
{
	const struct kd_vmcore_segment *x = a, *y = b;

	if (x->paddr != y->paddr)
		return x->paddr < y->paddr ? -1 : 1;
	return x->len_bytes < y->len_bytes ? -1 : x->len_bytes > y->len_bytes;
}

/* A frame is as good as its best byte: segments need not start or end on a page. */
static enum kd_vmcore_page page_state(const struct kd_vmcore *core, uint64_t paddr, uint64_t end)
{
	enum kd_vmcore_page best = KD_PAGE_NONE;

	while (paddr < end) {
		uint64_t gap;
		const struct kd_extent *e = kd_extents_find(&core->memory, paddr, &gap);
		uint64_t step = e ? e->len - (paddr - e->start) : gap;
		if (e && e->kind > best)
			best = e->kind;
		if (step >= end - paddr)
			break;
		paddr += step;
	}
	return best;
}

static int page_run(struct kd_vmcore_window *w, uint64_t pfn, uint64_t *n_ret, struct kd_err *err)
{
	const struct kd_vmcore *core = w->core;
	uint64_t page = core->page_size, paddr, gap;

	if (__builtin_mul_overflow(pfn, page, &paddr) || paddr > UINT64_MAX - page) {
		*n_ret = 1;
		return KD_PAGE_NONE;
	}

	enum kd_vmcore_page state = page_state(core, paddr, paddr + page);
	const struct kd_extent *e = kd_extents_find(&core->memory, paddr, &gap);
	uint64_t len = e ? e->len - (paddr - e->start) : gap;
	/* Whole frames of one extent or gap are alike; one with a border in it stands alone. */
	*n_ret = len >= page ? len / page : 1;
	return state;
}

static uint64_t hole(const struct kd_vmcore *core, uint64_t paddr)
{
	uint64_t page = core->page_size, first = paddr - paddr % page, gap = 0;

	if (kd_extents_find(&core->memory, paddr, &gap) || first > UINT64_MAX - page ||
	    page_state(core, first, first + page) != KD_PAGE_STORED)
		return 0;
	return gap < first + page - paddr ? gap : first + page - paddr;
}

static int read_some(struct kd_vmcore *core, uint64_t paddr, void *buf, size_t len,
		     size_t *done_ret, struct kd_err *err)
{
	const struct kd_extent *e = kd_extents_find(&core->memory, paddr, NULL);

	if (!e || e->kind != KD_PAGE_STORED)
		return kd_vmcore_fail_page(core, e ? e->kind : KD_PAGE_NONE, paddr, err);

	uint64_t within = paddr - e->start;
	if (len > e->len - within)
		len = (size_t)(e->len - within);
	int rc = kd_file_read(the_file(core), e->to + within, buf, len, err);
	if (rc)
		return rc;
	*done_ret = len;
	return 0;
}

static const struct kd_vmcore_ops elf_ops = {
	.page_run = page_run,
	.read_some = read_some,
	.hole = hole,
	.window_init = kd_elf_window_init,
	.window_fini = kd_elf_window_fini,
	.map = kd_elf_window_map,
};

int kd_vmcore_open_elf(struct kd_vmcore *core, struct kd_err *err)
{
	KD_AUTO(build_fini) struct build b = { 0 };

	core->format = KD_VMCORE_ELF;
	core->ops = &elf_ops;
	int rc = read_header(core, &b, err);
	if (!rc)
		rc = allocate(core, &b, err);
	if (rc)
		return rc;
	core->big_endian = b.header.big_endian;
	core->incomplete = the_file(core)->cut || (b.header.flags & KD_ELF_FLAG_INCOMPLETE);
	name_machine(core, b.header.machine);

	rc = read_phdrs(core, &b, err);
	if (!rc)
		rc = read_notes(core, &b, err);
	if (!rc)
		rc = kd_extents_build(b.memory, b.n_memory, &core->memory, err);
	if (!rc)
		rc = kd_extents_build(b.virtual, b.n_virtual, &core->by_vaddr, err);
	if (rc)
		return rc;
	qsort(core->segments, core->n_segments, sizeof(*core->segments), compare_segments);
	return 0;
}
