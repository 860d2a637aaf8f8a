/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <string.h>

#include "signald/log/contact.h"
#include "signald/log/nick.h"
#include "signald/log/people.h"
#include "signald/log/privacy.h"

/* Nicks that one search looks at: many may be hidden from it. */
#define LOOK_MAX 256

struct asking {
	struct store_txn *txn;
	uint64_t uid;
	const struct sig_read *read;
	size_t limit;
	struct sig_row *rows;
	struct sig_rows *out;
	uint64_t found; /* by the user name */
};

static bool
is_full(const struct asking *a)
{
	return a->out->nrows >= a->limit;
}

/* A user as the next row. 0 or -EIO. */
static int
add_user(struct asking *a, uint64_t other, const struct sig_relation *relation)
{
	struct sig_row *row = &a->rows[a->out->nrows];
	struct schema_user user;
	int rc;

	rc = schema_user(a->txn, other, &user);
	if (rc != 0)
		return -EIO;
	memset(row, 0, sizeof(*row));
	row->text = "";
	row->peer = user.name;
	row->nick = user.nick;
	row->relation = *relation;
	a->out->nrows++;
	return 0;
}

static int
list_row(
    struct asking *a, const struct store_val *key, const struct store_val *val)
{
	struct sig_relation relation;
	uint64_t uids[2];

	if (!schema_nums(key, uids, 2) || contact_decode(val, &relation) != 0)
		return -EIO;
	if (!sig_relation_listed(&relation, a->read->list))
		return 0;
	if (is_full(a))
		return -ENOSPC;
	return add_user(a, uids[1], &relation);
}

static int
found_row(
    struct asking *a, const struct store_val *key, const struct store_val *val)
{
	struct sig_relation relation;
	struct schema_user user;
	uint32_t hides;
	uint64_t other;
	int rc;

	if (!schema_nums(val, &other, 1))
		return -EIO;
	/* Found by the user name already, or the one who looks. */
	if (other == a->uid || other == a->found)
		return 0;
	rc = contact_get(a->txn, a->uid, other, &relation);
	if (rc == 0)
		rc = privacy_get(a->txn, other, &hides);
	if (rc != 0)
		return rc;
	if (schema_user(a->txn, other, &user) != 0)
		return -EIO;
	if (sig_role_is_out(user.standing.role) ||
	    ((hides & SIG_HIDE_USER) != 0 && relation.state != SIG_FRIEND))
		return 0;
	return is_full(a) ? -ENOSPC : add_user(a, other, &relation);
}

/* When the user was seen last, as far as others may know. */
static int
seen_row(struct asking *a, uint64_t other, uint64_t *ts)
{
	struct schema_key k = schema_key1(other);
	struct sig_relation theirs;
	uint32_t hides;
	int rc;

	rc = privacy_get(a->txn, other, &hides);
	if (rc != 0 || (hides & SIG_HIDE_SEEN) != 0)
		return rc;
	rc = contact_get(a->txn, other, a->uid, &theirs);
	if (rc != 0)
		return rc;
	if (theirs.blocked) {
		*ts = theirs.seen;
		return 0;
	}
	rc = schema_find(a->txn, T_SEEN, &k, ts);
	return rc == -ENOENT ? 0 : rc;
}

static int
friend_row(
    struct asking *a, const struct store_val *key, const struct store_val *val)
{
	struct sig_relation relation;
	uint64_t uids[2];
	int rc;

	if (!schema_nums(key, uids, 2) || contact_decode(val, &relation) != 0)
		return -EIO;
	if (relation.state != SIG_FRIEND || relation.blocked)
		return 0;
	if (is_full(a))
		return -ENOSPC;
	rc = add_user(a, uids[1], &relation);
	return rc == 0
	    ? seen_row(a, uids[1], &a->rows[a->out->nrows - 1].last_seen)
	    : rc;
}

typedef int row_fn(
    struct asking *, const struct store_val *key, const struct store_val *val);

/* Calls fn for the rows between, at most looks of them; -ENOSPC from it, and
 * more rows than that, make an incomplete answer. */
static int
walk(struct asking *a, enum schema_table table, const struct schema_key *lo,
    const struct schema_key *hi, size_t looks, row_fn *fn)
{
	struct store_val first = schema_val(lo), last = schema_val(hi), k, v;
	struct store_walk w;
	int rc;

	rc = store_walk_init(&w, a->txn, table, &first, &last, false);
	if (rc != 0)
		return rc;
	while ((rc = store_walk_next(&w, &k, &v)) == 0) {
		rc = looks-- > 0 ? fn(a, &k, &v) : -ENOSPC;
		if (rc != 0)
			break;
	}
	store_walk_fini(&w);
	a->out->complete = rc == -ENOENT;
	return rc == -ENOENT || rc == -ENOSPC ? 0 : rc;
}

/* The contacts after read->peer. */
static int
list(struct asking *a, row_fn *fn)
{
	struct schema_key k = schema_name(a->read->peer), lo, hi;
	uint64_t after = 0;
	int rc = 0;

	if (a->read->peer[0] != '\0')
		rc = schema_find(a->txn, T_USER_IDS, &k, &after);
	if (rc != 0)
		return rc;
	lo = schema_key2(a->uid, after + 1);
	hi = schema_key2(a->uid, UINT64_MAX);
	/* A user has at most so many rows. */
	return walk(
	    a, T_CONTACTS, &lo, &hi, SIG_CONTACTS_MAX + SIG_INCOMING_MAX, fn);
}

/* By the user name first, then those whose nick begins so. */
static int
search(struct asking *a)
{
	struct schema_key k = nick_key(a->read->query), lo, hi;
	uint64_t other;
	uint8_t mem[8];
	struct buf b = buf_fixed(mem, sizeof(mem));
	struct store_val v = { mem, sizeof(mem) };
	int rc;

	rc = schema_find(a->txn, T_USER_IDS, &k, &other);
	if (rc == 0) {
		buf_u64(&b, other);
		rc = found_row(a, &v, &v);
		a->found = other;
	}
	if (rc != 0 && rc != -ENOENT)
		return rc;
	lo = hi = nick_key(a->read->query);
	hi.bytes[hi.len++] = 0xff; /* in no UTF-8 */
	return walk(a, T_NICKS, &lo, &hi, LOOK_MAX, found_row);
}

int
people_rows(struct store_txn *txn, uint64_t uid, const struct sig_read *read,
    struct sig_row *rows, struct sig_rows *out)
{
	struct asking a = { txn, uid, read, read->limit, rows, out, 0 };

	return read->kind == SIG_READ_SEARCH ? search(&a) : list(&a, list_row);
}

int
people_friends(struct store_txn *txn, uint64_t uid, const struct sig_read *read,
    size_t limit, struct sig_row *rows, struct sig_rows *out)
{
	struct asking a = { txn, uid, read, limit, rows, out, 0 };

	return list(&a, friend_row);
}

int
people_version(struct store_txn *txn, uint64_t uid, uint64_t *version)
{
	struct sig_contacts all;
	int rc;

	rc = contact_counts(txn, uid, &all);
	if (rc == 0)
		*version = all.version;
	return rc;
}
