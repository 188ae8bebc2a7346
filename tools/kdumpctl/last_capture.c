/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/dumpdir/dumpdir.h"
#include "tools/kdumpctl/ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

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

static int read_manifest(const struct ctl *ctl, const char *parent, char **dir_ret,
			 struct kd_manifest *ret, struct kd_err *err)
{
	KD_AUTO(kd_freep) char *name = NULL;
	int rc = kd_dumpdir_latest(ctl->root, parent, &name, err);

	if (rc <= 0)
		return rc;
	rc = kd_asprintf(dir_ret, err, "%s/%s", parent, name);
	if (rc)
		return rc;
	KD_AUTO(kd_closep)
	int fd = kd_root_openat(ctl->root, *dir_ret, O_RDONLY | O_DIRECTORY, 0, err);
	if (fd < 0)
		return fd;
	rc = kd_manifest_read(fd, ret, err);
	return rc ? kd_wrap(err, "%s", *dir_ret) : 1;
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

void last_capture(const struct ctl *ctl, struct capture_seen *seen, struct kd_json *json)
{
	KD_AUTO(kd_freep) char *parent = NULL, *dir = NULL;
	struct kd_manifest manifest = { 0 };
	struct kd_err err = { 0 };
	int rc = dump_parent(ctl, &parent, &err);

	if (rc == 0 && !json)
		say("Last capture: unknown, %s is not mounted", ctl->config.target_spec.text);
	if (rc > 0) {
		rc = read_manifest(ctl, parent, &dir, &manifest, &err);
		if (rc == 0 && !json)
			say("Last capture: none in %s", parent);
	}
	if (rc > 0)
		*seen = (struct capture_seen){ .saved = manifest.outcome == KD_OUTCOME_SAVED,
					       .crash_time = manifest.crash_time };
	if (rc > 0 && json)
		tell_json(json, dir, &manifest);
	else if (rc > 0)
		tell(dir, &manifest);
	else if (rc < 0 && json)
		kd_json_string(json, "last_capture_error", err.msg);
	else if (rc < 0 && dir && err.sys == ENOENT)
		/* init writes the manifest last: without it the capture never came to its end */
		say("Last capture: did not finish, %s has no manifest", dir);
	else if (rc < 0)
		say("Last capture: unknown: %s%s", err.msg,
		    err.sys == EACCES ? " (root may read it)" : "");
}
