/* SPDX-License-Identifier: GPL-2.0-or-later */
/* KEY=value files that other tools source in a shell. Here they are only read. */
#include "lib/config/internal.h"

#include <stddef.h>
#include <string.h>

struct key {
	const char *name;
	size_t offset; /* of its struct kd_value */
	int (*check)(const struct kd_conf_at *at, const char *name, char *value,
		     struct kd_err *err);
};

static int refuse(const struct kd_conf_at *at, const char *name, const char *value,
		  const char *remedy, struct kd_err *err)
{
	return kd_conf_bad(at, err, "Invalid value of %s: '%.120s' %s", name, value, remedy);
}

/* A part of a file name: "6.1.0-18-amd64", ".gz". Empty is fine. */
static int check_name_part(const struct kd_conf_at *at, const char *name, char *value,
			   struct kd_err *err)
{
	if (strpbrk(value, "/ \t"))
		return refuse(at, name, value,
			      "is part of a file name: remove slashes and blanks from it", err);
	return 0;
}

static int check_image(const struct kd_conf_at *at, const char *name, char *value,
		       struct kd_err *err)
{
	if (*value == '\0')
		return refuse(at, name, value,
			      "is empty: write the kernel's file name, as in vmlinuz", err);
	return check_name_part(at, name, value, err);
}

/* The options are for kexec(8), which is not run: two are understood, the others change nothing. */
static int check_kexec_args(const struct kd_conf_at *at, const char *name, char *value,
			    struct kd_err *err)
{
	KD_AUTO(kd_strv_fini) struct kd_strv words = { 0 };
	int rc = kd_strv_split(&words, value, " \t", err);

	for (size_t i = 0; !rc && i < words.n; i++)
		if (strcmp(words.v[i], "-s") != 0 && strcmp(words.v[i], "-c") != 0)
			kd_conf_warn(at, "%s: '%.60s' has no effect: kdumpkit does not run kexec",
				     name, words.v[i]);
	return rc;
}

#define FIELD(name) offsetof(struct kd_config, name)

static const struct key keys[] = {
	{ "KDUMP_KERNELVER", FIELD(kernelver), check_name_part },
	{ "KDUMP_COMMANDLINE", FIELD(commandline), NULL },
	{ "KDUMP_COMMANDLINE_REMOVE", FIELD(commandline_remove), NULL },
	{ "KDUMP_COMMANDLINE_APPEND", FIELD(commandline_append), NULL },
	{ "KDUMP_BOOTDIR", FIELD(bootdir), kd_conf_check_path },
	{ "KDUMP_IMG", FIELD(img), check_image },
	{ "KDUMP_IMG_EXT", FIELD(img_ext), check_name_part },
	{ "KEXEC_ARGS", FIELD(kexec_args), check_kexec_args },
};

/* Keys of other tools that change nothing about a dump: not worth a warning at each start. */
static const char *const harmless[] = {
	"VMCORE_CREATION_NOTIFICATION",
	"KDUMP_STDLOGLVL",
	"KDUMP_SYSLOGLVL",
	"KDUMP_KMSGLOGLVL",
};

struct parser {
	struct kd_config *config;
	struct kd_conf_at at;
	const char *p;
	unsigned int seen[KD_ARRAY_LEN(keys)]; /* line, 0: not yet */
};

static int apply(struct parser *p, const struct kd_conf_at *at, const char *name, char *value,
		 struct kd_err *err)
{
	for (size_t i = 0; i < KD_ARRAY_LEN(keys); i++) {
		if (strcmp(keys[i].name, name) != 0)
			continue;
		int rc = keys[i].check ? keys[i].check(at, name, value, err) : 0;
		if (rc)
			return rc;
		/* A shell would let the last one win, silently. */
		if (p->seen[i])
			kd_conf_warn(at, "%s was set in line %u already; this line wins", name,
				     p->seen[i]);
		p->seen[i] = at->line;
		return kd_conf_set((struct kd_value *)((char *)p->config + keys[i].offset), value,
				   at, err);
	}
	for (size_t i = 0; i < KD_ARRAY_LEN(harmless); i++) {
		if (strcmp(harmless[i], name) == 0) {
			kd_log(at->log, KD_LOG_INFO, "config", "%s:%u: %s has no effect", at->file,
			       at->line, name);
			return 0;
		}
	}
	kd_conf_warn(at, "unknown setting %.80s is ignored", name);
	return 0;
}

static size_t name_len(const char *p)
{
	size_t n = strspn(p, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789");

	return *p >= '0' && *p <= '9' ? 0 : n;
}

/* KEY=value at p->p, up to the end of its line. */
static int assignment(struct parser *p, struct kd_err *err)
{
	char name[64];
	size_t n = name_len(p->p);

	if (n == 0 || p->p[n] != '=')
		return kd_conf_bad(&p->at, err,
				   "'%.*s' is not a setting: write KEY=value, with the value in "
				   "quotes if it has blanks",
				   (int)strcspn(p->p, "\n") > 60 ? 60 : (int)strcspn(p->p, "\n"),
				   p->p);
	if (n >= sizeof(name))
		return kd_conf_bad(&p->at, err,
				   "the name '%.40s...' is too long: see "
				   "kdump.conf(5) for the settings",
				   p->p);
	memcpy(name, p->p, n);
	name[n] = '\0';
	p->p += n + 1;

	/* The value may go on in further lines; what is said about it names the first. */
	const struct kd_conf_at start = p->at;
	KD_AUTO(kd_buf_fini) struct kd_buf value = { 0 };
	int rc = kd_conf_word(&p->at, &p->p, name, &value, err);
	if (rc)
		return rc;

	size_t blanks = strspn(p->p, " \t");
	p->p += blanks;
	if (blanks && *p->p == '#')
		p->p += strcspn(p->p, "\n");
	if (*p->p && *p->p != '\n')
		return kd_conf_bad(
			&p->at, err,
			"the value of %s is followed by another word: put the whole value "
			"in quotes",
			name);
	return apply(p, &start, name, value.p, err);
}

int kd_conf_parse_sysconfig(struct kd_config *config, const char *file, const struct kd_log *log,
			    const char *text, struct kd_err *err)
{
	struct parser p = {
		.config = config,
		.at = { .file = file, .line = 1, .log = log },
		.p = text,
	};

	while (*p.p) {
		p.p += strspn(p.p, " \t");
		if (*p.p == '#')
			p.p += strcspn(p.p, "\n");
		if (*p.p == '\n') {
			p.p++;
			p.at.line++;
			continue;
		}
		int rc = *p.p ? assignment(&p, err) : 0;
		if (rc)
			return rc;
	}
	return 0;
}
