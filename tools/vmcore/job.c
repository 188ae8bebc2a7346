/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dump and convert: the command line, and how it ends. */
#include "tools/vmcore/vt.h"

#include <getopt.h>
#include <signal.h>
#include <string.h>

static volatile sig_atomic_t stop;

static void on_signal(int sig)
{
	stop = sig;
}

struct job {
	struct kd_dump_opts opts;
	const char *codec; /* NULL: the default */
	bool json;
	bool direct; /* past the page cache */
	enum vt_progress progress;
	char **inputs;
	size_t n_inputs;
	const char *output; /* NULL: none named */
};

enum { OPT_RAW = 256, OPT_THREADS, OPT_MEMORY, OPT_DRY, OPT_PROGRESS, OPT_JSON, OPT_DIRECT };

static const struct option options[] = {
	{ "raw", no_argument, NULL, OPT_RAW },
	{ "threads", required_argument, NULL, OPT_THREADS },
	{ "max-memory", required_argument, NULL, OPT_MEMORY },
	{ "direct", no_argument, NULL, OPT_DIRECT },
	{ "dry-run", no_argument, NULL, OPT_DRY },
	{ "progress", required_argument, NULL, OPT_PROGRESS },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

static int set_codec(struct job *job, const char *name, struct kd_err *err)
{
	if (job->codec && strcmp(job->codec, name) != 0)
		return kd_fail(err, KD_USAGE, "only one of -z, -c, -l and --raw can be had");
	job->codec = name;
	return 0;
}

static int set_number(const char *option, const char *text, uint64_t max, unsigned int *ret,
		      struct kd_err *err)
{
	uint64_t v = 0;
	struct kd_err why = { 0 };

	if (kd_parse_u64(text, &v, &why) || v > max)
		return kd_fail(err, KD_USAGE, "%s '%s': a number from 0 to %ju is wanted", option,
			       text, (uintmax_t)max);
	*ret = (unsigned int)v;
	return 0;
}

static int set_progress(struct job *job, const char *text, struct kd_err *err)
{
	if (strcmp(text, "tty") == 0)
		job->progress = VT_PROGRESS_TTY;
	else if (strcmp(text, "json") == 0)
		job->progress = VT_PROGRESS_JSON;
	else if (strcmp(text, "none") == 0)
		job->progress = VT_PROGRESS_NONE;
	else
		return kd_fail(err, KD_USAGE, "--progress=%s: it is tty, json or none", text);
	return 0;
}

static int set_memory(struct job *job, const char *text, struct kd_err *err)
{
	struct kd_err why = { 0 };

	if (kd_parse_size(text, &job->opts.max_memory_bytes, &why) ||
	    job->opts.max_memory_bytes == 0)
		return kd_fail(err, KD_USAGE,
			       "--max-memory '%s': a size such as 64M or 1G is wanted", text);
	return 0;
}

static int set_option(struct job *job, int c, struct kd_err *err)
{
	switch (c) {
	case 'd':
		return set_number("-d", optarg, KD_LEVEL_ALL, &job->opts.level, err);
	case 'z':
		return set_codec(job, "zstd", err);
	case 'c':
		return set_codec(job, "zlib", err);
	case 'l':
		return set_codec(job, "lzo", err);
	case OPT_RAW:
		return set_codec(job, "none", err);
	case 'E':
		job->opts.format = KD_DUMP_ELF;
		return 0;
	case 'F':
		job->opts.flattened = true;
		return 0;
	case OPT_THREADS:
		return set_number("--threads", optarg, 1024, &job->opts.threads, err);
	case OPT_MEMORY:
		return set_memory(job, optarg, err);
	case OPT_DIRECT:
		job->direct = true;
		return 0;
	case OPT_DRY:
		job->opts.dry_run = true;
		return 0;
	case OPT_PROGRESS:
		return set_progress(job, optarg, err);
	default:
		job->json = true;
		return 0;
	}
}

/* What is not an option: inputs, and behind them the output if one is wanted. */
static int set_files(struct job *job, char **args, size_t n, size_t n_max_inputs,
		     struct kd_err *err)
{
	/* -F and --dry-run need none, and of one name it is the input */
	bool optional = job->opts.flattened || job->opts.dry_run;

	if (n == 0)
		return kd_fail(err, KD_USAGE, "no input file is named; see vmcore --help");
	job->inputs = args;
	job->n_inputs = n;
	if (n > 1 && !(job->opts.dry_run && n_max_inputs > 1)) {
		job->output = args[n - 1];
		job->n_inputs = n - 1;
	}
	if (n == 1 && !optional)
		return kd_fail(err, KD_USAGE, "no output file is named; see vmcore --help");
	if (job->n_inputs > n_max_inputs)
		return kd_fail(err, KD_USAGE,
			       "dump takes one input and one output: for the parts of a split "
			       "dump use vmcore convert");
	return 0;
}

/* 0 go on; 1 help was given; negative: told in @err, or by getopt. */
static int parse(struct job *job, int argc, char **argv, size_t n_max_inputs, struct kd_err *err)
{
	int rc = 0;

	for (int c; (c = getopt_long(argc, argv, "d:zclEFh", options, NULL)) != -1;) {
		if (c == 'h') {
			vt_usage(stdout);
			return 1;
		}
		if (c == '?')
			return -KD_USAGE;
		rc = set_option(job, c, err);
		if (rc)
			return rc;
	}
	if (job->opts.format == KD_DUMP_DISKDUMP)
		job->opts.codec = kd_codec_by_name(job->codec ? job->codec : "zstd");
	else if (job->codec && strcmp(job->codec, "none") != 0)
		return kd_fail(err, KD_USAGE, "an ELF dump (-E) cannot be compressed (%s)",
			       job->codec);
	return set_files(job, argv + optind, (size_t)(argc - optind), n_max_inputs, err);
}

static int tell(const struct job *job, bool is_stdout, const struct kd_dump_result *r)
{
	FILE *to = is_stdout ? stderr : stdout;
	const struct vt_story story = { .input = job->inputs[0],
					.output = is_stdout ? "standard output" : job->output,
					.opts = &job->opts,
					.r = r };

	if (job->json && vt_tell_json(to, &story))
		return VT_REFUSED;
	if (!job->json)
		vt_tell_result(to, &story);
	return r->truncated || r->input_incomplete || r->bad_pages ? VT_DAMAGED : VT_DONE;
}

static int commit(struct vt_output *out, struct kd_err *err)
{
	return out->sink ? kd_sink_commit(KD_STEAL(out->sink), err) : 0;
}

static int run(struct job *job, struct kd_err *err)
{
	KD_AUTO(vt_input_fini) struct vt_input in = { 0 };
	KD_AUTO(vt_output_fini) struct vt_output out = { .dir_fd = -1, .fd = -1 };
	struct vt_teller teller;
	struct kd_dump_result r;
	int rc = vt_input_open(job->inputs, job->n_inputs, &in, err);

	if (!rc && !job->opts.dry_run)
		rc = vt_output_open(job->output, job->opts.flattened, job->direct, &out, err);
	if (rc)
		return vt_complain(err);

	vt_teller_init(&teller, job->progress);
	job->opts.progress = vt_tell_progress;
	job->opts.progress_arg = &teller;
	job->opts.log = vt_log();
	job->opts.stop = &stop;
	rc = kd_dump_run(in.core, &job->opts, out.sink, &r, err);
	vt_teller_clear(&teller);
	if (rc)
		return vt_complain(err);
	if (stop) {
		vt_say("interrupted (%s): nothing is kept", strsignal(stop));
		return VT_REFUSED;
	}
	rc = commit(&out, err);
	if (rc) {
		(void)vt_complain(err);
		return VT_DAMAGED; /* the dump is there, if under another name */
	}
	return tell(job, out.is_stdout, &r);
}

static void catch_signals(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	/* A second one ends it at once. */
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND };

	for (size_t i = 0; i < KD_ARRAY_LEN(signals); i++)
		sigaction(signals[i], &sa, NULL);
}

int vt_job(int argc, char **argv, size_t n_max_inputs)
{
	struct job job = { 0 };
	struct kd_err err = { 0 };
	int rc = parse(&job, argc, argv, n_max_inputs, &err);

	if (rc > 0)
		return VT_DONE;
	if (rc < 0) {
		if (err.msg[0])
			vt_say("%s", err.msg);
		return VT_REFUSED;
	}
	catch_signals();
	return run(&job, &err);
}
