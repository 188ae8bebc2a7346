/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ELF64 core files, as bytes: headers, segment table and notes, decoded from and
 * encoded to memory. Whoever owns the file reads and writes it; here is only the
 * layout. ELF32 is refused: no kernel we read dumps of makes it.
 */
#ifndef KD_LIB_ONDISK_ELF_H
#define KD_LIB_ONDISK_ELF_H

#include "lib/base/base.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	KD_ELF_EHDR_BYTES = 64,
	KD_ELF_PHDR_BYTES = 56,
	KD_ELF_SHDR_BYTES = 64,

	KD_ELF_TYPE_CORE = 4,
	KD_ELF_MACHINE_X86_64 = 62,
	KD_ELF_MACHINE_ARM64 = 183,

	KD_ELF_PT_LOAD = 1,
	KD_ELF_PT_NOTE = 4,

	/* e_phnum that says "see sh_info of section 0" */
	KD_ELF_PN_XNUM = 0xffff,

	/* e_flags bit by which makedumpfile marks a dump cut short */
	KD_ELF_FLAG_INCOMPLETE = 1,
};

struct kd_elf_header {
	bool big_endian;
	uint16_t type;
	uint16_t machine;
	uint32_t flags;
	uint64_t phoff;
	uint64_t shoff;
	uint16_t phentsize;
	uint16_t phnum; /* KD_ELF_PN_XNUM: not the number */
	uint16_t shentsize;
	uint16_t shnum;
};

struct kd_elf_phdr {
	uint32_t type;
	uint32_t flags;
	uint64_t offset;
	uint64_t vaddr;
	uint64_t paddr;
	uint64_t filesz;
	uint64_t memsz;
	uint64_t align;
};

struct kd_elf_note {
	const char *name; /* not NUL-terminated */
	size_t name_len;  /* without trailing NULs */
	uint32_t type;
	const uint8_t *desc;
	size_t desc_len;
};

/** kd_elf_is_elf() - do @bytes start as an ELF file of any kind? */
bool kd_elf_is_elf(const void *bytes, size_t len);

/**
 * kd_elf_decode_header() - the file's first KD_ELF_EHDR_BYTES
 *
 * Return: 0; -KD_NOTSUP not ELF64, or no core file; -KD_BADDATA cut short or
 * with segment entries smaller than they are.
 */
int kd_elf_decode_header(const void *bytes, size_t len, struct kd_elf_header *ret,
			 struct kd_err *err) KD_MUST_CHECK;

/** kd_elf_decode_xnum() - sh_info of section header 0, the number of segments past 0xfffe */
int kd_elf_decode_xnum(const void *bytes, size_t len, bool big_endian, uint32_t *ret,
		       struct kd_err *err) KD_MUST_CHECK;

/** kd_elf_decode_phdr() - one entry of the segment table; -KD_BADDATA when cut short */
int kd_elf_decode_phdr(const void *bytes, size_t len, bool big_endian, struct kd_elf_phdr *ret,
		       struct kd_err *err) KD_MUST_CHECK;

/**
 * kd_elf_next_note() - the note at the cursor; moves behind it and its padding
 * @c: over the contents of a PT_NOTE segment; 4-byte alignment, as the kernel
 *     writes it whatever p_align says
 * @ret: borrowed from those bytes; written only with 1
 *
 * Return: 1 a note; 0 the end, which an all-zero header is too (the kernel
 * reserves room for CPUs that never wrote theirs); -KD_BADDATA a note longer than
 * what is left.
 */
int kd_elf_next_note(struct kd_cursor *c, struct kd_elf_note *ret,
		     struct kd_err *err) KD_MUST_CHECK;

/* Encoding, little-endian, for the machines we know. Each writes exactly its size. */

/**
 * kd_elf_encode_header() - a core file's header
 * @phnum: any number; 0xffff and more give PN_XNUM, and then @shoff must say where the
 *         section header of kd_elf_encode_xnum() stands
 */
void kd_elf_encode_header(uint8_t out[KD_ELF_EHDR_BYTES], uint16_t machine, uint32_t flags,
			  uint64_t phoff, uint32_t phnum, uint64_t shoff);
void kd_elf_encode_xnum(uint8_t out[KD_ELF_SHDR_BYTES], uint32_t phnum);
void kd_elf_encode_phdr(uint8_t out[KD_ELF_PHDR_BYTES], const struct kd_elf_phdr *phdr);

/** kd_elf_note_bytes() - size of a note with this name (without NUL) and descriptor, padded */
size_t kd_elf_note_bytes(size_t name_len, size_t desc_len);

/** kd_elf_encode_note() - write it, padding zeroed; returns kd_elf_note_bytes() */
size_t kd_elf_encode_note(uint8_t *out, const char *name, uint32_t type, const void *desc,
			  size_t desc_len);

#endif
