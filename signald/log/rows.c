/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/log/log.h"
#include "signald/log/answer.h"
#include "signald/log/contact.h"
#include "signald/log/msglog.h"
#include "signald/log/people.h"
#include "signald/log/privacy.h"
#include "signald/log/rows.h"

static int
inbox_row(
    struct answer *a, const struct store_val *key, const struct store_val *val)
{
	uint64_t at[2], where[2];
	struct schema_message m;
	struct sig_row *row;
	int rc;

	if (!schema_nums(key, at, 2) || !schema_nums(val, where, 2))
		return -EIO;
	rc = schema_message(a->txn, where[0], where[1], &m);
	if (rc == -ENOENT || (rc == 0 && m.text_len == 0))
		return 0; /* gone; the walk goes on to the next that is there */
	if (rc != 0)
		return rc;
	row = answer_add(a);
	row->sync = at[1];
	row->seq = where[1];
	row->text = m.text;
	row->text_len = m.text_len;
	return 0;
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
	if (m.text_len == 0)
		return 0;
	row = answer_add(a);
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
answer_history(struct answer *a)
{
	const struct sig_read *read = a->read;
	struct schema_key lo, hi;
	struct schema_member mine;
	uint64_t cid;
	int rc;

	rc = answer_conv(a, &cid, &mine);
	if (rc != 0)
		return rc;
	a->hides = true;
	lo = schema_key2(cid, mine.since);
	hi = schema_key2(cid, UINT64_MAX);
	if (read->newer && read->from < UINT64_MAX &&
	    read->from + 1 > mine.since)
		lo = schema_key2(cid, read->from + 1);
	else if (!read->newer && read->from > 0)
		hi = schema_key2(cid, read->from - 1);
	rc = answer_walk(a, T_MESSAGES, &lo, &hi, !read->newer, history_row);
	if (!read->newer)
		reverse(a->rows, a->out.nrows);
	return rc;
}

static int
answer_user(struct answer *a)
{
	struct schema_user user;
	int rc;

	rc = answer_must(schema_user(a->txn, a->uid, &user));
	if (rc == 0) {
		a->out.nick = user.nick;
		a->out.standing = user.standing;
		a->out.profile[SIG_PROFILE_NICK] = user.nick;
		a->out.profile[SIG_PROFILE_AVATAR] = user.avatar;
		a->out.profile[SIG_PROFILE_SIGNATURE] = user.signature;
		a->out.profile[SIG_PROFILE_EXTEND] = user.extend;
	}
	return rc;
}

/* For the peer, when one is named, who may be blocked. */
static int
answer_profile(struct answer *a)
{
	struct schema_key k = schema_name(a->read->peer);
	uint64_t uid;
	int rc;

	rc = answer_user(a);
	if (rc != 0 || a->read->peer[0] == '\0')
		return rc;
	rc = schema_find(a->txn, T_USER_IDS, &k, &uid);
	return rc == 0 ? contact_blocks(a->txn, a->uid, uid, &a->out.blocks)
		       : rc;
}

static int
answer_people(struct answer *a)
{
	return people_rows(a->txn, a->uid, a->read, a->rows, &a->out);
}

static int
answer_peers(struct answer *a)
{
	return people_friends(
	    a->txn, a->uid, a->read, MSGLOG_ROWS_MAX, a->rows, &a->out);
}

static int
answer_login(struct answer *a)
{
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
	rc = privacy_get(a->txn, a->uid, &a->out.privacy);
	return rc == 0 ? answer_peers(a) : rc;
}

/* For those who know what they may be told. */
static int
answer_entries(struct answer *a)
{
	struct schema_key k = schema_name(a->read->conv), lo, hi;
	uint64_t cid;
	int rc;

	rc = schema_find(a->txn, T_CONV_IDS, &k, &cid);
	if (rc != 0)
		return rc;
	lo = schema_key2(cid, a->read->from + 1);
	hi = schema_key2(cid, UINT64_MAX);
	return answer_walk(a, T_MESSAGES, &lo, &hi, false, history_row);
}

static int
kept_row(
    struct answer *a, const struct store_val *key, const struct store_val *val)
{
	struct schema_kept kept;
	struct sig_row *row;

	if (schema_get_kept(val, &kept) != 0)
		return -EIO;
	row = answer_add(a);
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
	static answer_fn *const by_kind[] = {
		[SIG_READ_LOGIN] = answer_login,
		[SIG_READ_INBOX] = answer_inbox,
		[SIG_READ_HISTORY] = answer_history,
		[SIG_READ_CONVS] = answer_convs,
		[SIG_READ_USER] = answer_profile,
		[SIG_READ_PEERS] = answer_peers,
		[SIG_READ_CONTACTS] = answer_people,
		[SIG_READ_SEARCH] = answer_people,
		[SIG_READ_LARGE] = answer_large,
		[SIG_READ_MINE] = answer_mine,
		[SIG_READ_FILES] = answer_files,
		[SIG_READ_GROUP] = answer_group,
		[SIG_READ_MEMBERS] = answer_members,
		[SIG_READ_JOINS] = answer_joins,
	};
	struct schema_key k = schema_name(a->read->user);
	int rc;

	if (a->read->kind == SIG_READ_KEPT)
		return answer_kept(a);
	if (a->read->kind == SIG_READ_ERASING)
		return answer_erasing(a);
	if (a->read->kind == SIG_READ_USERS)
		return answer_users(a);
	if (a->read->kind == SIG_READ_ENTRIES)
		return answer_entries(a);
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
	if (a.out.err != 0 && a.out.err != -ENOENT && a.out.err != -EPERM)
		log_error("log_read_failed", KV_S("user", read->user),
		    KV_I("kind", read->kind), KV_ERR(a.out.err));
	a.out.rows = rows;
	*out = a.out;
}
