/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/ondisk/flattened.h"

#include "lib/format/format.h"

static int append(struct kd_flattened_writer *w, const void *buf, size_t len, struct kd_err *err)
{
	int rc = w->append(w->arg, buf, len, err);

	if (!rc)
		w->bytes += len;
	return rc;
}

int kd_flattened_begin(struct kd_flattened_writer *w, uint8_t *block, struct kd_err *err)
{
	kd_flattened_encode_header(block);
	return append(w, block, KD_FLATTENED_HEADER_BYTES, err);
}

int kd_flattened_write_at(struct kd_flattened_writer *w, uint64_t off, const void *buf, size_t len,
			  struct kd_err *err)
{
	uint8_t chunk[KD_FLATTENED_CHUNK_BYTES];

	kd_flattened_encode_chunk(chunk, off, len);
	int rc = append(w, chunk, sizeof(chunk), err);
	if (!rc)
		rc = append(w, buf, len, err);
	return rc;
}

int kd_flattened_end(struct kd_flattened_writer *w, struct kd_err *err)
{
	uint8_t chunk[KD_FLATTENED_CHUNK_BYTES];

	kd_flattened_encode_end(chunk);
	return append(w, chunk, sizeof(chunk), err);
}
