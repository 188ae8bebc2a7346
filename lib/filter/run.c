/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Running: threads over the page array, then what must be kept all the same, then the sums. */
#include "lib/filter/internal.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

enum {
	MAX_THREADS = 256,
	BATCH_UNITS = 32, /* 64 MiB of page array: a window's worth */
};

/* One pass, by several threads. */
struct pass {
	struct kd_scan *scan;
	size_t next; /* unit, taken batch by batch */
	size_t batch;
};

struct thread {
	struct pass *pass;
	struct kd_scan_worker worker;
	struct kd_dump_reader reader, aux;
	pthread_t id;
	bool started;
};

static void *work(void *arg)
{
	struct thread *t = arg;
	size_t n = t->pass->scan->n_units;

	for (;;) {
		size_t from = __atomic_fetch_add(&t->pass->next, t->pass->batch, __ATOMIC_RELAXED);
		if (from >= n)
			return NULL;
		size_t end = n - from > t->pass->batch ? from + t->pass->batch : n;
		for (size_t i = from; i < end; i++)
			kd_scan_unit(&t->worker, i);
	}
}

static size_t count_threads(const struct kd_filter *f)
{
	size_t n = f->opts.threads ? f->opts.threads : kd_cpus_usable();

	if (n > MAX_THREADS)
		n = MAX_THREADS;
	if (n > f->n_units)
		n = f->n_units;
	return n ? n : 1;
}

static void thread_fini(struct thread *t)
{
	kd_dump_reader_fini(&t->reader);
	kd_dump_reader_fini(&t->aux);
}

static int thread_init(struct thread *t, const struct kd_filter *f, struct pass *pass,
		       struct kd_err *err)
{
	t->pass = pass;
	t->worker.scan = pass->scan;
	kd_scan_stats_init(&t->worker.stats);
	int rc = kd_dump_reader_init(&t->reader, f->core, f->opts.access, f->opts.map_bytes,
				     f->opts.read_bytes, err);
	if (!rc)
		rc = kd_dump_reader_init(&t->aux, f->core, KD_ACCESS_READ, 0, 0, err);
	t->worker.reader = &t->reader.reader;
	t->worker.aux = &t->aux.reader;
	return rc;
}

static int scan_with_threads(const struct kd_filter *f, struct kd_scan *scan,
			     struct kd_scan_stats *stats, struct kd_err *err)
{
	size_t want = count_threads(f), n = 0;
	struct pass pass = { .scan = scan };
	KD_AUTO(kd_freep) struct thread *threads = calloc(want, sizeof(*threads));

	if (!threads)
		return kd_fail(err, KD_NOMEM, "no memory for %zu threads", want);
	pass.batch = scan->n_units / (want * 4);
	if (pass.batch > BATCH_UNITS)
		pass.batch = BATCH_UNITS;
	if (pass.batch == 0)
		pass.batch = 1;
	int rc = 0;
	while (n < want && rc == 0)
		rc = thread_init(&threads[n++], f, &pass, err);
	if (rc == 0) {
		/* A thread that cannot be had only makes it slower. */
		for (size_t i = 1; i < n; i++)
			threads[i].started = pthread_create(&threads[i].id, NULL, work,
							    &threads[i]) == 0;
		work(&threads[0]);
	}
	for (size_t i = 0; i < n; i++) {
		if (threads[i].started)
			pthread_join(threads[i].id, NULL);
		if (rc == 0)
			kd_scan_stats_add(stats, &threads[i].worker.stats);
		thread_fini(&threads[i]);
	}
	if (rc == 0)
		kd_scan_finish(scan, stats);
	return rc;
}

/* ---- before and after ---- */

/* Of the frames [pfn, pfn + n), those that are stored here. */
static int each_stored(struct kd_filter *f,
		       void (*fn)(struct kd_filter *f, void *arg, uint64_t pfn, uint64_t n),
		       void *arg, uint64_t pfn, uint64_t n, struct kd_err *err)
{
	uint64_t some;

	for (uint64_t at = pfn; at < pfn + n; at += some) {
		int state = kd_vmcore_page_run(f->aux.window, at, &some, err);
		if (state < 0)
			return state;
		if (some > pfn + n - at)
			some = pfn + n - at;
		if (state == KD_PAGE_STORED)
			fn(f, arg, at, some);
		else if (state == KD_PAGE_LOST)
			f->lost += some;
	}
	return 0;
}

static int for_each_stored(struct kd_filter *f, const struct kd_bitmap *b,
			   void (*fn)(struct kd_filter *f, void *arg, uint64_t pfn, uint64_t n),
			   void *arg, struct kd_err *err)
{
	const uint8_t *bytes = (const uint8_t *)b->words;
	int rc = 0;

	for (size_t i = 0; !rc && i < f->n_ranges; i++) {
		uint64_t at = f->ranges[i].pfn, start, n;
		for (; !rc && kd_bitmap_next_run(bytes, at, f->ranges[i].end, &start, &n);
		     at = start + n)
			rc = each_stored(f, fn, arg, start, n, err);
	}
	return rc;
}

static void keep_frames(struct kd_filter *f, void *arg, uint64_t pfn, uint64_t n)
{
	(void)arg;
	kd_bitmap_set(&f->keep, pfn, n);
}

static void restore_frames(struct kd_filter *f, void *arg, uint64_t pfn, uint64_t n)
{
	uint64_t *restored = arg;

	*restored += n - kd_bitmap_count(&f->keep, pfn, n);
	kd_bitmap_set(&f->keep, pfn, n);
	if (f->late.words)
		kd_bitmap_clear(&f->late, pfn, n);
}

struct restoring {
	struct kd_filter *f;
	uint64_t restored;
	int rc;
	struct kd_err *err;
};

static void restore_piece(void *arg, uint64_t pfn, uint64_t n)
{
	struct restoring *r = arg;

	if (!r->rc)
		r->rc = each_stored(r->f, restore_frames, &r->restored, pfn, n, r->err);
}

/* What the kernel needs is kept, whatever was decided. */
static int restore(struct kd_filter *f, uint64_t *restored_ret, struct kd_err *err)
{
	struct restoring r = { .f = f, .err = err };

	kd_each_array_piece(f, restore_piece, &r);
	if (!r.rc)
		r.rc = for_each_stored(f, &f->protect, restore_frames, &r.restored, err);
	*restored_ret = r.restored;
	return r.rc;
}

static void clear_all(struct kd_filter *f, struct kd_bitmap *b)
{
	for (size_t i = 0; b->words && i < f->n_ranges; i++)
		kd_bitmap_clear(b, f->ranges[i].pfn, f->ranges[i].end - f->ranges[i].pfn);
}

static uint64_t count_all(const struct kd_filter *f, const struct kd_bitmap *b)
{
	uint64_t count = 0;

	for (size_t i = 0; i < f->n_ranges; i++)
		count += kd_bitmap_count(b, f->ranges[i].pfn, f->ranges[i].end - f->ranges[i].pfn);
	return count;
}

static void report_oddities(const struct kd_filter *f, const struct kd_scan_stats *s)
{
	const struct kd_log *log = f->opts.log;

	if (s->unreadable)
		kd_log(log, KD_LOG_WARN, "filter",
		       "the page array cannot be read for %ju frames, the first 0x%jx: they are "
		       "kept",
		       (uintmax_t)s->unreadable, (uintmax_t)s->first_unreadable);
	if (s->bad_free)
		kd_log(log, KD_LOG_WARN, "filter",
		       "%ju free blocks have an impossible order or place, the first at frame "
		       "0x%jx: they are kept",
		       (uintmax_t)s->bad_free, (uintmax_t)s->first_bad_free);
	if (s->image)
		kd_log(log, KD_LOG_INFO, "filter",
		       "%ju pages of the kernel image looked as if they could be left out: kept",
		       (uintmax_t)s->image);
	if (s->bad_compound)
		kd_log(log, KD_LOG_INFO, "filter",
		       "%ju heads of compound pages do not go with their tail pages, the first at "
		       "frame 0x%jx: each is taken for a single page",
		       (uintmax_t)s->bad_compound, (uintmax_t)s->first_bad_compound);
}

/* ---- free pages: found and counted ---- */

static void drop_free(struct kd_filter *f, const struct kd_filter_result *r)
{
	kd_filter_gap(&f->gaps, KD_LEVEL_FREE,
		      "the page array shows %ju free pages, the zones count %ju",
		      (uintmax_t)r->check_found, (uintmax_t)r->check_counted);
	kd_log(f->opts.log, KD_LOG_WARN, "filter", "free pages are kept: %s",
	       f->gaps.why[__builtin_ctz(KD_LEVEL_FREE)]);
	f->level &= ~(unsigned int)KD_LEVEL_FREE;
	f->dropped |= KD_LEVEL_FREE;
}

static void self_check(struct kd_filter *f, const struct kd_scan_stats *stats,
		       struct kd_filter_result *r)
{
	struct kd_free_count counted;

	if (!(f->level & KD_LEVEL_FREE))
		return;
	int rc = kd_count_free(f->core, &f->aux.reader, &counted);
	if (rc <= 0 || stats->unreadable) {
		r->check = rc == 0 ? KD_CHECK_NO_ZONES : KD_CHECK_UNREADABLE;
		return;
	}
	uint64_t a = counted.pages, b = stats->free_seen;
	r->check_counted = a;
	r->check_found = b;
	r->check = (a > b ? a - b : b - a) > counted.tolerance ? KD_CHECK_CONTRADICTS
							       : KD_CHECK_AGREES;
}

static int run_pass(struct kd_filter *f, struct kd_scan_stats *stats, struct kd_filter_result *r,
		    struct kd_err *err)
{
	struct kd_scan scan = {
		.layout = &f->layout,
		.image = f->image,
		.sections = &f->sections,
		.page_shift = f->page_shift,
		.exclude = kd_filter_level_classes(f->level),
		.max_pfn = f->max_pfn,
		.exists = &f->exists,
		.keep = &f->keep,
		.late = f->late.words ? &f->late : NULL,
		.units = f->units,
		.n_units = f->n_units,
	};

	for (size_t i = 0; i < f->n_units; i++)
		f->units[i].order = 0;
	kd_scan_stats_init(stats);
	clear_all(f, &f->late);
	clear_all(f, &f->keep);
	f->lost = 0;
	int rc = for_each_stored(f, &f->exists, keep_frames, NULL, err);
	if (rc)
		return rc;
	r->n_lost = f->lost;
	r->n_absent = r->n_exists - count_all(f, &f->keep);
	if (!f->sections.n) {
		stats->unknown = r->n_exists - r->n_absent;
		return 0;
	}
	return scan_with_threads(f, &scan, stats, err);
}

static void fill_result(struct kd_filter *f, const struct kd_scan_stats *stats,
			struct kd_filter_result *r)
{
	uint64_t known = stats->unknown;

	r->max_pfn = f->max_pfn;
	r->bitmap_bytes = f->keep.bytes;
	r->exists = (const uint8_t *)f->exists.words;
	r->keep = (const uint8_t *)f->keep.words;
	r->late = (const uint8_t *)f->late.words;
	r->vital = (const uint8_t *)f->protect.words;
	r->image = f->image;
	r->ranges = f->ranges;
	r->n_ranges = f->n_ranges;
	r->n_keep = count_all(f, &f->keep);
	r->n_unknown = stats->unknown;
	for (unsigned int i = 0; i < KD_N_CLASSES; i++) {
		r->found[i] = stats->found[i];
		r->excluded[i] = stats->excluded[i];
		known += stats->found[i];
	}
	/* More only where compound pages claim each other's pages. */
	uint64_t all = r->n_exists - r->n_absent;
	r->found[KD_CLASS_KERNEL] = all > known ? all - known : 0;
	r->level = f->level;
	r->dropped = f->dropped;
	for (unsigned int i = 0; i < KD_LEVEL_BITS; i++)
		r->why_dropped[i] = f->dropped & 1U << i ? f->gaps.why[i] : NULL;
}

int kd_filter_run(struct kd_filter *f, struct kd_filter_result *ret, struct kd_err *err)
{
	struct kd_filter_result r = { 0 };
	struct kd_scan_stats stats;

	if (f->has_run)
		return kd_fail(err, KD_USAGE, "a page filter runs once");
	f->has_run = true;
	r.n_exists = count_all(f, &f->exists);
	int rc = run_pass(f, &stats, &r, err);
	if (rc)
		return kd_wrap(err, "choosing pages");
	self_check(f, &stats, &r);
	if (r.check == KD_CHECK_CONTRADICTS) {
		drop_free(f, &r);
		rc = run_pass(f, &stats, &r, err);
		if (rc)
			return kd_wrap(err, "choosing pages");
	}
	report_oddities(f, &stats);
	rc = restore(f, &r.n_protected, err);
	if (rc)
		return kd_wrap(err, "choosing pages");
	if (r.n_protected)
		kd_log(f->opts.log, KD_LOG_INFO, "filter",
		       "%ju pages that the kernel needs looked as if they could be left out: kept",
		       (uintmax_t)r.n_protected);
	fill_result(f, &stats, &r);
	*ret = r;
	return 0;
}
