/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel that may crash will not let us do, told while it still runs. */
#include "lib/planner/internal.h"
#include "vmcoreinfo/keys.h"

enum { LEVEL_CACHE = 2 | 4, LEVEL_USER = 8, LEVEL_FREE = 16, LEVEL_ANY = 31 };

/* Each feature and the dump levels that ask for it; 0: always asked for. */
static const struct {
	enum kd_feature feature;
	unsigned int level;
} asked[] = {
	{ KD_FEATURE_DMESG, 0 },
	{ KD_FEATURE_VTOP, 0 },
	{ KD_FEATURE_PAGE_ARRAY, LEVEL_ANY },
	{ KD_FEATURE_CACHE, LEVEL_CACHE },
	{ KD_FEATURE_USER, LEVEL_USER },
	{ KD_FEATURE_HUGETLB, LEVEL_USER },
	{ KD_FEATURE_FREE, LEVEL_FREE },
};

int kd_planner_tell_features(const struct kd_root *root, const struct kd_log *log,
			     const struct kd_planner_facts *facts, struct kd_err *err)
{
	KD_AUTO(kd_buf_fini) struct kd_buf text = { 0 };
	KD_AUTO(kd_vmcoreinfo_freep) struct kd_vmcoreinfo *info = NULL;
	const char *machine = facts->running.machine;

	/* Without /proc/kcore nothing is known, which is no reason not to go on. */
	if (!*machine || kd_host_vmcoreinfo(root, &text, NULL))
		return 0;
	int rc = kd_vmcoreinfo_parse(text.p, text.len, &info, err);
	for (size_t i = 0; !rc && i < KD_ARRAY_LEN(asked); i++) {
		struct kd_feature_state state = kd_vmcoreinfo_feature(info, machine,
								      asked[i].feature);
		if (state.available || !state.missing ||
		    (asked[i].level &&
		     (facts->collector || !(facts->engine.level & asked[i].level))))
			continue;
		kd_log(log, KD_LOG_WARN, "vmcoreinfo",
		       "a dump of this kernel cannot %s: its vmcoreinfo lacks %s (%s)",
		       kd_feature_what(asked[i].feature), state.missing->key,
		       state.missing->without);
	}
	return rc;
}
