/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's symbol table as the page filter reads it. Input: two bytes (little-endian) for the
 * length of what follows as vmcoreinfo, then memory from address 0x1000 on. The seed is a table of
 * a few symbols. Beyond staying inside the input: the answer does not depend on how much of the
 * memory is lent at a time.
 */
#include "lib/filter/internal.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct memory {
	struct kd_reader reader;
	const uint8_t *p;
	size_t len;
	size_t most; /* to lend at once */
};

enum { START = 0x1000 };

static const uint8_t *fetch(struct kd_reader *reader, uint64_t vaddr, size_t want, size_t *len_ret)
{
	struct memory *m = (struct memory *)reader;
	uint64_t at = vaddr - START;

	if (at >= m->len)
		return NULL;
	size_t n = m->len - at < want ? m->len - at : want;
	*len_ret = n > m->most ? m->most : n;
	return m->p + at;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "crash_notes", "nr_cpu_ids" };
	struct memory whole = { .reader.fetch = fetch, .most = SIZE_MAX }, pieces;
	uint64_t a[2] = { 0 }, b[2] = { 0 };
	struct kd_vmcoreinfo *info = NULL;
	struct kd_err err = { 0 };

	if (size < 2)
		return 0;
	size_t text = data[0] | (size_t)data[1] << 8;
	data += 2;
	size -= 2;
	if (text > size)
		text = size;
	if (kd_vmcoreinfo_parse(data, text, &info, &err))
		return 0;
	whole.p = data + text;
	whole.len = size - text;
	pieces = whole;
	pieces.most = 7;
	bool found = kd_find_symbols(&whole.reader, info, names, a, 2);
	if (found != kd_find_symbols(&pieces.reader, info, names, b, 2) ||
	    memcmp(a, b, sizeof(a)) != 0)
		abort();
	kd_vmcoreinfo_free(info);
	return 0;
}
