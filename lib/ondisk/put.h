/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Little-endian numbers into bytes; inside lib/ondisk and for test generators. */
#ifndef KD_LIB_ONDISK_PUT_H
#define KD_LIB_ONDISK_PUT_H

#include <stddef.h>
#include <stdint.h>

static inline void kd_put(uint8_t *out, uint64_t value, unsigned int bytes)
{
	for (unsigned int i = 0; i < bytes; i++)
		out[i] = (uint8_t)(value >> (8 * i));
}

static inline void kd_put_u16(uint8_t *out, uint16_t value)
{
	kd_put(out, value, 2);
}

static inline void kd_put_u32(uint8_t *out, uint32_t value)
{
	kd_put(out, value, 4);
}

static inline void kd_put_u64(uint8_t *out, uint64_t value)
{
	kd_put(out, value, 8);
}

#endif
