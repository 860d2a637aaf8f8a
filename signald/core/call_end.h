/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * call_end: the end of a call. It is stored before it is told: the record in
 * the conversation and the removal of what was kept of the call are one append,
 * so a crash leaves a call that goes on, or one that has ended and of which
 * the record tells, and nobody has heard anything else. Meanwhile the call is
 * out of the way of the next one.
 * Owns: the calls that end.  Thread: the core's.
 */
#ifndef FLOE_SIGNALD_CORE_CALL_END_H
#define FLOE_SIGNALD_CORE_CALL_END_H

#include "signald/core/call_parts.h"

/* ask: who ended it and waits for the answer, or NULL. The call is not to be
 * touched any more. reason and outcome: static. */
void sig_call_end(struct sig_core *, struct sig_call *,
    const struct sig_mail *ask, const char *reason, const char *outcome);

#endif
