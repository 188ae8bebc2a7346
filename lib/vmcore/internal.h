/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of lib/vmcore share; for nobody else. */
#ifndef KD_LIB_VMCORE_INTERNAL_H
#define KD_LIB_VMCORE_INTERNAL_H

#include "lib/vmcore/extents.h"
#include "lib/vmcore/vmcore.h"

/* ---- file.c: the bytes of one dump file, as if it had never been flattened ---- */

struct kd_file {
	int fd; /* borrowed */
	const char *name;
	uint64_t size_bytes; /* of the contents: unflattened, for a flattened one */
	bool is_proc;	     /* /proc/vmcore: mapping it costs no memory, and all of it is there */
	bool holes_cost; /* tmpfs: a hole that is mapped becomes memory, one that is read does not */
	bool flattened;
	bool cut;		  /* flattened, and its end marker is missing */
	uint64_t cut_at;	  /* if so: where in the contents the last chunk ends */
	struct kd_extents chunks; /* of a flattened one: contents' offset -> file offset */
};

int kd_file_init(struct kd_file *f, int fd, const char *name, const struct kd_log *log,
		 struct kd_err *err) KD_MUST_CHECK;
void kd_file_fini(struct kd_file *f);

/* All of it, or -KD_BADDATA where the file is too short. */
int kd_file_read(const struct kd_file *f, uint64_t off, void *buf, size_t len,
		 struct kd_err *err) KD_MUST_CHECK;

/* As much as there is up to the end of the file; negative kd_code on failure. */
ssize_t kd_file_read_some(const struct kd_file *f, uint64_t off, void *buf, size_t len,
			  struct kd_err *err) KD_MUST_CHECK;

/* The first offset from @off on that is not known to read as zeros; the file's size if none is. */
uint64_t kd_file_next_data(const struct kd_file *f, uint64_t off);

/* ---- flattened.c ---- */

/* 1 and f->flattened, chunks, size_bytes, cut set, if it is a flattened file; 0 if it is not. */
int kd_flattened_index(struct kd_file *f, const struct kd_log *log,
		       struct kd_err *err) KD_MUST_CHECK;

/* ---- the formats ---- */

struct kd_diskdump;

/* Where in a file the memory is: how one format answers. */
struct kd_vmcore_ops {
	void (*close)(struct kd_vmcore *core);
	int (*page_run)(struct kd_vmcore_window *w, uint64_t pfn, uint64_t *n_ret,
			struct kd_err *err);
	/* Copy what can be had at @paddr, at least 1 byte and at most @len. */
	int (*read_some)(struct kd_vmcore *core, uint64_t paddr, void *buf, size_t len,
			 size_t *done_ret, struct kd_err *err);
	/* kd_vmcore_hole(); NULL: whole frames only */
	uint64_t (*hole)(const struct kd_vmcore *core, uint64_t paddr);
	int (*window_init)(struct kd_vmcore_window *w, struct kd_err *err);
	void (*window_fini)(struct kd_vmcore_window *w);
	int (*map)(struct kd_vmcore_window *w, uint64_t paddr, size_t want, const uint8_t **ret,
		   size_t *len_ret, struct kd_err *err);
};

struct kd_vmcore {
	char *name;
	const struct kd_log *log;
	const struct kd_vmcore_ops *ops;
	enum kd_vmcore_format format;
	enum kd_machine machine;
	char machine_name[72];
	bool big_endian;
	bool incomplete;
	uint32_t page_size;
	uint64_t max_pfn;

	struct kd_file *files; /* one, or the parts of a split set */
	char **file_names;
	size_t n_files;

	struct kd_vmcore_segment *segments;
	size_t n_segments;
	struct kd_extents by_vaddr; /* kernel virtual -> physical */

	uint8_t *notes_raw;
	size_t notes_raw_len;
	struct kd_vmcore_note *notes;
	char *note_names; /* their NUL-terminated names */
	size_t n_notes;

	const char *info_text; /* in notes_raw, or own_info_text */
	size_t info_text_len;
	char *own_info_text; /* where it does not stand in the notes (diskdump version 3) */
	struct kd_vmcoreinfo *info;

	/* ELF: physical address -> file offset; kind is an enum kd_vmcore_page */
	struct kd_extents memory;
	struct kd_diskdump *diskdump;
	struct kd_vmcore_window *own; /* for kd_vmcore_read() of a diskdump */
};

/* Which of two ways to long pieces of a file takes less time? Each is tried some times. */
struct kd_scan_trial {
	unsigned int n; /* tries so far */
	uint64_t begun_ns;
	size_t len;	   /* lent in this try; 0: it has not begun */
	uint64_t least[2]; /* time for 1024 bytes: mapped, read; in ns */
};

/* Is the next piece mapped? */
bool kd_scan_trial_maps(const struct kd_scan_trial *t);
/* Does a try begin with the next piece? */
bool kd_scan_trial_is_due(const struct kd_scan_trial *t);
/* It does; the one before, if there was one, is over. */
void kd_scan_trial_next(struct kd_scan_trial *t, uint64_t now_ns);
bool kd_scan_trial_is_over(const struct kd_scan_trial *t);

struct kd_vmcore_window {
	struct kd_vmcore *core;
	enum kd_vmcore_access access;
	size_t map_bytes;
	size_t read_bytes;

	/* ELF: a mapped piece of the file, and a piece that was read */
	uint8_t *mapped;
	size_t mapped_len;
	uint64_t mapped_off;
	uint64_t ready_off, ready_len; /* of a file on a disk: what of the mapping is in memory */
	uint64_t unmappable_off;       /* mapping this piece failed: not tried again at once */
	uint64_t unmappable_len;
	uint8_t *buf;	  /* read_bytes */
	uint64_t buf_off; /* ELF: file offset; diskdump: physical address */
	size_t buf_len;
	struct kd_scan_trial trial; /* KD_ACCESS_SCAN */

	void *private; /* of the format */
};

/* Each takes a core whose files are open and fills in the rest. */
int kd_vmcore_open_elf(struct kd_vmcore *core, struct kd_err *err) KD_MUST_CHECK;
int kd_vmcore_open_diskdump(struct kd_vmcore *core, struct kd_err *err) KD_MUST_CHECK;
size_t kd_diskdump_window_bytes(const struct kd_vmcore *core, size_t read_bytes);

/* elf_window.c, scan_trial.c */
int kd_elf_window_init(struct kd_vmcore_window *w, struct kd_err *err) KD_MUST_CHECK;
size_t kd_elf_window_bytes(const struct kd_vmcore *core, enum kd_vmcore_access access,
			   size_t read_bytes);
void kd_elf_window_fini(struct kd_vmcore_window *w);
bool kd_elf_window_copies(const struct kd_vmcore_window *w);
int kd_elf_window_map(struct kd_vmcore_window *w, uint64_t paddr, size_t want, const uint8_t **ret,
		      size_t *len_ret, struct kd_err *err) KD_MUST_CHECK;

/* notes.c: walk core->notes_raw, which is made of pieces that end at these offsets. */
int kd_vmcore_parse_notes(struct kd_vmcore *core, const size_t *ends, size_t n_ends,
			  struct kd_err *err) KD_MUST_CHECK;

void kd_vmcore_set_machine(struct kd_vmcore *core, enum kd_machine machine, const char *name);

/* "there was no memory at physical 0x...": the error for bytes that cannot be had. */
int kd_vmcore_fail_page(const struct kd_vmcore *core, enum kd_vmcore_page state, uint64_t paddr,
			struct kd_err *err);

/* Notes beyond this are not kept in memory: device dumps can be larger than a capture kernel. */
enum { KD_VMCORE_MAX_NOTES_BYTES = 64 << 20 };

#endif
