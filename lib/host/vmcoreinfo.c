/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The running kernel's vmcoreinfo. /sys/kernel/vmcoreinfo tells only its physical
 * address; the text is a note of /proc/kcore (Linux commit 23c85094fe18
 * ("proc/kcore: add vmcoreinfo note to /proc/kcore"), v4.19).
 */
#include "lib/host/internal.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum { MAX_NOTES_BYTES = 4 << 20, MAX_SEGMENTS = 1 << 12 };

static int read_at(int fd, uint64_t off, uint8_t *buf, size_t len, struct kd_err *err)
{
	ssize_t n = kd_pread_full(fd, buf, len, off, "/proc/kcore", err);

	if (n < 0)
		return (int)n;
	return (size_t)n == len ? 0 : kd_fail(err, KD_BADDATA, "/proc/kcore is cut short");
}

/* The place of the notes: the first PT_NOTE. */
static int find_notes(int fd, uint64_t *off_ret, uint64_t *len_ret, struct kd_err *err)
{
	uint8_t ehdr[sizeof(Elf64_Ehdr)], phdr[sizeof(Elf64_Phdr)];
	int rc = read_at(fd, 0, ehdr, sizeof(ehdr), err);

	if (rc)
		return rc;
	if (memcmp(ehdr, ELFMAG, SELFMAG) != 0 || ehdr[EI_CLASS] != ELFCLASS64 ||
	    (ehdr[EI_DATA] != ELFDATA2LSB && ehdr[EI_DATA] != ELFDATA2MSB))
		return kd_fail(err, KD_BADDATA, "/proc/kcore is not a 64-bit ELF file");
	bool big = ehdr[EI_DATA] == ELFDATA2MSB;
	struct kd_cursor c = { .p = ehdr + offsetof(Elf64_Ehdr, e_phoff),
			       .end = ehdr + sizeof(ehdr),
			       .big_endian = big };
	uint64_t phoff = kd_cursor_u64(&c);
	c.p = ehdr + offsetof(Elf64_Ehdr, e_phnum);
	unsigned int n = kd_cursor_u16(&c);

	for (unsigned int i = 0; i < n && i < MAX_SEGMENTS; i++) {
		uint64_t at = 0;
		if (__builtin_add_overflow(phoff, (uint64_t)i * sizeof(phdr), &at))
			break;
		rc = read_at(fd, at, phdr, sizeof(phdr), err);
		if (rc)
			return rc;
		c = (struct kd_cursor){ .p = phdr, .end = phdr + sizeof(phdr), .big_endian = big };
		if (kd_cursor_u32(&c) != PT_NOTE)
			continue;
		c.p = phdr + offsetof(Elf64_Phdr, p_offset);
		*off_ret = kd_cursor_u64(&c);
		c.p = phdr + offsetof(Elf64_Phdr, p_filesz);
		*len_ret = kd_cursor_u64(&c);
		return 0;
	}
	return kd_fail(err, KD_NOTSUP, "/proc/kcore has no notes");
}

/* The note's text within @notes; NULL where there is none. */
static const uint8_t *find_text(const uint8_t *notes, size_t len, bool big, size_t *len_ret)
{
	static const char name[] = "VMCOREINFO";
	struct kd_cursor c = { .p = notes, .end = notes + len, .big_endian = big };

	while (!c.bad && c.p < c.end) {
		uint64_t namesz = kd_cursor_u32(&c), descsz = kd_cursor_u32(&c);
		(void)kd_cursor_u32(&c); /* type: 0 */
		const uint8_t *who = kd_cursor_bytes(&c, (namesz + 3) & ~UINT64_C(3));
		const uint8_t *text = kd_cursor_bytes(&c, (descsz + 3) & ~UINT64_C(3));
		if (!who || !text)
			return NULL;
		if (namesz == sizeof(name) && memcmp(who, name, sizeof(name)) == 0) {
			*len_ret = descsz;
			return text;
		}
	}
	return NULL;
}

int kd_host_kcore_text(int fd, struct kd_buf *out, struct kd_err *err)
{
	uint64_t off = 0, len = 0;
	size_t text_len = 0;
	uint8_t ident[EI_NIDENT];
	int rc = read_at(fd, 0, ident, sizeof(ident), err);
	if (!rc)
		rc = find_notes(fd, &off, &len, err);
	if (rc)
		return rc;
	if (len > MAX_NOTES_BYTES)
		return kd_fail(err, KD_BADDATA, "/proc/kcore has %ju bytes of notes",
			       (uintmax_t)len);
	KD_AUTO(kd_freep) uint8_t *notes = malloc(len ? len : 1);
	if (!notes)
		return kd_fail(err, KD_NOMEM, "no memory for %ju bytes of notes", (uintmax_t)len);
	rc = read_at(fd, off, notes, len, err);
	if (rc)
		return rc;
	const uint8_t *text = find_text(notes, len, ident[EI_DATA] == ELFDATA2MSB, &text_len);
	if (!text)
		return kd_fail(err, KD_NOTSUP, "/proc/kcore has no VMCOREINFO note");
	kd_buf_add(out, text, text_len);
	return out->bad ? kd_fail(err, KD_NOMEM, "no memory for vmcoreinfo") : 0;
}

int kd_host_vmcoreinfo(const struct kd_root *root, struct kd_buf *out, struct kd_err *err)
{
	KD_AUTO(kd_closep) int fd = kd_root_openat(root, "/proc/kcore", O_RDONLY, 0, err);

	return fd < 0 ? fd : kd_host_kcore_text(fd, out, err);
}
