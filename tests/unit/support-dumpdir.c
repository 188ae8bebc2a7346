/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/support-dumpdir.h"

#include "tests/unit/support-tree.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

int dumpdir_setup(void **state)
{
	struct dumpdir_fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	snprintf(f->dir, sizeof(f->dir), "/tmp/kd-test-dumpdir-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	f->parent_fd = open(f->dir, O_RDONLY | O_DIRECTORY);
	assert_true(f->parent_fd >= 0);
	f->dir_fd = kd_dumpdir_create(f->parent_fd, "127.0.0.1", NOW, f->name, &f->err);
	assert_true(f->dir_fd >= 0);
	*state = f;
	return 0;
}

int dumpdir_teardown(void **state)
{
	struct dumpdir_fixture *f = *state;

	close(f->dir_fd);
	close(f->parent_fd);
	tree_remove(f->dir);
	free(f);
	return 0;
}

void write_new(struct dumpdir_fixture *f, const char *name, const char *text)
{
	if (kd_dumpdir_write_new(f->dir_fd, name, text, strlen(text), &f->err))
		fail_msg("%s", f->err.msg);
}

mode_t mode_of(int dir_fd, const char *name)
{
	struct stat st;

	assert_int_equal(fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW), 0);
	return st.st_mode & 07777;
}

const struct kd_hashed_extent manifest_parts[3] = {
	{ .off = 0, .len_bytes = 2, .xxh3 = 0xf },
	{ .off = 2, .len_bytes = 1, .xxh3 = 0xfedcba9876543210 },
	{ .off = 4, .len_bytes = 1, .xxh3 = 0 },
};

void fill_manifest(struct dumpdir_fixture *f, struct kd_manifest *m)
{
	*m = (struct kd_manifest){
		.outcome = KD_OUTCOME_SAVED,
		.created = "2026-11-20T12:21:40Z",
		.kernel_release = "6.1.0-18-amd64",
		.crash_time = NOW,
		.collector = "makedumpfile -l -d 31",
		.target = "ext4 LABEL=d\xc3\xa9p\xc3\xb4t /var/crash",
	};
	write_new(f, "vmcore", "core\n");
	write_new(f, "vmcore-dmesg.txt", "");
	kd_manifest_add_stage(m, "init", 1234);
	kd_manifest_add_stage(m, "dmesg", 2345);
	assert_int_equal(kd_manifest_add_file(m, f->dir_fd, "vmcore", &f->err), 0);
	assert_int_equal(kd_manifest_add_file(m, f->dir_fd, "vmcore-dmesg.txt", &f->err), 0);
	m->engine = (struct kd_manifest_engine){
		.used = true,
		.pages = 9000,
		.zero_pages = 800,
		.shared_pages = 70,
		.bad_pages = 6,
		.bad = { { .pfn = 1ull << 40, .pages = 5 }, { .pfn = 77, .pages = 1 } },
		.bad_count = 2,
		.digests_xxh3 = "0123456789abcdef",
	};
	kd_manifest_add_remark(m, "free pages were kept: %s", "the map contradicts itself");
	assert_int_equal(
		kd_manifest_set_extents(m, manifest_parts, KD_ARRAY_LEN(manifest_parts), &f->err),
		0);
}
