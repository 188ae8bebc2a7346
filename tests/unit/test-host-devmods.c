/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which modules reach a block device: trees as sysfs has them, indexes by depmod. */
#include "lib/host/host.h"
#include "tests/unit/support-tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define RELEASE "6.9.1-test"
#define MODULES "/lib/modules/" RELEASE

#define PCI	  "/sys/devices/pci0000:00"
#define VDA	  PCI "/0000:00:04.0/virtio1/block/vda"
#define NVME_CTRL PCI "/0000:00:1c.0/0000:01:00.0/nvme/nvme0"
#define AHCI	  PCI "/0000:00:1f.2"
#define SCSI	  AHCI "/ata1/host0/target0:0:0/0:0:0:0"
#define SDA	  SCSI "/block/sda"
#define DM	  "/sys/devices/virtual/block/dm-0"
#define DM1	  "/sys/devices/virtual/block/dm-1"
#define MD	  "/sys/devices/virtual/block/md0"

#define VIRTIO_PCI "pci:v00001AF4d00001042sv00001AF4sd00001100bc01sc00i00"
#define BRIDGE	   "pci:v00008086d00003420sv00000000sd00000000bc06sc04i00"
#define NVME_PCI   "pci:v00001B36d00000010sv00001AF4sd00001100bc01sc08i02"
#define AHCI_PCI   "pci:v00008086d00002922sv00001AF4sd00001100bc01sc06i01"

static const struct tree_module all[] = {
	{ .file = "kernel/virtio_pci.ko", .modinfo = "alias=pci:v00001AF4d*sv*sd*bc*sc*i*" },
	{ .file = "kernel/virtio_blk.ko", .modinfo = "alias=virtio:d00000002v*" },
	{ .file = "kernel/nvme.ko", .modinfo = "alias=pci:v*d*sv*sd*bc01sc08i02*" },
	{ .file = "kernel/ahci.ko", .modinfo = "alias=pci:v*d*sv*sd*bc01sc06i01*" },
	/* a second driver for the same devices, as ata_generic and friends are */
	{ .file = "kernel/other_ahci.ko", .modinfo = "alias=pci:v00008086d00002922sv*sd*bc*sc*i*" },
	{ .file = "kernel/sd_mod.ko", .modinfo = "alias=scsi:t-0x00*" },
	{ .file = "kernel/shpchp.ko", .modinfo = "alias=pci:v*d*sv*sd*bc06sc04i*" },
	{ .file = "kernel/no_alias.ko" },
	{ .file = "kernel/dm-mod.ko", .modinfo = "alias=dm-mod" },
	{ .file = "kernel/dm-multipath.ko" },
	{ .file = "kernel/md-mod.ko" },
	{ .file = "kernel/raid1.ko", .modinfo = "alias=md-raid1" },
};

static const char builtin[] = "mmc_block.alias=mmc:block\0built_in.license=GPL";

static int setup(void **state)
{
	struct tree *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	tree_init(t);
	tree_modules(t, MODULES, all, KD_ARRAY_LEN(all));
	tree_file(t, MODULES "/modules.order", "%s", "");
	tree_file(t, MODULES "/modules.builtin", "kernel/mmc_block.ko\nkernel/built_in.ko\n");
	tree_bytes(t, MODULES "/modules.builtin.modinfo", builtin, sizeof(builtin));
	tree_depmod(t, RELEASE);

	tree_device(t, PCI "/0000:00:04.0", VIRTIO_PCI, "pci/virtio-pci", "virtio_pci");
	tree_device(t, PCI "/0000:00:04.0/virtio1", "virtio:d00000002v00001AF4",
		    "virtio/virtio_blk", "virtio_blk");
	tree_block(t, VDA, "254:0");
	tree_partition(t, VDA "/vda1", "254:1");
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	tree_fini(*state);
	free(*state);
	return 0;
}

static void add_ahci(const struct tree *t)
{
	tree_device(t, AHCI, AHCI_PCI, "pci/ahci", "ahci");
	tree_device(t, SCSI, "scsi:t-0x00", "scsi/sd", "sd_mod");
	tree_block(t, SDA, "8:0");
	tree_partition(t, SDA "/sda1", "8:1");
}

static void add_dm(const struct tree *t, const char *dir, const char *number, const char *uuid,
		   const char *name)
{
	char path[256];

	tree_block(t, dir, number);
	snprintf(path, sizeof(path), "%s/dm/uuid", dir);
	tree_file(t, path, "%s\n", uuid);
	snprintf(path, sizeof(path), "%s/dm/name", dir);
	tree_file(t, path, "%s\n", name);
}

static void check(const struct tree *t, unsigned int major, unsigned int minor, const char *expect)
{
	struct kd_strv modules = { 0 };
	struct kd_buf got = { 0 };
	struct kd_err err = { 0 };

	if (kd_host_device_modules(t->root, major, minor, RELEASE, &modules, &err))
		fail_msg("%u:%u: %s", major, minor, err.msg);
	kd_buf_puts(&got, "");
	for (size_t i = 0; i < modules.n; i++)
		kd_buf_printf(&got, "%s%s", i ? " " : "", modules.v[i]);
	assert_string_equal(got.p, expect);
	kd_buf_fini(&got);
	kd_strv_fini(&modules);
}

static void check_refused(const struct tree *t, unsigned int major, unsigned int minor, int code,
			  const char *text)
{
	struct kd_strv modules = { 0 };
	struct kd_err err = { 0 };

	assert_int_equal(kd_host_device_modules(t->root, major, minor, RELEASE, &modules, &err),
			 -code);
	if (!strstr(err.msg, text))
		fail_msg("'%s' is not in '%s'", text, err.msg);
	kd_strv_fini(&modules);
}

static void test_virtio_disk_and_partition(void **state)
{
	check(*state, 254, 0, "virtio_pci virtio_blk");
	check(*state, 254, 1, "virtio_pci virtio_blk");
}

static void test_names_are_added_once_to_those_there(void **state)
{
	const struct tree *t = *state;
	struct kd_strv modules = { 0 };
	struct kd_err err = { 0 };

	assert_int_equal(kd_strv_add(&modules, "virtio_blk", &err), 0);
	assert_int_equal(kd_host_device_modules(t->root, 254, 1, RELEASE, &modules, &err), 0);
	assert_int_equal(modules.n, 2);
	assert_string_equal(modules.v[1], "virtio_pci");
	kd_strv_fini(&modules);
}

static void test_nvme_behind_a_bridge(void **state)
{
	const struct tree *t = *state;

	tree_device(t, PCI "/0000:00:1c.0", BRIDGE, "pci/pcieport", NULL);
	tree_file(t, PCI "/0000:00:1c.0/class", "0x060400\n");
	tree_device(t, PCI "/0000:00:1c.0/0000:01:00.0", NVME_PCI, "pci/nvme", "nvme");
	tree_block(t, NVME_CTRL "/nvme0n1", "259:0");
	tree_partition(t, NVME_CTRL "/nvme0n1/nvme0n1p1", "259:1");
	check(t, 259, 1, "nvme"); /* no shpchp, which is what the bridge's alias matches */
}

static void test_nvme_native_multipath(void **state)
{
	static const char disk[] = "/sys/devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1";
	const struct tree *t = *state;

	tree_block(t, disk, "259:0");
	tree_syslink(t, "/sys/devices/virtual/nvme-subsystem/nvme-subsys0/nvme1",
		     "/sys/devices/virtual/nvme-fabrics/ctl/nvme1");
	check_refused(t, 259, 0, KD_NOTSUP, "nvme0n1 is reached over a network");
	tree_device(t, PCI "/0000:00:1c.0/0000:01:00.0", NVME_PCI, "pci/nvme", "nvme");
	tree_syslink(t, "/sys/devices/virtual/nvme-subsystem/nvme-subsys0/nvme0", NVME_CTRL);
	check(t, 259, 0, "nvme");
}

static void test_sata_takes_the_bound_driver(void **state)
{
	add_ahci(*state);
	check(*state, 8, 1, "ahci sd_mod");
}

/* Built in here, a module in the capture kernel: only the alias knows it, so both come. */
static void test_driver_built_in_here(void **state)
{
	const struct tree *t = *state;

	tree_device(t, AHCI, AHCI_PCI, "pci/ahci", NULL);
	tree_device(t, SCSI, "scsi:t-0x00", "scsi/sd", NULL);
	tree_block(t, SDA, "8:0");

	struct kd_strv modules = { 0 };
	assert_int_equal(kd_host_device_modules(t->root, 8, 0, RELEASE, &modules, NULL), 0);
	assert_int_equal(modules.n, 3);
	assert_true(kd_strv_has(&modules, "ahci"));
	assert_true(kd_strv_has(&modules, "other_ahci"));
	assert_string_equal(modules.v[2], "sd_mod");
	kd_strv_fini(&modules);
}

/* A module here, built into the capture kernel: nothing to load for it. */
static void test_driver_built_in_there(void **state)
{
	static const char mmc[] = "/sys/devices/platform/sdhci.0/mmc_host/mmc0/mmc0:0001";
	const struct tree *t = *state;

	tree_device(t, "/sys/devices/platform/sdhci.0", NULL, "platform/sdhci", "built_in");
	tree_device(t, mmc, "mmc:block", "mmc/mmcblk", "mmc_block");
	tree_block(t, "/sys/devices/platform/sdhci.0/mmc_host/mmc0/mmc0:0001/block/mmcblk0",
		   "179:0");
	check(t, 179, 0, "");
}

static void test_driver_without_alias_is_taken_by_name(void **state)
{
	const struct tree *t = *state;

	tree_device(t, "/sys/devices/platform/odd.0", "platform:odd", "platform/odd", "no_alias");
	tree_block(t, "/sys/devices/platform/odd.0/block/odd0", "240:0");
	check(t, 240, 0, "no_alias");
}

static void test_driver_missing_in_the_capture_kernel(void **state)
{
	const struct tree *t = *state;

	tree_device(t, "/sys/devices/platform/odd.0", "platform:odd", "platform/odd", "vendor_odd");
	tree_block(t, "/sys/devices/platform/odd.0/block/odd0", "240:0");
	check_refused(t, 240, 0, KD_USAGE,
		      "kernel " RELEASE " has no driver for /sys/devices/platform/odd.0, which "
		      "module vendor_odd drives now");
}

static void test_lvm_over_two_disks(void **state)
{
	const struct tree *t = *state;

	add_ahci(t);
	add_dm(t, DM, "253:0",
	       "LVM-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB", "vg-root");
	tree_stack(t, DM, VDA "/vda1");
	tree_stack(t, DM, SDA "/sda1");
	check(t, 253, 0, "ahci sd_mod virtio_pci virtio_blk dm_mod");
}

static void test_lvm_of_a_complex_kind_is_refused(void **state)
{
	const struct tree *t = *state;

	add_dm(t, DM, "253:0",
	       "LVM-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB", "vg-thin");
	add_dm(t, DM1, "253:1",
	       "LVM-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAACCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCC-tpool",
	       "vg-pool-tpool");
	tree_stack(t, DM, DM1);
	tree_stack(t, DM1, VDA);
	check_refused(t, 253, 0, KD_NOTSUP, "dm-1 (vg-pool-tpool) is part of a thin");
}

static void test_encrypted_device_is_refused(void **state)
{
	const struct tree *t = *state;

	add_dm(t, DM, "253:0",
	       "LVM-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB", "vg-root");
	add_dm(t, DM1, "253:1", "CRYPT-LUKS2-0123-luks-x", "luks-x");
	tree_stack(t, DM, DM1);
	tree_stack(t, DM1, VDA);
	check_refused(t, 253, 0, KD_NOTSUP, "dm-1 (luks-x) is encrypted");
}

static void test_multipath_and_its_partition(void **state)
{
	const struct tree *t = *state;

	add_ahci(t);
	add_dm(t, DM, "253:0", "mpath-3600a0b800", "mpatha");
	add_dm(t, DM1, "253:1", "part1-mpath-3600a0b800", "mpatha-part1");
	tree_stack(t, DM, SDA);
	tree_stack(t, DM1, DM);
	check(t, 253, 1, "ahci sd_mod dm_mod dm_multipath");
}

static void test_unknown_mapper_kind_is_refused(void **state)
{
	const struct tree *t = *state;

	add_dm(t, DM, "253:0", "stratis-1-private-x", "stratis");
	tree_stack(t, DM, VDA);
	check_refused(t, 253, 0, KD_NOTSUP,
		      "dm-0 (stratis) is a device-mapper device of an unknown");
}

static void test_md_raid(void **state)
{
	const struct tree *t = *state;

	tree_block(t, MD, "9:0");
	tree_file(t, MD "/md/level", "raid1\n");
	tree_stack(t, MD, VDA "/vda1");
	tree_partition(t, MD "/md0p1", "259:5");
	check(t, 9, 0, "virtio_pci virtio_blk md_mod raid1");
	check(t, 259, 5, "virtio_pci virtio_blk md_mod raid1");
	tree_file(t, MD "/md/level", "raid10\n");
	check_refused(t, 9, 0, KD_USAGE, "has no module md-raid10");
	tree_file(t, MD "/md/level", "*\n");
	check_refused(t, 9, 0, KD_BADDATA, "md/level: no RAID level there");
}

static void test_slaves_in_a_circle_end(void **state)
{
	const struct tree *t = *state;

	add_dm(t, DM, "253:0", "", "a");
	add_dm(t, DM1, "253:1", "", "b");
	tree_stack(t, DM, DM1);
	tree_stack(t, DM1, DM);
	tree_stack(t, DM1, VDA);
	check(t, 253, 0, "virtio_pci virtio_blk dm_mod");
}

static void test_slaves_stacked_too_deep_are_refused(void **state)
{
	const struct tree *t = *state;
	char upper[64], lower[64], number[16];

	for (unsigned int i = 0; i < 18; i++) {
		snprintf(upper, sizeof(upper), "/sys/devices/virtual/block/dm-%u", i);
		snprintf(lower, sizeof(lower), "/sys/devices/virtual/block/dm-%u", i + 1);
		snprintf(number, sizeof(number), "253:%u", i);
		add_dm(t, upper, number, "", "deep");
		tree_stack(t, upper, lower);
	}
	check_refused(t, 253, 0, KD_NOTSUP, "more than 16 levels");
}

static void test_devices_that_are_no_disk_are_refused(void **state)
{
	static const char iscsi[] = "/sys/devices/platform/host2/session1/target2:0:0/2:0:0:1";
	const struct tree *t = *state;

	tree_block(t, "/sys/devices/virtual/block/loop0", "7:0");
	check_refused(t, 7, 0, KD_NOTSUP, "loop0 is not on a disk of this machine");
	add_dm(t, DM, "253:0", "", "zero");
	check_refused(t, 253, 0, KD_NOTSUP, "dm-0 is not on a disk of this machine");
	tree_device(t, iscsi, "scsi:t-0x00", "scsi/sd", "sd_mod");
	tree_block(t, "/sys/devices/platform/host2/session1/target2:0:0/2:0:0:1/block/sdx", "65:0");
	check_refused(t, 65, 0, KD_NOTSUP, "sdx is reached over iSCSI");
	check_refused(t, 1, 99, KD_USAGE, "there is no block device 1:99");
}

static void test_unknown_kernel_is_refused(void **state)
{
	const struct tree *t = *state;
	struct kd_strv modules = { 0 };
	struct kd_err err = { 0 };

	assert_int_equal(kd_host_device_modules(t->root, 254, 0, "5.0-none", &modules, &err),
			 -KD_USAGE);
	assert_non_null(strstr(err.msg, "no modules for kernel 5.0-none"));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_virtio_disk_and_partition),
		T(test_names_are_added_once_to_those_there),
		T(test_nvme_behind_a_bridge),
		T(test_nvme_native_multipath),
		T(test_sata_takes_the_bound_driver),
		T(test_driver_built_in_here),
		T(test_driver_built_in_there),
		T(test_driver_without_alias_is_taken_by_name),
		T(test_driver_missing_in_the_capture_kernel),
		T(test_lvm_over_two_disks),
		T(test_lvm_of_a_complex_kind_is_refused),
		T(test_encrypted_device_is_refused),
		T(test_multipath_and_its_partition),
		T(test_unknown_mapper_kind_is_refused),
		T(test_md_raid),
		T(test_slaves_in_a_circle_end),
		T(test_slaves_stacked_too_deep_are_refused),
		T(test_devices_that_are_no_disk_are_refused),
		T(test_unknown_kernel_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
