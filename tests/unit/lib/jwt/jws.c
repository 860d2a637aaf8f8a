/* SPDX-License-Identifier: BSD-3-Clause */
/* The signature: vectors of the RFCs, and everything that is not one. */
#include <errno.h>

#include "lib/crypto/crypto.h"
#include "lib/jwt/jwt.h"
#include "tests/unit/lib/jwt/vectors.h"
#include "tests/unit/test.h"

#define P384_KEY                                                             \
	"-----BEGIN PUBLIC KEY-----\n"                                       \
	"MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAESeD4tspwrinJX6FMObU72BONaghsVrjR\n" \
	"rGxt+8XvmL2fy8kH0D0WhzPw+HWQfprGIGrUnB9pUDt15GeWFPCwB7X5DOl5o9dS\n" \
	"7OpM1RDganOHHrYRLmy0MwT9K3lP1La2\n"                                 \
	"-----END PUBLIC KEY-----\n"
#define RSA1024_KEY                                                          \
	"-----BEGIN PUBLIC KEY-----\n"                                       \
	"MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCd5bTt2aZsq+PUaSRSSVvrWJIs\n" \
	"VgsSpe54DegTnhweSs43vVfPqy5byWiMmltP8e/eSLrdjq3l4WK6r7ZkfbKlkEMj\n" \
	"LTtRUeNh9azEgDxmTAK6juUrr3T7TAqDaAk4PbmZDTLfHz83jW8kLvdYaaw9dmw7\n" \
	"lZgJ07LV6Zt4YY1HPQIDAQAB\n"                                         \
	"-----END PUBLIC KEY-----\n"

static const struct vector {
	enum jwt_alg alg;
	const char *key, *token, *payload;
} vectors[] = {
	{ JWT_HS256, RFC7515_A1_SECRET, RFC7515_A1, RFC7515_PAYLOAD },
	{ JWT_RS256, RFC7515_A2_KEY, RFC7515_A2, RFC7515_PAYLOAD },
	{ JWT_ES256, RFC7515_A3_KEY, RFC7515_A3, RFC7515_PAYLOAD },
	{ JWT_EDDSA, RFC8037_KEY, RFC8037_A4,
	    "RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc" },
};

static struct jwt_keys *
keys_of(const struct vector *v, const char *kid)
{
	struct jwt_keys *keys = jwt_keys_new();
	uint8_t secret[64];
	size_t len = sizeof(secret);
	int rc;

	if (v->alg == JWT_HS256) {
		assert_int_equal(crypto_base64url_decode(
				     v->key, strlen(v->key), secret, &len),
		    0);
		rc = jwt_keys_add(keys, kid, v->alg, secret, len);
	} else {
		rc = jwt_keys_add(keys, kid, v->alg, v->key, strlen(v->key));
	}
	assert_int_equal(rc, 0);
	return keys;
}

static int
check(const struct jwt_keys *keys, const char *token, size_t len)
{
	uint8_t out[JWT_TEXT_MAX];
	size_t n = sizeof(out);
	const char *why = NULL;
	int rc = jws_verify(keys, token, len, out, &n, &why);

	assert_true((rc == 0) == (why == NULL));
	return rc;
}

static void
test_vectors(void **state)
{
	uint8_t out[JWT_TEXT_MAX];
	char again[JWT_TEXT_MAX];
	struct jwt_keys *keys;
	const char *why;
	size_t i, n;

	for (i = 0; i < LEN(vectors); i++) {
		keys = keys_of(&vectors[i], "a");
		n = sizeof(out);
		assert_int_equal(jws_verify(keys, vectors[i].token,
				     strlen(vectors[i].token), out, &n, &why),
		    0);
		crypto_base64url(out, n, again);
		assert_string_equal(again, vectors[i].payload);
		jwt_keys_free(keys);
	}
}

static void
test_every_flipped_byte(void **state)
{
	char token[JWT_TEXT_MAX];
	struct jwt_keys *keys;
	size_t i, j, len;

	for (i = 0; i < LEN(vectors); i++) {
		keys = keys_of(&vectors[i], "a");
		len = strlen(vectors[i].token);
		memcpy(token, vectors[i].token, len);
		for (j = 0; j < len; j++) {
			token[j] ^= 1;
			assert_int_not_equal(check(keys, token, len), 0);
			token[j] ^= 1;
			assert_int_not_equal(check(keys, token, j), 0);
		}
		assert_int_equal(check(keys, token, len), 0);
		jwt_keys_free(keys);
	}
}

/* A token is held against the algorithm of its key and no other. */
static void
test_pinned_algorithm(void **state)
{
	struct jwt_keys *keys;
	size_t i, j;

	for (i = 0; i < LEN(vectors); i++) {
		keys = keys_of(&vectors[i], "a");
		for (j = 0; j < LEN(vectors); j++)
			assert_int_equal(check(keys, vectors[j].token,
					     strlen(vectors[j].token)),
			    i == j ? 0 : -ENOKEY);
		assert_int_equal(
		    check(keys, RFC7519_61, strlen(RFC7519_61)), -ENOKEY);
		jwt_keys_free(keys);
	}
}

/* The oldest trick: HS256 with the public key for a secret. */
static void
test_public_key_is_no_secret(void **state)
{
	static const char head[] = "{\"alg\":\"HS256\"}";
	struct jwt_keys *keys = keys_of(&vectors[1], "a");
	const struct crypto_span key = { RFC7515_A2_KEY,
		strlen(RFC7515_A2_KEY) };
	uint8_t mac[CRYPTO_SHA256_LEN];
	struct crypto_span span;
	char token[1024], text[64];

	crypto_base64url(head, sizeof(head) - 1, token);
	strcat(token, "." RFC7515_PAYLOAD);
	span = (struct crypto_span){ token, strlen(token) };
	assert_int_equal(
	    crypto_hmac(CRYPTO_SHA256, key.data, key.len, &span, 1, mac), 0);
	crypto_base64url(mac, sizeof(mac), text);
	strcat(token, ".");
	strcat(token, text);
	assert_int_equal(check(keys, token, strlen(token)), -ENOKEY);
	jwt_keys_free(keys);
}

/* An HS256 token with this header, of the vectors' secret. */
static int
check_header(const struct jwt_keys *keys, const char *header)
{
	struct crypto_span span;
	uint8_t secret[64], mac[CRYPTO_SHA256_LEN];
	size_t len = sizeof(secret);
	char token[2048], text[64];

	crypto_base64url_decode(
	    RFC7515_A1_SECRET, strlen(RFC7515_A1_SECRET), secret, &len);
	crypto_base64url(header, strlen(header), token);
	strcat(token, "." RFC7515_PAYLOAD);
	span = (struct crypto_span){ token, strlen(token) };
	crypto_hmac(CRYPTO_SHA256, secret, len, &span, 1, mac);
	crypto_base64url(mac, sizeof(mac), text);
	strcat(token, ".");
	strcat(token, text);
	return check(keys, token, strlen(token));
}

static void
test_kid(void **state)
{
	struct jwt_keys *keys = keys_of(&vectors[0], "new");

	/* Without a kid: the only key there is. */
	assert_int_equal(check_header(keys, "{\"alg\":\"HS256\"}"), 0);
	assert_int_equal(
	    check_header(keys, "{\"alg\":\"HS256\",\"kid\":\"new\"}"), 0);
	assert_int_equal(
	    check_header(keys, "{\"alg\":\"HS256\",\"kid\":\"old\"}"), -ENOKEY);
	assert_int_equal(jwt_keys_add(keys, "old", JWT_RS256, RFC7515_A2_KEY,
			     strlen(RFC7515_A2_KEY)),
	    0);
	assert_int_equal(
	    check_header(keys, "{\"alg\":\"HS256\",\"kid\":\"new\"}"), 0);
	assert_int_equal(
	    check_header(keys, "{\"alg\":\"HS256\",\"kid\":\"old\"}"), -ENOKEY);
	assert_int_equal(check_header(keys, "{\"alg\":\"HS256\"}"), -ENOKEY);
	jwt_keys_free(keys);
}

static void
test_bad_headers(void **state)
{
	static const char *const bad[] = { "{}", "[]", "{\"alg\":1}",
		"{\"alg\":null}", "{\"alg\":\"HS256\",\"alg\":\"HS256\"}",
		"{\"alg\":\"HS256\",\"kid\":1}",
		"{\"alg\":\"HS256\",\"crit\":[\"b64\"],\"b64\":false}",
		"{\"alg\":\"HS256\",\"crit\":[]}", "\"HS256\"", "" };
	static const char *const other[] = { "none", "None", "hs256", "HS512" };
	struct jwt_keys *keys = keys_of(&vectors[0], "a");
	char header[64];
	size_t i;

	for (i = 0; i < LEN(bad); i++)
		assert_int_equal(check_header(keys, bad[i]), -EBADMSG);
	for (i = 0; i < LEN(other); i++) {
		snprintf(header, sizeof(header), "{\"alg\":\"%s\"}", other[i]);
		assert_int_equal(check_header(keys, header), -ENOKEY);
	}
	jwt_keys_free(keys);
}

static void
test_malformed(void **state)
{
	static const char *const bad[] = { "", ".", "..", "...", "a.b", "a.b.c",
		"eyJhbGciOiJIUzI1NiJ9", "eyJhbGciOiJIUzI1NiJ9.",
		"eyJhbGciOiJIUzI1NiJ9.e30", RFC7515_A1 ".", RFC7515_A1 "=",
		RFC7515_A1 "A" };
	struct jwt_keys *keys = keys_of(&vectors[0], "a");
	char longer[JWT_TEXT_MAX + 1];
	size_t i;

	for (i = 0; i < LEN(bad); i++)
		assert_true(check(keys, bad[i], strlen(bad[i])) < 0);
	memset(longer, 'A', sizeof(longer));
	memcpy(longer, RFC7515_A1, strlen(RFC7515_A1));
	assert_int_equal(check(keys, longer, sizeof(longer)), -EBADMSG);
	jwt_keys_free(keys);
}

/* r and s of zero, the forgery that an unchecked verifier takes. */
static void
test_ecdsa_zero(void **state)
{
	struct jwt_keys *keys = keys_of(&vectors[2], "a");
	static const uint8_t zero[64];
	char token[1024], text[128];

	crypto_base64url(zero, sizeof(zero), text);
	snprintf(token, sizeof(token), "eyJhbGciOiJFUzI1NiJ9.%s.%s",
	    RFC7515_PAYLOAD, text);
	assert_int_equal(check(keys, token, strlen(token)), -EACCES);
	crypto_base64url(zero, 63, text);
	snprintf(token, sizeof(token), "eyJhbGciOiJFUzI1NiJ9.%s.%s",
	    RFC7515_PAYLOAD, text);
	assert_int_equal(check(keys, token, strlen(token)), -EACCES);
	jwt_keys_free(keys);
}

static int
add(struct jwt_keys *keys, const char *kid, enum jwt_alg alg, const char *data)
{
	return jwt_keys_add(keys, kid, alg, data, strlen(data));
}

static void
test_keys(void **state)
{
	struct jwt_keys *keys = jwt_keys_new();
	static const char secret[] = "0123456789abcdef0123456789abcdef";
	char kid[JWT_KID_MAX + 2];
	int i;

	assert_int_equal(add(keys, "a", JWT_RS256, RFC7515_A3_KEY), -EINVAL);
	assert_int_equal(add(keys, "a", JWT_ES256, RFC7515_A2_KEY), -EINVAL);
	assert_int_equal(add(keys, "a", JWT_EDDSA, RFC7515_A3_KEY), -EINVAL);
	assert_int_equal(add(keys, "a", JWT_ES256, P384_KEY), -EINVAL);
	assert_int_equal(add(keys, "a", JWT_RS256, RSA1024_KEY), -EINVAL);
	assert_int_equal(add(keys, "a", JWT_RS256, "no key"), -EINVAL);
	assert_int_equal(add(keys, "a", JWT_HS256, secret + 1), -EINVAL);
	assert_int_equal(add(keys, "", JWT_HS256, secret), -EINVAL);
	memset(kid, 'k', sizeof(kid));
	kid[JWT_KID_MAX + 1] = '\0';
	assert_int_equal(add(keys, kid, JWT_HS256, secret), -EINVAL);
	assert_int_equal(add(keys, kid + 1, JWT_HS256, secret), 0);
	assert_int_equal(add(keys, kid + 1, JWT_HS256, secret), -EEXIST);
	for (i = 1; i < JWT_KEYS_MAX; i++) {
		snprintf(kid, sizeof(kid), "%d", i);
		assert_int_equal(add(keys, kid, JWT_HS256, secret), 0);
	}
	assert_int_equal(add(keys, "z", JWT_HS256, secret), -ENOSPC);
	jwt_keys_free(keys);
	jwt_keys_free(NULL);
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
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_every_flipped_byte),
		cmocka_unit_test(test_pinned_algorithm),
		cmocka_unit_test(test_public_key_is_no_secret),
		cmocka_unit_test(test_kid),
		cmocka_unit_test(test_bad_headers),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_ecdsa_zero),
		cmocka_unit_test(test_keys),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
