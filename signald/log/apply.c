/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/json/json.h"
#include "signald/log/amend.h"
#include "signald/log/apply.h"
#include "signald/log/schema.h"

/* Mids that a commit forgets: at least these, and two for each that it adds,
 * so that the oldest go faster than new ones come. */
#define EXPIRE_STEP 16
#define EXPIRE_MAX  512

struct run {
	struct store_txn *txn;
	struct apply_group *group;
	uint64_t next_id; /* of messages, users and conversations alike */
	uint64_t now_ts;  /* the latest stamp of the group */
};

static int
put(struct run *run, enum schema_table table, const struct schema_key *key,
    const struct buf *value, enum store_put how)
{
	struct store_val k = schema_val(key);
	struct store_val v = { value->data, value->len };

	int rc;

	if (value->err != 0)
		return value->err;
	rc = store_put(run->txn, table, &k, &v, how);
	/* Judged before: a row that is there means that the store is broken. */
	return rc == -EEXIST ? -EIO : rc;
}

static int
put_num(struct run *run, enum schema_table table, struct schema_key key,
    uint64_t num)
{
	uint8_t mem[8];
	struct buf b = buf_fixed(mem, sizeof(mem));

	buf_u64(&b, num);
	return put(run, table, &key, &b, STORE_PUT);
}

static int
del(struct run *run, enum schema_table table, struct schema_key key)
{
	struct store_val k = schema_val(&key);

	return store_del(run->txn, table, &k);
}

static int
find_user(struct run *run, const char *user, uint64_t *uid)
{
	struct schema_key k = schema_name(user);

	return schema_find(run->txn, T_USER_IDS, &k, uid);
}

/* Where a message goes. */
struct place {
	uint64_t uid, peer;
	uint64_t cid; /* 0: the conversation is still to be founded */
	int side;     /* of the sender in the conversation */
	uint64_t seq, sync_user, sync_peer;
	uint64_t count[2], latest; /* as in struct schema_message */
};

static int
find_place(struct run *run, const struct sig_append *a, struct place *p)
{
	struct schema_key k = schema_name(a->conv);
	struct schema_conv conv;
	int rc;

	memset(p, 0, sizeof(*p));
	rc = find_user(run, a->user, &p->uid);
	if (rc == 0)
		rc = find_user(run, a->peer, &p->peer);
	if (rc != 0)
		return rc;
	rc = schema_find(run->txn, T_CONV_IDS, &k, &p->cid);
	if (rc == -ENOENT)
		return 0;
	if (rc == 0)
		rc = schema_conv(run->txn, p->cid, &conv);
	if (rc != 0)
		return rc == -ENOENT ? -EIO : rc;
	p->side = conv.member[1] == p->uid;
	return conv.member[p->side] == p->uid &&
		conv.member[!p->side] == p->peer
	    ? 0
	    : -ENOENT;
}

static int
found_conv(struct run *run, const struct sig_append *a, struct place *p)
{
	struct schema_conv conv = { a->ts, { p->uid, p->peer }, a->conv };
	uint8_t mem[64 + SIG_CONV_MAX];
	struct buf b = buf_fixed(mem, sizeof(mem));
	struct schema_key k;
	int rc;

	p->cid = run->next_id++;
	schema_put_conv(&b, &conv);
	k = schema_key1(p->cid);
	rc = put(run, T_CONVS, &k, &b, STORE_INSERT);
	if (rc != 0)
		return rc;
	return put_num(run, T_CONV_IDS, schema_name(a->conv), p->cid);
}

static int
next_places(struct run *run, const struct sig_append *a, struct place *p)
{
	struct schema_message newest = { .count = { 0, 0 } };
	int rc = 0;

	if (p->cid != 0)
		rc = schema_newest(run->txn, p->cid, &p->seq, &newest);
	memcpy(p->count, newest.count, sizeof(p->count));
	p->count[p->side] += a->counts;
	if (rc == 0)
		rc = schema_last(run->txn, T_INBOX, p->uid, &p->sync_user);
	if (rc == 0 && p->peer != p->uid)
		rc = schema_last(run->txn, T_INBOX, p->peer, &p->sync_peer);
	p->seq++;
	p->latest = a->change == SIG_CHANGE_NONE ? p->seq : newest.latest;
	p->sync_user++;
	p->sync_peer = p->peer == p->uid ? p->sync_user : p->sync_peer + 1;
	return rc;
}

/* The record of a message: its head, then the members of its pushes. */
static int
make_record(struct apply_request *r, uint64_t id, const struct place *p)
{
	const struct sig_append *a = r->append;
	struct schema_message m = { .id = id,
		.ts = a->ts,
		.count = { p->count[0], p->count[1] },
		.latest = p->latest };
	struct json_out out;
	char digits[24];
	int rc;

	schema_put_message(&r->record, &m);
	snprintf(digits, sizeof(digits), "%" PRIu64, id);
	json_out_init(&out, &r->record);
	json_out_object(&out, NULL);
	json_out_str(&out, "conv", a->conv);
	json_out_int(&out, "seq", (int64_t)p->seq);
	json_out_str(&out, "id", digits);
	json_out_int(&out, "ts", (int64_t)a->ts);
	json_out_str(&out, "from", a->user);
	if (a->device[0] != '\0')
		json_out_str(&out, "device", a->device);
	if (a->mid[0] != '\0')
		json_out_str(&out, "mid", a->mid);
	json_out_str(&out, "type", a->type);
	if (a->reply != 0)
		json_out_int(&out, "reply", (int64_t)a->reply);
	json_out_raw(&out, "body", a->body, a->body_len);
	rc = json_out_end(&out);
	return rc == -ENOSPC ? -EINVAL
			     : rc; /* too long: not the disk's fault */
}

/* Tells the result from the record that was made, or found. */
static int
tell(struct apply_request *r, const struct place *p)
{
	struct store_val v = { r->record.data, r->record.len };
	struct sig_appended *done = &r->done;
	struct schema_message m;
	int rc;

	rc = schema_get_message(&v, &m);
	if (rc != 0)
		return rc;
	done->id = m.id;
	done->ts = m.ts;
	done->seq = p->seq;
	done->sync_user = p->sync_user;
	done->sync_peer = p->sync_peer;
	done->text = m.text;
	done->text_len = m.text_len;
	return 0;
}

static int
put_member(
    struct run *run, uint64_t uid, uint64_t cid, const struct schema_member *m)
{
	struct schema_key k = schema_key2(uid, cid);
	uint8_t mem[32];
	struct buf b = buf_fixed(mem, sizeof(mem));

	schema_put_member(&b, m);
	return put(run, T_MEMBERS, &k, &b, STORE_PUT);
}

/*
 * The list of conversations is ordered by the place at which one became the
 * newest: while it stays the newest, nothing moves.
 */
static int
touch_recent(struct run *run, uint64_t uid, uint64_t cid, uint64_t place)
{
	struct schema_member m = { .read = 0 };
	struct schema_key k;
	uint64_t newest, at;
	int rc;

	rc = schema_last(run->txn, T_RECENT, uid, &newest);
	if (rc != 0)
		return rc;
	k = schema_key2(uid, newest);
	rc = newest == 0 ? -ENOENT : schema_find(run->txn, T_RECENT, &k, &at);
	if (rc == 0 && at == cid)
		return 0;
	rc = schema_member(run->txn, uid, cid, &m);
	if (rc == 0)
		rc = del(run, T_RECENT, schema_key2(uid, m.place));
	if (rc != 0 && rc != -ENOENT)
		return rc;
	m.place = place;
	rc = put_num(run, T_RECENT, schema_key2(uid, place), cid);
	return rc == 0 ? put_member(run, uid, cid, &m) : rc;
}

static int
put_inbox(struct run *run, uint64_t uid, uint64_t sync, const struct place *p)
{
	struct schema_key k = schema_key2(uid, sync);
	uint8_t mem[16];
	struct buf b = buf_fixed(mem, sizeof(mem));

	buf_u64(&b, p->cid);
	buf_u64(&b, p->seq);
	return put(run, T_INBOX, &k, &b, STORE_INSERT);
}

static int
put_mid(struct run *run, const struct sig_append *a, const struct place *p,
    uint64_t id)
{
	struct schema_mid m = { p->cid, p->seq, p->sync_user, p->sync_peer };
	uint8_t mem[64 + SIG_MID_MAX];
	struct buf b = buf_fixed(mem, sizeof(mem));
	struct schema_key k = schema_key_named(p->uid, a->mid);
	int rc;

	schema_put_mid(&b, &m);
	rc = put(run, T_MIDS, &k, &b, STORE_INSERT);
	if (rc != 0)
		return rc;
	b.len = 0;
	buf_u64(&b, a->ts);
	buf_put(&b, k.bytes, k.len);
	k = schema_key1(id);
	return put(run, T_MID_AGES, &k, &b, STORE_APPEND);
}

static int
put_message(struct run *run, struct apply_request *r, const struct place *p,
    uint64_t id)
{
	const struct sig_append *a = r->append;
	struct schema_key k = schema_key2(p->cid, p->seq);
	int rc;

	rc = put(run, T_MESSAGES, &k, &r->record, STORE_INSERT);
	if (rc == 0)
		rc = put_inbox(run, p->uid, p->sync_user, p);
	if (rc == 0 && p->peer != p->uid)
		rc = put_inbox(run, p->peer, p->sync_peer, p);
	if (rc == 0 && a->change == SIG_CHANGE_NONE)
		rc = touch_recent(run, p->uid, p->cid, id);
	if (rc == 0 && a->change == SIG_CHANGE_NONE && p->peer != p->uid)
		rc = touch_recent(run, p->peer, p->cid, id);
	if (rc == 0 && a->mid[0] != '\0')
		rc = put_mid(run, a, p, id);
	return rc;
}

/* A mid that is known gets its first answer. -ENOENT: it is new. */
static int
answer_again(struct run *run, struct apply_request *r)
{
	const struct sig_append *a = r->append;
	struct schema_message m;
	struct schema_key k;
	struct store_val key, v;
	struct schema_mid mid;
	struct place p = { 0 };
	uint64_t uid;
	int rc;

	if (a->mid[0] == '\0')
		return -ENOENT;
	rc = find_user(run, a->user, &uid);
	if (rc != 0)
		return rc;
	k = schema_key_named(uid, a->mid);
	key = schema_val(&k);
	rc = store_get(run->txn, T_MIDS, &key, &v);
	if (rc == 0)
		rc = schema_get_mid(&v, &mid);
	if (rc != 0)
		return rc;
	rc = schema_message(run->txn, mid.cid, mid.seq, &m);
	if (rc != 0)
		return -EIO;
	schema_put_message(&r->record, &m);
	buf_put(&r->record, m.text - 1, m.text_len + 2);
	p.seq = mid.seq;
	p.sync_user = mid.sync_user;
	p.sync_peer = mid.sync_peer;
	r->done.duplicate = true;
	run->group->duplicates++;
	return r->record.err != 0 ? r->record.err : tell(r, &p);
}

/* Whether it may be written, before the first row is. */
static int
judge_message(struct run *run, const struct sig_append *a, struct place *p)
{
	int rc = find_place(run, a, p);

	if (rc == 0)
		rc = next_places(run, a, p);
	return rc == 0 && a->reply >= p->seq ? -ENOENT : rc;
}

static int
write_message(
    struct run *run, struct apply_request *r, struct place *p, uint64_t id)
{
	int rc = 0;

	run->next_id++;
	if (p->cid == 0) {
		r->done.first = true;
		rc = found_conv(run, r->append, p);
	}
	return rc == 0 ? put_message(run, r, p, id) : rc;
}

static int
apply_message(struct run *run, struct apply_request *r)
{
	const struct sig_append *a = r->append;
	uint64_t id = run->next_id;
	struct amend amend;
	struct place p;
	int rc;

	rc = answer_again(run, r);
	if (rc != -ENOENT)
		return rc;
	rc = judge_message(run, a, &p);
	if (rc == 0)
		rc = make_record(r, id, &p);
	if (rc == 0)
		rc = amend_judge(run->txn, a, p.cid, p.seq, &amend);
	if (rc != 0)
		return rc;
	rc = write_message(run, r, &p, id);
	if (rc == 0)
		rc = amend_write(run->txn, &amend);
	amend_fini(&amend);
	if (rc == 0)
		rc = tell(r, &p);
	if (rc == 0)
		run->group->messages++;
	return rc;
}

/* A cursor moves forward only, and never beyond the inbox. */
static int
apply_cursor(struct run *run, struct apply_request *r)
{
	const struct sig_append *a = r->append;
	uint64_t uid, head, old = 0, sync = a->sync;
	struct schema_key k;
	int rc;

	rc = find_user(run, a->user, &uid);
	if (rc == 0)
		rc = schema_last(run->txn, T_INBOX, uid, &head);
	if (rc != 0)
		return rc;
	k = schema_key_named(uid, a->device);
	rc = schema_find(run->txn, T_CURSORS, &k, &old);
	if (rc != 0 && rc != -ENOENT)
		return rc;
	if (sync > head)
		sync = head;
	return sync <= old ? 0 : put_num(run, T_CURSORS, k, sync);
}

/* As a cursor: forward only, and never beyond the newest message. */
static int
apply_read(struct run *run, struct apply_request *r)
{
	const struct sig_append *a = r->append;
	struct schema_key k = schema_name(a->conv);
	struct schema_member m;
	struct schema_conv conv;
	uint64_t uid, cid, last;
	int rc;

	rc = find_user(run, a->user, &uid);
	if (rc == 0)
		rc = schema_find(run->txn, T_CONV_IDS, &k, &cid);
	if (rc == 0)
		rc = schema_member(run->txn, uid, cid, &m);
	if (rc != 0)
		return rc;
	rc = schema_last(run->txn, T_MESSAGES, cid, &last);
	r->done.duplicate = m.read >= a->sync || m.read >= last;
	if (rc == 0 && !r->done.duplicate) {
		m.read = a->sync < last ? a->sync : last;
		rc = put_member(run, uid, cid, &m);
	}
	if (rc == 0)
		rc = schema_conv(run->txn, cid, &conv);
	if (rc == 0)
		rc = schema_unread(
		    run->txn, uid, &conv, cid, m.read, &r->done.unread);
	r->done.seq = m.read;
	return rc == -ENOENT ? -EIO : rc;
}

static int
apply_seen(struct run *run, struct apply_request *r)
{
	uint64_t uid;
	int rc;

	rc = find_user(run, r->append->user, &uid);
	return rc == 0 ? put_num(run, T_SEEN, schema_key1(uid), r->append->ts)
		       : rc;
}

static int
apply_user(struct run *run, struct apply_request *r)
{
	const struct sig_append *a = r->append;
	struct schema_user user = { a->ts, a->user,
		a->nick != NULL ? a->nick : a->user,
		a->pwhash != NULL ? a->pwhash : "" };
	struct schema_key k;
	uint64_t uid;
	int rc;

	rc = find_user(run, a->user, &uid);
	if (rc != -ENOENT)
		return rc == 0 ? -EEXIST : rc;
	uid = run->next_id++;
	schema_put_user(&r->record, &user);
	k = schema_key1(uid);
	rc = put(run, T_USERS, &k, &r->record, STORE_INSERT);
	if (rc != 0)
		return rc;
	return put_num(run, T_USER_IDS, schema_name(a->user), uid);
}

static int
apply_one(struct run *run, struct apply_request *r)
{
	static int (*const by_kind[])(struct run *, struct apply_request *) = {
		[SIG_APPEND_MESSAGE] = apply_message,
		[SIG_APPEND_CURSOR] = apply_cursor,
		[SIG_APPEND_SEEN] = apply_seen,
		[SIG_APPEND_READ] = apply_read,
		[SIG_APPEND_USER] = apply_user,
	};

	/* An earlier run of the group may have left its results. */
	memset(&r->done, 0, sizeof(r->done));
	buf_reset(&r->record);
	if (r->append->ts > run->now_ts)
		run->now_ts = r->append->ts;
	return by_kind[r->append->kind](run, r);
}

/* One row of T_MID_AGES that is old enough, or -ENOENT. */
static int
oldest_mid(struct run *run, struct store_walk *walk, struct schema_key *age,
    struct schema_key *mid)
{
	struct store_val k, v;
	uint64_t ts;
	int rc;

	rc = store_walk_next(walk, &k, &v);
	if (rc != 0)
		return rc;
	if (k.len != 8 || !schema_nums(&v, &ts, 1) ||
	    v.len - 8 > sizeof(mid->bytes))
		return -EIO;
	if (ts + run->group->mid_keep_ms > run->now_ts)
		return -ENOENT;
	memcpy(age->bytes, k.data, k.len);
	age->len = k.len;
	memcpy(mid->bytes, (const uint8_t *)v.data + 8, v.len - 8);
	mid->len = v.len - 8;
	return 0;
}

static int
expire_mids(struct run *run)
{
	struct schema_key lo = schema_key1(0), hi = schema_key1(UINT64_MAX);
	struct store_val first = schema_val(&lo), last = schema_val(&hi);
	struct schema_key age, mid;
	struct store_walk walk;
	uint64_t left = EXPIRE_STEP + 2 * run->group->messages;
	int rc = 0;

	/*
	 * A walk a row: what is deleted under a walk moves it, and most
	 * commits find nothing old in the first row.
	 */
	for (left = left > EXPIRE_MAX ? EXPIRE_MAX : left; left > 0; left--) {
		rc = store_walk_init(
		    &walk, run->txn, T_MID_AGES, &first, &last, false);
		if (rc != 0)
			return rc;
		rc = oldest_mid(run, &walk, &age, &mid);
		store_walk_fini(&walk);
		if (rc != 0)
			break;
		rc = del(run, T_MIDS, mid);
		if (rc == 0 || rc == -ENOENT)
			rc = del(run, T_MID_AGES, age);
		if (rc != 0)
			break;
		run->group->mids_expired++;
	}
	return rc == -ENOENT ? 0 : rc;
}

/* Refusals of one append; everything else is the store's, and everybody's. */
static bool
refusal(int rc)
{
	return rc == -ENOENT || rc == -EEXIST || rc == -EINVAL ||
	    rc == -EPERM || rc == -ESTALE || rc == -EALREADY || rc == -E2BIG;
}

int
apply_group(struct store_txn *txn, void *arg)
{
	struct apply_group *group = arg;
	struct run run = { .txn = txn, .group = group };
	struct schema_key k = schema_name("next_id");
	struct apply_request *r;
	uint64_t first_id;
	int rc;

	group->count = group->messages = group->duplicates = 0;
	group->mids_expired = 0;
	rc = schema_find(txn, T_META, &k, &run.next_id);
	if (rc != 0)
		return -EIO;
	first_id = run.next_id;
	STAILQ_FOREACH (r, group->requests, next) {
		rc = apply_one(&run, r);
		r->done.err = rc;
		if (rc != 0 && !refusal(rc))
			return rc;
		group->count += rc == 0;
	}
	rc = expire_mids(&run);
	/* What stored nothing costs no sync. */
	if (rc != 0 || run.next_id == first_id)
		return rc;
	return put_num(&run, T_META, k, run.next_id);
}
