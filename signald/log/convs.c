/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "signald/log/answer.h"

#define MENTIONS_SHOWN 999 /* counted no further */

/* Two lists, each by last activity, become one: the conversations in
 * T_RECENT, and those in T_LARGE, which have no place there. */
struct large {
	uint64_t cid, activity;
};

static int
count_rows(struct answer *a, const struct schema_key *lo,
    const struct schema_key *hi, uint64_t *n)
{
	struct store_val first = schema_val(lo), last = schema_val(hi), k, v;
	struct store_walk walk;
	uint64_t from;
	int rc;

	rc = store_walk_init(&walk, a->txn, T_MENTIONS, &first, &last, true);
	if (rc != 0)
		return rc;
	while (
	    *n < MENTIONS_SHOWN && (rc = store_walk_next(&walk, &k, &v)) == 0)
		*n += schema_nums(&v, &from, 1) && from != a->uid;
	store_walk_fini(&walk);
	return rc == -ENOENT ? 0 : rc;
}

/* Those of the user, and of everybody, that have not been read. */
static int
count_mentions(struct answer *a, uint64_t cid, uint64_t read, uint64_t *n)
{
	struct schema_key lo = schema_key3(a->uid, cid, read + 1);
	struct schema_key hi = schema_key3(a->uid, cid, UINT64_MAX);
	int rc;

	*n = 0;
	rc = count_rows(a, &lo, &hi, n);
	lo = schema_key3(0, cid, read + 1);
	hi = schema_key3(0, cid, UINT64_MAX);
	return rc == 0 ? count_rows(a, &lo, &hi, n) : rc;
}

static int
direct_row(struct answer *a, struct sig_row *row, uint64_t cid,
    const struct schema_conv *conv)
{
	struct schema_member theirs;
	struct schema_user peer;
	uint64_t uid;
	int rc;

	rc = answer_peer(a, conv, &peer, &uid);
	if (rc != 0)
		return rc;
	/* Who never was sent anything that it may see keeps nothing. */
	rc = schema_member(a->txn, uid, cid, &theirs);
	if (rc == -ENOENT)
		theirs.told = 0;
	else if (rc != 0)
		return rc;
	row->peer = peer.name;
	row->nick = peer.nick;
	row->peer_read = theirs.told;
	return 0;
}

static int
group_row(struct answer *a, struct sig_row *row, uint64_t cid,
    const struct schema_conv *conv)
{
	struct schema_seat seat;
	int rc;

	rc = answer_must(schema_seat(a->txn, cid, a->uid, &seat));
	if (rc != 0)
		return rc;
	row->title = conv->title;
	row->avatar = conv->avatar;
	row->members = conv->members;
	row->large = conv->large;
	row->role = seat.role;
	return count_mentions(a, cid, row->read, &row->mentions);
}

static int
is_pinned(struct answer *a, uint64_t cid, bool *pinned)
{
	struct schema_key k = schema_key2(a->uid, cid);
	uint64_t n;
	int rc = schema_find(a->txn, T_PINS, &k, &n);

	*pinned = rc == 0;
	return rc == -ENOENT ? 0 : rc;
}

/* The last entry that shows to this member, whose text is "" when it is gone. A
 * conversation that was active before all that is left of it stands where it
 * stood, by its place. */
static int
read_last(struct answer *a, uint64_t cid, const struct schema_member *mine,
    uint64_t *seq, struct schema_message *m)
{
	struct schema_message newest;
	uint64_t head;
	int rc;

	rc = answer_must(schema_newest(a->txn, cid, &head, &newest));
	if (rc != 0)
		return rc;
	*seq = newest.latest > mine->hidden ? newest.latest : mine->hidden;
	rc = schema_message(a->txn, cid, *seq, m);
	if (rc != -ENOENT)
		return rc;
	*m = newest;
	m->text = "";
	m->text_len = 0;
	if (mine->place != 0)
		m->id = mine->place;
	return 0;
}

static int
conv_row(struct answer *a, uint64_t cid)
{
	struct schema_member mine;
	struct schema_message latest;
	struct schema_conv conv;
	struct sig_row *row = answer_add(a);
	uint64_t seq;
	int rc;

	rc = answer_must(schema_conv(a->txn, cid, &conv));
	if (rc == 0)
		rc = answer_must(schema_member(a->txn, a->uid, cid, &mine));
	if (rc == 0)
		rc = read_last(a, cid, &mine, &seq, &latest);
	if (rc == 0)
		rc = is_pinned(a, cid, &row->pinned);
	if (rc != 0)
		return rc;
	row->conv = conv.name;
	row->read = mine.read;
	row->until = mine.muted_until;
	row->activity = latest.id;
	row->seq = seq;
	row->text = latest.text;
	row->text_len = latest.text_len;
	rc = schema_unread(a->txn, cid, &mine, &row->unread);
	if (rc != 0)
		return rc;
	return conv.kind == SCHEMA_DIRECT ? direct_row(a, row, cid, &conv)
					  : group_row(a, row, cid, &conv);
}

/* The large ones, the last active first. */
static int
read_large(struct answer *a, struct large *out, size_t *n)
{
	static const struct schema_member nobody;
	struct schema_key lo = schema_key2(a->uid, 0);
	struct schema_key hi = schema_key2(a->uid, UINT64_MAX);
	struct store_val first = schema_val(&lo), last = schema_val(&hi), k, v;
	struct schema_message m;
	struct store_walk walk;
	uint64_t at[2], seq;
	size_t i;
	int rc;

	rc = store_walk_init(&walk, a->txn, T_LARGE, &first, &last, false);
	if (rc != 0)
		return rc;
	for (*n = 0; *n < SIG_LARGE_MAX; ++*n) {
		rc = store_walk_next(&walk, &k, &v);
		if (rc == 0 && !schema_nums(&k, at, 2))
			rc = -EIO;
		if (rc == 0)
			rc = read_last(a, at[1], &nobody, &seq, &m);
		if (rc != 0)
			break;
		for (i = *n; i > 0 && out[i - 1].activity < m.id; i--)
			out[i] = out[i - 1];
		out[i] = (struct large){ at[1], m.id };
	}
	store_walk_fini(&walk);
	return rc == -ENOENT ? 0 : rc;
}

/* Writes the row of one that belongs into this answer: all before the id
 * asked for; the pinned ones come first and are left out afterwards. */
static int
maybe_row(struct answer *a, uint64_t cid, bool pinned)
{
	uint64_t from = a->read->from;
	size_t n = a->out.nrows;
	int rc = conv_row(a, cid);

	if (rc == 0 &&
	    (a->rows[n].pinned != pinned ||
		(!pinned && from != 0 && a->rows[n].activity >= from)))
		a->out.nrows = n;
	return rc;
}

static int
pins(struct answer *a)
{
	struct schema_key lo = schema_key2(a->uid, 0);
	struct schema_key hi = schema_key2(a->uid, UINT64_MAX);
	struct store_val first = schema_val(&lo), last = schema_val(&hi), k, v;
	struct store_walk walk;
	struct sig_row one;
	uint64_t at[2];
	size_t i;
	int rc;

	rc = store_walk_init(&walk, a->txn, T_PINS, &first, &last, false);
	if (rc != 0)
		return rc;
	while (a->out.nrows < a->limit &&
	    (rc = store_walk_next(&walk, &k, &v)) == 0) {
		rc = schema_nums(&k, at, 2) ? maybe_row(a, at[1], true) : -EIO;
		if (rc != 0)
			break;
		one = a->rows[a->out.nrows - 1];
		for (i = a->out.nrows - 1;
		     i > 0 && a->rows[i - 1].activity < one.activity; i--)
			a->rows[i] = a->rows[i - 1];
		a->rows[i] = one;
	}
	store_walk_fini(&walk);
	return rc == -ENOENT ? 0 : rc;
}

/* All large ones that were active after id. */
static int
large_until(struct answer *a, const struct large *all, size_t n, size_t *next,
    uint64_t id)
{
	int rc = 0;

	for (; rc == 0 && *next < n && all[*next].activity > id &&
	     a->out.nrows < a->limit;
	     ++*next)
		rc = maybe_row(a, all[*next].cid, false);
	return rc;
}

/* All large ones that were active after this one of T_RECENT. */
static int
large_before(struct answer *a, uint64_t cid, const struct large *all, size_t n,
    size_t *next)
{
	struct schema_member mine;
	struct schema_message m;
	uint64_t seq;
	int rc;

	if (*next == n)
		return 0;
	rc = answer_must(schema_member(a->txn, a->uid, cid, &mine));
	if (rc == 0)
		rc = read_last(a, cid, &mine, &seq, &m);
	return rc == 0 ? large_until(a, all, n, next, m.id) : rc;
}

static int
merge(struct answer *a, struct store_walk *walk, const struct large *large,
    size_t n)
{
	struct store_val k, v;
	uint64_t cid;
	size_t next = 0;
	int rc = 0;

	while (a->out.nrows < a->limit) {
		rc = store_walk_next(walk, &k, &v);
		if (rc == -ENOENT)
			rc = large_until(a, large, n, &next, 0);
		else if (rc == 0 && !schema_nums(&v, &cid, 1))
			rc = -EIO;
		else if (rc == 0) {
			rc = large_before(a, cid, large, n, &next);
			if (rc == 0 && a->out.nrows < a->limit)
				rc = maybe_row(a, cid, false);
			if (rc == 0)
				continue;
		}
		a->out.complete = rc == 0 && next == n;
		return rc;
	}
	return rc;
}

int
answer_convs(struct answer *a)
{
	/* By place, which is never later than the activity. */
	uint64_t from = a->read->from, before = from != 0 ? from : UINT64_MAX;
	struct schema_key lo = schema_key2(a->uid, 0);
	struct schema_key hi = schema_key2(a->uid, before - 1);
	struct store_val first = schema_val(&lo), last = schema_val(&hi);
	struct large large[SIG_LARGE_MAX];
	struct store_walk walk;
	size_t n = 0;
	int rc = 0;

	a->out.complete = false;
	if (from == 0)
		rc = pins(a);
	if (rc == 0)
		rc = read_large(a, large, &n);
	if (rc == 0)
		rc = store_walk_init(
		    &walk, a->txn, T_RECENT, &first, &last, true);
	if (rc != 0)
		return rc;
	rc = merge(a, &walk, large, n);
	store_walk_fini(&walk);
	return rc;
}

static int
large_row(
    struct answer *a, const struct store_val *key, const struct store_val *val)
{
	struct schema_message m;
	struct schema_conv conv;
	struct sig_row *row;
	uint64_t at[2], seq;
	int rc;

	if (!schema_nums(key, at, 2))
		return -EIO;
	rc = answer_must(schema_conv(a->txn, at[1], &conv));
	if (rc == 0)
		rc = answer_must(schema_newest(a->txn, at[1], &seq, &m));
	if (rc != 0)
		return rc;
	row = answer_add(a);
	row->conv = conv.name;
	row->seq = seq;
	return 0;
}

int
answer_large(struct answer *a)
{
	struct schema_key lo = schema_key2(a->uid, 0);
	struct schema_key hi = schema_key2(a->uid, UINT64_MAX);

	a->limit = SIG_LARGE_MAX;
	return answer_walk(a, T_LARGE, &lo, &hi, false, large_row);
}

static int
mine_row(
    struct answer *a, const struct store_val *key, const struct store_val *val)
{
	uint64_t at[2];

	return schema_nums(key, at, 2) ? conv_row(a, at[1]) : -EIO;
}

int
answer_mine(struct answer *a)
{
	struct schema_key hi = schema_key2(a->uid, UINT64_MAX), lo;
	struct schema_key k = schema_name(a->read->conv);
	uint64_t cid = 0;
	int rc;

	if (a->read->conv[0] != '\0') {
		rc = schema_find(a->txn, T_CONV_IDS, &k, &cid);
		if (rc != 0)
			return rc;
	}
	lo = schema_key2(a->uid, cid + 1);
	return answer_walk(a, T_MEMBERS, &lo, &hi, false, mine_row);
}
