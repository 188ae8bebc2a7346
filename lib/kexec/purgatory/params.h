/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * params - what the loader tells the purgatory. Both sides are x86_64 and come from
 * the same build, so the struct itself is the format; the loader finds it by the
 * blob's header, which entry.S lays out.
 */
#ifndef KD_LIB_KEXEC_PURGATORY_PARAMS_H
#define KD_LIB_KEXEC_PURGATORY_PARAMS_H

#include <stdint.h>

enum {
	KD_PURGATORY_MAX_CHECKS = 16, /* as many as kexec_load(2) takes segments */
	KD_PURGATORY_NAME_BYTES = 16,
	KD_PURGATORY_SHA256_BYTES = 32,

	/* entry.S: code at 0, then three little-endian 64-bit words */
	KD_PURGATORY_HEADER_AT = 16,
	KD_PURGATORY_HEADER_BYTES = 24,
};

/* "kdpurga1": a blob with another layout of the struct below gets another number */
#define KD_PURGATORY_MAGIC 0x3161677275706b64ULL

enum kd_purgatory_refusal {
	KD_PURGATORY_RESET, /* after the message; what a crash image must do */
	KD_PURGATORY_HANG,  /* stop the processor: someone will read the screen */
};

/* Bytes that must still hash to what they did when they were loaded. */
struct kd_purgatory_check {
	uint64_t paddr;
	uint64_t len_bytes;
	uint8_t sha256[KD_PURGATORY_SHA256_BYTES];
	char name[KD_PURGATORY_NAME_BYTES]; /* NUL-terminated */
};

struct kd_purgatory_params {
	uint64_t entry_paddr;	    /* the kernel's 64-bit entry */
	uint64_t boot_params_paddr; /* for %rsi */
	/* Memory the new kernel will use before it can ask: copied aside; 0 bytes: none. */
	uint64_t backup_from_paddr;
	uint64_t backup_to_paddr;
	uint64_t backup_bytes;
	uint32_t refusal;      /* enum kd_purgatory_refusal */
	uint16_t uart_port;    /* I/O port of an 8250; 0: say nothing */
	uint16_t uart_divisor; /* 115200 / baud; 0: leave the line as the old kernel had it */
	uint32_t check_count;
	uint32_t pad;
	struct kd_purgatory_check checks[KD_PURGATORY_MAX_CHECKS];
};

#endif
