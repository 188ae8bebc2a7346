/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Configuration files below a temporary directory, read, and what became of them. */
#ifndef KD_TESTS_UNIT_SUPPORT_CONFIG_H
#define KD_TESTS_UNIT_SUPPORT_CONFIG_H

#include "lib/config/config.h"

/* A root directory with files in it, what was logged, and the result. */
struct config_fixture {
	char dir[64];
	struct kd_root *root;
	struct kd_log log;
	struct kd_buf warnings; /* "text\n" for each KD_LOG_WARN */
	struct kd_config config;
	struct kd_err err;
};

/* For each test: *state is a struct config_fixture whose root has the directories, but no file. */
int config_setup(void **state);
int config_teardown(void **state);

void put_file(struct config_fixture *f, const char *path, const char *text);
/* What kd_config_load() returns; f->config, f->warnings and f->err are of this call alone. */
int load_config(struct config_fixture *f);
/* The same with @text as /etc/kdump.conf; it must be good. */
void load_conf(struct config_fixture *f, const char *text);

/* The text must be refused with exactly this message, the root's prefix left out. */
void refused_in(struct config_fixture *f, const char *path, const char *text, const char *message);
/* ... in /etc/kdump.conf */
void refused(struct config_fixture *f, const char *text, const char *message);

/* Where a value comes from; @file without the root's prefix, NULL: a default. */
void assert_from(const struct config_fixture *f, const struct kd_value *v, const char *text,
		 const char *file, unsigned int line);
void assert_argv(const struct kd_strv *argv, const char *const want[], size_t n);

#endif
