/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A manifest that is accepted names only plain files, no text a terminal would obey, and no
 * byte of the dump twice or outside of it.
 */
#include "lib/dumpdir/internal.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void require_clean(const char *text)
{
	for (const char *p = text; *p; p++)
		require((unsigned char)*p >= 0x20 && *p != 0x7f);
}

static void require_extents_apart(const struct kd_manifest *m)
{
	uint64_t end = 0;

	require(m->engine.extent_count <= KD_MANIFEST_MAX_EXTENTS);
	for (size_t i = 0; i < m->engine.extent_count; i++) {
		const struct kd_hashed_extent *x = &m->engine.extents[i];
		require(kd_manifest_holds(m, x) && x->off >= end);
		end = x->off + x->len_bytes;
	}
	require(end == 0 || end <= kd_manifest_vmcore(m)->size_bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	KD_AUTO(kd_manifest_fini) struct kd_manifest m = { 0 };
	struct kd_err err = { 0 };
	int rc = kd_manifest_parse((const char *)data, size, "f", &m, &err);

	if (rc) {
		require((rc == -KD_BADDATA || rc == -KD_NOTSUP) && strncmp(err.msg, "f:", 2) == 0);
		return 0;
	}
	require(m.file_count <= KD_MANIFEST_MAX_FILES && m.stage_count <= KD_MANIFEST_MAX_STAGES);
	require(m.outcome != KD_OUTCOME_SAVED || kd_manifest_has_file(&m, KD_DUMPDIR_VMCORE));
	require_clean(m.reason);
	require_clean(m.kernel_release);
	require_clean(m.collector);
	require_clean(m.target);
	require_extents_apart(&m);
	for (unsigned int i = 0; i < m.stage_count; i++)
		require_clean(m.stages[i].name);
	for (unsigned int i = 0; i < m.file_count; i++) {
		require(kd_manifest_name_ok(m.files[i].name));
		require(strlen(m.files[i].sha256) == KD_SHA256_HEX_BYTES - 1 ||
			m.files[i].sha256[0] == '\0');
		require(m.files[i].size_bytes <= INT64_MAX);
	}
	return 0;
}
