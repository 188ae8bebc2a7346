/* SPDX-License-Identifier: GPL-2.0-or-later */
/* probe - what the parts of kexec-probe share: the call, its judgement, the report. */
#ifndef KD_LAB_GUEST_KEXEC_PROBE_H
#define KD_LAB_GUEST_KEXEC_PROBE_H

#include "lib/kexec/machine.h"
#include "lib/kexec/preflight.h"

#include <stdbool.h>

enum {
	PROBE_LIST = 24,
	PROBE_BUF_BYTES = 256 << 10,
	PAGE = 4096,
};

struct probe {
	char *buf;	    /* PROBE_BUF_BYTES that can be read */
	unsigned int wrong; /* answers that were not what they had to be */
};
extern struct probe probe;

/** probe_raw_load() - kexec_load(2): 0 or a positive errno */
int probe_raw_load(uint64_t entry, uint64_t count, const void *list, uint64_t flags);

/** probe_load() - the same for a call as preflight sees it */
int probe_load(const struct kd_kexec_call *call);

/** probe_try() - the call, its foretelling and, on our kernels, its reason; @want < 0: only these must agree */
bool probe_try(const struct kd_kexec_machine *m, const struct kd_kexec_call *call, int want,
	       char *why, size_t size);

/** probe_last_reason() - which rule a kernel of our series says it went by; false on others */
bool probe_last_reason(char *slug, size_t size);

bool probe_is_patched(void);
bool probe_is_loaded(void);
const char *probe_errno_name(int sys);
void probe_report(bool good, const char *name, const char *fmt, ...) KD_PRINTF(3, 4);
bool probe_read_machine(bool crash, struct kd_kexec_machine *ret);
bool probe_write_small(const char *path, const char *text);

/* The verbs; each returns the exit status. */
int probe_run_table(void);
int probe_run_random(unsigned long count, uint64_t seed);
int probe_run_reload(void);
int probe_run_disabled(void);
int probe_run_lockdown(void);

#endif
