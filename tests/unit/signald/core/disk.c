/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/store/store.h"
#include "signald/log/apply.h"
#include "signald/log/life.h"
#include "signald/log/msglog.h"
#include "signald/log/rows.h"
#include "signald/log/schema.h"
#include "tests/unit/signald/core/disk.h"

#define MAP_BYTES   (1ULL << 30) /* of address space; never grows */
#define RECORD_MAX  (512 * 1024)
#define MID_KEEP_MS (7 * 86400000ULL)

struct disk {
	struct store *store;
	struct store_reader *reader;
	char epoch[SIG_EPOCH_LEN];
	uint64_t mid_keep_ms;
	struct apply_request *requests; /* of the last commit */
	size_t nrequests;
	struct sig_row rows[MSGLOG_ROWS_MAX];
};

/* A world without its log tests nothing. */
static void
must(bool ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	abort();
}

static void
remove_from(const char *dir, const char *file)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	unlink(path);
}

/* Nobody else opens the store, so its names can go while it is open. */
static struct store *
open_store(void)
{
	const char *base =
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : getenv("TMPDIR");
	char dir[128];
	struct store_config cfg = { dir, schema_tables, MAP_BYTES, MAP_BYTES,
		2 };
	struct store *store;

	snprintf(dir, sizeof(dir), "%s/floe-disk-XXXXXX",
	    base != NULL ? base : "/tmp");
	must(mkdtemp(dir) != NULL, dir);
	must(store_open(&cfg, &store) == 0, dir);
	remove_from(dir, "data.mdb");
	remove_from(dir, "lock.mdb");
	rmdir(dir);
	return store;
}

struct disk *
disk_new(const char *epoch)
{
	struct disk *d = calloc(1, sizeof(*d));

	snprintf(d->epoch, sizeof(d->epoch), "%s", epoch);
	d->store = open_store();
	d->reader = store_reader_new(d->store);
	must(store_write(d->store, life_begin, d->epoch) == 0, "life_begin");
	d->mid_keep_ms = MID_KEEP_MS;
	return d;
}

void
disk_free(struct disk *d)
{
	store_reader_free(d->reader);
	store_close(d->store);
	for (; d->nrequests > 0; d->nrequests--) {
		buf_fini(&d->requests[d->nrequests - 1].record);
		free(d->requests[d->nrequests - 1].to);
	}
	free(d->requests);
	free(d);
}

void
disk_add_user(struct disk *d, const char *name, const char *nick)
{
	struct sig_append a = { .kind = SIG_APPEND_USER, .nick = (char *)nick };
	struct sig_appended done;

	snprintf(a.user, sizeof(a.user), "%s", name);
	disk_append(d, &a, &done); /* may be there already */
}

/* What results point into stays with them. */
static void
make_room(struct disk *d, size_t n)
{
	if (n <= d->nrequests)
		return;
	d->requests = realloc(d->requests, n * sizeof(*d->requests));
	must(d->requests != NULL, "realloc");
	for (; d->nrequests < n; d->nrequests++) {
		d->requests[d->nrequests] =
		    (struct apply_request){ .to = NULL };
		buf_init(&d->requests[d->nrequests].record, RECORD_MAX);
	}
}

struct commit {
	struct apply_group group;
	bool undo;
};

static int
write_commit(struct store_txn *txn, void *arg)
{
	struct commit *c = arg;
	int rc = apply_group(txn, &c->group);

	return rc == 0 && c->undo ? -ECANCELED : rc;
}

void
disk_commit(struct disk *d, const struct sig_append *const *appends, size_t n,
    struct sig_appended *done, bool undo)
{
	struct apply_list list = STAILQ_HEAD_INITIALIZER(list);
	struct commit c = {
		{ .requests = &list, .mid_keep_ms = d->mid_keep_ms }, undo
	};
	size_t i;
	int rc;

	make_room(d, n);
	for (i = 0; i < n; i++) {
		d->requests[i].append = (struct sig_append *)appends[i];
		STAILQ_INSERT_TAIL(&list, &d->requests[i], next);
	}
	rc = store_write(d->store, write_commit, &c);
	for (i = 0; i < n; i++) {
		done[i] = d->requests[i].done;
		if (rc != 0 && rc != -ECANCELED)
			done[i] = (struct sig_appended){ .err = rc };
	}
}

void
disk_befriend(struct disk *d, const char *one, const char *other)
{
	struct sig_append a = { .kind = SIG_APPEND_CONTACT,
		.contact = SIG_CONTACT_JOIN };
	struct sig_appended done;

	snprintf(a.user, sizeof(a.user), "%s", one);
	snprintf(a.peer, sizeof(a.peer), "%s", other);
	disk_append(d, &a, &done);
	must(done.err == 0, "disk_befriend");
}

void
disk_append(
    struct disk *d, const struct sig_append *a, struct sig_appended *done)
{
	disk_commit(d, &a, 1, done, false);
}

void
disk_keep_mids(struct disk *d, uint64_t ms)
{
	d->mid_keep_ms = ms;
}

void
disk_read(
    struct disk *d, const struct sig_read *read, disk_rows_fn *fn, void *arg)
{
	struct store_txn *txn = store_read_begin(d->reader);
	struct sig_rows rows;

	must(txn != NULL, "store_read_begin");
	rows_read(txn, d->rows, d->epoch, read, &rows);
	fn(arg, &rows);
	store_read_end(d->reader);
}

uint64_t
disk_cursor(struct disk *d, const char *user, const char *device)
{
	struct store_txn *txn = store_read_begin(d->reader);
	struct schema_key k = schema_name(user);
	uint64_t uid, sync = 0;

	must(schema_find(txn, T_USER_IDS, &k, &uid) == 0, user);
	k = schema_key_named(uid, device);
	schema_find(txn, T_CURSORS, &k, &sync);
	store_read_end(d->reader);
	return sync;
}

static size_t
count(struct disk *d, enum schema_table table)
{
	static const uint8_t high[STORE_KEY_MAX] = { [0] = 0xff };
	struct store_txn *txn = store_read_begin(d->reader);
	struct store_val first = { "", 1 }, last = { high, sizeof(high) }, k, v;
	struct store_walk walk;
	size_t n = 0;

	must(store_walk_init(&walk, txn, table, &first, &last, false) == 0,
	    "store_walk_init");
	while (store_walk_next(&walk, &k, &v) == 0)
		n++;
	store_walk_fini(&walk);
	store_read_end(d->reader);
	return n;
}

size_t
disk_count(struct disk *d)
{
	return count(d, T_MESSAGES);
}

size_t
disk_texts(struct disk *d)
{
	return count(d, T_MIDS);
}

size_t
disk_kept(struct disk *d)
{
	return count(d, T_KEPT);
}
