/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a struct page says its page is. */
#include "lib/filter/internal.h"

static const char *const class_names[KD_N_CLASSES] = {
	[KD_CLASS_FREE] = "free",	  [KD_CLASS_UNACCEPTED] = "unaccepted",
	[KD_CLASS_CACHE] = "cache",	  [KD_CLASS_CACHE_PRIVATE] = "cache-private",
	[KD_CLASS_USER] = "user",	  [KD_CLASS_HUGETLB] = "hugetlb",
	[KD_CLASS_HWPOISON] = "hwpoison", [KD_CLASS_OFFLINE] = "offline",
	[KD_CLASS_KERNEL] = "kernel",
};

const char *kd_page_class_name(enum kd_page_class class)
{
	if ((unsigned int)class >= KD_N_CLASSES)
		return "unknown";
	return class_names[class];
}

unsigned int kd_filter_level_classes(unsigned int level)
{
	unsigned int classes = KD_CLASS_BIT(KD_CLASS_HWPOISON) | KD_CLASS_BIT(KD_CLASS_OFFLINE);

	if (level & (KD_LEVEL_CACHE | KD_LEVEL_CACHE_PRIVATE))
		classes |= KD_CLASS_BIT(KD_CLASS_CACHE);
	if (level & KD_LEVEL_CACHE_PRIVATE)
		classes |= KD_CLASS_BIT(KD_CLASS_CACHE_PRIVATE);
	if (level & KD_LEVEL_USER)
		classes |= KD_CLASS_BIT(KD_CLASS_USER) | KD_CLASS_BIT(KD_CLASS_HUGETLB);
	if (level & KD_LEVEL_FREE)
		classes |= KD_CLASS_BIT(KD_CLASS_FREE) | KD_CLASS_BIT(KD_CLASS_UNACCEPTED);
	return classes;
}

static bool is_hugetlb(const struct kd_page_layout *l, uint32_t type, const uint8_t *tail)
{
	if (kd_page_is_type(type, l->hugetlb))
		return true;
	if (!tail)
		return false;
	if (kd_load64(tail + l->flags) & l->tail_hugetlb)
		return true;
	return l->has_dtor && tail[l->tail_dtor] == l->hugetlb_dtor;
}

unsigned int kd_page_matches(const struct kd_page_layout *l, const uint8_t *page,
			     const uint8_t *tail)
{
	uint64_t flags = kd_load64(page + l->flags);
	uint32_t type = kd_load32(page + l->mapcount);
	bool slab = (flags & l->slab_flag) || kd_page_is_type(type, l->slab);
	bool anon = !slab && (kd_load64(page + l->mapping) & l->anon_bit);
	bool cache = (flags & l->lru) || ((flags & l->swapcache) && (flags & l->swapbacked));
	unsigned int m = 0;

	if (flags & l->hwpoison)
		m |= KD_CLASS_BIT(KD_CLASS_HWPOISON);
	if (!slab && kd_page_is_type(type, l->offline))
		m |= KD_CLASS_BIT(KD_CLASS_OFFLINE);
	/* Taken at boot: never free, never given to a file or a process. */
	if (flags & l->reserved)
		return m;
	if (!slab) {
		if (kd_page_is_type(type, l->buddy))
			m |= KD_CLASS_BIT(KD_CLASS_FREE);
		if (kd_page_is_type(type, l->unaccepted))
			m |= KD_CLASS_BIT(KD_CLASS_UNACCEPTED);
	}
	if (cache && !anon)
		m |= KD_CLASS_BIT(flags & l->private_flag ? KD_CLASS_CACHE_PRIVATE
							  : KD_CLASS_CACHE);
	if (anon)
		m |= KD_CLASS_BIT(KD_CLASS_USER);
	if (is_hugetlb(l, type, tail))
		m |= KD_CLASS_BIT(KD_CLASS_HUGETLB);
	return m;
}
