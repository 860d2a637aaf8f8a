/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sig_token: any bytes as a log-in token are refused, and any payload under a
 * mac of ours is read or refused: what is read has a user that is one, and an
 * end that lies ahead.
 * Input: a token of a stranger; the same bytes as the payload of one of ours.
 */
#include <string.h>

#include "lib/crypto/crypto.h"
#include "signald/core/name.h"
#include "signald/core/token.h"
#include "tests/fuzz/fuzz.h"

#define NOW_MS 1790000000000

static const uint8_t key[SIG_TOKEN_KEY_LEN] = "nobody guesses this key of ours";

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	return crypto_init();
}

static void
check_claims(const struct sig_claims *claims)
{
	MUST(sig_name_user_ok(claims->user, strlen(claims->user)));
	MUST(claims->grant.expires_ms > NOW_MS);
	MUST(!claims->grant.outside);
}

static void
check_payload(const char *prefix, const uint8_t *data, size_t len)
{
	char token[2 * SIG_TOKEN_MAX], mac_text[64];
	uint8_t mac[CRYPTO_SHA256_LEN];
	struct sig_claims claims;
	struct crypto_span span;

	if (len > SIG_TOKEN_MAX)
		return;
	memcpy(token, prefix, 4);
	crypto_base64url(data, len, token + 3);
	span = (struct crypto_span){ token, strlen(token) };
	MUST(crypto_hmac(CRYPTO_SHA256, key, sizeof(key), &span, 1, mac) == 0);
	crypto_base64url(mac, sizeof(mac), mac_text);
	strcat(token, ".");
	strcat(token, mac_text);
	if (sig_token_verify(key, token, strlen(token), NOW_MS, &claims) == 0)
		check_claims(&claims);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct sig_claims claims;
	char *copy =
	    malloc(len + 1); /* its size, so that a byte beyond shows */

	MUST(copy != NULL);
	memcpy(copy, data, len);
	MUST(sig_token_verify(key, copy, len, NOW_MS, &claims) != 0);
	free(copy);
	check_payload("f1.", data, len);
	check_payload("f2.", data, len);
	return 0;
}
