/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The same engine reads every format, so to convert is to dump a dump. */
#include "tools/vmcore/vt.h"

int vt_cmd_convert(int argc, char **argv)
{
	return vt_job(argc, argv, SIZE_MAX);
}
