/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/vmcore/vt.h"

#include <inttypes.h>
#include <string.h>

/* ---- progress ---- */

void vt_teller_init(struct vt_teller *t, enum vt_progress how)
{
	if (how == VT_PROGRESS_AUTO)
		how = isatty(STDERR_FILENO) ? VT_PROGRESS_TTY : VT_PROGRESS_NONE;
	*t = (struct vt_teller){ .how = how };
}

static const char *stage_name(enum kd_dump_stage stage)
{
	switch (stage) {
	case KD_DUMP_FILTERING:
		return "filtering";
	case KD_DUMP_WRITING:
		return "writing";
	case KD_DUMP_SYNCING:
		break;
	}
	return "syncing";
}

/* Seconds to go; false while nobody knows. */
static bool eta(const struct kd_dump_progress *p, uint64_t *ret)
{
	if (p->bytes_per_s == 0 || p->done_bytes > p->total_bytes)
		return false;
	*ret = (p->total_bytes - p->done_bytes) / p->bytes_per_s;
	return true;
}

static void line(struct vt_teller *t, const struct kd_dump_progress *p)
{
	char text[160], done[KD_SIZE_TEXT_BYTES], total[KD_SIZE_TEXT_BYTES];
	char rate[KD_SIZE_TEXT_BYTES];
	uint64_t left_s = 0;
	int n;

	if (p->stage != KD_DUMP_WRITING || p->total_bytes == 0) {
		n = snprintf(text, sizeof(text), "%s ...", stage_name(p->stage));
	} else {
		n = snprintf(text, sizeof(text), "%s of %s (%u %%)",
			     kd_format_size(p->done_bytes, done),
			     kd_format_size(p->total_bytes, total),
			     (unsigned int)(p->done_bytes / (p->total_bytes / 100 + 1)));
		if (eta(p, &left_s))
			n += snprintf(text + n, sizeof(text) - (size_t)n, ", %s/s, %ju:%02ju to go",
				      kd_format_size(p->bytes_per_s, rate), (uintmax_t)left_s / 60,
				      (uintmax_t)left_s % 60);
	}
	fprintf(stderr, "\r%-*s", (int)t->width, text);
	fflush(stderr);
	t->width = (unsigned int)n;
}

static void json_line(const struct kd_dump_progress *p)
{
	struct kd_buf buf = { 0 };
	struct kd_json j = { .out = &buf };
	uint64_t left_s = 0;

	kd_json_open_object(&j, NULL);
	kd_json_string(&j, "stage", stage_name(p->stage));
	kd_json_u64(&j, "done_bytes", p->done_bytes);
	kd_json_u64(&j, "total_bytes", p->total_bytes);
	kd_json_u64(&j, "written_bytes", p->written_bytes);
	kd_json_ms(&j, "elapsed_s", p->elapsed_ms);
	kd_json_u64(&j, "bytes_per_s", p->bytes_per_s);
	if (eta(p, &left_s))
		kd_json_u64(&j, "eta_s", left_s);
	kd_json_close_object(&j);
	if (!buf.bad)
		fprintf(stderr, "%s\n", buf.p);
	kd_buf_fini(&buf);
}

void vt_tell_progress(void *arg, const struct kd_dump_progress *p)
{
	struct vt_teller *t = arg;

	if (t->how == VT_PROGRESS_TTY)
		line(t, p);
	else if (t->how == VT_PROGRESS_JSON)
		json_line(p);
}

void vt_teller_clear(struct vt_teller *t)
{
	if (t->how == VT_PROGRESS_TTY && t->width)
		fprintf(stderr, "\r%*s\r", (int)t->width, "");
	t->width = 0;
}

/* ---- results ---- */

static const char *format_name(const struct kd_dump_opts *o)
{
	if (o->format == KD_DUMP_ELF)
		return o->flattened ? "flattened ELF" : "ELF";
	return o->flattened ? "flattened kdump-compressed" : "kdump-compressed";
}

static const char *outcome(const struct vt_story *s)
{
	if (s->opts->dry_run)
		return "dry-run";
	if (s->r->truncated)
		return "truncated";
	if (s->r->input_incomplete)
		return "incomplete";
	return s->r->bad_pages ? "damaged" : "complete";
}

static void tell_classes(FILE *to, const char *what, const uint64_t counts[KD_N_CLASSES])
{
	const char *sep = "";

	for (int i = 0; i < KD_N_CLASSES; i++) {
		if (counts[i] == 0)
			continue;
		fprintf(to, "%s%ju %s", *sep ? sep : what, (uintmax_t)counts[i],
			kd_page_class_name((enum kd_page_class)i));
		sep = ", ";
	}
	if (*sep)
		fputc('\n', to);
}

static void tell_troubles(const struct vt_story *s)
{
	const struct kd_dump_result *r = s->r;

	if (r->bad_pages)
		vt_say("warning: %ju pages could not be read and are zeros in the dump, the "
		       "first is page frame 0x%jx: %s",
		       (uintmax_t)r->bad_pages, (uintmax_t)r->bad[0].pfn, r->bad_reason);
	if (r->input_incomplete)
		vt_say("warning: %s is incomplete: %ju of its pages are missing, and %s says so, "
		       "too",
		       s->input, (uintmax_t)r->filter.n_absent, s->output);
	if (r->truncated)
		vt_say("warning: %s is cut short after %ju of %ju pages: %s", s->output,
		       (uintmax_t)r->pages, (uintmax_t)r->filter.n_keep, r->reason);
}

void vt_tell_result(FILE *to, const struct vt_story *s)
{
	const struct kd_dump_result *r = s->r;
	char size[KD_SIZE_TEXT_BYTES], secs[32];

	tell_troubles(s);
	if (s->opts->dry_run) {
		fprintf(to, "%s: %ju of %ju pages would be kept\n", s->input,
			(uintmax_t)r->filter.n_keep, (uintmax_t)r->filter.n_exists);
	} else {
		snprintf(secs, sizeof(secs), "%ju.%ju", (uintmax_t)r->write_ms / 1000,
			 (uintmax_t)r->write_ms % 1000 / 100);
		/* A stream that broke off has no file size, only what went into it. */
		fprintf(to, "%s: %s, %s, %ju of %ju pages in %s s\n", s->output,
			format_name(s->opts),
			kd_format_size(r->file_bytes ? r->file_bytes : r->written_bytes, size),
			(uintmax_t)(r->truncated ? r->pages : r->filter.n_keep),
			(uintmax_t)r->filter.n_exists, secs);
	}
	tell_classes(to, "left out: ", r->filter.excluded);
}

void vt_json_classes(struct kd_json *j, const char *name, const uint64_t counts[KD_N_CLASSES])
{
	kd_json_open_object(j, name);
	for (int i = 0; i < KD_N_CLASSES; i++)
		kd_json_u64(j, kd_page_class_name((enum kd_page_class)i), counts[i]);
	kd_json_close_object(j);
}

static const char *check_name(enum kd_filter_check check)
{
	switch (check) {
	case KD_CHECK_AGREES:
		return "agrees";
	case KD_CHECK_CONTRADICTS:
		return "contradicts";
	case KD_CHECK_NO_ZONES:
	case KD_CHECK_UNREADABLE:
		return "not done";
	case KD_CHECK_NONE:
		break;
	}
	return "none";
}

static void json_filter(struct kd_json *j, const struct kd_dump_result *r)
{
	const struct kd_filter_result *f = &r->filter;

	kd_json_string(j, "page_array", r->model);
	kd_json_u64(j, "level", f->level);
	kd_json_open_array(j, "levels_dropped");
	for (unsigned int i = 0; i < KD_LEVEL_BITS; i++) {
		if (!(f->dropped >> i & 1))
			continue;
		kd_json_open_object(j, NULL);
		kd_json_u64(j, "level", 1u << i);
		kd_json_string(j, "why", r->why_dropped[i]);
		kd_json_close_object(j);
	}
	kd_json_close_array(j);
	kd_json_u64(j, "max_pfn", f->max_pfn);
	kd_json_u64(j, "existing_pages", f->n_exists);
	kd_json_u64(j, "absent_pages", f->n_absent);
	kd_json_u64(j, "protected_pages", f->n_protected);
	kd_json_u64(j, "unknown_pages", f->n_unknown);
	kd_json_u64(j, "kept_pages", f->n_keep);
	vt_json_classes(j, "found", f->found);
	vt_json_classes(j, "left_out", f->excluded);
	kd_json_string(j, "free_check", check_name(f->check));
	const char *why_not = kd_filter_check_why_not(f->check);
	if (why_not) {
		kd_json_string(j, "free_check_why_not", why_not);
	} else if (f->check != KD_CHECK_NONE) {
		kd_json_u64(j, "free_counted", f->check_counted);
		kd_json_u64(j, "free_found", f->check_found);
	}
	kd_json_ms(j, "filter_s", r->filter_ms);
}

static void json_written(struct kd_json *j, const struct vt_story *s)
{
	const struct kd_dump_result *r = s->r;

	kd_json_string(j, "output", s->output);
	kd_json_string(j, "format", format_name(s->opts));
	kd_json_string(j, "codec", s->opts->codec ? s->opts->codec->name : "none");
	kd_json_u64(j, "written_pages", r->pages);
	kd_json_u64(j, "zero_pages", r->zero_pages);
	kd_json_u64(j, "shared_pages", r->shared_pages);
	kd_json_u64(j, "raw_pages", r->raw_pages);
	kd_json_u64(j, "late_pages", r->late_pages);
	kd_json_u64(j, "bad_pages", r->bad_pages);
	kd_json_open_array(j, "bad");
	for (size_t i = 0; i < r->n_bad; i++) {
		kd_json_open_object(j, NULL);
		kd_json_u64(j, "pfn", r->bad[i].pfn);
		kd_json_u64(j, "pages", r->bad[i].n);
		kd_json_close_object(j);
	}
	kd_json_close_array(j);
	if (r->bad_pages)
		kd_json_string(j, "bad_reason", r->bad_reason);
	kd_json_u64(j, "file_bytes", r->file_bytes);
	kd_json_u64(j, "written_bytes", r->written_bytes);
	kd_json_u64(j, "hashed_ranges", r->digest_ranges);
	kd_json_string(j, "hashes_xxh3", r->digest_ranges ? r->digests_xxh3 : NULL);
	kd_json_ms(j, "write_s", r->write_ms);
}

int vt_tell_json(FILE *to, const struct vt_story *s)
{
	struct kd_buf buf = { 0 };
	struct kd_json j = { .out = &buf, .pretty = true };

	kd_json_open_object(&j, NULL);
	kd_json_string(&j, "outcome", outcome(s));
	kd_json_string(&j, "reason", s->r->truncated ? s->r->reason : NULL);
	kd_json_string(&j, "input", s->input);
	kd_json_bool(&j, "input_incomplete", s->r->input_incomplete);
	json_filter(&j, s->r);
	if (!s->opts->dry_run)
		json_written(&j, s);
	kd_json_u64(&j, "threads", s->r->threads);
	kd_json_u64(&j, "memory_bytes", s->r->memory_bytes);
	kd_json_close_object(&j);
	return vt_print_json(to, &buf);
}

int vt_print_json(FILE *to, struct kd_buf *buf)
{
	bool good = !buf->bad && fputs(buf->p, to) >= 0 && fflush(to) == 0;

	kd_buf_fini(buf);
	if (!good)
		vt_say("the result cannot be printed");
	return good ? VT_DONE : VT_REFUSED;
}
