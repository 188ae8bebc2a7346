/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A captured machine (tests/fixtures/README.md): the whole of lib/host on real files. */
#include "lib/host/host.h"
#include "tests/unit/support-tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define RELEASE "6.1.0-56-amd64"

/* Aliases as Debian's kernel of that release has them. */
static const struct tree_module all[] = {
	{ .file = "virtio_pci.ko", .modinfo = "alias=pci:v00001AF4d*sv*sd*bc*sc*i*" },
	{ .file = "virtio_blk.ko", .modinfo = "alias=virtio:d00000002v*" },
	{ .file = "nvme-core.ko", .exports = "nvme_init_ctrl" },
	{ .file = "nvme.ko",
	  .modinfo = "alias=pci:v*d*sv*sd*bc01sc08i02*",
	  .imports = "nvme_init_ctrl" },
	{ .file = "ahci.ko", .modinfo = "alias=pci:v*d*sv*sd*bc01sc06i01*" },
	{ .file = "sd_mod.ko", .modinfo = "alias=scsi:t-0x00*" },
	{ .file = "shpchp.ko", .modinfo = "alias=pci:v*d*sv*sd*bc06sc04i*" },
};

static int setup(void **state)
{
	struct tree *t = calloc(1, sizeof(*t));
	char *argv[] = { (char *)"/bin/cp",
			 (char *)"-R",
			 (char *)"-P",
			 (char *)"tests/fixtures/qemu-q35-6.1/.",
			 NULL,
			 NULL };
	const struct kd_child_opts opts = { .stdin_fd = -1, .stdout_fd = -1, .stderr_fd = -1 };
	struct kd_child_end end = { 0 };

	assert_non_null(t);
	tree_init(t);
	argv[4] = t->dir;
	assert_int_equal(kd_child_run(argv, &opts, &end, NULL), 0);
	assert_true(end.exited && end.code == 0);
	tree_modules(t, "/lib/modules/" RELEASE, all, KD_ARRAY_LEN(all));
	tree_depmod(t, RELEASE);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	tree_fini(*state);
	free(*state);
	return 0;
}

static void test_fixture_crash_facts(void **state)
{
	const struct tree *t = *state;
	struct kd_host_crash_facts f = { 0 };
	struct kd_host_number apicid = { 0 };
	struct kd_host_kernel k = { 0 };

	assert_int_equal(kd_host_crash_facts(t->root, &f, NULL), 0);
	assert_true(f.supported);
	assert_true(f.loaded.known && !f.loaded.value);
	assert_true(f.size_bytes.known);
	assert_int_equal(f.size_bytes.value, 128 << 20);
	assert_true(f.load_disabled.known && !f.load_disabled.value);
	assert_int_equal(f.lockdown, KD_HOST_LOCKDOWN_NONE);
	assert_int_equal(f.range_count, 1);
	assert_int_equal(f.ranges[0].end - f.ranges[0].start + 1, 128 << 20);
	assert_true(f.ram_is_exact);
	assert_int_equal(f.ram_bytes.value, 1073134592);
	assert_int_equal(kd_host_cpu0_apicid(t->root, &apicid, NULL), 0);
	assert_true(apicid.known && apicid.value == 0);
	assert_int_equal(kd_host_uname(t->root, &k, NULL), 0);
	assert_string_equal(k.release, RELEASE);
	assert_string_equal(k.machine, "x86_64");
	assert_string_equal(k.cmdline, "console=ttyS0 crashkernel=128M root=/dev/vda1 panic=10");
	kd_host_kernel_fini(&k);
}

static void test_fixture_mounts(void **state)
{
	const struct tree *t = *state;
	struct kd_host_mount m = { 0 };
	char *where = NULL;

	assert_int_equal(kd_host_mount_of(t->root, "/var/crash", &m, NULL), 0);
	assert_string_equal(m.fstype, "ext4");
	assert_string_equal(m.path, "/crash");
	assert_int_equal(m.major, 254);
	assert_int_equal(m.minor, 1);
	kd_host_mount_fini(&m);
	assert_int_equal(kd_host_mount_of(t->root, "/etc", &m, NULL), 0);
	assert_string_equal(m.fstype, "rootfs");
	kd_host_mount_fini(&m);
	assert_int_equal(kd_host_mountpoint_of(t->root, 259, 4, &where, NULL), 1);
	assert_string_equal(where, "/srv");
	free(where);
}

static void check_device(const struct tree *t, const char *path, const char *serial,
			 const char *wwid, const char *modules)
{
	struct kd_host_device d = { 0 };
	struct kd_strv names = { 0 };
	struct kd_buf got = { 0 };
	struct kd_err err = { 0 };

	if (kd_host_resolve_device(t->root, path, &d, &err))
		fail_msg("%s", err.msg);
	assert_string_equal(d.serial ? d.serial : "", serial);
	assert_string_equal(d.wwid ? d.wwid : "", wwid);
	if (kd_host_device_modules(t->root, d.major, d.minor, RELEASE, &names, &err))
		fail_msg("%s", err.msg);
	kd_buf_puts(&got, "");
	for (size_t i = 0; i < names.n; i++)
		kd_buf_printf(&got, "%s%s", i ? " " : "", names.v[i]);
	assert_string_equal(got.p, modules);
	kd_buf_fini(&got);
	kd_strv_fini(&names);
	kd_host_device_fini(&d);
}

static void test_fixture_devices(void **state)
{
	const struct tree *t = *state;

	check_device(t, "/dev/vda1", "kd-virtio", "", "virtio_pci virtio_blk");
	check_device(t, "/dev/sda1", "",
		     "t10.ATA     QEMU HARDDISK                           kd-sata", "ahci sd_mod");
	check_device(t, "/dev/nvme1n1p1", "kd-nvme-0",
		     "nvme.1b36-6b642d6e766d652d30-51454d55204e564d65204374726c-00000001", "nvme");
	check_device(t, "/dev/nvme0n1p1", "kd-nvme-1",
		     "nvme.1b36-6b642d6e766d652d31-51454d55204e564d65204374726c-00000001", "nvme");
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_fixture_crash_facts),
		T(test_fixture_mounts),
		T(test_fixture_devices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
