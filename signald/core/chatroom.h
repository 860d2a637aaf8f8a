/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * chatroom: talk that is stored nowhere. A chatroom is called what its users
 * choose, is there while somebody is in it, and all in it hear what one says.
 * Nothing is held, repeated or acknowledged, and a slow link loses it first;
 * who needs more has conversations.
 * Owns: nothing; crowd.h has the members.  Thread: the core's.
 */
#ifndef FLOE_SIGNALD_CORE_CHATROOM_H
#define FLOE_SIGNALD_CORE_CHATROOM_H

#include "signald/core/crowd.h"
#include "signald/core/op.h"

sig_op_fn sig_op_chatroom;

void sig_chatroom_asked(struct sig_core *, const struct sig_mail *);

#endif
