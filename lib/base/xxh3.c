/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/base/xxh3.h"

/* None of these calls can fail but for a NULL pointer with a length. */
void kd_xxh3_init(struct kd_xxh3 *h)
{
	(void)XXH3_64bits_reset(&h->state);
}

void kd_xxh3_update(struct kd_xxh3 *h, const void *data, size_t len)
{
	if (len)
		(void)XXH3_64bits_update(&h->state, data, len);
}

uint64_t kd_xxh3_digest(const struct kd_xxh3 *h)
{
	return XXH3_64bits_digest(&h->state);
}

uint64_t kd_xxh3(const void *data, size_t len)
{
	return XXH3_64bits(data, len);
}
