/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parsers of lib/config share. Outsiders include config.h. */
#ifndef KD_LIB_CONFIG_INTERNAL_H
#define KD_LIB_CONFIG_INTERNAL_H

#include "lib/config/config.h"

enum {
	KD_CONF_MAX_FILE_BYTES = 256 << 10,
	KD_CONF_MAX_LINE_BYTES = 4096,
	KD_CONF_MAX_PATH_BYTES = 1024, /* what a plan's target line can carry */
	KD_CONF_MAX_SPEC_BYTES = 256,
	KD_CONF_MAX_COLLECTOR_WORDS = 64,
	KD_CONF_MAX_DROPINS = 256,
};

/* A place in a file: what every message starts with. */
struct kd_conf_at {
	const char *file;
	unsigned int line;
	const struct kd_log *log;
};

/** kd_conf_bad() - -KD_USAGE with "file:line: " in front */
int kd_conf_bad(const struct kd_conf_at *at, struct kd_err *err, const char *fmt, ...)
	KD_PRINTF(3, 4);

/** kd_conf_warn() - KD_LOG_WARN with "file:line: " in front */
void kd_conf_warn(const struct kd_conf_at *at, const char *fmt, ...) KD_PRINTF(2, 3);

/** kd_conf_set() - replace a value; @at NULL for a built-in default */
int kd_conf_set(struct kd_value *value, const char *text, const struct kd_conf_at *at,
		struct kd_err *err) KD_MUST_CHECK;

/**
 * kd_conf_normalise() - make a file's bytes safe to parse, in place
 *
 * A CR before a newline (a file from another system) is dropped with one
 * warning. A NUL or another control character is -KD_USAGE, naming its line.
 * @text must have room for and end with a NUL at @len, and still does afterwards.
 */
int kd_conf_normalise(const char *file, const struct kd_log *log, char *text, size_t len,
		      struct kd_err *err) KD_MUST_CHECK;

/** kd_conf_defaults() - fill an empty config; @arch from kd_config_arch_defaults() */
int kd_conf_defaults(struct kd_config *config, const struct kd_config_arch *arch,
		     struct kd_err *err) KD_MUST_CHECK;

/** kd_conf_parse_kdumpconf() / _sysconfig() - normalised text over what @config holds already */
int kd_conf_parse_kdumpconf(struct kd_config *config, const char *file, const struct kd_log *log,
			    const char *text, struct kd_err *err) KD_MUST_CHECK;
int kd_conf_parse_sysconfig(struct kd_config *config, const char *file, const struct kd_log *log,
			    const char *text, struct kd_err *err) KD_MUST_CHECK;

/** kd_conf_check_path() - absolute and without ".."; "//", "/./" and the last "/" are removed in place */
int kd_conf_check_path(const struct kd_conf_at *at, const char *option, char *path,
		       struct kd_err *err) KD_MUST_CHECK;

/** kd_conf_collector() - core_collector to words, checked; @ret is an empty list */
int kd_conf_collector(const struct kd_conf_at *at, const char *text, struct kd_strv *ret,
		      struct kd_err *err) KD_MUST_CHECK;

/**
 * kd_conf_word() - the shell word at *@p, without quotes
 * @at: .line rises with each continued line
 * @what: the option it belongs to, for messages
 *
 * Ends at a blank, a newline or the end of the text, and leaves *@p there. Nothing
 * is expanded: a character that would make a shell do something is refused.
 */
int kd_conf_word(struct kd_conf_at *at, const char **p, const char *what, struct kd_buf *ret,
		 struct kd_err *err) KD_MUST_CHECK;

#endif
