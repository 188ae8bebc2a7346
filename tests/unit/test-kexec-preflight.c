/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/kexec/preflight.h"

#include <errno.h>
#include <linux/kexec.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* A machine with 2 GiB of RAM and 64 MiB reserved at 256 MiB. */
#define START UINT64_C(0x10000000)
#define END   UINT64_C(0x13ffffff)
static const struct kd_kexec_machine machine = {
	.cap_sys_boot = true,
	.known_flags = KEXEC_ON_CRASH | 4 | 8,
	.arch = 62,
	.crash_start = START,
	.crash_end = END,
	.limit = KD_KEXEC_LIMIT_4LEVEL,
	.ram_pages = 0x80000,
	.control_pages = 1,
};
static char bytes[4096];

#define SEG(mem_, size_)                                                                           \
	{                                                                                          \
		.name = "x", .buf = bytes, .buf_bytes = 16, .mem = (mem_), .mem_bytes = (size_)    \
	}

static struct kd_kexec_verdict ask(const struct kd_kexec_machine *m, uint64_t entry, uint64_t flags,
				   const struct kd_kexec_segment *segments, size_t count)
{
	const struct kd_kexec_call call = {
		.entry = entry, .segments = segments, .count = count, .flags = flags
	};
	struct kd_kexec_verdict v = { 0 };

	kd_kexec_preflight(m, &call, &v);
	/* words exactly where something is refused, and an errno with them */
	assert_true((v.sys != 0) == (v.rule != KD_KEXEC_RULE_NONE));
	assert_true((v.sys != 0) == (*v.text != '\0'));
	return v;
}

#define expect(v, sys_, rule_, segment_, words)                                                    \
	do {                                                                                       \
		struct kd_kexec_verdict got = (v);                                                 \
		assert_int_equal(got.sys, sys_);                                                   \
		assert_string_equal(kd_kexec_rule_slug(got.rule), rule_);                          \
		assert_int_equal(got.segment, segment_);                                           \
		if (!strstr(got.text, words))                                                      \
			fail_msg("'%s' lacks '%s'", got.text, words);                              \
	} while (0)

static void test_a_good_list_is_accepted(void **state)
{
	const struct kd_kexec_segment good[] = { SEG(START, 4096), SEG(END - 0xfff, 4096),
						 SEG(START + 4096, 0x10000) };
	const struct kd_kexec_segment low[] = { SEG(0x1000, 0x1000), SEG(0x2000, 0x1000) };

	expect(ask(&machine, START, KEXEC_ON_CRASH, good, 3), 0, "none", -1, "");
	expect(ask(&machine, END, KEXEC_ON_CRASH | KEXEC_ARCH_X86_64, good, 3), 0, "none", -1, "");
	/* adjacent is no overlap; a regular image may go anywhere and start anywhere */
	expect(ask(&machine, UINT64_MAX, 0, low, 2), 0, "none", -1, "");
	/* no segments: unload, both types */
	expect(ask(&machine, 0, KEXEC_ON_CRASH, NULL, 0), 0, "none", -1, "");
	expect(ask(&machine, 0, 0, NULL, 0), 0, "none", -1, "");
}

static void test_permission_comes_first_and_in_order(void **state)
{
	struct kd_kexec_machine m = machine;

	/* everything is wrong with the call: the permission is what counts */
	m.locked_down = true;
	expect(ask(&m, 0, ~UINT64_C(0), NULL, 99), EPERM, "lockdown", -1, "locked down");
	m.lsm_errno = EACCES;
	expect(ask(&m, 0, ~UINT64_C(0), NULL, 99), EACCES, "security", -1, "security module");
	m.limit_reached = true;
	expect(ask(&m, 0, 1, NULL, 99), EPERM, "load_limit", -1, "kexec_load_limit_panic");
	expect(ask(&m, 0, 0, NULL, 99), EPERM, "load_limit", -1, "kexec_load_limit_reboot");
	m.load_disabled = true;
	expect(ask(&m, 0, 0, NULL, 0), EPERM, "load_disabled", -1, "kexec_load_disabled is 1");
	m.cap_sys_boot = false;
	expect(ask(&m, 0, 0, NULL, 0), EPERM, "not_permitted", -1, "CAP_SYS_BOOT");
}

static void test_arguments_before_the_list_is_read(void **state)
{
	struct kd_kexec_machine old = machine, busy = machine;
	const struct kd_kexec_segment bad[] = { SEG(1, 1) };

	old.known_flags = KEXEC_ON_CRASH;
	busy.busy = true;
	expect(ask(&machine, 0, 0x8000, NULL, 99), EINVAL, "flags_unknown", -1, "0x8000");
	/* ~KEXEC_ARCH_MASK has 32 bits in the kernel: bits above are not looked at */
	expect(ask(&machine, 0, UINT64_C(1) << 32, NULL, 0), 0, "none", -1, "");
	expect(ask(&old, 0, 4, bad, 1), EINVAL, "flags_unknown", -1, "0x4");
	expect(ask(&machine, 0, KEXEC_ARCH_386, bad, 17), EINVAL, "too_many_segments", -1,
	       "17 segments");
	expect(ask(&machine, 0, KEXEC_ARCH_386, NULL, 1), EINVAL, "arch_mismatch", -1,
	       "architecture 3, this kernel is 62");
	expect(ask(&busy, 0, 0, NULL, 1), EFAULT, "copy_fault", -1, "list of segments");
	expect(ask(&busy, 0, 0, bad, 1), EBUSY, "busy", -1, "another load");
	expect(ask(&busy, 0, 0, NULL, 0), EBUSY, "busy", -1, "another load");
}

static void test_entry(void **state)
{
	const struct kd_kexec_segment bad[] = { SEG(1, 1) };
	struct kd_kexec_machine none = machine;

	none.crash_start = none.crash_end = 0;
	expect(ask(&machine, START - 1, 1, bad, 1), EADDRNOTAVAIL, "entry_outside_reservation", -1,
	       "entry 0xfffffff lies outside the reservation, 0x10000000 to 0x13ffffff");
	expect(ask(&machine, END + 1, 1, bad, 1), EADDRNOTAVAIL, "entry_outside_reservation", -1,
	       "");
	expect(ask(&none, START, 1, bad, 1), EADDRNOTAVAIL, "not_reserved", -1,
	       "no memory is reserved");
	/* an entry of 0 gets past that, and no segment can: the kernel takes 0 to 0 for reserved */
	const struct kd_kexec_segment at0[] = { SEG(0, 4096) };
	expect(ask(&none, 0, 1, at0, 1), EADDRNOTAVAIL, "segment_outside_reservation", 0, "");
}

static void test_addresses(void **state)
{
	static const struct {
		struct kd_kexec_segment s;
		const char *rule, *words;
	} bad[] = {
		{ SEG(UINT64_MAX - 0xfff, 0x2000), "segment_wraps", "of 0x2000 bytes wraps" },
		{ SEG(START + 1, UINT64_MAX), "segment_wraps", "wraps" },
		{ SEG(START + 1, 0xfff), "segment_misaligned", "starts on no page" },
		{ SEG(START, 1), "segment_misaligned", "ends on no page" },
		{ SEG((UINT64_C(1) << 46) - 0x1000, 0x1000), "segment_beyond_limit",
		  "ends at 0x400000000000" },
		/* wrapping to exactly 0 is a start above the end */
		{ SEG(UINT64_MAX - 0xfff, 0x1000), "segment_wraps", "" },
	};
	struct kd_kexec_machine la57 = machine;

	for (size_t i = 0; i < KD_ARRAY_LEN(bad); i++) {
		const struct kd_kexec_segment list[] = { SEG(START, 4096), bad[i].s };
		expect(ask(&machine, START, 1, list, 2), EADDRNOTAVAIL, bad[i].rule, 1,
		       bad[i].words);
		expect(ask(&machine, START, 0, list, 2), EADDRNOTAVAIL, bad[i].rule, 1,
		       "segment 1 (x, ");
	}
	/* one page less than the limit is fine; 5 levels of page tables have another */
	const struct kd_kexec_segment below[] = { SEG((UINT64_C(1) << 46) - 0x2000, 0x1000) };
	expect(ask(&machine, 0, 0, below, 1), 0, "none", -1, "");
	la57.limit = KD_KEXEC_LIMIT_5LEVEL;
	const struct kd_kexec_segment high[] = { SEG(UINT64_C(1) << 46, 0x1000) };
	expect(ask(&machine, 0, 0, high, 1), EADDRNOTAVAIL, "segment_beyond_limit", 0, "");
	expect(ask(&la57, 0, 0, high, 1), 0, "none", -1, "");
	/* the first segment with a fault is told, whatever the later ones have */
	const struct kd_kexec_segment both[] = { SEG(START, 1), SEG(UINT64_MAX - 0xfff, 0x2000) };
	expect(ask(&machine, START, 1, both, 2), EADDRNOTAVAIL, "segment_misaligned", 0, "");
}

static void test_overlap(void **state)
{
	const struct kd_kexec_segment over[] = { SEG(START, 0x3000), SEG(START + 0x8000, 0x1000),
						 SEG(START + 0x2000, 0x1000) };
	const struct kd_kexec_segment inside[] = { SEG(START, 0x3000), SEG(START + 0x1000, 0) };
	const struct kd_kexec_segment edge[] = { SEG(START, 0x3000), SEG(START + 0x3000, 0),
						 SEG(START, 0) };
	struct kd_kexec_verdict v = ask(&machine, START, 1, over, 3);

	expect(v, EINVAL, "segment_overlap", 2,
	       "segment 2 (x, 0x10002000 to 0x10002fff) overlaps segment 0 (x, 0x10000000 to");
	assert_int_equal(v.other, 0);
	/* an empty segment overlaps where it lies strictly inside another */
	expect(ask(&machine, START, 1, inside, 2), EINVAL, "segment_overlap", 1, "empty");
	struct kd_kexec_segment no_bytes[3];
	memcpy(no_bytes, edge, sizeof(edge));
	no_bytes[1].buf_bytes = no_bytes[2].buf_bytes = 0;
	expect(ask(&machine, START, 1, no_bytes, 3), 0, "none", -1, "");
}

static void test_sizes(void **state)
{
	struct kd_kexec_segment more[] = { SEG(START, 0x1000), SEG(START + 0x1000, 0x1000) };
	struct kd_kexec_machine small = machine;

	more[1].buf_bytes = 0x1001;
	expect(ask(&machine, START, 1, more, 2), EINVAL, "bufsz_over_memsz", 1,
	       "brings 0x1001 bytes, but has room for 0x1000");
	more[1].buf_bytes = 0x1000;
	expect(ask(&machine, START, 1, more, 2), 0, "none", -1, "");

	small.ram_pages = 0x2001; /* an odd number: half is rounded down */
	const struct kd_kexec_segment one[] = { SEG(START, 0x1001000) };
	const struct kd_kexec_segment half[] = { SEG(START, 0x1000000) };
	const struct kd_kexec_segment total[] = { SEG(START, 0x1000000),
						  SEG(START + 0x1000000, 0x1000) };
	expect(ask(&small, START, 1, one, 1), EINVAL, "segment_over_half_ram", 0,
	       "takes 4097 pages, more than half of the machine's 8193");
	expect(ask(&small, START, 1, half, 1), 0, "none", -1, "");
	expect(ask(&small, START, 1, total, 2), EINVAL, "total_over_half_ram", -1,
	       "together take 4097 pages");
	/* for one segment comes before for all of them, also when an earlier one is fine */
	const struct kd_kexec_segment order[] = { SEG(0x1000, 0x1000000),
						  SEG(0x10000000, 0x1001000) };
	expect(ask(&small, 0, 0, order, 2), EINVAL, "segment_over_half_ram", 1, "");
}

static void test_confinement_at_both_edges(void **state)
{
	const struct kd_kexec_segment low[] = { SEG(START - 0x1000, 0x2000) };
	const struct kd_kexec_segment high[] = { SEG(END - 0xfff, 0x2000) };
	struct kd_kexec_segment empty[] = { SEG(END + 1, 0) };

	expect(ask(&machine, START, 1, low, 1), EADDRNOTAVAIL, "segment_outside_reservation", 0,
	       "lies outside the reservation, 0x10000000 to 0x13ffffff");
	expect(ask(&machine, START, 1, high, 1), EADDRNOTAVAIL, "segment_outside_reservation", 0,
	       "");
	/* nothing, right behind the reservation, ends inside it */
	empty[0].buf_bytes = 0;
	expect(ask(&machine, START, 1, empty, 1), 0, "none", -1, "");
	expect(ask(&machine, START, 0, low, 1), 0, "none", -1, "");
}

static void test_room_for_control_pages(void **state)
{
	const uint64_t size = END + 1 - START;
	const struct kd_kexec_segment all[] = { SEG(START, size) };
	const struct kd_kexec_segment but2[] = { SEG(START + 0x1000, size - 0x2000) };
	const struct kd_kexec_segment but3[] = { SEG(START + 0x1000, size - 0x3000) };
	struct kd_kexec_machine two = machine;

	expect(ask(&machine, START, 1, all, 1), ENOMEM, "no_control_pages", -1, "leave no room");
	expect(ask(&machine, START, 1, but2, 1), ENOMEM, "no_control_pages", -1, "");
	expect(ask(&machine, START, 1, but3, 1), 0, "none", -1, "");
	/* control code of two pages needs an aligned pair: these three pages have none at the
	 * start, and what comes before its place is not looked at again */
	two.control_pages = 2;
	expect(ask(&two, START, 1, but3, 1), ENOMEM, "no_control_pages", -1, "");
	const struct kd_kexec_segment but5[] = { SEG(START + 0x1000, size - 0x5000) };
	expect(ask(&two, START, 1, but5, 1), 0, "none", -1, "");
	/* the kernel never looks at the same place twice */
	const struct kd_kexec_segment empty0[] = { { .mem = 0 } };
	expect(ask(&machine, 0, 0, empty0, 1), ENOMEM, "no_control_pages", 0, "all of memory");
}

static void test_memory_and_bytes(void **state)
{
	struct kd_kexec_machine tight = machine;
	struct kd_kexec_segment s[] = { SEG(0x100000, 0x4000), SEG(0x200000, 0x1000) };

	tight.free_pages = 4;
	expect(ask(&tight, 0, 0, s, 2), ENOMEM, "no_memory", -1, "takes 5 pages, 4 can be had");
	tight.free_pages = 5;
	expect(ask(&tight, 0, 0, s, 2), 0, "none", -1, "");
	s[1].buf = NULL;
	expect(ask(&machine, 0, 0, s, 2), EFAULT, "copy_fault", 1,
	       "has 16 bytes that cannot be read");
	s[1].buf_bytes = 0;
	expect(ask(&machine, 0, 0, s, 2), 0, "none", -1, "");
}

static void test_slugs_go_both_ways(void **state)
{
	enum kd_kexec_rule back = KD_KEXEC_RULE_NONE;

	for (int r = 0; r < KD_KEXEC_RULES; r++) {
		const char *slug = kd_kexec_rule_slug((enum kd_kexec_rule)r);
		assert_non_null(slug);
		assert_true(kd_kexec_rule_from_slug(slug, &back));
		assert_int_equal(back, r);
	}
	assert_false(kd_kexec_rule_from_slug("image_retired", &back));
	assert_false(kd_kexec_rule_from_slug("", &back));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_good_list_is_accepted),
		cmocka_unit_test(test_permission_comes_first_and_in_order),
		cmocka_unit_test(test_arguments_before_the_list_is_read),
		cmocka_unit_test(test_entry),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_overlap),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_confinement_at_both_edges),
		cmocka_unit_test(test_room_for_control_pages),
		cmocka_unit_test(test_memory_and_bytes),
		cmocka_unit_test(test_slugs_go_both_ways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
