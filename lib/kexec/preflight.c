/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/kexec/preflight.h"

#include <errno.h>
#include <linux/kexec.h>
#include <stdarg.h>
#include <string.h>

enum { PAGE_BYTES = 4096 };
#define ARCH_MASK UINT64_C(0xffff0000)

static const char *const slugs[KD_KEXEC_RULES] = {
	[KD_KEXEC_RULE_NONE] = "none",
	[KD_KEXEC_RULE_NOT_PERMITTED] = "not_permitted",
	[KD_KEXEC_RULE_LOAD_DISABLED] = "load_disabled",
	[KD_KEXEC_RULE_LOAD_LIMIT] = "load_limit",
	[KD_KEXEC_RULE_SECURITY] = "security",
	[KD_KEXEC_RULE_LOCKDOWN] = "lockdown",
	[KD_KEXEC_RULE_FLAGS_UNKNOWN] = "flags_unknown",
	[KD_KEXEC_RULE_TOO_MANY_SEGMENTS] = "too_many_segments",
	[KD_KEXEC_RULE_ARCH_MISMATCH] = "arch_mismatch",
	[KD_KEXEC_RULE_COPY_FAULT] = "copy_fault",
	[KD_KEXEC_RULE_BUSY] = "busy",
	[KD_KEXEC_RULE_NOT_RESERVED] = "not_reserved",
	[KD_KEXEC_RULE_ENTRY_OUTSIDE] = "entry_outside_reservation",
	[KD_KEXEC_RULE_WRAPS] = "segment_wraps",
	[KD_KEXEC_RULE_MISALIGNED] = "segment_misaligned",
	[KD_KEXEC_RULE_BEYOND_LIMIT] = "segment_beyond_limit",
	[KD_KEXEC_RULE_OVERLAP] = "segment_overlap",
	[KD_KEXEC_RULE_BUFSZ] = "bufsz_over_memsz",
	[KD_KEXEC_RULE_SEGMENT_HALF_RAM] = "segment_over_half_ram",
	[KD_KEXEC_RULE_TOTAL_HALF_RAM] = "total_over_half_ram",
	[KD_KEXEC_RULE_SEGMENT_OUTSIDE] = "segment_outside_reservation",
	[KD_KEXEC_RULE_NO_CONTROL_PAGES] = "no_control_pages",
	[KD_KEXEC_RULE_NO_MEMORY] = "no_memory",
};

const char *kd_kexec_rule_slug(enum kd_kexec_rule rule)
{
	return slugs[rule];
}

bool kd_kexec_rule_from_slug(const char *slug, enum kd_kexec_rule *ret)
{
	for (size_t i = 0; i < KD_ARRAY_LEN(slugs); i++)
		if (strcmp(slug, slugs[i]) == 0) {
			*ret = (enum kd_kexec_rule)i;
			return true;
		}
	return false;
}

/* The call being judged. Each rule returns true when it decides. */
struct judge {
	const struct kd_kexec_machine *m;
	const struct kd_kexec_call *call;
	struct kd_kexec_verdict *v;
};

static bool KD_PRINTF(4, 5)
	refuse(const struct judge *j, int sys, enum kd_kexec_rule rule, const char *fmt, ...)
{
	va_list ap;

	j->v->sys = sys;
	j->v->rule = rule;
	va_start(ap, fmt);
	vsnprintf(j->v->text, sizeof(j->v->text), fmt, ap);
	va_end(ap);
	return true;
}

static bool is_crash(const struct judge *j)
{
	return j->call->flags & KEXEC_ON_CRASH;
}

static uint64_t seg_end(const struct kd_kexec_segment *s)
{
	return s->mem + s->mem_bytes; /* wraps as the kernel's sum does */
}

/* "segment 2 (initrd, 0x1000 to 0x1fff)" */
struct seg_name {
	char text[120];
};

static struct seg_name name_of(const struct judge *j, size_t i)
{
	const struct kd_kexec_segment *s = &j->call->segments[i];
	struct seg_name n;

	if (s->mem_bytes == 0)
		snprintf(n.text, sizeof(n.text), "segment %zu (%s%sempty, at 0x%jx)", i,
			 s->name ? s->name : "", s->name ? ", " : "", (uintmax_t)s->mem);
	else
		snprintf(n.text, sizeof(n.text), "segment %zu (%s%s0x%jx to 0x%jx)", i,
			 s->name ? s->name : "", s->name ? ", " : "", (uintmax_t)s->mem,
			 (uintmax_t)(seg_end(s) - 1));
	return n;
}

static bool KD_PRINTF(5, 6) refuse_segment(const struct judge *j, size_t i, int sys,
					   enum kd_kexec_rule rule, const char *fmt, ...)
{
	char why[180];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	j->v->segment = (int)i;
	return refuse(j, sys, rule, "%s %s", name_of(j, i).text, why);
}

/* kexec_load_check(), first half: may the caller load anything at all? */
static bool check_permission(const struct judge *j)
{
	const struct kd_kexec_machine *m = j->m;

	if (!m->cap_sys_boot)
		return refuse(j, EPERM, KD_KEXEC_RULE_NOT_PERMITTED,
			      "the caller lacks CAP_SYS_BOOT; run as root");
	if (m->load_disabled)
		return refuse(j, EPERM, KD_KEXEC_RULE_LOAD_DISABLED,
			      "kernel.kexec_load_disabled is 1, until the next boot");
	if (m->limit_reached)
		return refuse(
			j, EPERM, KD_KEXEC_RULE_LOAD_LIMIT,
			"kernel.kexec_load_limit_%s is 0: no load is left until the next boot",
			is_crash(j) ? "panic" : "reboot");
	if (m->lsm_errno)
		return refuse(j, m->lsm_errno, KD_KEXEC_RULE_SECURITY,
			      "a security module refuses kexec_load: %s",
			      strerrordesc_np(m->lsm_errno));
	if (m->locked_down)
		return refuse(
			j, EPERM, KD_KEXEC_RULE_LOCKDOWN,
			"the kernel is locked down: only kexec_file_load with a signed kernel");
	return false;
}

/* kexec_load_check(), second half, and the first lines of kexec_load(). */
static bool check_arguments(const struct judge *j)
{
	const struct kd_kexec_call *call = j->call;
	/* The kernel's ~KEXEC_ARCH_MASK has 32 bits: what is above is not looked at. */
	uint64_t arch = call->flags & ARCH_MASK,
		 unknown = call->flags & 0xffff & ~j->m->known_flags;

	if (unknown)
		return refuse(j, EINVAL, KD_KEXEC_RULE_FLAGS_UNKNOWN,
			      "flags 0x%jx hold bits this kernel does not know: 0x%jx",
			      (uintmax_t)call->flags, (uintmax_t)unknown);
	if (call->count > KD_KEXEC_SEGMENT_MAX)
		return refuse(j, EINVAL, KD_KEXEC_RULE_TOO_MANY_SEGMENTS,
			      "%ju segments; the kernel takes at most %d", (uintmax_t)call->count,
			      KD_KEXEC_SEGMENT_MAX);
	if (arch != KEXEC_ARCH_DEFAULT && arch != (uint64_t)j->m->arch << 16)
		return refuse(j, EINVAL, KD_KEXEC_RULE_ARCH_MISMATCH,
			      "the flags name architecture %ju, this kernel is %u (ELF machine "
			      "numbers)",
			      (uintmax_t)(arch >> 16), j->m->arch);
	if (call->count && !call->segments)
		return refuse(j, EFAULT, KD_KEXEC_RULE_COPY_FAULT,
			      "the list of segments cannot be read");
	return false;
}

static bool check_entry(const struct judge *j)
{
	uint64_t entry = j->call->entry;

	if (!is_crash(j) || (entry >= j->m->crash_start && entry <= j->m->crash_end))
		return false;
	if (!j->m->crash_end)
		return refuse(j, EADDRNOTAVAIL, KD_KEXEC_RULE_NOT_RESERVED,
			      "entry 0x%jx: no memory is reserved; add crashkernel= and reboot",
			      (uintmax_t)entry);
	return refuse(j, EADDRNOTAVAIL, KD_KEXEC_RULE_ENTRY_OUTSIDE,
		      "entry 0x%jx lies outside the reservation, 0x%jx to 0x%jx", (uintmax_t)entry,
		      (uintmax_t)j->m->crash_start, (uintmax_t)j->m->crash_end);
}

/* sanity_check_segment_list(), its loops in their order. */
static bool check_addresses(const struct judge *j)
{
	for (size_t i = 0; i < j->call->count; i++) {
		const struct kd_kexec_segment *s = &j->call->segments[i];
		uint64_t end = seg_end(s);

		if (s->mem > end)
			return refuse_segment(
				j, i, EADDRNOTAVAIL, KD_KEXEC_RULE_WRAPS,
				"of 0x%jx bytes wraps past the end of the address space",
				(uintmax_t)s->mem_bytes);
		if (s->mem % PAGE_BYTES || end % PAGE_BYTES)
			return refuse_segment(
				j, i, EADDRNOTAVAIL, KD_KEXEC_RULE_MISALIGNED,
				"%s on no page boundary; address and size must be multiples of %d",
				s->mem % PAGE_BYTES ? "starts" : "ends", PAGE_BYTES);
		if (end >= j->m->limit)
			return refuse_segment(j, i, EADDRNOTAVAIL, KD_KEXEC_RULE_BEYOND_LIMIT,
					      "ends at 0x%jx; physical addresses end at 0x%jx",
					      (uintmax_t)end, (uintmax_t)j->m->limit);
	}
	return false;
}

static bool check_overlap(const struct judge *j)
{
	const struct kd_kexec_segment *s = j->call->segments;

	for (size_t i = 0; i < j->call->count; i++)
		for (size_t k = 0; k < i; k++) {
			if (seg_end(&s[i]) <= s[k].mem || s[i].mem >= seg_end(&s[k]))
				continue;
			j->v->other = (int)k;
			return refuse_segment(j, i, EINVAL, KD_KEXEC_RULE_OVERLAP, "overlaps %s",
					      name_of(j, k).text);
		}
	return false;
}

static bool check_sizes(const struct judge *j)
{
	uint64_t half = j->m->ram_pages / 2, total = 0;
	const struct kd_kexec_segment *s = j->call->segments;

	for (size_t i = 0; i < j->call->count; i++)
		if (s[i].buf_bytes > s[i].mem_bytes)
			return refuse_segment(j, i, EINVAL, KD_KEXEC_RULE_BUFSZ,
					      "brings 0x%jx bytes, but has room for 0x%jx",
					      (uintmax_t)s[i].buf_bytes, (uintmax_t)s[i].mem_bytes);
	for (size_t i = 0; i < j->call->count; i++) {
		/* whole pages by now: check_addresses() */
		uint64_t pages = s[i].mem_bytes / PAGE_BYTES;
		if (pages > half)
			return refuse_segment(
				j, i, EINVAL, KD_KEXEC_RULE_SEGMENT_HALF_RAM,
				"takes %ju pages, more than half of the machine's %ju",
				(uintmax_t)pages, (uintmax_t)j->m->ram_pages);
		total += pages;
	}
	if (total > half)
		return refuse(j, EINVAL, KD_KEXEC_RULE_TOTAL_HALF_RAM,
			      "all segments together take %ju pages, more than half of the "
			      "machine's %ju",
			      (uintmax_t)total, (uintmax_t)j->m->ram_pages);
	return false;
}

static bool check_confinement(const struct judge *j)
{
	for (size_t i = 0; is_crash(j) && i < j->call->count; i++) {
		const struct kd_kexec_segment *s = &j->call->segments[i];

		/* An empty segment ends one byte before it starts, here as in the kernel. */
		if (s->mem < j->m->crash_start || seg_end(s) - 1 > j->m->crash_end)
			return refuse_segment(j, i, EADDRNOTAVAIL, KD_KEXEC_RULE_SEGMENT_OUTSIDE,
					      "lies outside the reservation, 0x%jx to 0x%jx",
					      (uintmax_t)j->m->crash_start,
					      (uintmax_t)j->m->crash_end);
	}
	return false;
}

static uint64_t align_up(uint64_t at, uint64_t size)
{
	return (at + size - 1) & ~(size - 1);
}

/*
 * kimage_alloc_crash_control_pages(): the first hole of @pages pages between the
 * segments, at or after @at. Moves @at behind it; false when there is none. An empty
 * segment occupies the byte before it, so each round gets past one segment at least,
 * and a hole that does not move is one that is not there.
 */
static bool take_hole(const struct judge *j, unsigned int pages, uint64_t *at)
{
	uint64_t size = (uint64_t)pages * PAGE_BYTES, start = align_up(*at, size);

	for (;;) {
		uint64_t last = start + size - 1, next = start;

		if (last > j->m->crash_end || last > j->m->limit)
			return false;
		for (size_t i = 0; i < j->call->count && next == start; i++) {
			const struct kd_kexec_segment *s = &j->call->segments[i];
			if (last >= s->mem && start <= seg_end(s) - 1)
				next = align_up(seg_end(s) - 1, size);
		}
		if (next == start) {
			*at = last + 1;
			return true;
		}
		start = next;
	}
}

/*
 * A crash image needs pages of the reservation beside its segments: for the control
 * code, for page tables (one at least), and for the copy of vmcoreinfo.
 */
static bool check_crash_pages(const struct judge *j)
{
	unsigned int control = j->m->control_pages ? j->m->control_pages : 1;
	uint64_t at = j->m->crash_start;

	if (take_hole(j, control, &at) && take_hole(j, 1, &at) && take_hole(j, 1, &at))
		return false;
	return refuse(j, ENOMEM, KD_KEXEC_RULE_NO_CONTROL_PAGES,
		      "the segments leave no room in the reservation, 0x%jx to 0x%jx, for control "
		      "code, page tables and the copy of vmcoreinfo; raise crashkernel=",
		      (uintmax_t)j->m->crash_start, (uintmax_t)j->m->crash_end);
}

/* A regular image is put together in other pages and moved at the very end. */
static bool check_regular_pages(const struct judge *j)
{
	uint64_t total = 0;

	for (size_t i = 0; i < j->call->count; i++) {
		const struct kd_kexec_segment *s = &j->call->segments[i];
		/* kimage_is_destination_range(): from 0 to "one byte before 0", so every page is
		 * a destination, and none is left for control code. */
		if (s->mem == 0 && s->mem_bytes == 0)
			return refuse_segment(j, i, ENOMEM, KD_KEXEC_RULE_NO_CONTROL_PAGES,
					      "counts as all of memory, and nothing is left for "
					      "control code");
		total += s->mem_bytes / PAGE_BYTES;
	}
	if (j->m->free_pages && total > j->m->free_pages)
		return refuse(j, ENOMEM, KD_KEXEC_RULE_NO_MEMORY,
			      "the image takes %ju pages, %ju can be had", (uintmax_t)total,
			      (uintmax_t)j->m->free_pages);
	return false;
}

/* kimage_load_segment(): the bytes are read last. */
static bool check_buffers(const struct judge *j)
{
	for (size_t i = 0; i < j->call->count; i++)
		if (j->call->segments[i].buf_bytes && !j->call->segments[i].buf)
			return refuse_segment(j, i, EFAULT, KD_KEXEC_RULE_COPY_FAULT,
					      "has %ju bytes that cannot be read",
					      (uintmax_t)j->call->segments[i].buf_bytes);
	return false;
}

void kd_kexec_preflight(const struct kd_kexec_machine *machine, const struct kd_kexec_call *call,
			struct kd_kexec_verdict *ret)
{
	const struct judge j = { machine, call, ret };

	*ret = (struct kd_kexec_verdict){ .segment = -1, .other = -1 };
	if (check_permission(&j) || check_arguments(&j))
		return;
	if (machine->busy) {
		refuse(&j, EBUSY, KD_KEXEC_RULE_BUSY, "another load or unload is going on");
		return;
	}
	if (call->count == 0 || check_entry(&j) || check_addresses(&j) || check_overlap(&j) ||
	    check_sizes(&j) || check_confinement(&j))
		return;
	if (is_crash(&j) ? check_crash_pages(&j) : check_regular_pages(&j))
		return;
	check_buffers(&j);
}
