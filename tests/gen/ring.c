/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's log as it lies in memory. The rules by which a record finds its
 * place follow Linux kernel/printk/printk_ringbuffer.c (since v5.10), in their
 * single-threaded form: ids start just below 0 so that they wrap early, positions
 * too; a block that would cross the end goes to the start and is noted in both
 * places; old records are pushed out when descriptors or text run short.
 */
#include "lib/ondisk/put.h"
#include "tests/gen/internal.h"

#include <stdlib.h>
#include <string.h>

enum {
	ID_BYTES = 8,
	STATE_SHIFT = 62,
	/* sizes and offsets of the structures as stored, those of an x86_64 kernel 6.1 */
	RB_BYTES = 88,
	DESC_BYTES = 24,
	INFO_BYTES = 88,
	NO_LPOS = 3,
};

static const uint64_t id_mask = ~(3ULL << STATE_SHIFT);

static uint64_t count(const struct kd_gen_ring *r)
{
	return 1ULL << r->count_bits;
}

static uint64_t size(const struct kd_gen_ring *r)
{
	return 1ULL << r->size_bits;
}

static uint64_t state_var(uint64_t id, enum kd_gen_state state)
{
	return id | (uint64_t)state << STATE_SHIFT;
}

struct kd_gen_ring *kd_gen_ring_new(unsigned int count_bits, unsigned int size_bits)
{
	struct kd_gen_ring *r = kd_gen_alloc(1, sizeof(*r));

	r->count_bits = count_bits;
	r->size_bits = size_bits;
	r->descs = kd_gen_alloc(count(r), sizeof(*r->descs));
	r->infos = kd_gen_alloc(count(r), sizeof(*r->infos));
	r->text = kd_gen_alloc(1, size(r));
	r->head_id = r->tail_id = (0 - (count(r) + 1)) & id_mask;
	r->head_lpos = r->tail_lpos = 0 - size(r);
	/* The descriptor before the first: it never holds a record. */
	struct kd_gen_desc *d = &r->descs[count(r) - 1];
	*d = (struct kd_gen_desc){ state_var(r->head_id, KD_GEN_REUSABLE), 1, 1 };
	return r;
}

void kd_gen_ring_free(struct kd_gen_ring *r)
{
	if (!r)
		return;
	free(r->descs);
	free(r->infos);
	free(r->text);
	free(r);
}

void kd_gen_ring_freep(struct kd_gen_ring **r)
{
	kd_gen_ring_free(*r);
}

static struct kd_gen_desc *desc_of(struct kd_gen_ring *r, uint64_t id)
{
	return &r->descs[id & (count(r) - 1)];
}

static uint64_t read_id(const struct kd_gen_ring *r, uint64_t lpos)
{
	uint64_t id = 0;

	for (unsigned int i = 0; i < ID_BYTES; i++)
		id |= (uint64_t)r->text[(lpos & (size(r) - 1)) + i] << (8 * i);
	return id;
}

static void reuse(struct kd_gen_ring *r, uint64_t id)
{
	desc_of(r, id)->state_var = state_var(id, KD_GEN_REUSABLE);
}

/* Gives up blocks of text until @until may be overwritten. */
static void push_text_tail(struct kd_gen_ring *r, uint64_t until)
{
	while (r->tail_lpos != r->head_lpos && until - r->tail_lpos - 1 < size(r)) {
		uint64_t id = read_id(r, r->tail_lpos);
		uint64_t next = desc_of(r, id)->next;
		reuse(r, id);
		r->tail_lpos = next;
	}
}

static uint64_t new_descriptor(struct kd_gen_ring *r)
{
	uint64_t id = (r->head_id + 1) & id_mask;

	if (((id - count(r)) & id_mask) == r->tail_id) {
		struct kd_gen_desc *d = desc_of(r, r->tail_id);
		if (d->state_var >> STATE_SHIFT != KD_GEN_REUSABLE && !(d->begin & 1))
			push_text_tail(r, d->next);
		reuse(r, r->tail_id);
		r->tail_id = (r->tail_id + 1) & id_mask;
	}
	r->head_id = id;
	return id;
}

static size_t add(struct kd_gen_ring *r, uint64_t id, enum kd_gen_state state, uint64_t ts_nsec,
		  size_t len, uint64_t begin, uint64_t next)
{
	size_t index = (size_t)(id & (count(r) - 1));

	r->descs[index] = (struct kd_gen_desc){ state_var(id, state), begin, next };
	r->infos[index] = (struct kd_gen_record){
		.seq = r->next_seq++,
		.ts_nsec = ts_nsec,
		.text_len = (uint16_t)len,
		.caller_id = 0x80000001,
	};
	return index;
}

size_t kd_gen_log(struct kd_gen_ring *r, enum kd_gen_state state, uint64_t ts_nsec,
		  const char *text, size_t len)
{
	uint64_t id = new_descriptor(r);
	uint64_t block = (ID_BYTES + len + 7) / 8 * 8;

	if (block >= size(r) / 2)
		kd_gen_die("a record of %zu bytes does not fit into the log", len);
	uint64_t begin = r->head_lpos, next = begin + block, at = begin & (size(r) - 1);
	bool wraps = begin >> r->size_bits != next >> r->size_bits;
	if (wraps)
		next = (next >> r->size_bits << r->size_bits) + block;
	push_text_tail(r, next - size(r));
	kd_put_u64(r->text + at, id);
	if (wraps) {
		at = 0;
		kd_put_u64(r->text, id);
	}
	memcpy(r->text + at + ID_BYTES, text, len);
	r->head_lpos = next;
	return add(r, id, state, ts_nsec, len, begin, next);
}

size_t kd_gen_log_empty(struct kd_gen_ring *r, uint64_t ts_nsec)
{
	return add(r, new_descriptor(r), KD_GEN_FINALIZED, ts_nsec, 0, NO_LPOS, NO_LPOS);
}

/* ---- in memory: pointer, head, descriptors, records, text ---- */

static uint64_t descs_at(void)
{
	return 128;
}

static uint64_t infos_at(const struct kd_gen_ring *r)
{
	return descs_at() + count(r) * DESC_BYTES;
}

static uint64_t text_at(const struct kd_gen_ring *r)
{
	return (infos_at(r) + count(r) * INFO_BYTES + 7) / 8 * 8;
}

size_t kd_gen_ring_bytes(const struct kd_gen_ring *r)
{
	return (size_t)(text_at(r) + size(r));
}

static void tell(struct kd_gen *g, uint64_t vaddr)
{
	kd_gen_info(g,
		    "SYMBOL(prb)=%jx\nSYMBOL(printk_rb_static)=%jx\nSYMBOL(clear_seq)=%jx\n"
		    "SIZE(printk_ringbuffer)=%d\nOFFSET(printk_ringbuffer.desc_ring)=0\n"
		    "OFFSET(printk_ringbuffer.text_data_ring)=48\n"
		    "OFFSET(printk_ringbuffer.fail)=80\nSIZE(prb_desc_ring)=48\n"
		    "OFFSET(prb_desc_ring.count_bits)=0\nOFFSET(prb_desc_ring.descs)=8\n"
		    "OFFSET(prb_desc_ring.infos)=16\nOFFSET(prb_desc_ring.head_id)=24\n"
		    "OFFSET(prb_desc_ring.tail_id)=32\nSIZE(prb_desc)=%d\n"
		    "OFFSET(prb_desc.state_var)=0\nOFFSET(prb_desc.text_blk_lpos)=8\n"
		    "SIZE(prb_data_blk_lpos)=16\nOFFSET(prb_data_blk_lpos.begin)=0\n"
		    "OFFSET(prb_data_blk_lpos.next)=8\nSIZE(printk_info)=%d\n",
		    (uintmax_t)vaddr, (uintmax_t)vaddr + 8, (uintmax_t)vaddr + 104, RB_BYTES,
		    DESC_BYTES, INFO_BYTES);
	kd_gen_info(g, "OFFSET(printk_info.seq)=0\nOFFSET(printk_info.ts_nsec)=8\n"
		       "OFFSET(printk_info.text_len)=16\nOFFSET(printk_info.caller_id)=20\n"
		       "OFFSET(printk_info.dev_info)=24\nSIZE(dev_printk_info)=64\n"
		       "OFFSET(dev_printk_info.subsystem)=0\nLENGTH(printk_info_subsystem)=16\n"
		       "OFFSET(dev_printk_info.device)=16\nLENGTH(printk_info_device)=48\n"
		       "SIZE(prb_data_ring)=32\nOFFSET(prb_data_ring.size_bits)=0\n"
		       "OFFSET(prb_data_ring.data)=8\nOFFSET(prb_data_ring.head_lpos)=16\n"
		       "OFFSET(prb_data_ring.tail_lpos)=24\nSIZE(atomic_long_t)=8\n"
		       "OFFSET(atomic_long_t.counter)=0\nSIZE(latched_seq)=24\n"
		       "OFFSET(latched_seq.val)=8\n");
}

void kd_gen_ring_store(struct kd_gen *g, const struct kd_gen_ring *r, uint64_t paddr,
		       uint64_t vaddr)
{
	uint64_t rb = paddr + 8;

	kd_gen_put(g, paddr, vaddr + 8, 8);
	kd_gen_put(g, rb, r->count_bits, 4);
	kd_gen_put(g, rb + 8, vaddr + descs_at(), 8);
	kd_gen_put(g, rb + 16, vaddr + infos_at(r), 8);
	kd_gen_put(g, rb + 24, r->head_id, 8);
	kd_gen_put(g, rb + 32, r->tail_id, 8);
	kd_gen_put(g, rb + 48, r->size_bits, 4);
	kd_gen_put(g, rb + 56, vaddr + text_at(r), 8);
	kd_gen_put(g, rb + 64, r->head_lpos, 8);
	kd_gen_put(g, rb + 72, r->tail_lpos, 8);
	for (uint64_t i = 0; i < count(r); i++) {
		uint64_t d = paddr + descs_at() + i * DESC_BYTES;
		kd_gen_put(g, d, r->descs[i].state_var, 8);
		kd_gen_put(g, d + 8, r->descs[i].begin, 8);
		kd_gen_put(g, d + 16, r->descs[i].next, 8);

		uint64_t n = paddr + infos_at(r) + i * INFO_BYTES;
		kd_gen_put(g, n, r->infos[i].seq, 8);
		kd_gen_put(g, n + 8, r->infos[i].ts_nsec, 8);
		kd_gen_put(g, n + 16, r->infos[i].text_len, 2);
		kd_gen_put(g, n + 20, r->infos[i].caller_id, 4);
	}
	kd_gen_write(g, paddr + text_at(r), r->text, (size_t)size(r));
	tell(g, vaddr);
}
