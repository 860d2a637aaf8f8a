/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "signald/log/amend.h"
#include "signald/log/contact.h"
#include "signald/log/crowd.h"
#include "signald/log/erase.h"
#include "signald/log/file.h"
#include "signald/log/group.h"

#define STEP 128 /* rows that one step looks at */

enum stage {
	STAGE_CONTACTS,
	STAGE_GROUPS, /* at: the cid that is done with; seq: in the next */
	STAGE_INBOX,  /* what it has said stands in its own inbox too */
	STAGE_FILES,
	STAGE_REST,
	STAGES
};

/* A user that goes, and how far that is. */
struct erasing {
	struct run *run;
	struct apply_request *request;
	uint64_t uid;
	uint64_t stage, at, seq;
	size_t left; /* rows to look at still */
};

/* -ENOENT: the stage is done with; -EAGAIN: the step is over. */
typedef int stage_fn(struct erasing *);

static int
put_job(struct erasing *e)
{
	struct schema_key k = schema_key1(e->uid);
	uint8_t mem[24];
	struct buf b = buf_fixed(mem, sizeof(mem));

	buf_u64(&b, e->stage);
	buf_u64(&b, e->at);
	buf_u64(&b, e->seq);
	return run_put(e->run, T_ERASING, &k, &b, STORE_PUT);
}

int
erase_begin(struct run *run, uint64_t uid)
{
	struct erasing e = { .run = run, .uid = uid };

	return put_job(&e);
}

/* The first row from lo to hi, copied. */
static int
first_row(struct erasing *e, enum schema_table table,
    const struct schema_key *lo, const struct schema_key *hi,
    struct schema_key *key)
{
	struct store_val k, v;
	int rc = schema_first(e->run->txn, table, lo, hi, &k, &v);

	if (rc != 0)
		return rc;
	if (k.len > sizeof(key->bytes))
		return -EIO;
	memcpy(key->bytes, k.data, k.len);
	key->len = k.len;
	return 0;
}

/* The second number of the first row of the user's from there on. */
static int
next_of(
    struct erasing *e, enum schema_table table, uint64_t from, uint64_t *second)
{
	struct schema_key lo = schema_key2(e->uid, from), key;
	struct schema_key hi = schema_key2(e->uid, UINT64_MAX);
	struct store_val v;
	uint64_t nums[2];
	int rc = first_row(e, table, &lo, &hi, &key);

	if (rc != 0)
		return rc;
	v = schema_val(&key);
	if (!schema_nums(&v, nums, 2))
		return -EIO;
	*second = nums[1];
	return 0;
}

/* It is the one who hears of it. */
static int
one_receiver(struct apply_request *r, const char *name)
{
	struct sig_receiver *to = realloc(r->to, sizeof(*to));

	if (to == NULL)
		return -ENOMEM;
	r->to = to;
	memset(to, 0, sizeof(*to));
	snprintf(to->user, sizeof(to->user), "%s", name);
	r->done.to = to;
	r->done.nto = 1;
	return 0;
}

static int
do_contacts(struct erasing *e)
{
	struct sig_append *a = e->request->append;
	struct schema_user other;
	uint64_t uid;
	int rc;

	rc = next_of(e, T_CONTACTS, 0, &uid);
	if (rc == 0 && schema_user(e->run->txn, uid, &other) != 0)
		rc = -EIO;
	if (rc != 0)
		return rc;
	snprintf(a->peer, sizeof(a->peer), "%s", other.name);
	a->contact = SIG_CONTACT_ERASE;
	rc = contact_change(e->run, e->request);
	if (rc == 0)
		rc = one_receiver(e->request, a->peer);
	if (rc != 0)
		return rc == -ENOENT ? -EIO : rc;
	rc = run_drop(e->run, T_CONTACTS, schema_key2(e->uid, uid));
	return rc == 0 ? -EAGAIN : rc;
}

/* As its sender would, without an entry: nobody is told of every one. */
static int
retract(struct erasing *e, uint64_t cid, uint64_t seq)
{
	struct sig_append a = { .kind = SIG_APPEND_MESSAGE,
		.ts = e->request->append->ts,
		.change = SIG_CHANGE_RETRACT,
		.target = seq,
		.body = (char[]){ "{}" },
		.body_len = 2 };
	struct amend amend;
	int rc;

	memcpy(a.user, e->request->append->user, sizeof(a.user));
	rc = amend_judge(e->run->txn, &a, cid, seq, &amend);
	/* Said nothing, or is retracted. */
	if (rc == -ENOENT || rc == -ESTALE)
		return 0;
	if (rc != 0)
		return rc;
	rc = amend_write(e->run, &amend);
	amend_fini(&amend);
	return rc;
}

/* What is said here is in no inbox. -ENOENT: all is retracted. */
static int
retract_large(struct erasing *e, uint64_t cid)
{
	struct schema_key hi = schema_key2(cid, UINT64_MAX), lo, key;
	struct schema_message m;
	struct store_val v;
	uint64_t nums[2];
	int rc;

	for (; e->left > 0; e->left--) {
		lo = schema_key2(cid, e->seq + 1);
		rc = first_row(e, T_MESSAGES, &lo, &hi, &key);
		if (rc != 0)
			return rc;
		v = schema_val(&key);
		if (!schema_nums(&v, nums, 2))
			return -EIO;
		rc = schema_message(e->run->txn, cid, nums[1], &m);
		if (rc == 0 && m.from == e->uid)
			rc = retract(e, cid, nums[1]);
		if (rc != 0)
			return rc == -ENOENT ? -EIO : rc;
		e->seq = nums[1];
	}
	return -EAGAIN;
}

/* Who owns the group from now on: the oldest admin, or else the oldest
 * member; uid 0: nobody is left. */
static int
find_heir(struct erasing *e, uint64_t cid, uint64_t *heir)
{
	struct crowd all = { .n = 0 };
	struct schema_seat seat, best = { .joined_ts = UINT64_MAX };
	struct schema_user user;
	size_t i;
	int rc;

	*heir = 0;
	rc = crowd_members(&all, e->run, cid);
	for (i = 0; rc == 0 && i < all.n; i++) {
		if (all.all[i].uid == e->uid)
			continue;
		rc = schema_seat(e->run->txn, cid, all.all[i].uid, &seat);
		if (rc == 0)
			rc = schema_user(e->run->txn, all.all[i].uid, &user);
		if (rc != 0 || user.standing.role == SIG_USER_DELETED ||
		    seat.role < best.role ||
		    (seat.role == best.role &&
			seat.joined_ts >= best.joined_ts))
			continue;
		best = seat;
		*heir = all.all[i].uid;
	}
	crowd_fini(&all);
	return rc == -ENOENT ? -EIO : rc;
}

/* The append becomes an operation on the group, about heir if there is one. */
static int
ask_group(
    struct erasing *e, const char *conv, enum sig_group_op op, uint64_t heir)
{
	struct sig_append *a = e->request->append;
	struct sig_group *g = a->group;
	struct schema_user user;

	if (g == NULL)
		g = a->group = calloc(1, sizeof(*g));
	if (g != NULL && g->users == NULL)
		g->users = calloc(1, sizeof(*g->users));
	if (g == NULL || g->users == NULL)
		return -ENOMEM;
	g->op = op;
	g->join = g->history = -1;
	g->members_max = g->fanout = UINT32_MAX;
	g->nusers = heir != 0;
	snprintf(a->conv, sizeof(a->conv), "%s", conv);
	snprintf(a->type, sizeof(a->type), "%s", "notice");
	if (heir == 0)
		return 0;
	if (schema_user(e->run->txn, heir, &user) != 0)
		return -EIO;
	snprintf(g->users[0], sizeof(g->users[0]), "%s", user.name);
	return 0;
}

/* An owner hands the group over first, or ends it. */
static int
leave(struct erasing *e, uint64_t cid, const struct schema_conv *conv)
{
	enum sig_group_op op = SIG_GROUP_LEAVE;
	struct schema_seat seat;
	uint64_t heir = 0;
	int rc;

	rc = schema_seat(e->run->txn, cid, e->uid, &seat);
	if (rc == 0 && seat.role == SIG_ROLE_OWNER) {
		rc = find_heir(e, cid, &heir);
		op = heir != 0 ? SIG_GROUP_TRANSFER : SIG_GROUP_DISSOLVE;
	}
	if (rc == 0)
		rc = ask_group(e, conv->name, op, heir);
	if (rc == 0)
		rc = group_apply(e->run, e->request);
	return rc == -ENOENT ? -EIO : rc;
}

static int
do_groups(struct erasing *e)
{
	struct schema_conv conv;
	uint64_t cid;
	int rc;

	for (; e->left > 0; e->left--) {
		rc = next_of(e, T_MEMBERS, e->at + 1, &cid);
		if (rc != 0)
			return rc;
		if (schema_conv(e->run->txn, cid, &conv) != 0)
			return -EIO;
		if (conv.kind == SCHEMA_GROUP && conv.large) {
			rc = retract_large(e, cid);
			if (rc == 0 ||
			    schema_conv(e->run->txn, cid, &conv) != 0)
				rc = -EIO;
			if (rc != -ENOENT)
				return rc;
		}
		if (conv.kind == SCHEMA_GROUP) {
			rc = leave(e, cid, &conv);
			return rc == 0 ? -EAGAIN : rc;
		}
		e->at = cid;
		e->seq = 0;
	}
	return -EAGAIN;
}

static int
do_inbox(struct erasing *e)
{
	struct schema_message m;
	struct schema_key k;
	struct store_val key, v;
	uint64_t sync, where[2];
	int rc;

	for (; e->left > 0; e->left--) {
		rc = next_of(e, T_INBOX, 0, &sync);
		if (rc != 0)
			return rc;
		k = schema_key2(e->uid, sync);
		key = schema_val(&k);
		rc = store_get(e->run->txn, T_INBOX, &key, &v);
		if (rc != 0 || !schema_nums(&v, where, 2))
			return -EIO;
		rc = schema_message(e->run->txn, where[0], where[1], &m);
		if (rc == 0 && m.from == e->uid)
			rc = retract(e, where[0], where[1]);
		if (rc == 0 || rc == -ENOENT)
			rc = run_del(e->run, T_INBOX, k);
		if (rc != 0)
			return rc == -ENOENT ? -EIO : rc;
	}
	return -EAGAIN;
}

static int
do_files(struct erasing *e)
{
	uint64_t fid;
	int rc;

	for (; e->left > 0; e->left--) {
		rc = next_of(e, T_USER_FILES, 0, &fid);
		if (rc != 0)
			return rc;
		rc = file_disown(e->run, e->uid, fid);
		if (rc != 0)
			return rc == -ENOENT ? -EIO : rc;
	}
	return -EAGAIN;
}

/* All rows whose keys begin with the user. */
static int
do_rest(struct erasing *e)
{
	static const enum schema_table tables[] = { T_CURSORS, T_SEEN, T_RECENT,
		T_LARGE, T_PINS, T_MENTIONS, T_MIDS, T_CONTACTED, T_FILE_BYTES,
		T_PRIVACY };
	struct schema_key lo = schema_key1(e->uid), hi = lo, key;
	size_t i;
	int rc;

	memset(hi.bytes + hi.len, 0xff, 16);
	hi.len += 16;
	for (i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		for (; e->left > 0; e->left--) {
			rc = first_row(e, tables[i], &lo, &hi, &key);
			if (rc == 0)
				rc = run_del(e->run, tables[i], key);
			if (rc != 0)
				break;
		}
		if (e->left == 0)
			return -EAGAIN;
		if (rc != -ENOENT)
			return rc;
	}
	return -ENOENT;
}

static int
read_job(struct erasing *e)
{
	struct schema_key k = schema_key1(e->uid);
	struct store_val key = schema_val(&k), v;
	uint64_t nums[3];
	int rc;

	rc = store_get(e->run->txn, T_ERASING, &key, &v);
	if (rc != 0)
		return rc;
	if (!schema_nums(&v, nums, 3) || nums[0] >= STAGES)
		return -EIO;
	e->stage = nums[0];
	e->at = nums[1];
	e->seq = nums[2];
	return 0;
}

int
erase_step(struct run *run, struct apply_request *r)
{
	static stage_fn *const stages[STAGES] = {
		[STAGE_CONTACTS] = do_contacts,
		[STAGE_GROUPS] = do_groups,
		[STAGE_INBOX] = do_inbox,
		[STAGE_FILES] = do_files,
		[STAGE_REST] = do_rest,
	};
	struct erasing e = { .run = run, .request = r, .left = STEP };
	int rc;

	rc = run_find_user(run, r->append->user, &e.uid);
	if (rc == 0)
		rc = read_job(&e);
	if (rc != 0)
		return rc;
	while ((rc = stages[e.stage](&e)) == -ENOENT) {
		e.stage++;
		e.at = e.seq = 0;
		if (e.stage == STAGES)
			return run_del(run, T_ERASING, schema_key1(e.uid));
	}
	r->done.more = rc == -EAGAIN;
	if (rc == -EAGAIN)
		return put_job(&e);
	/* Something was written before it failed. */
	return -EIO;
}
