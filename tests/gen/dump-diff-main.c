/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dump-diff - two diskdump files made of the same dump, page by page
 *
 *	dump-diff [-n] SOURCE THEIRS OURS
 *
 * THEIRS is makedumpfile's, OURS that of vmcore(1), of the same level; SOURCE is what both were
 * made of. Compared are both bitmaps, as they stand in the files and as lib/vmcore reads them, and
 * the bytes of every page OURS holds with those of SOURCE and of THEIRS. What differs must be of a
 * class that docs/differential.md explains:
 *
 *	behind	frames behind the last one THEIRS counts: no struct page, kept here
 *	slab	with -n, a kernel newer than makedumpfile: slab pages, left out there, kept here
 *	hugetlb	with -n: hugetlb pages at the levels with 8, kept there, left out here
 *	tail	with -n: tail pages whose head is left out in both, kept there, left out here
 *
 * And OURS must be right by itself: no slab page left out, and at the levels with 16 as many free
 * pages left out as NR_FREE_PAGES counts, within 1 %. Both are taken from the page array by
 * tests/gen/pagescan.c. Prints one line of numbers; exit status 1 where something is not explained,
 * with the frames, 2 on failure.
 */
#include "lib/ondisk/diskdump.h"
#include "tests/gen/pagescan.h"

#include <err.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PAGE = 4096, MAX_TOLD = 40, LEVEL_USER = 8, LEVEL_FREE = 16, FREE_PER_CENT = 1 };

struct side {
	const char *name;
	int fd;
	struct kd_vmcore *core;
	struct kd_vmcore_window *window;
	struct kd_diskdump_sub_header sub; /* not for SOURCE */
	uint8_t *exists, *stored;
	uint64_t run_end; /* up to here the reader says run_state */
	int run_state;
};

struct tally {
	uint64_t exists, kept, compared, behind, slab, hugetlb, tail, bad, told;
	uint64_t slab_pages, slab_lost, free_pages, free_left_out;
};

static void open_side(const char *path, struct side *s)
{
	struct kd_err e;

	s->name = path;
	s->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (s->fd < 0)
		err(2, "%s", path);
	if (kd_vmcore_open(s->fd, path, NULL, &s->core, &e) ||
	    kd_vmcore_window_new(s->core, KD_ACCESS_AUTO, 1 << 20, 1 << 20, &s->window, &e))
		errx(2, "%s", e.msg);
	if (kd_vmcore_page_size(s->core) != PAGE)
		errx(2, "%s: its pages are not of 4 KiB", path);
}

static void close_side(struct side *s)
{
	kd_vmcore_window_free(s->window);
	kd_vmcore_close(s->core);
	close(s->fd);
	free(s->exists);
	free(s->stored);
}

static uint8_t *read_bytes(const struct side *s, uint64_t off, size_t len)
{
	struct kd_err e;
	uint8_t *p = calloc(1, len + 1);

	if (!p || kd_pread_full(s->fd, p, len, off, s->name, &e) != (ssize_t)len)
		errx(2, "%s: cut short", s->name);
	return p;
}

/* Straight from the file, past the reader. */
static void read_bitmaps(struct side *s)
{
	struct kd_diskdump_header h;
	struct kd_err e;
	KD_AUTO(kd_freep) uint8_t *first = read_bytes(s, 0, KD_DISKDUMP_HEADER_BYTES);

	if (kd_diskdump_decode_header(first, KD_DISKDUMP_HEADER_BYTES, &h, &e))
		errx(2, "%s: %s", s->name, e.msg);
	KD_AUTO(kd_freep)
	uint8_t *second = read_bytes(s, h.block_size, KD_DISKDUMP_SUB_HEADER_BYTES);
	if (kd_diskdump_decode_sub_header(second, KD_DISKDUMP_SUB_HEADER_BYTES, &h, &s->sub, &e))
		errx(2, "%s: %s", s->name, e.msg);
	size_t half = (size_t)h.bitmap_blocks / 2 * h.block_size;
	uint64_t off = (1 + (uint64_t)h.sub_hdr_size) * h.block_size;
	if (s->sub.max_mapnr > half * 8)
		errx(2, "%s: bitmap too small", s->name);
	s->exists = read_bytes(s, off, half);
	s->stored = read_bytes(s, off + half, half);
}

static bool has(const struct side *s, const uint8_t *bitmap, uint64_t pfn)
{
	return pfn < s->sub.max_mapnr && bitmap[pfn / 8] >> (pfn % 8) & 1;
}

static void KD_PRINTF(3, 4) tell(struct tally *t, uint64_t pfn, const char *fmt, ...)
{
	va_list ap;

	t->bad++;
	if (t->told++ >= MAX_TOLD)
		return;
	printf("frame 0x%jx: ", (uintmax_t)pfn);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

/* Does the reader see what the bitmaps say? */
static void check_reader(struct side *s, uint64_t pfn, struct tally *t)
{
	struct kd_err e;
	uint64_t n = 0;
	enum kd_vmcore_page wanted = !has(s, s->exists, pfn)   ? KD_PAGE_NONE
				     : !has(s, s->stored, pfn) ? KD_PAGE_EXCLUDED
							       : KD_PAGE_STORED;

	if (pfn >= s->run_end) {
		s->run_state = kd_vmcore_page_run(s->window, pfn, &n, &e);
		s->run_end = n > UINT64_MAX - pfn ? UINT64_MAX : pfn + n;
	}
	if (s->run_state < 0)
		tell(t, pfn, "%s: %s", s->name, e.msg);
	else if (s->run_state != (int)wanted)
		tell(t, pfn, "%s: the reader says %d, the bitmaps %d", s->name, s->run_state,
		     wanted);
}

static bool read_page(struct side *s, uint64_t pfn, uint8_t page[PAGE], struct tally *t)
{
	struct kd_err e;

	if (!kd_vmcore_read(s->core, pfn * PAGE, page, PAGE, &e))
		return true;
	tell(t, pfn, "%s: %s", s->name, e.msg);
	return false;
}

static void compare_bytes(struct side *source, struct side *theirs, struct side *ours, uint64_t pfn,
			  struct tally *t)
{
	uint8_t a[PAGE], b[PAGE];

	if (!read_page(ours, pfn, a, t))
		return;
	if (read_page(source, pfn, b, t) && memcmp(a, b, PAGE) != 0)
		tell(t, pfn, "its bytes are not those of the source");
	if (has(theirs, theirs->stored, pfn) && read_page(theirs, pfn, b, t) &&
	    memcmp(a, b, PAGE) != 0)
		tell(t, pfn, "its bytes are not those of %s", theirs->name);
	t->compared++;
}

static void compare_bits(const struct side *theirs, const struct side *ours, uint64_t pfn,
			 const struct pagescan *scan, bool newer, struct tally *t)
{
	bool e_ours = has(ours, ours->exists, pfn), e_theirs = has(theirs, theirs->exists, pfn);
	bool k_ours = has(ours, ours->stored, pfn), k_theirs = has(theirs, theirs->stored, pfn);
	enum pagescan_kind kind = pfn < scan->n ? scan->kind[pfn] : PAGESCAN_NONE;

	if (pfn >= theirs->sub.max_mapnr && e_ours && k_ours && kind == PAGESCAN_NONE) {
		t->behind++;
		return;
	}
	if (e_ours != e_theirs)
		tell(t, pfn, "exists only %s", e_ours ? "here" : "there");
	if (k_ours == k_theirs)
		return;
	if (newer && k_ours && kind == PAGESCAN_SLAB)
		t->slab++;
	else if (newer && k_theirs && kind == PAGESCAN_HUGETLB && ours->sub.dump_level & LEVEL_USER)
		t->hugetlb++;
	else if (newer && k_theirs && kind == PAGESCAN_TAIL &&
		 !has(ours, ours->stored, scan->head[pfn]) &&
		 !has(theirs, theirs->stored, scan->head[pfn]))
		t->tail++;
	else
		tell(t, pfn, "kept only %s", k_ours ? "here" : "there");
}

/* Is OURS right by itself? */
static void count_kinds(const struct side *ours, uint64_t pfn, const struct pagescan *scan,
			struct tally *t)
{
	bool left_out = has(ours, ours->exists, pfn) && !has(ours, ours->stored, pfn);

	if (pfn >= scan->n)
		return;
	if (scan->kind[pfn] == PAGESCAN_SLAB) {
		t->slab_pages++;
		t->slab_lost += left_out;
		if (left_out)
			tell(t, pfn, "a slab page, left out");
	}
	if (scan->kind[pfn] == PAGESCAN_FREE) {
		t->free_pages++;
		t->free_left_out += left_out;
	}
}

static void check_free(const struct side *ours, const struct pagescan *scan, struct tally *t)
{
	uint64_t a = t->free_left_out, b = scan->nr_free;

	if (!(ours->sub.dump_level & LEVEL_FREE))
		return;
	if ((a > b ? a - b : b - a) * 100 > b * FREE_PER_CENT) {
		printf("free pages left out: %ju, but the zones count %ju\n", (uintmax_t)a,
		       (uintmax_t)b);
		t->bad++;
	}
}

static void compare(struct side *source, struct side *theirs, struct side *ours, bool newer,
		    const struct pagescan *scan, struct tally *t)
{
	uint64_t n = ours->sub.max_mapnr > theirs->sub.max_mapnr ? ours->sub.max_mapnr
								 : theirs->sub.max_mapnr;

	for (uint64_t pfn = 0; pfn < n; pfn++) {
		if (!has(ours, ours->exists, pfn) && !has(theirs, theirs->exists, pfn))
			continue;
		t->exists += has(ours, ours->exists, pfn);
		t->kept += has(ours, ours->stored, pfn);
		compare_bits(theirs, ours, pfn, scan, newer, t);
		count_kinds(ours, pfn, scan, t);
		check_reader(ours, pfn, t);
		check_reader(theirs, pfn, t);
		if (has(ours, ours->stored, pfn))
			compare_bytes(source, theirs, ours, pfn, t);
	}
	check_free(ours, scan, t);
}

static void print_tally(const struct tally *t, const struct pagescan *scan)
{
	const struct {
		const char *name;
		uint64_t n;
	} numbers[] = {
		{ "exist", t->exists },
		{ "kept", t->kept },
		{ "compared", t->compared },
		{ "behind", t->behind },
		{ "slab", t->slab },
		{ "hugetlb", t->hugetlb },
		{ "tail", t->tail },
		{ "unexplained", t->bad },
		{ "slab-pages", t->slab_pages },
		{ "slab-lost", t->slab_lost },
		{ "free-pages", t->free_pages },
		{ "free-left-out", t->free_left_out },
		{ "nr-free", scan->nr_free },
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(numbers); i++)
		printf("%s%s %ju", i ? " " : "", numbers[i].name, (uintmax_t)numbers[i].n);
	putchar('\n');
}

int main(int argc, char **argv)
{
	struct side source = { 0 }, theirs = { 0 }, ours = { 0 };
	struct pagescan scan;
	struct tally t = { 0 };
	struct kd_err e;
	bool newer = false;

	for (int c; (c = getopt(argc, argv, "n")) != -1;) {
		if (c != 'n')
			errx(2, "usage: dump-diff [-n] SOURCE THEIRS OURS");
		newer = true;
	}
	if (argc - optind != 3)
		errx(2, "usage: dump-diff [-n] SOURCE THEIRS OURS");
	open_side(argv[optind], &source);
	open_side(argv[optind + 1], &theirs);
	open_side(argv[optind + 2], &ours);
	read_bitmaps(&theirs);
	read_bitmaps(&ours);
	if (pagescan_run(source.core, &scan, &e))
		errx(2, "%s: %s", source.name, e.msg);
	compare(&source, &theirs, &ours, newer, &scan, &t);
	print_tally(&t, &scan);
	pagescan_fini(&scan);
	close_side(&source);
	close_side(&theirs);
	close_side(&ours);
	return t.bad ? 1 : 0;
}
