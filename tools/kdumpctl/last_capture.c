/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/dumpdir/dumpdir.h"
#include "tools/kdumpctl/ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* A directory that dumps go to, and the newest of it. */
struct place {
	char *parent; /* NULL: not known */
	char *dir;    /* NULL: none found */
	int rc;	      /* 1 the manifest was read, 0 not mounted or no dump, < 0 err says why */
	struct kd_err err;
	struct kd_manifest manifest;
};

static void place_fini(struct place *p)
{
	free(p->parent);
	free(p->dir);
	kd_manifest_fini(&p->manifest);
}

/*
 * Where the dumps of the configured target can be read now: path itself, or path
 * below the place where the target's file system is mounted. 1 found, 0 not mounted.
 */
static int dump_parent(const struct ctl *ctl, char **ret, struct kd_err *err)
{
	struct kd_host_device device = { 0 };
	KD_AUTO(kd_freep) char *where = NULL;
	const char *path = ctl->config.path.text;

	if (!ctl->config.target_fstype.text)
		return kd_strdup(ret, path, err) ? -(int)err->code : 1;
	int rc = kd_host_resolve_device(ctl->root, ctl->config.target_spec.text, &device, err);
	if (rc)
		return rc;
	rc = kd_host_mountpoint_of(ctl->root, device.major, device.minor, &where, err);
	kd_host_device_fini(&device);
	if (rc <= 0)
		return rc;
	return kd_asprintf(ret, err, "%s%s", strcmp(where, "/") ? where : "", path)
		       ? -(int)err->code
		       : 1;
}

static int read_manifest(const struct ctl *ctl, struct place *p)
{
	KD_AUTO(kd_freep) char *name = NULL;
	int rc = kd_dumpdir_latest(ctl->root, p->parent, &name, &p->err);

	if (rc <= 0)
		return rc;
	rc = kd_asprintf(&p->dir, &p->err, "%s/%s", p->parent, name);
	if (rc)
		return rc;
	KD_AUTO(kd_closep)
	int fd = kd_root_openat(ctl->root, p->dir, O_RDONLY | O_DIRECTORY, 0, &p->err);
	if (fd < 0)
		return fd;
	rc = kd_manifest_read(fd, &p->manifest, &p->err);
	return rc ? kd_wrap(&p->err, "%s", p->dir) : 1;
}

static void look_at_target(const struct ctl *ctl, struct place *p)
{
	p->rc = dump_parent(ctl, &p->parent, &p->err);
	if (p->rc > 0)
		p->rc = read_manifest(ctl, p);
}

/* dump_to_rootfs: path on the root file system. */
static void look_at_rootfs(const struct ctl *ctl, struct place *p)
{
	p->rc = kd_strdup(&p->parent, ctl->config.path.text, &p->err);
	if (!p->rc)
		p->rc = read_manifest(ctl, p);
}

static void tell(const char *dir, const struct kd_manifest *m)
{
	say("Last capture: %s%s%s%s, %s (%s)", kd_outcome_name(m->outcome),
	    m->reason[0] ? " (" : "", m->reason, m->reason[0] ? ")" : "", dir, m->created);
}

static void tell_json(struct kd_json *json, const char *dir, const struct kd_manifest *m)
{
	kd_json_open_object(json, "last_capture");
	kd_json_string(json, "outcome", kd_outcome_name(m->outcome));
	kd_json_string(json, "reason", m->reason);
	kd_json_string(json, "directory", dir);
	kd_json_string(json, "created", m->created);
	kd_json_close_object(json);
}

static void say_why_not(const struct ctl *ctl, const struct place *p)
{
	if (p->rc == 0 && !p->parent)
		say("Last capture: unknown, %s is not mounted", ctl->config.target_spec.text);
	else if (p->rc == 0)
		say("Last capture: none in %s", p->parent);
	else if (p->dir && p->err.sys == ENOENT)
		/* init writes the manifest last: without it the capture never came to its end */
		say("Last capture: did not finish, %s has no manifest", p->dir);
	else
		say("Last capture: unknown: %s%s", p->err.msg,
		    p->err.sys == EACCES ? " (root may read it)" : "");
}

/* The newest dump is on the root file system: nobody knows of newer ones on the target. */
static void say_unseen(const struct ctl *ctl, const struct place *target)
{
	if (target->rc < 0)
		say("The dumps on the target cannot be read: %s", target->err.msg);
	else if (!target->parent)
		say("The dumps on the target cannot be read: %s is not mounted",
		    ctl->config.target_spec.text);
}

/* Did @b end after @a, or is it the only one that is known? */
static bool is_newer(const struct place *a, const struct place *b)
{
	return b->rc > 0 && (a->rc <= 0 || strcmp(b->manifest.created, a->manifest.created) > 0);
}

void last_capture(const struct ctl *ctl, struct capture_seen *seen, struct kd_json *json)
{
	KD_AUTO(place_fini) struct place target = { 0 }, rootfs = { 0 };

	look_at_target(ctl, &target);
	if (ctl->config.failure_action == KD_CONF_DUMP_TO_ROOTFS)
		look_at_rootfs(ctl, &rootfs);
	const struct place *last = is_newer(&target, &rootfs) ? &rootfs : &target;

	if (last == &rootfs && !json)
		say_unseen(ctl, &target);
	else if (target.rc <= 0 && !json)
		say_why_not(ctl, &target);
	if (last->rc > 0) {
		*seen = (struct capture_seen){ .saved = last->manifest.outcome == KD_OUTCOME_SAVED,
					       .crash_time = last->manifest.crash_time };
		if (json)
			tell_json(json, last->dir, &last->manifest);
		else
			tell(last->dir, &last->manifest);
	}
	if (target.rc < 0 && json)
		kd_json_string(json, "last_capture_error", target.err.msg);
}
