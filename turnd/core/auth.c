/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "turnd/core/core.h"

bool
auth_owns(const struct turn_req *r, const struct turn_alloc *a)
{
	return r->s->cfg->no_auth || r->user.id == a->user_id;
}

/* As turn_users_key; a user with a record has the key in it. */
static int
auth_key(
    struct turn_req *r, unsigned int i, enum crypto_hash algorithm, bool *known)
{
	const struct turn_record *rec = &r->record;
	struct turn_key *key = &r->key;

	/* coturn and its client sign by 16 of the 20 bytes of RFC 7635. */
	if (r->by_token && i < 2) {
		*key = r->token.key;
		if (i == 1)
			key->len = CRYPTO_MD5_LEN;
		*known = true;
		return 0;
	}
	if (!r->recorded && !r->by_token)
		return turn_users_key(
		    r->realm->users, &r->user, i, algorithm, key, known);
	if (i > 0)
		return -ENOENT;
	key->len = crypto_hash_len(algorithm);
	memcpy(key->bytes, algorithm == CRYPTO_MD5 ? rec->md5 : rec->sha256,
	    key->len);
	*known = true;
	return 0;
}

/*
 * Tries the keys of the name one after the other; every path computes at least
 * one MAC and compares in constant time, so the answer to an unknown name
 * takes as long as that to a wrong password.
 */
static enum turn_reason
auth_integrity(struct turn_req *r, enum crypto_hash algorithm)
{
	/* The stronger of the two, RFC 8489 section 9.2.4. */
	enum crypto_hash mac =
	    stun_find(r->msg, STUN_MESSAGE_INTEGRITY_SHA256) != NULL
	    ? CRYPTO_SHA256
	    : CRYPTO_SHA1;
	bool known = false;
	unsigned int i;

	for (i = 0; auth_key(r, i, algorithm, &known) == 0; i++) {
		if (stun_check_integrity(
			r->msg, mac, r->key.bytes, r->key.len) == 0 &&
		    known)
			return TURN_OK;
	}
	return known ? TURN_WRONG_PASSWORD : TURN_UNKNOWN_USER;
}

/*
 * RFC 8489 section 9.2.4: which key, and how the answer is sealed. Whoever
 * speaks of algorithms at all must repeat our offer as it was: a man in the
 * middle who took SHA-256 out of it is found out here, since the nonce's MAC
 * holds its feature bits and the request's the rest. Who is silent is a client
 * of RFC 5389.
 */
static enum turn_reason
auth_algorithm(struct turn_req *r, enum crypto_hash *algorithm)
{
	const struct turn_users *users = r->realm->users;
	const struct stun_attr *list =
	    stun_find(r->msg, STUN_PASSWORD_ALGORITHMS);
	const uint8_t *offer;
	uint32_t chosen;
	size_t len;
	int err;

	err = stun_get_u32(r->msg, STUN_PASSWORD_ALGORITHM, &chosen);
	*algorithm = CRYPTO_MD5;
	r->seal = CRYPTO_SHA1;
	if (err == -ENOENT && list == NULL)
		return TURN_OK;
	offer = turn_users_offer(users, &len);
	if (err != 0 || list == NULL || list->len != len ||
	    memcmp(stun_value(r->msg, list), offer, len) != 0 ||
	    !turn_users_offers(users, chosen))
		return TURN_BAD_ALGORITHM;
	r->seal = CRYPTO_SHA256;
	if (chosen == STUN_PASSWORD_SHA256)
		*algorithm = CRYPTO_SHA256;
	return TURN_OK;
}

/* 0, or -errno: a value that names nobody. */
static int
auth_name(struct turn_req *r, const struct stun_attr *a)
{
	const struct turn_users *users = r->realm->users;
	const struct turn_ops *ops = &r->s->ops;
	const uint8_t *value = stun_value(r->msg, a);
	char name[TURN_NAME_MAX + 1];
	int err;

	if (a->type != STUN_USERHASH)
		return turn_users_parse(users, value, a->len, &r->user);
	err = turn_users_parse_hash(users, value, a->len, &r->user);
	if (err != 0 || r->user.known || ops->user_by_hash == NULL)
		return err;
	err = ops->user_by_hash(ops->arg, r->realm->name, value, name);
	if (err == 0)
		return turn_users_parse(users, name, strlen(name), &r->user);
	return err == -ENOENT ? 0 : err;
}

/* Fills r->user, and its record when the shell has one. */
static enum turn_reason
auth_user(struct turn_req *r, const struct stun_attr *name)
{
	const struct turn_ops *ops = &r->s->ops;
	int err;

	err = auth_name(r, name);
	r->tried = r->user.id;
	/* Before anybody is asked. The nonce says that the address is no
	 * forgery, or anybody could make anybody wait. */
	if (guard_waits(r))
		return TURN_AUTH_BACKOFF;
	if (err == 0 && r->user.len > 0 && !r->user.known &&
	    ops->user_find != NULL) {
		err = ops->user_find(
		    ops->arg, r->realm->name, &r->user, &r->record);
		r->recorded = err == 0;
		if (r->recorded)
			turn_users_recorded(
			    r->realm->users, &r->user, &r->record);
		if (err == -ENOENT)
			err = 0;
	}
	switch (err) {
	case 0:
		return TURN_OK;
	case -EINVAL:
		return TURN_UNKNOWN_USER;
	case -EINPROGRESS:
		return TURN_AUTH_PENDING;
	case -EBUSY:
		return TURN_TOO_MANY_LOOKUPS;
	default:
		return TURN_USERS_UNAVAILABLE;
	}
}

/*
 * A REST name or a record is good until its time. A call may outlast that: the
 * name that opened an allocation goes on serving it, but opens nothing new.
 */
static bool
auth_expired(const struct turn_req *r)
{
	const struct turn_alloc *a;

	if ((!r->user.rest && r->user.expires_s == 0) ||
	    r->user.expires_s > r->t.wall_s)
		return false;
	if (r->moves) /* who owns the allocation will judge */
		return false;
	a = r->conn != NULL ? r->conn->alloc : r->alloc;
	return a == NULL || a->user_id != r->user.id ||
	    a->user_expires_s != r->user.expires_s ||
	    r->t.wall_s - r->user.expires_s >= r->s->cfg->expired_grace_s;
}

/*
 * As stun_nonce_check. RFC 6062 has a client bring a second connection to its
 * allocation, and some bring the nonce along that the first one got: that is
 * good for it, since over TCP nobody's address is forged.
 */
static int
auth_nonce(const struct turn_req *r, const struct stun_attr *nonce)
{
	const struct stun_nonce_key *key = &r->realm->nonce_key;
	const uint8_t *value = stun_value(r->msg, nonce);
	int err;

	err = stun_nonce_check(key, r->in->src, r->t.now_ms, value, nonce->len);
	if (err != -EACCES || !r->in->stream)
		return err;
	if (r->moves) /* who knows the first connection will judge */
		return 0;
	if (r->conn == NULL)
		return err;
	return stun_nonce_check(
	    key, &r->conn->alloc->tuple.client, r->t.now_ms, value, nonce->len);
}

/*
 * The order of checks is that of RFC 8489 section 9.2.4: only who knows the
 * password hears that the nonce has expired. But one that was never given to
 * this address ends them, so that forged sources cost one MAC and no more.
 */
enum turn_reason
auth_check(struct turn_req *r)
{
	const struct stun_attr *name, *nonce;
	enum crypto_hash algorithm;
	enum turn_reason reason;
	bool named;
	int err;

	if (r->s->cfg->no_auth)
		return TURN_OK;
	named = realm_select(r);
	if (stun_find(r->msg, STUN_MESSAGE_INTEGRITY) == NULL &&
	    stun_find(r->msg, STUN_MESSAGE_INTEGRITY_SHA256) == NULL)
		return TURN_NO_CREDENTIALS;
	name = stun_find(r->msg, STUN_USERNAME);
	if (name == NULL)
		name = stun_find(r->msg, STUN_USERHASH);
	nonce = stun_find(r->msg, STUN_NONCE);
	if (name == NULL || nonce == NULL ||
	    stun_find(r->msg, STUN_REALM) == NULL)
		return TURN_INCOMPLETE_CREDENTIALS;
	if (!named)
		return TURN_WRONG_REALM;
	err = auth_nonce(r, nonce);
	if (err == -EACCES)
		return TURN_STALE_NONCE;
	reason = auth_algorithm(r, &algorithm);
	if (reason != TURN_OK)
		return reason;
	reason =
	    oauth_applies(r, name) ? oauth_user(r, name) : auth_user(r, name);
	if (reason == TURN_AUTH_BACKOFF)
		return reason;
	if (reason == TURN_OK)
		reason = auth_integrity(r, algorithm);
	r->proven = reason == TURN_OK;
	if (reason == TURN_UNKNOWN_USER || reason == TURN_WRONG_PASSWORD ||
	    reason == TURN_TOKEN_KEY || reason == TURN_BAD_TOKEN)
		guard_failed(r);
	if (reason == TURN_OK && auth_expired(r))
		reason = TURN_CREDENTIAL_EXPIRED;
	if (reason == TURN_OK && err != 0)
		reason = TURN_STALE_NONCE;
	if (reason != TURN_OK)
		return reason;
	r->authed = true;
	return TURN_OK;
}
