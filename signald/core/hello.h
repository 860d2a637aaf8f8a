/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hello: from a token to a session. The log-in goes: token good; the user's
 * shard, or move there; what the log knows of user and device; who of the
 * peers is online; the answer, as a new session or a resumed one.
 * Owns: the log-in of a link.  Thread: the core's.
 */
#ifndef FLOE_SIGNALD_CORE_HELLO_H
#define FLOE_SIGNALD_CORE_HELLO_H

#include "signald/core/op.h"

sig_op_fn sig_op_hello;
/* Answers the user's log-ins that the log has answered, whatever peers are
 * still silent. */
void sig_hello_answer_all(struct sig_core *, struct sig_user *);
/* NULL is fine. The user may be freed with it. */
void sig_login_free(struct sig_core *, struct sig_login *);

#endif
