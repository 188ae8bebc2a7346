/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sinks around other sinks: hash, fault, retry. */
#include "lib/base/xxh3.h"
#include "tests/unit/support-sink.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

/* ---- hash ---- */

static const struct kd_hashed_extent *find(const struct kd_hashed_extent *x, size_t n, uint64_t off)
{
	for (size_t i = 0; i < n; i++) {
		if (x[i].off == off)
			return &x[i];
	}
	return NULL;
}

static struct kd_sink *hash_around(struct kd_sink *inner, size_t max)
{
	struct kd_sink *h = NULL;
	struct kd_err err = { 0 };

	if (kd_sink_hash_new(inner, max, &h, &err))
		fail_msg("%s", err.msg);
	return h;
}

static void test_xxh3_is_the_one_everybody_means(void **state)
{
	struct kd_xxh3 h;
	char text[1500]; /* more than the state buffers, more than a block */

	/* as xxhsum -H3 prints them */
	assert_int_equal(kd_xxh3("", 0), 0x2d06800538d394c2);
	assert_int_equal(kd_xxh3("abc", 3), 0x78af5f94892f3950);
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)i;
	for (size_t cut = 0; cut <= sizeof(text); cut++) {
		kd_xxh3_init(&h);
		kd_xxh3_update(&h, text, cut);
		kd_xxh3_update(&h, text + cut, sizeof(text) - cut);
		assert_int_equal(kd_xxh3_digest(&h), kd_xxh3(text, sizeof(text)));
	}
}

static void test_hash_joins_what_goes_on(void **state)
{
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("sink");
	struct kd_sink *h = hash_around(memory_sink(fd), 16);
	size_t n = 0;

	must_write(h, 0, "head", 4);
	must_write(h, 4, "more", 4);
	kd_sink_hash_stream_from(h, 100);
	must_write(h, 100, "abc", 3);
	must_write(h, 103, "def", 3);
	must_write(h, 8, "x", 1); /* elsewhere in between: the stream goes on */
	must_write(h, 106, "g", 1);
	must_write(h, 200, "z", 1); /* a hole ends it */

	const struct kd_hashed_extent *x = kd_sink_hash_extents(h, &n);
	assert_int_equal(n, 5);
	assert_int_equal(x[0].off, 0);
	assert_int_equal(x[0].len_bytes, 4);
	assert_int_equal(find(x, n, 100)->len_bytes, 7);
	assert_int_equal(find(x, n, 100)->xxh3, kd_xxh3("abcdefg", 7));
	assert_int_equal(x[4].off, 200);
	must_commit(h);
}

static void test_hash_joins_in_two_places_by_turns(void **state)
{
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("sink");
	struct kd_sink *h = hash_around(memory_sink(fd), 3);
	struct kd_hashed_extent settled[3];
	size_t n = 0;

	kd_sink_hash_stream_from(h, 0);
	for (unsigned int i = 0; i < 5; i++) {
		must_write(h, 100 + i, "d", 1);
		must_write(h, i, "t", 1);
	}
	assert_int_equal(kd_sink_hash_settled(h, settled), 2);
	assert_int_equal(settled[0].xxh3, kd_xxh3("ttttt", 5));
	assert_int_equal(settled[1].xxh3, kd_xxh3("ddddd", 5));

	must_write(h, 50, "T", 1); /* takes the place of the data's, which ends */
	must_write(h, 5, "t", 1);
	must_write(h, 105, "d", 1);
	assert_false(kd_sink_hash_is_full(h));
	const struct kd_hashed_extent *x = kd_sink_hash_extents(h, &n);
	assert_int_equal(n, 3); /* room for the fourth there is none */
	assert_true(kd_sink_hash_is_full(h));
	assert_int_equal(find(x, n, 100)->len_bytes, 5);
	assert_int_equal(find(x, n, 50)->len_bytes, 1);
	assert_int_equal(find(x, n, 0)->xxh3, kd_xxh3("tttttt", 6));

	/* What takes the place of one that has a hash gets one still. */
	must_write(h, 50, "U", 1);
	x = kd_sink_hash_extents(h, &n);
	assert_int_equal(n, 3);
	assert_int_equal(find(x, n, 50)->xxh3, kd_xxh3("U", 1));
	must_commit(h);
}

static void test_hash_follows_what_is_written_again(void **state)
{
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("sink");
	struct kd_sink *h = hash_around(memory_sink(fd), 4);
	size_t n = 0;

	must_write(h, 0, "old!", 4);
	must_write(h, 4, "stay", 4);
	must_write(h, 0, "new!", 4);
	const struct kd_hashed_extent *x = kd_sink_hash_extents(h, &n);
	assert_int_equal(n, 2);
	assert_int_equal(find(x, n, 0)->xxh3, kd_xxh3("new!", 4));

	must_write(h, 6, "!!", 2); /* half of one: nothing is known of its first half */
	x = kd_sink_hash_extents(h, &n);
	assert_null(find(x, n, 4));
	assert_int_equal(find(x, n, 6)->xxh3, kd_xxh3("!!", 2));

	kd_sink_hash_expect(h, 0, "last", 4);
	x = kd_sink_hash_extents(h, &n);
	assert_int_equal(find(x, n, 0)->xxh3, kd_xxh3("last", 4));

	kd_sink_hash_forget(h, 3, 1);
	x = kd_sink_hash_extents(h, &n);
	assert_int_equal(n, 1);
	assert_int_equal(x[0].off, 6);

	for (unsigned int i = 0; i < 8; i++)
		must_write(h, 100 + i, "f", 1);
	kd_sink_hash_extents(h, &n);
	assert_int_equal(n, 4); /* no room for more */
	kd_sink_abort(h);
}

/* ---- fault and retry ---- */

static void test_fault_fills_up(void **state)
{
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("sink");
	struct kd_sink *f = with_fault(memory_sink(fd), (struct kd_sink_fault){ .room_bytes = 5 });
	struct kd_err err = { 0 };
	struct stat st;

	must_write(f, 0, "abc", 3);
	assert_int_equal(kd_sink_write_at(f, 3, "def", 3, &err), -KD_NOSPACE);
	assert_int_equal(kd_sink_write_at(f, 9, "x", 1, &err), -KD_NOSPACE);
	assert_int_equal(kd_sink_reserve(f, 2, 4, &err), -KD_NOSPACE);
	must_write(f, 0, "ABC", 3);
	must_commit(f);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, 5);
}

static void test_fault_breaks_a_stream(void **state)
{
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("sink");
	struct kd_sink *f = with_fault(
		memory_sink(fd),
		(struct kd_sink_fault){ .fail_after = 4, .fail_errno = EIO, .stall_ms = 1 });
	struct kd_err err = { 0 };
	struct stat st;

	assert_int_equal(kd_sink_append(f, "abc", 3, &err), 0);
	assert_int_equal(kd_sink_append(f, "def", 3, &err), -KD_SYS);
	assert_int_equal(err.sys, EIO);
	kd_sink_abort(f);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, 4);
}

static void test_fault_takes_its_time(void **state)
{
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("sink");
	struct kd_sink *f = with_fault(memory_sink(fd), (struct kd_sink_fault){ .stall_ms = 30 });
	uint64_t start = kd_monotonic_ms();

	must_write(f, 0, "abc", 3);
	must_write(f, 3, "def", 3);
	assert_true(kd_monotonic_ms() - start >= 60);
	must_commit(f);
}

static void test_fault_fails_to_sync(void **state)
{
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("sink");
	struct kd_sink *f = with_fault(
		memory_sink(fd), (struct kd_sink_fault){ .fail_sync = true, .fail_errno = EIO });
	struct kd_err err = { 0 };

	assert_int_equal(kd_sink_sync(f, &err), -KD_SYS);
	assert_int_equal(kd_sink_commit(f, &err), -KD_SYS);
	assert_says(err.msg, "sync memory: Input/output error");
}

static void count_log(void *arg, enum kd_log_level level, const char *area, const char *text)
{
	++*(int *)arg;
}

static void test_retry_gets_over_a_hiccup(void **state)
{
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("sink");
	int logged = 0;
	const struct kd_log log = { .emit = count_log, .arg = &logged };
	struct kd_sink *f = with_fault(
		memory_sink(fd),
		(struct kd_sink_fault){ .fail_after = 2, .fail_errno = EIO, .fail_times = 2 });
	struct kd_sink *r = NULL;
	struct kd_err err = { 0 };
	char buf[6] = { 0 };

	assert_int_equal(kd_sink_retry_new(f, 3, 1, &log, &r, &err), 0);
	must_write(r, 0, "abcdef", 6);
	assert_int_equal(kd_sink_read_at(r, 0, buf, 6, &err), 0);
	assert_memory_equal(buf, "abcdef", 6);
	assert_int_equal(logged, 2);
	must_commit(r);
}

static void test_retry_gives_up(void **state)
{
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("sink");
	struct kd_sink *f = with_fault(
		memory_sink(fd), (struct kd_sink_fault){ .fail_after = 2, .fail_errno = EIO });
	KD_AUTO(kd_sink_abortp) struct kd_sink *r = NULL;
	struct kd_err err = { 0 };

	assert_int_equal(kd_sink_retry_new(f, 3, 0, NULL, &r, &err), 0);
	assert_int_equal(kd_sink_write_at(r, 0, "abc", 3, &err), -KD_SYS);
	assert_int_equal(err.sys, EIO);
}

static void test_retry_does_not_wait_for_a_full_disk(void **state)
{
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("sink");
	int logged = 0;
	const struct kd_log log = { .emit = count_log, .arg = &logged };
	struct kd_sink *f = with_fault(memory_sink(fd), (struct kd_sink_fault){ .room_bytes = 1 });
	KD_AUTO(kd_sink_abortp) struct kd_sink *r = NULL;
	struct kd_err err = { 0 };

	assert_int_equal(kd_sink_retry_new(f, 3, 60000, &log, &r, &err), 0);
	assert_int_equal(kd_sink_write_at(r, 0, "abc", 3, &err), -KD_NOSPACE);
	assert_int_equal(logged, 0);
}

/* A wrapper can do what the inner one can, and no more. */
static void test_wrapper_of_a_stream_is_a_stream(void **state)
{
	struct kd_sink *s = NULL, *r = NULL;
	struct kd_err err = { 0 };
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("x");

	assert_int_equal(kd_sink_open_stream(fd, "stream", &s, &err), 0);
	assert_int_equal(kd_sink_retry_new(s, 2, 0, NULL, &r, &err), 0);
	assert_false(kd_sink_can_read(r));
	assert_false(r->rewritable);
	assert_int_equal(kd_sink_write_at(r, 0, "x", 1, &err), -KD_NOTSUP);
	assert_int_equal(kd_sink_append(r, "x", 1, &err), 0);
	assert_ptr_equal(kd_sink_unwrap(r), s);
	must_commit(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_xxh3_is_the_one_everybody_means),
		cmocka_unit_test(test_hash_joins_what_goes_on),
		cmocka_unit_test(test_hash_joins_in_two_places_by_turns),
		cmocka_unit_test(test_hash_follows_what_is_written_again),
		cmocka_unit_test(test_fault_fills_up),
		cmocka_unit_test(test_fault_breaks_a_stream),
		cmocka_unit_test(test_fault_takes_its_time),
		cmocka_unit_test(test_fault_fails_to_sync),
		cmocka_unit_test(test_retry_gets_over_a_hiccup),
		cmocka_unit_test(test_retry_gives_up),
		cmocka_unit_test(test_retry_does_not_wait_for_a_full_disk),
		cmocka_unit_test(test_wrapper_of_a_stream_is_a_stream),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
