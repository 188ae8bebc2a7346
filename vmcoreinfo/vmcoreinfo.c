/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmcoreinfo/vmcoreinfo.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TEXT_BYTES = 1 << 20, MAX_KEY_BYTES = 128 };

struct entry {
	const char *key; /* both point into kd_vmcoreinfo.text and are NUL-terminated */
	const char *value;
};

struct kd_vmcoreinfo {
	char *text;
	struct entry *entries; /* sorted by key; equal keys in the order of the text */
	size_t n;
	bool cut;
};

/* Text order settles ties, so the first of several equal keys comes first. */
static int compare_entries(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int order = strcmp(x->key, y->key);

	if (order)
		return order;
	return x->key < y->key ? -1 : x->key > y->key;
}

static size_t count_lines(const char *text, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += text[i] == '\n';
	return n;
}

/* Cuts the text into entries in place: '=' and '\n' become the NULs. */
static void split_lines(struct kd_vmcoreinfo *info, size_t len)
{
	char *line = info->text, *end = info->text + len;

	while (line < end) {
		char *newline = memchr(line, '\n', (size_t)(end - line));
		if (!newline) {
			info->cut = true;
			return;
		}
		*newline = '\0';

		char *equals = strchr(line, '=');
		if (equals && equals > line) {
			*equals = '\0';
			info->entries[info->n++] = (struct entry){ .key = line,
								   .value = equals + 1 };
		}
		line = newline + 1;
	}
}

int kd_vmcoreinfo_parse(const void *bytes, size_t len, struct kd_vmcoreinfo **ret,
			struct kd_err *err)
{
	if (len > MAX_TEXT_BYTES)
		return kd_fail(err, KD_BADDATA, "vmcoreinfo of %zu bytes: more than %d", len,
			       MAX_TEXT_BYTES);
	if (len)
		len = strnlen(bytes, len);

	KD_AUTO(kd_vmcoreinfo_freep) struct kd_vmcoreinfo *info = calloc(1, sizeof(*info));
	if (info) {
		info->text = malloc(len + 1);
		info->entries = calloc(len ? count_lines(bytes, len) + 1 : 1,
				       sizeof(*info->entries));
	}
	if (!info || !info->text || !info->entries)
		return kd_fail(err, KD_NOMEM, "vmcoreinfo: no memory for %zu bytes", len);

	if (len)
		memcpy(info->text, bytes, len);
	info->text[len] = '\0';
	split_lines(info, len);
	qsort(info->entries, info->n, sizeof(*info->entries), compare_entries);
	*ret = KD_STEAL(info);
	return 0;
}

void kd_vmcoreinfo_free(struct kd_vmcoreinfo *info)
{
	if (!info)
		return;
	free(info->text);
	free(info->entries);
	free(info);
}

void kd_vmcoreinfo_freep(struct kd_vmcoreinfo **info)
{
	kd_vmcoreinfo_free(*info);
}

bool kd_vmcoreinfo_is_cut(const struct kd_vmcoreinfo *info)
{
	return info && info->cut;
}

/* The lowest entry with this key. */
static const char *find(const struct kd_vmcoreinfo *info, const char *key)
{
	size_t low = 0, high = info ? info->n : 0;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (strcmp(info->entries[mid].key, key) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	if (!info || low == info->n || strcmp(info->entries[low].key, key) != 0)
		return NULL;
	return info->entries[low].value;
}

static const char *find_in_brackets(const struct kd_vmcoreinfo *info, const char *kind,
				    const char *name)
{
	char key[MAX_KEY_BYTES];
	int n = snprintf(key, sizeof(key), "%s(%s)", kind, name);

	return n > 0 && n < (int)sizeof(key) ? find(info, key) : NULL;
}

static bool is_digit(char c, int base)
{
	if (c >= '0' && c <= '9')
		return true;
	return base == 16 && ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'));
}

/* The whole of text must be digits: strtoull alone takes blanks and signs. */
static int parse(const char *text, int base, uint64_t *ret)
{
	if (!text)
		return 0;
	if (base == 16 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
		text += 2;
	if (!is_digit(text[0], base))
		return 0;

	char *end;
	errno = 0;
	unsigned long long v = strtoull(text, &end, base);
	if (errno || *end != '\0')
		return 0;
	*ret = v;
	return 1;
}

int kd_vmcoreinfo_symbol(const struct kd_vmcoreinfo *info, const char *name, uint64_t *ret)
{
	return parse(find_in_brackets(info, "SYMBOL", name), 16, ret);
}

int kd_vmcoreinfo_size(const struct kd_vmcoreinfo *info, const char *name, uint64_t *ret)
{
	return parse(find_in_brackets(info, "SIZE", name), 10, ret);
}

int kd_vmcoreinfo_offset(const struct kd_vmcoreinfo *info, const char *name, uint64_t *ret)
{
	return parse(find_in_brackets(info, "OFFSET", name), 10, ret);
}

int kd_vmcoreinfo_length(const struct kd_vmcoreinfo *info, const char *name, uint64_t *ret)
{
	return parse(find_in_brackets(info, "LENGTH", name), 10, ret);
}

int kd_vmcoreinfo_number(const struct kd_vmcoreinfo *info, const char *name, int64_t *ret)
{
	const char *text = find_in_brackets(info, "NUMBER", name);
	uint64_t v;

	if (!text)
		return 0;

	bool negative = text[0] == '-';
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	if (!parse(text + negative, hex ? 16 : 10, &v))
		return 0;
	if (negative && v > (uint64_t)INT64_MAX + 1)
		return 0;
	*ret = (int64_t)(negative ? 0 - v : v);
	return 1;
}

int kd_vmcoreinfo_text(const struct kd_vmcoreinfo *info, const char *key, const char **ret)
{
	const char *text = find(info, key);

	if (!text)
		return 0;
	*ret = text;
	return 1;
}

int kd_vmcoreinfo_decimal(const struct kd_vmcoreinfo *info, const char *key, uint64_t *ret)
{
	return parse(find(info, key), 10, ret);
}

int kd_vmcoreinfo_hex(const struct kd_vmcoreinfo *info, const char *key, uint64_t *ret)
{
	return parse(find(info, key), 16, ret);
}
