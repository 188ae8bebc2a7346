/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/kexec/internal.h"

#include <string.h>

void kd_kexec_ranges_fini(struct kd_kexec_ranges *list)
{
	free(list->v);
	*list = (struct kd_kexec_ranges){ 0 };
}

static int grow(struct kd_kexec_ranges *list, struct kd_err *err)
{
	size_t cap = list->cap ? 2 * list->cap : 16;
	struct kd_kexec_range *v = reallocarray(list->v, cap, sizeof(*v));

	if (!v)
		return kd_fail(err, KD_NOMEM, "no memory");
	list->v = v;
	list->cap = cap;
	return 0;
}

int kd_kexec_ranges_add(struct kd_kexec_ranges *list, uint64_t start, uint64_t end, uint32_t type,
			struct kd_err *err)
{
	int rc = list->n == list->cap ? grow(list, err) : 0;

	if (!rc)
		list->v[list->n++] = (struct kd_kexec_range){ start, end, type };
	return rc;
}

static void drop(struct kd_kexec_ranges *list, size_t i)
{
	memmove(list->v + i, list->v + i + 1, (list->n - i - 1) * sizeof(*list->v));
	list->n--;
}

int kd_kexec_ranges_exclude(struct kd_kexec_ranges *list, uint64_t start, uint64_t end,
			    struct kd_err *err)
{
	for (size_t i = 0; i < list->n; i++) {
		struct kd_kexec_range *r = &list->v[i];
		if (r->start > end || r->end < start)
			continue;
		if (start <= r->start && end >= r->end) {
			drop(list, i--);
		} else if (start <= r->start) {
			r->start = end + 1;
		} else if (end >= r->end) {
			r->end = start - 1;
		} else {
			struct kd_kexec_range rest = { end + 1, r->end, r->type };
			r->end = start - 1;
			int rc = list->n == list->cap ? grow(list, err) : 0;
			if (rc)
				return rc;
			memmove(list->v + i + 2, list->v + i + 1,
				(list->n - i - 1) * sizeof(*list->v));
			list->v[++i] = rest;
			list->n++;
		}
	}
	return 0;
}

static int by_start(const void *a, const void *b)
{
	const struct kd_kexec_range *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	if (x->end != y->end)
		return x->end > y->end ? -1 : 1;
	return 0;
}

void kd_kexec_ranges_sort(struct kd_kexec_ranges *list)
{
	if (list->n > 1)
		qsort(list->v, list->n, sizeof(*list->v), by_start);
}

bool kd_kexec_ranges_has(const struct kd_kexec_ranges *list, uint64_t start, uint64_t end)
{
	for (size_t i = 0; start <= end && i < list->n; i++)
		if (start >= list->v[i].start && end <= list->v[i].end)
			return true;
	return false;
}

int kd_kexec_ranges_copy(struct kd_kexec_ranges *to, const struct kd_kexec_ranges *from,
			 struct kd_err *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < from->n; i++)
		rc = kd_kexec_ranges_add(to, from->v[i].start, from->v[i].end, from->v[i].type,
					 err);
	return rc;
}
