/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * preflight - what kexec_load(2) on x86_64 will say to a list of segments, known
 * before the call: a model of the kernel's rules in the kernel's order. It asks
 * nobody: what it has to know about the machine stands in struct kd_kexec_machine,
 * which the caller fills (tools/kexecctl from the host's files, the lab's probe
 * from the guest's). Whoever loads calls it first, and puts its words beside the
 * kernel's errno afterwards.
 *
 * The rules, and the order in which they are checked, are those of Linux 6.1 and
 * 6.12, kernel/kexec.c (kexec_load, kexec_load_check, do_kexec_load,
 * kimage_alloc_init) and kernel/kexec_core.c (sanity_check_segment_list,
 * kimage_alloc_crash_control_pages); the two versions differ in the flags they know
 * and in the sysctls kexec_load_limit_* (since 6.3). lab/guest/kexec-probe.c holds
 * the model against running kernels.
 */
#ifndef KD_LIB_KEXEC_PREFLIGHT_H
#define KD_LIB_KEXEC_PREFLIGHT_H

#include "lib/base/base.h"
#include "lib/kexec/segment.h"

#include <stdbool.h>

/*
 * Which rule decides. The slugs are the reasons in debugfs kexec/last_error of our
 * kernel series; only "not_permitted" is never told there.
 */
enum kd_kexec_rule {
	KD_KEXEC_RULE_NONE,		 /* "none": the kernel takes it */
	KD_KEXEC_RULE_NOT_PERMITTED,	 /* "not_permitted" */
	KD_KEXEC_RULE_LOAD_DISABLED,	 /* "load_disabled" */
	KD_KEXEC_RULE_LOAD_LIMIT,	 /* "load_limit" */
	KD_KEXEC_RULE_SECURITY,		 /* "security" */
	KD_KEXEC_RULE_LOCKDOWN,		 /* "lockdown" */
	KD_KEXEC_RULE_FLAGS_UNKNOWN,	 /* "flags_unknown" */
	KD_KEXEC_RULE_TOO_MANY_SEGMENTS, /* "too_many_segments" */
	KD_KEXEC_RULE_ARCH_MISMATCH,	 /* "arch_mismatch" */
	KD_KEXEC_RULE_COPY_FAULT,	 /* "copy_fault" */
	KD_KEXEC_RULE_BUSY,		 /* "busy" */
	KD_KEXEC_RULE_NOT_RESERVED,	 /* "not_reserved" */
	KD_KEXEC_RULE_ENTRY_OUTSIDE,	 /* "entry_outside_reservation" */
	KD_KEXEC_RULE_WRAPS,		 /* "segment_wraps" */
	KD_KEXEC_RULE_MISALIGNED,	 /* "segment_misaligned" */
	KD_KEXEC_RULE_BEYOND_LIMIT,	 /* "segment_beyond_limit" */
	KD_KEXEC_RULE_OVERLAP,		 /* "segment_overlap" */
	KD_KEXEC_RULE_BUFSZ,		 /* "bufsz_over_memsz" */
	KD_KEXEC_RULE_SEGMENT_HALF_RAM,	 /* "segment_over_half_ram" */
	KD_KEXEC_RULE_TOTAL_HALF_RAM,	 /* "total_over_half_ram" */
	KD_KEXEC_RULE_SEGMENT_OUTSIDE,	 /* "segment_outside_reservation" */
	KD_KEXEC_RULE_NO_CONTROL_PAGES,	 /* "no_control_pages" */
	KD_KEXEC_RULE_NO_MEMORY,	 /* "no_memory" */
	KD_KEXEC_RULES
};

/* What the rules depend on, besides the list. All zero is a machine that permits nothing. */
struct kd_kexec_machine {
	bool cap_sys_boot;  /* CAP_SYS_BOOT is effective */
	bool load_disabled; /* kernel.kexec_load_disabled is 1 */
	bool limit_reached; /* kernel.kexec_load_limit_panic or _reboot, whichever is meant, is 0 */
	bool locked_down;   /* /sys/kernel/security/lockdown is not "none" */
	int lsm_errno;	    /* what another security module answers, as IMA's policy; 0 permits */
	bool busy;	    /* another load or unload is going on */
	uint64_t
		known_flags; /* KEXEC_* bits below the architecture's; those for which kexec_load(0, 1, NULL, flag) says EFAULT */
	uint16_t arch;	     /* the kernel's own e_machine; 62 (EM_X86_64) */
	uint64_t crash_start; /* reservation as /proc/iomem shows it: first and last byte; */
	uint64_t crash_end;   /* both 0: nothing is reserved */
	uint64_t limit;	     /* no segment ends at it or beyond; KD_KEXEC_LIMIT_4LEVEL or _5LEVEL */
	uint64_t ram_pages;  /* MemTotal of /proc/meminfo in pages of 4 KiB (totalram_pages()) */
	uint64_t free_pages; /* what can be allocated for a regular image; 0: not looked at */
	unsigned int
		control_pages; /* KEXEC_CONTROL_PAGE_SIZE in pages: 2 in 6.1, 1 in 6.12; 0: 1 */
};

/* MAXMEM - 1 (arch/x86/include/asm/sparsemem.h): 5 levels of page tables are there if
 * /proc/cpuinfo shows the flag la57. */
#define KD_KEXEC_LIMIT_4LEVEL ((UINT64_C(1) << 46) - 1)
#define KD_KEXEC_LIMIT_5LEVEL ((UINT64_C(1) << 52) - 1)

/* One call of kexec_load(2). */
struct kd_kexec_call {
	uint64_t entry;
	const struct kd_kexec_segment *segments; /* NULL with a count: the pointer is a bad one */
	uint64_t count;				 /* 0: unload */
	uint64_t flags; /* KEXEC_* with the architecture in bits 16 to 31 */
};

struct kd_kexec_verdict {
	int sys; /* errno of the call; 0: accepted */
	enum kd_kexec_rule rule;
	int segment;	/* which one broke the rule; -1 none */
	int other;	/* the one it overlaps; -1 none */
	char text[320]; /* segment, addresses and rule in words; "" when accepted */
};

/**
 * kd_kexec_preflight() - what the kernel will say to @call
 *
 * Never fails and allocates nothing; reads each segment's numbers, never its bytes.
 * A segment with bytes to copy and no buffer is taken for one the kernel cannot
 * read. Rules that hang on the state of the machine at that moment are foretold as
 * far as the facts go: whether memory for page tables and source pages can be had
 * is only looked at where even the least is not there.
 */
void kd_kexec_preflight(const struct kd_kexec_machine *machine, const struct kd_kexec_call *call,
			struct kd_kexec_verdict *ret);

/** kd_kexec_rule_slug() - "segment_overlap", ... */
const char *kd_kexec_rule_slug(enum kd_kexec_rule rule);

/** kd_kexec_rule_from_slug() - the rule a kernel of our series names; false for one not known here */
bool kd_kexec_rule_from_slug(const char *slug, enum kd_kexec_rule *ret);

#endif
