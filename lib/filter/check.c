/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How many pages the zones themselves say are free: pglist_data -> zone -> vm_stat, where
 * vmcoreinfo leads there: with CONFIG_NUMA on x86_64, without it anywhere.
 */
#include "lib/filter/internal.h"

enum {
	MAX_NODES = 4096,
	MAX_ZONES = 16,
	NT_PRSTATUS = 1,

	/* Each CPU keeps up to 125 pages of change to a zone's counter to itself (mm/vmstat.c,
	 * calculate_normal_threshold()), and a page may be on its way from a list to another. */
	DRIFT_PAGES = 125,
	SLACK_PAGES = 1024,
	SLACK_SHARE = 20, /* a 20th: 5 % */
};

struct zones {
	uint64_t zones_off, nr_zones_off, zone_bytes, count_off;
};

static bool read_layout(const struct kd_vmcoreinfo *info, struct zones *z)
{
	uint64_t vm_stat, node_bytes;
	int64_t nr_free;

	if (!kd_vmcoreinfo_offset(info, "pglist_data.node_zones", &z->zones_off) ||
	    !kd_vmcoreinfo_offset(info, "pglist_data.nr_zones", &z->nr_zones_off) ||
	    !kd_vmcoreinfo_size(info, "pglist_data", &node_bytes) ||
	    !kd_vmcoreinfo_size(info, "zone", &z->zone_bytes) ||
	    !kd_vmcoreinfo_offset(info, "zone.vm_stat", &vm_stat) ||
	    !kd_vmcoreinfo_number(info, "NR_FREE_PAGES", &nr_free))
		return false;
	if (nr_free < 0 || nr_free > 255 || vm_stat > z->zone_bytes || z->zone_bytes > node_bytes ||
	    node_bytes > 16 << 20 || z->zones_off > node_bytes || z->nr_zones_off > node_bytes)
		return false;
	z->count_off = vm_stat + (uint64_t)nr_free * 8; /* atomic_long_t each */
	return z->count_off + 8 <= z->zone_bytes;
}

static bool add_node(struct kd_reader *r, const struct zones *z, uint64_t node, uint64_t *pages,
		     uint64_t *zones)
{
	uint8_t nr_bytes[4];

	if (!kd_reader_copy(r, node + z->nr_zones_off, nr_bytes, sizeof(nr_bytes)))
		return false;
	uint32_t nr = kd_load32(nr_bytes);
	if (nr > MAX_ZONES)
		return false;
	for (uint32_t i = 0; i < nr; i++) {
		uint64_t count;
		if (!kd_reader_u64(r, node + z->zones_off + i * z->zone_bytes + z->count_off,
				   &count))
			return false;
		/* Below zero for a moment, when the CPUs' shares are not in it yet. */
		if ((int64_t)count > 0)
			*pages += count;
		*zones += 1;
	}
	return true;
}

/* Every node's pglist_data, or the only one; returns as kd_count_free(). */
static int add_nodes(const struct kd_vmcoreinfo *info, struct kd_reader *r, const struct zones *z,
		     uint64_t *pages, uint64_t *zones)
{
	uint64_t symbol, n;

	if (!kd_vmcoreinfo_symbol(info, "node_data", &symbol) ||
	    !kd_vmcoreinfo_length(info, "node_data", &n)) {
		if (!kd_vmcoreinfo_symbol(info, "contig_page_data", &symbol))
			return 0;
		return add_node(r, z, symbol, pages, zones) ? 1 : -KD_BADDATA;
	}
	if (n > MAX_NODES)
		return -KD_BADDATA;
	for (uint64_t i = 0; i < n; i++) {
		uint64_t node;
		if (!kd_reader_u64(r, symbol + i * 8, &node))
			return -KD_BADDATA;
		if (node && !add_node(r, z, node, pages, zones))
			return -KD_BADDATA;
	}
	return *zones > 0 ? 1 : -KD_BADDATA;
}

static uint64_t count_cpus(const struct kd_vmcore *core)
{
	size_t n;
	const struct kd_vmcore_note *notes = kd_vmcore_notes(core, &n);
	uint64_t cpus = 0;

	for (size_t i = 0; i < n; i++) {
		if (notes[i].type == NT_PRSTATUS && strcmp(notes[i].name, "CORE") == 0)
			cpus++;
	}
	return cpus;
}

int kd_count_free(struct kd_vmcore *core, struct kd_reader *r, struct kd_free_count *ret)
{
	const struct kd_vmcoreinfo *info = kd_vmcore_info(core);
	uint64_t pages = 0, zones = 0;
	struct zones z;

	if (!read_layout(info, &z))
		return 0;
	int rc = add_nodes(info, r, &z, &pages, &zones);
	if (rc <= 0)
		return rc;
	uint64_t drift = SLACK_PAGES + DRIFT_PAGES * count_cpus(core) * zones;
	uint64_t share = pages / SLACK_SHARE;
	*ret = (struct kd_free_count){ .pages = pages, .tolerance = drift > share ? drift : share };
	return 1;
}

const char *kd_filter_check_why_not(enum kd_filter_check check)
{
	switch (check) {
	case KD_CHECK_NO_ZONES:
		return "vmcoreinfo does not lead to the zones";
	case KD_CHECK_UNREADABLE:
		return "the zones or parts of the page array cannot be read, or make no sense";
	case KD_CHECK_NONE:
	case KD_CHECK_AGREES:
	case KD_CHECK_CONTRADICTS:
		break;
	}
	return NULL;
}
