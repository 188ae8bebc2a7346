/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which key of vmcoreinfo is needed for what, since which kernel, and what
 * becomes of a dump without it: as a table, and as the question "what can be
 * done with the dump of this kernel?", which may be asked of a dead kernel's note
 * or, before anything has happened, of the running one's (the VMCOREINFO note of
 * /proc/kcore; /sys/kernel/vmcoreinfo says only where in memory it lies).
 *
 * Distributions take features into older kernels and leave configuration out of
 * newer ones, so it is the keys that are asked, never the version; "since" is for
 * people to read.
 */
#ifndef KD_VMCOREINFO_KEYS_H
#define KD_VMCOREINFO_KEYS_H

#include "vmcoreinfo/vmcoreinfo.h"

enum kd_feature {
	KD_FEATURE_IDENTITY,   /* which kernel it is */
	KD_FEATURE_DMESG,      /* read the kernel's log */
	KD_FEATURE_VTOP,       /* translate kernel virtual addresses */
	KD_FEATURE_PAGE_ARRAY, /* find the struct page of each frame */
	KD_FEATURE_CACHE,      /* leave out page cache */
	KD_FEATURE_USER,       /* leave out anonymous memory of processes */
	KD_FEATURE_HUGETLB,    /* leave out huge pages of processes */
	KD_FEATURE_FREE,       /* leave out free pages */
	KD_FEATURE_FREE_CHECK, /* compare the free pages found with the kernel's own count */
	KD_FEATURE_HWPOISON,   /* never touch pages with a memory error */
	KD_FEATURE_OFFLINE,    /* never touch pages that a balloon or hypervisor took */
	KD_FEATURE_UNACCEPTED, /* leave out memory a confidential guest never accepted */
	KD_FEATURE_KALLSYMS,   /* name addresses without debuginfo */
	KD_N_FEATURES,
};

/* Where a key is asked for. */
enum kd_key_arch { KD_KEY_ANY, KD_KEY_X86_64, KD_KEY_ARM64 };

struct kd_vmcoreinfo_key {
	const char *key; /* "OFFSET(page.flags)" */
	enum kd_feature feature;
	/*
	 * Keys of one feature with the same number stand for each other: one of them
	 * is enough, but of each number there must be one. 0: helps, but is not needed.
	 */
	unsigned int group;
	enum kd_key_arch arch;
	const char *since;   /* kernel, or "always" (5.4 and before) */
	const char *without; /* what happens if it (and its group) is missing */
};

/** kd_vmcoreinfo_keys() - the table, sorted by feature; @n_ret rows */
const struct kd_vmcoreinfo_key *kd_vmcoreinfo_keys(size_t *n_ret);

/** kd_feature_name() - "dmesg", "free-check", ...; never NULL */
const char *kd_feature_name(enum kd_feature feature);

/** kd_feature_what() - what it is good for, in half a sentence */
const char *kd_feature_what(enum kd_feature feature);

struct kd_feature_state {
	bool available;
	/* If not: the row that stands for the first group without a key. */
	const struct kd_vmcoreinfo_key *missing;
};

/**
 * kd_vmcoreinfo_feature() - can this be done with such a kernel's dump?
 * @machine: as uname -m says: "x86_64", "aarch64"; others have no KD_FEATURE_VTOP
 *
 * That a key is there and has a value is all that is looked at.
 */
struct kd_feature_state kd_vmcoreinfo_feature(const struct kd_vmcoreinfo *info, const char *machine,
					      enum kd_feature feature);

/** kd_vmcoreinfo_features() - the same for all of them, by enum kd_feature */
void kd_vmcoreinfo_features(const struct kd_vmcoreinfo *info, const char *machine,
			    struct kd_feature_state ret[KD_N_FEATURES]);

#endif
