/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The checks behind each "ok": images are made, filled, and every lie in them must be found. */
#include "lab/check.h"

#include "lab/files.h"
#include "lab/image.h"
#include "lab/initrd.h"
#include "lib/dumpdir/dumpdir.h"
#include "tests/unit/support-tree.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define UUID "6b646c61-6200-4000-8000-00000000beef"
#define DUMP "/var/crash/127.0.0.1-2026-11-20-13:21:24"

/* ---- texts ---- */

static void test_same_lines(void **state)
{
	struct kd_err err = { 0 };

	assert_int_equal(kd_lab_check_same_lines("a\nb\n", "A", "a\nb", "B", &err), 0);
	assert_int_equal(kd_lab_check_same_lines("a\nb\n", "A", "a\nc\n", "B", &err), -KD_BADDATA);
	assert_string_equal(err.msg, "line 2 differs: A has 'b', B 'c'");
	assert_int_equal(
		kd_lab_check_same_lines("[    1.000000] a\n", "A", "[    1.000001] a\n", "B", &err),
		-KD_BADDATA);
	assert_int_equal(kd_lab_check_same_lines("a\n", "A", "a\nb\n", "B", &err), -KD_BADDATA);
	assert_string_equal(err.msg, "A ends at line 2, B goes on with 'b'");
	assert_int_equal(kd_lab_check_same_lines("", "A", "", "B", &err), -KD_BADDATA);
	assert_string_equal(err.msg, "A and B are both empty");
}

static int status(enum kd_lab_expect expect, const char *line, struct kd_err *err)
{
	const struct kd_lab_case c = { .expect = expect };
	char *v[] = { (char *)"[ 1.000000] lab: status| kdump: Kdump is not operational",
		      (char *)line, NULL };
	const struct kd_strv lines = { .v = v, .n = 2 };

	return kd_lab_check_status(&c, &lines, err);
}

static void test_status_must_name_the_outcome(void **state)
{
	static const char prefix_free[] = "Last capture: saved";
	struct kd_err err = { 0 };

#define L "[ 1.100000] lab: status| kdump: Last capture: "
	assert_int_equal(status(KD_LAB_EXPECT_SAVED, L "saved, /var/crash/x (2026)", &err), 0);
	assert_int_equal(status(KD_LAB_EXPECT_DMESG_ONLY, L "dmesg-only (why), /x", &err), 0);
	assert_int_equal(status(KD_LAB_EXPECT_SAVED, L "dmesg-only (not saved), /x", &err),
			 -KD_BADDATA);
	assert_non_null(strstr(err.msg, "the last capture was dmesg-only"));
	assert_int_equal(status(KD_LAB_EXPECT_SAVED, L "saved-not, /x", &err), -KD_BADDATA);
	/* the guest's kernel said it, not kdumpctl */
	assert_int_equal(status(KD_LAB_EXPECT_SAVED, prefix_free, &err), -KD_BADDATA);
	assert_non_null(strstr(err.msg, "said nothing of the last capture"));
	assert_int_equal(status(KD_LAB_EXPECT_NONE, L "none in /var/crash", &err), 0);
	assert_int_equal(status(KD_LAB_EXPECT_NONE, L "saved, /x", &err), -KD_BADDATA);
	assert_non_null(strstr(err.msg, "tells of a capture that left nothing"));
#undef L
}

static void test_console_must_have_each_text(void **state)
{
	char *wanted[] = { (char *)"one", (char *)"two", NULL };
	char *have[] = { (char *)"[ 1.0] one two", (char *)"three", NULL };
	const struct kd_strv lines = { .v = have, .n = 2 };
	struct kd_lab_case c = { .expect_console = { .v = wanted, .n = 2 } };
	struct kd_err err = { 0 };

	assert_int_equal(kd_lab_check_console(&c, &lines, &err), 0);
	wanted[1] = (char *)"four";
	assert_int_equal(kd_lab_check_console(&c, &lines, &err), -KD_BADDATA);
	assert_string_equal(err.msg, "'four' was not on the console after the panic");
}

static void test_dump_path_comes_from_the_conf(void **state)
{
	char *conf[] = { (char *)"pathos x", (char *)"path   /dumps", NULL };
	const struct kd_lab_case with = { .conf = { .v = conf, .n = 2 } };
	const struct kd_lab_case without = { .conf = { .v = conf, .n = 1 } };

	assert_string_equal(kd_lab_dump_path(&with), "/dumps");
	assert_string_equal(kd_lab_dump_path(&without), "/var/crash");
}

static void test_ls_lines(void **state)
{
	KD_AUTO(kd_lab_inodes_fini) struct kd_lab_inodes list = { 0 };
	struct kd_err err = { 0 };

	assert_int_equal(
		kd_lab_parse_ls("debugfs: ls -p /x\n/12/040755/0/0/.//\n/2/040755/0/0/..//\n"
				"/13/100640/7/8/a b/12/\n/0/100600/0/0/gone/1/\n\n",
				"/x", &list, &err),
		0);
	assert_int_equal(list.n, 1);
	assert_string_equal(list.v[0].path, "/x/a b");
	assert_int_equal(list.v[0].mode, S_IFREG | 0640);
	assert_int_equal(list.v[0].uid, 7);
	assert_int_equal(list.v[0].gid, 8);
	assert_int_equal(kd_lab_parse_ls("/12/zzz/\n", "/x", &list, &err), -KD_BADDATA);
	assert_int_equal(kd_lab_parse_ls("/12/100600/0/0/name", "/x", &list, &err), -KD_BADDATA);
	assert_non_null(strstr(err.msg, "not a line of a directory: /12/100600/0/0/name"));
}

/* ---- images ---- */

struct run {
	struct tree t;
	char *image;
	struct kd_lab_case c;
	struct kd_lab_timeline timeline;
	struct kd_strv console;
	struct kd_err err;
	char *dump;
};

static void write_manifest(const struct run *r, enum kd_outcome outcome, const char *reason)
{
	struct kd_manifest m = { .outcome = outcome };
	struct kd_err err = { 0 };
	KD_AUTO(kd_closep) int fd = kd_root_openat(r->t.root, "/tree" DUMP, O_RDONLY, 0, &err);

	assert_true(fd >= 0);
	(void)unlinkat(fd, KD_DUMPDIR_MANIFEST, 0);
	snprintf(m.reason, sizeof(m.reason), "%s", reason);
	snprintf(m.created, sizeof(m.created), "2026-11-20T13:21:24Z");
	assert_int_equal(kd_manifest_add_file(&m, fd, KD_DUMPDIR_DMESG, &err), 0);
	assert_int_equal(kd_manifest_write(&m, fd, &err), 0);
}

static void private_file(const struct run *r, const char *path, const char *text)
{
	struct kd_err err = { 0 };

	assert_int_equal(kd_root_write(r->t.root, path, text, strlen(text), 0600, &err), 0);
}

/* What a capture whose collector failed leaves, before it is packed into an image. */
static void run_init(struct run *r)
{
	*r = (struct run){ .c = { .expect = KD_LAB_EXPECT_DMESG_ONLY,
				  .end = KD_LAB_END_REBOOT,
				  .trigger = KD_LAB_TRIGGER_SYSRQ } };
	struct kd_err err = { 0 };

	tree_init(&r->t);
	tree_dir(&r->t, "/tree/var/crash");
	assert_int_equal(kd_root_mkdirs(r->t.root, "/tree" DUMP, 0700, &err), 0);
	private_file(r, "/tree" DUMP "/vmcore-dmesg.txt",
		     "[    9.200000] sysrq: Trigger a crash\n[    9.300000] Kernel panic\n");
	write_manifest(r, KD_OUTCOME_DMESG_ONLY, "makedumpfile exited with status 1");
	assert_int_equal(kd_asprintf(&r->image, &err, "%s/disk.img", r->t.dir), 0);

	static const enum kd_lab_moment seen[] = { KD_LAB_PANIC, KD_LAB_ACTION, KD_LAB_END,
						   KD_LAB_BACK };
	for (size_t i = 0; i < KD_ARRAY_LEN(seen); i++)
		kd_lab_timeline_mark(&r->timeline, seen[i], 1);
	snprintf(r->timeline.action, sizeof(r->timeline.action), "reboot (failure_action)");
	assert_int_equal(
		kd_strv_add(&r->console, "lab: status| kdump: Last capture: dmesg-only (x)", &err),
		0);
}

static void run_fini(struct run *r)
{
	free(r->image);
	free(r->dump);
	kd_strv_fini(&r->console);
	tree_fini(&r->t);
}

static int run_check(struct run *r)
{
	KD_AUTO(kd_freep) char *tree = NULL;
	const struct kd_lab_evidence e = {
		.c = &r->c, .timeline = &r->timeline, .console = &r->console, .dir = r->t.dir
	};

	assert_int_equal(kd_asprintf(&tree, &r->err, "%s/tree", r->t.dir), 0);
	if (kd_lab_image_make(r->image, 16, tree, "test", UUID, &r->err))
		fail_msg("%s", r->err.msg);
	return kd_lab_check_all(&e, &r->dump, &r->err);
}

static void expect_bad(struct run *r, const char *text)
{
	assert_int_equal(run_check(r), -KD_BADDATA);
	if (!strstr(r->err.msg, text))
		fail_msg("'%s' lacks '%s'", r->err.msg, text);
	run_fini(r);
}

static void test_honest_files_pass(void **state)
{
	struct run r;
	KD_AUTO(kd_lab_inodes_fini) struct kd_lab_inodes inodes = { 0 };
	KD_AUTO(kd_freep) char *wanted = NULL;

	run_init(&r);
	if (run_check(&r))
		fail_msg("%s", r.err.msg);
	assert_int_equal(kd_asprintf(&wanted, &r.err, "%s" DUMP, r.t.dir), 0);
	assert_string_equal(r.dump, wanted);
	assert_true(kd_root_exists(r.t.root, DUMP "/manifest.json"));
	/* whoever made the image, root owns what is in it */
	assert_int_equal(kd_lab_image_list(r.image, "/var", &inodes, &r.err), 0);
	assert_int_equal(inodes.n, 4);
	for (size_t i = 0; i < inodes.n; i++)
		assert_int_equal(inodes.v[i].uid + inodes.v[i].gid, 0);
	run_fini(&r);
}

static void test_permissions_for_others_are_found(void **state)
{
	struct run file, dir, owner;
	struct kd_lab_inode inode = { .path = (char *)"/x", .mode = S_IFREG | 0600, .uid = 5 };
	const struct kd_lab_inodes inodes = { .v = &inode, .n = 1 };

	run_init(&file);
	tree_file(&file.t, "/tree" DUMP "/extra", "x");
	KD_AUTO(kd_freep) char *path = NULL;
	assert_int_equal(kd_asprintf(&path, &file.err, "%s/tree" DUMP "/extra", file.t.dir), 0);
	assert_int_equal(chmod(path, 0640), 0);
	expect_bad(&file, "/extra has mode 0640");

	run_init(&dir);
	KD_AUTO(kd_freep) char *dump = NULL;
	assert_int_equal(kd_asprintf(&dump, &dir.err, "%s/tree" DUMP, dir.t.dir), 0);
	assert_int_equal(chmod(dump, 0701), 0);
	expect_bad(&dir, DUMP " has mode 0701");

	owner.err = (struct kd_err){ 0 };
	assert_int_equal(kd_lab_check_modes(&inodes, &owner.err), -KD_BADDATA);
	assert_non_null(strstr(owner.err.msg, "/x belongs to 5:0, not to root"));
}

static void test_changed_and_unlisted_files_are_found(void **state)
{
	struct run changed, unlisted, vmcore;

	run_init(&changed);
	private_file(&changed, "/tree" DUMP "/vmcore-dmesg.txt",
		     "[    9.200000] sysrq: Trigger a crash\n[    9.300000] Kernel PANIC\n");
	expect_bad(&changed, "vmcore-dmesg.txt");

	run_init(&unlisted);
	private_file(&unlisted, "/tree" DUMP "/extra", "x");
	expect_bad(&unlisted, DUMP "/extra is not in the manifest");

	run_init(&vmcore);
	private_file(&vmcore, "/tree" DUMP "/vmcore", "x");
	expect_bad(&vmcore, DUMP "/vmcore is not in the manifest");
}

static void test_outcome_and_reason_are_compared(void **state)
{
	struct run outcome, reason, silent;

	run_init(&outcome);
	outcome.c.expect = KD_LAB_EXPECT_SAVED;
	expect_bad(&outcome, "outcome is dmesg-only, not saved (reason: makedumpfile exited");

	run_init(&reason);
	reason.c.expect_reason = (char *)"signal 9";
	expect_bad(&reason, "the manifest's reason lacks 'signal 9'");

	run_init(&silent);
	write_manifest(&silent, KD_OUTCOME_DMESG_ONLY, "");
	expect_bad(&silent, "outcome is dmesg-only without a reason");
}

static void test_dmesg_must_be_of_this_crash(void **state)
{
	struct run r;

	run_init(&r);
	private_file(&r, "/tree" DUMP "/vmcore-dmesg.txt", "[    1.000000] something else\n");
	write_manifest(&r, KD_OUTCOME_DMESG_ONLY, "why");
	expect_bad(&r, "vmcore-dmesg.txt lacks the line 'sysrq: Trigger a crash'");
}

static void test_number_of_dumps_is_checked(void **state)
{
	struct run two, none, unexpected, nothing;
	char *forbidden[] = { (char *)"vmcore-dmesg.txt", NULL };

	run_init(&two);
	tree_dir(&two.t, "/tree/var/crash/another");
	expect_bad(&two, "one dump directory was expected in /var/crash; also there:");

	run_init(&none);
	KD_AUTO(kd_freep) char *dump = NULL;
	assert_int_equal(kd_asprintf(&dump, &none.err, "%s/tree" DUMP, none.t.dir), 0);
	assert_int_equal(kd_lab_remove_tree(dump, &none.err), 0);
	expect_bad(&none, "there is no dump directory in /var/crash");

	run_init(&unexpected);
	unexpected.c.expect = KD_LAB_EXPECT_NONE;
	expect_bad(&unexpected, "nothing was to be saved, but there is " DUMP);

	run_init(&nothing);
	nothing.c.expect_no_file.v = forbidden;
	nothing.c.expect_no_file.n = 1;
	expect_bad(&nothing, "the manifest lists vmcore-dmesg.txt, which must not be");
}

static void test_end_of_the_capture_is_checked(void **state)
{
	struct run action, back, panicked;

	run_init(&action);
	snprintf(action.timeline.action, sizeof(action.timeline.action), "poweroff (x)");
	expect_bad(&action, "the action was 'poweroff (x)', not reboot");

	run_init(&back);
	back.timeline.marks[KD_LAB_BACK].seen = false;
	expect_bad(&back, "the machine did not come back");

	run_init(&panicked);
	panicked.timeline.capture_panicked = true;
	expect_bad(&panicked, "the capture kernel panicked");
}

static void test_broken_image_is_told(void **state)
{
	struct tree t;
	KD_AUTO(kd_freep) char *path = NULL;
	KD_AUTO(kd_lab_inodes_fini) struct kd_lab_inodes list = { 0 };
	struct kd_err err = { 0 };

	tree_init(&t);
	tree_file(&t, "/disk.img", "not an image");
	assert_int_equal(kd_asprintf(&path, &err, "%s/disk.img", t.dir), 0);
	assert_int_equal(kd_lab_image_list(path, "/var", &list, &err), -KD_SYS);
	assert_non_null(strstr(err.msg, "disk.img"));
	assert_int_equal(kd_lab_image_make(path, 16, NULL, "test", UUID, &err), 0);
	assert_int_equal(kd_lab_image_list(path, "/var", &list, &err), -KD_SYS);
	assert_non_null(strstr(err.msg, "File not found"));
	tree_fini(&t);
}

/* ---- the initrd ---- */

static void test_module_order_has_dependencies_first(void **state)
{
	static const struct tree_module list[] = {
		{ .file = "kernel/virtio.ko", .modinfo = "", .exports = "v" },
		{ .file = "kernel/virtio_ring.ko", .modinfo = "", .exports = "r", .imports = "v" },
		{ .file = "kernel/virtio_pci.ko", .modinfo = "", .imports = "v r" },
		{ .file = "kernel/virtio_blk.ko", .modinfo = "", .imports = "v r" },
		{ .file = "kernel/crc32c_generic.ko", .modinfo = "alias=crc32c" },
		{ .file = "kernel/jbd2.ko", .modinfo = "", .exports = "j" },
		{ .file = "kernel/ext4.ko", .modinfo = "softdep=pre:+crc32c", .imports = "j" },
		{ .file = "kernel/unrelated.ko", .modinfo = "" },
	};
	static const char *const wanted[] = { "virtio.ko",     "virtio_ring.ko",    "virtio_pci.ko",
					      "virtio_blk.ko", "crc32c_generic.ko", "jbd2.ko",
					      "ext4.ko" };
	struct tree t;
	KD_AUTO(kd_strv_fini) struct kd_strv files = { 0 };
	KD_AUTO(kd_freep) char *moddir = NULL;
	struct kd_err err = { 0 };

	tree_init(&t);
	tree_modules(&t, "/lib/modules/1.0", list, KD_ARRAY_LEN(list));
	tree_depmod(&t, "1.0");
	assert_int_equal(kd_asprintf(&moddir, &err, "%s/lib/modules/1.0", t.dir), 0);
	assert_int_equal(kd_lab_module_order(moddir, &files, &err), 0);
	assert_int_equal(files.n, KD_ARRAY_LEN(wanted));
	for (size_t i = 0; i < files.n; i++)
		assert_string_equal(strrchr(files.v[i], '/') + 1, wanted[i]);
	tree_fini(&t);
}

static void test_modules_without_index_are_told(void **state)
{
	struct tree t;
	KD_AUTO(kd_strv_fini) struct kd_strv files = { 0 };
	struct kd_err err = { 0 };

	tree_init(&t);
	/* without modules there is nothing to order: everything is built in */
	assert_int_equal(kd_lab_module_order(t.dir, &files, &err), 0);
	assert_int_equal(files.n, 0);
	tree_file(&t, "/kernel/fs/ext4.ko", "%s", "");
	assert_int_equal(kd_lab_module_order(t.dir, &files, &err), -KD_NOTSUP);
	assert_non_null(strstr(err.msg, "has no modules.dep.bin"));
	assert_non_null(strstr(err.msg, "scripts/fetch-kernels"));
	tree_fini(&t);
}

/* ---- files ---- */

static void test_copies_stay_sparse_and_equal(void **state)
{
	struct tree t;
	KD_AUTO(kd_freep) char *from = NULL, *to = NULL;
	char a[KD_SHA256_HEX_BYTES], b[KD_SHA256_HEX_BYTES];
	struct stat st = { 0 };
	struct kd_err err = { 0 };

	tree_init(&t);
	assert_int_equal(kd_asprintf(&from, &err, "%s/from", t.dir), 0);
	assert_int_equal(kd_asprintf(&to, &err, "%s/to", t.dir), 0);
	KD_AUTO(kd_closep) int fd = open(from, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(kd_pwrite_full(fd, "start", 5, 0, from, &err), 0);
	assert_int_equal(kd_pwrite_full(fd, "middle", 6, 10 << 20, from, &err), 0);
	assert_int_equal(ftruncate(fd, 64 << 20), 0);
	assert_int_equal(kd_lab_copy_file(from, to, &err), 0);
	assert_int_equal(kd_lab_hash_file(from, a, &err), 0);
	assert_int_equal(kd_lab_hash_file(to, b, &err), 0);
	assert_string_equal(a, b);
	assert_int_equal(stat(to, &st), 0);
	assert_true(st.st_blocks * 512 < 4 << 20);
	assert_int_equal(kd_lab_copy_file(from, to, &err), -KD_SYS);
	assert_non_null(strstr(err.msg, "File exists"));
	tree_fini(&t);
}

static void test_a_failing_program_is_quoted(void **state)
{
	char *ls[] = { (char *)"/bin/ls", (char *)"/nonexistent", NULL };
	char *sleeper[] = { (char *)"/bin/sleep", (char *)"60", NULL };
	const struct kd_strv fails = { .v = ls, .n = 2 }, hangs = { .v = sleeper, .n = 2 };
	struct kd_err err = { 0 };

	assert_int_equal(kd_lab_exec(&fails, 10, NULL, NULL, &err), -KD_SYS);
	assert_non_null(strstr(err.msg, "/bin/ls: exited with status 2: "));
	assert_non_null(strstr(err.msg, "No such file or directory"));
	assert_int_equal(kd_lab_exec(&hangs, 1, NULL, NULL, &err), -KD_SYS);
	assert_non_null(strstr(err.msg, "/bin/sleep: still running after 1 s, killed"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_lines),
		cmocka_unit_test(test_status_must_name_the_outcome),
		cmocka_unit_test(test_console_must_have_each_text),
		cmocka_unit_test(test_dump_path_comes_from_the_conf),
		cmocka_unit_test(test_ls_lines),
		cmocka_unit_test(test_honest_files_pass),
		cmocka_unit_test(test_permissions_for_others_are_found),
		cmocka_unit_test(test_changed_and_unlisted_files_are_found),
		cmocka_unit_test(test_outcome_and_reason_are_compared),
		cmocka_unit_test(test_dmesg_must_be_of_this_crash),
		cmocka_unit_test(test_number_of_dumps_is_checked),
		cmocka_unit_test(test_end_of_the_capture_is_checked),
		cmocka_unit_test(test_broken_image_is_told),
		cmocka_unit_test(test_module_order_has_dependencies_first),
		cmocka_unit_test(test_modules_without_index_are_told),
		cmocka_unit_test(test_copies_stay_sparse_and_equal),
		cmocka_unit_test(test_a_failing_program_is_quoted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
