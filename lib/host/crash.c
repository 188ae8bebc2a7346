/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel says about its crash reservation and who may load into it. */
#include "lib/host/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum { MAX_MEMINFO_BYTES = 1 << 20 };

/*
 * /sys/kernel/kexec/ is where Linux v6.19 has these files (Documentation/ABI); the
 * old names stay beside it for some years. Either may be the only one.
 */
#define NEW_DIR "/sys/kernel/kexec"

static struct kd_host_number number_of(const struct kd_root *root, const char *path)
{
	unsigned long long v = 0;

	if (kd_root_read_u64(root, path, &v, NULL))
		return (struct kd_host_number){ 0 };
	return (struct kd_host_number){ .known = true, .value = v };
}

static struct kd_host_number first_of(const struct kd_root *root, const char *path,
				      const char *other)
{
	struct kd_host_number n = number_of(root, path);

	return n.known ? n : number_of(root, other);
}

static struct kd_host_flag as_flag(struct kd_host_number n)
{
	return (struct kd_host_flag){ .known = n.known, .value = n.value != 0 };
}

/* "none [integrity] confidentiality" */
static enum kd_host_lockdown lockdown_of(const struct kd_root *root)
{
	static const char dir[] = "/sys/kernel/security";
	KD_AUTO(kd_freep) char *line = NULL;
	struct kd_err why = { 0 };

	if (kd_root_read_line(root, "/sys/kernel/security/lockdown", &line, &why)) {
		/* An empty directory is securityfs not mounted: the file would be in there. */
		bool mounted = !kd_root_exists(root, dir) || kd_host_has(root, dir, "lsm");
		return why.sys == ENOENT && mounted ? KD_HOST_LOCKDOWN_NONE
						    : KD_HOST_LOCKDOWN_UNKNOWN;
	}
	if (strstr(line, "[none]"))
		return KD_HOST_LOCKDOWN_NONE;
	if (strstr(line, "[integrity]"))
		return KD_HOST_LOCKDOWN_INTEGRITY;
	if (strstr(line, "[confidentiality]"))
		return KD_HOST_LOCKDOWN_CONFIDENTIALITY;
	return KD_HOST_LOCKDOWN_UNKNOWN;
}

const char *kd_host_lockdown_name(enum kd_host_lockdown lockdown)
{
	static const char *const names[] = {
		[KD_HOST_LOCKDOWN_UNKNOWN] = "",
		[KD_HOST_LOCKDOWN_NONE] = "none",
		[KD_HOST_LOCKDOWN_INTEGRITY] = "integrity",
		[KD_HOST_LOCKDOWN_CONFIDENTIALITY] = "confidentiality",
	};

	return names[lockdown];
}

/* The variable's file holds 4 bytes of attributes, then one byte: 1 is on (UEFI 3.3). */
static struct kd_host_flag secure_boot_of(const struct kd_root *root)
{
	static const char path[] = "/sys/firmware/efi/efivars/"
				   "SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";
	struct kd_host_flag unknown = { 0 };
	char data[5];

	/* Not started by EFI firmware, so not checked by it either. */
	if (!kd_root_exists(root, "/sys/firmware/efi"))
		return (struct kd_host_flag){ .known = kd_root_exists(root, "/sys/firmware") };
	KD_AUTO(kd_closep) int fd = kd_root_openat(root, path, O_RDONLY, 0, NULL);
	if (fd < 0 || kd_read_full(fd, data, sizeof(data), path, NULL) != (ssize_t)sizeof(data))
		return unknown;
	return (struct kd_host_flag){ .known = true, .value = data[4] == 1 };
}

/* ---- /proc/iomem ---- */

static void add_range(struct kd_host_crash_facts *facts, const struct kd_iomem_resource *r)
{
	if (facts->range_count < KD_HOST_MAX_CRASH_RANGES)
		facts->ranges[facts->range_count++] = (struct kd_host_range){ r->start, r->end };
}

static int read_iomem(const struct kd_root *root, struct kd_host_crash_facts *facts,
		      struct kd_err *err)
{
	KD_AUTO(kd_freep) char *text = NULL;
	struct kd_err why = { 0 };
	size_t len = 0;
	uint64_t ram = 0, counted_to = 0, highest = 0;
	int rc = kd_root_read(root, "/proc/iomem", KD_IOMEM_MAX_BYTES, &text, &len, &why);

	if (rc)
		return rc == -KD_NOMEM ? kd_fail(err, KD_NOMEM, "%s", why.msg) : 0;
	struct kd_cursor c = { .p = (const uint8_t *)text, .end = (const uint8_t *)text + len };
	for (struct kd_iomem_resource r = { 0 }; kd_iomem_next(&c, &r);) {
		if (r.end > highest)
			highest = r.end;
		if (kd_iomem_is(&r, "Crash kernel"))
			add_range(facts, &r);
		/* Lines rise; one inside memory counted before is not counted twice. */
		if (kd_iomem_is(&r, "System RAM") && (ram == 0 || r.start > counted_to)) {
			ram += r.end - r.start + 1;
			counted_to = r.end;
		}
	}
	facts->ranges_known = highest != 0;
	facts->ram_is_exact = highest != 0 && ram != 0;
	if (!facts->ranges_known)
		facts->range_count = 0;
	if (facts->ram_is_exact)
		facts->ram_bytes = (struct kd_host_number){ .known = true, .value = ram };
	return 0;
}

/* "MemTotal:       2014848 kB" */
static int read_meminfo(const struct kd_root *root, struct kd_host_number *ret, struct kd_err *err)
{
	KD_AUTO(kd_freep) char *text = NULL;
	struct kd_err why = { 0 };
	unsigned long long kib = 0;
	char unit[3] = "";
	int rc = kd_root_read(root, "/proc/meminfo", MAX_MEMINFO_BYTES, &text, NULL, &why);

	if (rc)
		return rc == -KD_NOMEM ? kd_fail(err, KD_NOMEM, "%s", why.msg) : 0;
	const char *at = strstr(text, "MemTotal:");
	if (!at || sscanf(at, "MemTotal: %llu %2s", &kib, unit) != 2 || strcmp(unit, "kB") != 0 ||
	    kib > UINT64_MAX / 1024)
		return 0;
	*ret = (struct kd_host_number){ .known = true, .value = kib * 1024 };
	return 0;
}

int kd_host_crash_facts(const struct kd_root *root, struct kd_host_crash_facts *ret,
			struct kd_err *err)
{
	struct kd_host_crash_facts facts = {
		.supported = kd_root_exists(root, NEW_DIR "/crash_loaded") ||
			     kd_root_exists(root, "/sys/kernel/kexec_crash_loaded"),
		.loaded = as_flag(
			first_of(root, NEW_DIR "/crash_loaded", "/sys/kernel/kexec_crash_loaded")),
		.other_loaded =
			as_flag(first_of(root, NEW_DIR "/loaded", "/sys/kernel/kexec_loaded")),
		.size_bytes = first_of(root, NEW_DIR "/crash_size", "/sys/kernel/kexec_crash_size"),
		.load_disabled = as_flag(number_of(root, "/proc/sys/kernel/kexec_load_disabled")),
		.lockdown = lockdown_of(root),
		.secure_boot = secure_boot_of(root),
	};
	int rc = read_iomem(root, &facts, err);

	if (!rc && !facts.ram_bytes.known)
		rc = read_meminfo(root, &facts.ram_bytes, err);
	if (rc)
		return rc;
	*ret = facts;
	return 0;
}
