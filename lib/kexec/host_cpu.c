/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a crashing kernel leaves its registers and its vmcoreinfo, and where it is mapped. */
#include "lib/kexec/internal.h"
#include "lib/ondisk/elf.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum {
	MAX_CPUS = 8192,
	MAX_NOTE_BYTES = 1 << 20,
	MAX_KCORE_HEAD = 64 << 10,
};

#define CPU_DIR "/sys/devices/system/cpu"

/* The kernel's own mapping lies above this, everything else of interest below. */
static const uint64_t kernel_map = 0xffffffff80000000ULL;

static int compare(const void *a, const void *b)
{
	const unsigned int *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Numbers of the cpu<N> directories, rising; free(). */
static int list_cpus(const struct kd_root *root, unsigned int **ret, size_t *count,
		     struct kd_err *err)
{
	KD_AUTO(kd_closedirp) DIR *dir = NULL;
	KD_AUTO(kd_freep) unsigned int *list = calloc(MAX_CPUS, sizeof(*list));
	size_t n = 0;
	int rc = kd_root_opendir(root, CPU_DIR, &dir, err);

	if (rc)
		return rc;
	if (!list)
		return kd_fail(err, KD_NOMEM, "no memory");
	for (struct dirent *e = NULL; (errno = 0, e = readdir(dir));) {
		uint64_t number = 0;
		if (strncmp(e->d_name, "cpu", 3) != 0 || e->d_name[3] < '0' || e->d_name[3] > '9' ||
		    kd_parse_u64(e->d_name + 3, &number, NULL) || number >= MAX_CPUS ||
		    n == MAX_CPUS)
			continue;
		list[n++] = (unsigned int)number;
	}
	if (errno)
		return kd_fail_sys(err, errno, "read " CPU_DIR);
	qsort(list, n, sizeof(*list), compare);
	*ret = KD_STEAL(list);
	*count = n;
	return 0;
}

/* Notes lie in per-CPU memory: in RAM, and so small that they are in one piece of it. */
static int check_note(const struct kd_kexec_host *m, const struct kd_kexec_note *note,
		      const char *path, struct kd_err *err)
{
	if (note->bytes == 0 || note->bytes > MAX_NOTE_BYTES ||
	    !kd_kexec_ranges_has(&m->ram, note->paddr, note->paddr + note->bytes - 1))
		return kd_fail(err, KD_BADDATA,
			       "%s: 0x%jx bytes at 0x%jx are not in System RAM of /proc/iomem",
			       path, (uintmax_t)note->bytes, (uintmax_t)note->paddr);
	return 0;
}

static int read_cpu(const struct kd_root *root, unsigned int number, struct kd_kexec_host *m,
		    struct kd_err *err)
{
	KD_AUTO(kd_freep) char *line = NULL;
	struct kd_kexec_note note = { 0 };
	unsigned long long bytes = 0;
	const char *end = NULL;
	char path[64];

	snprintf(path, sizeof(path), CPU_DIR "/cpu%u/crash_notes", number);
	int rc = kd_root_read_line(root, path, &line, err);
	if (rc)
		return rc;
	/* Hexadecimal without 0x (Linux drivers/base/cpu.c) */
	if (!kd_hex(line, &end, &note.paddr) || *end)
		return kd_fail(err, KD_BADDATA, "%s: '%.40s' is no address", path, line);
	snprintf(path, sizeof(path), CPU_DIR "/cpu%u/crash_notes_size", number);
	rc = kd_root_read_u64(root, path, &bytes, err);
	note.bytes = bytes;
	if (!rc)
		rc = check_note(m, &note, path, err);
	if (!rc)
		m->cpus[m->cpu_count++] = note;
	return rc;
}

/* "0x0000000012f00000 1024", both hexadecimal (Linux kernel/ksysfs.c, vmcoreinfo_show) */
static int read_vmcoreinfo(const struct kd_root *root, struct kd_kexec_host *m, struct kd_err *err)
{
	static const char path[] = "/sys/kernel/vmcoreinfo";
	KD_AUTO(kd_freep) char *line = NULL;
	struct kd_kexec_note note = { 0 };
	const char *end = NULL;

	if (!kd_root_exists(root, path))
		return 0;
	int rc = kd_root_read_line(root, path, &line, err);
	if (rc)
		return rc;
	if (!kd_hex(line, &end, &note.paddr) || *end != ' ' ||
	    !kd_hex(end + 1, &end, &note.bytes) || *end)
		return kd_fail(err, KD_BADDATA, "%s: '%.60s' is no address and size", path, line);
	rc = check_note(m, &note, path, err);
	if (!rc)
		m->vmcoreinfo = note;
	return rc;
}

int kd_kexec_host_cpus(const struct kd_root *root, struct kd_kexec_host *m, struct kd_err *err)
{
	KD_AUTO(kd_freep) unsigned int *list = NULL;
	size_t count = 0;

	/* Without them the kernel was built without crash dumps: no matter for a regular image. */
	if (!kd_root_exists(root, CPU_DIR "/cpu0/crash_notes"))
		return 0;
	int rc = list_cpus(root, &list, &count, err);
	if (rc)
		return rc;
	m->cpus = calloc(count, sizeof(*m->cpus));
	if (!m->cpus)
		return kd_fail(err, KD_NOMEM, "no memory");
	for (size_t i = 0; !rc && i < count; i++)
		rc = read_cpu(root, list[i], m, err);
	return rc ? rc : read_vmcoreinfo(root, m, err);
}

/* ---- /proc/kcore ---- */

/*
 * Its segment table tells what no other file does: the virtual address of the direct
 * mapping, which CONFIG_RANDOMIZE_MEMORY moves. p_paddr is -1 where there is none (Linux
 * fs/proc/kcore.c, get_kcore_size and read_kcore).
 */
static void take_segment(const struct kd_elf_phdr *phdr, struct kd_kexec_host *m)
{
	if (phdr->type != KD_ELF_PT_LOAD || phdr->memsz == 0 || phdr->paddr == UINT64_MAX)
		return;
	uint64_t last = phdr->paddr + phdr->memsz - 1;
	if (phdr->vaddr >= kernel_map) {
		/* text, not modules: these have no physical address */
		if (m->text.bytes == 0 && kd_kexec_ranges_has(&m->ram, phdr->paddr, last))
			m->text = (struct kd_kexec_text){ phdr->vaddr, phdr->paddr, phdr->memsz };
	} else if (!m->page_offset_known && phdr->vaddr > phdr->paddr) {
		m->page_offset = phdr->vaddr - phdr->paddr;
		m->page_offset_known = true;
	}
}

/* A kernel without it, or one that is locked down, leaves both unknown. */
int kd_kexec_host_kcore(const struct kd_root *root, struct kd_kexec_host *m, struct kd_err *err)
{
	static const char path[] = "/proc/kcore";
	KD_AUTO(kd_closep) int fd = kd_root_openat(root, path, O_RDONLY, 0, NULL);
	KD_AUTO(kd_freep) uint8_t *head = malloc(MAX_KCORE_HEAD);
	struct kd_elf_header header = { 0 };

	if (!head)
		return kd_fail(err, KD_NOMEM, "no memory");
	ssize_t n = fd < 0 ? -1 : kd_pread_full(fd, head, MAX_KCORE_HEAD, 0, path, NULL);
	if (n < 0 || kd_elf_decode_header(head, (size_t)n, &header, NULL))
		return 0;
	for (unsigned int i = 0; i < header.phnum; i++) {
		struct kd_elf_phdr phdr = { 0 };
		uint64_t at = header.phoff + (uint64_t)i * header.phentsize;
		if (at >= (uint64_t)n ||
		    kd_elf_decode_phdr(head + at, (size_t)n - at, header.big_endian, &phdr, NULL))
			break;
		take_segment(&phdr, m);
	}
	return 0;
}
