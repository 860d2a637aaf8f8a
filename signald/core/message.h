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

/* Tells everybody's shard of an entry that is on disk: of user, and the peer
 * in a 1:1 conversation. */
void sig_message_committed(struct sig_core *, const char *user,
    const char *peer, const struct sig_appended *);
/* Answers with where an entry stands; or why the log did not take it, in the
 * words of whoever asked. */
void sig_message_answer(
    struct sig_core *, const struct sig_ticket *, const struct sig_appended *);
void sig_message_failed(struct sig_core *, const struct sig_ticket *, int err);

#endif
