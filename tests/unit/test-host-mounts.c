/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/host/host.h"
#include "tests/unit/support-tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static int setup(void **state)
{
	struct tree *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	tree_init(t);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	tree_fini(*state);
	free(*state);
	return 0;
}

#define MOUNTS "/proc/self/mountinfo"

static const char usual[] =
	"22 27 0:21 / /proc rw,nosuid shared:5 - proc proc rw\n"
	"27 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw,errors=remount-ro\n"
	"30 27 8:1 / /var rw,noatime shared:9 - xfs /dev/sda1 rw\n"
	"31 30 8:17 /exports/crash /var/my\\040crash ro shared:10 master:2 - ext4 /dev/sdb1 rw\n"
	"40 27 0:35 /@home /home rw - btrfs /dev/nvme0n1p2 rw,subvolid=257\n"
	"41 27 0:40 / /srv rw - nfs4 10.0.0.2:/export rw,addr=10.0.0.2\n";

static void check(const struct tree *t, const char *path, const char *mountpoint,
		  const char *inside)
{
	struct kd_host_mount m = { 0 };
	struct kd_err err = { 0 };

	if (kd_host_mount_of(t->root, path, &m, &err))
		fail_msg("%s: %s", path, err.msg);
	assert_string_equal(m.mountpoint, mountpoint);
	assert_string_equal(m.path, inside);
	kd_host_mount_fini(&m);
}

static void check_refused(const struct tree *t, const char *path, int code, const char *text)
{
	struct kd_host_mount m = { 0 };
	struct kd_err err = { 0 };

	assert_int_equal(kd_host_mount_of(t->root, path, &m, &err), -code);
	if (!strstr(err.msg, text))
		fail_msg("'%s' is not in '%s'", text, err.msg);
	assert_null(m.mountpoint);
}

static void test_mount_facts(void **state)
{
	const struct tree *t = *state;
	struct kd_host_mount m = { 0 };
	struct kd_err err = { 0 };

	tree_file(t, MOUNTS, "%s", usual);
	assert_int_equal(kd_host_mount_of(t->root, "/var/my crash/dumps", &m, &err), 0);
	assert_string_equal(m.mountpoint, "/var/my crash"); /* \040 decoded */
	assert_string_equal(m.fstype, "ext4");
	assert_string_equal(m.source, "/dev/sdb1");
	assert_string_equal(m.fs_root, "/exports/crash");
	assert_string_equal(m.path, "/exports/crash/dumps");
	assert_int_equal(m.major, 8);
	assert_int_equal(m.minor, 17);
	assert_non_null(strstr(m.options, "ro"));
	kd_host_mount_fini(&m);

	assert_int_equal(kd_host_mount_of(t->root, "/home/x", &m, &err), 0);
	assert_int_equal(m.major, 0);
	assert_string_equal(m.path, "/@home/x");
	kd_host_mount_fini(&m);
}

static void test_mount_of_path_that_does_not_exist(void **state)
{
	tree_file(*state, MOUNTS, "%s", usual);
	check(*state, "/", "/", "/");
	check(*state, "/variable/crash", "/", "/variable/crash"); /* not below /var */
	check(*state, "/var", "/var", "/");
	check(*state, "/var//crash/./a/../b/", "/var", "/crash/b");
	check(*state, "/home", "/home", "/@home");
	check(*state, "/../../etc", "/", "/etc");
}

static void test_mount_follows_links_inside_the_root(void **state)
{
	const struct tree *t = *state;

	tree_file(t, MOUNTS, "%s", usual);
	tree_dir(t, "/var/lib");
	tree_link(t, "/crash", "/var/lib");
	tree_link(t, "/dangling", "/var/not/there");
	tree_link(t, "/var/up", "../etc");
	check(t, "/crash/x", "/var", "/lib/x");
	check(t, "/dangling/x", "/var", "/not/there/x");
	check(t, "/var/up/x", "/", "/etc/x");
}

static void test_mount_link_loop_is_refused(void **state)
{
	tree_file(*state, MOUNTS, "%s", usual);
	tree_link(*state, "/a", "b");
	tree_link(*state, "/b", "a");
	check_refused(*state, "/a/x", KD_USAGE, "too many symbolic links");
}

static void test_mount_stacked_last_one_wins(void **state)
{
	tree_file(*state, MOUNTS,
		  "1 1 0:2 / / rw - rootfs rootfs rw\n"
		  "27 1 254:1 / / rw - ext4 /dev/vda1 rw\n"
		  "28 27 254:2 / /var rw - ext4 /dev/vda2 rw\n"
		  "29 28 254:3 / /var rw - xfs /dev/vda3 rw\n");
	check(*state, "/var/crash", "/var", "/crash");

	struct kd_host_mount m = { 0 };
	assert_int_equal(kd_host_mount_of(((struct tree *)*state)->root, "/var/crash", &m, NULL),
			 0);
	assert_int_equal(m.minor, 3);
	kd_host_mount_fini(&m);
}

/* /var/crash was mounted first, then another file system on /var: it hides the inner one. */
static void test_mount_hidden_by_a_parent_does_not_count(void **state)
{
	tree_file(*state, MOUNTS,
		  "27 1 254:1 / / rw - ext4 /dev/vda1 rw\n"
		  "28 27 254:2 / /var/crash rw - ext4 /dev/vda2 rw\n"
		  "29 27 254:3 / /var rw - xfs /dev/vda3 rw\n");
	check(*state, "/var/crash/x", "/var", "/crash/x");
}

static void test_mount_ids_in_a_circle_end(void **state)
{
	tree_file(*state, MOUNTS,
		  "27 1 254:1 / / rw - ext4 /dev/vda1 rw\n"
		  "28 29 254:2 / / rw - ext4 /dev/vda2 rw\n"
		  "29 28 254:3 / / rw - xfs /dev/vda3 rw\n");
	check(*state, "/x", "/", "/x");
}

static void test_mount_on_deleted_directory_is_refused(void **state)
{
	tree_file(*state, MOUNTS,
		  "27 1 254:1 / / rw - ext4 /dev/vda1 rw\n"
		  "28 27 254:1 /tmp/gone//deleted /mnt rw - ext4 /dev/vda1 rw\n");
	check_refused(*state, "/mnt/x", KD_USAGE, "deleted after it was mounted");
}

static void test_mount_bad_input_is_refused(void **state)
{
	const struct tree *t = *state;

	check_refused(t, "var/crash", KD_USAGE, "'var/crash' is not an absolute path");
	check_refused(t, "/var", KD_SYS, "/proc/self/mountinfo");
	tree_file(t, MOUNTS, "27 1 254:1 / / rw - ext4 /dev/vda1 rw\n28 27 what\n");
	check_refused(t, "/var", KD_BADDATA, "/proc/self/mountinfo:2");
	tree_file(t, MOUNTS, "/dev/vda1 / ext4 defaults 0 1\n");
	check_refused(t, "/var", KD_BADDATA, "proc(5)");
	tree_file(t, MOUNTS, "28 27 254:2 / /mnt rw - ext4 /dev/vda2 rw\n");
	check_refused(t, "/var", KD_BADDATA, "no mount holds /var");
	tree_file(t, MOUNTS, "%s", "");
	check_refused(t, "/var", KD_BADDATA, "no mount holds /var");
}

static void test_mountpoint_of_device(void **state)
{
	const struct tree *t = *state;
	struct kd_err err = { 0 };
	char *where = NULL;

	tree_file(t, MOUNTS,
		  "27 1 254:1 / / rw - ext4 /dev/vda1 rw\n"
		  "28 27 254:2 /part /bind rw - ext4 /dev/vda2 rw\n"
		  "29 27 254:2 / /hidden/x rw - ext4 /dev/vda2 rw\n"
		  "30 27 254:3 / /hidden rw - ext4 /dev/vda3 rw\n"
		  "31 27 254:2 / /mnt rw - ext4 /dev/vda2 rw\n");
	assert_int_equal(kd_host_mountpoint_of(t->root, 254, 2, &where, &err), 1);
	assert_string_equal(where, "/mnt");
	free(where);
	where = NULL;
	assert_int_equal(kd_host_mountpoint_of(t->root, 254, 9, &where, &err), 0);
	assert_null(where);
	tree_file(t, MOUNTS, "27 1 nonsense\n");
	assert_int_equal(kd_host_mountpoint_of(t->root, 254, 2, &where, &err), -KD_BADDATA);
}

static void test_fstype_is_local_disk(void **state)
{
	assert_true(kd_host_fstype_is_local_disk("ext4"));
	assert_true(kd_host_fstype_is_local_disk("xfs"));
	assert_true(kd_host_fstype_is_local_disk("btrfs"));
	assert_false(kd_host_fstype_is_local_disk("overlay"));
	assert_false(kd_host_fstype_is_local_disk("tmpfs"));
	assert_false(kd_host_fstype_is_local_disk("nfs4"));
	assert_false(kd_host_fstype_is_local_disk(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_mount_facts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_mount_of_path_that_does_not_exist, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_mount_follows_links_inside_the_root, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_mount_link_loop_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_mount_stacked_last_one_wins, setup, teardown),
		cmocka_unit_test_setup_teardown(test_mount_hidden_by_a_parent_does_not_count, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_mount_ids_in_a_circle_end, setup, teardown),
		cmocka_unit_test_setup_teardown(test_mount_on_deleted_directory_is_refused, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_mount_bad_input_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_mountpoint_of_device, setup, teardown),
		cmocka_unit_test(test_fstype_is_local_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
