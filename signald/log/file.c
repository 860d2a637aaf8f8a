/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/cursor.h"
#include "signald/core/attach.h"
#include "signald/log/answer.h"
#include "signald/log/file.h"
#include "signald/log/msglog.h"

#define LAYOUT     1
#define SWEEP_STEP 64   /* files that one request forgets */
#define OWNER_STEP 256  /* owners that one request takes off a file */
#define CONVS_MAX  4096 /* looked through for one where the reader is */

static void
put_str(struct buf *b, const char *s)
{
	buf_put(b, s, strlen(s) + 1);
}

static const char *
get_str(struct cursor *c)
{
	const char *s = (const char *)c->data + c->pos;

	return (const char *)cursor_bytes(c, strnlen(s, cursor_left(c)) + 1);
}

static int
get_record(const struct store_val *v, struct file_record *f)
{
	struct cursor c = cursor_init(v->data, v->len);

	if (cursor_u8(&c) != LAYOUT)
		return -EIO;
	f->size = cursor_u64(&c);
	f->ts = cursor_u64(&c);
	f->refs = cursor_u64(&c);
	f->hash = get_str(&c);
	f->type = get_str(&c);
	return c.err == 0 ? 0 : -EIO;
}

static int
put_record(struct run *run, uint64_t fid, const struct file_record *f)
{
	uint8_t mem[SIG_FILE_HASH_LEN + SIG_FILE_TYPE_MAX + 32];
	struct buf b = buf_fixed(mem, sizeof(mem));
	struct schema_key k = schema_key1(fid);

	buf_u8(&b, LAYOUT);
	buf_u64(&b, f->size);
	buf_u64(&b, f->ts);
	buf_u64(&b, f->refs);
	put_str(&b, f->hash);
	put_str(&b, f->type);
	return run_put(run, T_FILES, &k, &b, STORE_PUT);
}

static int
find_record(struct store_txn *txn, uint64_t fid, struct file_record *f)
{
	struct schema_key k = schema_key1(fid);
	struct store_val key = schema_val(&k), v;
	int rc;

	rc = store_get(txn, T_FILES, &key, &v);
	return rc == 0 ? get_record(&v, f) : rc;
}

int
file_find(struct store_txn *txn, const char *hash, uint64_t *fid,
    struct file_record *f)
{
	struct schema_key k = schema_name(hash);
	int rc;

	rc = schema_find(txn, T_FILE_IDS, &k, fid);
	if (rc != 0)
		return rc;
	rc = find_record(txn, *fid, f);
	return rc == -ENOENT ? -EIO : rc;
}

int
file_may_read(struct store_txn *txn, uint64_t uid, uint64_t fid)
{
	struct schema_key k = schema_key2(fid, uid);
	struct schema_key lo = schema_key2(fid, 0);
	struct schema_key hi = schema_key2(fid, UINT64_MAX);
	struct store_val first = schema_val(&lo), last = schema_val(&hi);
	struct store_val key = schema_val(&k), v;
	struct schema_member m;
	struct store_walk walk;
	uint64_t at[3];
	bool hidden;
	int rc, i;

	rc = store_get(txn, T_FILE_OWNERS, &key, &v);
	if (rc != -ENOENT)
		return rc;
	rc = store_walk_init(&walk, txn, T_FILE_CONVS, &first, &last, false);
	if (rc != 0)
		return rc;
	for (i = 0; i < CONVS_MAX; i++) {
		rc = store_walk_next(&walk, &key, &v);
		if (rc == 0 && !schema_nums(&key, at, 3))
			rc = -EIO;
		if (rc != 0)
			break;
		rc = schema_member(txn, uid, at[1], &m);
		/* Who came later does not see what was before. */
		if (rc == 0 && m.since > at[2])
			rc = -ENOENT;
		if (rc == 0)
			rc = schema_hidden(txn, at[1], at[2], uid, &hidden);
		if (rc == 0 && hidden)
			rc = -ENOENT;
		if (rc != -ENOENT)
			break;
	}
	store_walk_fini(&walk);
	return rc;
}

/* What the owner's files, or all, count; no row is nothing. */
static int
bytes_of(struct store_txn *txn, uint64_t uid, uint64_t *bytes)
{
	struct schema_key k = schema_key1(uid);
	int rc;

	*bytes = 0;
	rc = schema_find(txn, T_FILE_BYTES, &k, bytes);
	return rc == -ENOENT ? 0 : rc;
}

static int
count_bytes(struct run *run, uint64_t uid, uint64_t cost, bool more)
{
	uint64_t bytes;
	int rc;

	rc = bytes_of(run->txn, uid, &bytes);
	if (rc != 0)
		return rc;
	if (!more && bytes < cost)
		return -EIO;
	return run_put_num(run, T_FILE_BYTES, schema_key1(uid),
	    more ? bytes + cost : bytes - cost);
}

static int
put_owner(
    struct run *run, uint64_t fid, uint64_t uid, const struct sig_append *a)
{
	struct schema_key k = schema_key2(fid, uid);
	uint8_t mem[SIG_FILE_NAME_MAX + 16];
	struct buf b = buf_fixed(mem, sizeof(mem));
	int rc;

	buf_u64(&b, a->ts);
	put_str(&b, a->file->name);
	rc = run_put(run, T_FILE_OWNERS, &k, &b, STORE_INSERT);
	if (rc == 0)
		rc = run_put_num(
		    run, T_USER_FILES, schema_key2(uid, fid), a->ts);
	return rc == 0
	    ? count_bytes(run, uid, sig_file_cost(a->file->size), true)
	    : rc;
}

static int
put_file(struct run *run, uint64_t fid, const struct sig_append *a)
{
	const struct sig_file *file = a->file;
	struct file_record f = { file->size, a->ts, 0, file->hash, file->type };
	int rc;

	rc = put_record(run, fid, &f);
	if (rc == 0)
		rc = run_put_num(run, T_FILE_IDS, schema_name(file->hash), fid);
	if (rc == 0)
		rc =
		    run_put_num(run, T_FILE_IDLE, schema_key2(a->ts, fid), fid);
	return rc == 0 ? count_bytes(run, 0, sig_file_cost(file->size), true)
		       : rc;
}

/* Whether one more fits into what the user, and all, may have. */
static int
judge_room(
    struct run *run, const struct sig_file *file, uint64_t uid, bool is_new)
{
	uint64_t mine, all, cost = sig_file_cost(file->size);
	int rc;

	rc = bytes_of(run->txn, uid, &mine);
	if (rc == 0)
		rc = bytes_of(run->txn, 0, &all);
	if (rc != 0)
		return rc;
	if (mine + cost > file->quota)
		return -EDQUOT;
	return is_new && all + cost > file->all ? -ENFILE : 0;
}

/* A type that says something is better than one that does not. */
static int
better_type(
    struct run *run, uint64_t fid, struct file_record *f, const char *type)
{
	struct file_record better = *f;
	char hash[SIG_FILE_HASH_LEN + 1];

	if (strcmp(f->type, SIG_FILE_TYPE_ANY) != 0 ||
	    strcmp(type, SIG_FILE_TYPE_ANY) == 0)
		return 0;
	snprintf(hash, sizeof(hash), "%s", f->hash);
	better.hash = hash;
	better.type = type;
	return put_record(run, fid, &better);
}

int
file_keep(struct run *run, struct apply_request *r)
{
	const struct sig_append *a = r->append;
	struct file_record f;
	struct schema_key k;
	struct store_val key, v;
	uint64_t uid, fid;
	bool is_new;
	int rc;

	rc = run_find_user(run, a->user, &uid);
	if (rc != 0)
		return rc;
	rc = file_find(run->txn, a->file->hash, &fid, &f);
	is_new = rc == -ENOENT;
	if (rc == 0) {
		k = schema_key2(fid, uid);
		key = schema_val(&k);
		rc = store_get(run->txn, T_FILE_OWNERS, &key, &v);
		r->done.duplicate = rc == 0;
	}
	if (rc == -ENOENT)
		rc = judge_room(run, a->file, uid, is_new);
	if (rc != 0)
		return rc;
	if (is_new) {
		fid = run->next_id++;
		rc = put_file(run, fid, a);
	} else {
		rc = better_type(run, fid, &f, a->file->type);
	}
	return rc == 0 && !r->done.duplicate ? put_owner(run, fid, uid, a) : rc;
}

int
file_judge(
    struct run *run, const struct sig_append *a, uint64_t uid, struct buf *body)
{
	struct file_record f;
	uint64_t fid;
	int rc;

	rc = file_find(run->txn, a->file->hash, &fid, &f);
	if (rc == 0)
		rc = file_may_read(run->txn, uid, fid);
	if (rc != 0)
		return rc;
	sig_attach_stamp(body, a->body, a->body_len, f.size, f.type);
	return body->err;
}

/* One message more or less that refers to the file. */
static int
count_refs(
    struct run *run, uint64_t fid, const struct file_record *old, bool more)
{
	char hash[SIG_FILE_HASH_LEN + 1], type[SIG_FILE_TYPE_MAX + 1];
	struct file_record f = *old;
	int rc;

	if (!more && f.refs == 0)
		return -EIO;
	/* What is borrowed from the store goes with the first change. */
	snprintf(hash, sizeof(hash), "%s", f.hash);
	snprintf(type, sizeof(type), "%s", f.type);
	f.hash = hash;
	f.type = type;
	f.refs = more ? f.refs + 1 : f.refs - 1;
	rc = put_record(run, fid, &f);
	if (rc == 0 && more && f.refs == 1)
		rc = run_del(run, T_FILE_IDLE, schema_key2(f.ts, fid));
	else if (rc == 0 && f.refs == 0)
		rc = run_put_num(run, T_FILE_IDLE, schema_key2(f.ts, fid), fid);
	return rc == -ENOENT ? -EIO : rc;
}

int
file_refer(
    struct run *run, const struct sig_append *a, uint64_t cid, uint64_t seq)
{
	struct file_record f;
	uint64_t fid;
	int rc;

	rc = file_find(run->txn, a->file->hash, &fid, &f);
	if (rc == 0)
		rc = count_refs(run, fid, &f, true);
	if (rc == 0)
		rc = run_put_num(
		    run, T_FILE_CONVS, schema_key3(fid, cid, seq), a->ts);
	return rc == -ENOENT ? -EIO : rc;
}

int
file_unrefer(struct run *run, const char *hash, uint64_t cid, uint64_t seq)
{
	struct file_record f;
	uint64_t fid;
	int rc;

	rc = file_find(run->txn, hash, &fid, &f);
	if (rc == 0)
		rc = count_refs(run, fid, &f, false);
	if (rc == 0)
		rc = run_del(run, T_FILE_CONVS, schema_key3(fid, cid, seq));
	return rc == -ENOENT ? -EIO : rc;
}

int
file_disown(struct run *run, uint64_t uid, uint64_t fid)
{
	struct file_record f;
	int rc;

	rc = find_record(run->txn, fid, &f);
	if (rc == 0)
		rc = run_del(run, T_FILE_OWNERS, schema_key2(fid, uid));
	if (rc == 0)
		rc = run_del(run, T_USER_FILES, schema_key2(uid, fid));
	return rc == 0 ? count_bytes(run, uid, sig_file_cost(f.size), false)
		       : rc;
}

/* Takes owners off a file. -EAGAIN: there are more than one step takes. */
static int
drop_owners(struct run *run, uint64_t fid, uint64_t cost)
{
	struct schema_key lo = schema_key2(fid, 0);
	struct schema_key hi = schema_key2(fid, UINT64_MAX);
	struct store_val v;
	uint64_t at[2];
	int rc, i;

	for (i = 0; i < OWNER_STEP; i++) {
		rc = schema_first_nums(
		    run->txn, T_FILE_OWNERS, &lo, &hi, at, &v);
		if (rc != 0)
			return rc == -ENOENT ? 0 : rc;
		rc = run_del(run, T_FILE_OWNERS, schema_key2(fid, at[1]));
		if (rc == 0)
			rc =
			    run_del(run, T_USER_FILES, schema_key2(at[1], fid));
		if (rc == 0)
			rc = count_bytes(run, at[1], cost, false);
		if (rc != 0)
			return rc == -ENOENT ? -EIO : rc;
	}
	return -EAGAIN;
}

/* -EAGAIN: not done with it yet. */
static int
forget(struct run *run, uint64_t ts, uint64_t fid)
{
	char hash[SIG_FILE_HASH_LEN + 1];
	struct file_record f;
	uint64_t cost;
	int rc;

	rc = find_record(run->txn, fid, &f);
	if (rc != 0 || f.refs != 0)
		return -EIO;
	cost = sig_file_cost(f.size);
	snprintf(hash, sizeof(hash), "%s", f.hash);
	rc = drop_owners(run, fid, cost);
	if (rc == 0)
		rc = run_del(run, T_FILE_IDLE, schema_key2(ts, fid));
	if (rc == 0)
		rc = run_del(run, T_FILE_IDS, schema_name(hash));
	if (rc == 0)
		rc = run_del(run, T_FILES, schema_key1(fid));
	if (rc == 0)
		rc = count_bytes(run, 0, cost, false);
	if (rc == 0)
		rc = run_put_num(run, T_FILE_GONE, schema_name(hash), fid);
	return rc == -ENOENT ? -EIO : rc;
}

/* done.seq: how many it has forgotten. */
int
file_sweep(struct run *run, struct apply_request *r)
{
	const struct sig_append *a = r->append;
	uint64_t until = a->ts > a->sync ? a->ts - a->sync : 0;
	struct schema_key lo = schema_key2(0, 0);
	struct schema_key hi = schema_key2(until, UINT64_MAX);
	struct store_val v;
	uint64_t at[2];
	int rc = 0;

	while (r->done.seq < SWEEP_STEP) {
		rc = schema_first_nums(run->txn, T_FILE_IDLE, &lo, &hi, at, &v);
		if (rc == 0)
			rc = forget(run, at[0], at[1]);
		if (rc != 0)
			break;
		r->done.seq++;
	}
	return rc == -ENOENT || rc == -EAGAIN ? 0 : rc;
}

int
file_gone(struct run *run, struct apply_request *r)
{
	return run_drop(run, T_FILE_GONE, schema_name(r->append->file->hash));
}

int
msglog_file(struct msglog_reader *r, const char *user, const char *hash,
    struct msglog_file *out)
{
	struct store_txn *txn = msglog_begin(r);
	struct schema_key k = schema_name(user);
	struct file_record f;
	uint64_t uid, fid;
	int rc;

	if (txn == NULL)
		return -EIO;
	rc = schema_find(txn, T_USER_IDS, &k, &uid);
	if (rc == 0)
		rc = file_find(txn, hash, &fid, &f);
	if (rc == 0)
		rc = file_may_read(txn, uid, fid);
	if (rc == 0) {
		out->size = f.size;
		snprintf(out->type, sizeof(out->type), "%s", f.type);
	}
	msglog_end(r);
	return rc;
}

int
msglog_file_known(struct msglog_reader *r, const char *hash)
{
	struct store_txn *txn = msglog_begin(r);
	struct file_record f;
	uint64_t fid;
	int rc;

	if (txn == NULL)
		return -EIO;
	rc = file_find(txn, hash, &fid, &f);
	msglog_end(r);
	return rc;
}

int
msglog_file_bytes(
    struct msglog_reader *r, const char *user, uint64_t *mine, uint64_t *all)
{
	struct store_txn *txn = msglog_begin(r);
	struct schema_key k = schema_name(user);
	uint64_t uid, own = 0, total = 0;
	int rc;

	if (txn == NULL)
		return -EIO;
	rc = schema_find(txn, T_USER_IDS, &k, &uid);
	if (rc == 0)
		rc = bytes_of(txn, uid, &own);
	if (rc == 0 || rc == -ENOENT)
		rc = bytes_of(txn, 0, &total);
	msglog_end(r);
	if (rc == 0) {
		*mine = own;
		*all = total;
	}
	return rc;
}

int
msglog_file_idle(struct msglog_reader *r, uint64_t ts)
{
	struct store_txn *txn = msglog_begin(r);
	struct schema_key lo = schema_key2(0, 0);
	struct schema_key hi = schema_key2(ts, UINT64_MAX);
	struct store_val v;
	uint64_t at[2];
	int rc;

	if (txn == NULL)
		return -EIO;
	rc = schema_first_nums(txn, T_FILE_IDLE, &lo, &hi, at, &v);
	msglog_end(r);
	return rc;
}

int
msglog_file_gone(struct msglog_reader *r, char hash[SIG_FILE_HASH_LEN + 1])
{
	struct store_txn *txn = msglog_begin(r);
	struct schema_key lo = schema_name("0"), hi = schema_name("g");
	struct store_val k, v;
	int rc;

	if (txn == NULL)
		return -EIO;
	rc = schema_first(txn, T_FILE_GONE, &lo, &hi, &k, &v);
	if (rc == 0 && k.len != SIG_FILE_HASH_LEN)
		rc = -EIO;
	if (rc == 0) {
		memcpy(hash, k.data, k.len);
		hash[k.len] = '\0';
	}
	msglog_end(r);
	return rc;
}

static int
file_row(
    struct answer *a, const struct store_val *key, const struct store_val *val)
{
	struct schema_key k;
	struct store_val owner_key, owner;
	struct file_record f;
	struct sig_row *row;
	struct cursor c;
	uint64_t at[2];
	int rc;

	if (!schema_nums(key, at, 2))
		return -EIO;
	k = schema_key2(at[1], a->uid);
	owner_key = schema_val(&k);
	rc = answer_must(find_record(a->txn, at[1], &f));
	if (rc == 0)
		rc = answer_must(
		    store_get(a->txn, T_FILE_OWNERS, &owner_key, &owner));
	if (rc != 0)
		return rc;
	row = answer_add(a);
	c = cursor_init(owner.data, owner.len);
	row->seq = at[1];
	row->ts = cursor_u64(&c);
	row->title = get_str(&c);
	row->size = f.size;
	row->text = f.hash;
	row->text_len = strlen(f.hash);
	return c.err == 0 ? 0 : -EIO;
}

int
answer_files(struct answer *a)
{
	struct schema_key hi = schema_key2(a->uid, UINT64_MAX);
	struct schema_key lo = schema_key2(a->uid, a->read->from + 1);

	return answer_walk(a, T_USER_FILES, &lo, &hi, false, file_row);
}
