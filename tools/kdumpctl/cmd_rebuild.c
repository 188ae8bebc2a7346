/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/kdumpctl/ctl.h"

int cmd_rebuild(struct ctl *ctl)
{
	struct kd_err err = { 0 };

	return rebuild_image(ctl, &err) ? complain(&err) : 0;
}
