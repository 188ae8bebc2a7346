/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dumpdir - CONTRACT 2: the dump directory, what is left after the panic.
 *
 * <path>/<host tag>-<YYYY-MM-DD-HH:MM:SS>/ holds vmcore, vmcore-dmesg.txt,
 * kexec-dmesg.log and, written last, manifest.json with the outcome, the reason,
 * the stage times and size and SHA-256 of each file. docs/formats/manifest.md
 * describes it. The capture init writes (write.c, no jansson), the host reads
 * (read.c, jansson) and checks.
 *
 * umask 077 is the caller's; directories are made 0700, files 0600, opened
 * relative to the directory with O_NOFOLLOW|O_EXCL.
 */
#ifndef KD_LIB_DUMPDIR_DUMPDIR_H
#define KD_LIB_DUMPDIR_DUMPDIR_H

#include "lib/base/base.h"

#include <stdint.h>
#include <time.h>

#define KD_DUMPDIR_MANIFEST	     "manifest.json"
#define KD_DUMPDIR_VMCORE	     "vmcore"
#define KD_DUMPDIR_VMCORE_INCOMPLETE "vmcore-incomplete"
#define KD_DUMPDIR_DMESG	     "vmcore-dmesg.txt"
#define KD_DUMPDIR_DMESG_INCOMPLETE  "vmcore-dmesg-incomplete.txt"
#define KD_DUMPDIR_LOG		     "kexec-dmesg.log"
#define KD_DUMPDIR_REPORT_JSON	     "report.json"
#define KD_DUMPDIR_REPORT_TXT	     "report.txt"

enum {
	KD_MANIFEST_VERSION = 1,
	KD_MANIFEST_MAX_STAGES = 24,
	KD_MANIFEST_MAX_FILES = 12,
	KD_MANIFEST_MAX_EXTENTS = 32768, /* the engine notes half as many */
	KD_MANIFEST_MAX_BYTES = 4 << 20
};

enum kd_outcome {
	KD_OUTCOME_SAVED,      /* vmcore is whole */
	KD_OUTCOME_TRUNCATED,  /* a vmcore-incomplete that readers can still use */
	KD_OUTCOME_DMESG_ONLY, /* no vmcore, but the kernel log is whole */
	KD_OUTCOME_FAILED      /* nothing but the reason */
};

struct kd_manifest_file {
	char name[64];
	uint64_t size_bytes;
	char sha256[KD_SHA256_HEX_BYTES]; /* "": there was no time for it */
};

struct kd_manifest_stage {
	char name[32];	/* "init", "dmesg", "vmcore", ... in the order they ended */
	uint64_t at_ms; /* since the capture kernel's start (CLOCK_BOOTTIME) */
};

/* Pages that could not be read: zeros in the dump. */
struct kd_manifest_bad_run {
	uint64_t pfn;
	uint64_t pages;
};

enum { KD_MANIFEST_MAX_BAD_RUNS = 64, KD_MANIFEST_MAX_REMARKS = 8, KD_MANIFEST_REMARK_BYTES = 240 };

/* What the dump engine did; .used is false where a program collected. */
struct kd_manifest_engine {
	bool used;
	uint64_t pages;	       /* saved, the following included */
	uint64_t zero_pages;   /* of these all zeros */
	uint64_t shared_pages; /* of these stored once with another */
	uint64_t bad_pages;    /* of these unreadable */
	struct kd_manifest_bad_run bad[KD_MANIFEST_MAX_BAD_RUNS]; /* the first runs of them */
	unsigned int bad_count;
	char digests_xxh3[17];		  /* XXH3 of the vmcore's table of hashes; "" without one */
	struct kd_hashed_extent *extents; /* of the vmcore, by rising offset and apart; owned */
	size_t extent_count;
};

/* kd_manifest_fini() releases what it owns; a copy of the struct owns nothing. */
struct kd_manifest {
	enum kd_outcome outcome;
	char reason[KD_ERR_MSG_BYTES]; /* "" when saved without a remark */
	char created[32];	       /* UTC, "2026-11-20T12:34:56Z" */
	char kernel_release[128];      /* of the crashed kernel; "" unknown */
	int64_t crash_time;	       /* CRASHTIME of vmcoreinfo, seconds since 1970; 0 unknown */
	char collector[256];	       /* command line of the collector, or "engine" */
	int collector_exit;	       /* its exit status; -signal when killed; 0 otherwise */
	char target[256];	       /* "ext4 UUID=... /var/crash" */
	struct kd_manifest_stage stages[KD_MANIFEST_MAX_STAGES];
	unsigned int stage_count;
	struct kd_manifest_file files[KD_MANIFEST_MAX_FILES];
	unsigned int file_count;
	struct kd_manifest_engine engine;
	char remarks[KD_MANIFEST_MAX_REMARKS]
		    [KD_MANIFEST_REMARK_BYTES]; /* what a reader should know */
	unsigned int remark_count;
};

const char *kd_outcome_name(
	enum kd_outcome outcome); /* "saved", "truncated", "dmesg-only", "failed" */

void kd_manifest_fini(struct kd_manifest *m);

/** kd_manifest_vmcore() - the dump that is listed: vmcore, else vmcore-incomplete; NULL for none */
const struct kd_manifest_file *kd_manifest_vmcore(const struct kd_manifest *m);

/* ---- writing (write.c): the capture init ---- */

/**
 * kd_dumpdir_create() - make <parent>/<host_tag>-<stamp>/, 0700
 * @parent_fd: directory descriptor of the parent, not O_PATH
 * @host_tag: letters, digits, "._:-", not beginning with a dot, at most 39 bytes
 * @now: UTC time for the stamp
 * @name_ret: the directory's name
 *
 * A name already taken gets "-1", "-2", ... "-999" appended; an older dump is
 * never reused. The parent is synced.
 *
 * Return: a directory descriptor (O_RDONLY), or -KD_USAGE for the host tag, -KD_SYS,
 * -KD_NOSPACE.
 */
int kd_dumpdir_create(int parent_fd, const char *host_tag, time_t now, char name_ret[64],
		      struct kd_err *err) KD_MUST_CHECK;

/**
 * kd_dumpdir_open_new() - create a file of mode 0600 in it (O_RDWR|O_EXCL|O_NOFOLLOW)
 * @name: a file name as the manifest allows it: letters, digits, "._-", no leading
 *        dot, at most 63 bytes
 *
 * Return: a descriptor, or -KD_USAGE for the name, -KD_SYS, -KD_NOSPACE.
 */
int kd_dumpdir_open_new(int dir_fd, const char *name, struct kd_err *err) KD_MUST_CHECK;

/**
 * kd_dumpdir_write_new() - create, write and fsync a whole small file
 *
 * On failure nothing of that name is left (unless it was there before). The
 * directory is not synced.
 */
int kd_dumpdir_write_new(int dir_fd, const char *name, const void *data, size_t len,
			 struct kd_err *err) KD_MUST_CHECK;

/** kd_dumpdir_rename() - fsync @from, rename it to @to (which must not exist), fsync the directory */
int kd_dumpdir_rename(int dir_fd, const char *from, const char *to,
		      struct kd_err *err) KD_MUST_CHECK;

/** kd_manifest_add_stage() - note that a stage has ended; with no room left the last one is replaced */
void kd_manifest_add_stage(struct kd_manifest *m, const char *name, uint64_t at_ms);

/** kd_manifest_add_remark() - a sentence for whoever reads the dump; more than fit are dropped */
void kd_manifest_add_remark(struct kd_manifest *m, const char *fmt, ...) KD_PRINTF(2, 3);

/**
 * kd_manifest_set_extents() - note hashes of parts of the vmcore
 * @extents: copied; by rising offset and apart. Replaces what was there
 *
 * Return: 0; -KD_USAGE more than KD_MANIFEST_MAX_EXTENTS; -KD_NOMEM.
 */
int kd_manifest_set_extents(struct kd_manifest *m, const struct kd_hashed_extent *extents, size_t n,
			    struct kd_err *err) KD_MUST_CHECK;

/**
 * kd_manifest_fit_extents() - leave out those that the vmcore, as it is listed, does not hold
 *
 * For after the files were added. Such a part was written and got lost: a remark says so.
 */
void kd_manifest_fit_extents(struct kd_manifest *m);

/**
 * kd_manifest_add_file() - hash file @name of the directory and list it
 *
 * Reads the whole file. Return: 0; -KD_USAGE for a bad name, one listed already or
 * a full list; -KD_SYS.
 */
int kd_manifest_add_file(struct kd_manifest *m, int dir_fd, const char *name,
			 struct kd_err *err) KD_MUST_CHECK;

/**
 * kd_manifest_add_file_until() - the same, giving the hash up at @until_ms (kd_monotonic_ms())
 *
 * Return: 1 where there was no time: listed with its size and without a hash; else as above.
 */
int kd_manifest_add_file_until(struct kd_manifest *m, int dir_fd, const char *name,
			       uint64_t until_ms, struct kd_err *err) KD_MUST_CHECK;

/**
 * kd_manifest_write() - manifest.json.part, fsync, rename to manifest.json, fsync the directory
 *
 * Bytes in a text that are no UTF-8, and control characters, become '?'. The hashes of
 * the vmcore's parts are left out, with a remark, where they keep it from being written.
 *
 * Return: 0; -KD_USAGE when the outcome is "saved" and no vmcore is listed, or an extent
 * is not inside of the one that is (nothing is written then: correct that first);
 * -KD_NOMEM, -KD_NOSPACE, -KD_SYS.
 */
int kd_manifest_write(const struct kd_manifest *m, int dir_fd, struct kd_err *err) KD_MUST_CHECK;

/* ---- reading (read.c): the host ---- */

/**
 * kd_manifest_parse() - JSON text to manifest; hostile input is expected
 * @name: what to call the text in messages
 * @ret: kd_manifest_fini(); untouched on failure
 *
 * Members it does not know are ignored, so that a later program can add some
 * without a new version number.
 *
 * Return: 0; -KD_BADDATA with "name: member: what is wrong"; -KD_NOTSUP for another
 * version; -KD_NOMEM.
 */
int kd_manifest_parse(const char *text, size_t len, const char *name, struct kd_manifest *ret,
		      struct kd_err *err) KD_MUST_CHECK;

/**
 * kd_manifest_read() - manifest.json of an open dump directory
 * @ret: kd_manifest_fini(); untouched on failure
 *
 * Return: as kd_manifest_parse(); -KD_SYS with err->sys ENOENT where there is none:
 * the capture did not come to its end.
 */
int kd_manifest_read(int dir_fd, struct kd_manifest *ret, struct kd_err *err) KD_MUST_CHECK;

/**
 * kd_dumpdir_verify() - do size and SHA-256 of every listed file match?
 *
 * Of a file without a hash only the size is compared.
 *
 * Return: 0; -KD_BADDATA naming the first file that does not, with what it has and
 * what the manifest says; -KD_SYS unreadable.
 */
int kd_dumpdir_verify(int dir_fd, const struct kd_manifest *m, struct kd_err *err) KD_MUST_CHECK;

/**
 * kd_dumpdir_latest() - newest dump directory below @path (by the stamp in its name)
 * @name_ret: its name; free()
 *
 * A name counts when it is <host tag>-YYYY-MM-DD-HH:MM:SS with or without "-N", and
 * is a directory, not a symbolic link to one. Within a second the higher N is the newer.
 *
 * Return: 1 found, 0 none (also when @path does not exist), negative kd_code.
 */
int kd_dumpdir_latest(const struct kd_root *root, const char *path, char **name_ret,
		      struct kd_err *err) KD_MUST_CHECK;

#endif
