/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * userdb: users in state-dir, a record each under realm and name, and each
 * name under its USERHASH. Keys only, no password. A change is on disk when
 * the call returns, and seen by the next look-up of every thread; a look-up
 * reads mapped memory and waits for no writer.
 * Owns: the store.  Thread: changes any (the admin's, they sync to disk);
 * a reader belongs to one thread at a time.
 */
#ifndef FLOE_TURND_USERDB_H
#define FLOE_TURND_USERDB_H

#include "turnd/core/users.h"

/* With the longest realm a key of the store is full. */
#define USERDB_NAME_MAX 383

struct userdb;
struct userdb_reader;

/* Opens, and makes when it is missing, the store below state_dir, which other
 * processes may have open, too. 0 or -errno. */
int userdb_open(const char *state_dir, struct userdb **);
void userdb_close(struct userdb *); /* readers first; NULL is fine */

/* 0; -EINVAL: a name that cannot be stored; -ENOSPC; -EIO. *made: it was not
 * there before. */
int userdb_put(struct userdb *, const char *realm, const char *name,
    const struct turn_record *, bool *made);
int userdb_del(struct userdb *, const char *realm, const char *name);

struct userdb_reader *userdb_reader_new(struct userdb *); /* NULL: no memory */
void userdb_reader_free(struct userdb_reader *);
/* 0, -ENOENT or -EIO. */
int userdb_find(struct userdb_reader *, const char *realm, const char *name,
    struct turn_record *);
/* The name in this realm with this USERHASH. */
int userdb_by_hash(struct userdb_reader *, const char *realm,
    const uint8_t hash[CRYPTO_SHA256_LEN], char name[TURN_NAME_MAX + 1]);
/* Up to max of those that sort after (realm, name), in order; what fn is
 * given is borrowed. More tells that there are others. */
typedef void userdb_fn(
    void *arg, const char *realm, const char *name, const struct turn_record *);
int userdb_walk(struct userdb_reader *, const char *realm, const char *name,
    size_t max, userdb_fn *, void *arg, bool *more);

#endif
