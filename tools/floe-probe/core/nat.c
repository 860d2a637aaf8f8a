/* SPDX-License-Identifier: BSD-3-Clause */
#include "tools/floe-probe/core/nat.h"

const char *
nat_behaviour_name(enum nat_behaviour b)
{
	static const char *const names[NAT_BEHAVIOURS] = {
		[NAT_UNKNOWN] = "unknown",
		[NAT_INDEPENDENT] = "endpoint-independent",
		[NAT_ADDRESS] = "address-dependent",
		[NAT_ADDRESS_AND_PORT] = "address-and-port-dependent",
		[NAT_DEPENDENT] = "dependent",
	};

	return names[b];
}

struct nat
nat_begin(const struct addr *server, const struct addr *second)
{
	struct nat n = { .step = NAT_MAP_FIRST, .server = *server };

	if (second != NULL)
		n.second = *second;
	return n;
}

bool
nat_next(const struct nat *n, struct nat_ask *ask)
{
	*ask = (struct nat_ask){ .to = n->server };
	switch (n->step) {
	case NAT_MAP_FIRST:
	case NAT_FILTER_FIRST:
		ask->fresh = true;
		return true;
	case NAT_MAP_OTHER_IP:
		ask->to = n->other;
		ask->to.port = n->server.port;
		return true;
	case NAT_MAP_OTHER_BOTH:
		ask->to = n->other;
		return true;
	case NAT_MAP_SECOND_SERVER:
		ask->to = n->second;
		return true;
	case NAT_FILTER_BOTH:
		ask->change = NAT_CHANGE_IP | NAT_CHANGE_PORT;
		return true;
	case NAT_FILTER_PORT:
		ask->change = NAT_CHANGE_PORT;
		return true;
	case NAT_DONE:
		break;
	}
	return false;
}

/* RFC 5780 section 4.3, test I */
static enum nat_step
map_first(struct nat *n, const struct nat_answer *a)
{
	if (!a->came)
		return NAT_DONE;
	n->local = a->local;
	n->mapped = a->mapped;
	/* An address of another family, or our own one again, is no help. */
	if (a->other.family == n->server.family &&
	    !addr_equal_ip(&a->other, &n->server) &&
	    a->other.port != n->server.port)
		n->other = a->other;
	if (!nat_is_there(n))
		n->mapping = NAT_INDEPENDENT;
	if (n->other.family != ADDR_NONE)
		return nat_is_there(n) ? NAT_MAP_OTHER_IP : NAT_FILTER_FIRST;
	return nat_is_there(n) && n->second.family == n->server.family
	    ? NAT_MAP_SECOND_SERVER
	    : NAT_DONE;
}

/* Tests II and III. */
static enum nat_step
map_other_ip(struct nat *n, const struct nat_answer *a)
{
	/* The other address may be out of reach; the filter is not. */
	if (!a->came)
		return NAT_FILTER_FIRST;
	if (addr_equal(&a->mapped, &n->mapped)) {
		n->mapping = NAT_INDEPENDENT;
		return NAT_FILTER_FIRST;
	}
	n->mapped_next = a->mapped;
	return NAT_MAP_OTHER_BOTH;
}

static enum nat_step
map_other_both(struct nat *n, const struct nat_answer *a)
{
	if (!a->came)
		n->mapping = NAT_DEPENDENT;
	else if (addr_equal(&a->mapped, &n->mapped_next))
		n->mapping = NAT_ADDRESS;
	else
		n->mapping = NAT_ADDRESS_AND_PORT;
	return NAT_FILTER_FIRST;
}

static enum nat_step
map_second_server(struct nat *n, const struct nat_answer *a)
{
	if (a->came && !addr_equal(&a->mapped, &n->mapped))
		n->mapping = NAT_DEPENDENT;
	/* Another port of the same address says nothing of other addresses. */
	else if (a->came && !addr_equal_ip(&n->second, &n->server))
		n->mapping = NAT_INDEPENDENT;
	return NAT_DONE;
}

/* Section 4.4, tests II and III: a server that answers from where it was asked
 * has not done what it was told, and nothing is known. */
static enum nat_step
filter_both(struct nat *n, const struct nat_answer *a)
{
	if (!a->came)
		return a->refused ? NAT_DONE : NAT_FILTER_PORT;
	if (addr_equal(&a->from, &n->other))
		n->filtering = NAT_INDEPENDENT;
	return NAT_DONE;
}

static enum nat_step
filter_port(struct nat *n, const struct nat_answer *a)
{
	if (!a->came && !a->refused)
		n->filtering = NAT_ADDRESS_AND_PORT;
	else if (a->came && addr_equal_ip(&a->from, &n->server) &&
	    a->from.port != n->server.port)
		n->filtering = NAT_ADDRESS;
	return NAT_DONE;
}

void
nat_answer(struct nat *n, const struct nat_answer *a)
{
	switch (n->step) {
	case NAT_MAP_FIRST:
		n->step = map_first(n, a);
		return;
	case NAT_MAP_OTHER_IP:
		n->step = map_other_ip(n, a);
		return;
	case NAT_MAP_OTHER_BOTH:
		n->step = map_other_both(n, a);
		return;
	case NAT_MAP_SECOND_SERVER:
		n->step = map_second_server(n, a);
		return;
	case NAT_FILTER_FIRST:
		n->step = a->came ? NAT_FILTER_BOTH : NAT_DONE;
		return;
	case NAT_FILTER_BOTH:
		n->step = filter_both(n, a);
		return;
	case NAT_FILTER_PORT:
		n->step = filter_port(n, a);
		return;
	case NAT_DONE:
		return;
	}
}

bool
nat_is_there(const struct nat *n)
{
	return n->mapped.family != ADDR_NONE &&
	    !addr_equal(&n->mapped, &n->local);
}
