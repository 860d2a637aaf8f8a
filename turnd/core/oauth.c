/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "turnd/core/core.h"

/* The allocation that a request is about, whose token may speak for it. */
static const struct turn_alloc *
alloc_of(const struct turn_req *r)
{
	return r->conn != NULL ? r->conn->alloc : r->alloc;
}

/*
 * RFC 7635 section 4: Allocate and Refresh bring the token; in between the
 * name alone says that the key is still that of the last one.
 */
bool
oauth_applies(const struct turn_req *r, const struct stun_attr *name)
{
	const struct turn_alloc *a = alloc_of(r);

	if (r->s->cfg->oauth.server == NULL || name->type != STUN_USERNAME)
		return false;
	if (stun_find(r->msg, STUN_ACCESS_TOKEN) != NULL)
		return true;
	return a != NULL && a->access != NULL && strlen(a->user) == name->len &&
	    memcmp(a->user, stun_value(r->msg, name), name->len) == 0;
}

/*
 * Who the token is for. The kid is everybody's, and another one in the next
 * token, when the authorization server has changed its key: so what tokens
 * opened belongs to tokens, on this 5-tuple. The client's own key has the
 * share.
 */
static void
fill_user(struct turn_req *r, const struct stun_attr *name)
{
	struct hash_key key = r->s->cfg->hash_key;
	const uint64_t kind[] = { 2, (uint64_t)(r->realm - r->s->cfg->realms) };
	struct turn_name *user = &r->user;

	memcpy(user->name, stun_value(r->msg, name), name->len);
	user->name[name->len] = '\0';
	user->len = name->len;
	/* Neither a static user's id nor that of a REST name. */
	key.k1 ^= hash_bytes(&key, kind, sizeof(kind));
	user->id = hash_bytes(&key, kind, sizeof(kind));
	r->tried = hash_bytes(&key, user->name, user->len);
}

enum turn_reason
oauth_user(struct turn_req *r, const struct stun_attr *name)
{
	const struct turn_oauth *oauth = &r->s->cfg->oauth;
	const struct stun_attr *token = stun_find(r->msg, STUN_ACCESS_TOKEN);
	const struct turn_token_key *key;

	if (name->len > TURN_NAME_MAX)
		return TURN_TOKEN_KEY;
	fill_user(r, name);
	if (guard_waits(r))
		return TURN_AUTH_BACKOFF;
	if (token == NULL) {
		r->token = *alloc_of(r)->access;
	} else {
		key = turn_token_key(
		    oauth, stun_value(r->msg, name), name->len, r->t.wall_s);
		if (key == NULL)
			return TURN_TOKEN_KEY;
		if (turn_token_open(oauth, key, stun_value(r->msg, token),
			token->len, &r->token) != 0)
			return TURN_BAD_TOKEN;
	}
	if (!turn_token_good(&r->token, r->t.wall_s))
		return TURN_TOKEN_EXPIRED;
	r->by_token = true;
	r->user.share = hash_bytes(
	    &r->s->cfg->hash_key, r->token.key.bytes, r->token.key.len);
	return TURN_OK;
}

uint32_t
oauth_lifetime(const struct turn_req *r, uint32_t lifetime_s)
{
	uint64_t end = r->token.issued_s + r->token.lifetime_s;
	uint64_t left = end > r->t.wall_s ? end - r->t.wall_s : 1;

	return r->by_token && lifetime_s > left ? (uint32_t)left : lifetime_s;
}

/* It goes by the kid of its last token. */
static bool
rename_user(struct turn_alloc *a, const char *kid)
{
	char *copy;

	if (strcmp(a->user, kid) == 0)
		return true;
	copy = strdup(kid);
	if (copy == NULL)
		return false;
	free(a->user);
	a->user = copy;
	return true;
}

bool
oauth_keep(const struct turn_req *r, struct turn_alloc *a)
{
	if (!r->by_token)
		return true;
	if (a->access == NULL)
		a->access = malloc(sizeof(*a->access));
	if (a->access == NULL || !rename_user(a, r->user.name))
		return false;
	*a->access = r->token;
	return true;
}

void
oauth_forget(struct turn_alloc *a)
{
	if (a->access != NULL)
		crypto_wipe(a->access, sizeof(*a->access));
	free(a->access);
	a->access = NULL;
}
