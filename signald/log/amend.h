/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * amend: what a change in the log does to the rows of earlier messages: the
 * one that it is about, and on a retraction those of its edits.
 * Invariant: judging writes nothing.
 * Owns: an amend the new text.  Thread: the writer's.
 */
#ifndef FLOE_SIGNALD_LOG_AMEND_H
#define FLOE_SIGNALD_LOG_AMEND_H

#include "signald/core/change.h"
#include "signald/log/run.h"
#include "signald/log/schema.h"

struct amend {
	uint64_t cid, seq; /* 0: nothing is changed */
	struct schema_message target;
	struct sig_changed changed;
};

/* Of an append that becomes the entry seq of the conversation (cid 0: there is
 * none yet); of one that changes nothing, nothing. 0; or why it may not, as
 * sig_change_apply and with -ENOENT too: no such message. */
int amend_judge(struct store_txn *, const struct sig_append *, uint64_t cid,
    uint64_t seq, struct amend *);
int amend_write(struct run *, const struct amend *); /* 0 or the store's */
void amend_fini(struct amend *);

#endif
