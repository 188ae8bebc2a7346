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

/* Where the table stands. */
struct table {
	uint64_t records; /* offset of the first */
	uint64_t n;
	uint64_t xxh3;
};

static int bad_records(struct kd_err *err, const char *what)
{
	return kd_fail(err, KD_BADDATA, "the hashes at the end of the file are damaged: %s", what);
}

static int hash_range(const struct kd_digest_file *f, uint64_t off, uint64_t len, struct kd_xxh3 *h,
		      struct kd_err *err)
{
	while (len > 0) {
		size_t n = len < f->room_len ? (size_t)len : f->room_len;
		int rc = f->read_at(f->arg, off, f->room, n, err);
		if (rc)
			return rc;
		kd_xxh3_update(h, f->room, n);
		off += n;
		len -= n;
	}
	return 0;
}

/* 1: @t is right; 0: there are no hashes. */
static int read_footer(const struct kd_digest_file *f, struct table *t, struct kd_err *err)
{
	uint8_t footer[KD_DIGEST_FOOTER_BYTES];
	struct kd_xxh3 h;

	if (f->size < sizeof(footer))
		return 0;
	int rc = f->read_at(f->arg, f->size - sizeof(footer), footer, sizeof(footer), err);
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
	if (n > (f->size - sizeof(footer)) / KD_DIGEST_RECORD_BYTES)
		return bad_records(err, "more are announced than there is room for");
	t->n = n;
	t->records = f->size - sizeof(footer) - n * KD_DIGEST_RECORD_BYTES;

	kd_xxh3_init(&h);
	rc = hash_range(f, t->records, n * KD_DIGEST_RECORD_BYTES, &h, err);
	if (rc)
		return rc;
	kd_xxh3_update(&h, footer, FOOTER_HASHED_BYTES);
	if (kd_xxh3_digest(&h) != want)
		return bad_records(err, "their own hash does not fit");
	kd_xxh3_update(&h, footer + FOOTER_HASHED_BYTES, sizeof(footer) - FOOTER_HASHED_BYTES);
	t->xxh3 = kd_xxh3_digest(&h);
	return 1;
}

static void note_extent(struct kd_hash_check *check, const struct kd_hashed_extent *x, bool good)
{
	check->extents++;
	check->bytes += x->len_bytes;
	if (!good && check->bad++ == 0) {
		check->first_bad_off = x->off;
		check->first_bad_len = x->len_bytes;
	}
}

static int compare(const struct kd_digest_file *f, const struct kd_hashed_extent *x,
		   struct kd_hash_check *check, struct kd_err *err)
{
	struct kd_xxh3 h;

	kd_xxh3_init(&h);
	int rc = hash_range(f, x->off, x->len_bytes, &h, err);
	if (rc)
		return rc;
	note_extent(check, x, kd_xxh3_digest(&h) == x->xxh3);
	return 0;
}

static bool is_inside(const struct kd_hashed_extent *x, uint64_t size)
{
	return x->off <= size && x->len_bytes <= size - x->off;
}

void kd_digest_compare(const struct kd_digest_file *file, const struct kd_hashed_extent *extents,
		       size_t n, struct kd_hash_check *ret)
{
	*ret = (struct kd_hash_check){ 0 };
	for (size_t i = 0; i < n; i++) {
		const struct kd_hashed_extent *x = &extents[i];
		if (!is_inside(x, file->size) || compare(file, x, ret, NULL))
			note_extent(ret, x, false);
	}
}

static int compare_ranges(const struct kd_digest_file *f, const struct table *t,
			  struct kd_hash_check *check, struct kd_err *err)
{
	uint8_t records[RECORDS_AT_ONCE * KD_DIGEST_RECORD_BYTES];
	uint64_t last_end = 0;

	for (uint64_t done = 0; done < t->n;) {
		size_t n = t->n - done < RECORDS_AT_ONCE ? (size_t)(t->n - done) : RECORDS_AT_ONCE;
		int rc = f->read_at(f->arg, t->records + done * KD_DIGEST_RECORD_BYTES, records,
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
			if (!is_inside(&r, t->records))
				return bad_records(err, "a range lies behind the end of the dump");
			rc = compare(f, &r, check, err);
			if (rc)
				return rc;
			last_end = r.off + r.len_bytes;
		}
		done += n;
	}
	return 0;
}

int kd_digest_verify(const struct kd_digest_file *file, enum kd_digest_depth depth,
		     struct kd_digest_check *ret, struct kd_err *err)
{
	struct kd_digest_check check = { 0 };
	struct table t = { 0 };
	int rc = read_footer(file, &t, err);

	if (rc < 0)
		return rc;
	check.present = rc == 1;
	check.table_xxh3 = t.xxh3;
	rc = check.present && depth == KD_DIGEST_RANGES
		     ? compare_ranges(file, &t, &check.ranges, err)
		     : 0;
	if (rc)
		return rc;
	*ret = check;
	return 0;
}
