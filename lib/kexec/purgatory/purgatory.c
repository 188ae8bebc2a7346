/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What runs between the two kernels. The old one is gone, the new one not started:
 * nobody else is there to tell that an image was damaged while it lay in memory.
 *
 * Runs at any address, on page tables of the old kernel that map memory one to one,
 * without interrupts and without an IDT (Linux v6.12, relocate_kernel_64.S). No pointers
 * in data: nothing here is relocated.
 */
#include "lib/kexec/purgatory/params.h"
#include "lib/kexec/purgatory/sha256.h"

#include <stddef.h>

/* Written by the loader, so read as the compiler cannot know it. */
__attribute__((section(".params"), used)) volatile struct kd_purgatory_params kd_purgatory_params;

/* Called by entry.S; returns only if the kernel may be started. */
void kd_purgatory_main(void);

/* The compiler may put calls of these in place of loops and assignments. */
void *memcpy(void *to, const void *from, size_t len);
void *memset(void *to, int value, size_t len);

void *memcpy(void *to, const void *from, size_t len)
{
	void *at = to;

	__asm__ volatile("rep movsb" : "+D"(at), "+S"(from), "+c"(len) : : "memory");
	return to;
}

void *memset(void *to, int value, size_t len)
{
	void *at = to;

	__asm__ volatile("rep stosb" : "+D"(at), "+c"(len) : "a"(value) : "memory");
	return to;
}

static void out8(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static uint8_t in8(uint16_t port)
{
	uint8_t value = 0;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

/* ---- the serial line: registers of an 8250 ---- */

enum {
	UART_DATA = 0,
	UART_DIVISOR_LOW = 0,
	UART_DIVISOR_HIGH = 1,
	UART_INTERRUPTS = 1,
	UART_LINE = 3,
	UART_STATUS = 5,

	LINE_8N1 = 0x03,
	LINE_DIVISOR_ACCESS = 0x80,
	STATUS_MAY_SEND = 0x20,
	STATUS_ALL_SENT = 0x40,

	/* A character takes 1.1 ms at 9600 baud; a port read about 1 us. */
	PATIENCE = 100000,
};

static void wait_for(uint16_t port, uint8_t bit)
{
	for (unsigned int i = 0; i < PATIENCE && !(in8(port + UART_STATUS) & bit); i++)
		__asm__ volatile("pause");
}

static void uart_init(void)
{
	uint16_t port = kd_purgatory_params.uart_port;
	uint16_t divisor = kd_purgatory_params.uart_divisor;

	if (!port || !divisor)
		return;
	wait_for(port, STATUS_ALL_SENT);
	out8(port + UART_INTERRUPTS, 0);
	out8(port + UART_LINE, LINE_8N1 | LINE_DIVISOR_ACCESS);
	out8(port + UART_DIVISOR_LOW, (uint8_t)divisor);
	out8(port + UART_DIVISOR_HIGH, (uint8_t)(divisor >> 8));
	out8(port + UART_LINE, LINE_8N1);
}

static void put_char(char c)
{
	uint16_t port = kd_purgatory_params.uart_port;

	if (!port)
		return;
	wait_for(port, STATUS_MAY_SEND);
	out8(port + UART_DATA, (uint8_t)c);
}

static void put(const char *text)
{
	for (; *text; text++)
		put_char(*text);
}

static void put_name(const volatile char *name)
{
	for (unsigned int i = 0; i < KD_PURGATORY_NAME_BYTES && name[i]; i++)
		put_char(name[i]);
}

static void put_hex(uint64_t value)
{
	int shift = 60;

	while (shift > 0 && !(value >> shift))
		shift -= 4;
	put("0x");
	for (; shift >= 0; shift -= 4) {
		unsigned int digit = value >> shift & 0xf;
		put_char((char)(digit < 10 ? '0' + digit : 'a' + digit - 10));
	}
}

static void put_number(uint32_t value)
{
	if (value >= 10)
		put_number(value / 10);
	put_char((char)('0' + value % 10));
}

/* ---- the ways out ---- */

static void pause_ports(void)
{
	for (unsigned int i = 0; i < PATIENCE; i++)
		in8(0x80);
}

/* The reset register of chipsets, the keyboard controller, then a fault nobody can handle. */
static __attribute__((noreturn)) void reset(void)
{
	static const struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) no_idt = { 0 };

	out8(0xcf9, 0x02);
	out8(0xcf9, 0x06);
	pause_ports();
	out8(0x64, 0xfe);
	pause_ports();
	__asm__ volatile("lidt %0\n\tint3" : : "m"(no_idt));
	for (;;)
		__asm__ volatile("hlt");
}

static __attribute__((noreturn)) void refuse(const volatile struct kd_purgatory_check *check)
{
	uint32_t refusal = kd_purgatory_params.refusal;
	uint16_t port = kd_purgatory_params.uart_port;

	put("\r\nkdumpkit purgatory: the segment ");
	put_name(check->name);
	put(" at ");
	put_hex(check->paddr);
	put(", ");
	put_hex(check->len_bytes);
	put(" bytes, is not what was loaded (SHA-256 differs): not starting the kernel, ");
	put(refusal == KD_PURGATORY_HANG ? "stopped\r\n" : "resetting the machine\r\n");
	if (port)
		wait_for(port, STATUS_ALL_SENT);
	if (refusal != KD_PURGATORY_HANG)
		reset();
	for (;;)
		__asm__ volatile("cli\n\thlt");
}

static int is_intact(const volatile struct kd_purgatory_check *check)
{
	uint8_t digest[KD_PURGATORY_SHA256_BYTES];
	uint8_t differs = 0;

	kd_purgatory_sha256((const uint8_t *)check->paddr, check->len_bytes, digest);
	for (unsigned int i = 0; i < sizeof(digest); i++)
		differs |= digest[i] ^ check->sha256[i];
	return !differs;
}

void kd_purgatory_main(void)
{
	uint32_t count = kd_purgatory_params.check_count;

	if (count > KD_PURGATORY_MAX_CHECKS)
		count = KD_PURGATORY_MAX_CHECKS;
	uart_init();
	for (uint32_t i = 0; i < count; i++)
		if (!is_intact(&kd_purgatory_params.checks[i]))
			refuse(&kd_purgatory_params.checks[i]);
	memcpy((void *)kd_purgatory_params.backup_to_paddr,
	       (const void *)kd_purgatory_params.backup_from_paddr,
	       kd_purgatory_params.backup_bytes);
	put("\r\nkdumpkit purgatory: ");
	put_number(count);
	put(" segments verified, starting the kernel\r\n");
}
