/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"
#include "tools/kexecctl/kx.h"

#include <getopt.h>
#include <string.h>

static const struct verb {
	const char *name;
	int (*run)(const struct kx *kx);
	bool wants_kernel;
	const char *help;
} verbs[] = {
	{ "load", kx_cmd_load, true, "load KERNEL, to reboot into or (--crash) for a panic" },
	{ "unload", kx_cmd_unload, false, "unload it; with --crash the one for a panic" },
	{ "status", kx_cmd_status, false, "what is loaded, what is reserved, what is forbidden" },
	{ "exec", kx_cmd_exec, false, "reboot into the loaded kernel" },
	{ "explain", kx_cmd_explain, true,
	  "show what kexec_load would be asked for, load nothing" },
};

static void usage(FILE *to, const char *argv0)
{
	fprintf(to,
		"Usage: %s {load|explain} [OPTION]... KERNEL\n"
		"       %s {unload|status|exec} [OPTION]...\n\n",
		argv0, argv0);
	for (size_t i = 0; i < KD_ARRAY_LEN(verbs); i++)
		fprintf(to, "  %-9s %s\n", verbs[i].name, verbs[i].help);
	fputs("\n"
	      "  -p, --crash           for a panic: into the memory crashkernel= reserved\n"
	      "      --syscall=CALL    file: kexec_file_load, classic: kexec_load, auto: file\n"
	      "                        where the kernel has it (default)\n"
	      "  -s, -c                the same as --syscall=file, --syscall=classic\n"
	      "      --initrd=FILE     initial RAM disk\n"
	      "      --command-line=TEXT, --append=TEXT\n"
	      "                        command line of the new kernel\n"
	      "      --reuse-cmdline   the running kernel's, with --command-line behind it\n"
	      "      --serial=WHERE    the purgatory speaks at: auto (console= of the command\n"
	      "                        line), none, or PORT[,BAUD] as in 0x3f8,115200\n"
	      "      --on-mismatch=DO  reset (default) or hang, when a segment was changed\n"
	      "      --force           exec: not through systemd, no services are stopped\n"
	      "      --root=DIR        read every file below DIR and load nothing\n"
	      "      --json            status and explain: machine-readable output\n"
	      "      --version         print the version\n"
	      "      --help            print this text\n"
	      "\n"
	      "Exit status: 0 done, 1 failed or wrong usage, 3 status: nothing is loaded.\n"
	      "See kexecctl(8).\n",
	      to);
}

static void to_stderr(void *arg, enum kd_log_level level, const char *area, const char *text)
{
	(void)arg;
	if (level == KD_LOG_WARN)
		kx_say("WARNING: %s", text);
	else if (level == KD_LOG_DEBUG)
		kx_say("%s: %s", area, text);
	else
		kx_say("%s", text);
}

static bool parse_call(const char *text, enum kd_kexec_how *ret)
{
	static const char *const names[] = {
		[KD_KEXEC_HOW_AUTO] = "auto",
		[KD_KEXEC_HOW_FILE] = "file",
		[KD_KEXEC_HOW_CLASSIC] = "classic",
	};

	for (size_t i = 0; i < KD_ARRAY_LEN(names); i++)
		if (strcmp(text, names[i]) == 0) {
			*ret = (enum kd_kexec_how)i;
			return true;
		}
	kx_say("--syscall=%s: use auto, file or classic", text);
	return false;
}

/* "auto", "none", "0x3f8", "0x3f8,9600" */
static bool parse_serial(const char *text, struct kx *kx)
{
	char port_text[16];
	const char *comma = strchr(text, ',');
	uint64_t port = 0, baud = 0;

	kx->serial_given = strcmp(text, "auto") != 0;
	kx->serial = (struct kd_kexec_serial){ 0 };
	if (!kx->serial_given || strcmp(text, "none") == 0)
		return true;
	snprintf(port_text, sizeof(port_text), "%.*s", comma ? (int)(comma - text) : 15, text);
	if (kd_parse_u64(port_text, &port, NULL) || port == 0 || port > 0xfff8 ||
	    (comma && (kd_parse_u64(comma + 1, &baud, NULL) || baud < 2 || baud > 115200))) {
		kx_say("--serial=%s: use auto, none, or an I/O port and a baud rate as in "
		       "0x3f8,115200",
		       text);
		return false;
	}
	kx->serial.port = (uint16_t)port;
	kx->serial.divisor = (uint16_t)(baud ? 115200 / baud : 0);
	return true;
}

static bool parse_mismatch(const char *text, struct kx *kx)
{
	kx->hang = strcmp(text, "hang") == 0;
	if (kx->hang || strcmp(text, "reset") == 0)
		return true;
	kx_say("--on-mismatch=%s: use reset or hang", text);
	return false;
}

enum {
	OPT_SYSCALL = 256,
	OPT_INITRD,
	OPT_CMDLINE,
	OPT_REUSE,
	OPT_SERIAL,
	OPT_MISMATCH,
	OPT_FORCE,
	OPT_ROOT,
	OPT_JSON,
	OPT_VERSION,
	OPT_HELP
};

static const struct option options[] = {
	{ "crash", no_argument, NULL, 'p' },
	{ "syscall", required_argument, NULL, OPT_SYSCALL },
	{ "initrd", required_argument, NULL, OPT_INITRD },
	{ "command-line", required_argument, NULL, OPT_CMDLINE },
	{ "append", required_argument, NULL, OPT_CMDLINE },
	{ "reuse-cmdline", no_argument, NULL, OPT_REUSE },
	{ "serial", required_argument, NULL, OPT_SERIAL },
	{ "on-mismatch", required_argument, NULL, OPT_MISMATCH },
	{ "force", no_argument, NULL, OPT_FORCE },
	{ "root", required_argument, NULL, OPT_ROOT },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "help", no_argument, NULL, OPT_HELP },
	{ 0 },
};

/* false: the message, if any is due, was printed */
static bool take_option(int c, struct kx *kx, const char **prefix)
{
	switch (c) {
	case 'p':
		kx->crash = true;
		return true;
	case 's':
		kx->call = KD_KEXEC_HOW_FILE;
		return true;
	case 'c':
		kx->call = KD_KEXEC_HOW_CLASSIC;
		return true;
	case OPT_SYSCALL:
		return parse_call(optarg, &kx->call);
	case OPT_INITRD:
		kx->initrd = optarg;
		return true;
	case OPT_CMDLINE:
		kx->cmdline = optarg;
		return true;
	case OPT_REUSE:
		kx->reuse_cmdline = true;
		return true;
	case OPT_SERIAL:
		return parse_serial(optarg, kx);
	case OPT_MISMATCH:
		return parse_mismatch(optarg, kx);
	case OPT_FORCE:
		kx->force = true;
		return true;
	case OPT_ROOT:
		*prefix = optarg;
		return true;
	case OPT_JSON:
		kx->json = true;
		return true;
	default:
		return false;
	}
}

static const struct verb *find_verb(int argc, char **argv, struct kx *kx)
{
	const char *name = optind < argc ? argv[optind++] : "";

	for (size_t i = 0; i < KD_ARRAY_LEN(verbs); i++) {
		if (strcmp(verbs[i].name, name) != 0)
			continue;
		if (argc - optind != (verbs[i].wants_kernel ? 1 : 0))
			return NULL;
		kx->kernel = argv[optind];
		return &verbs[i];
	}
	return NULL;
}

static int run(const struct verb *verb, const char *prefix, struct kx *kx)
{
	struct kd_err err = { 0 };
	KD_AUTO(kd_root_closep) struct kd_root *root = NULL;

	if (kd_root_open(prefix, &root, &err))
		return kx_complain(&err);
	kx->root = root;
	kx->ops = kd_root_is_host(root) ? &kd_kexec_host_ops : NULL;
	return verb->run(kx);
}

int main(int argc, char **argv)
{
	struct kx kx = { .log = { .emit = to_stderr, .debug_areas = getenv("KD_DEBUG") } };
	const char *prefix = "/";

	for (int c; (c = getopt_long(argc, argv, "psc", options, NULL)) != -1;) {
		if (c == OPT_VERSION) {
			printf("kexecctl (kdumpkit) %s\n", KD_VERSION);
			return 0;
		}
		if (c == OPT_HELP) {
			usage(stdout, argv[0]);
			return 0;
		}
		if (!take_option(c, &kx, &prefix)) {
			if (c == '?')
				usage(stderr, argv[0]);
			return KX_EXIT_FAILED;
		}
	}

	const struct verb *verb = find_verb(argc, argv, &kx);
	if (!verb) {
		usage(stderr, argv[0]);
		return KX_EXIT_FAILED;
	}
	return run(verb, prefix, &kx);
}
