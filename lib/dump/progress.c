/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/dump/internal.h"

enum { SAY_EVERY_MS = 250 };

/* Over the samples there are: the last four seconds. */
static uint64_t rate(struct kd_engine *e, uint64_t now_ms)
{
	size_t n = KD_ARRAY_LEN(e->samples);
	size_t oldest = e->n_samples < n ? 0 : e->n_samples % n;
	uint64_t ms = now_ms - e->samples[oldest].ms;

	if (e->n_samples == 0 || ms == 0)
		return 0;
	return (e->done_bytes - e->samples[oldest].bytes) * 1000 / ms;
}

void kd_engine_progress(struct kd_engine *e, enum kd_dump_stage stage, bool now)
{
	if (!e->opts->progress)
		return;
	uint64_t now_ms = kd_monotonic_ms();
	if (!now && now_ms - e->said_ms < SAY_EVERY_MS)
		return;

	struct kd_dump_progress p = {
		.stage = stage,
		.done_bytes = e->done_bytes,
		.total_bytes = e->total_bytes,
		.written_bytes = e->result->written_bytes,
		.elapsed_ms = now_ms - e->start_ms,
		.bytes_per_s = rate(e, now_ms),
	};
	e->said_ms = now_ms;
	size_t at = e->n_samples++ % KD_ARRAY_LEN(e->samples);
	e->samples[at].ms = now_ms;
	e->samples[at].bytes = e->done_bytes;
	e->opts->progress(e->opts->progress_arg, &p);
}

void kd_engine_note_bad(struct kd_engine *e, uint64_t pfn, const struct kd_err *why)
{
	struct kd_dump_result *r = e->result;
	struct kd_dump_bad_run *last = r->n_bad ? &r->bad[r->n_bad - 1] : NULL;

	if (r->bad_pages++ == 0)
		snprintf(r->bad_reason, sizeof(r->bad_reason), "%s", why->msg);
	if (last && pfn == last->pfn + last->n)
		last->n++;
	else if (r->n_bad < KD_DUMP_MAX_BAD_RUNS)
		r->bad[r->n_bad++] = (struct kd_dump_bad_run){ .pfn = pfn, .n = 1 };
}

int kd_engine_after_extent(struct kd_engine *e, uint64_t len, uint64_t pos, struct kd_err *err)
{
	const struct kd_dump_opts *o = e->opts;

	e->done_bytes += len;
	kd_engine_progress(e, KD_DUMP_WRITING, false);
	if (o->stop && *o->stop)
		return kd_fail(err, KD_AGAIN, "stopped before its end");
	if (o->sync_every_bytes == 0 || pos - e->synced_pos < o->sync_every_bytes)
		return 0;
	e->synced_pos = pos;
	int rc = e->format->checkpoint(e, err);
	if (!rc)
		rc = kd_sink_sync(e->sink, err);
	if (!rc)
		kd_engine_keep_extents(e, false);
	return rc;
}
