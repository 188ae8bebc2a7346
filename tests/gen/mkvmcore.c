/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/gen/mkvmcore.h"

#include "lib/ondisk/elf.h"
#include "lib/ondisk/put.h"
#include "tests/gen/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void kd_gen_die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("mkvmcore: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputs("\n", stderr);
	va_end(ap);
	abort();
}

void *kd_gen_alloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size ? size : 1);

	if (!p)
		kd_gen_die("no memory for %zu times %zu bytes", n, size);
	return p;
}

void *kd_gen_grow(void *p, size_t n, size_t size)
{
	void *grown = reallocarray(p, n, size);

	if (!grown)
		kd_gen_die("no memory for %zu times %zu bytes", n, size);
	return grown;
}

struct kd_gen *kd_gen_new(uint16_t elf_machine, uint32_t page_bytes)
{
	struct kd_gen *g = kd_gen_alloc(1, sizeof(*g));

	g->machine = elf_machine;
	g->page_bytes = page_bytes;
	return g;
}

void kd_gen_free(struct kd_gen *g)
{
	if (!g)
		return;
	for (size_t i = 0; i < g->cap_pages; i++)
		free(g->pages[i].bytes);
	free(g->pages);
	free(g->segs);
	free(g->fillers);
	kd_buf_fini(&g->info);
	kd_buf_fini(&g->notes);
	free(g);
}

void kd_gen_freep(struct kd_gen **g)
{
	kd_gen_free(*g);
}

/* ---- memory ---- */

void kd_gen_segment(struct kd_gen *g, uint64_t paddr, uint64_t memsz, uint64_t filesz,
		    uint64_t vaddr)
{
	g->segs = kd_gen_grow(g->segs, g->n_segs + 1, sizeof(*g->segs));
	g->segs[g->n_segs++] = (struct kd_gen_seg){ paddr, memsz, filesz, vaddr };
}

void kd_gen_ram(struct kd_gen *g, uint64_t paddr, uint64_t len)
{
	kd_gen_segment(g, paddr, len, len, KD_GEN_X86_DIRECT + paddr);
}

static struct kd_gen_page *slot(struct kd_gen_page *pages, size_t cap, uint64_t pfn)
{
	size_t at = (size_t)(pfn * 0x9e3779b97f4a7c15ULL >> 20) & (cap - 1);

	while (pages[at].bytes && pages[at].pfn != pfn)
		at = (at + 1) & (cap - 1);
	return &pages[at];
}

static void grow_pages(struct kd_gen *g)
{
	size_t cap = g->cap_pages ? 2 * g->cap_pages : 256;
	struct kd_gen_page *bigger = kd_gen_alloc(cap, sizeof(*bigger));

	for (size_t i = 0; i < g->cap_pages; i++) {
		if (g->pages[i].bytes)
			*slot(bigger, cap, g->pages[i].pfn) = g->pages[i];
	}
	free(g->pages);
	g->pages = bigger;
	g->cap_pages = cap;
}

static uint8_t *page_for_writing(struct kd_gen *g, uint64_t pfn)
{
	if (2 * (g->n_pages + 1) > g->cap_pages)
		grow_pages(g);

	struct kd_gen_page *p = slot(g->pages, g->cap_pages, pfn);
	if (!p->bytes) {
		p->pfn = pfn;
		p->bytes = kd_gen_alloc(1, g->page_bytes);
		g->n_pages++;
	}
	return p->bytes;
}

void kd_gen_write(struct kd_gen *g, uint64_t paddr, const void *bytes, size_t len)
{
	const uint8_t *from = bytes;

	while (len) {
		uint64_t in = paddr % g->page_bytes;
		size_t n = g->page_bytes - in < len ? (size_t)(g->page_bytes - in) : len;
		memcpy(page_for_writing(g, paddr / g->page_bytes) + in, from, n);
		from += n;
		paddr += n;
		len -= n;
	}
}

void kd_gen_put(struct kd_gen *g, uint64_t paddr, uint64_t value, unsigned int bytes)
{
	uint8_t le[8];

	kd_put(le, value, bytes);
	kd_gen_write(g, paddr, le, bytes);
}

void kd_gen_fill(struct kd_gen *g, uint64_t paddr, uint64_t len, kd_gen_fill_fn *fn, void *arg)
{
	g->fillers = kd_gen_grow(g->fillers, g->n_fillers + 1, sizeof(*g->fillers));
	g->fillers[g->n_fillers++] = (struct kd_gen_filler){ paddr, len, fn, arg };
}

bool kd_gen_page(const struct kd_gen *g, uint64_t pfn, uint8_t *page)
{
	if (g->cap_pages) {
		const struct kd_gen_page *p = slot(g->pages, g->cap_pages, pfn);
		if (p->bytes) {
			memcpy(page, p->bytes, g->page_bytes);
			return true;
		}
	}
	memset(page, 0, g->page_bytes);
	uint64_t paddr = pfn * g->page_bytes;
	for (size_t i = 0; i < g->n_fillers; i++) {
		const struct kd_gen_filler *f = &g->fillers[i];
		if (paddr >= f->paddr && paddr - f->paddr < f->len)
			return f->fn(f->arg, paddr, page, g->page_bytes);
	}
	return false;
}

void kd_gen_read(const struct kd_gen *g, uint64_t paddr, void *buf, size_t len)
{
	KD_AUTO(kd_freep) uint8_t *page = kd_gen_alloc(1, g->page_bytes);
	uint8_t *out = buf;

	while (len) {
		uint64_t in = paddr % g->page_bytes;
		size_t n = g->page_bytes - in < len ? (size_t)(g->page_bytes - in) : len;
		kd_gen_page(g, paddr / g->page_bytes, page);
		memcpy(out, page + in, n);
		out += n;
		paddr += n;
		len -= n;
	}
}

/* ---- what the kernel tells ---- */

void kd_gen_info(struct kd_gen *g, const char *fmt, ...)
{
	char text[4096];

	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	kd_buf_puts(&g->info, text);
}

void kd_gen_info_base(struct kd_gen *g, const char *osrelease, uint64_t crashtime)
{
	kd_gen_info(g, "OSRELEASE=%s\nPAGESIZE=%u\nCRASHTIME=%ju\n", osrelease, g->page_bytes,
		    (uintmax_t)crashtime);
}

static void add_note(struct kd_buf *to, const char *name, uint32_t type, const void *desc,
		     size_t len)
{
	size_t bytes = kd_elf_note_bytes(strlen(name), len);
	KD_AUTO(kd_freep) uint8_t *note = kd_gen_alloc(1, bytes);

	kd_elf_encode_note(note, name, type, len ? desc : "", len);
	kd_buf_add(to, note, bytes);
}

void kd_gen_note(struct kd_gen *g, const char *name, uint32_t type, const void *desc, size_t len)
{
	add_note(&g->notes, name, type, desc, len);
}

void kd_gen_all_notes(const struct kd_gen *g, struct kd_buf *out)
{
	if (g->notes.len)
		kd_buf_add(out, g->notes.p, g->notes.len);
	if (g->info.len)
		add_note(out, "VMCOREINFO", 0, g->info.p, g->info.len);
	if (out->bad)
		kd_gen_die("no memory for notes");
}

/* ---- files ---- */

int kd_gen_memfd(const char *name)
{
	int fd = memfd_create(name, MFD_CLOEXEC);

	if (fd < 0)
		kd_gen_die("memfd_create failed");
	return fd;
}

void kd_gen_pwrite(int fd, const void *buf, size_t len, uint64_t off)
{
	struct kd_err err;

	if (kd_pwrite_full(fd, buf, len, off, "the dump", &err))
		kd_gen_die("%s", err.msg);
}

/* The contents of a segment; pages that are all zero stay holes. */
static void write_segment(const struct kd_gen *g, int fd, const struct kd_gen_seg *s, uint64_t off)
{
	KD_AUTO(kd_freep) uint8_t *page = kd_gen_alloc(1, g->page_bytes);

	for (uint64_t done = 0; done < s->filesz;) {
		uint64_t paddr = s->paddr + done, in = paddr % g->page_bytes;
		uint64_t n = g->page_bytes - in;
		if (n > s->filesz - done)
			n = s->filesz - done;
		if (kd_gen_page(g, paddr / g->page_bytes, page))
			kd_gen_pwrite(fd, page + in, (size_t)n, off + done);
		done += n;
	}
}

static uint64_t round_up(uint64_t v, uint64_t to)
{
	return (v + to - 1) / to * to;
}

void kd_gen_elf(struct kd_gen *g, int fd, const struct kd_gen_elf_opts *opts)
{
	static const struct kd_gen_elf_opts none;
	const struct kd_gen_elf_opts *o = opts ? opts : &none;
	KD_AUTO(kd_buf_fini) struct kd_buf notes = { 0 };
	size_t n = g->n_segs + !o->without_notes;
	KD_AUTO(kd_freep) uint8_t *phdrs = kd_gen_alloc(n, KD_ELF_PHDR_BYTES);
	size_t at = 0;

	if (!o->without_notes)
		kd_gen_all_notes(g, &notes);
	uint64_t phoff = KD_ELF_EHDR_BYTES;
	uint64_t off = KD_ELF_EHDR_BYTES + (o->phdrs_last ? 0 : n * KD_ELF_PHDR_BYTES);
	if (!o->without_notes) {
		struct kd_elf_phdr p = { .type = KD_ELF_PT_NOTE,
					 .offset = off,
					 .filesz = notes.len,
					 .memsz = notes.len };
		kd_elf_encode_phdr(phdrs, &p);
		at++;
		if (notes.len)
			kd_gen_pwrite(fd, notes.p, notes.len, off);
		off += notes.len;
	}
	for (size_t i = 0; i < g->n_segs; i++) {
		const struct kd_gen_seg *s = &g->segs[i];
		/* As the kernel does: the same place in its page in the file as in memory. */
		off = round_up(off, g->page_bytes) + s->paddr % g->page_bytes + o->shift;
		struct kd_elf_phdr p = {
			.type = KD_ELF_PT_LOAD,
			.flags = 7,
			.offset = off,
			.vaddr = o->without_vaddr ? 0 : s->vaddr,
			.paddr = s->paddr,
			.filesz = s->filesz,
			.memsz = s->memsz,
		};
		kd_elf_encode_phdr(phdrs + at++ * KD_ELF_PHDR_BYTES, &p);
		write_segment(g, fd, s, off);
		off += s->filesz;
	}
	if (ftruncate(fd, (off_t)off))
		kd_gen_die("cannot set the size of the dump");

	uint8_t ehdr[KD_ELF_EHDR_BYTES], shdr[KD_ELF_SHDR_BYTES];
	if (o->phdrs_last) {
		phoff = round_up(off, 8);
		off = phoff + n * KD_ELF_PHDR_BYTES;
	}
	kd_gen_pwrite(fd, phdrs, n * KD_ELF_PHDR_BYTES, phoff);
	uint64_t shoff = round_up(off, 8);
	kd_elf_encode_header(ehdr, g->machine, o->flags, phoff, (uint32_t)n, shoff);
	if (o->xnum) {
		kd_elf_encode_header(ehdr, g->machine, o->flags, phoff, KD_ELF_PN_XNUM, shoff);
		kd_elf_encode_xnum(shdr, (uint32_t)n);
		kd_gen_pwrite(fd, shdr, sizeof(shdr), shoff);
	}
	kd_gen_pwrite(fd, ehdr, sizeof(ehdr), 0);
	if (o->truncate && ftruncate(fd, (off_t)o->truncate))
		kd_gen_die("cannot cut the dump");
}
