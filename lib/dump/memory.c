/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/dump/internal.h"

#include <assert.h>
#include <sys/mman.h>

enum { ALIGN = 4096 };

size_t kd_arena_need(size_t len)
{
	return (len + ALIGN - 1) / ALIGN * ALIGN;
}

int kd_arena_init(struct kd_arena *a, size_t len, struct kd_err *err)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (p == MAP_FAILED)
		return kd_fail(err, KD_NOMEM, "no memory for buffers of %zu KiB", len >> 10);
	*a = (struct kd_arena){ .base = p, .len = len };
	return 0;
}

void kd_arena_fini(struct kd_arena *a)
{
	if (a->base)
		munmap(a->base, a->len);
	*a = (struct kd_arena){ 0 };
}

void *kd_arena_take(struct kd_arena *a, size_t len)
{
	uint8_t *p = a->base + a->used;

	assert(kd_arena_need(len) <= a->len - a->used);
	a->used += kd_arena_need(len);
	return p;
}
