/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * keys: a key as jws.c uses it. Private to this folder.
 * Owns: see jwt.h.  Thread: see jwt.h.
 */
#ifndef FLOE_LIB_JWT_KEYS_H
#define FLOE_LIB_JWT_KEYS_H

#include "lib/crypto/crypto.h"
#include "lib/jwt/jwt.h"

struct jwt_key {
	char kid[JWT_KID_MAX + 1];
	enum jwt_alg alg;
	struct crypto_pubkey *pub; /* NULL: HS256 */
	uint8_t secret[JWT_SECRET_MAX];
	size_t secret_len;
};

/* kid NULL: the token does not say; then it is the only key, if there is but
 * one. NULL: none. */
const struct jwt_key *jwt_keys_find(const struct jwt_keys *, const char *kid);
/* 0, -EACCES or -EIO. */
int jwt_key_check(const struct jwt_key *, const void *data, size_t len,
    const uint8_t *sig, size_t sig_len);

#endif
