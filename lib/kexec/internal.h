/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of lib/kexec share; not for outsiders.
 *
 * The way of an image for kexec_load(2): host_memory.c, host_cpu.c and host_efi.c read what the running kernel says of
 * itself, kernel_file.c takes a bzImage or vmlinux apart, place.c finds room, bootparams.c,
 * memmap.c and elfcorehdr.c make what the new kernel is told, purgatory_blob.c what checks
 * it all, prepare.c calls them in order, classic.c makes the call.
 */
#ifndef KD_LIB_KEXEC_INTERNAL_H
#define KD_LIB_KEXEC_INTERNAL_H

#include "lib/kexec/kexec.h"
#include "lib/kexec/purgatory/params.h"

enum {
	KD_KEXEC_PAGE = 4096,
	KD_KEXEC_BOOT_PARAMS_BYTES = 4096,
	KD_KEXEC_LOW_BYTES = 1 << 20, /* what real-mode firmware and SMP start-up use */
};

/* ---- ranges.c: sets of physical addresses ---- */

/* Types are those of the e820 map, Linux arch/x86/include/asm/e820/types.h. */
enum kd_kexec_memtype {
	KD_MEM_RAM = 1,
	KD_MEM_RESERVED = 2,
	KD_MEM_ACPI = 3,
	KD_MEM_NVS = 4,
	KD_MEM_UNUSABLE = 5,
	KD_MEM_PMEM = 7,
	KD_MEM_PRAM = 12,
};
#define KD_MEM_SOFT_RESERVED 0xefffffffU

struct kd_kexec_range {
	uint64_t start;
	uint64_t end; /* the last byte */
	uint32_t type;
};

/* {0} is an empty list. */
struct kd_kexec_ranges {
	struct kd_kexec_range *v;
	size_t n;
	size_t cap;
};

void kd_kexec_ranges_fini(struct kd_kexec_ranges *list);
int kd_kexec_ranges_add(struct kd_kexec_ranges *list, uint64_t start, uint64_t end, uint32_t type,
			struct kd_err *err) KD_MUST_CHECK;
/** kd_kexec_ranges_exclude() - take addresses out; a range may shrink, vanish or become two */
int kd_kexec_ranges_exclude(struct kd_kexec_ranges *list, uint64_t start, uint64_t end,
			    struct kd_err *err) KD_MUST_CHECK;
/** kd_kexec_ranges_sort() - rising by start, the longer one first */
void kd_kexec_ranges_sort(struct kd_kexec_ranges *list);
/** kd_kexec_ranges_has() - is all of start..end inside one range? */
bool kd_kexec_ranges_has(const struct kd_kexec_ranges *list, uint64_t start, uint64_t end);
int kd_kexec_ranges_copy(struct kd_kexec_ranges *to, const struct kd_kexec_ranges *from,
			 struct kd_err *err) KD_MUST_CHECK;

/* ---- host_memory.c, host_cpu.c, host_efi.c ---- */

struct kd_kexec_note {
	uint64_t paddr;
	uint64_t bytes;
};

/* Where a piece of the running kernel is mapped. */
struct kd_kexec_text {
	uint64_t vaddr, paddr;
	uint64_t bytes; /* 0: unknown */
};

/* What the running kernel was told by its firmware about EFI; see host_efi.c. */
struct kd_kexec_efi {
	bool usable;					     /* runtime services can be handed on */
	uint64_t fw_vendor, config_table, smbios, acpi_rsdp; /* 0: unknown */
	uint8_t *map; /* runtime descriptors, 40 bytes each */
	size_t map_bytes;
};

struct kd_kexec_host {
	struct kd_kexec_ranges ram;	 /* System RAM, rising, none overlapping */
	struct kd_kexec_ranges own_ram;	 /* of it, what no driver manages and firmware reported */
	struct kd_kexec_ranges crash;	 /* "Crash kernel", rising */
	struct kd_kexec_ranges special;	 /* ACPI tables, NVS and reserved ranges of /proc/iomem */
	struct kd_kexec_ranges firmware; /* /sys/firmware/memmap, rising; empty: not there */
	struct kd_kexec_note *cpus;
	size_t cpu_count;
	struct kd_kexec_note vmcoreinfo; /* .bytes 0: this kernel has none */
	struct kd_kexec_text text;
	bool page_offset_known;
	uint64_t page_offset; /* of the direct mapping */
	bool low_is_reserved; /* the kernel keeps all RAM below 1 MiB to itself */
	bool hotplug;	      /* it can rewrite the ELF core header of a loaded image */
	uint64_t elfcorehdr_room;
	uint8_t *boot_params; /* as the running kernel got them; NULL: unknown */
	struct kd_kexec_efi efi;
};

/**
 * kd_kexec_host_read() - everything the preparation needs to know
 * @ret: kd_kexec_host_fini(); untouched on failure
 *
 * Return: 0; -KD_SYS /proc/iomem unreadable or without addresses (not root);
 * -KD_BADDATA it contradicts itself; -KD_NOMEM.
 */
int kd_kexec_host_read(const struct kd_root *root, struct kd_kexec_host *ret,
		       struct kd_err *err) KD_MUST_CHECK;
void kd_kexec_host_fini(struct kd_kexec_host *m);

/* The parts of it, for the file above and for tests. */
int kd_kexec_host_iomem(const struct kd_root *root, struct kd_kexec_host *m,
			struct kd_err *err) KD_MUST_CHECK;
int kd_kexec_host_cpus(const struct kd_root *root, struct kd_kexec_host *m,
		       struct kd_err *err) KD_MUST_CHECK;
int kd_kexec_host_kcore(const struct kd_root *root, struct kd_kexec_host *m,
			struct kd_err *err) KD_MUST_CHECK;
int kd_kexec_host_efi(const struct kd_root *root, struct kd_kexec_host *m,
		      struct kd_err *err) KD_MUST_CHECK;

/** kd_kexec_crash_range() - where crash segments may lie: crashk_res, the higher of two */
int kd_kexec_crash_range(const struct kd_kexec_host *m, struct kd_kexec_range *ret,
			 struct kd_err *err) KD_MUST_CHECK;

/* ---- kernel_file.c, elf_kernel.c ---- */

/** kd_kexec_has_la57() - does the running kernel use five-level page tables? */
bool kd_kexec_has_la57(const struct kd_root *root);

struct kd_kexec_kernel_file {
	uint8_t *file; /* the bytes as read; owned */
	size_t file_bytes;
	const uint8_t *payload; /* what goes to memory; inside file or owned_payload */
	uint64_t payload_bytes;
	uint8_t *owned_payload;
	uint64_t mem_bytes;   /* room the kernel needs there */
	uint64_t align;	      /* of its address */
	uint64_t preferred;   /* address it was linked for */
	uint64_t entry;	      /* offset of the 64-bit entry in it */
	uint64_t max_paddr;   /* last byte it and what it is given may lie on */
	uint64_t initrd_max;  /* the same for the initrd */
	uint64_t cmdline_max; /* bytes without NUL */
	bool from_5level;     /* it may be entered on five-level page tables */
	const uint8_t *setup; /* setup header as in the file from 0x1f1 on; NULL: vmlinux */
	size_t setup_bytes;
};

enum { KD_KEXEC_SETUP_AT = 0x1f1, KD_KEXEC_SETUP_MAX_BYTES = 0x290 - 0x1f1 };

/**
 * kd_kexec_kernel_parse() - take a bzImage or an ELF vmlinux for x86_64 apart
 * @file: handed over; freed with @ret also on failure
 *
 * bzImages need the 64-bit entry (boot protocol 2.12, XLF_KERNEL_64); a vmlinux must be
 * what the kernel's build leaves, with one physical address range for all its segments.
 *
 * Return: 0; -KD_BADDATA damaged or no kernel; -KD_NOTSUP a kernel that cannot be
 * entered this way (the message says why); -KD_NOMEM.
 */
int kd_kexec_kernel_parse(uint8_t *file, size_t bytes, const char *name,
			  struct kd_kexec_kernel_file *ret, struct kd_err *err) KD_MUST_CHECK;
void kd_kexec_kernel_fini(struct kd_kexec_kernel_file *k);
int kd_kexec_elf_kernel_parse(struct kd_kexec_kernel_file *k, const char *name,
			      struct kd_err *err) KD_MUST_CHECK;

/* ---- place.c ---- */

struct kd_kexec_want {
	const char *name; /* for the message */
	uint64_t bytes;
	uint64_t align;
	uint64_t min; /* lowest first byte */
	uint64_t max; /* highest last byte */
	bool top_down;
};

/**
 * kd_kexec_place() - find whole pages for something and take them out of @free
 *
 * Return: 0; -KD_NOSPACE no hole is large enough (the message names the largest).
 */
int kd_kexec_place(struct kd_kexec_ranges *free, const struct kd_kexec_want *want, uint64_t *ret,
		   struct kd_err *err) KD_MUST_CHECK;

/* ---- memmap.c: what the new kernel may use ---- */

/**
 * kd_kexec_memmap_crash() - as crash_setup_memmap_entries() of Linux does
 * @crash: the reservation less what the capture kernel must not take (ELF core header, backup)
 *
 * RAM below 1 MiB, ACPI and reserved ranges, the low reservation where there are two, and @crash.
 */
int kd_kexec_memmap_crash(const struct kd_kexec_host *m, const struct kd_kexec_ranges *crash,
			  struct kd_kexec_ranges *ret, struct kd_err *err) KD_MUST_CHECK;

/** kd_kexec_memmap_regular() - the firmware's map, else what /proc/iomem shows of it */
int kd_kexec_memmap_regular(const struct kd_kexec_host *m, struct kd_kexec_ranges *ret,
			    struct kd_err *err) KD_MUST_CHECK;
const char *kd_kexec_memtype_name(uint32_t type);

/* ---- elfcorehdr.c ---- */

struct kd_kexec_elfcorehdr {
	const struct kd_kexec_host *machine;
	const struct kd_kexec_ranges *ram;   /* what the dump shall hold */
	struct kd_kexec_range backup_source; /* of it, saved elsewhere; end < start: nothing */
	uint64_t backup_paddr;
};

/**
 * kd_kexec_elfcorehdr() - the header of the dump, for elfcorehdr=
 * @out: empty; kd_buf_fini() also after a failure
 *
 * A note per CPU, vmcoreinfo, the kernel's own mapping, all RAM, in the order of
 * Linux crash_prepare_elf64_headers(); whole pages.
 *
 * Return: 0; -KD_NOTSUP more segments than a header holds; -KD_NOMEM.
 */
int kd_kexec_elfcorehdr(const struct kd_kexec_elfcorehdr *h, struct kd_buf *out,
			struct kd_err *err) KD_MUST_CHECK;

/* ---- bootparams.c ---- */

struct kd_kexec_boot {
	const struct kd_kexec_kernel_file *kernel;
	const struct kd_kexec_host *machine;
	const struct kd_kexec_ranges *memmap;
	const char *cmdline;
	uint64_t initrd_paddr, initrd_bytes; /* 0 bytes: none */
};

/** kd_kexec_boot_bytes() - how long the block will be, before its address is known */
uint64_t kd_kexec_boot_bytes(const struct kd_kexec_boot *b);

/**
 * kd_kexec_boot_params() - boot parameters, command line and what hangs on them
 * @paddr: where the block will lie
 * @out: empty; exactly kd_kexec_boot_bytes() are added; kd_buf_fini() also after a failure
 */
int kd_kexec_boot_params(const struct kd_kexec_boot *b, uint64_t paddr, struct kd_buf *out,
			 struct kd_err *err) KD_MUST_CHECK;

/* ---- file_load.c, classic.c ---- */

/** kd_kexec_check_system() - the ways every load can be refused by the system as it stands */
int kd_kexec_check_system(const struct kd_kexec_facts *facts, bool regular,
			  struct kd_err *err) KD_MUST_CHECK;
/** kd_kexec_explain() - cause and next step for an errno of either call; NULL: none known */
const char *kd_kexec_explain(int sys, const struct kd_kexec_facts *facts, bool regular);

/** kd_kexec_foretell() - fill in what preflight expects of a list; unknown facts are no error */
int kd_kexec_foretell(const struct kd_root *root, struct kd_kexec_image *image,
		      struct kd_err *err) KD_MUST_CHECK;

/* ---- purgatory_blob.c, serial.c ---- */

struct kd_kexec_purgatory {
	const uint8_t *image;
	size_t image_bytes;
	uint64_t mem_bytes; /* with its stack */
	uint64_t params_at;
};

/** kd_kexec_purgatory() - the blob of this build; -KD_NOTSUP on other architectures */
int kd_kexec_purgatory(struct kd_kexec_purgatory *ret, struct kd_err *err) KD_MUST_CHECK;

/** kd_kexec_serial_of() - first serial console of a command line; false: there is none */
bool kd_kexec_serial_of(const char *cmdline, struct kd_kexec_serial *ret);

#endif
