/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses of kernel variables that vmcoreinfo does not name, out of the kernel's own table of
 * symbols. vmcoreinfo leads to it since Linux v6.0 (5fd8fea935a1); which symbols are in it is a
 * matter of the kernel's configuration (CONFIG_KALLSYMS_ALL for variables).
 *
 * A name is a length and so many bytes, each the number of a token; all tokens one behind the
 * other, the first letter being the symbol's type, spell it. Since v6.1 (73bbb94466fd) bit 7 of the
 * length says that a second byte has its upper bits. An address is an offset from a base; how it is
 * counted depends on version and architecture, and shows in the address of _stext, which is known.
 */
#include "lib/filter/internal.h"

#include <stdlib.h>

enum {
	TOKENS = 256,
	MAX_TOKEN_TABLE_BYTES = 32 << 10, /* 1 KiB is usual */
	MAX_SYMBOLS = 4 << 20,
	READ_AHEAD_BYTES = 4096,
	NAME_BYTES = 48, /* longer ones are none of ours */
};

/* Bytes in rising order. */
struct stream {
	struct kd_reader *reader;
	uint64_t vaddr; /* of the next piece */
	const uint8_t *p;
	size_t left;
};

struct table {
	struct kd_reader *reader;
	uint64_t names, offsets, base, n;
	bool has_base;
	uint8_t index[TOKENS * 2]; /* u16 each: where a token begins */
	char *tokens;
	size_t tokens_len;
};

static bool next_byte(struct stream *s, uint8_t *ret)
{
	if (s->left == 0) {
		s->p = s->reader->fetch(s->reader, s->vaddr, READ_AHEAD_BYTES, &s->left);
		if (!s->p)
			return false;
		s->vaddr += s->left;
	}
	*ret = *s->p++;
	s->left--;
	return true;
}

static unsigned int token_at(const struct table *t, unsigned int i)
{
	return t->index[2 * i] | (unsigned int)t->index[2 * i + 1] << 8;
}

/* The next name without its type; what does not fit becomes "". */
static bool next_name(struct stream *s, const struct table *t, char name[NAME_BYTES])
{
	size_t at = 0;
	bool first = true;
	uint8_t byte;

	if (!next_byte(s, &byte))
		return false;
	unsigned int len = byte;
	if (byte & 0x80) {
		if (!next_byte(s, &byte))
			return false;
		len = (len & 0x7f) | (unsigned int)byte << 7;
	}
	for (; len; len--) {
		if (!next_byte(s, &byte))
			return false;
		/* The table ends with a zero byte of ours. */
		for (size_t i = token_at(t, byte); i < t->tokens_len && t->tokens[i]; i++) {
			if (!first && at < NAME_BYTES)
				name[at++] = t->tokens[i];
			first = false;
		}
	}
	name[at < NAME_BYTES ? at : 0] = '\0';
	return true;
}

static bool load_tokens(struct table *t, uint64_t index, uint64_t tokens)
{
	enum { LAST_TOKEN_BYTES = 64 };
	unsigned int last = 0;

	if (!kd_reader_copy(t->reader, index, t->index, sizeof(t->index)))
		return false;
	for (unsigned int i = 0; i < TOKENS; i++)
		last = token_at(t, i) > last ? token_at(t, i) : last;
	if (last > MAX_TOKEN_TABLE_BYTES)
		return false;
	t->tokens_len = last + LAST_TOKEN_BYTES;
	t->tokens = calloc(1, t->tokens_len + 1);
	return t->tokens && kd_reader_copy(t->reader, tokens, t->tokens, t->tokens_len);
}

static bool table_open(struct table *t, const struct kd_vmcoreinfo *info)
{
	uint64_t count, index, tokens, base;
	uint8_t n[4];

	if (!kd_vmcoreinfo_symbol(info, "kallsyms_names", &t->names) ||
	    !kd_vmcoreinfo_symbol(info, "kallsyms_offsets", &t->offsets) ||
	    !kd_vmcoreinfo_symbol(info, "kallsyms_num_syms", &count) ||
	    !kd_vmcoreinfo_symbol(info, "kallsyms_token_index", &index) ||
	    !kd_vmcoreinfo_symbol(info, "kallsyms_token_table", &tokens) ||
	    !kd_reader_copy(t->reader, count, n, sizeof(n)))
		return false;
	t->n = kd_load32(n);
	t->has_base = kd_vmcoreinfo_symbol(info, "kallsyms_relative_base", &base) &&
		      kd_reader_u64(t->reader, base, &t->base);
	return t->n <= MAX_SYMBOLS && load_tokens(t, index, tokens);
}

/* The ways to count: from the base; positive ones absolute, negative ones from the base downwards
 * (x86_64 to v6.14, CONFIG_KALLSYMS_ABSOLUTE_PERCPU); from the offset's own place (v7.0). */
enum { FROM_BASE, ABSOLUTE_PERCPU, FROM_PLACE, N_WAYS };

static uint64_t address(const struct table *t, unsigned int way, uint64_t i, uint32_t word)
{
	uint64_t offset = (uint64_t)(int64_t)(int32_t)word;

	if (way == FROM_PLACE)
		return t->offsets + i * 4 + offset;
	if (way == FROM_BASE)
		return t->base + word;
	return (int32_t)word >= 0 ? offset : t->base - 1 - offset;
}

struct found {
	uint64_t nr;
	uint32_t word;
	bool yes;
};

static void look_up(const struct table *t, const char *const *names, struct found *found, size_t n)
{
	struct stream s = { .reader = t->reader, .vaddr = t->names };
	char name[NAME_BYTES];
	size_t left = n;

	for (uint64_t nr = 0; nr < t->n && left && next_name(&s, t, name); nr++) {
		for (size_t i = 0; i < n; i++) {
			if (found[i].yes || strcmp(name, names[i]) != 0)
				continue;
			found[i].nr = nr;
			found[i].yes = true;
			left--;
		}
	}
	for (size_t i = 0; i < n; i++) {
		uint8_t word[4];
		if (found[i].yes &&
		    kd_reader_copy(t->reader, t->offsets + found[i].nr * 4, word, 4))
			found[i].word = kd_load32(word);
		else
			found[i].yes = false;
	}
}

bool kd_find_symbols(struct kd_reader *r, const struct kd_vmcoreinfo *info,
		     const char *const *names, uint64_t *values, size_t n)
{
	static const char anchor[] = "_stext";
	struct table t = { .reader = r };
	const char *all[KD_MAX_SYMBOLS + 1] = { anchor };
	struct found found[KD_MAX_SYMBOLS + 1] = { 0 };
	unsigned int way = 0;
	uint64_t stext;

	if (n > KD_MAX_SYMBOLS || !kd_vmcoreinfo_symbol(info, anchor, &stext))
		return false;
	memcpy(all + 1, names, n * sizeof(*names));
	if (table_open(&t, info))
		look_up(&t, all, found, n + 1);
	free(t.tokens);
	for (size_t i = 0; i <= n; i++) {
		if (!found[i].yes)
			return false;
	}
	while (way < N_WAYS && ((way != FROM_PLACE && !t.has_base) ||
				address(&t, way, found[0].nr, found[0].word) != stext))
		way++;
	if (way == N_WAYS)
		return false;
	for (size_t i = 0; i < n; i++)
		values[i] = address(&t, way, found[i + 1].nr, found[i + 1].word);
	return true;
}
