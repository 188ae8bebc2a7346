/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/base/xxh64.h"

void kd_xxh64_init(struct kd_xxh64 *h)
{
	XXH64_reset(&h->state, 0);
}

/* Neither call can fail but for a NULL pointer with a length. */
void kd_xxh64_update(struct kd_xxh64 *h, const void *data, size_t len)
{
	if (len)
		(void)XXH64_update(&h->state, data, len);
}

uint64_t kd_xxh64_digest(const struct kd_xxh64 *h)
{
	return XXH64_digest(&h->state);
}

uint64_t kd_xxh64(const void *data, size_t len)
{
	return XXH64(data, len, 0);
}
