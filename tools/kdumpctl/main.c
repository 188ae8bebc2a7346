/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"
#include "tools/kdumpctl/ctl.h"

#include <getopt.h>
#include <string.h>

static const struct verb {
	const char *name;
	int (*run)(struct ctl *ctl);
	bool changes; /* takes the lock */
	bool json;    /* can answer in JSON */
	const char *help;
} verbs[] = {
	{ "start", cmd_start, true, false, "build the capture image if needed and load it" },
	{ "stop", cmd_stop, true, false, "unload the capture kernel" },
	{ "restart", cmd_restart, true, false,
	  "build, check and load a new image in place of the loaded one" },
	{ "reload", cmd_reload, true, false, "load the image file again without building it" },
	{ "status", cmd_status, false, true,
	  "is a capture kernel loaded, and how did the last capture end" },
	{ "rebuild", cmd_rebuild, true, false, "build the capture image, load nothing" },
	{ "showmem", cmd_showmem, false, true, "how much memory is reserved" },
	{ "estimate", cmd_estimate, false, true, "how much memory a capture needs" },
	{ "get-default-crashkernel", cmd_default_crashkernel, false, false,
	  "print the crashkernel= of a machine of this kind" },
};

static void usage(FILE *to, const char *argv0)
{
	fprintf(to, "Usage: %s [--root DIR] [--json] [--explain] [--force] {", argv0);
	for (size_t i = 0; i < KD_ARRAY_LEN(verbs); i++)
		fprintf(to, "%s%s", i ? "|" : "", verbs[i].name);
	fprintf(to, "}\n\n");
	for (size_t i = 0; i < KD_ARRAY_LEN(verbs); i++)
		fprintf(to, "  %-24s %s\n", verbs[i].name, verbs[i].help);
	fprintf(to,
		"\n"
		"  --root DIR   read and write every file below DIR and load nothing\n"
		"  --json       status, showmem and estimate: machine-readable output\n"
		"  --explain    estimate: item by item, and where each number comes from\n"
		"  --force      start, restart and reload: load even what cannot boot in what is reserved\n"
		"  --version    print the version\n"
		"  --help       print this text\n"
		"\n"
		"Exit status: 0 done, 1 failed (nothing was changed), 3 status: not operational.\n"
		"See kdumpctl(8) and kdump.conf(5).\n");
}

static void to_stderr(void *arg, enum kd_log_level level, const char *area, const char *text)
{
	(void)arg;
	if (level == KD_LOG_WARN)
		warn("%s", text);
	else if (level == KD_LOG_DEBUG)
		say("%s: %s", area, text);
	else
		say("%s", text);
}

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; name && i < KD_ARRAY_LEN(verbs); i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

/* These have nothing to do with the configuration: they work on a machine without any. */
static bool needs_config(const struct verb *verb)
{
	return verb->run != cmd_showmem && verb->run != cmd_default_crashkernel;
}

static int run_verb(const struct verb *verb, const char *prefix, struct ctl ctl)
{
	struct kd_err err = { 0 };
	KD_AUTO(kd_root_closep) struct kd_root *root = NULL;
	int rc = kd_root_open(prefix, &root, &err);

	if (rc)
		return complain(&err);
	ctl.log = (struct kd_log){ .emit = to_stderr, .debug_areas = getenv("KD_DEBUG") };
	ctl.root = root;
	ctl.kexec = kd_root_is_host(root) ? &kd_kexec_host_ops : NULL;
	if (needs_config(verb))
		rc = kd_config_load(root, &ctl.log, &ctl.config, &err);
	if (!rc && verb->changes)
		rc = take_lock(&ctl, &err);
	rc = rc ? complain(&err) : verb->run(&ctl);
	kd_config_fini(&ctl.config);
	return rc;
}

static bool options_fit(const struct verb *verb, const struct ctl *ctl)
{
	const bool loads = verb->run == cmd_start || verb->run == cmd_restart ||
			   verb->run == cmd_reload;

	return (!ctl->explain || verb->run == cmd_estimate) && (!ctl->force || loads);
}

static int run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "root", required_argument, NULL, 'r' },
		{ "json", no_argument, NULL, 'j' },
		{ "explain", no_argument, NULL, 'e' },
		{ "force", no_argument, NULL, 'f' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	const char *prefix = "/";
	struct ctl ctl = { 0 };

	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		switch (c) {
		case 'r':
			prefix = optarg;
			break;
		case 'j':
			ctl.json = true;
			break;
		case 'e':
			ctl.explain = true;
			break;
		case 'f':
			ctl.force = true;
			break;
		case 'V':
			printf("kdumpctl (kdumpkit) %s\n", KD_VERSION);
			return 0;
		case 'h':
			usage(stdout, argv[0]);
			return 0;
		default:
			usage(stderr, argv[0]);
			return 1;
		}
	}

	const struct verb *verb = optind < argc ? find_verb(argv[optind++]) : NULL;
	if (verb && optind < argc && verb->run == cmd_default_crashkernel)
		ctl.argument = argv[optind++];
	if (!verb || optind != argc || !options_fit(verb, &ctl)) {
		usage(stderr, argv[0]);
		return 1;
	}
	if (ctl.json && !verb->json) {
		say("Error: %s has no --json: only estimate, showmem and status do", verb->name);
		return 1;
	}
	return run_verb(verb, prefix, ctl);
}

int main(int argc, char **argv)
{
	struct kd_err err = { 0 };
	int status = run(argc, argv);

	/* An answer nobody got is not a success. */
	return kd_flush(stdout, "standard output", &err) ? complain(&err) : status;
}
