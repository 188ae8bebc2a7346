/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/report/dmesg.h"
#include "tests/gen/mkvmcore.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { RING_PADDR = 17 << 20 };

static const uint64_t SEC = 1000000000;

/* A kernel whose log can be filled and then broken. */
struct fixture {
	struct kd_gen *gen;
	struct kd_gen_ring *ring;
	struct kd_buf text;
	struct kd_dmesg_stats stats;
	struct kd_err err;
};

static void fixture_fini(struct fixture *f)
{
	kd_gen_free(f->gen);
	kd_gen_ring_free(f->ring);
	kd_buf_fini(&f->text);
}

static struct fixture fixture(unsigned int count_bits, unsigned int size_bits)
{
	return (struct fixture){
		.gen = kd_gen_new(62, 4096),
		.ring = kd_gen_ring_new(count_bits, size_bits),
	};
}

static void log_text(struct fixture *f, uint64_t ts, const char *text)
{
	kd_gen_log(f->ring, KD_GEN_FINALIZED, ts, text, strlen(text));
}

static int collect(void *arg, const char *bytes, size_t len, struct kd_err *err)
{
	kd_buf_add(arg, bytes, len);
	return 0;
}

/* Writes the dump to a file in memory. */
static int dump(struct fixture *f)
{
	int fd = kd_gen_memfd("dump");

	kd_gen_x86_kernel(f->gen, "6.1.0-test", 2 << 20, 40 << 20);
	kd_gen_ring_store(f->gen, f->ring, RING_PADDR, KD_GEN_X86_TEXT + RING_PADDR);
	kd_gen_elf(f->gen, fd, NULL);
	return fd;
}

/* Dumps and reads the log; what came out is in f->text. */
static int run(struct fixture *f)
{
	KD_AUTO(kd_closep) int fd = dump(f);
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = NULL;

	assert_int_equal(kd_vmcore_open(fd, "dump", NULL, &core, &f->err), 0);
	kd_buf_puts(&f->text, "");
	return kd_dmesg_write(core, collect, &f->text, &f->stats, &f->err);
}

static void test_records_come_oldest_first(void **state)
{
	KD_AUTO(fixture_fini) struct fixture f = fixture(4, 10);

	log_text(&f, 0, "first");
	log_text(&f, 1 * SEC + 234567891, "second");
	kd_gen_log(f.ring, KD_GEN_COMMITTED, 123456ULL * SEC, "third", 5);
	assert_int_equal(run(&f), 0);
	assert_string_equal(f.text.p, "[    0.000000] first\n"
				      "[    1.234567] second\n"
				      "[123456.000000] third\n");
	assert_int_equal(f.stats.records, 3);
	assert_int_equal(f.stats.lines, 3);
	assert_int_equal(f.stats.bytes, strlen(f.text.p));
	assert_int_equal(f.stats.first_seq, 0);
	assert_int_equal(f.stats.last_seq, 2);
	assert_int_equal(f.stats.damaged, 0);
}

static void test_newline_inside_a_record_is_indented(void **state)
{
	KD_AUTO(fixture_fini) struct fixture f = fixture(4, 10);

	log_text(&f, 5 * SEC, "one\ntwo\n");
	log_text(&f, 123456ULL * SEC, "a\nb");
	assert_int_equal(run(&f), 0);
	assert_string_equal(f.text.p, "[    5.000000] one\n"
				      "               two\n"
				      "               \n"
				      "[123456.000000] a\n"
				      "                b\n");
	assert_int_equal(f.stats.records, 2);
	assert_int_equal(f.stats.lines, 5);
}

static void test_bytes_that_do_not_print_are_escaped(void **state)
{
	KD_AUTO(fixture_fini) struct fixture f = fixture(4, 10);
	static const char text[] = "\x1b[31m \x7f \xc3\xa9 \0 \\x20\ttab\r";

	kd_gen_log(f.ring, KD_GEN_FINALIZED, 0, text, sizeof(text) - 1);
	assert_int_equal(run(&f), 0);
	assert_string_equal(f.text.p, "[    0.000000] \\x1b[31m \\x7f \\xffffffc3\\xffffffa9 \\x00 "
				      "\\x20\ttab\r\n");
}

static void test_records_without_text_or_not_yet_written_are_skipped(void **state)
{
	KD_AUTO(fixture_fini) struct fixture f = fixture(4, 10);

	log_text(&f, 0, "kept");
	kd_gen_log_empty(f.ring, 1);
	kd_gen_log(f.ring, KD_GEN_RESERVED, 2, "half written", 12);
	kd_gen_log(f.ring, KD_GEN_REUSABLE, 3, "given up", 8);
	kd_gen_log(f.ring, KD_GEN_FINALIZED, 4, "", 0);
	assert_int_equal(run(&f), 0);
	assert_string_equal(f.text.p, "[    0.000000] kept\n[    0.000000] \n");
	assert_int_equal(f.stats.records, 2);
	/* with the descriptor before the first */
	assert_int_equal(f.stats.skipped, 4);
}

/* Text and descriptors both wrap many times; the last records must be there in full. */
static void test_ring_that_wrapped(void **state)
{
	KD_AUTO(fixture_fini) struct fixture f = fixture(5, 10);
	KD_AUTO(kd_buf_fini) struct kd_buf want = { 0 };
	enum { RECORDS = 500 };

	for (int i = 0; i < RECORDS; i++) {
		char text[128];
		int n = snprintf(text, sizeof(text), "record %d %.*s", i, i % 61,
				 "-------------------------------------------------------------");
		kd_gen_log(f.ring, KD_GEN_FINALIZED, (uint64_t)i * SEC, text, (size_t)n);
	}
	assert_int_equal(run(&f), 0);
	assert_in_range(f.stats.records, 8, 32);
	assert_int_equal(f.stats.last_seq, RECORDS - 1);
	assert_int_equal(f.stats.last_seq - f.stats.first_seq + 1, f.stats.records);
	for (uint64_t i = f.stats.first_seq; i < RECORDS; i++)
		kd_buf_printf(&want, "[%5ju.000000] record %ju %.*s\n", (uintmax_t)i, (uintmax_t)i,
			      (int)(i % 61),
			      "-------------------------------------------------------------");
	assert_string_equal(f.text.p, want.p);
}

/* Since v6.19 a block may end exactly at the end of the ring. */
static void test_block_that_ends_with_the_ring(void **state)
{
	KD_AUTO(fixture_fini) struct fixture f = fixture(4, 8);
	char text[256];

	memset(text, 'x', sizeof(text));
	size_t i = kd_gen_log(f.ring, KD_GEN_FINALIZED, 0, text, 100);
	struct kd_gen_desc *d = &f.ring->descs[i];
	/* Moved to the last 112 bytes of the 256, id and all. */
	memmove(f.ring->text + 144, f.ring->text + (d->begin & 255), 112);
	d->begin = (0 - 256ULL) + 144;
	d->next = 0;
	assert_int_equal(run(&f), 0);
	assert_int_equal(f.stats.damaged, 0);
	assert_int_equal(f.stats.bytes, strlen("[    0.000000] \n") + 100);
}

static void test_text_length_beyond_its_block_is_bounded(void **state)
{
	KD_AUTO(fixture_fini) struct fixture f = fixture(4, 10);

	size_t i = kd_gen_log(f.ring, KD_GEN_FINALIZED, 0, "12345678", 8);
	log_text(&f, 1, "next");
	f.ring->infos[i].text_len = 0xffff;
	assert_int_equal(run(&f), 0);
	assert_string_equal(f.text.p, "[    0.000000] 12345678\n[    0.000000] next\n");
}

static void test_broken_positions_cost_their_record_only(void **state)
{
	KD_AUTO(fixture_fini) struct fixture f = fixture(4, 10);

	log_text(&f, 0, "before");
	size_t a = kd_gen_log(f.ring, KD_GEN_FINALIZED, 1, "lost a", 6);
	size_t b = kd_gen_log(f.ring, KD_GEN_FINALIZED, 1, "lost b", 6);
	size_t c = kd_gen_log(f.ring, KD_GEN_FINALIZED, 1, "lost c", 6);
	log_text(&f, 2, "after");
	f.ring->descs[a].next = f.ring->descs[a].begin;	       /* nothing, not even an id */
	f.ring->descs[b].next = f.ring->descs[b].begin + 4096; /* four times around */
	f.ring->descs[c].begin = f.ring->descs[c].next + 64;   /* backwards */
	assert_int_equal(run(&f), 0);
	assert_string_equal(f.text.p, "[    0.000000] before\n[    0.000000] after\n");
	assert_int_equal(f.stats.damaged, 3);
}

static void test_wrong_id_in_text_is_told(void **state)
{
	KD_AUTO(fixture_fini) struct fixture f = fixture(4, 10);

	size_t i = kd_gen_log(f.ring, KD_GEN_FINALIZED, 0, "text", 4);
	f.ring->text[f.ring->descs[i].begin & 1023] ^= 0x10;
	assert_int_equal(run(&f), 0);
	assert_string_equal(f.text.p, "[    0.000000] text\n");
	assert_int_equal(f.stats.damaged, 1);
}

static void test_wrong_id_in_descriptor_is_skipped(void **state)
{
	KD_AUTO(fixture_fini) struct fixture f = fixture(4, 10);

	size_t i = kd_gen_log(f.ring, KD_GEN_FINALIZED, 0, "text", 4);
	log_text(&f, 0, "more");
	f.ring->descs[i].state_var += 16;
	assert_int_equal(run(&f), 0);
	assert_string_equal(f.text.p, "[    0.000000] more\n");
}

/* Head and tail that are further apart than there are descriptors must not loop. */
static void test_impossible_tail_still_gives_what_the_head_has(void **state)
{
	KD_AUTO(fixture_fini) struct fixture f = fixture(4, 10);

	log_text(&f, 0, "one");
	log_text(&f, 0, "two");
	f.ring->tail_id = 12345;
	assert_int_equal(run(&f), 0);
	assert_string_equal(f.text.p, "[    0.000000] one\n[    0.000000] two\n");
	assert_int_equal(f.stats.skipped, 14);
}

static void test_every_descriptor_the_same_ends(void **state)
{
	KD_AUTO(fixture_fini) struct fixture f = fixture(4, 10);

	log_text(&f, 0, "loop");
	for (size_t i = 1; i < 16; i++)
		f.ring->descs[i] = f.ring->descs[0];
	f.ring->tail_id = f.ring->head_id + 1;
	assert_int_equal(run(&f), 0);
	assert_string_equal(f.text.p, "[    0.000000] loop\n");
}

static void test_impossible_sizes_are_refused(void **state)
{
	KD_AUTO(fixture_fini) struct fixture f = fixture(4, 10);

	log_text(&f, 0, "text");
	kd_gen_x86_kernel(f.gen, "6.1.0-test", 2 << 20, 40 << 20);
	kd_gen_ring_store(f.gen, f.ring, RING_PADDR, KD_GEN_X86_TEXT + RING_PADDR);
	kd_gen_put(f.gen, RING_PADDR + 8, 27, 4); /* count_bits */
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("dump");
	kd_gen_elf(f.gen, fd, NULL);

	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = NULL;
	assert_int_equal(kd_vmcore_open(fd, "dump", NULL, &core, &f.err), 0);
	assert_int_equal(kd_dmesg_write(core, collect, &f.text, NULL, &f.err), -KD_BADDATA);
	assert_string_equal(f.err.msg,
			    "kernel log: head of the log: 2^27 records and 2^10 bytes of "
			    "text cannot be");
}

static void test_kernel_without_such_a_log_is_told(void **state)
{
	KD_AUTO(kd_gen_freep) struct kd_gen *g = kd_gen_new(62, 4096);
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("dump");
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = NULL;
	struct kd_err err;

	kd_gen_x86_kernel(g, "5.4.0", 2 << 20, 40 << 20);
	kd_gen_elf(g, fd, NULL);
	assert_int_equal(kd_vmcore_open(fd, "old", NULL, &core, &err), 0);
	assert_int_equal(kd_dmesg_write(core, collect, NULL, NULL, &err), -KD_NOTSUP);
	assert_string_equal(err.msg, "kernel log: vmcoreinfo has no SYMBOL(prb): a kernel before "
				     "5.10, or one that does not describe its log");
}

static void test_dump_without_vmcoreinfo_is_told(void **state)
{
	KD_AUTO(kd_gen_freep) struct kd_gen *g = kd_gen_new(62, 4096);
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("dump");
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = NULL;
	const struct kd_gen_elf_opts opts = { .without_notes = true };
	struct kd_err err;

	kd_gen_ram(g, 0, 4096);
	kd_gen_elf(g, fd, &opts);
	assert_int_equal(kd_vmcore_open(fd, "bare", NULL, &core, &err), 0);
	assert_int_equal(kd_dmesg_write(core, collect, NULL, NULL, &err), -KD_NOTSUP);
	assert_string_equal(err.msg, "bare has no vmcoreinfo, so its log cannot be found");
}

/* The records' text is beyond the end of a file that was cut short. */
static void test_log_that_is_not_in_the_dump_is_an_error(void **state)
{
	KD_AUTO(fixture_fini) struct fixture f = fixture(4, 10);
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = NULL;
	const struct kd_gen_elf_opts opts = { .truncate = 8192 };

	log_text(&f, 0, "gone");
	KD_AUTO(kd_closep) int fd = dump(&f);
	kd_gen_elf(f.gen, fd, &opts);
	assert_int_equal(kd_vmcore_open(fd, "dump", NULL, &core, &f.err), 0);
	assert_true(kd_vmcore_is_incomplete(core));
	assert_int_equal(kd_dmesg_write(core, collect, NULL, NULL, &f.err), -KD_BADDATA);
	assert_non_null(strstr(f.err.msg, "never written: the dump is incomplete"));
}

static int refuse(void *arg, const char *bytes, size_t len, struct kd_err *err)
{
	return kd_fail(err, KD_NOSPACE, "target is full");
}

static void test_failing_output_ends_it(void **state)
{
	KD_AUTO(fixture_fini) struct fixture f = fixture(4, 10);
	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = NULL;

	log_text(&f, 0, "text");
	KD_AUTO(kd_closep) int fd = dump(&f);
	assert_int_equal(kd_vmcore_open(fd, "dump", NULL, &core, &f.err), 0);
	assert_int_equal(kd_dmesg_write(core, refuse, NULL, NULL, &f.err), -KD_NOSPACE);
	assert_string_equal(f.err.msg, "kernel log: target is full");
}

/* More output than one buffer holds, and records as long as they get. */
static void test_large_log_comes_whole(void **state)
{
	KD_AUTO(fixture_fini) struct fixture f = fixture(11, 19);
	KD_AUTO(kd_freep) char *text = malloc(60000);
	enum { RECORDS = 1500 };

	memset(text, '\n', 60000);
	for (int i = 0; i < RECORDS; i++)
		log_text(&f, (uint64_t)i, "a line of some length, so that there are many buffers");
	kd_gen_log(f.ring, KD_GEN_FINALIZED, 0, text, 60000);
	assert_int_equal(run(&f), 0);
	assert_int_equal(f.stats.records, RECORDS + 1);
	assert_int_equal(f.stats.lines, RECORDS + 60001);
	assert_int_equal(f.text.len, f.stats.bytes);
	assert_int_equal(f.stats.damaged, 0);
}

/* The same dump through the program people compare with, where it is installed. */
static void test_agrees_with_makedumpfile(void **state)
{
	static const char program[] = "/usr/bin/makedumpfile";
	KD_AUTO(fixture_fini) struct fixture f = fixture(6, 11);
	char in[] = "/tmp/kd-dmesg-XXXXXX", out[64];
	struct kd_err err = { 0 };

	if (access(program, X_OK))
		skip();
	for (int i = 0; i < 60; i++) {
		char text[64];
		for (size_t k = 0; k < sizeof(text); k++)
			text[k] = (char)(i * 37 + (int)k * 11);
		kd_gen_log(f.ring, i % 7 ? KD_GEN_FINALIZED : KD_GEN_COMMITTED,
			   (uint64_t)i * 1234567891011, text, (size_t)i);
		if (i % 5 == 0)
			kd_gen_log_empty(f.ring, 0);
		if (i % 11 == 0)
			kd_gen_log(f.ring, KD_GEN_RESERVED, 0, "no", 2);
	}
	assert_int_equal(run(&f), 0);

	int fd = mkstemp(in);
	assert_true(fd >= 0);
	kd_gen_elf(f.gen, fd, NULL);
	close(fd);
	snprintf(out, sizeof(out), "%s.log", in);
	char *argv[] = { (char *)program, "--dump-dmesg", in, out, NULL };
	const struct kd_child_opts opts = {
		.stdin_fd = -1, .stdout_fd = -1, .stderr_fd = -1, .timeout_ms = 60000
	};
	struct kd_child_end end;
	assert_int_equal(kd_child_run(argv, &opts, &end, &err), 0);
	unlink(in);
	KD_AUTO(kd_fclosep) FILE *log = fopen(out, "r");
	assert_non_null(log);
	unlink(out);
	KD_AUTO(kd_freep) char *theirs = NULL;
	size_t len;
	assert_int_equal(kd_read_all(fileno(log), 1 << 20, &theirs, &len, "log", &err), 0);
	assert_int_equal(len, f.text.len);
	assert_memory_equal(theirs, f.text.p, len);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_records_come_oldest_first),
		cmocka_unit_test(test_newline_inside_a_record_is_indented),
		cmocka_unit_test(test_bytes_that_do_not_print_are_escaped),
		cmocka_unit_test(test_records_without_text_or_not_yet_written_are_skipped),
		cmocka_unit_test(test_ring_that_wrapped),
		cmocka_unit_test(test_block_that_ends_with_the_ring),
		cmocka_unit_test(test_text_length_beyond_its_block_is_bounded),
		cmocka_unit_test(test_broken_positions_cost_their_record_only),
		cmocka_unit_test(test_wrong_id_in_text_is_told),
		cmocka_unit_test(test_wrong_id_in_descriptor_is_skipped),
		cmocka_unit_test(test_impossible_tail_still_gives_what_the_head_has),
		cmocka_unit_test(test_every_descriptor_the_same_ends),
		cmocka_unit_test(test_impossible_sizes_are_refused),
		cmocka_unit_test(test_kernel_without_such_a_log_is_told),
		cmocka_unit_test(test_dump_without_vmcoreinfo_is_told),
		cmocka_unit_test(test_log_that_is_not_in_the_dump_is_an_error),
		cmocka_unit_test(test_failing_output_ends_it),
		cmocka_unit_test(test_large_log_comes_whole),
		cmocka_unit_test(test_agrees_with_makedumpfile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
