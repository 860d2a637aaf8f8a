/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ice: the iceServers list with time-limited TURN credentials, in the TURN
 * REST form: username "expiry:user", credential base64(HMAC-SHA1(secret,
 * username)). turnd checks it without asking anybody. A session hears of new
 * ones when three quarters of the old ones' time have passed.
 * Owns: nothing.  Thread: any; of sessions and requests the core's.
 */
#ifndef FLOE_SIGNALD_CORE_ICE_H
#define FLOE_SIGNALD_CORE_ICE_H

#include "lib/crypto/crypto.h"
#include "signald/core/op.h"

#define SIG_ICE_USER_MAX   64 /* bytes of whom credentials are for */
#define SIG_ICE_SUFFIX_MAX (1 + SIG_APP_MAX)

struct sig_ice {
	char username[20 + 1 + SIG_ICE_USER_MAX + SIG_ICE_SUFFIX_MAX + 1];
	char credential[CRYPTO_BASE64_LEN(CRYPTO_SHA1_LEN)];
};

/* user "": of nobody in particular. 0; -ENOENT: there is no TURN server, or no
 * secret; -EINVAL: the name is too long; -ENOMEM. */
int sig_ice_make(const struct sig_config *, const char *user, uint64_t wall_ms,
    struct sig_ice *);
/* The TURN servers as an array of this name. */
void sig_ice_write_uris(
    struct json_out *, const char *name, const char *const *uris);
/* Writes the members iceServers and ice_ttl_s into the open object. Without
 * a secret the list has no TURN server. */
void sig_ice_write(struct json_out *, const struct sig_config *,
    const char *user, uint64_t wall_ms);

sig_op_fn sig_op_ice;
/* The session's client has just been told. */
void sig_ice_told(struct sig_core *, struct sig_session *);

#endif
