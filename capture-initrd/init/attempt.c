/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "capture-initrd/init/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#define VMCORE_PATH  "/proc/vmcore"
#define RESERVE_NAME ".reserve"

enum { RESERVE_BYTES = 1 << 20 };

/* One target while it is being written. */
struct attempt {
	const struct kd_init *init;
	const struct kd_plan_target *target;
	const char *where;	  /* mount point */
	char *shown;		  /* the dump directory as the target's owner will find it */
	char *path;		  /* the same in this image */
	int dir_fd;		  /* of the dump directory */
	bool truncated;		  /* vmcore-incomplete can be read as far as it goes */
	struct kd_err dmesg_err;  /* code KD_OK: saved */
	struct kd_err vmcore_err; /* likewise */
	struct kd_manifest manifest;
};

static void doing(const struct kd_init *init, const char *step)
{
	snprintf(init->shared->doing, sizeof(init->shared->doing), "%s", step);
}

static void stage_done(struct attempt *a, const char *name)
{
	kd_manifest_add_stage(&a->manifest, name, kd_monotonic_ms());
}

static int make_dump_dir(struct attempt *a, struct kd_err *err)
{
	char name[64];
	KD_AUTO(kd_closep)
	int top = open(a->where, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	doing(a->init, "making the dump directory");
	if (top < 0)
		return kd_fail_sys(err, errno, "open %s", a->where);
	KD_AUTO(kd_closep) int parent = kd_init_open_dir(top, a->target->dir, err);
	if (parent < 0)
		return parent;
	int fd = kd_dumpdir_create(parent, a->init->plan.host_tag, time(NULL), name, err);
	if (fd < 0)
		return fd;
	a->dir_fd = fd;

	/* "/" and "/var/crash/" both give one slash before the name. */
	size_t len = strlen(a->target->dir);
	while (len > 0 && a->target->dir[len - 1] == '/')
		len--;
	int rc = kd_asprintf(&a->shown, err, "%s%.*s/%s", a->target->dir[0] == '/' ? "" : "/",
			     (int)len, a->target->dir, name);
	return rc ? rc : kd_asprintf(&a->path, err, "%s%s", a->where, a->shown);
}

static void save_dmesg(struct attempt *a)
{
	const struct kd_init *init = a->init;
	struct kd_init_dmesg dmesg = { 0 };
	uint64_t timeout_ms = kd_init_left_ms(init) / 2;

	doing(init, "saving the dmesg");
	if (timeout_ms > KD_INIT_DMESG_TIMEOUT_MS)
		timeout_ms = KD_INIT_DMESG_TIMEOUT_MS;
	int rc = kd_init_dmesg_save(init, a->dir_fd, timeout_ms, &dmesg, &a->dmesg_err);
	a->manifest.crash_time = dmesg.crash_time;
	memcpy(a->manifest.kernel_release, dmesg.kernel_release, sizeof(dmesg.kernel_release));
	stage_done(a, "dmesg");
	if (rc) {
		kd_init_say(init, "dmesg failed %s", a->dmesg_err.msg);
		return;
	}
	init->shared->dmesg_safe = true;
	kd_init_say(init, "dmesg saved %s/%s %" PRIu64 " bytes", a->shown, KD_DUMPDIR_DMESG,
		    dmesg.bytes);
}

/* The plan's words, and where to read and write. */
static int build_argv(const struct attempt *a, struct kd_strv *argv, struct kd_buf *line,
		      struct kd_err *err)
{
	const struct kd_strv *plan = &a->init->plan.collector;
	int rc = 0;

	for (size_t i = 0; i < plan->n && !rc; i++) {
		kd_buf_printf(line, "%s%s", i ? " " : "", plan->v[i]);
		rc = kd_strv_add(argv, plan->v[i], err);
	}
	if (!rc && line->bad)
		rc = kd_fail(err, KD_NOMEM, "no memory");
	if (!rc)
		rc = kd_strv_add(argv, VMCORE_PATH, err);
	return rc ? rc : kd_strv_addf(argv, err, "%s/%s", a->path, KD_DUMPDIR_VMCORE_INCOMPLETE);
}

static void release_space(const struct attempt *a)
{
	(void)unlinkat(a->dir_fd, RESERVE_NAME, 0);
}

/* A collector that fills the disk must leave room to say so: log, manifest, their blocks. */
static void hold_space(const struct attempt *a)
{
	KD_AUTO(kd_closep)
	int fd = openat(a->dir_fd, RESERVE_NAME, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd >= 0 && fallocate(fd, 0, 0, RESERVE_BYTES))
		release_space(a); /* full already, or a file system that cannot */
}

static bool is_full(const struct attempt *a)
{
	struct statvfs vfs;

	return fstatvfs(a->dir_fd, &vfs) == 0 &&
	       vfs.f_bfree < (RESERVE_BYTES + vfs.f_bsize - 1) / vfs.f_bsize;
}

static int run_collector(struct attempt *a, const struct kd_strv *argv, struct kd_err *err)
{
	struct kd_child_end end = { 0 };

	hold_space(a);
	int rc = kd_init_collect(a->init, argv, kd_init_left_ms(a->init), &end, err);
	bool full = rc && is_full(a);
	release_space(a);
	a->manifest.collector_exit = end.exited ? end.code : -end.signal;
	if (full) {
		err->code = KD_NOSPACE;
		return kd_wrap(err, "the target is full");
	}
	return rc;
}

/* The engine's own words for a full target are good; only the reserve has to be held for it. */
static int run_engine(struct attempt *a, struct kd_err *err)
{
	const struct kd_plan_engine *e = &a->init->plan.engine;

	snprintf(a->manifest.collector, sizeof(a->manifest.collector), "engine");
	kd_init_say(a->init, "vmcore started engine, dump level %u, %s", e->level,
		    kd_plan_codec_name(e->codec));
	hold_space(a);
	int rc = kd_init_engine(a->init, a->dir_fd, kd_init_left_ms(a->init), &a->manifest,
				&a->truncated, err);
	release_space(a);
	return rc;
}

static int run_program(struct attempt *a, struct kd_err *err)
{
	KD_AUTO(kd_strv_fini) struct kd_strv argv = { 0 };
	KD_AUTO(kd_buf_fini) struct kd_buf line = { 0 };
	int rc = build_argv(a, &argv, &line, err);

	if (rc)
		return rc;
	snprintf(a->manifest.collector, sizeof(a->manifest.collector), "%s", line.p);
	kd_init_say(a->init, "vmcore started %s", line.p);
	return run_collector(a, &argv, err);
}

static int collect(struct attempt *a, uint64_t *bytes_ret, struct kd_err *err)
{
	int rc = a->init->plan.collector.n > 0 ? run_program(a, err) : run_engine(a, err);

	if (rc)
		return rc;
	doing(a->init, "syncing the vmcore");
	return kd_init_vmcore_seal(a->dir_fd, bytes_ret, err);
}

static void save_vmcore(struct attempt *a)
{
	uint64_t bytes = 0;

	doing(a->init, "collecting the vmcore");
	int rc = collect(a, &bytes, &a->vmcore_err);
	stage_done(a, "vmcore");
	if (rc)
		kd_init_say(a->init, "vmcore failed %s", a->vmcore_err.msg);
	else
		kd_init_say(a->init, "vmcore saved %s/%s %" PRIu64 " bytes", a->shown,
			    KD_DUMPDIR_VMCORE, bytes);
}

static void save_own_log(struct attempt *a)
{
	struct kd_err err = { 0 };
	KD_AUTO(kd_closep)
	int fd = kd_root_openat(a->init->root, "/dev/kmsg", O_RDONLY | O_NONBLOCK, 0, &err);
	int rc = fd < 0 ? fd : kd_init_klog_save(fd, a->dir_fd, &err);

	/* Worth a line, not worth calling a whole dump less than whole. */
	if (rc)
		kd_init_say(a->init, "log failed %s", err.msg);
}

/* 1: there and worth listing; an empty one is removed, it only looks like a dump. */
static bool is_worth_listing(int dir_fd, const char *name)
{
	struct stat st = { 0 };

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode))
		return false;
	if (st.st_size == 0 && strcmp(name, KD_DUMPDIR_VMCORE_INCOMPLETE) == 0) {
		(void)unlinkat(dir_fd, name, 0);
		return false;
	}
	return true;
}

/* Hashed pages are not needed again; the manifest and the log may need the memory. */
static void forget_pages(int dir_fd, const char *name)
{
	KD_AUTO(kd_closep) int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0)
		(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
}

/* What cannot be read back is not saved: it loses its final name. */
static void take_back(struct attempt *a, const char *name, const char *incomplete,
		      struct kd_err *which, const struct kd_err *why)
{
	if (which->code != KD_OK)
		return;
	*which = *why;
	kd_init_say(a->init, "%s failed %s", which == &a->vmcore_err ? "vmcore" : "dmesg",
		    why->msg);
	(void)renameat2(a->dir_fd, name, a->dir_fd, incomplete, RENAME_NOREPLACE);
}

/* Reading a large file back must not cost us the manifest. */
static void list_files(struct attempt *a)
{
	const uint64_t until_ms = kd_init_hash_until_ms(a->init);
	static const char *const names[] = { KD_DUMPDIR_DMESG, KD_DUMPDIR_DMESG_INCOMPLETE,
					     KD_DUMPDIR_VMCORE, KD_DUMPDIR_VMCORE_INCOMPLETE,
					     KD_DUMPDIR_LOG };

	for (size_t i = 0; i < KD_ARRAY_LEN(names); i++) {
		struct kd_err err = { 0 };
		if (!is_worth_listing(a->dir_fd, names[i]))
			continue;
		int rc = kd_manifest_add_file_until(&a->manifest, a->dir_fd, names[i], until_ms,
						    &err);
		forget_pages(a->dir_fd, names[i]);
		if (rc == 1)
			kd_manifest_add_remark(&a->manifest,
					       "no time was left for the SHA-256 of %s", names[i]);
		if (rc >= 0)
			continue;
		if (strcmp(names[i], KD_DUMPDIR_VMCORE) == 0)
			take_back(a, names[i], KD_DUMPDIR_VMCORE_INCOMPLETE, &a->vmcore_err, &err);
		else if (strcmp(names[i], KD_DUMPDIR_DMESG) == 0)
			take_back(a, names[i], KD_DUMPDIR_DMESG_INCOMPLETE, &a->dmesg_err, &err);
		else
			kd_init_say(a->init, "manifest without %s: %s", names[i], err.msg);
	}
}

/* What the two results come to. */
static enum kd_outcome judge(const struct attempt *a, struct kd_err *why)
{
	const struct kd_err *vmcore = &a->vmcore_err, *dmesg = &a->dmesg_err;

	why->msg[0] = '\0';
	if (vmcore->code == KD_OK) {
		if (dmesg->code != KD_OK)
			kd_fail(why, dmesg->code, "dmesg: %s", dmesg->msg);
		return KD_OUTCOME_SAVED;
	}
	if (dmesg->code == KD_OK) {
		kd_fail(why, vmcore->code, "%s", vmcore->msg);
		return a->truncated ? KD_OUTCOME_TRUNCATED : KD_OUTCOME_DMESG_ONLY;
	}
	kd_fail(why, vmcore->code, "%s; dmesg: %s", vmcore->msg, dmesg->msg);
	return KD_OUTCOME_FAILED;
}

static void fill_manifest(struct attempt *a, enum kd_outcome outcome, const char *reason)
{
	struct kd_manifest *m = &a->manifest;
	const struct kd_plan_target *t = a->target;
	time_t now = time(NULL);
	struct tm tm = { 0 };

	m->outcome = outcome;
	snprintf(m->reason, sizeof(m->reason), "%s", reason);
	if (gmtime_r(&now, &tm))
		strftime(m->created, sizeof(m->created), "%Y-%m-%dT%H:%M:%SZ", &tm);
	kd_manifest_fit_extents(m);
	snprintf(m->target, sizeof(m->target), "%s %s=%s %s", t->fstype,
		 kd_id_kind_name(t->id_kind), t->id, t->dir);
}

static enum kd_outcome finish(struct attempt *a, struct kd_err *why)
{
	struct kd_err err = { 0 };

	doing(a->init, "writing the log");
	save_own_log(a);
	doing(a->init, "hashing the files");
	list_files(a);

	enum kd_outcome outcome = judge(a, why);
	doing(a->init, "writing the manifest");
	fill_manifest(a, outcome, why->msg);
	int rc = kd_manifest_write(&a->manifest, a->dir_fd, &err);
	if (!rc && syncfs(a->dir_fd))
		rc = kd_fail_sys(&err, errno, "sync the target");
	if (!rc)
		return outcome;
	/* Without its manifest nobody can tell a whole dump from a torn one. */
	*why = err;
	return KD_OUTCOME_FAILED;
}

enum kd_outcome kd_init_save(const struct kd_init *init, const struct kd_plan_target *target,
			     const char *where, struct kd_err *err)
{
	struct attempt a = { .init = init,
			     .target = target,
			     .where = where,
			     .dir_fd = -1,
			     .manifest = init->manifest };
	enum kd_outcome outcome = KD_OUTCOME_FAILED;

	if (make_dump_dir(&a, err)) {
		kd_init_say(init, "target failed %s", err->msg);
	} else {
		stage_done(&a, "target");
		save_dmesg(&a);
		save_vmcore(&a);
		outcome = finish(&a, err);
	}
	if (a.dir_fd >= 0)
		close(a.dir_fd);
	kd_manifest_fini(&a.manifest);
	free(a.shown);
	free(a.path);
	return outcome;
}

static int mount_it(const struct kd_init *init, const struct kd_plan_target *t, const char *where,
		    struct kd_err *err)
{
	char name[KD_BLOCK_NAME_BYTES], device[KD_BLOCK_NAME_BYTES + 8];
	uint64_t timeout_ms = init->plan.target_timeout_s * 1000;
	uint64_t left_ms = kd_init_left_ms(init);

	doing(init, "waiting for the target");
	kd_init_say(init, "target waiting %s=%s", kd_id_kind_name(t->id_kind), t->id);
	int rc = kd_init_target_wait(init, t, timeout_ms < left_ms ? timeout_ms : left_ms, name,
				     err);
	if (rc)
		return rc;

	doing(init, "mounting the target");
	kd_init_device_path(name, device);
	rc = kd_init_mount_target(device, where, t, err);
	if (!rc)
		kd_init_say(init, "target mounted %s %s %s", device, t->fstype, t->dir);
	return rc;
}

enum kd_outcome kd_init_attempt(const struct kd_init *init, size_t target_index, struct kd_err *err)
{
	const struct kd_plan_target *target = &init->plan.targets[target_index];
	char where[32];

	snprintf(where, sizeof(where), "/mnt/%zu", target_index);
	if (mount_it(init, target, where, err)) {
		kd_init_say(init, "target failed %s", err->msg);
		return KD_OUTCOME_FAILED;
	}
	enum kd_outcome outcome = kd_init_save(init, target, where, err);
	doing(init, "unmounting the target");
	if (!kd_init_unmount(where))
		kd_init_say(init, "target %s is still in use, detached", where);
	return outcome;
}
