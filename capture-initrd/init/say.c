/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "capture-initrd/init/internal.h"

#include <stdarg.h>
#include <string.h>

/* Text from a dump, a disk label or a collector must not steer the administrator's terminal. */
void kd_init_clean(char *text)
{
	for (unsigned char *p = (unsigned char *)text; *p; p++)
		if (*p < 0x20 || *p == 0x7f)
			*p = '?';
}

void kd_init_say(const struct kd_init *init, const char *fmt, ...)
{
	static const char prefix[] = "<6>kdumpkit: ";
	char line[sizeof(prefix) + KD_INIT_LINE_BYTES + 1];
	char *text = line + sizeof(prefix) - 1;

	memcpy(line, prefix, sizeof(prefix));
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(text, KD_INIT_LINE_BYTES, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	kd_init_clean(text);

	size_t len = strlen(line);
	line[len++] = '\n';
	/* One write is one record. Without /dev/kmsg the console is better than nothing. */
	if (write(init->kmsg_fd, line, len) < 0 && write(STDERR_FILENO, line + 3, len - 3) < 0)
		return; /* nobody left to tell */
}
