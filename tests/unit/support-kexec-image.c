/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/support-kexec-image.h"

#include "tests/unit/support-kexec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

static int fake_file_load(void *arg, int kernel_fd, int initrd_fd, const char *cmdline,
			  unsigned long flags)
{
	struct fake_kernel *k = arg;

	k->file_loads++;
	return k->file_answer;
}

static int fake_unload(void *arg)
{
	return 0;
}

static int fake_kexec_load(void *arg, uint64_t entry, const struct kd_kexec_segment *segments,
			   size_t count, unsigned long flags)
{
	struct fake_kernel *k = arg;

	k->classic_loads++;
	k->flags = flags;
	k->entry = entry;
	k->count = count;
	return flags & 0x8 ? k->hotplug_answer : k->classic_answer;
}

int file_of(uint8_t *bytes, size_t len)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(kd_write_full(fd, bytes, len, "test", NULL), 0);
	free(bytes);
	return fd;
}

void put_low_pages(const struct tree *t, bool reserved)
{
	uint8_t flags[256 * 8] = { 0 };

	for (size_t i = 0; i < 256; i++)
		put_number(flags + 8 * i, reserved ? 1ULL << 32 : 1, 8);
	tree_bytes(t, "/proc/kpageflags", flags, sizeof(flags));
}

void put_kcore_phdr(uint8_t *at, uint64_t vaddr, uint64_t paddr, uint64_t memsz)
{
	put_number(at, 1, 4);
	put_number(at + 16, vaddr, 8);
	put_number(at + 24, paddr, 8);
	put_number(at + 32, memsz, 8);
	put_number(at + 40, memsz, 8);
}

/* What /proc/kcore begins with: text, modules without an address, the direct mapping. */
static void put_kcore(const struct tree *t)
{
	uint8_t core[64 + 3 * 56] = { 0 };

	memcpy(core, "\177ELF\2\1\1", 7);
	put_number(core + 16, 4, 2);
	put_number(core + 18, 62, 2);
	put_number(core + 32, 64, 8);
	put_number(core + 54, 56, 2);
	put_number(core + 56, 3, 2);
	put_kcore_phdr(core + 64, 0xffffffff81000000, 0x10000000, 0x2000000);
	put_kcore_phdr(core + 64 + 56, 0xffffffffc0000000, UINT64_MAX, 0x100000);
	put_kcore_phdr(core + 64 + 112, 0xffff888000001000, 0x1000, 0x9e000);
	tree_bytes(t, "/proc/kcore", core, sizeof(core));
}

void kexec_machine_init(struct kexec_machine *m)
{
	uint8_t params[4096] = { 0 };

	*m = (struct kexec_machine){ .facts = { .reserved_known = true,
						.reserved_bytes = 64 << 20 } };
	tree_init(&m->tree);
	tree_file(&m->tree, "/proc/iomem",
		  "00000000-00000fff : Reserved\n"
		  "00001000-0009fbff : System RAM\n"
		  "0009fc00-0009ffff : Reserved\n"
		  "00100000-3fffcfff : System RAM\n"
		  "  10000000-10ffffff : Kernel code\n"
		  "  30000000-33ffffff : Crash kernel\n"
		  "3fffd000-3fffefff : ACPI Tables\n"
		  "3ffff000-3fffffff : ACPI Non-volatile Storage\n"
		  "b0000000-bfffffff : PCI MMCONFIG\n"
		  "  b0000000-bfffffff : Reserved\n"
		  "100000000-13fffffff : System RAM\n");
	put_low_pages(&m->tree, true);
	put_kcore(&m->tree);
	tree_file(&m->tree, "/sys/devices/system/cpu/cpu0/crash_notes", "3fa39400\n");
	tree_file(&m->tree, "/sys/devices/system/cpu/cpu0/crash_notes_size", "368\n");
	tree_file(&m->tree, "/sys/devices/system/cpu/cpu10/crash_notes", "3fb39400\n");
	tree_file(&m->tree, "/sys/devices/system/cpu/cpu10/crash_notes_size", "368\n");
	tree_file(&m->tree, "/sys/devices/system/cpu/cpufreq/x", "\n");
	tree_file(&m->tree, "/sys/kernel/vmcoreinfo", "0x00000000011de000 1024\n");
	memset(params, 0x77, 0x40);		 /* screen_info */
	put_number(params + 0x70, 0x7fe0014, 8); /* ACPI RSDP */
	tree_bytes(&m->tree, "/sys/kernel/boot_params/data", params, sizeof(params));
	m->ops = (struct kd_kexec_ops){ .file_load = fake_file_load,
					.unload = fake_unload,
					.kexec_load = fake_kexec_load,
					.arg = &m->kernel };
	m->req = (struct kd_kexec_request){
		.kernel_fd = file_of(make_bzimage(), KX_BZIMAGE_BYTES),
		.kernel_name = "K",
		.initrd_fd = file_of(calloc(1, 0x5001), 0x5001),
		.initrd_name = "I",
		.cmdline = "elfcorehdr=0x1 console=ttyS0,115200 quiet",
		.root = m->tree.root,
	};
}

void kexec_machine_fini(struct kexec_machine *m)
{
	kd_kexec_image_fini(&m->image);
	close(m->req.kernel_fd);
	if (m->req.initrd_fd >= 0)
		close(m->req.initrd_fd);
	tree_fini(&m->tree);
}

void prepare_image(struct kexec_machine *m)
{
	if (kd_kexec_prepare(&m->req, &m->image, &m->err))
		fail_msg("%s", m->err.msg);
}

const struct kd_kexec_segment *segment_named(const struct kexec_machine *m, const char *name)
{
	for (size_t i = 0; i < m->image.segment_count; i++)
		if (strcmp(m->image.segments[i].name, name) == 0)
			return &m->image.segments[i];
	fail_msg("there is no segment %s", name);
	return NULL;
}

uint64_t number_at(const struct kd_kexec_segment *s, size_t at, unsigned int bytes)
{
	const uint8_t *p = s->buf;
	uint64_t v = 0;

	assert_true(at + bytes <= s->buf_bytes);
	for (unsigned int i = 0; i < bytes; i++)
		v |= (uint64_t)p[at + i] << 8 * i;
	return v;
}
