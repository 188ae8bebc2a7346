/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an image for a crash takes along: the ELF core header of the memory to save, the backup
 * of low memory, the digests that the purgatory checks.
 */
#include "lib/ondisk/elf.h"
#include "tests/unit/support-kexec-image.h"
#include "tests/unit/support-kexec.h"

#include <errno.h>
#include <linux/kexec.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct want_phdr {
	uint32_t type;
	uint64_t vaddr, paddr, offset, bytes;
};

static void check_elfcorehdr(const struct kexec_machine *m, const struct want_phdr *want,
			     size_t count)
{
	const struct kd_kexec_segment *s = segment_named(m, "elfcorehdr");
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
	struct kexec_machine m;

	kexec_machine_init(&m);
	prepare_image(&m);
	check_elfcorehdr(&m, want, KD_ARRAY_LEN(want));
	kexec_machine_fini(&m);
}

/* Byte for byte what a 6.1 kernel makes for itself in kexec_file_load(2), on the same machine. */
static void test_elfcorehdr_is_the_kernels_own(void **state)
{
	static const char dir[] = "tests/fixtures/kexec-file-6.1";
	struct kd_root *root = NULL;
	KD_AUTO(kd_freep) char *iomem = NULL, *want = NULL;
	size_t want_len = 0;
	struct kexec_machine m;

	kexec_machine_init(&m);
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
	prepare_image(&m);
	const struct kd_kexec_segment *s = segment_named(&m, "elfcorehdr");
	assert_true(s->buf_bytes >= want_len);
	assert_memory_equal(s->buf, want, want_len);
	kexec_machine_fini(&m);
}

/* Low memory that the running kernel uses has to be saved before the capture kernel does. */
static void test_used_low_memory_gets_a_backup(void **state)
{
	struct kexec_machine m;

	kexec_machine_init(&m);
	put_low_pages(&m.tree, false);
	prepare_image(&m);
	assert_true(m.image.has_backup);
	const struct kd_kexec_segment *b = segment_named(&m, "backup");
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
	kexec_machine_fini(&m);
}

static void read_params(const struct kexec_machine *m, struct kd_purgatory_params *ret)
{
	const struct kd_kexec_segment *s = segment_named(m, "purgatory");
	struct kd_kexec_purgatory blob = { 0 };

	assert_int_equal(kd_kexec_purgatory(&blob, NULL), 0);
	memcpy(ret, (const uint8_t *)s->buf + blob.params_at, sizeof(*ret));
	assert_memory_equal(s->buf, blob.image, blob.params_at);
}

static void test_purgatory_knows_every_other_segment(void **state)
{
	struct kd_purgatory_params p;
	struct kexec_machine m;

	kexec_machine_init(&m);
	prepare_image(&m);
	read_params(&m, &p);
	assert_int_equal(p.check_count, 4);
	for (size_t i = 0; i < p.check_count; i++) {
		const struct kd_kexec_segment *s = segment_named(&m, p.checks[i].name);
		uint8_t sum[KD_SHA256_BYTES];
		kd_sha256(s->buf, s->buf_bytes, sum);
		assert_memory_equal(sum, p.checks[i].sha256, sizeof(sum));
		assert_int_equal(p.checks[i].paddr, s->mem);
		assert_int_equal(p.checks[i].len_bytes, s->buf_bytes);
		assert_string_not_equal(p.checks[i].name, "purgatory");
	}
	assert_int_equal(p.entry_paddr, 0x30000200);
	assert_int_equal(p.boot_params_paddr, segment_named(&m, "boot-params")->mem);
	assert_int_equal(p.uart_port, 0x3f8);
	assert_int_equal(p.uart_divisor, 1);
	assert_int_equal(p.refusal, KD_PURGATORY_RESET);
	assert_int_equal(p.backup_bytes, 0);
	kexec_machine_fini(&m);
}

static void with_hotplug(struct kexec_machine *m)
{
	tree_file(&m->tree, "/sys/devices/system/cpu/crash_hotplug", "0\n");
	tree_file(&m->tree, "/sys/kernel/crash_elfcorehdr_size", "917616\n");
}

static void test_hotplug_gets_room_and_no_digest(void **state)
{
	struct kd_purgatory_params p;
	struct kexec_machine m;

	kexec_machine_init(&m);
	with_hotplug(&m);
	prepare_image(&m);
	assert_true(m.image.hotplug);
	assert_int_equal(segment_named(&m, "elfcorehdr")->mem_bytes,
			 (917616 + 64 + 4095) / 4096 * 4096);
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
	kexec_machine_fini(&m);
}

/* The kernel would rewrite the last segment that begins like an ELF file. */
static void test_hotplug_is_off_beside_another_elf_segment(void **state)
{
	struct kd_purgatory_params p;
	struct kexec_machine m;

	kexec_machine_init(&m);
	with_hotplug(&m);
	assert_int_equal(kd_pwrite_full(m.req.initrd_fd, "\177ELF", 4, 0, "I", NULL), 0);
	prepare_image(&m);
	assert_false(m.image.hotplug);
	read_params(&m, &p);
	assert_int_equal(p.check_count, 4);
	kexec_machine_fini(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_elfcorehdr_holds_all_but_the_reservation),
		cmocka_unit_test(test_elfcorehdr_is_the_kernels_own),
		cmocka_unit_test(test_used_low_memory_gets_a_backup),
		cmocka_unit_test(test_purgatory_knows_every_other_segment),
		cmocka_unit_test(test_hotplug_gets_room_and_no_digest),
		cmocka_unit_test(test_hotplug_is_off_beside_another_elf_segment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
