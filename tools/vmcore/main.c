/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"
#include "tools/vmcore/vt.h"

#include <signal.h>
#include <string.h>

static const struct verb {
	const char *name;
	int (*run)(int argc, char **argv);
} verbs[] = {
	{ "dump", vt_cmd_dump },   { "convert", vt_cmd_convert }, { "info", vt_cmd_info },
	{ "dmesg", vt_cmd_dmesg }, { "verify", vt_cmd_verify },
};

/* The input is mapped; a page of it that is gone comes as a signal. What was written stays, as
 * OUT.part: a file that calls itself incomplete, or nothing yet. */
static void on_bus_error(int sig)
{
	static const char text[] = "vmcore: the input became shorter while it was read, or can no "
				   "longer be read\n";

	(void)sig;
	ssize_t ignored = write(STDERR_FILENO, text, sizeof(text) - 1);
	(void)ignored;
	_exit(VT_DAMAGED);
}

static int run(int argc, char **argv)
{
	if (argc < 2) {
		vt_usage(stderr);
		return VT_REFUSED;
	}
	if (strcmp(argv[1], "--version") == 0) {
		printf("vmcore (kdumpkit) %s\n", KD_VERSION);
		return VT_DONE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		vt_usage(stdout);
		return VT_DONE;
	}
	/* A reader that goes away is an error of write(2), with a message. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* so is a limit of the file size */
	signal(SIGBUS, on_bus_error);
	const char *verb = argv[1];
	argv[1] = argv[0]; /* getopt's messages begin with it */
	for (size_t i = 0; i < KD_ARRAY_LEN(verbs); i++) {
		if (strcmp(verbs[i].name, verb) == 0)
			return verbs[i].run(argc - 1, argv + 1);
	}
	vt_say("there is no verb '%s'; see vmcore --help", verb);
	return VT_REFUSED;
}

int main(int argc, char **argv)
{
	struct kd_err err = { 0 };
	int status = run(argc, argv);

	/* A result nobody got is not a success. */
	return kd_flush(stdout, "standard output", &err) ? vt_complain(&err) : status;
}
