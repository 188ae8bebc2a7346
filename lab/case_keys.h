/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * case_keys - the keys of a case: what each may say, and where in struct kd_lab_case that
 * goes. Only case.c, which cuts the text into lines, calls this; whether the case as a whole
 * makes sense is its question, too.
 */
#ifndef KD_LAB_CASE_KEYS_H
#define KD_LAB_CASE_KEYS_H

#include "lab/case.h"

enum { KD_LAB_CASE_KEYS = 26 }; /* as many as there are */

/* One line being read; every message starts with where it stands. */
struct kd_lab_case_line {
	const char *file;
	unsigned int number;
	const char *key;
	char *value;
};

/**
 * kd_lab_case_key() - put what a line says into the case
 * @seen: the line in which each key was given last, 0 for none yet; kept from line to line
 *
 * Return: 0; -KD_BADDATA for an unknown key, one given twice that may be there once, no value
 * or a bad one, with "file:line: what is wrong and the remedy"; -KD_NOMEM.
 */
int kd_lab_case_key(const struct kd_lab_case_line *at, unsigned int seen[KD_LAB_CASE_KEYS],
		    struct kd_lab_case *c, struct kd_err *err) KD_MUST_CHECK;

#endif
