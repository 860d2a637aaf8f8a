/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * answer: a read's answer under construction, and what its kinds are made of.
 * Owns: nothing; rows are the reader's scratch, texts the snapshot's.
 * Thread: the reader's.
 */
#ifndef FLOE_SIGNALD_LOG_ANSWER_H
#define FLOE_SIGNALD_LOG_ANSWER_H

#include "signald/log/schema.h"

struct answer {
	struct store_txn *txn;
	const struct sig_read *read;
	uint64_t uid;
	struct sig_row *rows;
	size_t limit;
	bool hides; /* the rows are messages, not all of them the user's */
	struct sig_rows out;
};

typedef int answer_fn(struct answer *);
typedef int answer_row_fn(
    struct answer *, const struct store_val *key, const struct store_val *val);

/* The next row, zeroed; there is one below the limit. */
struct sig_row *answer_add(struct answer *);
/* A row that another one points to must be there: -ENOENT becomes -EIO. */
int answer_must(int rc);
/* Calls fn for each row between, until the limit; tells what is complete. */
int answer_walk(struct answer *, enum schema_table, const struct schema_key *lo,
    const struct schema_key *hi, bool down, answer_row_fn *);
/* The other member of a 1:1 conversation. */
int answer_peer(struct answer *, const struct schema_conv *,
    struct schema_user *peer, uint64_t *uid);
/* The conversation that the read names, and the user in it; -ENOENT. */
int answer_conv(struct answer *, uint64_t *cid, struct schema_member *mine);

answer_fn answer_convs, answer_large, answer_mine;    /* convs.c */
answer_fn answer_files;                               /* file.c */
answer_fn answer_users, answer_erasing;               /* directory.c */
answer_fn answer_group, answer_members, answer_joins; /* members.c */

#endif
