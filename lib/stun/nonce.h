/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * nonce: stateless expiring nonces bound to the client's address (RFC 8489
 * section 9.2): the nonce cookie with its security features, the issue time,
 * and a truncated HMAC over features, time, address and port. Nothing is kept
 * per nonce. One key per realm, if realms must not accept each other's.
 * Owns: nothing.  Thread: any.
 */
#ifndef FLOE_LIB_STUN_NONCE_H
#define FLOE_LIB_STUN_NONCE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/addr/addr.h"

#define STUN_NONCE_LEN     29 /* with its NUL; text of the cookie alphabet */
#define STUN_NONCE_KEY_LEN 32

/* Security features, RFC 8489 section 18.1. Bit 0 is the lowest of 24, as
 * verified erratum 6290 corrects it, and as the vector of appendix B.1 and
 * libjuice have it. */
#define STUN_NONCE_PASSWORD_ALGORITHMS 0x000001
#define STUN_NONCE_USERNAME_ANONYMITY  0x000002

struct stun_nonce_key {
	uint8_t bytes[STUN_NONCE_KEY_LEN];
	uint64_t life_ms;  /* counted in seconds of now_ms, up to half a year */
	uint32_t features; /* STUN_NONCE_..., 0 for none */
};

/* 0, or -EIO when the MAC failed. */
int stun_nonce_make(const struct stun_nonce_key *, const struct addr *client,
    uint64_t now_ms, char out[STUN_NONCE_LEN]);
/* 0; -ESTALE when expired; -EACCES when of another client or not ours. */
int stun_nonce_check(const struct stun_nonce_key *, const struct addr *client,
    uint64_t now_ms, const void *nonce, size_t len);

#endif
