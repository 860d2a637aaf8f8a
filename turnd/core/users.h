/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * users: who may authenticate: static users with their long-term keys, and
 * secrets that stand for every name of the REST form `expiry:user`. Others
 * are the shell's to find (turn_ops.user_find), as a struct turn_record.
 * A key is of a password algorithm of RFC 8489 section 18.5: MD5, which every
 * user has, or SHA-256. A static user is found by name or by USERHASH; a REST
 * name only by name, since it is known to nobody before it is said.
 * Owns: names, keys and secrets (wiped at the end).  Thread: any once built.
 */
#ifndef FLOE_TURND_CORE_USERS_H
#define FLOE_TURND_CORE_USERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/hash.h"
#include "lib/crypto/crypto.h"

#define TURN_NAME_MAX    508 /* bytes of USERNAME, RFC 8489 section 14.3 */
#define TURN_MAX_SECRETS 16
#define TURN_MAX_USERS   1000000

struct turn_users;

/* A long-term key, as long as the hash that made it. */
struct turn_key {
	uint8_t bytes[CRYPTO_SHA256_LEN];
	size_t len;
};

/* What is kept of a user elsewhere; both keys, so that SHA-256 can be offered
 * to everybody. */
struct turn_record {
	uint8_t md5[CRYPTO_MD5_LEN];
	uint8_t sha256[CRYPTO_SHA256_LEN];
	uint64_t expires_s; /* since 1970; 0: never */
	uint64_t bandwidth; /* bytes a second; 0: as everybody */
	uint32_t quota;     /* allocations; 0: as everybody */
};

/* The name of a request taken apart. */
struct turn_name {
	char name[TURN_NAME_MAX + 1];
	size_t len;
	bool known;         /* a static user */
	bool rest;          /* of the REST form, and there are secrets */
	uint64_t expires_s; /* when it ends; 0: never */
	/* Who it is for quotas and ownership: the kind and the name, of a REST
	 * name the part after the time, so a renewed one is the same user. */
	uint64_t id;
	uint64_t share; /* who it is for quotas, when that is not id; or 0 */
};

struct turn_users *turn_users_new(const char *realm, const struct hash_key *);
void turn_users_free(struct turn_users *);
/* password may be "0x" and the hex of MD5(name:realm:password), 32 digits, or
 * of that and SHA256(name:realm:password), 96 digits.
 * 0; -EINVAL malformed; -EEXIST; -ENOSPC; -ENOMEM. */
int turn_users_add(struct turn_users *, const char *name, const char *password);
/* 0, -EINVAL (empty), -ENOSPC (TURN_MAX_SECRETS) or -ENOMEM. */
int turn_users_add_secret(struct turn_users *, const char *secret);
bool turn_users_empty(const struct turn_users *);
/* The value of PASSWORD-ALGORITHMS: those of which everybody has a key, the
 * best first. An MD5 key alone somewhere leaves MD5 to all: the client is
 * asked before it has said who it is. */
const uint8_t *turn_users_offer(const struct turn_users *, size_t *len);
/* Is this PASSWORD-ALGORITHM (STUN_PASSWORD_...) among them? */
bool turn_users_offers(const struct turn_users *, uint32_t algorithm);
/* Some are only found by name, besides those of secrets. */
void turn_users_need_names(struct turn_users *);
/* Every user can be found by USERHASH. */
bool turn_users_anonymous(const struct turn_users *);

/* 0, or -EINVAL: empty, too long or with a NUL. */
int turn_users_parse(const struct turn_users *, const void *name, size_t len,
    struct turn_name *);
/* The name of the static user with this USERHASH, or one that nobody has.
 * 0, or -EINVAL: not CRYPTO_SHA256_LEN bytes. */
int turn_users_parse_hash(const struct turn_users *, const void *hash,
    size_t len, struct turn_name *);
/* It is nobody's REST name: there is a record of it. */
void turn_users_recorded(
    const struct turn_users *, struct turn_name *, const struct turn_record *);
/* Both keys. 0; -EINVAL: password is "" or a name that turn_users_parse does
 * not take; -EIO. */
int turn_record_keys(struct turn_record *, const char *name, const char *realm,
    const char *password);
/* Both from 96 hex digits, as turn_users_add has them. 0 or -EINVAL. */
int turn_record_from_hex(struct turn_record *, const char *hex);
/*
 * The i-th key (of CRYPTO_MD5 or CRYPTO_SHA256) that the name may have: a
 * static user has one, a REST name two for each secret: of the passwords that
 * HMAC-SHA1 and HMAC-SHA256 make. 0; -ENOENT past the last. A name that nobody
 * has still gets one key, a random one (*known false), so that both cost the
 * same time.
 */
int turn_users_key(const struct turn_users *, const struct turn_name *,
    unsigned int i, enum crypto_hash, struct turn_key *, bool *known);

#endif
