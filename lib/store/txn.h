/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * txn: what store.c and txn.c share of a transaction.
 * Owns: nothing; whoever began it ends mdb.  Thread: its reader's or writer's.
 */
#ifndef FLOE_LIB_STORE_TXN_H
#define FLOE_LIB_STORE_TXN_H

#include <lmdb.h>
#include <stdbool.h>

struct store_txn {
	MDB_txn *mdb;
	MDB_dbi *tables;
	unsigned int ntables;
	int err;   /* of the first put or del that failed; dooms the commit */
	bool full; /* ... because the map was */
};

#endif
