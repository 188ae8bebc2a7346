/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/ondisk/flattened.h"
#include "tests/gen/internal.h"

#include <string.h>
#include <unistd.h>

enum { DEFAULT_CHUNK = 65536 };

struct flatten {
	int from, fd;
	uint64_t size; /* of the plain file */
	uint64_t at;   /* in the flattened one */
	uint32_t chunk;
	uint8_t *buf;
};

static void put_chunk(struct flatten *f, uint64_t off, size_t len)
{
	uint8_t head[KD_FLATTENED_CHUNK_BYTES];

	kd_flattened_encode_chunk(head, off, len);
	kd_gen_pwrite(f->fd, head, sizeof(head), f->at);
	kd_gen_pwrite(f->fd, f->buf, len, f->at + sizeof(head));
	f->at += sizeof(head) + len;
}

static bool is_zero(const uint8_t *p, size_t len)
{
	return len == 0 || (p[0] == 0 && memcmp(p, p + 1, len - 1) == 0);
}

static void copy_chunk(struct flatten *f, uint64_t off)
{
	size_t len = f->size - off < f->chunk ? (size_t)(f->size - off) : f->chunk;
	struct kd_err err;

	if (kd_pread_full(f->from, f->buf, len, off, "the plain dump", &err) != (ssize_t)len)
		kd_gen_die("cannot read the plain dump");
	/* The last one is sent even if it is zero: it tells the size. */
	if (!is_zero(f->buf, len) || off + len == f->size)
		put_chunk(f, off, len);
}

void kd_gen_flatten(int from, int fd, const struct kd_gen_flatten_opts *opts)
{
	static const struct kd_gen_flatten_opts none;
	const struct kd_gen_flatten_opts *o = opts ? opts : &none;
	uint8_t header[KD_FLATTENED_HEADER_BYTES], end[KD_FLATTENED_CHUNK_BYTES];
	struct flatten f = {
		.from = from,
		.fd = fd,
		.size = (uint64_t)lseek(from, 0, SEEK_END),
		.at = KD_FLATTENED_HEADER_BYTES,
		.chunk = o->chunk_bytes ? o->chunk_bytes : DEFAULT_CHUNK,
	};
	uint64_t n = (f.size + f.chunk - 1) / f.chunk;

	f.buf = kd_gen_alloc(1, f.chunk);
	kd_flattened_encode_header(header);
	kd_gen_pwrite(fd, header, sizeof(header), 0);
	if (o->repeat_first) {
		memset(f.buf, 0xaa, f.chunk);
		put_chunk(&f, 0, f.chunk < f.size ? f.chunk : (size_t)f.size);
	}
	for (uint64_t i = 0; i < n; i++)
		copy_chunk(&f, (o->backwards ? n - 1 - i : i) * f.chunk);
	if (!o->without_end) {
		kd_flattened_encode_end(end);
		kd_gen_pwrite(fd, end, sizeof(end), f.at);
	}
	free(f.buf);
}
