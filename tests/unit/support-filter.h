/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A page filter over a made-up machine, and what it should have found. */
#ifndef KD_TESTS_UNIT_SUPPORT_FILTER_H
#define KD_TESTS_UNIT_SUPPORT_FILTER_H

#include "lib/filter/filter.h"
#include "tests/gen/fakemem.h"

/* Everything that was logged, one after the other. */
struct filter_log {
	char text[4096];
};

struct filter_run {
	int fd;
	struct filter_log logged;
	struct kd_log log;
	struct kd_vmcore *core;
	struct kd_filter *filter;
	struct kd_filter_result r;
};

/* Opens the dump of @m (written here) and runs the filter; fails the test where it cannot. */
void filter_run_start(struct filter_run *run, struct kd_fakemem *m,
		      const struct kd_filter_opts *opts);
/* The same for a dump that is in @fd already, which is closed at the end. */
void filter_run_start_fd(struct filter_run *run, int fd, const struct kd_filter_opts *opts);
void filter_run_end(struct filter_run *run);

/* What @kind is to the filter. */
enum kd_page_class filter_expected_class(enum kd_fake_kind kind, enum kd_fake_era era);

/* Each frame of @m that should be kept is, and no other; counters agree. */
void filter_assert_result(const struct filter_run *run, const struct kd_fakemem *m,
			  enum kd_fake_era era, unsigned int level);

#endif
