/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * host - facts about this machine before the panic: mounts, block devices and
 * the kernel modules that reach them, the running kernel, the state of the crash
 * reservation. Everything is read through a struct kd_root, so a tree captured
 * from another machine gives the same answers as the machine itself.
 *
 * What to do with the facts is for the planner and kdumpctl. Nothing here
 * changes anything, and nothing is kept between calls. Functions may be called
 * from any thread as long as the objects passed in are not shared.
 */
#ifndef KD_LIB_HOST_HOST_H
#define KD_LIB_HOST_HOST_H

#include "lib/base/base.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- mounts.c ---- */

/* The mount that holds a path. Strings are never NULL. */
struct kd_host_mount {
	char *mountpoint;
	char *fstype;  /* "ext4" */
	char *source;  /* "/dev/vda1", "server:/export", "overlay"; "none" where there is none */
	char *fs_root; /* directory of the file system mounted here: "/", "/@home", "/srv/bind" */
	char *options; /* per mount and per file system, one comma list: "rw,relatime,..." */
	char *path; /* the path asked for, from the file system's top: fs_root + rest; "/" at least */
	unsigned int major, minor; /* 0:n for file systems without one device (btrfs, nfs, tmpfs) */
};

/**
 * kd_host_mount_of() - which mount holds @path
 * @path: absolute; need not exist (its longest existing parent decides), symbolic
 *        links are followed, dangling ones too
 * @ret: kd_host_mount_fini(); untouched on failure
 *
 * Mounts are walked as the kernel walks a path, by parent mount, so a mount that
 * hides another one (the same mount point, or a parent of it) is what counts.
 * On btrfs .path starts at the top-level subvolume (subvolid=5), not at the default one.
 *
 * Return: 0; -KD_USAGE @path is not absolute, loops, or is on a deleted directory
 * bound elsewhere; -KD_SYS /proc/self/mountinfo unreadable; -KD_BADDATA it is not
 * what proc(5) describes; -KD_NOMEM.
 */
int kd_host_mount_of(const struct kd_root *root, const char *path, struct kd_host_mount *ret,
		     struct kd_err *err) KD_MUST_CHECK;
void kd_host_mount_fini(struct kd_host_mount *mount);

/**
 * kd_host_mountpoint_of() - where a block device's file system is mounted as a whole
 * @ret: mount point, not hidden by other mounts; free(); written only if 1 is returned
 *
 * A mount of a part only (bind mount, subvolume) does not count. File systems without one
 * device of their own (btrfs) are never found.
 *
 * Return: 1 found, 0 not mounted; -KD_SYS, -KD_BADDATA, -KD_NOMEM as kd_host_mount_of().
 */
int kd_host_mountpoint_of(const struct kd_root *root, unsigned int major, unsigned int minor,
			  char **ret, struct kd_err *err) KD_MUST_CHECK;

/** kd_host_fstype_is_local_disk() - ext2, ext3, ext4, xfs, btrfs, f2fs: one block device, no network */
bool kd_host_fstype_is_local_disk(const char *fstype);

/* ---- device.c ---- */

/* A block device. Strings other than the first three are NULL where unknown or absent. */
struct kd_host_device {
	char *name;    /* the kernel's: "vda1", "dm-0" */
	char *disk;    /* of the whole disk: "vda"; the same as name where it is no partition */
	char *devnode; /* "/dev/vda1" */
	unsigned int major, minor;
	char *fstype; /* of the superblock, by udev's record or by probing: "ext4" */
	char *fs_uuid;
	char *fs_label;
	char *part_uuid;
	char *part_label;
	char *serial; /* of the disk; blanks around it removed */
	char *wwid;   /* of the disk; blanks around it removed */
};

/**
 * kd_host_resolve_device() - find a block device
 * @spec: "/dev/..." (links such as /dev/disk/by-id/... too), "UUID=", "LABEL=",
 *        "PARTUUID=", "PARTLABEL="; the value may stand in double quotes
 * @ret: kd_host_device_fini(); untouched on failure
 *
 * Superblock facts come from udev's records (/run/udev/data), else from probing the
 * device with libblkid, which needs the privilege to read it; without either they
 * stay NULL. A device stacked on others with the same superblock (multipath) is
 * preferred to the ones below it. Below a prefix a regular file may stand for a device node.
 *
 * Return: 0; -KD_USAGE no such device, more than one, or not a block device; -KD_SYS;
 * -KD_BADDATA sysfs says something else than sysfs(5) does; -KD_NOMEM.
 */
int kd_host_resolve_device(const struct kd_root *root, const char *spec, struct kd_host_device *ret,
			   struct kd_err *err) KD_MUST_CHECK;

/** kd_host_device_by_number() - the same for a device number, as in kd_host_mount */
int kd_host_device_by_number(const struct kd_root *root, unsigned int major, unsigned int minor,
			     struct kd_host_device *ret, struct kd_err *err) KD_MUST_CHECK;
void kd_host_device_fini(struct kd_host_device *device);

/* ---- devmods.c ---- */

/**
 * kd_host_device_modules() - modules that must be loaded to reach a block device
 * @release: of the capture kernel, whose modules.alias decides
 * @modules: names are added, buses first; no duplicates
 *
 * Only names: dependencies come with kd_host_module_closure(). Modules built into the
 * capture kernel are left out. LVM, md and multipath devices are followed down to
 * their disks.
 *
 * Return: 0; -KD_NOTSUP the device cannot be reached by loading modules alone (encrypted,
 * network, loop, ...: the message says which and what to do instead); -KD_USAGE no such
 * device or no modules for @release; -KD_SYS; -KD_BADDATA; -KD_NOMEM.
 */
int kd_host_device_modules(const struct kd_root *root, unsigned int major, unsigned int minor,
			   const char *release, struct kd_strv *modules,
			   struct kd_err *err) KD_MUST_CHECK;

/* ---- modules.c ---- */

struct kd_host_module {
	char *name;    /* with underscores, as /proc/modules has it */
	char *path;    /* as the machine names it: "/lib/modules/.../ext4.ko.xz" */
	char *options; /* from modprobe.d, "" for none */
};

/**
 * kd_host_module_closure() - modules with all they depend on, in load order
 * @names: module names or aliases
 * @log: told about modprobe.d "install" commands, which are not run; may be NULL
 * @list: kd_host_modules_free(*list, *count); written on success only
 *
 * Hard dependencies, and soft ones (pre and post) where they exist; each once. What is
 * built into the kernel is left out. Blacklists do not apply, as for modprobe NAME.
 * modprobe.d is read below @root only.
 *
 * Return: 0; -KD_USAGE a name neither built in nor present, or no modules for @release
 * (the message names both and the remedy); -KD_SYS; -KD_BADDATA; -KD_NOMEM.
 */
int kd_host_module_closure(const struct kd_root *root, const char *release,
			   const struct kd_strv *names, const struct kd_log *log,
			   struct kd_host_module **list, size_t *count,
			   struct kd_err *err) KD_MUST_CHECK;
void kd_host_modules_free(struct kd_host_module *list, size_t count);

/**
 * kd_host_fs_modules() - add the module names a file system needs to be mounted
 *
 * Adds nothing where it is built in. Return: as kd_host_module_closure(); -KD_USAGE
 * too for a file system the kernel does not have.
 */
int kd_host_fs_modules(const struct kd_root *root, const char *release, const char *fstype,
		       struct kd_strv *modules, struct kd_err *err) KD_MUST_CHECK;

/* ---- unpack.c ---- */

enum { KD_HOST_MODULE_MAX_BYTES = 256 << 20 };

/**
 * kd_host_module_unpack() - bytes of a module file, decompressed (.xz, .zst, .gz)
 * @path: kd_host_module.path
 * @out: appended to; kd_buf_fini() also after a failure
 *
 * Return: 0; -KD_SYS; -KD_BADDATA damaged, too large or not an ELF file; -KD_NOTSUP
 * compressed in a way this build cannot read; -KD_NOMEM.
 */
int kd_host_module_unpack(const struct kd_root *root, const char *path, struct kd_buf *out,
			  struct kd_err *err) KD_MUST_CHECK;

/* ---- vmcoreinfo.c ---- */

/**
 * kd_host_vmcoreinfo() - what the running kernel would tell of itself after a crash
 * @out: the text is appended
 *
 * Return: 0; -KD_SYS no /proc/kcore, or not readable (needs CAP_SYS_RAWIO, and no
 * lockdown for confidentiality); -KD_NOTSUP no such note; -KD_BADDATA; -KD_NOMEM.
 */
int kd_host_vmcoreinfo(const struct kd_root *root, struct kd_buf *out,
		       struct kd_err *err) KD_MUST_CHECK;

/* ---- capture_kernel.c ---- */

/**
 * kd_host_image_release() - the release a bzImage says it is, as uname -r has it
 * @path: of the image
 * @ret: free(); untouched on failure
 *
 * Return: 0; -KD_SYS unreadable; -KD_BADDATA no bzImage; -KD_NOMEM.
 */
int kd_host_image_release(const struct kd_root *root, const char *path, char **ret,
			  struct kd_err *err) KD_MUST_CHECK;

/**
 * kd_host_check_capture_kernel() - can this x86 kernel save what the running one leaves?
 * @config_path: its configuration; need not exist
 * @cmdline: of the running kernel
 * @config_seen: was there a configuration to look at?
 *
 * By the boot header: 64 bits, relocatable, can run where the crash memory is, can be
 * started from 5-level page tables where the machine uses them. By the configuration:
 * /proc/vmcore, an initramfs, encrypted memory where it is.
 * Return: 0; -KD_NOTSUP it cannot (which and why); as kd_host_image_release().
 */
int kd_host_check_capture_kernel(const struct kd_root *root, const char *path,
				 const char *config_path, const char *cmdline, bool *config_seen,
				 struct kd_err *err) KD_MUST_CHECK;

/* ---- kernel.c, crash.c ---- */

/* A fact that may be unknown (not readable, or this kernel does not say): never guessed. */
struct kd_host_number {
	bool known;
	uint64_t value;
};

struct kd_host_flag {
	bool known;
	bool value;
};

struct kd_host_kernel {
	char *release; /* "6.1.0-18-amd64" */
	char *machine; /* "x86_64"; "" where a captured tree does not say */
	char *cmdline; /* /proc/cmdline without its newline */
};

/**
 * kd_host_uname() - the running kernel
 * @ret: kd_host_kernel_fini(); untouched on failure
 *
 * On the machine itself by uname(2), below a prefix from /proc/sys/kernel.
 *
 * Return: 0; -KD_SYS; -KD_BADDATA; -KD_NOMEM.
 */
int kd_host_uname(const struct kd_root *root, struct kd_host_kernel *ret,
		  struct kd_err *err) KD_MUST_CHECK;
void kd_host_kernel_fini(struct kd_host_kernel *kernel);

enum kd_host_lockdown {
	KD_HOST_LOCKDOWN_UNKNOWN, /* not readable, or a word we do not know */
	KD_HOST_LOCKDOWN_NONE,	  /* also for a kernel without lockdown */
	KD_HOST_LOCKDOWN_INTEGRITY,
	KD_HOST_LOCKDOWN_CONFIDENTIALITY,
};

/** kd_host_lockdown_name() - as the kernel writes it; "" for unknown */
const char *kd_host_lockdown_name(enum kd_host_lockdown lockdown);

enum { KD_HOST_MAX_CRASH_RANGES = 8 };

struct kd_host_range {
	uint64_t start;
	uint64_t end; /* the last byte */
};

struct kd_host_crash_facts {
	bool supported;			   /* this kernel was built with crash kexec */
	struct kd_host_flag loaded;	   /* a crash kernel is loaded now */
	struct kd_host_flag other_loaded;  /* a kernel to reboot into is */
	struct kd_host_number size_bytes;  /* reserved; 0: nothing */
	struct kd_host_flag load_disabled; /* kernel.kexec_load_disabled is 1 */
	enum kd_host_lockdown lockdown;
	struct kd_host_flag secure_boot;
	bool ranges_known; /* /proc/iomem shows zeros without CAP_SYS_ADMIN */
	struct kd_host_range ranges[KD_HOST_MAX_CRASH_RANGES]; /* "Crash kernel", rising */
	size_t range_count;
	/* System RAM of /proc/iomem, else MemTotal of /proc/meminfo (less than what is
	 * installed: the kernel and the reservation are not in it). */
	struct kd_host_number ram_bytes;
	bool ram_is_exact; /* from /proc/iomem */
};

/**
 * kd_host_crash_facts() - what the kernel says about kdump; costs a few small files
 *
 * Return: 0 (what cannot be read is unknown, not an error); -KD_NOMEM.
 */
int kd_host_crash_facts(const struct kd_root *root, struct kd_host_crash_facts *ret,
			struct kd_err *err) KD_MUST_CHECK;

/* ---- crash_trail.c ---- */

/* Stages of a trail, as enum crash_stage of kernel-patches/crash_trail numbers them. */
enum kd_host_trail_stage {
	KD_HOST_TRAIL_PANIC = 1,
	KD_HOST_TRAIL_CRASH_KEXEC = 2,
	KD_HOST_TRAIL_VMCOREINFO = 3,
	KD_HOST_TRAIL_CPUS_STOPPED = 4,
	KD_HOST_TRAIL_SHUTDOWN = 5,
	KD_HOST_TRAIL_JUMP = 6,
	KD_HOST_TRAIL_NOTIFIERS = 7,
	KD_HOST_TRAIL_RESTART = 8,
	KD_HOST_TRAIL_CAPTURE = 16, /* this and all above: left by the capture kernel */
	KD_HOST_TRAIL_CAPTURE_INITCALLS = 17,
	KD_HOST_TRAIL_CAPTURE_VMCORE = 18,
	KD_HOST_TRAIL_CAPTURE_INIT = 19,
	KD_HOST_TRAIL_MARK = 32, /* left by its user space, with a word */
};

/* Which way the last crash went. Names are the kernel's: plain ASCII without blanks. */
struct kd_host_trail {
	size_t steps;
	unsigned int stage;	    /* the last one; may be none of the above */
	char reached[32];	    /* its name, or the mark's word */
	unsigned int capture_stage; /* the last one before a panic of the capture kernel; 0 none */
	char capture_reached[32];
	bool capture_panicked;
	int64_t from_s, to_s; /* the crashed kernel's steps, seconds since 1970 by its clock */
};

/**
 * kd_host_trail_parse() - the text of a trail
 * @name: what to call the text in messages
 * @ret: written only if 1 is returned
 *
 * Return: 1 a trail, 0 an empty one; -KD_BADDATA with name, line and what is wrong.
 */
int kd_host_trail_parse(const char *text, size_t len, const char *name, struct kd_host_trail *ret,
			struct kd_err *err) KD_MUST_CHECK;

/**
 * kd_host_trail() - the trail of the last crash, from a kernel that keeps one
 *
 * Return: 1 there is one, 0 none, or this kernel has no such file; -KD_SYS unreadable;
 * -KD_BADDATA; -KD_NOMEM.
 */
int kd_host_trail(const struct kd_root *root, struct kd_host_trail *ret,
		  struct kd_err *err) KD_MUST_CHECK;

/**
 * kd_host_cpu0_apicid() - initial APIC ID of the boot processor, for disable_cpu_apicid=
 *
 * Return: 0; .known is false where /proc/cpuinfo has none (other architectures);
 * -KD_SYS unreadable; -KD_BADDATA; -KD_NOMEM.
 */
int kd_host_cpu0_apicid(const struct kd_root *root, struct kd_host_number *ret,
			struct kd_err *err) KD_MUST_CHECK;

#endif
