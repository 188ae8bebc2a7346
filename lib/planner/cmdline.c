/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/planner/planner.h"

#include <string.h>

/* Words that make sense only for the first boot: reservation, root file system, its stack. */
static const char *const first_boot_only[] = {
	"crashkernel",	   "panic_on_warn", "root", "rd.lvm.lv", "rd.luks.uuid",
	"rd.dm.uuid",	   "rd.md.uuid",    "fcoe", "netroot",	 "rd.iscsi.initiator",
	"iscsi_initiator",
};

static bool name_is(const char *word, const char *name)
{
	size_t len = strcspn(word, "=");

	return strlen(name) == len && strncmp(word, name, len) == 0;
}

static bool unwanted(const char *word, const struct kd_strv *remove)
{
	for (size_t i = 0; i < KD_ARRAY_LEN(first_boot_only); i++)
		if (name_is(word, first_boot_only[i]))
			return true;
	for (size_t i = 0; i < remove->n; i++)
		if (name_is(word, remove->v[i]))
			return true;
	/* "foo=" sets nothing, and some parsers take it for an error */
	size_t len = strlen(word);
	return len > 0 && word[len - 1] == '=' && strchr(word, '=') == word + len - 1;
}

/* As the kernel splits it: double quotes keep blanks together and stay in the word. */
static int split_words(struct kd_strv *words, const char *text, struct kd_err *err)
{
	int rc = 0;

	while (!rc) {
		text += strspn(text, " \t\n");
		if (!*text)
			break;
		bool quoted = false;
		size_t n = 0;
		for (; text[n] && (quoted || !strchr(" \t\n", text[n])); n++)
			if (text[n] == '"')
				quoted = !quoted;
		rc = kd_strv_addf(words, err, "%.*s", (int)n, text);
		text += n;
	}
	return rc;
}

static void add_word(struct kd_buf *out, const char *word)
{
	if (out->len)
		kd_buf_puts(out, " ");
	kd_buf_puts(out, word);
}

/* What the kernel makes of "panic=N": seconds until it reboots, 0 for never. */
static bool ends_a_panic(const struct kd_strv *words, bool before)
{
	bool ends = before;

	for (size_t i = 0; i < words->n; i++) {
		char *end = NULL;
		if (!name_is(words->v[i], "panic") || !strchr(words->v[i], '='))
			continue;
		const char *text = strchr(words->v[i], '=') + 1;
		long seconds = strtol(text, &end, 0);
		if (end != text && !*end)
			ends = seconds != 0;
	}
	return ends;
}

static const char *text_of(const struct kd_value *value)
{
	return value->text ? value->text : "";
}

int kd_planner_cmdline(const struct kd_config *config, const struct kd_planner_facts *facts,
		       char **ret, struct kd_err *err)
{
	KD_AUTO(kd_strv_fini) struct kd_strv base = { 0 }, kept = { 0 };
	KD_AUTO(kd_strv_fini) struct kd_strv remove = { 0 }, append = { 0 };
	KD_AUTO(kd_buf_fini) struct kd_buf out = { 0 };
	const char *from = text_of(&config->commandline);
	int rc = split_words(&base, from[0] ? from : facts->running.cmdline, err);

	if (!rc)
		rc = kd_strv_split(&remove, text_of(&config->commandline_remove), " \t\n", err);
	if (!rc)
		rc = split_words(&append, text_of(&config->commandline_append), err);
	if (rc)
		return rc;

	for (size_t i = 0; !rc && i < base.n; i++)
		if (!unwanted(base.v[i], &remove))
			rc = kd_strv_add(&kept, base.v[i], err);
	if (rc)
		return rc;
	for (size_t i = 0; i < kept.n; i++)
		add_word(&out, kept.v[i]);
	for (size_t i = 0; i < append.n; i++)
		add_word(&out, append.v[i]);
	/* A capture kernel that panics itself must not stand still: nobody may be there. */
	if (!ends_a_panic(&append, ends_a_panic(&kept, false)))
		add_word(&out, "panic=10");
	if (facts->cpu0_apicid.known)
		kd_buf_printf(&out, " disable_cpu_apicid=%llu",
			      (unsigned long long)facts->cpu0_apicid.value);
	for (size_t i = 0; i < facts->watchdog_modules.n; i++) {
		/* The watchdog's warning shot (an NMI, mostly) would end the capture. */
		kd_buf_printf(&out, " %s.pretimeout=0", facts->watchdog_modules.v[i]);
		if (strcmp(facts->watchdog_modules.v[i], "hpwdt") == 0)
			kd_buf_puts(&out, " hpwdt.kdumptimeout=0");
	}
	if (out.bad)
		return kd_fail(err, KD_NOMEM, "no memory for the command line");
	*ret = out.p ? KD_STEAL(out.p) : strdup("");
	return *ret ? 0 : kd_fail(err, KD_NOMEM, "no memory for the command line");
}
