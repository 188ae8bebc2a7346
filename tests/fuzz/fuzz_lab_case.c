/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A case file is read whole or refused with its name and a reason. Seeds: cases by hand. */
#include "lab/case.h"
#include "lab/disk.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	KD_AUTO(kd_lab_case_fini) struct kd_lab_case c = { 0 };
	KD_AUTO(kd_buf_fini) struct kd_buf conf = { 0 };
	KD_AUTO(kd_buf_fini) struct kd_buf trigger = { 0 };
	struct kd_err err = { 0 };
	int rc = kd_lab_case_parse((const char *)data, size, "n", "f", &c, &err);

	if (rc) {
		require(rc == -KD_BADDATA && strncmp(err.msg, "f:", 2) == 0);
		require(!c.name);
		return 0;
	}
	require(c.title && c.kernel && c.crashkernel);
	require(c.memory_mib >= 256 && c.cpus >= 1 && c.trigger_cpu < (int)c.cpus);
	require((c.disk_mib != 0) == (c.disk_uuid != NULL));
	require((c.trigger == KD_LAB_TRIGGER_COMMAND || c.trigger == KD_LAB_TRIGGER_KEXEC) ==
		(c.trigger_command != NULL));
	require(kd_lab_case_panics(&c) || c.expect == KD_LAB_EXPECT_NONE);
	for (size_t i = 0; i < c.file_count; i++)
		require(*c.files[i].from && c.files[i].to[0] == '/');
	kd_lab_disk_kdump_conf(&c, &conf);
	kd_lab_disk_trigger(&c, &trigger);
	/* one line of the case is one line of the guest's file, whatever is in it */
	size_t lines = 0;
	for (size_t i = 0; i < conf.len; i++)
		lines += conf.p[i] == '\n';
	require(lines == c.conf.n + 1);
	return 0;
}
