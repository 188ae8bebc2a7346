/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lab/env.h"

#include "lab/files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

void kd_lab_env_fini(struct kd_lab_env *env)
{
	free(env->build);
	free(env->cases);
	free(env->out);
	*env = (struct kd_lab_env){ 0 };
}

/* build/bin/kdump-lab -> build */
static int own_build_dir(char **ret, struct kd_err *err)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (n < 0)
		return kd_fail_sys(err, errno, "read /proc/self/exe");
	path[n] = '\0';
	for (int i = 0; i < 2; i++) {
		char *slash = strrchr(path, '/');
		if (!slash || slash == path)
			return kd_fail(
				err, KD_USAGE,
				"this program is not in a build directory; give --build DIR");
		*slash = '\0';
	}
	return kd_strdup(ret, path, err);
}

static int absolute(const char *path, char **ret, struct kd_err *err)
{
	char *real = realpath(path, NULL);

	if (!real)
		return kd_fail_sys(err, errno, "find directory %s", path);
	*ret = real;
	return 0;
}

int kd_lab_env_init(struct kd_lab_env *env, const char *build, const char *cases, const char *out,
		    struct kd_err *err)
{
	KD_AUTO(kd_freep) char *dir = NULL;
	int rc = build ? absolute(build, &env->build, err) : own_build_dir(&env->build, err);

	if (!rc)
		rc = kd_strdup(&env->cases, cases ? cases : "tests/panic", err);
	if (!rc)
		rc = out ? kd_strdup(&dir, out, err)
			 : kd_asprintf(&dir, err, "%s/lab/out", env->build);
	if (!rc)
		rc = kd_lab_mkdirs(dir, err);
	return rc ? rc : absolute(dir, &env->out, err);
}

int kd_lab_env_release(const struct kd_lab_env *env, const char *name, char **ret,
		       struct kd_err *err)
{
	KD_AUTO(kd_freep) char *path = NULL;
	KD_AUTO(kd_freep) char *text = NULL;
	int rc = kd_asprintf(&path, err, "%s/lab/kernels/%s/release", env->build, name);

	if (rc)
		return rc;
	KD_AUTO(kd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		bool ours = strcmp(name, "lab") == 0 || strcmp(name, "capture") == 0;
		return kd_fail(err, KD_NOTSUP, "no %s kernel (%s: %s); %s%s%s", name, path,
			       strerror(errno),
			       ours ? "build it with make kernel"
				    : "fetch it with scripts/fetch-kernels ",
			       ours ? "" : env->build, ours ? "" : "/lab/kernels");
	}
	rc = kd_read_all(fd, 256, &text, NULL, path, err);
	if (rc)
		return rc;
	text[strcspn(text, "\n")] = '\0';
	if (!*text || strchr(text, '/'))
		return kd_fail(err, KD_BADDATA, "%s: '%s' is not a kernel release", path, text);
	*ret = KD_STEAL(text);
	return 0;
}

int kd_lab_env_kernel(const struct kd_lab_env *env, const char *name, char **ret,
		      struct kd_err *err)
{
	KD_AUTO(kd_freep) char *release = NULL;
	int rc = kd_lab_env_release(env, name, &release, err);

	return rc ? rc
		  : kd_asprintf(ret, err, "%s/lab/kernels/%s/boot/vmlinuz-%s", env->build, name,
				release);
}
