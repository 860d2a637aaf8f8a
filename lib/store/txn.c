/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include <lmdb.h>

#include "lib/store/error.h"
#include "lib/store/store.h"
#include "lib/store/txn.h"

int
store_errno(int rc)
{
	switch (rc) {
	case 0:
		return 0;
	case MDB_NOTFOUND:
		return -ENOENT;
	case MDB_KEYEXIST:
		return -EEXIST;
	case MDB_MAP_FULL:
	case MDB_TXN_FULL:
	case EDQUOT:
	case EFBIG:
		return -ENOSPC;
	case MDB_BAD_VALSIZE:
	case MDB_VERSION_MISMATCH:
	case MDB_INVALID:
		return -EINVAL;
	case MDB_READERS_FULL:
	case MDB_DBS_FULL:
		return -ENFILE;
	default:
		return rc > 0 ? -rc : -EIO;
	}
}

static MDB_val
to_mdb(const struct store_val *v)
{
	return (MDB_val){ v->len, (void *)v->data };
}

static struct store_val
from_mdb(const MDB_val *v)
{
	return (struct store_val){ v->mv_data, v->mv_size };
}

int
store_get(struct store_txn *txn, unsigned int table,
    const struct store_val *key, struct store_val *val)
{
	MDB_val k = to_mdb(key), v;
	int rc;

	rc = mdb_get(txn->mdb, txn->tables[table], &k, &v);
	if (rc == 0)
		*val = from_mdb(&v);
	return store_errno(rc);
}

static int
doom(struct store_txn *txn, int rc)
{
	int err = store_errno(rc);

	if (txn->err == 0)
		txn->err = err;
	if (rc == MDB_MAP_FULL)
		txn->full = true;
	return err;
}

int
store_put(struct store_txn *txn, unsigned int table,
    const struct store_val *key, const struct store_val *val,
    enum store_put how)
{
	static const unsigned int flags[] = {
		[STORE_PUT] = 0,
		[STORE_INSERT] = MDB_NOOVERWRITE,
		[STORE_APPEND] = MDB_APPEND,
	};
	MDB_val k = to_mdb(key), v = to_mdb(val);
	int rc;

	rc = mdb_put(txn->mdb, txn->tables[table], &k, &v, flags[how]);
	if (rc == MDB_KEYEXIST && how == STORE_INSERT)
		return -EEXIST;
	return rc == 0 ? 0 : doom(txn, rc);
}

int
store_del(
    struct store_txn *txn, unsigned int table, const struct store_val *key)
{
	MDB_val k = to_mdb(key);
	int rc;

	rc = mdb_del(txn->mdb, txn->tables[table], &k, NULL);
	if (rc == MDB_NOTFOUND)
		return -ENOENT;
	return rc == 0 ? 0 : doom(txn, rc);
}

int
store_walk_init(struct store_walk *w, struct store_txn *txn, unsigned int table,
    const struct store_val *first, const struct store_val *last, bool down)
{
	memset(w, 0, sizeof(*w));
	w->first = *first;
	w->last = *last;
	w->down = down;
	return store_errno(
	    mdb_cursor_open(txn->mdb, txn->tables[table], &w->cursor));
}

static int
compare(const MDB_val *a, const struct store_val *b)
{
	size_t n = a->mv_size < b->len ? a->mv_size : b->len;
	int diff = memcmp(a->mv_data, b->data, n);

	if (diff != 0)
		return diff;
	return (a->mv_size > b->len) - (a->mv_size < b->len);
}

/* The highest key at or below last. */
static int
seek_down(struct store_walk *w, MDB_val *k, MDB_val *v)
{
	int rc;

	*k = to_mdb(&w->last);
	rc = mdb_cursor_get(w->cursor, k, v, MDB_SET_RANGE);
	if (rc == MDB_NOTFOUND)
		return mdb_cursor_get(w->cursor, k, v, MDB_LAST);
	if (rc == 0 && compare(k, &w->last) > 0)
		return mdb_cursor_get(w->cursor, k, v, MDB_PREV);
	return rc;
}

static int
step(struct store_walk *w, MDB_val *k, MDB_val *v)
{
	if (w->started)
		return mdb_cursor_get(
		    w->cursor, k, v, w->down ? MDB_PREV : MDB_NEXT);
	w->started = true;
	if (w->down)
		return seek_down(w, k, v);
	*k = to_mdb(&w->first);
	return mdb_cursor_get(w->cursor, k, v, MDB_SET_RANGE);
}

int
store_walk_next(
    struct store_walk *w, struct store_val *key, struct store_val *val)
{
	MDB_val k, v;
	int rc;

	rc = step(w, &k, &v);
	if (rc != 0)
		return store_errno(rc);
	if (w->down ? compare(&k, &w->first) < 0 : compare(&k, &w->last) > 0)
		return -ENOENT;
	*key = from_mdb(&k);
	*val = from_mdb(&v);
	return 0;
}

void
store_walk_fini(struct store_walk *w)
{
	if (w->cursor != NULL)
		mdb_cursor_close(w->cursor);
	w->cursor = NULL;
}
