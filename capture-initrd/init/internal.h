/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The capture init: PID 1 of the kernel that boots after a panic.
 *
 * PID 1 mounts the kernel's file systems, arms the deadline, reads the plan and
 * then only waits: everything that can hang or crash (modules, devices, a strange
 * memory image, the collector) happens in the worker, a child. Whatever becomes of
 * the worker, PID 1 says so and carries out the plan's last action.
 *
 *   main.c        PID 1, the sequence
 *   end.c         deadline, crash handlers, reboot
 *   worker.c      the worker: modules, then one attempt a target
 *   attempt.c     one target: mount, dump directory, dmesg, vmcore, manifest
 *   mounts.c modules.c target.c superblock.c dmesg.c engine.c collect.c klog.c  its steps
 *   task.c say.c  running a function in a child; lines for the console
 *
 * Memory: the worker's own peak stays below 2 MiB beside the page cache; only the
 * collector and the dmesg reader (limited to KD_INIT_DMESG_MEMORY_BYTES) need more.
 */
#ifndef KD_CAPTURE_INITRD_INIT_INTERNAL_H
#define KD_CAPTURE_INITRD_INIT_INTERNAL_H

#include "lib/base/base.h"
#include "lib/dumpdir/dumpdir.h"
#include "lib/plan/plan.h"

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

enum {
	KD_INIT_DEFAULT_DEADLINE_S = 300, /* until the plan has been read, and where it is broken */
	KD_INIT_LINE_BYTES = 800, /* of one console line; devkmsg refuses records over 976 */
	KD_INIT_DMESG_TIMEOUT_MS = 60000,
	KD_INIT_DMESG_MEMORY_BYTES = 64 << 20,
	KD_INIT_DMESG_MAX_BYTES = 256 << 20, /* far beyond any log_buf_len in use */
	KD_INIT_TAIL_BYTES = 64 << 10,	     /* of the dmesg, shown when it could not be saved */
	KD_INIT_RESERVE_MS = 15000,	     /* kept for the log, the manifest and unmounting */

	/* Fixed numbers: the signal handlers have nothing else to know them by. */
	KD_INIT_KMSG_FD = 20,
	KD_INIT_SYSRQ_FD = 21
};

/* In memory shared by PID 1 and the worker; the worker writes, PID 1 reads after its end. */
struct kd_init_shared {
	enum kd_outcome outcome;
	bool done;	 /* the worker got to its end */
	bool dmesg_safe; /* a dmesg is on some target */
	char doing[32];	 /* the step it is in */
	char reason[KD_ERR_MSG_BYTES];
};

struct kd_init_timer {
	timer_t id;
	bool made;
	char line[80]; /* what the handler says: formatted beforehand */
};

/* What all steps need. Tests make one with a fixture root and a pipe. */
struct kd_init {
	struct kd_root *root;
	int kmsg_fd;	   /* where console lines go */
	uint64_t start_ms; /* kd_monotonic_ms() of the first instruction */
	uint64_t deadline_s;
	struct kd_init_timer timer;
	uint64_t dmesg_memory_bytes; /* limit for the reader; 0 for none */
	struct kd_plan plan;
	struct kd_init_shared *shared;
	struct kd_manifest manifest; /* the stages up to the first target; owns nothing */
};

/** kd_init_left_ms() - until the deadline, less what the last steps need; 0 when used up */
uint64_t kd_init_left_ms(const struct kd_init *init);

/** kd_init_hash_until_ms() - when files are no longer hashed: two thirds of that rest are left then */
uint64_t kd_init_hash_until_ms(const struct kd_init *init);

/* ---- say.c ---- */

/**
 * kd_init_say() - one line for the console and the kernel log: "kdumpkit: ..."
 *
 * Control characters become '?', a line is cut at KD_INIT_LINE_BYTES. Falls back to
 * standard error where the descriptor cannot be written.
 */
void kd_init_say(const struct kd_init *init, const char *fmt, ...) KD_PRINTF(2, 3);

/**
 * kd_init_mark() - leave @word (up to 8 bytes) in the trail of the crash
 *
 * For a capture kernel that offers it: the next boot then knows how far the capture
 * got, also where it left nothing on disk. Nothing happens on other kernels.
 */
void kd_init_mark(const struct kd_init *init, const char *word);

/** kd_init_mark_outcome() - the same, for how the capture ended */
void kd_init_mark_outcome(const struct kd_init *init, enum kd_outcome outcome);

/** kd_init_clean() - make @text fit for a terminal, in place: control characters become '?' */
void kd_init_clean(char *text);

/* ---- task.c ---- */

/**
 * kd_init_task_run() - run @fn in a child process and wait for it
 * @memory_bytes: limit on its writable memory; 0 for none
 * @timeout_ms: afterwards it gets SIGKILL
 *
 * The child's exit status is what @fn returns (0 to 125). It is the first one the
 * kernel kills when memory runs out. Results go through kd_init_shared_map().
 *
 * Return: 0 when it has ended, however (see @ret), or -KD_SYS.
 */
int kd_init_task_run(const struct kd_init *init, int (*fn)(void *arg), void *arg,
		     uint64_t memory_bytes, uint64_t timeout_ms, struct kd_child_end *ret,
		     struct kd_err *err) KD_MUST_CHECK;

/**
 * kd_init_wait() - wait for child @pid at most @timeout_ms, then SIGKILL it
 *
 * One that hangs in a device and does not even die of that is left behind after 2 s.
 */
int kd_init_wait(pid_t pid, uint64_t timeout_ms, struct kd_child_end *ret,
		 struct kd_err *err) KD_MUST_CHECK;

/** kd_init_shared_map() - zeroed memory that children share; lives until the end */
int kd_init_shared_map(size_t len, void **ret, struct kd_err *err) KD_MUST_CHECK;
void kd_init_shared_unmap(void *p, size_t len);

/** kd_init_oom_score() - how soon the kernel kills @pid for memory: -1000 never, 1000 first */
void kd_init_oom_score(const struct kd_init *init, pid_t pid, int score);

/* ---- mounts.c ---- */

/** kd_init_mount_kernel() - /proc, /sys, /dev, those already mounted are fine; and an empty /tmp */
int kd_init_mount_kernel(struct kd_err *err) KD_MUST_CHECK;

/**
 * kd_init_mount_flags() - split a mount option list into flags and the file system's own
 * @data_ret: the rest, comma-separated; free()
 *
 * Options for mount(8) and systemd (noauto, nofail, _netdev, x-..., user) are dropped,
 * and "ro" is as well: a dump has to be written. nodev, nosuid and noexec are always on.
 */
int kd_init_mount_flags(const char *options, unsigned long *flags_ret, char **data_ret,
			struct kd_err *err) KD_MUST_CHECK;

/** kd_init_mount_target() - mount @device (a path) on @where, made if missing */
int kd_init_mount_target(const char *device, const char *where, const struct kd_plan_target *target,
			 struct kd_err *err) KD_MUST_CHECK;

/** kd_init_unmount() - unmount, or detach where something still holds it; false: detached */
bool kd_init_unmount(const char *where);

/**
 * kd_init_open_dir() - open @dir (plan's path) below @top_fd, making what is missing 0700
 *
 * No symbolic link is followed, no ".." and no other mount entered. Return: a
 * descriptor fit for *at() calls, or negative kd_code.
 */
int kd_init_open_dir(int top_fd, const char *dir, struct kd_err *err) KD_MUST_CHECK;

/* ---- modules.c ---- */

struct kd_init_modules {
	size_t loaded; /* in the kernel now, also those that were there before */
	char first_failure[KD_ERR_MSG_BYTES];
};

/** kd_init_modules_load() - the plan's modules in order; a failure is noted and the next one tried */
void kd_init_modules_load(const struct kd_init *init, struct kd_init_modules *ret);

/* ---- superblock.c ---- */

enum kd_fs { KD_FS_UNKNOWN, KD_FS_EXT, KD_FS_XFS, KD_FS_BTRFS };

enum { KD_UUID_BYTES = 16, KD_UUID_TEXT_BYTES = 37, KD_SUPERBLOCK_MAX_BYTES = 1024 };

struct kd_superblock {
	uint8_t uuid[KD_UUID_BYTES];
	char label[257]; /* bytes as they are on disk */
};

/** kd_superblock_fs() - whose superblock a mount type has: ext2, ext3 and ext4 share one */
enum kd_fs kd_superblock_fs(const char *fstype);

/**
 * kd_superblock_parse() - UUID and label out of a superblock
 * @bytes: from the superblock's place on the device, KD_SUPERBLOCK_MAX_BYTES are enough
 *
 * Return: 1 and *ret; 0 no superblock of @fs; -KD_BADDATA: one that no kernel mounts.
 */
int kd_superblock_parse(enum kd_fs fs, const uint8_t *bytes, size_t len, struct kd_superblock *ret,
			struct kd_err *err) KD_MUST_CHECK;

/** kd_superblock_read() - the same from a device; also -KD_SYS */
int kd_superblock_read(int fd, const char *name, enum kd_fs fs, struct kd_superblock *ret,
		       struct kd_err *err) KD_MUST_CHECK;

/** kd_superblock_uuid_text() - lower-case 8-4-4-4-12 into @text */
void kd_superblock_uuid_text(const struct kd_superblock *sb, char text[KD_UUID_TEXT_BYTES]);

/* ---- target.c ---- */

enum { KD_BLOCK_NAME_BYTES = 64 };

/** kd_init_device_path() - "/dev/vda1" for "vda1": sysfs writes '!' where a node's name has '/' */
void kd_init_device_path(const char name[KD_BLOCK_NAME_BYTES], char path[KD_BLOCK_NAME_BYTES + 8]);

/**
 * kd_init_target_find() - which block device is the target, now?
 * @name_ret: its kernel name, "vda1". Of several the first in the order of names.
 * @count_ret: how many fit
 *
 * Return: 1 found, 0 not there, -KD_NOTSUP the identity cannot be read of this file
 * system, -KD_SYS sysfs unreadable.
 */
int kd_init_target_find(const struct kd_root *root, const struct kd_plan_target *target,
			char name_ret[KD_BLOCK_NAME_BYTES], size_t *count_ret,
			struct kd_err *err) KD_MUST_CHECK;

/** kd_init_target_wait() - the same until it is there; -KD_AGAIN after @timeout_ms names what is there */
int kd_init_target_wait(const struct kd_init *init, const struct kd_plan_target *target,
			uint64_t timeout_ms, char name_ret[KD_BLOCK_NAME_BYTES],
			struct kd_err *err) KD_MUST_CHECK;

/* ---- dmesg.c ---- */

struct kd_init_dmesg {
	uint64_t bytes;
	int64_t crash_time;
	char kernel_release[128];
};

/**
 * kd_init_dmesg_save() - the crashed kernel's log into vmcore-dmesg.txt of @dir_fd
 *
 * Read by a child with limits on time and memory. Written under its "incomplete"
 * name first; on failure that stays if it holds anything. @ret is filled as far as
 * things went, on failure too.
 */
int kd_init_dmesg_save(const struct kd_init *init, int dir_fd, uint64_t timeout_ms,
		       struct kd_init_dmesg *ret, struct kd_err *err) KD_MUST_CHECK;

/** kd_init_dmesg_show() - the log's last KD_INIT_TAIL_BYTES to @fd, where nothing could be saved */
int kd_init_dmesg_show(const struct kd_init *init, int fd, uint64_t timeout_ms,
		       struct kd_err *err) KD_MUST_CHECK;

/* ---- collect.c ---- */

/**
 * kd_init_collect() - run a collector and relay its output to the console
 * @argv: the whole command line
 *
 * Progress, that is output ended by a carriage return, is dropped, and so is output
 * past a bound. Return: 0 only for exit status 0; else negative kd_code, the message
 * naming status or signal and the last two lines it printed.
 */
int kd_init_collect(const struct kd_init *init, const struct kd_strv *argv, uint64_t timeout_ms,
		    struct kd_child_end *ret, struct kd_err *err) KD_MUST_CHECK;

/**
 * kd_init_vmcore_seal() - vmcore-incomplete of @dir_fd becomes vmcore
 *
 * It has to be a regular file that holds something; it is given mode 0600 and synced,
 * the file system too, before it gets its name.
 */
int kd_init_vmcore_seal(int dir_fd, uint64_t *bytes_ret, struct kd_err *err) KD_MUST_CHECK;

/* ---- engine.c ---- */

/**
 * kd_init_engine() - the dump engine writes vmcore-incomplete of @dir_fd, as the plan says
 * @timeout_ms: shortly before it ends it stops by itself, with what there is; then it is killed
 * @manifest: engine, remarks and collector_exit are filled in, on failure too
 * @truncated_ret: set where what is in the file can be read, but is not all
 *
 * Return: 0 the file is whole and synced; else negative kd_code with the reason.
 */
int kd_init_engine(const struct kd_init *init, int dir_fd, uint64_t timeout_ms,
		   struct kd_manifest *manifest, bool *truncated_ret,
		   struct kd_err *err) KD_MUST_CHECK;

/* ---- klog.c ---- */

/**
 * kd_init_klog_record() - one record of /dev/kmsg as a log line, appended to @out
 *
 * "6,12,4096123,-;text\n KEY=value\n" becomes "[    4.096123] text\n". A record that
 * does not look like one is left out.
 */
void kd_init_klog_record(const char *record, size_t len, struct kd_buf *out);

/** kd_init_klog_save() - what @kmsg_fd (O_NONBLOCK) still has to tell, into kexec-dmesg.log */
int kd_init_klog_save(int kmsg_fd, int dir_fd, struct kd_err *err) KD_MUST_CHECK;

/* ---- attempt.c, worker.c ---- */

/**
 * kd_init_save() - everything that ends in a dump directory on a mounted target
 * @where: its mount point
 * @err: ->msg tells why the outcome is not better; "" when there is nothing to tell
 */
enum kd_outcome kd_init_save(const struct kd_init *init, const struct kd_plan_target *target,
			     const char *where, struct kd_err *err);

/** kd_init_attempt() - the same for a target of the plan, with waiting, mounting, unmounting */
enum kd_outcome kd_init_attempt(const struct kd_init *init, size_t target_index,
				struct kd_err *err);

/** kd_init_show_dmesg() - the end of the dmesg on the console, for want of a better place */
void kd_init_show_dmesg(const struct kd_init *init);

/** kd_init_worker() - everything between the plan and the last action; results in init->shared */
void kd_init_worker(struct kd_init *init);

/* ---- end.c ---- */

/** kd_init_on_crash() - PID 1: a fault in init itself says one line and reboots */
void kd_init_on_crash(void);

/** kd_init_forked() - in each child: signals end the child again, as they should */
void kd_init_forked(void);

/**
 * kd_init_arm() - reboot @deadline_s after the start of init, whatever happens (SIGALRM)
 *
 * Calling it again moves the deadline. @init must live for ever.
 * Return: 0, or -KD_SYS: then only panic= on the command line is left.
 */
int kd_init_arm(struct kd_init *init, uint64_t deadline_s, struct kd_err *err) KD_MUST_CHECK;

/** kd_init_sync() - sync all file systems, in a child: a device that hangs must not take us along */
void kd_init_sync(const struct kd_init *init);

/** kd_init_reboot() - now, without sync; async-signal-safe */
_Noreturn void kd_init_reboot(void);

/** kd_init_end() - say the last line and carry out @action; @why is "final_action", ... */
_Noreturn void kd_init_end(struct kd_init *init, enum kd_action action, const char *why);

#endif
