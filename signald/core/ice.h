/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ice: the iceServers list with time-limited TURN credentials, in the TURN
 * REST form: username "expiry:user", credential base64(HMAC-SHA1(secret,
 * username)). turnd checks it without asking anybody.
 * Owns: nothing.  Thread: any.
 */
#ifndef FLOE_SIGNALD_CORE_ICE_H
#define FLOE_SIGNALD_CORE_ICE_H

#include <stdint.h>

struct json_out;
struct sig_config;

/* Writes the members iceServers and ice_ttl_s into the open object. Without
 * a secret the list has no TURN server. */
void sig_ice_write(struct json_out *, const struct sig_config *,
    const char *user, uint64_t wall_ms);

#endif
