/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files, descriptors and streams as sinks. */
#include "tests/unit/support-sink.h"

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

static struct kd_sink *open_file(const struct place *p, unsigned int flags)
{
	struct kd_sink *s = NULL;
	struct kd_err err = { 0 };

	if (kd_sink_open_file(p->fd, "vmcore", flags, &s, &err))
		fail_msg("%s", err.msg);
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
	assert_says(err.msg, "vmcore exists already: remove it or choose another name");
	unlinkat(p->fd, "vmcore", 0);

	make(p, "vmcore.part");
	assert_int_equal(kd_sink_open_file(p->fd, "vmcore", 0, &s, &err), -KD_USAGE);
	assert_says(err.msg, "vmcore.part exists already: another dump is being written there");
	unlinkat(p->fd, "vmcore.part", 0);

	/* somebody takes the name while the dump is being written */
	s = open_file(p, 0);
	must_write(s, 0, "x", 1);
	make(p, "vmcore");
	assert_int_equal(kd_sink_commit(s, &err), -KD_SYS);
	assert_says(err.msg,
		    "rename vmcore.part to vmcore (the dump stays in vmcore.part): File exists");
	assert_true(exists(p, "vmcore.part"));

	for (size_t i = 0; i < 4; i++) {
		static const char *const bad[] = { "", "a/b", ".", ".." };
		assert_int_equal(kd_sink_open_file(p->fd, bad[i], 0, &s, &err), -KD_USAGE);
		assert_says(err.msg, "is not the name of a file");
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
	/* Others may have reasons to keep them, or no disk. */
	if (fs.f_type != EXT4_SUPER_MAGIC && fs.f_type != XFS_SUPER_MAGIC &&
	    fs.f_type != BTRFS_SUPER_MAGIC)
		skip();
	assert_int_equal(write_two_parts(p, KD_SINK_EAGER | KD_SINK_DROP), 0);
}

static void test_fd_is_left_open(void **state)
{
	KD_AUTO(kd_closep) int fd = kd_gen_memfd("sink");
	struct kd_sink *s = memory_sink(fd);
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
	assert_says(err.msg, "write /dev/full: No space left on device");
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
	assert_says(err.msg, "pipe: cannot be written at an offset: it takes only a stream");
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
	assert_says(err.msg, "write pipe: Broken pipe");
	close(ends[1]);
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
