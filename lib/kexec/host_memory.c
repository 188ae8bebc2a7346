/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The memory of the running kernel, as it shows it. */
#include "lib/kexec/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum { MAX_FIRMWARE_RANGES = 4096 };

void kd_kexec_host_fini(struct kd_kexec_host *m)
{
	kd_kexec_ranges_fini(&m->ram);
	kd_kexec_ranges_fini(&m->own_ram);
	kd_kexec_ranges_fini(&m->crash);
	kd_kexec_ranges_fini(&m->special);
	kd_kexec_ranges_fini(&m->firmware);
	free(m->cpus);
	free(m->boot_params);
	free(m->efi.map);
	*m = (struct kd_kexec_host){ 0 };
}

/* ---- /proc/iomem ---- */

/* "System RAM", and "System RAM (kmem)" or "(virtio_mem)", which a driver added. */
static bool is_ram(const struct kd_iomem_resource *r)
{
	static const char name[] = "System RAM";

	return kd_iomem_is(r, name) || (r->name_len > sizeof(name) &&
					memcmp(r->name, "System RAM (", sizeof(name) + 1) == 0);
}

static int take_ram(struct kd_kexec_host *m, const struct kd_iomem_resource *r, struct kd_err *err)
{
	/* A parent comes first: what lies inside it is no more memory. */
	if (kd_kexec_ranges_has(&m->ram, r->start, r->end))
		return 0;
	int rc = kd_kexec_ranges_add(&m->ram, r->start, r->end, KD_MEM_RAM, err);
	if (!rc && r->depth == 0 && kd_iomem_is(r, "System RAM"))
		rc = kd_kexec_ranges_add(&m->own_ram, r->start, r->end, KD_MEM_RAM, err);
	return rc;
}

static int take_resource(struct kd_kexec_host *m, const struct kd_iomem_resource *r,
			 struct kd_err *err)
{
	static const struct {
		const char *name;
		enum kd_kexec_memtype type;
	} special[] = {
		{ "ACPI Tables", KD_MEM_ACPI },
		{ "ACPI Non-volatile Storage", KD_MEM_NVS },
		{ "Reserved", KD_MEM_RESERVED },
		{ "reserved", KD_MEM_RESERVED }, /* before Linux v4.20 */
	};

	if (is_ram(r))
		return take_ram(m, r, err);
	if (kd_iomem_is(r, "Crash kernel"))
		return kd_kexec_ranges_add(&m->crash, r->start, r->end, KD_MEM_RAM, err);
	if (kd_iomem_is(r, "Kernel code"))
		m->text.paddr = r->start;
	for (size_t i = 0; i < KD_ARRAY_LEN(special); i++)
		if (kd_iomem_is(r, special[i].name))
			return kd_kexec_ranges_add(&m->special, r->start, r->end, special[i].type,
						   err);
	return 0;
}

/* Each list rises, and what it says does not contradict itself. */
static int check_lists(struct kd_kexec_host *m, struct kd_err *err)
{
	kd_kexec_ranges_sort(&m->ram);
	kd_kexec_ranges_sort(&m->own_ram);
	kd_kexec_ranges_sort(&m->crash);
	kd_kexec_ranges_sort(&m->special);
	for (size_t i = 1; i < m->ram.n; i++)
		if (m->ram.v[i].start <= m->ram.v[i - 1].end)
			return kd_fail(err, KD_BADDATA,
				       "/proc/iomem: System RAM at 0x%jx begins inside the one "
				       "before it",
				       (uintmax_t)m->ram.v[i].start);
	for (size_t i = 0; i < m->crash.n; i++)
		if (!kd_kexec_ranges_has(&m->ram, m->crash.v[i].start, m->crash.v[i].end))
			return kd_fail(err, KD_BADDATA,
				       "/proc/iomem: the crash reservation at 0x%jx is not in "
				       "System RAM",
				       (uintmax_t)m->crash.v[i].start);
	return 0;
}

int kd_kexec_host_iomem(const struct kd_root *root, struct kd_kexec_host *m, struct kd_err *err)
{
	KD_AUTO(kd_freep) char *text = NULL;
	struct kd_iomem_resource r = { 0 };
	uint64_t highest = 0;
	size_t len = 0;
	int rc = kd_root_read(root, "/proc/iomem", KD_IOMEM_MAX_BYTES, &text, &len, err);

	if (rc)
		return rc;
	struct kd_cursor c = { .p = (const uint8_t *)text, .end = (const uint8_t *)text + len };
	while (!rc && kd_iomem_next(&c, &r)) {
		if (r.end > highest)
			highest = r.end;
		if (r.end != 0)
			rc = take_resource(m, &r, err);
	}
	if (!rc && highest == 0)
		return kd_fail_sys(err, EPERM,
				   "/proc/iomem shows no addresses: run as root "
				   "(CAP_SYS_ADMIN)");
	if (!rc && m->ram.n == 0)
		return kd_fail(err, KD_BADDATA, "/proc/iomem names no System RAM");
	return rc ? rc : check_lists(m, err);
}

int kd_kexec_crash_range(const struct kd_kexec_host *m, struct kd_kexec_range *ret,
			 struct kd_err *err)
{
	if (m->crash.n == 0)
		return kd_fail(err, KD_NOTSUP,
			       "No memory reserved for crash kernel: add crashkernel=256M to the "
			       "kernel command line and reboot");
	/*
	 * Where there are two, the low one only serves devices that need low memory;
	 * segments may lie in the other (Linux kernel/kexec_core.c checks crashk_res alone).
	 */
	*ret = m->crash.v[m->crash.n - 1];
	return 0;
}

/* ---- below 1 MiB ---- */

/*
 * Does the kernel keep its hands off? Since v5.13 it reserves this memory always (commit
 * f1d4d47c5851, "x86/setup: always reserve the first 1M of RAM"), since v5.5 with
 * crashkernel=. /proc/iomem does not show that; the pages' flags do. KPF_RESERVED:
 * Linux include/linux/kernel-page-flags.h.
 */
static bool low_is_reserved(const struct kd_root *root, const struct kd_kexec_ranges *ram)
{
	static const char path[] = "/proc/kpageflags";
	enum { PAGES = KD_KEXEC_LOW_BYTES / KD_KEXEC_PAGE, KPF_RESERVED = 32 };
	uint8_t flags[PAGES * 8];
	KD_AUTO(kd_closep) int fd = kd_root_openat(root, path, O_RDONLY, 0, NULL);

	if (fd < 0 || kd_pread_full(fd, flags, sizeof(flags), 0, path, NULL) != sizeof(flags))
		return false;
	struct kd_cursor c = { .p = flags, .end = flags + sizeof(flags) };
	for (uint64_t at = 0; at < KD_KEXEC_LOW_BYTES; at += KD_KEXEC_PAGE) {
		uint64_t page = kd_cursor_u64(&c);
		if (kd_kexec_ranges_has(ram, at, at + KD_KEXEC_PAGE - 1) &&
		    !(page >> KPF_RESERVED & 1))
			return false;
	}
	return true;
}

/* ---- /sys/firmware/memmap ---- */

static uint32_t firmware_type(const char *text)
{
	static const struct {
		const char *name;
		uint32_t type;
	} types[] = {
		/* Linux arch/x86/kernel/e820.c, e820_type_to_string() */
		{ "System RAM", KD_MEM_RAM },
		{ "ACPI Tables", KD_MEM_ACPI },
		{ "ACPI Non-volatile Storage", KD_MEM_NVS },
		{ "Unusable memory", KD_MEM_UNUSABLE },
		{ "Persistent Memory", KD_MEM_PMEM },
		{ "Persistent Memory (legacy)", KD_MEM_PRAM },
		{ "Soft Reserved", KD_MEM_SOFT_RESERVED },
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(types); i++)
		if (strcmp(types[i].name, text) == 0)
			return types[i].type;
	return KD_MEM_RESERVED;
}

/* 1 taken, 0 there is no entry of this number. */
static int take_firmware(const struct kd_root *root, unsigned int number,
			 struct kd_kexec_ranges *list, struct kd_err *err)
{
	static const char *const files[] = { "start", "end", "type" };
	KD_AUTO(kd_strv_fini) struct kd_strv text = { 0 };
	uint64_t start = 0, end = 0;
	int rc = 0;

	for (size_t i = 0; !rc && i < KD_ARRAY_LEN(files); i++) {
		KD_AUTO(kd_freep) char *line = NULL;
		char path[64];
		snprintf(path, sizeof(path), "/sys/firmware/memmap/%u/%s", number, files[i]);
		if (i == 0 && !kd_root_exists(root, path))
			return 0;
		rc = kd_root_read_line(root, path, &line, err);
		if (!rc)
			rc = kd_strv_add(&text, line, err);
	}
	if (!rc)
		rc = kd_parse_u64(text.v[0], &start, err);
	if (!rc)
		rc = kd_parse_u64(text.v[1], &end, err);
	if (!rc && start > end)
		rc = kd_fail(err, KD_BADDATA, "it ends before it starts");
	if (!rc)
		rc = kd_kexec_ranges_add(list, start, end, firmware_type(text.v[2]), err);
	return rc ? kd_wrap(err, "/sys/firmware/memmap/%u", number) : 1;
}

static int read_firmware(const struct kd_root *root, struct kd_kexec_ranges *list,
			 struct kd_err *err)
{
	int rc = 1;

	for (unsigned int i = 0; rc > 0 && i < MAX_FIRMWARE_RANGES; i++)
		rc = take_firmware(root, i, list, err);
	kd_kexec_ranges_sort(list);
	return rc < 0 ? rc : 0;
}

/* ---- the rest ---- */

/* Absent in some kernels, and then what is in it is done without. */
static int read_boot_params(const struct kd_root *root, struct kd_kexec_host *m, struct kd_err *err)
{
	static const char path[] = "/sys/kernel/boot_params/data";
	KD_AUTO(kd_closep) int fd = kd_root_openat(root, path, O_RDONLY, 0, NULL);
	KD_AUTO(kd_freep) void *data = calloc(1, KD_KEXEC_BOOT_PARAMS_BYTES);

	if (!data)
		return kd_fail(err, KD_NOMEM, "no memory");
	if (fd >= 0 && kd_read_full(fd, data, KD_KEXEC_BOOT_PARAMS_BYTES, path, NULL) ==
			       KD_KEXEC_BOOT_PARAMS_BYTES)
		m->boot_params = KD_STEAL(data);
	return 0;
}

/*
 * A kernel with CONFIG_CRASH_HOTPLUG has both files (Linux commits ea53ad9cf73b and
 * a72bbec70da2, v6.6), whether an image is loaded or not.
 */
static void read_hotplug(const struct kd_root *root, struct kd_kexec_host *m)
{
	static const char *const sizes[] = { "/sys/kernel/kexec/crash_elfcorehdr_size",
					     "/sys/kernel/crash_elfcorehdr_size" };
	enum { MOST = 16 << 20 };
	unsigned long long bytes = 0;

	if (!kd_root_exists(root, "/sys/devices/system/cpu/crash_hotplug") &&
	    !kd_root_exists(root, "/sys/devices/system/memory/crash_hotplug"))
		return;
	for (size_t i = 0; i < KD_ARRAY_LEN(sizes) && !m->hotplug; i++)
		m->hotplug = kd_root_read_u64(root, sizes[i], &bytes, NULL) == 0 && bytes > 0 &&
			     bytes <= MOST;
	m->elfcorehdr_room = m->hotplug ? bytes : 0;
}

int kd_kexec_host_read(const struct kd_root *root, struct kd_kexec_host *ret, struct kd_err *err)
{
	KD_AUTO(kd_kexec_host_fini) struct kd_kexec_host m = { 0 };
	int rc = kd_kexec_host_iomem(root, &m, err);

	if (!rc)
		rc = read_firmware(root, &m.firmware, err);
	if (!rc)
		rc = read_boot_params(root, &m, err);
	if (!rc)
		rc = kd_kexec_host_cpus(root, &m, err);
	if (!rc)
		rc = kd_kexec_host_kcore(root, &m, err);
	if (!rc)
		rc = kd_kexec_host_efi(root, &m, err);
	if (rc)
		return rc;
	m.low_is_reserved = low_is_reserved(root, &m.ram);
	read_hotplug(root, &m);
	*ret = m;
	m = (struct kd_kexec_host){ 0 };
	return 0;
}
