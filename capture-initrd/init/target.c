/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "capture-initrd/init/internal.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum {
	MAX_DEVICES = 512,
	POLL_MS = 10,
	REPROBE_MS = 1000 /* a device may be there before its medium can be read */
};

/* Block devices that can hold something, sorted by name. */
struct devices {
	struct kd_strv names;
	uint64_t signature; /* changes when a device comes, goes or changes size */
};

static void devices_fini(struct devices *d)
{
	kd_strv_fini(&d->names);
}

static uint64_t mix(uint64_t hash, const void *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ ((const uint8_t *)data)[i]) * 0x100000001b3; /* FNV-1a */
	return hash;
}

static int by_name(const void *a, const void *b)
{
	return strverscmp(*(char *const *)a, *(char *const *)b);
}

/* A drive without a medium can take seconds to say so, and memory disks hold no dump. */
static bool is_hopeless(const char *name)
{
	static const char *const prefixes[] = { "fd", "sr", "ram", "loop", "zram" };

	for (size_t i = 0; i < KD_ARRAY_LEN(prefixes); i++) {
		size_t len = strlen(prefixes[i]);
		if (strncmp(name, prefixes[i], len) == 0 && name[len] >= '0' && name[len] <= '9')
			return true;
	}
	return false;
}

static int list_devices(const struct kd_root *root, struct devices *ret, struct kd_err *err)
{
	KD_AUTO(devices_fini) struct devices d = { 0 };
	KD_AUTO(kd_closedirp) DIR *dir = NULL;
	int rc = kd_root_opendir(root, "/sys/class/block", &dir, err);

	if (rc)
		return rc;
	for (struct dirent *e = readdir(dir); e && d.names.n < MAX_DEVICES; e = readdir(dir)) {
		char path[KD_BLOCK_NAME_BYTES + 32];
		unsigned long long sectors = 0;
		if (e->d_name[0] == '.' || strlen(e->d_name) >= KD_BLOCK_NAME_BYTES ||
		    is_hopeless(e->d_name))
			continue;
		snprintf(path, sizeof(path), "/sys/class/block/%.*s/size", KD_BLOCK_NAME_BYTES,
			 e->d_name);
		/* Going away while we look is no error: the next look will not see it. */
		if (kd_root_read_u64(root, path, &sectors, NULL) || sectors == 0)
			continue;
		rc = kd_strv_add(&d.names, e->d_name, err);
		if (rc)
			return rc;
		/* A sum, as the order of a directory means nothing. */
		d.signature += mix(mix(0xcbf29ce484222325, e->d_name, strlen(e->d_name)), &sectors,
				   sizeof(sectors));
	}
	if (d.names.n > 0)
		qsort(d.names.v, d.names.n, sizeof(*d.names.v), by_name);
	*ret = d;
	d.names = (struct kd_strv){ 0 };
	return 0;
}

static void strip(char *text)
{
	size_t lead = strspn(text, " \t");

	memmove(text, text + lead, strlen(text + lead) + 1);
	for (size_t len = strlen(text); len > 0 && strchr(" \t", text[len - 1]); len--)
		text[len - 1] = '\0';
}

/* Attribute @attr of the disk behind @name: its own, or of the device below it. */
static int disk_attribute(const struct kd_root *root, const char *name, bool is_part,
			  const char *attr, char **ret)
{
	static const char *const places[] = { "", "device/" };

	for (size_t i = 0; i < KD_ARRAY_LEN(places); i++) {
		KD_AUTO(kd_freep) char *path = NULL;
		/* A partition's directory lies in its disk's. */
		int rc = kd_asprintf(&path, NULL, "/sys/class/block/%s/%s%s%s", name,
				     is_part ? "../" : "", places[i], attr);
		if (rc)
			return rc;
		if (kd_root_read_line(root, path, ret, NULL) == 0) {
			strip(*ret);
			return 0;
		}
	}
	return -KD_AGAIN;
}

static bool attribute_fits(const struct kd_root *root, const char *name, const char *attr,
			   const char *id)
{
	KD_AUTO(kd_freep) char *path = NULL;
	KD_AUTO(kd_freep) char *have = NULL;
	unsigned long long part = 0;

	if (kd_asprintf(&path, NULL, "/sys/class/block/%s/partition", name))
		return false;
	bool is_part = kd_root_read_u64(root, path, &part, NULL) == 0;
	if (disk_attribute(root, name, is_part, attr, &have) || !*have)
		return false;
	if (!is_part)
		return strcmp(have, id) == 0;

	KD_AUTO(kd_freep) char *part_id = NULL;
	return kd_asprintf(&part_id, NULL, "%s-part%llu", have, part) == 0 &&
	       strcmp(part_id, id) == 0;
}

void kd_init_device_path(const char name[KD_BLOCK_NAME_BYTES], char path[KD_BLOCK_NAME_BYTES + 8])
{
	snprintf(path, KD_BLOCK_NAME_BYTES + 8, "/dev/%.*s", KD_BLOCK_NAME_BYTES, name);
	for (char *p = path; *p; p++)
		if (*p == '!')
			*p = '/';
}

static int read_superblock(const struct kd_root *root, const char *name, enum kd_fs fs,
			   struct kd_superblock *ret)
{
	char path[KD_BLOCK_NAME_BYTES + 8];

	kd_init_device_path(name, path);
	KD_AUTO(kd_closep)
	int fd = kd_root_openat(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0, NULL);
	return fd < 0 ? fd : kd_superblock_read(fd, path, fs, ret, NULL);
}

static bool superblock_fits(const struct kd_root *root, const char *name,
			    const struct kd_plan_target *target)
{
	struct kd_superblock sb = { 0 };
	char uuid[KD_UUID_TEXT_BYTES];

	/* A device that cannot be read is not our target; the wait goes on and tells in the end. */
	if (read_superblock(root, name, kd_superblock_fs(target->fstype), &sb) <= 0)
		return false;
	if (target->id_kind == KD_ID_LABEL)
		return strcmp(sb.label, target->id) == 0;
	kd_superblock_uuid_text(&sb, uuid);
	return strcasecmp(uuid, target->id) == 0;
}

static bool name_fits(const char *name, const char *id)
{
	char path[KD_BLOCK_NAME_BYTES + 8];

	kd_init_device_path(name, path);
	return strcmp(path, id) == 0 || strcmp(path + strlen("/dev/"), id) == 0;
}

static bool fits(const struct kd_root *root, const char *name, const struct kd_plan_target *target)
{
	switch (target->id_kind) {
	case KD_ID_UUID:
	case KD_ID_LABEL:
		return superblock_fits(root, name, target);
	case KD_ID_SERIAL:
		return attribute_fits(root, name, "serial", target->id);
	case KD_ID_WWID:
		return attribute_fits(root, name, "wwid", target->id);
	case KD_ID_DEVICE:
		return name_fits(name, target->id);
	}
	return false;
}

static int check_identity(const struct kd_plan_target *target, struct kd_err *err)
{
	if ((target->id_kind == KD_ID_UUID || target->id_kind == KD_ID_LABEL) &&
	    kd_superblock_fs(target->fstype) == KD_FS_UNKNOWN)
		return kd_fail(err, KD_NOTSUP,
			       "target %s=%s: the capture init cannot read the %s of a %s file "
			       "system, name its device by serial or wwid",
			       kd_id_kind_name(target->id_kind), target->id,
			       kd_id_kind_name(target->id_kind), target->fstype);
	return 0;
}

static int match(const struct kd_root *root, const struct devices *d,
		 const struct kd_plan_target *target, char name_ret[KD_BLOCK_NAME_BYTES],
		 size_t *count_ret)
{
	size_t count = 0;

	for (size_t i = 0; i < d->names.n; i++) {
		if (!fits(root, d->names.v[i], target))
			continue;
		if (count++ == 0)
			snprintf(name_ret, KD_BLOCK_NAME_BYTES, "%s", d->names.v[i]);
	}
	*count_ret = count;
	return count > 0;
}

int kd_init_target_find(const struct kd_root *root, const struct kd_plan_target *target,
			char name_ret[KD_BLOCK_NAME_BYTES], size_t *count_ret, struct kd_err *err)
{
	KD_AUTO(devices_fini) struct devices d = { 0 };
	int rc = check_identity(target, err);

	if (!rc)
		rc = list_devices(root, &d, err);
	return rc ? rc : match(root, &d, target, name_ret, count_ret);
}

static int not_there(const struct kd_plan_target *target, const struct devices *d,
		     uint64_t timeout_ms, struct kd_err *err)
{
	char seen[200] = "none";
	size_t len = 0;

	for (size_t i = 0; i < d->names.n && len < sizeof(seen) - KD_BLOCK_NAME_BYTES - 8; i++)
		len += (size_t)snprintf(seen + len, sizeof(seen) - len, "%s%s", i ? " " : "",
					d->names.v[i]);
	return kd_fail(err, KD_AGAIN,
		       "no %s file system with %s=%s appeared within %" PRIu64
		       " ms; block devices present: %s",
		       target->fstype, kd_id_kind_name(target->id_kind), target->id, timeout_ms,
		       seen);
}

int kd_init_target_wait(const struct kd_init *init, const struct kd_plan_target *target,
			uint64_t timeout_ms, char name_ret[KD_BLOCK_NAME_BYTES], struct kd_err *err)
{
	static const struct timespec pause = { .tv_nsec = POLL_MS * 1000000L };
	uint64_t start = kd_monotonic_ms(), probed_at = 0, signature = 0;
	int rc = check_identity(target, err);

	while (!rc) {
		KD_AUTO(devices_fini) struct devices d = { 0 };
		uint64_t now = kd_monotonic_ms();
		size_t count = 0;

		rc = list_devices(init->root, &d, err);
		if (rc)
			break;
		if (probed_at == 0 || d.signature != signature || now - probed_at >= REPROBE_MS) {
			probed_at = now;
			signature = d.signature;
			if (match(init->root, &d, target, name_ret, &count)) {
				if (count > 1)
					kd_init_say(init, "target %zu devices have %s=%s, using %s",
						    count, kd_id_kind_name(target->id_kind),
						    target->id, name_ret);
				return 0;
			}
		}
		if (now - start >= timeout_ms)
			return not_there(target, &d, timeout_ms, err);
		nanosleep(&pause, NULL);
	}
	return rc;
}
