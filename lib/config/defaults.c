/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/config/internal.h"

#include <string.h>

#define REMOVE_COMMON                                                                              \
	"hugepages hugepagesz slub_debug quiet log_buf_len swiotlb hugetlb_cma "                   \
	"ignition.firstboot cma"
#define APPEND_COMMON "novmcoredd hugetlb_cma=0 kfence.sample_interval=0 initramfs_options=size=90%"

/* Nothing for udev, dracut or systemd: the capture image has none of them. */
static const struct kd_config_arch archs[] = {
	{
		.machine = "x86_64",
		.commandline_remove = REMOVE_COMMON,
		.commandline_append = APPEND_COMMON
		" irqpoll nr_cpus=1 reset_devices cgroup_disable=memory mce=off numa=off panic=10"
		" acpi_no_memhotplug transparent_hugepage=never nokaslr hest_disable cma=0"
		" pcie_ports=compat",
		.kexec_args = "-s",
	},
	{
		.machine = "aarch64",
		.commandline_remove = REMOVE_COMMON,
		.commandline_append = APPEND_COMMON
		" irqpoll nr_cpus=1 reset_devices cgroup_disable=memory panic=10 swiotlb=noforce"
		" cma=0",
		.kexec_args = "-s",
	},
	{
		.machine = "",
		.commandline_remove = REMOVE_COMMON,
		.commandline_append = APPEND_COMMON " panic=10",
		.kexec_args = "",
	},
};

const struct kd_config_arch *kd_config_arch_defaults(const char *machine)
{
	for (size_t i = 0; i < KD_ARRAY_LEN(archs); i++)
		if (strcmp(archs[i].machine, machine) == 0)
			return &archs[i];
	return &archs[KD_ARRAY_LEN(archs) - 1];
}

int kd_conf_defaults(struct kd_config *config, const struct kd_config_arch *arch,
		     struct kd_err *err)
{
	static const char collector[] = "makedumpfile -l --message-level 7 -d 31";
	const struct {
		struct kd_value *value;
		const char *text;
	} table[] = {
		{ &config->path, "/var/crash" },
		{ &config->core_collector, collector },
		{ &config->failure_action_v, "reboot" },
		{ &config->final_action_v, "reboot" },
		{ &config->auto_reset_crashkernel, "yes" },
		{ &config->force_rebuild, "0" },
		{ &config->force_no_rebuild, "0" },
		{ &config->sshkey, "/root/.ssh/kdump_id_rsa" },
		{ &config->kernelver, "" },
		{ &config->commandline, "" },
		{ &config->commandline_remove, arch->commandline_remove },
		{ &config->commandline_append, arch->commandline_append },
		{ &config->bootdir, "/boot" },
		{ &config->img, "vmlinuz" },
		{ &config->img_ext, "" },
		{ &config->kexec_args, arch->kexec_args },
	};
	const struct kd_conf_at at = { .file = "built-in default" };

	for (size_t i = 0; i < KD_ARRAY_LEN(table); i++) {
		int rc = kd_conf_set(table[i].value, table[i].text, NULL, err);
		if (rc)
			return rc;
	}
	config->failure_action = KD_CONF_REBOOT;
	config->final_action = KD_CONF_REBOOT;
	return kd_conf_collector(&at, collector, &config->collector_argv, err);
}
