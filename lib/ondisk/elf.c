/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/ondisk/elf.h"

#include "lib/ondisk/put.h"

#include <string.h>

static const uint8_t elf_magic[4] = { 0x7f, 'E', 'L', 'F' };

enum {
	CLASS_64 = 2,
	DATA_LSB = 1,
	DATA_MSB = 2,
	IDENT_BYTES = 16,
	NOTE_ALIGN = 4,
};

static struct kd_cursor cursor_over(const void *bytes, size_t len, bool big_endian)
{
	const uint8_t *p = bytes;

	return (struct kd_cursor){ .p = p, .end = p + len, .big_endian = big_endian };
}

bool kd_elf_is_elf(const void *bytes, size_t len)
{
	return len >= sizeof(elf_magic) && memcmp(bytes, elf_magic, sizeof(elf_magic)) == 0;
}

int kd_elf_decode_header(const void *bytes, size_t len, struct kd_elf_header *ret,
			 struct kd_err *err)
{
	const uint8_t *ident = bytes;

	if (!kd_elf_is_elf(bytes, len))
		return kd_fail(err, KD_NOTSUP, "not an ELF file");
	if (len < KD_ELF_EHDR_BYTES)
		return kd_fail(err, KD_BADDATA, "ELF header cut short after %zu bytes", len);
	if (ident[4] != CLASS_64)
		return kd_fail(err, KD_NOTSUP, "not a 64-bit ELF file (class %u)", ident[4]);
	if (ident[5] != DATA_LSB && ident[5] != DATA_MSB)
		return kd_fail(err, KD_BADDATA, "ELF header: byte order %u is neither 1 nor 2",
			       ident[5]);

	struct kd_elf_header h = { .big_endian = ident[5] == DATA_MSB };
	struct kd_cursor c = cursor_over(bytes, KD_ELF_EHDR_BYTES, h.big_endian);
	kd_cursor_skip(&c, IDENT_BYTES);
	h.type = kd_cursor_u16(&c);
	h.machine = kd_cursor_u16(&c);
	kd_cursor_skip(&c, 4); /* e_version */
	kd_cursor_skip(&c, 8); /* e_entry */
	h.phoff = kd_cursor_u64(&c);
	h.shoff = kd_cursor_u64(&c);
	h.flags = kd_cursor_u32(&c);
	kd_cursor_skip(&c, 2); /* e_ehsize */
	h.phentsize = kd_cursor_u16(&c);
	h.phnum = kd_cursor_u16(&c);
	h.shentsize = kd_cursor_u16(&c);
	h.shnum = kd_cursor_u16(&c);
	if (h.type != KD_ELF_TYPE_CORE)
		return kd_fail(err, KD_NOTSUP, "an ELF file, but no core file (type %u)", h.type);
	if (h.phnum && h.phentsize < KD_ELF_PHDR_BYTES)
		return kd_fail(err, KD_BADDATA, "ELF header: segment entries of %u bytes, need %d",
			       h.phentsize, KD_ELF_PHDR_BYTES);
	*ret = h;
	return 0;
}

int kd_elf_decode_xnum(const void *bytes, size_t len, bool big_endian, uint32_t *ret,
		       struct kd_err *err)
{
	struct kd_cursor c = cursor_over(bytes, len, big_endian);

	kd_cursor_skip(&c, 44); /* sh_info follows four words and four double words */
	uint32_t info = kd_cursor_u32(&c);
	kd_cursor_skip(&c, 16);
	if (c.bad)
		return kd_fail(
			err, KD_BADDATA,
			"section header 0, which holds the number of segments, is cut short");
	*ret = info;
	return 0;
}

int kd_elf_decode_phdr(const void *bytes, size_t len, bool big_endian, struct kd_elf_phdr *ret,
		       struct kd_err *err)
{
	struct kd_cursor c = cursor_over(bytes, len, big_endian);
	struct kd_elf_phdr p = { 0 };

	p.type = kd_cursor_u32(&c);
	p.flags = kd_cursor_u32(&c);
	p.offset = kd_cursor_u64(&c);
	p.vaddr = kd_cursor_u64(&c);
	p.paddr = kd_cursor_u64(&c);
	p.filesz = kd_cursor_u64(&c);
	p.memsz = kd_cursor_u64(&c);
	p.align = kd_cursor_u64(&c);
	if (c.bad)
		return kd_fail(err, KD_BADDATA, "ELF segment header cut short");
	*ret = p;
	return 0;
}

static uint64_t pad(uint64_t len)
{
	return (len + NOTE_ALIGN - 1) / NOTE_ALIGN * NOTE_ALIGN;
}

/* The padding of the last note may be missing. */
static void skip_padding(struct kd_cursor *c, uint64_t len)
{
	uint64_t want = pad(len) - len;
	uint64_t left = kd_cursor_left(c);

	kd_cursor_skip(c, want < left ? want : left);
}

int kd_elf_next_note(struct kd_cursor *c, struct kd_elf_note *ret, struct kd_err *err)
{
	if (kd_cursor_left(c) < 12)
		return 0;

	uint32_t namesz = kd_cursor_u32(c);
	uint32_t descsz = kd_cursor_u32(c);
	uint32_t type = kd_cursor_u32(c);
	if (namesz == 0 && descsz == 0 && type == 0)
		return 0;

	const char *name = (const char *)kd_cursor_bytes(c, namesz);
	skip_padding(c, namesz);
	const uint8_t *desc = kd_cursor_bytes(c, descsz);
	skip_padding(c, descsz);
	if (c->bad)
		return kd_fail(
			err, KD_BADDATA,
			"note of type %u claims %u bytes of name and %u of content, which is "
			"more than there is",
			type, namesz, descsz);
	*ret = (struct kd_elf_note){
		.name = name,
		.name_len = strnlen(name, namesz),
		.type = type,
		.desc = desc,
		.desc_len = descsz,
	};
	return 1;
}

void kd_elf_encode_header(uint8_t out[KD_ELF_EHDR_BYTES], uint16_t machine, uint32_t flags,
			  uint64_t phoff, uint32_t phnum, uint64_t shoff)
{
	bool extended = phnum >= KD_ELF_PN_XNUM;

	memset(out, 0, KD_ELF_EHDR_BYTES);
	memcpy(out, elf_magic, sizeof(elf_magic));
	out[4] = CLASS_64;
	out[5] = DATA_LSB;
	out[6] = 1; /* EV_CURRENT */
	kd_put_u16(out + 16, KD_ELF_TYPE_CORE);
	kd_put_u16(out + 18, machine);
	kd_put_u32(out + 20, 1); /* EV_CURRENT */
	kd_put_u64(out + 32, phoff);
	kd_put_u64(out + 40, extended ? shoff : 0);
	kd_put_u32(out + 48, flags);
	kd_put_u16(out + 52, KD_ELF_EHDR_BYTES);
	kd_put_u16(out + 54, KD_ELF_PHDR_BYTES);
	kd_put_u16(out + 56, extended ? KD_ELF_PN_XNUM : (uint16_t)phnum);
	kd_put_u16(out + 58, extended ? KD_ELF_SHDR_BYTES : 0);
	kd_put_u16(out + 60, extended ? 1 : 0);
}

void kd_elf_encode_xnum(uint8_t out[KD_ELF_SHDR_BYTES], uint32_t phnum)
{
	memset(out, 0, KD_ELF_SHDR_BYTES);
	kd_put_u64(out + 32, 1); /* sh_size: number of sections, this one */
	kd_put_u32(out + 44, phnum);
}

void kd_elf_encode_phdr(uint8_t out[KD_ELF_PHDR_BYTES], const struct kd_elf_phdr *phdr)
{
	kd_put_u32(out, phdr->type);
	kd_put_u32(out + 4, phdr->flags);
	kd_put_u64(out + 8, phdr->offset);
	kd_put_u64(out + 16, phdr->vaddr);
	kd_put_u64(out + 24, phdr->paddr);
	kd_put_u64(out + 32, phdr->filesz);
	kd_put_u64(out + 40, phdr->memsz);
	kd_put_u64(out + 48, phdr->align);
}

size_t kd_elf_note_bytes(size_t name_len, size_t desc_len)
{
	return 12 + pad(name_len + 1) + pad(desc_len);
}

size_t kd_elf_encode_note(uint8_t *out, const char *name, uint32_t type, const void *desc,
			  size_t desc_len)
{
	size_t name_len = strlen(name);
	size_t total = kd_elf_note_bytes(name_len, desc_len);

	memset(out, 0, total);
	kd_put_u32(out, (uint32_t)name_len + 1);
	kd_put_u32(out + 4, (uint32_t)desc_len);
	kd_put_u32(out + 8, type);
	memcpy(out + 12, name, name_len);
	memcpy(out + 12 + pad(name_len + 1), desc, desc_len);
	return total;
}
