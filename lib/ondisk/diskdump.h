/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kdump-compressed ("diskdump") format, versions 1 to 6, as 64-bit kernels'
 * dumps have it. In units of the block size (the dumped kernel's page size):
 *
 *   0      main header
 *   1      sub header, then the notes
 *   1+s    first bitmap: frames that existed   (s = sub_hdr_size)
 *   ...    second bitmap: frames stored here
 *   1+s+b  descriptors, one for each set bit of the second (b = bitmap_blocks)
 *   then   page data, in any order
 *
 * Numbers are in the byte order of the machine that wrote it. Layout only; who
 * owns the file reads and writes it.
 */
#ifndef KD_LIB_ONDISK_DISKDUMP_H
#define KD_LIB_ONDISK_DISKDUMP_H

#include "lib/base/base.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	KD_DISKDUMP_HEADER_BYTES = 464,
	KD_DISKDUMP_SUB_HEADER_BYTES = 104,
	KD_DISKDUMP_DESC_BYTES = 24,
	KD_DISKDUMP_UTS_BYTES = 65,

	/* a page's flags and, or'ed, the header's status */
	KD_DISKDUMP_ZLIB = 0x1,
	KD_DISKDUMP_LZO = 0x2,
	KD_DISKDUMP_SNAPPY = 0x4,
	KD_DISKDUMP_ZSTD = 0x20,
	KD_DISKDUMP_CODECS = 0x27,
	/* status only */
	KD_DISKDUMP_INCOMPLETE = 0x8,
	KD_DISKDUMP_EXCLUDED_VMEMMAP = 0x10,
};

struct kd_diskdump_header {
	bool big_endian;
	uint32_t header_version;
	char sysname[KD_DISKDUMP_UTS_BYTES]; /* all NUL-terminated */
	char nodename[KD_DISKDUMP_UTS_BYTES];
	char release[KD_DISKDUMP_UTS_BYTES];
	char version[KD_DISKDUMP_UTS_BYTES];
	char machine[KD_DISKDUMP_UTS_BYTES];
	char domainname[KD_DISKDUMP_UTS_BYTES];
	int64_t time_sec;
	int64_t time_usec;
	uint32_t status;
	uint32_t block_size;
	uint32_t sub_hdr_size;	/* blocks, the notes included */
	uint32_t bitmap_blocks; /* both bitmaps */
	uint32_t max_mapnr;	/* UINT32_MAX at most: see the sub header */
	uint32_t total_ram_blocks;
	uint32_t written_blocks;
	uint32_t nr_cpus;
};

struct kd_diskdump_sub_header {
	uint64_t phys_base;
	uint32_t dump_level;
	bool split;
	uint64_t start_pfn; /* of this part, where split; end exclusive */
	uint64_t end_pfn;
	uint64_t offset_vmcoreinfo;
	uint64_t size_vmcoreinfo;
	uint64_t offset_note;
	uint64_t size_note;
	uint64_t offset_eraseinfo;
	uint64_t size_eraseinfo;
	uint64_t max_mapnr;
};

struct kd_diskdump_desc {
	uint64_t offset; /* 0: never written */
	uint32_t size;
	uint32_t flags; /* KD_DISKDUMP_ZLIB, ... or 0: stored as it was */
};

/** kd_diskdump_is_diskdump() - do @bytes (at least 8) start a diskdump file? */
bool kd_diskdump_is_diskdump(const void *bytes, size_t len);

/**
 * kd_diskdump_decode_header() - the first KD_DISKDUMP_HEADER_BYTES
 *
 * Return: 0; -KD_NOTSUP not such a file, a version not in 1 to 6, or one of a
 * 32-bit kernel; -KD_BADDATA cut short, or a block size that cannot be.
 */
int kd_diskdump_decode_header(const void *bytes, size_t len, struct kd_diskdump_header *ret,
			      struct kd_err *err) KD_MUST_CHECK;

/**
 * kd_diskdump_decode_sub_header() - the block behind it
 * @header: gives byte order, version and the 32-bit max_mapnr
 *
 * Fields younger than the file's version are 0; max_mapnr is always set.
 *
 * Return: 0, -KD_BADDATA cut short.
 */
int kd_diskdump_decode_sub_header(const void *bytes, size_t len,
				  const struct kd_diskdump_header *header,
				  struct kd_diskdump_sub_header *ret,
				  struct kd_err *err) KD_MUST_CHECK;

/** kd_diskdump_decode_desc() - one page descriptor out of KD_DISKDUMP_DESC_BYTES bytes */
void kd_diskdump_decode_desc(const uint8_t bytes[KD_DISKDUMP_DESC_BYTES], bool big_endian,
			     struct kd_diskdump_desc *ret);

/* Encoding: version 6, little-endian. */
void kd_diskdump_encode_header(uint8_t out[KD_DISKDUMP_HEADER_BYTES],
			       const struct kd_diskdump_header *header);
void kd_diskdump_encode_sub_header(uint8_t out[KD_DISKDUMP_SUB_HEADER_BYTES],
				   const struct kd_diskdump_sub_header *sub);
void kd_diskdump_encode_desc(uint8_t out[KD_DISKDUMP_DESC_BYTES],
			     const struct kd_diskdump_desc *desc);

#endif
