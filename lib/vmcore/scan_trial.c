/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Is a file in the page cache faster to map or to copy? Machines differ: with mapping the page
 * filter took 0.57 of the time on one, and twice the time on another. A try is a MiB of pieces that
 * follow one another, and lasts until the piece after them is asked for: whoever looks at a mapped piece waits
 * for its bytes, whoever looks at a copy has them near. What is looked at differs, short pieces come in
 * between, and other programs disturb; so the least of four is what counts.
 */
#include "lib/vmcore/internal.h"

enum { MAPPED, READ, WAYS, TRIES = 4 /* of each way, by turns */, TRY_BYTES = 1 << 20 };

bool kd_scan_trial_is_over(const struct kd_scan_trial *t)
{
	return t->n >= WAYS * TRIES;
}

bool kd_scan_trial_maps(const struct kd_scan_trial *t)
{
	return kd_scan_trial_is_over(t) ? t->least[MAPPED] <= t->least[READ]
					: t->n % WAYS == MAPPED;
}

bool kd_scan_trial_is_due(const struct kd_scan_trial *t)
{
	return !kd_scan_trial_is_over(t) && (t->len == 0 || t->len >= TRY_BYTES);
}

void kd_scan_trial_next(struct kd_scan_trial *t, uint64_t now_ns)
{
	if (t->len) {
		uint64_t ns = now_ns - t->begun_ns, *least = &t->least[t->n % WAYS];
		ns = ns > UINT64_MAX / 1024 ? UINT64_MAX : ns * 1024 / t->len;
		if (t->n < WAYS || ns < *least)
			*least = ns;
		t->n++;
	}
	t->len = 0;
	t->begun_ns = now_ns;
}
