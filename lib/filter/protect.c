/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What must be kept whatever its struct page says: without it nothing in a dump can be found.
 * In a sane kernel none of it is of a class that is left out. But a dump is made because
 * something went wrong, and stale flags on pages of the kernel image have been seen (Linux v6.6,
 * PG_lru on .bss).
 */
#include "lib/filter/internal.h"

#include "lib/arch/tables.h"

enum {
	/* Enough for the direct map of 16 TiB in pages of 2 MiB, and for vmalloc beside it. */
	MAX_TABLES = 65536,
	MAX_IMAGE_BYTES = 1 << 30,    /* Linux KERNEL_IMAGE_SIZE */
	BEFORE_STEXT_BYTES = 2 << 20, /* _text, and on arm64 the header before it */
	MAX_RING_BYTES = 1 << 30,
	MAX_CPUS = 8192,	     /* Linux CONFIG_NR_CPUS_RANGE_END on x86_64 */
	MAX_PER_CPU_BYTES = 4 << 20, /* 0.2 MiB are usual */
	CRASH_NOTES_BYTES = 1024,    /* aligned so that they lie in one page */

	STEP_BYTES = 2 << 20,
	/* The page array of 4 TiB of memory, were it mapped page by page; a dump that lies gets
	 * there, too. */
	MAX_STEPS = 1 << 24,
};

struct protecting {
	struct kd_filter *f;
	struct kd_dump_reader *reader;
	const struct kd_vmcoreinfo *info;
	unsigned int page_shift;
	uint64_t steps;
	void (*found)(void *arg, uint64_t pfn, uint64_t n); /* what to do with frames */
	void *arg;

	uint64_t image_vaddr; /* of _stext; 0: not known */
	uint64_t image_delta; /* virtual less physical, all over the image */
	struct kd_filter_range image;
};

static void mark(void *arg, uint64_t pfn, uint64_t n)
{
	kd_bitmap_set(&((struct kd_filter *)arg)->protect, pfn, n);
}

/* Only where there is memory: elsewhere the bitmap is a hole, and stays one. */
static void protect_paddr(struct protecting *p, uint64_t paddr, uint64_t len)
{
	const struct kd_filter *f = p->f;
	uint64_t first = paddr >> p->page_shift, last;

	if (len == 0 || __builtin_add_overflow(paddr, len - 1, &last))
		return;
	last >>= p->page_shift;
	size_t i = kd_filter_first_range(f->ranges, f->n_ranges, first);
	for (; i < f->n_ranges && f->ranges[i].pfn <= last; i++) {
		uint64_t from = first > f->ranges[i].pfn ? first : f->ranges[i].pfn;
		uint64_t end = last < f->ranges[i].end ? last + 1 : f->ranges[i].end;
		p->found(p->arg, from, end - from);
	}
}

static void protect_vaddr(struct protecting *p, uint64_t vaddr, uint64_t len)
{
	uint64_t page = UINT64_C(1) << p->page_shift;

	while (len && p->steps++ < MAX_STEPS) {
		uint64_t paddr, n;
		uint64_t want = len < STEP_BYTES ? len : STEP_BYTES;
		int rc = kd_dump_reader_vtop(p->reader, vaddr, want, &paddr, &n);
		if (rc == 1)
			protect_paddr(p, paddr, n);
		else if (rc < 0)
			n = page - (vaddr & (page - 1)); /* try the next page */
		if (n >= len)
			break;
		vaddr += n;
		len -= n;
	}
}

/* ---- the kernel image and the page tables ---- */

/* It lies in one piece. */
static void extend_image(struct protecting *p, uint64_t paddr, uint64_t len)
{
	uint64_t first = paddr >> p->page_shift;
	uint64_t end = ((paddr + (len - 1)) >> p->page_shift) + 1;

	if (len == 0 || paddr + (len - 1) < paddr)
		return;
	if (!p->image.end || first < p->image.pfn)
		p->image.pfn = first;
	if (end > p->image.end)
		p->image.end = end;
}

static bool is_in_image_area(const struct protecting *p, uint64_t vaddr, uint64_t len)
{
	uint64_t start = p->image_vaddr - BEFORE_STEXT_BYTES;

	return p->image_vaddr && vaddr + len > start && vaddr < start + MAX_IMAGE_BYTES;
}

static bool visit(void *arg, const struct kd_arch_entry *e)
{
	struct protecting *p = arg;

	if (e->is_table) {
		protect_paddr(p, e->paddr, UINT64_C(1) << p->page_shift);
		/* The lowest tables map pages one by one. There can be one for each 2 MiB of
		 * memory, and only in the image is it of interest what they map. */
		return e->level >= 2 || is_in_image_area(p, e->vaddr, e->len_bytes);
	}
	if (is_in_image_area(p, e->vaddr, e->len_bytes) && e->vaddr - e->paddr == p->image_delta)
		extend_image(p, e->paddr, e->len_bytes);
	return false;
}

/* /proc/vmcore has a segment for the image alone. */
static void protect_image_segment(struct protecting *p)
{
	size_t n;
	const struct kd_vmcore_segment *segs = kd_vmcore_segments(p->f->core, &n);

	for (size_t i = 0; i < n; i++) {
		const struct kd_vmcore_segment *s = &segs[i];
		if (!s->has_vaddr || s->len_bytes > MAX_IMAGE_BYTES || p->image_vaddr < s->vaddr ||
		    p->image_vaddr - s->vaddr >= s->len_bytes ||
		    s->vaddr - s->paddr != p->image_delta)
			continue;
		extend_image(p, s->paddr, s->len_bytes);
	}
}

static int protect_image_and_tables(struct protecting *p, struct kd_err *err)
{
	const struct kd_log *log = p->f->opts.log;
	uint64_t vaddr, paddr, n;
	struct kd_err why;

	if (kd_vmcoreinfo_symbol(p->info, "_stext", &vaddr) && vaddr > BEFORE_STEXT_BYTES &&
	    vaddr < UINT64_MAX - MAX_IMAGE_BYTES &&
	    kd_dump_reader_vtop(p->reader, vaddr, 1, &paddr, &n) == 1) {
		p->image_vaddr = vaddr;
		p->image_delta = vaddr - paddr;
		protect_image_segment(p);
	}
	if (p->reader->arch) {
		int rc = kd_arch_visit(p->reader->arch, MAX_TABLES, visit, p, &why);
		if (rc == -KD_NOMEM) {
			*err = why;
			return rc;
		}
		if (rc < 0)
			kd_log(log, KD_LOG_WARN, "filter", "%s", why.msg);
		else if (rc > 0)
			kd_log(log, KD_LOG_INFO, "filter",
			       "more than %d page tables: the rest is not looked at", MAX_TABLES);
	}
	if (!p->image.end)
		kd_log(log, KD_LOG_INFO, "filter",
		       "where the kernel image ends is not known: its pages are judged as others");
	return 0;
}

/* ---- the printk ring ---- */

static bool read_pointer(struct protecting *p, uint64_t base, const char *outer, const char *inner,
			 uint64_t *ret)
{
	uint64_t a, b;

	return kd_vmcoreinfo_offset(p->info, outer, &a) &&
	       kd_vmcoreinfo_offset(p->info, inner, &b) &&
	       kd_reader_u64(&p->reader->reader, base + a + b, ret);
}

/* 2^bits elements of @bytes each, as long as that makes sense. */
static void protect_array(struct protecting *p, uint64_t vaddr, uint32_t bits, uint64_t bytes)
{
	if (bits < 31 && bytes && bytes <= MAX_RING_BYTES >> bits)
		protect_vaddr(p, vaddr, bytes << bits);
}

/* Since v5.10; log_buf_len= moves descriptors, infos and text out of the image. */
static void protect_ring(struct protecting *p)
{
	static const char desc_ring[] = "printk_ringbuffer.desc_ring";
	static const char text_ring[] = "printk_ringbuffer.text_data_ring";
	uint64_t symbol, rb, count_bits, size_bits, at, bytes;

	if (!kd_vmcoreinfo_symbol(p->info, "prb", &symbol) ||
	    !kd_reader_u64(&p->reader->reader, symbol, &rb))
		return;
	if (kd_vmcoreinfo_size(p->info, "printk_ringbuffer", &bytes) && bytes <= MAX_RING_BYTES)
		protect_vaddr(p, rb, bytes);
	if (read_pointer(p, rb, desc_ring, "prb_desc_ring.count_bits", &count_bits)) {
		if (read_pointer(p, rb, desc_ring, "prb_desc_ring.descs", &at) &&
		    kd_vmcoreinfo_size(p->info, "prb_desc", &bytes))
			protect_array(p, at, (uint32_t)count_bits, bytes);
		if (read_pointer(p, rb, desc_ring, "prb_desc_ring.infos", &at) &&
		    kd_vmcoreinfo_size(p->info, "printk_info", &bytes))
			protect_array(p, at, (uint32_t)count_bits, bytes);
	}
	if (read_pointer(p, rb, text_ring, "prb_data_ring.size_bits", &size_bits) &&
	    read_pointer(p, rb, text_ring, "prb_data_ring.data", &at))
		protect_array(p, at, (uint32_t)size_bits, 1);
}

/* Before v5.10. */
static void protect_log_buf(struct protecting *p)
{
	uint64_t buf_symbol, len_symbol, buf;
	uint8_t len[4];

	if (kd_vmcoreinfo_symbol(p->info, "log_buf", &buf_symbol) &&
	    kd_vmcoreinfo_symbol(p->info, "log_buf_len", &len_symbol) &&
	    kd_reader_u64(&p->reader->reader, buf_symbol, &buf) &&
	    kd_reader_copy(&p->reader->reader, len_symbol, len, sizeof(len)) &&
	    kd_load32(len) <= MAX_RING_BYTES)
		protect_vaddr(p, buf, kd_load32(len));
}

/* ---- per-CPU areas, with crash_notes ---- */

/*
 * Those that were there at the start: each CPU's copy of the kernel's own per-CPU variables. Both
 * are at their place in the first area plus the CPU's offset.
 */
static void protect_per_cpu(struct protecting *p)
{
	static const char *const names[] = { "__per_cpu_start", "__per_cpu_end", "__per_cpu_offset",
					     "nr_cpu_ids", "crash_notes" };
	struct kd_reader *r = &p->reader->reader;
	uint64_t v[KD_ARRAY_LEN(names)], notes, offset;
	uint8_t cpus[4];

	if (!kd_find_symbols(r, p->info, names, v, KD_ARRAY_LEN(names)) || v[1] < v[0] ||
	    v[1] - v[0] > MAX_PER_CPU_BYTES || !kd_reader_copy(r, v[3], cpus, sizeof(cpus)) ||
	    !kd_reader_u64(r, v[4], &notes)) {
		kd_log(p->f->opts.log, KD_LOG_DEBUG, "filter",
		       "per-CPU areas are not found: PG_reserved has to tell them");
		return;
	}
	for (uint32_t cpu = 0; cpu < kd_load32(cpus) && cpu < MAX_CPUS; cpu++) {
		if (!kd_reader_u64(r, v[2] + cpu * sizeof(offset), &offset))
			break;
		protect_vaddr(p, v[0] + offset, v[1] - v[0]);
		if (notes)
			protect_vaddr(p, notes + offset, CRASH_NOTES_BYTES);
	}
}

/* Variables in the image that the way to the rest begins with. */
static void protect_variables(struct protecting *p)
{
	static const char *const names[] = { "prb",	    "log_buf",	       "log_buf_len",
					     "clear_seq",   "init_uts_ns",     "node_data",
					     "mem_section", "contig_page_data" };
	uint64_t vaddr;

	for (size_t i = 0; i < KD_ARRAY_LEN(names); i++) {
		if (kd_vmcoreinfo_symbol(p->info, names[i], &vaddr))
			protect_vaddr(p, vaddr, sizeof(uint64_t));
	}
}

static struct protecting begin(struct kd_filter *f, void (*found)(void *, uint64_t, uint64_t),
			       void *arg)
{
	return (struct protecting){ .f = f,
				    .reader = &f->aux,
				    .info = kd_vmcore_info(f->core),
				    .page_shift = f->page_shift,
				    .found = found,
				    .arg = arg };
}

int kd_protect(struct kd_filter *f, struct kd_err *err)
{
	struct protecting p = begin(f, mark, f);

	for (size_t i = 0; i < f->sections.n_tables; i++)
		protect_vaddr(&p, f->sections.tables[i].vaddr, f->sections.tables[i].bytes);
	protect_variables(&p);
	protect_ring(&p);
	protect_log_buf(&p);
	protect_per_cpu(&p);
	int rc = protect_image_and_tables(&p, err);
	f->image = p.image;
	return rc;
}

void kd_each_array_piece(struct kd_filter *f, void (*fn)(void *arg, uint64_t pfn, uint64_t n),
			 void *arg)
{
	struct protecting p = begin(f, fn, arg);

	for (size_t i = 0; i < f->sections.n; i++) {
		const struct kd_section *s = &f->sections.v[i];
		protect_vaddr(&p, s->vaddr, (s->end - s->pfn) * f->layout.bytes);
	}
}

/* ---- PG_reserved ---- */

enum { RESERVED_SAMPLE_BYTES = 1 << 20 /* of the text, which has several */ };

static bool is_reserved(struct kd_filter *f, uint64_t vaddr, uint64_t reserved)
{
	const struct kd_page_layout *l = &f->layout;
	uint8_t page[KD_PAGE_STRUCT_MAX_BYTES];
	uint64_t paddr, len;

	if (kd_dump_reader_vtop(&f->aux, vaddr, 1, &paddr, &len) != 1)
		return false;
	uint64_t pfn = paddr >> f->page_shift;
	const struct kd_section *s = kd_sections_find(&f->sections, pfn, NULL);
	if (!s ||
	    !kd_reader_copy(&f->aux.reader, s->vaddr + (pfn - s->pfn) * l->bytes, page, l->bytes))
		return false;
	uint64_t flags = kd_load64(page + l->flags);
	return flags & reserved && !(flags & (l->lru | l->head_flag | l->private_flag));
}

void kd_learn_reserved(struct kd_filter *f)
{
	/* In .data or .bss, beside the text. */
	static const char *const others[] = { "swapper_pg_dir", "init_uts_ns", "node_online_map",
					      "printk_rb_static", "node_data" };
	const struct kd_vmcoreinfo *info = kd_vmcore_info(f->core);
	uint64_t reserved = f->layout.private_flag >> 1, vaddr;

	if (!reserved || !kd_vmcoreinfo_symbol(info, "_stext", &vaddr))
		return;
	for (uint64_t at = 0; at < RESERVED_SAMPLE_BYTES; at += UINT64_C(1) << f->page_shift) {
		if (!is_reserved(f, vaddr + at, reserved))
			return;
	}
	for (size_t i = 0; i < KD_ARRAY_LEN(others); i++) {
		if (kd_vmcoreinfo_symbol(info, others[i], &vaddr) &&
		    !is_reserved(f, vaddr, reserved))
			return;
	}
	f->layout.reserved = reserved;
}
