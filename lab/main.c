/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kdump-lab - crashes virtual machines for known reasons and checks what is left
 * of them. This file: command line, order of work, output.
 */
#include "config.h"
#include "lab/accel.h"
#include "lab/case.h"
#include "lab/env.h"
#include "lab/run.h"

#include <getopt.h>
#include <string.h>
#include <sys/stat.h>

enum { EXIT_PASS = 0, EXIT_FAIL = 1, EXIT_SKIP = 77, EXIT_BROKEN = 99 };

static const char help[] =
	"Usage: kdump-lab run [OPTION]... CASE...\n"
	"       kdump-lab run [OPTION]... --all\n"
	"       kdump-lab list [OPTION]...\n"
	"       kdump-lab shell [OPTION]... CASE\n"
	"Crash a virtual machine, let it capture its dump, check what is left.\n"
	"\n"
	"  run      run cases; prints \"ok\", \"not ok\" or \"skip\" and the case's name\n"
	"  list     list the cases\n"
	"  shell    start a case's machine, armed, with its console on this terminal\n"
	"\n"
	"      --all            run every case\n"
	"      --accel=HOW      auto (default), kvm or tcg; auto proves KVM first\n"
	"      --crashkernel=VALUE  reserve this instead of what the case says\n"
	"      --out=DIR        one directory a case below DIR (default: BUILD/lab/out)\n"
	"      --timeline       print when each stage was reached\n"
	"      --json           print one JSON document instead of text\n"
	"      --kernel=NAME    run them on this kernel instead of their own\n"
	"      --unpatched      run them on cloud-6.12; a case passes when it fails as its\n"
	"                       line unpatched-fails says\n"
	"      --keep           keep the disk images of cases that passed\n"
	"      --build=DIR      the build directory (default: the one this program is in)\n"
	"      --cases=DIR      where the *.test files are (default: tests/panic)\n"
	"      --help           show this\n"
	"      --version        show the version\n"
	"\n"
	"Exit status: 0 all passed, 1 a case failed, 77 none could run, 99 broken set-up.\n";

struct options {
	const char *build, *cases, *out, *kernel;
	const char *crashkernel; /* in place of the cases' own; NULL none */
	enum kd_lab_accel accel;
	bool all, timeline, json, keep, unpatched;
};

enum {
	OPT_ALL = 256,
	OPT_ACCEL,
	OPT_OUT,
	OPT_TIMELINE,
	OPT_JSON,
	OPT_KEEP,
	OPT_KERNEL,
	OPT_UNPATCHED,
	OPT_BUILD,
	OPT_CASES,
	OPT_CRASHKERNEL,
	OPT_HELP,
	OPT_VERSION
};

static int usage(const char *what, const char *which)
{
	fprintf(stderr, "kdump-lab: %s%s; try 'kdump-lab --help'\n", what, which);
	return EXIT_BROKEN;
}

static bool set_accel(const char *text, enum kd_lab_accel *ret)
{
	for (int a = KD_LAB_ACCEL_AUTO; a <= KD_LAB_ACCEL_TCG; a++)
		if (strcmp(text, kd_lab_accel_name((enum kd_lab_accel)a)) == 0) {
			*ret = (enum kd_lab_accel)a;
			return true;
		}
	return false;
}

/* -1: go on; else the exit status. */
static int parse_options(int argc, char *argv[], struct options *o)
{
	static const struct option longs[] = {
		{ "all", no_argument, NULL, OPT_ALL },
		{ "accel", required_argument, NULL, OPT_ACCEL },
		{ "out", required_argument, NULL, OPT_OUT },
		{ "timeline", no_argument, NULL, OPT_TIMELINE },
		{ "json", no_argument, NULL, OPT_JSON },
		{ "keep", no_argument, NULL, OPT_KEEP },
		{ "kernel", required_argument, NULL, OPT_KERNEL },
		{ "unpatched", no_argument, NULL, OPT_UNPATCHED },
		{ "build", required_argument, NULL, OPT_BUILD },
		{ "cases", required_argument, NULL, OPT_CASES },
		{ "crashkernel", required_argument, NULL, OPT_CRASHKERNEL },
		{ "help", no_argument, NULL, OPT_HELP },
		{ "version", no_argument, NULL, OPT_VERSION },
		{ 0 },
	};

	for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
		switch (c) {
		case OPT_ALL:
			o->all = true;
			break;
		case OPT_ACCEL:
			if (!set_accel(optarg, &o->accel))
				return usage("--accel takes auto, kvm or tcg, not ", optarg);
			break;
		case OPT_OUT:
			o->out = optarg;
			break;
		case OPT_TIMELINE:
			o->timeline = true;
			break;
		case OPT_JSON:
			o->json = true;
			break;
		case OPT_KEEP:
			o->keep = true;
			break;
		case OPT_KERNEL:
			o->kernel = optarg;
			break;
		case OPT_UNPATCHED:
			o->unpatched = true;
			break;
		case OPT_BUILD:
			o->build = optarg;
			break;
		case OPT_CASES:
			o->cases = optarg;
			break;
		case OPT_CRASHKERNEL:
			o->crashkernel = optarg;
			break;
		case OPT_HELP:
			fputs(help, stdout);
			return EXIT_PASS;
		case OPT_VERSION:
			puts("kdump-lab (kdumpkit) " KD_VERSION);
			return EXIT_PASS;
		default:
			fputs("try 'kdump-lab --help'\n", stderr);
			return EXIT_BROKEN;
		}
	}
	return -1;
}

static int broken(const struct kd_err *err)
{
	fprintf(stderr, "kdump-lab: %s\n", err->msg);
	return EXIT_BROKEN;
}

/* Seconds after the panic on the host's clock, and the guest's own. */
static void print_summary(const struct kd_lab_timeline *t)
{
	static const enum kd_lab_moment shown[] = { KD_LAB_INIT, KD_LAB_DMESG, KD_LAB_VMCORE,
						    KD_LAB_ACTION, KD_LAB_END };
	const char *comma = "";

	if (!t->marks[KD_LAB_PANIC].seen)
		return;
	printf("#   s after the panic (s of the capture kernel):");
	for (size_t i = 0; i < KD_ARRAY_LEN(shown); i++) {
		const struct kd_lab_mark *mark = &t->marks[shown[i]];
		if (!mark->seen)
			continue;
		printf("%s %s %.1f", comma, kd_lab_moment_name(shown[i]),
		       (double)(mark->wall_ms - t->marks[KD_LAB_PANIC].wall_ms) / 1e3);
		if (mark->has_guest)
			printf(" (%.1f)", (double)mark->guest_us / 1e6);
		comma = ",";
	}
	putchar('\n');
}

static void print_result(const struct options *o, const struct kd_lab_case *c,
			 const struct kd_lab_result *r)
{
	switch (r->verdict) {
	case KD_LAB_PASS:
		printf("ok %s\n", c->name);
		break;
	case KD_LAB_SKIP:
		printf("skip %s - %s\n", c->name, r->reason);
		break;
	case KD_LAB_FAIL:
	case KD_LAB_BROKEN:
		printf("not ok %s - %s\n", c->name, r->reason);
		if (r->dir)
			printf("#   everything of this run is kept in %s\n", r->dir);
		break;
	}
	if (o->timeline)
		kd_lab_timeline_print(&r->timeline, stdout);
	else
		print_summary(&r->timeline);
	if (r->verdict == KD_LAB_PASS && r->dump)
		printf("#   dump: %s\n", r->dump);
	fflush(stdout);
}

static void put_json(struct kd_json *j, const struct kd_lab_case *c, const struct kd_lab_result *r)
{
	static const char *const verdicts[] = { [KD_LAB_PASS] = "pass",
						[KD_LAB_FAIL] = "fail",
						[KD_LAB_SKIP] = "skip",
						[KD_LAB_BROKEN] = "broken" };

	kd_json_open_object(j, NULL);
	kd_json_string(j, "case", c->name);
	kd_json_string(j, "title", c->title);
	kd_json_string(j, "kernel", c->kernel);
	kd_json_string(j, "crashkernel", c->crashkernel);
	kd_json_u64(j, "memory_mib", c->memory_mib);
	kd_json_u64(j, "cpus", c->cpus);
	kd_json_string(j, "result", verdicts[r->verdict]);
	kd_json_string(j, "reason", r->reason);
	kd_json_string(j, "capture_outcome", r->timeline.outcome);
	kd_json_string(j, "capture_action", r->timeline.action);
	kd_json_string(j, "directory", r->dir);
	kd_json_string(j, "dump", r->dump);
	kd_json_ms(j, "wall_s", r->wall_ms);
	kd_lab_timeline_json(&r->timeline, j);
	kd_json_close_object(j);
}

struct tally {
	unsigned int passed, failed, skipped, broken;
};

static void count(struct tally *t, enum kd_lab_verdict verdict)
{
	unsigned int *const which[] = { [KD_LAB_PASS] = &t->passed,
					[KD_LAB_FAIL] = &t->failed,
					[KD_LAB_SKIP] = &t->skipped,
					[KD_LAB_BROKEN] = &t->broken };

	(*which[verdict])++;
}

static int exit_status(const struct tally *t)
{
	if (t->broken)
		return EXIT_BROKEN;
	if (t->failed)
		return EXIT_FAIL;
	return t->passed ? EXIT_PASS : EXIT_SKIP;
}

/* One word of the kernel's command line, whatever it asks for: cases may ask for nonsense. */
static int override_crashkernel(const char *value, struct kd_lab_case *c, struct kd_err *err)
{
	if (!*value || strpbrk(value, " \t\n\"'"))
		return kd_fail(err, KD_USAGE,
			       "--crashkernel='%s' is not one word: write a value such as 96M",
			       value);
	free(KD_STEAL(c->crashkernel));
	return kd_strdup(&c->crashkernel, value, err);
}

/* A case as it is to be run: with what the options put in place of its own. */
static int load_case(const struct kd_lab_env *env, const struct options *o, const char *name,
		     struct kd_lab_case *ret, struct kd_err *err)
{
	KD_AUTO(kd_lab_case_fini) struct kd_lab_case c = { 0 };
	const char *kernel = o->kernel ? o->kernel : o->unpatched ? "cloud-6.12" : NULL;
	int rc = kd_lab_case_load(env->cases, name, &c, err);

	if (!rc && o->unpatched && !o->all && !c.unpatched_fails)
		rc = kd_fail(err, KD_USAGE, "case %s has no line unpatched-fails", name);
	if (!rc && kernel)
		rc = kd_lab_case_set_kernel(&c, kernel, err);
	if (!rc && o->crashkernel)
		rc = override_crashkernel(o->crashkernel, &c, err);
	if (rc)
		return rc;
	*ret = c;
	c = (struct kd_lab_case){ 0 };
	return 0;
}

static int run_one(const struct kd_lab_env *env, const struct options *o, const char *name,
		   struct kd_json *j, struct tally *tally, struct kd_err *err)
{
	KD_AUTO(kd_lab_case_fini) struct kd_lab_case c = { 0 };
	KD_AUTO(kd_lab_result_fini) struct kd_lab_result result = { 0 };
	int rc = load_case(env, o, name, &c, err);

	if (rc)
		return rc;
	if (o->unpatched && !c.unpatched_fails)
		return 0; /* with --all: not a case about a patch */
	if (!o->json) {
		printf("# %s: %s\n", c.name, c.title);
		fflush(stdout);
	}
	kd_lab_run_case(env, &c, &result);
	count(tally, result.verdict);
	if (o->json)
		put_json(j, &c, &result);
	else
		print_result(o, &c, &result);
	return 0;
}

/* Every case is read before the first is run: a typing error is told at once. */
static int load_all(const struct kd_lab_env *env, const struct options *o,
		    const struct kd_strv *names, char **kernel_ret, struct kd_err *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < names->n; i++) {
		KD_AUTO(kd_lab_case_fini) struct kd_lab_case c = { 0 };
		rc = load_case(env, o, names->v[i], &c, err);
		if (!rc && i == 0)
			rc = kd_strdup(kernel_ret, c.kernel, err);
	}
	return rc;
}

static int prepare(struct kd_lab_env *env, const struct options *o, const char *kernel,
		   char why[160], struct kd_err *err)
{
	env->timeline = o->timeline;
	env->keep = o->keep;
	env->unpatched = o->unpatched;
	env->accel = o->accel;
	snprintf(why, 160, "asked for");
	if (o->accel != KD_LAB_ACCEL_AUTO)
		return 0;
	return kd_lab_accel_resolve(env, kernel, &env->accel, why, err);
}

static int run_cases(struct kd_lab_env *env, const struct options *o, const struct kd_strv *names)
{
	KD_AUTO(kd_freep) char *kernel = NULL;
	KD_AUTO(kd_buf_fini) struct kd_buf text = { 0 };
	struct kd_json j = { .out = &text, .pretty = true };
	struct tally tally = { 0 };
	struct kd_err err = { 0 };
	char why[160] = "";
	int rc = load_all(env, o, names, &kernel, &err);

	if (!rc)
		rc = prepare(env, o, kernel, why, &err);
	if (rc)
		return broken(&err);
	kd_json_open_object(&j, NULL);
	kd_json_string(&j, "accel", kd_lab_accel_name(env->accel));
	kd_json_open_array(&j, "cases");
	if (!o->json)
		printf("# accelerator %s: %s\n", kd_lab_accel_name(env->accel), why);
	for (size_t i = 0; !rc && i < names->n; i++)
		rc = run_one(env, o, names->v[i], &j, &tally, &err);
	if (rc)
		return broken(&err);
	kd_json_close_array(&j);
	kd_json_close_object(&j);
	if (o->json && text.bad)
		return usage("no memory for the JSON document", "");
	if (o->json)
		fputs(text.p, stdout);
	return exit_status(&tally);
}

static int cmd_run(struct kd_lab_env *env, const struct options *o, int argc, char *argv[])
{
	KD_AUTO(kd_strv_fini) struct kd_strv names = { 0 };
	struct kd_err err = { 0 };
	int rc = 0;

	if (o->all ? argc > 0 : argc == 0)
		return usage("run takes the names of cases, or --all", "");
	if (o->all)
		rc = kd_lab_case_names(env->cases, &names, &err);
	for (int i = 0; !rc && i < argc; i++)
		rc = kd_strv_add(&names, argv[i], &err);
	if (!rc && names.n == 0)
		rc = kd_fail(&err, KD_USAGE, "no cases in %s", env->cases);
	return rc ? broken(&err) : run_cases(env, o, &names);
}

static int cmd_list(struct kd_lab_env *env, const struct options *o, int argc)
{
	KD_AUTO(kd_strv_fini) struct kd_strv names = { 0 };
	KD_AUTO(kd_buf_fini) struct kd_buf text = { 0 };
	struct kd_json j = { .out = &text, .pretty = true };
	struct kd_err err = { 0 };

	if (argc > 0)
		return usage("list takes no case", "");
	int rc = kd_lab_case_names(env->cases, &names, &err);
	kd_json_open_array(&j, NULL);
	for (size_t i = 0; !rc && i < names.n; i++) {
		KD_AUTO(kd_lab_case_fini) struct kd_lab_case c = { 0 };
		rc = kd_lab_case_load(env->cases, names.v[i], &c, &err);
		if (rc)
			break;
		if (!o->json)
			printf("%-24s %s\n", c.name, c.title);
		kd_json_open_object(&j, NULL);
		kd_json_string(&j, "case", c.name);
		kd_json_string(&j, "title", c.title);
		kd_json_close_object(&j);
	}
	kd_json_close_array(&j);
	if (!rc && o->json)
		fputs(text.bad ? "" : text.p, stdout);
	return rc ? broken(&err) : EXIT_PASS;
}

static int cmd_shell(struct kd_lab_env *env, const struct options *o, int argc, char *argv[])
{
	KD_AUTO(kd_lab_case_fini) struct kd_lab_case c = { 0 };
	struct kd_err err = { 0 };
	char why[160] = "";

	if (argc != 1)
		return usage("shell takes one case", "");
	int rc = load_case(env, o, argv[0], &c, &err);
	if (!rc)
		rc = prepare(env, o, c.kernel, why, &err);
	if (!rc)
		rc = kd_lab_shell_case(env, &c, &err);
	if (rc)
		return broken(&err);
	printf("the machine's disk is kept in %s/%s\n", env->out, c.name);
	return EXIT_PASS;
}

int main(int argc, char *argv[])
{
	KD_AUTO(kd_lab_env_fini) struct kd_lab_env env = { 0 };
	struct options o = { 0 };
	struct kd_err err = { 0 };
	int status = parse_options(argc, argv, &o);

	if (status >= 0)
		return status;
	if (optind == argc)
		return usage("run, list or shell?", "");
	const char *verb = argv[optind++];

	umask(022); /* the guest's files get their modes from here */
	if (kd_lab_env_init(&env, o.build, o.cases, o.out, &err))
		return broken(&err);
	if (strcmp(verb, "run") == 0)
		return cmd_run(&env, &o, argc - optind, argv + optind);
	if (strcmp(verb, "list") == 0)
		return cmd_list(&env, &o, argc - optind);
	if (strcmp(verb, "shell") == 0)
		return cmd_shell(&env, &o, argc - optind, argv + optind);
	return usage("no verb ", verb);
}
