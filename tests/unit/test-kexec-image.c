/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whole images for kexec_load(2), made below a tree that stands for a machine. */
#include "lib/kexec/internal.h"
#include "lib/ondisk/elf.h"
#include "tests/unit/support-kexec.h"
#include "tests/unit/support-tree.h"

#include <errno.h>
#include <linux/kexec.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

/* A kernel with kexec_load that answers as the test wants and keeps what it was given. */
struct fake_kernel {
	int file_answer, classic_answer, hotplug_answer;
	unsigned int file_loads, classic_loads;
	unsigned long flags;
	uint64_t entry;
	size_t count;
};

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

struct machine {
	struct tree tree;
	struct fake_kernel kernel;
	struct kd_kexec_ops ops;
	struct kd_kexec_request req;
	struct kd_kexec_facts facts;
	struct kd_kexec_image image;
	struct kd_err err;
};

static int file_of(uint8_t *bytes, size_t len)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(kd_write_full(fd, bytes, len, "test", NULL), 0);
	free(bytes);
	return fd;
}

/* Pages below 1 MiB, all reserved or none. */
static void put_low_pages(const struct tree *t, bool reserved)
{
	uint8_t flags[256 * 8] = { 0 };

	for (size_t i = 0; i < 256; i++)
		put_number(flags + 8 * i, reserved ? 1ULL << 32 : 1, 8);
	tree_bytes(t, "/proc/kpageflags", flags, sizeof(flags));
}

static void put_kcore_phdr(uint8_t *at, uint64_t vaddr, uint64_t paddr, uint64_t memsz)
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

static void machine_init(struct machine *m)
{
	uint8_t params[4096] = { 0 };

	*m = (struct machine){ .facts = { .reserved_known = true, .reserved_bytes = 64 << 20 } };
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

static void machine_fini(struct machine *m)
{
	kd_kexec_image_fini(&m->image);
	close(m->req.kernel_fd);
	if (m->req.initrd_fd >= 0)
		close(m->req.initrd_fd);
	tree_fini(&m->tree);
}

static void prepare(struct machine *m)
{
	if (kd_kexec_prepare(&m->req, &m->image, &m->err))
		fail_msg("%s", m->err.msg);
}

static const struct kd_kexec_segment *segment(const struct machine *m, const char *name)
{
	for (size_t i = 0; i < m->image.segment_count; i++)
		if (strcmp(m->image.segments[i].name, name) == 0)
			return &m->image.segments[i];
	fail_msg("there is no segment %s", name);
	return NULL;
}

static uint64_t number(const struct kd_kexec_segment *s, size_t at, unsigned int bytes)
{
	const uint8_t *p = s->buf;
	uint64_t v = 0;

	assert_true(at + bytes <= s->buf_bytes);
	for (unsigned int i = 0; i < bytes; i++)
		v |= (uint64_t)p[at + i] << 8 * i;
	return v;
}

/* The rules of every list: whole pages, rising, apart, inside @first..@last. */
static void check_list(const struct machine *m, uint64_t first, uint64_t last)
{
	uint64_t end = first;

	for (size_t i = 0; i < m->image.segment_count; i++) {
		const struct kd_kexec_segment *s = &m->image.segments[i];
		assert_int_equal(s->mem % 4096, 0);
		assert_int_equal(s->mem_bytes % 4096, 0);
		assert_true(s->buf_bytes <= s->mem_bytes);
		assert_true(s->mem >= end);
		end = s->mem + s->mem_bytes;
	}
	assert_true(end - 1 <= last);
}

static void test_crash_image_lies_in_the_reservation(void **state)
{
	struct machine m;

	machine_init(&m);
	prepare(&m);
	check_list(&m, 0x30000000, 0x33ffffff);
	assert_int_equal(m.image.segment_count, 5);
	assert_int_equal(segment(&m, "kernel")->mem, 0x30000000);
	assert_int_equal(segment(&m, "kernel")->mem_bytes, 24 << 20);
	assert_int_equal(m.image.kernel_entry, 0x30000200);
	assert_int_equal(m.image.entry, segment(&m, "purgatory")->mem);
	assert_int_equal(segment(&m, "elfcorehdr")->mem, 0x33fff000);
	assert_string_equal(m.image.cmdline, "elfcorehdr=0x33fff000 console=ttyS0,115200 quiet");
	assert_int_equal(m.image.serial.port, 0x3f8);
	assert_false(m.image.has_backup);
	assert_false(m.image.hotplug);
	machine_fini(&m);
}

static void test_boot_parameters_tell_what_is_where(void **state)
{
	struct machine m;

	machine_init(&m);
	prepare(&m);
	const struct kd_kexec_segment *b = segment(&m, "boot-params");
	const struct kd_kexec_segment *i = segment(&m, "initrd");
	assert_int_equal(number(b, 0x1fe, 2), 0xaa55);
	assert_int_equal(number(b, 0x206, 2), 0x20f);
	assert_int_equal(number(b, 0x210, 1), 0xd0);
	assert_int_equal(number(b, 0x218, 4), i->mem);
	assert_int_equal(number(b, 0x21c, 4), 0x5001);
	assert_int_equal(number(b, 0x228, 4), b->mem + 4096);
	assert_string_equal((const char *)b->buf + 4096, m.image.cmdline);
	assert_int_equal(number(b, 0, 4), 0x77777777);
	assert_int_equal(number(b, 0x70, 8), 0x7fe0014);
	assert_int_equal(number(b, 0x250, 8), 0);
	/* beyond the header of the file nothing is copied: there begins the sentinel's page */
	assert_int_equal(number(b, 0x1ef, 1), 0);
	machine_fini(&m);
}

static void test_crash_memory_map(void **state)
{
	static const struct {
		uint64_t start, bytes;
		uint32_t type;
	} want[] = {
		{ 0, 0x1000, 2 },
		{ 0x1000, 0x9ec00, 1 },
		{ 0x9fc00, 0x400, 2 },
		{ 0x30000000, 0x3fff000, 1 }, /* less the ELF core header */
		{ 0x3fffd000, 0x2000, 3 },
		{ 0x3ffff000, 0x1000, 4 },
		{ 0xb0000000, 0x10000000, 2 },
	};
	struct machine m;

	machine_init(&m);
	prepare(&m);
	const struct kd_kexec_segment *b = segment(&m, "boot-params");
	assert_int_equal(number(b, 0x1e8, 1), KD_ARRAY_LEN(want));
	for (size_t i = 0; i < KD_ARRAY_LEN(want); i++) {
		assert_int_equal(number(b, 0x2d0 + 20 * i, 8), want[i].start);
		assert_int_equal(number(b, 0x2d0 + 20 * i + 8, 8), want[i].bytes);
		assert_int_equal(number(b, 0x2d0 + 20 * i + 16, 4), want[i].type);
	}
	machine_fini(&m);
}

struct want_phdr {
	uint32_t type;
	uint64_t vaddr, paddr, offset, bytes;
};

static void check_elfcorehdr(const struct machine *m, const struct want_phdr *want, size_t count)
{
	const struct kd_kexec_segment *s = segment(m, "elfcorehdr");
	struct kd_elf_header h = { 0 };

	assert_int_equal(kd_elf_decode_header(s->buf, s->buf_bytes, &h, NULL), 0);
	assert_int_equal(h.machine, KD_ELF_MACHINE_X86_64);
	assert_int_equal(h.phnum, count);
	for (size_t i = 0; i < count; i++) {
		struct kd_elf_phdr p = { 0 };
		size_t at = h.phoff + i * h.phentsize;
		assert_int_equal(kd_elf_decode_phdr((const uint8_t *)s->buf + at, s->buf_bytes - at,
						    false, &p, NULL),
				 0);
		if (p.type != want[i].type || p.vaddr != want[i].vaddr ||
		    p.paddr != want[i].paddr || p.offset != want[i].offset ||
		    p.memsz != want[i].bytes || p.filesz != want[i].bytes)
			fail_msg("segment %zu: %u 0x%jx 0x%jx 0x%jx 0x%jx", i, p.type,
				 (uintmax_t)p.vaddr, (uintmax_t)p.paddr, (uintmax_t)p.offset,
				 (uintmax_t)p.memsz);
	}
}

static const uint64_t direct = 0xffff888000000000ULL;

static void test_elfcorehdr_holds_all_but_the_reservation(void **state)
{
	const struct want_phdr want[] = {
		{ 4, 0, 0x3fa39400, 0x3fa39400, 368 },
		{ 4, 0, 0x3fb39400, 0x3fb39400, 368 },
		{ 4, 0, 0x11de000, 0x11de000, 0x1024 },
		{ 1, 0xffffffff81000000, 0x10000000, 0x10000000, 0x2000000 },
		{ 1, direct + 0x100000, 0x100000, 0x100000, 0x2ff00000 },
		{ 1, direct + 0x34000000, 0x34000000, 0x34000000, 0xbffd000 },
		{ 1, direct + 0x100000000, 0x100000000, 0x100000000, 0x40000000 },
	};
	struct machine m;

	machine_init(&m);
	prepare(&m);
	check_elfcorehdr(&m, want, KD_ARRAY_LEN(want));
	machine_fini(&m);
}

/* Byte for byte what a 6.1 kernel makes for itself in kexec_file_load(2), on the same machine. */
static void test_elfcorehdr_is_the_kernels_own(void **state)
{
	static const char dir[] = "tests/fixtures/kexec-file-6.1";
	struct kd_root *root = NULL;
	KD_AUTO(kd_freep) char *iomem = NULL, *want = NULL;
	size_t want_len = 0;
	struct machine m;

	machine_init(&m);
	if (kd_root_open(dir, &root, &m.err) ||
	    kd_root_read(root, "/proc/iomem", 1 << 20, &iomem, NULL, &m.err) ||
	    kd_root_read(root, "/elfcorehdr", 1 << 20, &want, &want_len, &m.err))
		fail_msg("%s", m.err.msg);
	kd_root_close(root);
	tree_file(&m.tree, "/proc/iomem", "%s", iomem);
	tree_file(&m.tree, "/sys/devices/system/cpu/cpu10/crash_notes", "3fb39400\n");
	uint8_t core[64 + 2 * 56] = { 0 };
	memcpy(core, "\177ELF\2\1\1", 7);
	put_number(core + 16, 4, 2);
	put_number(core + 18, 62, 2);
	put_number(core + 32, 64, 8);
	put_number(core + 54, 56, 2);
	put_number(core + 56, 2, 2);
	put_kcore_phdr(core + 64, 0xffffffff8ea00000, 0xc000000, 0x2830000);
	put_kcore_phdr(core + 64 + 56, 0xff431ad340001000, 0x1000, 0x9e000);
	tree_bytes(&m.tree, "/proc/kcore", core, sizeof(core));
	prepare(&m);
	const struct kd_kexec_segment *s = segment(&m, "elfcorehdr");
	assert_true(s->buf_bytes >= want_len);
	assert_memory_equal(s->buf, want, want_len);
	machine_fini(&m);
}

/* Low memory that the running kernel uses has to be saved before the capture kernel does. */
static void test_used_low_memory_gets_a_backup(void **state)
{
	struct machine m;

	machine_init(&m);
	put_low_pages(&m.tree, false);
	prepare(&m);
	assert_true(m.image.has_backup);
	const struct kd_kexec_segment *b = segment(&m, "backup");
	const struct want_phdr want[] = {
		{ 4, 0, 0x3fa39400, 0x3fa39400, 368 },
		{ 4, 0, 0x3fb39400, 0x3fb39400, 368 },
		{ 4, 0, 0x11de000, 0x11de000, 0x1024 },
		{ 1, 0xffffffff81000000, 0x10000000, 0x10000000, 0x2000000 },
		{ 1, direct + 0x1000, 0x1000, b->mem, 0x9ec00 },
		{ 1, direct + 0x100000, 0x100000, 0x100000, 0x2ff00000 },
		{ 1, direct + 0x34000000, 0x34000000, 0x34000000, 0xbffd000 },
		{ 1, direct + 0x100000000, 0x100000000, 0x100000000, 0x40000000 },
	};
	check_elfcorehdr(&m, want, KD_ARRAY_LEN(want));
	assert_int_equal(b->mem_bytes, 0x9f000);
	/* and nobody may take it for free memory */
	for (size_t i = 0; i < m.image.memmap_count; i++)
		assert_true(m.image.memmap[i].end < b->mem ||
			    m.image.memmap[i].start >= b->mem + 0x9ec00);
	machine_fini(&m);
}

static void read_params(const struct machine *m, struct kd_purgatory_params *ret)
{
	const struct kd_kexec_segment *s = segment(m, "purgatory");
	struct kd_kexec_purgatory blob = { 0 };

	assert_int_equal(kd_kexec_purgatory(&blob, NULL), 0);
	memcpy(ret, (const uint8_t *)s->buf + blob.params_at, sizeof(*ret));
	assert_memory_equal(s->buf, blob.image, blob.params_at);
}

static void test_purgatory_knows_every_other_segment(void **state)
{
	struct kd_purgatory_params p;
	struct machine m;

	machine_init(&m);
	prepare(&m);
	read_params(&m, &p);
	assert_int_equal(p.check_count, 4);
	for (size_t i = 0; i < p.check_count; i++) {
		const struct kd_kexec_segment *s = segment(&m, p.checks[i].name);
		uint8_t sum[KD_SHA256_BYTES];
		kd_sha256(s->buf, s->buf_bytes, sum);
		assert_memory_equal(sum, p.checks[i].sha256, sizeof(sum));
		assert_int_equal(p.checks[i].paddr, s->mem);
		assert_int_equal(p.checks[i].len_bytes, s->buf_bytes);
		assert_string_not_equal(p.checks[i].name, "purgatory");
	}
	assert_int_equal(p.entry_paddr, 0x30000200);
	assert_int_equal(p.boot_params_paddr, segment(&m, "boot-params")->mem);
	assert_int_equal(p.uart_port, 0x3f8);
	assert_int_equal(p.uart_divisor, 1);
	assert_int_equal(p.refusal, KD_PURGATORY_RESET);
	assert_int_equal(p.backup_bytes, 0);
	machine_fini(&m);
}

static void with_hotplug(struct machine *m)
{
	tree_file(&m->tree, "/sys/devices/system/cpu/crash_hotplug", "0\n");
	tree_file(&m->tree, "/sys/kernel/crash_elfcorehdr_size", "917616\n");
}

static void test_hotplug_gets_room_and_no_digest(void **state)
{
	struct kd_purgatory_params p;
	struct machine m;

	machine_init(&m);
	with_hotplug(&m);
	prepare(&m);
	assert_true(m.image.hotplug);
	assert_int_equal(segment(&m, "elfcorehdr")->mem_bytes, (917616 + 64 + 4095) / 4096 * 4096);
	read_params(&m, &p);
	assert_int_equal(p.check_count, 3);
	for (size_t i = 0; i < p.check_count; i++)
		assert_string_not_equal(p.checks[i].name, "elfcorehdr");
	assert_int_equal(kd_kexec_load_image(&m.ops, &m.image, &m.facts, &m.err), 0);
	assert_int_equal(m.kernel.flags, KEXEC_ON_CRASH | 0x4 | 0x8);
	/* Linux 6.6 to 6.9 know the first flag only. */
	m.kernel.hotplug_answer = EINVAL;
	assert_int_equal(kd_kexec_load_image(&m.ops, &m.image, &m.facts, &m.err), 0);
	assert_int_equal(m.kernel.flags, KEXEC_ON_CRASH | 0x4);
	machine_fini(&m);
}

/* The kernel would rewrite the last segment that begins like an ELF file. */
static void test_hotplug_is_off_beside_another_elf_segment(void **state)
{
	struct kd_purgatory_params p;
	struct machine m;

	machine_init(&m);
	with_hotplug(&m);
	assert_int_equal(kd_pwrite_full(m.req.initrd_fd, "\177ELF", 4, 0, "I", NULL), 0);
	prepare(&m);
	assert_false(m.image.hotplug);
	read_params(&m, &p);
	assert_int_equal(p.check_count, 4);
	machine_fini(&m);
}

static void test_vmlinux_is_moved_as_a_whole(void **state)
{
	struct machine m;

	machine_init(&m);
	close(m.req.kernel_fd);
	m.req.kernel_fd = file_of(make_vmlinux(), KX_VMLINUX_BYTES);
	prepare(&m);
	check_list(&m, 0x30000000, 0x33ffffff);
	assert_int_equal(segment(&m, "kernel")->mem, 0x30000000);
	assert_int_equal(m.image.kernel_entry, 0x30000040);
	assert_int_equal(number(segment(&m, "boot-params"), 0x202, 4), 0x53726448);
	machine_fini(&m);
}

/* How the kernel file says that it can be entered on five-level page tables. */
static void test_five_level_page_tables_need_a_kernel_for_them(void **state)
{
	enum { SYMBOL_AT = KX_VMLINUX_BYTES - 64 };
	static const char symbol[] = "\0__pgtable_l5_enabled";

	for (int i = 0; i < 4; i++) {
		bool elf = i & 1, good = i & 2;
		uint8_t *file = elf ? make_vmlinux() : make_bzimage();
		struct machine m;

		machine_init(&m);
		tree_file(&m.tree, "/proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu la57\n");
		if (good && elf)
			memcpy(file + SYMBOL_AT, symbol, sizeof(symbol));
		else if (good)
			file[0x236] |= 1 << 5; /* XLF_5LEVEL */
		close(m.req.kernel_fd);
		m.req.kernel_fd = file_of(file, elf ? KX_VMLINUX_BYTES : KX_BZIMAGE_BYTES);
		int rc = kd_kexec_prepare(&m.req, &m.image, &m.err);
		assert_int_equal(rc, good ? 0 : -KD_NOTSUP);
		if (!good) {
			assert_non_null(strstr(m.err.msg, "five-level page tables"));
			assert_non_null(strstr(m.err.msg, elf ? "name its bzImage" : "no5lvl"));
		}
		machine_fini(&m);
	}
}

static void test_regular_image_goes_by_the_firmware(void **state)
{
	static const char *const map[][3] = {
		{ "0x0", "0x9fbff", "System RAM" },
		{ "0x100000", "0x3fffcfff", "System RAM" },
		{ "0x3fffd000", "0x3fffefff", "ACPI Tables" },
		{ "0x100000000", "0x13fffffff", "System RAM" },
	};
	static const char *const files[] = { "start", "end", "type" };
	struct machine m;

	machine_init(&m);
	for (size_t i = 0; i < KD_ARRAY_LEN(map); i++)
		for (size_t j = 0; j < 3; j++) {
			char path[64];
			snprintf(path, sizeof(path), "/sys/firmware/memmap/%zu/%s", i, files[j]);
			tree_file(&m.tree, path, "%s\n", map[i][j]);
		}
	m.req.regular = true;
	prepare(&m);
	check_list(&m, 0x100000, 0x13fffffff);
	assert_int_equal(m.image.segment_count, 4);
	assert_int_equal(segment(&m, "kernel")->mem, 16 << 20);
	for (size_t i = 0; i < m.image.segment_count; i++)
		assert_true(m.image.segments[i].mem + m.image.segments[i].mem_bytes <= 0x30000000 ||
			    m.image.segments[i].mem >= 0x34000000);
	assert_string_equal(m.image.cmdline, m.req.cmdline);
	assert_int_equal(m.image.memmap_count, KD_ARRAY_LEN(map));
	assert_int_equal(m.image.memmap[0].start, 0);
	assert_int_equal(m.image.memmap[2].type, 3);
	assert_int_equal(kd_kexec_load_image(&m.ops, &m.image, &m.facts, &m.err), 0);
	assert_int_equal(m.kernel.flags, 0);
	machine_fini(&m);
}

/* More ranges than the page holds go into setup_data. */
static void test_long_memory_map_is_continued(void **state)
{
	struct kd_buf iomem = { 0 };
	struct machine m;

	machine_init(&m);
	kd_buf_puts(&iomem, "00001000-0009fbff : System RAM\n00100000-3fffffff : System RAM\n");
	for (unsigned int i = 0; i < 130; i++)
		kd_buf_printf(&iomem, "1%02x000000-1%02xffffff : Reserved\n", i, i);
	tree_file(&m.tree, "/proc/iomem", "%s", iomem.p);
	kd_buf_fini(&iomem);
	m.req.regular = true;
	prepare(&m);
	const struct kd_kexec_segment *b = segment(&m, "boot-params");
	assert_int_equal(m.image.memmap_count, 132);
	assert_int_equal(number(b, 0x1e8, 1), 128);
	uint64_t at = number(b, 0x250, 8) - b->mem;
	assert_int_equal(number(b, at, 8), 0);
	assert_int_equal(number(b, at + 8, 4), 1);
	assert_int_equal(number(b, at + 12, 4), 4 * 20);
	assert_int_equal(number(b, at + 16, 8), 0x17e000000);
	assert_int_equal(number(b, at + 16 + 3 * 20, 8), 0x181000000);
	machine_fini(&m);
}

static void test_efi_runtime_services_are_handed_on(void **state)
{
	static const char *const files[] = { "type", "phys_addr", "virt_addr", "num_pages",
					     "attribute" };
	static const char *const values[] = { "0x5", "0x3fe00000", "0xfffffffeffe00000", "0x10",
					      "0x800000000000000f" };
	uint8_t params[4096] = { 0 };
	struct machine m;

	machine_init(&m);
	memcpy(params + 0x1c0, "EL64", 4);
	put_number(params + 0x1c4, 0x3ff10018, 4);
	put_number(params + 0x1cc, 1, 4);
	tree_bytes(&m.tree, "/sys/kernel/boot_params/data", params, sizeof(params));
	tree_file(&m.tree, "/sys/firmware/efi/systab",
		  "ACPI20=0x3fffd014\nACPI=0x3fffd000\nSMBIOS=0x3f000000\n");
	tree_file(&m.tree, "/sys/firmware/efi/config_table", "0x3ff20000\n");
	tree_file(&m.tree, "/sys/firmware/efi/fw_vendor", "0x3ff30000\n");
	for (size_t i = 0; i < KD_ARRAY_LEN(files); i++) {
		char path[64];
		snprintf(path, sizeof(path), "/sys/firmware/efi/runtime-map/0/%s", files[i]);
		tree_file(&m.tree, path, "%s\n", values[i]);
	}
	prepare(&m);
	const struct kd_kexec_segment *b = segment(&m, "boot-params");
	assert_int_equal(number(b, 0x70, 8), 0x3fffd014);
	assert_int_equal(number(b, 0x1c4, 4), 0x3ff10018);
	assert_int_equal(number(b, 0x1c8, 4), 40);
	assert_int_equal(number(b, 0x1d4, 4), 40);
	uint64_t map = number(b, 0x1d0, 4) - b->mem, setup = number(b, 0x250, 8) - b->mem;
	assert_int_equal(number(b, map, 8), 5);
	assert_int_equal(number(b, map + 8, 8), 0x3fe00000);
	assert_true(number(b, map + 16, 8) == 0xfffffffeffe00000);
	assert_int_equal(number(b, map + 24, 8), 0x10);
	assert_int_equal(number(b, setup + 8, 4), 4);
	assert_int_equal(number(b, setup + 16, 8), 0x3ff30000);
	assert_int_equal(number(b, setup + 32, 8), 0x3ff20000);
	assert_int_equal(number(b, setup + 40, 8), 0x3f000000);
	machine_fini(&m);
}

/* Each breaks one thing; the message names it, and nothing is loaded. */
static void test_machines_that_contradict_themselves(void **state)
{
	static const struct {
		const char *path, *text;
		int want;
		const char *msg;
	} cases[] = {
		{ "/proc/iomem", "00000000-00000000 : System RAM\n", -KD_SYS, "run as root" },
		{ "/proc/iomem", "00100000-001fffff : ACPI Tables\n", -KD_BADDATA,
		  "names no System RAM" },
		{ "/proc/iomem",
		  "00100000-3fffffff : System RAM\n50000000-53ffffff : Crash kernel\n", -KD_BADDATA,
		  "the crash reservation at 0x50000000 is not in System RAM" },
		{ "/proc/iomem", "00100000-3fffffff : System RAM\n30000000-4fffffff : System RAM\n",
		  -KD_BADDATA, "begins inside the one before it" },
		{ "/proc/iomem", "00100000-3fffffff : System RAM\n", -KD_NOTSUP,
		  "No memory reserved for crash kernel" },
		{ "/proc/iomem",
		  "00100000-3fffffff : System RAM\n  30000000-30ffffff : Crash kernel\n",
		  -KD_NOSPACE, "no room for the kernel: 24 MiB are needed" },
		{ "/proc/iomem",
		  "00100000-3fffffff : System RAM\n  30000000-31806fff : Crash kernel\n",
		  -KD_NOSPACE, "no room for the boot parameters" },
		{ "/proc/iomem",
		  "00100000-3fffffff : System RAM\n  30000000-3180efff : Crash kernel\n",
		  -KD_NOSPACE, "the image fills the crash reservation" },
		{ "/sys/devices/system/cpu/cpu0/crash_notes", "xyz\n", -KD_BADDATA,
		  "'xyz' is no address" },
		{ "/sys/devices/system/cpu/cpu0/crash_notes", "fffffffffffffff0\n", -KD_BADDATA,
		  "are not in System RAM" },
		{ "/sys/kernel/vmcoreinfo", "0x1000\n", -KD_BADDATA, "is no address and size" },
		{ "/sys/firmware/memmap/0/start", "0x1000\n", -KD_SYS, "/sys/firmware/memmap/0" },
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		struct machine m;
		machine_init(&m);
		tree_file(&m.tree, cases[i].path, "%s", cases[i].text);
		m.req.how = KD_KEXEC_HOW_CLASSIC;
		int rc = kd_kexec_load(&m.ops, &m.req, &m.facts, &m.err);
		if (rc != cases[i].want || !strstr(m.err.msg, cases[i].msg))
			fail_msg("case %zu: %d '%s'", i, rc, m.err.msg);
		assert_int_equal(m.kernel.classic_loads, 0);
		machine_fini(&m);
	}
}

static void test_command_line_too_long_is_refused(void **state)
{
	char cmdline[2048];
	struct machine m;

	machine_init(&m);
	memset(cmdline, 'a', sizeof(cmdline) - 1);
	cmdline[sizeof(cmdline) - 1] = '\0';
	m.req.cmdline = cmdline;
	assert_int_equal(kd_kexec_prepare(&m.req, &m.image, &m.err), -KD_USAGE);
	assert_non_null(strstr(m.err.msg, "the kernel takes 2047"));
	machine_fini(&m);
}

/* ---- preflight ---- */

static void with_privileges(struct machine *m, unsigned long mem_kib)
{
	tree_file(&m->tree, "/proc/meminfo", "MemTotal: %lu kB\n", mem_kib);
	tree_file(&m->tree, "/proc/self/status", "Name:\tx\nCapEff:\t000001ffffffffff\n");
	tree_file(&m->tree, "/proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu\n");
}

static void test_what_the_kernel_would_refuse_is_not_tried(void **state)
{
	struct machine m;

	machine_init(&m);
	with_privileges(&m, 8 << 20);
	m.req.how = KD_KEXEC_HOW_CLASSIC;
	int rc = kd_kexec_load(&m.ops, &m.req, &m.facts, &m.err);
	if (rc)
		fail_msg("%s", m.err.msg);
	assert_int_equal(m.kernel.classic_loads, 1);
	/* 24 MiB of kernel are more than half of 40 MiB: Linux would have dropped the old image */
	with_privileges(&m, 40 << 10);
	assert_int_equal(kd_kexec_load(&m.ops, &m.req, &m.facts, &m.err), -KD_SYS);
	assert_int_equal(m.err.sys, EINVAL);
	assert_non_null(strstr(m.err.msg, "not tried, the kernel would refuse it: "));
	assert_non_null(strstr(m.err.msg, "kernel"));
	assert_int_equal(m.kernel.classic_loads, 1);
	machine_fini(&m);
}

static void test_a_refusal_no_rule_explains_says_so(void **state)
{
	struct machine m;

	machine_init(&m);
	with_privileges(&m, 8 << 20);
	m.req.how = KD_KEXEC_HOW_CLASSIC;
	m.kernel.classic_answer = EINVAL;
	assert_int_equal(kd_kexec_load(&m.ops, &m.req, &m.facts, &m.err), -KD_SYS);
	assert_non_null(strstr(m.err.msg, "no rule that preflight knows was broken"));
	machine_fini(&m);
}

/* ---- which call ---- */

static void test_kexec_load_only_where_the_other_call_is_missing(void **state)
{
	static const struct {
		enum kd_kexec_how how;
		int file_answer;
		unsigned int file_loads, classic_loads;
		int want;
	} cases[] = {
		{ KD_KEXEC_HOW_AUTO, 0, 1, 0, 0 },
		{ KD_KEXEC_HOW_AUTO, ENOSYS, 1, 1, 0 },
		{ KD_KEXEC_HOW_AUTO, EPERM, 1, 0, -KD_SYS },
		{ KD_KEXEC_HOW_AUTO, EKEYREJECTED, 1, 0, -KD_SYS },
		{ KD_KEXEC_HOW_AUTO, ENOEXEC, 1, 0, -KD_SYS },
		{ KD_KEXEC_HOW_FILE, ENOSYS, 1, 0, -KD_SYS },
		{ KD_KEXEC_HOW_CLASSIC, 0, 0, 1, 0 },
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		struct machine m;
		machine_init(&m);
		m.req.how = cases[i].how;
		m.kernel.file_answer = cases[i].file_answer;
		int rc = kd_kexec_load(&m.ops, &m.req, &m.facts, &m.err);
		if (rc != cases[i].want)
			fail_msg("case %zu: %d '%s'", i, rc, m.err.msg);
		assert_int_equal(m.kernel.file_loads, cases[i].file_loads);
		assert_int_equal(m.kernel.classic_loads, cases[i].classic_loads);
		machine_fini(&m);
	}
}

static void test_vmlinux_needs_kexec_load(void **state)
{
	struct machine m;

	machine_init(&m);
	close(m.req.kernel_fd);
	m.req.kernel_fd = file_of(make_vmlinux(), KX_VMLINUX_BYTES);
	assert_int_equal(kd_kexec_load(&m.ops, &m.req, &m.facts, &m.err), 0);
	assert_int_equal(m.kernel.file_loads, 0);
	assert_int_equal(m.kernel.classic_loads, 1);
	machine_fini(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_crash_image_lies_in_the_reservation),
		cmocka_unit_test(test_boot_parameters_tell_what_is_where),
		cmocka_unit_test(test_crash_memory_map),
		cmocka_unit_test(test_elfcorehdr_holds_all_but_the_reservation),
		cmocka_unit_test(test_elfcorehdr_is_the_kernels_own),
		cmocka_unit_test(test_used_low_memory_gets_a_backup),
		cmocka_unit_test(test_purgatory_knows_every_other_segment),
		cmocka_unit_test(test_hotplug_gets_room_and_no_digest),
		cmocka_unit_test(test_hotplug_is_off_beside_another_elf_segment),
		cmocka_unit_test(test_vmlinux_is_moved_as_a_whole),
		cmocka_unit_test(test_five_level_page_tables_need_a_kernel_for_them),
		cmocka_unit_test(test_regular_image_goes_by_the_firmware),
		cmocka_unit_test(test_long_memory_map_is_continued),
		cmocka_unit_test(test_efi_runtime_services_are_handed_on),
		cmocka_unit_test(test_machines_that_contradict_themselves),
		cmocka_unit_test(test_command_line_too_long_is_refused),
		cmocka_unit_test(test_what_the_kernel_would_refuse_is_not_tried),
		cmocka_unit_test(test_a_refusal_no_rule_explains_says_so),
		cmocka_unit_test(test_kexec_load_only_where_the_other_call_is_missing),
		cmocka_unit_test(test_vmlinux_needs_kexec_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
