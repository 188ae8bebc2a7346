/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/gdb.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

enum { ANSWER_MS = 60000, CHUNK_BYTES = 512, PACKET_BYTES = 8192 };

/* What has come and is not yet looked at; empty between two requests. */
struct link {
	int fd;
	size_t at, len;
	char buf[4096];
};

static int send_all(int fd, const char *data, size_t len, struct kd_err *err)
{
	if (send(fd, data, len, MSG_NOSIGNAL) != (ssize_t)len)
		return kd_fail_sys(err, errno, "write to QEMU's debugger");
	return 0;
}

static int next_byte(struct link *l, char *ret, struct kd_err *err)
{
	struct pollfd p = { .fd = l->fd, .events = POLLIN };
	int n = 0;

	if (l->at < l->len) {
		*ret = l->buf[l->at++];
		return 0;
	}
	while ((n = poll(&p, 1, ANSWER_MS)) < 0 && errno == EINTR)
		;
	if (n == 0)
		return kd_fail(err, KD_SYS, "QEMU's debugger says nothing for %d s",
			       ANSWER_MS / 1000);
	ssize_t got = n < 0 ? -1 : recv(l->fd, l->buf, sizeof(l->buf), 0);
	if (got <= 0)
		return kd_fail(err, KD_SYS, "QEMU's debugger is gone");
	l->len = (size_t)got;
	l->at = 1;
	*ret = l->buf[0];
	return 0;
}

/*
 * "$text#xx": the text, cut to fit; everything before the dollar is acknowledgement. None
 * is sent: the channel loses nothing, QEMU takes the next packet for one (gdbstub.c,
 * gdb_read_byte), and it reads none while it talks, so that many would not fit.
 */
static int get_packet(struct link *l, char *text, size_t size, struct kd_err *err)
{
	size_t len = 0;
	char c = 0;
	int rc = 0;

	while (!rc && c != '$')
		rc = next_byte(l, &c, err);
	while (!rc && !(rc = next_byte(l, &c, err)) && c != '#')
		if (len + 1 < size)
			text[len++] = c;
	text[len] = '\0';
	for (int i = 0; !rc && i < 2; i++) /* the sum */
		rc = next_byte(l, &c, err);
	return rc;
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

static int refused(const char *answer, const char *text, struct kd_err *err)
{
	return kd_fail(err, KD_SYS, "QEMU's debugger answers '%.64s' to '%.32s'", answer, text);
}

static int command(struct link *l, const char *text, struct kd_err *err)
{
	char answer[64] = "";
	int rc = put_packet(l->fd, text, err);

	if (!rc)
		rc = get_packet(l, answer, sizeof(answer), err);
	return !rc && strcmp(answer, "OK") != 0 ? refused(answer, text, err) : rc;
}

/* A break stops the machine, which is told. */
static int stop(struct link *l, struct kd_err *err)
{
	char stopped[128];
	int rc = send_all(l->fd, "\x03", 1, err);

	return rc ? rc : get_packet(l, stopped, sizeof(stopped), err);
}

static int resume(struct link *l, struct kd_err *err)
{
	return put_packet(l->fd, "c", err);
}

static int write_chunk(struct link *l, uint64_t paddr, const uint8_t *data, uint64_t len,
		       struct kd_err *err)
{
	char text[2 * CHUNK_BYTES + 64];
	int at = snprintf(text, sizeof(text), "M%jx,%jx:", (uintmax_t)paddr, (uintmax_t)len);

	for (uint64_t i = 0; i < len; i++)
		at += snprintf(text + at, sizeof(text) - (size_t)at, "%02x", data[i]);
	return command(l, text, err);
}

/* @step bytes further in @data for each chunk: 0 writes the same one again and again. */
static int write_physical(struct link *l, uint64_t paddr, const uint8_t *data, size_t step,
			  uint64_t len, struct kd_err *err)
{
	int rc = command(l, "Qqemu.PhyMemMode:1", err);

	for (uint64_t at = 0, n = 0; !rc && at < len; at += n, data += step) {
		n = len - at < CHUNK_BYTES ? len - at : CHUNK_BYTES;
		rc = write_chunk(l, paddr + at, data, n, err);
	}
	return rc ? rc : command(l, "Qqemu.PhyMemMode:0", err);
}

int kd_lab_gdb_fill(int fd, uint64_t paddr, uint64_t len, uint8_t byte, struct kd_err *err)
{
	struct link l = { .fd = fd };
	uint8_t data[CHUNK_BYTES];

	if (len > KD_LAB_GDB_FILL_MAX)
		return kd_fail(err, KD_USAGE,
			       "the guest wants %ju bytes overwritten; %d are allowed",
			       (uintmax_t)len, KD_LAB_GDB_FILL_MAX);
	memset(data, byte, sizeof(data));
	int rc = stop(&l, err);
	if (!rc)
		rc = write_physical(&l, paddr, data, 0, len, err);
	return rc ? rc : resume(&l, err);
}

/* ---- QEMU's monitor: its command and what it prints are hexadecimal ---- */

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int add_hex(struct kd_buf *said, const char *hex, struct kd_err *err)
{
	for (; hex[0]; hex += 2) {
		int high = hex_digit(hex[0]), low = high < 0 ? -1 : hex_digit(hex[1]);
		if (low < 0)
			return kd_fail(err, KD_BADDATA, "QEMU's debugger says '%.32s'", hex);
		kd_buf_add(said, &(char){ (char)(high << 4 | low) }, 1);
	}
	if (said->bad)
		return kd_fail(err, KD_NOMEM, "no memory");
	return said->len > KD_LAB_GDB_SAID_MAX
		       ? kd_fail(err, KD_SYS, "QEMU's monitor does not stop talking")
		       : 0;
}

static int monitor(struct link *l, const char *text, struct kd_buf *said, struct kd_err *err)
{
	char packet[128], answer[PACKET_BYTES] = "";
	int at = snprintf(packet, sizeof(packet), "qRcmd,");

	for (const char *p = text; *p; p++)
		at += snprintf(packet + at, sizeof(packet) - (size_t)at, "%02x", (uint8_t)*p);
	int rc = put_packet(l->fd, packet, err);
	/* "O" and what it prints, any number of times; then "OK" */
	while (!rc && !(rc = get_packet(l, answer, sizeof(answer), err)) && answer[0] == 'O' &&
	       answer[1] != 'K')
		rc = add_hex(said, answer + 1, err);
	return !rc && strcmp(answer, "OK") != 0 ? refused(answer, text, err) : rc;
}

/* A line of "info tlb". */
struct leaf {
	uint64_t vaddr, paddr;
	bool large; /* 2 MiB or 1 GiB */
	bool writable;
};

/* "VADDR: PADDR XGPDACTUW", a flag that is not set a '-' (QEMU target/i386/monitor.c, print_pte) */
static int take_leaf(const char **at, struct leaf *ret, struct kd_err *err)
{
	unsigned long long vaddr = 0, paddr = 0;
	char flags[11] = "";
	const char *line = *at;
	size_t len = strcspn(line, "\r\n");

	if (sscanf(line, "%llx: %llx %10s", &vaddr, &paddr, flags) != 3 || strlen(flags) != 9 ||
	    !memchr("-P", flags[2], 2) || !memchr("-W", flags[8], 2))
		return kd_fail(err, KD_BADDATA, "QEMU's 'info tlb' says '%.*s'", (int)len, line);
	*ret = (struct leaf){ .vaddr = vaddr,
			      .paddr = paddr,
			      .large = flags[2] == 'P',
			      .writable = flags[8] == 'W' };
	*at = line + len + strspn(line + len, "\r\n");
	return 0;
}

/* Which of the large sizes is not said: 1 GiB where it fits and nothing else begins in it. */
static uint64_t size_of(const struct leaf *leaf, const struct leaf *next)
{
	enum { SMALL = 4 << 10, LARGE = 2 << 20, HUGE = 1 << 30 };

	if (!leaf->large)
		return SMALL;
	return (leaf->vaddr | leaf->paddr) % HUGE == 0 && next->vaddr - leaf->vaddr >= HUGE ? HUGE
											    : LARGE;
}

static uint64_t overlap(uint64_t start, uint64_t size, uint64_t vaddr, uint64_t len)
{
	uint64_t from = start > vaddr ? start : vaddr;
	uint64_t last = start + (size - 1), vlast = vaddr + (len - 1);
	uint64_t to = last < vlast ? last : vlast;

	return from <= to ? to - from + 1 : 0;
}

int kd_lab_gdb_mapped(const char *info_tlb, uint64_t vaddr, uint64_t len, struct kd_lab_mapped *ret,
		      struct kd_err *err)
{
	struct leaf leaf, next;
	const char *at = info_tlb;
	int rc = 0;

	*ret = (struct kd_lab_mapped){ 0 };
	if (!len || vaddr > UINT64_MAX - (len - 1))
		return kd_fail(err, KD_BADDATA, "0x%jx and 0x%jx are no address and length",
			       (uintmax_t)vaddr, (uintmax_t)len);
	for (bool more = *at && !(rc = take_leaf(&at, &leaf, err)); more; leaf = next) {
		next = (struct leaf){ .vaddr = UINT64_MAX };
		more = *at;
		if (more && (rc = take_leaf(&at, &next, err)))
			break;
		uint64_t n = overlap(leaf.vaddr, size_of(&leaf, &next), vaddr, len);
		ret->mapped += n;
		ret->writable += leaf.writable ? n : 0;
	}
	return rc;
}

int kd_lab_gdb_tell_writable(int fd, uint64_t vaddr, uint64_t len, uint64_t answer,
			     struct kd_err *err)
{
	KD_AUTO(kd_buf_fini) struct kd_buf said = { 0 };
	struct link l = { .fd = fd };
	struct kd_lab_mapped m;
	char text[100];
	int rc = stop(&l, err);

	if (!rc)
		rc = monitor(&l, "info tlb", &said, err);
	if (!rc)
		rc = kd_lab_gdb_mapped(said.len ? said.p : "", vaddr, len, &m, err);
	if (rc)
		return rc;
	int n = snprintf(text, sizeof(text), "%ju bytes mapped, %ju writable", (uintmax_t)m.mapped,
			 (uintmax_t)m.writable);
	rc = write_physical(&l, answer, (const uint8_t *)text, CHUNK_BYTES, (uint64_t)n + 1, err);
	return rc ? rc : resume(&l, err);
}
