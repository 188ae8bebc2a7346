/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /etc/sysconfig/kdump or /etc/default/kdump: the capture kernel and its command line. */
#include "tests/unit/support-config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void refused_sys(struct config_fixture *f, const char *text, const char *message)
{
	put_file(f, "/etc/kdump.conf", "");
	refused_in(f, "/etc/sysconfig/kdump", text, message);
}

static void test_sysconfig_values_and_quoting(void **state)
{
	struct config_fixture *f = *state;

	put_file(f, "/etc/default/kdump", "KDUMP_IMG=wrong\n");
	put_file(f, "/etc/sysconfig/kdump",
		 "# comment\n"
		 "KDUMP_KERNELVER=\"6.1.0-18-amd64\"\n"
		 "  KDUMP_COMMANDLINE='root=/dev/vda1 memmap=1G$4G'   # single quotes\n"
		 "KDUMP_COMMANDLINE_REMOVE=\"quiet \\\n"
		 "  splash\"\n"
		 "KDUMP_COMMANDLINE_APPEND=\"a=\\\"b c\\\" d=\\\\ e=\\$x \\f\"\n"
		 "KDUMP_BOOTDIR=//srv//boot/\n"
		 "KDUMP_IMG=bz'Image'\n"
		 "KDUMP_IMG_EXT=.gz\n"
		 "KEXEC_ARGS=\"-s\"\n"
		 "VMCORE_CREATION_NOTIFICATION=\"yes\"");
	load_conf(f, "");
	assert_from(f, &f->config.kernelver, "6.1.0-18-amd64", "/etc/sysconfig/kdump", 2);
	assert_from(f, &f->config.commandline, "root=/dev/vda1 memmap=1G$4G",
		    "/etc/sysconfig/kdump", 3);
	assert_from(f, &f->config.commandline_remove, "quiet   splash", "/etc/sysconfig/kdump", 4);
	assert_from(f, &f->config.commandline_append, "a=\"b c\" d=\\ e=$x \\f",
		    "/etc/sysconfig/kdump", 6);
	assert_from(f, &f->config.bootdir, "/srv/boot", "/etc/sysconfig/kdump", 7);
	assert_from(f, &f->config.img, "bzImage", "/etc/sysconfig/kdump", 8);
	assert_from(f, &f->config.img_ext, ".gz", "/etc/sysconfig/kdump", 9);
	assert_from(f, &f->config.kexec_args, "-s", "/etc/sysconfig/kdump", 10);
	assert_string_equal(f->warnings.p, "");
}

static void test_default_file_is_read_without_sysconfig(void **state)
{
	struct config_fixture *f = *state;

	put_file(f, "/etc/default/kdump", "KDUMP_IMG=kernel\n");
	load_conf(f, "");
	assert_from(f, &f->config.img, "kernel", "/etc/default/kdump", 1);
}

static void test_sysconfig_expansion_is_refused(void **state)
{
	struct config_fixture *f = *state;

	refused_sys(
		f, "\nKDUMP_COMMANDLINE=\"$(cat /proc/cmdline)\"\n",
		"/etc/sysconfig/kdump:2: '$' in the value of KDUMP_COMMANDLINE: no shell runs, "
		"so nothing is expanded, piped or redirected; write the value itself, in single "
		"quotes if the character is meant");
	refused_sys(
		f, "KDUMP_KERNELVER=`uname -r`\n",
		"/etc/sysconfig/kdump:1: '`' in the value of KDUMP_KERNELVER: no shell runs, so "
		"nothing is expanded, piped or redirected; write the value itself, in single "
		"quotes if the character is meant");
}

static void test_sysconfig_syntax_errors(void **state)
{
	struct config_fixture *f = *state;

	refused_sys(f, "KDUMP_COMMANDLINE=\"a \\\nb\n",
		    "/etc/sysconfig/kdump:2: the quote \" in the value of KDUMP_COMMANDLINE is not "
		    "closed in its line; close it, or end the line with a backslash to go on");
	refused_sys(f, "KDUMP_COMMANDLINE=a b\n",
		    "/etc/sysconfig/kdump:1: the value of KDUMP_COMMANDLINE is followed by another "
		    "word: put the whole value in quotes");
	refused_sys(
		f, "export KDUMP_IMG=x\n",
		"/etc/sysconfig/kdump:1: 'export KDUMP_IMG=x' is not a setting: write KEY=value, "
		"with the value in quotes if it has blanks");
	refused_sys(f, "1X=y\n",
		    "/etc/sysconfig/kdump:1: '1X=y' is not a setting: write KEY=value, with the "
		    "value in quotes if it has blanks");
}

static void test_sysconfig_value_ranges(void **state)
{
	struct config_fixture *f = *state;

	refused_sys(
		f, "KDUMP_BOOTDIR=boot\n",
		"/etc/sysconfig/kdump:1: Invalid kdump config value for option 'KDUMP_BOOTDIR': "
		"'boot' is not absolute: begin it with /");
	refused_sys(
		f, "KDUMP_KERNELVER=../../x\n",
		"/etc/sysconfig/kdump:1: Invalid value of KDUMP_KERNELVER: '../../x' is part of "
		"a file name: remove slashes and blanks from it");
	refused_sys(f, "KDUMP_IMG=\n",
		    "/etc/sysconfig/kdump:1: Invalid value of KDUMP_IMG: '' is empty: write the "
		    "kernel's file name, as in vmlinuz");
}

static void test_sysconfig_warnings(void **state)
{
	struct config_fixture *f = *state;
	char want[600];

	put_file(f, "/etc/sysconfig/kdump",
		 "COLOUR=blue\r\nKDUMP_IMG=a\nKDUMP_IMG=b\nKEXEC_ARGS='-s -d'");
	load_conf(f, "");
	assert_from(f, &f->config.img, "b", "/etc/sysconfig/kdump", 3);
	snprintf(want, sizeof(want),
		 "%1$s:1: the line ends in CR LF; the CR is ignored here and in all other lines, "
		 "write the file with LF only\n"
		 "%1$s:1: unknown setting COLOUR is ignored\n"
		 "%1$s:3: KDUMP_IMG was set in line 2 already; this line wins\n"
		 "%1$s:4: KEXEC_ARGS: '-d' has no effect: kdumpkit does not run kexec\n",
		 f->config.img.file);
	assert_string_equal(f->warnings.p, want);
}

/* ---- defaults of an architecture ---- */

static bool has_word(const char *list, const char *word)
{
	KD_AUTO(kd_strv_fini) struct kd_strv words = { 0 };

	assert_int_equal(kd_strv_split(&words, list, " ", NULL), 0);
	return kd_strv_has(&words, word);
}

static void test_arch_defaults(void **state)
{
	const struct kd_config_arch *x86 = kd_config_arch_defaults("x86_64");
	const struct kd_config_arch *arm = kd_config_arch_defaults("aarch64");
	const struct kd_config_arch *other = kd_config_arch_defaults("pdp11");

	assert_true(has_word(x86->commandline_append, "nr_cpus=1"));
	assert_true(has_word(x86->commandline_append, "reset_devices"));
	assert_true(has_word(x86->commandline_append, "novmcoredd"));
	assert_true(has_word(x86->commandline_append, "nokaslr"));
	assert_true(has_word(arm->commandline_append, "swiotlb=noforce"));
	assert_false(has_word(arm->commandline_append, "nokaslr"));
	assert_true(has_word(x86->commandline_remove, "hugepages"));
	assert_true(has_word(arm->commandline_remove, "cma"));
	assert_string_equal(x86->kexec_args, "-s");
	assert_string_equal(other->machine, "");
	assert_string_equal(other->kexec_args, "");
	for (size_t i = 0; i < 3; i++) {
		const struct kd_config_arch *a[] = { x86, arm, other };
		assert_null(strstr(a[i]->commandline_append, "udev"));
		assert_null(strstr(a[i]->commandline_append, "rd."));
	}
}

int main(void)
{
#define FIXED(test) cmocka_unit_test_setup_teardown(test, config_setup, config_teardown)
	const struct CMUnitTest tests[] = {
		FIXED(test_sysconfig_values_and_quoting),
		FIXED(test_default_file_is_read_without_sysconfig),
		FIXED(test_sysconfig_expansion_is_refused),
		FIXED(test_sysconfig_syntax_errors),
		FIXED(test_sysconfig_value_ranges),
		FIXED(test_sysconfig_warnings),
		cmocka_unit_test(test_arch_defaults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
