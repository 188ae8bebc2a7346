/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finding a target in a made-up /sys and /dev. */
#include "capture-initrd/init/internal.h"

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define UUID_TEXT  "4a4b4c4d-3435-3637-3839-616263646566"
#define UUID_UPPER "4A4B4C4D-3435-3637-3839-616263646566"

struct fixture {
	char dir[40];
	struct kd_init init;
	int pipe_read;
};

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static void put(const struct fixture *f, const char *path, const char *text)
{
	struct kd_err err = { 0 };
	KD_AUTO(kd_freep) char *parent = strdup(path);

	*strrchr(parent, '/') = '\0';
	assert_int_equal(kd_root_mkdirs(f->init.root, parent, 0700, &err), 0);
	assert_int_equal(kd_root_write(f->init.root, path, text, strlen(text), 0600, &err), 0);
}

/* A disk: sysfs directory, link from /sys/class/block, device node (a plain file here). */
static void add_device(const struct fixture *f, const char *sys_path, const char *size)
{
	const char *name = strrchr(sys_path, '/') + 1;
	char path[200], to[200];

	snprintf(path, sizeof(path), "/sys/devices/%s/size", sys_path);
	put(f, path, size);
	snprintf(path, sizeof(path), "%s/sys/class/block/%s", f->dir, name);
	snprintf(to, sizeof(to), "../../devices/%s", sys_path);
	assert_int_equal(symlink(to, path), 0);
	snprintf(path, sizeof(path), "/dev/%s", name);
	for (char *p = path; *p; p++)
		if (*p == '!')
			*p = '/';
	put(f, path, "");
}

static void add_attribute(const struct fixture *f, const char *sys_path, const char *attr,
			  const char *text)
{
	char path[200];

	snprintf(path, sizeof(path), "/sys/devices/%s/%s", sys_path, attr);
	put(f, path, text);
}

/* An ext4 superblock, as far as it is looked at. */
static void format_ext(const struct fixture *f, const char *dev, const char *label)
{
	struct kd_err err = { 0 };
	uint8_t sb[1024] = { [0x18] = 2, [0x38] = 0x53, [0x39] = 0xef };
	KD_AUTO(kd_closep) int fd = kd_root_openat(f->init.root, dev, O_WRONLY, 0, &err);

	memcpy(sb + 0x68, "JKLM456789abcdef", 16);
	memcpy(sb + 0x78, label, strlen(label));
	assert_int_equal(kd_pwrite_full(fd, sb, sizeof(sb), 1024, dev, &err), 0);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct kd_err err = { 0 };
	int ends[2];

	snprintf(f->dir, sizeof(f->dir), "/tmp/kd-target-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	assert_int_equal(kd_root_open(f->dir, &f->init.root, &err), 0);
	assert_int_equal(kd_root_mkdirs(f->init.root, "/sys/class/block", 0700, &err), 0);
	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	f->pipe_read = ends[0];
	f->init.kmsg_fd = ends[1];
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	kd_root_close(f->init.root);
	close(f->pipe_read);
	close(f->init.kmsg_fd);
	nftw(f->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}

static struct kd_plan_target target(enum kd_id_kind kind, const char *id)
{
	return (struct kd_plan_target){ .fstype = "ext4",
					.id_kind = kind,
					.id = (char *)id,
					.mount_options = "",
					.dir = "/var/crash" };
}

static int find(const struct fixture *f, enum kd_id_kind kind, const char *id,
		char name[KD_BLOCK_NAME_BYTES])
{
	struct kd_plan_target t = target(kind, id);
	struct kd_err err = { 0 };
	size_t count = 0;

	name[0] = '\0';
	return kd_init_target_find(f->init.root, &t, name, &count, &err);
}

static void add_two_disks(const struct fixture *f)
{
	add_device(f, "pci0/vda", "2048\n");
	add_device(f, "pci0/vda/vda1", "1024\n");
	add_device(f, "pci0/vdb", "2048\n");
	format_ext(f, "/dev/vda1", "crash");
}

static void test_by_uuid_in_any_case(void **state)
{
	char name[KD_BLOCK_NAME_BYTES];

	add_two_disks(*state);
	assert_int_equal(find(*state, KD_ID_UUID, UUID_TEXT, name), 1);
	assert_string_equal(name, "vda1");
	assert_int_equal(find(*state, KD_ID_UUID, UUID_UPPER, name), 1);
	assert_int_equal(find(*state, KD_ID_UUID, "4a4b4c4d-3435-3637-3839-616263646567", name), 0);
	assert_int_equal(find(*state, KD_ID_UUID, "4a4b4c4d-3435-3637-3839-61626364656", name), 0);
}

static void test_by_label_exactly(void **state)
{
	char name[KD_BLOCK_NAME_BYTES];

	add_two_disks(*state);
	assert_int_equal(find(*state, KD_ID_LABEL, "crash", name), 1);
	assert_string_equal(name, "vda1");
	assert_int_equal(find(*state, KD_ID_LABEL, "Crash", name), 0);
	assert_int_equal(find(*state, KD_ID_LABEL, "cras", name), 0);
}

static void test_by_device_name(void **state)
{
	char name[KD_BLOCK_NAME_BYTES];

	add_two_disks(*state);
	assert_int_equal(find(*state, KD_ID_DEVICE, "/dev/vdb", name), 1);
	assert_string_equal(name, "vdb");
	assert_int_equal(find(*state, KD_ID_DEVICE, "/dev/vdc", name), 0);
}

static void test_device_in_a_subdirectory(void **state)
{
	char name[KD_BLOCK_NAME_BYTES], path[KD_BLOCK_NAME_BYTES + 8];

	add_device(*state, "pci0/cciss!c0d0", "2048\n");
	format_ext(*state, "/dev/cciss/c0d0", "crash");
	assert_int_equal(find(*state, KD_ID_UUID, UUID_TEXT, name), 1);
	kd_init_device_path(name, path);
	assert_string_equal(path, "/dev/cciss/c0d0");
	assert_int_equal(find(*state, KD_ID_DEVICE, "/dev/cciss/c0d0", name), 1);
}

static void test_by_serial_of_disk_and_partition(void **state)
{
	char name[KD_BLOCK_NAME_BYTES];

	add_two_disks(*state);
	add_attribute(*state, "pci0/vda", "serial", "KD-1\n");
	add_attribute(*state, "pci0/vda/vda1", "partition", "1\n");
	assert_int_equal(find(*state, KD_ID_SERIAL, "KD-1", name), 1);
	assert_string_equal(name, "vda");
	assert_int_equal(find(*state, KD_ID_SERIAL, "KD-1-part1", name), 1);
	assert_string_equal(name, "vda1");
	assert_int_equal(find(*state, KD_ID_SERIAL, "KD-1-part2", name), 0);
}

static void test_by_wwid_below_device_with_padding(void **state)
{
	char name[KD_BLOCK_NAME_BYTES];

	add_two_disks(*state);
	add_attribute(*state, "pci0/vdb", "device/wwid", "  t10.ATA disk 7   \n");
	assert_int_equal(find(*state, KD_ID_WWID, "t10.ATA disk 7", name), 1);
	assert_string_equal(name, "vdb");
	assert_int_equal(find(*state, KD_ID_WWID, "", name), 0);
}

static void test_empty_and_hopeless_devices_are_left_alone(void **state)
{
	char name[KD_BLOCK_NAME_BYTES];

	add_device(*state, "virtual/loop0", "2048\n");
	add_device(*state, "pci0/sr0", "2048\n");
	add_device(*state, "pci0/sda", "0\n");
	format_ext(*state, "/dev/loop0", "crash");
	format_ext(*state, "/dev/sr0", "crash");
	format_ext(*state, "/dev/sda", "crash");
	assert_int_equal(find(*state, KD_ID_UUID, UUID_TEXT, name), 0);
}

static void test_of_several_the_first_by_name(void **state)
{
	struct fixture *f = *state;
	struct kd_plan_target t = target(KD_ID_UUID, UUID_TEXT);
	struct kd_err err = { 0 };
	char name[KD_BLOCK_NAME_BYTES], said[200] = "";
	size_t count = 0;

	add_device(f, "pci0/vdb10", "2048\n");
	add_device(f, "pci0/vdb9", "2048\n");
	format_ext(f, "/dev/vdb10", "crash");
	format_ext(f, "/dev/vdb9", "crash");
	assert_int_equal(kd_init_target_find(f->init.root, &t, name, &count, &err), 1);
	assert_int_equal(count, 2);
	assert_string_equal(name, "vdb9");
	assert_int_equal(kd_init_target_wait(&f->init, &t, 1000, name, &err), 0);
	assert_string_equal(name, "vdb9");
	assert_true(read(f->pipe_read, said, sizeof(said) - 1) > 0);
	assert_non_null(strstr(said, "2 devices have uuid=" UUID_TEXT ", using vdb9"));
}

static void test_device_without_a_node_is_not_found(void **state)
{
	struct fixture *f = *state;
	struct kd_err err = { 0 };
	char name[KD_BLOCK_NAME_BYTES];

	add_two_disks(f);
	assert_int_equal(kd_root_unlink(f->init.root, "/dev/vda1", &err), 0);
	assert_int_equal(find(f, KD_ID_UUID, UUID_TEXT, name), 0);
}

static void test_uuid_of_unreadable_kind_is_refused_at_once(void **state)
{
	struct fixture *f = *state;
	struct kd_plan_target t = target(KD_ID_UUID, "1234-ABCD");
	struct kd_err err = { 0 };
	char name[KD_BLOCK_NAME_BYTES];
	uint64_t start = kd_monotonic_ms();

	t.fstype = "vfat";
	assert_int_equal(kd_init_target_wait(&f->init, &t, 5000, name, &err), -KD_NOTSUP);
	assert_true(kd_monotonic_ms() - start < 3000);
	assert_non_null(strstr(err.msg, "cannot read the uuid of a vfat file system"));
	assert_non_null(strstr(err.msg, "name its device by serial or wwid"));
}

static void test_wait_that_ends_in_vain_says_what_is_there(void **state)
{
	struct fixture *f = *state;
	struct kd_plan_target t = target(KD_ID_LABEL, "elsewhere");
	struct kd_err err = { 0 };
	char name[KD_BLOCK_NAME_BYTES];
	uint64_t start = kd_monotonic_ms();

	assert_int_equal(kd_init_target_wait(&f->init, &t, 40, name, &err), -KD_AGAIN);
	assert_true(kd_monotonic_ms() - start >= 40);
	assert_string_equal(err.msg, "no ext4 file system with label=elsewhere appeared within 40 "
				     "ms; block devices present: none");
	add_two_disks(f);
	assert_int_equal(kd_init_target_wait(&f->init, &t, 0, name, &err), -KD_AGAIN);
	assert_non_null(strstr(err.msg, "present: vda vda1 vdb"));
}

struct late {
	const struct fixture *f;
};

static int appear_late(void *arg)
{
	const struct late *late = arg;
	const struct timespec pause = { .tv_nsec = 60 * 1000000L };

	nanosleep(&pause, NULL);
	add_two_disks(late->f);
	return 0;
}

static void test_wait_sees_a_device_come(void **state)
{
	struct fixture *f = *state;
	struct kd_plan_target t = target(KD_ID_UUID, UUID_TEXT);
	struct kd_err err = { 0 };
	struct late late = { .f = f };
	char name[KD_BLOCK_NAME_BYTES];
	pid_t pid = fork();

	if (pid == 0)
		_exit(appear_late(&late));
	assert_int_equal(kd_init_target_wait(&f->init, &t, 20000, name, &err), 0);
	assert_string_equal(name, "vda1");
	struct kd_child_end end = { 0 };
	assert_int_equal(kd_init_wait(pid, 20000, &end, &err), 0);
}

static void test_missing_sysfs_is_an_error(void **state)
{
	struct fixture *f = *state;
	char name[KD_BLOCK_NAME_BYTES], path[80];

	snprintf(path, sizeof(path), "%s/sys/class/block", f->dir);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(find(f, KD_ID_UUID, UUID_TEXT, name), -KD_SYS);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_by_uuid_in_any_case),
		TEST(test_by_label_exactly),
		TEST(test_by_device_name),
		TEST(test_device_in_a_subdirectory),
		TEST(test_by_serial_of_disk_and_partition),
		TEST(test_by_wwid_below_device_with_padding),
		TEST(test_empty_and_hopeless_devices_are_left_alone),
		TEST(test_of_several_the_first_by_name),
		TEST(test_device_without_a_node_is_not_found),
		TEST(test_uuid_of_unreadable_kind_is_refused_at_once),
		TEST(test_wait_that_ends_in_vain_says_what_is_there),
		TEST(test_wait_sees_a_device_come),
		TEST(test_missing_sysfs_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
