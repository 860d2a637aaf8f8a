/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * jwt: any bytes as a token are good for no key but one that signed them, and
 * any bytes as the claims of a signed token are read or refused with a reason.
 * Input: a token of a stranger; the same bytes as the payload of one.
 */
#include <string.h>

#include "lib/crypto/crypto.h"
#include "lib/jwt/jwt.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/lib/jwt/vectors.h"

static const char secret[] = "nobody guesses this key of ours!";
static struct jwt_keys *keys;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	keys = jwt_keys_new();
	return crypto_init() != 0 || keys == NULL ||
	    jwt_keys_add(keys, "h", JWT_HS256, secret, strlen(secret)) != 0 ||
	    jwt_keys_add(keys, "e", JWT_ES256, RFC7515_A3_KEY,
		strlen(RFC7515_A3_KEY)) != 0 ||
	    jwt_keys_add(
		keys, "d", JWT_EDDSA, RFC8037_KEY, strlen(RFC8037_KEY)) != 0;
}

static void
check_claims(const uint8_t *data, size_t len)
{
	static const char head[] = "{\"alg\":\"HS256\",\"kid\":\"h\"}";
	static const struct jwt_policy policy = {
		.audience = "floe", .subject = "sub", .leeway_s = 5
	};
	char token[JWT_TEXT_MAX * 2] = "";
	uint8_t mac[CRYPTO_SHA256_LEN];
	struct jwt_claims claims;
	struct crypto_span span;
	const char *why = NULL;
	int rc;

	crypto_base64url(head, sizeof(head) - 1, token);
	strcat(token, ".");
	crypto_base64url(data, len, token + strlen(token));
	span = (struct crypto_span){ token, strlen(token) };
	MUST(crypto_hmac(
		 CRYPTO_SHA256, secret, strlen(secret), &span, 1, mac) == 0);
	strcat(token, ".");
	crypto_base64url(mac, sizeof(mac), token + strlen(token));
	rc = jwt_verify(
	    keys, &policy, token, strlen(token), 1790000000, &claims, &why);
	MUST((rc == 0) == (why == NULL));
	if (rc != 0)
		return;
	MUST(claims.expires_s + policy.leeway_s > 1790000000);
	MUST(claims.subject[0] != '\0');
	token[strlen(token) - 2] ^= 1;
	MUST(jwt_verify(keys, &policy, token, strlen(token), 1790000000,
		 &claims, &why) != 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t out[JWT_TEXT_MAX];
	size_t n = sizeof(out);
	const char *why = NULL;

	MUST(jws_verify(keys, (const char *)data, len, out, &n, &why) != 0);
	MUST(why != NULL);
	if (len <= JWT_TEXT_MAX / 2)
		check_claims(data, len);
	return 0;
}
