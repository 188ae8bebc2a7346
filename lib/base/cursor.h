/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A cursor over bytes we did not write. Reads past the end give zero and set
 * .bad, which sticks: read a whole record, then test .bad once.
 */
#ifndef KD_LIB_BASE_CURSOR_H
#define KD_LIB_BASE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kd_cursor {
	const uint8_t *p;
	const uint8_t *end;
	bool big_endian;
	bool bad; /* something was read that was not there */
};

/** kd_cursor_left() - bytes not yet read; 0 once bad */
size_t kd_cursor_left(const struct kd_cursor *c);

uint8_t kd_cursor_u8(struct kd_cursor *c);
uint16_t kd_cursor_u16(struct kd_cursor *c);
uint32_t kd_cursor_u32(struct kd_cursor *c);
uint64_t kd_cursor_u64(struct kd_cursor *c);

/** kd_cursor_bytes() - borrow the next @len bytes; NULL (and bad) if there are fewer */
const uint8_t *kd_cursor_bytes(struct kd_cursor *c, uint64_t len);

/** kd_cursor_skip() - step over @len bytes; bad if there are fewer */
void kd_cursor_skip(struct kd_cursor *c, uint64_t len);

/**
 * kd_cursor_line() - borrow the next line, without its newline
 * @len: its length in bytes
 *
 * The last line may lack its newline. A CR before the newline is kept.
 *
 * Return: the line, NULL at the end (not bad).
 */
const char *kd_cursor_line(struct kd_cursor *c, size_t *len);

#endif
