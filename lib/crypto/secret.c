/* SPDX-License-Identifier: BSD-3-Clause */
#include <assert.h>
#include <errno.h>

#include <sodium.h>

#include "lib/crypto/crypto.h"

static_assert(CRYPTO_PWHASH_LEN == crypto_pwhash_STRBYTES,
    "CRYPTO_PWHASH_LEN is libsodium's");

void
crypto_random(void *out, size_t len)
{
	randombytes_buf(out, len);
}

bool
crypto_equal(const void *a, const void *b, size_t len)
{
	return sodium_memcmp(a, b, len) == 0;
}

void
crypto_wipe(void *p, size_t len)
{
	sodium_memzero(p, len);
}

int
crypto_pwhash_make(
    const char *password, size_t len, char out[CRYPTO_PWHASH_LEN])
{
	if (crypto_pwhash_str_alg(out, password, len,
		crypto_pwhash_OPSLIMIT_INTERACTIVE,
		crypto_pwhash_MEMLIMIT_INTERACTIVE,
		crypto_pwhash_ALG_ARGON2ID13) != 0)
		return -ENOMEM;
	return 0;
}

int
crypto_pwhash_verify(const char *hash, const char *password, size_t len)
{
	return crypto_pwhash_str_verify(hash, password, len) == 0 ? 0 : -EACCES;
}
