/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random lists of segments: the kernel's errno has to be preflight's, list by list. */
#include "lab/guest/kexec-probe/probe.h"

#include <linux/kexec.h>
#include <string.h>

#define CRASH KEXEC_ON_CRASH

enum { MAX_LOADED_PAGES = 1024 };

static uint64_t rng;

static uint64_t draw(uint64_t below)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return rng % below;
}

static uint64_t draw_size(const struct kd_kexec_machine *m)
{
	switch (draw(16)) {
	case 0:
		return 0;
	case 1:
		return draw(3 * PAGE); /* mostly no multiple of a page */
	case 2:
		return (m->ram_pages / 2 + 1 + draw(3)) * PAGE;
	case 3:
		return -(1 + draw(4)) * PAGE;
	case 4:
		return draw(0x2000) * PAGE;
	default:
		return (1 + draw(16)) * PAGE;
	}
}

static uint64_t draw_place(const struct kd_kexec_machine *m, uint64_t size)
{
	switch (draw(24)) {
	case 0:
		return m->crash_start - PAGE * draw(3);
	case 1:
		return m->crash_end + 1 - size + PAGE * draw(2);
	case 2:
		return m->crash_start + draw(64) * 512;
	case 3:
		return m->limit + 1 - PAGE * draw(4);
	case 4:
		return -(1 + draw(4)) * PAGE;
	case 5:
		return draw(0x40000) * PAGE;
	case 6:
		return m->crash_start + draw(16) * PAGE; /* close together: overlaps */
	default:
		return m->crash_start + draw((m->crash_end + 1 - m->crash_start) / PAGE) * PAGE;
	}
}

static void draw_segment(const struct kd_kexec_machine *m, struct kd_kexec_segment *s)
{
	s->mem_bytes = draw_size(m);
	s->mem = draw_place(m, s->mem_bytes);
	s->buf = draw(64) == 0 ? NULL : probe.buf;
	s->buf_bytes = draw(48) == 0 ? s->mem_bytes + 1 + draw(PAGE) : draw(s->mem_bytes / 2 + 1);
	if (s->buf_bytes <= s->mem_bytes && s->buf_bytes > PROBE_BUF_BYTES)
		s->buf_bytes = PROBE_BUF_BYTES;
}

/* Breaks one rule in a list that may have been a good one: most lists are to be refused. */
static void break_one(const struct kd_kexec_machine *m, struct kd_kexec_segment *list,
		      struct kd_kexec_call *call)
{
	struct kd_kexec_segment *s = &list[draw(call->count)];

	switch (draw(8)) {
	case 0:
		s->mem += 1 + draw(PAGE - 1);
		break;
	case 1:
		s->mem_bytes += 1 + draw(PAGE - 1);
		break;
	case 2:
		s->mem = -s->mem_bytes + draw(2) * PAGE;
		break;
	case 3:
		s->mem = m->limit + 1 - s->mem_bytes + draw(2) * PAGE;
		break;
	case 4:
		*s = list[draw(call->count)];
		list[call->count++] = *s;
		break;
	case 5:
		s->buf_bytes = s->mem_bytes + 1;
		break;
	case 6:
		s->mem = draw(2) ? m->crash_start - PAGE : m->crash_end + 1 - s->mem_bytes + PAGE;
		break;
	default: /* two of them more than half of RAM, each less */
		for (uint64_t i = 0; i < 2; i++)
			list[call->count++] = (struct kd_kexec_segment){
				.mem = (i + 1) << 40, .mem_bytes = (m->ram_pages / 4 + 1) * PAGE
			};
	}
}

static void draw_call(const struct kd_kexec_machine *m, struct kd_kexec_segment *list,
		      struct kd_kexec_call *call)
{
	*call = (struct kd_kexec_call){ .segments = list,
					.count = draw(40) == 0 ? draw(20) : draw(6) };
	call->flags = draw(4) ? CRASH : 0;
	if (draw(24) == 0)
		call->flags |= UINT64_C(1) << draw(40);
	if (draw(16) == 0)
		call->flags |= draw(2) ? KEXEC_ARCH_X86_64 : draw(0x10000) << 16;
	call->entry = draw(24) == 0   ? m->crash_start - 2 + draw(4)
		      : draw(24) == 0 ? m->crash_end - 1 + draw(4)
				      : m->crash_start + draw(m->crash_end - m->crash_start);
	if (draw(200) == 0)
		call->segments = NULL;
	for (uint64_t i = 0; i < call->count; i++)
		draw_segment(m, &list[i]);
	if (call->count && call->segments && call->count < PROBE_LIST - 2 && draw(8) < 5)
		break_one(m, list, call);
}

static uint64_t pages_of(const struct kd_kexec_call *call)
{
	uint64_t pages = 0;

	for (uint64_t i = 0; i < call->count; i++)
		pages += call->segments[i].mem_bytes / PAGE;
	return pages;
}

struct tally {
	unsigned long asked, accepted, refused, not_asked, differ;
	unsigned long by_rule[KD_KEXEC_RULES];
};

static void print_call(const struct kd_kexec_call *call)
{
	printf("    entry 0x%jx flags 0x%jx count %ju%s\n", (uintmax_t)call->entry,
	       (uintmax_t)call->flags, (uintmax_t)call->count, call->segments ? "" : " no list");
	for (uint64_t i = 0; call->segments && i < call->count; i++)
		printf("    %ju: mem 0x%jx memsz 0x%jx bufsz 0x%jx%s\n", (uintmax_t)i,
		       (uintmax_t)call->segments[i].mem, (uintmax_t)call->segments[i].mem_bytes,
		       (uintmax_t)call->segments[i].buf_bytes,
		       call->segments[i].buf ? "" : " unreadable");
}

static void compare(const struct kd_kexec_machine *m, const struct kd_kexec_call *call,
		    struct tally *t)
{
	struct kd_kexec_verdict v = { 0 };
	char slug[64];

	kd_kexec_preflight(m, call, &v);
	/* Not asked: what would be accepted and take long, and the empty regular segment at 0,
	 * for which the kernel takes all its memory before it says ENOMEM. */
	if ((!v.sys && pages_of(call) > MAX_LOADED_PAGES) ||
	    v.rule == KD_KEXEC_RULE_NO_CONTROL_PAGES) {
		t->not_asked++;
		return;
	}
	int sys = probe_load(call);
	bool same_rule = !probe_last_reason(slug, sizeof(slug)) ||
			 strcmp(slug, kd_kexec_rule_slug(v.rule)) == 0;
	t->asked++;
	t->by_rule[v.rule]++;
	*(sys ? &t->refused : &t->accepted) += 1;
	if (!sys && call->count)
		probe_raw_load(0, 0, NULL, call->flags & CRASH);
	if (sys == v.sys && same_rule)
		return;
	if (t->differ++ < 20) {
		printf("NOT OK list %lu: kernel %s, preflight %s by %s; kernel by %s\n", t->asked,
		       probe_errno_name(sys), probe_errno_name(v.sys), kd_kexec_rule_slug(v.rule),
		       same_rule ? "the same" : slug);
		print_call(call);
	}
}

int probe_run_random(unsigned long count, uint64_t seed)
{
	struct kd_kexec_machine m = { 0 };
	struct kd_kexec_segment list[PROBE_LIST];
	struct kd_kexec_call call = { 0 };
	struct tally t = { 0 };

	rng = seed * 2 + 1;
	if (!probe_read_machine(true, &m))
		return 1;
	printf("random: seed %ju, %lu lists\n", (uintmax_t)seed, count);
	fflush(stdout);
	while (t.asked < count) {
		draw_call(&m, list, &call);
		compare(&m, &call, &t);
		if (t.asked && t.asked % 5000 == 0) {
			printf("random: %lu lists, %lu differ\n", t.asked, t.differ);
			fflush(stdout);
		}
	}
	for (int r = 0; r < KD_KEXEC_RULES; r++)
		if (t.by_rule[r])
			printf("random: %8lu %s\n", t.by_rule[r],
			       kd_kexec_rule_slug((enum kd_kexec_rule)r));
	printf("random: seed %ju: %lu lists, %lu accepted, %lu refused, %lu differ (%lu drawn and "
	       "not asked)\n",
	       (uintmax_t)seed, t.asked, t.accepted, t.refused, t.differ, t.not_asked);
	return t.differ > 0;
}
