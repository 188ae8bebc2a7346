/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/console.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>

static int create(const char *dir, const char *name, int *ret, struct kd_err *err)
{
	KD_AUTO(kd_freep) char *path = NULL;
	int rc = kd_asprintf(&path, err, "%s/%s", dir, name);

	if (rc)
		return rc;
	*ret = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	return *ret < 0 ? kd_fail_sys(err, errno, "create %s", path) : 0;
}

int kd_lab_console_open(struct kd_lab_console *con, const char *dir, struct kd_err *err)
{
	con->log_fd = con->times_fd = -1;
	con->start_ms = kd_monotonic_ms();
	con->len = 0;
	con->bytes = 0;
	int rc = create(dir, "console.log", &con->log_fd, err);
	return rc ? rc : create(dir, "console.times", &con->times_fd, err);
}

void kd_lab_console_close(struct kd_lab_console *con)
{
	if (con->log_fd >= 0)
		close(con->log_fd);
	if (con->times_fd >= 0)
		close(con->times_fd);
	con->log_fd = con->times_fd = -1;
}

/* Removes terminal escape sequences (firmware and editors send them) and other control bytes. */
static void clean(char *line)
{
	char *to = line;

	for (const char *from = line; *from; from++) {
		if (*from == '\033' && from[1] == '[') {
			from += 2;
			while (*from && (*from < '@' || *from > '~'))
				from++;
			if (!*from)
				break;
			continue;
		}
		if ((unsigned char)*from >= ' ' || *from == '\t')
			*to++ = *from;
	}
	*to = '\0';
}

static int end_line(struct kd_lab_console *con, uint64_t now_ms, struct kd_err *err)
{
	struct timespec wall = { 0 };
	struct tm tm = { 0 };
	char stamp[32];
	KD_AUTO(kd_buf_fini) struct kd_buf text = { 0 };
	uint64_t since = now_ms - con->start_ms;

	con->line[con->len] = '\0';
	clean(con->line);
	con->len = 0;

	clock_gettime(CLOCK_REALTIME, &wall);
	gmtime_r(&wall.tv_sec, &tm);
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &tm);
	kd_buf_printf(&text, "%s.%03ldZ %6ju.%03u %s\n", stamp, wall.tv_nsec / 1000000,
		      (uintmax_t)since / 1000, (unsigned int)(since % 1000), con->line);
	if (text.bad)
		return kd_fail(err, KD_NOMEM, "no memory");
	int rc = kd_write_full(con->times_fd, text.p, text.len, "console.times", err);
	if (!rc && con->on_line)
		con->on_line(con->arg, con->line, now_ms);
	return rc;
}

int kd_lab_console_feed(struct kd_lab_console *con, const void *data, size_t len, uint64_t now_ms,
			struct kd_err *err)
{
	const char *p = data;
	int rc = kd_write_full(con->log_fd, data, len, "console.log", err);

	con->bytes += len;
	for (size_t i = 0; !rc && i < len; i++) {
		if (p[i] == '\n') {
			rc = end_line(con, now_ms, err);
			continue;
		}
		/* A NUL would hide the rest of its line from every reader. */
		if (p[i] != '\0')
			con->line[con->len++] = p[i];
		if (con->len == sizeof(con->line) - 1)
			rc = end_line(con, now_ms, err);
	}
	return rc;
}
