/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "capture-initrd/init/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>

static int load(const struct kd_root *root, const struct kd_plan_module *module, struct kd_err *err)
{
	KD_AUTO(kd_closep) int fd = kd_root_openat(root, module->path, O_RDONLY, 0, err);

	if (fd < 0)
		return fd;
	/* EEXIST: loaded already, or built into this kernel. */
	if (syscall(SYS_finit_module, fd, module->options, 0) == 0 || errno == EEXIST)
		return 0;
	/* The kernel's way to say "unknown symbol"; the file itself was opened above. */
	if (errno == ENOENT)
		return kd_fail(err, KD_SYS,
			       "load %s: a module it needs is not loaded (unknown symbol)",
			       module->path);
	return kd_fail_sys(err, errno, "load %s", module->path);
}

void kd_init_modules_load(const struct kd_init *init, struct kd_init_modules *ret)
{
	struct kd_init_modules done = { 0 };

	for (size_t i = 0; i < init->plan.module_count; i++) {
		struct kd_err err = { 0 };
		if (load(init->root, &init->plan.modules[i], &err) == 0)
			done.loaded++;
		else if (!done.first_failure[0])
			memcpy(done.first_failure, err.msg, sizeof(done.first_failure));
	}
	*ret = done;
}
