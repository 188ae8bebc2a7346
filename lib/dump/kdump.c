/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing a diskdump: pages get their place here, in the order of their extents. */
#include "lib/dump/internal.h"

#include <string.h>

static int begin(struct kd_engine *e, struct kd_err *err)
{
	uint64_t descs_bytes = e->dump.n_keep * KD_DISKDUMP_DESC_BYTES;
	bool again = e->sink->rewritable, in_windows = e->order == KD_WALK_ROUNDS;
	int rc = kd_diskdump_plan(&e->dd, &e->dd_layout, err);

	if (rc)
		return rc;
	if (e->hash)
		kd_sink_hash_stream_from(e->hash,
					 in_windows ? e->dd_layout.data : e->dd_layout.descs);
	/* What of bitmaps and descriptors is zeros is never written. */
	rc = kd_sink_zero(e->sink, 0, e->dd_layout.data, err);
	/* What cannot be written a second time says how it ends at once: the stream's own end marker
	 * tells whether it is complete. */
	if (!rc)
		rc = kd_diskdump_write_head(&e->dd, &e->dd_layout,
					    again || e->result->input_incomplete, e->block, &e->out,
					    err);
	if (!rc)
		rc = kd_sink_reserve(e->sink, e->dd_layout.descs, descs_bytes, err);
	if (rc)
		return rc;

	kd_desc_table_init(&e->descs, e->descs.window, e->dd_layout.descs, e->dump.n_keep,
			   in_windows);
	kd_page_walk_init(&e->walk, &e->kept, e->order, e->block_pages);
	e->data_pos = e->dd_layout.data;
	e->checkpoint_pos = e->data_pos;
	e->synced_pos = e->data_pos;
	if (e->dump.n_keep == 0)
		return 0;

	/* The page of zeros comes first: that is how makedumpfile's --reassemble knows it. */
	e->zero = (struct kd_diskdump_desc){ .offset = e->data_pos, .size = e->page_size };
	memset(e->block, 0, e->page_size);
	e->data_pos += e->page_size;
	return kd_outbuf_put(&e->outbuf, e->zero.offset, e->block, e->page_size, err);
}

static bool next(struct kd_engine *e, struct kd_slot *s)
{
	uint64_t pfn, ordinal;

	while (s->n < e->extent_pages && kd_page_walk_next(&e->walk, &pfn, &ordinal))
		s->items[s->n++] = (struct kd_item){ .pfn = pfn,
						     .ordinal = ordinal,
						     .round = (uint8_t)e->walk.round };
	return s->n > 0;
}

/* Pages first, then the descriptors that point to them. */
static int checkpoint(struct kd_engine *e, struct kd_err *err)
{
	int rc = kd_outbuf_flush(&e->outbuf, err);

	if (!rc)
		rc = kd_desc_table_flush(&e->descs, &e->out, err);
	e->checkpoint_pos = e->data_pos;
	return rc;
}

static uint64_t checkpoint_bytes(const struct kd_engine *e)
{
	return e->flat ? KD_STREAM_CHECKPOINT_BYTES : KD_CHECKPOINT_BYTES;
}

static int make_room(struct kd_engine *e, uint64_t ordinal, struct kd_err *err)
{
	int rc = checkpoint(e, err);

	if (!rc)
		rc = kd_desc_table_move(&e->descs, ordinal, &e->out, err);
	return rc;
}

static int begin_round(struct kd_engine *e, unsigned int round, struct kd_err *err)
{
	int rc = checkpoint(e, err);

	if (rc)
		return rc;
	e->round = round;
	return kd_desc_table_rewind(&e->descs, &e->out, err);
}

/* Finds or makes the place of a page's bytes. */
static int place(struct kd_engine *e, const struct kd_slot *s, struct kd_item *item,
		 struct kd_diskdump_desc *ret, struct kd_err *err)
{
	const struct kd_diskdump_desc *seen = kd_same_find(&e->same, &item->hash);

	if (seen) {
		e->result->shared_pages++;
		*ret = *seen;
		return 0;
	}
	if (item->kind == KD_ITEM_KNOWN)
		return kd_fail(err, KD_BADDATA,
			       "page 0x%jx was found among those stored, and is gone: a bug of the "
			       "engine",
			       (uintmax_t)item->pfn);
	*ret = (struct kd_diskdump_desc){ .offset = e->data_pos,
					  .size = item->size,
					  .flags = item->flags };
	int rc = kd_outbuf_put(&e->outbuf, e->data_pos, s->buf + item->at, item->size, err);
	if (rc)
		return rc;
	e->data_pos += item->size;
	item->kind = KD_ITEM_STORED;
	if (item->flags == 0)
		e->result->raw_pages++;
	return 0;
}

static int write_item(struct kd_engine *e, struct kd_slot *s, size_t i,
		      struct kd_diskdump_desc descs[KD_EXTENT_PAGES], struct kd_err *err)
{
	struct kd_item *item = &s->items[i];
	int rc = 0;

	descs[i] = e->zero;
	switch (item->kind) {
	case KD_ITEM_ZERO:
		e->result->zero_pages++;
		break;
	case KD_ITEM_BAD:
		kd_engine_note_bad(e, item->pfn, &s->bad);
		break;
	case KD_ITEM_SAME:
		descs[i] = descs[item->same];
		e->result->shared_pages++;
		break;
	default:
		rc = place(e, s, item, &descs[i], err);
	}
	if (!rc && item->round != e->round)
		rc = begin_round(e, item->round, err);
	if (!rc && !kd_desc_table_holds(&e->descs, item->ordinal))
		rc = make_room(e, item->ordinal, err);
	if (rc)
		return rc;
	kd_desc_table_set(&e->descs, item->ordinal, &descs[i]);
	e->result->pages++;
	if (item->round == KD_ROUND_LATE)
		e->result->late_pages++;
	return 0;
}

/* All at once: whoever compresses looks there, too, and must not have to wait for each page. */
static void remember_stored(struct kd_same_table *same, const struct kd_slot *s,
			    const struct kd_diskdump_desc descs[KD_EXTENT_PAGES])
{
	pthread_mutex_lock(&same->lock);
	for (size_t i = 0; i < s->n; i++)
		if (s->items[i].kind == KD_ITEM_STORED)
			kd_same_add(same, &s->items[i].hash, &descs[i]);
	pthread_mutex_unlock(&same->lock);
}

static int write_extent(struct kd_engine *e, struct kd_slot *s, struct kd_err *err)
{
	struct kd_diskdump_desc descs[KD_EXTENT_PAGES];
	int rc = 0;

	for (size_t i = 0; !rc && i < s->n; i++)
		rc = write_item(e, s, i, descs, err);
	if (!rc)
		remember_stored(&e->same, s, descs);
	if (!rc && e->data_pos - e->checkpoint_pos >= checkpoint_bytes(e))
		rc = checkpoint(e, err);
	return rc ? rc : kd_engine_after_extent(e, s->n * (uint64_t)e->page_size, e->data_pos, err);
}

static int end(struct kd_engine *e, struct kd_err *err)
{
	int rc = checkpoint(e, err);

	if (!rc)
		e->result->file_bytes = e->data_pos;
	return rc;
}

static void salvage(struct kd_engine *e)
{
	struct kd_err ignored;

	if (e->result->file_bytes) /* after its end: only a sync or the hashes failed */
		return;
	/* What follows a chunk that was not written whole cannot be told from it. */
	uint64_t end = e->flat ? 0 : e->outbuf.flushed_end;
	uint64_t dropped = kd_desc_table_drop_beyond(&e->descs, end);

	/* All of this round: what was of an earlier one went out before it began. */
	e->result->pages -= dropped;
	e->result->late_pages -= e->round == KD_ROUND_LATE ? dropped : 0;
	/* The sink has failed already: what still gets through is a gift. */
	if (!e->flat)
		(void)!kd_desc_table_flush(&e->descs, &e->out, &ignored);
	e->result->file_bytes = e->outbuf.flushed_end;
}

static size_t first(struct kd_engine *e, bool incomplete)
{
	kd_diskdump_encode_first_block(e->block, &e->dd_layout, incomplete);
	return e->page_size;
}

const struct kd_engine_format kd_engine_kdump = {
	.pipeline = { .next = next, .work = kd_worker_pack, .write = write_extent },
	.begin = begin,
	.checkpoint = checkpoint,
	.end = end,
	.salvage = salvage,
	.first = first,
};
