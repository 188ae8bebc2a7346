/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/vmcore/vt.h"

#include <getopt.h>
#include <stdarg.h>

static const char help[] =
	"Usage: vmcore dump [options] IN [OUT]\n"
	"       vmcore convert [options] IN... [OUT]\n"
	"       vmcore {info|verify} [--json] FILE...\n"
	"       vmcore dmesg FILE...\n"
	"\n"
	"  dump       copy the memory of a crashed kernel, filtered and compressed\n"
	"  convert    the same from a dump in any format or from all parts of a split one\n"
	"  info       what a dump is, and what is in it\n"
	"  dmesg      print the kernel log in a dump\n"
	"  verify     read a dump, or a dump directory, and check that nothing is damaged\n"
	"\n"
	"Options of dump and convert:\n"
	"  -d LEVEL           leave out: 1 zero pages, 2 page cache without private data, 4 all\n"
	"                     page cache, 8 user data, 16 free pages; add them up (default 0)\n"
	"  -z                 compress with zstd (default)\n"
	"  -c                 compress with zlib\n"
	"  -l                 compress with lzo\n"
	"  --raw              do not compress\n"
	"  -E                 write ELF instead of the kdump-compressed format\n"
	"  -F                 write the flattened form, for pipes; without OUT to standard output\n"
	"  --threads N        compress in N threads (default: one for each CPU)\n"
	"  --max-memory SIZE  take no more than SIZE (K, M, G), the page bitmaps included\n"
	"  --direct           write past the page cache\n"
	"  --dry-run          only find out what would be kept\n"
	"  --progress=HOW     tty, json (lines on standard error) or none\n"
	"  --json             print the result as JSON\n"
	"\n"
	"  --version          print the version\n"
	"  --help             print this text\n"
	"\n"
	"Exit status: 0 done; 1 usage, or the input was refused; 2 incomplete or damaged: what\n"
	"could be read was delivered. See vmcore(1).\n";

void vt_usage(FILE *to)
{
	fputs(help, to);
}

void vt_say(const char *fmt, ...)
{
	va_list ap;

	fputs("vmcore: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

int vt_complain(const struct kd_err *err)
{
	vt_say("%s", err->msg);
	return VT_REFUSED;
}

static void to_stderr(void *arg, enum kd_log_level level, const char *area, const char *text)
{
	if (level == KD_LOG_DEBUG)
		vt_say("%s: %s", area, text);
	else if (level <= KD_LOG_WARN)
		vt_say("warning: %s", text);
}

const struct kd_log *vt_log(void)
{
	static struct kd_log log = { .emit = to_stderr };

	log.debug_areas = getenv("KD_DEBUG");
	return &log;
}

int vt_simple_options(int argc, char **argv, bool *json_ret)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};

	for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
		if (c == 'h') {
			vt_usage(stdout);
			return 1;
		}
		if (c != 'j')
			return -KD_USAGE; /* getopt has said why */
		*json_ret = true;
	}
	if (optind == argc) {
		vt_say("no file is named; see vmcore --help");
		return -KD_USAGE;
	}
	return 0;
}
