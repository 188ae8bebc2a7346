/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/planner/internal.h"

#include <errno.h>
#include <string.h>

static void target_fini(struct kd_planner_target *target)
{
	kd_host_device_fini(&target->device);
	free(target->fstype);
	free(target->dir);
}

void kd_planner_facts_fini(struct kd_planner_facts *facts)
{
	kd_host_kernel_fini(&facts->running);
	free(facts->release);
	free(facts->kernel_path);
	free(facts->config_path);
	free(facts->image_path);
	free(facts->collector);
	for (size_t i = 0; i < facts->target_count; i++)
		target_fini(&facts->targets[i]);
	kd_host_modules_free(facts->modules, facts->module_count);
	kd_strv_fini(&facts->watchdog_modules);
	*facts = (struct kd_planner_facts){ 0 };
}

static const char *text_of(const struct kd_value *value)
{
	return value->text ? value->text : "";
}

/* "file:line: what": where the value was written, or nothing for a default. */
static int blame(struct kd_err *err, const struct kd_value *value)
{
	if (value->file)
		return kd_wrap(err, "%s:%u", value->file, value->line);
	return err ? -(int)err->code : -KD_SYS;
}

/* A file beside the kernel where /boot can be written, else where it always can. */
static int image_path(const struct kd_root *root, const char *bootdir, const char *release,
		      char **ret, struct kd_err *err)
{
	struct kd_host_mount mount = { 0 };
	int rc = kd_host_mount_of(root, bootdir, &mount, err);

	if (rc)
		return rc;
	bool read_only = strncmp(mount.options, "ro,", 3) == 0 || strcmp(mount.options, "ro") == 0;
	kd_host_mount_fini(&mount);
	return kd_asprintf(ret, err, "%s/initramfs-%skdump.img",
			   read_only ? "/var/lib/kdump" : bootdir, release);
}

/* capture_kernel: a path, and the release is what the image says it is. */
static int named_kernel(const struct kd_root *root, const struct kd_config *config,
			struct kd_planner_facts *facts, struct kd_err *err)
{
	const char *path = text_of(&config->capture_kernel);
	const char *slash = strrchr(path, '/');
	int rc = kd_strdup(&facts->kernel_path, path, err);

	if (!rc)
		rc = kd_host_image_release(root, path, &facts->release, err);
	if (!rc)
		rc = kd_asprintf(&facts->config_path, err, "%.*s/config-%s", (int)(slash - path),
				 path, facts->release);
	return rc ? blame(err, &config->capture_kernel) : 0;
}

/* The running kernel, or the release that KDUMP_KERNELVER names. */
static int installed_kernel(const struct kd_config *config, struct kd_planner_facts *facts,
			    struct kd_err *err)
{
	const char *bootdir = text_of(&config->bootdir);
	const char *wanted = text_of(&config->kernelver);
	int rc = kd_strdup(&facts->release, wanted[0] ? wanted : facts->running.release, err);

	if (!rc)
		rc = kd_asprintf(&facts->kernel_path, err, "%s/%s-%s%s", bootdir,
				 text_of(&config->img), facts->release, text_of(&config->img_ext));
	return rc ? rc
		  : kd_asprintf(&facts->config_path, err, "%s/config-%s", bootdir, facts->release);
}

int kd_planner_gather_kernel(const struct kd_root *root, const struct kd_config *config,
			     struct kd_planner_facts *facts, struct kd_err *err)
{
	int rc = kd_host_uname(root, &facts->running, err);

	if (!rc)
		rc = config->capture_kernel.text ? named_kernel(root, config, facts, err)
						 : installed_kernel(config, facts, err);
	if (!rc)
		rc = image_path(root, text_of(&config->bootdir), facts->release, &facts->image_path,
				err);
	if (rc)
		return rc;
	if (kd_root_exists(root, facts->kernel_path))
		return 0;
	kd_fail(err, KD_USAGE,
		"the capture kernel %s%s is missing: install it, or name an installed one with "
		"KDUMP_KERNELVER in /etc/sysconfig/kdump",
		kd_root_prefix(root), facts->kernel_path);
	return blame(err, &config->kernelver);
}

/* A kernel that was chosen, not the one that runs: can it save this machine's memory? */
static int check_other_kernel(const struct kd_root *root, const struct kd_config *config,
			      const struct kd_log *log, const struct kd_planner_facts *facts,
			      struct kd_err *err)
{
	const struct kd_value *chosen = config->capture_kernel.text ? &config->capture_kernel
								    : &config->kernelver;
	const char *machine = facts->running.machine;
	bool config_seen = false;

	/* A captured tree may not say which machine it is of. */
	if (strcmp(facts->release, facts->running.release) == 0 ||
	    (*machine && strcmp(machine, "x86_64") != 0))
		return 0;
	int rc = kd_host_check_capture_kernel(root, facts->kernel_path, facts->config_path,
					      facts->running.cmdline, &config_seen, err);
	if (rc)
		return blame(err, chosen);
	if (!config_seen)
		kd_log(log, KD_LOG_WARN, "kernel",
		       "%s is not there: whether %s has /proc/vmcore cannot be checked",
		       facts->config_path, facts->kernel_path);
	return 0;
}

static int find_collector(const struct kd_root *root, const struct kd_config *config,
			  struct kd_planner_facts *facts, struct kd_err *err)
{
	/* Never by $PATH: the image must hold the same program whoever calls kdumpctl. */
	static const char *const dirs[] = { "/usr/sbin", "/usr/bin", "/sbin", "/bin" };
	const char *program = config->collector_argv.v[0];

	if (kd_planner_engine_for(config, &facts->engine))
		return 0;
	if (program[0] == '/' && kd_root_exists(root, program))
		return kd_strdup(&facts->collector, program, err);
	for (size_t i = 0; program[0] != '/' && i < KD_ARRAY_LEN(dirs); i++) {
		KD_AUTO(kd_freep) char *path = NULL;
		int rc = kd_asprintf(&path, err, "%s/%s", dirs[i], program);
		if (rc)
			return rc;
		if (kd_root_exists(root, path)) {
			facts->collector = KD_STEAL(path);
			return 0;
		}
	}
	kd_fail(err, KD_USAGE,
		"core_collector: %s is not installed: install the package makedumpfile", program);
	return blame(err, &config->core_collector);
}

/* ---- targets ---- */

/* The file system behind a path of this machine. */
static int target_of_path(const struct kd_root *root, const char *path,
			  struct kd_planner_target *target, struct kd_err *err)
{
	struct kd_host_mount mount = { 0 };
	int rc = kd_host_mount_of(root, path, &mount, err);

	if (rc)
		return rc;
	if (!kd_host_fstype_is_local_disk(mount.fstype))
		rc = kd_fail(err, KD_NOTSUP,
			     "%s is on %s (%s), which the capture kernel cannot mount: name a disk "
			     "with 'ext4 UUID=...' or 'xfs UUID=...' in /etc/kdump.conf",
			     path, mount.mountpoint, mount.fstype);
	else if (mount.major)
		rc = kd_host_device_by_number(root, mount.major, mount.minor, &target->device, err);
	else
		rc = kd_host_resolve_device(root, mount.source, &target->device, err);
	if (!rc)
		rc = kd_strdup(&target->fstype, mount.fstype, err);
	if (!rc)
		rc = kd_strdup(&target->dir, mount.path, err);
	kd_host_mount_fini(&mount);
	return rc;
}

/* The device of a target directive; path counts from that file system's top. */
static int target_of_directive(const struct kd_root *root, const struct kd_config *config,
			       struct kd_planner_target *target, struct kd_err *err)
{
	const char *fstype = config->target_fstype.text;
	int rc = kd_host_resolve_device(root, text_of(&config->target_spec), &target->device, err);

	if (!rc && target->device.fstype && strcmp(target->device.fstype, fstype) != 0)
		rc = kd_fail(err, KD_USAGE, "%s holds %s, not %s: write '%s %s'",
			     target->device.devnode, target->device.fstype, fstype,
			     target->device.fstype, text_of(&config->target_spec));
	if (rc)
		return rc;
	rc = kd_strdup(&target->fstype, fstype, err);
	return rc ? rc : kd_strdup(&target->dir, text_of(&config->path), err);
}

/* Nothing in the capture image assembles arrays or volumes: such a target would never appear. */
static int refuse_assembled(const struct kd_planner_target *target, struct kd_err *err)
{
	const char *name = target->device.name;

	if (strncmp(name, "dm-", 3) != 0 && strncmp(name, "md", 2) != 0)
		return 0;
	return kd_fail(
		err, KD_NOTSUP,
		"%s is on %s, a volume made of other devices (LVM, RAID, multipath), which the "
		"capture image cannot assemble yet: name a plain partition with 'ext4 UUID=...' "
		"or 'xfs UUID=...' in /etc/kdump.conf",
		target->dir, target->device.devnode);
}

static int gather_targets(const struct kd_root *root, const struct kd_config *config,
			  struct kd_planner_facts *facts, struct kd_err *err)
{
	bool named = config->target_fstype.text != NULL;
	int rc = 0;

	facts->target_count = 1;
	if (named)
		rc = target_of_directive(root, config, &facts->targets[0], err);
	else
		rc = target_of_path(root, text_of(&config->path), &facts->targets[0], err);
	if (!rc)
		rc = refuse_assembled(&facts->targets[0], err);
	if (rc)
		return blame(err, named ? &config->target_spec : &config->path);
	if (config->failure_action != KD_CONF_DUMP_TO_ROOTFS)
		return 0;

	facts->target_count = 2;
	rc = target_of_path(root, "/", &facts->targets[1], err);
	if (!rc)
		rc = refuse_assembled(&facts->targets[1], err);
	if (rc) {
		kd_wrap(err, "dump_to_rootfs");
		return blame(err, &config->failure_action_v);
	}
	/* path below the root file system's directory, which is "/" unless it is a subvolume */
	KD_AUTO(kd_freep) char *top = KD_STEAL(facts->targets[1].dir);
	return kd_asprintf(&facts->targets[1].dir, err, "%s%s", strcmp(top, "/") ? top : "",
			   text_of(&config->path));
}

static int gather_modules(const struct kd_root *root, const struct kd_log *log,
			  struct kd_planner_facts *facts, struct kd_err *err)
{
	KD_AUTO(kd_strv_fini) struct kd_strv names = { 0 };
	int rc = 0;

	for (size_t i = 0; !rc && i < facts->target_count; i++) {
		const struct kd_planner_target *target = &facts->targets[i];
		rc = kd_host_device_modules(root, target->device.major, target->device.minor,
					    facts->release, &names, err);
		if (!rc)
			rc = kd_host_fs_modules(root, facts->release, target->fstype, &names, err);
	}
	if (rc)
		return rc;
	return kd_host_module_closure(root, facts->release, &names, log, &facts->modules,
				      &facts->module_count, err);
}

/* Watchdogs that run now keep running over the panic. */
static int gather_watchdogs(const struct kd_root *root, struct kd_strv *modules, struct kd_err *err)
{
	KD_AUTO(kd_closedirp) DIR *dir = NULL;
	int rc = 0;

	if (kd_root_opendir(root, "/sys/class/watchdog", &dir, NULL))
		return 0; /* no watchdog class, no watchdogs */
	for (struct dirent *e = readdir(dir); !rc && e; e = readdir(dir)) {
		char path[512];
		KD_AUTO(kd_freep) char *state = NULL, *driver = NULL;
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/sys/class/watchdog/%s/state", e->d_name);
		if (kd_root_read_line(root, path, &state, NULL) || strcmp(state, "active") != 0)
			continue;
		snprintf(path, sizeof(path), "/sys/class/watchdog/%s/device/driver/module",
			 e->d_name);
		if (kd_root_realpath(root, path, &driver, NULL))
			continue; /* built in without parameters of its own */
		const char *name = strrchr(driver, '/') + 1;
		if (!kd_strv_has(modules, name))
			rc = kd_strv_add(modules, name, err);
	}
	return rc;
}

int kd_planner_gather(const struct kd_root *root, const struct kd_config *config,
		      const struct kd_log *log, struct kd_planner_facts *facts, struct kd_err *err)
{
	struct kd_host_crash_facts crash = { 0 };
	int rc = kd_planner_gather_kernel(root, config, facts, err);

	if (!rc)
		rc = check_other_kernel(root, config, log, facts, err);
	if (!rc)
		rc = find_collector(root, config, facts, err);
	if (!rc)
		rc = gather_targets(root, config, facts, err);
	if (!rc)
		rc = gather_modules(root, log, facts, err);
	if (!rc)
		rc = kd_planner_tell_features(root, log, facts, err);
	if (!rc)
		rc = kd_host_cpu0_apicid(root, &facts->cpu0_apicid, err);
	if (!rc)
		rc = gather_watchdogs(root, &facts->watchdog_modules, err);
	if (!rc)
		rc = kd_host_crash_facts(root, &crash, err);
	if (!rc && crash.ram_bytes.known)
		facts->ram_bytes = crash.ram_bytes.value;
	return rc;
}
