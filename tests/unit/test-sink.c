/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/base/xxh3.h"
#include "lib/sink/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <cmocka.h>

/* A directory of its own for each test that wants one. */
struct place {
	char path[64];
	int fd;
};

static struct place *place_new(void)
{
	struct place *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	snprintf(p->path, sizeof(p->path), "/tmp/kd-test-sink-XXXXXX");
	assert_non_null(mkdtemp(p->path));
	p->fd = open(p->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(p->fd >= 0);
	return p;
}

static void place_freep(struct place **pp)
{
	static const char *const names[] = { "vmcore", "vmcore.part", "other" };
	struct place *p = *pp;

	for (size_t i = 0; i < KD_ARRAY_LEN(names); i++)
		unlinkat(p->fd, names[i], 0);
	close(p->fd);
	assert_int_equal(rmdir(p->path), 0);
	free(p);
}

static bool exists(const struct place *p, const char *name)
{
	return faccessat(p->fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void assert_says(const struct kd_err *err, const char *what)
{
	if (!strstr(err->msg, what))
		fail_msg("\"%s\" does not say \"%s\"", err->msg, what);
}

static struct kd_sink *open_file(const struct place *p, unsigned int flags)
{
	struct kd_sink *s = NULL;
	struct kd_err err = { 0 };

	if (kd_sink_open_file(p->fd, "vmcore", flags, &s, &err))
		fail_msg("%s", err.msg);
	return s;
}

static void must_write(struct kd_sink *s, uint64_t off, const void *buf, size_t len)
{
	struct kd_err err = { 0 };

	if (kd_sink_write_at(s, off, buf, len, &err))
		fail_msg("%s", err.msg);
}

static void must_commit(struct kd_sink *s)
{
	struct kd_err err = { 0 };

	if (kd_sink_commit(s, &err))
		fail_msg("%s", err.msg);
}

static struct kd_sink *open_memory(int *fd_ret)
{
	struct kd_sink *s = NULL;
	struct kd_err err = { 0 };
	int fd = memfd_create("sink", MFD_CLOEXEC);

	assert_true(fd >= 0);
	if (kd_sink_open_fd(fd, "memory", 0, &s, &err))
		fail_msg("%s", err.msg);
	*fd_ret = fd;
	return s;
}

/* ---- file ---- */

static void test_file_gets_its_name_at_commit(void **state)
{
	KD_AUTO(place_freep) struct place *p = place_new();
	struct kd_sink *s = open_file(p, 0);
	struct stat st;
	char buf[16] = { 0 };

	assert_true(exists(p, "vmcore.part"));
	assert_false(exists(p, "vmcore"));
	assert_int_equal(fstatat(p->fd, "vmcore.part", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	must_write(s, 10, "kernel", 6);
	must_write(s, 0, "dead ", 5);
	must_commit(s);
	assert_false(exists(p, "vmcore.part"));

	KD_AUTO(kd_closep) int fd = openat(p->fd, "vmcore", O_RDONLY | O_CLOEXEC);
	assert_int_equal(read(fd, buf, sizeof(buf)), 16);
	assert_memory_equal(buf, "dead \0\0\0\0\0kernel", 16);
}

static void test_file_leaves_nothing_when_aborted(void **state)
{
	KD_AUTO(place_freep) struct place *p = place_new();
	struct kd_sink *s = open_file(p, KD_SINK_EAGER);

	must_write(s, 0, "x", 1);
	kd_sink_abort(s);
	assert_false(exists(p, "vmcore"));
	assert_false(exists(p, "vmcore.part"));
	kd_sink_abort(NULL);
}

static void make(const struct place *p, const char *name)
{
	KD_AUTO(kd_closep)
	int fd = openat(p->fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_int_equal(write(fd, "mine", 4), 4);
}

static void test_file_replaces_nothing(void **state)
{
	KD_AUTO(place_freep) struct place *p = place_new();
	struct kd_sink *s = NULL;
	struct kd_err err = { 0 };

	make(p, "vmcore");
	assert_int_equal(kd_sink_open_file(p->fd, "vmcore", 0, &s, &err), -KD_USAGE);
	assert_says(&err, "vmcore exists already: remove it or choose another name");
	unlinkat(p->fd, "vmcore", 0);

	make(p, "vmcore.part");
	assert_int_equal(kd_sink_open_file(p->fd, "vmcore", 0, &s, &err), -KD_USAGE);
	assert_says(&err, "vmcore.part exists already: another dump is being written there");
	unlinkat(p->fd, "vmcore.part", 0);

	/* somebody takes the name while the dump is being written */
	s = open_file(p, 0);
	must_write(s, 0, "x", 1);
	make(p, "vmcore");
	assert_int_equal(kd_sink_commit(s, &err), -KD_SYS);
	assert_says(&err,
		    "rename vmcore.part to vmcore (the dump stays in vmcore.part): File exists");
	assert_true(exists(p, "vmcore.part"));

	for (size_t i = 0; i < 4; i++) {
		static const char *const bad[] = { "", "a/b", ".", ".." };
		assert_int_equal(kd_sink_open_file(p->fd, bad[i], 0, &s, &err), -KD_USAGE);
		assert_says(&err, "is not the name of a file");
	}
}

static void test_file_follows_no_link(void **state)
{
	KD_AUTO(place_freep) struct place *p = place_new();
	struct kd_sink *s = NULL;
	struct kd_err err = { 0 };

	assert_int_equal(symlinkat("other", p->fd, "vmcore.part"), 0);
	assert_int_equal(kd_sink_open_file(p->fd, "vmcore", 0, &s, &err), -KD_USAGE);
	assert_false(exists(p, "other"));
}

/* Aligned writes may bypass the cache, others may not: the result is the same. */
static void test_file_direct_mixes_with_buffered(void **state)
{
	KD_AUTO(place_freep) struct place *p = place_new();
	struct kd_sink *s = open_file(p, KD_SINK_DIRECT);
	uint8_t *page = NULL;
	uint8_t got[3 * 4096];
	struct kd_err err = { 0 };

	assert_int_equal(posix_memalign((void **)&page, 4096, 8192), 0);
	memset(page, 'a', 8192);
	must_write(s, 0, page, 8192);
	must_write(s, 100, "head", 4);
	must_write(s, 8192, "tail", 4);
	memset(page, 'b', 4096);
	must_write(s, 4096, page, 4096);
	assert_int_equal(kd_sink_read_at(s, 0, got, sizeof(got), &err), 0);
	free(page);
	must_commit(s);
	assert_memory_equal(got + 98, "aahead", 6);
	assert_int_equal(got[4095], 'a');
	assert_int_equal(got[4096], 'b');
	assert_memory_equal(got + 8192, "tail\0", 5); /* behind the end: zeros */
}

static size_t pages_in_cache(int fd, size_t off, size_t len)
{
	unsigned char there[1024];
	size_t n = 0;

	assert_true(len / 4096 <= sizeof(there));
	void *p = mmap(NULL, len, PROT_READ, MAP_SHARED, fd, (off_t)off);
	assert_true(p != MAP_FAILED);
	assert_int_equal(mincore(p, len, there), 0);
	munmap(p, len);
	for (size_t i = 0; i < len / 4096; i++)
		n += there[i] & 1;
	return n;
}

/* How much of the first part is in the cache when it is on the disk and another part went there. */
static size_t write_two_parts(const struct place *p, unsigned int flags)
{
	enum { PART = 2 << 20 };
	static uint8_t part[PART], got[PART];
	struct kd_sink *s = open_file(p, flags);
	KD_AUTO(kd_closep) int fd = openat(p->fd, "vmcore.part", O_RDONLY | O_CLOEXEC);
	struct kd_err err = { 0 };

	memset(part, 'a', PART);
	must_write(s, 0, part, PART);
	assert_int_equal(kd_sink_sync(s, &err), 0);
	assert_true(pages_in_cache(fd, 0, PART) > 0);
	memset(part, 'b', PART);
	must_write(s, PART, part, PART);
	size_t left = pages_in_cache(fd, 0, PART);
	assert_true(pages_in_cache(fd, PART, PART) > 0);
	must_write(s, 100, "head", 4);
	must_commit(s);

	assert_int_equal(pread(fd, got, PART, 0), PART);
	assert_memory_equal(got + 99, "aheada", 6);
	assert_int_equal(pread(fd, got, PART, PART), PART);
	assert_memory_equal(got, part, PART);
	return left;
}

static void test_file_stays_in_the_cache(void **state)
{
	KD_AUTO(place_freep) struct place *p = place_new();

	assert_true(write_two_parts(p, KD_SINK_EAGER) > 0);
}

static void test_file_on_a_disk_leaves_the_cache(void **state)
{
	KD_AUTO(place_freep) struct place *p = place_new();
	struct statfs fs;

	assert_int_equal(fstatfs(p->fd, &fs), 0);
	if (fs.f_type == TMPFS_MAGIC)
		skip();
	assert_int_equal(write_two_parts(p, KD_SINK_EAGER | KD_SINK_DROP), 0);
}

static void test_fd_is_left_open(void **state)
{
	KD_AUTO(kd_closep) int fd = -1;
	struct kd_sink *s = open_memory(&fd);
	struct kd_err err = { 0 };
	char c;

	assert_int_equal(kd_sink_append(s, "ab", 2, &err), 0);
	assert_int_equal(kd_sink_append(s, "cd", 2, &err), 0);
	assert_int_equal(kd_sink_reserve(s, 4096, 4096, &err), 0);
	must_commit(s);
	assert_int_equal(pread(fd, &c, 1, 3), 1);
	assert_int_equal(c, 'd');
}

static void test_full_disk_is_nospace(void **state)
{
	KD_AUTO(kd_closep) int fd = open("/dev/full", O_RDWR | O_CLOEXEC);
	KD_AUTO(kd_sink_abortp) struct kd_sink *s = NULL;
	struct kd_err err = { 0 };

	if (fd < 0)
		skip();
	assert_int_equal(kd_sink_open_fd(fd, "/dev/full", 0, &s, &err), 0);
	assert_int_equal(kd_sink_write_at(s, 0, "x", 1, &err), -KD_NOSPACE);
	assert_says(&err, "write /dev/full: No space left on device");
}

/* ---- stream ---- */

struct drain {
	int fd;
	size_t got;
};

static void *drain_slowly(void *arg)
{
	struct drain *d = arg;
	char buf[5000];

	for (ssize_t n; (n = read(d->fd, buf, sizeof(buf))) > 0;)
		d->got += (size_t)n;
	return NULL;
}

static void test_stream_waits_for_its_reader(void **state)
{
	enum { BYTES = 1 << 20 };
	int ends[2];
	struct kd_err err = { 0 };
	struct kd_sink *s = NULL;
	pthread_t reader;
	KD_AUTO(kd_freep) char *data = calloc(1, BYTES);

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
	struct drain d = { .fd = ends[0] };
	assert_int_equal(pthread_create(&reader, NULL, drain_slowly, &d), 0);
	assert_int_equal(kd_sink_open_stream(ends[1], "pipe", &s, &err), 0);
	assert_int_equal(kd_sink_append(s, data, BYTES, &err), 0);
	assert_int_equal(kd_sink_write_at(s, 0, data, 1, &err), -KD_NOTSUP);
	assert_says(&err, "pipe: cannot be written at an offset: it takes only a stream");
	assert_int_equal(kd_sink_read_at(s, 0, data, 1, &err), -KD_NOTSUP);
	assert_false(kd_sink_can_read(s));
	must_commit(s);
	close(ends[1]);
	pthread_join(reader, NULL);
	close(ends[0]);
	assert_int_equal(d.got, BYTES);
}

static void test_stream_without_reader_is_an_error(void **state)
{
	int ends[2];
	struct kd_err err = { 0 };
	KD_AUTO(kd_sink_abortp) struct kd_sink *s = NULL;

	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	close(ends[0]);
	assert_int_equal(kd_sink_open_stream(ends[1], "pipe", &s, &err), 0);
	assert_int_equal(kd_sink_append(s, "x", 1, &err), -KD_SYS);
	assert_says(&err, "write pipe: Broken pipe");
	close(ends[1]);
}

/* ---- hash ---- */

static const struct kd_hashed_extent *find(const struct kd_hashed_extent *x, size_t n, uint64_t off)
{
	for (size_t i = 0; i < n; i++) {
		if (x[i].off == off)
			return &x[i];
	}
	return NULL;
}

static struct kd_sink *hash_around(struct kd_sink *inner, size_t max)
{
	struct kd_sink *h = NULL;
	struct kd_err err = { 0 };

	if (kd_sink_hash_new(inner, max, &h, &err))
		fail_msg("%s", err.msg);
	return h;
}

static void test_xxh3_is_the_one_everybody_means(void **state)
{
	struct kd_xxh3 h;
	char text[1500]; /* more than the state buffers, more than a block */

	/* as xxhsum -H3 prints them */
	assert_int_equal(kd_xxh3("", 0), 0x2d06800538d394c2);
	assert_int_equal(kd_xxh3("abc", 3), 0x78af5f94892f3950);
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)i;
	for (size_t cut = 0; cut <= sizeof(text); cut++) {
		kd_xxh3_init(&h);
		kd_xxh3_update(&h, text, cut);
		kd_xxh3_update(&h, text + cut, sizeof(text) - cut);
		assert_int_equal(kd_xxh3_digest(&h), kd_xxh3(text, sizeof(text)));
	}
}

static void test_hash_joins_what_goes_on(void **state)
{
	KD_AUTO(kd_closep) int fd = -1;
	struct kd_sink *h = hash_around(open_memory(&fd), 16);
	size_t n = 0;

	must_write(h, 0, "head", 4);
	must_write(h, 4, "more", 4);
	kd_sink_hash_stream_from(h, 100);
	must_write(h, 100, "abc", 3);
	must_write(h, 103, "def", 3);
	must_write(h, 8, "x", 1); /* elsewhere in between: the stream goes on */
	must_write(h, 106, "g", 1);
	must_write(h, 200, "z", 1); /* a hole ends it */

	const struct kd_hashed_extent *x = kd_sink_hash_extents(h, &n);
	assert_int_equal(n, 5);
	assert_int_equal(x[0].off, 0);
	assert_int_equal(x[0].len_bytes, 4);
	assert_int_equal(find(x, n, 100)->len_bytes, 7);
	assert_int_equal(find(x, n, 100)->xxh3, kd_xxh3("abcdefg", 7));
	assert_int_equal(x[4].off, 200);
	must_commit(h);
}

static void test_hash_follows_what_is_written_again(void **state)
{
	KD_AUTO(kd_closep) int fd = -1;
	struct kd_sink *h = hash_around(open_memory(&fd), 4);
	size_t n = 0;

	must_write(h, 0, "old!", 4);
	must_write(h, 4, "stay", 4);
	must_write(h, 0, "new!", 4);
	const struct kd_hashed_extent *x = kd_sink_hash_extents(h, &n);
	assert_int_equal(n, 2);
	assert_int_equal(find(x, n, 0)->xxh3, kd_xxh3("new!", 4));

	must_write(h, 6, "!!", 2); /* half of one: nothing is known of its first half */
	x = kd_sink_hash_extents(h, &n);
	assert_null(find(x, n, 4));
	assert_int_equal(find(x, n, 6)->xxh3, kd_xxh3("!!", 2));

	kd_sink_hash_expect(h, 0, "last", 4);
	x = kd_sink_hash_extents(h, &n);
	assert_int_equal(find(x, n, 0)->xxh3, kd_xxh3("last", 4));

	kd_sink_hash_forget(h, 3, 1);
	x = kd_sink_hash_extents(h, &n);
	assert_int_equal(n, 1);
	assert_int_equal(x[0].off, 6);

	for (unsigned int i = 0; i < 8; i++)
		must_write(h, 100 + i, "f", 1);
	kd_sink_hash_extents(h, &n);
	assert_int_equal(n, 4); /* no room for more */
	kd_sink_abort(h);
}

/* ---- fault and retry ---- */

static struct kd_sink *fault_around(struct kd_sink *inner, struct kd_sink_fault fault)
{
	struct kd_sink *f = NULL;
	struct kd_err err = { 0 };

	if (kd_sink_fault_new(inner, &fault, &f, &err))
		fail_msg("%s", err.msg);
	return f;
}

static void test_fault_fills_up(void **state)
{
	KD_AUTO(kd_closep) int fd = -1;
	struct kd_sink *f = fault_around(open_memory(&fd),
					 (struct kd_sink_fault){ .room_bytes = 5 });
	struct kd_err err = { 0 };
	struct stat st;

	must_write(f, 0, "abc", 3);
	assert_int_equal(kd_sink_write_at(f, 3, "def", 3, &err), -KD_NOSPACE);
	assert_int_equal(kd_sink_write_at(f, 9, "x", 1, &err), -KD_NOSPACE);
	assert_int_equal(kd_sink_reserve(f, 2, 4, &err), -KD_NOSPACE);
	must_write(f, 0, "ABC", 3);
	must_commit(f);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, 5);
}

static void test_fault_breaks_a_stream(void **state)
{
	KD_AUTO(kd_closep) int fd = -1;
	struct kd_sink *f = fault_around(
		open_memory(&fd),
		(struct kd_sink_fault){ .fail_after = 4, .fail_errno = EIO, .stall_ms = 1 });
	struct kd_err err = { 0 };
	struct stat st;

	assert_int_equal(kd_sink_append(f, "abc", 3, &err), 0);
	assert_int_equal(kd_sink_append(f, "def", 3, &err), -KD_SYS);
	assert_int_equal(err.sys, EIO);
	kd_sink_abort(f);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, 4);
}

static void test_fault_fails_to_sync(void **state)
{
	KD_AUTO(kd_closep) int fd = -1;
	struct kd_sink *f = fault_around(
		open_memory(&fd), (struct kd_sink_fault){ .fail_sync = true, .fail_errno = EIO });
	struct kd_err err = { 0 };

	assert_int_equal(kd_sink_sync(f, &err), -KD_SYS);
	assert_int_equal(kd_sink_commit(f, &err), -KD_SYS);
	assert_says(&err, "sync memory: Input/output error");
}

static void count_log(void *arg, enum kd_log_level level, const char *area, const char *text)
{
	++*(int *)arg;
}

static void test_retry_gets_over_a_hiccup(void **state)
{
	KD_AUTO(kd_closep) int fd = -1;
	int logged = 0;
	const struct kd_log log = { .emit = count_log, .arg = &logged };
	struct kd_sink *f = fault_around(
		open_memory(&fd),
		(struct kd_sink_fault){ .fail_after = 2, .fail_errno = EIO, .fail_times = 2 });
	struct kd_sink *r = NULL;
	struct kd_err err = { 0 };
	char buf[6] = { 0 };

	assert_int_equal(kd_sink_retry_new(f, 3, 1, &log, &r, &err), 0);
	must_write(r, 0, "abcdef", 6);
	assert_int_equal(kd_sink_read_at(r, 0, buf, 6, &err), 0);
	assert_memory_equal(buf, "abcdef", 6);
	assert_int_equal(logged, 2);
	must_commit(r);
}

static void test_retry_gives_up(void **state)
{
	KD_AUTO(kd_closep) int fd = -1;
	struct kd_sink *f = fault_around(
		open_memory(&fd), (struct kd_sink_fault){ .fail_after = 2, .fail_errno = EIO });
	KD_AUTO(kd_sink_abortp) struct kd_sink *r = NULL;
	struct kd_err err = { 0 };

	assert_int_equal(kd_sink_retry_new(f, 3, 0, NULL, &r, &err), 0);
	assert_int_equal(kd_sink_write_at(r, 0, "abc", 3, &err), -KD_SYS);
	assert_int_equal(err.sys, EIO);
}

static void test_retry_does_not_wait_for_a_full_disk(void **state)
{
	KD_AUTO(kd_closep) int fd = -1;
	int logged = 0;
	const struct kd_log log = { .emit = count_log, .arg = &logged };
	struct kd_sink *f = fault_around(open_memory(&fd),
					 (struct kd_sink_fault){ .room_bytes = 1 });
	KD_AUTO(kd_sink_abortp) struct kd_sink *r = NULL;
	struct kd_err err = { 0 };

	assert_int_equal(kd_sink_retry_new(f, 3, 60000, &log, &r, &err), 0);
	assert_int_equal(kd_sink_write_at(r, 0, "abc", 3, &err), -KD_NOSPACE);
	assert_int_equal(logged, 0);
}

/* A wrapper can do what the inner one can, and no more. */
static void test_wrapper_of_a_stream_is_a_stream(void **state)
{
	struct kd_sink *s = NULL, *r = NULL;
	struct kd_err err = { 0 };
	KD_AUTO(kd_closep) int fd = memfd_create("x", MFD_CLOEXEC);

	assert_int_equal(kd_sink_open_stream(fd, "stream", &s, &err), 0);
	assert_int_equal(kd_sink_retry_new(s, 2, 0, NULL, &r, &err), 0);
	assert_false(kd_sink_can_read(r));
	assert_false(r->rewritable);
	assert_int_equal(kd_sink_write_at(r, 0, "x", 1, &err), -KD_NOTSUP);
	assert_int_equal(kd_sink_append(r, "x", 1, &err), 0);
	assert_ptr_equal(kd_sink_unwrap(r), s);
	must_commit(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_file_gets_its_name_at_commit),
		cmocka_unit_test(test_file_leaves_nothing_when_aborted),
		cmocka_unit_test(test_file_replaces_nothing),
		cmocka_unit_test(test_file_follows_no_link),
		cmocka_unit_test(test_file_direct_mixes_with_buffered),
		cmocka_unit_test(test_file_stays_in_the_cache),
		cmocka_unit_test(test_file_on_a_disk_leaves_the_cache),
		cmocka_unit_test(test_fd_is_left_open),
		cmocka_unit_test(test_full_disk_is_nospace),
		cmocka_unit_test(test_stream_waits_for_its_reader),
		cmocka_unit_test(test_stream_without_reader_is_an_error),
		cmocka_unit_test(test_xxh3_is_the_one_everybody_means),
		cmocka_unit_test(test_hash_joins_what_goes_on),
		cmocka_unit_test(test_hash_follows_what_is_written_again),
		cmocka_unit_test(test_fault_fills_up),
		cmocka_unit_test(test_fault_breaks_a_stream),
		cmocka_unit_test(test_fault_fails_to_sync),
		cmocka_unit_test(test_retry_gets_over_a_hiccup),
		cmocka_unit_test(test_retry_gives_up),
		cmocka_unit_test(test_retry_does_not_wait_for_a_full_disk),
		cmocka_unit_test(test_wrapper_of_a_stream_is_a_stream),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
