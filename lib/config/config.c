/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/config/internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#define CONF_PATH   "/etc/kdump.conf"
#define DROPIN_DIR  "/etc/kdump.conf.d"
#define SYSCONFIG   "/etc/sysconfig/kdump"
#define DEFAULTFILE "/etc/default/kdump"

static const char native_machine[] =
#if defined(__x86_64__)
	"x86_64";
#elif defined(__aarch64__)
	"aarch64";
#else
	"";
#endif

int kd_conf_bad(const struct kd_conf_at *at, struct kd_err *err, const char *fmt, ...)
{
	char text[KD_ERR_MSG_BYTES];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return kd_fail(err, KD_USAGE, "%s:%u: %s", at->file, at->line, text);
}

void kd_conf_warn(const struct kd_conf_at *at, const char *fmt, ...)
{
	char text[KD_ERR_MSG_BYTES];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	kd_log(at->log, KD_LOG_WARN, "config", "%s:%u: %s", at->file, at->line, text);
}

static void value_fini(struct kd_value *value)
{
	free(value->text);
	free(value->file);
	*value = (struct kd_value){ 0 };
}

int kd_conf_set(struct kd_value *value, const char *text, const struct kd_conf_at *at,
		struct kd_err *err)
{
	KD_AUTO(kd_freep) char *text_copy = NULL;
	char *file_copy = NULL;
	int rc = kd_strdup(&text_copy, text, err);

	if (!rc && at)
		rc = kd_strdup(&file_copy, at->file, err);
	if (rc)
		return rc;
	value_fini(value);
	value->text = KD_STEAL(text_copy);
	value->file = file_copy;
	value->line = at ? at->line : 0;
	return 0;
}

int kd_conf_normalise(const char *file, const struct kd_log *log, char *text, size_t len,
		      struct kd_err *err)
{
	struct kd_conf_at at = { .file = file, .line = 1, .log = log };
	bool warned = false;
	size_t to = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		/* At text[len] stands a NUL: a last line may end in CR alone. */
		if (c == '\r' && (i + 1 == len || text[i + 1] == '\n')) {
			if (!warned)
				kd_conf_warn(&at,
					     "the line ends in CR LF; the CR is ignored here and "
					     "in all other lines, write the file with LF only");
			warned = true;
			continue;
		}
		if ((c < 0x20 && c != '\t' && c != '\n') || c == 0x7f)
			return kd_conf_bad(&at, err,
					   "control character 0x%02x: remove it, the file must be "
					   "plain text",
					   c);
		at.line += c == '\n';
		text[to++] = text[i];
	}
	text[to] = '\0';
	return 0;
}

/* 1 read, 0 there is no such file. */
static int read_text(const struct kd_root *root, const struct kd_log *log, const char *path,
		     const char *file, char **ret, struct kd_err *err)
{
	struct kd_err own = { 0 };
	struct stat st = { 0 };
	KD_AUTO(kd_freep) char *text = NULL;
	size_t len = 0;
	int rc = kd_root_stat(root, path, &st, &own);

	if (rc && (own.sys == ENOENT || own.sys == ENOTDIR))
		return 0;
	/* A FIFO here would hold us up for ever. */
	if (!rc && !S_ISREG(st.st_mode))
		return kd_fail(err, KD_USAGE, "%s is not a regular file: replace it by one", file);
	if (!rc)
		rc = kd_root_read(root, path, KD_CONF_MAX_FILE_BYTES, &text, &len, &own);
	if (rc == -KD_BADDATA)
		return kd_fail(err, KD_USAGE,
			       "%s is larger than %d bytes: this cannot be a kdump configuration",
			       file, KD_CONF_MAX_FILE_BYTES);
	if (rc) {
		if (err)
			*err = own;
		return rc;
	}
	rc = kd_conf_normalise(file, log, text, len, err);
	if (rc)
		return rc;
	*ret = KD_STEAL(text);
	return 1;
}

typedef int parse_fn(struct kd_config *config, const char *file, const struct kd_log *log,
		     const char *text, struct kd_err *err);

/* 1 read and parsed, 0 there is no such file. */
static int load_file(struct kd_config *config, const struct kd_root *root, const struct kd_log *log,
		     const char *path, parse_fn *parse, struct kd_err *err)
{
	KD_AUTO(kd_freep) char *file = NULL;
	KD_AUTO(kd_freep) char *text = NULL;
	int rc = kd_asprintf(&file, err, "%s%s", kd_root_prefix(root), path);

	if (!rc)
		rc = read_text(root, log, path, file, &text, err);
	if (rc <= 0)
		return rc;
	kd_log(log, KD_LOG_DEBUG, "config", "reading %s", file);
	rc = parse(config, file, log, text, err);
	return rc ? rc : 1;
}

static bool is_dropin(const char *name)
{
	static const char suffix[] = ".conf";
	size_t len = strlen(name), tail = sizeof(suffix) - 1;

	return name[0] != '.' && len > tail && strcmp(name + len - tail, suffix) == 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int list_dropins(const struct kd_root *root, struct kd_strv *ret, struct kd_err *err)
{
	struct kd_err own = { 0 };
	KD_AUTO(kd_closedirp) DIR *dir = NULL;
	int rc = kd_root_opendir(root, DROPIN_DIR, &dir, &own);

	if (rc && own.sys == ENOENT)
		return 0;
	if (rc) {
		if (err)
			*err = own;
		return rc;
	}
	for (;;) {
		errno = 0;
		const struct dirent *entry = readdir(dir);
		if (!entry)
			break;
		if (!is_dropin(entry->d_name))
			continue;
		if (ret->n == KD_CONF_MAX_DROPINS)
			return kd_fail(err, KD_USAGE, "%s%s has more than %d files: merge some",
				       kd_root_prefix(root), DROPIN_DIR, KD_CONF_MAX_DROPINS);
		rc = kd_strv_add(ret, entry->d_name, err);
		if (rc)
			return rc;
	}
	if (errno)
		return kd_fail_sys(err, errno, "list %s%s", kd_root_prefix(root), DROPIN_DIR);
	if (ret->n > 1)
		qsort(ret->v, ret->n, sizeof(ret->v[0]), by_name);
	return 0;
}

static int load_dropins(struct kd_config *config, const struct kd_root *root,
			const struct kd_log *log, struct kd_err *err)
{
	KD_AUTO(kd_strv_fini) struct kd_strv names = { 0 };
	int rc = list_dropins(root, &names, err);

	for (size_t i = 0; rc >= 0 && i < names.n; i++) {
		KD_AUTO(kd_freep) char *path = NULL;
		rc = kd_asprintf(&path, err, "%s/%s", DROPIN_DIR, names.v[i]);
		if (!rc)
			rc = load_file(config, root, log, path, kd_conf_parse_kdumpconf, err);
	}
	return rc < 0 ? rc : 0;
}

/* What can only be said once every file was read. */
static int check_whole(struct kd_config *config, const struct kd_root *root,
		       const struct kd_log *log, struct kd_err *err)
{
	const struct kd_value *yes = &config->force_rebuild, *no = &config->force_no_rebuild;

	if (strcmp(yes->text, "1") == 0 && strcmp(no->text, "1") == 0)
		return kd_fail(err, KD_USAGE,
			       "%s:%u: force_no_rebuild is 1 and so is force_rebuild (%s:%u): set "
			       "one of them to 0",
			       no->file, no->line, yes->file, yes->line);

	const struct kd_value *image = &config->capture_kernel, *release = &config->kernelver;
	if (image->text && release->text && *release->text)
		return kd_fail(err, KD_USAGE,
			       "%s:%u: capture_kernel names the capture kernel and so does "
			       "KDUMP_KERNELVER (%s:%u): remove one of them",
			       image->file, image->line, release->file, release->line);

	const struct kd_value *key = &config->sshkey;
	struct stat st = { 0 };
	if (!key->file)
		return 0;
	if (key->text[0] == '/' && kd_root_stat(root, key->text, &st, NULL) == 0 &&
	    S_ISREG(st.st_mode))
		return 0;
	const struct kd_conf_at at = { .file = key->file, .line = key->line, .log = log };
	kd_conf_warn(&at, "sshkey '%.200s' does not exist, using /root/.ssh/kdump_id_rsa",
		     key->text);
	return kd_conf_set(&config->sshkey, "/root/.ssh/kdump_id_rsa", NULL, err);
}

int kd_config_load(const struct kd_root *root, const struct kd_log *log, struct kd_config *ret,
		   struct kd_err *err)
{
	KD_AUTO(kd_config_fini) struct kd_config config = { 0 };
	int rc = kd_conf_defaults(&config, kd_config_arch_defaults(native_machine), err);

	if (rc)
		return rc;
	rc = load_file(&config, root, log, CONF_PATH, kd_conf_parse_kdumpconf, err);
	if (rc == 0)
		return kd_fail(err, KD_USAGE,
			       "No kdump config file found! Create %s%s; an empty one means: save "
			       "to /var/crash",
			       kd_root_prefix(root), CONF_PATH);
	if (rc > 0)
		rc = load_dropins(&config, root, log, err);
	if (rc < 0)
		return rc;

	rc = load_file(&config, root, log, SYSCONFIG, kd_conf_parse_sysconfig, err);
	if (rc == 0)
		rc = load_file(&config, root, log, DEFAULTFILE, kd_conf_parse_sysconfig, err);
	if (rc >= 0)
		rc = check_whole(&config, root, log, err);
	if (rc)
		return rc;
	*ret = config;
	config = (struct kd_config){ 0 };
	return 0;
}

void kd_config_fini(struct kd_config *config)
{
	struct kd_value *const values[] = {
		&config->path,
		&config->target_fstype,
		&config->target_spec,
		&config->core_collector,
		&config->capture_kernel,
		&config->failure_action_v,
		&config->final_action_v,
		&config->auto_reset_crashkernel,
		&config->force_rebuild,
		&config->force_no_rebuild,
		&config->sshkey,
		&config->kernelver,
		&config->commandline,
		&config->commandline_remove,
		&config->commandline_append,
		&config->bootdir,
		&config->img,
		&config->img_ext,
		&config->kexec_args,
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(values); i++)
		value_fini(values[i]);
	kd_strv_fini(&config->collector_argv);
}
