/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An image for kexec_load(2), from the files to a list of segments. */
#include "lib/kexec/internal.h"
#include "lib/ondisk/elf.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* A vmlinux with debug information is much larger than what of it goes to memory. */
enum { MAX_FILE_BYTES = 2047 << 20 };

/* What an image borrows from and nobody outside sees. */
struct kd_kexec_image_memory {
	struct kd_kexec_host machine;
	struct kd_kexec_kernel_file kernel;
	char *initrd;
	size_t initrd_bytes;
	struct kd_kexec_ranges memmap;
	struct kd_buf elfcorehdr, boot, purgatory;
	char *cmdline;
};

/* While an image is made. */
struct work {
	const struct kd_kexec_request *req;
	struct kd_kexec_image *image;
	struct kd_kexec_image_memory *own;
	struct kd_kexec_ranges free;	  /* where segments may go */
	struct kd_kexec_ranges crash_ram; /* crash: what the new kernel may use of it */
	uint64_t kernel_paddr, initrd_paddr, boot_paddr, elfcorehdr_paddr;
	uint64_t backup_paddr, backup_from, backup_bytes;
};

void kd_kexec_image_fini(struct kd_kexec_image *image)
{
	struct kd_kexec_image_memory *own = image->own;

	if (own) {
		kd_kexec_host_fini(&own->machine);
		kd_kexec_kernel_fini(&own->kernel);
		kd_kexec_ranges_fini(&own->memmap);
		kd_buf_fini(&own->elfcorehdr);
		kd_buf_fini(&own->boot);
		kd_buf_fini(&own->purgatory);
		free(own->initrd);
		free(own->cmdline);
		free(own);
	}
	free(image->memmap);
	*image = (struct kd_kexec_image){ 0 };
}

static void work_fini(struct work *w)
{
	kd_kexec_ranges_fini(&w->free);
	kd_kexec_ranges_fini(&w->crash_ram);
}

/* A file from its start, wherever the descriptor stands. */
static int read_file(int fd, const char *name, char **ret, size_t *len, struct kd_err *err)
{
	if (lseek(fd, 0, SEEK_SET) < 0)
		return kd_fail_sys(err, errno, "read %s", name);
	return kd_read_all(fd, MAX_FILE_BYTES, ret, len, name, err);
}

static int read_files(struct work *w, struct kd_err *err)
{
	char *kernel = NULL;
	size_t bytes = 0;
	int rc = read_file(w->req->kernel_fd, w->req->kernel_name, &kernel, &bytes, err);

	if (!rc)
		rc = kd_kexec_kernel_parse((uint8_t *)kernel, bytes, w->req->kernel_name,
					   &w->own->kernel, err);
	if (!rc && w->req->initrd_fd >= 0)
		rc = read_file(w->req->initrd_fd, w->req->initrd_name, &w->own->initrd,
			       &w->own->initrd_bytes, err);
	if (!rc && w->req->initrd_fd >= 0 && w->own->initrd_bytes == 0)
		rc = kd_fail(err, KD_BADDATA, "%s is empty", w->req->initrd_name);
	return rc;
}

/* It would reset the machine at its first instructions, which nobody would see. */
static int check_paging(const struct work *w, struct kd_err *err)
{
	if (w->own->kernel.from_5level || !kd_kexec_has_la57(w->req->root))
		return 0;
	return kd_fail(
		err, KD_NOTSUP,
		"the running kernel uses five-level page tables and %s %s: boot with no5lvl, "
		"or name %s",
		w->req->kernel_name,
		w->own->kernel.setup ? "cannot be started from them"
				     : "was built without CONFIG_X86_5LEVEL, or has no symbols "
				       "that would tell",
		w->own->kernel.setup ? "another kernel" : "its bzImage");
}

/* Puts a segment into the list, which rises by address. */
static int add_segment(struct work *w, const char *name, const void *buf, uint64_t buf_bytes,
		       uint64_t paddr, uint64_t mem_bytes, struct kd_err *err)
{
	struct kd_kexec_image *image = w->image;
	size_t i = image->segment_count;

	if (i == KD_KEXEC_SEGMENT_MAX)
		return kd_fail(err, KD_NOTSUP, "more than %d segments", KD_KEXEC_SEGMENT_MAX);
	for (; i > 0 && image->segments[i - 1].mem > paddr; i--)
		image->segments[i] = image->segments[i - 1];
	image->segments[i] = (struct kd_kexec_segment){
		.name = name,
		.buf = buf,
		.buf_bytes = buf_bytes,
		.mem = paddr,
		.mem_bytes = (mem_bytes + KD_KEXEC_PAGE - 1) / KD_KEXEC_PAGE * KD_KEXEC_PAGE,
	};
	image->segment_count++;
	return 0;
}

static int place_high(struct work *w, const char *name, uint64_t bytes, uint64_t max, uint64_t *ret,
		      struct kd_err *err)
{
	const struct kd_kexec_want want = {
		.name = name,
		.bytes = bytes,
		.align = KD_KEXEC_PAGE,
		.min = KD_KEXEC_LOW_BYTES,
		.max = max < w->own->kernel.max_paddr ? max : w->own->kernel.max_paddr,
		.top_down = true,
	};

	return kd_kexec_place(&w->free, &want, ret, err);
}

/* ---- where things may go ---- */

static int find_free(struct work *w, struct kd_err *err)
{
	const struct kd_kexec_host *m = &w->own->machine;
	struct kd_kexec_range crash = { 0 };
	int rc = 0;

	if (!w->req->regular) {
		rc = kd_kexec_crash_range(m, &crash, err);
		if (!rc)
			rc = kd_kexec_ranges_add(&w->free, crash.start, crash.end, KD_MEM_RAM, err);
		if (!rc)
			rc = kd_kexec_ranges_copy(&w->crash_ram, &w->free, err);
		w->image->place = (struct kd_kexec_memory){ crash.start, crash.end, KD_MEM_RAM,
							    kd_kexec_memtype_name(KD_MEM_RAM) };
		return rc;
	}
	rc = kd_kexec_ranges_copy(&w->free, &m->own_ram, err);
	if (!rc)
		rc = kd_kexec_ranges_exclude(&w->free, 0, KD_KEXEC_LOW_BYTES - 1, err);
	/* An armed capture kernel stays usable until the very end. */
	for (size_t i = 0; !rc && i < m->crash.n; i++)
		rc = kd_kexec_ranges_exclude(&w->free, m->crash.v[i].start, m->crash.v[i].end, err);
	return rc;
}

/*
 * Bottom-up from the address it was linked for: below that a bzImage would move itself
 * there (Linux arch/x86/boot/compressed/head_64.S), whatever lies in between.
 */
static int place_kernel(struct work *w, struct kd_err *err)
{
	const struct kd_kexec_kernel_file *k = &w->own->kernel;
	const struct kd_kexec_want want = {
		.name = "kernel",
		.bytes = k->mem_bytes,
		.align = k->align,
		.min = k->preferred > KD_KEXEC_LOW_BYTES ? k->preferred : KD_KEXEC_LOW_BYTES,
		.max = k->max_paddr,
	};
	int rc = kd_kexec_place(&w->free, &want, &w->kernel_paddr, err);

	w->image->kernel_entry = w->kernel_paddr + k->entry;
	return rc ? rc
		  : add_segment(w, "kernel", k->payload, k->payload_bytes, w->kernel_paddr,
				k->mem_bytes, err);
}

/* ---- what a capture kernel needs besides ---- */

/* All low memory in one piece, from its first page to its last. */
static int place_backup(struct work *w, struct kd_err *err)
{
	const struct kd_kexec_ranges *ram = &w->own->machine.ram;
	uint64_t end = 0;

	if (w->own->machine.low_is_reserved || ram->v[0].start >= KD_KEXEC_LOW_BYTES)
		return 0;
	for (size_t i = 0; i < ram->n && ram->v[i].start < KD_KEXEC_LOW_BYTES; i++)
		end = ram->v[i].end;
	if (end >= KD_KEXEC_LOW_BYTES)
		end = KD_KEXEC_LOW_BYTES - 1;
	w->backup_from = ram->v[0].start / KD_KEXEC_PAGE * KD_KEXEC_PAGE;
	w->backup_bytes = end + 1 - w->backup_from;
	w->image->has_backup = true;
	int rc = place_high(w, "backup of low memory", w->backup_bytes, UINT64_MAX,
			    &w->backup_paddr, err);
	return rc ? rc : add_segment(w, "backup", NULL, 0, w->backup_paddr, w->backup_bytes, err);
}

/* What the dump holds: all RAM but the reservations, and low memory only if it is saved. */
static int dump_ram(const struct work *w, struct kd_kexec_ranges *ret, struct kd_err *err)
{
	const struct kd_kexec_host *m = &w->own->machine;
	int rc = kd_kexec_ranges_copy(ret, &m->ram, err);

	if (!rc)
		rc = kd_kexec_ranges_exclude(ret, 0, KD_KEXEC_LOW_BYTES - 1, err);
	for (size_t i = 0; !rc && i < m->crash.n; i++)
		rc = kd_kexec_ranges_exclude(ret, m->crash.v[i].start, m->crash.v[i].end, err);
	for (size_t i = 0; !rc && w->image->has_backup && i < m->ram.n; i++) {
		uint64_t end = m->ram.v[i].end;
		if (m->ram.v[i].start >= KD_KEXEC_LOW_BYTES)
			break;
		rc = kd_kexec_ranges_add(ret, m->ram.v[i].start,
					 end < KD_KEXEC_LOW_BYTES ? end : KD_KEXEC_LOW_BYTES - 1,
					 KD_MEM_RAM, err);
	}
	kd_kexec_ranges_sort(ret);
	return rc;
}

static int make_elfcorehdr(struct work *w, struct kd_err *err)
{
	struct kd_kexec_image_memory *own = w->own;
	KD_AUTO(kd_kexec_ranges_fini) struct kd_kexec_ranges ram = { 0 };
	int rc = dump_ram(w, &ram, err);

	if (!rc && own->machine.cpu_count == 0)
		rc = kd_fail(err, KD_NOTSUP,
			     "/sys/devices/system/cpu/cpu0/crash_notes does not exist: this kernel "
			     "was built without crash dumps (CONFIG_CRASH_DUMP)");
	if (rc)
		return rc;
	const struct kd_kexec_elfcorehdr h = {
		.machine = &own->machine,
		.ram = &ram,
		.backup_source = { w->backup_from, w->backup_from + w->backup_bytes - 1, 0 },
		.backup_paddr = w->backup_paddr,
	};
	rc = kd_kexec_elfcorehdr(&h, &own->elfcorehdr, err);
	/* Room for as many CPUs and memory ranges as the kernel may come to describe. */
	uint64_t room = own->elfcorehdr.len,
		 most = own->machine.elfcorehdr_room + KD_ELF_EHDR_BYTES;
	if (own->machine.hotplug && room < most)
		room = (most + KD_KEXEC_PAGE - 1) / KD_KEXEC_PAGE * KD_KEXEC_PAGE;
	if (!rc)
		rc = place_high(w, "ELF core header", room, UINT64_MAX, &w->elfcorehdr_paddr, err);
	if (!rc)
		rc = add_segment(w, "elfcorehdr", own->elfcorehdr.p, own->elfcorehdr.len,
				 w->elfcorehdr_paddr, room, err);
	if (!rc)
		rc = kd_kexec_ranges_exclude(&w->crash_ram, w->elfcorehdr_paddr,
					     w->elfcorehdr_paddr + room - 1, err);
	if (!rc && w->image->has_backup)
		rc = kd_kexec_ranges_exclude(&w->crash_ram, w->backup_paddr,
					     w->backup_paddr + w->backup_bytes - 1, err);
	w->image->hotplug = own->machine.hotplug;
	return rc;
}

/* The kernel looks for the header by its magic in all segments and takes the last. */
static bool looks_like_elf(const struct kd_kexec_segment *s)
{
	return s->buf_bytes >= 4 && memcmp(s->buf, "\177ELF", 4) == 0;
}

static void check_hotplug(struct work *w)
{
	for (size_t i = 0; i < w->image->segment_count; i++) {
		const struct kd_kexec_segment *s = &w->image->segments[i];
		if (w->image->hotplug && strcmp(s->name, "elfcorehdr") != 0 && looks_like_elf(s)) {
			kd_log(w->req->log, KD_LOG_WARN, "kexec",
			       "the segment %s begins like an ELF file: the kernel would take it "
			       "for the ELF core header, so it is not told to update that on "
			       "hotplug",
			       s->name);
			w->image->hotplug = false;
		}
	}
}

/* ---- what the new kernel is told ---- */

/* elfcorehdr= in front, and none of another image behind: the last one would win. */
static int make_cmdline(struct work *w, struct kd_err *err)
{
	static const char key[] = "elfcorehdr=";
	KD_AUTO(kd_buf_fini) struct kd_buf text = { 0 };

	if (!w->req->regular)
		kd_buf_printf(&text, "%s0x%jx", key, (uintmax_t)w->elfcorehdr_paddr);
	for (const char *p = w->req->cmdline; *p; p += strspn(p, " ")) {
		size_t len = strcspn(p, " ");
		if (len && (w->req->regular || strncmp(p, key, sizeof(key) - 1) != 0)) {
			kd_buf_puts(&text, text.len ? " " : "");
			kd_buf_add(&text, p, len);
		}
		p += len;
	}
	if (text.bad)
		return kd_fail(err, KD_NOMEM, "no memory");
	int rc = kd_strdup(&w->own->cmdline, text.p ? text.p : "", err);
	w->image->cmdline = w->own->cmdline;
	return rc;
}

static int make_memmap(struct work *w, struct kd_err *err)
{
	struct kd_kexec_image *image = w->image;
	struct kd_kexec_ranges *map = &w->own->memmap;
	int rc = w->req->regular ? kd_kexec_memmap_regular(&w->own->machine, map, err)
				 : kd_kexec_memmap_crash(&w->own->machine, &w->crash_ram, map, err);

	if (rc)
		return rc;
	image->memmap = calloc(map->n, sizeof(*image->memmap));
	if (!image->memmap)
		return kd_fail(err, KD_NOMEM, "no memory");
	for (size_t i = 0; i < map->n; i++)
		image->memmap[i] =
			(struct kd_kexec_memory){ map->v[i].start, map->v[i].end, map->v[i].type,
						  kd_kexec_memtype_name(map->v[i].type) };
	image->memmap_count = map->n;
	return 0;
}

static int place_initrd(struct work *w, struct kd_err *err)
{
	if (!w->own->initrd)
		return 0;
	int rc = place_high(w, "initrd", w->own->initrd_bytes, w->own->kernel.initrd_max,
			    &w->initrd_paddr, err);
	return rc ? rc
		  : add_segment(w, "initrd", w->own->initrd, w->own->initrd_bytes, w->initrd_paddr,
				w->own->initrd_bytes, err);
}

static int make_boot_params(struct work *w, struct kd_err *err)
{
	const struct kd_kexec_boot boot = {
		.kernel = &w->own->kernel,
		.machine = &w->own->machine,
		.memmap = &w->own->memmap,
		.cmdline = w->own->cmdline,
		.initrd_paddr = w->initrd_paddr,
		.initrd_bytes = w->own->initrd_bytes,
	};
	uint64_t bytes = kd_kexec_boot_bytes(&boot);
	int rc = place_high(w, "boot parameters", bytes, UINT64_MAX, &w->boot_paddr, err);

	if (!rc)
		rc = kd_kexec_boot_params(&boot, w->boot_paddr, &w->own->boot, err);
	return rc ? rc
		  : add_segment(w, "boot-params", w->own->boot.p, w->own->boot.len, w->boot_paddr,
				bytes, err);
}

/* ---- what checks it all ---- */

static void add_checks(const struct work *w, struct kd_purgatory_params *p)
{
	for (size_t i = 0; i < w->image->segment_count; i++) {
		const struct kd_kexec_segment *s = &w->image->segments[i];
		/* What the running kernel may rewrite cannot be held to what it was. */
		if (s->buf_bytes == 0 || (w->image->hotplug && strcmp(s->name, "elfcorehdr") == 0))
			continue;
		struct kd_purgatory_check *check = &p->checks[p->check_count++];
		check->paddr = s->mem;
		check->len_bytes = s->buf_bytes;
		kd_sha256(s->buf, s->buf_bytes, check->sha256);
		snprintf(check->name, sizeof(check->name), "%s", s->name);
	}
}

static int make_purgatory(struct work *w, struct kd_err *err)
{
	struct kd_kexec_purgatory blob = { 0 };
	struct kd_purgatory_params params = {
		.entry_paddr = w->image->kernel_entry,
		.boot_params_paddr = w->boot_paddr,
		.backup_from_paddr = w->backup_from,
		.backup_to_paddr = w->backup_paddr,
		.backup_bytes = w->backup_bytes,
		.refusal = w->req->hang_on_mismatch ? KD_PURGATORY_HANG : KD_PURGATORY_RESET,
	};
	struct kd_buf *out = &w->own->purgatory;
	int rc = kd_kexec_purgatory(&blob, err);

	if (!rc)
		rc = place_high(w, "purgatory", blob.mem_bytes, UINT64_MAX, &w->image->entry, err);
	if (rc)
		return rc;
	if (w->req->serial)
		w->image->serial = *w->req->serial;
	else
		kd_kexec_serial_of(w->own->cmdline, &w->image->serial);
	params.uart_port = w->image->serial.port;
	params.uart_divisor = w->image->serial.divisor;
	add_checks(w, &params);
	kd_buf_add(out, blob.image, blob.image_bytes);
	if (out->bad)
		return kd_fail(err, KD_NOMEM, "no memory");
	memcpy(out->p + blob.params_at, &params, sizeof(params));
	return add_segment(w, "purgatory", out->p, out->len, w->image->entry, blob.mem_bytes, err);
}

/*
 * Pages the kernel takes from the same reservation for the way over: code, vmcoreinfo's
 * copy and page tables that map all RAM, at worst with 2 MiB pages (Linux
 * arch/x86/kernel/machine_kexec_64.c, init_pgtable).
 */
static int check_control_pages(struct work *w, struct kd_err *err)
{
	const struct kd_kexec_ranges *ram = &w->own->machine.ram;
	uint64_t pages = 64, left = 0;
	char need[KD_SIZE_TEXT_BYTES], have[KD_SIZE_TEXT_BYTES];

	for (size_t i = 0; i < ram->n; i++) {
		pages += (ram->v[i].end >> 30) - (ram->v[i].start >> 30) + 1;
		w->image->ram_bytes += ram->v[i].end - ram->v[i].start + 1;
	}
	for (size_t i = 0; i < w->free.n; i++)
		left += (w->free.v[i].end - w->free.v[i].start + 1) / KD_KEXEC_PAGE;
	if (w->req->regular || left >= pages)
		return 0;
	return kd_fail(
		err, KD_NOSPACE,
		"the image fills the crash reservation: %s are left, the kernel needs %s for "
		"its page tables; raise crashkernel= and reboot",
		kd_format_size(left * KD_KEXEC_PAGE, have),
		kd_format_size(pages * KD_KEXEC_PAGE, need));
}

static int build(struct work *w, struct kd_err *err)
{
	int rc = find_free(w, err);

	if (!rc)
		rc = place_kernel(w, err);
	if (!rc && !w->req->regular)
		rc = place_backup(w, err);
	if (!rc && !w->req->regular)
		rc = make_elfcorehdr(w, err);
	if (!rc)
		rc = make_cmdline(w, err);
	if (!rc)
		rc = make_memmap(w, err);
	if (!rc)
		rc = place_initrd(w, err);
	if (!rc)
		rc = make_boot_params(w, err);
	check_hotplug(w);
	if (!rc)
		rc = make_purgatory(w, err);
	if (!rc)
		rc = check_control_pages(w, err);
	return rc ? rc : kd_kexec_foretell(w->req->root, w->image, err);
}

int kd_kexec_prepare(const struct kd_kexec_request *req, struct kd_kexec_image *ret,
		     struct kd_err *err)
{
	KD_AUTO(kd_kexec_image_fini) struct kd_kexec_image image = { .crash = !req->regular };
	KD_AUTO(work_fini) struct work w = { .req = req, .image = &image };

	image.own = w.own = calloc(1, sizeof(*w.own));
	if (!image.own)
		return kd_fail(err, KD_NOMEM, "no memory");
	int rc = kd_kexec_host_read(req->root, &w.own->machine, err);
	if (!rc)
		rc = read_files(&w, err);
	if (!rc)
		rc = check_paging(&w, err);
	if (!rc)
		rc = build(&w, err);
	if (rc)
		return rc;
	*ret = image;
	image = (struct kd_kexec_image){ 0 };
	return 0;
}
