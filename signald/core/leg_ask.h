/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * leg_ask: the call requests of a user's sessions on their way to the call's
 * shard, and its answers on their way back.
 * Owns: nothing; the legs that they make or take up are the user's (leg.h).
 * Thread: the core's.
 */
#ifndef FLOE_SIGNALD_CORE_LEG_ASK_H
#define FLOE_SIGNALD_CORE_LEG_ASK_H

#include "signald/core/op.h"

sig_op_fn sig_op_invite, sig_op_call;

void sig_leg_answered(struct sig_core *, const struct sig_mail *);

#endif
