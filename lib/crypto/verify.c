/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/decoder.h>
#include <openssl/ec.h>
#include <openssl/evp.h>

#include "lib/crypto/crypto.h"

#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 8192 /* a check costs the square of it */
#define P256_HALF    32
#define GROUP_MAX    32

struct crypto_pubkey {
	enum crypto_sig sig;
	EVP_PKEY *key;
};

static const char *const kinds[] = {
	[CRYPTO_RS256] = "RSA",
	[CRYPTO_ES256] = "EC",
	[CRYPTO_ED25519] = "ED25519",
};

static bool
strong(enum crypto_sig sig, const EVP_PKEY *key)
{
	char group[GROUP_MAX];
	int bits = EVP_PKEY_get_bits(key);
	size_t n;

	if (sig == CRYPTO_RS256)
		return bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX;
	if (sig == CRYPTO_ES256)
		return EVP_PKEY_get_group_name(key, group, sizeof(group), &n) ==
		    1 &&
		    strcmp(group, "prime256v1") == 0;
	return true;
}

static EVP_PKEY *
pubkey_decode(enum crypto_sig sig, const void *pem, size_t len)
{
	const unsigned char *data = pem;
	EVP_PKEY *key = NULL;
	OSSL_DECODER_CTX *c;

	c = OSSL_DECODER_CTX_new_for_pkey(&key, "PEM", "SubjectPublicKeyInfo",
	    kinds[sig], EVP_PKEY_PUBLIC_KEY, NULL, NULL);
	if (c == NULL || OSSL_DECODER_from_data(c, &data, &len) != 1) {
		EVP_PKEY_free(key);
		key = NULL;
	}
	OSSL_DECODER_CTX_free(c);
	return key;
}

int
crypto_pubkey_new(enum crypto_sig sig, const void *pem, size_t len,
    struct crypto_pubkey **out)
{
	struct crypto_pubkey *k = malloc(sizeof(*k));

	if (k == NULL)
		return -ENOMEM;
	k->sig = sig;
	k->key = pubkey_decode(sig, pem, len);
	if (k->key == NULL || !strong(sig, k->key)) {
		crypto_pubkey_free(k);
		return -EINVAL;
	}
	*out = k;
	return 0;
}

void
crypto_pubkey_free(struct crypto_pubkey *k)
{
	if (k == NULL)
		return;
	EVP_PKEY_free(k->key);
	free(k);
}

/* RFC 7518 section 3.4 puts r and s side by side, OpenSSL wants DER. The
 * caller frees *der; its length, or -1. */
static int
ecdsa_der(const uint8_t *sig, size_t len, unsigned char **der)
{
	ECDSA_SIG *both = ECDSA_SIG_new();
	BIGNUM *r, *s;
	int n = -1;

	if (both == NULL || len != 2 * P256_HALF) {
		ECDSA_SIG_free(both);
		return -1;
	}
	r = BN_bin2bn(sig, P256_HALF, NULL);
	s = BN_bin2bn(sig + P256_HALF, P256_HALF, NULL);
	if (r != NULL && s != NULL && ECDSA_SIG_set0(both, r, s) == 1) {
		n = i2d_ECDSA_SIG(both, der);
	} else {
		BN_free(r);
		BN_free(s);
	}
	ECDSA_SIG_free(both);
	return n;
}

static int
verify(const struct crypto_pubkey *k, const void *data, size_t len,
    const uint8_t *sig, size_t sig_len)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	const EVP_MD *md = k->sig == CRYPTO_ED25519 ? NULL : EVP_sha256();
	int rc = -EIO;

	if (c != NULL && EVP_DigestVerifyInit(c, NULL, md, NULL, k->key) == 1)
		rc = EVP_DigestVerify(c, sig, sig_len, data, len) == 1
		    ? 0
		    : -EACCES;
	EVP_MD_CTX_free(c);
	return rc;
}

int
crypto_verify(const struct crypto_pubkey *k, const void *data, size_t len,
    const uint8_t *sig, size_t sig_len)
{
	unsigned char *der = NULL;
	int n, rc;

	if (k->sig != CRYPTO_ES256)
		return verify(k, data, len, sig, sig_len);
	n = ecdsa_der(sig, sig_len, &der);
	rc = n > 0 ? verify(k, data, len, der, (size_t)n) : -EACCES;
	OPENSSL_free(der);
	return rc;
}
