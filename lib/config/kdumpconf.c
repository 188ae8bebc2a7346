/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The grammar of kdump.conf and its directives. */
#include "lib/config/internal.h"

#include <stddef.h>
#include <string.h>

struct directive {
	const char *name;
	size_t offset; /* of its struct kd_value in struct kd_config */
	/* Checks value, may rewrite it in place (never longer) and sets what derives from it. */
	int (*check)(struct kd_config *config, const struct kd_conf_at *at,
		     const struct directive *d, char *value, struct kd_err *err);
};

static int bad_value(const struct kd_conf_at *at, const char *option, const char *value,
		     const char *remedy, struct kd_err *err)
{
	return kd_conf_bad(at, err, "Invalid kdump config value for option '%s': '%.120s' %s",
			   option, value, remedy);
}

int kd_conf_check_path(const struct kd_conf_at *at, const char *option, char *path,
		       struct kd_err *err)
{
	char *to = path;

	if (path[0] != '/')
		return bad_value(at, option, path, "is not absolute: begin it with /", err);
	if (strlen(path) > KD_CONF_MAX_PATH_BYTES)
		return bad_value(at, option, path, "is longer than 1024 bytes: shorten it", err);
	if (kd_path_has_dotdot(path))
		return bad_value(at, option, path, "has a '..' component: write the path without",
				 err);
	for (const char *from = path; *from;) {
		from += strspn(from, "/");
		size_t n = strcspn(from, "/");
		if (n == 0 || (n == 1 && from[0] == '.')) {
			from += n;
			continue;
		}
		*to++ = '/';
		memmove(to, from, n);
		to += n;
		from += n;
	}
	if (to == path)
		*to++ = '/';
	*to = '\0';
	return 0;
}

static int check_path(struct kd_config *config, const struct kd_conf_at *at,
		      const struct directive *d, char *value, struct kd_err *err)
{
	(void)config;
	return kd_conf_check_path(at, d->name, value, err);
}

static int check_collector(struct kd_config *config, const struct kd_conf_at *at,
			   const struct directive *d, char *value, struct kd_err *err)
{
	KD_AUTO(kd_strv_fini) struct kd_strv argv = { 0 };
	int rc = kd_conf_collector(at, value, &argv, err);

	(void)d;
	if (rc)
		return rc;
	kd_strv_fini(&config->collector_argv);
	config->collector_argv = argv;
	argv = (struct kd_strv){ 0 };
	return 0;
}

static const char *const action_names[] = { "reboot", "halt", "poweroff", "shell",
					    "dump_to_rootfs" };

/* The first n of action_names are allowed. */
static int action(const char *value, size_t n, enum kd_conf_action *ret)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(value, action_names[i]) == 0) {
			*ret = (enum kd_conf_action)i;
			return 0;
		}
	}
	return -KD_USAGE;
}

static int check_failure_action(struct kd_config *config, const struct kd_conf_at *at,
				const struct directive *d, char *value, struct kd_err *err)
{
	if (action(value, 5, &config->failure_action))
		return kd_conf_bad(at, err,
				   "Usage kdump.conf: failure_action {reboot|halt|poweroff|shell|"
				   "dump_to_rootfs}, not '%.120s': write one of these words",
				   value);
	if (strcmp(d->name, "default") == 0) {
		kd_conf_warn(at, "'default' is the old name of failure_action and may be refused "
				 "one day");
		kd_conf_warn(at, "write 'failure_action %s' instead", value);
	}
	return 0;
}

static int check_final_action(struct kd_config *config, const struct kd_conf_at *at,
			      const struct directive *d, char *value, struct kd_err *err)
{
	(void)d;
	if (action(value, 3, &config->final_action))
		return kd_conf_bad(at, err,
				   "Usage kdump.conf: final_action {reboot|halt|poweroff}, not "
				   "'%.120s': write one of these words",
				   value);
	return 0;
}

static int check_flag(struct kd_config *config, const struct kd_conf_at *at,
		      const struct directive *d, char *value, struct kd_err *err)
{
	(void)config;
	if (strcmp(value, "0") != 0 && strcmp(value, "1") != 0)
		return bad_value(at, d->name, value, "is neither 0 nor 1: write one of them", err);
	return 0;
}

/* "UUID=" and a UUID, "LABEL=" and a label, or an absolute path: is it none of them? */
static const char *spec_fault(const char *spec)
{
	if (strlen(spec) > KD_CONF_MAX_SPEC_BYTES)
		return "is longer than 256 bytes";
	if (strncmp(spec, "UUID=", 5) == 0) {
		const char *uuid = spec + 5;
		bool good = *uuid && strspn(uuid, "0123456789abcdefABCDEF-") == strlen(uuid);
		return good ? NULL : "holds no UUID (hexadecimal digits and -)";
	}
	if (strncmp(spec, "LABEL=", 6) == 0)
		return spec[6] ? NULL : "holds no label";
	if (strncmp(spec, "/dev/", 5) != 0 || !spec[5] || strpbrk(spec, " \t"))
		return "is not a device";
	return kd_path_has_dotdot(spec) ? "has a '..' component" : NULL;
}

static int check_target(struct kd_config *config, const struct kd_conf_at *at,
			const struct directive *d, char *value, struct kd_err *err)
{
	/* UUID="..." is how fstab and blkid write it. */
	char *to = value;
	for (const char *from = value; *from; from++)
		if (*from != '"')
			*to++ = *from;
	*to = '\0';

	const char *fault = spec_fault(value);
	if (fault) {
		char remedy[160];
		snprintf(remedy, sizeof(remedy), "%s: write /dev/NAME, UUID=... or LABEL=...",
			 fault);
		return bad_value(at, d->name, value, remedy, err);
	}
	return kd_conf_set(&config->target_fstype, d->name, at, err);
}

#define FIELD(name) offsetof(struct kd_config, name)

static const struct directive directives[] = {
	{ "path", FIELD(path), check_path },
	{ "ext2", FIELD(target_spec), check_target },
	{ "ext3", FIELD(target_spec), check_target },
	{ "ext4", FIELD(target_spec), check_target },
	{ "xfs", FIELD(target_spec), check_target },
	{ "btrfs", FIELD(target_spec), check_target },
	{ "core_collector", FIELD(core_collector), check_collector },
	{ "capture_kernel", FIELD(capture_kernel), check_path },
	{ "failure_action", FIELD(failure_action_v), check_failure_action },
	{ "default", FIELD(failure_action_v), check_failure_action },
	{ "final_action", FIELD(final_action_v), check_final_action },
	{ "auto_reset_crashkernel", FIELD(auto_reset_crashkernel), NULL },
	{ "force_rebuild", FIELD(force_rebuild), check_flag },
	{ "force_no_rebuild", FIELD(force_no_rebuild), check_flag },
	{ "sshkey", FIELD(sshkey), NULL },
};

#define LOCAL_TARGET                                                                               \
	"remove the line and save to a local file system (ext4, xfs, ... by device, UUID= or "     \
	"LABEL=)"
#define NO_PROGRAMS "its capture image runs no other programs; remove the line"

/* Directives of other tools that matter to the outcome: to skip one would lose dumps. */
static const struct {
	const char *name;
	const char *remedy;
} unsupported[] = {
	{ "raw", LOCAL_TARGET },
	{ "nfs", LOCAL_TARGET },
	{ "ssh", LOCAL_TARGET },
	{ "virtiofs", LOCAL_TARGET },
	{ "minix", LOCAL_TARGET },
	{ "kdump_pre", NO_PROGRAMS },
	{ "kdump_post", NO_PROGRAMS },
	{ "kdump_emergency", NO_PROGRAMS },
	{ "extra_bins", NO_PROGRAMS },
	{ "extra_modules", "it packs the modules its target needs by itself; remove the line" },
	{ "dracut_args", "its capture image is not made by dracut; remove the line" },
	{ "fence_kdump_args", "a fenced cluster node needs another kdump tool; remove the line" },
	{ "fence_kdump_nodes", "a fenced cluster node needs another kdump tool; remove the line" },
};

static int refuse_name(const struct kd_conf_at *at, const char *name, struct kd_err *err)
{
	static const char *const old[] = { "net",	   "options",	      "link_delay",
					   "disk_timeout", "debug_mem_level", "blacklist" };

	for (size_t i = 0; i < KD_ARRAY_LEN(unsupported); i++)
		if (strcmp(name, unsupported[i].name) == 0)
			return kd_conf_bad(at, err, "kdumpkit does not support '%s' yet: %s", name,
					   unsupported[i].remedy);
	for (size_t i = 0; i < KD_ARRAY_LEN(old); i++)
		if (strcmp(name, old[i]) == 0)
			return kd_conf_bad(
				at, err,
				"Deprecated kdump config option: %s. Refer to kdump.conf "
				"manpage for alternatives: remove the line",
				name);
	return kd_conf_bad(at, err,
			   "Invalid kdump config option %.120s: see kdump.conf(5) for the "
			   "directives%s",
			   name,
			   strchr(name, '=') ? " (name and value are separated by a blank)" : "");
}

struct parser {
	struct kd_config *config;
	struct kd_conf_at at;
	unsigned int seen[KD_ARRAY_LEN(directives)]; /* line in this file, 0: not yet */
};

/* Two lines of one file that set the same thing: which one was meant? */
static int check_duplicate(const struct parser *p, const struct directive *d, struct kd_err *err)
{
	for (size_t i = 0; i < KD_ARRAY_LEN(directives); i++) {
		if (!p->seen[i] || directives[i].offset != d->offset)
			continue;
		if (d->check == check_target)
			return kd_conf_bad(&p->at, err,
					   "More than one dump targets specified: line %u has '%s' "
					   "already; remove one of the two",
					   p->seen[i], directives[i].name);
		return kd_conf_bad(&p->at, err,
				   "Duplicated kdump config value of option %s: line %u has '%s' "
				   "already; remove one of the two",
				   d->name, p->seen[i], directives[i].name);
	}
	return 0;
}

static int apply(struct parser *p, const char *name, char *value, struct kd_err *err)
{
	const struct directive *d = NULL;

	for (size_t i = 0; i < KD_ARRAY_LEN(directives); i++)
		if (strcmp(directives[i].name, name) == 0)
			d = &directives[i];
	if (!d)
		return refuse_name(&p->at, name, err);
	if (*value == '\0')
		return kd_conf_bad(&p->at, err,
				   "Invalid kdump config value for option '%s': it is empty; write "
				   "one or remove the line",
				   name);

	int rc = check_duplicate(p, d, err);
	if (!rc && d->check)
		rc = d->check(p->config, &p->at, d, value, err);
	if (rc)
		return rc;
	p->seen[d - directives] = p->at.line;
	return kd_conf_set((struct kd_value *)((char *)p->config + d->offset), value, &p->at, err);
}

/* Ends text behind its last byte that is not a blank. */
static void trim_end(char *text)
{
	size_t len = strlen(text);

	while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\t'))
		text[--len] = '\0';
}

static int parse_line(struct parser *p, char *line, struct kd_err *err)
{
	char *name = line + strspn(line, " \t");

	if (*name == '\0' || *name == '#')
		return 0;

	/* Everything from a # on is comment, even inside a word: that is how this file is read. */
	char *hash = strchr(name, '#');
	if (hash) {
		if (hash[-1] != ' ' && hash[-1] != '\t')
			kd_conf_warn(&p->at, "'#' inside a word begins a comment; write a blank "
					     "before it if that was meant");
		*hash = '\0';
	}
	trim_end(name);

	char *value = name + strcspn(name, " \t");
	if (*value)
		*value++ = '\0';
	value += strspn(value, " \t");
	size_t len = strlen(value);
	if (len >= 2 && value[0] == '"' && value[len - 1] == '"') {
		value[len - 1] = '\0';
		value++;
	}
	return apply(p, name, value, err);
}

int kd_conf_parse_kdumpconf(struct kd_config *config, const char *file, const struct kd_log *log,
			    const char *text, struct kd_err *err)
{
	struct parser p = { .config = config, .at = { .file = file, .log = log } };
	size_t len = strlen(text);
	const uint8_t *start = (const uint8_t *)text;
	struct kd_cursor c = { .p = start, .end = start + len };

	for (;;) {
		size_t n = 0;
		char buf[KD_CONF_MAX_LINE_BYTES + 1];
		const char *line = kd_cursor_line(&c, &n);
		if (!line)
			return 0;
		p.at.line++;
		if (n > KD_CONF_MAX_LINE_BYTES)
			return kd_conf_bad(&p.at, err,
					   "the line is longer than %d bytes: shorten it",
					   KD_CONF_MAX_LINE_BYTES);
		memcpy(buf, line, n);
		buf[n] = '\0';
		int rc = parse_line(&p, buf, err);
		if (rc)
			return rc;
	}
}
