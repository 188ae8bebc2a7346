/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Block devices by name, by number, by what is on them. */
#include "lib/host/internal.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/sysmacros.h>

void kd_host_device_fini(struct kd_host_device *device)
{
	free(device->name);
	free(device->disk);
	free(device->devnode);
	free(device->fstype);
	free(device->fs_uuid);
	free(device->fs_label);
	free(device->part_uuid);
	free(device->part_label);
	free(device->serial);
	free(device->wwid);
	*device = (struct kd_host_device){ 0 };
}

int kd_host_block_dir(const struct kd_root *root, unsigned int major, unsigned int minor,
		      char **ret, struct kd_err *err)
{
	KD_AUTO(kd_freep) char *path = NULL;
	struct kd_err why = { 0 };
	int rc = kd_asprintf(&path, err, "/sys/dev/block/%u:%u", major, minor);

	if (rc)
		return rc;
	rc = kd_root_realpath(root, path, ret, &why);
	if (!rc)
		return 0;
	if (why.sys == ENOENT)
		return kd_fail(err, KD_USAGE,
			       "there is no block device %u:%u (%s%s does not exist)", major, minor,
			       kd_root_prefix(root), path);
	if (err)
		*err = why;
	return rc;
}

static int parse_dev(const char *text, unsigned int *major, unsigned int *minor)
{
	char end = 0;

	return text && sscanf(text, "%u:%u%c", major, minor, &end) == 2 ? 0 : -1;
}

/* "cciss!c0d0" in sysfs is /dev/cciss/c0d0, and back. */
static void swap_chars(char *text, char from, char to)
{
	for (; *text; text++)
		if (*text == from)
			*text = to;
}

static int fill_names(const struct kd_root *root, const char *sysdir, struct kd_host_device *dev,
		      struct kd_err *err)
{
	KD_AUTO(kd_freep) char *diskdir = NULL;
	int rc = kd_strdup(&dev->name, kd_host_base(sysdir), err);

	if (!rc)
		rc = kd_asprintf(&dev->devnode, err, "/dev/%s", dev->name);
	if (rc)
		return rc;
	swap_chars(dev->devnode, '!', '/');

	if (kd_host_has(root, sysdir, "partition"))
		rc = kd_host_parent(sysdir, &diskdir, err);
	else
		rc = kd_strdup(&diskdir, sysdir, err);
	if (!rc)
		rc = kd_strdup(&dev->disk, kd_host_base(diskdir), err);
	/* virtio-blk has the serial at the disk; SCSI, NVMe and MMC at the device behind it. */
	if (!rc)
		rc = kd_host_try_line(root, diskdir, "serial", &dev->serial, err);
	if (!rc && !dev->serial)
		rc = kd_host_try_line(root, diskdir, "device/serial", &dev->serial, err);
	if (!rc)
		rc = kd_host_try_line(root, diskdir, "wwid", &dev->wwid, err);
	if (!rc && !dev->wwid)
		rc = kd_host_try_line(root, diskdir, "device/wwid", &dev->wwid, err);
	return rc;
}

static int fill(const struct kd_root *root, const char *sysdir, struct kd_host_device *ret,
		bool *unreadable, struct kd_err *err)
{
	KD_AUTO(kd_host_device_fini) struct kd_host_device dev = { 0 };
	KD_AUTO(kd_freep) char *number = NULL;
	int rc = kd_host_try_line(root, sysdir, "dev", &number, err);

	if (rc)
		return rc;
	if (parse_dev(number, &dev.major, &dev.minor))
		return kd_fail(err, KD_BADDATA, "%s%s/dev: no device number there",
			       kd_root_prefix(root), sysdir);
	rc = fill_names(root, sysdir, &dev, err);
	if (!rc)
		rc = kd_host_superblock(root, sysdir, &dev, unreadable, err);
	if (rc)
		return rc;
	*ret = dev;
	dev = (struct kd_host_device){ 0 };
	return 0;
}

int kd_host_device_by_number(const struct kd_root *root, unsigned int major, unsigned int minor,
			     struct kd_host_device *ret, struct kd_err *err)
{
	KD_AUTO(kd_freep) char *sysdir = NULL;
	int rc = kd_host_block_dir(root, major, minor, &sysdir, err);

	return rc ? rc : fill(root, sysdir, ret, NULL, err);
}

/* ---- by path ---- */

static int by_path(const struct kd_root *root, const char *spec, struct kd_host_device *ret,
		   struct kd_err *err)
{
	KD_AUTO(kd_freep) char *real = NULL;
	KD_AUTO(kd_freep) char *link = NULL;
	KD_AUTO(kd_freep) char *sysdir = NULL;
	struct stat st = { 0 };
	struct kd_err why = { 0 };
	int rc = kd_host_canonical(root, spec, &real, err);

	if (rc)
		return rc;
	bool exists = kd_root_stat(root, real, &st, NULL) == 0;
	if (exists && S_ISBLK(st.st_mode))
		return kd_host_device_by_number(root, major(st.st_rdev), minor(st.st_rdev), ret,
						err);
	if (exists && (!S_ISREG(st.st_mode) || kd_root_is_host(root)))
		return kd_fail(err, KD_USAGE, "%s is not a block device", spec);

	/* No node, as in a captured tree: sysfs knows the device by the node's name. */
	if (strncmp(real, "/dev/", 5) == 0 && real[5]) {
		swap_chars(real + 5, '/', '!');
		rc = kd_asprintf(&link, err, "/sys/class/block/%s", real + 5);
		if (rc)
			return rc;
		rc = kd_root_realpath(root, link, &sysdir, &why);
		if (rc == 0)
			return fill(root, sysdir, ret, NULL, err);
	}
	return kd_fail(err, KD_USAGE, "there is no block device %s: see lsblk(8)", spec);
}

/* ---- by what is on it ---- */

struct tag {
	const char *name;
	size_t field; /* of struct kd_host_device */
	bool any_case;
};

static const struct tag *tag_of(const char *spec, const char **value)
{
	static const struct tag tags[] = {
		{ "UUID", offsetof(struct kd_host_device, fs_uuid), true },
		{ "LABEL", offsetof(struct kd_host_device, fs_label), false },
		{ "PARTUUID", offsetof(struct kd_host_device, part_uuid), true },
		{ "PARTLABEL", offsetof(struct kd_host_device, part_label), false },
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(tags); i++) {
		size_t len = strlen(tags[i].name);
		if (strncmp(spec, tags[i].name, len) == 0 && spec[len] == '=') {
			*value = spec + len + 1;
			return &tags[i];
		}
	}
	return NULL;
}

static bool matches(const struct kd_host_device *dev, const struct tag *tag, const char *value)
{
	const char *has = *(char *const *)((const char *)dev + tag->field);

	if (!has)
		return false;
	return tag->any_case ? strcasecmp(has, value) == 0 : strcmp(has, value) == 0;
}

/* Is something (multipath, RAID, LVM) built on the device or on the disk it is a part of? */
static int is_held(const struct kd_root *root, const struct kd_host_device *dev, bool *ret,
		   struct kd_err *err)
{
	const char *const names[] = { dev->name, dev->disk };

	*ret = false;
	for (size_t i = 0; i < KD_ARRAY_LEN(names); i++) {
		KD_AUTO(kd_freep) char *dir = NULL;
		KD_AUTO(kd_strv_fini) struct kd_strv holders = { 0 };
		int rc = kd_asprintf(&dir, err, "/sys/class/block/%s/holders", names[i]);
		if (!rc)
			rc = kd_host_list(root, dir, &holders, err);
		if (rc)
			return rc;
		*ret |= holders.n > 0;
	}
	return 0;
}

struct search {
	const struct tag *tag;
	const char *value;
	struct kd_host_device free, held; /* first found of each kind */
	struct kd_strv free_names, held_names;
	unsigned int unreadable;
};

static void search_fini(struct search *s)
{
	kd_host_device_fini(&s->free);
	kd_host_device_fini(&s->held);
	kd_strv_fini(&s->free_names);
	kd_strv_fini(&s->held_names);
}

static int search_one(const struct kd_root *root, const char *name, struct search *s,
		      struct kd_err *err)
{
	KD_AUTO(kd_host_device_fini) struct kd_host_device dev = { 0 };
	KD_AUTO(kd_freep) char *link = NULL;
	KD_AUTO(kd_freep) char *sysdir = NULL;
	KD_AUTO(kd_freep) char *size = NULL;
	struct kd_err why = { 0 };
	bool unreadable = false;
	bool held = false;
	int rc = kd_asprintf(&link, err, "/sys/class/block/%s", name);

	if (rc)
		return rc;
	/* A device may go while we look; one without a number is hidden (an NVMe path). */
	if (kd_root_realpath(root, link, &sysdir, &why) || !kd_host_has(root, sysdir, "dev"))
		return 0;
	rc = kd_host_try_line(root, sysdir, "size", &size, err);
	if (rc)
		return rc;
	if (size && strcmp(size, "0") == 0)
		return 0; /* an empty drive or an unused loop device */
	rc = fill(root, sysdir, &dev, &unreadable, err);
	if (rc)
		return rc;
	s->unreadable += unreadable;
	if (!matches(&dev, s->tag, s->value))
		return 0;
	rc = is_held(root, &dev, &held, err);
	if (!rc)
		rc = kd_strv_add(held ? &s->held_names : &s->free_names, dev.name, err);
	struct kd_host_device *keep = held ? &s->held : &s->free;
	if (!rc && !keep->name) {
		*keep = dev;
		dev = (struct kd_host_device){ 0 };
	}
	return rc;
}

static int ambiguous(const struct search *s, const struct kd_strv *names, struct kd_err *err)
{
	return kd_fail(err, KD_USAGE,
		       "%zu block devices have %s=%s (%s, %s%s): name the one that is meant by its "
		       "/dev/disk/by-id link",
		       names->n, s->tag->name, s->value, names->v[0], names->v[1],
		       names->n > 2 ? ", ..." : "");
}

static int by_tag(const struct kd_root *root, const struct tag *tag, const char *value,
		  struct kd_host_device *ret, struct kd_err *err)
{
	KD_AUTO(search_fini) struct search s = { .tag = tag, .value = value };
	KD_AUTO(kd_strv_fini) struct kd_strv names = { 0 };
	int rc = kd_host_list(root, "/sys/class/block", &names, err);

	for (size_t i = 0; !rc && i < names.n; i++)
		rc = search_one(root, names.v[i], &s, err);
	if (rc)
		return kd_wrap(err, "looking for %s=%s", tag->name, value);

	const struct kd_strv *found = s.free_names.n ? &s.free_names : &s.held_names;
	if (found->n > 1)
		return ambiguous(&s, found, err);
	if (found->n == 0 && s.unreadable)
		return kd_fail(err, KD_USAGE,
			       "no block device has %s=%s, but %u could not be read: run this as "
			       "root, or see blkid(8)",
			       tag->name, value, s.unreadable);
	if (found->n == 0)
		return kd_fail(err, KD_USAGE, "no block device has %s=%s: see blkid(8)", tag->name,
			       value);
	struct kd_host_device *dev = s.free_names.n ? &s.free : &s.held;
	*ret = *dev;
	*dev = (struct kd_host_device){ 0 };
	return 0;
}

int kd_host_resolve_device(const struct kd_root *root, const char *spec, struct kd_host_device *ret,
			   struct kd_err *err)
{
	const char *value = NULL;
	const struct tag *tag = tag_of(spec, &value);

	if (*spec == '/')
		return by_path(root, spec, ret, err);
	if (!tag)
		return kd_fail(err, KD_USAGE,
			       "'%s' does not name a block device: write /dev/..., UUID=..., "
			       "LABEL=..., PARTUUID=... or PARTLABEL=...",
			       spec);

	size_t len = strlen(value);
	if (len >= 2 && value[0] == '"' && value[len - 1] == '"') {
		value++;
		len -= 2;
	}
	if (len == 0)
		return kd_fail(err, KD_USAGE, "'%s' has no value behind the '='", spec);
	KD_AUTO(kd_freep) char *plain = strndup(value, len);
	if (!plain)
		return kd_fail(err, KD_NOMEM, "no memory");
	return by_tag(root, tag, plain, ret, err);
}
