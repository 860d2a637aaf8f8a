/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tell: what the log says of allocations that ended and of requests that were
 * refused, so that nobody can fill a disk with it.
 * Owns: nothing.  Thread: the worker's.
 */
#ifndef FLOE_TURND_TELL_H
#define FLOE_TURND_TELL_H

#include "turnd/turnd.h"

void tell_open(struct worker *);
void tell_ended(struct worker *, const struct turn_alloc_info *, enum turn_end);
/* Of a request that was refused, or a datagram dropped. */
void
tell_note(struct worker *, const struct turn_note *, const struct addr *from);
/* Of a network that is over its limit, now and then. */
void tell_rate_limited(struct worker *, const struct addr *client);
/* The relayed addresses as they are told; second: ADDR_NONE unless dual. */
void alloc_addrs(
    const struct turn_alloc_info *, struct addr *first, struct addr *second);

#endif
