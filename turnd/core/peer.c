/* SPDX-License-Identifier: BSD-3-Clause */
#include "turnd/core/core.h"

const char turn_own_address[] = "own-address";

const struct prefix_rule *
peer_refused(
    const struct turn_server *s, const struct addr *peer, bool tcp, bool *own)
{
	const struct prefix_rule *rule = prefix_list_find(s->cfg->peers, peer);

	*own = false;
	if (rule == NULL || rule->verdict != PREFIX_DENY)
		return NULL;
	/* Two clients of one server meet at each other's relayed address. */
	if (rule->name == turn_own_address &&
	    s->ops.relay_live(s->ops.arg, peer, tcp)) {
		*own = true;
		return NULL;
	}
	return rule;
}

enum turn_reason
peer_check(struct turn_req *r, const struct addr *peer, bool *own)
{
	const struct prefix_rule *rule;

	r->note->peer = *peer;
	/* Policy first: a forbidden address is 403 in every spelling, on a
	 * relay of either family. */
	rule = peer_refused(r->s, peer, r->alloc->tcp, own);
	if (rule != NULL) {
		r->note->rule = rule->name;
		return TURN_PEER_DENIED;
	}
	if (alloc_half(r->alloc, peer) == NULL)
		return TURN_PEER_FAMILY;
	return TURN_OK;
}
