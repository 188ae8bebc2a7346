/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an error's message should say. What goes wrong fails the test. */
#ifndef KD_TESTS_UNIT_SUPPORT_MESSAGE_H
#define KD_TESTS_UNIT_SUPPORT_MESSAGE_H

void assert_says(const char *msg, const char *what);

#endif
