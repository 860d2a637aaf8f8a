/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * store: durable ordered tables of bytes, over LMDB. A write runs in one
 * transaction that is on disk when store_write returns 0 and has left no
 * trace otherwise. Readers see a snapshot and never wait for a writer, but for
 * the moment in which the memory map grows.
 * Owns: the environment and its tables.  Thread: any; a reader and its walks
 * belong to one thread, which may hold one open snapshot at a time.
 */
#ifndef FLOE_LIB_STORE_STORE_H
#define FLOE_LIB_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STORE_KEY_MAX 511

struct store;
struct store_txn;
struct store_reader;
struct MDB_cursor;

struct store_val {
	const void *data;
	size_t len;
};

struct store_config {
	const char *dir;           /* exists; holds data.mdb and lock.mdb */
	const char *const *tables; /* named by their place here; NULL ends */
	uint64_t map_start;        /* bytes; grows by doubling */
	uint64_t map_max;          /* the hard cap: beyond it -ENOSPC */
	uint32_t readers;          /* at most so many readers */
};

/* 0 or -errno; -EINVAL: not one of our stores, -ENOSPC, -EACCES, ... */
int store_open(const struct store_config *, struct store **);
void store_close(struct store *); /* readers are freed before; NULL is fine */

/*
 * Runs fn in a write transaction and commits it durably when fn returns 0 and
 * every put and del in it succeeded. When the map had to grow meanwhile, fn is
 * run again from the start on the unchanged store. 0, what fn
 * returned, -ENOSPC (disk or map_max) or -EIO.
 */
typedef int store_write_fn(struct store_txn *, void *arg);
int store_write(struct store *, store_write_fn *, void *arg);

struct store_reader *store_reader_new(struct store *); /* NULL: no memory */
void store_reader_free(struct store_reader *);
/* A snapshot, until store_read_end. NULL: the store has failed. */
struct store_txn *store_read_begin(struct store_reader *);
void store_read_end(struct store_reader *);

/* *val is borrowed until the transaction ends, or changes something.
 * 0, -ENOENT or -EIO. */
int store_get(struct store_txn *, unsigned int table,
    const struct store_val *key, struct store_val *val);

enum store_put {
	STORE_PUT,    /* replaces */
	STORE_INSERT, /* -EEXIST when the key is there */
	STORE_APPEND, /* sorts after every key of the table: packs pages */
};
/* A failed put (but for -EEXIST) or del dooms the transaction. */
int store_put(struct store_txn *, unsigned int table,
    const struct store_val *key, const struct store_val *val, enum store_put);
/* -ENOENT is no error to the transaction. */
int
store_del(struct store_txn *, unsigned int table, const struct store_val *key);

/*
 * Walks the keys first..last, both included, up or down. The bounds are
 * borrowed until store_walk_fini, which every walk needs before its
 * transaction ends.
 */
struct store_walk {
	struct MDB_cursor *cursor;
	struct store_val first, last;
	bool down, started;
};

int store_walk_init(struct store_walk *, struct store_txn *, unsigned int table,
    const struct store_val *first, const struct store_val *last, bool down);
/* 0, -ENOENT at the end, or -EIO. */
int store_walk_next(
    struct store_walk *, struct store_val *key, struct store_val *val);
void store_walk_fini(struct store_walk *);

/*
 * Writes a compacted copy of the last commit into dir, which exists and is
 * empty, while readers and the writer go on. 0 or -errno.
 */
int store_copy(struct store *, const char *dir);

struct store_stats {
	uint64_t map_bytes;  /* of address space */
	uint64_t used_bytes; /* of file */
	uint64_t grown;      /* times the map grew since the open */
};
void store_stats(struct store *, struct store_stats *);

#endif
