/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ELF header that /proc/vmcore of the capture kernel begins with. */
#include "lib/kexec/internal.h"
#include "lib/ondisk/elf.h"

#include <string.h>

enum { FLAGS_RWX = 7 };

struct writer {
	struct kd_buf *out;
	uint32_t count;
};

static void put(struct writer *w, const struct kd_elf_phdr *phdr)
{
	uint8_t bytes[KD_ELF_PHDR_BYTES];

	kd_elf_encode_phdr(bytes, phdr);
	kd_buf_add(w->out, bytes, sizeof(bytes));
	w->count++;
}

/* Offsets in /proc/vmcore are made by the capture kernel; here they are physical addresses. */
static void put_note(struct writer *w, const struct kd_kexec_note *note)
{
	const struct kd_elf_phdr phdr = { .type = KD_ELF_PT_NOTE,
					  .offset = note->paddr,
					  .paddr = note->paddr,
					  .filesz = note->bytes,
					  .memsz = note->bytes };

	put(w, &phdr);
}

static void put_load(struct writer *w, uint64_t vaddr, uint64_t paddr, uint64_t offset,
		     uint64_t bytes)
{
	const struct kd_elf_phdr phdr = { .type = KD_ELF_PT_LOAD,
					  .flags = FLAGS_RWX,
					  .offset = offset,
					  .vaddr = vaddr,
					  .paddr = paddr,
					  .filesz = bytes,
					  .memsz = bytes };

	put(w, &phdr);
}

static void put_ram(struct writer *w, const struct kd_kexec_elfcorehdr *h,
		    const struct kd_kexec_range *range)
{
	const struct kd_kexec_host *m = h->machine;
	uint64_t bytes = range->end - range->start + 1;
	/* -1: nobody knows where it is mapped; readers go by the page tables then. */
	uint64_t vaddr = m->page_offset_known ? m->page_offset + range->start : UINT64_MAX;

	if (range->start >= h->backup_source.start && range->end <= h->backup_source.end)
		put_load(w, vaddr, range->start,
			 h->backup_paddr + (range->start - h->backup_source.start), bytes);
	else
		put_load(w, vaddr, range->start, range->start, bytes);
}

int kd_kexec_elfcorehdr(const struct kd_kexec_elfcorehdr *h, struct kd_buf *out, struct kd_err *err)
{
	static const uint8_t zeros[KD_KEXEC_PAGE];
	const struct kd_kexec_host *m = h->machine;
	struct writer w = { .out = out };
	uint8_t header[KD_ELF_EHDR_BYTES];

	if (m->cpu_count + h->ram->n + 2 >= KD_ELF_PN_XNUM)
		return kd_fail(err, KD_NOTSUP,
			       "the dump would have %zu segments, an ELF core header holds %u",
			       m->cpu_count + h->ram->n + 2, KD_ELF_PN_XNUM - 1U);
	kd_buf_add(out, zeros, sizeof(header));
	for (size_t i = 0; i < m->cpu_count; i++)
		put_note(&w, &m->cpus[i]);
	if (m->vmcoreinfo.bytes)
		put_note(&w, &m->vmcoreinfo);
	if (m->text.bytes)
		put_load(&w, m->text.vaddr, m->text.paddr, m->text.paddr, m->text.bytes);
	for (size_t i = 0; i < h->ram->n; i++)
		put_ram(&w, h, &h->ram->v[i]);
	kd_elf_encode_header(header, KD_ELF_MACHINE_X86_64, 0, KD_ELF_EHDR_BYTES, w.count, 0);
	if (!out->bad)
		memcpy(out->p, header, sizeof(header));
	kd_buf_add(out, zeros, (KD_KEXEC_PAGE - out->len % KD_KEXEC_PAGE) % KD_KEXEC_PAGE);
	return out->bad ? kd_fail(err, KD_NOMEM, "no memory") : 0;
}
