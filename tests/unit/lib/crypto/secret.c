/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "lib/crypto/crypto.h"
#include "tests/unit/test.h"

static void
test_random(void **state)
{
	uint8_t a[32] = { 0 }, b[32] = { 0 };

	crypto_random(a, sizeof(a));
	crypto_random(b, sizeof(b));
	assert_memory_not_equal(a, b, sizeof(a));
}

static void
test_equal(void **state)
{
	assert_true(crypto_equal("abc", "abc", 3));
	assert_false(crypto_equal("abc", "abd", 3));
	assert_false(crypto_equal("abc", "bbc", 3));
	assert_true(crypto_equal("abc", "abd", 2));
	assert_true(crypto_equal("", "", 0));
}

static void
test_wipe(void **state)
{
	static const uint8_t zeros[16];
	uint8_t secret[17] = "0123456789abcdef";

	crypto_wipe(secret, 16);
	assert_memory_equal(secret, zeros, 16);
	assert_int_equal(secret[16], 0);
}

static void
test_pwhash(void **state)
{
	char a[CRYPTO_PWHASH_LEN], b[CRYPTO_PWHASH_LEN];

	assert_int_equal(crypto_pwhash_make("wonderland", 10, a), 0);
	assert_int_equal(crypto_pwhash_make("wonderland", 10, b), 0);
	/* 64 MiB, twice: RFC 9106 section 4, and what OWASP asks for. */
	assert_int_equal(strncmp(a, "$argon2id$v=19$m=65536,t=2,p=1$", 31), 0);
	assert_string_not_equal(a, b); /* salted */
	assert_int_equal(crypto_pwhash_verify(a, "wonderland", 10), 0);
	assert_int_equal(crypto_pwhash_verify(a, "Wonderland", 10), -EACCES);
	assert_int_equal(crypto_pwhash_verify(a, "wonderlan", 9), -EACCES);
	assert_int_equal(crypto_pwhash_verify("", "wonderland", 10), -EACCES);
	assert_int_equal(
	    crypto_pwhash_verify("$argon2id$nonsense", "x", 1), -EACCES);
}

static int
setup(void **state)
{
	return crypto_init();
}

static int
teardown(void **state)
{
	crypto_fini();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_equal),
		cmocka_unit_test(test_wipe),
		cmocka_unit_test(test_pwhash),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
