/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vmcoreinfo/keys.h"

#include <string.h>

static const char no_filter[] = "no page can be told from another: all are kept";
static const char no_log[] = "the kernel's log cannot be found in the dump";
static const char no_vtop[] = "only addresses that the dump's segments tell can be read";
static const char no_cache[] = "page cache is kept (levels 2 and 4)";
static const char no_user[] = "memory of processes is kept (level 8)";
static const char no_hugetlb[] = "huge pages of processes are kept (level 8)";
static const char no_free[] = "free pages are kept (level 16)";
static const char no_check[] = "free pages are left out without a second opinion";
static const char no_symbols[] = "addresses cannot be named without debuginfo";

/* clang-format off */
static const struct kd_vmcoreinfo_key keys[] = {
	/* key, feature, group, architecture, since, without */
	{ "OSRELEASE", KD_FEATURE_IDENTITY, 1, KD_KEY_ANY, "always",
	  "it cannot be said which kernel this is" },
	{ "PAGESIZE", KD_FEATURE_IDENTITY, 0, KD_KEY_ANY, "always", "4096 is taken" },
	{ "BUILD-ID", KD_FEATURE_IDENTITY, 0, KD_KEY_ANY, "5.9",
	  "matching debuginfo is searched by release alone" },
	{ "CRASHTIME", KD_FEATURE_IDENTITY, 0, KD_KEY_ANY, "always",
	  "the time of the crash is not known (a running kernel has no such line yet)" },

	{ "SYMBOL(prb)", KD_FEATURE_DMESG, 1, KD_KEY_ANY, "5.10", no_log },
	{ "SIZE(printk_ringbuffer)", KD_FEATURE_DMESG, 2, KD_KEY_ANY, "5.10", no_log },
	{ "OFFSET(printk_ringbuffer.desc_ring)", KD_FEATURE_DMESG, 3, KD_KEY_ANY, "5.10", no_log },
	{ "OFFSET(printk_ringbuffer.text_data_ring)", KD_FEATURE_DMESG, 4, KD_KEY_ANY, "5.10",
	  no_log },
	{ "OFFSET(prb_desc_ring.count_bits)", KD_FEATURE_DMESG, 5, KD_KEY_ANY, "5.10", no_log },
	{ "OFFSET(prb_desc_ring.descs)", KD_FEATURE_DMESG, 6, KD_KEY_ANY, "5.10", no_log },
	{ "OFFSET(prb_desc_ring.infos)", KD_FEATURE_DMESG, 7, KD_KEY_ANY, "5.10", no_log },
	{ "OFFSET(prb_desc_ring.head_id)", KD_FEATURE_DMESG, 8, KD_KEY_ANY, "5.10", no_log },
	{ "OFFSET(prb_desc_ring.tail_id)", KD_FEATURE_DMESG, 9, KD_KEY_ANY, "5.10", no_log },
	{ "SIZE(prb_desc)", KD_FEATURE_DMESG, 10, KD_KEY_ANY, "5.10", no_log },
	{ "OFFSET(prb_desc.state_var)", KD_FEATURE_DMESG, 11, KD_KEY_ANY, "5.10", no_log },
	{ "OFFSET(prb_desc.text_blk_lpos)", KD_FEATURE_DMESG, 12, KD_KEY_ANY, "5.10", no_log },
	{ "OFFSET(prb_data_blk_lpos.begin)", KD_FEATURE_DMESG, 13, KD_KEY_ANY, "5.10", no_log },
	{ "OFFSET(prb_data_blk_lpos.next)", KD_FEATURE_DMESG, 14, KD_KEY_ANY, "5.10", no_log },
	{ "SIZE(printk_info)", KD_FEATURE_DMESG, 15, KD_KEY_ANY, "5.10", no_log },
	{ "OFFSET(printk_info.seq)", KD_FEATURE_DMESG, 16, KD_KEY_ANY, "5.10", no_log },
	{ "OFFSET(printk_info.ts_nsec)", KD_FEATURE_DMESG, 17, KD_KEY_ANY, "5.10", no_log },
	{ "OFFSET(printk_info.text_len)", KD_FEATURE_DMESG, 18, KD_KEY_ANY, "5.10", no_log },
	{ "OFFSET(prb_data_ring.size_bits)", KD_FEATURE_DMESG, 19, KD_KEY_ANY, "5.10", no_log },
	{ "OFFSET(prb_data_ring.data)", KD_FEATURE_DMESG, 20, KD_KEY_ANY, "5.10", no_log },
	{ "OFFSET(atomic_long_t.counter)", KD_FEATURE_DMESG, 21, KD_KEY_ANY, "5.10", no_log },

	{ "SYMBOL(swapper_pg_dir)", KD_FEATURE_VTOP, 1, KD_KEY_ANY, "always", no_vtop },
	{ "SYMBOL(init_top_pgt)", KD_FEATURE_VTOP, 1, KD_KEY_X86_64, "4.13", no_vtop },
	{ "SYMBOL(init_level4_pgt)", KD_FEATURE_VTOP, 1, KD_KEY_X86_64, "until 4.12", no_vtop },
	{ "NUMBER(phys_base)", KD_FEATURE_VTOP, 2, KD_KEY_X86_64, "4.10", no_vtop },
	{ "NUMBER(pgtable_l5_enabled)", KD_FEATURE_VTOP, 0, KD_KEY_X86_64, "4.17",
	  "four levels of page tables are taken" },
	{ "NUMBER(sme_mask)", KD_FEATURE_VTOP, 0, KD_KEY_X86_64, "5.1",
	  "memory is taken to be not encrypted" },
	{ "NUMBER(KERNEL_IMAGE_SIZE)", KD_FEATURE_VTOP, 0, KD_KEY_X86_64, "4.15",
	  "512 MiB are taken" },
	{ "NUMBER(VA_BITS)", KD_FEATURE_VTOP, 3, KD_KEY_ARM64, "always", no_vtop },
	{ "NUMBER(kimage_voffset)", KD_FEATURE_VTOP, 4, KD_KEY_ARM64, "always", no_vtop },
	{ "NUMBER(TCR_EL1_T1SZ)", KD_FEATURE_VTOP, 0, KD_KEY_ARM64, "5.9",
	  "VA_BITS is taken to be in use" },
	{ "NUMBER(KERNELPACMASK)", KD_FEATURE_VTOP, 0, KD_KEY_ARM64, "5.8",
	  "signed return addresses cannot be read" },
	{ "KERNELOFFSET", KD_FEATURE_VTOP, 0, KD_KEY_ANY, "always",
	  "addresses of a vmlinux file cannot be matched with a randomised kernel's" },

	{ "SYMBOL(mem_section)", KD_FEATURE_PAGE_ARRAY, 1, KD_KEY_ANY, "always", no_filter },
	{ "SYMBOL(mem_map)", KD_FEATURE_PAGE_ARRAY, 1, KD_KEY_ANY, "always, without SPARSEMEM",
	  no_filter },
	{ "SIZE(page)", KD_FEATURE_PAGE_ARRAY, 2, KD_KEY_ANY, "always", no_filter },
	{ "OFFSET(page.flags)", KD_FEATURE_PAGE_ARRAY, 3, KD_KEY_ANY, "always", no_filter },
	{ "LENGTH(mem_section)", KD_FEATURE_PAGE_ARRAY, 0, KD_KEY_ANY, "always", no_filter },
	{ "SIZE(mem_section)", KD_FEATURE_PAGE_ARRAY, 0, KD_KEY_ANY, "always", no_filter },
	{ "OFFSET(mem_section.section_mem_map)", KD_FEATURE_PAGE_ARRAY, 0, KD_KEY_ANY, "always",
	  no_filter },
	{ "NUMBER(SECTION_SIZE_BITS)", KD_FEATURE_PAGE_ARRAY, 0, KD_KEY_ANY, "5.13",
	  "the architecture's usual value is taken" },
	{ "NUMBER(MAX_PHYSMEM_BITS)", KD_FEATURE_PAGE_ARRAY, 0, KD_KEY_ANY, "5.9",
	  "the architecture's usual value is taken" },
	{ "OFFSET(page.compound_head)", KD_FEATURE_PAGE_ARRAY, 0, KD_KEY_ANY, "4.4",
	  "tails of compound pages are judged as pages of their own" },
	{ "NUMBER(PG_head_mask)", KD_FEATURE_PAGE_ARRAY, 0, KD_KEY_ANY, "always",
	  "compound pages are judged page by page" },

	{ "OFFSET(page.mapping)", KD_FEATURE_CACHE, 1, KD_KEY_ANY, "always", no_cache },
	{ "NUMBER(PG_lru)", KD_FEATURE_CACHE, 2, KD_KEY_ANY, "always", no_cache },
	{ "NUMBER(PG_private)", KD_FEATURE_CACHE, 3, KD_KEY_ANY, "always", no_cache },
	{ "NUMBER(PG_swapcache)", KD_FEATURE_CACHE, 4, KD_KEY_ANY, "always", no_cache },
	{ "NUMBER(PG_swapbacked)", KD_FEATURE_CACHE, 5, KD_KEY_ANY, "4.10", no_cache },

	{ "OFFSET(page.mapping)", KD_FEATURE_USER, 1, KD_KEY_ANY, "always", no_user },
	{ "NUMBER(PG_slab)", KD_FEATURE_USER, 2, KD_KEY_ANY, "until 6.9", no_user },
	{ "NUMBER(PAGE_SLAB_MAPCOUNT_VALUE)", KD_FEATURE_USER, 2, KD_KEY_ANY, "6.10", no_user },

	{ "NUMBER(HUGETLB_PAGE_DTOR)", KD_FEATURE_HUGETLB, 1, KD_KEY_ANY, "until 6.5", no_hugetlb },
	{ "NUMBER(PG_hugetlb)", KD_FEATURE_HUGETLB, 1, KD_KEY_ANY, "6.6 to 6.8", no_hugetlb },
	{ "NUMBER(PAGE_HUGETLB_MAPCOUNT_VALUE)", KD_FEATURE_HUGETLB, 1, KD_KEY_ANY, "6.9",
	  no_hugetlb },
	{ "OFFSET(page.compound_dtor)", KD_FEATURE_HUGETLB, 0, KD_KEY_ANY, "4.4 to 6.2",
	  no_hugetlb },
	{ "OFFSET(page.compound_order)", KD_FEATURE_HUGETLB, 0, KD_KEY_ANY, "4.4 to 6.2",
	  no_hugetlb },
	{ "OFFSET(folio._folio_dtor)", KD_FEATURE_HUGETLB, 0, KD_KEY_ANY, "6.3 to 6.5",
	  no_hugetlb },
	{ "OFFSET(folio._folio_order)", KD_FEATURE_HUGETLB, 0, KD_KEY_ANY, "6.3 to 6.5",
	  no_hugetlb },

	{ "OFFSET(page._mapcount)", KD_FEATURE_FREE, 1, KD_KEY_ANY, "always", no_free },
	{ "OFFSET(page.private)", KD_FEATURE_FREE, 2, KD_KEY_ANY, "always", no_free },
	{ "NUMBER(PAGE_BUDDY_MAPCOUNT_VALUE)", KD_FEATURE_FREE, 3, KD_KEY_ANY, "always", no_free },
	{ "LENGTH(zone.free_area)", KD_FEATURE_FREE, 4, KD_KEY_ANY, "always", no_free },

	{ "NUMBER(NR_FREE_PAGES)", KD_FEATURE_FREE_CHECK, 1, KD_KEY_ANY, "always", no_check },
	{ "OFFSET(zone.vm_stat)", KD_FEATURE_FREE_CHECK, 2, KD_KEY_ANY, "always", no_check },
	{ "SIZE(zone)", KD_FEATURE_FREE_CHECK, 3, KD_KEY_ANY, "always", no_check },
	{ "OFFSET(pglist_data.node_zones)", KD_FEATURE_FREE_CHECK, 4, KD_KEY_ANY, "always",
	  no_check },
	{ "OFFSET(pglist_data.nr_zones)", KD_FEATURE_FREE_CHECK, 5, KD_KEY_ANY, "always",
	  no_check },
	{ "SYMBOL(node_data)", KD_FEATURE_FREE_CHECK, 6, KD_KEY_ANY, "always, with NUMA on x86_64",
	  no_check },
	{ "SYMBOL(contig_page_data)", KD_FEATURE_FREE_CHECK, 6, KD_KEY_ANY, "always, without NUMA",
	  no_check },

	{ "NUMBER(PG_hwpoison)", KD_FEATURE_HWPOISON, 1, KD_KEY_ANY,
	  "always, with CONFIG_MEMORY_FAILURE",
	  "pages with memory errors are read, which may stop the capture" },
	{ "NUMBER(PAGE_OFFLINE_MAPCOUNT_VALUE)", KD_FEATURE_OFFLINE, 1, KD_KEY_ANY, "5.1",
	  "pages given back to a hypervisor are read, which is slow or may hang" },
	{ "NUMBER(PAGE_UNACCEPTED_MAPCOUNT_VALUE)", KD_FEATURE_UNACCEPTED, 1, KD_KEY_ANY,
	  "6.16, with CONFIG_UNACCEPTED_MEMORY",
	  "unaccepted memory of a confidential guest is kept" },

	{ "SYMBOL(kallsyms_names)", KD_FEATURE_KALLSYMS, 1, KD_KEY_ANY, "6.0", no_symbols },
	{ "SYMBOL(kallsyms_num_syms)", KD_FEATURE_KALLSYMS, 2, KD_KEY_ANY, "6.0", no_symbols },
	{ "SYMBOL(kallsyms_token_table)", KD_FEATURE_KALLSYMS, 3, KD_KEY_ANY, "6.0", no_symbols },
	{ "SYMBOL(kallsyms_token_index)", KD_FEATURE_KALLSYMS, 4, KD_KEY_ANY, "6.0", no_symbols },
	{ "SYMBOL(kallsyms_offsets)", KD_FEATURE_KALLSYMS, 5, KD_KEY_ANY, "6.0", no_symbols },
	{ "SYMBOL(kallsyms_relative_base)", KD_FEATURE_KALLSYMS, 0, KD_KEY_ANY, "6.0 to 6.19",
	  "offsets are taken to be relative to their own place" },
};
/* clang-format on */

static const struct {
	const char *name;
	const char *what;
} features[KD_N_FEATURES] = {
	[KD_FEATURE_IDENTITY] = { "identity", "say which kernel it is" },
	[KD_FEATURE_DMESG] = { "dmesg", "read the kernel's log" },
	[KD_FEATURE_VTOP] = { "vtop", "translate kernel virtual addresses" },
	[KD_FEATURE_PAGE_ARRAY] = { "page-array", "tell pages apart" },
	[KD_FEATURE_CACHE] = { "cache", "leave out page cache" },
	[KD_FEATURE_USER] = { "user", "leave out memory of processes" },
	[KD_FEATURE_HUGETLB] = { "hugetlb", "leave out huge pages of processes" },
	[KD_FEATURE_FREE] = { "free", "leave out free pages" },
	[KD_FEATURE_FREE_CHECK] = { "free-check",
				    "check the free pages against the kernel's count" },
	[KD_FEATURE_HWPOISON] = { "hwpoison", "stay away from pages with memory errors" },
	[KD_FEATURE_OFFLINE] = { "offline", "stay away from pages a hypervisor took" },
	[KD_FEATURE_UNACCEPTED] = { "unaccepted", "leave out memory never accepted" },
	[KD_FEATURE_KALLSYMS] = { "kallsyms", "name addresses without debuginfo" },
};

const struct kd_vmcoreinfo_key *kd_vmcoreinfo_keys(size_t *n_ret)
{
	*n_ret = KD_ARRAY_LEN(keys);
	return keys;
}

const char *kd_feature_name(enum kd_feature feature)
{
	return feature < KD_N_FEATURES ? features[feature].name : "unknown";
}

const char *kd_feature_what(enum kd_feature feature)
{
	return feature < KD_N_FEATURES ? features[feature].what : "unknown";
}

static bool is_for(const struct kd_vmcoreinfo_key *row, const char *machine)
{
	switch (row->arch) {
	case KD_KEY_X86_64:
		return strcmp(machine, "x86_64") == 0;
	case KD_KEY_ARM64:
		return strcmp(machine, "aarch64") == 0;
	default:
		return true;
	}
}

static bool is_there(const struct kd_vmcoreinfo *info, const struct kd_vmcoreinfo_key *row)
{
	const char *value;

	return kd_vmcoreinfo_text(info, row->key, &value) && value[0];
}

/* Does any key of this row's group exist? */
static bool group_is_there(const struct kd_vmcoreinfo *info, const char *machine,
			   const struct kd_vmcoreinfo_key *row)
{
	for (size_t i = 0; i < KD_ARRAY_LEN(keys); i++) {
		const struct kd_vmcoreinfo_key *other = &keys[i];
		if (other->feature == row->feature && other->group == row->group &&
		    is_for(other, machine) && is_there(info, other))
			return true;
	}
	return false;
}

static bool has_page_tables(const char *machine)
{
	return strcmp(machine, "x86_64") == 0 || strcmp(machine, "aarch64") == 0;
}

struct kd_feature_state kd_vmcoreinfo_feature(const struct kd_vmcoreinfo *info, const char *machine,
					      enum kd_feature feature)
{
	if (feature == KD_FEATURE_VTOP && !has_page_tables(machine))
		return (struct kd_feature_state){ .available = false };
	for (size_t i = 0; i < KD_ARRAY_LEN(keys); i++) {
		const struct kd_vmcoreinfo_key *row = &keys[i];
		if (row->feature != feature || row->group == 0 || !is_for(row, machine))
			continue;
		if (!group_is_there(info, machine, row))
			return (struct kd_feature_state){ .available = false, .missing = row };
	}
	return (struct kd_feature_state){ .available = true };
}

void kd_vmcoreinfo_features(const struct kd_vmcoreinfo *info, const char *machine,
			    struct kd_feature_state ret[KD_N_FEATURES])
{
	for (int f = 0; f < KD_N_FEATURES; f++)
		ret[f] = kd_vmcoreinfo_feature(info, machine, (enum kd_feature)f);
}
