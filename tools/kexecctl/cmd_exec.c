/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The jump: through systemd where it runs, which stops services first; else by ourselves. */
#include "tools/kexecctl/kx.h"

#include <errno.h>
#include <linux/reboot.h>
#include <mntent.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *find_systemctl(void)
{
	static const char *const paths[] = { "/usr/bin/systemctl", "/bin/systemctl" };

	for (size_t i = 0; i < KD_ARRAY_LEN(paths); i++)
		if (access(paths[i], X_OK) == 0)
			return paths[i];
	return NULL;
}

static int through_systemd(struct kd_err *err)
{
	const char *path = find_systemctl();
	char *argv[] = { (char *)path, (char *)"kexec", NULL };

	if (!path)
		return kd_fail(err, KD_NOTSUP,
			       "systemd runs here, but there is no systemctl; exec --force goes "
			       "without it");
	fflush(NULL);
	execv(path, argv);
	return kd_fail_sys(err, errno, "run %s", path);
}

/*
 * What holds data of its own becomes read-only, the last mounted first. One that is being
 * written to cannot; sync(2) has brought to the disk what was written so far.
 */
static int remount_read_only(struct kd_err *err)
{
	KD_AUTO(kd_strv_fini) struct kd_strv dirs = { 0 };
	FILE *mounts = setmntent("/proc/self/mounts", "r");
	int rc = 0;

	if (!mounts)
		return kd_fail_sys(err, errno, "open /proc/self/mounts");
	for (struct mntent *m; !rc && (m = getmntent(mounts));) {
		bool has_data = m->mnt_fsname[0] == '/' || strchr(m->mnt_fsname, ':');
		if (has_data && !hasmntopt(m, "ro"))
			rc = kd_strv_add(&dirs, m->mnt_dir, err);
	}
	endmntent(mounts);
	for (size_t i = dirs.n; !rc && i > 0; i--)
		if (mount(NULL, dirs.v[i - 1], NULL, MS_REMOUNT | MS_RDONLY, NULL))
			kx_say("WARNING: %s stays writable: %s", dirs.v[i - 1], strerror(errno));
	return rc;
}

static int directly(struct kd_err *err)
{
	sync();
	int rc = remount_read_only(err);

	if (rc)
		return rc;
	sync();
	syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_KEXEC, NULL);
	return kd_fail_sys(err, errno, "reboot into the loaded kernel");
}

int kx_cmd_exec(const struct kx *kx)
{
	struct kd_host_crash_facts crash = { 0 };
	struct kd_kexec_facts facts = { 0 };
	struct kd_err err = { 0 };
	int rc = kx_facts(kx, &facts, &crash, &err);

	if (!rc && !(crash.other_loaded.known && crash.other_loaded.value))
		rc = kd_fail(&err, KD_USAGE,
			     "no kernel is loaded to reboot into: run kexecctl load first");
	if (rc)
		return kx_complain(&err);
	bool systemd = !kx->force && kd_root_exists(kx->root, "/run/systemd/system");
	if (!kx->ops) {
		kx_say("--root: would reboot %s", systemd ? "with systemctl kexec" : "directly");
		return 0;
	}
	rc = systemd ? through_systemd(&err) : directly(&err);
	return rc ? kx_complain(&err) : 0;
}
