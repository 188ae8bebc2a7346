/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/report/dmesg.h"
#include "tools/vmcore/vt.h"

#include <errno.h>
#include <getopt.h>

static int to_stdout(void *arg, const char *bytes, size_t len, struct kd_err *err)
{
	if (fwrite(bytes, 1, len, stdout) != len)
		return kd_fail_sys(err, errno, "write the log to standard output");
	return 0;
}

static void print_stats(const struct kd_dmesg_stats *s)
{
	if (s->damaged)
		vt_say("warning: %ju records of the log are damaged", (uintmax_t)s->damaged);
}

int vt_cmd_dmesg(int argc, char **argv)
{
	KD_AUTO(vt_input_fini) struct vt_input in = { 0 };
	struct kd_dmesg_stats stats = { 0 };
	struct kd_err err = { 0 };
	bool json = false;
	int rc = vt_simple_options(argc, argv, &json);

	if (rc)
		return rc > 0 ? VT_DONE : VT_REFUSED;
	if (json) {
		vt_say("dmesg prints text only, no --json");
		return VT_REFUSED;
	}
	rc = vt_input_open(argv + optind, (size_t)(argc - optind), &in, &err);
	if (rc)
		return vt_complain(&err);
	rc = kd_dmesg_write(in.core, to_stdout, NULL, &stats, &err);
	if (fflush(stdout) && !rc)
		rc = kd_fail_sys(&err, errno, "write the log to standard output");
	print_stats(&stats);
	if (rc) {
		vt_complain(&err);
		return stats.bytes ? VT_DAMAGED : VT_REFUSED;
	}
	return stats.damaged ? VT_DAMAGED : VT_DONE;
}
