/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * token: the daemon's own log-in tokens, "f2." payload "." mac, both in
 * base64url. The payload is the end of the token (8 bytes, wall ms), its
 * generation (4 bytes), a random id (16 bytes) and the user; the mac is
 * HMAC-SHA256 over everything before its dot. "f2" names the format: no JWT
 * starts so, and a later format is a new name, never a guess. "f1" had no
 * generation and is read as the first one.
 * Owns: nothing.  Thread: any.
 */
#ifndef FLOE_SIGNALD_CORE_TOKEN_H
#define FLOE_SIGNALD_CORE_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "signald/core/account.h"
#include "signald/core/sizes.h"

#define SIG_TOKEN_KEY_LEN 32
#define SIG_TOKEN_ID_LEN  16
#define SIG_TOKEN_MAX     128 /* with its NUL */

/* What a token opens, and how long. */
struct sig_grant {
	uint64_t expires_ms; /* wall, likewise below */
	bool outside;        /* of an identity service, see auth.h */
	uint32_t generation; /* of an own one */
	uint64_t issued_ms;  /* of an outside one; 0: it does not say */
};

struct sig_claims {
	char user[SIG_NAME_MAX + 1];
	struct sig_grant grant;
};

/* id is random: it keeps two tokens of one user and moment apart.
 * 0, -EINVAL (user) or -EIO. */
int sig_token_make(const uint8_t key[SIG_TOKEN_KEY_LEN], const char *user,
    uint32_t generation, uint64_t expires_ms,
    const uint8_t id[SIG_TOKEN_ID_LEN], char out[SIG_TOKEN_MAX]);
/* Whether a good token of a user with this standing is good no longer. */
bool sig_grant_void(const struct sig_grant *, const struct sig_standing *);
/* Whether it claims to be one of ours. */
bool sig_token_is(const char *token, size_t len);
/* 0; -EINVAL malformed; -EACCES the mac is not ours; -ETIME expired. */
int sig_token_verify(const uint8_t key[SIG_TOKEN_KEY_LEN], const char *token,
    size_t len, uint64_t wall_ms, struct sig_claims *);

#endif
