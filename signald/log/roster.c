/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "signald/log/roster.h"

#define ASKS_MAX 1000 /* people who wait at one group */
#define CONV_MAX (16 * 1024)

static int
find_ask(struct group_work *w, uint64_t uid)
{
	struct schema_key k = schema_key2(w->cid, uid);
	struct store_val key = schema_val(&k), v;

	return store_get(w->run->txn, T_JOINS, &key, &v);
}

int
roster_asking(struct group_work *w)
{
	size_t i;
	int rc = w->subjects.n == 0 ? -ENOENT : 0;

	for (i = 0; rc == 0 && i < w->subjects.n; i++)
		rc = find_ask(w, w->subjects.all[i].uid);
	return rc;
}

int
roster_may_ask(struct group_work *w)
{
	size_t n = 0;
	int rc;

	rc = find_ask(w, w->uid);
	if (rc != -ENOENT)
		return rc;
	rc = schema_count(w->run->txn, T_JOINS, w->cid, ASKS_MAX, &n);
	return rc == 0 && n == ASKS_MAX ? -E2BIG : rc;
}

static int
put_ask(struct group_work *w, uint64_t uid)
{
	const struct sig_append *a = w->request->append;
	struct schema_join join = { a->ts,
		a->group->memo != NULL ? a->group->memo : "" };
	struct schema_key k = schema_key2(w->cid, uid);
	struct buf b;
	int rc;

	buf_init(&b, CONV_MAX);
	schema_put_join(&b, &join);
	rc = run_put(w->run, T_JOINS, &k, &b, STORE_PUT);
	buf_fini(&b);
	return rc;
}

int
roster_write_asks(struct group_work *w)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < w->subjects.n; i++)
		rc = w->asks ? put_ask(w, w->subjects.all[i].uid)
			     : run_drop(w->run, T_JOINS,
				   schema_key2(w->cid, w->subjects.all[i].uid));
	return rc;
}

int
roster_tell_admins(struct group_work *w)
{
	struct apply_request *r = w->request;
	struct crowd all = { .n = 0 };
	struct sig_receiver *to = NULL;
	struct schema_seat seat;
	struct schema_user user;
	size_t i, n = 0;
	int rc;

	rc = crowd_members(&all, w->run, w->cid);
	if (rc == 0)
		to = realloc(r->to, (all.n + 1) * sizeof(*to));
	if (rc == 0 && to == NULL)
		rc = -ENOMEM;
	else if (rc == 0)
		r->to = to;
	for (i = 0; rc == 0 && i < all.n; i++) {
		rc = schema_seat(w->run->txn, w->cid, all.all[i].uid, &seat);
		if (rc != 0 || seat.role == SIG_ROLE_MEMBER)
			continue;
		rc = schema_user(w->run->txn, all.all[i].uid, &user);
		if (rc != 0)
			break;
		memset(&to[n], 0, sizeof(to[n]));
		snprintf(to[n].user, sizeof(to[n].user), "%s", user.name);
		n++;
	}
	crowd_fini(&all);
	r->done.to = r->to;
	r->done.nto = n;
	return rc;
}

/* The settings that are asked for go into the record. The old strings are the
 * store's, good until something is written, so this comes first. */
static int
write_conv(struct group_work *w)
{
	const struct sig_group *g = w->request->append->group;
	struct schema_key k;
	struct buf b;
	int rc = 0;

	if (g->title != NULL)
		w->conv.title = g->title;
	if (g->avatar != NULL)
		w->conv.avatar = g->avatar;
	if (g->announcement != NULL)
		w->conv.announcement = g->announcement;
	if (g->join >= 0)
		w->conv.join = (enum sig_join)g->join;
	if (g->history >= 0)
		w->conv.history = (enum sig_history)g->history;
	buf_init(&b, CONV_MAX);
	schema_put_conv(&b, &w->conv);
	if (w->cid == 0) {
		w->cid = w->run->next_id++;
		rc = run_put_num(w->run, T_CONV_IDS,
		    schema_name(w->request->append->conv), w->cid);
	}
	k = schema_key1(w->cid);
	if (rc == 0)
		rc = run_put(w->run, T_CONVS, &k, &b, STORE_PUT);
	buf_fini(&b);
	return rc;
}

static int
write_joined(struct group_work *w, uint64_t uid)
{
	struct schema_seat seat = { SIG_ROLE_MEMBER, w->request->append->ts,
		0 };
	/* Sees the notice of it, and what comes after. */
	struct schema_member m = { .since = w->place.seq,
		.read = w->place.seq - 1,
		.count = w->place.count };
	int rc;

	if (w->conv.history == SIG_HISTORY_ALL)
		m.since = 0;
	if (w->request->append->group->op == SIG_GROUP_CREATE && uid == w->uid)
		seat.role = SIG_ROLE_OWNER;
	rc = entry_put_seat(w->run, w->cid, uid, &seat);
	if (rc == 0)
		rc = entry_put_member(w->run, uid, w->cid, &m);
	if (rc == 0 && w->conv.large)
		rc = run_put_num(w->run, T_LARGE, schema_key2(uid, w->cid), 0);
	return rc == 0 ? run_drop(w->run, T_JOINS, schema_key2(w->cid, uid))
		       : rc;
}

static int
forget_place(struct group_work *w, uint64_t uid, struct schema_member *m)
{
	int rc = schema_member(w->run->txn, uid, w->cid, m);

	if (rc == 0 && m->place != 0)
		rc = run_drop(w->run, T_RECENT, schema_key2(uid, m->place));
	m->place = 0;
	return rc == -ENOENT ? -EIO : rc;
}

static int
write_left(struct group_work *w, uint64_t uid)
{
	struct schema_member m;
	int rc;

	rc = forget_place(w, uid, &m);
	if (rc == 0)
		rc = run_drop(w->run, T_MEMBERS, schema_key2(uid, w->cid));
	if (rc == 0)
		rc = run_drop(w->run, T_ROSTERS, schema_key2(w->cid, uid));
	if (rc == 0)
		rc = run_drop(w->run, T_LARGE, schema_key2(uid, w->cid));
	return rc == 0 ? run_drop(w->run, T_PINS, schema_key2(uid, w->cid))
		       : rc;
}

/* Who stays may have become something else. */
static int
write_seat(struct group_work *w, uint64_t uid)
{
	const struct sig_group *g = w->request->append->group;
	struct schema_seat seat;
	int rc;

	rc = schema_seat(w->run->txn, w->cid, uid, &seat);
	if (rc != 0)
		return -EIO;
	if (g->op == SIG_GROUP_ROLE)
		seat.role = g->role;
	else if (g->op == SIG_GROUP_TRANSFER)
		seat.role = SIG_ROLE_OWNER;
	else if (g->op == SIG_GROUP_MUTE)
		seat.muted_until = g->until;
	return entry_put_seat(w->run, w->cid, uid, &seat);
}

/* From now on the members find it in T_LARGE. */
static int
write_large(struct group_work *w)
{
	struct crowd all = { .n = 0 };
	struct schema_member m;
	size_t i;
	int rc;

	rc = crowd_members(&all, w->run, w->cid);
	for (i = 0; rc == 0 && i < all.n; i++) {
		rc = forget_place(w, all.all[i].uid, &m);
		if (rc == 0)
			rc = entry_put_member(
			    w->run, all.all[i].uid, w->cid, &m);
		if (rc == 0)
			rc = run_put_num(w->run, T_LARGE,
			    schema_key2(all.all[i].uid, w->cid), 0);
	}
	crowd_fini(&all);
	return rc;
}

int
roster_write(struct group_work *w, bool turns)
{
	const struct sig_group *g = w->request->append->group;
	struct crowd_one *one;
	size_t i;
	int rc;

	rc = write_conv(w);
	for (i = 0; rc == 0 && i < w->subjects.n; i++) {
		one = &w->subjects.all[i];
		if (one->joined)
			rc = write_joined(w, one->uid);
		else if (one->left)
			rc = write_left(w, one->uid);
		else
			rc = write_seat(w, one->uid);
	}
	if (rc == 0 && g->op == SIG_GROUP_TRANSFER) {
		w->seat.role = SIG_ROLE_ADMIN;
		rc = entry_put_seat(w->run, w->cid, w->uid, &w->seat);
	}
	return rc == 0 && turns ? write_large(w) : rc;
}
