/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * behaviour: NAT behaviour discovery, the server's part (RFC 5780 section 6).
 * A server with two addresses and two ports answers from any of the four
 * corners, as the client asks; which one comes out as data.
 *
 * Nobody is sent to who has not asked: an answer goes to the IP address of the
 * request, and its PADDING is no longer than the one of the request.
 * Owns: nothing.  Thread: any.
 */
#ifndef FLOE_STUND_CORE_BEHAVIOUR_H
#define FLOE_STUND_CORE_BEHAVIOUR_H

#include <stdbool.h>

#include "lib/addr/addr.h"
#include "lib/stun/message.h"

/* A corner is an index; its bits: the second address, the second port. */
#define BEHAVIOUR_CORNERS 4
#define BEHAVIOUR_PORT    1
#define BEHAVIOUR_IP      2

/* An Ethernet's MTU, so that the answer goes in fragments. */
#define BEHAVIOUR_PADDING_MAX 1500

struct behaviour {
	struct addr at[BEHAVIOUR_CORNERS];
};

/* Where an answer leaves from and goes to, and what fills it. */
struct behaviour_plan {
	uint8_t from;  /* a corner */
	uint16_t port; /* of the client */
	bool padded;
	uint16_t padding; /* bytes */
};

/* The corners of a first and a second address with port. */
struct behaviour
behaviour_of(const struct addr *first, const struct addr *second);
/* Whether it is an attribute of such a request. */
bool behaviour_known(uint16_t type);
/* For a request without malformed attributes that came to a corner. 0, or
 * -EBADMSG: it deserves a 400 (section 6.1). */
int behaviour_plan(const struct stun_msg *, unsigned int corner,
    const struct addr *client, struct behaviour_plan *);
/* What the answer says more than any server's does. */
void behaviour_put(struct stun_out *, const struct stun_msg *,
    const struct behaviour *, unsigned int corner,
    const struct behaviour_plan *);

#endif
