/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * conversation: the list of a user's conversations, and the history of one.
 * Owns: nothing.  Thread: the core's.
 */
#ifndef FLOE_SIGNALD_CORE_CONVERSATION_H
#define FLOE_SIGNALD_CORE_CONVERSATION_H

#include "signald/core/op.h"

sig_op_fn sig_op_conversations, sig_op_history;

#endif
