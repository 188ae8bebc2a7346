/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/base/xxh3.h"
#include "lib/format/format.h"
#include "lib/ondisk/put.h"

#include <string.h>

enum {
	VERSION = 1,
	ALGORITHM_XXH3 = 2,	  /* 1 was XXH64, which no released version wrote */
	FOOTER_HASHED_BYTES = 16, /* of the footer: what stands before its hash */
	RECORDS_AT_ONCE = 128,
};

static const uint8_t magic[8] = "KDDIGEST";

void kd_digest_encode_record(uint8_t out[KD_DIGEST_RECORD_BYTES], const struct kd_hashed_extent *r)
{
	kd_put_u64(out, r->off);
	kd_put_u64(out + 8, r->len_bytes);
	kd_put_u64(out + 16, r->xxh3);
}

void kd_digest_encode_footer(uint8_t out[KD_DIGEST_FOOTER_BYTES], const uint8_t *records, size_t n)
{
	struct kd_xxh3 h;

	kd_put_u32(out, VERSION);
	kd_put_u32(out + 4, ALGORITHM_XXH3);
	kd_put_u64(out + 8, n);
	kd_xxh3_init(&h);
	kd_xxh3_update(&h, records, n * KD_DIGEST_RECORD_BYTES);
	kd_xxh3_update(&h, out, FOOTER_HASHED_BYTES);
	kd_put_u64(out + 16, kd_xxh3_digest(&h));
	memcpy(out + 24, magic, sizeof(magic));
}

struct verifier {
	int (*read_at)(void *arg, uint64_t off, void *buf, size_t len, struct kd_err *err);
	void *arg;
	uint64_t records; /* offset of the first */
	uint64_t n;
	uint64_t table_xxh3;
	uint8_t *room;
	size_t room_len;
};

static int bad_records(struct kd_err *err, const char *what)
{
	return kd_fail(err, KD_BADDATA, "the hashes at the end of the file are damaged: %s", what);
}

static int hash_range(const struct verifier *v, uint64_t off, uint64_t len, struct kd_xxh3 *h,
		      struct kd_err *err)
{
	while (len > 0) {
		size_t n = len < v->room_len ? (size_t)len : v->room_len;
		int rc = v->read_at(v->arg, off, v->room, n, err);
		if (rc)
			return rc;
		kd_xxh3_update(h, v->room, n);
		off += n;
		len -= n;
	}
	return 0;
}

/* 1: v->records and v->n are right; 0: there are no hashes. */
static int read_footer(struct verifier *v, uint64_t size, struct kd_err *err)
{
	uint8_t footer[KD_DIGEST_FOOTER_BYTES];
	struct kd_xxh3 h;

	if (size < sizeof(footer))
		return 0;
	int rc = v->read_at(v->arg, size - sizeof(footer), footer, sizeof(footer), err);
	if (rc)
		return rc;

	struct kd_cursor c = { .p = footer, .end = footer + sizeof(footer) };
	uint32_t version = kd_cursor_u32(&c);
	uint32_t algorithm = kd_cursor_u32(&c);
	uint64_t n = kd_cursor_u64(&c);
	uint64_t want = kd_cursor_u64(&c);
	if (memcmp(kd_cursor_bytes(&c, sizeof(magic)), magic, sizeof(magic)) != 0)
		return 0;
	if (version != VERSION || algorithm != ALGORITHM_XXH3)
		return kd_fail(err, KD_NOTSUP,
			       "hashes of version %u, algorithm %u: only version %d, algorithm %d "
			       "(XXH3) is known here: use the kdumpkit that wrote them",
			       version, algorithm, VERSION, ALGORITHM_XXH3);
	if (n > (size - sizeof(footer)) / KD_DIGEST_RECORD_BYTES)
		return bad_records(err, "more are announced than there is room for");
	v->n = n;
	v->records = size - sizeof(footer) - n * KD_DIGEST_RECORD_BYTES;

	kd_xxh3_init(&h);
	rc = hash_range(v, v->records, n * KD_DIGEST_RECORD_BYTES, &h, err);
	if (rc)
		return rc;
	kd_xxh3_update(&h, footer, FOOTER_HASHED_BYTES);
	if (kd_xxh3_digest(&h) != want)
		return bad_records(err, "their own hash does not fit");
	kd_xxh3_update(&h, footer + FOOTER_HASHED_BYTES, sizeof(footer) - FOOTER_HASHED_BYTES);
	v->table_xxh3 = kd_xxh3_digest(&h);
	return 1;
}

static int check_range(const struct verifier *v, const struct kd_hashed_extent *r,
		       struct kd_digest_check *ret, struct kd_err *err)
{
	struct kd_xxh3 h;

	if (r->off > v->records || r->len_bytes > v->records - r->off)
		return bad_records(err, "a range lies behind the end of the dump");
	kd_xxh3_init(&h);
	int rc = hash_range(v, r->off, r->len_bytes, &h, err);
	if (rc)
		return rc;
	ret->ranges++;
	ret->bytes += r->len_bytes;
	if (kd_xxh3_digest(&h) == r->xxh3)
		return 0;
	if (ret->bad_ranges++ == 0) {
		ret->first_bad = r->off;
		ret->first_bad_len = r->len_bytes;
	}
	return 0;
}

int kd_digest_verify(int (*read_at)(void *arg, uint64_t off, void *buf, size_t len,
				    struct kd_err *err),
		     void *arg, uint64_t size, uint8_t *room, size_t room_len,
		     struct kd_digest_check *ret, struct kd_err *err)
{
	struct verifier v = { .read_at = read_at, .arg = arg, .room = room, .room_len = room_len };
	uint8_t records[RECORDS_AT_ONCE * KD_DIGEST_RECORD_BYTES];
	struct kd_digest_check check = { 0 };
	uint64_t last_end = 0;
	int rc = read_footer(&v, size, err);

	if (rc <= 0) {
		if (rc == 0)
			*ret = check;
		return rc;
	}
	check.present = true;
	check.table_xxh3 = v.table_xxh3;
	for (uint64_t done = 0; done < v.n;) {
		size_t n = v.n - done < RECORDS_AT_ONCE ? (size_t)(v.n - done) : RECORDS_AT_ONCE;
		rc = read_at(arg, v.records + done * KD_DIGEST_RECORD_BYTES, records,
			     n * KD_DIGEST_RECORD_BYTES, err);
		if (rc)
			return rc;
		struct kd_cursor c = { .p = records, .end = records + sizeof(records) };
		for (size_t i = 0; i < n; i++) {
			struct kd_hashed_extent r = { 0 };
			r.off = kd_cursor_u64(&c);
			r.len_bytes = kd_cursor_u64(&c);
			r.xxh3 = kd_cursor_u64(&c);
			/* Rising and apart: so the work is bounded by the size of the file. */
			if (r.off < last_end)
				return bad_records(err, "ranges overlap");
			rc = check_range(&v, &r, &check, err);
			if (rc)
				return rc;
			last_end = r.off + r.len_bytes;
		}
		done += n;
	}
	*ret = check;
	return 0;
}
