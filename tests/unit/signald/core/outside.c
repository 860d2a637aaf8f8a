/* SPDX-License-Identifier: BSD-3-Clause */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/crypto/crypto.h"
#include "tests/unit/signald/core/outside.h"

#define SECRET "a secret of the tests, 32 bytes."

const struct sig_jwt *
outside_new(void)
{
	struct sig_jwt *jwt = calloc(1, sizeof(*jwt));
	struct jwt_keys *keys = jwt_keys_new();

	if (jwt_keys_add(keys, "k", JWT_HS256, SECRET, strlen(SECRET)) != 0)
		abort();
	jwt->keys = keys;
	jwt->policy = (struct jwt_policy){
		.issuer = "id", .subject = "sub", .leeway_s = OUTSIDE_LEEWAY_S
	};
	return jwt;
}

void
outside_free(const struct sig_jwt *jwt)
{
	if (jwt != NULL)
		jwt_keys_free((struct jwt_keys *)(uintptr_t)jwt->keys);
	free((struct sig_jwt *)(uintptr_t)jwt);
}

const char *
outside_token(char out[OUTSIDE_MAX], const char *claims)
{
	static const char head[] = "{\"alg\":\"HS256\",\"kid\":\"k\"}";
	uint8_t mac[CRYPTO_SHA256_LEN];
	struct crypto_span span;
	char text[OUTSIDE_MAX / 2];
	int n;

	n = snprintf(text, sizeof(text), "{\"iss\":\"id\",%s}", claims);
	crypto_base64url(head, sizeof(head) - 1, out);
	strcat(out, ".");
	crypto_base64url(text, (size_t)n, out + strlen(out));
	span = (struct crypto_span){ out, strlen(out) };
	crypto_hmac(CRYPTO_SHA256, SECRET, strlen(SECRET), &span, 1, mac);
	strcat(out, ".");
	crypto_base64url(mac, sizeof(mac), out + strlen(out));
	return out;
}

const char *
outside_of(
    char out[OUTSIDE_MAX], const char *user, uint64_t exp_s, uint64_t iat_s)
{
	char claims[256];
	int n;

	n = snprintf(claims, sizeof(claims), "\"sub\":\"%s\",\"exp\":%" PRIu64,
	    user, exp_s);
	if (iat_s != 0)
		snprintf(claims + n, sizeof(claims) - (size_t)n,
		    ",\"iat\":%" PRIu64, iat_s);
	return outside_token(out, claims);
}
