/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * room: a call of up to eight sessions, each connected with each. Whoever
 * knows a room's id may join. A newcomer is told who is there and makes the
 * offers, so that none cross; everybody else is told of it. Offers, answers
 * and candidates go from one member to one other, as opaque as in a call.
 * Requests may be repeated like those of calls. A member whose link is gone
 * stays until its session is; what it must not miss is held for it. No room
 * outlives the server, but its members make it anew as they come back, and each
 * has its number again: the connections between them are not touched.
 * Owns: nothing; crowd.h has the members.  Thread: the core's.
 */
#ifndef FLOE_SIGNALD_CORE_ROOM_H
#define FLOE_SIGNALD_CORE_ROOM_H

#include "signald/core/crowd.h"
#include "signald/core/op.h"

sig_op_fn sig_op_room_create, sig_op_room_join, sig_op_room_say;

void sig_room_asked(struct sig_core *, const struct sig_mail *);

#endif
