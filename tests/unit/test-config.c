/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kdump.conf as a whole: its grammar, its directives, its drop-ins. */
#include "tests/unit/support-config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* ---- the whole ---- */

static void test_missing_file_says_what_to_create(void **state)
{
	struct config_fixture *f = *state;
	char want[256];

	assert_int_equal(load_config(f), -KD_USAGE);
	snprintf(
		want, sizeof(want),
		"No kdump config file found! Create %s/etc/kdump.conf; an empty one means: save to "
		"/var/crash",
		f->dir);
	assert_string_equal(f->err.msg, want);
	assert_null(f->config.path.text);
}

static void test_empty_file_gives_defaults(void **state)
{
	struct config_fixture *f = *state;
	static const char *const argv[] = {
		"makedumpfile", "-l", "--message-level", "7", "-d", "31"
	};

	load_conf(f, "\n  \t\n# only a comment\n   # and one more");
	assert_from(f, &f->config.path, "/var/crash", NULL, 0);
	assert_null(f->config.target_fstype.text);
	assert_null(f->config.target_spec.text);
	assert_from(f, &f->config.core_collector, "makedumpfile -l --message-level 7 -d 31", NULL,
		    0);
	assert_argv(&f->config.collector_argv, argv, KD_ARRAY_LEN(argv));
	assert_int_equal(f->config.failure_action, KD_CONF_REBOOT);
	assert_int_equal(f->config.final_action, KD_CONF_REBOOT);
	assert_from(f, &f->config.auto_reset_crashkernel, "yes", NULL, 0);
	assert_from(f, &f->config.force_rebuild, "0", NULL, 0);
	assert_from(f, &f->config.force_no_rebuild, "0", NULL, 0);
	assert_from(f, &f->config.sshkey, "/root/.ssh/kdump_id_rsa", NULL, 0);
	assert_from(f, &f->config.kernelver, "", NULL, 0);
	assert_from(f, &f->config.commandline, "", NULL, 0);
	assert_from(f, &f->config.bootdir, "/boot", NULL, 0);
	assert_from(f, &f->config.img, "vmlinuz", NULL, 0);
	assert_from(f, &f->config.img_ext, "", NULL, 0);
	assert_string_equal(f->warnings.p, "");
}

static void test_every_supported_directive_is_read_with_its_line(void **state)
{
	struct config_fixture *f = *state;
	static const char *const argv[] = { "makedumpfile", "-z", "-d", "1,31" };

	put_file(f, "/key", "");
	load_conf(f, "# one\n"
		     "path //srv///crash/./here/\n"
		     "ext4 UUID=0fc63daf-8483-4772-8e79-3d69d8477de4\n"
		     "\tcore_collector   makedumpfile -z  -d 1,31   # fast\n"
		     "failure_action shell\n"
		     "final_action\tpoweroff\n"
		     "auto_reset_crashkernel no\n"
		     "force_rebuild 1\n"
		     "force_no_rebuild 0\n"
		     "sshkey /key\n"
		     "capture_kernel /boot/small");
	assert_from(f, &f->config.path, "/srv/crash/here", "/etc/kdump.conf", 2);
	assert_from(f, &f->config.target_fstype, "ext4", "/etc/kdump.conf", 3);
	assert_from(f, &f->config.target_spec, "UUID=0fc63daf-8483-4772-8e79-3d69d8477de4",
		    "/etc/kdump.conf", 3);
	assert_from(f, &f->config.core_collector, "makedumpfile -z  -d 1,31", "/etc/kdump.conf", 4);
	assert_argv(&f->config.collector_argv, argv, KD_ARRAY_LEN(argv));
	assert_from(f, &f->config.failure_action_v, "shell", "/etc/kdump.conf", 5);
	assert_int_equal(f->config.failure_action, KD_CONF_SHELL);
	assert_from(f, &f->config.final_action_v, "poweroff", "/etc/kdump.conf", 6);
	assert_int_equal(f->config.final_action, KD_CONF_POWEROFF);
	assert_from(f, &f->config.auto_reset_crashkernel, "no", "/etc/kdump.conf", 7);
	assert_from(f, &f->config.force_rebuild, "1", "/etc/kdump.conf", 8);
	assert_from(f, &f->config.force_no_rebuild, "0", "/etc/kdump.conf", 9);
	assert_from(f, &f->config.sshkey, "/key", "/etc/kdump.conf", 10);
	assert_from(f, &f->config.capture_kernel, "/boot/small", "/etc/kdump.conf", 11);
	assert_string_equal(f->warnings.p, "");
}

static void test_directory_in_place_of_the_file_is_refused(void **state)
{
	struct config_fixture *f = *state;

	assert_int_equal(kd_root_mkdirs(f->root, "/etc/kdump.conf", 0755, &f->err), 0);
	assert_int_equal(load_config(f), -KD_USAGE);
	assert_string_equal(f->err.msg + strlen(f->dir),
			    "/etc/kdump.conf is not a regular file: replace it by one");
}

static void test_huge_file_is_refused(void **state)
{
	struct config_fixture *f = *state;
	KD_AUTO(kd_freep) char *big = malloc(300 << 10);

	assert_non_null(big);
	memset(big, '\n', 300 << 10);
	assert_int_equal(kd_root_write(f->root, "/etc/kdump.conf", big, 300 << 10, 0600, &f->err),
			 0);
	assert_int_equal(load_config(f), -KD_USAGE);
	assert_string_equal(f->err.msg + strlen(f->dir),
			    "/etc/kdump.conf is larger than 262144 bytes: this cannot be a kdump "
			    "configuration");
}

/* ---- the grammar of kdump.conf ---- */

static void test_crlf_is_tolerated_with_one_warning(void **state)
{
	struct config_fixture *f = *state;

	load_conf(f, "# dos\npath /srv/crash\r\nfinal_action halt\r\nfailure_action halt\r");
	assert_string_equal(f->config.path.text, "/srv/crash");
	assert_int_equal(f->config.final_action, KD_CONF_HALT);
	assert_int_equal(f->config.failure_action, KD_CONF_HALT);
	assert_string_equal(
		f->warnings.p + strlen(f->dir),
		"/etc/kdump.conf:2: the line ends in CR LF; the CR is ignored here and in "
		"all other lines, write the file with LF only\n");
}

static void test_control_characters_are_refused(void **state)
{
	struct config_fixture *f = *state;

	refused(f, "path /srv\npath /a\rb\n",
		"/etc/kdump.conf:2: control character 0x0d: remove it, the file must be plain text");
	refused(f, "path /srv/\033[31m\n",
		"/etc/kdump.conf:1: control character 0x1b: remove it, the file must be plain text");
	assert_int_equal(
		kd_root_write(f->root, "/etc/kdump.conf", "path /a\n\0\n", 10, 0600, &f->err), 0);
	assert_int_equal(kd_config_load(f->root, NULL, &f->config, &f->err), -KD_USAGE);
	assert_string_equal(
		f->err.msg + strlen(f->dir),
		"/etc/kdump.conf:2: control character 0x00: remove it, the file must be "
		"plain text");
}

static void test_comment_cuts_a_value_anywhere(void **state)
{
	struct config_fixture *f = *state;

	load_conf(f, "path /a#b\n");
	assert_string_equal(f->config.path.text, "/a");
	assert_string_equal(f->warnings.p + strlen(f->dir),
			    "/etc/kdump.conf:1: '#' inside a word begins a comment; write a blank "
			    "before it if that was meant\n");
	load_conf(f, "path /a #b\n");
	assert_string_equal(f->config.path.text, "/a");
	assert_string_equal(f->warnings.p, "");
}

static void test_one_pair_of_outer_quotes_is_removed(void **state)
{
	struct config_fixture *f = *state;
	static const char *const argv[] = { "makedumpfile", "-l" };

	load_conf(f, "path \"/srv/my  crash\"\ncore_collector \"makedumpfile -l\"\n");
	assert_string_equal(f->config.path.text, "/srv/my  crash");
	assert_argv(&f->config.collector_argv, argv, 2);
}

static void test_unknown_directive(void **state)
{
	struct config_fixture *f = *state;

	refused(f, "path /srv\n\ncolour blue\n",
		"/etc/kdump.conf:3: Invalid kdump config option colour: see kdump.conf(5) for the "
		"directives");
	refused(f, "Path /srv\n",
		"/etc/kdump.conf:1: Invalid kdump config option Path: see kdump.conf(5) for the "
		"directives");
	refused(f, "path=/srv\n",
		"/etc/kdump.conf:1: Invalid kdump config option path=/srv: see kdump.conf(5) for "
		"the directives (name and value are separated by a blank)");
}

static void test_empty_value(void **state)
{
	struct config_fixture *f = *state;
	static const char *const lines[] = { "path", "path   ", "path # /srv", "path \"\"" };

	for (size_t i = 0; i < KD_ARRAY_LEN(lines); i++)
		refused(f, lines[i],
			"/etc/kdump.conf:1: Invalid kdump config value for option 'path': it is "
			"empty; write one or remove the line");
	refused(f, "core_collector\n",
		"/etc/kdump.conf:1: Invalid kdump config value for option 'core_collector': it is "
		"empty; write one or remove the line");
	refused(f, "core_collector \" \"\n",
		"/etc/kdump.conf:1: Invalid kdump config value for option 'core_collector': it is "
		"empty; write one or remove the line");
}

static void test_duplicates_name_the_first_line(void **state)
{
	struct config_fixture *f = *state;

	refused(f, "path /a\n\npath /b\n",
		"/etc/kdump.conf:3: Duplicated kdump config value of option path: line 1 has 'path' "
		"already; remove one of the two");
	refused(f, "failure_action halt\ndefault halt\n",
		"/etc/kdump.conf:2: Duplicated kdump config value of option default: line 1 has "
		"'failure_action' already; remove one of the two");
	refused(f, "ext4 /dev/vda1\nxfs LABEL=crash\n",
		"/etc/kdump.conf:2: More than one dump targets specified: line 1 has 'ext4' already; "
		"remove one of the two");
}

static void test_overlong_line(void **state)
{
	struct config_fixture *f = *state;
	char text[4200] = "path /";

	memset(text + 6, 'a', sizeof(text) - 7);
	refused(f, text, "/etc/kdump.conf:1: the line is longer than 4096 bytes: shorten it");
}

static void test_unsupported_directives_are_refused_not_skipped(void **state)
{
	struct config_fixture *f = *state;
	static const char *const names[] = {
		"raw",
		"nfs",
		"ssh",
		"virtiofs",
		"minix",
		"kdump_pre",
		"kdump_post",
		"kdump_emergency",
		"extra_bins",
		"extra_modules",
		"dracut_args",
		"fence_kdump_args",
		"fence_kdump_nodes",
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(names); i++) {
		char text[80], start[120];
		snprintf(text, sizeof(text), "path /srv\n%s x\n", names[i]);
		snprintf(start, sizeof(start),
			 "%s/etc/kdump.conf:2: kdumpkit does not support '%s' yet: ", f->dir,
			 names[i]);
		put_file(f, "/etc/kdump.conf", text);
		assert_int_equal(load_config(f), -KD_USAGE);
		assert_int_equal(strncmp(f->err.msg, start, strlen(start)), 0);
		assert_non_null(strstr(f->err.msg, "remove the line"));
	}
	refused(f, "nfs host:/export\n",
		"/etc/kdump.conf:1: kdumpkit does not support 'nfs' yet: remove the line and save to "
		"a local file system (ext4, xfs, ... by device, UUID= or LABEL=)");
	refused(f, "link_delay 60\n",
		"/etc/kdump.conf:1: Deprecated kdump config option: link_delay. Refer to kdump.conf "
		"manpage for alternatives: remove the line");
}

/* ---- drop-ins ---- */

static void test_dropins_override_in_name_order(void **state)
{
	struct config_fixture *f = *state;

	put_file(f, "/etc/kdump.conf.d/20-b.conf", "path /b\n\nxfs LABEL=b\n");
	put_file(f, "/etc/kdump.conf.d/10-a.conf", "path /a\nfinal_action halt\n");
	put_file(f, "/etc/kdump.conf.d/30-c.conf.bak", "path /wrong\n");
	put_file(f, "/etc/kdump.conf.d/.40.conf", "path /wrong\n");
	load_conf(f, "path /main\next4 /dev/vda1\nfailure_action halt\n");
	assert_from(f, &f->config.path, "/b", "/etc/kdump.conf.d/20-b.conf", 1);
	assert_from(f, &f->config.target_fstype, "xfs", "/etc/kdump.conf.d/20-b.conf", 3);
	assert_from(f, &f->config.target_spec, "LABEL=b", "/etc/kdump.conf.d/20-b.conf", 3);
	assert_from(f, &f->config.final_action_v, "halt", "/etc/kdump.conf.d/10-a.conf", 2);
	assert_from(f, &f->config.failure_action_v, "halt", "/etc/kdump.conf", 3);
}

static void test_dropin_errors_name_the_dropin(void **state)
{
	struct config_fixture *f = *state;

	put_file(f, "/etc/kdump.conf", "path /main\n");
	refused_in(
		f, "/etc/kdump.conf.d/x.conf", "path /a\npath /b\n",
		"/etc/kdump.conf.d/x.conf:2: Duplicated kdump config value of option path: line 1 "
		"has 'path' already; remove one of the two");
}

int main(void)
{
#define FIXED(test) cmocka_unit_test_setup_teardown(test, config_setup, config_teardown)
	const struct CMUnitTest tests[] = {
		FIXED(test_missing_file_says_what_to_create),
		FIXED(test_empty_file_gives_defaults),
		FIXED(test_every_supported_directive_is_read_with_its_line),
		FIXED(test_directory_in_place_of_the_file_is_refused),
		FIXED(test_huge_file_is_refused),
		FIXED(test_crlf_is_tolerated_with_one_warning),
		FIXED(test_control_characters_are_refused),
		FIXED(test_comment_cuts_a_value_anywhere),
		FIXED(test_one_pair_of_outer_quotes_is_removed),
		FIXED(test_unknown_directive),
		FIXED(test_empty_value),
		FIXED(test_duplicates_name_the_first_line),
		FIXED(test_overlong_line),
		FIXED(test_unsupported_directives_are_refused_not_skipped),
		FIXED(test_dropins_override_in_name_order),
		FIXED(test_dropin_errors_name_the_dropin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
