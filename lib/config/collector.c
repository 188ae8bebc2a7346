/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * core_collector. A mistake here is found after a panic, when nobody can correct
 * it any more, so whatever is known not to end in a vmcore is refused now.
 */
#include "lib/config/internal.h"

#include <string.h>

#define REMEDY "see kdump.conf(5), core_collector"

static int split(const struct kd_conf_at *at, const char *text, struct kd_strv *ret,
		 struct kd_err *err)
{
	struct kd_conf_at here = *at;

	for (const char *p = text;;) {
		p += strspn(p, " \t");
		if (*p == '\0')
			return 0;
		if (ret->n == KD_CONF_MAX_COLLECTOR_WORDS)
			return kd_conf_bad(at, err,
					   "core_collector has more than %d words: " REMEDY,
					   KD_CONF_MAX_COLLECTOR_WORDS);

		KD_AUTO(kd_buf_fini) struct kd_buf word = { 0 };
		int rc = kd_conf_word(&here, &p, "core_collector", &word, err);
		if (!rc)
			rc = kd_strv_add(ret, word.p, err);
		if (rc)
			return rc;
	}
}

/* makedumpfile options whose work is something else than saving a dump in a file. */
static const char *const not_saving[] = {
	"-R",
	"-g",
	"-h",
	"-v",
	"--help",
	"--check-params",
	"--dry-run",
	"--dump-dmesg",
	"--diskset",
	"--mem-usage",
	"--reassemble",
	"--split",
	"--partial-dmesg",
};

/* Options that name a file: nothing but makedumpfile itself is packed. */
static const char *const need_file[] = {
	"-x", "-i", "--config", "--eppic", "--xen-syms", "--xen-vmcoreinfo", "--work-dir",
};

/* The others with an argument: it must not be taken for an option. */
static const char *const need_value[] = {
	"-b",
	"-L",
	"-d",
	"--message-level",
	"--cyclic-buffer",
	"--num-threads",
	"--splitblock-size",
	"--xen_phys_start",
	"--vtop",
};

static bool in(const char *const list[], size_t n, const char *name, size_t len)
{
	for (size_t i = 0; i < n; i++)
		if (strlen(list[i]) == len && strncmp(list[i], name, len) == 0)
			return true;
	return false;
}

/* One option by its name: "-x" or "--config". */
static int check_option(const struct kd_conf_at *at, const char *name, size_t len,
			struct kd_err *err)
{
	if (len == 2 && strncmp(name, "-F", 2) == 0)
		return kd_conf_bad(
			at, err,
			"core_collector: -F writes to standard output, which is only for "
			"ssh and raw targets: remove -F");
	if (in(not_saving, KD_ARRAY_LEN(not_saving), name, len))
		return kd_conf_bad(at, err,
				   "core_collector: makedumpfile %.*s does not save a vmcore: "
				   "remove it",
				   (int)len, name);
	if (in(need_file, KD_ARRAY_LEN(need_file), name, len))
		return kd_conf_bad(at, err,
				   "core_collector: makedumpfile %.*s reads a file that is not in "
				   "the capture image: remove it",
				   (int)len, name);
	return 0;
}

/* "31" or "1,31": each number 0 to 31. */
static int check_dump_level(const struct kd_conf_at *at, const char *text, struct kd_err *err)
{
	const char *p = text ? text : "";

	do {
		size_t digits = strspn(p, "0123456789");
		unsigned int level = 0;
		for (size_t i = 0; i < digits && level <= 31; i++)
			level = level * 10 + (unsigned int)(p[i] - '0');
		p += digits;
		if (digits == 0 || level > 31 || (*p && *p != ','))
			return kd_conf_bad(
				at, err,
				"core_collector: dump level '%.60s' is not one: write -d "
				"with a number from 0 to 31",
				text ? text : "");
	} while (*p++ == ',');
	return 0;
}

/* A word of short options, "-l", "-cd31", "-d"; *used_next tells that the next word is an argument. */
static int check_short(const struct kd_conf_at *at, const char *word, const char *next,
		       bool *used_next, struct kd_err *err)
{
	for (const char *p = word + 1; *p; p++) {
		const char name[] = { '-', *p, '\0' };
		int rc = check_option(at, name, 2, err);
		if (rc)
			return rc;
		if (!in(need_value, KD_ARRAY_LEN(need_value), name, 2))
			continue;
		*used_next = p[1] == '\0';
		const char *value = *used_next ? next : p + 1;
		if (*p == 'd')
			return check_dump_level(at, value, err);
		return value ? 0
			     : kd_conf_bad(at, err, "core_collector: %s lacks its argument", name);
	}
	return 0;
}

static int check_long(const struct kd_conf_at *at, const char *word, const char *next,
		      bool *used_next, struct kd_err *err)
{
	size_t len = strcspn(word, "=");
	int rc = check_option(at, word, len, err);

	if (rc || word[len] == '=' || !in(need_value, KD_ARRAY_LEN(need_value), word, len))
		return rc;
	*used_next = true;
	return next ? 0 : kd_conf_bad(at, err, "core_collector: %.60s lacks its argument", word);
}

int kd_conf_collector(const struct kd_conf_at *at, const char *text, struct kd_strv *ret,
		      struct kd_err *err)
{
	int rc = split(at, text, ret, err);

	if (rc)
		return rc;
	if (ret->n == 0)
		return kd_conf_bad(at, err,
				   "Invalid kdump config value for option 'core_collector': it is "
				   "empty; write one or remove the line");

	const char *slash = strrchr(ret->v[0], '/');
	if (strcmp(slash ? slash + 1 : ret->v[0], "makedumpfile") != 0)
		return kd_conf_bad(
			at, err,
			"core_collector '%.60s' is not makedumpfile, the only program "
			"kdumpkit packs for this: write 'core_collector makedumpfile ...' "
			"or remove the line",
			ret->v[0]);
	for (size_t i = 1; !rc && i < ret->n; i++) {
		const char *word = ret->v[i];
		bool used_next = false;
		/* The paths of /proc/vmcore and of the dump are appended later. */
		if (word[0] != '-' || word[1] == '\0' || strcmp(word, "--") == 0)
			return kd_conf_bad(
				at, err,
				"core_collector: '%.60s' is not an option of makedumpfile, "
				"and file names are added by kdumpkit: remove it",
				word);
		rc = word[1] == '-' ? check_long(at, word, ret->v[i + 1], &used_next, err)
				    : check_short(at, word, ret->v[i + 1], &used_next, err);
		i += used_next;
	}
	return rc;
}
