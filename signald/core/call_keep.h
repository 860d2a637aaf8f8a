/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * call_keep: the record of a call in the log (keep.h), by which the next core
 * takes it up: the call on the shard of the conversation, its legs on those of
 * the users.
 * Owns: nothing.  Thread: the core's.
 */
#ifndef FLOE_SIGNALD_CORE_CALL_KEEP_H
#define FLOE_SIGNALD_CORE_CALL_KEEP_H

#include "lib/json/json.h"
#include "signald/core/call_parts.h"

/* Writes the record of the state it is in; ticket as sig_append, NULL: nobody
 * waits for it. 0 or -errno. */
int
sig_call_keep(struct sig_core *, const struct sig_call *, struct sig_ticket *);
void sig_call_keep_end(struct sig_core *, const struct sig_call *);
/* A record: takes up what of it is this shard's. False: it is of no use. */
bool sig_call_wake(struct sig_core *, const char *conv, struct json_in *);

#endif
