/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hashes of a dump's parts, in it and from elsewhere. */
#include "lib/base/xxh3.h"
#include "lib/format/format.h"
#include "tests/unit/support-message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct bytes {
	uint8_t *p;
	size_t len;
};

static int bytes_read_at(void *arg, uint64_t off, void *buf, size_t len, struct kd_err *err)
{
	const struct bytes *b = arg;

	if (off > b->len || len > b->len - off)
		fail_msg("read of %zu bytes at %ju, of %zu", len, (uintmax_t)off, b->len);
	memcpy(buf, b->p + off, len);
	return 0;
}

enum { DIGESTED_BYTES = 300, RANGES = 200 };

/* 300 bytes; 200 ranges of one byte each, hashed. */
static size_t make_digested(
	uint8_t out[DIGESTED_BYTES + RANGES * KD_DIGEST_RECORD_BYTES + KD_DIGEST_FOOTER_BYTES])
{
	uint8_t *records = out + DIGESTED_BYTES;

	for (size_t i = 0; i < DIGESTED_BYTES; i++)
		out[i] = (uint8_t)(i * 7);
	for (size_t i = 0; i < RANGES; i++) {
		const struct kd_hashed_extent r = { .off = i,
						    .len_bytes = 1,
						    .xxh3 = kd_xxh3(out + i, 1) };
		kd_digest_encode_record(records + i * KD_DIGEST_RECORD_BYTES, &r);
	}
	kd_digest_encode_footer(records + RANGES * KD_DIGEST_RECORD_BYTES, records, RANGES);
	return DIGESTED_BYTES + RANGES * KD_DIGEST_RECORD_BYTES + KD_DIGEST_FOOTER_BYTES;
}

static struct kd_digest_file digest_file(struct bytes *b, uint8_t room[64])
{
	return (struct kd_digest_file){
		.read_at = bytes_read_at, .arg = b, .size = b->len, .room = room, .room_len = 64
	};
}

static int verify_bytes(struct bytes *b, enum kd_digest_depth depth, struct kd_digest_check *ret,
			struct kd_err *err)
{
	uint8_t room[64];
	const struct kd_digest_file file = digest_file(b, room);

	return kd_digest_verify(&file, depth, ret, err);
}

static void test_digests_find_each_changed_bit(void **state)
{
	uint8_t file[DIGESTED_BYTES + RANGES * KD_DIGEST_RECORD_BYTES + KD_DIGEST_FOOTER_BYTES];
	struct bytes b = { .p = file, .len = make_digested(file) };
	struct kd_digest_check check = { 0 };
	struct kd_err err = { 0 };

	assert_int_equal(verify_bytes(&b, KD_DIGEST_RANGES, &check, &err), 0);
	assert_true(check.present);
	assert_int_equal(check.ranges.extents, RANGES);
	assert_int_equal(check.ranges.bytes, RANGES);
	assert_int_equal(check.ranges.bad, 0);

	for (size_t i = 0; i < b.len; i++) {
		memset(&check, 0, sizeof(check));
		file[i] ^= 0x10;
		int rc = verify_bytes(&b, KD_DIGEST_RANGES, &check, &err);
		file[i] ^= 0x10;
		if (i < RANGES) {
			assert_int_equal(rc, 0);
			assert_int_equal(check.ranges.bad, 1);
			assert_int_equal(check.ranges.first_bad_off, i);
			assert_int_equal(check.ranges.first_bad_len, 1);
		} else if (i < DIGESTED_BYTES) {
			assert_int_equal(rc, 0); /* has no hash */
			assert_int_equal(check.ranges.bad, 0);
		} else if (i < b.len - 8) {
			assert_true(rc == -KD_BADDATA || rc == -KD_NOTSUP);
		} else {
			assert_int_equal(rc, 0); /* no magic, no hashes */
			assert_false(check.present);
		}
	}
}

static void test_digests_that_lie(void **state)
{
	static const struct {
		struct kd_hashed_extent r[2];
		const char *says;
	} cases[] = {
		{ { { .off = 0, .len_bytes = 10 }, { .off = 5, .len_bytes = 10 } }, "overlap" },
		{ { { .off = 0, .len_bytes = 1 }, { .off = 100, .len_bytes = UINT64_MAX } },
		  "behind the end" },
		{ { { .off = UINT64_MAX, .len_bytes = 2 }, { .off = 0, .len_bytes = 1 } },
		  "behind the end" },
	};
	uint8_t few[8] = "KDDIGEST";
	struct kd_err err = { 0 };
	struct kd_digest_check check;

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		uint8_t file[100 + 2 * KD_DIGEST_RECORD_BYTES + KD_DIGEST_FOOTER_BYTES] = { 0 };
		struct bytes b = { .p = file, .len = sizeof(file) };
		for (size_t k = 0; k < 2; k++)
			kd_digest_encode_record(file + 100 + k * KD_DIGEST_RECORD_BYTES,
						&cases[i].r[k]);
		kd_digest_encode_footer(file + 100 + 2 * KD_DIGEST_RECORD_BYTES, file + 100, 2);
		assert_int_equal(verify_bytes(&b, KD_DIGEST_RANGES, &check, &err), -KD_BADDATA);
		assert_says(err.msg, cases[i].says);
		assert_int_equal(verify_bytes(&b, KD_DIGEST_TABLE, &check, &err), 0);
		assert_true(check.present);
		assert_int_equal(check.ranges.extents, 0);
	}
	struct bytes tiny = { .p = few, .len = sizeof(few) };
	assert_int_equal(verify_bytes(&tiny, KD_DIGEST_RANGES, &check, &err), 0);
	assert_false(check.present);
}

/* What was written before XXH3 is not compared with something else. */
static void test_digests_of_another_algorithm(void **state)
{
	uint8_t file[DIGESTED_BYTES + RANGES * KD_DIGEST_RECORD_BYTES + KD_DIGEST_FOOTER_BYTES];
	struct bytes b = { .p = file, .len = make_digested(file) };
	uint8_t *algorithm = file + b.len - KD_DIGEST_FOOTER_BYTES + 4;
	struct kd_digest_check check;
	struct kd_err err = { 0 };

	assert_int_equal(*algorithm, 2);
	*algorithm = 1;
	assert_int_equal(verify_bytes(&b, KD_DIGEST_TABLE, &check, &err), -KD_NOTSUP);
	assert_says(err.msg,
		    "hashes of version 1, algorithm 1: only version 1, algorithm 2 (XXH3)");
}

/* Hashes from elsewhere may tell of anything: what cannot be compared is bad, and no more. */
static void test_ranges_from_elsewhere(void **state)
{
	uint8_t bytes[100] = "what was written", room[64];
	struct bytes b = { .p = bytes, .len = sizeof(bytes) };
	const struct kd_digest_file file = digest_file(&b, room);
	const struct kd_hashed_extent x[] = {
		{ .off = 0, .len_bytes = 70, .xxh3 = kd_xxh3(bytes, 70) },
		{ .off = 70, .len_bytes = 30, .xxh3 = kd_xxh3(bytes + 70, 30) },
		{ .off = 90, .len_bytes = 11 },
		{ .off = UINT64_MAX, .len_bytes = UINT64_MAX },
	};
	struct kd_hash_check check;

	kd_digest_compare(&file, x, 0, &check);
	assert_int_equal(check.extents, 0);
	kd_digest_compare(&file, x, 2, &check);
	assert_int_equal(check.extents, 2);
	assert_int_equal(check.bytes, 100);
	assert_int_equal(check.bad, 0);
	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] ^= 4;
		kd_digest_compare(&file, x, 2, &check);
		bytes[i] ^= 4;
		assert_int_equal(check.bad, 1);
		assert_int_equal(check.first_bad_off, i < 70 ? 0 : 70);
		assert_int_equal(check.first_bad_len, i < 70 ? 70 : 30);
	}
	kd_digest_compare(&file, x, 4, &check);
	assert_int_equal(check.extents, 4);
	assert_int_equal(check.bad, 2);
	assert_int_equal(check.first_bad_off, 90);
	assert_int_equal(check.first_bad_len, 11);
}

static int dead_read_at(void *arg, uint64_t off, void *buf, size_t len, struct kd_err *err)
{
	return off < 70 ? kd_fail(err, KD_SYS, "Input/output error")
			: bytes_read_at(arg, off, buf, len, err);
}

static void test_ranges_that_cannot_be_read_are_bad(void **state)
{
	uint8_t bytes[100] = { 0 }, room[64];
	struct bytes b = { .p = bytes, .len = sizeof(bytes) };
	struct kd_digest_file file = digest_file(&b, room);
	const struct kd_hashed_extent x[] = {
		{ .off = 10, .len_bytes = 10, .xxh3 = kd_xxh3(bytes, 10) },
		{ .off = 70, .len_bytes = 10, .xxh3 = kd_xxh3(bytes, 10) },
	};
	struct kd_hash_check check;

	file.read_at = dead_read_at;
	kd_digest_compare(&file, x, 2, &check);
	assert_int_equal(check.extents, 2);
	assert_int_equal(check.bad, 1);
	assert_int_equal(check.first_bad_off, 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_digests_find_each_changed_bit),
		cmocka_unit_test(test_digests_that_lie),
		cmocka_unit_test(test_digests_of_another_algorithm),
		cmocka_unit_test(test_ranges_from_elsewhere),
		cmocka_unit_test(test_ranges_that_cannot_be_read_are_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
