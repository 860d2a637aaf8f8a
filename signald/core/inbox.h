/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * inbox: a session's cursor walking its user's inbox log. A message that
 * comes right behind the cursor is pushed from the mail; whatever is missing
 * is read, so a lost mail, a slow client, a new device and a resumed one are
 * the same walk. Unacked pushes are bounded in count and bytes.
 * Invariant: acked <= sent <= head of the user's inbox.
 * Owns: nothing; the state is in the session.  Thread: the core's.
 */
#ifndef FLOE_SIGNALD_CORE_INBOX_H
#define FLOE_SIGNALD_CORE_INBOX_H

#include "signald/core/op.h"

/* The client has everything up to acked; the rest is to be sent. */
void sig_inbox_start(struct sig_core *, struct sig_session *, uint64_t acked);
/* Reads on when there is something to send and room for it. */
void sig_inbox_pump(struct sig_core *, struct sig_session *);
/* Stores the device's cursor now, when it has moved. */
void sig_inbox_save(struct sig_core *, struct sig_session *);

/* Tells a receiver's shard of a committed entry. */
void sig_inbox_post(struct sig_core *, const struct sig_receiver *,
    const struct sig_appended *);
void sig_inbox_receive(struct sig_core *, const struct sig_mail *);

sig_op_fn sig_op_ack;

#endif
