/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * crypto: the few primitives the daemons need, over OpenSSL's EVP and
 * libsodium. Fetched algorithms are kept per process and contexts per thread,
 * so that a digest or a MAC costs no look-up and, but for what OpenSSL does
 * inside, no heap.
 * Owns: the algorithm handles, and the contexts of each thread until it ends.
 * Thread: any after crypto_init.
 */
#ifndef FLOE_LIB_CRYPTO_CRYPTO_H
#define FLOE_LIB_CRYPTO_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CRYPTO_MD5_LEN    16
#define CRYPTO_SHA1_LEN   20
#define CRYPTO_SHA256_LEN 32
#define CRYPTO_PWHASH_LEN 128 /* with its NUL */

enum crypto_hash { CRYPTO_MD5, CRYPTO_SHA1, CRYPTO_SHA256 };

struct crypto_span {
	const void *data;
	size_t len;
};

/* Before anything else, once. 0 or -ENOSYS (a primitive is missing). */
int crypto_init(void);
void crypto_fini(void);

size_t crypto_hash_len(enum crypto_hash);
/* Over the concatenation of n spans. 0 or -EIO. */
int crypto_digest(
    enum crypto_hash, const struct crypto_span *, size_t n, uint8_t *out);
int crypto_hmac(enum crypto_hash, const void *key, size_t key_len,
    const struct crypto_span *, size_t n, uint8_t *out);

/* A digest over bytes that come piece by piece. NULL: no memory. */
struct crypto_sum;
struct crypto_sum *crypto_sum_new(enum crypto_hash);
void crypto_sum_free(struct crypto_sum *); /* NULL is fine */
int crypto_sum_add(struct crypto_sum *, const void *, size_t); /* 0 or -EIO */
int crypto_sum_end(struct crypto_sum *, uint8_t *out);         /* once */

/*
 * AES-GCM (AEAD_AES_128_GCM and AEAD_AES_256_GCM of RFC 5116, by the length of
 * the key, 16 or 32 bytes). Sealed is the text and its tag. A nonce seals once.
 */
#define CRYPTO_AEAD_NONCE_LEN 12
#define CRYPTO_AEAD_TAG_LEN   16
struct crypto_aead {
	const uint8_t *key;
	size_t key_len;
	const uint8_t *nonce;
	const void *aad; /* associated data */
	size_t aad_len;
};
/* Writes len - CRYPTO_AEAD_TAG_LEN bytes. 0; -EACCES: it was not sealed so;
 * -EINVAL or -EIO. */
int crypto_aead_open(
    const struct crypto_aead *, const void *, size_t len, uint8_t *out);
/* Writes len + CRYPTO_AEAD_TAG_LEN bytes. 0, -EINVAL or -EIO. */
int crypto_aead_seal(
    const struct crypto_aead *, const void *, size_t len, uint8_t *out);

/*
 * Signatures that others make and we check, as RFC 7518 and RFC 8037 define
 * them: RSASSA-PKCS1-v1_5 with SHA-256, ECDSA with P-256 and SHA-256 (r and s
 * side by side), Ed25519. A key is of one kind for good.
 */
enum crypto_sig { CRYPTO_RS256, CRYPTO_ES256, CRYPTO_ED25519 };
struct crypto_pubkey;
/* From PEM ("PUBLIC KEY"). -EINVAL: not a key of this kind, or RSA of fewer
 * than 2048 or more than 8192 bits; -ENOMEM. */
int crypto_pubkey_new(
    enum crypto_sig, const void *pem, size_t len, struct crypto_pubkey **);
void crypto_pubkey_free(struct crypto_pubkey *); /* NULL is fine */
/* 0; -EACCES: not this key's signature of this; -EIO. */
int crypto_verify(const struct crypto_pubkey *, const void *, size_t len,
    const uint8_t *sig, size_t sig_len);

void crypto_random(void *, size_t);
bool crypto_equal(const void *, const void *, size_t); /* constant time */
void crypto_wipe(void *, size_t);

/* Argon2id at libsodium's INTERACTIVE cost (64 MiB, tens of ms): never call
 * it on a loop thread. 0 or -ENOMEM. (libsodium owns the name crypto_pwhash.)
 */
int crypto_pwhash_make(
    const char *password, size_t len, char out[CRYPTO_PWHASH_LEN]);
/* -EACCES when it does not match. */
int crypto_pwhash_verify(const char *hash, const char *password, size_t len);

/* NUL-terminated; out has room for CRYPTO_BASE64_LEN(len). */
#define CRYPTO_BASE64_LEN(n) (((n) + 2) / 3 * 4 + 1)
void crypto_base64(const void *, size_t len, char *out);
void crypto_base64url(const void *, size_t len, char *out); /* no padding */
/* Strict, no padding. *out_len: room in, bytes out. -EINVAL or -ENOSPC. */
int crypto_base64url_decode(
    const char *, size_t len, uint8_t *out, size_t *out_len);
void crypto_hex(const void *, size_t len, char *out); /* 2 * len + 1 */

#endif
