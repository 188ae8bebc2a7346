/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/vmcore/vt.h"

int vt_cmd_dump(int argc, char **argv)
{
	return vt_job(argc, argv, 1);
}
