/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * conversation: the list of a user's conversations, how the user keeps one
 * (pinned, muted), and its history.
 * Owns: nothing.  Thread: the core's.
 */
#ifndef FLOE_SIGNALD_CORE_CONVERSATION_H
#define FLOE_SIGNALD_CORE_CONVERSATION_H

#include "signald/core/op.h"

sig_op_fn sig_op_conversations, sig_op_conversation_set, sig_op_history;

/* Answers a read that failed. */
void sig_rows_fail(struct sig_core *, const struct sig_ticket *, int err);

#endif
