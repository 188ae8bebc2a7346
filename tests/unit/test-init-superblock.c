/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "capture-initrd/init/internal.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define UUID_TEXT "01234567-89ab-cdef-0123-456789abcdef"

static const uint8_t uuid[16] = { 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef,
				  0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef };

/* Superblocks with nothing in them but what is read. */
static void make_ext(uint8_t sb[1024], const char *label)
{
	memset(sb, 0, 1024);
	sb[0x18] = 2; /* 4 KiB blocks */
	sb[0x38] = 0x53;
	sb[0x39] = 0xef;
	memcpy(sb + 0x68, uuid, sizeof(uuid));
	memcpy(sb + 0x78, label, strnlen(label, 16));
}

static void make_xfs(uint8_t sb[1024], const char *label)
{
	memset(sb, 0, 1024);
	memcpy(sb, "XFSB", 4);
	sb[6] = 0x10; /* 4096, big endian */
	memcpy(sb + 32, uuid, sizeof(uuid));
	memcpy(sb + 108, label, strnlen(label, 12));
}

static void make_btrfs(uint8_t sb[1024], const char *label)
{
	memset(sb, 0, 1024);
	memcpy(sb + 0x20, uuid, sizeof(uuid));
	memcpy(sb + 0x40, "_BHRfS_M", 8);
	memcpy(sb + 0x12b, label, strnlen(label, 256));
}

static void assert_found(enum kd_fs fs, const uint8_t *bytes, size_t len, const char *label)
{
	struct kd_superblock sb = { 0 };
	struct kd_err err = { 0 };
	char text[KD_UUID_TEXT_BYTES];

	assert_int_equal(kd_superblock_parse(fs, bytes, len, &sb, &err), 1);
	kd_superblock_uuid_text(&sb, text);
	assert_string_equal(text, UUID_TEXT);
	assert_string_equal(sb.label, label);
}

static void test_fs_of_mount_types(void **state)
{
	assert_int_equal(kd_superblock_fs("ext4"), KD_FS_EXT);
	assert_int_equal(kd_superblock_fs("ext2"), KD_FS_EXT);
	assert_int_equal(kd_superblock_fs("xfs"), KD_FS_XFS);
	assert_int_equal(kd_superblock_fs("btrfs"), KD_FS_BTRFS);
	assert_int_equal(kd_superblock_fs("vfat"), KD_FS_UNKNOWN);
	assert_int_equal(kd_superblock_fs(""), KD_FS_UNKNOWN);
}

static void test_reads_uuid_and_label(void **state)
{
	uint8_t sb[1024];

	make_ext(sb, "crash");
	assert_found(KD_FS_EXT, sb, sizeof(sb), "crash");
	make_xfs(sb, "crash");
	assert_found(KD_FS_XFS, sb, sizeof(sb), "crash");
	make_btrfs(sb, "crash");
	assert_found(KD_FS_BTRFS, sb, sizeof(sb), "crash");
}

static void test_label_that_fills_its_field(void **state)
{
	uint8_t sb[1024];
	char label[257];

	make_ext(sb, "sixteen-letters!");
	assert_found(KD_FS_EXT, sb, sizeof(sb), "sixteen-letters!");
	make_xfs(sb, "twelve-bytes");
	assert_found(KD_FS_XFS, sb, sizeof(sb), "twelve-bytes");
	memset(label, 'x', 256);
	label[256] = '\0';
	make_btrfs(sb, label);
	assert_found(KD_FS_BTRFS, sb, sizeof(sb), label);
}

static void test_another_file_system_is_not_found(void **state)
{
	uint8_t sb[1024];
	struct kd_superblock ret = { 0 };
	struct kd_err err = { 0 };

	make_ext(sb, "crash");
	assert_int_equal(kd_superblock_parse(KD_FS_XFS, sb, sizeof(sb), &ret, &err), 0);
	assert_int_equal(kd_superblock_parse(KD_FS_BTRFS, sb, sizeof(sb), &ret, &err), 0);
	assert_int_equal(kd_superblock_parse(KD_FS_UNKNOWN, sb, sizeof(sb), &ret, &err), 0);
	make_xfs(sb, "crash");
	assert_int_equal(kd_superblock_parse(KD_FS_EXT, sb, sizeof(sb), &ret, &err), 0);
}

static void test_cut_short_is_not_found(void **state)
{
	uint8_t sb[1024];
	struct kd_superblock ret = { 0 };

	make_ext(sb, "crash");
	for (size_t len = 0; len < 0x78 + 16; len++)
		assert_int_equal(kd_superblock_parse(KD_FS_EXT, sb, len, &ret, NULL), 0);
	make_xfs(sb, "crash");
	for (size_t len = 0; len < 120; len++)
		assert_int_equal(kd_superblock_parse(KD_FS_XFS, sb, len, &ret, NULL), 0);
	make_btrfs(sb, "crash");
	for (size_t len = 0; len < 0x12b + 256; len++)
		assert_int_equal(kd_superblock_parse(KD_FS_BTRFS, sb, len, &ret, NULL), 0);
}

static void test_impossible_block_sizes_are_refused(void **state)
{
	uint8_t sb[1024];
	struct kd_superblock ret = { 0 };
	struct kd_err err = { 0 };

	make_ext(sb, "crash");
	sb[0x18] = 7;
	assert_int_equal(kd_superblock_parse(KD_FS_EXT, sb, sizeof(sb), &ret, &err), -KD_BADDATA);
	assert_non_null(strstr(err.msg, "ext superblock: block size 2^7 KiB"));
	make_xfs(sb, "crash");
	sb[7] = 1; /* 4097 */
	assert_int_equal(kd_superblock_parse(KD_FS_XFS, sb, sizeof(sb), &ret, &err), -KD_BADDATA);
	assert_non_null(strstr(err.msg, "xfs superblock: block size 4097"));
	sb[4] = 0x80;
	sb[6] = sb[7] = 0;
	assert_int_equal(kd_superblock_parse(KD_FS_XFS, sb, sizeof(sb), &ret, &err), -KD_BADDATA);
}

static void test_external_journal_is_not_a_target(void **state)
{
	uint8_t sb[1024];
	struct kd_superblock ret = { 0 };

	make_ext(sb, "crash");
	sb[0x60] = 0x8;
	assert_int_equal(kd_superblock_parse(KD_FS_EXT, sb, sizeof(sb), &ret, NULL), 0);
}

static int temp_file(char path[32])
{
	snprintf(path, 32, "/tmp/kd-superblock-XXXXXX");
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	return fd;
}

static void test_read_finds_each_at_its_place(void **state)
{
	static const struct {
		enum kd_fs fs;
		void (*make)(uint8_t *, const char *);
		uint64_t at;
	} kinds[] = { { KD_FS_EXT, make_ext, 1024 },
		      { KD_FS_XFS, make_xfs, 0 },
		      { KD_FS_BTRFS, make_btrfs, 65536 } };
	struct kd_err err = { 0 };

	for (size_t i = 0; i < KD_ARRAY_LEN(kinds); i++) {
		char path[32];
		uint8_t bytes[1024];
		struct kd_superblock sb = { 0 };
		KD_AUTO(kd_closep) int fd = temp_file(path);

		unlink(path);
		/* An empty device has none, and that is not an error. */
		assert_int_equal(kd_superblock_read(fd, "disk", kinds[i].fs, &sb, &err), 0);
		kinds[i].make(bytes, "crash");
		assert_int_equal(
			kd_pwrite_full(fd, bytes, sizeof(bytes), kinds[i].at, "disk", &err), 0);
		assert_int_equal(kd_superblock_read(fd, "disk", kinds[i].fs, &sb, &err), 1);
		assert_string_equal(sb.label, "crash");
	}
}

static void test_read_error_names_the_device(void **state)
{
	struct kd_superblock sb = { 0 };
	struct kd_err err = { 0 };

	assert_int_equal(kd_superblock_read(-1, "/dev/vdx", KD_FS_EXT, &sb, &err), -KD_SYS);
	assert_non_null(strstr(err.msg, "/dev/vdx"));
}

/* The file systems' own tools have the last word on their layouts. */
static void check_made_by(char *const argv[], const char *path, enum kd_fs fs)
{
	struct kd_child_opts opts = {
		.stdin_fd = -1, .stdout_fd = -1, .stderr_fd = -1, .timeout_ms = 60000
	};
	struct kd_child_end end = { 0 };
	struct kd_superblock sb = { 0 };
	struct kd_err err = { 0 };
	char text[KD_UUID_TEXT_BYTES];

	if (access(argv[0], X_OK)) {
		print_message("%s is not installed\n", argv[0]);
		unlink(path);
		skip();
	}
	assert_int_equal(kd_child_run(argv, &opts, &end, &err), 0);
	assert_true(end.exited);
	assert_int_equal(end.code, 0);
	KD_AUTO(kd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	unlink(path);
	assert_int_equal(kd_superblock_read(fd, path, fs, &sb, &err), 1);
	kd_superblock_uuid_text(&sb, text);
	assert_string_equal(text, UUID_TEXT);
	assert_string_equal(sb.label, "kdcrash");
}

static void test_image_of_mke2fs(void **state)
{
	char path[32];
	KD_AUTO(kd_closep) int fd = temp_file(path);
	char *argv[] = { "/usr/sbin/mke2fs", "-q", "-F",      "-t", "ext4", "-U",
			 UUID_TEXT,	     "-L", "kdcrash", path, "4M",   NULL };

	check_made_by(argv, path, KD_FS_EXT);
}

static void test_image_of_mkfs_xfs(void **state)
{
	char path[32];
	KD_AUTO(kd_closep) int fd = temp_file(path);
	char *argv[] = { "/usr/sbin/mkfs.xfs",
			 "-q",
			 "-f",
			 "-m",
			 "uuid=" UUID_TEXT,
			 "-L",
			 "kdcrash",
			 path,
			 NULL };

	assert_int_equal(ftruncate(fd, 320 << 20), 0);
	check_made_by(argv, path, KD_FS_XFS);
}

static void test_image_of_mkfs_btrfs(void **state)
{
	char path[32];
	KD_AUTO(kd_closep) int fd = temp_file(path);
	char *argv[] = {
		"/usr/sbin/mkfs.btrfs", "-q", "-f", "-U", UUID_TEXT, "-L", "kdcrash", path, NULL
	};

	assert_int_equal(ftruncate(fd, 128 << 20), 0);
	check_made_by(argv, path, KD_FS_BTRFS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fs_of_mount_types),
		cmocka_unit_test(test_reads_uuid_and_label),
		cmocka_unit_test(test_label_that_fills_its_field),
		cmocka_unit_test(test_another_file_system_is_not_found),
		cmocka_unit_test(test_cut_short_is_not_found),
		cmocka_unit_test(test_impossible_block_sizes_are_refused),
		cmocka_unit_test(test_external_journal_is_not_a_target),
		cmocka_unit_test(test_read_finds_each_at_its_place),
		cmocka_unit_test(test_read_error_names_the_device),
		cmocka_unit_test(test_image_of_mke2fs),
		cmocka_unit_test(test_image_of_mkfs_xfs),
		cmocka_unit_test(test_image_of_mkfs_btrfs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
