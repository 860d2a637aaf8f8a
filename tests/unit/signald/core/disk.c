/* SPDX-License-Identifier: BSD-3-Clause */
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
	struct buf record;       /* of the last append */
	struct sig_receiver *to; /* likewise */
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
	buf_init(&d->record, RECORD_MAX);
	return d;
}

void
disk_free(struct disk *d)
{
	store_reader_free(d->reader);
	store_close(d->store);
	buf_fini(&d->record);
	free(d->to);
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

void
disk_append(
    struct disk *d, const struct sig_append *a, struct sig_appended *done)
{
	struct apply_list list = STAILQ_HEAD_INITIALIZER(list);
	struct apply_request r = { .append = (struct sig_append *)a,
		.record = d->record,
		.to = d->to };
	struct apply_group group = { .requests = &list,
		.mid_keep_ms = MID_KEEP_MS };
	int rc;

	STAILQ_INSERT_TAIL(&list, &r, next);
	rc = store_write(d->store, apply_group, &group);
	d->record = r.record;
	d->to = r.to;
	*done = r.done;
	if (rc != 0)
		*done = (struct sig_appended){ .err = rc };
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
