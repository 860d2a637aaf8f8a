/* SPDX-License-Identifier: BSD-3-Clause */
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/buf.h"
#include "lib/base/cursor.h"
#include "lib/store/store.h"
#include "lib/stun/message.h"
#include "turnd/userdb.h"

#define FOLDER    "turnd-users"
#define MAP_START (UINT64_C(16) << 20)
#define MAP_MAX   (UINT64_C(4) << 30)
#define REALM_MAX 127
/* Of all processes: a place is 64 bytes, and who finds none finds no user. */
#define READERS 1024

/* "realm\0name" -> record; USERHASH -> "realm\0name". */
enum { USERS, BY_HASH };
static const char *const tables[] = { "users", "by-hash", NULL };

/* How a record is written: version, keys, expiry, bandwidth, quota. */
#define VERSION    1
#define RECORD_LEN (1 + CRYPTO_MD5_LEN + CRYPTO_SHA256_LEN + 8 + 8 + 4)

static_assert(REALM_MAX + 1 + USERDB_NAME_MAX == STORE_KEY_MAX,
    "realm, NUL and name fill a key");

struct userdb {
	struct store *store;
};

struct userdb_reader {
	struct store_reader *reader;
};

/* A change under way, and its key as the store knows it. */
struct change {
	char key[STORE_KEY_MAX];
	size_t len;
	uint8_t hash[CRYPTO_SHA256_LEN];
	uint8_t record[RECORD_LEN];
	bool made;
};

static int
make_folder(const char *path)
{
	return mkdir(path, 0700) != 0 && errno != EEXIST ? -errno : 0;
}

int
userdb_open(const char *state_dir, struct userdb **out)
{
	char dir[PATH_MAX];
	const struct store_config cfg = { dir, tables, MAP_START, MAP_MAX,
		READERS };
	struct userdb *db;
	int err;

	if (snprintf(dir, sizeof(dir), "%s/" FOLDER, state_dir) >=
	    (int)sizeof(dir))
		return -ENAMETOOLONG;
	err = make_folder(state_dir);
	if (err == 0)
		err = make_folder(dir);
	if (err != 0)
		return err;
	db = calloc(1, sizeof(*db));
	if (db == NULL)
		return -ENOMEM;
	err = store_open(&cfg, &db->store);
	if (err != 0) {
		free(db);
		return err;
	}
	*out = db;
	return 0;
}

void
userdb_close(struct userdb *db)
{
	if (db == NULL)
		return;
	store_close(db->store);
	free(db);
}

/* The length, 0 when it cannot be a key. */
static size_t
make_key(const char *realm, const char *name, char key[STORE_KEY_MAX])
{
	size_t head = strlen(realm) + 1, len = strlen(name);

	if (head - 1 > REALM_MAX || len == 0 || len > USERDB_NAME_MAX)
		return 0;
	memcpy(key, realm, head);
	memcpy(key + head, name, len);
	return head + len;
}

static void
encode(const struct turn_record *rec, uint8_t out[RECORD_LEN])
{
	struct buf b = buf_fixed(out, RECORD_LEN);

	buf_u8(&b, VERSION);
	buf_put(&b, rec->md5, sizeof(rec->md5));
	buf_put(&b, rec->sha256, sizeof(rec->sha256));
	buf_u64(&b, rec->expires_s);
	buf_u64(&b, rec->bandwidth);
	buf_u32(&b, rec->quota);
}

static int
decode(const struct store_val *val, struct turn_record *rec)
{
	struct cursor c = cursor_init(val->data, val->len);
	uint8_t version = cursor_u8(&c);
	const void *md5 = cursor_bytes(&c, sizeof(rec->md5));
	const void *sha256 = cursor_bytes(&c, sizeof(rec->sha256));

	rec->expires_s = cursor_u64(&c);
	rec->bandwidth = cursor_u64(&c);
	rec->quota = cursor_u32(&c);
	if (c.err != 0 || version != VERSION || cursor_left(&c) != 0)
		return -EIO;
	memcpy(rec->md5, md5, sizeof(rec->md5));
	memcpy(rec->sha256, sha256, sizeof(rec->sha256));
	return 0;
}

static int
change_init(struct change *c, const char *realm, const char *name)
{
	c->made = false;
	c->len = make_key(realm, name, c->key);
	return c->len == 0 ? -EINVAL : stun_userhash(name, realm, c->hash);
}

static int
put_in(struct store_txn *txn, void *arg)
{
	struct change *c = arg;
	const struct store_val key = { c->key, c->len };
	const struct store_val hash = { c->hash, sizeof(c->hash) };
	const struct store_val record = { c->record, sizeof(c->record) };
	struct store_val old;
	int err;

	err = store_get(txn, USERS, &key, &old);
	c->made = err == -ENOENT;
	if (err == 0 || c->made)
		err = store_put(txn, USERS, &key, &record, STORE_PUT);
	if (err == 0)
		err = store_put(txn, BY_HASH, &hash, &key, STORE_PUT);
	return err;
}

int
userdb_put(struct userdb *db, const char *realm, const char *name,
    const struct turn_record *rec, bool *made)
{
	struct change c;
	int err = change_init(&c, realm, name);

	if (err != 0)
		return err;
	encode(rec, c.record);
	err = store_write(db->store, put_in, &c);
	crypto_wipe(c.record, sizeof(c.record));
	if (err == 0)
		*made = c.made;
	return err;
}

static int
del_in(struct store_txn *txn, void *arg)
{
	struct change *c = arg;
	const struct store_val key = { c->key, c->len };
	const struct store_val hash = { c->hash, sizeof(c->hash) };
	int err;

	err = store_del(txn, USERS, &key);
	if (err != 0)
		return err;
	err = store_del(txn, BY_HASH, &hash);
	return err == -ENOENT ? 0 : err;
}

int
userdb_del(struct userdb *db, const char *realm, const char *name)
{
	struct change c;
	int err = change_init(&c, realm, name);

	if (err != 0)
		return err == -EINVAL ? -ENOENT : err;
	return store_write(db->store, del_in, &c);
}

struct userdb_reader *
userdb_reader_new(struct userdb *db)
{
	struct userdb_reader *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->reader = store_reader_new(db->store);
	if (r->reader == NULL) {
		free(r);
		return NULL;
	}
	return r;
}

void
userdb_reader_free(struct userdb_reader *r)
{
	if (r == NULL)
		return;
	store_reader_free(r->reader);
	free(r);
}

int
userdb_find(struct userdb_reader *r, const char *realm, const char *name,
    struct turn_record *rec)
{
	char bytes[STORE_KEY_MAX];
	struct store_val key = { bytes, make_key(realm, name, bytes) }, val;
	struct store_txn *txn;
	int err;

	if (key.len == 0)
		return -ENOENT;
	txn = store_read_begin(r->reader);
	if (txn == NULL)
		return -EIO;
	err = store_get(txn, USERS, &key, &val);
	if (err == 0)
		err = decode(&val, rec);
	store_read_end(r->reader);
	return err;
}

int
userdb_by_hash(struct userdb_reader *r, const char *realm,
    const uint8_t hash[CRYPTO_SHA256_LEN], char name[TURN_NAME_MAX + 1])
{
	const struct store_val key = { hash, CRYPTO_SHA256_LEN };
	size_t head = strlen(realm) + 1;
	struct store_txn *txn;
	struct store_val val;
	int err;

	txn = store_read_begin(r->reader);
	if (txn == NULL)
		return -EIO;
	err = store_get(txn, BY_HASH, &key, &val);
	/* "a:b" in c and "a" in b:c hash alike. */
	if (err == 0 && (val.len <= head || memcmp(val.data, realm, head) != 0))
		err = -ENOENT;
	if (err == 0) {
		memcpy(name, (const char *)val.data + head, val.len - head);
		name[val.len - head] = '\0';
	}
	store_read_end(r->reader);
	return err;
}

static int
walk(struct store_walk *w, const struct store_val *after, size_t max,
    userdb_fn *fn, void *arg, bool *more)
{
	struct store_val key, val;
	struct turn_record rec;
	char bytes[STORE_KEY_MAX + 1];
	size_t n = 0;
	int err;

	*more = false;
	while ((err = store_walk_next(w, &key, &val)) == 0) {
		if (key.len == after->len &&
		    memcmp(key.data, after->data, key.len) == 0)
			continue;
		if (n++ == max) {
			*more = true;
			break;
		}
		if (key.len > STORE_KEY_MAX || decode(&val, &rec) != 0)
			return -EIO;
		memcpy(bytes, key.data, key.len);
		bytes[key.len] = '\0';
		fn(arg, bytes, bytes + strnlen(bytes, key.len - 1) + 1, &rec);
	}
	crypto_wipe(&rec, sizeof(rec));
	return err == -ENOENT ? 0 : err;
}

int
userdb_walk(struct userdb_reader *r, const char *realm, const char *name,
    size_t max, userdb_fn *fn, void *arg, bool *more)
{
	char bytes[STORE_KEY_MAX] = { 0 };
	/* No realm begins with this byte: it is not UTF-8. */
	const struct store_val last = { "\xff", 1 };
	struct store_val after = { bytes, make_key(realm, name, bytes) };
	struct store_txn *txn;
	struct store_walk w;
	int err;

	if (after.len == 0)
		after.len = 1; /* a NUL: before them all */
	txn = store_read_begin(r->reader);
	if (txn == NULL)
		return -EIO;
	err = store_walk_init(&w, txn, USERS, &after, &last, false);
	if (err == 0) {
		err = walk(&w, &after, max, fn, arg, more);
		store_walk_fini(&w);
	}
	store_read_end(r->reader);
	return err;
}
