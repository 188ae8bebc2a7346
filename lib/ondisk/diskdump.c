/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/ondisk/diskdump.h"

#include "lib/ondisk/put.h"

#include <string.h>

static const uint8_t signature[8] = "KDUMP   ";

enum {
	MIN_VERSION = 1,
	MAX_VERSION = 6,
	MIN_BLOCK_BYTES = 4096,
	MAX_BLOCK_BYTES = 65536,
	/* where a 32-bit kernel's header has its block size */
	BLOCK_SIZE_OFFSET_32 = 416,
	/* first version with the field */
	SINCE_DUMP_LEVEL = 1,
	SINCE_SPLIT = 2,
	SINCE_VMCOREINFO = 3,
	SINCE_NOTE = 4,
	SINCE_ERASEINFO = 5,
	SINCE_64BIT_PFN = 6,
};

bool kd_diskdump_is_diskdump(const void *bytes, size_t len)
{
	return len >= sizeof(signature) && memcmp(bytes, signature, sizeof(signature)) == 0;
}

static bool is_block_size(uint32_t size)
{
	return size >= MIN_BLOCK_BYTES && size <= MAX_BLOCK_BYTES && (size & (size - 1)) == 0;
}

static void take_text(struct kd_cursor *c, char out[KD_DISKDUMP_UTS_BYTES])
{
	const uint8_t *p = kd_cursor_bytes(c, KD_DISKDUMP_UTS_BYTES);

	if (p)
		memcpy(out, p, KD_DISKDUMP_UTS_BYTES - 1);
}

/* The version is a small number in the right byte order and a huge one in the wrong. */
static bool is_big_endian(const uint8_t *bytes)
{
	return bytes[8] == 0 && bytes[11] != 0;
}

int kd_diskdump_decode_header(const void *bytes, size_t len, struct kd_diskdump_header *ret,
			      struct kd_err *err)
{
	const uint8_t *p = bytes;
	struct kd_diskdump_header h = { 0 };

	if (!kd_diskdump_is_diskdump(bytes, len))
		return kd_fail(err, KD_NOTSUP, "not a diskdump file");
	if (len < KD_DISKDUMP_HEADER_BYTES)
		return kd_fail(err, KD_BADDATA, "diskdump header cut short after %zu bytes", len);
	h.big_endian = is_big_endian(p);

	struct kd_cursor c = { .p = p, .end = p + len, .big_endian = h.big_endian };
	kd_cursor_skip(&c, sizeof(signature));
	h.header_version = kd_cursor_u32(&c);
	if (h.header_version < MIN_VERSION || h.header_version > MAX_VERSION)
		return kd_fail(err, KD_NOTSUP, "diskdump version %u: known are %d to %d",
			       h.header_version, MIN_VERSION, MAX_VERSION);
	take_text(&c, h.sysname);
	take_text(&c, h.nodename);
	take_text(&c, h.release);
	take_text(&c, h.version);
	take_text(&c, h.machine);
	take_text(&c, h.domainname);
	kd_cursor_skip(&c, 6); /* alignment */
	h.time_sec = (int64_t)kd_cursor_u64(&c);
	h.time_usec = (int64_t)kd_cursor_u64(&c);
	h.status = kd_cursor_u32(&c);
	h.block_size = kd_cursor_u32(&c);
	h.sub_hdr_size = kd_cursor_u32(&c);
	h.bitmap_blocks = kd_cursor_u32(&c);
	h.max_mapnr = kd_cursor_u32(&c);
	h.total_ram_blocks = kd_cursor_u32(&c);
	kd_cursor_skip(&c, 4); /* device_blocks */
	h.written_blocks = kd_cursor_u32(&c);
	kd_cursor_skip(&c, 4); /* current_cpu */
	h.nr_cpus = kd_cursor_u32(&c);

	struct kd_cursor c32 = { .p = p + BLOCK_SIZE_OFFSET_32,
				 .end = p + len,
				 .big_endian = h.big_endian };
	if (!is_block_size(h.block_size) && is_block_size(kd_cursor_u32(&c32)))
		return kd_fail(err, KD_NOTSUP, "diskdump file of a 32-bit kernel (%s)", h.machine);
	if (!is_block_size(h.block_size))
		return kd_fail(err, KD_BADDATA,
			       "diskdump header: block size %u is no page size from %d to %d",
			       h.block_size, MIN_BLOCK_BYTES, MAX_BLOCK_BYTES);
	*ret = h;
	return 0;
}

int kd_diskdump_decode_sub_header(const void *bytes, size_t len,
				  const struct kd_diskdump_header *header,
				  struct kd_diskdump_sub_header *ret, struct kd_err *err)
{
	const uint8_t *p = bytes;
	struct kd_cursor c = { .p = p, .end = p + len, .big_endian = header->big_endian };
	struct kd_diskdump_sub_header s = { .max_mapnr = header->max_mapnr };
	uint32_t version = header->header_version;

	s.phys_base = kd_cursor_u64(&c);
	if (version >= SINCE_DUMP_LEVEL)
		s.dump_level = kd_cursor_u32(&c);
	if (version >= SINCE_SPLIT) {
		s.split = kd_cursor_u32(&c) != 0;
		s.start_pfn = kd_cursor_u64(&c);
		s.end_pfn = kd_cursor_u64(&c);
	}
	if (version >= SINCE_VMCOREINFO) {
		s.offset_vmcoreinfo = kd_cursor_u64(&c);
		s.size_vmcoreinfo = kd_cursor_u64(&c);
	}
	if (version >= SINCE_NOTE) {
		s.offset_note = kd_cursor_u64(&c);
		s.size_note = kd_cursor_u64(&c);
	}
	if (version >= SINCE_ERASEINFO) {
		s.offset_eraseinfo = kd_cursor_u64(&c);
		s.size_eraseinfo = kd_cursor_u64(&c);
	}
	if (version >= SINCE_64BIT_PFN) {
		s.start_pfn = kd_cursor_u64(&c);
		s.end_pfn = kd_cursor_u64(&c);
		s.max_mapnr = kd_cursor_u64(&c);
	}
	if (c.bad)
		return kd_fail(err, KD_BADDATA, "diskdump sub header cut short after %zu bytes",
			       len);
	*ret = s;
	return 0;
}

void kd_diskdump_decode_desc(const uint8_t bytes[KD_DISKDUMP_DESC_BYTES], bool big_endian,
			     struct kd_diskdump_desc *ret)
{
	struct kd_cursor c = { .p = bytes,
			       .end = bytes + KD_DISKDUMP_DESC_BYTES,
			       .big_endian = big_endian };

	ret->offset = kd_cursor_u64(&c);
	ret->size = kd_cursor_u32(&c);
	ret->flags = kd_cursor_u32(&c);
}

static void put_text(uint8_t *out, const char *text)
{
	memcpy(out, text, strnlen(text, KD_DISKDUMP_UTS_BYTES - 1));
}

void kd_diskdump_encode_header(uint8_t out[KD_DISKDUMP_HEADER_BYTES],
			       const struct kd_diskdump_header *h)
{
	memset(out, 0, KD_DISKDUMP_HEADER_BYTES);
	memcpy(out, signature, sizeof(signature));
	kd_put_u32(out + 8, MAX_VERSION);
	put_text(out + 12, h->sysname);
	put_text(out + 77, h->nodename);
	put_text(out + 142, h->release);
	put_text(out + 207, h->version);
	put_text(out + 272, h->machine);
	put_text(out + 337, h->domainname);
	kd_put_u64(out + 408, (uint64_t)h->time_sec);
	kd_put_u64(out + 416, (uint64_t)h->time_usec);
	kd_put_u32(out + 424, h->status);
	kd_put_u32(out + 428, h->block_size);
	kd_put_u32(out + 432, h->sub_hdr_size);
	kd_put_u32(out + 436, h->bitmap_blocks);
	kd_put_u32(out + 440, h->max_mapnr);
	kd_put_u32(out + 444, h->total_ram_blocks);
	kd_put_u32(out + 452, h->written_blocks);
	kd_put_u32(out + 460, h->nr_cpus);
}

void kd_diskdump_encode_sub_header(uint8_t out[KD_DISKDUMP_SUB_HEADER_BYTES],
				   const struct kd_diskdump_sub_header *s)
{
	memset(out, 0, KD_DISKDUMP_SUB_HEADER_BYTES);
	kd_put_u64(out, s->phys_base);
	kd_put_u32(out + 8, s->dump_level);
	kd_put_u32(out + 12, s->split);
	kd_put_u64(out + 16, s->start_pfn);
	kd_put_u64(out + 24, s->end_pfn);
	kd_put_u64(out + 32, s->offset_vmcoreinfo);
	kd_put_u64(out + 40, s->size_vmcoreinfo);
	kd_put_u64(out + 48, s->offset_note);
	kd_put_u64(out + 56, s->size_note);
	kd_put_u64(out + 64, s->offset_eraseinfo);
	kd_put_u64(out + 72, s->size_eraseinfo);
	kd_put_u64(out + 80, s->start_pfn);
	kd_put_u64(out + 88, s->end_pfn);
	kd_put_u64(out + 96, s->max_mapnr);
}

void kd_diskdump_encode_desc(uint8_t out[KD_DISKDUMP_DESC_BYTES],
			     const struct kd_diskdump_desc *desc)
{
	kd_put_u64(out, desc->offset);
	kd_put_u32(out + 8, desc->size);
	kd_put_u32(out + 12, desc->flags);
	kd_put_u64(out + 16, 0);
}
