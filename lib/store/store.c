/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include <lmdb.h>

#include "lib/log/log.h"
#include "lib/store/error.h"
#include "lib/store/store.h"
#include "lib/store/txn.h"

#define DISK_RESERVE (1024 * 1024) /* less than this free is a full disk */

struct store {
	MDB_env *env;
	MDB_dbi *tables;
	unsigned int ntables;
	uint64_t map_bytes; /* changed under the write side of map_lock */
	uint64_t map_max;
	uint64_t grown;
	/*
	 * LMDB may move its map only while no transaction is open in the
	 * process. Every transaction holds the read side.
	 */
	pthread_rwlock_t map_lock;
	_Atomic uint64_t committing; /* the newest that was begun to commit */
};

struct store_reader {
	struct store *store;
	struct store_txn txn; /* txn.mdb stays, reset between snapshots */
};

static int
map_lock_init(pthread_rwlock_t *lock)
{
	pthread_rwlockattr_t attr;
	int rc;

	rc = pthread_rwlockattr_init(&attr);
	if (rc != 0)
		return -rc;
	/* A steady stream of readers must not keep the map from growing. */
	pthread_rwlockattr_setkind_np(
	    &attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	rc = pthread_rwlock_init(lock, &attr);
	pthread_rwlockattr_destroy(&attr);
	return -rc;
}

/* The map that the file asks for may be larger than the one we asked for. */
static void
map_refresh(struct store *s)
{
	MDB_envinfo info;

	mdb_env_info(s->env, &info);
	s->map_bytes = info.me_mapsize;
}

/* 0 when the map has grown since it was seen at seen bytes. */
static int
map_grow(struct store *s, uint64_t seen)
{
	uint64_t want;
	int rc = 0;

	pthread_rwlock_wrlock(&s->map_lock);
	if (s->map_bytes == seen) {
		want = seen > s->map_max / 2 ? s->map_max : seen * 2;
		rc = want <= seen ? MDB_MAP_FULL
				  : mdb_env_set_mapsize(s->env, want);
		if (rc == 0) {
			map_refresh(s);
			s->grown++;
			log_info("store_grown", KV_U("bytes", s->map_bytes));
		}
	}
	pthread_rwlock_unlock(&s->map_lock);
	return store_errno(rc);
}

/* Another process grew the file: take its size over. */
static int
map_adopt(struct store *s)
{
	int rc;

	pthread_rwlock_wrlock(&s->map_lock);
	rc = mdb_env_set_mapsize(s->env, 0);
	if (rc == 0)
		map_refresh(s);
	pthread_rwlock_unlock(&s->map_lock);
	return store_errno(rc);
}

static int
open_tables(struct store_txn *txn, void *arg)
{
	const char *const *names = arg;
	unsigned int i;
	int rc;

	for (i = 0; i < txn->ntables; i++) {
		rc = mdb_dbi_open(
		    txn->mdb, names[i], MDB_CREATE, &txn->tables[i]);
		txn->full = rc == MDB_MAP_FULL;
		if (rc != 0)
			return store_errno(rc);
	}
	return 0;
}

static int
open_env(struct store *s, const struct store_config *cfg)
{
	int rc;

	rc = mdb_env_create(&s->env);
	if (rc != 0)
		return rc;
	rc = mdb_env_set_maxdbs(s->env, s->ntables);
	if (rc == 0)
		rc = mdb_env_set_maxreaders(s->env, cfg->readers);
	if (rc == 0)
		rc = mdb_env_set_mapsize(s->env, cfg->map_start);
	/* Pages are read at random: what the kernel would read ahead is waste.
	 */
	if (rc == 0)
		rc = mdb_env_open(
		    s->env, cfg->dir, MDB_NOTLS | MDB_NORDAHEAD, 0600);
	return rc;
}

int
store_open(const struct store_config *cfg, struct store **out)
{
	struct store *s;
	int rc;

	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return -ENOMEM;
	rc = map_lock_init(&s->map_lock);
	if (rc != 0) {
		free(s);
		return rc;
	}
	s->map_max = cfg->map_max;
	while (cfg->tables[s->ntables] != NULL)
		s->ntables++;
	s->tables = calloc(s->ntables, sizeof(*s->tables));
	rc = s->tables == NULL ? -ENOMEM : store_errno(open_env(s, cfg));
	if (rc == 0) {
		map_refresh(s);
		rc = store_write(s, open_tables, (void *)cfg->tables);
	}
	if (rc != 0) {
		store_close(s);
		return rc;
	}
	*out = s;
	return 0;
}

void
store_close(struct store *s)
{
	if (s == NULL)
		return;
	if (s->env != NULL)
		mdb_env_close(s->env);
	pthread_rwlock_destroy(&s->map_lock);
	free(s->tables);
	free(s);
}

/* LMDB calls a write that the full disk cut short an I/O error. */
static int
commit_errno(struct store *s, int rc)
{
	struct statvfs vfs;
	const char *dir;

	if (rc == EIO && mdb_env_get_path(s->env, &dir) == 0 &&
	    statvfs(dir, &vfs) == 0 &&
	    (uint64_t)vfs.f_bavail * vfs.f_frsize < DISK_RESERVE)
		rc = ENOSPC;
	return store_errno(rc);
}

/* One attempt; *full or *resized: the map was, another one may help. */
static int
write_once(
    struct store *s, store_write_fn *fn, void *arg, bool *full, bool *resized)
{
	struct store_txn txn = { .tables = s->tables, .ntables = s->ntables };
	int rc;

	rc = mdb_txn_begin(s->env, NULL, 0, &txn.mdb);
	*resized = rc == MDB_MAP_RESIZED;
	if (rc != 0)
		return store_errno(rc);
	rc = fn(&txn, arg);
	if (rc == 0)
		rc = txn.err;
	if (rc != 0) {
		mdb_txn_abort(txn.mdb);
	} else {
		atomic_store(&s->committing, mdb_txn_id(txn.mdb));
		rc = mdb_txn_commit(txn.mdb);
		txn.full = rc == MDB_MAP_FULL;
		rc = commit_errno(s, rc);
	}
	*full = txn.full;
	return rc;
}

int
store_write(struct store *s, store_write_fn *fn, void *arg)
{
	bool full, resized;
	uint64_t seen;
	int rc;

	for (;;) {
		full = resized = false;
		pthread_rwlock_rdlock(&s->map_lock);
		seen = s->map_bytes;
		rc = write_once(s, fn, arg, &full, &resized);
		pthread_rwlock_unlock(&s->map_lock);
		if (rc == 0)
			return 0;
		if (full)
			rc = map_grow(s, seen);
		else if (resized)
			rc = map_adopt(s);
		else
			return rc;
		if (rc != 0)
			return rc;
	}
}

struct store_reader *
store_reader_new(struct store *s)
{
	struct store_reader *r;

	r = calloc(1, sizeof(*r));
	if (r == NULL)
		return NULL;
	r->store = s;
	r->txn.tables = s->tables;
	r->txn.ntables = s->ntables;
	return r;
}

void
store_reader_free(struct store_reader *r)
{
	if (r == NULL)
		return;
	if (r->txn.mdb != NULL)
		mdb_txn_abort(r->txn.mdb);
	free(r);
}

/*
 * LMDB takes the number of the last commit and then the root from one of two
 * pages, which every second commit writes. A thread that stands still in
 * between finds there what the second one after it is only about to commit, or
 * half of it; a later reader may then see less than this one.
 */
static bool
reader_overtaken(struct store_reader *r)
{
	atomic_thread_fence(memory_order_seq_cst);
	return atomic_load(&r->store->committing) >= mdb_txn_id(r->txn.mdb) + 2;
}

static int
reader_start(struct store_reader *r)
{
	int rc;

	if (r->txn.mdb != NULL)
		rc = mdb_txn_renew(r->txn.mdb);
	else
		rc =
		    mdb_txn_begin(r->store->env, NULL, MDB_RDONLY, &r->txn.mdb);
	while (rc == 0 && reader_overtaken(r)) {
		mdb_txn_reset(r->txn.mdb);
		rc = mdb_txn_renew(r->txn.mdb);
	}
	return rc;
}

struct store_txn *
store_read_begin(struct store_reader *r)
{
	struct store *s = r->store;
	int rc;

	for (;;) {
		pthread_rwlock_rdlock(&s->map_lock);
		rc = reader_start(r);
		if (rc == 0)
			return &r->txn;
		pthread_rwlock_unlock(&s->map_lock);
		if (rc != MDB_MAP_RESIZED || map_adopt(s) != 0) {
			log_error("store_read_failed",
			    KV_S("error", mdb_strerror(rc)));
			return NULL;
		}
	}
}

void
store_read_end(struct store_reader *r)
{
	mdb_txn_reset(r->txn.mdb);
	pthread_rwlock_unlock(&r->store->map_lock);
}

/*
 * A copy reads one snapshot to its end, and meanwhile the map cannot grow: the
 * room for that comes first, so that the writer does not have to wait.
 */
static int
map_grow_ahead(struct store *s)
{
	struct store_stats stats;

	store_stats(s, &stats);
	if (stats.used_bytes <= stats.map_bytes / 2 ||
	    stats.map_bytes >= s->map_max)
		return 0;
	return map_grow(s, stats.map_bytes);
}

int
store_copy(struct store *s, const char *dir)
{
	int rc = map_grow_ahead(s);

	if (rc != 0)
		return rc;
	pthread_rwlock_rdlock(&s->map_lock);
	rc = mdb_env_copy2(s->env, dir, MDB_CP_COMPACT);
	pthread_rwlock_unlock(&s->map_lock);
	return store_errno(rc);
}

void
store_stats(struct store *s, struct store_stats *out)
{
	MDB_envinfo info;
	MDB_stat stat;

	pthread_rwlock_rdlock(&s->map_lock);
	mdb_env_info(s->env, &info);
	mdb_env_stat(s->env, &stat);
	out->map_bytes = s->map_bytes;
	out->used_bytes = (info.me_last_pgno + 1) * (uint64_t)stat.ms_psize;
	out->grown = s->grown;
	pthread_rwlock_unlock(&s->map_lock);
}
