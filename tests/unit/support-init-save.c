/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/support-init-save.h"

#include "tests/gen/mkvmcore.h"
#include "tests/unit/support-tree.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

int save_setup(void **state)
{
	struct save_fixture *f = calloc(1, sizeof(*f));
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

int save_teardown(void **state)
{
	struct save_fixture *f = *state;

	kd_plan_fini(&f->init.plan);
	kd_root_close(f->init.root);
	kd_root_close(f->target);
	close(f->said_fd);
	free(f->name);
	kd_manifest_fini(&f->manifest);
	tree_remove(f->dir);
	tree_remove(f->sysdir);
	free(f);
	return 0;
}

const char *said(struct save_fixture *f)
{
	struct kd_err err = { 0 };
	ssize_t n = kd_pread_full(f->said_fd, f->said, sizeof(f->said) - 1, 0, "said", &err);

	assert_true(n >= 0);
	f->said[n] = '\0';
	return f->said;
}

enum kd_outcome save_dump(struct save_fixture *f, struct kd_err *err)
{
	return kd_init_save(&f->init, &f->init.plan.targets[0], f->dir, err);
}

void read_back(struct save_fixture *f)
{
	struct kd_err err = { 0 };
	char path[200];

	free(f->name);
	f->name = NULL;
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

bool has_file(const struct save_fixture *f, const char *name)
{
	char path[300];

	snprintf(path, sizeof(path), "/var/crash/%s/%s", f->name, name);
	return kd_root_exists(f->target, path);
}

bool manifest_lists(const struct save_fixture *f, const char *name)
{
	for (unsigned int i = 0; i < f->manifest.file_count; i++)
		if (strcmp(f->manifest.files[i].name, name) == 0)
			return true;
	return false;
}

void add_large_vmcore(struct save_fixture *f, unsigned int lines, uint64_t absent)
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

void add_vmcore(struct save_fixture *f, unsigned int lines)
{
	add_large_vmcore(f, lines, 0);
}
