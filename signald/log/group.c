/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json/json.h"
#include "signald/core/name.h"
#include "signald/log/group.h"
#include "signald/log/mid.h"
#include "signald/log/roster.h"

#define NOTICE_MAX (64 * 1024)

/* Whether it may be, and who will have come or gone. */
typedef int judge_fn(struct group_work *);

static const struct sig_group *
asked(const struct group_work *w)
{
	return w->request->append->group;
}

/* The users that it is about, with their seats; -ENOENT: one is unknown. */
static int
find_subjects(struct group_work *w)
{
	const struct sig_group *g = asked(w);
	struct crowd_one *one;
	uint64_t uid;
	size_t i;
	int rc;

	for (i = 0; i < g->nusers; i++) {
		rc = run_find_peer(w->run, g->users[i], &uid);
		if (rc != 0)
			return rc;
		if (crowd_find(&w->subjects, uid) != NULL)
			continue;
		one = crowd_add(&w->subjects, uid);
		if (one == NULL)
			return -ENOMEM;
	}
	return 0;
}

static bool
is_admin(const struct group_work *w)
{
	return w->seat.role >= SIG_ROLE_ADMIN;
}

/* Those of the subjects who are not in yet will be. */
static int
let_in(struct group_work *w)
{
	struct schema_seat seat;
	size_t i, n = 0;
	int rc;

	for (i = 0; i < w->subjects.n; i++) {
		rc = schema_seat(
		    w->run->txn, w->cid, w->subjects.all[i].uid, &seat);
		if (rc != 0 && rc != -ENOENT)
			return rc;
		if (rc == 0)
			continue;
		w->subjects.all[i].joined = true;
		w->subjects.all[n++] = w->subjects.all[i];
	}
	w->subjects.n = n;
	if (n == 0)
		return -EALREADY;
	w->conv.members += n;
	return w->conv.members > asked(w)->members_max ? -E2BIG : 0;
}

static int
judge_create(struct group_work *w)
{
	const struct sig_group *g = asked(w);
	struct crowd_one *me = crowd_find(&w->subjects, w->uid);

	if (w->cid != 0)
		return -EEXIST;
	if (me == NULL)
		me = crowd_add(&w->subjects, w->uid);
	if (me == NULL)
		return -ENOMEM;
	w->conv = (struct schema_conv){ .kind = SCHEMA_GROUP,
		.created_ts = w->request->append->ts,
		.join = SIG_JOIN_INVITE,
		.history = SIG_HISTORY_JOINED,
		.name = w->request->append->conv,
		.title = "",
		.avatar = "",
		.announcement = "" };
	w->seat.role = SIG_ROLE_OWNER;
	return g->title == NULL ? -EINVAL : let_in(w);
}

static int
judge_invite(struct group_work *w)
{
	if (!is_admin(w) && w->conv.join != SIG_JOIN_OPEN)
		return -EPERM;
	return let_in(w);
}

static int
judge_join(struct group_work *w)
{
	if (w->is_member)
		return -EALREADY;
	if (w->conv.join == SIG_JOIN_INVITE)
		return -ENOENT; /* as if there were none */
	if (crowd_add(&w->subjects, w->uid) == NULL)
		return -ENOMEM;
	if (w->conv.join == SIG_JOIN_OPEN)
		return let_in(w);
	w->quiet = true;
	w->asks = true;
	return roster_may_ask(w);
}

static int
judge_approve(struct group_work *w)
{
	int rc;

	if (!is_admin(w))
		return -EPERM;
	rc = roster_asking(w);
	return rc == 0 ? let_in(w) : rc;
}

static int
judge_reject(struct group_work *w)
{
	w->quiet = true;
	return is_admin(w) ? roster_asking(w) : -EPERM;
}

static int
judge_dissolve(struct group_work *w)
{
	size_t i;
	int rc;

	if (w->seat.role != SIG_ROLE_OWNER)
		return -EPERM;
	w->subjects.n = 0;
	rc = crowd_members(&w->subjects, w->run, w->cid);
	for (i = 0; i < w->subjects.n; i++)
		w->subjects.all[i].left = true;
	w->conv.kind = SCHEMA_DISSOLVED;
	w->conv.members = 0;
	return rc;
}

static int
judge_leave(struct group_work *w)
{
	struct crowd_one *me;

	if (w->conv.members == 1)
		return judge_dissolve(w);
	if (w->seat.role == SIG_ROLE_OWNER)
		return -EBUSY;
	me = crowd_add(&w->subjects, w->uid);
	if (me == NULL)
		return -ENOMEM;
	me->left = true;
	w->conv.members--;
	return 0;
}

/* All of the subjects are members of a lower role than the user's. */
static int
below_me(struct group_work *w)
{
	struct schema_seat seat;
	size_t i;
	int rc;

	if (!is_admin(w))
		return -EPERM;
	for (i = 0; i < w->subjects.n; i++) {
		rc = schema_seat(
		    w->run->txn, w->cid, w->subjects.all[i].uid, &seat);
		if (rc == 0 && seat.role >= w->seat.role)
			rc = -EPERM;
		if (rc != 0)
			return rc;
	}
	return w->subjects.n == 0 ? -ENOENT : 0;
}

static int
judge_kick(struct group_work *w)
{
	size_t i;
	int rc = below_me(w);

	if (rc != 0)
		return rc;
	for (i = 0; i < w->subjects.n; i++)
		w->subjects.all[i].left = true;
	w->conv.members -= w->subjects.n;
	return 0;
}

static int
judge_role(struct group_work *w)
{
	if (w->seat.role != SIG_ROLE_OWNER)
		return -EPERM;
	return below_me(w);
}

static int
judge_set(struct group_work *w)
{
	return is_admin(w) ? 0 : -EPERM;
}

static const struct {
	judge_fn *judge;
	const char *event;
} ops[] = {
	[SIG_GROUP_CREATE] = { judge_create, "create" },
	[SIG_GROUP_INVITE] = { judge_invite, "join" },
	[SIG_GROUP_JOIN] = { judge_join, "join" },
	[SIG_GROUP_APPROVE] = { judge_approve, "join" },
	[SIG_GROUP_REJECT] = { judge_reject, "" },
	[SIG_GROUP_LEAVE] = { judge_leave, "leave" },
	[SIG_GROUP_KICK] = { judge_kick, "kick" },
	[SIG_GROUP_ROLE] = { judge_role, "role" },
	[SIG_GROUP_TRANSFER] = { judge_role, "transfer" },
	[SIG_GROUP_MUTE] = { below_me, "mute" },
	[SIG_GROUP_SET] = { judge_set, "set" },
	[SIG_GROUP_DISSOLVE] = { judge_dissolve, "dissolve" },
};

/* The group, and what the user is in it. */
static int
find_group(struct group_work *w)
{
	const struct sig_append *a = w->request->append;
	struct schema_key k = schema_name(a->conv);
	bool creates = a->group->op == SIG_GROUP_CREATE;
	int rc;

	rc = run_find_user(w->run, a->user, &w->uid);
	if (rc != 0)
		return rc;
	rc = schema_find(w->run->txn, T_CONV_IDS, &k, &w->cid);
	if (rc == -ENOENT && creates)
		return 0;
	if (rc == 0)
		rc = schema_conv(w->run->txn, w->cid, &w->conv);
	if (rc == 0 && w->conv.kind != SCHEMA_GROUP)
		rc = -ENOENT;
	if (rc == 0)
		rc = schema_seat(w->run->txn, w->cid, w->uid, &w->seat);
	w->is_member = rc == 0;
	/* Whether there is such a group is nobody else's to know. */
	if (rc == -ENOENT && w->conv.kind == SCHEMA_GROUP &&
	    a->group->op == SIG_GROUP_JOIN)
		return 0;
	return rc;
}

static void
put_opt(struct json_out *o, const char *name, const char *value)
{
	if (value != NULL)
		json_out_str(o, name, value);
}

static void
put_settings(struct json_out *o, const struct sig_group *g)
{
	put_opt(o, "title", g->title);
	put_opt(o, "avatar", g->avatar);
	put_opt(o, "announcement", g->announcement);
	if (g->join >= 0)
		json_out_str(o, "join", sig_join_name((enum sig_join)g->join));
	if (g->history >= 0)
		json_out_str(o, "history",
		    sig_history_name((enum sig_history)g->history));
}

/* The names of those whom it did concern. */
static int
put_users(struct json_out *o, struct group_work *w)
{
	struct schema_user user;
	size_t i;
	int rc;

	json_out_array(o, "users");
	for (i = 0; i < w->subjects.n; i++) {
		rc = schema_user(w->run->txn, w->subjects.all[i].uid, &user);
		if (rc != 0)
			return -EIO;
		json_out_str(o, NULL, user.name);
	}
	json_out_close(o);
	return 0;
}

static int
make_notice(struct group_work *w, struct buf *b)
{
	const struct sig_group *g = asked(w);
	struct json_out o;
	int rc = 0;

	json_out_init(&o, b);
	json_out_object(&o, NULL);
	json_out_str(&o, "event", ops[g->op].event);
	if (g->op != SIG_GROUP_SET && g->op != SIG_GROUP_DISSOLVE)
		rc = put_users(&o, w);
	if (g->op == SIG_GROUP_CREATE || g->op == SIG_GROUP_SET)
		put_settings(&o, g);
	if (g->op == SIG_GROUP_ROLE)
		json_out_str(&o, "role", sig_role_name(g->role));
	if (g->op == SIG_GROUP_MUTE)
		json_out_int(&o, "until_ts", (int64_t)g->until);
	if (rc != 0)
		return rc;
	rc = json_out_end(&o);
	return rc == -ENOSPC ? -EINVAL : rc;
}

/* Who gets the notice: the members that are left, unless they read it by
 * cursor, and those whom it is about. */
static int
notice_crowd(struct group_work *w, bool turns, struct crowd *crowd)
{
	bool all = !w->conv.large || turns;
	const struct crowd_one *of;
	struct crowd_one *one;
	size_t i;
	int rc = 0;

	if (all)
		rc = crowd_members(crowd, w->run, w->cid);
	for (i = 0; rc == 0 && i < crowd->n; i++)
		crowd->all[i].joined = turns;
	for (i = 0; rc == 0 && i < w->subjects.n; i++) {
		of = &w->subjects.all[i];
		/* Who stays is among the members. */
		one = all && !of->left ? crowd_find(crowd, of->uid)
				       : crowd_add(crowd, of->uid);
		if (one == NULL)
			return -ENOMEM;
		one->joined = w->conv.large && of->joined;
		one->left = of->left;
	}
	return rc;
}

/* What was judged is written. */
static int
carry_out(struct group_work *w, const struct buf *notice)
{
	struct apply_request *r = w->request;
	struct crowd crowd = { .n = 0 };
	bool turns = !w->conv.large && w->conv.members > asked(w)->fanout;
	int rc;

	w->place.id = w->run->next_id++;
	if (turns)
		w->conv.large = true;
	rc = roster_write(w, turns);
	w->place.cid = w->cid;
	w->place.large = w->conv.large;
	if (rc == 0)
		rc = notice_crowd(w, turns, &crowd);
	if (rc == 0)
		rc = entry_record(
		    r, w->place.id, &w->place, notice->data, notice->len);
	if (rc == 0)
		rc = entry_put(w->run, r, &w->place, &crowd);
	crowd_fini(&crowd);
	/* That it has become large stands in every member's inbox still. */
	if (turns)
		r->done.large = false;
	return rc;
}

static int
group_do(struct group_work *w)
{
	struct buf notice;
	int rc;

	rc = find_group(w);
	if (rc == 0)
		rc = find_subjects(w);
	if (rc == 0)
		rc = ops[asked(w)->op].judge(w);
	if (rc != 0)
		return rc;
	if (w->quiet)
		rc = roster_write_asks(w);
	if (w->quiet)
		return rc == 0 && w->asks ? roster_tell_admins(w) : rc;
	w->place.uid = w->uid;
	w->place.cid = w->cid;
	rc = entry_next(w->run, w->request->append, &w->place);
	buf_init(&notice, NOTICE_MAX);
	if (rc == 0)
		rc = make_notice(w, &notice);
	if (rc == 0)
		rc = carry_out(w, &notice);
	buf_fini(&notice);
	return rc;
}

int
group_apply(struct run *run, struct apply_request *r)
{
	struct group_work w = { .run = run, .request = r };
	int rc;

	rc = mid_answer(run, r);
	if (rc != -ENOENT)
		return rc;
	rc = group_do(&w);
	crowd_fini(&w.subjects);
	return rc;
}
