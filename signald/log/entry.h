/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * entry: what is said in a conversation, written once to its log and indexed
 * once in the inbox of each member.
 * Owns: nothing.  Thread: the writer's.
 */
#ifndef FLOE_SIGNALD_LOG_ENTRY_H
#define FLOE_SIGNALD_LOG_ENTRY_H

#include "signald/log/run.h"

/* Where a message goes. */
struct place {
	uint64_t uid, peer;
	uint64_t cid; /* 0: the conversation is still to be founded */
	int side;     /* of the sender in the conversation */
	uint64_t seq, sync_user, sync_peer;
	uint64_t count[2], latest; /* as in struct schema_message */
};

run_fn entry_message;

/* Tells the result from the record that was made, or found. */
int entry_tell(struct apply_request *, const struct place *);
int entry_put_member(
    struct run *, uint64_t uid, uint64_t cid, const struct schema_member *);

#endif
