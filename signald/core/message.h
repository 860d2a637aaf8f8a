/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * message: sending, and what follows a commit. The sender is answered and the
 * members are told only from the log's answer.
 * Owns: nothing.  Thread: the core's.
 */
#ifndef FLOE_SIGNALD_CORE_MESSAGE_H
#define FLOE_SIGNALD_CORE_MESSAGE_H

#include "signald/core/op.h"

sig_op_fn sig_op_message_send, sig_op_message_change;

/* Tells both members' shards of a message that is on disk. */
void sig_message_committed(struct sig_core *, const char *user,
    const char *peer, const struct sig_appended *);

#endif
