/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The plan in memory: names, limits, ownership. */
#include "lib/plan/internal.h"

#include <string.h>

static const char *const action_names[] = {
	[KD_ACTION_REBOOT] = "reboot",
	[KD_ACTION_HALT] = "halt",
	[KD_ACTION_POWEROFF] = "poweroff",
	[KD_ACTION_SHELL] = "shell",
	[KD_ACTION_DUMP_TO_ROOTFS] = "dump_to_rootfs",
};

static const char *const id_kind_names[] = {
	[KD_ID_UUID] = "uuid", [KD_ID_LABEL] = "label",	  [KD_ID_SERIAL] = "serial",
	[KD_ID_WWID] = "wwid", [KD_ID_DEVICE] = "device",
};

const char *kd_action_name(enum kd_action action)
{
	return (size_t)action < KD_ARRAY_LEN(action_names) ? action_names[action] : "unknown";
}

int kd_action_from_name(const char *name, enum kd_action *ret, struct kd_err *err)
{
	for (size_t i = 0; i < KD_ARRAY_LEN(action_names); i++) {
		if (strcmp(name, action_names[i]) == 0) {
			*ret = (enum kd_action)i;
			return 0;
		}
	}
	return kd_fail(err, KD_USAGE,
		       "'%.60s' is not an action: use reboot, halt, poweroff, shell or "
		       "dump_to_rootfs",
		       name);
}

const char *kd_id_kind_name(enum kd_id_kind kind)
{
	return (size_t)kind < KD_ARRAY_LEN(id_kind_names) ? id_kind_names[kind] : "unknown";
}

int kd_id_kind_from_name(const char *name, enum kd_id_kind *ret)
{
	for (size_t i = 0; i < KD_ARRAY_LEN(id_kind_names); i++) {
		if (strcmp(name, id_kind_names[i]) == 0) {
			*ret = (enum kd_id_kind)i;
			return 0;
		}
	}
	return -KD_BADDATA;
}

const char *kd_plan_codec_name(enum kd_plan_codec codec)
{
	static const char *const names[] = { "zstd", "zlib", "lzo", "none" };

	return (size_t)codec < KD_ARRAY_LEN(names) ? names[codec] : "unknown";
}

static bool has_control(const char *text)
{
	for (const char *p = text; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return true;
	return false;
}

/* Only letters, digits and what else is listed. */
static bool made_of(const char *text, const char *also)
{
	for (const char *p = text; *p; p++) {
		bool alnum = (*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z') ||
			     (*p >= 'A' && *p <= 'Z');
		if (!alnum && !strchr(also, *p))
			return false;
	}
	return true;
}

const char *kd_plan_check_release(const char *release)
{
	size_t len = strlen(release);

	if (len == 0 || len > KD_PLAN_MAX_NAME_BYTES)
		return "kernel_release is empty or longer than 64 bytes";
	return made_of(release, "._-+~") ? NULL : "kernel_release is not that of a kernel";
}

const char *kd_plan_check_host_tag(const char *tag)
{
	size_t len = strlen(tag);

	if (len == 0 || len > KD_PLAN_MAX_HOST_TAG_BYTES)
		return "host_tag is empty or longer than 39 bytes";
	return made_of(tag, "._-:") && tag[0] != '.'
		       ? NULL
		       : "host_tag has other characters than letters, digits and . _ - :, or begins "
			 "with a dot";
}

const char *kd_plan_check_deadline(uint64_t seconds)
{
	return seconds >= KD_PLAN_MIN_DEADLINE_S && seconds <= KD_PLAN_MAX_DEADLINE_S
		       ? NULL
		       : "deadline_s is not between 10 and 86400";
}

const char *kd_plan_check_timeout(uint64_t seconds)
{
	return seconds >= 1 && seconds <= KD_PLAN_MAX_DEADLINE_S
		       ? NULL
		       : "target_timeout_s is not between 1 and 86400";
}

const char *kd_plan_check_final_action(enum kd_action action)
{
	return action == KD_ACTION_REBOOT || action == KD_ACTION_HALT ||
			       action == KD_ACTION_POWEROFF
		       ? NULL
		       : "final_action is not reboot, halt or poweroff";
}

const char *kd_plan_check_engine(const struct kd_plan_engine *engine)
{
	if (engine->level > 31)
		return "engine's dump level is not 0 to 31";
	if ((unsigned int)engine->codec > KD_PLAN_NONE)
		return "engine's codec is unknown";
	if (engine->elf && engine->codec != KD_PLAN_NONE)
		return "engine cannot compress an ELF file";
	return NULL;
}

const char *kd_plan_check_collector(const struct kd_strv *argv)
{
	if (argv->n == 0)
		return NULL;
	if (argv->n > KD_PLAN_MAX_COLLECTOR_WORDS)
		return "collector has more than 64 words";
	if (argv->v[0][0] != '/' || kd_path_has_dotdot(argv->v[0]))
		return "collector does not begin with an absolute path without '..'";
	for (size_t i = 0; i < argv->n; i++)
		if (!argv->v[i][0] || strlen(argv->v[i]) > KD_PLAN_MAX_WORD_BYTES ||
		    has_control(argv->v[i]))
			return "collector has a word that is empty, has control characters or "
			       "more than 1024 bytes";
	return NULL;
}

const char *kd_plan_check_module(const char *path, const char *options)
{
	if (path[0] != '/' || !path[1] || kd_path_has_dotdot(path) || has_control(path))
		return "module path is not an absolute one without '..' and control characters";
	if (strlen(path) > KD_PLAN_MAX_PATH_BYTES)
		return "module path is longer than 1024 bytes";
	if (strlen(options) > KD_PLAN_MAX_OPTIONS_BYTES || has_control(options))
		return "module options have control characters or more than 1024 bytes";
	return NULL;
}

const char *kd_plan_check_target(const struct kd_plan_target *t)
{
	size_t fstype_len = strlen(t->fstype), id_len = strlen(t->id);

	if (fstype_len == 0 || fstype_len > KD_PLAN_MAX_NAME_BYTES || !made_of(t->fstype, "_.-"))
		return "target file system type is not one";
	if ((size_t)t->id_kind >= KD_ARRAY_LEN(id_kind_names))
		return "target identity is of no known kind";
	if (id_len == 0 || id_len > KD_PLAN_MAX_ID_BYTES || has_control(t->id))
		return "target identity is empty, longer than 256 bytes or has control characters";
	if (t->id_kind == KD_ID_DEVICE &&
	    (strncmp(t->id, "/dev/", 5) != 0 || kd_path_has_dotdot(t->id)))
		return "target device is not below /dev";
	if (t->dir[0] != '/' || kd_path_has_dotdot(t->dir) || has_control(t->dir))
		return "target directory is not an absolute path without '..' and control "
		       "characters";
	if (strlen(t->dir) > KD_PLAN_MAX_PATH_BYTES)
		return "target directory is longer than 1024 bytes";
	if (strlen(t->mount_options) > KD_PLAN_MAX_OPTIONS_BYTES || has_control(t->mount_options))
		return "target mount options have control characters or more than 1024 bytes";
	return NULL;
}

static void module_fini(struct kd_plan_module *m)
{
	free(m->path);
	free(m->options);
}

static void target_fini(struct kd_plan_target *t)
{
	free(t->fstype);
	free(t->id);
	free(t->mount_options);
	free(t->dir);
}

void kd_plan_fini(struct kd_plan *plan)
{
	free(plan->kernel_release);
	free(plan->host_tag);
	kd_strv_fini(&plan->collector);
	for (size_t i = 0; i < plan->module_count; i++)
		module_fini(&plan->modules[i]);
	free(plan->modules);
	for (size_t i = 0; i < plan->target_count; i++)
		target_fini(&plan->targets[i]);
	free(plan->targets);
	*plan = (struct kd_plan){ 0 };
}

int kd_plan_add_module(struct kd_plan *plan, const char *path, const char *options,
		       struct kd_err *err)
{
	if (plan->module_count >= KD_PLAN_MAX_MODULES)
		return kd_fail(err, KD_USAGE, "a plan cannot hold more than %d modules",
			       KD_PLAN_MAX_MODULES);

	struct kd_plan_module *grown = reallocarray(plan->modules, plan->module_count + 1,
						    sizeof(*grown));
	if (!grown)
		return kd_fail(err, KD_NOMEM, "no memory for the plan's modules");
	plan->modules = grown;

	KD_AUTO(module_fini) struct kd_plan_module m = { 0 };
	int rc = kd_strdup(&m.path, path, err);
	if (!rc)
		rc = kd_strdup(&m.options, options, err);
	if (rc)
		return rc;
	plan->modules[plan->module_count++] = m;
	m = (struct kd_plan_module){ 0 };
	return 0;
}

int kd_plan_add_target(struct kd_plan *plan, const struct kd_plan_target *target,
		       struct kd_err *err)
{
	if (plan->target_count >= KD_PLAN_MAX_TARGETS)
		return kd_fail(err, KD_USAGE, "a plan cannot hold more than %d targets",
			       KD_PLAN_MAX_TARGETS);

	struct kd_plan_target *grown = reallocarray(plan->targets, plan->target_count + 1,
						    sizeof(*grown));
	if (!grown)
		return kd_fail(err, KD_NOMEM, "no memory for the plan's targets");
	plan->targets = grown;

	KD_AUTO(target_fini) struct kd_plan_target t = { .id_kind = target->id_kind };
	int rc = kd_strdup(&t.fstype, target->fstype, err);
	if (!rc)
		rc = kd_strdup(&t.id, target->id, err);
	if (!rc)
		rc = kd_strdup(&t.mount_options, target->mount_options, err);
	if (!rc)
		rc = kd_strdup(&t.dir, target->dir, err);
	if (rc)
		return rc;
	plan->targets[plan->target_count++] = t;
	t = (struct kd_plan_target){ 0 };
	return 0;
}
