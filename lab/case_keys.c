/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/case_keys.h"

#include <string.h>

static int bad(const struct kd_lab_case_line *at, struct kd_err *err, const char *what,
	       const char *remedy)
{
	return kd_fail(err, KD_BADDATA, "%s:%u: %s: '%s' %s; %s", at->file, at->number, at->key,
		       at->value, what, remedy);
}

static int set_text(const struct kd_lab_case_line *at, char **ret, struct kd_err *err)
{
	free(*ret);
	*ret = NULL;
	return kd_strdup(ret, at->value, err);
}

static int set_number(const struct kd_lab_case_line *at, uint64_t min, uint64_t max, uint64_t *ret,
		      struct kd_err *err)
{
	uint64_t v = 0;

	if (kd_parse_u64(at->value, &v, NULL) || v < min || v > max)
		return kd_fail(err, KD_BADDATA, "%s:%u: %s: '%s' is not a number from %ju to %ju",
			       at->file, at->number, at->key, at->value, (uintmax_t)min,
			       (uintmax_t)max);
	*ret = v;
	return 0;
}

/* A size like 2G, as whole MiB. */
static int set_mib(const struct kd_lab_case_line *at, const char *text, uint64_t min, uint64_t max,
		   uint64_t *ret, struct kd_err *err)
{
	uint64_t bytes = 0;

	if (kd_parse_size(text, &bytes, NULL) || bytes % (1 << 20) || bytes >> 20 < min ||
	    bytes >> 20 > max)
		return kd_fail(err, KD_BADDATA, "%s:%u: %s: '%s' is not a size from %juM to %juM",
			       at->file, at->number, at->key, text, (uintmax_t)min, (uintmax_t)max);
	*ret = bytes >> 20;
	return 0;
}

#define KERNEL_NAMES "cloud, generic, cloud-6.12, lab or capture"

static bool is_kernel(const char *name)
{
	static const char *const kernels[] = { "cloud", "generic", "cloud-6.12", "lab", "capture" };

	for (size_t i = 0; i < KD_ARRAY_LEN(kernels); i++)
		if (strcmp(name, kernels[i]) == 0)
			return true;
	return false;
}

static int set_kernel(const struct kd_lab_case_line *at, struct kd_lab_case *c, struct kd_err *err)
{
	return is_kernel(at->value)
		       ? set_text(at, &c->kernel, err)
		       : bad(at, err, "is not a kernel of the lab", "write " KERNEL_NAMES);
}

int kd_lab_case_set_kernel(struct kd_lab_case *c, const char *name, struct kd_err *err)
{
	KD_AUTO(kd_freep) char *copy = NULL;

	if (!is_kernel(name))
		return kd_fail(err, KD_USAGE,
			       "'%s' is not a kernel of the lab; write " KERNEL_NAMES, name);
	int rc = kd_strdup(&copy, name, err);
	if (rc)
		return rc;
	free(c->kernel);
	c->kernel = KD_STEAL(copy);
	return 0;
}

static int set_yes_no(const struct kd_lab_case_line *at, bool *ret, struct kd_err *err)
{
	*ret = strcmp(at->value, "yes") == 0;
	if (!*ret && strcmp(at->value, "no") != 0)
		return bad(at, err, "is neither", "write yes or no");
	return 0;
}

static int set_arm(const struct kd_lab_case_line *at, struct kd_lab_case *c, struct kd_err *err)
{
	bool armed = false;
	int rc = set_yes_no(at, &armed, err);

	c->not_armed = !rc && !armed;
	return rc;
}

/* "kernel:NAME", "vmlinux:NAME" and "initrd:NAME" name kernels of the lab. */
static bool is_source(const char *from)
{
	const char *colon = strchr(from, ':');

	if (strncmp(from, "kernel:", 7) == 0 || strncmp(from, "vmlinux:", 8) == 0 ||
	    strncmp(from, "initrd:", 7) == 0)
		return is_kernel(colon + 1);
	return !strpbrk(from, "\"\\");
}

static int set_file(const struct kd_lab_case_line *at, struct kd_lab_case *c, struct kd_err *err)
{
	KD_AUTO(kd_strv_fini) struct kd_strv words = { 0 };
	int rc = kd_strv_split(&words, at->value, " \t", err);

	if (rc)
		return rc;
	if (words.n != 2 || !is_source(words.v[0]) || words.v[1][0] != '/' ||
	    strpbrk(words.v[1], "\"\\"))
		return bad(at, err, "is not a file of the host and a path in the guest",
			   "write e.g. file = kernel:capture /boot/vmlinuz-capture");
	if (c->file_count == KD_ARRAY_LEN(c->files))
		return bad(at, err, "is one file too many", "a case takes 16");
	struct kd_lab_file *f = &c->files[c->file_count++];
	rc = kd_strdup(&f->from, words.v[0], err);
	return rc ? rc : kd_strdup(&f->to, words.v[1], err);
}

static bool is_uuid(const char *text)
{
	static const char shape[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	if (strlen(text) != sizeof(shape) - 1)
		return false;
	for (size_t i = 0; shape[i]; i++)
		if (shape[i] == '-' ? text[i] != '-' : !strchr("0123456789abcdef", text[i]))
			return false;
	return true;
}

static int set_disk(const struct kd_lab_case_line *at, struct kd_lab_case *c, struct kd_err *err)
{
	KD_AUTO(kd_strv_fini) struct kd_strv words = { 0 };
	int rc = kd_strv_split(&words, at->value, " \t", err);

	if (rc)
		return rc;
	c->disk_xfs = words.n == 3 && strcmp(words.v[2], "xfs") == 0;
	if (words.n != (c->disk_xfs ? 3 : 2) || !is_uuid(words.v[1]))
		return bad(at, err, "is not a size, a lower-case UUID, and perhaps xfs",
			   "write e.g. disk = 64M 0a0b0c0d-0000-4000-8000-00000000cafe");
	/* mkfs.xfs of xfsprogs 5.19 and later makes nothing smaller than 300 MiB */
	rc = set_mib(at, words.v[0], c->disk_xfs ? 300 : 16, 16384, &c->disk_mib, err);
	return rc ? rc : kd_strdup(&c->disk_uuid, words.v[1], err);
}

static int set_trigger(const struct kd_lab_case_line *at, struct kd_lab_case *c, struct kd_err *err)
{
	uint64_t cpu = 0;

	c->trigger_given = true;
	if (strcmp(at->value, "sysrq") == 0) {
		c->trigger = KD_LAB_TRIGGER_SYSRQ;
		return 0;
	}
	if (strncmp(at->value, "sysrq-cpu:", 10) == 0 &&
	    kd_parse_u64(at->value + 10, &cpu, NULL) == 0 && cpu < 64) {
		c->trigger = KD_LAB_TRIGGER_SYSRQ;
		c->trigger_cpu = (int)cpu;
		return 0;
	}
	if (strcmp(at->value, "qemu-dump") == 0) {
		c->trigger = KD_LAB_TRIGGER_QEMU;
		return 0;
	}
	if (strcmp(at->value, "none") == 0) {
		c->trigger = KD_LAB_TRIGGER_NONE;
		return 0;
	}
	if (strncmp(at->value, "command ", 8) == 0) {
		c->trigger = KD_LAB_TRIGGER_COMMAND;
		return kd_strdup(&c->trigger_command, at->value + 8, err);
	}
	if (strncmp(at->value, "kexec ", 6) == 0) {
		c->trigger = KD_LAB_TRIGGER_KEXEC;
		return kd_strdup(&c->trigger_command, at->value + 6, err);
	}
	return bad(
		at, err, "is not a trigger",
		"write sysrq, sysrq-cpu:N, command SHELL-COMMAND, kexec SHELL-COMMAND, qemu-dump "
		"or none");
}

static const char *const expect_names[] = {
	[KD_LAB_EXPECT_SAVED] = "saved",
	[KD_LAB_EXPECT_TRUNCATED] = "truncated",
	[KD_LAB_EXPECT_DMESG_ONLY] = "dmesg-only",
	[KD_LAB_EXPECT_FAILED] = "failed",
	[KD_LAB_EXPECT_NONE] = "none",
	[KD_LAB_EXPECT_NO_CAPTURE] = "no-capture",
};

const char *kd_lab_expect_name(enum kd_lab_expect expect)
{
	return expect_names[expect];
}

static int set_expect(const struct kd_lab_case_line *at, struct kd_lab_case *c, struct kd_err *err)
{
	for (size_t i = 0; i < KD_ARRAY_LEN(expect_names); i++)
		if (strcmp(at->value, expect_names[i]) == 0) {
			c->expect = (enum kd_lab_expect)i;
			c->expect_given = true;
			return 0;
		}
	return bad(at, err, "is not an outcome",
		   "write saved, truncated, dmesg-only, failed, none or no-capture");
}

static const char *const end_names[] = {
	[KD_LAB_END_REBOOT] = "reboot",
	[KD_LAB_END_POWEROFF] = "poweroff",
	[KD_LAB_END_HALT] = "halt",
};

const char *kd_lab_end_name(enum kd_lab_end end)
{
	return end_names[end];
}

static int set_end(const struct kd_lab_case_line *at, struct kd_lab_case *c, struct kd_err *err)
{
	for (size_t i = 0; i < KD_ARRAY_LEN(end_names); i++)
		if (strcmp(at->value, end_names[i]) == 0) {
			c->end = (enum kd_lab_end)i;
			return 0;
		}
	return bad(at, err, "is not an end", "write reboot, poweroff or halt");
}

static int set_firmware(const struct kd_lab_case_line *at, struct kd_lab_case *c,
			struct kd_err *err)
{
	c->efi = strcmp(at->value, "efi") == 0;
	if (!c->efi && strcmp(at->value, "bios") != 0)
		return bad(at, err, "is not a firmware", "write bios or efi");
	return 0;
}

enum key {
	K_TITLE,
	K_KERNEL,
	K_FIRMWARE,
	K_MEMORY,
	K_CPUS,
	K_CRASHKERNEL,
	K_APPEND,
	K_CONF,
	K_ARM_SETUP,
	K_ARM,
	K_DEBUGGER,
	K_SETUP,
	K_AFTER,
	K_TYPE,
	K_FILE,
	K_DISK,
	K_TRIGGER,
	K_EXPECT_OUTCOME,
	K_EXPECT_REASON,
	K_EXPECT_END,
	K_EXPECT_GUEST,
	K_EXPECT_CONSOLE,
	K_EXPECT_NO_FILE,
	K_READER,
	K_DEADLINE,
	K_UNPATCHED_FAILS,
	K_COUNT
};

_Static_assert(K_COUNT == (int)KD_LAB_CASE_KEYS, "seen[] has a place for each");

static const struct {
	const char *name;
	bool repeats;
} keys[K_COUNT] = {
	[K_TITLE] = { "title", false },
	[K_KERNEL] = { "kernel", false },
	[K_FIRMWARE] = { "firmware", false },
	[K_MEMORY] = { "memory", false },
	[K_CPUS] = { "cpus", false },
	[K_CRASHKERNEL] = { "crashkernel", false },
	[K_APPEND] = { "append", false },
	[K_CONF] = { "conf", true },
	[K_ARM_SETUP] = { "arm-setup", true },
	[K_ARM] = { "arm", false },
	[K_DEBUGGER] = { "debugger", false },
	[K_SETUP] = { "setup", true },
	[K_AFTER] = { "after", true },
	[K_TYPE] = { "type", true },
	[K_FILE] = { "file", true },
	[K_DISK] = { "disk", false },
	[K_TRIGGER] = { "trigger", false },
	[K_EXPECT_OUTCOME] = { "expect-outcome", false },
	[K_EXPECT_REASON] = { "expect-reason", false },
	[K_EXPECT_END] = { "expect-end", false },
	[K_EXPECT_GUEST] = { "expect-guest", true },
	[K_EXPECT_CONSOLE] = { "expect-console", true },
	[K_EXPECT_NO_FILE] = { "expect-no-file", true },
	[K_READER] = { "reader", false },
	[K_DEADLINE] = { "deadline", false },
	[K_UNPATCHED_FAILS] = { "unpatched-fails", false },
};

static int apply(enum key key, const struct kd_lab_case_line *at, struct kd_lab_case *c,
		 struct kd_err *err)
{
	switch (key) {
	case K_TITLE:
		return set_text(at, &c->title, err);
	case K_KERNEL:
		return set_kernel(at, c, err);
	case K_FIRMWARE:
		return set_firmware(at, c, err);
	case K_MEMORY:
		return set_mib(at, at->value, 256, 16384, &c->memory_mib, err);
	case K_CPUS:
		return set_number(at, 1, 16, &c->cpus, err);
	case K_CRASHKERNEL:
		return set_text(at, &c->crashkernel, err);
	case K_APPEND:
		return set_text(at, &c->append, err);
	case K_CONF:
		return kd_strv_add(&c->conf, at->value, err);
	case K_ARM_SETUP:
		return kd_strv_add(&c->arm, at->value, err);
	case K_ARM:
		return set_arm(at, c, err);
	case K_DEBUGGER:
		return set_yes_no(at, &c->debugger, err);
	case K_SETUP:
		return kd_strv_add(&c->setup, at->value, err);
	case K_AFTER:
		return kd_strv_add(&c->after, at->value, err);
	case K_TYPE:
		return kd_strv_add(&c->type, at->value, err);
	case K_FILE:
		return set_file(at, c, err);
	case K_DISK:
		return set_disk(at, c, err);
	case K_TRIGGER:
		return set_trigger(at, c, err);
	case K_EXPECT_OUTCOME:
		return set_expect(at, c, err);
	case K_EXPECT_REASON:
		return set_text(at, &c->expect_reason, err);
	case K_EXPECT_END:
		return set_end(at, c, err);
	case K_EXPECT_GUEST:
		return kd_strv_add(&c->expect_guest, at->value, err);
	case K_EXPECT_CONSOLE:
		return kd_strv_add(&c->expect_console, at->value, err);
	case K_EXPECT_NO_FILE:
		if (strchr(at->value, '/'))
			return bad(at, err, "holds a slash", "name a file of the dump directory");
		return kd_strv_add(&c->expect_no_file, at->value, err);
	case K_READER:
		c->only_vmcore_reads = strcmp(at->value, "vmcore") == 0;
		if (!c->only_vmcore_reads && strcmp(at->value, "makedumpfile") != 0)
			return bad(at, err, "is not a reader", "write makedumpfile or vmcore");
		return 0;
	case K_DEADLINE:
		return set_number(at, 10, 3600, &c->deadline_s, err);
	case K_UNPATCHED_FAILS:
		return set_text(at, &c->unpatched_fails, err);
	case K_COUNT:
		break;
	}
	return kd_fail(err, KD_BADDATA, "%s:%u: unknown key", at->file, at->number);
}

int kd_lab_case_key(const struct kd_lab_case_line *at, unsigned int seen[KD_LAB_CASE_KEYS],
		    struct kd_lab_case *c, struct kd_err *err)
{
	for (int k = 0; k < K_COUNT; k++) {
		if (strcmp(at->key, keys[k].name) != 0)
			continue;
		if (*at->value == '\0')
			return kd_fail(err, KD_BADDATA,
				       "%s:%u: %s: no value; write one or remove the line",
				       at->file, at->number, at->key);
		if (seen[k] && !keys[k].repeats)
			return kd_fail(err, KD_BADDATA,
				       "%s:%u: %s: already given in line %u; remove one of them",
				       at->file, at->number, at->key, seen[k]);
		seen[k] = at->number;
		return apply((enum key)k, at, c, err);
	}
	return kd_fail(err, KD_BADDATA,
		       "%s:%u: unknown key '%s'; kdump-lab(1) lists the keys of a case", at->file,
		       at->number, at->key);
}
