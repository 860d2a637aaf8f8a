/* SPDX-License-Identifier: BSD-3-Clause */
/* The claims: time, issuer, audience, user. */
#include <errno.h>

#include "lib/crypto/crypto.h"
#include "lib/jwt/jwt.h"
#include "tests/unit/lib/jwt/vectors.h"
#include "tests/unit/test.h"

#define NOW 1790000000

static const char secret[] = "a secret of the tests, 32 bytes.";
static const struct jwt_policy any = { .subject = "sub", .leeway_s = 5 };

/* A token of the secret with these claims; ' stands for ". */
static int
verify(const struct jwt_policy *policy, const char *claims, uint64_t now_s,
    struct jwt_claims *out)
{
	static const char head[] = "{\"alg\":\"HS256\",\"kid\":\"k\"}";
	struct jwt_keys *keys = jwt_keys_new();
	uint8_t mac[CRYPTO_SHA256_LEN];
	char json[1024], token[2048];
	struct crypto_span span;
	const char *why = NULL;
	size_t i, n = strlen(claims);
	int rc;

	assert_int_equal(
	    jwt_keys_add(keys, "k", JWT_HS256, secret, strlen(secret)), 0);
	for (i = 0; i < n; i++)
		json[i] = claims[i] == '\'' ? '"' : claims[i];
	crypto_base64url(head, sizeof(head) - 1, token);
	strcat(token, ".");
	crypto_base64url(json, n, token + strlen(token));
	span = (struct crypto_span){ token, strlen(token) };
	crypto_hmac(CRYPTO_SHA256, secret, strlen(secret), &span, 1, mac);
	strcat(token, ".");
	crypto_base64url(mac, sizeof(mac), token + strlen(token));
	rc = jwt_verify(keys, policy, token, strlen(token), now_s, out, &why);
	assert_true((rc == 0) == (why == NULL));
	jwt_keys_free(keys);
	return rc;
}

static void
test_rfc7519(void **state)
{
	const struct jwt_policy joe = { .issuer = "joe", .subject = "iss" };
	struct jwt_keys *keys = jwt_keys_new();
	struct jwt_claims claims;
	uint8_t key[64];
	size_t len = sizeof(key);
	const char *why;

	crypto_base64url_decode(
	    RFC7515_A1_SECRET, strlen(RFC7515_A1_SECRET), key, &len);
	assert_int_equal(jwt_keys_add(keys, "k", JWT_HS256, key, len), 0);
	assert_int_equal(jwt_verify(keys, &joe, RFC7515_A1, strlen(RFC7515_A1),
			     RFC7515_EXP - 1, &claims, &why),
	    0);
	assert_string_equal(claims.subject, "joe");
	assert_int_equal(claims.expires_s, RFC7515_EXP);
	assert_int_equal(claims.issued_s, 0);
	assert_int_equal(jwt_verify(keys, &joe, RFC7515_A1, strlen(RFC7515_A1),
			     RFC7515_EXP, &claims, &why),
	    -ETIME);
	assert_int_equal(jwt_verify(keys, &joe, RFC7519_61, strlen(RFC7519_61),
			     RFC7515_EXP - 1, &claims, &why),
	    -ENOKEY);
	jwt_keys_free(keys);
}

static void
test_times(void **state)
{
	static const char text[] =
	    "{'sub':'alice','exp':1790000000,'nbf':1789999000,"
	    "'iat':1789999001}";
	struct jwt_claims claims;

	assert_int_equal(verify(&any, text, NOW + 4, &claims), 0);
	assert_int_equal(claims.expires_s, NOW);
	assert_int_equal(claims.issued_s, NOW - 999);
	assert_int_equal(verify(&any, text, NOW + 5, &claims), -ETIME);
	assert_int_equal(verify(&any, text, NOW - 1005, &claims), 0);
	assert_int_equal(verify(&any, text, NOW - 1006, &claims), -ETIME);
}

static void
test_required(void **state)
{
	static const char *const bad[] = { "{'sub':'alice'}",
		"{'exp':1790000001}", "{'sub':'','exp':1790000001}",
		"{'sub':1,'exp':1790000001}", "{'sub':'a','exp':'1790000001'}",
		"{'sub':'a','exp':-1}", "{'sub':'a','exp':1e300}",
		"{'sub':'a','exp':99999999999999999}",
		"{'sub':'a','exp':1790000001,'nbf':'x'}",
		"{'sub':'a','exp':1790000001,'iss':7}",
		"{'sub':'a','exp':1790000001,'exp':1790000009}",
		"{'sub':'a\\u0000b','exp':1790000001}", "[]", "", "7" };
	struct jwt_claims claims = { .subject = "nobody" };
	size_t i;

	for (i = 0; i < LEN(bad); i++)
		assert_int_equal(verify(&any, bad[i], NOW, &claims), -EINVAL);
	assert_string_equal(claims.subject, "nobody");
}

static void
test_issuer(void **state)
{
	struct jwt_policy ours = any;
	struct jwt_claims claims;

	ours.issuer = "https://id.example";
	assert_int_equal(verify(&ours,
			     "{'sub':'a','exp':1790000001,"
			     "'iss':'https://id.example'}",
			     NOW, &claims),
	    0);
	assert_int_equal(verify(&ours,
			     "{'sub':'a','exp':1790000001,"
			     "'iss':'https://id.example/'}",
			     NOW, &claims),
	    -EPERM);
	assert_int_equal(
	    verify(&ours, "{'sub':'a','exp':1790000001}", NOW, &claims),
	    -EPERM);
}

static void
test_audience(void **state)
{
	struct jwt_policy ours = any;
	struct jwt_claims claims;
	static const char none[] = "{'sub':'a','exp':1790000001}";
	static const char *const good[] = {
		"{'sub':'a','exp':1790000001,'aud':'floe'}",
		"{'sub':'a','exp':1790000001,'aud':['x','floe']}"
	};
	static const char *const bad[] = {
		"{'sub':'a','exp':1790000001,'aud':'floe2'}",
		"{'sub':'a','exp':1790000001,'aud':['x']}",
		"{'sub':'a','exp':1790000001,'aud':[]}",
		"{'sub':'a','exp':1790000001,'aud':[['floe']]}",
		"{'sub':'a','exp':1790000001,'aud':{'floe':1}}",
		"{'sub':'a','exp':1790000001,'aud':null}"
	};
	size_t i;

	assert_int_equal(verify(&any, none, NOW, &claims), 0);
	ours.audience = "floe";
	assert_int_equal(verify(&ours, none, NOW, &claims), -EPERM);
	for (i = 0; i < LEN(good); i++) {
		assert_int_equal(verify(&ours, good[i], NOW, &claims), 0);
		/* It is meant for somebody, and we are nobody. */
		assert_int_equal(verify(&any, good[i], NOW, &claims), -EPERM);
	}
	for (i = 0; i < LEN(bad); i++)
		assert_int_equal(verify(&ours, bad[i], NOW, &claims), -EPERM);
}

static void
test_subject(void **state)
{
	struct jwt_policy nick = any;
	struct jwt_claims claims;

	nick.subject = "preferred_username";
	assert_int_equal(verify(&nick,
			     "{'sub':'7','exp':1790000001,"
			     "'preferred_username':'alice'}",
			     NOW, &claims),
	    0);
	assert_string_equal(claims.subject, "alice");
	assert_int_equal(
	    verify(&nick, "{'sub':'7','exp':1790000001}", NOW, &claims),
	    -EINVAL);
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
		cmocka_unit_test(test_rfc7519),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_required),
		cmocka_unit_test(test_issuer),
		cmocka_unit_test(test_audience),
		cmocka_unit_test(test_subject),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
