/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/support-message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

void assert_says(const char *msg, const char *what)
{
	if (!strstr(msg, what))
		fail_msg("\"%s\" does not say \"%s\"", msg, what);
}
