/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a directive of kdump.conf may say. */
#include "tests/unit/support-config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* ---- values ---- */

static void test_path_values(void **state)
{
	struct config_fixture *f = *state;
	char deep[1100] = "path /";

	load_conf(f, "path /\n");
	assert_string_equal(f->config.path.text, "/");
	load_conf(f, "path /..a/b..\n");
	assert_string_equal(f->config.path.text, "/..a/b..");
	refused(f, "path var/crash\n",
		"/etc/kdump.conf:1: Invalid kdump config value for option 'path': 'var/crash' is not "
		"absolute: begin it with /");
	refused(f, "path //var/../etc\n",
		"/etc/kdump.conf:1: Invalid kdump config value for option 'path': '//var/../etc' has "
		"a '..' component: write the path without");
	memset(deep + 6, 'a', sizeof(deep) - 7);
	put_file(f, "/etc/kdump.conf", deep);
	assert_int_equal(load_config(f), -KD_USAGE);
	assert_non_null(strstr(f->err.msg, "is longer than 1024 bytes: shorten it"));
}

static void test_target_specs(void **state)
{
	struct config_fixture *f = *state;
	static const struct {
		const char *line, *fstype, *spec;
	} good[] = {
		{ "ext2 /dev/vda1", "ext2", "/dev/vda1" },
		{ "ext3 /dev/disk/by-id/virtio-x", "ext3", "/dev/disk/by-id/virtio-x" },
		{ "xfs LABEL=my crash", "xfs", "LABEL=my crash" },
		{ "btrfs UUID=\"0fc6-3DAF\"", "btrfs", "UUID=0fc6-3DAF" },
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(good); i++) {
		load_conf(f, good[i].line);
		assert_string_equal(f->config.target_fstype.text, good[i].fstype);
		assert_string_equal(f->config.target_spec.text, good[i].spec);
	}
	refused(f, "ext4 vda1\n",
		"/etc/kdump.conf:1: Invalid kdump config value for option 'ext4': 'vda1' is not a "
		"device: write /dev/NAME, UUID=... or LABEL=...");
	refused(f, "ext4 /dev/vda1 /dev/vdb1\n",
		"/etc/kdump.conf:1: Invalid kdump config value for option 'ext4': '/dev/vda1 "
		"/dev/vdb1' is not a device: write /dev/NAME, UUID=... or LABEL=...");
	refused(f, "xfs /dev/../etc/passwd\n",
		"/etc/kdump.conf:1: Invalid kdump config value for option 'xfs': "
		"'/dev/../etc/passwd' has a '..' component: write /dev/NAME, UUID=... or LABEL=...");
	refused(f, "xfs UUID=hello\n",
		"/etc/kdump.conf:1: Invalid kdump config value for option 'xfs': 'UUID=hello' holds "
		"no UUID (hexadecimal digits and -): write /dev/NAME, UUID=... or LABEL=...");
	refused(f, "xfs LABEL=\n",
		"/etc/kdump.conf:1: Invalid kdump config value for option 'xfs': 'LABEL=' holds no "
		"label: write /dev/NAME, UUID=... or LABEL=...");
}

static void test_actions(void **state)
{
	struct config_fixture *f = *state;

	load_conf(f, "failure_action dump_to_rootfs\nfinal_action halt\n");
	assert_int_equal(f->config.failure_action, KD_CONF_DUMP_TO_ROOTFS);
	assert_int_equal(f->config.final_action, KD_CONF_HALT);
	refused(f, "failure_action explode\n",
		"/etc/kdump.conf:1: Usage kdump.conf: failure_action "
		"{reboot|halt|poweroff|shell|dump_to_rootfs}, not 'explode': write one of these "
		"words");
	refused(f, "final_action shell\n",
		"/etc/kdump.conf:1: Usage kdump.conf: final_action {reboot|halt|poweroff}, not "
		"'shell': write one of these words");
}

static void test_default_is_failure_action_with_two_warnings(void **state)
{
	struct config_fixture *f = *state;
	char want[512];

	load_conf(f, "default halt\n");
	assert_int_equal(f->config.failure_action, KD_CONF_HALT);
	assert_from(f, &f->config.failure_action_v, "halt", "/etc/kdump.conf", 1);
	snprintf(want, sizeof(want),
		 "%s/etc/kdump.conf:1: 'default' is the old name of failure_action and may be "
		 "refused one day\n"
		 "%s/etc/kdump.conf:1: write 'failure_action halt' instead\n",
		 f->dir, f->dir);
	assert_string_equal(f->warnings.p, want);
}

static void test_rebuild_flags(void **state)
{
	struct config_fixture *f = *state;
	char want[512];

	refused(f, "force_rebuild yes\n",
		"/etc/kdump.conf:1: Invalid kdump config value for option 'force_rebuild': 'yes' is "
		"neither 0 nor 1: write one of them");
	snprintf(want, sizeof(want),
		 "/etc/kdump.conf:2: force_no_rebuild is 1 and so is force_rebuild "
		 "(%s/etc/kdump.conf:1): set one of them to 0",
		 f->dir);
	refused(f, "force_rebuild 1\nforce_no_rebuild 1\n", want);
}

static void test_missing_ssh_key_falls_back_with_a_warning(void **state)
{
	struct config_fixture *f = *state;

	load_conf(f, "sshkey /root/none\n");
	assert_from(f, &f->config.sshkey, "/root/.ssh/kdump_id_rsa", NULL, 0);
	assert_string_equal(f->warnings.p + strlen(f->dir),
			    "/etc/kdump.conf:1: sshkey '/root/none' does not exist, using "
			    "/root/.ssh/kdump_id_rsa\n");
}

/* ---- core_collector ---- */

static void test_collector_words_follow_shell_quoting(void **state)
{
	struct config_fixture *f = *state;
	static const char *const argv[] = { "/usr/sbin/makedumpfile", "-d", "31",
					    "--message-level=7", "-cE" };

	load_conf(f, "core_collector /usr/sbin/makedump'file' \"-d\" 3\\1 --message-level='7' "
		     "\"-\"c\"E\"  \n");
	assert_argv(&f->config.collector_argv, argv, KD_ARRAY_LEN(argv));
	assert_null(f->config.collector_argv.v[5]);
}

static void test_collector_characters_for_a_shell_are_refused(void **state)
{
	struct config_fixture *f = *state;

	for (const char *c = "$`|;&<>()"; *c; c++) {
		char text[80], want[400];
		snprintf(text, sizeof(text), "core_collector makedumpfile -l %c x\n", *c);
		snprintf(
			want, sizeof(want),
			"/etc/kdump.conf:1: '%c' in the value of core_collector: no shell runs, so "
			"nothing is expanded, piped or redirected; write the value itself, in "
			"single quotes if the character is meant",
			*c);
		refused(f, text, want);
	}
	refused(f, "core_collector makedumpfile \"-d$LEVEL\" -l\n",
		"/etc/kdump.conf:1: '$' in the value of core_collector: no shell runs, so nothing is "
		"expanded, piped or redirected; write the value itself, in single quotes if the "
		"character is meant");
	refused(f, "core_collector makedumpfile 'x\n",
		"/etc/kdump.conf:1: the quote ' in the value of core_collector is not closed in its "
		"line; close it");
	refused(f, "core_collector makedumpfile -l \\\n",
		"/etc/kdump.conf:1: the value of core_collector ends in a backslash: remove it, or "
		"write \\\\ if it is meant");
}

static void test_collector_must_be_makedumpfile(void **state)
{
	struct config_fixture *f = *state;

	refused(f, "core_collector cp --sparse=always\n",
		"/etc/kdump.conf:1: core_collector 'cp' is not makedumpfile, the only program "
		"kdumpkit packs for this: write 'core_collector makedumpfile ...' or remove the "
		"line");
	refused(f, "core_collector /opt/notmakedumpfile\n",
		"/etc/kdump.conf:1: core_collector '/opt/notmakedumpfile' is not makedumpfile, the "
		"only program kdumpkit packs for this: write 'core_collector makedumpfile ...' or "
		"remove the line");
}

static void test_collector_options_that_save_nothing_are_refused(void **state)
{
	struct config_fixture *f = *state;

	refused(f, "core_collector makedumpfile -lF -d 31\n",
		"/etc/kdump.conf:1: core_collector: -F writes to standard output, which is only for "
		"ssh and raw targets: remove -F");
	refused(f, "core_collector makedumpfile --dump-dmesg\n",
		"/etc/kdump.conf:1: core_collector: makedumpfile --dump-dmesg does not save a "
		"vmcore: remove it");
	refused(f, "core_collector makedumpfile --config /etc/filter\n",
		"/etc/kdump.conf:1: core_collector: makedumpfile --config reads a file that is not "
		"in the capture image: remove it");
	refused(f, "core_collector makedumpfile -l -d 31 vmcore\n",
		"/etc/kdump.conf:1: core_collector: 'vmcore' is not an option of makedumpfile, and "
		"file names are added by kdumpkit: remove it");
	refused(f, "core_collector makedumpfile --message-level\n",
		"/etc/kdump.conf:1: core_collector: --message-level lacks its argument");
}

static void test_collector_dump_level_range(void **state)
{
	struct config_fixture *f = *state;
	static const char *const good[] = { "-d 0", "-d31", "-ld31", "-d 1,31" };
	static const char *const bad[] = { "32", "31,", ",", "-1", "x", "4294967296" };

	for (size_t i = 0; i < KD_ARRAY_LEN(good); i++) {
		char text[80];
		snprintf(text, sizeof(text), "core_collector makedumpfile %s -c\n", good[i]);
		load_conf(f, text);
	}
	for (size_t i = 0; i < KD_ARRAY_LEN(bad); i++) {
		char text[80], want[200];
		snprintf(text, sizeof(text), "core_collector makedumpfile -d %s\n", bad[i]);
		snprintf(want, sizeof(want),
			 "/etc/kdump.conf:1: core_collector: dump level '%s' is not one: write -d "
			 "with a number from 0 to 31",
			 bad[i]);
		refused(f, text, want);
	}
	refused(f, "core_collector makedumpfile -d\n",
		"/etc/kdump.conf:1: core_collector: dump level '' is not one: write -d with a number "
		"from 0 to 31");
}

int main(void)
{
#define FIXED(test) cmocka_unit_test_setup_teardown(test, config_setup, config_teardown)
	const struct CMUnitTest tests[] = {
		FIXED(test_path_values),
		FIXED(test_target_specs),
		FIXED(test_actions),
		FIXED(test_default_is_failure_action_with_two_warnings),
		FIXED(test_rebuild_flags),
		FIXED(test_missing_ssh_key_falls_back_with_a_warning),
		FIXED(test_collector_words_follow_shell_quoting),
		FIXED(test_collector_characters_for_a_shell_are_refused),
		FIXED(test_collector_must_be_makedumpfile),
		FIXED(test_collector_options_that_save_nothing_are_refused),
		FIXED(test_collector_dump_level_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
