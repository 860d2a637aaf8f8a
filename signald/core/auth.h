/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * auth: whom a token names, be it one of our own (token.h) or a JWT of an
 * identity service that the operator trusts. A function of the token, the keys
 * and the time; what the log knows of the user is the caller's to ask.
 * Owns: nothing.  Thread: any.
 */
#ifndef FLOE_SIGNALD_CORE_AUTH_H
#define FLOE_SIGNALD_CORE_AUTH_H

#include "lib/jwt/jwt.h"
#include "signald/core/core.h"
#include "signald/core/token.h"

#define SIG_AUTH_MAX JWT_TEXT_MAX /* of a token's text */

/* The operator's identity services. */
struct sig_jwt {
	const struct jwt_keys *keys;
	struct jwt_policy policy;
};

/* 0, or -errno (of sig_token_verify or jwt_verify; -EINVAL also for a name
 * that is none here) with why in words fit for the sender. */
int sig_auth(const struct sig_config *, const char *token, size_t len,
    uint64_t wall_ms, struct sig_claims *, const char **why);

#endif
