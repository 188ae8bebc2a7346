/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hashes at the end of a dump. No byte is read more than three times: anything else
 * would be a way to keep `vmcore verify` busy for ever.
 * The seeds are 300 bytes with 0, 1 and 20 ranges, written with lib/format.
 */
#include "lib/format/format.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *data;
	size_t size;
	uint64_t read;
};

static int read_at(void *arg, uint64_t off, void *buf, size_t len, struct kd_err *err)
{
	struct input *in = arg;

	if (off > in->size || len > in->size - off)
		abort(); /* asked for what is not there */
	memcpy(buf, in->data + off, len);
	in->read += len;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { .data = data, .size = size };
	struct kd_digest_check check = { 0 };
	uint8_t room[64];
	struct kd_err err = { 0 };

	const struct kd_digest_file file = {
		.read_at = read_at, .arg = &in, .size = size, .room = room, .room_len = sizeof(room)
	};
	if (kd_digest_verify(&file, KD_DIGEST_RANGES, &check, &err) == 0 && check.present &&
	    (check.ranges.bytes > size || check.ranges.bad > check.ranges.extents))
		abort();
	/* the ranges, the records twice, the footer */
	if (in.read > 3 * size + KD_DIGEST_FOOTER_BYTES)
		abort();
	return 0;
}
