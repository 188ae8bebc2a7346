/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The purgatory's own SHA-256, compiled for the host, and the blob as the loader finds it. */
#include "lib/kexec/internal.h"
#include "lib/kexec/purgatory/sha256.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "lib/kexec/purgatory/sha256.c"

static void hash(const char *text, char hex[KD_SHA256_HEX_BYTES])
{
	uint8_t sum[KD_SHA256_BYTES];

	kd_purgatory_sha256((const uint8_t *)text, strlen(text), sum);
	for (size_t i = 0; i < sizeof(sum); i++)
		snprintf(hex + 2 * i, 3, "%02x", sum[i]);
}

/* FIPS 180-4 examples, as published by NIST. */
static void test_sha256_of_known_messages(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
		{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
		{ "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnop"
		  "qklmnopqrlmnopqrsmnopqrstnopqrstu",
		  "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1" },
	};
	char hex[KD_SHA256_HEX_BYTES];

	for (size_t i = 0; i < KD_ARRAY_LEN(cases); i++) {
		hash(cases[i].text, hex);
		assert_string_equal(hex, cases[i].want);
	}
}

/* Every length around the block's edges, against nettle. */
static void test_sha256_agrees_at_every_length(void **state)
{
	uint8_t data[300], mine[KD_SHA256_BYTES], theirs[KD_SHA256_BYTES];

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 37 + 11);
	for (size_t len = 0; len <= sizeof(data); len++) {
		/* an exact copy: the sanitizer sees a byte too many */
		uint8_t *exact = malloc(len ? len : 1);
		memcpy(exact, data, len);
		kd_purgatory_sha256(exact, len, mine);
		kd_sha256(exact, len, theirs);
		assert_memory_equal(mine, theirs, sizeof(mine));
		free(exact);
	}
}

static void test_blob_has_room_for_its_parameters(void **state)
{
	struct kd_kexec_purgatory p = { 0 };
	struct kd_err err = { 0 };

	if (kd_kexec_purgatory(&p, &err))
		fail_msg("%s", err.msg);
	assert_true(p.mem_bytes > p.image_bytes);
	/* The loader fills them in; nothing of a build may be left in there. */
	for (size_t i = 0; i < sizeof(struct kd_purgatory_params); i++)
		assert_int_equal(p.image[p.params_at + i], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sha256_of_known_messages),
		cmocka_unit_test(test_sha256_agrees_at_every_length),
		cmocka_unit_test(test_blob_has_room_for_its_parameters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
