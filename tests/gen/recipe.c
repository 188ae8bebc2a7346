/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Recipes: dumps from a few lines of text. The words are explained in mkvmcore-main.c. */
#include "tests/gen/internal.h"

#include <ctype.h>
#include <string.h>

enum { MAX_WORDS = 12, MAX_LINE = 4096 };

struct recipe {
	const char *name;
	unsigned int line;
	struct kd_gen *g;
	struct kd_gen_ring *ring;
	uint64_t ring_at;
	uint32_t page_bytes;
	uint16_t machine;
	bool written;
	int fd;
};

struct words {
	char *v[MAX_WORDS];
	size_t n;
};

static int bad(const struct recipe *r, struct kd_err *err, const char *what, const char *word)
{
	return kd_fail(err, KD_USAGE, "%s:%u: %s: %s", r->name, r->line, what, word);
}

/* ---- values ---- */

static int number(const struct recipe *r, const char *text, uint64_t *ret, struct kd_err *err)
{
	struct kd_err ignored;

	if (kd_parse_u64(text, ret, &ignored) && kd_parse_size(text, ret, &ignored))
		return bad(r, err, "not a number", text);
	return 0;
}

/* The value of "key=..." among the words; NULL if it is not there. */
static const char *option(const struct words *w, const char *key)
{
	size_t len = strlen(key);

	for (size_t i = 0; i < w->n; i++) {
		if (strncmp(w->v[i], key, len) == 0 && w->v[i][len] == '=')
			return w->v[i] + len + 1;
	}
	return NULL;
}

static bool flag(const struct words *w, const char *name)
{
	for (size_t i = 0; i < w->n; i++) {
		if (strcmp(w->v[i], name) == 0)
			return true;
	}
	return false;
}

static int number_option(const struct recipe *r, const struct words *w, const char *key,
			 uint64_t otherwise, uint64_t *ret, struct kd_err *err)
{
	const char *text = option(w, key);

	*ret = otherwise;
	return text ? number(r, text, ret, err) : 0;
}

/* The first two numbers of a line. */
static int two_numbers(const struct recipe *r, const struct words *w, uint64_t *a, uint64_t *b,
		       struct kd_err *err)
{
	if (w->n < 3)
		return bad(r, err, "needs two numbers", w->v[0]);
	int rc = number(r, w->v[1], a, err);
	return rc ? rc : number(r, w->v[2], b, err);
}

/* \n, \t, \\ and \xNN in place; returns the length. */
static size_t unescape(char *text)
{
	char *out = text;

	for (char *p = text; *p; p++) {
		unsigned int byte;
		if (*p != '\\' || !p[1]) {
			*out++ = *p;
		} else if (p[1] == 'x' && sscanf(p + 2, "%2x", &byte) == 1) {
			*out++ = (char)byte;
			p += 1 + (isxdigit((unsigned char)p[2]) != 0) +
			     (isxdigit((unsigned char)p[3]) != 0);
		} else {
			p++;
			*out++ = *p == 'n' ? '\n' : *p == 't' ? '\t' : *p;
		}
	}
	*out = '\0';
	return (size_t)(out - text);
}

/* Seconds with up to nine decimals. */
static int timestamp(const struct recipe *r, const char *text, uint64_t *ns_ret, struct kd_err *err)
{
	unsigned long long sec, ns = 0, unit = 100000000;
	int used = 0;

	if (sscanf(text, "%llu%n", &sec, &used) != 1)
		return bad(r, err, "not a time in seconds", text);
	const char *p = text + used;
	if (*p == '.')
		for (p++; isdigit((unsigned char)*p) && unit; p++, unit /= 10)
			ns += (unsigned long long)(*p - '0') * unit;
	if (*p)
		return bad(r, err, "not a time in seconds", text);
	*ns_ret = sec * 1000000000 + ns;
	return 0;
}

/* ---- what fills pages ---- */

static bool fill_address(void *arg, uint64_t paddr, uint8_t *page, size_t len)
{
	for (size_t i = 0; i < len; i += 8) {
		uint64_t v = paddr + i;
		memcpy(page + i, &v, sizeof(v));
	}
	return true;
}

static bool fill_noise(void *arg, uint64_t paddr, uint8_t *page, size_t len)
{
	uint64_t v = paddr * 0x9e3779b97f4a7c15ULL + 1;

	for (size_t i = 0; i < len; i += 8) {
		v ^= v << 13;
		v ^= v >> 7;
		v ^= v << 17;
		memcpy(page + i, &v, sizeof(v));
	}
	return true;
}

static bool is_odd(void *arg, uint64_t pfn)
{
	return pfn % 2;
}

/* ---- lines ---- */

static int do_machine(struct recipe *r, const struct words *w, struct kd_err *err)
{
	uint64_t page;
	int rc = number_option(r, w, "page", 4096, &page, err);

	if (rc)
		return rc;
	if (r->g)
		return bad(r, err, "must come first", w->v[0]);
	if (page < 4096 || page > 65536)
		return bad(r, err, "no page size", option(w, "page"));
	r->page_bytes = (uint32_t)page;
	if (flag(w, "aarch64"))
		r->machine = 183;
	return 0;
}

static struct kd_gen *machine(struct recipe *r)
{
	if (!r->g)
		r->g = kd_gen_new(r->machine, r->page_bytes);
	return r->g;
}

static int do_kernel(struct recipe *r, const struct words *w, struct kd_err *err)
{
	uint64_t image, ram;

	if (w->n < 2)
		return bad(r, err, "needs a release", w->v[0]);
	int rc = number_option(r, w, "image", 2 << 20, &image, err);
	if (!rc)
		rc = number_option(r, w, "ram", 40 << 20, &ram, err);
	if (!rc)
		kd_gen_x86_kernel(machine(r), w->v[1], image, ram);
	return rc;
}

static int do_osrelease(struct recipe *r, const struct words *w, struct kd_err *err)
{
	uint64_t crashtime;
	int rc = number_option(r, w, "crashtime", 1700000000, &crashtime, err);

	if (w->n < 2)
		return bad(r, err, "needs a release", w->v[0]);
	if (!rc)
		kd_gen_info_base(machine(r), w->v[1], crashtime);
	return rc;
}

static int do_segment(struct recipe *r, const struct words *w, struct kd_err *err)
{
	uint64_t paddr, len, filesz, vaddr;
	int rc = two_numbers(r, w, &paddr, &len, err);

	if (!rc)
		rc = number_option(r, w, "filesz", len, &filesz, err);
	if (!rc)
		rc = number_option(r, w, "vaddr", KD_GEN_X86_DIRECT + paddr, &vaddr, err);
	if (!rc)
		kd_gen_segment(machine(r), paddr, len, filesz, vaddr);
	return rc;
}

static int do_fill(struct recipe *r, const struct words *w, struct kd_err *err)
{
	uint64_t paddr, len;
	int rc = two_numbers(r, w, &paddr, &len, err);

	if (rc)
		return rc;
	if (flag(w, "address"))
		kd_gen_fill(machine(r), paddr, len, fill_address, NULL);
	else if (flag(w, "noise"))
		kd_gen_fill(machine(r), paddr, len, fill_noise, NULL);
	else
		return bad(r, err, "fill with address or noise", w->v[0]);
	return 0;
}

static int do_ring(struct recipe *r, const struct words *w, struct kd_err *err)
{
	uint64_t count_bits, size_bits;
	int rc = two_numbers(r, w, &count_bits, &size_bits, err);

	if (!rc)
		rc = number_option(r, w, "at", 17 << 20, &r->ring_at, err);
	if (rc)
		return rc;
	if (r->ring || count_bits < 1 || count_bits > 20 || size_bits < 4 || size_bits > 24)
		return bad(r, err, "one ring, 2^1 to 2^20 records, 2^4 to 2^24 bytes", w->v[0]);
	r->ring = kd_gen_ring_new((unsigned int)count_bits, (unsigned int)size_bits);
	return 0;
}

/* log TIME TEXT; @line is what follows the first word. */
static int do_log(struct recipe *r, enum kd_gen_state state, char *line, struct kd_err *err)
{
	size_t time_len = strcspn(line, " ");
	char *text = line[time_len] ? line + time_len + 1 : line + time_len;
	uint64_t ts = 0;

	if (!r->ring)
		return bad(r, err, "needs a ring before it", "log");
	line[time_len] = '\0';
	int rc = timestamp(r, line, &ts, err);
	if (rc)
		return rc;
	size_t len = unescape(text);
	if (8 + len + 8 >= (1ULL << r->ring->size_bits) / 2)
		return bad(r, err, "the ring is too small for", text);
	kd_gen_log(r->ring, state, ts, text, len);
	return 0;
}

static int do_out(struct recipe *r, const struct words *w, struct kd_err *err)
{
	static const char *const codecs[] = { "raw", "zlib", "lzo", "snappy", "zstd", "mixed" };
	const char *codec = option(w, "codec");
	struct kd_gen_elf_opts elf = { .phdrs_last = flag(w, "phdrs-last"),
				       .xnum = flag(w, "xnum"),
				       .without_vaddr = flag(w, "without-vaddr") };
	struct kd_gen_diskdump_opts dd = { .exclude = flag(w, "exclude-odd") ? is_odd : NULL };
	uint64_t truncate, status, version, stop;

	int rc = number_option(r, w, "truncate", 0, &truncate, err);
	if (!rc)
		rc = number_option(r, w, "status", 0, &status, err);
	if (!rc)
		rc = number_option(r, w, "version", 6, &version, err);
	if (!rc)
		rc = number_option(r, w, "stop-after", 0, &stop, err);
	if (rc)
		return rc;
	for (size_t i = 0; codec && i < KD_ARRAY_LEN(codecs); i++) {
		if (strcmp(codec, codecs[i]) == 0)
			dd.codec = (enum kd_gen_codec)i;
	}
	elf.truncate = dd.truncate = truncate;
	dd.status = (uint32_t)status;
	dd.version = (uint32_t)version;
	dd.stop_after = stop;

	struct kd_gen *g = machine(r);
	if (r->ring)
		kd_gen_ring_store(g, r->ring, r->ring_at, KD_GEN_X86_TEXT + r->ring_at);
	KD_AUTO(kd_closep) int plain = kd_gen_memfd("plain");
	int fd = flag(w, "flattened") ? plain : r->fd;
	if (flag(w, "diskdump"))
		kd_gen_diskdump(g, fd, &dd);
	else
		kd_gen_elf(g, fd, &elf);
	if (fd == plain)
		kd_gen_flatten(plain, r->fd, NULL);
	r->written = true;
	return 0;
}

static int do_words(struct recipe *r, const struct words *w, struct kd_err *err)
{
	static const struct {
		const char *word;
		int (*fn)(struct recipe *r, const struct words *w, struct kd_err *err);
	} lines[] = {
		{ "machine", do_machine }, { "kernel", do_kernel }, { "osrelease", do_osrelease },
		{ "segment", do_segment }, { "fill", do_fill },	    { "ring", do_ring },
		{ "out", do_out },
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(lines); i++) {
		if (strcmp(w->v[0], lines[i].word) == 0)
			return lines[i].fn(r, w, err);
	}
	return bad(r, err, "unknown word", w->v[0]);
}

/* Lines whose rest is text come first: it may have blanks. */
static int do_line(struct recipe *r, char *line, struct kd_err *err)
{
	struct words w = { 0 };
	char *save = NULL;

	if (strncmp(line, "info ", 5) == 0) {
		kd_gen_info(machine(r), "%s\n", line + 5);
		return 0;
	}
	if (strncmp(line, "log ", 4) == 0)
		return do_log(r, KD_GEN_FINALIZED, line + 4, err);
	if (strncmp(line, "log-reserved ", 13) == 0)
		return do_log(r, KD_GEN_RESERVED, line + 13, err);
	if (strcmp(line, "log-empty") == 0) {
		if (!r->ring)
			return bad(r, err, "needs a ring before it", line);
		kd_gen_log_empty(r->ring, 0);
		return 0;
	}
	for (char *p = strtok_r(line, " \t", &save); p; p = strtok_r(NULL, " \t", &save)) {
		if (w.n == MAX_WORDS)
			return bad(r, err, "too many words", p);
		w.v[w.n++] = p;
	}
	return w.n ? do_words(r, &w, err) : 0;
}

static void recipe_fini(struct recipe *r)
{
	kd_gen_free(r->g);
	kd_gen_ring_free(r->ring);
}

int kd_gen_recipe(const char *text, size_t len, const char *name, int fd, struct kd_err *err)
{
	KD_AUTO(recipe_fini)
	struct recipe r = { .name = name, .machine = 62, .page_bytes = 4096, .fd = fd };
	struct kd_cursor c = { .p = (const uint8_t *)text, .end = (const uint8_t *)text + len };
	const char *from;
	size_t n;

	while ((from = kd_cursor_line(&c, &n))) {
		char line[MAX_LINE];

		r.line++;
		if (n >= sizeof(line))
			return bad(&r, err, "line too long", "");
		memcpy(line, from, n);
		line[n] = '\0';
		if (n == 0 || line[0] == '#')
			continue;
		if (r.written)
			return bad(&r, err, "nothing may follow out", line);
		int rc = do_line(&r, line, err);
		if (rc)
			return rc;
	}
	if (!r.written)
		return kd_fail(err, KD_USAGE, "%s: there is no line \"out\"", name);
	return 0;
}
