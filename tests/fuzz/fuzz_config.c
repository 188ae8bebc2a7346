/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kdump.conf and sysconfig/kdump from memory: no root directory is needed. The
 * first byte chooses the parser ('s' is sysconfig).
 */
#include "lib/config/internal.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	KD_AUTO(kd_config_fini) struct kd_config config = { 0 };
	KD_AUTO(kd_freep) char *text = NULL;
	struct kd_err err = { 0 };

	if (size == 0 || size > KD_CONF_MAX_FILE_BYTES)
		return 0;
	text = malloc(size);
	if (!text)
		return 0;
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	if (kd_conf_normalise("f", NULL, text, size - 1, &err) ||
	    kd_conf_defaults(&config, kd_config_arch_defaults("x86_64"), &err))
		return 0;

	int rc = data[0] == 's' ? kd_conf_parse_sysconfig(&config, "f", NULL, text, &err)
				: kd_conf_parse_kdumpconf(&config, "f", NULL, text, &err);
	if (rc) {
		require(rc == -KD_USAGE && strncmp(err.msg, "f:", 2) == 0);
		return 0;
	}
	require(config.path.text[0] == '/' && !strstr(config.path.text, "/../") &&
		!strstr(config.path.text, "//"));
	require(config.bootdir.text[0] == '/' && !strstr(config.bootdir.text, "/../"));
	require(config.collector_argv.n > 0 && config.final_action <= KD_CONF_POWEROFF);
	require(!config.target_spec.text == !config.target_fstype.text);
	return 0;
}
