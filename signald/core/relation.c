/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "signald/core/relation.h"

/* What is done, and the two it is done to. */
struct deed {
	const char *text;
	uint64_t ts;
	struct sig_tie *mine, *theirs;
};

static void
become(const struct deed *d, struct sig_tie *tie, enum sig_relation_state state,
    const char *memo)
{
	tie->relation.state = state;
	tie->relation.ts = d->ts;
	tie->relation.memo = memo;
	if (state == SIG_NOBODY)
		tie->relation.remark = "";
	tie->changed = true;
}

static int
join(struct deed *d)
{
	become(d, d->mine, SIG_FRIEND, "");
	become(d, d->theirs, SIG_FRIEND, "");
	return 0;
}

static bool
refused_lately(const struct deed *d)
{
	const struct sig_relation *r = &d->mine->relation;

	return r->state == SIG_REFUSED && d->ts < r->ts + SIG_REFUSED_MS;
}

/* What happens behind a block may have left a row that the other one's does
 * not answer to: a request that was taken back, a friend who is none. */
static bool
wants_us(const struct deed *d)
{
	return d->theirs->relation.state == SIG_OUTGOING ||
	    d->theirs->relation.state == SIG_FRIEND;
}

static int
do_request(struct deed *d)
{
	switch (d->mine->relation.state) {
	case SIG_FRIEND:
		return -EEXIST;
	case SIG_OUTGOING:
		return 0;
	default:
		break;
	}
	if (refused_lately(d))
		return -EBUSY;
	/* They want it too: they asked, or never took us from their list. */
	if (wants_us(d) || d->theirs->relation.state == SIG_ONE_SIDED)
		return join(d);
	become(d, d->mine, SIG_OUTGOING, d->text);
	become(d, d->theirs, SIG_INCOMING, d->text);
	return 0;
}

static int
do_accept(struct deed *d)
{
	if (d->mine->relation.state == SIG_FRIEND)
		return 0;
	return d->mine->relation.state == SIG_INCOMING && wants_us(d) ? join(d)
								      : -ENOENT;
}

static int
do_refuse(struct deed *d)
{
	if (d->mine->relation.state != SIG_INCOMING)
		return -ENOENT;
	become(d, d->mine, SIG_NOBODY, "");
	if (d->theirs->relation.state == SIG_OUTGOING)
		become(d, d->theirs, SIG_REFUSED, d->theirs->relation.memo);
	return 0;
}

static int
do_cancel(struct deed *d)
{
	if (d->mine->relation.state != SIG_OUTGOING)
		return -ENOENT;
	become(d, d->mine, SIG_NOBODY, "");
	if (d->theirs->relation.state == SIG_INCOMING)
		become(d, d->theirs, SIG_NOBODY, "");
	return 0;
}

/* The first time takes a friend away, the second what is left of one. */
static int
do_remove(struct deed *d)
{
	switch (d->mine->relation.state) {
	case SIG_FRIEND:
		if (d->theirs->relation.state == SIG_FRIEND)
			become(d, d->theirs, SIG_ONE_SIDED, "");
		become(d, d->mine, SIG_REMOVED, "");
		return 0;
	case SIG_ONE_SIDED:
		become(d, d->mine, SIG_REMOVED, "");
		return 0;
	case SIG_REFUSED:
	case SIG_REMOVED:
		/* The row is what remembers the refusal. */
		if (refused_lately(d))
			return -EBUSY;
		become(d, d->mine, SIG_NOBODY, "");
		return 0;
	default:
		return -ENOENT;
	}
}

static int
do_remark(struct deed *d)
{
	if (!sig_relation_kept(&d->mine->relation))
		return -ENOENT;
	d->mine->relation.remark = d->text;
	d->mine->changed = true;
	return 0;
}

static int
do_block(struct deed *d)
{
	struct sig_relation *r = &d->mine->relation;

	if (r->blocked)
		return 0;
	if (r->state == SIG_NOBODY)
		r->ts = d->ts;
	r->blocked = true;
	r->shown = r->state;
	d->mine->changed = true;
	return 0;
}

static bool
is_in(const struct sig_tie *tie, enum sig_relation_state state)
{
	return tie->relation.state == state;
}

static int
do_unblock(struct deed *d)
{
	struct sig_relation *r = &d->mine->relation;

	if (!r->blocked)
		return -ENOENT;
	r->blocked = false;
	r->seen = 0;
	d->mine->changed = true;
	if (is_in(d->mine, SIG_FRIEND) && !is_in(d->theirs, SIG_FRIEND))
		become(d, d->mine, SIG_ONE_SIDED, "");
	else if (!is_in(d->mine, SIG_FRIEND) && is_in(d->theirs, SIG_FRIEND))
		become(d, d->theirs, SIG_ONE_SIDED, "");
	if ((is_in(d->mine, SIG_OUTGOING) && !is_in(d->theirs, SIG_INCOMING)) ||
	    (is_in(d->mine, SIG_INCOMING) && !is_in(d->theirs, SIG_OUTGOING)))
		become(d, d->mine, SIG_NOBODY, "");
	return 0;
}

static int
do_join(struct deed *d)
{
	return d->mine->relation.state == SIG_FRIEND ? 0 : join(d);
}

static int
do_erase(struct deed *d)
{
	become(d, d->mine, SIG_NOBODY, "");
	become(d, d->theirs, SIG_NOBODY, "");
	d->mine->relation.blocked = d->theirs->relation.blocked = false;
	return 0;
}

static void
count(struct sig_contacts *all, const struct sig_relation *r, int64_t step)
{
	if (!sig_relation_kept(r))
		return;
	if (r->state == SIG_INCOMING)
		all->incoming += (uint64_t)step;
	else
		all->kept += (uint64_t)step;
	if (r->state == SIG_OUTGOING)
		all->outgoing += (uint64_t)step;
}

/* What has changed is counted; false: there is no room for it. */
static bool
settle(const struct sig_relation *before, struct sig_tie *tie)
{
	const struct sig_contacts old = tie->contacts;
	struct sig_contacts *all = &tie->contacts;

	if (!tie->changed)
		return true;
	count(all, before, -1);
	count(all, &tie->relation, 1);
	all->version++;
	/* Who has too many for another reason may still get rid of some. */
	return (all->kept <= old.kept || all->kept <= SIG_CONTACTS_MAX) &&
	    (all->incoming <= old.incoming ||
		all->incoming <= SIG_INCOMING_MAX) &&
	    (all->outgoing <= old.outgoing ||
		all->outgoing <= SIG_OUTGOING_MAX);
}

/* The row as the other one takes it for; false: as it is. */
static bool
veil(struct sig_tie *tie)
{
	if (!tie->relation.blocked)
		return false;
	count(&tie->contacts, &tie->relation, -1);
	tie->relation.state = tie->relation.shown;
	tie->relation.blocked = false;
	count(&tie->contacts, &tie->relation, 1);
	return true;
}

/* What the other one has made of it changes nothing else. */
static void
unveil(struct sig_tie *tie, const struct sig_tie *is)
{
	enum sig_relation_state shown = tie->relation.state;
	bool changed = tie->changed;

	*tie = *is;
	tie->relation.shown = shown;
	tie->changed = false;
	tie->veiled = changed;
}

int
sig_relation_apply(enum sig_contact contact, const char *text, uint64_t ts,
    struct sig_tie *mine, struct sig_tie *theirs)
{
	static int (*const deeds[])(struct deed *) = {
		[SIG_CONTACT_REQUEST] = do_request,
		[SIG_CONTACT_ACCEPT] = do_accept,
		[SIG_CONTACT_REFUSE] = do_refuse,
		[SIG_CONTACT_CANCEL] = do_cancel,
		[SIG_CONTACT_REMOVE] = do_remove,
		[SIG_CONTACT_REMARK] = do_remark,
		[SIG_CONTACT_BLOCK] = do_block,
		[SIG_CONTACT_UNBLOCK] = do_unblock,
		[SIG_CONTACT_JOIN] = do_join,
		[SIG_CONTACT_ERASE] = do_erase,
	};
	struct sig_tie m = *mine, t = *theirs;
	struct deed deed = { text, ts, &m, &t };
	/* A block hides deeds, and not that the user is gone. */
	bool veiled = contact != SIG_CONTACT_ERASE && veil(&t);
	struct sig_relation before = t.relation;
	int rc;

	m.changed = t.changed = m.veiled = t.veiled = false;
	rc = deeds[contact](&deed);
	if (rc != 0)
		return rc;
	if (!settle(&mine->relation, &m) || !settle(&before, &t))
		return -E2BIG;
	if (veiled)
		unveil(&t, theirs);
	if (m.relation.state != mine->relation.state)
		m.relation.shown = m.relation.state;
	*mine = m;
	*theirs = t;
	return 0;
}

bool
sig_relation_kept(const struct sig_relation *r)
{
	return r->state != SIG_NOBODY || r->blocked;
}

bool
sig_relation_listed(const struct sig_relation *r, enum sig_contact_list list)
{
	switch (list) {
	case SIG_LIST_FRIENDS:
		return r->state == SIG_FRIEND || r->state == SIG_ONE_SIDED;
	case SIG_LIST_INCOMING:
		return r->state == SIG_INCOMING;
	case SIG_LIST_OUTGOING:
		return r->state == SIG_OUTGOING || r->state == SIG_REFUSED;
	case SIG_LIST_REMOVED:
		return r->state == SIG_REMOVED;
	case SIG_LIST_BLOCKED:
		return r->blocked;
	}
	return false;
}

void
sig_relation_write(struct json_out *o, const char *user, const char *nick,
    const struct sig_relation *r)
{
	static const char *const states[] = {
		[SIG_NOBODY] = "none",
		[SIG_INCOMING] = "incoming",
		[SIG_OUTGOING] = "outgoing",
		[SIG_REFUSED] = "refused",
		[SIG_FRIEND] = "friend",
		[SIG_ONE_SIDED] = "one_sided",
		[SIG_REMOVED] = "removed",
	};

	json_out_str(o, "user", user);
	json_out_str(o, "nick", nick);
	json_out_str(o, "state", states[r->state]);
	if (r->blocked)
		json_out_bool(o, "blocked", true);
	if (!sig_relation_kept(r))
		return;
	json_out_int(o, "ts", (int64_t)r->ts);
	if (r->memo[0] != '\0')
		json_out_str(o, "memo", r->memo);
	if (r->remark[0] != '\0')
		json_out_str(o, "remark", r->remark);
}
