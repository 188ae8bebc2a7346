/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The input is a kernel command line; each of its words is also taken for a value. */
#include "crashkernel/crashkernel.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

/* Text, value, text, value: the second text is the third's. */
static void round_trip(const char *text)
{
	KD_AUTO(kd_ck_value_fini) struct kd_ck_value v = { 0 };
	KD_AUTO(kd_ck_value_fini) struct kd_ck_value again = { 0 };
	KD_AUTO(kd_buf_fini) struct kd_buf first = { 0 };
	KD_AUTO(kd_buf_fini) struct kd_buf second = { 0 };
	struct kd_err err = { 0 };

	if (kd_ck_parse(text, &v, &err)) {
		require(err.code == KD_USAGE && strncmp(err.msg, "crashkernel=", 12) == 0);
		return;
	}
	kd_ck_format(&v, &first);
	require(kd_ck_parse(first.p, &again, &err) == 0);
	kd_ck_format(&again, &second);
	require(strcmp(first.p, second.p) == 0);
	for (unsigned int shift = 20; shift < 64; shift++)
		require(kd_ck_select(&v, 1ull << shift) == kd_ck_select(&again, 1ull << shift));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kd_ck_request r = { 0 };
	char *save = NULL;
	KD_AUTO(kd_freep) char *line = strndup((const char *)data, size);

	require(line);
	const size_t len = strlen(line);
	for (unsigned int knows = 0; knows < 4; knows++) {
		kd_ck_resolve(line, 3ull << 30, knows, &r);
		require(r.word + r.word_len <= len);
		require((r.verdict == KD_CK_REFUSED) == (r.why[0] != '\0'));
		require((r.verdict == KD_CK_ASKED) == (r.size_bytes != 0));
		require((r.min_bytes ? r.min_bytes : r.size_bytes) < 3ull << 30);
		require(r.min_bytes <= r.size_bytes);
	}
	for (char *word = strtok_r(line, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		round_trip(word);
		if (strncmp(word, "crashkernel=", 12) == 0)
			round_trip(word + 12);
	}
	return 0;
}
