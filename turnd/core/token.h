/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * token: self-contained access tokens of RFC 7635 section 6.2: sealed by an
 * authorization server with a key that it shares with us, they tell a
 * client's key and how long it is good.
 * Owns: nothing.  Thread: any.
 */
#ifndef FLOE_TURND_CORE_TOKEN_H
#define FLOE_TURND_CORE_TOKEN_H

#include "turnd/core/users.h"

#define TURN_TOKEN_KEYS 16
/* RFC 7635 section 7: how wrong clocks may be. */
#define TURN_TOKEN_SKEW_S 5

/* A key of the authorization server; its length is its algorithm: 32 bytes
 * A256GCM, 16 bytes A128GCM. */
struct turn_token_key {
	char kid[64];
	struct turn_key key;
	uint64_t until_s; /* since 1970; 0: always */
};

/* Immutable while servers live. */
struct turn_oauth {
	const char *server; /* THIRD-PARTY-AUTHORIZATION; NULL: no tokens */
	struct turn_token_key keys[TURN_TOKEN_KEYS];
	size_t nkeys;
};

/* What a token tells. */
struct turn_token {
	struct turn_key key; /* of MESSAGE-INTEGRITY */
	uint64_t issued_s;   /* since 1970 */
	uint32_t lifetime_s;
};

/* NULL: nobody's. */
const struct turn_token_key *turn_token_key(
    const struct turn_oauth *, const void *kid, size_t len, uint64_t now_s);
/* 0; -EBADMSG: not a token; -EACCES: not of this key for this server. */
int turn_token_open(const struct turn_oauth *, const struct turn_token_key *,
    const void *token, size_t len, struct turn_token *);
/* What is inside, opened: 0 or -EBADMSG. */
int turn_token_decode(const void *, size_t len, struct turn_token *);
/* The opposite, for tests: the length, 0 when it does not fit. */
size_t turn_token_seal(const struct turn_oauth *, const struct turn_token_key *,
    const struct turn_token *, void *out, size_t room);
/* May this be used now? */
bool turn_token_good(const struct turn_token *, uint64_t now_s);
/* Reads "BASE64KEY[:A256GCM|:A128GCM[:UNTIL]]". 0 or -EINVAL. */
int turn_token_key_parse(struct turn_token_key *, const char *text);

#endif
