/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How much memory a capture needs, out of what is to be loaded and measured.tsv. */
#include "crashkernel/crashkernel.h"

#include <string.h>

enum {
	FRAME_BYTES = 4096,
	STRUCT_PAGE_BYTES = 64,		 /* x86_64 and arm64, Linux 4.0 to 6.12 */
	BITMAP_BYTES_PER_GIB = 32 << 10, /* one bit a frame */
	BITMAPS = 3,			 /* as lib/dump takes at most */
	UNPACKED_TIMES = 3,		 /* where nobody looked into the image */
	ADVICE_STEP_BYTES = 8 << 20,
	MIB = 1 << 20,
};

static uint64_t plus(uint64_t a, uint64_t b)
{
	uint64_t sum = 0;

	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static uint64_t times(uint64_t a, uint64_t b)
{
	uint64_t product = 0;

	return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

static uint64_t round_up(uint64_t bytes, uint64_t step)
{
	return bytes > UINT64_MAX - step ? UINT64_MAX : (bytes + step - 1) / step * step;
}

/* Over all rows of that name: the largest or the smallest, in bytes. */
static struct kd_ck_item measured(const char *item, const char *name, bool largest)
{
	struct kd_ck_item it = { .name = item };
	size_t count = 0;
	const struct kd_ck_measured *rows = kd_ck_measured(&count);

	for (size_t i = 0; i < count; i++) {
		uint64_t bytes = times(rows[i].value, 1024);
		if (strcmp(rows[i].name, name) != 0)
			continue;
		if (!it.from || (largest ? bytes > it.bytes : bytes < it.bytes))
			it = (struct kd_ck_item){ .name = item,
						  .bytes = bytes,
						  .from = rows[i].how,
						  .kernel = rows[i].kernel };
	}
	return it;
}

static void add(struct kd_ck_estimate *e, struct kd_ck_item item)
{
	if (item.bytes)
		e->items[e->item_count++] = item;
	e->need_bytes = plus(e->need_bytes, item.bytes);
}

static void add_bytes(struct kd_ck_estimate *e, const char *name, uint64_t bytes, const char *from)
{
	add(e, (struct kd_ck_item){ .name = name, .bytes = bytes, .from = from });
}

/* The kernel describes every frame of its memory: of @bytes plus what that itself takes. */
static uint64_t memmap_of(uint64_t bytes)
{
	return bytes / (FRAME_BYTES - STRUCT_PAGE_BYTES) * STRUCT_PAGE_BYTES;
}

static void add_collector(struct kd_ck_estimate *e, const struct kd_ck_capture *c, uint64_t cpus)
{
	if (!c->engine) {
		add(e, measured("collector", "makedumpfile", true));
		return;
	}
	add(e, measured("dump engine", "engine", true));
	struct kd_ck_item thread = measured("dump threads", "engine-thread", true);
	thread.bytes = times(thread.bytes, cpus);
	add(e, thread);
	add_bytes(e, "page bitmaps",
		  times((c->ram_bytes >> 30) + 1, BITMAPS * BITMAP_BYTES_PER_GIB),
		  "3 bits for each page of this machine");
}

void kd_ck_estimate(const struct kd_ck_capture *c, struct kd_ck_estimate *ret)
{
	const uint64_t unpacked = c->unpacked_bytes ? c->unpacked_bytes
						    : times(c->initrd_bytes, UNPACKED_TIMES);
	const uint64_t cpus = c->cpus ? c->cpus : 1;
	struct kd_ck_estimate e = { 0 };

	add_bytes(&e, "kernel image", c->kernel_bytes, "init_size of its boot header");
	add_bytes(&e, "image file", c->initrd_bytes, "until it is unpacked");
	add_bytes(&e, "image unpacked", unpacked,
		  c->unpacked_bytes ? "its files, in whole pages"
				    : "3 times the file: not looked into");
	/* An image is never smaller unpacked; more is not known of one nobody looked into. */
	uint64_t least = plus(plus(c->kernel_bytes, c->initrd_bytes),
			      c->unpacked_bytes ? c->unpacked_bytes : c->initrd_bytes);
	least = plus(least, measured("", "base-least", false).bytes);
	add_bytes(&e, "modules loaded", c->module_bytes, "/proc/modules, else their files");
	add(&e, measured("kernel, running", "base", true));
	struct kd_ck_item more = measured("more processors", "per-cpu", true);
	more.bytes = times(more.bytes, cpus - 1);
	add(&e, more);
	add_collector(&e, c, cpus);
	add(&e, measured("room to work", "room", true));
	add_bytes(&e, "struct pages", memmap_of(e.need_bytes), "64 bytes for each 4 KiB reserved");
	e.floor_bytes = round_up(plus(least, memmap_of(least)), MIB);
	e.need_bytes = round_up(e.need_bytes, MIB);
	e.advised_bytes = round_up(plus(e.need_bytes, e.need_bytes / 4), ADVICE_STEP_BYTES);
	*ret = e;
}
