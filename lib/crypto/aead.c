/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include <openssl/evp.h>

#include "lib/crypto/crypto.h"

static const EVP_CIPHER *
cipher_of(size_t key_len)
{
	return key_len == 32 ? EVP_aes_256_gcm()
	    : key_len == 16  ? EVP_aes_128_gcm()
			     : NULL;
}

static bool
fits(const struct crypto_aead *a, size_t len)
{
	return cipher_of(a->key_len) != NULL && len <= INT_MAX &&
	    a->aad_len <= INT_MAX;
}

/* Key, nonce and associated data in, either way. */
static bool
begin(EVP_CIPHER_CTX *c, const struct crypto_aead *a, int seal)
{
	int n;

	return EVP_CipherInit_ex(c, cipher_of(a->key_len), NULL, a->key,
		   a->nonce, seal) == 1 &&
	    (a->aad_len == 0 ||
		EVP_CipherUpdate(c, NULL, &n, a->aad, (int)a->aad_len) == 1);
}

int
crypto_aead_open(
    const struct crypto_aead *a, const void *in, size_t len, uint8_t *out)
{
	EVP_CIPHER_CTX *c;
	size_t body = len - CRYPTO_AEAD_TAG_LEN;
	uint8_t tag[CRYPTO_AEAD_TAG_LEN];
	int n, err = -EACCES;

	if (len < CRYPTO_AEAD_TAG_LEN || !fits(a, len))
		return -EINVAL;
	c = EVP_CIPHER_CTX_new();
	if (c == NULL)
		return -EIO;
	memcpy(tag, (const uint8_t *)in + body, sizeof(tag));
	if (!begin(c, a, 0) ||
	    EVP_CipherUpdate(c, out, &n, in, (int)body) != 1 ||
	    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, sizeof(tag), tag) !=
		1)
		err = -EIO;
	else if (EVP_CipherFinal_ex(c, out + n, &n) == 1)
		err = 0;
	EVP_CIPHER_CTX_free(c);
	/* What did not come out right is nobody's to see. */
	if (err != 0)
		crypto_wipe(out, body);
	return err;
}

int
crypto_aead_seal(
    const struct crypto_aead *a, const void *in, size_t len, uint8_t *out)
{
	EVP_CIPHER_CTX *c;
	int n, err = -EIO;

	if (!fits(a, len))
		return -EINVAL;
	c = EVP_CIPHER_CTX_new();
	if (c != NULL && begin(c, a, 1) &&
	    EVP_CipherUpdate(c, out, &n, in, (int)len) == 1 &&
	    EVP_CipherFinal_ex(c, out + n, &n) == 1 &&
	    EVP_CIPHER_CTX_ctrl(
		c, EVP_CTRL_AEAD_GET_TAG, CRYPTO_AEAD_TAG_LEN, out + len) == 1)
		err = 0;
	EVP_CIPHER_CTX_free(c);
	return err;
}
