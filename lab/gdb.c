/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/gdb.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

enum { ANSWER_MS = 60000, CHUNK_BYTES = 512, PACKET_BYTES = 2 * CHUNK_BYTES + 64 };

static int send_all(int fd, const char *data, size_t len, struct kd_err *err)
{
	if (send(fd, data, len, MSG_NOSIGNAL) != (ssize_t)len)
		return kd_fail_sys(err, errno, "write to QEMU's debugger");
	return 0;
}

static int next_byte(int fd, char *ret, struct kd_err *err)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int n = 0;

	while ((n = poll(&p, 1, ANSWER_MS)) < 0 && errno == EINTR)
		;
	if (n == 0)
		return kd_fail(err, KD_SYS, "QEMU's debugger says nothing for %d s",
			       ANSWER_MS / 1000);
	if (n < 0 || recv(fd, ret, 1, 0) != 1)
		return kd_fail(err, KD_SYS, "QEMU's debugger is gone");
	return 0;
}

/* "$text#xx": the text, cut to fit; everything before the dollar is acknowledgement. */
static int get_packet(int fd, char *text, size_t size, struct kd_err *err)
{
	size_t len = 0;
	char c = 0;
	int rc = 0;

	while (!rc && c != '$')
		rc = next_byte(fd, &c, err);
	while (!rc && !(rc = next_byte(fd, &c, err)) && c != '#')
		if (len + 1 < size)
			text[len++] = c;
	text[len] = '\0';
	for (int i = 0; !rc && i < 2; i++) /* the sum: the channel loses nothing */
		rc = next_byte(fd, &c, err);
	return rc ? rc : send_all(fd, "+", 1, err);
}

static int put_packet(int fd, const char *text, struct kd_err *err)
{
	char packet[PACKET_BYTES + 8];
	uint8_t sum = 0;

	for (const char *p = text; *p; p++)
		sum += (uint8_t)*p;
	int n = snprintf(packet, sizeof(packet), "$%s#%02x", text, sum);
	return send_all(fd, packet, (size_t)n, err);
}

static int command(int fd, const char *text, struct kd_err *err)
{
	char answer[64];
	int rc = put_packet(fd, text, err);

	if (!rc)
		rc = get_packet(fd, answer, sizeof(answer), err);
	if (!rc && strcmp(answer, "OK") != 0)
		rc = kd_fail(err, KD_SYS, "QEMU's debugger answers '%s' to '%.32s'", answer, text);
	return rc;
}

static int fill_chunk(int fd, uint64_t paddr, uint64_t len, uint8_t byte, struct kd_err *err)
{
	char text[PACKET_BYTES];
	int at = snprintf(text, sizeof(text), "M%jx,%jx:", (uintmax_t)paddr, (uintmax_t)len);

	for (uint64_t i = 0; i < len; i++)
		at += snprintf(text + at, sizeof(text) - (size_t)at, "%02x", byte);
	return command(fd, text, err);
}

int kd_lab_gdb_fill(int fd, uint64_t paddr, uint64_t len, uint8_t byte, struct kd_err *err)
{
	char stopped[128];

	if (len > KD_LAB_GDB_FILL_MAX)
		return kd_fail(err, KD_USAGE,
			       "the guest wants %ju bytes overwritten; %d are allowed",
			       (uintmax_t)len, KD_LAB_GDB_FILL_MAX);
	/* A break stops the machine, which is told; then addresses are to be physical ones. */
	int rc = send_all(fd, "\x03", 1, err);
	if (!rc)
		rc = get_packet(fd, stopped, sizeof(stopped), err);
	if (!rc)
		rc = command(fd, "Qqemu.PhyMemMode:1", err);
	for (uint64_t at = 0, n = 0; !rc && at < len; at += n) {
		n = len - at < CHUNK_BYTES ? len - at : CHUNK_BYTES;
		rc = fill_chunk(fd, paddr + at, n, byte, err);
	}
	if (!rc)
		rc = command(fd, "Qqemu.PhyMemMode:0", err);
	return rc ? rc : put_packet(fd, "c", err);
}
