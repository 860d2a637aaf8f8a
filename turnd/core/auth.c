/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "turnd/core/core.h"

bool
auth_owns(const struct turn_req *r, const struct turn_alloc *a)
{
	return r->s->cfg->no_auth || r->user.id == a->user_id;
}

/*
 * Tries the keys of the name one after the other; every path computes at least
 * one MAC and compares in constant time, so the answer to an unknown name
 * takes as long as that to a wrong password.
 */
static enum turn_reason
auth_integrity(struct turn_req *r)
{
	const struct turn_users *users = r->s->cfg->users;
	bool known = false;
	unsigned int i;

	for (i = 0; turn_users_key(users, &r->user, i, r->key, &known) == 0;
	     i++) {
		if (stun_check_integrity(
			r->msg, CRYPTO_SHA1, r->key, sizeof(r->key)) == 0 &&
		    known)
			return TURN_OK;
	}
	return known ? TURN_WRONG_PASSWORD : TURN_UNKNOWN_USER;
}

/*
 * A REST name is good until its time. A call may outlast that: the name that
 * opened an allocation goes on serving it, but opens nothing new.
 */
static bool
auth_expired(const struct turn_req *r)
{
	if (!r->user.rest || r->user.expires_s > r->t.wall_s)
		return false;
	return r->alloc == NULL || r->alloc->user_id != r->user.id ||
	    r->alloc->user_expires_s != r->user.expires_s;
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
	const struct turn_config *cfg = r->s->cfg;
	enum turn_reason reason;
	int err;

	if (cfg->no_auth)
		return TURN_OK;
	if (stun_find(r->msg, STUN_MESSAGE_INTEGRITY) == NULL)
		return TURN_NO_CREDENTIALS;
	name = stun_find(r->msg, STUN_USERNAME);
	nonce = stun_find(r->msg, STUN_NONCE);
	if (name == NULL || nonce == NULL ||
	    stun_find(r->msg, STUN_REALM) == NULL)
		return TURN_INCOMPLETE_CREDENTIALS;
	err = stun_nonce_check(&cfg->nonce_key, r->in->src, r->t.now_ms,
	    stun_value(r->msg, nonce), nonce->len);
	if (err == -EACCES)
		return TURN_STALE_NONCE;
	if (turn_users_parse(
		cfg->users, stun_value(r->msg, name), name->len, &r->user) != 0)
		return TURN_UNKNOWN_USER;
	reason = auth_integrity(r);
	if (reason == TURN_OK && auth_expired(r))
		reason = TURN_CREDENTIAL_EXPIRED;
	if (reason == TURN_OK && err != 0)
		reason = TURN_STALE_NONCE;
	if (reason != TURN_OK)
		return reason;
	r->authed = true;
	return TURN_OK;
}
