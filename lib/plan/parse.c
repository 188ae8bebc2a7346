/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text to plan. The text is taken for foreign: it may be cut short, damaged or hostile. */
#include "lib/plan/internal.h"

#include <stdarg.h>
#include <string.h>

#define REMEDY "run 'kdumpctl rebuild' to make a new one"

struct parser {
	const char *name;
	unsigned int line;
	struct kd_plan plan;
	bool has_engine;
	unsigned int seen;    /* bits of the keys that may stand once */
	struct kd_strv words; /* of the current line, decoded; [0] is the key */
};

static int bad(const struct parser *p, struct kd_err *err, const char *fmt, ...) KD_PRINTF(3, 4);

static int bad(const struct parser *p, struct kd_err *err, const char *fmt, ...)
{
	char text[KD_ERR_MSG_BYTES];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return kd_fail(err, KD_BADDATA, "%s:%u: %s: " REMEDY, p->name, p->line, text);
}

static void parser_fini(struct parser *p)
{
	kd_plan_fini(&p->plan);
	kd_strv_fini(&p->words);
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
				      : -1;
}

/* One word of the line, percent-encoding undone, to p->words. */
static int add_word(struct parser *p, const char *text, size_t len, struct kd_err *err)
{
	KD_AUTO(kd_freep) char *word = malloc(len + 1);
	size_t to = 0;

	if (!word)
		return kd_fail(err, KD_NOMEM, "%s: no memory", p->name);
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c <= 0x20 || c >= 0x7f)
			return bad(p, err, "byte 0x%02x is not percent-encoded", c);
		if (c != '%') {
			word[to++] = text[i];
			continue;
		}
		int high = len - i > 2 ? hex_digit(text[i + 1]) : -1;
		int low = len - i > 2 ? hex_digit(text[i + 2]) : -1;
		if (high < 0 || low < 0 || high + low == 0)
			return bad(p, err,
				   "'%%' is not followed by two hexadecimal digits other than 00");
		word[to++] = (char)(high << 4 | low);
		i += 2;
	}
	word[to] = '\0';
	return kd_strv_add(&p->words, word, err);
}

static int split_line(struct parser *p, const char *text, size_t len, struct kd_err *err)
{
	kd_strv_fini(&p->words);
	if (len > KD_PLAN_MAX_LINE_BYTES)
		return bad(p, err, "the line is longer than %d bytes", KD_PLAN_MAX_LINE_BYTES);
	for (size_t at = 0; at <= len;) {
		const char *blank = memchr(text + at, ' ', len - at);
		size_t n = blank ? (size_t)(blank - text) - at : len - at;
		if (n == 0)
			return bad(p, err, "the line is empty or has a blank too many");
		if (p->words.n > KD_PLAN_MAX_COLLECTOR_WORDS)
			return bad(p, err, "the line has too many words");
		int rc = add_word(p, text + at, n, err);
		if (rc)
			return rc;
		at += n + 1;
	}
	return 0;
}

static int number(const struct parser *p, const char *key, const char *text, uint64_t *ret,
		  struct kd_err *err)
{
	uint64_t v = 0;

	/* One spelling for each number: no sign, no leading zero, not hexadecimal. */
	if (text[strspn(text, "0123456789")] || (text[0] == '0' && text[1]) ||
	    kd_parse_u64(text, &v, NULL))
		return bad(p, err, "%s '%.40s' is not a number", key, text);
	*ret = v;
	return 0;
}

/* Each reads p->words, of which there are as many as the table below allows. */

static int do_release(struct parser *p, struct kd_err *err)
{
	const char *fault = kd_plan_check_release(p->words.v[1]);

	return fault ? bad(p, err, "%s", fault)
		     : kd_strdup(&p->plan.kernel_release, p->words.v[1], err);
}

static int do_host_tag(struct parser *p, struct kd_err *err)
{
	const char *fault = kd_plan_check_host_tag(p->words.v[1]);

	return fault ? bad(p, err, "%s", fault) : kd_strdup(&p->plan.host_tag, p->words.v[1], err);
}

static int do_deadline(struct parser *p, struct kd_err *err)
{
	int rc = number(p, p->words.v[0], p->words.v[1], &p->plan.deadline_s, err);

	if (rc)
		return rc;
	const char *fault = kd_plan_check_deadline(p->plan.deadline_s);
	return fault ? bad(p, err, "%s", fault) : 0;
}

static int do_timeout(struct parser *p, struct kd_err *err)
{
	int rc = number(p, p->words.v[0], p->words.v[1], &p->plan.target_timeout_s, err);

	if (rc)
		return rc;
	const char *fault = kd_plan_check_timeout(p->plan.target_timeout_s);
	return fault ? bad(p, err, "%s", fault) : 0;
}

static int do_failure_action(struct parser *p, struct kd_err *err)
{
	struct kd_err why = { 0 };

	return kd_action_from_name(p->words.v[1], &p->plan.failure_action, &why)
		       ? bad(p, err, "failure_action: %s", why.msg)
		       : 0;
}

static int do_final_action(struct parser *p, struct kd_err *err)
{
	struct kd_err why = { 0 };

	if (kd_action_from_name(p->words.v[1], &p->plan.final_action, &why))
		return bad(p, err, "final_action: %s", why.msg);
	const char *fault = kd_plan_check_final_action(p->plan.final_action);
	return fault ? bad(p, err, "%s", fault) : 0;
}

static int do_collector(struct parser *p, struct kd_err *err)
{
	for (size_t i = 1; i < p->words.n; i++) {
		int rc = kd_strv_add(&p->plan.collector, p->words.v[i], err);
		if (rc)
			return rc;
	}
	const char *fault = kd_plan_check_collector(&p->plan.collector);
	return fault ? bad(p, err, "%s", fault) : 0;
}

static int codec_of(const char *name, enum kd_plan_codec *ret)
{
	for (int c = KD_PLAN_ZSTD; c <= KD_PLAN_NONE; c++) {
		if (strcmp(name, kd_plan_codec_name((enum kd_plan_codec)c)) == 0) {
			*ret = (enum kd_plan_codec)c;
			return 0;
		}
	}
	return -KD_BADDATA;
}

static int do_engine(struct parser *p, struct kd_err *err)
{
	struct kd_plan_engine *e = &p->plan.engine;
	uint64_t level = 0;

	int rc = number(p, "engine's dump level", p->words.v[1], &level, err);

	if (rc)
		return rc;
	p->has_engine = true;
	e->level = level > 31 ? 32 : (unsigned int)level;
	if (codec_of(p->words.v[2], &e->codec))
		return bad(p, err, "engine: '%.40s' is not zstd, zlib, lzo or none", p->words.v[2]);
	e->elf = strcmp(p->words.v[3], "elf") == 0;
	if (!e->elf && strcmp(p->words.v[3], "diskdump") != 0)
		return bad(p, err, "engine: '%.40s' is not diskdump or elf", p->words.v[3]);
	const char *fault = kd_plan_check_engine(e);
	return fault ? bad(p, err, "%s", fault) : 0;
}

static int do_module(struct parser *p, struct kd_err *err)
{
	const char *options = p->words.n > 2 ? p->words.v[2] : "";
	const char *fault = kd_plan_check_module(p->words.v[1], options);

	if (!fault && p->plan.module_count == KD_PLAN_MAX_MODULES)
		fault = "there are more than 512 modules";
	return fault ? bad(p, err, "%s", fault)
		     : kd_plan_add_module(&p->plan, p->words.v[1], options, err);
}

static int do_target(struct parser *p, struct kd_err *err)
{
	struct kd_plan_target t = {
		.fstype = p->words.v[1],
		.id = p->words.v[3],
		.dir = p->words.v[4],
		.mount_options = p->words.n > 5 ? p->words.v[5] : (char[]){ "" },
	};

	if (kd_id_kind_from_name(p->words.v[2], &t.id_kind))
		return bad(p, err,
			   "target identity '%.40s' is not uuid, label, serial, wwid or device",
			   p->words.v[2]);
	const char *fault = kd_plan_check_target(&t);
	if (!fault && p->plan.target_count == KD_PLAN_MAX_TARGETS)
		fault = "there are more than 8 targets";
	return fault ? bad(p, err, "%s", fault) : kd_plan_add_target(&p->plan, &t, err);
}

static const struct key {
	const char *name;
	int (*apply)(struct parser *p, struct kd_err *err);
	unsigned int min_words, max_words; /* with the key */
	bool many;			   /* may stand more than once */
	bool required;
} keys[] = {
	{ "kernel_release", do_release, 2, 2, false, true },
	{ "host_tag", do_host_tag, 2, 2, false, true },
	{ "deadline_s", do_deadline, 2, 2, false, true },
	{ "target_timeout_s", do_timeout, 2, 2, false, true },
	{ "failure_action", do_failure_action, 2, 2, false, true },
	{ "final_action", do_final_action, 2, 2, false, true },
	{ "collector", do_collector, 2, 1 + KD_PLAN_MAX_COLLECTOR_WORDS, false, false },
	{ "engine", do_engine, 4, 4, false, false },
	{ "module", do_module, 2, 3, true, false },
	{ "target", do_target, 5, 6, true, true },
};

static int apply_line(struct parser *p, struct kd_err *err)
{
	for (size_t i = 0; i < KD_ARRAY_LEN(keys); i++) {
		if (strcmp(p->words.v[0], keys[i].name) != 0)
			continue;
		if ((p->seen & 1u << i) && !keys[i].many)
			return bad(p, err, "%s stands there twice", keys[i].name);
		p->seen |= 1u << i;
		if (p->words.n < keys[i].min_words || p->words.n > keys[i].max_words)
			return bad(p, err, "%s has %zu values, not %u to %u", keys[i].name,
				   p->words.n - 1, keys[i].min_words - 1, keys[i].max_words - 1);
		return keys[i].apply(p, err);
	}
	return bad(p, err, "unknown key '%.60s'", p->words.v[0]);
}

/* "kdumpkit-plan 1" */
static int check_first(struct parser *p, const char *line, size_t len, struct kd_err *err)
{
	static const char magic[] = KD_PLAN_MAGIC " ";
	uint64_t version = 0;

	if (len <= strlen(magic) || strncmp(line, magic, strlen(magic)) != 0)
		return bad(p, err, "this is not a plan: it does not begin with '%s%d'", magic,
			   KD_PLAN_VERSION);
	int rc = split_line(p, line, len, err);
	if (!rc && p->words.n != 2)
		rc = bad(p, err, "the plan's version is not one number");
	if (!rc)
		rc = number(p, "the plan's version", p->words.v[1], &version, err);
	if (!rc && version != KD_PLAN_VERSION)
		rc = kd_fail(err, KD_NOTSUP,
			     "%s:%u: this is a plan of version %s, and this program knows version "
			     "%d: " REMEDY,
			     p->name, p->line, p->words.v[1], KD_PLAN_VERSION);
	return rc;
}

static int check_end(struct parser *p, const struct kd_cursor *rest, struct kd_err *err)
{
	if (p->words.n != 1)
		return bad(p, err, "there is something behind 'end'");
	p->line++;
	if (kd_cursor_left(rest) > 0)
		return bad(p, err, "there is text behind the line 'end'");
	for (size_t i = 0; i < KD_ARRAY_LEN(keys); i++)
		if (keys[i].required && !(p->seen & 1u << i))
			return bad(p, err, "there is no line '%s'", keys[i].name);
	if (p->has_engine == (p->plan.collector.n > 0))
		return bad(p, err,
			   p->has_engine ? "there is a line 'collector' and a line 'engine'"
					 : "there is no line 'collector' or 'engine'");
	return 0;
}

static int parse(struct parser *p, const char *text, size_t len, struct kd_err *err)
{
	const uint8_t *start = (const uint8_t *)text;
	struct kd_cursor c = { .p = start, .end = start + len };

	for (;;) {
		size_t n = 0;
		const char *line = kd_cursor_line(&c, &n);
		p->line++;
		/* A line without its newline was cut, whatever it says. */
		if (!line || line + n == text + len)
			return bad(p, err, "the plan is cut short: its line 'end' is missing");
		int rc = p->line == 1 ? check_first(p, line, n, err) : split_line(p, line, n, err);
		if (rc)
			return rc;
		if (p->line == 1)
			continue;
		if (strcmp(p->words.v[0], "end") == 0)
			return check_end(p, &c, err);
		rc = apply_line(p, err);
		if (rc)
			return rc;
	}
}

int kd_plan_parse(const char *text, size_t len, const char *name, struct kd_plan *ret,
		  struct kd_err *err)
{
	KD_AUTO(parser_fini) struct parser p = { .name = name };

	if (len > KD_PLAN_MAX_BYTES)
		return kd_fail(err, KD_BADDATA,
			       "%s: a plan of %zu bytes is larger than the limit of %d: " REMEDY,
			       name, len, KD_PLAN_MAX_BYTES);
	int rc = parse(&p, text, len, err);
	if (rc)
		return rc;
	*ret = p.plan;
	p.plan = (struct kd_plan){ 0 };
	return 0;
}
