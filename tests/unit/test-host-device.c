/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/host/host.h"
#include "tests/unit/support-tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define VIRTIO "/sys/devices/pci0000:00/0000:00:04.0/virtio1/block/vda"
#define SATA   "/sys/devices/pci0000:00/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0"
#define NVME   "/sys/devices/pci0000:00/0000:00:05.0/nvme/nvme0"

/* A virtio disk with two partitions, a SATA disk, an NVMe disk. */
static int setup(void **state)
{
	struct tree *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	tree_init(t);
	tree_block(t, VIRTIO, "254:0");
	tree_file(t, VIRTIO "/serial", "disk-one");
	tree_partition(t, VIRTIO "/vda1", "254:1");
	tree_partition(t, VIRTIO "/vda2", "254:2");
	tree_block(t, SATA "/block/sda", "8:0");
	tree_syslink(t, SATA "/block/sda/device", SATA);
	tree_file(t, SATA "/wwid", "t10.ATA     QEMU HARDDISK  QM00001 \n");
	tree_block(t, NVME "/nvme0n1", "259:0");
	tree_file(t, NVME "/nvme0n1/wwid", "nvme.1b36-6b64-51454d55-00000001\n");
	tree_syslink(t, NVME "/nvme0n1/device", NVME);
	tree_file(t, NVME "/serial", "kd-nvme             \n"); /* padded, as the drive says it */
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	tree_fini(*state);
	free(*state);
	return 0;
}

static struct kd_host_device resolve(const struct tree *t, const char *spec)
{
	struct kd_host_device d = { 0 };
	struct kd_err err = { 0 };

	if (kd_host_resolve_device(t->root, spec, &d, &err))
		fail_msg("%s: %s", spec, err.msg);
	return d;
}

static void check_name(const struct tree *t, const char *spec, const char *name)
{
	struct kd_host_device d = resolve(t, spec);

	assert_string_equal(d.name, name);
	kd_host_device_fini(&d);
}

static void check_refused(const struct tree *t, const char *spec, const char *text)
{
	struct kd_host_device d = { 0 };
	struct kd_err err = { 0 };

	assert_int_equal(kd_host_resolve_device(t->root, spec, &d, &err), -KD_USAGE);
	if (!strstr(err.msg, text))
		fail_msg("'%s' is not in '%s'", text, err.msg);
	assert_null(d.name);
}

static void udev_record(const struct tree *t, const char *number, const char *lines)
{
	char path[64];

	snprintf(path, sizeof(path), "/run/udev/data/b%s", number);
	tree_file(t, path, "S:disk/by-id/x\nI:1234\nE:ID_BUS=virtio\n%sG:systemd\n", lines);
}

static void test_device_by_path_through_sysfs(void **state)
{
	struct kd_host_device d = resolve(*state, "/dev/vda1");

	assert_string_equal(d.name, "vda1");
	assert_string_equal(d.disk, "vda");
	assert_string_equal(d.devnode, "/dev/vda1");
	assert_int_equal(d.major, 254);
	assert_int_equal(d.minor, 1);
	assert_string_equal(d.serial, "disk-one"); /* the disk's */
	assert_null(d.wwid);
	assert_null(d.fs_uuid);
	kd_host_device_fini(&d);
}

static void test_device_serial_and_wwid_places(void **state)
{
	struct kd_host_device d = resolve(*state, "/dev/nvme0n1");

	assert_string_equal(d.serial, "kd-nvme");
	assert_string_equal(d.wwid, "nvme.1b36-6b64-51454d55-00000001");
	kd_host_device_fini(&d);
	d = resolve(*state, "/dev/sda");
	assert_null(d.serial);
	assert_string_equal(d.wwid, "t10.ATA     QEMU HARDDISK  QM00001");
	assert_string_equal(d.disk, "sda");
	kd_host_device_fini(&d);
}

static void test_device_by_link(void **state)
{
	const struct tree *t = *state;

	tree_link(t, "/dev/disk/by-id/virtio-disk-one-part2", "../../vda2");
	tree_link(t, "/dev/mapper/abs", "/dev/sda");
	check_name(t, "/dev/disk/by-id/virtio-disk-one-part2", "vda2");
	check_name(t, "/dev/mapper/abs", "sda");
}

static void test_device_name_with_a_slash(void **state)
{
	const struct tree *t = *state;
	struct kd_host_device d = { 0 };

	tree_block(t, "/sys/devices/pci0000:00/0000:00:06.0/cciss0/block/cciss!c0d0", "104:0");
	d = resolve(t, "/dev/cciss/c0d0");
	assert_string_equal(d.name, "cciss!c0d0");
	assert_string_equal(d.devnode, "/dev/cciss/c0d0");
	kd_host_device_fini(&d);
}

static void test_device_by_number(void **state)
{
	const struct tree *t = *state;
	struct kd_host_device d = { 0 };
	struct kd_err err = { 0 };

	assert_int_equal(kd_host_device_by_number(t->root, 254, 2, &d, &err), 0);
	assert_string_equal(d.devnode, "/dev/vda2");
	kd_host_device_fini(&d);
	assert_int_equal(kd_host_device_by_number(t->root, 99, 7, &d, &err), -KD_USAGE);
	assert_non_null(strstr(err.msg, "no block device 99:7"));
}

static void test_device_by_udev_record(void **state)
{
	const struct tree *t = *state;
	struct kd_host_device d = { 0 };

	udev_record(t, "254:1",
		    "E:ID_FS_TYPE=ext4\nE:ID_FS_UUID=aaaa\nE:ID_FS_UUID_ENC=aaaa\n"
		    "E:ID_FS_LABEL=my_root\nE:ID_FS_LABEL_ENC=my\\x20root\n"
		    "E:ID_PART_ENTRY_UUID=0011-22\nE:ID_PART_ENTRY_NAME=Boot\\x20part\n");
	udev_record(t, "254:2", "E:ID_FS_TYPE=xfs\nE:ID_FS_UUID=bbbb\nE:ID_FS_LABEL=data\n");
	d = resolve(t, "UUID=AAAA");
	assert_string_equal(d.name, "vda1");
	assert_string_equal(d.fstype, "ext4");
	assert_string_equal(d.fs_label, "my root");
	kd_host_device_fini(&d);
	check_name(t, "UUID=bbbb", "vda2");
	check_name(t, "UUID=\"bbbb\"", "vda2");
	check_name(t, "LABEL=my root", "vda1");
	check_name(t, "LABEL=data", "vda2");
	check_name(t, "PARTUUID=0011-22", "vda1");
	check_name(t, "PARTLABEL=Boot part", "vda1");
	check_refused(t, "LABEL=DATA", "no block device has LABEL=DATA");
}

static void test_device_part_name_of_the_kernel(void **state)
{
	tree_file(*state, VIRTIO "/vda2/uevent",
		  "MAJOR=254\nMINOR=2\nPARTN=2\nPARTNAME=crash store\n");
	check_name(*state, "PARTLABEL=crash store", "vda2");
}

/* An ext4 superblock that libblkid accepts: magic, sizes, features, UUID and label. */
static void make_ext4(const struct tree *t, const char *path)
{
	static const unsigned char uuid[16] = { 0x0f, 0x1e, 0x2d, 0x3c, 0x4b, 0x5a, 0x69, 0x78,
						0x87, 0x96, 0xa5, 0xb4, 0xc3, 0xd2, 0xe1, 0xf0 };
	unsigned char *image = calloc(1, 256 << 10);

	assert_non_null(image);
	unsigned char *sb = image + 1024;
	sb[0] = 16;	     /* inodes */
	sb[5] = 1;	     /* 256 blocks of 1 KiB */
	sb[0x20 + 1] = 0x20; /* blocks per group */
	sb[0x38] = 0x53;     /* magic */
	sb[0x39] = 0xef;     /* ... */
	sb[0x4c] = 1;	     /* revision 1: has the feature words */
	sb[0x5c] = 0x04;     /* has_journal */
	sb[0x60] = 0x40;     /* extents: not ext3 */
	memcpy(sb + 0x68, uuid, sizeof(uuid));
	memcpy(sb + 0x78, "kd-label", 8);
	tree_bytes(t, path, image, 256 << 10);
	free(image);
}

static void test_device_by_probing_an_image(void **state)
{
	const struct tree *t = *state;
	struct kd_host_device d = { 0 };

	make_ext4(t, "/dev/vda2");
	d = resolve(t, "UUID=0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0");
	assert_string_equal(d.name, "vda2");
	assert_string_equal(d.fstype, "ext4");
	assert_string_equal(d.fs_label, "kd-label");
	kd_host_device_fini(&d);
	check_name(t, "LABEL=kd-label", "vda2");
	check_name(t, "/dev/vda2", "vda2");
}

static void test_device_uuid_of_legs_is_the_multipath_device(void **state)
{
	static const char dm0[] = "/sys/devices/virtual/block/dm-0";
	static const char dm1[] = "/sys/devices/virtual/block/dm-1";
	const struct tree *t = *state;

	/* Both paths show the partition too; dm-0 is the multipath disk, dm-1 its partition. */
	tree_block(t, SATA "/block/sdb", "8:16");
	tree_partition(t, SATA "/block/sda/sda1", "8:1");
	tree_partition(t, SATA "/block/sdb/sdb1", "8:17");
	tree_block(t, dm0, "253:0");
	tree_block(t, dm1, "253:1");
	tree_stack(t, dm0, SATA "/block/sda");
	tree_stack(t, dm0, SATA "/block/sdb");
	tree_stack(t, dm1, dm0);
	udev_record(t, "8:1", "E:ID_FS_TYPE=xfs\nE:ID_FS_UUID=cccc\n");
	udev_record(t, "8:17", "E:ID_FS_TYPE=xfs\nE:ID_FS_UUID=cccc\n");
	udev_record(t, "253:1", "E:ID_FS_TYPE=xfs\nE:ID_FS_UUID=cccc\n");
	check_name(t, "UUID=cccc", "dm-1");
}

static void test_device_uuid_twice_is_refused(void **state)
{
	const struct tree *t = *state;

	udev_record(t, "254:1", "E:ID_FS_TYPE=ext4\nE:ID_FS_UUID=dddd\n");
	udev_record(t, "254:2", "E:ID_FS_TYPE=ext4\nE:ID_FS_UUID=dddd\n");
	check_refused(t, "UUID=dddd", "2 block devices have UUID=dddd (vda1, vda2)");
}

static void test_device_not_found(void **state)
{
	const struct tree *t = *state;

	check_refused(t, "/dev/vdz", "there is no block device /dev/vdz: see lsblk(8)");
	check_refused(t, "/etc/passwd", "there is no block device /etc/passwd");
	check_refused(t, "UUID=", "'UUID=' has no value");
	check_refused(t, "LABEL=\"\"", "has no value");
	check_refused(t, "vda1", "'vda1' does not name a block device: write /dev/...");
	check_refused(t, "uuid=1", "does not name a block device");
	/* No node can be opened in this tree, so the answer says what it could not look at. */
	check_refused(t, "UUID=eeee", "no block device has UUID=eeee, but 5 could not be read");
	tree_file(t, "/dev/vda", "x");
	tree_file(t, "/dev/vda1", "x");
	tree_file(t, "/dev/vda2", "x");
	tree_file(t, "/dev/sda", "x");
	tree_file(t, "/dev/nvme0n1", "x");
	check_refused(t, "UUID=eeee", "no block device has UUID=eeee: see blkid(8)");
	tree_dir(t, "/dev/dir");
	check_refused(t, "/dev/dir", "/dev/dir is not a block device");
}

static void test_device_on_the_machine_itself(void **state)
{
	struct tree host = { 0 };
	struct kd_err err = { 0 };

	assert_int_equal(kd_root_open("/", &host.root, &err), 0);
	check_refused(&host, "/dev/null", "/dev/null is not a block device");
	check_refused(&host, "/dev/kd-no-such-device", "there is no block device");
	kd_root_close(host.root);
}

static void test_device_empty_and_vanishing_ones_are_passed_over(void **state)
{
	const struct tree *t = *state;

	tree_block(t, "/sys/devices/virtual/block/loop0", "7:0");
	tree_file(t, "/sys/devices/virtual/block/loop0/size", "0\n");
	udev_record(t, "7:0", "E:ID_FS_TYPE=ext4\nE:ID_FS_UUID=ffff\n");
	tree_link(t, "/sys/class/block/gone", "../../devices/gone");
	tree_syslink(t, "/sys/class/block/nvme0c0n1", NVME "/nvme0c0n1"); /* hidden: no dev */
	check_refused(t, "UUID=ffff", "no block device has UUID=ffff");
}

static void test_device_bad_number_is_refused(void **state)
{
	struct kd_host_device d = { 0 };
	struct kd_err err = { 0 };
	const struct tree *t = *state;

	tree_file(t, VIRTIO "/vda1/dev", "254:\n");
	assert_int_equal(kd_host_resolve_device(t->root, "/dev/vda1", &d, &err), -KD_BADDATA);
	assert_non_null(strstr(err.msg, "vda1/dev: no device number"));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_device_by_path_through_sysfs),
		T(test_device_serial_and_wwid_places),
		T(test_device_by_link),
		T(test_device_name_with_a_slash),
		T(test_device_by_number),
		T(test_device_by_udev_record),
		T(test_device_part_name_of_the_kernel),
		T(test_device_by_probing_an_image),
		T(test_device_uuid_of_legs_is_the_multipath_device),
		T(test_device_uuid_twice_is_refused),
		T(test_device_not_found),
		T(test_device_empty_and_vanishing_ones_are_passed_over),
		T(test_device_bad_number_is_refused),
		cmocka_unit_test(test_device_on_the_machine_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
