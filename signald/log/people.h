/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * people: reads about people: a user's contacts, and who is found by a name.
 * Owns: nothing; strings are borrowed from the snapshot.
 * Thread: the reader's.
 */
#ifndef FLOE_SIGNALD_LOG_PEOPLE_H
#define FLOE_SIGNALD_LOG_PEOPLE_H

#include "lib/store/store.h"
#include "signald/core/read.h"

/* SIG_READ_CONTACTS and SIG_READ_SEARCH of uid. rows has room for the limit.
 * 0, -ENOENT (no such read->peer) or -EIO. */
int people_rows(struct store_txn *, uint64_t uid, const struct sig_read *,
    struct sig_row *rows, struct sig_rows *out);
/* SIG_READ_LOGIN and SIG_READ_PEERS: the friends of uid after read->peer, with
 * when they were last seen, as far as they tell it. */
int people_friends(struct store_txn *, uint64_t uid, const struct sig_read *,
    size_t limit, struct sig_row *rows, struct sig_rows *out);
int people_version(struct store_txn *, uint64_t uid, uint64_t *version);

#endif
