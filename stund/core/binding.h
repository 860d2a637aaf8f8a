/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * binding: what stund does with a message: Binding requests of RFC 8489 and
 * of RFC 3489 get an answer, everything else is dropped for a reason that can
 * be counted. One message in, at most one out, and nothing is remembered.
 *
 * No amplifier: an answer is at most 1.6 times its request, but for an IPv6
 * client, whose address alone is longer than that. So no SOFTWARE either.
 * A server with a second address owes every client the three addresses more
 * of RFC 5780 section 6.1: 68 bytes for a request of 20, or 116 over IPv6.
 * Owns: nothing.  Thread: any.
 */
#ifndef FLOE_STUND_CORE_BINDING_H
#define FLOE_STUND_CORE_BINDING_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/addr/addr.h"
#include "lib/base/buf.h"
#include "stund/core/behaviour.h"

/* Bytes of the longest answer, at most. */
#define BINDING_PLAIN_MAX  128
#define BINDING_ANSWER_MAX (BINDING_PLAIN_MAX + 4 + BEHAVIOUR_PADDING_MAX)

enum binding_result {
	/* An answer is in the buf. */
	BINDING_SUCCESS,
	BINDING_UNKNOWN_ATTRIBUTE, /* 420 with the list */
	BINDING_BAD_REQUEST,       /* 400 */
	BINDING_OLD_OVER_DTLS,     /* 500, to a request of RFC 3489 */
	/* Nothing is, because the message is: */
	BINDING_MALFORMED,    /* not STUN, or broken STUN */
	BINDING_NOT_REQUEST,  /* an indication or a response */
	BINDING_OTHER_METHOD, /* a request, but not Binding */
	BINDING_RESULTS
};

/* A message, and where it came to. */
struct binding_in {
	const void *data;
	size_t len;
	const struct addr *client;
	const struct behaviour *behaviour; /* NULL: there is one address */
	unsigned int corner;               /* of behaviour */
	bool dtls;                         /* how it came */
};

/* An answer, and how it goes: from a corner to the client's IP address. */
struct binding_out {
	struct buf *buf; /* it goes behind what this holds already */
	unsigned int corner;
	struct addr to;
};

bool binding_is_answer(enum binding_result);
const char *binding_result_name(enum binding_result); /* for metrics */

/* BINDING_ANSWER_MAX bytes of room in the buf are enough, BINDING_PLAIN_MAX
 * without behaviour. */
enum binding_result
binding_input(const struct binding_in *, struct binding_out *);

#endif
