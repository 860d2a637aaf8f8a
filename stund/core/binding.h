/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * binding: what stund does with a message: Binding requests of RFC 8489 and
 * of RFC 3489 get an answer, everything else is dropped for a reason that can
 * be counted. One message in, at most one out, and nothing is remembered.
 *
 * No amplifier: an answer is at most 1.6 times its request, but for an IPv6
 * client, whose address alone is longer than that. So no SOFTWARE either.
 * Owns: nothing.  Thread: any.
 */
#ifndef FLOE_STUND_CORE_BINDING_H
#define FLOE_STUND_CORE_BINDING_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/addr/addr.h"
#include "lib/base/buf.h"

#define BINDING_ANSWER_MAX 128 /* bytes of the longest answer, at most */

enum binding_result {
	/* An answer is in the buf. */
	BINDING_SUCCESS,
	BINDING_UNKNOWN_ATTRIBUTE, /* 420 with the list */
	/* Nothing is, because the message is: */
	BINDING_MALFORMED,    /* not STUN, or broken STUN */
	BINDING_NOT_REQUEST,  /* an indication or a response */
	BINDING_OTHER_METHOD, /* a request, but not Binding */
	BINDING_RESULTS
};

bool binding_is_answer(enum binding_result);
const char *binding_result_name(enum binding_result); /* for metrics */

/* The answer goes behind what out holds already; BINDING_ANSWER_MAX bytes of
 * room are enough. */
enum binding_result binding_input(
    const void *data, size_t len, const struct addr *client, struct buf *out);

#endif
