/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/kdumpctl/ctl.h"

#include <string.h>

enum { MAX_FILE_BYTES = 4 << 20 };

static bool file_says(const struct kd_root *root, const char *path, const char *text)
{
	KD_AUTO(kd_freep) char *all = NULL;

	return kd_root_read(root, path, MAX_FILE_BYTES, &all, NULL, NULL) == 0 && strstr(all, text);
}

static bool dir_has(const struct kd_root *root, const char *path, const char *prefix)
{
	KD_AUTO(kd_closedirp) DIR *dir = NULL;

	if (kd_root_opendir(root, path, &dir, NULL))
		return false;
	for (struct dirent *e = readdir(dir); e; e = readdir(dir))
		if (strncmp(e->d_name, prefix, strlen(prefix)) == 0)
			return true;
	return false;
}

/*
 * Is memory encrypted (AMD SME or SEV)? The kernel says so once, in its log (Linux 6.12,
 * arch/x86/mm/mem_encrypt.c), which scrolls away; so its file from the boot, a guest's
 * attestation device (drivers/virt/coco/sev-guest) and the argument that asks for it count.
 */
static bool memory_is_encrypted(const struct kd_root *root, const char *cmdline)
{
	KD_AUTO(kd_strv_fini) struct kd_strv words = { 0 };

	if (kd_root_exists(root, "/dev/sev-guest") ||
	    file_says(root, "/var/log/dmesg", "Memory Encryption Features active: AMD S"))
		return true;
	return kd_strv_split(&words, cmdline, " ", NULL) == 0 &&
	       kd_strv_has(&words, "mem_encrypt=on");
}

int machine_facts(const struct ctl *ctl, struct kd_host_kernel *kernel, struct kd_ck_machine *ret,
		  struct kd_err *err)
{
	int rc = kd_host_uname(ctl->root, kernel, err);

	if (rc)
		return rc;
	*ret = (struct kd_ck_machine){
		.name = kernel->machine,
		.page = strstr(kernel->release, "64k") ? KD_CK_PAGE_64K : KD_CK_PAGE_4K,
		.memory_encrypted = memory_is_encrypted(ctl->root, kernel->cmdline),
		.mlx5 = kd_root_exists(ctl->root, "/sys/bus/pci/drivers/mlx5_core"),
		.smmu = dir_has(ctl->root, "/sys/devices/platform", "arm-smmu-"),
	};
	return 0;
}

int cmd_default_crashkernel(struct ctl *ctl)
{
	KD_AUTO(kd_host_kernel_fini) struct kd_host_kernel kernel = { 0 };
	struct kd_ck_machine machine = { 0 };
	struct kd_err err = { 0 };
	const char *mode = ctl->argument ? ctl->argument : "kdump";

	if (strcmp(mode, "kdump") != 0 && strcmp(mode, "fadump") != 0) {
		say("Error: get-default-crashkernel takes kdump or fadump, not %s", mode);
		return 1;
	}
	if (machine_facts(ctl, &kernel, &machine, &err))
		return complain(&err);
	machine.fadump = strcmp(mode, "fadump") == 0;
	fputs(kd_ck_default(&machine), stdout); /* without a newline: scripts paste it */
	return 0;
}
