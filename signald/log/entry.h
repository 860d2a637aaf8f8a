/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * entry: what is said in a conversation, written once to its log and indexed
 * once in the inbox of each member, unless the conversation is so large that
 * its members read it by cursor.
 * Invariant: a refused entry has written nothing.
 * Owns: nothing.  Thread: the writer's.
 */
#ifndef FLOE_SIGNALD_LOG_ENTRY_H
#define FLOE_SIGNALD_LOG_ENTRY_H

#include "signald/log/crowd.h"

/* Where an entry goes. */
struct place {
	uint64_t id;   /* of the entry, taken when it is written */
	uint64_t uid;  /* of the sender */
	uint64_t peer; /* the other member of a 1:1 conversation, or 0 */
	uint64_t cid;  /* 0: the conversation is still to be founded */
	bool large;
	bool hidden; /* the peer has blocked the sender, who keeps it alone */
	uint64_t seq, sync;          /* sync: in the sender's inbox, or 0 */
	uint64_t count, own, latest; /* as in struct schema_message */
};

run_fn entry_message;

/* The next seq and counts of the conversation, for an entry of p->uid. */
int entry_next(struct run *, const struct sig_append *, struct place *);
/* Makes the record of the append, to be the entry id, with that body;
 * -EINVAL: too long. */
int entry_record(struct apply_request *, uint64_t id, const struct place *,
    const void *body, size_t len);
/* Writes the record and all that points to it, and tells the result. */
int entry_put(
    struct run *, struct apply_request *, struct place *, const struct crowd *);

/* Tells the result from the record that was made, or found. */
int entry_tell(struct apply_request *, const struct place *);
int entry_put_member(
    struct run *, uint64_t uid, uint64_t cid, const struct schema_member *);
int entry_put_seat(
    struct run *, uint64_t cid, uint64_t uid, const struct schema_seat *);

#endif
