/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * jwt: checks JSON Web Tokens (RFC 7519) in compact serialisation (RFC 7515).
 * A key has one algorithm and a token is held against it, not against what
 * its own header says: a header that says another is refused, "none" always.
 * The signature is checked before anything of the payload is read.
 * Owns: a set of keys owns its keys.  Thread: any; sets are read only once
 * they are filled.
 */
#ifndef FLOE_LIB_JWT_JWT_H
#define FLOE_LIB_JWT_JWT_H

#include <stddef.h>
#include <stdint.h>

#define JWT_TEXT_MAX    4096 /* of a token */
#define JWT_KID_MAX     64
#define JWT_KEYS_MAX    16
#define JWT_SUBJECT_MAX 255
#define JWT_SECRET_MIN  32 /* RFC 7518 section 3.2 */
#define JWT_SECRET_MAX  1024

enum jwt_alg { JWT_HS256, JWT_RS256, JWT_ES256, JWT_EDDSA, JWT_ALGS };

/* As a header has it; NULL beyond the last. */
const char *jwt_alg_name(enum jwt_alg);

struct jwt_keys;

struct jwt_keys *jwt_keys_new(void);   /* NULL without memory */
void jwt_keys_free(struct jwt_keys *); /* wipes secrets; NULL is fine */
/*
 * data: the secret, or a public key in PEM. -EINVAL: not a key of this
 * algorithm (or too weak a one), or no kid of 1 to JWT_KID_MAX bytes; -EEXIST:
 * the kid is taken; -ENOSPC: JWT_KEYS_MAX are there; -ENOMEM.
 */
int jwt_keys_add(struct jwt_keys *, const char *kid, enum jwt_alg,
    const void *data, size_t len);

/* What a token must say; strings are borrowed. */
struct jwt_policy {
	const char *issuer;   /* NULL: whoever has a key of ours */
	const char *audience; /* NULL: only tokens without an audience */
	const char *subject;  /* the claim that names the user: "sub" */
	uint32_t leeway_s;    /* the two clocks may be so far apart */
};

struct jwt_claims {
	char subject[JWT_SUBJECT_MAX + 1];
	uint64_t expires_s; /* the leeway is not in it */
	uint64_t issued_s;  /* 0: does not say */
};

/*
 * 0; -EBADMSG (no token of this form), -ENOKEY (no such key, or one of another
 * algorithm), -EACCES (signature), -ETIME (expired, or not good yet), -EPERM
 * (issuer, audience), -EINVAL (a claim is missing or malformed), -EIO. Then
 * why says it in words fit for the sender (static).
 */
int jwt_verify(const struct jwt_keys *, const struct jwt_policy *,
    const char *token, size_t len, uint64_t now_s, struct jwt_claims *,
    const char **why);

/* The signed bytes alone, whatever they are: *out_len room in (JWT_TEXT_MAX is
 * enough), bytes out. Errors as above. */
int jws_verify(const struct jwt_keys *, const char *token, size_t len,
    uint8_t *out, size_t *out_len, const char **why);

#endif
