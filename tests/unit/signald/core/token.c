/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "lib/crypto/crypto.h"
#include "signald/core/token.h"
#include "tests/unit/test.h"

#define NOW 1790000000000

static const uint8_t key[SIG_TOKEN_KEY_LEN] = { 1, 2, 3 };
static const uint8_t id[SIG_TOKEN_ID_LEN] = { 9 };

static int
verify(const char *token, uint64_t now, struct sig_claims *claims)
{
	return sig_token_verify(key, token, strlen(token), now, claims);
}

static void
test_good(void **state)
{
	char token[SIG_TOKEN_MAX];
	struct sig_claims claims;

	assert_int_equal(
	    sig_token_make(key, "alice", 0, NOW + 1, id, token), 0);
	assert_int_equal(verify(token, NOW, &claims), 0);
	assert_string_equal(claims.user, "alice");
	assert_int_equal(claims.grant.expires_ms, NOW + 1);
	assert_false(claims.grant.outside);
	assert_int_equal(sig_token_make(key, "12345678901234567890123456789012",
			     UINT32_MAX, NOW + 1, id, token),
	    0);
	assert_int_equal(verify(token, NOW, &claims), 0);
}

/* What was handed out before tokens had a generation is of the first. */
static void
test_first_format(void **state)
{
	uint8_t payload[64] = { 0 }, mac[CRYPTO_SHA256_LEN];
	char token[SIG_TOKEN_MAX] = "f1.";
	struct sig_claims claims;
	struct crypto_span span;

	memset(payload, 0x7f, 8);
	memcpy(payload + 8 + SIG_TOKEN_ID_LEN, "alice", 5);
	crypto_base64url(payload, 8 + SIG_TOKEN_ID_LEN + 5, token + 3);
	span = (struct crypto_span){ token, strlen(token) };
	crypto_hmac(CRYPTO_SHA256, key, sizeof(key), &span, 1, mac);
	strcat(token, ".");
	crypto_base64url(mac, sizeof(mac), token + strlen(token));
	assert_int_equal(verify(token, NOW, &claims), 0);
	assert_string_equal(claims.user, "alice");
	assert_int_equal(claims.grant.generation, 0);
	token[1] = '2';
	assert_int_equal(verify(token, NOW, &claims), -EACCES);
}

static void
test_void(void **state)
{
	const struct sig_standing fresh = { .generation = 0 };
	const struct sig_standing later = { .generation = 7, .voided_ts = NOW };
	struct sig_grant own = { .generation = 7 };
	struct sig_grant outside = { .outside = true };

	assert_false(sig_grant_void(&own, &later));
	assert_true(sig_grant_void(&own, &fresh));
	own.generation = 6;
	assert_true(sig_grant_void(&own, &later));
	assert_false(sig_grant_void(&outside, &fresh));
	assert_true(sig_grant_void(&outside, &later));
	outside.issued_ms = NOW;
	assert_false(sig_grant_void(&outside, &later));
	outside.issued_ms = NOW - 1;
	assert_true(sig_grant_void(&outside, &later));
}

static void
test_expired(void **state)
{
	char token[SIG_TOKEN_MAX];
	struct sig_claims claims;

	assert_int_equal(sig_token_make(key, "alice", 0, NOW, id, token), 0);
	assert_int_equal(verify(token, NOW, &claims), -ETIME);
	assert_int_equal(verify(token, NOW - 1, &claims), 0);
}

static void
test_every_flipped_byte(void **state)
{
	char token[SIG_TOKEN_MAX];
	struct sig_claims claims = { .user = "nobody" };
	size_t i, len;

	assert_int_equal(
	    sig_token_make(key, "alice", 0, NOW + 1, id, token), 0);
	len = strlen(token);
	for (i = 0; i < len; i++) {
		token[i] ^= 1;
		assert_int_not_equal(verify(token, NOW, &claims), 0);
		token[i] ^= 1;
		assert_int_not_equal(
		    sig_token_verify(key, token, i, NOW, &claims), 0);
	}
	assert_string_equal(claims.user, "nobody");
}

static void
test_other_key(void **state)
{
	static const uint8_t other[SIG_TOKEN_KEY_LEN] = { 1, 2, 4 };
	char token[SIG_TOKEN_MAX];
	struct sig_claims claims;

	assert_int_equal(
	    sig_token_make(other, "alice", 0, NOW + 1, id, token), 0);
	assert_int_equal(verify(token, NOW, &claims), -EACCES);
}

static void
test_malformed(void **state)
{
	static const char *const bad[] = { "", "f1.", "f1..", "f2.AA.AA", "f1",
		"eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9.",
		"f1.AAAA.AAAA.AAAA" };
	struct sig_claims claims;
	char longer[4096];
	size_t i;

	for (i = 0; i < LEN(bad); i++)
		assert_int_equal(verify(bad[i], NOW, &claims), -EINVAL);
	memset(longer, 'A', sizeof(longer));
	memcpy(longer, "f1.", 3);
	assert_int_equal(
	    sig_token_verify(key, longer, sizeof(longer), NOW, &claims),
	    -EINVAL);
	assert_int_equal(
	    sig_token_make(key, "Not A User", 0, NOW, id, longer), -EINVAL);
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
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_first_format),
		cmocka_unit_test(test_void),
		cmocka_unit_test(test_expired),
		cmocka_unit_test(test_every_flipped_byte),
		cmocka_unit_test(test_other_key),
		cmocka_unit_test(test_malformed),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
