/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words and rules both sides of the border must agree on. */
#include "lib/dumpdir/internal.h"

#include <stdlib.h>
#include <string.h>

static const char *const outcome_names[] = {
	[KD_OUTCOME_SAVED] = "saved",
	[KD_OUTCOME_TRUNCATED] = "truncated",
	[KD_OUTCOME_DMESG_ONLY] = "dmesg-only",
	[KD_OUTCOME_FAILED] = "failed",
};

const char *kd_outcome_name(enum kd_outcome outcome)
{
	return (size_t)outcome < KD_ARRAY_LEN(outcome_names) ? outcome_names[outcome] : "unknown";
}

bool kd_manifest_name_ok(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len >= sizeof(((struct kd_manifest_file *)NULL)->name) || name[0] == '.')
		return false;
	return strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
	       len;
}

void kd_manifest_fini(struct kd_manifest *m)
{
	free(m->engine.extents);
	m->engine.extents = NULL;
	m->engine.extent_count = 0;
}

static const struct kd_manifest_file *find_file(const struct kd_manifest *m, const char *name)
{
	for (unsigned int i = 0; i < m->file_count; i++)
		if (strcmp(m->files[i].name, name) == 0)
			return &m->files[i];
	return NULL;
}

bool kd_manifest_has_file(const struct kd_manifest *m, const char *name)
{
	return find_file(m, name) != NULL;
}

const struct kd_manifest_file *kd_manifest_vmcore(const struct kd_manifest *m)
{
	const struct kd_manifest_file *whole = find_file(m, KD_DUMPDIR_VMCORE);

	return whole ? whole : find_file(m, KD_DUMPDIR_VMCORE_INCOMPLETE);
}

bool kd_manifest_holds(const struct kd_manifest *m, const struct kd_hashed_extent *x)
{
	const struct kd_manifest_file *vmcore = kd_manifest_vmcore(m);

	return vmcore && x->len_bytes > 0 && x->off <= vmcore->size_bytes &&
	       x->len_bytes <= vmcore->size_bytes - x->off;
}

size_t kd_manifest_text_len(const unsigned char *s, size_t left)
{
	if (*s < 0x20 || *s == 0x7f)
		return 0;
	if (*s == 0xc2 && left > 1 && s[1] < 0xa0)
		return 0;
	return kd_utf8_len(s, left);
}
