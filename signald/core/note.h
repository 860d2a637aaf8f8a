/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * note: pushes that nobody misses for good, who is typing and how far somebody
 * has read. They go to the sessions of a user that have a link, are stored
 * nowhere, and are the first to go when a link is slow.
 * Owns: nothing.  Thread: the core's.
 */
#ifndef FLOE_SIGNALD_CORE_NOTE_H
#define FLOE_SIGNALD_CORE_NOTE_H

#include "lib/base/buf.h"
#include "signald/core/op.h"

/* Takes the text of a push; but: a session that does not get it, or "". */
void
sig_note(struct sig_core *, const char *user, const char *but, struct buf *);
void sig_note_receive(struct sig_core *, const struct sig_mail *);

sig_op_fn sig_op_read, sig_op_typing;

#endif
