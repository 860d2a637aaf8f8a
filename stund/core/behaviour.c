/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "stund/core/behaviour.h"

/* CHANGE-REQUEST's flags "change port" and "change IP" (section 7.2) are one
 * bit left of a corner's. */
#define CORNER_OF_FLAGS(f) ((f) >> 1 & (BEHAVIOUR_IP | BEHAVIOUR_PORT))

struct behaviour
behaviour_of(const struct addr *first, const struct addr *second)
{
	struct behaviour b;
	unsigned int i;

	for (i = 0; i < BEHAVIOUR_CORNERS; i++) {
		b.at[i] = (i & BEHAVIOUR_IP) != 0 ? *second : *first;
		b.at[i].port =
		    (i & BEHAVIOUR_PORT) != 0 ? second->port : first->port;
	}
	return b;
}

bool
behaviour_known(uint16_t type)
{
	return type == STUN_CHANGE_REQUEST || type == STUN_RESPONSE_PORT ||
	    type == STUN_PADDING;
}

/* Section 7.5: 16 bits, and padding that some count as part of the value. */
static uint16_t
response_port(const struct stun_msg *m, const struct stun_attr *a)
{
	const uint8_t *v = stun_value(m, a);

	return (uint16_t)(v[0] << 8 | v[1]);
}

int
behaviour_plan(const struct stun_msg *m, unsigned int corner,
    const struct addr *client, struct behaviour_plan *out)
{
	const struct stun_attr *port = stun_find(m, STUN_RESPONSE_PORT);
	const struct stun_attr *padding = stun_find(m, STUN_PADDING);
	struct behaviour_plan p = {
		.from = (uint8_t)corner,
		.port = client->port,
	};
	uint32_t flags;

	if (stun_get_u32(m, STUN_CHANGE_REQUEST, &flags) == 0)
		p.from ^= CORNER_OF_FLAGS(flags);
	if (port != NULL) {
		p.port = response_port(m, port);
		/* Section 6.1, and nothing can be sent to port 0. */
		if (padding != NULL || p.port == 0)
			return -EBADMSG;
	}
	if (padding != NULL) {
		p.padded = true;
		p.padding = padding->len < BEHAVIOUR_PADDING_MAX
		    ? padding->len
		    : BEHAVIOUR_PADDING_MAX;
	}
	*out = p;
	return 0;
}

void
behaviour_put(struct stun_out *o, const struct stun_msg *m,
    const struct behaviour *b, unsigned int corner,
    const struct behaviour_plan *p)
{
	static const uint8_t zeros[BEHAVIOUR_PADDING_MAX];
	const struct addr *from = &b->at[p->from];
	const struct addr *other =
	    &b->at[corner ^ (BEHAVIOUR_IP | BEHAVIOUR_PORT)];

	/* RFC 3489 section 8.1 has the same under other numbers. */
	stun_put_addr(
	    o, m->rfc3489 ? STUN_SOURCE_ADDRESS : STUN_RESPONSE_ORIGIN, from);
	stun_put_addr(
	    o, m->rfc3489 ? STUN_CHANGED_ADDRESS : STUN_OTHER_ADDRESS, other);
	if (p->padded)
		stun_put(o, STUN_PADDING, zeros, p->padding);
}
