/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/base/json.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

static void newline(struct kd_json *j)
{
	if (!j->pretty)
		return;
	kd_buf_puts(j->out, "\n");
	for (unsigned int i = 0; i < j->depth; i++)
		kd_buf_puts(j->out, "  ");
}

size_t kd_utf8_len(const unsigned char *s, size_t left)
{
	size_t n = s[0] < 0x80			  ? 1
		   : s[0] >= 0xc2 && s[0] <= 0xdf ? 2
		   : s[0] >= 0xe0 && s[0] <= 0xef ? 3
		   : s[0] >= 0xf0 && s[0] <= 0xf4 ? 4
						  : 0;

	if (n == 0 || n > left)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

static void quoted(struct kd_buf *out, const char *text, size_t len)
{
	kd_buf_puts(out, "\"");
	for (size_t i = 0; i < len;) {
		const unsigned char *s = (const unsigned char *)text + i;
		size_t n = kd_utf8_len(s, len - i);
		if (n == 0 || *s < 0x20 || *s == 0x7f) {
			kd_buf_printf(out, "\\u%04x", *s);
			i++;
			continue;
		}
		if (*s == '"' || *s == '\\')
			kd_buf_puts(out, "\\");
		kd_buf_add(out, s, n);
		i += n;
	}
	kd_buf_puts(out, "\"");
}

/* Everything that precedes a value: comma, line, name. */
static void lead_in(struct kd_json *j, const char *name)
{
	if (j->comma[j->depth])
		kd_buf_puts(j->out, ",");
	if (j->depth > 0)
		newline(j);
	j->comma[j->depth] = true;
	if (name) {
		quoted(j->out, name, strlen(name));
		kd_buf_puts(j->out, j->pretty ? ": " : ":");
	}
}

static void open_level(struct kd_json *j, const char *name, const char *bracket)
{
	lead_in(j, name);
	kd_buf_puts(j->out, bracket);
	assert(j->depth + 1 < KD_JSON_MAX_DEPTH);
	j->comma[++j->depth] = false;
}

static void close_level(struct kd_json *j, const char *bracket)
{
	assert(j->depth > 0);
	bool any = j->comma[j->depth--];
	if (any)
		newline(j);
	kd_buf_puts(j->out, bracket);
	if (j->depth == 0 && j->pretty)
		kd_buf_puts(j->out, "\n");
}

void kd_json_open_object(struct kd_json *j, const char *name)
{
	open_level(j, name, "{");
}

void kd_json_close_object(struct kd_json *j)
{
	close_level(j, "}");
}

void kd_json_open_array(struct kd_json *j, const char *name)
{
	open_level(j, name, "[");
}

void kd_json_close_array(struct kd_json *j)
{
	close_level(j, "]");
}

void kd_json_string_n(struct kd_json *j, const char *name, const char *value, size_t len)
{
	lead_in(j, name);
	quoted(j->out, value, len);
}

void kd_json_string(struct kd_json *j, const char *name, const char *value)
{
	if (value) {
		kd_json_string_n(j, name, value, strlen(value));
		return;
	}
	lead_in(j, name);
	kd_buf_puts(j->out, "null");
}

void kd_json_u64(struct kd_json *j, const char *name, uint64_t value)
{
	lead_in(j, name);
	kd_buf_printf(j->out, "%" PRIu64, value);
}

void kd_json_i64(struct kd_json *j, const char *name, int64_t value)
{
	lead_in(j, name);
	kd_buf_printf(j->out, "%" PRId64, value);
}

void kd_json_ms(struct kd_json *j, const char *name, uint64_t ms)
{
	lead_in(j, name);
	kd_buf_printf(j->out, "%" PRIu64 ".%03u", ms / 1000, (unsigned int)(ms % 1000));
}

void kd_json_bool(struct kd_json *j, const char *name, bool value)
{
	lead_in(j, name);
	kd_buf_puts(j->out, value ? "true" : "false");
}
