/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "capture-initrd/build/build.h"
#include "capture-initrd/build/elfdeps.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#define INIT   "/usr/lib/kdumpkit/kdump-init"
#define MODULE "/lib/modules/6.1/virtio_blk.ko"

struct tree {
	char dir[64];
	struct kd_root *root;
	struct kd_plan plan;
};

static void run(char *const argv[])
{
	struct kd_child_opts opts = { .stdin_fd = -1, .stdout_fd = -1, .stderr_fd = 2 };
	struct kd_child_end end = { 0 };

	assert_int_equal(kd_child_run(argv, &opts, &end, NULL), 0);
	assert_int_equal(end.code, 0);
}

static void put(struct tree *t, const char *path, const void *data, size_t len)
{
	char parent[256];

	snprintf(parent, sizeof(parent), "%s", path);
	*strrchr(parent, '/') = '\0';
	assert_int_equal(kd_root_mkdirs(t->root, parent, 0755, NULL), 0);
	assert_int_equal(kd_root_write(t->root, path, data, len, 0755, NULL), 0);
}

/* A program of this machine with all it needs, put where the dynamic linker would look. */
static void put_program(struct tree *t, const char *from, const char *to)
{
	KD_AUTO(kd_root_closep) struct kd_root *host = NULL;
	KD_AUTO(kd_strv_fini) struct kd_strv files = { 0 };
	KD_AUTO(kd_freep) char *bytes = NULL;
	size_t len = 0;

	assert_int_equal(kd_root_open("/", &host, NULL), 0);
	assert_int_equal(kd_elfdeps_collect(host, from, &files, NULL), 0);
	assert_true(files.n >= 2); /* libc and the interpreter */
	assert_int_equal(kd_root_read(host, from, 64 << 20, &bytes, &len, NULL), 0);
	put(t, to, bytes, len);
	for (size_t i = 0; i < files.n; i++) {
		KD_AUTO(kd_freep) char *lib = NULL;
		assert_int_equal(kd_root_read(host, files.v[i], 64 << 20, &lib, &len, NULL), 0);
		put(t, files.v[i], lib, len);
	}
}

static int set_up(void **state)
{
	static const uint8_t elf[64] = { 0x7f, 'E', 'L', 'F', 2, 1, 1 };
	struct tree *t = calloc(1, sizeof(*t));
	struct kd_plan_target target = { .fstype = (char *)"ext4",
					 .id_kind = KD_ID_UUID,
					 .id = (char *)"03138356-5e61-4ab3-b58e-27507ac41937",
					 .mount_options = (char *)"",
					 .dir = (char *)"/var/crash" };

	*state = t;
	snprintf(t->dir, sizeof(t->dir), "/tmp/kd-build-XXXXXX");
	assert_non_null(mkdtemp(t->dir));
	assert_int_equal(kd_root_open(t->dir, &t->root, NULL), 0);
	put(t, INIT, "init bytes", 10);
	put(t, MODULE, elf, sizeof(elf));
	put_program(t, "/bin/true", "/usr/bin/makedumpfile");
	put(t, "/boot/config-6.1", "A=y\nCONFIG_RD_GZIP=y\nCONFIG_RD_ZSTD=y\n", 38);

	t->plan = (struct kd_plan){ .deadline_s = 600, .target_timeout_s = 60 };
	assert_int_equal(kd_strdup(&t->plan.kernel_release, "6.1", NULL), 0);
	assert_int_equal(kd_strdup(&t->plan.host_tag, "127.0.0.1", NULL), 0);
	assert_int_equal(kd_strv_add(&t->plan.collector, "/usr/bin/makedumpfile", NULL), 0);
	assert_int_equal(kd_plan_add_module(&t->plan, MODULE, "", NULL), 0);
	assert_int_equal(kd_plan_add_target(&t->plan, &target, NULL), 0);
	return 0;
}

static int tear_down(void **state)
{
	struct tree *t = *state;
	char *argv[] = { (char *)"/bin/rm", (char *)"-rf", t->dir, NULL };

	run(argv);
	kd_root_close(t->root);
	kd_plan_fini(&t->plan);
	free(t);
	return 0;
}

static int build(struct tree *t, enum kd_image_codec codec, struct kd_err *err)
{
	struct kd_image_stats stats = { 0 };
	int fd = memfd_create("image", MFD_CLOEXEC);

	assert_true(fd >= 0);
	int rc = kd_image_build(t->root, &t->plan, INIT, codec, fd, &stats, err);
	if (rc) {
		close(fd);
		return rc;
	}
	assert_int_equal(stats.image_bytes, lseek(fd, 0, SEEK_END));
	assert_true(stats.file_count >= 6); /* init, plan, module, collector, libc, ld.so */
	return fd;
}

static void test_same_inputs_give_the_same_bytes(void **state)
{
	static const enum kd_image_codec codecs[] = { KD_IMAGE_NONE, KD_IMAGE_GZIP, KD_IMAGE_ZSTD };
	char first[KD_SHA256_HEX_BYTES], second[KD_SHA256_HEX_BYTES];

	for (size_t i = 0; i < KD_ARRAY_LEN(codecs); i++) {
		KD_AUTO(kd_closep) int a = build(*state, codecs[i], NULL);
		/* another second: a time stamp anywhere would show */
		usleep(1100000);
		KD_AUTO(kd_closep) int b = build(*state, codecs[i], NULL);
		assert_int_equal(kd_sha256_fd(a, "a", first, NULL, NULL), 0);
		assert_int_equal(kd_sha256_fd(b, "b", second, NULL, NULL), 0);
		assert_string_equal(first, second);
	}
}

static void test_image_reads_back_whole_in_every_codec(void **state)
{
	static const enum kd_image_codec codecs[] = { KD_IMAGE_NONE, KD_IMAGE_GZIP, KD_IMAGE_ZSTD };
	struct tree *t = *state;

	for (size_t i = 0; i < KD_ARRAY_LEN(codecs); i++) {
		KD_AUTO(kd_closep) int fd = build(t, codecs[i], NULL);
		KD_AUTO(kd_plan_fini) struct kd_plan plan = { 0 };
		assert_int_equal(kd_image_check(fd, "image", &plan, NULL), 0);
		assert_string_equal(plan.targets[0].id, t->plan.targets[0].id);
	}
}

static void test_codec_follows_the_kernels_configuration(void **state)
{
	struct tree *t = *state;

	assert_int_equal(kd_image_codec_for(t->root, "/boot/config-6.1"), KD_IMAGE_ZSTD);
	put(t, "/boot/config-6.1", "A=y\nCONFIG_RD_GZIP=y\n# CONFIG_RD_ZSTD is not set\n", 49);
	assert_int_equal(kd_image_codec_for(t->root, "/boot/config-6.1"), KD_IMAGE_GZIP);
	assert_int_equal(kd_image_codec_for(t->root, "/boot/none"), KD_IMAGE_NONE);
}

static void expect_build_error(struct tree *t, int want, const char *text)
{
	struct kd_err err = { 0 };

	assert_int_equal(build(t, KD_IMAGE_ZSTD, &err), want);
	if (!strstr(err.msg, text))
		fail_msg("'%s' not in '%s'", text, err.msg);
}

static void test_missing_inputs_are_named(void **state)
{
	struct tree *t = *state;

	assert_int_equal(kd_root_unlink(t->root, MODULE, NULL), 0);
	expect_build_error(t, -KD_USAGE, "reinstall the kernel's modules");
	assert_int_equal(kd_root_unlink(t->root, INIT, NULL), 0);
	expect_build_error(t, -KD_USAGE, "kdump-init, the capture init, is missing");
}

static void test_collector_must_be_a_program(void **state)
{
	struct tree *t = *state;

	put(t, "/usr/bin/makedumpfile", "#!/bin/sh\n", 10);
	expect_build_error(t, -KD_BADDATA, "/usr/bin/makedumpfile is not an ELF program");
	assert_int_equal(kd_root_unlink(t->root, "/usr/bin/makedumpfile", NULL), 0);
	expect_build_error(t, -KD_USAGE, "install makedumpfile");
}

static void test_a_shell_is_packed_only_where_it_is_asked_for(void **state)
{
	struct tree *t = *state;
	struct kd_plan plan = { 0 };

	put_program(t, "/bin/true", "/usr/bin/busybox");
	KD_AUTO(kd_closep) int without = build(t, KD_IMAGE_ZSTD, NULL);
	t->plan.failure_action = KD_ACTION_SHELL;
	KD_AUTO(kd_closep) int with = build(t, KD_IMAGE_ZSTD, NULL);
	assert_int_equal(kd_image_check(with, "with", &plan, NULL), 0);
	assert_int_equal(plan.failure_action, KD_ACTION_SHELL);
	kd_plan_fini(&plan);
	uint64_t small = 0, large = 0;
	assert_int_equal(kd_image_unpacked(without, "without", &small, NULL), 0);
	assert_int_equal(kd_image_unpacked(with, "with", &large, NULL), 0);
	assert_true(large > small);

	assert_int_equal(kd_root_unlink(t->root, "/usr/bin/busybox", NULL), 0);
	expect_build_error(t, -KD_USAGE, "install busybox, or choose another action");
}

static void expect_check_error(int fd, const char *text)
{
	struct kd_plan plan = { 0 };
	struct kd_err err = { 0 };

	assert_int_equal(kd_image_check(fd, "/boot/image", &plan, &err), -KD_BADDATA);
	if (!strstr(err.msg, text) || !strstr(err.msg, "kdumpctl rebuild"))
		fail_msg("'%s' and the remedy not in '%s'", text, err.msg);
}

static void test_image_cut_short_is_refused(void **state)
{
	KD_AUTO(kd_closep) int fd = build(*state, KD_IMAGE_ZSTD, NULL);
	off_t size = lseek(fd, 0, SEEK_END);

	for (off_t cut = size - 1; cut > 0; cut = cut * 2 / 3) {
		assert_int_equal(ftruncate(fd, cut), 0);
		expect_check_error(fd, "/boot/image");
	}
}

static void test_plan_cut_short_in_the_image_is_refused(void **state)
{
	KD_AUTO(kd_closep) int fd = build(*state, KD_IMAGE_NONE, NULL);
	char *bytes = NULL;
	size_t len = 0;

	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(kd_read_all(fd, 64 << 20, &bytes, &len, "image", NULL), 0);
	/* the plan's last line, not the one of any other file */
	char *at = memmem(bytes, len, "kdumpkit-plan 1", 15);
	assert_non_null(at);
	at = memmem(at, len - (size_t)(at - bytes), "\nend\n", 5);
	assert_non_null(at);
	assert_int_equal(kd_pwrite_full(fd, "\n   \n", 5, (uint64_t)(at - bytes), "image", NULL),
			 0);
	free(bytes);
	expect_check_error(fd, "/plan");
}

static void test_foreign_initrd_is_refused(void **state)
{
	int fd = memfd_create("x", MFD_CLOEXEC);

	assert_int_equal(kd_write_full(fd, "not an archive at all", 21, "x", NULL), 0);
	expect_check_error(fd, "/boot/image");
	close(fd);
}

static void test_static_programs_need_nothing(void **state)
{
	KD_AUTO(kd_root_closep) struct kd_root *host = NULL;
	KD_AUTO(kd_strv_fini) struct kd_strv files = { 0 };

	if (access("/bin/busybox", R_OK) != 0)
		skip();
	assert_int_equal(kd_root_open("/", &host, NULL), 0);
	assert_int_equal(kd_elfdeps_collect(host, "/bin/busybox", &files, NULL), 0);
	assert_int_equal(files.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_same_inputs_give_the_same_bytes, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_image_reads_back_whole_in_every_codec, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_codec_follows_the_kernels_configuration,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_missing_inputs_are_named, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_collector_must_be_a_program, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_a_shell_is_packed_only_where_it_is_asked_for,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_image_cut_short_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_plan_cut_short_in_the_image_is_refused, set_up,
						tear_down),
		cmocka_unit_test(test_foreign_initrd_is_refused),
		cmocka_unit_test(test_static_programs_need_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
