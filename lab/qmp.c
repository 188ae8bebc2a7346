/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/qmp.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <sys/socket.h>

static void json_freep(json_t **j)
{
	json_decref(*j);
}

int kd_lab_qmp_line(const char *line, size_t len, bool *greeting_ret, enum kd_lab_qmp_event *ret,
		    struct kd_err *err)
{
	json_error_t why;
	KD_AUTO(json_freep) json_t *top = json_loadb(line, len, 0, &why);

	*greeting_ret = false;
	*ret = KD_LAB_QMP_NONE;
	if (!top || !json_is_object(top))
		return kd_fail(err, KD_BADDATA, "QMP: not a JSON object: %.80s", line);
	if (json_object_get(top, "QMP")) {
		*greeting_ret = true;
		return 0;
	}
	const json_t *error = json_object_get(top, "error");
	if (error) {
		const char *desc = json_string_value(json_object_get(error, "desc"));
		return kd_fail(err, KD_BADDATA, "QMP: %s", desc ? desc : "an error without text");
	}

	const char *event = json_string_value(json_object_get(top, "event"));
	if (event && strcmp(event, "DUMP_COMPLETED") == 0) {
		const json_t *failed = json_object_get(json_object_get(top, "data"), "error");
		if (failed)
			return kd_fail(err, KD_SYS, "QEMU cannot dump the guest's memory: %s",
				       json_is_string(failed) ? json_string_value(failed) : "?");
		*ret = KD_LAB_QMP_DUMPED;
		return 0;
	}
	if (!event || !json_is_true(json_object_get(json_object_get(top, "data"), "guest")))
		return 0;
	if (strcmp(event, "RESET") == 0)
		*ret = KD_LAB_QMP_RESET;
	else if (strcmp(event, "SHUTDOWN") == 0)
		*ret = KD_LAB_QMP_SHUTDOWN;
	return 0;
}

static void send_command(struct kd_lab_qmp *qmp, const char *name)
{
	char text[64];
	int n = snprintf(text, sizeof(text), "{\"execute\":\"%s\"}\n", name);

	/* A QEMU that has ended is told by the end of its events, not here. */
	if (n > 0 && send(qmp->fd, text, (size_t)n, MSG_NOSIGNAL) < 0)
		return;
}

int kd_lab_qmp_dump(struct kd_lab_qmp *qmp, const char *path, struct kd_err *err)
{
	KD_AUTO(json_freep)
	json_t *top = json_pack("{s:s, s:{s:b, s:s+}}", "execute", "dump-guest-memory", "arguments",
				"paging", 0, "protocol", "file:", path);

	if (!top)
		return kd_fail(err, KD_USAGE, "%s: not a name QEMU can be told (UTF-8)", path);
	KD_AUTO(kd_freep) char *text = json_dumps(top, JSON_COMPACT);
	if (!text)
		return kd_fail(err, KD_NOMEM, "no memory");
	size_t len = strlen(text);
	text[len] = '\n'; /* the NUL is not sent */
	if (send(qmp->fd, text, len + 1, MSG_NOSIGNAL) != (ssize_t)len + 1)
		return kd_fail_sys(err, errno, "ask QEMU to dump the guest's memory");
	return 0;
}

void kd_lab_qmp_quit(struct kd_lab_qmp *qmp)
{
	if (qmp->fd >= 0)
		send_command(qmp, "quit");
}

/* Handles the whole lines in the buffer, up to the first event. */
static int take_line(struct kd_lab_qmp *qmp, enum kd_lab_qmp_event *ret, struct kd_err *err)
{
	*ret = KD_LAB_QMP_NONE;
	while (*ret == KD_LAB_QMP_NONE) {
		char *newline = memchr(qmp->line, '\n', qmp->len);
		bool greeting = false;
		if (!newline)
			return 0;
		size_t used = (size_t)(newline - qmp->line) + 1;
		*newline = '\0';
		int rc = kd_lab_qmp_line(qmp->line, used - 1, &greeting, ret, err);
		if (rc)
			return rc;
		if (greeting)
			send_command(qmp, "qmp_capabilities");
		qmp->len -= used;
		memmove(qmp->line, qmp->line + used, qmp->len);
	}
	return 0;
}

int kd_lab_qmp_next(struct kd_lab_qmp *qmp, enum kd_lab_qmp_event *ret, struct kd_err *err)
{
	for (;;) {
		int rc = take_line(qmp, ret, err);
		if (rc || *ret != KD_LAB_QMP_NONE)
			return rc;
		if (qmp->len == sizeof(qmp->line))
			return kd_fail(err, KD_BADDATA, "QMP: a line of more than %d bytes",
				       KD_LAB_QMP_LINE_BYTES);

		ssize_t n = read(qmp->fd, qmp->line + qmp->len, sizeof(qmp->line) - qmp->len);
		if (n > 0) {
			qmp->len += (size_t)n;
			continue;
		}
		if (n == 0 || errno == ECONNRESET) {
			*ret = KD_LAB_QMP_EOF;
			return 0;
		}
		if (errno == EAGAIN)
			return 0;
		if (errno != EINTR)
			return kd_fail_sys(err, errno, "read from QEMU's control channel");
	}
}
