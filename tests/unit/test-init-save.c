/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One target from an empty directory to a manifest: what is called saved, and what
 * is not. The "collector" is a shell script; it is given the input and the output
 * path as $0 and $1.
 */
#include "capture-initrd/init/internal.h"
#include "lib/dump/dump.h"
#include "lib/vmcore/vmcore.h"
#include "tests/gen/mkvmcore.h"

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

struct fixture {
	char dir[40];	 /* the target's file system, as mounted */
	char sysdir[40]; /* the capture kernel's root */
	struct kd_init init;
	struct kd_init_shared shared;
	int said_fd;
	char said[16384];
	struct kd_root *target;
	struct kd_manifest manifest;
	char *name; /* of the dump directory */
};

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct kd_err err = { 0 };
	struct kd_plan_target t = { .fstype = "ext4",
				    .id_kind = KD_ID_LABEL,
				    .id = "crash",
				    .mount_options = "",
				    .dir = "/var/crash" };

	snprintf(f->dir, sizeof(f->dir), "/tmp/kd-save-XXXXXX");
	snprintf(f->sysdir, sizeof(f->sysdir), "/tmp/kd-sys-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	assert_non_null(mkdtemp(f->sysdir));
	assert_int_equal(kd_root_open(f->sysdir, &f->init.root, &err), 0);
	assert_int_equal(kd_root_open(f->dir, &f->target, &err), 0);
	assert_int_equal(kd_root_mkdirs(f->init.root, "/dev", 0700, &err), 0);
	assert_int_equal(
		kd_root_write(f->init.root, "/dev/kmsg", "6,1,2500000,-;booted\n", 21, 0600, &err),
		0);
	f->said_fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	f->init.kmsg_fd = f->said_fd;
	f->init.shared = &f->shared;
	f->init.start_ms = kd_monotonic_ms();
	f->init.deadline_s = 300;
	f->init.plan.host_tag = strdup("127.0.0.1");
	assert_int_equal(kd_plan_add_target(&f->init.plan, &t, &err), 0);
	kd_manifest_add_stage(&f->init.manifest, "init", f->init.start_ms);
	umask(077);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	kd_plan_fini(&f->init.plan);
	kd_root_close(f->init.root);
	kd_root_close(f->target);
	close(f->said_fd);
	free(f->name);
	kd_manifest_fini(&f->manifest);
	nftw(f->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	nftw(f->sysdir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}

static void use_collector(struct fixture *f, const char *script)
{
	struct kd_strv *argv = &f->init.plan.collector;

	assert_int_equal(kd_strv_add(argv, "/bin/sh", NULL), 0);
	assert_int_equal(kd_strv_add(argv, "-c", NULL), 0);
	assert_int_equal(kd_strv_add(argv, script, NULL), 0);
}

static const char *said(struct fixture *f)
{
	struct kd_err err = { 0 };
	ssize_t n = kd_pread_full(f->said_fd, f->said, sizeof(f->said) - 1, 0, "said", &err);

	assert_true(n >= 0);
	f->said[n] = '\0';
	return f->said;
}

static enum kd_outcome save(struct fixture *f, struct kd_err *err)
{
	return kd_init_save(&f->init, &f->init.plan.targets[0], f->dir, err);
}

/* Reads the manifest as the host will, and has the host's check of the files. */
static void read_back(struct fixture *f)
{
	struct kd_err err = { 0 };
	char path[200];

	assert_int_equal(kd_dumpdir_latest(f->target, "/var/crash", &f->name, &err), 1);
	snprintf(path, sizeof(path), "/var/crash/%s", f->name);
	KD_AUTO(kd_closep)
	int fd = kd_root_openat(f->target, path, O_RDONLY | O_DIRECTORY, 0, &err);
	kd_manifest_fini(&f->manifest);
	int rc = kd_manifest_read(fd, &f->manifest, &err);
	if (rc)
		fail_msg("%s", err.msg);
	rc = kd_dumpdir_verify(fd, &f->manifest, &err);
	if (rc)
		fail_msg("%s", err.msg);
}

/* The manifest has hashes of the dump's parts, and they are those of @fd. */
static void check_extents(const struct fixture *f, int fd)
{
	const struct kd_manifest_engine *e = &f->manifest.engine;
	struct kd_hash_check check = { 0 };
	struct kd_err err = { 0 };

	assert_true(e->extent_count > 3);
	assert_int_equal(e->extents[0].off, 0);
	assert_int_equal(kd_dump_compare(fd, e->extents, e->extent_count, &check, &err), 0);
	assert_int_equal(check.extents, e->extent_count);
	assert_int_equal(check.bad, 0);
}

static int open_saved(const struct fixture *f, const char *name)
{
	char path[200];
	struct kd_err err = { 0 };

	snprintf(path, sizeof(path), "/var/crash/%s/%s", f->name, name);
	int fd = kd_root_openat(f->target, path, O_RDONLY, 0, &err);
	if (fd < 0)
		fail_msg("%s", err.msg);
	return fd;
}

static bool has_file(const struct fixture *f, const char *name)
{
	char path[300];

	snprintf(path, sizeof(path), "/var/crash/%s/%s", f->name, name);
	return kd_root_exists(f->target, path);
}

static bool lists(const struct fixture *f, const char *name)
{
	for (unsigned int i = 0; i < f->manifest.file_count; i++)
		if (strcmp(f->manifest.files[i].name, name) == 0)
			return true;
	return false;
}

/*
 * A crashed kernel's memory with @lines lines of log in it, as /proc/vmcore. @absent: so much
 * memory more, of which the dump has nothing.
 */
static void add_large_vmcore(struct fixture *f, unsigned int lines, uint64_t absent)
{
	enum { RING_PADDR = 17 << 20 };
	KD_AUTO(kd_gen_freep) struct kd_gen *gen = kd_gen_new(62, 4096);
	KD_AUTO(kd_gen_ring_freep) struct kd_gen_ring *ring = kd_gen_ring_new(13, 17);
	struct kd_err err = { 0 };
	char text[64];

	for (unsigned int i = 0; i < lines; i++) {
		snprintf(text, sizeof(text), "line %u of a crashed kernel", i);
		kd_gen_log(ring, KD_GEN_FINALIZED, i * 1000000000ULL, text, strlen(text));
	}
	kd_gen_info_base(gen, "6.1.0-crashed", 1700000000);
	kd_gen_x86_kernel(gen, "6.1.0-crashed", 4 << 20, 40 << 20);
	if (absent)
		kd_gen_segment(gen, 4ULL << 30, absent, 0, 0);
	kd_gen_ring_store(gen, ring, RING_PADDR, KD_GEN_X86_TEXT + RING_PADDR);
	assert_int_equal(kd_root_mkdirs(f->init.root, "/proc", 0700, &err), 0);
	KD_AUTO(kd_closep)
	int fd = kd_root_openat(f->init.root, "/proc/vmcore", O_RDWR | O_CREAT, 0600, &err);
	kd_gen_elf(gen, fd, NULL);
}

static void add_vmcore(struct fixture *f, unsigned int lines)
{
	add_large_vmcore(f, lines, 0);
}

static void test_saved_without_a_remark(void **state)
{
	struct fixture *f = *state;
	struct kd_err err = { 0 };
	KD_AUTO(kd_freep) char *log = NULL;
	char path[200];

	add_vmcore(f, 3);
	use_collector(f, "printf core >\"$1\"");
	assert_int_equal(save(f, &err), KD_OUTCOME_SAVED);
	assert_string_equal(err.msg, "");
	read_back(f);
	assert_string_equal(f->manifest.reason, "");
	assert_string_equal(f->manifest.kernel_release, "6.1.0-crashed");
	assert_int_equal(f->manifest.crash_time, 1700000000);
	assert_true(lists(f, "vmcore-dmesg.txt") && lists(f, "vmcore"));
	assert_false(has_file(f, "vmcore-dmesg-incomplete.txt"));
	assert_false(has_file(f, ".reserve"));
	assert_true(f->shared.dmesg_safe);
	snprintf(path, sizeof(path), "/var/crash/%s/vmcore-dmesg.txt", f->name);
	assert_int_equal(kd_root_read(f->target, path, 4096, &log, NULL, &err), 0);
	assert_string_equal(log, "[    0.000000] line 0 of a crashed kernel\n"
				 "[    1.000000] line 1 of a crashed kernel\n"
				 "[    2.000000] line 2 of a crashed kernel\n");
	snprintf(path, sizeof(path),
		 "kdumpkit: dmesg saved /var/crash/%s/vmcore-dmesg.txt %zu bytes\n", f->name,
		 strlen(log));
	assert_non_null(strstr(said(f), path));
}

static void test_dmesg_only(void **state)
{
	struct fixture *f = *state;
	struct kd_err err = { 0 };

	add_vmcore(f, 3);
	use_collector(f, "printf part >\"$1\"; kill -9 $$");
	assert_int_equal(save(f, &err), KD_OUTCOME_DMESG_ONLY);
	read_back(f);
	assert_int_equal(f->manifest.outcome, KD_OUTCOME_DMESG_ONLY);
	assert_string_equal(f->manifest.reason, "sh killed by signal 9 (Killed)");
	assert_true(lists(f, "vmcore-dmesg.txt") && lists(f, "vmcore-incomplete"));
	assert_false(has_file(f, "vmcore"));
}

static void test_log_shown_where_it_could_not_be_saved(void **state)
{
	struct fixture *f = *state;
	struct kd_err err = { 0 };
	static char text[2 * KD_INIT_TAIL_BYTES];
	KD_AUTO(kd_closep) int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	add_vmcore(f, 2000);
	assert_int_equal(kd_init_dmesg_show(&f->init, fd, 20000, &err), 0);
	ssize_t n = kd_pread_full(fd, text, sizeof(text) - 1, 0, "shown", &err);
	assert_true(n > KD_INIT_TAIL_BYTES && n < KD_INIT_TAIL_BYTES * 3 / 2);
	text[n] = '\0';
	assert_memory_equal(text, "| ", 2);
	assert_null(strstr(text, "line 0 of"));
	assert_non_null(strstr(text, "\n| [ 1999.000000] line 1999 of a crashed kernel\n"));
	for (const char *p = strchr(text, '\n'); p && p[1]; p = strchr(p + 1, '\n'))
		assert_memory_equal(p + 1, "| ", 2);
}

static void test_manifest_that_cannot_be_written_is_no_success(void **state)
{
	struct fixture *f = *state;
	struct kd_err err = { 0 };

	add_vmcore(f, 3);
	use_collector(f, "printf core >\"$1\"; : >\"${1%/*}/manifest.json\"");
	assert_int_equal(save(f, &err), KD_OUTCOME_FAILED);
	assert_non_null(strstr(err.msg, "to manifest.json: File exists"));
}

/* The collector can do what the reader of the log could not; the remark says which. */
static void test_saved_with_a_remark(void **state)
{
	struct fixture *f = *state;
	struct kd_err err = { 0 };
	static const char *const stages[] = { "init", "target", "dmesg", "vmcore" };

	use_collector(f, "echo reading $0; printf core >\"$1\"");
	assert_int_equal(save(f, &err), KD_OUTCOME_SAVED);
	assert_non_null(strstr(err.msg, "dmesg: /proc/vmcore is missing"));
	read_back(f);
	assert_int_equal(f->manifest.outcome, KD_OUTCOME_SAVED);
	assert_string_equal(f->manifest.reason, err.msg);
	assert_string_equal(f->manifest.target, "ext4 label=crash /var/crash");
	assert_int_equal(f->manifest.collector_exit, 0);
	assert_true(lists(f, "vmcore") && lists(f, "kexec-dmesg.log"));
	assert_false(lists(f, "vmcore-dmesg.txt"));
	assert_false(has_file(f, "vmcore-incomplete"));
	assert_false(has_file(f, "vmcore-dmesg-incomplete.txt"));
	assert_int_equal(f->manifest.stage_count, KD_ARRAY_LEN(stages));
	for (size_t i = 0; i < KD_ARRAY_LEN(stages); i++)
		assert_string_equal(f->manifest.stages[i].name, stages[i]);

	char line[200];
	snprintf(line, sizeof(line), "kdumpkit: vmcore saved /var/crash/%s/vmcore 4 bytes\n",
		 f->name);
	assert_non_null(strstr(said(f), line));
	assert_non_null(strstr(f->said, "kdumpkit: collector: reading /proc/vmcore\n"));
	assert_non_null(strstr(f->said, "kdumpkit: dmesg failed /proc/vmcore is missing"));
}

static int check_mode(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return st->st_mode & 077;
}

static void test_nothing_is_open_to_others(void **state)
{
	struct fixture *f = *state;
	struct kd_err err = { 0 };

	use_collector(f, "umask 0; printf core >\"$1\"");
	assert_int_equal(save(f, &err), KD_OUTCOME_SAVED);
	assert_int_equal(nftw(f->dir, check_mode, 8, FTW_PHYS), 0);
}

static void test_failed_collector_leaves_its_part_and_the_reason(void **state)
{
	struct fixture *f = *state;
	struct kd_err err = { 0 };

	use_collector(f, "printf part >\"$1\"; echo no space; exit 1");
	assert_int_equal(save(f, &err), KD_OUTCOME_FAILED);
	read_back(f);
	assert_int_equal(f->manifest.outcome, KD_OUTCOME_FAILED);
	assert_non_null(strstr(f->manifest.reason, "sh exited with status 1 (no space); dmesg: "));
	assert_int_equal(f->manifest.collector_exit, 1);
	assert_true(lists(f, "vmcore-incomplete"));
	assert_false(has_file(f, "vmcore"));
	assert_non_null(strstr(said(f), "kdumpkit: vmcore failed sh exited with status 1"));
	assert_null(strstr(f->said, "vmcore saved"));
}

static void test_killed_collector_without_a_byte_leaves_no_file(void **state)
{
	struct fixture *f = *state;
	struct kd_err err = { 0 };

	use_collector(f, ": >\"$1\"; kill -9 $$");
	assert_int_equal(save(f, &err), KD_OUTCOME_FAILED);
	read_back(f);
	assert_int_equal(f->manifest.collector_exit, -9);
	assert_non_null(strstr(f->manifest.reason, "killed by signal 9"));
	assert_false(has_file(f, "vmcore"));
	assert_false(has_file(f, "vmcore-incomplete"));
}

static void test_success_without_a_dump_is_no_success(void **state)
{
	struct fixture *f = *state;
	struct kd_err err = { 0 };

	use_collector(f, "exit 0");
	assert_int_equal(save(f, &err), KD_OUTCOME_FAILED);
	read_back(f);
	assert_non_null(strstr(f->manifest.reason, "reported success, but open vmcore-incomplete"));
	assert_false(has_file(f, "vmcore"));
}

static void test_name_already_taken_is_no_success(void **state)
{
	struct fixture *f = *state;
	struct kd_err err = { 0 };

	use_collector(f, "printf core >\"$1\"; printf other >\"${1%-incomplete}\"");
	assert_int_equal(save(f, &err), KD_OUTCOME_FAILED);
	assert_non_null(strstr(err.msg, "rename vmcore-incomplete to vmcore: File exists"));
}

static void test_engine_saves_without_a_program(void **state)
{
	struct fixture *f = *state;
	struct kd_err err = { 0 };
	char line[200];

	add_vmcore(f, 3);
	f->init.plan.engine = (struct kd_plan_engine){ .level = 1, .codec = KD_PLAN_ZSTD };
	assert_int_equal(save(f, &err), KD_OUTCOME_SAVED);
	read_back(f);
	assert_string_equal(f->manifest.collector, "engine");
	assert_int_equal(f->manifest.collector_exit, 0);
	assert_true(f->manifest.engine.used);
	assert_true(f->manifest.engine.pages > 0);
	assert_int_equal(f->manifest.engine.bad_pages, 0);
	assert_int_equal(strlen(f->manifest.engine.digests_xxh3), 16);
	assert_true(lists(f, "vmcore"));
	KD_AUTO(kd_closep) int out = open_saved(f, "vmcore");
	check_extents(f, out);
	snprintf(line, sizeof(line), "kdumpkit: vmcore saved /var/crash/%s/vmcore ", f->name);
	assert_non_null(strstr(said(f), line));
	assert_non_null(strstr(said(f), "kdumpkit: vmcore started engine, dump level 1, zstd"));
}

static void test_engine_without_a_dump_to_read(void **state)
{
	struct fixture *f = *state;
	struct kd_err err = { 0 };

	assert_int_equal(save(f, &err), KD_OUTCOME_FAILED);
	read_back(f);
	assert_non_null(strstr(f->manifest.reason, "/proc/vmcore: No such file or directory"));
	assert_int_equal(f->manifest.collector_exit, 1);
	assert_false(has_file(f, "vmcore"));
	assert_false(has_file(f, "vmcore-incomplete"));
}

static void test_engine_says_what_it_could_not_leave_out(void **state)
{
	struct fixture *f = *state;
	struct kd_err err = { 0 };

	/* this dump's vmcoreinfo says nothing of struct page */
	add_vmcore(f, 3);
	f->init.plan.engine = (struct kd_plan_engine){ .level = 31, .codec = KD_PLAN_LZO };
	assert_int_equal(save(f, &err), KD_OUTCOME_SAVED);
	read_back(f);
	assert_true(f->manifest.remark_count > 0);
	assert_non_null(strstr(f->manifest.remarks[0], "not applied"));
	assert_non_null(strstr(said(f), "not applied"));
}

/* Three bitmaps of 16 MiB: more than half of what is free, and there is no other way. */
static void test_engine_of_a_large_machine(void **state)
{
	static const char meminfo[] = "MemTotal: 120000 kB\nMemAvailable:   92160 kB\n";
	struct fixture *f = *state;
	struct kd_err err = { 0 };

	add_large_vmcore(f, 3, 512ULL << 30);
	assert_int_equal(
		kd_root_write(f->init.root, "/proc/meminfo", meminfo, strlen(meminfo), 0600, &err),
		0);
	f->init.plan.engine = (struct kd_plan_engine){ .level = 1, .codec = KD_PLAN_ZSTD };
	if (save(f, &err) != KD_OUTCOME_SAVED)
		fail_msg("%s", err.msg);
	assert_non_null(strstr(said(f), "not enough memory to put user pages last"));
}

static void test_dead_memory_that_is_no_dump(void **state)
{
	struct fixture *f = *state;
	struct kd_err err = { 0 };

	assert_int_equal(kd_root_mkdirs(f->init.root, "/proc", 0700, &err), 0);
	assert_int_equal(
		kd_root_write(f->init.root, "/proc/vmcore", "not an ELF file", 15, 0600, &err), 0);
	use_collector(f, "exit 2");
	assert_int_equal(save(f, &err), KD_OUTCOME_FAILED);
	read_back(f);
	assert_non_null(strstr(f->manifest.reason, "sh exited with status 2; dmesg: /proc/vmcore"));
}

static void test_earlier_dumps_stay(void **state)
{
	struct fixture *f = *state;
	struct kd_err err = { 0 };
	KD_AUTO(kd_freep) char *first = NULL;

	use_collector(f, "printf core >\"$1\"");
	assert_int_equal(save(f, &err), KD_OUTCOME_SAVED);
	read_back(f);
	first = KD_STEAL(f->name);
	assert_int_equal(save(f, &err), KD_OUTCOME_SAVED);
	read_back(f);
	assert_string_not_equal(first, f->name);
	free(f->name);
	f->name = KD_STEAL(first);
	assert_true(has_file(f, "vmcore"));
	assert_true(has_file(f, "manifest.json"));
}

static void test_target_that_is_a_link_is_refused(void **state)
{
	struct fixture *f = *state;
	struct kd_err err = { 0 };
	char path[80];

	snprintf(path, sizeof(path), "%s/var", f->dir);
	assert_int_equal(symlink(f->sysdir, path), 0);
	use_collector(f, "printf core >\"$1\"");
	assert_int_equal(save(f, &err), KD_OUTCOME_FAILED);
	assert_non_null(strstr(said(f), "kdumpkit: target failed open directory /var/crash: var is "
					"a symbolic link"));
	assert_false(kd_root_exists(f->init.root, "/crash"));
}

static void test_collector_that_takes_all_the_time(void **state)
{
	struct fixture *f = *state;
	struct kd_err err = { 0 };

	f->init.deadline_s = 2;
	use_collector(f, "printf part >\"$1\"; exec sleep 60");
	assert_int_equal(save(f, &err), KD_OUTCOME_FAILED);
	read_back(f);
	assert_non_null(strstr(f->manifest.reason, "sh still running after"));
	assert_int_equal(f->manifest.collector_exit, -9);
	assert_true(lists(f, "vmcore-incomplete"));
}

/* It stops by itself: what it wrote can be read, as far as it goes. */
static void test_engine_that_takes_all_the_time(void **state)
{
	struct fixture *f = *state;
	struct kd_err err = { 0 };

	/* The file has the 32 GiB as a hole. */
	KD_AUTO(kd_gen_freep) struct kd_gen *gen = kd_gen_new(62, 4096);
	kd_gen_info_base(gen, "6.1.0-crashed", 1700000000);
	kd_gen_segment(gen, 4ULL << 30, 32ULL << 30, 32ULL << 30, 0);
	assert_int_equal(kd_root_mkdirs(f->init.root, "/proc", 0700, &err), 0);
	KD_AUTO(kd_closep)
	int in = kd_root_openat(f->init.root, "/proc/vmcore", O_RDWR | O_CREAT, 0600, &err);
	kd_gen_elf(gen, in, NULL);

	f->init.deadline_s = 8;
	f->init.start_ms = kd_monotonic_ms();
	f->init.plan.engine = (struct kd_plan_engine){ .level = 0, .codec = KD_PLAN_ZSTD };
	(void)save(f, &err);
	read_back(f);
	assert_non_null(strstr(f->manifest.reason, "the time was up with "));
	assert_int_equal(f->manifest.collector_exit, 0);
	assert_true(f->manifest.engine.pages > 0);
	assert_true(lists(f, "vmcore-incomplete"));

	KD_AUTO(kd_closep) int out = open_saved(f, "vmcore-incomplete");
	check_extents(f, out);
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = NULL;
	if (kd_vmcore_open(out, "vmcore-incomplete", NULL, &core, &err))
		fail_msg("%s", err.msg);
	assert_true(kd_vmcore_is_incomplete(core));
	assert_int_equal(kd_vmcore_read(core, 4ULL << 30, &(char){ 0 }, 1, &err), 0);
}

/* A dump that is whole, but takes far longer to read back than there is time. */
static void test_no_time_for_the_hash(void **state)
{
	struct fixture *f = *state;
	struct kd_err err = { 0 };

	f->init.deadline_s = 4;
	use_collector(f, "truncate -s 64G \"$1\"");
	assert_int_equal(save(f, &err), KD_OUTCOME_SAVED);
	/* On a busy machine a sync alone may take seconds; the hash would take minutes. */
	assert_in_range(kd_monotonic_ms() - f->init.start_ms, 0, 60000);
	read_back(f);
	assert_true(lists(f, "vmcore") && lists(f, "kexec-dmesg.log"));
	for (unsigned int i = 0; i < f->manifest.file_count; i++) {
		const struct kd_manifest_file *file = &f->manifest.files[i];
		bool is_vmcore = strcmp(file->name, "vmcore") == 0;
		assert_int_equal(strlen(file->sha256), is_vmcore ? 0 : KD_SHA256_HEX_BYTES - 1);
		assert_true(!is_vmcore || file->size_bytes == 64ULL << 30);
	}
	assert_int_equal(f->manifest.remark_count, 1);
	assert_string_equal(f->manifest.remarks[0], "no time was left for the SHA-256 of vmcore");
}

static void test_showing_a_log_that_is_not_there(void **state)
{
	struct fixture *f = *state;
	struct kd_err err = { 0 };

	assert_int_equal(kd_init_dmesg_show(&f->init, f->said_fd, 10000, &err), -KD_NOTSUP);
	assert_non_null(strstr(err.msg, "this kernel was not started by a panic"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_saved_without_a_remark),
		TEST(test_dmesg_only),
		TEST(test_log_shown_where_it_could_not_be_saved),
		TEST(test_manifest_that_cannot_be_written_is_no_success),
		TEST(test_saved_with_a_remark),
		TEST(test_nothing_is_open_to_others),
		TEST(test_failed_collector_leaves_its_part_and_the_reason),
		TEST(test_killed_collector_without_a_byte_leaves_no_file),
		TEST(test_success_without_a_dump_is_no_success),
		TEST(test_name_already_taken_is_no_success),
		TEST(test_engine_saves_without_a_program),
		TEST(test_engine_without_a_dump_to_read),
		TEST(test_engine_says_what_it_could_not_leave_out),
		TEST(test_engine_of_a_large_machine),
		TEST(test_dead_memory_that_is_no_dump),
		TEST(test_earlier_dumps_stay),
		TEST(test_target_that_is_a_link_is_refused),
		TEST(test_collector_that_takes_all_the_time),
		TEST(test_engine_that_takes_all_the_time),
		TEST(test_no_time_for_the_hash),
		TEST(test_showing_a_log_that_is_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
