/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/log/log.h"
#include "signald/log/msglog.h"
#include "signald/log/people.h"
#include "signald/log/rows.h"
#include "signald/log/schema.h"

/* The answer under construction; rows are the reader's scratch. */
struct answer {
	struct store_txn *txn;
	const struct sig_read *read;
	uint64_t uid;
	struct sig_row *rows;
	size_t limit;
	struct sig_rows out;
};

static struct sig_row *
add_row(struct answer *a)
{
	struct sig_row *row = &a->rows[a->out.nrows++];

	memset(row, 0, sizeof(*row));
	row->text = "";
	return row;
}

/* A row that another one points to must be there. */
static int
must(int rc)
{
	return rc == -ENOENT ? -EIO : rc;
}

static int
row_message(struct answer *a, struct sig_row *row, uint64_t cid, uint64_t seq)
{
	struct schema_message m;
	int rc;

	rc = must(schema_message(a->txn, cid, seq, &m));
	if (rc != 0)
		return rc;
	row->seq = seq;
	row->text = m.text;
	row->text_len = m.text_len;
	return 0;
}

typedef int answer_row_fn(
    struct answer *, const struct store_val *key, const struct store_val *val);

/* Calls fn for each row between, until the limit; tells what is complete. */
static int
answer_walk(struct answer *a, enum schema_table table,
    const struct schema_key *lo, const struct schema_key *hi, bool down,
    answer_row_fn *fn)
{
	struct store_val first = schema_val(lo), last = schema_val(hi), k, v;
	struct store_walk walk;
	int rc;

	rc = store_walk_init(&walk, a->txn, table, &first, &last, down);
	if (rc != 0)
		return rc;
	while ((rc = store_walk_next(&walk, &k, &v)) == 0) {
		if (a->out.nrows == a->limit)
			break;
		rc = fn(a, &k, &v);
		if (rc != 0)
			break;
	}
	store_walk_fini(&walk);
	a->out.complete = rc == -ENOENT;
	return rc == -ENOENT ? 0 : rc;
}

static int
inbox_row(
    struct answer *a, const struct store_val *key, const struct store_val *val)
{
	uint64_t at[2], where[2];
	struct sig_row *row;

	if (!schema_nums(key, at, 2) || !schema_nums(val, where, 2))
		return -EIO;
	row = add_row(a);
	row->sync = at[1];
	return row_message(a, row, where[0], where[1]);
}

static int
answer_inbox(struct answer *a)
{
	struct schema_key hi = schema_key2(a->uid, UINT64_MAX);
	struct schema_key lo;

	a->out.complete = true;
	if (a->read->from == UINT64_MAX)
		return 0;
	lo = schema_key2(a->uid, a->read->from + 1);
	return answer_walk(a, T_INBOX, &lo, &hi, false, inbox_row);
}

static int
history_row(
    struct answer *a, const struct store_val *key, const struct store_val *val)
{
	uint64_t at[2];
	struct schema_message m;
	struct sig_row *row;

	if (!schema_nums(key, at, 2) || schema_get_message(val, &m) != 0)
		return -EIO;
	row = add_row(a);
	row->seq = at[1];
	row->text = m.text;
	row->text_len = m.text_len;
	return 0;
}

static void
reverse(struct sig_row *rows, size_t n)
{
	struct sig_row swap;
	size_t i;

	for (i = 0; i < n / 2; i++) {
		swap = rows[i];
		rows[i] = rows[n - 1 - i];
		rows[n - 1 - i] = swap;
	}
}

static int
find_conv(struct answer *a, uint64_t *cid)
{
	struct schema_key k = schema_name(a->read->conv);
	struct schema_member m;
	int rc;

	rc = schema_find(a->txn, T_CONV_IDS, &k, cid);
	return rc == 0 ? schema_member(a->txn, a->uid, *cid, &m) : rc;
}

static int
answer_history(struct answer *a)
{
	const struct sig_read *read = a->read;
	struct schema_key lo, hi;
	uint64_t cid;
	int rc;

	rc = find_conv(a, &cid);
	if (rc != 0)
		return rc;
	lo = schema_key2(cid, 0);
	hi = schema_key2(cid, UINT64_MAX);
	if (read->newer && read->from < UINT64_MAX)
		lo = schema_key2(cid, read->from + 1);
	else if (read->from > 0)
		hi = schema_key2(cid, read->from - 1);
	rc = answer_walk(a, T_MESSAGES, &lo, &hi, !read->newer, history_row);
	if (!read->newer)
		reverse(a->rows, a->out.nrows);
	return rc;
}

/* The other member of a conversation. */
static int
find_peer(struct answer *a, uint64_t cid, struct schema_conv *conv,
    struct schema_user *peer, uint64_t *uid)
{
	int rc;

	rc = must(schema_conv(a->txn, cid, conv));
	if (rc != 0)
		return rc;
	*uid = conv->member[0] == a->uid ? conv->member[1] : conv->member[0];
	return must(schema_user(a->txn, *uid, peer));
}

static int
convs_row(
    struct answer *a, const struct store_val *key, const struct store_val *val)
{
	struct schema_member mine, theirs;
	struct schema_message newest;
	struct schema_conv conv;
	struct schema_user peer;
	struct sig_row *row;
	uint64_t cid, uid, seq;
	int rc;

	if (!schema_nums(val, &cid, 1))
		return -EIO;
	rc = find_peer(a, cid, &conv, &peer, &uid);
	if (rc == 0)
		rc = must(schema_newest(a->txn, cid, &seq, &newest));
	if (rc == 0)
		rc = must(schema_member(a->txn, a->uid, cid, &mine));
	if (rc == 0)
		rc = must(schema_member(a->txn, uid, cid, &theirs));
	if (rc != 0)
		return rc;
	row = add_row(a);
	row->conv = conv.name;
	row->peer = peer.name;
	row->nick = peer.nick;
	row->read = mine.read;
	row->peer_read = theirs.read;
	rc = schema_unread(a->txn, a->uid, &conv, cid, mine.read, &row->unread);
	return rc == 0 ? row_message(a, row, cid, newest.latest) : rc;
}

static int
answer_convs(struct answer *a)
{
	struct schema_key lo = schema_key2(a->uid, 0);
	struct schema_key hi = schema_key2(a->uid, UINT64_MAX);

	return answer_walk(a, T_RECENT, &lo, &hi, true, convs_row);
}

static int
peer_row(
    struct answer *a, const struct store_val *key, const struct store_val *val)
{
	struct schema_conv conv;
	struct schema_user peer;
	struct schema_key k;
	struct sig_row *row;
	uint64_t cid, uid, ts = 0;
	int rc;

	if (!schema_nums(val, &cid, 1))
		return -EIO;
	rc = find_peer(a, cid, &conv, &peer, &uid);
	if (rc != 0 || uid == a->uid)
		return rc;
	k = schema_key1(uid);
	rc = schema_find(a->txn, T_SEEN, &k, &ts);
	if (rc != 0 && rc != -ENOENT)
		return rc;
	row = add_row(a);
	row->peer = peer.name;
	row->nick = peer.nick;
	row->last_seen = ts;
	return 0;
}

static int
answer_user(struct answer *a)
{
	struct schema_user user;
	int rc;

	rc = must(schema_user(a->txn, a->uid, &user));
	if (rc == 0)
		a->out.nick = user.nick;
	return rc;
}

static int
answer_people(struct answer *a)
{
	return people_rows(a->txn, a->uid, a->read, a->rows, &a->out);
}

static int
answer_login(struct answer *a)
{
	struct schema_key lo = schema_key2(a->uid, 0);
	struct schema_key hi = schema_key2(a->uid, UINT64_MAX);
	struct schema_key k = schema_key_named(a->uid, a->read->device);
	int rc;

	rc = answer_user(a);
	if (rc == 0)
		rc = schema_last(a->txn, T_INBOX, a->uid, &a->out.head);
	if (rc != 0)
		return rc;
	rc = schema_find(a->txn, T_CURSORS, &k, &a->out.cursor);
	if (rc != 0 && rc != -ENOENT)
		return rc;
	rc = people_version(a->txn, a->uid, &a->out.contacts);
	if (rc != 0)
		return rc;
	a->limit = MSGLOG_ROWS_MAX;
	return answer_walk(a, T_RECENT, &lo, &hi, true, peer_row);
}

static int
kept_row(
    struct answer *a, const struct store_val *key, const struct store_val *val)
{
	struct schema_kept kept;
	struct sig_row *row;

	if (schema_get_kept(val, &kept) != 0)
		return -EIO;
	row = add_row(a);
	row->conv = kept.key;
	row->text = kept.text;
	row->text_len = kept.text_len;
	return 0;
}

static int
answer_kept(struct answer *a)
{
	struct schema_key lo = schema_name(a->read->conv), hi;

	/* The next key after one is that one and a zero. */
	lo.bytes[lo.len++] = 0;
	memset(hi.bytes, 0xff, sizeof(hi.bytes));
	hi.len = sizeof(hi.bytes);
	return answer_walk(a, T_KEPT, &lo, &hi, false, kept_row);
}

static int
answer(struct answer *a)
{
	static int (*const by_kind[])(struct answer *) = {
		[SIG_READ_LOGIN] = answer_login,
		[SIG_READ_INBOX] = answer_inbox,
		[SIG_READ_HISTORY] = answer_history,
		[SIG_READ_CONVS] = answer_convs,
		[SIG_READ_USER] = answer_user,
		[SIG_READ_CONTACTS] = answer_people,
		[SIG_READ_SEARCH] = answer_people,
	};
	struct schema_key k = schema_name(a->read->user);
	int rc;

	if (a->read->kind == SIG_READ_KEPT)
		return answer_kept(a);
	rc = schema_find(a->txn, T_USER_IDS, &k, &a->uid);
	return rc == 0 ? by_kind[a->read->kind](a) : rc;
}

void
rows_read(struct store_txn *txn, struct sig_row *rows, const char *epoch,
    const struct sig_read *read, struct sig_rows *out)
{
	struct answer a = { .txn = txn, .read = read, .rows = rows };

	a.limit = read->limit < MSGLOG_ROWS_MAX ? read->limit : MSGLOG_ROWS_MAX;
	snprintf(a.out.epoch, sizeof(a.out.epoch), "%s", epoch);
	a.out.err = answer(&a);
	if (a.out.err != 0)
		a.out.nrows = 0;
	if (a.out.err != 0 && a.out.err != -ENOENT)
		log_error("log_read_failed", KV_S("user", read->user),
		    KV_I("kind", read->kind), KV_ERR(a.out.err));
	a.out.rows = rows;
	*out = a.out;
}
