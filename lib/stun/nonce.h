/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * nonce: stateless expiring nonces bound to the client's address (RFC 8489
 * sections 5.4 and 9.2): the issue time and a truncated HMAC over time,
 * address and realm. Nothing is kept per nonce.
 * Owns: nothing.  Thread: any.
 */
#ifndef FLOE_LIB_STUN_NONCE_H
#define FLOE_LIB_STUN_NONCE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/addr/addr.h"

#define STUN_NONCE_LEN     48 /* with its NUL; text of the cookie alphabet */
#define STUN_NONCE_KEY_LEN 32

struct stun_nonce_key {
	uint8_t bytes[STUN_NONCE_KEY_LEN];
	uint64_t life_ms;
};

void stun_nonce_make(const struct stun_nonce_key *, const struct addr *client,
    uint64_t now_ms, char out[STUN_NONCE_LEN]);
/* 0; -ESTALE when expired, of another client or not ours. */
int stun_nonce_check(const struct stun_nonce_key *, const struct addr *client,
    uint64_t now_ms, const void *nonce, size_t len);

#endif
