/* SPDX-License-Identifier: GPL-2.0-or-later */
/* console= of a kernel command line, as far as an 8250 at an I/O port is meant. */
#include "lib/kexec/internal.h"

#include <string.h>

enum { UART_CLOCK_BAUD = 115200 };

/* The four ports every PC has had at the same place (Linux asm/serial.h). */
static const uint16_t standard_ports[] = { 0x3f8, 0x2f8, 0x3e8, 0x2e8 };

/* ",115200n8": digits until something else; nothing or nonsense leaves the line alone. */
static uint16_t divisor_of(const char *text, size_t len)
{
	unsigned long baud = 0;

	for (size_t i = 1; i < len && i <= 7 && text[i] >= '0' && text[i] <= '9'; i++)
		baud = baud * 10 + (unsigned long)(text[i] - '0');
	if (len == 0 || text[0] != ',' || baud < 2 || baud > UART_CLOCK_BAUD)
		return 0;
	return (uint16_t)(UART_CLOCK_BAUD / baud);
}

/* "ttyS0,115200n8", "uart8250,io,0x3f8,115200" */
static bool parse_console(const char *word, size_t len, struct kd_kexec_serial *ret)
{
	static const char *const prefixes[] = { "uart8250,io,", "uart,io," };
	const char *end = NULL;
	uint64_t port = 0;

	if (len >= 5 && memcmp(word, "ttyS", 4) == 0 && word[4] >= '0' &&
	    word[4] < '0' + (int)KD_ARRAY_LEN(standard_ports) && (len == 5 || word[5] == ',')) {
		*ret = (struct kd_kexec_serial){ standard_ports[word[4] - '0'],
						 divisor_of(word + 5, len - 5) };
		return true;
	}
	for (size_t i = 0; i < KD_ARRAY_LEN(prefixes); i++) {
		size_t n = strlen(prefixes[i]);
		if (len <= n || memcmp(word, prefixes[i], n) != 0 ||
		    !kd_hex(word + n, &end, &port) || end > word + len || port == 0 ||
		    port > UINT16_MAX)
			continue;
		*ret = (struct kd_kexec_serial){ (uint16_t)port,
						 divisor_of(end, (size_t)(word + len - end)) };
		return true;
	}
	return false;
}

bool kd_kexec_serial_of(const char *cmdline, struct kd_kexec_serial *ret)
{
	static const char key[] = "console=";
	const size_t key_len = sizeof(key) - 1;

	for (const char *p = cmdline; *p; p += strspn(p, " \t\n")) {
		size_t len = strcspn(p, " \t\n");
		if (len > key_len && memcmp(p, key, key_len) == 0 &&
		    parse_console(p + key_len, len - key_len, ret))
			return true;
		p += len;
	}
	return false;
}
