/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which crashkernel= word of a command line a kernel goes by, and what it takes it for.
 * Linux 6.12, kernel/crash_reserve.c; the same code was in kernel/crash_core.c before 6.9.
 */
#include "crashkernel/internal.h"

#include <stdarg.h>
#include <string.h>

#define NAME "crashkernel="

enum { NAME_LEN = sizeof(NAME) - 1 };

/* -EINVAL and -ENOENT of the kernel's functions. */
enum outcome { FINE, INVALID, NOT_THERE };

static enum outcome refuse(struct kd_ck_request *r, const char *fmt, ...) KD_PRINTF(2, 3);

static enum outcome refuse(struct kd_ck_request *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(r->why, sizeof(r->why), fmt, ap);
	va_end(ap);
	return INVALID;
}

/* How the kernel shows a character it does not expect. */
static const char *shown(char c, char buf[8])
{
	if (c == '\0' || c == ' ')
		return "the end of the word";
	if (c > ' ' && c <= '~')
		snprintf(buf, 8, "'%c'", c);
	else
		snprintf(buf, 8, "0x%02x", (unsigned char)c);
	return buf;
}

static bool ends_with(const char *begin, const char *end, const char *suffix)
{
	size_t len = strlen(suffix);

	return (size_t)(end - begin) >= len && memcmp(end - len, suffix, len) == 0;
}

static bool has_suffix(const char *begin, const char *end, unsigned int knows)
{
	return ends_with(begin, end, ",high") || ends_with(begin, end, ",low") ||
	       (knows & KD_CK_KNOWS_CMA && ends_with(begin, end, ",cma"));
}

static const char *word_end(const char *word)
{
	return word + strcspn(word, " ");
}

/*
 * get_last_crashkernel(): the last word that ends in @suffix, or in none that the kernel
 * knows where @suffix is NULL. Gives the text behind '='.
 */
static const char *last_word(const char *cmdline, const char *suffix, unsigned int knows)
{
	const char *found = NULL;

	for (const char *p = strstr(cmdline, NAME); p; p = strstr(p + 1, NAME)) {
		const char *end = word_end(p);
		if (suffix ? ends_with(p, end, suffix) : !has_suffix(p, end, knows))
			found = p + NAME_LEN;
	}
	return found;
}

static void note_word(const char *cmdline, const char *word, struct kd_ck_request *r)
{
	r->word = (size_t)(word - cmdline);
	r->word_len = (size_t)(word_end(word) - word);
}

/* One range of parse_crashkernel_mem(); *at moves behind it. */
static enum outcome one_range(const char **at, uint64_t ram, bool *match, struct kd_ck_request *r)
{
	uint64_t end = UINT64_MAX;
	char buf[8];
	struct kd_ck_token t = kd_ck_token_at(*at);
	const uint64_t start = t.size.bytes;

	if (!t.len)
		return refuse(r, "a size is expected before %s", shown(**at, buf));
	*at += t.len;
	if (**at != '-')
		return refuse(r, "'-' is expected in place of %s", shown(**at, buf));
	(*at)++;
	if (**at != ':') {
		t = kd_ck_token_at(*at);
		end = t.size.bytes;
		if (!t.len)
			return refuse(r, "a size is expected before %s", shown(**at, buf));
		*at += t.len;
		if (end <= start)
			return refuse(r, "a range ends before it starts");
	}
	if (**at != ':')
		return refuse(r, "':' is expected in place of %s", shown(**at, buf));
	(*at)++;
	t = kd_ck_token_at(*at);
	if (!t.len)
		return refuse(r, "a size is expected before %s", shown(**at, buf));
	*at += t.len;
	/* Of every range up to the one that matches. */
	if (t.size.bytes >= ram)
		return refuse(r, "a range's size is not less than the machine's memory");
	*match = ram >= start && ram < end;
	if (*match)
		r->size_bytes = t.size.bytes;
	return FINE;
}

/* parse_crashkernel_mem() */
static enum outcome ranges(const char *word, uint64_t ram_bytes, struct kd_ck_request *r)
{
	const uint64_t ram = kd_ck_round_ram(ram_bytes);
	const char *at = word;
	bool match = false;

	do {
		enum outcome o = one_range(&at, ram, &match, r);
		if (o != FINE)
			return o;
	} while (!match && *at++ == ',');
	if (!r->size_bytes)
		return refuse(r, "no range with a size holds this machine's memory");
	at += strcspn(at, " @");
	if (*at != '@')
		return FINE;
	struct kd_ck_token t = kd_ck_token_at(at + 1);
	if (!t.len)
		return refuse(r, "an address is expected behind '@'");
	r->base = t.size.bytes;
	return FINE;
}

/*
 * Our series (kernel-patches/crash_reserve), parse_crashkernel_min(): ",min=SIZE" behind the
 * size. *at moves behind it; a kernel without the series stays where it is.
 */
static enum outcome with_min(const char **at, unsigned int knows, struct kd_ck_request *r)
{
	if (!(knows & KD_CK_KNOWS_MIN) || strncmp(*at, ",min=", 5) != 0)
		return FINE;
	struct kd_ck_token t = kd_ck_token_at(*at + 5);
	if (!t.len)
		return refuse(r, "a size is expected behind ',min='");
	if (t.size.bytes == 0 || t.size.bytes > r->size_bytes)
		return refuse(r, "',min=' has to be more than 0 and at most the size");
	r->min_bytes = t.size.bytes;
	*at += 5 + t.len;
	return FINE;
}

/* parse_crashkernel_simple() */
static enum outcome simple(const char *word, unsigned int knows, struct kd_ck_request *r)
{
	struct kd_ck_token t = kd_ck_token_at(word);
	const char *at = word + t.len;
	char buf[8];

	if (!t.len)
		return refuse(r, "a size is expected before %s", shown(*at, buf));
	r->size_bytes = t.size.bytes;
	if (with_min(&at, knows, r) != FINE)
		return INVALID;
	/* What stands behind the address, or instead of it, is not looked at. */
	if (*at == '@' && !r->min_bytes)
		r->base = kd_ck_token_at(at + 1).size.bytes;
	else if (*at != ' ' && *at != '\0')
		return refuse(r, "%s is not understood by this kernel", shown(*at, buf));
	return FINE;
}

/* __parse_crashkernel() without a suffix */
static enum outcome plain(const char *cmdline, uint64_t ram, unsigned int knows,
			  struct kd_ck_request *r)
{
	const char *word = last_word(cmdline, NULL, knows);

	if (!word)
		return NOT_THERE;
	note_word(cmdline, word, r);
	return memchr(word, ':', (size_t)(word_end(word) - word)) ? ranges(word, ram, r)
								  : simple(word, knows, r);
}

/* parse_crashkernel_suffix() */
static enum outcome suffixed(const char *cmdline, const char *suffix, unsigned int knows,
			     uint64_t *ret, struct kd_ck_request *r)
{
	const char *word = last_word(cmdline, suffix, knows);
	char buf[8];

	if (!word)
		return NOT_THERE;
	struct kd_ck_token t = kd_ck_token_at(word);
	const char *at = word + t.len;
	if (!r->word_len)
		note_word(cmdline, word, r);
	*ret = t.size.bytes;
	if (!t.len)
		return refuse(r, "a size is expected before %s", shown(*at, buf));
	if (strcmp(suffix, ",high") == 0 && with_min(&at, knows, r) != FINE)
		return INVALID;
	if (at + strlen(suffix) != word_end(word))
		return refuse(r, "%s is expected in place of %s", suffix, shown(*at, buf));
	return FINE;
}

static enum outcome high_and_low(const char *cmdline, unsigned int knows, struct kd_ck_request *r)
{
	enum outcome o = suffixed(cmdline, ",high", knows, &r->size_bytes, r);

	if (o != FINE)
		return o;
	if (!r->size_bytes)
		return refuse(r, "the size above 4 GiB is 0");
	o = suffixed(cmdline, ",low", knows, &r->low_bytes, r);
	if (o == INVALID)
		return o;
	r->low_given = o == FINE;
	r->high = true;
	return FINE;
}

void kd_ck_resolve(const char *cmdline, uint64_t ram_bytes, unsigned int knows,
		   struct kd_ck_request *ret)
{
	struct kd_ck_request r = { 0 }, side = { 0 };
	enum outcome o = plain(cmdline, ram_bytes, knows, &r);

	if (o == NOT_THERE)
		o = high_and_low(cmdline, knows, &r);
	if (o == FINE && !r.size_bytes)
		o = refuse(&r, "the size is 0");
	/* What may shrink need not fit as a whole. */
	if (o == FINE && (r.min_bytes ? r.min_bytes : r.size_bytes) >= ram_bytes)
		o = refuse(&r, "the size is not less than the machine's memory");
	/* Comes on top of what was reserved; a fault in it is passed over (Linux 6.17). */
	if (knows & KD_CK_KNOWS_CMA &&
	    suffixed(cmdline, ",cma", knows, &side.cma_bytes, &side) == FINE)
		r.cma_bytes = side.cma_bytes;
	r.verdict = o == FINE ? KD_CK_ASKED : o == INVALID ? KD_CK_REFUSED : KD_CK_ABSENT;
	if (r.verdict != KD_CK_ASKED) {
		struct kd_ck_request nothing = { .verdict = r.verdict,
						 .word = r.word,
						 .word_len = r.word_len };
		memcpy(nothing.why, r.why, sizeof(r.why));
		r = nothing;
	}
	*ret = r;
}
