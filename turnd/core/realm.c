/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>
#include <strings.h>

#include "turnd/core/core.h"

void
turn_realm_offer(struct turn_realm *realm)
{
	realm->nonce_key.features = STUN_NONCE_PASSWORD_ALGORITHMS;
	/* With this bit a client MUST send USERHASH (RFC 8489 section 9.2.5),
	 * which would leave out those with REST names. */
	if (turn_users_anonymous(realm->users))
		realm->nonce_key.features |= STUN_NONCE_USERNAME_ANONYMITY;
}

/* The first ORIGIN that we know: a message may hold several. */
static const struct turn_realm *
realm_by_origin(const struct turn_req *r)
{
	const struct turn_config *cfg = r->s->cfg;
	const struct stun_attr *a;
	const char *value;
	size_t i, k;

	for (i = 0; cfg->norigins > 0 && i < r->msg->nattrs; i++) {
		a = &r->msg->attrs[i];
		value = (const char *)stun_value(r->msg, a);
		for (k = 0; a->type == STUN_ORIGIN && k < cfg->norigins; k++) {
			if (strlen(cfg->origins[k].text) == a->len &&
			    strncasecmp(cfg->origins[k].text, value, a->len) ==
				0)
				return &cfg->realms[cfg->origins[k].realm];
		}
	}
	return NULL;
}

/*
 * The realm that REALM names, if a challenge may have named it: that of the
 * address, or one that an origin leads to. Not every request of a client need
 * repeat its ORIGIN, for the nonce shows by which realm it was challenged.
 */
static const struct turn_realm *
realm_named(const struct turn_req *r, const struct turn_realm *here)
{
	const struct turn_config *cfg = r->s->cfg;
	const struct stun_attr *a = stun_find(r->msg, STUN_REALM);
	const struct turn_realm *realm;
	size_t i;

	for (i = 0; a != NULL && i < cfg->nrealms; i++) {
		realm = &cfg->realms[i];
		if ((realm == here || realm->by_origin) &&
		    strlen(realm->name) == a->len &&
		    memcmp(realm->name, stun_value(r->msg, a), a->len) == 0)
			return realm;
	}
	return NULL;
}

bool
realm_select(struct turn_req *r)
{
	const struct turn_ops *ops = &r->s->ops;
	const struct turn_realm *here = r->s->cfg->realms, *named;

	if (ops->realm_of != NULL)
		here += ops->realm_of(ops->arg, r->in->link);
	named = realm_named(r, here);
	r->realm = named;
	if (named == NULL)
		r->realm = realm_by_origin(r);
	if (r->realm == NULL)
		r->realm = here;
	return named != NULL;
}
