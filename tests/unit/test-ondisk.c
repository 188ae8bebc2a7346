/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/ondisk/diskdump.h"
#include "lib/ondisk/elf.h"
#include "lib/ondisk/flattened.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* ---- ELF ---- */

static void test_elf_header_survives_encoding(void **state)
{
	uint8_t bytes[KD_ELF_EHDR_BYTES];
	struct kd_elf_header h;
	struct kd_err err;

	kd_elf_encode_header(bytes, KD_ELF_MACHINE_X86_64, 1, 0x1234, 7, 0x9999);
	assert_int_equal(kd_elf_decode_header(bytes, sizeof(bytes), &h, &err), 0);
	assert_false(h.big_endian);
	assert_int_equal(h.type, KD_ELF_TYPE_CORE);
	assert_int_equal(h.machine, 62);
	assert_int_equal(h.flags, KD_ELF_FLAG_INCOMPLETE);
	assert_int_equal(h.phoff, 0x1234);
	assert_int_equal(h.phnum, 7);
	assert_int_equal(h.phentsize, KD_ELF_PHDR_BYTES);
	assert_int_equal(h.shoff, 0);
}

static void test_elf_header_with_many_segments_is_extended(void **state)
{
	uint8_t bytes[KD_ELF_EHDR_BYTES], section[KD_ELF_SHDR_BYTES];
	struct kd_elf_header h;
	struct kd_err err;
	uint32_t n;

	kd_elf_encode_header(bytes, KD_ELF_MACHINE_ARM64, 0, 64, 0xffff, 0x9999);
	kd_elf_encode_xnum(section, 0x12345);
	assert_int_equal(kd_elf_decode_header(bytes, sizeof(bytes), &h, &err), 0);
	assert_int_equal(h.phnum, KD_ELF_PN_XNUM);
	assert_int_equal(h.shoff, 0x9999);
	assert_int_equal(h.shnum, 1);
	assert_int_equal(kd_elf_decode_xnum(section, sizeof(section), false, &n, &err), 0);
	assert_int_equal(n, 0x12345);
	assert_int_equal(kd_elf_decode_xnum(section, 63, false, &n, &err), -KD_BADDATA);
}

static void test_elf_header_refusals_say_why(void **state)
{
	uint8_t bytes[KD_ELF_EHDR_BYTES];
	struct kd_elf_header h;
	struct kd_err err;

	kd_elf_encode_header(bytes, 62, 0, 64, 1, 0);
	assert_int_equal(kd_elf_decode_header(bytes, 63, &h, &err), -KD_BADDATA);
	assert_string_equal(err.msg, "ELF header cut short after 63 bytes");
	assert_int_equal(kd_elf_decode_header("\x7f"
					      "ELX",
					      4, &h, &err),
			 -KD_NOTSUP);

	bytes[4] = 1;
	assert_int_equal(kd_elf_decode_header(bytes, 64, &h, &err), -KD_NOTSUP);
	assert_string_equal(err.msg, "not a 64-bit ELF file (class 1)");
	bytes[4] = 2;
	bytes[5] = 3;
	assert_int_equal(kd_elf_decode_header(bytes, 64, &h, &err), -KD_BADDATA);
	bytes[5] = 1;
	bytes[16] = 2;
	assert_int_equal(kd_elf_decode_header(bytes, 64, &h, &err), -KD_NOTSUP);
	assert_string_equal(err.msg, "an ELF file, but no core file (type 2)");
	bytes[16] = 4;
	bytes[54] = 55;
	assert_int_equal(kd_elf_decode_header(bytes, 64, &h, &err), -KD_BADDATA);
	assert_string_equal(err.msg, "ELF header: segment entries of 55 bytes, need 56");
}

static void test_elf_big_endian_segment(void **state)
{
	static const uint8_t bytes[KD_ELF_PHDR_BYTES] = {
		0, 0, 0, 1, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0x10, 0,  1, 2, 3, 4, 5, 6, 7, 8,
		0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0,	10, 0, 0, 0, 0, 0, 0, 0, 11,
	};
	struct kd_elf_phdr p;
	struct kd_err err;

	assert_int_equal(kd_elf_decode_phdr(bytes, sizeof(bytes), true, &p, &err), 0);
	assert_int_equal(p.type, KD_ELF_PT_LOAD);
	assert_int_equal(p.offset, 0x1000);
	assert_int_equal(p.vaddr, 0x0102030405060708);
	assert_int_equal(p.paddr, 9);
	assert_int_equal(p.filesz, 10);
	assert_int_equal(p.memsz, 11);
	assert_int_equal(kd_elf_decode_phdr(bytes, 55, true, &p, &err), -KD_BADDATA);
}

static void test_elf_segment_survives_encoding(void **state)
{
	const struct kd_elf_phdr in = { 1, 7, 0x1000, 0xffff888000000000, 0x2000, 3, 4, 5 };
	uint8_t bytes[KD_ELF_PHDR_BYTES];
	struct kd_elf_phdr out;
	struct kd_err err;

	kd_elf_encode_phdr(bytes, &in);
	assert_int_equal(kd_elf_decode_phdr(bytes, sizeof(bytes), false, &out, &err), 0);
	assert_memory_equal(&in, &out, sizeof(in));
}

static void test_elf_notes_are_walked_with_padding(void **state)
{
	uint8_t bytes[64] = { 0 };
	struct kd_elf_note note;
	struct kd_err err;

	size_t len = kd_elf_encode_note(bytes, "CORE", 1, "abc", 3);
	assert_int_equal(len, 12 + 8 + 4);
	len += kd_elf_encode_note(bytes + len, "XEN", 2, "", 0);
	struct kd_cursor c = { .p = bytes, .end = bytes + sizeof(bytes) };
	assert_int_equal(kd_elf_next_note(&c, &note, &err), 1);
	assert_int_equal(note.name_len, 4);
	assert_memory_equal(note.name, "CORE", 4);
	assert_int_equal(note.desc_len, 3);
	assert_memory_equal(note.desc, "abc", 3);
	assert_int_equal(kd_elf_next_note(&c, &note, &err), 1);
	assert_int_equal(note.type, 2);
	assert_int_equal(note.desc_len, 0);
	assert_int_equal(kd_elf_next_note(&c, &note, &err), 0);
}

static void test_elf_last_note_may_lack_padding(void **state)
{
	uint8_t bytes[64];
	struct kd_elf_note note;
	struct kd_err err;

	size_t len = kd_elf_encode_note(bytes, "CORE", 1, "abcde", 5);
	struct kd_cursor c = { .p = bytes, .end = bytes + len - 3 };
	assert_int_equal(kd_elf_next_note(&c, &note, &err), 1);
	assert_int_equal(note.desc_len, 5);
	assert_int_equal(kd_elf_next_note(&c, &note, &err), 0);
}

static void test_elf_note_larger_than_its_segment(void **state)
{
	uint8_t bytes[64];
	struct kd_elf_note note;
	struct kd_err err;

	size_t len = kd_elf_encode_note(bytes, "CORE", 1, "abcde", 5);
	struct kd_cursor c = { .p = bytes, .end = bytes + len - 4 };
	assert_int_equal(kd_elf_next_note(&c, &note, &err), -KD_BADDATA);
	assert_non_null(strstr(err.msg, "5 bytes of name and 5 of content"));

	/* A size that would wrap when rounded up. */
	memset(bytes, 0xff, 12);
	c = (struct kd_cursor){ .p = bytes, .end = bytes + sizeof(bytes) };
	assert_int_equal(kd_elf_next_note(&c, &note, &err), -KD_BADDATA);
}

/* ---- diskdump ---- */

static const struct kd_diskdump_header sample_header = {
	.header_version = 6,
	.sysname = "Linux",
	.nodename = "node",
	.release = "6.1.0",
	.version = "#1 SMP",
	.machine = "x86_64",
	.domainname = "(none)",
	.time_sec = 1700000000,
	.time_usec = 5,
	.status = KD_DISKDUMP_ZSTD | KD_DISKDUMP_INCOMPLETE,
	.block_size = 4096,
	.sub_hdr_size = 2,
	.bitmap_blocks = 4,
	.max_mapnr = 0xffffffff,
	.nr_cpus = 3,
};

static void test_diskdump_header_stands_where_readers_look(void **state)
{
	uint8_t b[KD_DISKDUMP_HEADER_BYTES];

	kd_diskdump_encode_header(b, &sample_header);
	assert_memory_equal(b, "KDUMP   \x06\0\0\0Linux", 17);
	assert_memory_equal(b + 77, "node", 5);
	assert_memory_equal(b + 142, "6.1.0", 6);
	assert_memory_equal(b + 272, "x86_64", 7);
	assert_memory_equal(b + 408, "\x00\xf1\x53\x65\0\0\0\0\x05", 9);
	assert_memory_equal(b + 424, "\x28\0\0\0\0\x10\0\0\x02\0\0\0\x04\0\0\0\xff\xff\xff\xff",
			    20);
	assert_int_equal(b[460], 3);
}

static void test_diskdump_headers_survive_encoding(void **state)
{
	const struct kd_diskdump_sub_header sub = { 1, 31, true, 64, 128, 2,
						    3, 4,  5,	 6,  7,	  1ULL << 34 };
	uint8_t b[KD_DISKDUMP_HEADER_BYTES], s[KD_DISKDUMP_SUB_HEADER_BYTES];
	struct kd_diskdump_header h;
	struct kd_diskdump_sub_header back;
	struct kd_err err;

	kd_diskdump_encode_header(b, &sample_header);
	assert_int_equal(kd_diskdump_decode_header(b, sizeof(b), &h, &err), 0);
	assert_memory_equal(&h, &sample_header, sizeof(h));
	kd_diskdump_encode_sub_header(s, &sub);
	assert_int_equal(kd_diskdump_decode_sub_header(s, sizeof(s), &h, &back, &err), 0);
	assert_int_equal(back.phys_base, 1);
	assert_int_equal(back.dump_level, 31);
	assert_true(back.split);
	assert_int_equal(back.start_pfn, 64);
	assert_int_equal(back.end_pfn, 128);
	assert_int_equal(back.offset_note, 4);
	assert_int_equal(back.size_note, 5);
	assert_true(back.max_mapnr == 1ULL << 34);
	assert_int_equal(kd_diskdump_decode_sub_header(s, sizeof(s) - 1, &h, &back, &err),
			 -KD_BADDATA);
	assert_string_equal(err.msg, "diskdump sub header cut short after 103 bytes");
}

static void test_diskdump_old_versions_have_fewer_fields(void **state)
{
	const struct kd_diskdump_sub_header sub = { 1, 31, true, 64, 128, 2, 3, 4, 5, 6, 7, 999 };
	uint8_t s[KD_DISKDUMP_SUB_HEADER_BYTES];
	struct kd_diskdump_header h = { .header_version = 1, .max_mapnr = 1234 };
	struct kd_diskdump_sub_header back;
	struct kd_err err;

	kd_diskdump_encode_sub_header(s, &sub);
	assert_int_equal(kd_diskdump_decode_sub_header(s, 12, &h, &back, &err), 0);
	assert_int_equal(back.dump_level, 31);
	assert_false(back.split);
	assert_int_equal(back.max_mapnr, 1234);
	h.header_version = 2;
	assert_int_equal(kd_diskdump_decode_sub_header(s, 32, &h, &back, &err), 0);
	assert_true(back.split);
	assert_int_equal(back.offset_vmcoreinfo, 0);
	h.header_version = 3;
	assert_int_equal(kd_diskdump_decode_sub_header(s, 48, &h, &back, &err), 0);
	assert_int_equal(back.size_vmcoreinfo, 3);
	assert_int_equal(back.offset_note, 0);
	h.header_version = 5;
	assert_int_equal(kd_diskdump_decode_sub_header(s, 80, &h, &back, &err), 0);
	assert_int_equal(back.size_note, 5);
	assert_int_equal(back.max_mapnr, 1234);
}

static void test_diskdump_header_refusals_say_why(void **state)
{
	uint8_t b[KD_DISKDUMP_HEADER_BYTES];
	struct kd_diskdump_header h;
	struct kd_err err;

	assert_int_equal(kd_diskdump_decode_header("KDUMPxxx", 8, &h, &err), -KD_NOTSUP);
	kd_diskdump_encode_header(b, &sample_header);
	assert_int_equal(kd_diskdump_decode_header(b, sizeof(b) - 1, &h, &err), -KD_BADDATA);
	b[8] = 7;
	assert_int_equal(kd_diskdump_decode_header(b, sizeof(b), &h, &err), -KD_NOTSUP);
	assert_string_equal(err.msg, "diskdump version 7: known are 1 to 6");
	b[8] = 6;
	b[429] = 0x11; /* 4352 */
	assert_int_equal(kd_diskdump_decode_header(b, sizeof(b), &h, &err), -KD_BADDATA);
	assert_string_equal(err.msg,
			    "diskdump header: block size 4352 is no page size from 4096 to 65536");

	/* A 32-bit kernel's header has its block size 12 bytes earlier. */
	memcpy(b + 416, "\0\x10\0\0", 4);
	assert_int_equal(kd_diskdump_decode_header(b, sizeof(b), &h, &err), -KD_NOTSUP);
	assert_string_equal(err.msg, "diskdump file of a 32-bit kernel (x86_64)");
}

static void test_diskdump_big_endian_header(void **state)
{
	uint8_t b[KD_DISKDUMP_HEADER_BYTES] = "KDUMP   \0\0\0\x06";
	struct kd_diskdump_header h;
	struct kd_err err;

	memcpy(b + 424, "\0\0\0\x01\0\x01\0\0\0\0\0\x02", 12);
	assert_int_equal(kd_diskdump_decode_header(b, sizeof(b), &h, &err), 0);
	assert_true(h.big_endian);
	assert_int_equal(h.header_version, 6);
	assert_int_equal(h.block_size, 65536);
	assert_int_equal(h.sub_hdr_size, 2);
}

static void test_diskdump_descriptor(void **state)
{
	const struct kd_diskdump_desc in = { 0x123456789a, 77, KD_DISKDUMP_LZO };
	uint8_t b[KD_DISKDUMP_DESC_BYTES];
	struct kd_diskdump_desc out;

	kd_diskdump_encode_desc(b, &in);
	assert_memory_equal(b, "\x9a\x78\x56\x34\x12\0\0\0\x4d\0\0\0\x02\0\0\0\0\0\0\0\0\0\0\0",
			    24);
	kd_diskdump_decode_desc(b, false, &out);
	assert_memory_equal(&in, &out, sizeof(in));
}

/* ---- flattened ---- */

static void test_flattened_chunks(void **state)
{
	uint8_t head[KD_FLATTENED_HEADER_BYTES], c[KD_FLATTENED_CHUNK_BYTES];
	struct kd_flattened_chunk chunk;
	struct kd_err err;

	kd_flattened_encode_header(head);
	assert_memory_equal(head, "makedumpfile\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x01", 32);
	assert_true(kd_flattened_is_flattened(head, 16));
	assert_int_equal(kd_flattened_decode_header(head, sizeof(head), &err), 0);
	assert_int_equal(kd_flattened_decode_header(head, 4095, &err), -KD_BADDATA);
	head[31] = 2;
	assert_int_equal(kd_flattened_decode_header(head, sizeof(head), &err), -KD_NOTSUP);
	assert_string_equal(err.msg, "flattened file of type 1, version 2: not known");

	kd_flattened_encode_chunk(c, 0x100, 0x20);
	assert_memory_equal(c, "\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\0\x20", 16);
	assert_int_equal(kd_flattened_decode_chunk(c, sizeof(c), &chunk, &err), 0);
	assert_int_equal(chunk.offset, 0x100);
	assert_int_equal(chunk.size, 0x20);
	assert_false(chunk.end);
	kd_flattened_encode_end(c);
	assert_int_equal(kd_flattened_decode_chunk(c, sizeof(c), &chunk, &err), 0);
	assert_true(chunk.end);
}

static void test_flattened_chunk_beyond_any_file(void **state)
{
	uint8_t c[KD_FLATTENED_CHUNK_BYTES];
	struct kd_flattened_chunk chunk;
	struct kd_err err;

	kd_flattened_encode_chunk(c, INT64_MAX, 1);
	assert_int_equal(kd_flattened_decode_chunk(c, sizeof(c), &chunk, &err), -KD_BADDATA);
	kd_flattened_encode_chunk(c, 0, UINT64_MAX);
	assert_int_equal(kd_flattened_decode_chunk(c, sizeof(c), &chunk, &err), -KD_BADDATA);
	kd_flattened_encode_chunk(c, UINT64_MAX, 1);
	assert_int_equal(kd_flattened_decode_chunk(c, sizeof(c), &chunk, &err), -KD_BADDATA);
	assert_int_equal(kd_flattened_decode_chunk(c, 15, &chunk, &err), -KD_BADDATA);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_elf_header_survives_encoding),
		cmocka_unit_test(test_elf_header_with_many_segments_is_extended),
		cmocka_unit_test(test_elf_header_refusals_say_why),
		cmocka_unit_test(test_elf_big_endian_segment),
		cmocka_unit_test(test_elf_segment_survives_encoding),
		cmocka_unit_test(test_elf_notes_are_walked_with_padding),
		cmocka_unit_test(test_elf_last_note_may_lack_padding),
		cmocka_unit_test(test_elf_note_larger_than_its_segment),
		cmocka_unit_test(test_diskdump_header_stands_where_readers_look),
		cmocka_unit_test(test_diskdump_headers_survive_encoding),
		cmocka_unit_test(test_diskdump_old_versions_have_fewer_fields),
		cmocka_unit_test(test_diskdump_header_refusals_say_why),
		cmocka_unit_test(test_diskdump_big_endian_header),
		cmocka_unit_test(test_diskdump_descriptor),
		cmocka_unit_test(test_flattened_chunks),
		cmocka_unit_test(test_flattened_chunk_beyond_any_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
