/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * contact: the two rows of a relation (signald/core/relation.h), one with each
 * of the two users, and the count of all rows of a user.
 * Owns: nothing; strings of what is read are borrowed from the store.
 * Thread: the writer's; the look-ups any.
 */
#ifndef FLOE_SIGNALD_LOG_CONTACT_H
#define FLOE_SIGNALD_LOG_CONTACT_H

#include "signald/core/relation.h"
#include "signald/log/run.h"

/* SIG_APPEND_CONTACT. */
run_fn contact_change;

/* 0, also for a stranger (SIG_NOBODY), or -EIO. */
int contact_get(
    struct store_txn *, uint64_t uid, uint64_t other, struct sig_relation *);
/* Whether uid has blocked other. 0 or -EIO. */
int
contact_blocks(struct store_txn *, uint64_t uid, uint64_t other, bool *blocked);
/* Whether one of them has blocked the other. 0 or -EIO. */
int
contact_apart(struct store_txn *, uint64_t uid, uint64_t other, bool *apart);
/* Of all contacts of a user; all 0 when there were never any. 0 or -EIO. */
int contact_counts(struct store_txn *, uint64_t uid, struct sig_contacts *);
/* A row as it stands in T_CONTACTS. 0, or -EIO: not what we wrote. */
int contact_decode(const struct store_val *, struct sig_relation *);

#endif
