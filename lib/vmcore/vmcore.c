/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/vmcore/vmcore.h"

#include "lib/ondisk/diskdump.h"
#include "lib/ondisk/elf.h"
#include "lib/vmcore/internal.h"

#include <stdlib.h>
#include <string.h>

enum {
	DEFAULT_PAGE_BYTES = 4096,
	MIN_PAGE_BYTES = 4096,
	MAX_PAGE_BYTES = 65536,
	MIN_READ_BYTES = 64 << 10,
	MAX_READ_BYTES = 64 << 20,
	OWN_WINDOW_BYTES = 64 << 10,
	NT_PRSTATUS_TYPE = 1,
};

static int open_files(struct kd_vmcore *core, const int *fds, const char *const *names, size_t n,
		      struct kd_err *err)
{
	core->files = calloc(n, sizeof(*core->files));
	core->file_names = calloc(n, sizeof(*core->file_names));
	if (!core->files || !core->file_names)
		return kd_fail(err, KD_NOMEM, "no memory to open %zu files", n);
	for (size_t i = 0; i < n; i++) {
		int rc = kd_strdup(&core->file_names[i], names[i], err);
		if (rc)
			return rc;
		core->n_files = i + 1;
		rc = kd_file_init(&core->files[i], fds[i], core->file_names[i], core->log, err);
		if (rc)
			return rc;
	}
	core->name = core->file_names[0];
	return 0;
}

static int open_format(struct kd_vmcore *core, struct kd_err *err)
{
	uint8_t magic[8];

	ssize_t got = kd_file_read_some(&core->files[0], 0, magic, sizeof(magic), err);
	if (got < 0)
		return (int)got;
	if (kd_diskdump_is_diskdump(magic, (size_t)got))
		return kd_vmcore_open_diskdump(core, err);
	if (!kd_elf_is_elf(magic, (size_t)got))
		return kd_fail(err, KD_NOTSUP,
			       "%s is no dump of a kind known here (ELF, diskdump, flattened)",
			       core->name);
	if (core->n_files > 1)
		return kd_fail(err, KD_USAGE,
			       "%s is an ELF file: only diskdump files come as a set of %zu",
			       core->name, core->n_files);
	return kd_vmcore_open_elf(core, err);
}

static void find_max_pfn(struct kd_vmcore *core)
{
	for (size_t i = 0; i < core->n_segments; i++) {
		const struct kd_vmcore_segment *s = &core->segments[i];
		uint64_t end = (s->paddr + s->len_bytes - 1) / core->page_size + 1;
		if (end > core->max_pfn)
			core->max_pfn = end;
	}
}

static uint32_t page_size_of_info(const struct kd_vmcore *core)
{
	uint64_t size;

	if (!kd_vmcoreinfo_decimal(core->info, "PAGESIZE", &size))
		return 0;
	if (size < MIN_PAGE_BYTES || size > MAX_PAGE_BYTES || (size & (size - 1))) {
		kd_log(core->log, KD_LOG_WARN, "vmcore",
		       "%s: vmcoreinfo says PAGESIZE=%ju, which cannot be; not used", core->name,
		       (uintmax_t)size);
		return 0;
	}
	return (uint32_t)size;
}

/*
 * A dumping tool that could not read the kernel's name of itself leaves the machine's empty, too.
 * Which of the two it is tell the keys that the other does not have; see vmcoreinfo/keys.c.
 */
static void guess_machine(struct kd_vmcore *core)
{
	const struct kd_vmcore_diskdump_info *dd = kd_vmcore_diskdump(core);
	int64_t ignored;

	if (!dd || dd->machine[0])
		return;
	if (kd_vmcoreinfo_number(core->info, "phys_base", &ignored))
		kd_vmcore_set_machine(core, KD_MACHINE_X86_64, "x86_64");
	else if (kd_vmcoreinfo_number(core->info, "kimage_voffset", &ignored))
		kd_vmcore_set_machine(core, KD_MACHINE_ARM64, "aarch64");
}

/* What every format needs once its own part is open. */
static int finish_open(struct kd_vmcore *core, struct kd_err *err)
{
	if (core->info_text) {
		int rc = kd_vmcoreinfo_parse(core->info_text, core->info_text_len, &core->info,
					     err);
		if (rc)
			return kd_wrap(err, "%s", core->name);
		if (kd_vmcoreinfo_is_cut(core->info))
			kd_log(core->log, KD_LOG_WARN, "vmcore",
			       "%s: the last line of vmcoreinfo is cut off and not used",
			       core->name);
	}
	/* A diskdump's pages are its blocks, whatever the kernel says. */
	if (!core->page_size)
		core->page_size = page_size_of_info(core);
	if (!core->page_size)
		core->page_size = DEFAULT_PAGE_BYTES;
	guess_machine(core);
	find_max_pfn(core);
	return 0;
}

int kd_vmcore_open_set(const int *fds, const char *const *names, size_t n, const struct kd_log *log,
		       struct kd_vmcore **ret, struct kd_err *err)
{
	if (n == 0)
		return kd_fail(err, KD_USAGE, "no dump file given");

	KD_AUTO(kd_vmcore_closep) struct kd_vmcore *core = calloc(1, sizeof(*core));
	if (!core)
		return kd_fail(err, KD_NOMEM, "open %s: no memory", names[0]);
	core->log = log;
	int rc = open_files(core, fds, names, n, err);
	if (!rc)
		rc = open_format(core, err);
	if (!rc)
		rc = finish_open(core, err);
	if (!rc && core->format == KD_VMCORE_DISKDUMP)
		rc = kd_vmcore_window_new(core, KD_ACCESS_READ, 0, OWN_WINDOW_BYTES, &core->own,
					  err);
	if (rc)
		return rc;
	*ret = KD_STEAL(core);
	return 0;
}

int kd_vmcore_open(int fd, const char *name, const struct kd_log *log, struct kd_vmcore **ret,
		   struct kd_err *err)
{
	return kd_vmcore_open_set(&fd, &name, 1, log, ret, err);
}

void kd_vmcore_close(struct kd_vmcore *core)
{
	if (!core)
		return;
	kd_vmcore_window_free(core->own);
	if (core->ops && core->ops->close)
		core->ops->close(core);
	for (size_t i = 0; i < core->n_files; i++) {
		kd_file_fini(&core->files[i]);
		free(core->file_names[i]);
	}
	free(core->files);
	free(core->file_names);
	free(core->segments);
	kd_extents_fini(&core->by_vaddr);
	kd_extents_fini(&core->memory);
	free(core->notes_raw);
	free(core->notes);
	free(core->note_names);
	free(core->own_info_text);
	kd_vmcoreinfo_free(core->info);
	free(core);
}

void kd_vmcore_closep(struct kd_vmcore **core)
{
	kd_vmcore_close(*core);
}

/* ---- windows ---- */

int kd_vmcore_window_new(struct kd_vmcore *core, enum kd_vmcore_access access, size_t map_bytes,
			 size_t read_bytes, struct kd_vmcore_window **ret, struct kd_err *err)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	KD_AUTO(kd_vmcore_window_freep) struct kd_vmcore_window *w = calloc(1, sizeof(*w));

	if (!w)
		return kd_fail(err, KD_NOMEM, "%s: no memory for a window", core->name);
	if (read_bytes < MIN_READ_BYTES)
		read_bytes = MIN_READ_BYTES;
	if (read_bytes > MAX_READ_BYTES)
		read_bytes = MAX_READ_BYTES;
	w->access = access;
	w->map_bytes = map_bytes < page ? page : map_bytes / page * page;
	/* Whole pages, so that a piece never ends inside one. */
	w->read_bytes = read_bytes / core->page_size * core->page_size;
	w->core = core;
	int rc = core->ops->window_init(w, err);
	if (rc)
		return rc;
	*ret = KD_STEAL(w);
	return 0;
}

size_t kd_vmcore_window_bytes(const struct kd_vmcore *core, enum kd_vmcore_access access,
			      size_t read_bytes)
{
	if (read_bytes < MIN_READ_BYTES)
		read_bytes = MIN_READ_BYTES;
	return core->format == KD_VMCORE_ELF ? kd_elf_window_bytes(core, access, read_bytes)
					     : kd_diskdump_window_bytes(core, read_bytes);
}

void kd_vmcore_window_free(struct kd_vmcore_window *w)
{
	if (!w)
		return;
	if (w->core)
		w->core->ops->window_fini(w);
	free(w);
}

void kd_vmcore_window_freep(struct kd_vmcore_window **w)
{
	kd_vmcore_window_free(*w);
}

int kd_vmcore_map(struct kd_vmcore_window *w, uint64_t paddr, size_t want, const uint8_t **ret,
		  size_t *len_ret, struct kd_err *err)
{
	return w->core->ops->map(w, paddr, want ? want : 1, ret, len_ret, err);
}

bool kd_vmcore_window_copies(const struct kd_vmcore_window *w)
{
	return w->core->format != KD_VMCORE_ELF || kd_elf_window_copies(w);
}

int kd_vmcore_page_run(struct kd_vmcore_window *w, uint64_t pfn, uint64_t *n_ret,
		       struct kd_err *err)
{
	return w->core->ops->page_run(w, pfn, n_ret, err);
}

/* ---- reading ---- */

int kd_vmcore_read(struct kd_vmcore *core, uint64_t paddr, void *buf, size_t len,
		   struct kd_err *err)
{
	uint8_t *out = buf;

	while (len) {
		size_t n;
		int rc = core->ops->read_some(core, paddr, out, len, &n, err);
		if (rc)
			return rc;
		out += n;
		len -= n;
		if (len && __builtin_add_overflow(paddr, n, &paddr))
			return kd_fail(err, KD_BADDATA,
				       "%s: read past the end of the address space", core->name);
	}
	return 0;
}

int kd_vmcore_vaddr_to_paddr(const struct kd_vmcore *core, uint64_t vaddr, uint64_t *paddr_ret,
			     uint64_t *len_ret)
{
	const struct kd_extent *e = kd_extents_find(&core->by_vaddr, vaddr, NULL);

	if (!e)
		return 0;
	*paddr_ret = e->to + (vaddr - e->start);
	*len_ret = e->len - (vaddr - e->start);
	return 1;
}

int kd_vmcore_read_vaddr(struct kd_vmcore *core, uint64_t vaddr, void *buf, size_t len,
			 struct kd_err *err)
{
	uint8_t *out = buf;

	while (len) {
		uint64_t paddr, there;
		if (!kd_vmcore_vaddr_to_paddr(core, vaddr, &paddr, &there))
			return kd_fail(err, KD_BADDATA,
				       "%s: no segment has the virtual address 0x%jx", core->name,
				       (uintmax_t)vaddr);
		size_t n = len < there ? len : (size_t)there;
		int rc = kd_vmcore_read(core, paddr, out, n, err);
		if (rc)
			return kd_wrap(err, "virtual 0x%jx", (uintmax_t)vaddr);
		out += n;
		len -= n;
		vaddr += n;
	}
	return 0;
}

int kd_vmcore_fail_page(const struct kd_vmcore *core, enum kd_vmcore_page state, uint64_t paddr,
			struct kd_err *err)
{
	switch (state) {
	case KD_PAGE_EXCLUDED:
		return kd_fail(err, KD_BADDATA,
			       "%s: physical 0x%jx was left out when the dump was written",
			       core->name, (uintmax_t)paddr);
	case KD_PAGE_LOST:
		return kd_fail(err, KD_BADDATA,
			       "%s: physical 0x%jx was never written: the dump is incomplete",
			       core->name, (uintmax_t)paddr);
	default:
		return kd_fail(err, KD_BADDATA, "%s: there is no memory at physical 0x%jx",
			       core->name, (uintmax_t)paddr);
	}
}

/* ---- questions ---- */

void kd_vmcore_set_machine(struct kd_vmcore *core, enum kd_machine machine, const char *name)
{
	core->machine = machine;
	snprintf(core->machine_name, sizeof(core->machine_name), "%s", name);
}

enum kd_vmcore_format kd_vmcore_format(const struct kd_vmcore *core)
{
	return core->format;
}

bool kd_vmcore_is_flattened(const struct kd_vmcore *core)
{
	return core->files[0].flattened;
}

bool kd_vmcore_is_incomplete(const struct kd_vmcore *core)
{
	return core->incomplete;
}

bool kd_vmcore_is_big_endian(const struct kd_vmcore *core)
{
	return core->big_endian;
}

enum kd_machine kd_vmcore_machine(const struct kd_vmcore *core)
{
	return core->machine;
}

const char *kd_vmcore_machine_name(const struct kd_vmcore *core)
{
	return core->machine_name;
}

const char *kd_vmcore_name(const struct kd_vmcore *core)
{
	return core->name;
}

uint32_t kd_vmcore_page_size(const struct kd_vmcore *core)
{
	return core->page_size;
}

const struct kd_vmcore_segment *kd_vmcore_segments(const struct kd_vmcore *core, size_t *n_ret)
{
	*n_ret = core->n_segments;
	return core->segments;
}

uint64_t kd_vmcore_hole(const struct kd_vmcore *core, uint64_t paddr)
{
	return core->ops->hole ? core->ops->hole(core, paddr) : 0;
}

uint64_t kd_vmcore_max_pfn(const struct kd_vmcore *core)
{
	return core->max_pfn;
}

const struct kd_vmcoreinfo *kd_vmcore_info(const struct kd_vmcore *core)
{
	return core->info;
}

const char *kd_vmcore_info_bytes(const struct kd_vmcore *core, size_t *len_ret)
{
	*len_ret = core->info_text_len;
	return core->info_text;
}

const char *kd_vmcore_osrelease(const struct kd_vmcore *core)
{
	const struct kd_vmcore_diskdump_info *dd = kd_vmcore_diskdump(core);
	const char *text;

	if (kd_vmcoreinfo_text(core->info, "OSRELEASE", &text))
		return text;
	return dd && dd->release[0] ? dd->release : NULL;
}

int kd_vmcore_crashtime(const struct kd_vmcore *core, int64_t *ret)
{
	const struct kd_vmcore_diskdump_info *dd = kd_vmcore_diskdump(core);
	uint64_t seconds;

	if (kd_vmcoreinfo_decimal(core->info, "CRASHTIME", &seconds) && seconds <= INT64_MAX)
		*ret = (int64_t)seconds;
	else if (dd && dd->time_sec > 0)
		*ret = dd->time_sec;
	else
		return 0;
	return 1;
}

uint32_t kd_vmcore_cpus(const struct kd_vmcore *core)
{
	const struct kd_vmcore_diskdump_info *dd = kd_vmcore_diskdump(core);
	uint32_t n = 0;

	for (size_t i = 0; i < core->n_notes; i++)
		if (core->notes[i].type == NT_PRSTATUS_TYPE &&
		    strcmp(core->notes[i].name, "CORE") == 0)
			n++;
	return n || !dd ? n : dd->nr_cpus;
}

const struct kd_vmcore_note *kd_vmcore_notes(const struct kd_vmcore *core, size_t *n_ret)
{
	*n_ret = core->n_notes;
	return core->notes;
}

const uint8_t *kd_vmcore_notes_raw(const struct kd_vmcore *core, size_t *len_ret)
{
	*len_ret = core->notes_raw_len;
	return core->notes_raw;
}
