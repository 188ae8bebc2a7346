/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The input is a disk's bytes from where a superblock would be; each reader has a look. */
#include "capture-initrd/init/internal.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum kd_fs all[] = { KD_FS_EXT, KD_FS_XFS, KD_FS_BTRFS, KD_FS_UNKNOWN };

	for (size_t i = 0; i < KD_ARRAY_LEN(all); i++) {
		struct kd_superblock sb = { 0 };
		struct kd_err err = { 0 };
		char text[KD_UUID_TEXT_BYTES];
		int rc = kd_superblock_parse(all[i], data, size, &sb, &err);

		if (rc < 0 && !err.msg[0])
			abort(); /* a refusal has a reason */
		if (rc <= 0)
			continue;
		kd_superblock_uuid_text(&sb, text);
		if (strlen(text) != KD_UUID_TEXT_BYTES - 1 || strlen(sb.label) >= sizeof(sb.label))
			abort();
	}
	return 0;
}
