/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/support-filter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void keep_log(void *arg, enum kd_log_level level, const char *area, const char *text)
{
	struct filter_log *l = arg;
	size_t used = strlen(l->text);

	snprintf(l->text + used, sizeof(l->text) - used, "%s\n", text);
}

void filter_run_start_fd(struct filter_run *run, int fd, const struct kd_filter_opts *opts)
{
	struct kd_filter_opts own = *opts;
	struct kd_err err = { 0 };

	*run = (struct filter_run){ .fd = fd };
	run->log = (struct kd_log){ .emit = keep_log, .arg = &run->logged };
	own.log = &run->log;
	if (kd_vmcore_open(fd, "dump", NULL, &run->core, &err))
		fail_msg("%s", err.msg);
	if (kd_filter_open(run->core, &own, &run->filter, &err))
		fail_msg("%s", err.msg);
	if (kd_filter_run(run->filter, &run->r, &err))
		fail_msg("%s", err.msg);
}

void filter_run_start(struct filter_run *run, struct kd_fakemem *m,
		      const struct kd_filter_opts *opts)
{
	int fd = kd_gen_memfd("dump");

	kd_gen_elf(kd_fakemem_gen(m), fd, NULL);
	filter_run_start_fd(run, fd, opts);
}

void filter_run_end(struct filter_run *run)
{
	kd_filter_close(run->filter);
	kd_vmcore_close(run->core);
	close(run->fd);
}

enum kd_page_class filter_expected_class(enum kd_fake_kind kind, enum kd_fake_era era)
{
	switch (kind) {
	case KD_FAKE_FREE:
		return KD_CLASS_FREE;
	case KD_FAKE_UNACCEPTED:
		return era >= KD_FAKE_6_16 ? KD_CLASS_UNACCEPTED : KD_CLASS_KERNEL;
	case KD_FAKE_CACHE:
	case KD_FAKE_SWAPCACHE:
		return KD_CLASS_CACHE;
	case KD_FAKE_CACHE_PRIVATE:
		return KD_CLASS_CACHE_PRIVATE;
	case KD_FAKE_ANON:
	case KD_FAKE_KSM:
	case KD_FAKE_FAKE_HEAD:
		return KD_CLASS_USER;
	case KD_FAKE_HUGETLB:
	case KD_FAKE_HUGETLB_ANON:
		return KD_CLASS_HUGETLB;
	case KD_FAKE_HWPOISON:
		return KD_CLASS_HWPOISON;
	case KD_FAKE_OFFLINE:
		return KD_CLASS_OFFLINE;
	case KD_FAKE_KERNEL:
	case KD_FAKE_NOT_SWAPCACHE:
	case KD_FAKE_SLAB:
	case KD_FAKE_SLAB_ODD:
	case KD_FAKE_TABLE:
	case KD_FAKE_RESERVED:
	case KD_FAKE_STALE:
	case KD_FAKE_BAD_FREE:
	case KD_N_FAKE_KINDS:
		return KD_CLASS_KERNEL;
	}
	return KD_CLASS_KERNEL;
}

void filter_assert_result(const struct filter_run *run, const struct kd_fakemem *m,
			  enum kd_fake_era era, unsigned int level)
{
	const struct kd_filter_result *r = &run->r;
	unsigned int left_out = kd_filter_level_classes(level);
	uint64_t found[KD_N_CLASSES] = { 0 }, n_keep = 0, first = kd_fakemem_first_pfn(m);

	struct kd_fake_block b = { 0 };

	for (uint64_t pfn = 0; pfn < kd_fakemem_end_pfn(m); pfn++) {
		if (pfn == 0 || pfn >= b.pfn + (1ULL << b.order))
			b = kd_fakemem_block(m, pfn);
		enum kd_page_class class = filter_expected_class(b.kind, era);
		bool exists = pfn >= first;
		bool keep = exists && !(left_out & 1U << class);
		if (exists)
			found[class]++;
		n_keep += keep;
		if (kd_bitmap_has(r->exists, pfn) != exists || kd_bitmap_has(r->keep, pfn) != keep)
			fail_msg("%s level %u frame 0x%jx, %s: exists %d, keep %d should be %d",
				 kd_fake_era_name(era), level, (uintmax_t)pfn,
				 kd_page_class_name(class), kd_bitmap_has(r->exists, pfn),
				 kd_bitmap_has(r->keep, pfn), keep);
	}
	assert_int_equal(r->max_pfn, kd_fakemem_end_pfn(m));
	assert_int_equal(r->n_exists, kd_fakemem_end_pfn(m) - first);
	assert_int_equal(r->n_ranges, 1);
	assert_true(r->ranges[0].pfn <= first);
	assert_int_equal(r->ranges[0].end, kd_fakemem_end_pfn(m));
	assert_int_equal(r->n_keep, n_keep);
	assert_int_equal(r->n_absent, 0);
	assert_int_equal(r->n_unknown, 0);
	assert_int_equal(r->n_protected, 0);
	for (unsigned int i = 0; i < KD_N_CLASSES; i++) {
		if (r->found[i] != found[i] ||
		    r->excluded[i] != (left_out & 1U << i ? found[i] : 0))
			fail_msg("%s level %u %s: found %ju, left out %ju, there are %ju",
				 kd_fake_era_name(era), level, kd_page_class_name(i),
				 (uintmax_t)r->found[i], (uintmax_t)r->excluded[i],
				 (uintmax_t)found[i]);
	}
}
