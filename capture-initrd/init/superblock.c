/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "capture-initrd/init/internal.h"

#include <fcntl.h>
#include <string.h>

/*
 * On-disk layouts, from the kernel's headers: struct ext4_super_block (fs/ext4/ext4.h),
 * struct xfs_dsb (fs/xfs/libxfs/xfs_format.h), struct btrfs_super_block
 * (include/uapi/linux/btrfs_tree.h). All are fixed on-disk formats.
 */
enum {
	EXT_OFFSET = 1024,
	EXT_MAGIC = 0xef53,
	EXT_INCOMPAT_JOURNAL_DEV = 0x8,
	EXT_MAX_LOG_BLOCK = 6, /* 64 KiB */
	XFS_OFFSET = 0,
	XFS_MAGIC = 0x58465342, /* "XFSB" */
	XFS_MIN_BLOCK = 512,
	XFS_MAX_BLOCK = 65536,
	BTRFS_OFFSET = 64 << 10,
	BTRFS_LABEL_AT = 0x12b
};

enum kd_fs kd_superblock_fs(const char *fstype)
{
	static const struct {
		const char *name;
		enum kd_fs fs;
	} known[] = {
		{ "ext4", KD_FS_EXT }, { "ext3", KD_FS_EXT },	 { "ext2", KD_FS_EXT },
		{ "xfs", KD_FS_XFS },  { "btrfs", KD_FS_BTRFS },
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(known); i++)
		if (strcmp(fstype, known[i].name) == 0)
			return known[i].fs;
	return KD_FS_UNKNOWN;
}

/* Copies the next @max bytes of the cursor up to the first NUL. */
static void take_label(struct kd_cursor *c, size_t max, char *label)
{
	const uint8_t *p = kd_cursor_bytes(c, max);

	if (!p)
		return;
	size_t len = strnlen((const char *)p, max);
	memcpy(label, p, len);
	label[len] = '\0';
}

static void take_uuid(struct kd_cursor *c, struct kd_superblock *sb)
{
	const uint8_t *p = kd_cursor_bytes(c, KD_UUID_BYTES);

	if (p)
		memcpy(sb->uuid, p, KD_UUID_BYTES);
}

static int parse_ext(struct kd_cursor c, struct kd_superblock *sb, struct kd_err *err)
{
	kd_cursor_skip(&c, 0x18);
	uint32_t log_block = kd_cursor_u32(&c);
	kd_cursor_skip(&c, 0x38 - 0x1c);
	uint16_t magic = kd_cursor_u16(&c);
	kd_cursor_skip(&c, 0x60 - 0x3a);
	uint32_t incompat = kd_cursor_u32(&c);
	kd_cursor_skip(&c, 0x68 - 0x64);
	take_uuid(&c, sb);
	take_label(&c, 16, sb->label);
	if (c.bad || magic != EXT_MAGIC)
		return 0;
	/* An external journal carries the UUID of its own; it cannot be mounted. */
	if (incompat & EXT_INCOMPAT_JOURNAL_DEV)
		return 0;
	if (log_block > EXT_MAX_LOG_BLOCK)
		return kd_fail(err, KD_BADDATA, "ext superblock: block size 2^%u KiB is impossible",
			       log_block);
	return 1;
}

static int parse_xfs(struct kd_cursor c, struct kd_superblock *sb, struct kd_err *err)
{
	c.big_endian = true;
	uint32_t magic = kd_cursor_u32(&c);
	uint32_t block = kd_cursor_u32(&c);
	kd_cursor_skip(&c, 32 - 8);
	take_uuid(&c, sb);
	kd_cursor_skip(&c, 108 - 48);
	take_label(&c, 12, sb->label);
	if (c.bad || magic != XFS_MAGIC)
		return 0;
	if (block < XFS_MIN_BLOCK || block > XFS_MAX_BLOCK || (block & (block - 1)))
		return kd_fail(err, KD_BADDATA, "xfs superblock: block size %u is impossible",
			       block);
	return 1;
}

static int parse_btrfs(struct kd_cursor c, struct kd_superblock *sb, struct kd_err *err)
{
	(void)err; /* nothing here that a mount would not check better */
	kd_cursor_skip(&c, 0x20);
	take_uuid(&c, sb);
	kd_cursor_skip(&c, 0x40 - 0x30);
	const uint8_t *magic = kd_cursor_bytes(&c, 8);
	kd_cursor_skip(&c, BTRFS_LABEL_AT - 0x48);
	take_label(&c, 256, sb->label);
	return !c.bad && memcmp(magic, "_BHRfS_M", 8) == 0;
}

int kd_superblock_parse(enum kd_fs fs, const uint8_t *bytes, size_t len, struct kd_superblock *ret,
			struct kd_err *err)
{
	struct kd_cursor c = { .p = bytes, .end = bytes + len };
	struct kd_superblock sb = { 0 };
	int rc = 0;

	switch (fs) {
	case KD_FS_EXT:
		rc = parse_ext(c, &sb, err);
		break;
	case KD_FS_XFS:
		rc = parse_xfs(c, &sb, err);
		break;
	case KD_FS_BTRFS:
		rc = parse_btrfs(c, &sb, err);
		break;
	case KD_FS_UNKNOWN:
		break;
	}
	if (rc > 0)
		*ret = sb;
	return rc;
}

static uint64_t offset_of(enum kd_fs fs)
{
	switch (fs) {
	case KD_FS_EXT:
		return EXT_OFFSET;
	case KD_FS_BTRFS:
		return BTRFS_OFFSET;
	case KD_FS_XFS:
	case KD_FS_UNKNOWN:
		break;
	}
	return XFS_OFFSET;
}

int kd_superblock_read(int fd, const char *name, enum kd_fs fs, struct kd_superblock *ret,
		       struct kd_err *err)
{
	uint8_t bytes[KD_SUPERBLOCK_MAX_BYTES];

	/* No read-ahead: one block is all we want of a device that may be slow or failing. */
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
	ssize_t n = kd_pread_full(fd, bytes, sizeof(bytes), offset_of(fs), name, err);
	if (n < 0)
		return (int)n;
	int rc = kd_superblock_parse(fs, bytes, (size_t)n, ret, err);
	return rc < 0 ? kd_wrap(err, "%s", name) : rc;
}

void kd_superblock_uuid_text(const struct kd_superblock *sb, char text[KD_UUID_TEXT_BYTES])
{
	static const char hex[] = "0123456789abcdef";
	char *p = text;

	for (int i = 0; i < KD_UUID_BYTES; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*p++ = '-';
		*p++ = hex[sb->uuid[i] >> 4];
		*p++ = hex[sb->uuid[i] & 15];
	}
	*p = '\0';
}
