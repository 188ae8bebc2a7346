/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/config/config.h"

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* A root directory with files in it, what was logged, and the result. */
struct fixture {
	char dir[64];
	struct kd_root *root;
	struct kd_log log;
	struct kd_buf warnings; /* "text\n" for each KD_LOG_WARN */
	struct kd_config config;
	struct kd_err err;
};

static void keep_warnings(void *arg, enum kd_log_level level, const char *area, const char *text)
{
	struct fixture *f = arg;

	assert_string_equal(area, "config");
	if (level == KD_LOG_WARN)
		kd_buf_printf(&f->warnings, "%s\n", text);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	snprintf(f->dir, sizeof(f->dir), "/tmp/kd-test-config-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	assert_int_equal(kd_root_open(f->dir, &f->root, &f->err), 0);
	assert_int_equal(kd_root_mkdirs(f->root, "/etc/kdump.conf.d", 0755, &f->err), 0);
	assert_int_equal(kd_root_mkdirs(f->root, "/etc/sysconfig", 0755, &f->err), 0);
	assert_int_equal(kd_root_mkdirs(f->root, "/etc/default", 0755, &f->err), 0);
	f->log = (struct kd_log){ .emit = keep_warnings, .arg = f };
	*state = f;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	kd_config_fini(&f->config);
	kd_buf_fini(&f->warnings);
	kd_root_close(f->root);
	nftw(f->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}

static void put(struct fixture *f, const char *path, const char *text)
{
	assert_int_equal(kd_root_write(f->root, path, text, strlen(text), 0644, &f->err), 0);
}

static int load(struct fixture *f)
{
	kd_config_fini(&f->config);
	f->config = (struct kd_config){ 0 };
	kd_buf_fini(&f->warnings);
	kd_buf_puts(&f->warnings, "");
	f->err = (struct kd_err){ 0 };
	return kd_config_load(f->root, &f->log, &f->config, &f->err);
}

static void load_conf(struct fixture *f, const char *text)
{
	put(f, "/etc/kdump.conf", text);
	int rc = load(f);
	if (rc)
		fail_msg("%s", f->err.msg);
}

/* The text must be refused with exactly this message, the root's prefix left out. */
static void refused_in(struct fixture *f, const char *path, const char *text, const char *message)
{
	put(f, path, text);
	f->config.path.line = 12345;
	struct kd_config untouched = f->config;
	f->err = (struct kd_err){ 0 };
	int rc = kd_config_load(f->root, &f->log, &f->config, &f->err);

	assert_int_equal(rc, -KD_USAGE);
	assert_int_equal(f->err.code, KD_USAGE);
	assert_memory_equal(&untouched, &f->config, sizeof(untouched));
	assert_int_equal(strncmp(f->err.msg, f->dir, strlen(f->dir)), 0);
	assert_string_equal(f->err.msg + strlen(f->dir), message);
}

static void refused(struct fixture *f, const char *text, const char *message)
{
	refused_in(f, "/etc/kdump.conf", text, message);
}

static void refused_sys(struct fixture *f, const char *text, const char *message)
{
	put(f, "/etc/kdump.conf", "");
	refused_in(f, "/etc/sysconfig/kdump", text, message);
}

static void assert_from(const struct fixture *f, const struct kd_value *v, const char *text,
			const char *file, unsigned int line)
{
	assert_string_equal(v->text, text);
	if (!file) {
		assert_null(v->file);
		return;
	}
	assert_non_null(v->file);
	assert_string_equal(v->file + strlen(f->dir), file);
	assert_int_equal(v->line, line);
}

static void assert_argv(const struct kd_strv *argv, const char *const want[], size_t n)
{
	assert_int_equal(argv->n, n);
	for (size_t i = 0; i < n; i++)
		assert_string_equal(argv->v[i], want[i]);
}

/* ---- the whole ---- */

static void test_missing_file_says_what_to_create(void **state)
{
	struct fixture *f = *state;
	char want[256];

	assert_int_equal(load(f), -KD_USAGE);
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
	struct fixture *f = *state;
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
	struct fixture *f = *state;
	static const char *const argv[] = { "makedumpfile", "-z", "-d", "1,31" };

	put(f, "/key", "");
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
	struct fixture *f = *state;

	assert_int_equal(kd_root_mkdirs(f->root, "/etc/kdump.conf", 0755, &f->err), 0);
	assert_int_equal(load(f), -KD_USAGE);
	assert_string_equal(f->err.msg + strlen(f->dir),
			    "/etc/kdump.conf is not a regular file: replace it by one");
}

static void test_huge_file_is_refused(void **state)
{
	struct fixture *f = *state;
	KD_AUTO(kd_freep) char *big = malloc(300 << 10);

	assert_non_null(big);
	memset(big, '\n', 300 << 10);
	assert_int_equal(kd_root_write(f->root, "/etc/kdump.conf", big, 300 << 10, 0600, &f->err),
			 0);
	assert_int_equal(load(f), -KD_USAGE);
	assert_string_equal(f->err.msg + strlen(f->dir),
			    "/etc/kdump.conf is larger than 262144 bytes: this cannot be a kdump "
			    "configuration");
}

/* ---- the grammar of kdump.conf ---- */

static void test_crlf_is_tolerated_with_one_warning(void **state)
{
	struct fixture *f = *state;

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
	struct fixture *f = *state;

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
	struct fixture *f = *state;

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
	struct fixture *f = *state;
	static const char *const argv[] = { "makedumpfile", "-l" };

	load_conf(f, "path \"/srv/my  crash\"\ncore_collector \"makedumpfile -l\"\n");
	assert_string_equal(f->config.path.text, "/srv/my  crash");
	assert_argv(&f->config.collector_argv, argv, 2);
}

static void test_unknown_directive(void **state)
{
	struct fixture *f = *state;

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
	struct fixture *f = *state;
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
	struct fixture *f = *state;

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
	struct fixture *f = *state;
	char text[4200] = "path /";

	memset(text + 6, 'a', sizeof(text) - 7);
	refused(f, text, "/etc/kdump.conf:1: the line is longer than 4096 bytes: shorten it");
}

static void test_unsupported_directives_are_refused_not_skipped(void **state)
{
	struct fixture *f = *state;
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
		put(f, "/etc/kdump.conf", text);
		assert_int_equal(load(f), -KD_USAGE);
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

/* ---- values ---- */

static void test_path_values(void **state)
{
	struct fixture *f = *state;
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
	put(f, "/etc/kdump.conf", deep);
	assert_int_equal(load(f), -KD_USAGE);
	assert_non_null(strstr(f->err.msg, "is longer than 1024 bytes: shorten it"));
}

static void test_target_specs(void **state)
{
	struct fixture *f = *state;
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
	struct fixture *f = *state;

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
	struct fixture *f = *state;
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
	struct fixture *f = *state;
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
	struct fixture *f = *state;

	load_conf(f, "sshkey /root/none\n");
	assert_from(f, &f->config.sshkey, "/root/.ssh/kdump_id_rsa", NULL, 0);
	assert_string_equal(f->warnings.p + strlen(f->dir),
			    "/etc/kdump.conf:1: sshkey '/root/none' does not exist, using "
			    "/root/.ssh/kdump_id_rsa\n");
}

/* ---- core_collector ---- */

static void test_collector_words_follow_shell_quoting(void **state)
{
	struct fixture *f = *state;
	static const char *const argv[] = { "/usr/sbin/makedumpfile", "-d", "31",
					    "--message-level=7", "-cE" };

	load_conf(f, "core_collector /usr/sbin/makedump'file' \"-d\" 3\\1 --message-level='7' "
		     "\"-\"c\"E\"  \n");
	assert_argv(&f->config.collector_argv, argv, KD_ARRAY_LEN(argv));
	assert_null(f->config.collector_argv.v[5]);
}

static void test_collector_characters_for_a_shell_are_refused(void **state)
{
	struct fixture *f = *state;

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
	struct fixture *f = *state;

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
	struct fixture *f = *state;

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
	struct fixture *f = *state;
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

/* ---- drop-ins ---- */

static void test_dropins_override_in_name_order(void **state)
{
	struct fixture *f = *state;

	put(f, "/etc/kdump.conf.d/20-b.conf", "path /b\n\nxfs LABEL=b\n");
	put(f, "/etc/kdump.conf.d/10-a.conf", "path /a\nfinal_action halt\n");
	put(f, "/etc/kdump.conf.d/30-c.conf.bak", "path /wrong\n");
	put(f, "/etc/kdump.conf.d/.40.conf", "path /wrong\n");
	load_conf(f, "path /main\next4 /dev/vda1\nfailure_action halt\n");
	assert_from(f, &f->config.path, "/b", "/etc/kdump.conf.d/20-b.conf", 1);
	assert_from(f, &f->config.target_fstype, "xfs", "/etc/kdump.conf.d/20-b.conf", 3);
	assert_from(f, &f->config.target_spec, "LABEL=b", "/etc/kdump.conf.d/20-b.conf", 3);
	assert_from(f, &f->config.final_action_v, "halt", "/etc/kdump.conf.d/10-a.conf", 2);
	assert_from(f, &f->config.failure_action_v, "halt", "/etc/kdump.conf", 3);
}

static void test_dropin_errors_name_the_dropin(void **state)
{
	struct fixture *f = *state;

	put(f, "/etc/kdump.conf", "path /main\n");
	refused_in(
		f, "/etc/kdump.conf.d/x.conf", "path /a\npath /b\n",
		"/etc/kdump.conf.d/x.conf:2: Duplicated kdump config value of option path: line 1 "
		"has 'path' already; remove one of the two");
}

/* ---- sysconfig ---- */

static void test_sysconfig_values_and_quoting(void **state)
{
	struct fixture *f = *state;

	put(f, "/etc/default/kdump", "KDUMP_IMG=wrong\n");
	put(f, "/etc/sysconfig/kdump",
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
	struct fixture *f = *state;

	put(f, "/etc/default/kdump", "KDUMP_IMG=kernel\n");
	load_conf(f, "");
	assert_from(f, &f->config.img, "kernel", "/etc/default/kdump", 1);
}

static void test_sysconfig_expansion_is_refused(void **state)
{
	struct fixture *f = *state;

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
	struct fixture *f = *state;

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
	struct fixture *f = *state;

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
	struct fixture *f = *state;
	char want[600];

	put(f, "/etc/sysconfig/kdump",
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
#define FIXED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
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
		FIXED(test_dropins_override_in_name_order),
		FIXED(test_dropin_errors_name_the_dropin),
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
