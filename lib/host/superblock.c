/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is on a block device: udev's record of it where there is one (it needs no
 * privilege and is there in captured trees), else libblkid on the device itself.
 */
#include "lib/host/internal.h"

#include <blkid/blkid.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sysmacros.h>

enum { MAX_RECORD_BYTES = 1 << 20 };

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* udev's *_ENC values write what is not plain ASCII as \xHH. In place; a NUL ends it. */
static void decode(char *text)
{
	char *out = text;

	for (const char *in = text; *in; out++) {
		int high = in[0] == '\\' && in[1] == 'x' ? hex_digit(in[2]) : -1;
		int low = high >= 0 ? hex_digit(in[3]) : -1;
		if (low >= 0) {
			*out = (char)(high << 4 | low);
			in += 4;
		} else {
			*out = *in++;
		}
	}
	*out = '\0';
}

/* The value behind @key at the start of a line becomes *field unless that is set already. */
static int take(const char *line, size_t len, const char *key, char **field, struct kd_err *err)
{
	size_t key_len = strlen(key);

	if (*field || len <= key_len || memcmp(line, key, key_len) != 0)
		return 0;
	char *value = strndup(line + key_len, len - key_len);
	if (!value)
		return kd_fail(err, KD_NOMEM, "no memory");
	decode(value);
	*field = value;
	return 0;
}

struct field {
	const char *key;
	char **to;
};

static int read_fields(const struct kd_root *root, const char *path, const struct field *fields,
		       size_t count, struct kd_err *err)
{
	KD_AUTO(kd_freep) char *text = NULL;
	struct kd_err why = { 0 };
	size_t len = 0, line_len = 0;
	const char *line = NULL;
	int rc = kd_root_read(root, path, MAX_RECORD_BYTES, &text, &len, &why);

	/* No record, or not for us: the facts in it stay unknown. */
	if (rc)
		return rc == -KD_NOMEM ? kd_fail(err, KD_NOMEM, "no memory for %s", path) : 0;
	struct kd_cursor c = { .p = (const uint8_t *)text, .end = (const uint8_t *)text + len };
	while ((line = kd_cursor_line(&c, &line_len))) {
		for (size_t i = 0; i < count; i++) {
			rc = take(line, line_len, fields[i].key, fields[i].to, err);
			if (rc)
				return rc;
		}
	}
	return 0;
}

static int from_udev(const struct kd_root *root, struct kd_host_device *dev, struct kd_err *err)
{
	/* The plain variants have other characters replaced by '_': only where _ENC is missing. */
	KD_AUTO(kd_freep) char *plain_uuid = NULL;
	KD_AUTO(kd_freep) char *plain_label = NULL;
	KD_AUTO(kd_freep) char *path = NULL;
	const struct field fields[] = {
		{ "E:ID_FS_TYPE=", &dev->fstype },
		{ "E:ID_FS_UUID_ENC=", &dev->fs_uuid },
		{ "E:ID_FS_UUID=", &plain_uuid },
		{ "E:ID_FS_LABEL_ENC=", &dev->fs_label },
		{ "E:ID_FS_LABEL=", &plain_label },
		{ "E:ID_PART_ENTRY_UUID=", &dev->part_uuid },
		{ "E:ID_PART_ENTRY_NAME=", &dev->part_label },
	};
	int rc = kd_asprintf(&path, err, "/run/udev/data/b%u:%u", dev->major, dev->minor);

	if (!rc)
		rc = read_fields(root, path, fields, KD_ARRAY_LEN(fields), err);
	if (rc)
		return rc;
	if (!dev->fs_uuid)
		dev->fs_uuid = KD_STEAL(plain_uuid);
	if (!dev->fs_label)
		dev->fs_label = KD_STEAL(plain_label);
	return 0;
}

static int from_uevent(const struct kd_root *root, const char *sysdir, struct kd_host_device *dev,
		       struct kd_err *err)
{
	KD_AUTO(kd_freep) char *path = NULL;
	const struct field fields[] = {
		{ "PARTUUID=", &dev->part_uuid }, /* newer kernels only */
		{ "PARTNAME=", &dev->part_label },
	};
	int rc = kd_asprintf(&path, err, "%s/uevent", sysdir);

	return rc ? rc : read_fields(root, path, fields, KD_ARRAY_LEN(fields), err);
}

static void free_probep(blkid_probe *probe)
{
	blkid_free_probe(*probe);
}

static int take_value(blkid_probe probe, const char *name, char **field, struct kd_err *err)
{
	const char *value = NULL;

	if (*field || blkid_probe_lookup_value(probe, name, &value, NULL) || !value || !*value)
		return 0;
	return kd_strdup(field, value, err);
}

static int run_probe(int fd, bool partitions, struct kd_host_device *dev, struct kd_err *err)
{
	KD_AUTO(free_probep) blkid_probe probe = blkid_new_probe();

	if (!probe)
		return kd_fail(err, KD_NOMEM, "no memory");
	if (blkid_probe_set_device(probe, fd, 0, 0))
		return 0; /* an empty drive, or it went away: nothing is known of it */
	blkid_probe_enable_superblocks(probe, 1);
	blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_TYPE | BLKID_SUBLKS_UUID |
							 BLKID_SUBLKS_LABEL);
	if (partitions) {
		blkid_probe_enable_partitions(probe, 1);
		blkid_probe_set_partitions_flags(probe, BLKID_PARTS_ENTRY_DETAILS);
	}
	/* 1: nothing found; -2: several file systems at once, so none can be named. */
	if (blkid_do_safeprobe(probe) != 0)
		return 0;

	int rc = take_value(probe, "TYPE", &dev->fstype, err);
	if (!rc)
		rc = take_value(probe, "UUID", &dev->fs_uuid, err);
	if (!rc)
		rc = take_value(probe, "LABEL", &dev->fs_label, err);
	if (!rc)
		rc = take_value(probe, "PART_ENTRY_UUID", &dev->part_uuid, err);
	if (!rc)
		rc = take_value(probe, "PART_ENTRY_NAME", &dev->part_label, err);
	return rc;
}

static int from_device(const struct kd_root *root, struct kd_host_device *dev, bool *unreadable,
		       struct kd_err *err)
{
	struct kd_err why = { 0 };
	struct stat st = { 0 };
	/* Without O_NONBLOCK opening an empty CD drive waits for a disc. */
	KD_AUTO(kd_closep)
	int fd = kd_root_openat(root, dev->devnode, O_RDONLY | O_NONBLOCK, 0, &why);

	if (fd < 0) {
		if (unreadable)
			*unreadable = true;
		return fd == -KD_NOMEM ? kd_fail(err, KD_NOMEM, "no memory") : 0;
	}
	bool is_node = fstat(fd, &st) == 0 && S_ISBLK(st.st_mode) &&
		       st.st_rdev == makedev(dev->major, dev->minor);
	bool is_image = S_ISREG(st.st_mode) && !kd_root_is_host(root);
	if (!is_node && !is_image)
		return 0;
	/* For a partition's table entry libblkid reads this machine's /sys, whatever the root. */
	return run_probe(fd, kd_root_is_host(root), dev, err);
}

int kd_host_superblock(const struct kd_root *root, const char *sysdir, struct kd_host_device *dev,
		       bool *unreadable, struct kd_err *err)
{
	int rc = from_udev(root, dev, err);

	if (!rc)
		rc = from_uevent(root, sysdir, dev, err);
	if (!rc && !dev->fstype)
		rc = from_device(root, dev, unreadable, err);
	return rc;
}
