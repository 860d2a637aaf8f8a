/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * nat: finds how the NAT between a client and a server maps and filters, by
 * the questions of RFC 5780 sections 4.3 and 4.4, one after the other. With a
 * server that has one address only, a second server can at least tell whether
 * the mapping depends on whom one talks to.
 * Owns: nothing.  Thread: any.
 */
#ifndef FLOE_TOOLS_PROBE_CORE_NAT_H
#define FLOE_TOOLS_PROBE_CORE_NAT_H

#include <stdbool.h>

#include "lib/addr/addr.h"

/* RFC 4787 sections 4.1 and 5. */
enum nat_behaviour {
	NAT_UNKNOWN,
	NAT_INDEPENDENT,
	NAT_ADDRESS,
	NAT_ADDRESS_AND_PORT,
	NAT_DEPENDENT, /* on the address or on the port, or both */
	NAT_BEHAVIOURS
};
const char *nat_behaviour_name(enum nat_behaviour);

/* CHANGE-REQUEST, RFC 5780 section 7.2 */
#define NAT_CHANGE_PORT 2
#define NAT_CHANGE_IP   4

enum nat_step {
	NAT_MAP_FIRST,
	NAT_MAP_OTHER_IP,
	NAT_MAP_OTHER_BOTH,
	NAT_MAP_SECOND_SERVER,
	NAT_FILTER_FIRST,
	NAT_FILTER_BOTH,
	NAT_FILTER_PORT,
	NAT_DONE
};

struct nat {
	enum nat_step step;
	struct addr server, second; /* second: ADDR_NONE if there is none */
	struct addr other;          /* OTHER-ADDRESS; ADDR_NONE: not offered */
	struct addr local, mapped;  /* of the first question */
	struct addr mapped_next;    /* seen from the other address */
	enum nat_behaviour mapping, filtering;
};

/* A Binding request to ask. */
struct nat_ask {
	bool fresh; /* from a socket that has spoken to nobody */
	struct addr to;
	uint32_t change; /* flags, 0: without CHANGE-REQUEST */
};

struct nat_answer {
	bool came;         /* a success response */
	bool refused;      /* an error response: the server will not do it */
	struct addr local; /* of the socket */
	struct addr from, mapped, other; /* other may be ADDR_NONE */
};

struct nat nat_begin(const struct addr *server, const struct addr *second);
/* The next question; false: all is known that can be. */
bool nat_next(const struct nat *, struct nat_ask *);
void nat_answer(struct nat *, const struct nat_answer *);
/* Whether the first question was answered, and told another address than the
 * socket's own. */
bool nat_is_there(const struct nat *);

#endif
