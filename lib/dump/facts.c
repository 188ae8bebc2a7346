/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a diskdump's headers tell about the crashed machine, out of its memory and vmcoreinfo. */
#include "lib/arch/arch.h"
#include "lib/dump/internal.h"
#include "vmcoreinfo/vmcoreinfo.h"

#include <string.h>

enum {
	UTS_FIELDS = 6,
	/* struct uts_namespace began with its reference count until v5.11: Linux commit
	 * 9a56493f6942 ("uts: Use generic ns_common::count") */
	OLD_UTS_NAME_OFFSET = 4,
};

/* Fields of struct new_utsname, in its order. */
static char *uts_field(struct kd_diskdump_header *h, int i)
{
	char *const fields[UTS_FIELDS] = { h->sysname, h->nodename, h->release,
					   h->version, h->machine,  h->domainname };
	return fields[i];
}

static bool is_text(const char *p, size_t len)
{
	size_t n = strnlen(p, len);

	for (size_t i = 0; i < n; i++) {
		if ((unsigned char)p[i] < ' ' || p[i] == 0x7f)
			return false;
	}
	return n < len;
}

/* All six, or none: a crash may have overwritten them. */
static bool read_uts(struct kd_engine *e, struct kd_diskdump_header *h)
{
	const struct kd_vmcoreinfo *info = kd_vmcore_info(e->core);
	KD_AUTO(kd_arch_closep) struct kd_arch *arch = NULL;
	char uts[UTS_FIELDS][KD_DISKDUMP_UTS_BYTES];
	uint64_t vaddr, offset = OLD_UTS_NAME_OFFSET;
	struct kd_err why = { 0 };

	if (!kd_vmcoreinfo_symbol(info, "init_uts_ns", &vaddr))
		return false;
	(void)!kd_vmcoreinfo_offset(info, "uts_namespace.name", &offset);
	/* Not being able to read them costs only these names. */
	if (kd_arch_open(e->core, &arch, &why) ||
	    kd_arch_read(arch, vaddr + offset, uts, sizeof(uts), &why)) {
		kd_log(e->opts->log, KD_LOG_WARN, "dump",
		       "the crashed system's name cannot be read: %s", why.msg);
		return false;
	}
	for (int i = 0; i < UTS_FIELDS; i++) {
		if (!is_text(uts[i], sizeof(uts[i])))
			return false;
	}
	for (int i = 0; i < UTS_FIELDS; i++)
		memcpy(uts_field(h, i), uts[i], sizeof(uts[i]));
	return h->release[0] != '\0';
}

static const char *machine_name(const struct kd_vmcore *core)
{
	return kd_vmcore_machine(core) == KD_MACHINE_ARM64 ? "aarch64" : "x86_64";
}

static void names(struct kd_engine *e, struct kd_diskdump_header *h)
{
	const struct kd_vmcore_diskdump_info *dd = kd_vmcore_diskdump(e->core);
	const char *release = kd_vmcore_osrelease(e->core);

	if (!read_uts(e, h)) {
		snprintf(h->sysname, sizeof(h->sysname), "Linux");
		snprintf(h->release, sizeof(h->release), "%s", release ? release : "");
		snprintf(h->version, sizeof(h->version), "%s", dd ? dd->version : "");
		snprintf(h->nodename, sizeof(h->nodename), "%s", dd ? dd->nodename : "");
		snprintf(h->domainname, sizeof(h->domainname), "%s", dd ? dd->domainname : "");
	}
	/* Readers choose the architecture by it: a 32-bit personality must not change it. */
	snprintf(h->machine, sizeof(h->machine), "%s", machine_name(e->core));
}

static uint64_t phys_base(const struct kd_vmcore *core)
{
	const struct kd_vmcore_diskdump_info *dd = kd_vmcore_diskdump(core);
	bool arm = kd_vmcore_machine(core) == KD_MACHINE_ARM64;
	int64_t v;

	if (kd_vmcoreinfo_number(kd_vmcore_info(core), arm ? "PHYS_OFFSET" : "phys_base", &v))
		return (uint64_t)v;
	return dd ? dd->phys_base : 0;
}

static void find_vmcoreinfo(struct kd_engine *e)
{
	size_t n = 0, len = 0;
	const struct kd_vmcore_note *notes = kd_vmcore_notes(e->core, &n);
	const char *text = kd_vmcore_info_bytes(e->core, &len);

	for (size_t i = 0; text && i < n; i++) {
		if (strcmp(notes[i].name, "VMCOREINFO") == 0) {
			e->dd.vmcoreinfo_off = notes[i].desc_off;
			e->dd.vmcoreinfo_len = notes[i].desc_len;
			return;
		}
	}
	if (text)
		kd_log(e->opts->log, KD_LOG_WARN, "dump",
		       "vmcoreinfo does not stand in a note: the new file will lack it");
}

static int copy_segments(struct kd_engine *e, struct kd_err *err)
{
	size_t n = 0;
	const struct kd_vmcore_segment *in = kd_vmcore_segments(e->core, &n);

	e->segments = calloc(n ? n : 1, sizeof(*e->segments));
	if (!e->segments)
		return kd_fail(err, KD_NOMEM, "no memory for %zu segments", n);
	for (size_t i = 0; i < n; i++) {
		e->segments[i] = (struct kd_format_segment){
			.paddr = in[i].paddr,
			.len_bytes = in[i].len_bytes,
			.stored_bytes = in[i].stored_bytes,
			.vaddr = in[i].has_vaddr ? in[i].vaddr : 0,
		};
	}
	e->elf.segments = e->segments;
	e->elf.n_segments = n;
	return 0;
}

static int copy_ranges(struct kd_engine *e, struct kd_err *err)
{
	size_t n = e->kept.n_ranges;

	e->ranges = calloc(n ? n : 1, sizeof(*e->ranges));
	if (!e->ranges)
		return kd_fail(err, KD_NOMEM, "no memory for %zu ranges of memory", n);
	for (size_t i = 0; i < n; i++)
		e->ranges[i] = (struct kd_format_range){ .pfn = e->kept.ranges[i].pfn,
							 .end = e->kept.ranges[i].end };
	return 0;
}

int kd_engine_facts(struct kd_engine *e, struct kd_err *err)
{
	const struct kd_vmcore_diskdump_info *old = kd_vmcore_diskdump(e->core);
	struct kd_diskdump_header *h = &e->dd.header;
	size_t notes_len = 0;
	int64_t time_sec = 0;
	int rc = copy_ranges(e, err);

	if (rc)
		return rc;
	e->dump = (struct kd_format_dump){
		.page_size = e->page_size,
		.max_pfn = e->kept.max_pfn,
		.exists = e->kept.exists,
		.keep = e->kept.keep,
		.bitmap_bytes = e->kept.bitmap_bytes,
		.n_keep = e->kept.n_keep,
		.ranges = e->ranges,
		.n_ranges = e->kept.n_ranges,
		.notes = kd_vmcore_notes_raw(e->core, &notes_len),
	};
	e->dump.notes_len = notes_len;
	if (e->opts->format == KD_DUMP_ELF) {
		bool arm = kd_vmcore_machine(e->core) == KD_MACHINE_ARM64;
		e->elf.dump = e->dump;
		e->elf.machine = arm ? KD_FORMAT_ELF_ARM64 : KD_FORMAT_ELF_X86_64;
		return copy_segments(e, err);
	}

	names(e, h);
	if (kd_vmcore_crashtime(e->core, &time_sec))
		h->time_sec = time_sec;
	h->nr_cpus = kd_vmcore_cpus(e->core);
	if (h->nr_cpus == 0)
		h->nr_cpus = 1; /* readers refuse none */
	h->status = e->opts->codec ? e->opts->codec->diskdump_flag : 0;
	e->dd.dump = e->dump;
	e->dd.phys_base = phys_base(e->core);
	e->dd.level = (e->kept.level & ~e->kept.dropped) | (old ? old->dump_level & 31 : 0);
	find_vmcoreinfo(e);
	return 0;
}
