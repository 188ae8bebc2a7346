/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls whose answer is stated: one row a rule, at its edges; and those that need a setting. */
#include "lab/guest/kexec-probe/probe.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/kexec.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define CRASH KEXEC_ON_CRASH
/* Places stand relative to what a machine has; resolve() makes addresses of them. */
enum base { NUM, START, END1, LIMIT1, HALF }; /* END1: first byte behind; LIMIT1: limit + 1 */

struct place {
	enum base base;
	int64_t offset;
};

struct row {
	const char *name;
	int want;
	uint64_t flags;
	struct place entry;
	uint64_t count;
	struct {
		struct place mem, size;
		int64_t bufsz; /* -1: 16 bytes that cannot be read */
	} seg[2];
};

static const struct row table[] = {
	{ "flags-unknown", EINVAL, 0x8000, { 0 }, 1, { { { START }, { NUM, PAGE }, 1 } } },
	/* KEXEC_ARCH_MASK has 32 bits and no sign, so the kernel's ~ of it drops the upper half. */
	{ "flags-above-32-bits", 0, UINT64_C(1) << 40, { 0 }, 0, { { { 0 } } } },
	{ "foreign-architecture", EINVAL, CRASH | KEXEC_ARCH_AARCH64, { START }, 0, { { { 0 } } } },
	{ "seventeen-segments", EINVAL, CRASH, { START }, 17, { { { START }, { NUM, PAGE }, 1 } } },
	{ "entry-below",
	  EADDRNOTAVAIL,
	  CRASH,
	  { START, -1 },
	  1,
	  { { { START }, { NUM, PAGE }, 1 } } },
	{ "entry-behind", EADDRNOTAVAIL, CRASH, { END1 }, 1, { { { START }, { NUM, PAGE }, 1 } } },
	{ "entry-last-byte", 0, CRASH, { END1, -1 }, 1, { { { START }, { NUM, PAGE }, 1 } } },
	{ "start-misaligned",
	  EADDRNOTAVAIL,
	  CRASH,
	  { START },
	  1,
	  { { { START, 1 }, { NUM, PAGE - 1 }, 1 } } },
	{ "end-misaligned",
	  EADDRNOTAVAIL,
	  CRASH,
	  { START },
	  1,
	  { { { START }, { NUM, PAGE + 1 }, 1 } } },
	{ "wraps",
	  EADDRNOTAVAIL,
	  CRASH,
	  { START },
	  1,
	  { { { NUM, -PAGE }, { NUM, 2 * PAGE }, 1 } } },
	{ "wraps-to-zero",
	  EADDRNOTAVAIL,
	  0,
	  { START },
	  1,
	  { { { NUM, -PAGE }, { NUM, PAGE }, 1 } } },
	{ "beyond-limit",
	  EADDRNOTAVAIL,
	  0,
	  { START },
	  1,
	  { { { LIMIT1, -PAGE }, { NUM, PAGE }, 1 } } },
	{ "below-limit", 0, 0, { START }, 1, { { { LIMIT1, -2 * PAGE }, { NUM, PAGE }, 1 } } },
	{ "overlap",
	  EINVAL,
	  CRASH,
	  { START },
	  2,
	  { { { START }, { NUM, 2 * PAGE }, 1 }, { { START, PAGE }, { NUM, PAGE }, 1 } } },
	{ "adjacent",
	  0,
	  CRASH,
	  { START },
	  2,
	  { { { START, PAGE }, { NUM, PAGE }, 1 }, { { START }, { NUM, PAGE }, 1 } } },
	{ "empty-inside",
	  EINVAL,
	  CRASH,
	  { START },
	  2,
	  { { { START }, { NUM, 2 * PAGE }, 1 }, { { START, PAGE }, { NUM, 0 }, 0 } } },
	{ "bufsz-over-memsz",
	  EINVAL,
	  CRASH,
	  { START },
	  1,
	  { { { START }, { NUM, PAGE }, PAGE + 1 } } },
	{ "half-of-ram-one", EINVAL, 0, { START }, 1, { { { NUM, PAGE }, { HALF, PAGE }, 1 } } },
	{ "half-of-ram-all",
	  EINVAL,
	  0,
	  { START },
	  2,
	  { { { NUM, PAGE }, { HALF, 0 }, 1 }, { { LIMIT1, -2 * PAGE }, { NUM, PAGE }, 1 } } },
	{ "outside-below",
	  EADDRNOTAVAIL,
	  CRASH,
	  { START },
	  1,
	  { { { START, -PAGE }, { NUM, 2 * PAGE }, 1 } } },
	{ "outside-behind",
	  EADDRNOTAVAIL,
	  CRASH,
	  { START },
	  1,
	  { { { END1, -PAGE }, { NUM, 2 * PAGE }, 1 } } },
	{ "empty-right-behind",
	  0,
	  CRASH,
	  { START },
	  2,
	  { { { START }, { NUM, PAGE }, 1 }, { { END1 }, { NUM, 0 }, 0 } } },
	{ "outside-but-regular",
	  0,
	  0,
	  { START },
	  1,
	  { { { START, -PAGE }, { NUM, 2 * PAGE }, 1 } } },
	{ "no-room-for-control-pages",
	  ENOMEM,
	  CRASH,
	  { START },
	  1,
	  { { { START }, { END1 }, 1 } } },
	{ "bytes-unreadable", EFAULT, CRASH, { START }, 1, { { { START }, { NUM, PAGE }, -1 } } },
	{ "bytes-unreadable-regular",
	  EFAULT,
	  0,
	  { START },
	  1,
	  { { { START }, { NUM, PAGE }, -1 } } },
	{ "good-crash",
	  0,
	  CRASH | KEXEC_ARCH_X86_64,
	  { START },
	  1,
	  { { { START }, { NUM, PAGE }, 16 } } },
	{ "unload-crash", 0, CRASH, { 0 }, 0, { { { 0 } } } },
	{ "unload-crash-again", 0, CRASH, { 0 }, 0, { { { 0 } } } },
	{ "good-regular", 0, 0, { START }, 1, { { { START }, { NUM, 16 * PAGE }, 16 } } },
	{ "unload-regular", 0, 0, { 0 }, 0, { { { 0 } } } },
};

static uint64_t resolve(const struct kd_kexec_machine *m, struct place p)
{
	const uint64_t bases[] = {
		[NUM] = 0,
		[START] = m->crash_start,
		[END1] = m->crash_end + 1,
		[LIMIT1] = m->limit + 1,
		[HALF] = m->ram_pages / 2 * PAGE,
	};

	return bases[p.base] + (uint64_t)p.offset;
}

static void try_row(const struct kd_kexec_machine *m, const struct row *row)
{
	struct kd_kexec_segment list[PROBE_LIST] = { 0 };
	struct kd_kexec_call call = { .entry = resolve(m, row->entry),
				      .segments = list,
				      .count = row->count,
				      .flags = row->flags };
	char why[400];

	for (uint64_t i = 0; i < row->count; i++) {
		size_t from = i < KD_ARRAY_LEN(row->seg) ? i : 0;
		list[i].mem = resolve(m, row->seg[from].mem);
		list[i].mem_bytes = resolve(m, row->seg[from].size);
		if (row->seg[from].size.base == END1) /* "all of it" */
			list[i].mem_bytes -= m->crash_start;
		list[i].buf = row->seg[from].bufsz < 0 ? NULL : probe.buf;
		list[i].buf_bytes = row->seg[from].bufsz < 0 ? 16 : (uint64_t)row->seg[from].bufsz;
	}
	bool good = probe_try(m, &call, row->want, why, sizeof(why));
	probe_report(good, row->name, "%s", why);
	/* what was loaded must show, and what was unloaded must not */
	if (good && row->want == 0 && row->flags & CRASH)
		probe_report(probe_is_loaded() == (row->count > 0), row->name,
			     "kexec_crash_loaded is %d", probe_is_loaded());
}

static void drop_sys_boot(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[2] = { 0 };

	if (syscall(SYS_capget, &head, caps))
		_exit(2);
	caps[0].effective &= ~(1U << CAP_SYS_BOOT);
	if (syscall(SYS_capset, &head, caps))
		_exit(2);
}

/* In a child: what is dropped stays dropped. */
static void try_without_capability(void)
{
	int status = 0;

	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		struct kd_kexec_machine m = { 0 };
		struct kd_kexec_call call = { .flags = CRASH };
		char why[400];

		drop_sys_boot();
		if (!probe_read_machine(true, &m))
			_exit(2);
		bool good = probe_try(&m, &call, EPERM, why, sizeof(why));
		probe_report(good && !m.cap_sys_boot, "no-cap-sys-boot", "%s", why);
		_exit(good ? 0 : 1);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		probe_report(false, "no-cap-sys-boot", "the child ended with status 0x%x", status);
}

struct loader {
	struct kd_kexec_call call;
	atomic_bool started, ended;
	int sys;
};

static void *load_slowly(void *arg)
{
	struct loader *l = arg;

	atomic_store(&l->started, true);
	l->sys = probe_load(&l->call);
	atomic_store(&l->ended, true);
	return NULL;
}

/* A regular image of an eighth of RAM is on its way in: everybody else has to wait. */
static void try_two_at_once(const struct kd_kexec_machine *machine)
{
	const struct kd_kexec_segment large = { .buf = probe.buf,
						.buf_bytes = 16,
						.mem = machine->limit + 1 - UINT64_C(0x800000000),
						.mem_bytes = machine->ram_pages / 8 * PAGE };
	struct loader l = { .call = { .segments = &large, .count = 1 } };
	struct kd_kexec_call unload = { 0 };
	struct kd_kexec_machine m = *machine;
	unsigned int refused = 0, calls = 0;
	pthread_t thread;
	char why[400] = "", one[400];

	m.busy = true;
	if (pthread_create(&thread, NULL, load_slowly, &l)) {
		probe_report(false, "second-load", "no thread");
		return;
	}
	while (!refused && !atomic_load(&l.ended)) {
		if (!atomic_load(&l.started))
			continue;
		/* one that comes before the load has begun is no mistake */
		calls++;
		if (probe_try(&m, &unload, EBUSY, one, sizeof(one))) {
			refused++;
			snprintf(why, sizeof(why), "%s", one);
		}
	}
	pthread_join(thread, NULL);
	probe_report(refused > 0, "second-load", "%s (%u calls during the load of %ju MiB)", why,
		     calls, (uintmax_t)large.mem_bytes >> 20);
	probe_report(l.sys == 0, "first-load", "%s", probe_errno_name(l.sys));
	probe_raw_load(0, 0, NULL, 0);
}

int probe_run_table(void)
{
	struct kd_kexec_machine m = { 0 };

	if (!probe_read_machine(true, &m))
		return 1;
	printf("facts: reserved 0x%jx to 0x%jx, %ju pages of RAM, limit 0x%jx, flags 0x%jx%s\n",
	       (uintmax_t)m.crash_start, (uintmax_t)m.crash_end, (uintmax_t)m.ram_pages,
	       (uintmax_t)m.limit, (uintmax_t)m.known_flags,
	       probe_is_patched() ? ", kernel tells its reasons" : "");
	for (size_t i = 0; i < KD_ARRAY_LEN(table); i++)
		try_row(&m, &table[i]);
	try_without_capability();
	try_two_at_once(&m);
	printf("table: %zu rows, %u wrong\n", KD_ARRAY_LEN(table), probe.wrong);
	return probe.wrong > 0;
}
