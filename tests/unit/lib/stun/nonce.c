/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "lib/stun/nonce.h"
#include "lib/crypto/crypto.h"
#include "tests/unit/test.h"

static const struct stun_nonce_key key = {
	.bytes = "0123456789abcdef0123456789abcde",
	.life_ms = 600000,
};

#define WRAP_MS (UINT64_C(1000) << 24)

static int
check(const struct addr *a, uint64_t now_ms, const char *nonce)
{
	return stun_nonce_check(&key, a, now_ms, nonce, strlen(nonce));
}

static void
test_life(void **state)
{
	const struct addr a = addr_v4(192, 0, 2, 1, 5000);
	char nonce[STUN_NONCE_LEN];

	assert_int_equal(stun_nonce_make(&key, &a, 1000, nonce), 0);
	assert_true(strlen(nonce) < STUN_NONCE_LEN);
	/* RFC 8489 section 9.2: the cookie, and no feature told. */
	assert_int_equal(strncmp(nonce, "obMatJos2AAAA", 13), 0);
	assert_int_equal(check(&a, 1000, nonce), 0);
	assert_int_equal(check(&a, 600999, nonce), 0);
	assert_int_equal(check(&a, 601000, nonce), -ESTALE);
	/* Issued by a worker whose loop turn began a little later. */
	assert_int_equal(check(&a, 990, nonce), 0);
	/* What a 401 carries to whoever asks; see turnd's amplification. */
	assert_true(strlen(nonce) <= 28);
	/* Times are counted modulo 194 days, and its own is far away. */
	assert_int_equal(stun_nonce_make(&key, &a, WRAP_MS - 1000, nonce), 0);
	assert_int_equal(check(&a, WRAP_MS - 1, nonce), 0);
	assert_int_equal(check(&a, WRAP_MS + 598999, nonce), 0);
	assert_int_equal(check(&a, WRAP_MS + 599000, nonce), -ESTALE);
	assert_int_equal(check(&a, WRAP_MS / 2, nonce), -ESTALE);
	assert_int_equal(check(&a, 2 * WRAP_MS - 5000, nonce), -ESTALE);
}

static void
test_bound(void **state)
{
	const struct addr a = addr_v4(192, 0, 2, 1, 5000);
	const struct addr others[] = {
		addr_v4(192, 0, 2, 1, 5001),
		addr_v4(192, 0, 2, 2, 5000),
	};
	struct stun_nonce_key k = key;
	char nonce[STUN_NONCE_LEN];
	size_t i;

	assert_int_equal(stun_nonce_make(&key, &a, 1000, nonce), 0);
	for (i = 0; i < LEN(others); i++)
		assert_int_equal(check(&others[i], 1000, nonce), -EACCES);
	k.bytes[31] ^= 1;
	assert_int_equal(
	    stun_nonce_check(&k, &a, 1000, nonce, strlen(nonce)), -EACCES);
}

/* Whatever character changes, the nonce is not ours any more. */
static void
test_forged(void **state)
{
	const struct addr a = addr_v4(192, 0, 2, 1, 5000);
	char nonce[STUN_NONCE_LEN];
	size_t i, len;
	char c;

	assert_int_equal(stun_nonce_make(&key, &a, 1000, nonce), 0);
	len = strlen(nonce);
	for (i = 0; i < len; i++) {
		c = nonce[i];
		nonce[i] = c == 'B' ? 'C' : 'B';
		assert_int_equal(check(&a, 1000, nonce), -EACCES);
		nonce[i] = '"';
		assert_int_equal(check(&a, 1000, nonce), -EACCES);
		nonce[i] = c;
	}
	assert_int_equal(stun_nonce_check(&key, &a, 1000, nonce, len), 0);
	assert_int_equal(
	    stun_nonce_check(&key, &a, 1000, nonce, len - 1), -EACCES);
	assert_int_equal(
	    stun_nonce_check(&key, &a, 1000, nonce, len + 1), -EACCES);
	assert_int_equal(stun_nonce_check(&key, &a, 1000, "", 0), -EACCES);
}

/* A man in the middle who strips the features breaks the MAC. */
static void
test_features(void **state)
{
	const struct addr a = addr_v4(192, 0, 2, 1, 5000);
	struct stun_nonce_key k = key;
	char nonce[STUN_NONCE_LEN];

	k.features =
	    STUN_NONCE_PASSWORD_ALGORITHMS | STUN_NONCE_USERNAME_ANONYMITY;
	assert_int_equal(stun_nonce_make(&k, &a, 1000, nonce), 0);
	assert_int_equal(strncmp(nonce, "obMatJos2AAAD", 13), 0);
	assert_int_equal(
	    stun_nonce_check(&k, &a, 1000, nonce, strlen(nonce)), 0);
	nonce[12] = 'A';
	assert_int_equal(
	    stun_nonce_check(&k, &a, 1000, nonce, strlen(nonce)), -EACCES);
	assert_int_equal(check(&a, 1000, nonce), -EACCES);
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
		cmocka_unit_test(test_life),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_forged),
		cmocka_unit_test(test_features),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
