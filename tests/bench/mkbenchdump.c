/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mkbenchdump OUT GIB FILE... - an ELF dump of a busy x86_64 machine, for benchmarks where no
 * real one is at hand: page array and classes as tests/gen/fakemem makes them, page cache that
 * holds the FILEs given (round and round), processes' heaps, slabs, page tables and stale free
 * pages made up by number. With the same files the dump is the same.
 */
#include "tests/gen/fakemem.h"

#include <err.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_CACHE_BYTES = 1 << 30, WORDS = 512 };

struct maker {
	struct kd_fakemem *m;
	uint8_t *cache;
	size_t cache_pages;
};

static uint64_t random_next(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s;
}

/* Objects of one size side by side: pointers near each other, small numbers, a flag word, zeros. */
static void make_slab(uint64_t pfn, uint64_t *w)
{
	uint64_t s = pfn * 0x9e3779b97f4a7c15u + 1;
	unsigned int words = 8u << random_next(&s) % 4;
	uint64_t base = 0xffff888000000000u + (random_next(&s) % (1u << 20) << 12);

	for (unsigned int i = 0; i < WORDS; i++) {
		switch (i % words * 7 % 8) {
		case 0:
			w[i] = base + random_next(&s) % 512 * 64;
			break;
		case 1:
			w[i] = base + i * 8ull;
			break;
		case 2:
			w[i] = random_next(&s) % 100;
			break;
		case 3:
			w[i] = 0x17ffffc0000200u;
			break;
		case 4:
			w[i] = 0xffffffff81000000u + random_next(&s) % 64 * 0x1340;
			break;
		default:
			w[i] = 0;
		}
	}
}

static void make_table(uint64_t pfn, uint64_t *w)
{
	uint64_t s = pfn + 1, at = random_next(&s) % (1u << 20);

	for (unsigned int i = 0; i < WORDS; i++)
		w[i] = i % 8 == 7 ? 0 : ((at + i) << 12 | 0x8000000000000067u);
}

/* A heap: chunks of text, of numbers, of pointers into itself, and of nothing. */
static void make_heap(uint64_t pfn, uint64_t *w)
{
	static const char words[] = "the error value of request connection null true \"name\": id=";
	uint64_t s = pfn * 0xd1342543de82ef95u + 1;

	for (unsigned int i = 0; i < WORDS;) {
		uint64_t kind = random_next(&s) % 8;
		unsigned int n = 4 + (unsigned int)(random_next(&s) % 28);
		for (; n > 0 && i < WORDS; n--, i++) {
			uint64_t r = random_next(&s);
			if (kind < 2)
				memcpy(&w[i], words + r % (sizeof(words) - 8), 8);
			else if (kind < 4)
				w[i] = 0x7f0000000000u + (pfn << 12) + r % 4096 / 8 * 8;
			else if (kind == 4)
				w[i] = r % 1000;
			else if (kind == 5)
				w[i] = r;
			else
				w[i] = 0;
		}
	}
}

static bool make_page(void *arg, uint64_t paddr, uint8_t *page, size_t len)
{
	const struct maker *mk = arg;
	uint64_t pfn = paddr / len;
	uint64_t w[WORDS] = { 0 };

	switch (kd_fakemem_block(mk->m, pfn).kind) {
	case KD_FAKE_CACHE:
	case KD_FAKE_CACHE_PRIVATE:
	case KD_FAKE_SWAPCACHE:
		memcpy(page, mk->cache + pfn * 2654435761u % mk->cache_pages * len, len);
		return true;
	case KD_FAKE_FREE:
		if (pfn % 4 == 0) /* stale */
			memcpy(page, mk->cache + pfn % mk->cache_pages * len, len);
		return pfn % 4 == 0;
	case KD_FAKE_ANON:
	case KD_FAKE_KSM:
	case KD_FAKE_HUGETLB_ANON:
		if (pfn % 5 == 0)
			return false;
		make_heap(pfn, w);
		break;
	case KD_FAKE_TABLE:
		make_table(pfn, w);
		break;
	case KD_FAKE_RESERVED:
	case KD_FAKE_HUGETLB:
	case KD_FAKE_OFFLINE:
	case KD_FAKE_UNACCEPTED:
		return false;
	default:
		make_slab(pfn, w);
	}
	memcpy(page, w, len < sizeof(w) ? len : sizeof(w));
	return true;
}

static void read_file(struct maker *mk, size_t *used, const char *path)
{
	struct stat st;
	struct kd_err e = { 0 };
	KD_AUTO(kd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode))
		return;
	size_t room = MAX_CACHE_BYTES - *used;
	ssize_t n = kd_read_full(fd, mk->cache + *used, room, path, &e);
	if (n > 0)
		*used += ((size_t)n + 4095) / 4096 * 4096;
	if (*used > MAX_CACHE_BYTES)
		*used = MAX_CACHE_BYTES;
}

int main(int argc, char **argv)
{
	struct kd_fake_opts opts = { .era = KD_FAKE_6_1, .texture = true };
	struct maker mk = { 0 };
	size_t used = 0;

	if (argc < 4)
		errx(2, "usage: mkbenchdump OUT GIB FILE...");
	opts.ram_bytes = strtoull(argv[2], NULL, 10) << 30;
	if (opts.ram_bytes == 0 || opts.ram_bytes > 64ULL << 30)
		errx(2, "%s: not from 1 to 64 GiB", argv[2]);
	mk.cache = calloc(1, MAX_CACHE_BYTES);
	if (!mk.cache)
		err(2, "memory");
	for (int i = 3; i < argc && used < MAX_CACHE_BYTES; i++)
		read_file(&mk, &used, argv[i]);
	mk.cache_pages = used / 4096;
	if (mk.cache_pages == 0)
		errx(2, "none of the files can be read");

	KD_AUTO(kd_closep)
	int fd = open(argv[1], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		err(2, "%s", argv[1]);
	KD_AUTO(kd_fakemem_freep) struct kd_fakemem *m = kd_fakemem_new(&opts, NULL, 0);
	mk.m = m;
	kd_gen_fill(kd_fakemem_gen(m), 0, opts.ram_bytes, make_page, &mk);
	kd_gen_elf(kd_fakemem_gen(m), fd, NULL);
	free(mk.cache);
	return 0;
}
