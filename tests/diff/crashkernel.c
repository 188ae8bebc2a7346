/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kd_ck_resolve() beside the kernel's own parse_crashkernel(), on random command lines.
 * The kernel's functions are cut out of a source tree by tests/diff/crashkernel and
 * compiled into this program through kernel-parser.h; they are no part of this project.
 *
 * Usage: crashkernel-diff COUNT [SEED]
 */
#include "crashkernel/crashkernel.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

#define __init
#define __initdata
#define BUG_ON(x)   ((void)(x))
#define SZ_128M	    0x08000000
#define fallthrough __attribute__((fallthrough))
#define noinline
#define roundup(x, y)					(((x) + (y)-1) / (y) * (y))
#define pr_warn(...)					((void)0)
#define pr_info(...)					((void)0)
#define EXPORT_SYMBOL(x)				struct kd_unused_##x
#define KSTRTOX_OVERFLOW				(1u << 31)
#define DEFAULT_CRASH_KERNEL_LOW_SIZE			(1ull << 28)
#define CONFIG_ARCH_HAS_GENERIC_CRASHKERNEL_RESERVATION 1
#define _tolower(c)					((char)((c) | 0x20))
#define div_u64(a, b)					((a) / (b))
#define unlikely(x)					(x)
#define max(a, b)					((a) > (b) ? (a) : (b))
#undef isxdigit
#define isxdigit(c) kernel_is_hex(c)

static inline int kernel_is_hex(char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#pragma GCC diagnostic ignored "-Wunused-function"
#include "kernel-parser.h"
#pragma GCC diagnostic pop

static uint64_t state;

/* xorshift64*: the same lines for the same seed everywhere */
static uint32_t dice(uint32_t sides)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (uint32_t)((state * 0x2545f4914f6cdd1dull) >> 33) % sides;
}

static void put_number(struct kd_buf *b)
{
	static const char *const odd[] = { "0x",
					   "0X1fM",
					   "010M",
					   "08M",
					   "M",
					   "",
					   "18446744073709551616",
					   "0xfG",
					   "99999999999999999999E",
					   "16E",
					   "1e",
					   "0k" };
	static const char units[] = "KMGTPEkmgtpe";

	if (dice(6) == 0) {
		kd_buf_puts(b, odd[dice(KD_ARRAY_LEN(odd))]);
		return;
	}
	kd_buf_printf(b, "%u", dice(dice(2) ? 8 : 1024));
	if (dice(8))
		kd_buf_printf(b, "%c", units[dice(2) ? 1 + dice(2) : dice(sizeof(units) - 1)]);
}

static void put_tail(struct kd_buf *b)
{
	static const char *const tails[] = {
		",high", ",low", ",cma", ",min=64M", "@", ",", "x", ":"
	};

	if (dice(3) == 0)
		kd_buf_puts(b, tails[dice(KD_ARRAY_LEN(tails))]);
	if (dice(5) == 0) {
		kd_buf_puts(b, "@");
		put_number(b);
	}
	if (dice(20) == 0)
		kd_buf_printf(b, "%c", (char)(1 + dice(255)));
}

static void put_word(struct kd_buf *b)
{
	static const char *const names[] = {
		"crashkernel=", "xcrashkernel=", "crashkernel", "quiet", "crashkernel=crashkernel=",
		"a=b:c"
	};
	unsigned int ranges = dice(2) ? dice(4) : 0;

	kd_buf_puts(b, names[dice(3) ? 0 : dice(KD_ARRAY_LEN(names))]);
	if (!ranges)
		put_number(b);
	for (unsigned int i = 0; i < ranges; i++) {
		kd_buf_puts(b, i ? "," : "");
		put_number(b);
		kd_buf_puts(b, dice(12) ? "-" : "");
		if (dice(2))
			put_number(b);
		kd_buf_puts(b, dice(12) ? ":" : "");
		put_number(b);
	}
	put_tail(b);
}

static void compare(const char *line, uint64_t ram, uint64_t seed, unsigned long n)
{
	unsigned long long size = 0, base = 0, low = 0;
	bool high = false;
	char copy[4096];

	snprintf(copy, sizeof(copy), "%s", line);
	int rc = parse_crashkernel(copy, ram, &size, &base, &low, &high);
	struct kd_ck_request r = { 0 };
	kd_ck_resolve(line, ram, 0, &r);
	if (r.high && !r.low_given)
		r.low_bytes = DEFAULT_CRASH_KERNEL_LOW_SIZE;
	bool same = rc ? r.verdict != KD_CK_ASKED
		       : r.verdict == KD_CK_ASKED && r.size_bytes == size && r.base == base &&
				    r.high == high && (!high || r.low_bytes == low);
	if (same)
		return;
	printf("seed %" PRIu64 ", line %lu: '%s' with %" PRIu64
	       " bytes of RAM: the kernel says %d, "
	       "%llu at %llu, high %d, low %llu; we say %d (%s), %" PRIu64 " at %" PRIu64
	       ", high %d, low %" PRIu64 "\n",
	       seed, n, line, ram, rc, size, base, high, low, r.verdict, r.why, r.size_bytes,
	       r.base, r.high, r.low_bytes);
	exit(1);
}

int main(int argc, char **argv)
{
	unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000, understood = 0;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 20261127;

	state = seed ? seed : 1;
	for (unsigned long n = 0; n < count; n++) {
		KD_AUTO(kd_buf_fini) struct kd_buf b = { 0 };
		uint64_t ram = (uint64_t)(1 + dice(1 << 20)) << (12 + dice(12));
		struct kd_ck_request r = { 0 };
		for (unsigned int words = 1 + dice(4); words; words--) {
			put_word(&b);
			kd_buf_puts(&b, words > 1 ? " " : "");
		}
		if (b.bad)
			return 99;
		compare(b.p, ram, seed, n);
		kd_ck_resolve(b.p, ram, 0, &r);
		understood += r.verdict == KD_CK_ASKED;
	}
	printf("%lu command lines, seed %" PRIu64
	       ": the same each time; %lu of them reserve memory\n",
	       count, seed, understood);
	return 0;
}
