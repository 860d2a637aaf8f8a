/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * trace: what points to a message beside its row and the inboxes: the mid that
 * it was sent with, mentions, the file that it refers to, and what its sender
 * counts as read.
 * Owns: nothing.  Thread: the writer's.
 */
#ifndef FLOE_SIGNALD_LOG_TRACE_H
#define FLOE_SIGNALD_LOG_TRACE_H

#include "signald/log/run.h"

/* Takes it all away; the message's row is the caller's to take, and its text
 * is gone with the first write. 0 or the store's. */
int trace_drop(
    struct run *, uint64_t cid, uint64_t seq, const struct schema_message *);

#endif
