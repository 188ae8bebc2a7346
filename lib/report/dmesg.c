/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/report/dmesg.h"

#include "lib/arch/arch.h"
#include "vmcoreinfo/vmcoreinfo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	/* How many descriptors and records are read at once. */
	AT_ONCE = 1024,
	/* How much of the text is read at once: larger than any record (text_len has 16 bits). */
	TEXT_BYTES = 256 << 10,
	OUT_BYTES = 16 << 10,
	/* Bounds for sizes a dump claims: today's are 88, 24 and 88. */
	MAX_STRUCT_BYTES = 1024,
	/* log_buf_len= is at most 2 GiB (Linux kernel/printk/printk.c, LOG_BUF_LEN_MAX). */
	MAX_SIZE_BITS = 31,
	MAX_COUNT_BITS = 26,
	/* Each block of text starts with the id of its descriptor. */
	BLOCK_ID_BYTES = 8,
	STATE_SHIFT = 62,
};

/* Linux kernel/printk/printk_ringbuffer.h, enum desc_state; others hold no record. */
enum { DESC_COMMITTED = 1, DESC_FINALIZED = 2 };

static const uint64_t id_mask = UINT64_MAX >> (64 - STATE_SHIFT);

/* Sizes and offsets, in bytes, as vmcoreinfo tells them. */
struct layout {
	uint64_t prb; /* address of the pointer to the ring buffer */
	uint64_t rb_size, rb_desc_ring, rb_text_data_ring;
	uint64_t dr_count_bits, dr_descs, dr_infos, dr_head_id, dr_tail_id;
	uint64_t desc_size, desc_state_var, desc_text_blk_lpos;
	uint64_t lpos_begin, lpos_next;
	uint64_t info_size, info_seq, info_ts_nsec, info_text_len;
	uint64_t data_size_bits, data_data;
	uint64_t counter; /* in an atomic_long_t */
};

struct ring {
	struct kd_vmcore *core;
	struct kd_arch *arch; /* where the segments do not tell virtual addresses */
	struct layout at;
	unsigned int count_bits, size_bits;
	uint64_t descs, infos, text; /* virtual addresses */
	uint64_t head_id, tail_id;

	uint8_t *desc_buf; /* AT_ONCE descriptors */
	uint8_t *info_buf; /* AT_ONCE records' properties */
	uint8_t *text_buf; /* a piece of the text: */
	uint64_t text_off;
	size_t text_len;

	kd_dmesg_out_fn *out;
	void *arg;
	char *out_buf;
	size_t out_len;
	struct kd_dmesg_stats *stats;
	struct kd_err unreadable; /* the first piece that could not be read */
};

/* ---- reading numbers out of structures ---- */

/* @at is where the field starts; 0 where it does not lie in the @len bytes of @base. */
static uint64_t field(const struct ring *r, const uint8_t *base, uint64_t len, uint64_t at,
		      unsigned int bytes)
{
	struct kd_cursor c = {
		.p = base,
		.end = base + len,
		.big_endian = kd_vmcore_is_big_endian(r->core),
	};

	kd_cursor_skip(&c, at);
	switch (bytes) {
	case 2:
		return kd_cursor_u16(&c);
	case 4:
		return kd_cursor_u32(&c);
	default:
		return kd_cursor_u64(&c);
	}
}

/*
 * The segments of /proc/vmcore tell where virtual addresses lie; that needs no page
 * tables, which may be what was damaged. Other dumps need them.
 */
static int read_memory(struct ring *r, uint64_t vaddr, void *buf, size_t len, struct kd_err *err)
{
	uint64_t paddr, there;

	if (kd_vmcore_vaddr_to_paddr(r->core, vaddr, &paddr, &there))
		return kd_vmcore_read_vaddr(r->core, vaddr, buf, len, err);
	if (!r->arch) {
		int rc = kd_arch_open(r->core, &r->arch, err);
		if (rc)
			return rc;
	}
	return kd_arch_read(r->arch, vaddr, buf, len, err);
}

/* ---- what vmcoreinfo says ---- */

enum kind { SYMBOL, SIZE, OFFSET };

static int find_layout(const struct kd_vmcoreinfo *info, struct layout *l, struct kd_err *err)
{
	const struct {
		enum kind kind;
		const char *name;
		uint64_t *to;
	} wanted[] = {
		{ SYMBOL, "prb", &l->prb },
		{ SIZE, "printk_ringbuffer", &l->rb_size },
		{ OFFSET, "printk_ringbuffer.desc_ring", &l->rb_desc_ring },
		{ OFFSET, "printk_ringbuffer.text_data_ring", &l->rb_text_data_ring },
		{ OFFSET, "prb_desc_ring.count_bits", &l->dr_count_bits },
		{ OFFSET, "prb_desc_ring.descs", &l->dr_descs },
		{ OFFSET, "prb_desc_ring.infos", &l->dr_infos },
		{ OFFSET, "prb_desc_ring.head_id", &l->dr_head_id },
		{ OFFSET, "prb_desc_ring.tail_id", &l->dr_tail_id },
		{ SIZE, "prb_desc", &l->desc_size },
		{ OFFSET, "prb_desc.state_var", &l->desc_state_var },
		{ OFFSET, "prb_desc.text_blk_lpos", &l->desc_text_blk_lpos },
		{ OFFSET, "prb_data_blk_lpos.begin", &l->lpos_begin },
		{ OFFSET, "prb_data_blk_lpos.next", &l->lpos_next },
		{ SIZE, "printk_info", &l->info_size },
		{ OFFSET, "printk_info.seq", &l->info_seq },
		{ OFFSET, "printk_info.ts_nsec", &l->info_ts_nsec },
		{ OFFSET, "printk_info.text_len", &l->info_text_len },
		{ OFFSET, "prb_data_ring.size_bits", &l->data_size_bits },
		{ OFFSET, "prb_data_ring.data", &l->data_data },
		{ OFFSET, "atomic_long_t.counter", &l->counter },
	};
	static const char *const kinds[] = { "SYMBOL", "SIZE", "OFFSET" };

	for (size_t i = 0; i < KD_ARRAY_LEN(wanted); i++) {
		uint64_t v = 0;
		int found = 0;

		switch (wanted[i].kind) {
		case SYMBOL:
			found = kd_vmcoreinfo_symbol(info, wanted[i].name, &v);
			break;
		case SIZE:
			found = kd_vmcoreinfo_size(info, wanted[i].name, &v);
			break;
		case OFFSET:
			found = kd_vmcoreinfo_offset(info, wanted[i].name, &v);
			break;
		}
		if (!found)
			return kd_fail(err, KD_NOTSUP,
				       "vmcoreinfo has no %s(%s): a kernel before 5.10, or one "
				       "that does not describe its log",
				       kinds[wanted[i].kind], wanted[i].name);
		if (wanted[i].kind != SYMBOL && v > MAX_STRUCT_BYTES)
			return kd_fail(err, KD_BADDATA, "vmcoreinfo: %s(%s)=%ju cannot be",
				       kinds[wanted[i].kind], wanted[i].name, (uintmax_t)v);
		*wanted[i].to = v;
	}
	if (l->rb_size == 0 || l->desc_size == 0 || l->info_size == 0)
		return kd_fail(err, KD_BADDATA, "vmcoreinfo: a structure of the log has size 0");
	return 0;
}

/* ---- opening the ring ---- */

static int read_ring(struct ring *r, struct kd_err *err)
{
	const struct layout *at = &r->at;
	uint8_t pointer[8], rb[MAX_STRUCT_BYTES];

	int rc = read_memory(r, at->prb, pointer, sizeof(pointer), err);
	if (rc)
		return kd_wrap(err, "pointer to the log");
	rc = read_memory(r, field(r, pointer, sizeof(pointer), 0, 8), rb, at->rb_size, err);
	if (rc)
		return kd_wrap(err, "head of the log");

	uint64_t desc_ring = at->rb_desc_ring, data_ring = at->rb_text_data_ring;
	uint64_t count_bits = field(r, rb, at->rb_size, desc_ring + at->dr_count_bits, 4);
	uint64_t size_bits = field(r, rb, at->rb_size, data_ring + at->data_size_bits, 4);
	if (count_bits == 0 || count_bits > MAX_COUNT_BITS || size_bits < 4 ||
	    size_bits > MAX_SIZE_BITS)
		return kd_fail(err, KD_BADDATA,
			       "head of the log: 2^%ju records and 2^%ju bytes of text cannot be",
			       (uintmax_t)count_bits, (uintmax_t)size_bits);
	r->count_bits = (unsigned int)count_bits;
	r->size_bits = (unsigned int)size_bits;
	r->descs = field(r, rb, at->rb_size, desc_ring + at->dr_descs, 8);
	r->infos = field(r, rb, at->rb_size, desc_ring + at->dr_infos, 8);
	r->head_id = field(r, rb, at->rb_size, desc_ring + at->dr_head_id + at->counter, 8) &
		     id_mask;
	r->tail_id = field(r, rb, at->rb_size, desc_ring + at->dr_tail_id + at->counter, 8) &
		     id_mask;
	r->text = field(r, rb, at->rb_size, data_ring + at->data_data, 8);
	return 0;
}

static int allocate(struct ring *r, struct kd_err *err)
{
	r->desc_buf = malloc(AT_ONCE * r->at.desc_size);
	r->info_buf = malloc(AT_ONCE * r->at.info_size);
	r->text_buf = malloc(TEXT_BYTES);
	r->out_buf = malloc(OUT_BYTES);
	if (!r->desc_buf || !r->info_buf || !r->text_buf || !r->out_buf)
		return kd_fail(err, KD_NOMEM, "no memory to read the log");
	return 0;
}

static void ring_fini(struct ring *r)
{
	kd_arch_close(r->arch);
	free(r->desc_buf);
	free(r->info_buf);
	free(r->text_buf);
	free(r->out_buf);
}

/* ---- writing ---- */

static int flush(struct ring *r, struct kd_err *err)
{
	size_t len = r->out_len;

	r->out_len = 0;
	if (len == 0)
		return 0;
	r->stats->bytes += len;
	return r->out(r->arg, r->out_buf, len, err);
}

/* Room for @len more bytes, which is far less than the buffer holds. */
static int make_room(struct ring *r, size_t len, struct kd_err *err)
{
	return OUT_BYTES - r->out_len < len ? flush(r, err) : 0;
}

static bool is_plain(uint8_t byte)
{
	return (byte >= 0x20 && byte < 0x7f) || (byte >= '\t' && byte <= '\r');
}

static int write_byte(struct ring *r, uint8_t byte, int indent, struct kd_err *err)
{
	enum { LONGEST = 64 };

	int rc = make_room(r, LONGEST, err);
	if (rc)
		return rc;
	char *to = r->out_buf + r->out_len;
	if (byte == '\n') {
		r->stats->lines++;
		r->out_len += (size_t)snprintf(to, LONGEST, "\n%*s", indent, "");
	} else if (is_plain(byte)) {
		*to = (char)byte;
		r->out_len++;
	} else {
		/* A sign-extended byte, as makedumpfile prints it: see the header. */
		r->out_len += (size_t)snprintf(to, LONGEST, "\\x%02x",
					       (unsigned int)(int)(int8_t)byte);
	}
	return 0;
}

static int write_record(struct ring *r, uint64_t ts_nsec, const uint8_t *text, size_t len,
			struct kd_err *err)
{
	enum { LONGEST = 64 };

	int rc = make_room(r, LONGEST, err);
	if (rc)
		return rc;
	int indent = snprintf(r->out_buf + r->out_len, LONGEST, "[%5ju.%06ju] ",
			      (uintmax_t)(ts_nsec / 1000000000),
			      (uintmax_t)(ts_nsec % 1000000000 / 1000));
	r->out_len += (size_t)indent;
	for (size_t i = 0; i < len; i++) {
		rc = write_byte(r, text[i], indent, err);
		if (rc)
			return rc;
	}
	rc = make_room(r, 1, err);
	if (rc)
		return rc;
	r->out_buf[r->out_len++] = '\n';
	r->stats->lines++;
	r->stats->records++;
	return 0;
}

/* ---- records ---- */

static void note_unreadable(struct ring *r, const struct kd_err *err)
{
	if (!r->unreadable.code)
		r->unreadable = *err;
}

/* @len bytes of text at @off, both inside the ring; NULL where they cannot be read. */
static const uint8_t *text_at(struct ring *r, uint64_t off, size_t len)
{
	uint64_t left = ((uint64_t)1 << r->size_bits) - off;
	struct kd_err err;

	if (off >= r->text_off && off - r->text_off <= r->text_len &&
	    len <= r->text_len - (off - r->text_off))
		return r->text_buf + (off - r->text_off);

	/* As much as fits, and if that cannot be read just what is needed. */
	size_t n = left < TEXT_BYTES ? (size_t)left : TEXT_BYTES;
	r->text_len = 0;
	if (read_memory(r, r->text + off, r->text_buf, n, &err)) {
		n = len;
		if (read_memory(r, r->text + off, r->text_buf, n, &err)) {
			note_unreadable(r, &err);
			return NULL;
		}
	}
	r->text_off = off;
	r->text_len = n;
	return r->text_buf;
}

/*
 * Where the block of a record lies. A block that would cross the end of the ring
 * is put at its start instead, and one that ends exactly there too, until the
 * change "printk: ringbuffer: don't needlessly wrap data blocks around" (v6.19)
 * let that stay. `next` differs between the two, so both are told apart.
 */
static bool place_block(const struct ring *r, uint64_t begin, uint64_t next, uint64_t *off_ret,
			uint64_t *len_ret)
{
	uint64_t mask = ((uint64_t)1 << r->size_bits) - 1;
	uint64_t begin_wrap = begin >> r->size_bits, end_wrap = (next - 1) >> r->size_bits;

	if (begin_wrap == end_wrap && next - 1 >= begin) {
		*off_ret = begin & mask;
		*len_ret = next - begin;
	} else if (((begin_wrap + 1) & (UINT64_MAX >> r->size_bits)) == end_wrap) {
		*off_ret = 0;
		*len_ret = ((next - 1) & mask) + 1;
	} else {
		return false;
	}
	return *len_ret >= BLOCK_ID_BYTES;
}

static int take_record(struct ring *r, uint64_t id, const uint8_t *desc, const uint8_t *info,
		       struct kd_err *err)
{
	const struct layout *at = &r->at;
	uint64_t state_var = field(r, desc, at->desc_size, at->desc_state_var + at->counter, 8);
	uint64_t lpos = at->desc_text_blk_lpos;
	uint64_t begin = field(r, desc, at->desc_size, lpos + at->lpos_begin, 8);
	uint64_t next = field(r, desc, at->desc_size, lpos + at->lpos_next, 8);
	unsigned int state = (unsigned int)(state_var >> STATE_SHIFT);
	uint64_t off, block_len;

	if ((state_var & id_mask) != id || (state != DESC_COMMITTED && state != DESC_FINALIZED)) {
		r->stats->skipped++;
		return 0;
	}
	/* Odd positions mark a record without text: it never had any, or there was no room. */
	if ((begin & 1) && (next & 1)) {
		r->stats->skipped++;
		return 0;
	}
	if (!place_block(r, begin, next, &off, &block_len)) {
		r->stats->damaged++;
		return 0;
	}

	size_t len = field(r, info, at->info_size, at->info_text_len, 2);
	if (len > block_len - BLOCK_ID_BYTES)
		len = (size_t)(block_len - BLOCK_ID_BYTES);
	const uint8_t *block = text_at(r, off, BLOCK_ID_BYTES + len);
	if (!block) {
		r->stats->damaged++;
		return 0;
	}
	if (field(r, block, BLOCK_ID_BYTES, 0, 8) != id)
		r->stats->damaged++;

	uint64_t seq = field(r, info, at->info_size, at->info_seq, 8);
	if (r->stats->records == 0)
		r->stats->first_seq = seq;
	r->stats->last_seq = seq;
	return write_record(r, field(r, info, at->info_size, at->info_ts_nsec, 8),
			    block + BLOCK_ID_BYTES, len, err);
}

/* Descriptors and properties of @n records from @id, which lie side by side. */
static int take_batch(struct ring *r, uint64_t id, size_t n, struct kd_err *err)
{
	const struct layout *at = &r->at;
	uint64_t index = id & (((uint64_t)1 << r->count_bits) - 1);
	struct kd_err read_err;

	if (read_memory(r, r->descs + index * at->desc_size, r->desc_buf, n * at->desc_size,
			&read_err) ||
	    read_memory(r, r->infos + index * at->info_size, r->info_buf, n * at->info_size,
			&read_err)) {
		note_unreadable(r, &read_err);
		r->stats->damaged += n;
		return 0;
	}
	for (size_t i = 0; i < n; i++) {
		int rc = take_record(r, (id + i) & id_mask, r->desc_buf + i * at->desc_size,
				     r->info_buf + i * at->info_size, err);
		if (rc)
			return rc;
	}
	return 0;
}

static int walk(struct ring *r, struct kd_err *err)
{
	uint64_t ring_size = (uint64_t)1 << r->count_bits;
	uint64_t n = ((r->head_id - r->tail_id) & id_mask) + 1;
	uint64_t id = r->tail_id;

	/* More records than descriptors: the tail cannot be right, so take what the head has. */
	if (n > ring_size) {
		n = ring_size;
		id = (r->head_id - n + 1) & id_mask;
	}
	while (n) {
		uint64_t to_end = ring_size - (id & (ring_size - 1));
		uint64_t batch = n < AT_ONCE ? n : AT_ONCE;
		if (batch > to_end)
			batch = to_end;
		int rc = take_batch(r, id, (size_t)batch, err);
		if (rc)
			return rc;
		id = (id + batch) & id_mask;
		n -= batch;
	}
	return 0;
}

int kd_dmesg_write(struct kd_vmcore *core, kd_dmesg_out_fn *out, void *arg,
		   struct kd_dmesg_stats *stats, struct kd_err *err)
{
	struct kd_dmesg_stats own_stats = { 0 };
	KD_AUTO(ring_fini)
	struct ring r = {
		.core = core,
		.out = out,
		.arg = arg,
		.stats = stats ? stats : &own_stats,
	};

	*r.stats = (struct kd_dmesg_stats){ 0 };
	if (!kd_vmcore_info(core))
		return kd_fail(err, KD_NOTSUP, "%s has no vmcoreinfo, so its log cannot be found",
			       kd_vmcore_name(core));
	int rc = find_layout(kd_vmcore_info(core), &r.at, err);
	if (!rc)
		rc = read_ring(&r, err);
	if (!rc)
		rc = allocate(&r, err);
	if (!rc)
		rc = walk(&r, err);
	if (!rc)
		rc = flush(&r, err);
	if (rc)
		return kd_wrap(err, "kernel log");

	/* Some pieces missing is a log with gaps; all of them is no log. */
	if (r.stats->records == 0 && r.unreadable.code) {
		if (err)
			*err = r.unreadable;
		return kd_wrap(err, "kernel log");
	}
	return 0;
}
