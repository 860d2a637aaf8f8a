/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RFC 8489 section 10, RFC 8656 section 7.2: a new client is sent to another
 * server when this one is being drained or is full. Only who has authenticated
 * is told of it, in an answer that is protected.
 */
#include <string.h>

#include "turnd/core/core.h"

static const struct turn_alternates *
alternates(const struct turn_server *s)
{
	return s->draining && s->instead.n > 0 ? &s->instead
					       : &s->cfg->alternates;
}

/* The n-th of a family; NULL: there are fewer. */
static const struct addr *
nth_of(const struct turn_alternates *a, uint8_t family, size_t n)
{
	size_t i;

	for (i = 0; i < a->n; i++) {
		if (a->addrs[i].family == family && n-- == 0)
			return &a->addrs[i];
	}
	return NULL;
}

/* They take turns. */
static const struct addr *
pick(const struct turn_server *s, uint8_t family)
{
	const struct turn_alternates *a = alternates(s);
	size_t count = 0;

	while (nth_of(a, family, count) != NULL)
		count++;
	return count == 0 ? NULL : nth_of(a, family, s->redirected % count);
}

enum turn_reason
alternate_judge(const struct turn_req *r, enum turn_reason reason)
{
	/* One of the family that the client speaks is a MUST. */
	return pick(r->s, r->in->src->family) != NULL ? TURN_TRY_ALTERNATE
						      : reason;
}

void
alternate_put(struct turn_req *r)
{
	struct turn_server *s = r->s;
	const struct turn_alternates *a = alternates(s);
	uint8_t ours = r->in->src->family;
	const struct addr *first = pick(s, ours);
	const struct addr *other = pick(s, ours == ADDR_V4 ? ADDR_V6 : ADDR_V4);

	if (first != NULL)
		stun_put_addr(&r->out, STUN_ALTERNATE_SERVER, first);
	if (other != NULL)
		stun_put_addr(&r->out, STUN_ALTERNATE_SERVER, other);
	if (a->domain != NULL)
		stun_put(&r->out, STUN_ALTERNATE_DOMAIN, a->domain,
		    strlen(a->domain));
	s->redirected++;
}

void
turn_server_drain(
    struct turn_server *s, bool draining, const struct addr *instead)
{
	s->draining = draining;
	s->instead = (struct turn_alternates){ .n = 0 };
	if (instead == NULL)
		return;
	s->instead.addrs[0] = *instead;
	s->instead.n = 1;
}
