/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/base/units.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Digits only, as far as they go: strtoull alone would take "-1" and " 1". */
static int digits(const char *text, uint64_t *ret, const char **end_ret, struct kd_err *err)
{
	char *end = NULL;
	int base = 10;

	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
		base = 16;
	if (text[0] < '0' || text[0] > '9')
		return kd_fail(err, KD_BADDATA, "'%s' is not a number", text);
	errno = 0;
	unsigned long long v = strtoull(text, &end, base);
	if (errno == ERANGE)
		return kd_fail(err, KD_BADDATA, "'%s' is too large", text);
	*ret = v;
	*end_ret = end;
	return 0;
}

int kd_parse_u64(const char *text, uint64_t *ret, struct kd_err *err)
{
	uint64_t v = 0;
	const char *end = NULL;
	int rc = digits(text, &v, &end, err);

	if (rc)
		return rc;
	if (*end)
		return kd_fail(err, KD_BADDATA, "'%s' is not a number", text);
	*ret = v;
	return 0;
}

int kd_parse_size(const char *text, uint64_t *ret, struct kd_err *err)
{
	static const char units[] = "KMGTPE";
	uint64_t v = 0;
	const char *end = NULL;
	int rc = digits(text, &v, &end, err);

	if (rc)
		return rc;

	unsigned int shift = 0;
	if (*end) {
		char unit = *end >= 'a' ? (char)(*end - 'a' + 'A') : *end;
		const char *at = strchr(units, unit);
		if (!at || end[1])
			return kd_fail(err, KD_BADDATA,
				       "'%s' is not a size: write a number and K, M, G, T, P or E",
				       text);
		shift = 10 * (unsigned int)(at - units + 1);
	}
	if (shift && v >> (64 - shift))
		return kd_fail(err, KD_BADDATA, "'%s' is too large", text);
	*ret = v << shift;
	return 0;
}

const char *kd_format_size(uint64_t bytes, char buf[KD_SIZE_TEXT_BYTES])
{
	static const char *const names[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	unsigned int unit = 0;
	uint64_t whole = bytes, rest = 0;

	while (whole >= 1024 && unit < 6) {
		rest = whole % 1024;
		whole /= 1024;
		unit++;
	}
	if (unit == 0 || rest * 10 / 1024 == 0)
		snprintf(buf, KD_SIZE_TEXT_BYTES, "%" PRIu64 " %s", whole, names[unit]);
	else
		snprintf(buf, KD_SIZE_TEXT_BYTES, "%" PRIu64 ".%" PRIu64 " %s", whole,
			 rest * 10 / 1024, names[unit]);
	return buf;
}
