/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/jwt/keys.h"

struct jwt_keys {
	struct jwt_key *keys[JWT_KEYS_MAX];
	size_t n;
};

static const struct {
	const char *name;
	enum crypto_sig sig; /* of those with a public key */
} algs[JWT_ALGS] = {
	[JWT_HS256] = { "HS256", 0 },
	[JWT_RS256] = { "RS256", CRYPTO_RS256 },
	[JWT_ES256] = { "ES256", CRYPTO_ES256 },
	[JWT_EDDSA] = { "EdDSA", CRYPTO_ED25519 },
};

const char *
jwt_alg_name(enum jwt_alg alg)
{
	return (size_t)alg < JWT_ALGS ? algs[alg].name : NULL;
}

struct jwt_keys *
jwt_keys_new(void)
{
	return calloc(1, sizeof(struct jwt_keys));
}

static void
key_free(struct jwt_key *k)
{
	crypto_pubkey_free(k->pub);
	crypto_wipe(k, sizeof(*k));
	free(k);
}

void
jwt_keys_free(struct jwt_keys *set)
{
	if (set == NULL)
		return;
	while (set->n > 0)
		key_free(set->keys[--set->n]);
	free(set);
}

static int
key_fill(struct jwt_key *k, const void *data, size_t len)
{
	if (k->alg != JWT_HS256)
		return crypto_pubkey_new(algs[k->alg].sig, data, len, &k->pub);
	if (len < JWT_SECRET_MIN || len > JWT_SECRET_MAX)
		return -EINVAL;
	memcpy(k->secret, data, len);
	k->secret_len = len;
	return 0;
}

int
jwt_keys_add(struct jwt_keys *set, const char *kid, enum jwt_alg alg,
    const void *data, size_t len)
{
	size_t kid_len = strlen(kid), i;
	struct jwt_key *k;
	int rc;

	if (kid_len == 0 || kid_len > JWT_KID_MAX)
		return -EINVAL;
	for (i = 0; i < set->n; i++) {
		if (strcmp(set->keys[i]->kid, kid) == 0)
			return -EEXIST;
	}
	if (set->n == JWT_KEYS_MAX)
		return -ENOSPC;
	k = calloc(1, sizeof(*k));
	if (k == NULL)
		return -ENOMEM;
	memcpy(k->kid, kid, kid_len);
	k->alg = alg;
	rc = key_fill(k, data, len);
	if (rc != 0) {
		key_free(k);
		return rc;
	}
	set->keys[set->n++] = k;
	return 0;
}

const struct jwt_key *
jwt_keys_find(const struct jwt_keys *set, const char *kid)
{
	size_t i;

	if (kid == NULL)
		return set->n == 1 ? set->keys[0] : NULL;
	for (i = 0; i < set->n; i++) {
		if (strcmp(set->keys[i]->kid, kid) == 0)
			return set->keys[i];
	}
	return NULL;
}

int
jwt_key_check(const struct jwt_key *k, const void *data, size_t len,
    const uint8_t *sig, size_t sig_len)
{
	const struct crypto_span span = { data, len };
	uint8_t mac[CRYPTO_SHA256_LEN];

	if (k->pub != NULL)
		return crypto_verify(k->pub, data, len, sig, sig_len);
	if (crypto_hmac(
		CRYPTO_SHA256, k->secret, k->secret_len, &span, 1, mac) != 0)
		return -EIO;
	return sig_len == sizeof(mac) && crypto_equal(mac, sig, sizeof(mac))
	    ? 0
	    : -EACCES;
}
