/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which modules reach a block device. Its directory in sysfs lies below those of all
 * the devices it hangs on, so walking up from it meets every driver that matters:
 *
 *   /sys/devices/pci0000:00/0000:00:04.0/virtio1/block/vda/vda1
 *                           virtio_pci   virtio_blk
 *
 * Stacked devices (LVM, md, multipath) have no such parents, but slaves/ links to the
 * devices they are made of.
 */
#include "lib/host/internal.h"

#include <errno.h>
#include <string.h>

enum { MAX_STACKED = 16 };

#define DEVICES "/sys/devices"
#define VIRTUAL "/sys/devices/virtual/"

struct reach {
	const struct kd_root *root;
	const struct kd_host_kmod *kmod;
	struct kd_strv *modules;
	struct kd_strv seen; /* directories; slaves/ of a hostile tree may run in circles */
	unsigned int depth;
};

static void reach_fini(struct reach *r)
{
	kd_strv_fini(&r->seen);
}

static int add_name(struct kd_strv *to, const char *name, struct kd_err *err)
{
	return kd_strv_has(to, name) ? 0 : kd_strv_add(to, name, err);
}

/* ---- one level of the walk ---- */

/*
 * PCI-to-PCI bridges work without a driver module of their own; what their class
 * matches in modules.alias is hotplug support (shpchp).
 */
static int is_pci_bridge(const struct reach *r, const char *dir, bool *ret, struct kd_err *err)
{
	KD_AUTO(kd_freep) char *class = NULL;
	int rc = kd_host_try_line(r->root, dir, "class", &class, err);

	*ret = class && strncmp(class, "0x0604", 6) == 0;
	return rc;
}

/*
 * The capture kernel's aliases decide: what is built in here may be a module there,
 * and the reverse. Of several modules for one alias (a disk driver and a generic one)
 * the one that is bound now is taken.
 */
static int choose(const struct reach *r, const char *dir, const char *modalias, const char *bound,
		  struct kd_err *err)
{
	KD_AUTO(kd_strv_fini) struct kd_strv found = { 0 };
	bool known = false;
	int rc = modalias ? kd_host_kmod_lookup(r->kmod, modalias, &found, &known, err) : 0;

	if (rc)
		return rc;
	if (bound && kd_strv_has(&found, bound))
		return add_name(r->modules, bound, err);
	for (size_t i = 0; !rc && i < found.n; i++)
		rc = add_name(r->modules, found.v[i], err);
	if (rc || !bound)
		return rc;

	/* Drivers without aliases, or bound by hand through driver_override. */
	bool bound_known = false;
	KD_AUTO(kd_strv_fini) struct kd_strv bound_found = { 0 };
	rc = kd_host_kmod_lookup(r->kmod, bound, &bound_found, &bound_known, err);
	for (size_t i = 0; !rc && i < bound_found.n; i++)
		rc = add_name(r->modules, bound_found.v[i], err);
	if (rc || known || bound_known || !modalias)
		return rc;
	return kd_fail(err, KD_USAGE,
		       "kernel %s has no driver for %s, which module %s drives now: install the "
		       "package that holds it, choose another kernel (KDUMP_KERNELVER) or "
		       "another target",
		       r->kmod->release, dir, bound);
}

static int add_level(const struct reach *r, const char *dir, struct kd_err *err)
{
	KD_AUTO(kd_freep) char *modalias = NULL;
	KD_AUTO(kd_freep) char *bound = NULL;
	bool bridge = false;
	int rc = is_pci_bridge(r, dir, &bridge, err);

	if (rc || bridge)
		return rc;
	rc = kd_host_try_line(r->root, dir, "modalias", &modalias, err);
	if (!rc)
		rc = kd_host_try_link(r->root, dir, "driver/module", &bound, err);
	return rc ? rc : choose(r, dir, modalias, bound, err);
}

/* Software and hardware initiators alike: the session is set up by user space. */
static bool is_iscsi(const char *dir)
{
	for (const char *at = strstr(dir, "/session"); at; at = strstr(at + 1, "/session"))
		if (at[8] >= '0' && at[8] <= '9')
			return true;
	return false;
}

/* Buses first: every directory from below /sys/devices down to @dir. */
static int climb(const struct reach *r, const char *dir, struct kd_err *err)
{
	KD_AUTO(kd_freep) char *path = NULL;
	int rc = kd_strdup(&path, dir, err);

	if (rc)
		return rc;
	if (strncmp(dir, DEVICES "/", sizeof(DEVICES)) != 0)
		return kd_fail(err, KD_BADDATA, "%s%s: not below " DEVICES, kd_root_prefix(r->root),
			       dir);
	if (is_iscsi(dir))
		return kd_fail(err, KD_NOTSUP,
			       "%s is reached over iSCSI, which the capture kernel cannot log in "
			       "to: choose a target on a local disk",
			       kd_host_base(dir));
	for (char *p = path + sizeof(DEVICES); !rc; p++) {
		if (*p && *p != '/')
			continue;
		char held = *p;
		*p = '\0';
		rc = add_level(r, path, err);
		*p = held;
		if (!held)
			break;
	}
	return rc;
}

/* ---- stacked devices ---- */

static int add_block(struct reach *r, const char *dir, struct kd_err *err);

static int add_slaves(struct reach *r, const char *dir, struct kd_err *err)
{
	KD_AUTO(kd_strv_fini) struct kd_strv names = { 0 };
	KD_AUTO(kd_freep) char *slaves = NULL;
	int rc = kd_asprintf(&slaves, err, "%s/slaves", dir);

	if (!rc)
		rc = kd_host_list(r->root, slaves, &names, err);
	if (!rc && names.n == 0)
		rc = kd_fail(err, KD_NOTSUP,
			     "%s is not on a disk of this machine (%s%s is empty): choose a target "
			     "on a local disk",
			     kd_host_base(dir), kd_root_prefix(r->root), slaves);
	for (size_t i = 0; !rc && i < names.n; i++) {
		KD_AUTO(kd_freep) char *link = NULL;
		KD_AUTO(kd_freep) char *slave = NULL;
		rc = kd_asprintf(&link, err, "%s/%s", slaves, names.v[i]);
		if (!rc)
			rc = kd_root_realpath(r->root, link, &slave, err);
		if (!rc)
			rc = add_block(r, slave, err);
	}
	return rc;
}

/* "part1-mpath-..." is kpartx's partition on what follows. */
static const char *skip_part(const char *uuid)
{
	if (strncmp(uuid, "part", 4) != 0)
		return uuid;
	size_t digits = strspn(uuid + 4, "0123456789");
	return digits && uuid[4 + digits] == '-' ? uuid + 4 + digits + 1 : uuid;
}

/* A logical volume that is more than a table of linear or striped pieces. */
static bool is_complex_lv(const char *uuid, const char *name)
{
	/* "LVM-", 32 characters for the group, 32 for the volume; an inner layer has a suffix. */
	static const char *const inner[] = { "_rimage_", "_rmeta_", "_mimage_", "_mlog" };

	if (strlen(uuid) > 4 + 32 + 32)
		return true;
	for (size_t i = 0; i < KD_ARRAY_LEN(inner); i++)
		if (strstr(name, inner[i]))
			return true;
	return false;
}

/*
 * Sysfs does not tell the targets in a device-mapper table, but those who make the
 * tables put their kind in front of the uuid.
 */
static int add_dm(struct reach *r, const char *dir, struct kd_err *err)
{
	KD_AUTO(kd_freep) char *uuid = NULL;
	KD_AUTO(kd_freep) char *name = NULL;
	int rc = kd_host_try_line(r->root, dir, "dm/uuid", &uuid, err);

	if (!rc)
		rc = kd_host_try_line(r->root, dir, "dm/name", &name, err);
	if (rc)
		return rc;
	const char *kind = skip_part(uuid ? uuid : "");
	const char *label = name ? name : "without a name";
	const char *dev = kd_host_base(dir);

	if (strncmp(kind, "CRYPT-", 6) == 0)
		return kd_fail(err, KD_NOTSUP,
			       "%s (%s) is encrypted, and the capture kernel has no key for it: "
			       "choose a target that is not encrypted",
			       dev, label);
	bool lvm = strncmp(kind, "LVM-", 4) == 0;
	bool multipath = strncmp(kind, "mpath-", 6) == 0;
	if (lvm && is_complex_lv(kind, label))
		return kd_fail(err, KD_NOTSUP,
			       "%s (%s) is part of a thin, cached, mirrored or snapshot volume: "
			       "choose a target on a plain logical volume or a partition",
			       dev, label);
	if (*kind && !lvm && !multipath)
		return kd_fail(err, KD_NOTSUP,
			       "%s (%s) is a device-mapper device of an unknown kind (%.24s): "
			       "choose another target",
			       dev, label, kind);
	rc = add_slaves(r, dir, err);
	if (!rc)
		rc = kd_host_kmod_need(r->kmod, "dm-mod", r->modules, err);
	if (!rc && multipath)
		rc = kd_host_kmod_need(r->kmod, "dm-multipath", r->modules, err);
	return rc;
}

static int add_md(struct reach *r, const char *dir, struct kd_err *err)
{
	KD_AUTO(kd_freep) char *level = NULL;
	KD_AUTO(kd_freep) char *alias = NULL;
	int rc = kd_host_try_line(r->root, dir, "md/level", &level, err);

	if (!rc &&
	    (!level || strspn(level, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(level)))
		rc = kd_fail(err, KD_BADDATA, "%s%s/md/level: no RAID level there",
			     kd_root_prefix(r->root), dir);
	if (!rc)
		rc = add_slaves(r, dir, err);
	if (!rc)
		rc = kd_host_kmod_need(r->kmod, "md-mod", r->modules, err);
	/* raid0.c, raid1.c, raid10.c, raid5.c: MODULE_ALIAS("md-raid5") and so on */
	if (!rc)
		rc = kd_asprintf(&alias, err, "md-%s", level);
	return rc ? rc : kd_host_kmod_need(r->kmod, alias, r->modules, err);
}

/*
 * With native NVMe multipath the disk belongs to the subsystem, a virtual device; the
 * controllers are links beside it ("nvme0"), each into its place below a bus.
 */
static int add_nvme_subsystem(const struct reach *r, const char *dir, struct kd_err *err)
{
	KD_AUTO(kd_strv_fini) struct kd_strv names = { 0 };
	KD_AUTO(kd_freep) char *subsystem = NULL;
	unsigned int local = 0;
	int rc = kd_host_parent(dir, &subsystem, err);

	if (!rc)
		rc = kd_host_list(r->root, subsystem, &names, err);
	for (size_t i = 0; !rc && i < names.n; i++) {
		KD_AUTO(kd_freep) char *link = NULL;
		KD_AUTO(kd_freep) char *controller = NULL;
		const char *name = names.v[i];
		if (strncmp(name, "nvme", 4) != 0 || name[4 + strspn(name + 4, "0123456789")])
			continue;
		rc = kd_asprintf(&link, err, "%s/%s", subsystem, name);
		if (!rc)
			rc = kd_root_realpath(r->root, link, &controller, err);
		if (rc || strncmp(controller, VIRTUAL, sizeof(VIRTUAL) - 1) == 0)
			continue;
		local++;
		rc = climb(r, controller, err);
	}
	if (!rc && !local)
		return kd_fail(
			err, KD_NOTSUP,
			"%s is reached over a network (NVMe over fabrics), which the capture "
			"kernel cannot connect to: choose a target on a local disk",
			kd_host_base(dir));
	return rc;
}

static int add_disk(struct reach *r, const char *dir, struct kd_err *err)
{
	if (kd_host_has(r->root, dir, "dm"))
		return add_dm(r, dir, err);
	if (kd_host_has(r->root, dir, "md"))
		return add_md(r, dir, err);
	if (strncmp(dir, VIRTUAL "nvme-subsystem/", sizeof(VIRTUAL "nvme-subsystem/") - 1) == 0)
		return add_nvme_subsystem(r, dir, err);
	if (strncmp(dir, VIRTUAL, sizeof(VIRTUAL) - 1) == 0)
		return kd_fail(
			err, KD_NOTSUP,
			"%s is not on a disk of this machine (it is a loop, memory or network "
			"device): choose a target on a local disk",
			kd_host_base(dir));
	return climb(r, dir, err);
}

static int add_block(struct reach *r, const char *dir, struct kd_err *err)
{
	KD_AUTO(kd_freep) char *disk = NULL;

	if (kd_strv_has(&r->seen, dir))
		return 0;
	if (++r->depth > MAX_STACKED)
		return kd_fail(err, KD_NOTSUP, "%s is stacked on more than %d levels of devices",
			       kd_host_base(dir), MAX_STACKED);
	int rc = kd_strv_add(&r->seen, dir, err);
	if (!rc && kd_host_has(r->root, dir, "partition"))
		rc = kd_host_parent(dir, &disk, err);
	else if (!rc)
		rc = kd_strdup(&disk, dir, err);
	if (!rc)
		rc = add_disk(r, disk, err);
	r->depth--;
	return rc;
}

int kd_host_device_modules(const struct kd_root *root, unsigned int major, unsigned int minor,
			   const char *release, struct kd_strv *modules, struct kd_err *err)
{
	KD_AUTO(kd_host_kmod_closep) struct kd_host_kmod *kmod = NULL;
	KD_AUTO(kd_freep) char *dir = NULL;
	KD_AUTO(reach_fini) struct reach r = { .root = root, .modules = modules };
	int rc = kd_host_block_dir(root, major, minor, &dir, err);

	if (!rc)
		rc = kd_host_kmod_open(root, release, false, &kmod, err);
	if (rc)
		return rc;
	r.kmod = kmod;
	return add_block(&r, dir, err);
}
