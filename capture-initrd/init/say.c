/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "capture-initrd/init/internal.h"

#include <errno.h>
#include <fcntl.h>
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

void kd_init_mark(const struct kd_init *init, const char *word)
{
	if (!init->root)
		return;
	KD_AUTO(kd_closep)
	int fd = kd_root_openat(init->root, "/sys/kernel/crash_trail/mark", O_WRONLY, 0, NULL);

	if (fd >= 0 && write(fd, word, strlen(word)) < 0)
		kd_init_say(init, "trail: mark '%s' not left: %s", word, strerror(errno));
}

void kd_init_mark_outcome(const struct kd_init *init, enum kd_outcome outcome)
{
	/* kd_outcome_name() has names too long for a mark. */
	static const char *const words[] = {
		[KD_OUTCOME_SAVED] = "saved",
		[KD_OUTCOME_TRUNCATED] = "partial",
		[KD_OUTCOME_DMESG_ONLY] = "dmesg",
		[KD_OUTCOME_FAILED] = "failed",
	};

	/* The worker wrote it, whatever state it was in. */
	kd_init_mark(init, (size_t)outcome < KD_ARRAY_LEN(words) ? words[outcome] : "failed");
}
