/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Windows on an ELF file: memory stands in it as it was, so it can be mapped or read in place.
 *
 * Of a file on a disk only what is asked for is mapped, and brought into memory at once: what
 * cannot be had then is read instead, and gives its error, and no signal.
 */
#include "lib/vmcore/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* Of a file on a disk: */
enum {
	FILE_MAP_LEAST = 128 << 10,
	FILE_MAP_BYTES = 1 << 20, /* counts as our memory when populated */
};

static bool may_map(const struct kd_vmcore *core, enum kd_vmcore_access access)
{
	const struct kd_file *f = &core->files[0];

	if (f->flattened || access == KD_ACCESS_READ)
		return false;
	return f->is_proc || access == KD_ACCESS_MAP ||
	       (access == KD_ACCESS_SCAN && !f->holes_cost);
}

size_t kd_elf_window_bytes(const struct kd_vmcore *core, enum kd_vmcore_access access,
			   size_t read_bytes)
{
	bool maps = may_map(core, access) && !core->files[0].is_proc;

	return read_bytes + (maps ? FILE_MAP_BYTES : 0);
}

int kd_elf_window_init(struct kd_vmcore_window *w, struct kd_err *err)
{
	w->buf = malloc(w->read_bytes);
	if (!w->buf)
		return kd_fail(err, KD_NOMEM, "%s: no memory for a window of %zu bytes",
			       w->core->name, w->read_bytes);
	return 0;
}

static void unmap(struct kd_vmcore_window *w)
{
	if (w->mapped)
		munmap(w->mapped, w->mapped_len);
	w->mapped = NULL;
	w->mapped_len = w->ready_len = 0;
}

void kd_elf_window_fini(struct kd_vmcore_window *w)
{
	unmap(w);
	free(w->buf);
}

/* This piece is read from now on, until another could not be mapped. */
static void leave(struct kd_vmcore_window *w, uint64_t off, uint64_t len)
{
	w->unmappable_off = off;
	w->unmappable_len = len;
}

/* Brings file offset @off into the mapping. False: it cannot be mapped, read it. */
static bool remap(struct kd_vmcore_window *w, uint64_t off)
{
	const struct kd_file *f = &w->core->files[0];
	uint64_t start = off & ~((uint64_t)sysconf(_SC_PAGESIZE) - 1);
	uint64_t len = w->map_bytes;

	if (!f->is_proc && w->access == KD_ACCESS_SCAN && len > FILE_MAP_BYTES)
		len = FILE_MAP_BYTES;
	if (off >= w->unmappable_off && off - w->unmappable_off < w->unmappable_len)
		return false;
	if (len > f->size_bytes - start)
		len = f->size_bytes - start;
	unmap(w);

	void *p = start <= INT64_MAX ? mmap(NULL, len, PROT_READ, MAP_SHARED, f->fd, (off_t)start)
				     : MAP_FAILED;
	if (p == MAP_FAILED) {
		leave(w, start, len);
		return false;
	}
	w->mapped = p;
	w->mapped_len = len;
	w->mapped_off = start;
	return true;
}

static bool is_mapped(const struct kd_vmcore_window *w, uint64_t off)
{
	return w->mapped && off >= w->mapped_off && off - w->mapped_off < w->mapped_len;
}

static size_t min_size(uint64_t a, uint64_t b)
{
	return (size_t)(a < b ? a : b);
}

/* How many of @want bytes at offset @within of the mapping it has: where it ends before them, up
 * to the end of the dump's last whole page. */
static size_t whole_pages(const struct kd_vmcore_window *w, uint64_t within, uint64_t paddr,
			  size_t want)
{
	size_t n = w->mapped_len - within;

	if (n >= want)
		return want;
	size_t cut = (paddr + n) % w->core->page_size;
	return n > cut ? n - cut : 0;
}

/* Brings @len bytes at offset @within of the mapping into memory. False: they have to be read. */
static bool populate(struct kd_vmcore_window *w, uint64_t within, size_t len)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), ready_end = w->ready_off + w->ready_len;
	uint64_t from = within & ~(page - 1), end = (within + len + page - 1) & ~(page - 1);

	if (w->core->files[0].is_proc || (from >= w->ready_off && end <= ready_end))
		return true;
	if (madvise(w->mapped + from, end - from, MADV_POPULATE_READ)) {
		if (errno == EINVAL) /* before Linux 5.14 */
			w->access = KD_ACCESS_READ;
		leave(w, w->mapped_off, w->mapped_len);
		unmap(w);
		return false;
	}
	/* What goes on where the last piece ended makes one with it. */
	if (from > ready_end || from < w->ready_off)
		w->ready_off = from;
	w->ready_len = end - w->ready_off;
	return true;
}

/* Lends up to @want bytes out of the mapping; 0: they have to be read. */
static size_t lend(struct kd_vmcore_window *w, uint64_t off, uint64_t paddr, size_t want,
		   const uint8_t **ret)
{
	size_t n = is_mapped(w, off) ? whole_pages(w, off - w->mapped_off, paddr, want) : 0;

	if (!n && remap(w, off))
		n = whole_pages(w, off - w->mapped_off, paddr, want);
	if (!n || !populate(w, off - w->mapped_off, n))
		return 0;
	*ret = w->mapped + (off - w->mapped_off);
	return n;
}

/* Is a long piece of a file on a disk looked at, which can be had in two ways? */
static bool is_choice(const struct kd_vmcore_window *w, size_t len)
{
	return w->access == KD_ACCESS_SCAN && !w->core->files[0].is_proc && len >= FILE_MAP_LEAST;
}

static bool is_worth_mapping(const struct kd_vmcore_window *w, size_t len)
{
	if (w->core->files[0].is_proc || w->access == KD_ACCESS_MAP)
		return true;
	return is_choice(w, len) && kd_scan_trial_maps(&w->trial);
}

bool kd_elf_window_copies(const struct kd_vmcore_window *w)
{
	if (!may_map(w->core, w->access))
		return true;
	return w->access == KD_ACCESS_SCAN && !w->core->files[0].is_proc &&
	       kd_scan_trial_is_over(&w->trial) && !kd_scan_trial_maps(&w->trial);
}

/* Before a piece that can be had in two ways. */
static void begin_try(struct kd_vmcore_window *w)
{
	struct timespec ts = { 0 };

	if (!kd_scan_trial_is_due(&w->trial))
		return;
	unmap(w); /* which is a part of what mapping takes */
	clock_gettime(CLOCK_MONOTONIC, &ts);
	kd_scan_trial_next(&w->trial, (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec);
}

/* Brings file offset @off into the buffer, with up to @there bytes that follow it. */
static int fill(struct kd_vmcore_window *w, uint64_t off, size_t want, uint64_t there,
		struct kd_err *err)
{
	/* One page at least, so that a caller of small pieces makes few calls. */
	uint64_t n = want > w->core->page_size ? want : w->core->page_size;
	size_t len = min_size(min_size(n, w->read_bytes), there);

	w->buf_len = 0;
	int rc = kd_file_read(&w->core->files[0], off, w->buf, len, err);
	if (rc)
		return rc;
	w->buf_off = off;
	w->buf_len = len;
	return 0;
}

int kd_elf_window_map(struct kd_vmcore_window *w, uint64_t paddr, size_t want, const uint8_t **ret,
		      size_t *len_ret, struct kd_err *err)
{
	const struct kd_vmcore *core = w->core;
	const struct kd_extent *e = kd_extents_find(&core->memory, paddr, NULL);

	if (!e || e->kind != KD_PAGE_STORED)
		return kd_vmcore_fail_page(core, e ? e->kind : KD_PAGE_NONE, paddr, err);

	uint64_t off = e->to + (paddr - e->start);
	uint64_t there = e->len - (paddr - e->start);
	size_t n = 0, most = min_size(want, there);
	bool may = may_map(core, w->access), choice = may && is_choice(w, most);
	if (choice)
		begin_try(w);
	bool maps = may && is_worth_mapping(w, most);
	if (maps)
		n = lend(w, off, paddr, most, ret);
	if (n) {
		w->trial.len += choice ? n : 0;
		*len_ret = n;
		return 0;
	}

	if (off < w->buf_off || off - w->buf_off >= w->buf_len) {
		int rc = fill(w, off, want, there, err);
		if (rc)
			return rc;
		if (choice)
			w->trial.len = maps ? 0 : w->trial.len + min_size(most, w->buf_len);
	}
	*ret = w->buf + (off - w->buf_off);
	*len_ret = min_size(most, w->buf_len - (off - w->buf_off));
	return 0;
}
