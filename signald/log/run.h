/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * run: one run of the writer's transaction over a group of appends, and the
 * puts and look-ups that every kind of append is made of.
 * Owns: nothing.  Thread: the writer's.
 */
#ifndef FLOE_SIGNALD_LOG_RUN_H
#define FLOE_SIGNALD_LOG_RUN_H

#include "lib/base/buf.h"
#include "signald/log/apply.h"
#include "signald/log/schema.h"

struct run {
	struct store_txn *txn;
	struct apply_group *group;
	uint64_t next_id; /* of messages, users and conversations alike */
	uint64_t now_ts;  /* the latest stamp of the group */
};

/* How a kind of append is carried out: judges, then writes, then tells
 * r->done. A refusal (apply.c) leaves no row; anything else is the store's. */
typedef int run_fn(struct run *, struct apply_request *);

/* 0 or the store's error; STORE_INSERT over a row that is there is -EIO. */
int run_put(struct run *, enum schema_table, const struct schema_key *,
    const struct buf *value, enum store_put);
int
run_put_num(struct run *, enum schema_table, struct schema_key, uint64_t num);
/* -ENOENT: was not there. */
int run_del(struct run *, enum schema_table, struct schema_key);
/* The same of a row that may be gone already. */
int run_drop(struct run *, enum schema_table, struct schema_key);
int run_find_user(struct run *, const char *user, uint64_t *uid);
/* One that is not deleted. */
int run_find_peer(struct run *, const char *user, uint64_t *uid);

#endif
