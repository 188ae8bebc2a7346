/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a thread does with an extent: get at the pages, test, hash and compress them. */
#include "lib/dump/internal.h"

#include <string.h>

/* What of a page is no memory, as a segment ends inside of the page, is zeros in the dump. */
static int map_piece(struct kd_worker *w, uint64_t paddr, size_t want, const uint8_t **ret,
		     size_t *len_ret, struct kd_err *err)
{
	static const uint8_t zeros[4096];
	int rc = kd_vmcore_map(w->window, paddr, want, ret, len_ret, err);
	uint64_t hole = rc == -KD_BADDATA ? kd_vmcore_hole(w->engine->core, paddr) : 0;

	if (!hole)
		return rc;
	size_t most = want < sizeof(zeros) ? want : sizeof(zeros);
	*ret = zeros;
	*len_ret = hole < most ? (size_t)hole : most;
	return 0;
}

/*
 * Lends @len bytes at @paddr, or the whole page at least. A page that comes in two
 * pieces (the window ends in it) is put together in w->page.
 */
static int lend(struct kd_worker *w, uint64_t paddr, size_t len, const uint8_t **ret,
		size_t *len_ret, struct kd_err *err)
{
	uint32_t page = w->engine->page_size;
	const uint8_t *p = NULL;
	size_t n = 0;
	int rc = map_piece(w, paddr, len, &p, &n, err);

	if (rc)
		return rc;
	if (n >= page) {
		*ret = p;
		*len_ret = n - n % page;
		return 0;
	}
	for (size_t done = 0;;) {
		memcpy(w->page + done, p, n);
		done += n;
		if (done == page)
			break;
		rc = map_piece(w, paddr + done, page - done, &p, &n, err);
		if (rc)
			return rc;
	}
	*ret = w->page;
	*len_ret = page;
	return 0;
}

/* An item of this extent with the same hash; else @index is remembered. */
static size_t find_in_extent(struct kd_worker *w, const struct kd_slot *s, size_t index)
{
	const struct kd_page_hash *hash = &s->items[index].hash;
	size_t mask = sizeof(w->seen) - 1;

	for (size_t i = hash->v[1] & mask;; i = (i + 1) & mask) {
		if (w->seen[i] == 0) {
			w->seen[i] = (uint8_t)(index + 1);
			return index;
		}
		const struct kd_page_hash *other = &s->items[w->seen[i] - 1].hash;
		if (other->v[0] == hash->v[0] && other->v[1] == hash->v[1])
			return w->seen[i] - 1u;
	}
}

static void look_at_page(struct kd_worker *w, struct kd_slot *s, size_t index, const uint8_t *page)
{
	const struct kd_engine *e = w->engine;
	struct kd_item *item = &s->items[index];

	if (kd_page_is_zero(page, e->page_size)) {
		item->kind = KD_ITEM_ZERO;
		return;
	}
	item->hash = kd_page_hash(&e->hasher, page);
	size_t same = find_in_extent(w, s, index);
	item->kind = same == index ? KD_ITEM_DATA : KD_ITEM_SAME;
	item->same = (uint16_t)same;
}

/*
 * What the writer will find among the pages it has stored need not be compressed. It decides by
 * itself, so the file is the same whether or not it had stored them by now; but what is found
 * here must not be forgotten before the writer comes to it: after all extents on their way.
 */
static void look_for_known(struct kd_worker *w, struct kd_slot *s, size_t first, size_t n)
{
	struct kd_same_table *same = &w->engine->same;
	uint32_t adds = (uint32_t)(w->engine->n_slots * KD_EXTENT_PAGES);

	for (size_t i = first; i < first + n; i++)
		if (s->items[i].kind == KD_ITEM_DATA)
			kd_same_prefetch_bucket(same, &s->items[i].hash);
	pthread_mutex_lock(&same->lock);
	for (size_t i = first; i < first + n; i++)
		if (s->items[i].kind == KD_ITEM_DATA)
			kd_same_prefetch_entry(same, &s->items[i].hash);
	for (size_t i = first; i < first + n; i++)
		if (s->items[i].kind == KD_ITEM_DATA &&
		    kd_same_lasts(same, &s->items[i].hash, adds))
			s->items[i].kind = KD_ITEM_KNOWN;
	pthread_mutex_unlock(&same->lock);
}

static void pack_page(struct kd_worker *w, struct kd_slot *s, struct kd_item *item,
		      const uint8_t *page)
{
	const struct kd_engine *e = w->engine;
	size_t n = 0;

	item->at = (uint32_t)s->used;
	if (w->codec)
		n = kd_compress(w->codec, s->buf + s->used, e->page_size - 1, page, e->page_size);
	if (n == 0) {
		memcpy(s->buf + s->used, page, e->page_size);
		n = e->page_size;
	} else {
		item->flags = e->opts->codec->diskdump_flag;
	}
	item->size = (uint32_t)n;
	s->used += n;
}

/* @n pages side by side, which are the items from @first on */
static void pack_pages(struct kd_worker *w, struct kd_slot *s, size_t first, size_t n,
		       const uint8_t *pages)
{
	uint32_t page = w->engine->page_size;

	for (size_t i = 0; i < n; i++)
		look_at_page(w, s, first + i, pages + i * page);
	look_for_known(w, s, first, n);
	for (size_t i = 0; i < n; i++)
		if (s->items[first + i].kind == KD_ITEM_DATA)
			pack_page(w, s, &s->items[first + i], pages + i * page);
}

static void note_bad(struct kd_slot *s, struct kd_item *item, const struct kd_err *err)
{
	item->kind = KD_ITEM_BAD;
	if (s->bad.code == KD_OK)
		s->bad = *err;
}

/* How many items from @i on are pages side by side in memory. */
static size_t run_length(const struct kd_slot *s, size_t i)
{
	size_t n = 1;

	while (i + n < s->n && s->items[i + n].pfn == s->items[i].pfn + n)
		n++;
	return n;
}

void kd_worker_pack(struct kd_worker *w, struct kd_slot *s)
{
	uint32_t page = w->engine->page_size;

	memset(w->seen, 0, sizeof(w->seen));
	for (size_t i = 0; i < s->n;) {
		size_t end = i + run_length(s, i);
		size_t most = end - i;
		while (i < end) {
			const uint8_t *p = NULL;
			size_t len = 0;
			struct kd_err err = { 0 };
			size_t want = most < end - i ? most : end - i;
			int rc = lend(w, s->items[i].pfn * page, want * page, &p, &len, &err);
			if (rc && want > 1) {
				most = 1; /* one of them is bad: which? */
				continue;
			}
			if (rc) {
				note_bad(s, &s->items[i++], &err);
				continue;
			}
			pack_pages(w, s, i, len / page, p);
			i += len / page;
		}
	}
}

/* The bytes of one piece of a page; zeros where there are none. */
static int copy_piece(struct kd_worker *w, uint64_t paddr, uint8_t *dst, size_t len,
		      struct kd_err *err)
{
	while (len > 0) {
		const uint8_t *p = NULL;
		size_t n = 0;
		int rc = map_piece(w, paddr, len, &p, &n, err);
		if (rc) {
			memset(dst, 0, len);
			return rc;
		}
		memcpy(dst, p, n);
		dst += n;
		paddr += n;
		len -= n;
	}
	return 0;
}

/* An extent of an ELF file: bytes of memory that stand side by side there, too. */
void kd_worker_copy(struct kd_worker *w, struct kd_slot *s)
{
	uint32_t page = w->engine->page_size;
	struct kd_err whole = { 0 };
	bool good = copy_piece(w, s->paddr, s->buf, s->len, &whole) == 0;

	s->n = 0;
	for (size_t at = 0; at < s->len;) {
		struct kd_item *item = &s->items[s->n++];
		size_t n = page - (size_t)((s->paddr + at) % page);
		if (n > s->len - at)
			n = s->len - at;
		*item = (struct kd_item){ .pfn = (s->paddr + at) / page,
					  .at = (uint32_t)at,
					  .size = (uint32_t)n };
		struct kd_err err = { 0 };
		if (!good && copy_piece(w, s->paddr + at, s->buf + at, n, &err))
			note_bad(s, item, &err);
		else if (n % 256 == 0 && kd_page_is_zero(s->buf + at, n))
			item->kind = KD_ITEM_ZERO;
		at += n;
	}
}
