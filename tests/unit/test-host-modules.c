/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Modules of a capture kernel, with indexes made by the real depmod. */
#include "lib/host/host.h"
#include "tests/unit/support-tree.h"

#include <archive.h>
#include <archive_entry.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define RELEASE "6.9.1-test"
#define MODULES "/usr/lib/modules/" RELEASE

static const struct tree_module all[] = {
	{ .file = "kernel/crc32c_generic.ko", .modinfo = "alias=crypto-crc32c alias=crc32c" },
	{ .file = "kernel/crc16.ko", .exports = "crc16" },
	{ .file = "kernel/jbd2.ko", .exports = "jbd2_start" },
	{ .file = "kernel/ext4.ko",
	  .modinfo = "alias=fs-ext4 alias=fs-ext3 softdep=pre:+crypto-crc32c",
	  .imports = "jbd2_start crc16" },
	{ .file = "kernel/virtio.ko", .exports = "virtio_register" },
	{ .file = "kernel/virtio-ring.ko", .imports = "virtio_register", .exports = "vring_add" },
	{ .file = "kernel/virtio_blk.ko", .imports = "vring_add virtio_register" },
	{ .file = "kernel/with_post.ko", .modinfo = "softdep=post:+crc16" },
	/* each wants the other first; and one that does not exist */
	{ .file = "kernel/circle_a.ko", .modinfo = "softdep=pre:+circle_b+no-such-thing" },
	{ .file = "kernel/circle_b.ko", .modinfo = "softdep=pre:+circle_a" },
};

/*
 * A merged /usr with an absolute link, which must not lead to this machine's /usr.
 * depmod -b would follow it there, so it runs with a relative one.
 */
static void index_modules(const struct tree *t)
{
	assert_int_equal(kd_root_unlink(t->root, "/lib", NULL), 0);
	tree_link(t, "/lib", "usr/lib");
	tree_depmod(t, RELEASE);
	assert_int_equal(kd_root_unlink(t->root, "/lib", NULL), 0);
	tree_link(t, "/lib", "/usr/lib");
}

static const char builtin[] = "xfs.alias=fs-xfs\0xfs.license=GPL";

static int setup(void **state)
{
	struct tree *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	tree_init(t);
	*state = t;
	tree_modules(t, MODULES, all, KD_ARRAY_LEN(all));
	tree_file(t, MODULES "/modules.order", "%s", "");
	tree_file(t, MODULES "/modules.builtin",
		  "kernel/fs/xfs/xfs.ko\nkernel/fs/minix/minix.ko\n");
	tree_bytes(t, MODULES "/modules.builtin.modinfo", builtin, sizeof(builtin));
	index_modules(t);
	return 0;
}

static int teardown(void **state)
{
	tree_fini(*state);
	free(*state);
	return 0;
}

/* Closure of the names in @names, as "name name ..." */
static void check_closure(const struct tree *t, const char *names, const char *expect)
{
	struct kd_strv v = { 0 };
	struct kd_host_module *list = NULL;
	struct kd_buf got = { 0 };
	size_t count = 0;
	struct kd_err err = { 0 };

	assert_int_equal(kd_strv_split(&v, names, " ", &err), 0);
	if (kd_host_module_closure(t->root, RELEASE, &v, NULL, &list, &count, &err))
		fail_msg("%s: %s", names, err.msg);
	kd_buf_puts(&got, "");
	for (size_t i = 0; i < count; i++)
		kd_buf_printf(&got, "%s%s", i ? " " : "", list[i].name);
	assert_string_equal(got.p, expect);
	kd_host_modules_free(list, count);
	kd_buf_fini(&got);
	kd_strv_fini(&v);
}

static void check_refused(const struct tree *t, const char *release, const char *name,
			  const char *text)
{
	char *v[] = { (char *)name, NULL };
	const struct kd_strv names = { .v = v, .n = 1 };
	struct kd_host_module *list = NULL;
	size_t count = 99;
	struct kd_err err = { 0 };

	assert_int_equal(
		kd_host_module_closure(t->root, release, &names, NULL, &list, &count, &err),
		-KD_USAGE);
	if (!strstr(err.msg, text))
		fail_msg("'%s' is not in '%s'", text, err.msg);
	assert_null(list);
	assert_int_equal(count, 99);
}

static void test_closure_is_in_load_order(void **state)
{
	const struct tree *t = *state;

	check_closure(t, "virtio_blk", "virtio virtio_ring virtio_blk");
	check_closure(t, "virtio-blk virtio_blk virtio", "virtio virtio_ring virtio_blk");
	check_closure(t, "with_post", "with_post crc16");
	check_closure(t, "", "");
}

static void test_closure_has_soft_dependencies(void **state)
{
	struct kd_host_module *list = NULL;
	char *v[] = { (char *)"ext4", NULL };
	const struct kd_strv names = { .v = v, .n = 1 };
	const struct tree *t = *state;
	size_t count = 0, crc32c = 9, jbd2 = 9, crc16 = 9;

	assert_int_equal(
		kd_host_module_closure(t->root, RELEASE, &names, NULL, &list, &count, NULL), 0);
	assert_int_equal(count, 4);
	for (size_t i = 0; i < count; i++) {
		if (strcmp(list[i].name, "crc32c_generic") == 0)
			crc32c = i;
		if (strcmp(list[i].name, "jbd2") == 0)
			jbd2 = i;
		if (strcmp(list[i].name, "crc16") == 0)
			crc16 = i;
	}
	assert_true(crc32c < 3 && jbd2 < 3 && crc16 < 3);
	assert_string_equal(list[3].name, "ext4");
	assert_string_equal(list[3].path, "/lib/modules/" RELEASE "/kernel/ext4.ko");
	assert_string_equal(list[3].options, "");
	kd_host_modules_free(list, count);
}

static void test_closure_circle_of_soft_dependencies_ends(void **state)
{
	check_closure(*state, "circle_a", "circle_b circle_a");
	check_closure(*state, "circle_b circle_a", "circle_a circle_b");
}

static void test_closure_leaves_out_what_is_built_in(void **state)
{
	check_closure(*state, "xfs crc16 fs-xfs", "crc16");
}

static void test_closure_takes_aliases(void **state)
{
	check_closure(*state, "crypto-crc32c", "crc32c_generic");
}

static void test_closure_unknown_name_is_refused(void **state)
{
	check_refused(*state, RELEASE, "no-such-module",
		      "kernel " RELEASE " has no module no-such-module, and it is not built in");
	check_refused(*state, RELEASE, "no-such-module", "depmod " RELEASE);
}

static void test_closure_without_modules_of_that_kernel_is_refused(void **state)
{
	const struct tree *t = *state;

	check_refused(t, "9.9.9", "ext4", "/lib/modules/9.9.9 does not exist");
	check_refused(t, "../" RELEASE, "ext4", "is not a kernel release");
	check_refused(t, "", "ext4", "is not a kernel release");
	tree_dir(t, "/usr/lib/modules/9.9.9");
	check_refused(t, "9.9.9", "ext4", "modules.dep.bin does not exist: run 'depmod -b ");
}

static void test_closure_missing_file_is_refused(void **state)
{
	const struct tree *t = *state;
	struct kd_err err = { 0 };

	assert_int_equal(kd_root_unlink(t->root, MODULES "/kernel/jbd2.ko", &err), 0);
	check_refused(t, RELEASE, "jbd2",
		      "/lib/modules/" RELEASE "/kernel/jbd2.ko does not exist, though modules.dep");
	/* as a dependency, where libkmod says nothing and gives an empty list */
	check_refused(t, RELEASE, "ext4",
		      "/lib/modules/" RELEASE "/kernel/jbd2.ko does not exist, though modules.dep");
}

static void test_closure_indexes_that_differ_are_refused(void **state)
{
	const struct tree *t = *state;

	tree_file(t, MODULES "/modules.dep", "kernel/ext4.ko: kernel/crc16.ko\n");
	check_refused(t, RELEASE, "ext4", "modules.dep and modules.dep.bin differ on ext4");
	tree_file(t, MODULES "/modules.alias.bin", "%s", "");
	check_refused(t, RELEASE, "ext4", "modules.alias.bin is empty: run 'depmod -b ");
	tree_file(t, MODULES "/modules.alias.bin", "x");
	assert_int_equal(kd_root_unlink(t->root, MODULES "/modules.dep", NULL), 0);
	check_refused(t, RELEASE, "ext4", "modules.dep does not exist: run 'depmod -b ");
}

static void test_closure_without_list_of_built_in_modules(void **state)
{
	const struct tree *t = *state;

	assert_int_equal(kd_root_unlink(t->root, MODULES "/modules.builtin", NULL), 0);
	assert_int_equal(kd_root_unlink(t->root, MODULES "/modules.builtin.modinfo", NULL), 0);
	index_modules(t);
	check_closure(t, "virtio_blk", "virtio virtio_ring virtio_blk");
	check_refused(t, RELEASE, "xfs", "has no module xfs");
}

static void test_closure_of_a_kernel_without_modules(void **state)
{
	const struct tree *t = *state;
	char path[96];

	for (size_t i = 0; i < KD_ARRAY_LEN(all); i++) {
		snprintf(path, sizeof(path), MODULES "/%s", all[i].file);
		assert_int_equal(kd_root_unlink(t->root, path, NULL), 0);
	}
	index_modules(t);
	check_closure(t, "xfs minix", "");
	check_refused(t, RELEASE, "ext4", "has no module ext4");
}

struct said {
	unsigned int count;
	char last[200];
};

static void remember(void *arg, enum kd_log_level level, const char *area, const char *text)
{
	struct said *said = arg;

	said->count++;
	snprintf(said->last, sizeof(said->last), "%s: %s", area, text);
}

static void test_closure_reads_modprobe_d_below_the_root(void **state)
{
	const struct tree *t = *state;
	struct said said = { 0 };
	const struct kd_log log = { .emit = remember, .arg = &said };
	char *v[] = { (char *)"virtio_blk", NULL };
	const struct kd_strv names = { .v = v, .n = 1 };
	struct kd_host_module *list = NULL;
	struct kd_err err = { 0 };
	size_t count = 0;

	tree_file(t, "/etc/modprobe.d/kd.conf",
		  "options virtio_blk num_request_queues=1\n"
		  "options virtio-blk poll_queues=2\n"
		  "blacklist virtio_blk\n"
		  "softdep virtio_ring pre: crc16\n"
		  "install virtio /bin/false\n");
	/* the same name in a later directory is masked; names without .conf are not read */
	tree_file(t, "/usr/lib/modprobe.d/kd.conf", "options virtio_blk masked=1\n");
	tree_file(t, "/usr/lib/modprobe.d/zz.conf", "options virtio_blk last=1\n");
	tree_file(t, "/etc/modprobe.d/kd.conf.bak", "options virtio_blk backup=1\n");
	tree_link(t, "/etc/modprobe.d/off.conf", "/dev/null"); /* what masks a file, */
	tree_link(t, "/etc/modprobe.d/dir.conf", "/usr/lib");  /* or is none */
	tree_file(t, "/usr/lib/modprobe.d/off.conf", "options virtio_blk off=1\n");

	if (kd_host_module_closure(t->root, RELEASE, &names, &log, &list, &count, &err))
		fail_msg("%s", err.msg);
	assert_int_equal(count, 4);
	assert_string_equal(list[3].name, "virtio_blk");
	assert_string_equal(list[3].options, "num_request_queues=1 poll_queues=2 last=1");
	assert_string_equal(list[0].name, "virtio");
	assert_string_equal(list[0].options, "");
	assert_int_equal(said.count, 1);
	assert_string_equal(said.last,
			    "host: module virtio: the 'install' command of modprobe.d is not run");
	kd_host_modules_free(list, count);
}

/* First "module.parameter=..." on this machine's kernel command line. */
static bool own_parameter(char *module, size_t len)
{
	KD_AUTO(kd_root_closep) struct kd_root *root = NULL;
	struct kd_host_kernel k = { 0 };
	struct kd_strv words = { 0 };
	bool found = false;

	if (kd_root_open("/", &root, NULL) || kd_host_uname(root, &k, NULL))
		return false;
	assert_int_equal(kd_strv_split(&words, k.cmdline, " ", NULL), 0);
	for (size_t i = 0; i < words.n && !found; i++) {
		size_t dot = strcspn(words.v[i], ".=");
		found = words.v[i][dot] == '.' && dot > 0 && dot < len &&
			strchr(words.v[i], '=') != NULL;
		if (found)
			snprintf(module, len, "%.*s", (int)dot, words.v[i]);
	}
	kd_strv_fini(&words);
	kd_host_kernel_fini(&k);
	return found;
}

static void test_closure_ignores_this_machines_command_line(void **state)
{
	const struct tree *t = *state;
	char name[64] = "", file[96];
	char *v[] = { name, NULL };
	const struct kd_strv names = { .v = v, .n = 1 };
	const struct tree_module module = { .file = file };
	struct kd_host_module *list = NULL;
	struct kd_err err = { 0 };
	size_t count = 0;

	if (!own_parameter(name, sizeof(name)))
		skip();
	snprintf(file, sizeof(file), "kernel/%s.ko", name);
	tree_modules(t, MODULES, &module, 1);
	tree_file(t, "/etc/modprobe.d/own.conf", "options %s mine=1\n", name);
	index_modules(t);
	if (kd_host_module_closure(t->root, RELEASE, &names, NULL, &list, &count, &err))
		fail_msg("%s", err.msg);
	assert_int_equal(count, 1);
	assert_string_equal(list[0].options, "mine=1");
	kd_host_modules_free(list, count);
}

static void check_fs(const struct tree *t, const char *fstype, const char *expect)
{
	struct kd_strv names = { 0 };
	struct kd_err err = { 0 };

	if (kd_host_fs_modules(t->root, RELEASE, fstype, &names, &err))
		fail_msg("%s: %s", fstype, err.msg);
	assert_int_equal(names.n, *expect ? 1 : 0);
	if (*expect)
		assert_string_equal(names.v[0], expect);
	kd_strv_fini(&names);
}

static void test_fs_modules(void **state)
{
	const struct tree *t = *state;
	struct kd_strv names = { 0 };
	struct kd_err err = { 0 };

	check_fs(t, "ext4", "ext4");
	check_fs(t, "ext3", "ext4");
	check_fs(t, "xfs", "");	  /* built in, known by its alias */
	check_fs(t, "minix", ""); /* built in, known by its name only */
	assert_int_equal(kd_host_fs_modules(t->root, RELEASE, "reiser5", &names, &err), -KD_USAGE);
	assert_non_null(strstr(err.msg, "kernel " RELEASE " cannot mount reiser5"));
	assert_int_equal(kd_host_fs_modules(t->root, RELEASE, "ext*", &names, &err), -KD_USAGE);
	assert_non_null(strstr(err.msg, "'ext*' is not the name of a file system"));
	assert_int_equal(names.n, 0);
}

/* ---- unpack ---- */

static int bare_setup(void **state)
{
	struct tree *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	tree_init(t);
	*state = t;
	return 0;
}

static struct kd_buf module_bytes(void)
{
	const struct tree_module m = { .modinfo = "license=GPL", .exports = "one two three" };
	struct kd_buf bytes = { 0 };

	tree_module_bytes(&m, &bytes);
	return bytes;
}

static void compress(const struct tree *t, const char *path, int (*filter)(struct archive *),
		     const struct kd_buf *data)
{
	static char packed[64 << 10];
	size_t used = 0;
	struct archive *a = archive_write_new();
	struct archive_entry *entry = archive_entry_new();

	assert_int_equal(filter(a), ARCHIVE_OK);
	assert_int_equal(archive_write_set_format_raw(a), ARCHIVE_OK);
	archive_write_set_bytes_in_last_block(a, 1);
	assert_int_equal(archive_write_open_memory(a, packed, sizeof(packed), &used), ARCHIVE_OK);
	archive_entry_set_filetype(entry, AE_IFREG);
	assert_int_equal(archive_write_header(a, entry), ARCHIVE_OK);
	assert_int_equal(archive_write_data(a, data->p, data->len), data->len);
	assert_int_equal(archive_write_close(a), ARCHIVE_OK);
	archive_entry_free(entry);
	archive_write_free(a);
	tree_bytes(t, path, packed, used);
}

static void check_unpack(const struct tree *t, const char *path, const struct kd_buf *expect)
{
	struct kd_buf got = { 0 };
	struct kd_err err = { 0 };

	if (kd_host_module_unpack(t->root, path, &got, &err))
		fail_msg("%s", err.msg);
	assert_int_equal(got.len, expect->len);
	assert_memory_equal(got.p, expect->p, got.len);
	kd_buf_fini(&got);
}

static void check_unpack_refused(const struct tree *t, const char *path, int code, const char *text)
{
	struct kd_buf got = { 0 };
	struct kd_err err = { 0 };

	assert_int_equal(kd_host_module_unpack(t->root, path, &got, &err), -code);
	if (!strstr(err.msg, text) || !strstr(err.msg, path))
		fail_msg("'%s' and '%s' are not in '%s'", text, path, err.msg);
	kd_buf_fini(&got);
}

static void test_unpack_all_compressions(void **state)
{
	const struct tree *t = *state;
	struct kd_buf bytes = module_bytes();

	tree_bytes(t, "/m/a.ko", bytes.p, bytes.len);
	compress(t, "/m/a.ko.xz", archive_write_add_filter_xz, &bytes);
	compress(t, "/m/a.ko.zst", archive_write_add_filter_zstd, &bytes);
	compress(t, "/m/a.ko.gz", archive_write_add_filter_gzip, &bytes);
	check_unpack(t, "/m/a.ko", &bytes);
	check_unpack(t, "/m/a.ko.xz", &bytes);
	check_unpack(t, "/m/a.ko.zst", &bytes);
	check_unpack(t, "/m/a.ko.gz", &bytes);
	kd_buf_fini(&bytes);
}

static void test_unpack_damaged_files_are_refused(void **state)
{
	const struct tree *t = *state;
	struct kd_buf bytes = module_bytes();
	char *file = NULL;
	size_t len = 0;

	compress(t, "/m/a.ko.xz", archive_write_add_filter_xz, &bytes);
	assert_int_equal(kd_root_read(t->root, "/m/a.ko.xz", 1 << 20, &file, &len, NULL), 0);
	tree_bytes(t, "/m/cut.ko.xz", file, len / 2);
	check_unpack_refused(t, "/m/cut.ko.xz", KD_BADDATA, "damaged");
	/* compressed in another way than its name says */
	tree_bytes(t, "/m/other.ko.zst", file, len);
	check_unpack_refused(t, "/m/other.ko.zst", KD_BADDATA, "not an ELF file inside");
	tree_file(t, "/m/empty.ko", "%s", "");
	check_unpack_refused(t, "/m/empty.ko", KD_BADDATA, "install the kernel's package again");
	tree_file(t, "/m/text.ko", "not a module\n");
	check_unpack_refused(t, "/m/text.ko", KD_BADDATA, "not an ELF file");
	tree_file(t, "/m/a.ko.lz4", "x");
	check_unpack_refused(t, "/m/a.ko.lz4", KD_NOTSUP, "not a module file (.ko, .ko.xz");
	check_unpack_refused(t, "/m/none.ko", KD_SYS, "No such file");
	free(file);
	kd_buf_fini(&bytes);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_closure_is_in_load_order),
		T(test_closure_has_soft_dependencies),
		T(test_closure_circle_of_soft_dependencies_ends),
		T(test_closure_leaves_out_what_is_built_in),
		T(test_closure_takes_aliases),
		T(test_closure_unknown_name_is_refused),
		T(test_closure_without_modules_of_that_kernel_is_refused),
		T(test_closure_missing_file_is_refused),
		T(test_closure_indexes_that_differ_are_refused),
		T(test_closure_without_list_of_built_in_modules),
		T(test_closure_of_a_kernel_without_modules),
		T(test_closure_reads_modprobe_d_below_the_root),
		T(test_closure_ignores_this_machines_command_line),
		T(test_fs_modules),
		cmocka_unit_test_setup_teardown(test_unpack_all_compressions, bare_setup, teardown),
		cmocka_unit_test_setup_teardown(test_unpack_damaged_files_are_refused, bare_setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
