/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vmcore - the physical memory of a dead kernel, read only, whatever it comes
 * in: /proc/vmcore, an ELF64 core file, a diskdump file or a split set of them,
 * and either of these flattened. Callers see segments, pages and bytes. It
 * knows nothing of page tables (lib/arch) nor of what is in the memory.
 *
 * Threads: an open kd_vmcore does not change, so any number of threads may ask
 * it questions and each read through a kd_vmcore_window of its own.
 * kd_vmcore_read() and kd_vmcore_read_vaddr() use a window inside the
 * kd_vmcore: one thread at a time.
 *
 * Memory: the segments (48 bytes each), the notes, and for a flattened file 24
 * bytes a chunk, for a diskdump 8 bytes per 32768 page frames and one window.
 */
#ifndef KD_LIB_VMCORE_VMCORE_H
#define KD_LIB_VMCORE_VMCORE_H

#include "lib/base/base.h"
#include "vmcoreinfo/vmcoreinfo.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kd_vmcore;
struct kd_vmcore_window;

enum kd_vmcore_format { KD_VMCORE_ELF, KD_VMCORE_DISKDUMP };

enum kd_machine { KD_MACHINE_OTHER, KD_MACHINE_X86_64, KD_MACHINE_ARM64 };

/* A piece of physical memory that existed. Any alignment. */
struct kd_vmcore_segment {
	uint64_t paddr;
	uint64_t len_bytes;
	uint64_t stored_bytes; /* what the dump holds of it, from its start (ELF); the rest was
				* left out. For a diskdump equal to len_bytes: ask page by page */
	uint64_t vaddr;	       /* kernel virtual address, where has_vaddr */
	bool has_vaddr;
};

struct kd_vmcore_note {
	const char *name; /* NUL-terminated: "CORE", "VMCOREINFO" */
	uint32_t type;
	const uint8_t *desc;
	size_t desc_len;
	uint64_t desc_off; /* of desc in the bytes of kd_vmcore_notes_raw() */
};

/**
 * kd_vmcore_open() - open a dump in any format
 * @fd: borrowed: must stay open until kd_vmcore_close(), is not closed by it. Its
 *      file position is not used; it must allow pread(2)
 * @name: what to call it in messages; copied
 * @log: for warnings (a truncated file, notes that make no sense); borrowed, may be NULL
 * @ret: kd_vmcore_close()
 *
 * A file cut short opens as long as its headers are there; see
 * kd_vmcore_is_incomplete().
 *
 * Return: 0; -KD_NOTSUP no dump, or not one of a kind known here; -KD_BADDATA its
 * headers contradict themselves; -KD_NOMEM; -KD_SYS cannot be read.
 */
int kd_vmcore_open(int fd, const char *name, const struct kd_log *log, struct kd_vmcore **ret,
		   struct kd_err *err) KD_MUST_CHECK;

/**
 * kd_vmcore_open_set() - open the parts of a split diskdump as one dump
 * @fds: @n descriptors, borrowed as above, in any order; the array is not kept
 * @names: one for each
 *
 * With @n 1 the same as kd_vmcore_open(). Further codes: -KD_BADDATA for parts of
 * different dumps, or two for the same pages. A part that is not there makes the
 * dump incomplete, no more.
 */
int kd_vmcore_open_set(const int *fds, const char *const *names, size_t n, const struct kd_log *log,
		       struct kd_vmcore **ret, struct kd_err *err) KD_MUST_CHECK;
void kd_vmcore_close(struct kd_vmcore *core);
void kd_vmcore_closep(struct kd_vmcore **core);

enum kd_vmcore_format kd_vmcore_format(const struct kd_vmcore *core);
bool kd_vmcore_is_flattened(const struct kd_vmcore *core);

/** kd_vmcore_is_incomplete() - does it say, or is it seen, that a part was never written? */
bool kd_vmcore_is_incomplete(const struct kd_vmcore *core);
bool kd_vmcore_is_big_endian(const struct kd_vmcore *core);
enum kd_machine kd_vmcore_machine(const struct kd_vmcore *core);

/** kd_vmcore_machine_name() - "x86_64", "aarch64", "ELF machine 43": for messages */
const char *kd_vmcore_machine_name(const struct kd_vmcore *core);

/** kd_vmcore_name() - as given to kd_vmcore_open() */
const char *kd_vmcore_name(const struct kd_vmcore *core);

/** kd_vmcore_page_size() - PAGESIZE of vmcoreinfo, a diskdump's block size, or else 4096 */
uint32_t kd_vmcore_page_size(const struct kd_vmcore *core);

/**
 * kd_vmcore_segments() - what memory there was, by rising physical address
 * @n_ret: how many
 *
 * As the ELF headers say it, empty ones left out; so two may overlap, as the
 * kernel image does with the RAM it lies in. For a diskdump they are the runs
 * of frames that existed, without overlap.
 */
const struct kd_vmcore_segment *kd_vmcore_segments(const struct kd_vmcore *core, size_t *n_ret);

/** kd_vmcore_max_pfn() - one more than the highest page frame that lies in a segment */
uint64_t kd_vmcore_max_pfn(const struct kd_vmcore *core);

enum kd_vmcore_page {
	KD_PAGE_NONE,	  /* no memory at this frame */
	KD_PAGE_EXCLUDED, /* was left out when the dump was written */
	KD_PAGE_LOST, /* belongs to the dump but was never written, or nothing tells where it is */
	KD_PAGE_STORED, /* can be read, as a whole or (ELF, unaligned segments) in part */
};

/**
 * kd_vmcore_page_run() - the state of page frame @pfn and how many from it share it
 * @w: a window of @core
 * @n_ret: at least 1; not always the whole run, so ask again behind it. Costs time in
 *         proportion to it for a diskdump: walk by runs, not frame by frame
 *
 * Return: enum kd_vmcore_page, or -KD_SYS where a diskdump's bitmap cannot be read.
 */
int kd_vmcore_page_run(struct kd_vmcore_window *w, uint64_t pfn, uint64_t *n_ret,
		       struct kd_err *err) KD_MUST_CHECK;

/**
 * kd_vmcore_hole() - bytes from @paddr to the end of its frame, or to the next byte of it that
 * is stored, which are no memory
 *
 * 0 where there is memory at @paddr, and where the frame has none: only a frame in which a
 * segment begins or ends has such a hole.
 */
uint64_t kd_vmcore_hole(const struct kd_vmcore *core, uint64_t paddr);

/**
 * kd_vmcore_read() - copy physical memory; all of it or an error
 *
 * Crosses segments that touch. One thread at a time.
 *
 * Return: 0; -KD_BADDATA some of it is not in the dump (a hole, left out, never
 * written: the message says which and where) or its compressed page is corrupt;
 * -KD_SYS cannot be read.
 */
int kd_vmcore_read(struct kd_vmcore *core, uint64_t paddr, void *buf, size_t len,
		   struct kd_err *err) KD_MUST_CHECK;

/**
 * kd_vmcore_read_vaddr() - the same by kernel virtual address, through p_vaddr
 *
 * /proc/vmcore carries p_vaddr for all RAM and for the kernel image when the
 * capture kernel was loaded with kexec_file_load(2). Dumps made by QEMU and
 * diskdumps carry none: use lib/arch. Memory that is mapped elsewhere
 * (vmalloc, vmemmap, modules) is not found.
 *
 * Return: as kd_vmcore_read(); -KD_BADDATA also where no segment has the address.
 */
int kd_vmcore_read_vaddr(struct kd_vmcore *core, uint64_t vaddr, void *buf, size_t len,
			 struct kd_err *err) KD_MUST_CHECK;

/** kd_vmcore_vaddr_to_paddr() - by p_vaddr; 1 and *paddr_ret, *len_ret (bytes until its
 * segment ends), or 0 */
int kd_vmcore_vaddr_to_paddr(const struct kd_vmcore *core, uint64_t vaddr, uint64_t *paddr_ret,
			     uint64_t *len_ret) KD_MUST_CHECK;

/* How a window gets at the bytes. Only files that hold memory as it was (ELF, not flattened)
 * can be mapped at all. */
enum kd_vmcore_access {
	KD_ACCESS_AUTO, /* map /proc/vmcore, read anything else */
	KD_ACCESS_READ, /* never map */
	KD_ACCESS_MAP,	/* map as much as @map_bytes says */
	KD_ACCESS_SCAN, /* as AUTO, but long pieces of other files are mapped, 1 MiB at most, or read,
			 * whichever takes less time on this machine: the first ones are tried both
			 * ways. For who looks at much and keeps little. tmpfs is always read: its
			 * holes become memory when they are mapped */
};

/**
 * kd_vmcore_window_new() - one thread's view of the memory
 * @map_bytes: how much to map at once; 64 MiB and more is sensible for /proc/vmcore
 *             (page tables for it take 128 KiB per 64 MiB)
 * @read_bytes: size of the buffer that is read into where nothing is mapped: at least
 *              64 KiB and at most 64 MiB, it is brought there
 * @ret: kd_vmcore_window_free(), before the core is closed
 *
 * All memory it ever needs is taken here, but for what kd_vmcore_window_bytes() says. A file other
 * than /proc/vmcore must not shrink while it is mapped: as with any mapping, whoever reads what is
 * gone gets SIGBUS. What a disk cannot read is an error of kd_vmcore_map(), but for pages that the
 * kernel has dropped again before they are used.
 */
int kd_vmcore_window_new(struct kd_vmcore *core, enum kd_vmcore_access access, size_t map_bytes,
			 size_t read_bytes, struct kd_vmcore_window **ret,
			 struct kd_err *err) KD_MUST_CHECK;
void kd_vmcore_window_free(struct kd_vmcore_window *w);
void kd_vmcore_window_freep(struct kd_vmcore_window **w);

/**
 * kd_vmcore_window_bytes() - memory a window takes at most, but with KD_ACCESS_MAP
 *
 * Its buffer, and pages of a file on a disk that are mapped. Those of /proc/vmcore are the crashed
 * kernel's.
 */
size_t kd_vmcore_window_bytes(const struct kd_vmcore *core, enum kd_vmcore_access access,
			      size_t read_bytes);

/**
 * kd_vmcore_map() - lend the bytes at @paddr
 * @want: how many are wanted
 * @ret: valid until the next call with this window
 * @len_ret: how many there are, at least 1 and at most @want; fewer where the segment or
 *           the window ends, or the next page is not there, so ask again behind them.
 *           Where @paddr and @want are multiples of the page size and the segments too,
 *           so is this
 *
 * Costs next to nothing when the bytes are in the window already. A piece that cannot be
 * mapped is read instead.
 *
 * Return: as kd_vmcore_read(), for the byte at @paddr. After -KD_SYS it may be any of
 * the bytes asked for that cannot be read: ask page by page to find out which.
 */
int kd_vmcore_map(struct kd_vmcore_window *w, uint64_t paddr, size_t want, const uint8_t **ret,
		  size_t *len_ret, struct kd_err *err) KD_MUST_CHECK;

/**
 * kd_vmcore_window_copies() - are pieces copied from now on, however long they are?
 *
 * Then what nobody looks at costs as much as the rest. False where a long one may be mapped.
 */
bool kd_vmcore_window_copies(const struct kd_vmcore_window *w);

/** kd_vmcore_info() - the dump's vmcoreinfo; NULL where it has none */
const struct kd_vmcoreinfo *kd_vmcore_info(const struct kd_vmcore *core);

/** kd_vmcore_info_bytes() - the same as text, not NUL-terminated; NULL where it has none */
const char *kd_vmcore_info_bytes(const struct kd_vmcore *core, size_t *len_ret);

/*
 * Release, time and CPUs are told by vmcoreinfo and the notes, else by a diskdump's header, which is
 * all that files of versions 1 and 2 have.
 */

/** kd_vmcore_osrelease() - "6.1.0-30-amd64"; NULL where not told. For messages and reports only */
const char *kd_vmcore_osrelease(const struct kd_vmcore *core);

/** kd_vmcore_crashtime() - 1 and seconds since 1970; 0 where not told (no crash: a live dump) */
int kd_vmcore_crashtime(const struct kd_vmcore *core, int64_t *ret) KD_MUST_CHECK;

/** kd_vmcore_cpus() - whose registers were saved; 0 where not told */
uint32_t kd_vmcore_cpus(const struct kd_vmcore *core);

/** kd_vmcore_notes() - all notes in order; names and descriptors are borrowed */
const struct kd_vmcore_note *kd_vmcore_notes(const struct kd_vmcore *core, size_t *n_ret);

/** kd_vmcore_notes_raw() - the bytes of all note segments as they were, one after the other */
const uint8_t *kd_vmcore_notes_raw(const struct kd_vmcore *core, size_t *len_ret);

/* What a diskdump's headers say beyond memory; zero in an ELF file. */
struct kd_vmcore_diskdump_info {
	uint32_t header_version;
	uint32_t status;       /* KD_DISKDUMP_* bits as found */
	uint32_t dump_level;   /* what was left out */
	uint64_t phys_base;    /* as the dumping tool saw it */
	uint64_t start_pfn;    /* of what is here, for a part of a split set */
	uint64_t end_pfn;      /* exclusive */
	uint64_t stored_pages; /* set bits of the second bitmap in that range */
	bool split;
	uint32_t nr_cpus;
	int64_t time_sec; /* of the crash; 0: not told */
	char release[65];
	char version[65];
	char nodename[65];
	char domainname[65];
	char machine[65];
};

/** kd_vmcore_diskdump() - NULL for an ELF file */
const struct kd_vmcore_diskdump_info *kd_vmcore_diskdump(const struct kd_vmcore *core);

#endif
