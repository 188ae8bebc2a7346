/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sink - where the bytes of a dump go: a file, a descriptor somebody opened, a
 * pipe; and wrappers that go around any of them: hash, retry, fault. What the
 * bytes mean is the business of lib/format, what to do about a full target that
 * of whoever opened the sink.
 *
 * A sink belongs to one thread at a time. Its end is spelled out: commit may
 * fail, abort gives up; either frees it. A wrapper owns what it wraps. Nothing is
 * allocated after a sink was made.
 */
#ifndef KD_LIB_SINK_SINK_H
#define KD_LIB_SINK_SINK_H

#include "lib/base/base.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kd_sink;

/* Those marked optional may be NULL: the call of that name then does what its comment says. */
struct kd_sink_ops {
	int (*write_at)(struct kd_sink *s, uint64_t off, const void *buf, size_t len,
			struct kd_err *err); /* optional */
	int (*append)(struct kd_sink *s, const void *buf, size_t len,
		      struct kd_err *err); /* optional */
	int (*read_at)(struct kd_sink *s, uint64_t off, void *buf, size_t len,
		       struct kd_err *err); /* optional */
	int (*reserve)(struct kd_sink *s, uint64_t off, uint64_t len,
		       struct kd_err *err); /* optional */
	int (*zero)(struct kd_sink *s, uint64_t off, uint64_t len,
		    struct kd_err *err); /* optional: with blank */
	int (*sync)(struct kd_sink *s, struct kd_err *err);
	int (*commit)(struct kd_sink *s, struct kd_err *err);
	void (*abort)(struct kd_sink *s);
	/* wrappers only: free the wrapper alone, return what it wrapped */
	struct kd_sink *(*unwrap)(struct kd_sink *s);
};

struct kd_sink {
	const struct kd_sink_ops *ops;
	const char *name; /* for messages; lives as long as the sink */
	bool rewritable;  /* write_at may go over bytes written before */
	bool blank;	  /* what was never written reads as zeros: a new file, not a device */
};

/**
 * kd_sink_write_at() - all of @buf to offset @off
 *
 * After a failure any part of it may have been written.
 *
 * Return: 0; -KD_NOSPACE; -KD_SYS; -KD_NOTSUP a sink that can only append.
 */
int kd_sink_write_at(struct kd_sink *s, uint64_t off, const void *buf, size_t len,
		     struct kd_err *err) KD_MUST_CHECK;

/** kd_sink_append() - all of @buf behind what was appended before; codes as above */
int kd_sink_append(struct kd_sink *s, const void *buf, size_t len,
		   struct kd_err *err) KD_MUST_CHECK;

/** kd_sink_read_at() - bytes written before, zeros where nothing was; -KD_NOTSUP, -KD_SYS */
int kd_sink_read_at(struct kd_sink *s, uint64_t off, void *buf, size_t len,
		    struct kd_err *err) KD_MUST_CHECK;

/**
 * kd_sink_reserve() - make sure that later writes to this range find room
 *
 * So that a full disk cannot keep page descriptors from getting their place. A sink
 * that cannot do this returns 0 and does nothing.
 *
 * Return: 0; -KD_NOSPACE.
 */
int kd_sink_reserve(struct kd_sink *s, uint64_t off, uint64_t len,
		    struct kd_err *err) KD_MUST_CHECK;

/**
 * kd_sink_zero() - make sure that a range nothing was written to reads as zeros
 *
 * Costs nothing where the sink is blank.
 *
 * Return: 0; -KD_NOSPACE, -KD_SYS.
 */
int kd_sink_zero(struct kd_sink *s, uint64_t off, uint64_t len, struct kd_err *err) KD_MUST_CHECK;

/** kd_sink_can_read() - is there a chance for kd_sink_read_at()? */
bool kd_sink_can_read(const struct kd_sink *s);

/** kd_sink_sync() - what was written is safe from a power cut; does not end the sink */
int kd_sink_sync(struct kd_sink *s, struct kd_err *err) KD_MUST_CHECK;

/** kd_sink_commit() - sync and give it its final name; frees the sink, also on failure */
int kd_sink_commit(struct kd_sink *s, struct kd_err *err) KD_MUST_CHECK;

/** kd_sink_abort() - give up and free it; NULL is fine */
void kd_sink_abort(struct kd_sink *s);
void kd_sink_abortp(struct kd_sink **s);

/** kd_sink_unwrap() - free wrapper @s alone; returns what it wrapped, which goes on as it was */
struct kd_sink *kd_sink_unwrap(struct kd_sink *s);

/* ---- file.c ---- */

enum {
	KD_SINK_DIRECT = 1, /* bypass the page cache where offset, length and buffer allow it
			     * (multiples of KD_SINK_DIRECT_ALIGN); where the file system does
			     * not, it is silently not done */
	KD_SINK_EAGER = 2,  /* start writing to the disk at once instead of when the kernel sees
			     * fit: keeps a small capture kernel free of dirty pages, and
			     * leaves little for the sync at the end */
	KD_SINK_DROP = 4,   /* with KD_SINK_EAGER: what the disk has need not stay in the page
			     * cache: other files keep their place in it, and a large one is not
			     * held up by the kernel looking for pages (a virtual machine's are
			     * slow to come when its host has taken them away) */
	KD_SINK_DIRECT_ALIGN = 4096,
};

/**
 * kd_sink_open_file() - a new file @name in directory @dir_fd
 * @dir_fd: borrowed; must stay open as long as the sink
 * @name: without slash; copied. Until commit the file is "@name.part", mode 0600
 * @flags: KD_SINK_*
 * @ret: kd_sink_commit() or kd_sink_abort(), which removes the .part file
 *
 * commit syncs, renames and syncs the directory; it does not replace a file. When it
 * fails the .part file stays: the dump in it may be worth more than order.
 *
 * Return: 0; -KD_USAGE when one of the two names is taken, or is no file name;
 * -KD_NOMEM, -KD_NOSPACE, -KD_SYS.
 */
int kd_sink_open_file(int dir_fd, const char *name, unsigned int flags, struct kd_sink **ret,
		      struct kd_err *err) KD_MUST_CHECK;

/**
 * kd_sink_open_fd() - a file or device that is open for reading and writing already
 * @fd: borrowed; neither closed nor removed, whatever the end
 * @name: for messages; copied
 */
int kd_sink_open_fd(int fd, const char *name, unsigned int flags, struct kd_sink **ret,
		    struct kd_err *err) KD_MUST_CHECK;

/* ---- stream.c ---- */

/**
 * kd_sink_open_stream() - append only: a pipe, a socket, standard output
 * @fd: borrowed; if it does not block, the sink waits for it
 */
int kd_sink_open_stream(int fd, const char *name, struct kd_sink **ret,
			struct kd_err *err) KD_MUST_CHECK;

/* ---- hash.c ---- */

/**
 * kd_sink_hash_new() - note ranges and hashes of everything that is written by offset
 * @inner: the wrapper's when this succeeds, else still the caller's
 * @max_extents: room for that many; what does not fit goes without a hash
 *
 * Each write is a range of its own, and a write over whole older ranges takes their
 * place. (One over a part of a range drops that range.) From @stream_from on writes that
 * continue each other make up one range of 64 MiB, later more, also where writes in two places
 * take turns.
 */
int kd_sink_hash_new(struct kd_sink *inner, size_t max_extents, struct kd_sink **ret,
		     struct kd_err *err) KD_MUST_CHECK;

/** kd_sink_hash_stream_from() - see above; at first nothing is joined */
void kd_sink_hash_stream_from(struct kd_sink *hash, uint64_t off);

/** kd_sink_hash_expect() - note @buf as if it stood at @off already: it is about to */
void kd_sink_hash_expect(struct kd_sink *hash, uint64_t off, const void *buf, size_t len);

/** kd_sink_hash_forget() - what stands there is no longer known: no range touches it any more */
void kd_sink_hash_forget(struct kd_sink *hash, uint64_t off, uint64_t len);

/**
 * kd_sink_hash_settled() - what there is so far of the ranges that are written only once
 * @ret: room for max_extents; those from @stream_from on, by rising offset
 *
 * In the midst of writing; changes nothing. Returns how many.
 */
size_t kd_sink_hash_settled(struct kd_sink *hash, struct kd_hashed_extent *ret);

/** kd_sink_hash_is_full() - were there more than max_extents, so that some have no hash? */
bool kd_sink_hash_is_full(const struct kd_sink *hash);

/** kd_sink_hash_extents() - by rising offset; valid until the next write. Not rising while writing */
const struct kd_hashed_extent *kd_sink_hash_extents(struct kd_sink *hash, size_t *n_ret);

/* ---- retry.c ---- */

/**
 * kd_sink_retry_new() - repeat what failed with EIO, EAGAIN, ETIMEDOUT or the like
 * @inner: the wrapper's when this succeeds, else still the caller's
 * @tries: how often in all, at least 1
 * @wait_ms: between two tries
 *
 * Not for append, where a second try could write the first half twice; not for a
 * full target.
 */
int kd_sink_retry_new(struct kd_sink *inner, unsigned int tries, unsigned int wait_ms,
		      const struct kd_log *log, struct kd_sink **ret,
		      struct kd_err *err) KD_MUST_CHECK;

/* ---- fault.c ---- */

/* What goes wrong, and when. For tests; all zero: nothing. */
struct kd_sink_fault {
	uint64_t room_bytes; /* no byte can be written behind this offset: ENOSPC (0: no limit) */
	uint64_t fail_after; /* bytes written in all until every write fails (0: never) */
	int fail_errno;	     /* with this */
	unsigned int fail_times; /* that often, then it works again (0: for ever) */
	unsigned int stall_ms;	 /* each write takes that long */
	bool fail_sync;		 /* sync and commit fail with fail_errno */
};

/** kd_sink_fault_new() - a sink with defects; of a write that fails a part is written all the same.
 * @inner as above */
int kd_sink_fault_new(struct kd_sink *inner, const struct kd_sink_fault *fault,
		      struct kd_sink **ret, struct kd_err *err) KD_MUST_CHECK;

#endif
