/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "signald/log/answer.h"
#include "signald/log/contact.h"

/* The conversation, if the user is in it. */
static int
find_mine(struct answer *a, uint64_t *cid, struct schema_conv *conv,
    struct schema_seat *seat)
{
	struct schema_member mine;
	int rc = answer_conv(a, cid, &mine);

	if (rc == 0)
		rc = answer_must(schema_conv(a->txn, *cid, conv));
	return rc == 0 ? answer_must(schema_seat(a->txn, *cid, a->uid, seat))
		       : rc;
}

int
answer_group(struct answer *a)
{
	struct schema_conv conv;
	struct schema_seat seat;
	struct sig_row *row;
	uint64_t cid;
	int rc;

	rc = find_mine(a, &cid, &conv, &seat);
	if (rc != 0)
		return rc;
	if (conv.kind != SCHEMA_GROUP)
		return -ENOENT;
	a->out.complete = true;
	row = answer_add(a);
	row->conv = conv.name;
	row->ts = conv.created_ts;
	row->title = conv.title;
	row->avatar = conv.avatar;
	row->announcement = conv.announcement;
	row->members = conv.members;
	row->large = conv.large;
	row->join = conv.join;
	row->history = conv.history;
	row->role = seat.role;
	row->until = seat.muted_until;
	return 0;
}

/* Walks the second numbers of rows (cid, uid) from the user asked for on. */
static int
walk_users(
    struct answer *a, enum schema_table table, uint64_t cid, answer_row_fn *fn)
{
	struct schema_key after = schema_name(a->read->after);
	struct schema_key lo, hi = schema_key2(cid, UINT64_MAX);
	uint64_t uid = 0;
	int rc = 0;

	if (a->read->after[0] != '\0')
		rc = schema_find(a->txn, T_USER_IDS, &after, &uid);
	if (rc != 0)
		return rc;
	lo = schema_key2(cid, uid + 1);
	return answer_walk(a, table, &lo, &hi, false, fn);
}

static int
user_row(struct answer *a, const struct store_val *key, struct sig_row **row)
{
	struct schema_user user;
	uint64_t at[2];
	int rc;

	if (!schema_nums(key, at, 2))
		return -EIO;
	rc = answer_must(schema_user(a->txn, at[1], &user));
	if (rc != 0)
		return rc;
	*row = answer_add(a);
	(*row)->peer = user.name;
	(*row)->nick = user.nick;
	return 0;
}

static int
member_row(
    struct answer *a, const struct store_val *key, const struct store_val *val)
{
	struct schema_seat seat;
	struct sig_row *row;
	int rc;

	rc = schema_get_seat(val, &seat);
	if (rc == 0)
		rc = user_row(a, key, &row);
	if (rc != 0)
		return rc;
	row->role = seat.role;
	row->ts = seat.joined_ts;
	row->until = seat.muted_until;
	return 0;
}

int
answer_members(struct answer *a)
{
	struct schema_conv conv;
	struct schema_seat seat;
	bool apart = false;
	uint64_t cid;
	size_t i;
	int rc;

	rc = find_mine(a, &cid, &conv, &seat);
	if (rc == 0)
		rc = walk_users(a, T_ROSTERS, cid, member_row);
	if (rc == 0 && conv.kind == SCHEMA_DIRECT)
		rc = contact_apart(
		    a->txn, conv.member[0], conv.member[1], &apart);
	for (i = 0; i < a->out.nrows; i++)
		a->rows[i].apart = apart;
	return rc;
}

static int
join_row(
    struct answer *a, const struct store_val *key, const struct store_val *val)
{
	struct schema_join join;
	struct sig_row *row;
	int rc;

	rc = schema_get_join(val, &join);
	if (rc == 0)
		rc = user_row(a, key, &row);
	if (rc != 0)
		return rc;
	row->ts = join.ts;
	row->text = join.memo;
	row->text_len = strlen(join.memo);
	return 0;
}

int
answer_joins(struct answer *a)
{
	struct schema_conv conv;
	struct schema_seat seat;
	uint64_t cid;
	int rc;

	rc = find_mine(a, &cid, &conv, &seat);
	if (rc == 0 && conv.kind != SCHEMA_GROUP)
		rc = -ENOENT;
	if (rc == 0 && seat.role == SIG_ROLE_MEMBER)
		rc = -EPERM;
	return rc == 0 ? walk_users(a, T_JOINS, cid, join_row) : rc;
}
