/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One value of crashkernel=: text to numbers, numbers to text, numbers to a choice. */
#include "crashkernel/internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

struct parser {
	const char *text; /* the whole value, for messages */
	const char *at;
};

/* @at: where it is wrong; what is wrong and what to write instead */
static int wrong(const struct parser *p, const char *at, struct kd_err *err, const char *fmt, ...)
	KD_PRINTF(4, 5);

static int wrong(const struct parser *p, const char *at, struct kd_err *err, const char *fmt, ...)
{
	char what[200], found[8] = "its end";
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	if (*at > ' ' && *at <= '~')
		snprintf(found, sizeof(found), "'%c'", *at);
	else if (*at)
		snprintf(found, sizeof(found), "0x%02x", (unsigned char)*at);
	return kd_fail(err, KD_USAGE, "crashkernel=%.120s: character %zu (%s): %s", p->text,
		       (size_t)(at - p->text) + 1, found, what);
}

static int take_size(struct parser *p, const char *what, struct kd_ck_size *ret, struct kd_err *err)
{
	struct kd_ck_token t = kd_ck_token_at(p->at);

	if (!t.digits)
		return wrong(p, p->at, err, "%s expected: a number and K, M, G, T, P or E", what);
	if (t.wraps)
		return wrong(p, p->at, err,
			     "%s is more than 64 bits hold, and the kernel would take another "
			     "number for it: write a smaller one",
			     what);
	p->at += t.len;
	*ret = t.size;
	return 0;
}

static bool take(struct parser *p, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(p->at, word, len) != 0)
		return false;
	p->at += len;
	return true;
}

static int take_offset(struct parser *p, struct kd_ck_value *v, struct kd_err *err)
{
	if (!take(p, "@"))
		return 0;
	v->has_offset = true;
	return take_size(p, "an address", &v->offset, err);
}

static int take_range(struct parser *p, struct kd_ck_range *r, struct kd_err *err)
{
	int rc = take_size(p, "a range's start", &r->start, err);

	if (rc)
		return rc;
	if (!take(p, "-"))
		return wrong(p, p->at, err, "'-' expected, as in 2G-64G:256M");
	const char *end_at = p->at;
	r->has_end = *p->at != ':';
	if (r->has_end)
		rc = take_size(p, "a range's end, or ':' for none,", &r->end, err);
	if (rc)
		return rc;
	if (r->has_end && r->end.bytes <= r->start.bytes)
		return wrong(p, end_at, err,
			     "the range ends before it starts: write the larger "
			     "size behind the '-'");
	if (!take(p, ":"))
		return wrong(p, p->at, err, "':' and the size to reserve expected");
	return take_size(p, "the size to reserve", &r->size, err);
}

static int take_ranges(struct parser *p, struct kd_ck_value *v, struct kd_err *err)
{
	v->form = KD_CK_RANGES;
	do {
		struct kd_ck_range r = { 0 };
		int rc = take_range(p, &r, err);
		if (rc)
			return rc;
		struct kd_ck_range *more = reallocarray(v->ranges, v->range_count + 1,
							sizeof(*more));
		if (!more)
			return kd_fail(err, KD_NOMEM, "no memory for crashkernel= ranges");
		v->ranges = more;
		v->ranges[v->range_count++] = r;
	} while (take(p, ","));
	return take_offset(p, v, err);
}

static int take_min(struct parser *p, struct kd_ck_value *v, struct kd_err *err)
{
	const char *at = p->at;

	v->has_min = true;
	int rc = take_size(p, "the least size", &v->min, err);
	if (rc)
		return rc;
	if (v->min.bytes == 0 || v->min.bytes > v->size.bytes)
		return wrong(p, at, err, "min= must be more than 0 and at most the size before it");
	if (take(p, ",high"))
		v->form = KD_CK_HIGH;
	else if (*p->at)
		return wrong(p, p->at, err, "only ,high may follow min=SIZE");
	return 0;
}

static int take_simple(struct parser *p, struct kd_ck_value *v, struct kd_err *err)
{
	static const struct {
		const char *word;
		enum kd_ck_form form;
	} suffixes[] = { { ",high", KD_CK_HIGH }, { ",low", KD_CK_LOW }, { ",cma", KD_CK_CMA } };
	int rc = take_size(p, "a size", &v->size, err);

	if (rc)
		return rc;
	/* The kernel takes 0,low (none at all) and 0,cma; no other 0. */
	if (v->size.bytes == 0 && *p->at != ',')
		return wrong(p, p->text, err, "0 reserves nothing: leave crashkernel= out instead");
	if (take(p, ",min="))
		return take_min(p, v, err);
	for (size_t i = 0; i < KD_ARRAY_LEN(suffixes); i++)
		if (take(p, suffixes[i].word)) {
			v->form = suffixes[i].form;
			if (v->size.bytes == 0 && v->form == KD_CK_HIGH)
				return wrong(p, p->text, err,
					     "0 reserves nothing: leave crashkernel= out instead");
			return 0;
		}
	if (*p->at == ',')
		return wrong(p, p->at, err, "high, low, cma or min=SIZE expected behind the ','");
	return take_offset(p, v, err);
}

int kd_ck_parse(const char *text, struct kd_ck_value *ret, struct kd_err *err)
{
	KD_AUTO(kd_ck_value_fini) struct kd_ck_value v = { 0 };
	struct parser p = { .text = text, .at = text };
	struct kd_ck_token first = kd_ck_token_at(text);
	bool ranges = text[first.len] == '-' || strchr(text, ':');
	int rc = ranges ? take_ranges(&p, &v, err) : take_simple(&p, &v, err);

	if (rc)
		return rc;
	if (*p.at)
		return wrong(&p, p.at, err, "nothing more may follow here: remove it");
	*ret = v;
	v = (struct kd_ck_value){ 0 };
	return 0;
}

void kd_ck_value_fini(struct kd_ck_value *value)
{
	free(value->ranges);
	*value = (struct kd_ck_value){ 0 };
}

static void put_size(struct kd_buf *out, const struct kd_ck_size *s)
{
	static const char *const units[] = { "", "K", "M", "G", "T", "P", "E" };

	kd_buf_printf(out, "%" PRIu64 "%s", s->bytes >> 10 * s->unit, units[s->unit]);
}

void kd_ck_format(const struct kd_ck_value *v, struct kd_buf *out)
{
	static const char *const suffixes[] = {
		[KD_CK_PLAIN] = "",   [KD_CK_RANGES] = "",  [KD_CK_HIGH] = ",high",
		[KD_CK_LOW] = ",low", [KD_CK_CMA] = ",cma",
	};

	if (v->form != KD_CK_RANGES)
		put_size(out, &v->size);
	for (size_t i = 0; i < v->range_count; i++) {
		const struct kd_ck_range *r = &v->ranges[i];
		kd_buf_puts(out, i ? "," : "");
		put_size(out, &r->start);
		kd_buf_puts(out, "-");
		if (r->has_end)
			put_size(out, &r->end);
		kd_buf_puts(out, ":");
		put_size(out, &r->size);
	}
	if (v->has_min) {
		kd_buf_puts(out, ",min=");
		put_size(out, &v->min);
	}
	kd_buf_puts(out, suffixes[v->form]);
	if (v->has_offset) {
		kd_buf_puts(out, "@");
		put_size(out, &v->offset);
	}
}

uint64_t kd_ck_select(const struct kd_ck_value *value, uint64_t ram_bytes)
{
	uint64_t ram = kd_ck_round_ram(ram_bytes);

	if (value->form != KD_CK_RANGES)
		return value->size.bytes;
	for (size_t i = 0; i < value->range_count; i++) {
		const struct kd_ck_range *r = &value->ranges[i];
		if (ram >= r->start.bytes && (!r->has_end || ram < r->end.bytes))
			return r->size.bytes;
	}
	return 0;
}
