/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * flood: how much a user may ask in a second, all devices together: messages,
 * which others have to read, and requests of any kind. An ack of pushes is
 * free, for it answers ours.
 * Owns: nothing.  Thread: the core's.
 */
#ifndef FLOE_SIGNALD_CORE_FLOOD_H
#define FLOE_SIGNALD_CORE_FLOOD_H

#include "signald/core/op.h"

/* What an op counts as. */
enum sig_cost { SIG_COST_REQUEST, SIG_COST_MESSAGE, SIG_COST_FREE };

/* Takes one; false: it is too much, and the client has been told when to try
 * again. */
bool sig_flood_pass(struct sig_core *, struct sig_link *,
    const struct sig_req *, enum sig_cost);

#endif
