/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/support-config.h"

#include "tests/unit/support-tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void keep_warnings(void *arg, enum kd_log_level level, const char *area, const char *text)
{
	struct config_fixture *f = arg;

	assert_string_equal(area, "config");
	if (level == KD_LOG_WARN)
		kd_buf_printf(&f->warnings, "%s\n", text);
}

int config_setup(void **state)
{
	struct config_fixture *f = calloc(1, sizeof(*f));

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

int config_teardown(void **state)
{
	struct config_fixture *f = *state;

	kd_config_fini(&f->config);
	kd_buf_fini(&f->warnings);
	kd_root_close(f->root);
	tree_remove(f->dir);
	free(f);
	return 0;
}

void put_file(struct config_fixture *f, const char *path, const char *text)
{
	assert_int_equal(kd_root_write(f->root, path, text, strlen(text), 0644, &f->err), 0);
}

int load_config(struct config_fixture *f)
{
	kd_config_fini(&f->config);
	f->config = (struct kd_config){ 0 };
	kd_buf_fini(&f->warnings);
	kd_buf_puts(&f->warnings, "");
	f->err = (struct kd_err){ 0 };
	return kd_config_load(f->root, &f->log, &f->config, &f->err);
}

void load_conf(struct config_fixture *f, const char *text)
{
	put_file(f, "/etc/kdump.conf", text);
	int rc = load_config(f);
	if (rc)
		fail_msg("%s", f->err.msg);
}

void refused_in(struct config_fixture *f, const char *path, const char *text, const char *message)
{
	put_file(f, path, text);
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

void refused(struct config_fixture *f, const char *text, const char *message)
{
	refused_in(f, "/etc/kdump.conf", text, message);
}

void assert_from(const struct config_fixture *f, const struct kd_value *v, const char *text,
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

void assert_argv(const struct kd_strv *argv, const char *const want[], size_t n)
{
	assert_int_equal(argv->n, n);
	for (size_t i = 0; i < n; i++)
		assert_string_equal(argv->v[i], want[i]);
}
