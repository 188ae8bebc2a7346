/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/guest/ask-host/ask-host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>

bool kcore_open(struct kcore *ret)
{
	Elf64_Ehdr head;

	*ret = (struct kcore){ .fd = open("/proc/kcore", O_RDONLY | O_CLOEXEC) };
	if (ret->fd < 0) {
		fprintf(stderr, "open /proc/kcore: %s\n", strerror(errno));
		return false;
	}
	if (pread(ret->fd, &head, sizeof(head), 0) == sizeof(head) && head.e_phnum <= MAX_PHDRS &&
	    pread(ret->fd, ret->ph, head.e_phnum * sizeof(*ret->ph), (off_t)head.e_phoff) ==
		    (ssize_t)(head.e_phnum * sizeof(*ret->ph))) {
		ret->count = head.e_phnum;
		return true;
	}
	fprintf(stderr, "/proc/kcore: its headers cannot be read\n");
	return false;
}

void kcore_close(struct kcore *k)
{
	kd_closep(&k->fd);
}

bool kcore_ram(const struct kcore *k, size_t i)
{
	return k->ph[i].p_type == PT_LOAD && k->ph[i].p_paddr < UINT64_C(1) << 46 &&
	       k->ph[i].p_vaddr < UINT64_C(0xffffffff80000000);
}

const Elf64_Phdr *kcore_find(const struct kcore *k, uint64_t paddr)
{
	for (size_t i = 0; i < k->count; i++)
		if (kcore_ram(k, i) && paddr >= k->ph[i].p_paddr &&
		    paddr - k->ph[i].p_paddr < k->ph[i].p_memsz)
			return &k->ph[i];
	fprintf(stderr, "0x%jx is no RAM\n", (uintmax_t)paddr);
	return NULL;
}

struct range crash_range(void)
{
	KD_AUTO(kd_closep) int fd = open("/proc/iomem", O_RDONLY | O_CLOEXEC);
	KD_AUTO(kd_freep) char *text = NULL;
	struct range found = { 0 };
	size_t len = 0;

	if (fd < 0 || kd_read_all(fd, KD_IOMEM_MAX_BYTES, &text, &len, "/proc/iomem", NULL))
		return found;
	struct kd_cursor c = { .p = (const uint8_t *)text, .end = (const uint8_t *)text + len };
	for (struct kd_iomem_resource r = { 0 }; kd_iomem_next(&c, &r);)
		if (kd_iomem_is(&r, "Crash kernel"))
			found = (struct range){ r.start, r.end + 1 };
	return found;
}

bool ask(const char *fmt, ...)
{
	char line[200] = "lab: ";
	size_t prefix = strlen(line);
	KD_AUTO(kd_closep) int kmsg = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(line + prefix, sizeof(line) - prefix, fmt, ap);
	va_end(ap);
	ssize_t len = (ssize_t)prefix + n;
	if (kmsg >= 0 && n > 0 && (size_t)len < sizeof(line) &&
	    write(kmsg, line, (size_t)len) == len)
		return true;
	fprintf(stderr, "/dev/kmsg: %s\n", strerror(errno));
	return false;
}

static int usage(void)
{
	fprintf(stderr, "Usage: ask-host poke vmcoreinfo | poke ADDRESS LENGTH | writable\n"
			"  poke      have memory filled with X, and wait until it is\n"
			"  writable  how much of the reservation the kernel could write to\n");
	return 2;
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "writable") == 0)
		return tell_writable();
	if (argc == 3 && strcmp(argv[1], "poke") == 0 && strcmp(argv[2], "vmcoreinfo") == 0)
		return poke_vmcoreinfo();
	if (argc == 4 && strcmp(argv[1], "poke") == 0)
		return poke_address(strtoull(argv[2], NULL, 0), strtoull(argv[3], NULL, 0));
	return usage();
}
