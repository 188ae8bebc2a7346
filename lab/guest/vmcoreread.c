/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Is what read() gives from /proc/vmcore what mmap() shows of it, and how fast is
 * it? For the capture kernel; any file that can be mapped will do to try it out.
 *
 *   vmcoreread check [SEED [ROUNDS [FILE]]]   0 all equal, 1 not, 2 cannot tell
 *   vmcoreread speed [MIB [RUNS [FILE]]]
 *   vmcoreread pieces [MIB]   how many kernel mappings one read of old memory takes
 *
 * Inside the kernel the two share nothing but the list of the dump's parts: read()
 * copies through kernel mappings of old memory, which a changed kernel makes as
 * large as 2 MiB, mmap() puts the old pages themselves into the page tables. So
 * mistakes are to be expected where such a mapping begins or ends: at the edges of
 * the dump's parts, of pages, and of physical 2 MiB. All lengths and offsets around
 * those are tried, then ROUNDS random ones.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum {
	PAGE = 4096,
	WINDOW = 2 << 20,
	MAX_LEN = 3 * WINDOW,
	MAX_EDGES = 512,
	MAX_RUNS = 99,
};

static struct {
	const char *path;
	int fd;
	uint64_t size;
	unsigned char *buf;	   /* MAX_LEN and a page, then a page nobody may touch */
	uint64_t edges[MAX_EDGES]; /* offsets in the file where something changes */
	unsigned int n_edges, n_loads;
	uint64_t load_offset, load_paddr, load_bytes; /* the largest PT_LOAD */
	uint64_t random, reads, bytes;
} t;

static void give_up(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fprintf(stderr, "vmcoreread: ");
	vfprintf(stderr, fmt, ap);
	fprintf(stderr, "\n");
	va_end(ap);
	exit(2);
}

/* splitmix64: every seed will do, 0 too */
static uint64_t any(uint64_t below)
{
	uint64_t x = t.random += 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return (x ^ x >> 31) % below;
}

static void add_edge(uint64_t offset)
{
	for (unsigned int i = 0; i < t.n_edges; i++)
		if (t.edges[i] == offset)
			return;
	if (t.n_edges == MAX_EDGES)
		give_up("%s has more than %d edges", t.path, MAX_EDGES);
	t.edges[t.n_edges++] = offset;
}

/* A PT_LOAD's ends, and the physical 2 MiB edges next to them and about its middle. */
static void add_load(const Elf64_Phdr *ph)
{
	uint64_t first = (ph->p_paddr + WINDOW) / WINDOW * WINDOW;
	uint64_t end = ph->p_paddr + ph->p_filesz;
	uint64_t last = (end - 1) / WINDOW * WINDOW;
	uint64_t middle = (first + last) / 2 / WINDOW * WINDOW;
	uint64_t edges[] = { ph->p_paddr, end, first, last, middle };

	for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++)
		if (edges[i] >= ph->p_paddr && edges[i] <= end)
			add_edge(ph->p_offset + (edges[i] - ph->p_paddr));
	t.n_loads++;
	if (ph->p_filesz > t.load_bytes) {
		t.load_bytes = ph->p_filesz;
		t.load_offset = ph->p_offset;
		t.load_paddr = ph->p_paddr;
	}
}

static void find_edges(void)
{
	Elf64_Ehdr eh;

	add_edge(0);
	add_edge(t.size);
	if (pread(t.fd, &eh, sizeof(eh), 0) != sizeof(eh) || memcmp(eh.e_ident, ELFMAG, SELFMAG) ||
	    eh.e_ident[EI_CLASS] != ELFCLASS64 || eh.e_phentsize != sizeof(Elf64_Phdr)) {
		t.load_bytes = t.size;
		printf("vmcoreread: %s is no 64-bit ELF file: only its ends are edges\n", t.path);
		return;
	}
	for (unsigned int i = 0; i < eh.e_phnum; i++) {
		Elf64_Phdr ph;

		if (pread(t.fd, &ph, sizeof(ph), eh.e_phoff + i * sizeof(ph)) != sizeof(ph))
			give_up("%s: program header %u cannot be read", t.path, i);
		if (ph.p_offset > t.size || ph.p_filesz > t.size - ph.p_offset)
			give_up("%s: program header %u points beyond the file", t.path, i);
		if (ph.p_type == PT_LOAD && ph.p_filesz) {
			add_load(&ph);
		} else if (ph.p_type == PT_NOTE) {
			add_edge(ph.p_offset);
			add_edge(ph.p_offset + ph.p_filesz);
		}
	}
}

static void open_file(const char *path)
{
	struct stat st;

	t.path = path;
	t.fd = open(path, O_RDONLY | O_CLOEXEC);
	if (t.fd < 0 || fstat(t.fd, &st))
		give_up("open %s: %s", path, strerror(errno));
	t.size = st.st_size;
	if (sysconf(_SC_PAGESIZE) != PAGE || t.size < MAX_LEN)
		give_up("%s has %ju bytes: too few, or pages are not of %d bytes", path,
			(uintmax_t)t.size, PAGE);
	t.buf = mmap(NULL, MAX_LEN + 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		     -1, 0);
	if (t.buf == MAP_FAILED || mprotect(t.buf + MAX_LEN + PAGE, PAGE, PROT_NONE))
		give_up("no memory for a buffer of %d bytes", MAX_LEN);
	find_edges();
}

/* How many bytes a read of len at offset has to give. */
static size_t expected(uint64_t offset, size_t len)
{
	uint64_t left = offset < t.size ? t.size - offset : 0;

	return len < left ? len : left;
}

/* The first byte that differs from the mapping, or len. */
static size_t compare(const unsigned char *buf, uint64_t offset, size_t len)
{
	size_t skip = offset % PAGE;

	if (!len)
		return 0;
	const unsigned char *map = mmap(NULL, skip + len, PROT_READ, MAP_SHARED, t.fd,
					offset - skip);
	if (map == MAP_FAILED)
		give_up("mmap %s, %zu bytes at 0x%jx: %s", t.path, skip + len,
			(uintmax_t)(offset - skip), strerror(errno));
	size_t same = len;
	if (memcmp(buf, map + skip, len))
		for (same = 0; buf[same] == map[skip + same];)
			same++;
	munmap((void *)map, skip + len);
	return same;
}

/* True if a read with the call named what gave the right number of the right bytes. */
static int is_right(const char *what, ssize_t got, const unsigned char *buf, uint64_t offset,
		    size_t len)
{
	size_t want = expected(offset, len);

	t.reads++;
	t.bytes += want;
	if (got < 0 || (size_t)got != want) {
		printf("vmcoreread: %s of 0x%zx at 0x%jx gives %zd (%s), not 0x%zx\n", what, len,
		       (uintmax_t)offset, got, got < 0 ? strerror(errno) : "", want);
		return 0;
	}
	size_t same = compare(buf, offset, want);
	if (same == want)
		return 1;
	printf("vmcoreread: %s of 0x%zx at 0x%jx differs from mmap at 0x%jx\n", what, len,
	       (uintmax_t)offset, (uintmax_t)(offset + same));
	return 0;
}

/* Overwritten first, so that bytes left from the read before cannot pass as read. */
static unsigned char *fresh(size_t len)
{
	unsigned char *buf = t.buf + any(PAGE);

	memset(buf, 0x5a ^ (t.reads & 0xff), len);
	return buf;
}

static int by_pread(uint64_t offset, size_t len)
{
	unsigned char *buf = fresh(len);

	return is_right("pread", pread(t.fd, buf, len, offset), buf, offset, len);
}

/* Two reads in a row: the second goes on where the first ended. */
static int by_read(uint64_t offset, size_t len)
{
	size_t first = any(len + 1);
	unsigned char *buf = fresh(len);

	if (lseek(t.fd, offset, SEEK_SET) < 0)
		give_up("seek to 0x%jx: %s", (uintmax_t)offset, strerror(errno));
	return is_right("read", read(t.fd, buf, first), buf, offset, first) &&
	       is_right("second read", read(t.fd, buf + first, len - first), buf + first,
			offset + expected(offset, first), len - first);
}

/* Into pieces that are side by side, so that the result is looked at as one. */
static int by_preadv(uint64_t offset, size_t len)
{
	size_t first = any(len + 1), second = any(len - first + 1);
	unsigned char *buf = fresh(len);
	struct iovec iov[] = {
		{ buf, first },
		{ buf + first, second },
		{ buf + first + second, len - first - second },
	};

	return is_right("preadv", preadv(t.fd, iov, 3, offset), buf, offset, len);
}

/* Through a pipe, for which the kernel reads into pages of its own. */
static int by_splice(uint64_t offset, size_t len)
{
	unsigned char *buf = fresh(len = len < 8 * PAGE ? len : 8 * PAGE);
	off64_t from = offset;
	int ends[2];
	ssize_t got;

	if (pipe(ends))
		give_up("pipe: %s", strerror(errno));
	size_t done = 0, want = expected(offset, len);
	while (done < want) {
		got = splice(t.fd, &from, ends[1], NULL, want - done, 0);
		if (got <= 0 || read(ends[0], buf + done, got) != got)
			break;
		done += got;
	}
	close(ends[0]);
	close(ends[1]);
	return is_right("splice", done, buf, offset, len);
}

/*
 * A buffer that ends too early: an error, or as many bytes as there is room for.
 * Either way it must not disturb the next read.
 */
static int by_short_buffer(uint64_t offset, size_t len)
{
	size_t room = any(len);
	unsigned char *buf = t.buf + MAX_LEN + PAGE - room;

	if (expected(offset, len) != len || room > MAX_LEN)
		return by_pread(offset, len);
	ssize_t got = pread(t.fd, buf, len, offset);
	if (got < 0 && errno != EFAULT)
		return is_right("pread into too little", got, buf, offset, len);
	return by_pread(offset, len) &&
	       (got <= 0 || is_right("pread into too little", got, buf, offset, room));
}

static int around_edges(void)
{
	static const int64_t shifts[] = {
		-WINDOW - 1, -WINDOW, -WINDOW + 1, -PAGE - 1, -PAGE, -PAGE + 1,
		-1,	     0,	      1,	   PAGE - 1,  PAGE,  PAGE + 1,
	};
	static const size_t lens[] = {
		0,	    1,	    PAGE - 1,	PAGE,	       PAGE + 1,       2 * PAGE + 1,
		WINDOW - 1, WINDOW, WINDOW + 1, WINDOW + PAGE, 2 * WINDOW - 1, 2 * WINDOW + 1,
	};
	int right = 1;

	for (unsigned int e = 0; e < t.n_edges && right; e++)
		for (size_t s = 0; s < sizeof(shifts) / sizeof(shifts[0]) && right; s++) {
			uint64_t offset = t.edges[e] + shifts[s];

			if ((int64_t)offset < 0)
				continue;
			for (size_t l = 0; l < sizeof(lens) / sizeof(lens[0]); l++)
				right &= by_pread(offset, lens[l]);
			right &= by_read(offset, PAGE + any(PAGE));
		}
	return right;
}

/* Half of the offsets near an edge, half anywhere; lengths of all magnitudes. */
static int at_random(uint64_t rounds)
{
	static int (*const ways[])(uint64_t, size_t) = {
		by_pread, by_pread, by_read, by_preadv, by_splice, by_short_buffer,
	};
	int right = 1;

	for (uint64_t i = 0; i < rounds && right; i++) {
		uint64_t offset = any(t.size + PAGE);
		size_t len = 1 + any(UINT64_C(1) << any(23));

		if (any(2))
			offset = t.edges[any(t.n_edges)] + any(2 * WINDOW) - WINDOW;
		if ((int64_t)offset < 0)
			offset = any(PAGE);
		right = ways[any(sizeof(ways) / sizeof(ways[0]))](offset, len);
	}
	return right;
}

static int check(uint64_t seed, uint64_t rounds)
{
	t.random = seed;
	printf("vmcoreread: %s, %ju bytes, %u PT_LOADs, %u edges, seed %ju\n", t.path,
	       (uintmax_t)t.size, t.n_loads, t.n_edges, (uintmax_t)seed);
	int right = around_edges();
	uint64_t reads = t.reads;
	right = right && at_random(rounds);
	printf("vmcoreread: %s: %ju reads around the edges and %ju random ones, %ju MiB in all, "
	       "compared with mmap (seed %ju)\n",
	       right ? "equal" : "DIFFERENT", (uintmax_t)reads, (uintmax_t)(t.reads - reads),
	       (uintmax_t)(t.bytes >> 20), (uintmax_t)seed);
	return !right;
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

static void copy_from_map(size_t block, uint64_t offset)
{
	void *map = mmap(NULL, block, PROT_READ, MAP_SHARED, t.fd, offset);

	if (map == MAP_FAILED)
		give_up("mmap %zu bytes at 0x%jx: %s", block, (uintmax_t)offset, strerror(errno));
	memcpy(t.buf, map, block);
	munmap(map, block);
}

/* MB/s of going once over the first len bytes of the largest PT_LOAD */
static double run(size_t block, uint64_t len, int by_map)
{
	uint64_t end = t.load_offset + len;
	double start = seconds();

	for (uint64_t at = t.load_offset; at < end; at += block) {
		if (by_map)
			copy_from_map(block, at);
		else if (pread(t.fd, t.buf, block, at) != (ssize_t)block)
			give_up("%zu bytes at 0x%jx: %s", block, (uintmax_t)at, strerror(errno));
	}
	return len / 1e6 / (seconds() - start);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* All block sizes take turns in each run, so that a busy host slows them all alike. */
static int speed(uint64_t mib, uint64_t runs)
{
	static const size_t blocks[] = { 4, 16, 64, 256, 1024, 2048, 4096, 4096 };
	enum { N = sizeof(blocks) / sizeof(blocks[0]) };
	static double took[N][MAX_RUNS];
	uint64_t len = mib << 20 < t.load_bytes ? mib << 20 : t.load_bytes;

	len -= len % (blocks[N - 1] << 10);
	if (!len || !runs || runs > MAX_RUNS)
		give_up("needs a PT_LOAD of at least 4 MiB and 1 to %d runs", MAX_RUNS);
	for (uint64_t r = 0; r < runs; r++)
		for (int b = 0; b < N; b++)
			took[b][r] = run(blocks[b] << 10, len, b == N - 1);
	for (int b = 0; b < N; b++) {
		qsort(took[b], runs, sizeof(took[b][0]), by_value);
		printf("vmcoreread: %s %4zu KiB: %7.1f MB/s, median of %ju (%.1f to %.1f), "
		       "%ju MiB each\n",
		       b == N - 1 ? "mmap" : "read", blocks[b], took[b][runs / 2], (uintmax_t)runs,
		       took[b][0], took[b][runs - 1], (uintmax_t)(len >> 20));
	}
	return 0;
}

/* Mappings the kernel has undone but not forgotten: it does so for thousands of them together. */
static unsigned int count_unmapped(void)
{
	static const char path[] = "/proc/vmallocinfo";
	char line[256];
	unsigned int n = 0;
	FILE *f = fopen(path, "re");

	if (!f)
		give_up("open %s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), f))
		n += strstr(line, "unpurged vm_area") != NULL;
	if (ferror(f))
		give_up("read %s: %s", path, strerror(errno));
	fclose(f);
	return n;
}

/* The memory read begins at a physical 2 MiB edge, so that no mapping has to end in it. */
static int pieces(uint64_t mib)
{
	size_t len = mib << 20;
	uint64_t past_edge = t.load_paddr % WINDOW;
	uint64_t at = t.load_offset + (past_edge ? WINDOW - past_edge : 0);

	if (!mib || len > WINDOW || at - t.load_offset > t.load_bytes ||
	    t.load_bytes - (at - t.load_offset) < len)
		give_up("cannot read %ju MiB at once: 1 or 2, and a PT_LOAD that has them",
			(uintmax_t)mib);
	unsigned int before = count_unmapped();
	if (pread(t.fd, t.buf, len, at) != (ssize_t)len)
		give_up("%zu bytes at 0x%jx: %s", len, (uintmax_t)at, strerror(errno));
	unsigned int n = count_unmapped() - before;
	printf("vmcoreread: %ju MiB in one read: %u kernel mappings\n", (uintmax_t)mib, n);
	return n != 1;
}

int main(int argc, char *argv[])
{
	uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 0) : 0;
	uint64_t second = argc > 3 ? strtoull(argv[3], NULL, 0) : 0;

	if (argc < 2 || argc > 5 ||
	    (strcmp(argv[1], "check") && strcmp(argv[1], "speed") && strcmp(argv[1], "pieces")))
		give_up("usage: vmcoreread check [SEED [ROUNDS [FILE]]] | speed [MIB [RUNS [FILE]]] "
			"| pieces [MIB]");
	setvbuf(stdout, NULL, _IOLBF, 0);
	open_file(argc > 4 ? argv[4] : "/proc/vmcore");
	if (!strcmp(argv[1], "pieces"))
		return pieces(argc > 2 ? first : 1);
	if (!strcmp(argv[1], "speed"))
		return speed(argc > 2 ? first : 128, argc > 3 ? second : 5);
	return check(argc > 2 ? first : (uint64_t)time(NULL), argc > 3 ? second : 2000);
}
